//! Rewriting a Fetch answer takes a fixed number of buffers and copies no record.

#![allow(clippy::unwrap_used, reason = "a test: an input that cannot be made fails it")]

use allocation_counter::measure;
use tidegate_benches::batch::RECORD_BYTES;
use tidegate_benches::hot::{FetchAnswer, Naming, Shape};

/// A shape for a number of partitions.
type OfPartitions = fn(usize) -> Shape;

const SHAPES: [(&str, OfPartitions); 2] =
    [("one topic", Shape::one_topic), ("a topic for each partition", Shape::topics)];

#[test]
fn a_partition_more_costs_no_allocation() {
    for naming in Naming::ALL {
        for (name, shape) in SHAPES {
            let few = allocations(naming, shape(100));
            let many = allocations(naming, shape(1_000));
            assert!(few > 0, "the allocator does not count");
            assert_eq!(many, few, "by {}, {name}", naming.word());
        }
    }
}

#[test]
fn records_stay_where_they_are() {
    for naming in Naming::ALL {
        for (name, shape) in SHAPES {
            let answer = FetchAnswer::new(naming, shape(100)).unwrap();
            let memory = answer.memory();
            let (mut inside, mut outside) = (0, 0);
            for piece in answer.rewrite().unwrap().pieces() {
                let in_place = memory.contains(&piece.as_ptr());
                *(if in_place { &mut inside } else { &mut outside }) += piece.len();
            }
            assert_eq!(inside, 100 * RECORD_BYTES, "by {}, {name}", naming.word());
            assert!(outside < RECORD_BYTES * 10, "an envelope of {outside} bytes");
        }
    }
}

fn allocations(naming: Naming, shape: Shape) -> u64 {
    let answer = FetchAnswer::new(naming, shape).unwrap();
    measure(|| drop(answer.rewrite().unwrap())).count_total
}
