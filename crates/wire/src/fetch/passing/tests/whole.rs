//! What passes is what the whole answer would have been.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// One partition, as far as a version has it.
#[derive(Debug, Clone)]
struct Part {
    error: i16,
    aborted: Option<usize>,
    replica: i32,
    diverging: bool,
    /// Node 2 is not advertised.
    leader: Option<i32>,
    records: Option<usize>,
    secret_tag: bool,
}

fn part() -> impl Strategy<Value = Part> {
    let aborted = prop::option::of(0_usize..4);
    let records = prop::option::of(prop_oneof![Just(0_usize), 1..200_usize, 200..20_000_usize]);
    let leader = prop::option::weighted(0.3, prop_oneof![4 => Just(1), 1 => Just(2)]);
    let error = prop_oneof![3 => Just(0_i16), 1 => Just(1), 1 => Just(6)];
    (error, aborted, -1..3, any::<bool>(), leader, records, prop::bool::weighted(0.1)).prop_map(
        |(error, aborted, replica, diverging, leader, records, secret_tag)| Part {
            error,
            aborted,
            replica,
            diverging,
            leader,
            records,
            secret_tag,
        },
    )
}

/// A topic: lengths of the upstream name and of the one that is shown, and its partitions.
fn answered() -> impl Strategy<Value = (usize, usize, Vec<Part>)> {
    let length = || prop_oneof![0..10_usize, 115..130_usize, 0..245_usize];
    (length(), length(), prop::collection::vec(part(), 0..5))
}

fn partition(version: i16, index: i32, part: &Part) -> PartitionData {
    let aborted =
        |first| AbortedTransaction::default().with_first_offset(first).with_producer_id(ProducerId(1));
    let records = part.records.map(|length| Bytes::from(vec![b'r'; length]));
    let mut data = PartitionData::default()
        .with_partition_index(index)
        .with_error_code(part.error)
        .with_high_watermark(7)
        .with_last_stable_offset(5)
        .with_aborted_transactions(part.aborted.map(|count| (0..).take(count).map(aborted).collect()))
        .with_records(records);
    if version >= LOG_START_SINCE {
        data.log_start_offset = 3;
    }
    if version >= PREFERRED_REPLICA_SINCE {
        data.preferred_read_replica = BrokerId(part.replica);
    }
    if version >= FLEXIBLE_SINCE {
        if part.diverging {
            data.diverging_epoch = EpochEndOffset::default().with_epoch(4).with_end_offset(44);
        }
        if let Some(leader) = part.leader {
            data.current_leader =
                LeaderIdAndEpoch::default().with_leader_id(BrokerId(leader)).with_leader_epoch(6);
        }
        if part.secret_tag {
            data.unknown_tagged_fields.insert(77, Bytes::from_static(b"upstream secret"));
        }
    }
    data
}

/// Without what is made neutral here and left out there.
fn comparable(mut response: FetchResponse) -> FetchResponse {
    let partitions = response.responses.iter_mut().flat_map(|topic| &mut topic.partitions);
    partitions.for_each(|partition| partition.unknown_tagged_fields.clear());
    response
}

/// The frame cut at those places.
fn chunks<'a>(frame: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(frame.len() + 1)).chain([0, frame.len()]).collect();
    at.sort_unstable();
    at.windows(2).map(|pair| &frame[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn it_is_what_the_whole_would_be(
        version in VERSIONS,
        topics in prop::collection::vec(answered(), 1..6),
        cuts in prop::collection::vec(any::<Index>(), 0..20),
        // Cuts between the first numbers and names are few in long frames.
        early in 0..60_usize,
    ) {
        let names: Vec<_> = (0..).zip(&topics).map(|(number, (upstream, shown, _))| {
            (format!("{number}{}", "u".repeat(*upstream)), format!("{number}{}", "s".repeat(*shown)))
        }).collect();
        let plan = Plan::between(version, names.iter().map(|(upstream, shown)| (&**upstream, &**shown)));
        let sent = (1..).zip(&names).zip(&topics).map(|((number, (name, _)), (_, _, parts))| {
            let parts = (0..).zip(parts).map(|(index, part)| partition(version, index, part));
            topic(version, number, name, parts.collect())
        });
        let sent = response(version, sent.collect());
        let frame = framed(version, &sent);
        let whole = whole(version, &frame, &plan);

        let (begin, end) = frame.split_at(early.min(frame.len()));
        let chunks = begin.chunks(1).chain(chunks(end, &cuts));
        let (mut out, mut received) = (Vec::new(), BytesMut::new());
        passed_into(&mut out, version, chunks, &mut received, &plan).unwrap();
        prop_assert!(received.is_empty());

        let mut parts = topics.iter().flat_map(|(_, _, parts)| parts);
        if version >= FLEXIBLE_SINCE && parts.any(|part| part.secret_tag || part.leader == Some(2)) {
            prop_assert!(!out.windows(8).any(|window| window == b"upstream"));
            prop_assert_eq!(comparable(decoded(version, &out)), decoded(version, &whole));
        } else {
            prop_assert_eq!(&out[..], &whole[..]);
        }
    }
}
