//! Machines that are told what brokers would say.

use bytes::Bytes;
use tidegate_wire::batch::{BatchHeader, HEADER_LENGTH, LENGTH_OVERHEAD, MAGIC};
use tidegate_wire::crc::crc;

use super::testing::{DAY_MS, NOW, job};
use super::*;

/// The mirror's log and its producer are read twice, and then the source is asked for what comes next.
fn copying(seen: Seen, bounds: Bounds) -> (Copier, Vec<Order>) {
    copying_as(job(), seen, bounds)
}

fn copying_as(job: Job, seen: Seen, bounds: Bounds) -> (Copier, Vec<Order>) {
    let (copier, _) = Copier::begin(job);
    let mut copier = tell(copier, Event::Bounds(Ok(bounds))).0;
    for _ in 0..2 {
        let orders;
        (copier, orders) = tell(copier, Event::Seen(Ok(seen)));
        if copier.status(NOW).phase == Phase::Copying {
            return (copier, orders);
        }
        copier = tell(copier, Event::Woken).0;
    }
    panic!("{copier:?}");
}

fn tell(copier: Copier, event: Event) -> (Copier, Vec<Order>) {
    let attempt = copier.attempt();
    copier.on(attempt, NOW, event)
}

/// One record at an offset, and when it was written.
fn batch(base_offset: i64, timestamp: i64) -> Vec<u8> {
    let records = b"record";
    let header = BatchHeader {
        base_offset,
        length: i32::try_from(HEADER_LENGTH - LENGTH_OVERHEAD + records.len()).unwrap(),
        leader_epoch: 0,
        magic: MAGIC,
        crc: 0,
        attributes: 0,
        last_offset_delta: 0,
        base_timestamp: timestamp,
        max_timestamp: timestamp,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: 1,
    };
    [&header.sealed(crc(records), records.len())[..], records].concat()
}

fn appends(orders: &[Order]) -> Vec<(i64, Guarding)> {
    let append = |order: &Order| match order {
        Order::Append(append) => Some((append.base_offset, append.guarding)),
        _ => None,
    };
    orders.iter().filter_map(append).collect()
}

#[test]
fn nothing_goes_behind_the_first_young_record_until_the_broker_has_it() {
    let old = Producer { epoch: 0, last_sequence: 9, last_timestamp: NOW - 2 * DAY_MS };
    let seen = Seen { producer: Some(old), start: 10, end: 10, committed: 10 };
    let (copier, _) = copying(seen, Bounds { start: 10, end: 13 });
    let records: Vec<u8> = (10..13).flat_map(|offset| batch(offset, NOW)).collect();
    let fetched =
        Fetched { stable_end: 13, diverging: None, aborted: Vec::new(), records: Bytes::from(records) };
    let (copier, orders) = tell(copier, Event::Fetched(Ok(fetched)));
    assert_eq!(appends(&orders), [(10, Guarding::Lease)], "the broker may have forgotten the producer");
    let (_, orders) = tell(copier, Event::Appended { base_offset: 10, answer: Ok(10) });
    assert_eq!(appends(&orders), [(11, Guarding::Sequence), (12, Guarding::Sequence)]);
}

#[test]
fn a_gap_is_told_of_before_it_is_filled() {
    let seen = Seen { producer: None, start: 0, end: 0, committed: 0 };
    let (copier, orders) = copying(seen, Bounds { start: 100_000_000, end: 100_000_007 });
    assert_eq!(appends(&orders), [(0, Guarding::Lease)]);
    let filling = |copier: &Copier, now| copier.status(now).filling;
    assert_eq!(filling(&copier, NOW), Some(Filling { offsets: 100_000_000, left_ms: 20_000 }));
    let (copier, orders) = tell(copier, Event::Appended { base_offset: 0, answer: Ok(0) });
    assert_eq!(appends(&orders).len(), 2);
    assert_eq!(filling(&copier, NOW + 10), Some(Filling { offsets: 99_900_000, left_ms: 9_990 }));
}

#[test]
fn a_gap_is_filled_to_its_end_as_it_was_begun() {
    // A filler has 100,000 records: what is left behind the first would be short enough for markers.
    let limits = CopyLimits { markers_in_gap: 150_000, ..CopyLimits::default() };
    let job = Job { marker_epoch: Some(1), limits, ..job() };
    let young = Producer { epoch: 0, last_sequence: 9, last_timestamp: NOW };
    let seen = Seen { producer: Some(young), start: 10, end: 10, committed: 10 };
    for (gap, is_marked) in [(250_000, false), (150_000, true)] {
        let end = 10 + gap;
        let (copier, _) = copying_as(job, seen, Bounds { start: 10, end: end + 1 });
        let records = Bytes::from(batch(end, NOW));
        let fetched = Fetched { stable_end: end + 1, diverging: None, aborted: Vec::new(), records };
        let (mut copier, mut orders) = tell(copier, Event::Fetched(Ok(fetched)));
        for (base_offset, _) in appends(&orders) {
            let more;
            (copier, more) = tell(copier, Event::Appended { base_offset, answer: Ok(base_offset) });
            orders.extend(more);
        }
        let marks = orders.iter().filter(|order| matches!(order, Order::Mark(_))).count();
        assert_eq!(
            (marks, appends(&orders).is_empty()),
            (usize::from(is_marked), is_marked),
            "of {gap} offsets"
        );
    }
}
