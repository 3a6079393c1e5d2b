//! Topics into which links have written.

use std::sync::Arc;

use tidegate_core::names::MirrorTopic;
use tidegate_core::{LinkId, ProducerIds};
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::filler::{self, Kind, hide};
use tidegate_wire::stamp::Guard;

use super::*;

const LINKS: [LinkId; 2] = [LinkId::from_bytes([1; 16]), LinkId::from_bytes([2; 16])];
const FOREIGN: LinkId = LinkId::from_bytes([3; 16]);

/// What a link appends where its source has nothing.
fn filler(link: LinkId, partition: i32) -> Vec<u8> {
    let topic = MirrorTopic::parse(testing::ORDERS_BACKING).unwrap();
    let producer_id = ProducerIds::of(link, &topic, partition).data;
    let guard = Guard { producer_id, producer_epoch: 0, base_sequence: 5 };
    let made = filler::make(&Kind::Plain.entries()[3], 5, 1_700_000_000_000, guard);
    [&made.header[..], &made.records].concat()
}

fn hidden(filler: &[u8]) -> Vec<u8> {
    hide(&BatchHeader::read(filler).unwrap()).to_vec()
}

/// A broker that has these records in every partition of every topic.
fn holding(records: &[u8]) -> impl Fn(&FetchRequest) -> FetchResponse {
    let records = Bytes::copy_from_slice(records);
    move |request| {
        let mut answer = broker(request);
        let partitions = answer.responses.iter_mut().flat_map(|topic| &mut topic.partitions);
        partitions.for_each(|partition| partition.records = Some(records.clone()));
        answer
    }
}

/// The records of each partition of `orders` that is asked for.
fn read(version: i16, zone: &Arc<ZoneView>, later: &ZoneView, partitions: &[i32], log: &[u8]) -> Vec<Bytes> {
    let bench = Bench::of(Arc::clone(zone));
    let asked = fetch(version, vec![topic(version, "orders", bench.virtual_id("orders"), partitions)]);
    let (_, got) = bench.exchange_seen_by(&Fetch, version, &asked, holding(log), Some(later));
    got.responses[0].partitions.iter().map(|partition| partition.records.clone().unwrap()).collect()
}

#[test]
fn fillers_of_each_link_are_hidden_in_the_partition_that_they_are_for() {
    let zone = testing::mirroring(&LINKS);
    let [one, other, foreign] = [LINKS[0], LINKS[1], FOREIGN].map(|link| filler(link, 0));
    let log = [&one[..], &foreign, &other].concat();
    let shown = [&hidden(&one)[..], &foreign, &hidden(&other)].concat();
    for version in Fetch.versions().iter() {
        let got = read(version, &zone, &zone, &[0, 1], &log);
        assert_eq!(got, [shown.clone(), log.clone()], "version {version}");
    }
}

#[test]
fn a_topic_into_which_no_link_has_written_keeps_its_bytes() {
    let (plain, log) = (testing::zone(testing::ZONE), filler(LINKS[0], 0));
    for version in Fetch.versions().iter() {
        assert_eq!(read(version, &plain, &plain, &[0], &log), [&log[..]], "version {version}");
    }
}

#[test]
fn what_became_a_mirror_while_the_broker_waited_is_shown_without_fillers() {
    let (plain, mirror) = (testing::zone(testing::ZONE), testing::mirroring(&LINKS));
    let log = filler(LINKS[1], 0);
    for version in Fetch.versions().iter() {
        assert_eq!(read(version, &plain, &mirror, &[0], &log), [hidden(&log)], "version {version}");
        assert_eq!(read(version, &mirror, &plain, &[0], &log), [&log[..]], "and back");
    }
}

#[test]
fn twins_of_a_mirror_show_no_filler() {
    let (version, log) = (12, filler(LINKS[0], 0));
    let zone = testing::mirroring_twins(&LINKS);
    let bench = Bench::of(zone);
    let ids = ["first", "second"].map(|alias| (alias, bench.virtual_id(alias)));
    let asked = fetch(version, ids.map(|(alias, id)| topic(version, alias, id, &[0])).into());
    let (_, got) = bench.exchange(&Fetch, version, &asked, holding(&log));
    let mut records: Vec<_> =
        got.responses.iter().map(|topic| topic.partitions[0].records.clone().unwrap_or_default()).collect();
    records.sort();
    assert_eq!(records, [Bytes::new(), hidden(&log).into()]);
}

#[test]
fn the_answer_for_a_mirror_does_not_pass_and_nobody_is_cut_off() {
    let (plain, mirror) = (testing::zone(testing::ZONE), testing::mirroring(&LINKS));
    let addresses = testing::addresses();
    for (asked_of, now, passes) in [
        (&plain, &plain, true),
        (&mirror, &mirror, false),
        (&plain, &mirror, false),
        (&mirror, &plain, false),
    ] {
        let bench = Bench::of(Arc::clone(asked_of));
        for version in Fetch.versions().iter() {
            let asked = fetch(version, vec![topic(version, "orders", bench.virtual_id("orders"), &[0])]);
            let Outcome::Forward { requests, reply } =
                bench.ask(&Fetch, &testing::request_of(version, &asked))
            else {
                panic!("did not go upstream")
            };
            let context = ReplyContext::new(Some(now), &addresses, testing::NOW);
            let answer = answered(version, &requests);
            assert_eq!(reply.may_pass(&context, &answer), passes, "version {version}");
            assert_eq!(reply.give_up(&context).unwrap(), None, "the broker goes on waiting");
            let prices = fetch(version, vec![topic(version, "prices", bench.virtual_id("prices"), &[0])]);
            let Outcome::Forward { requests, reply } =
                bench.ask(&Fetch, &testing::request_of(version, &prices))
            else {
                panic!("did not go upstream")
            };
            assert!(reply.may_pass(&context, &answered(version, &requests)), "a topic beside the mirror");
        }
    }
}
