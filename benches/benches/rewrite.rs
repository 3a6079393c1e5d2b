//! Fetch answers and Produce requests between the two name spaces, 1 KB of records in each partition.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, reason = "a bench whose input is broken has nothing to measure")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tidegate_benches::hot::{FetchAnswer, Naming, ProduceCall, Shape};

fn fetch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fetch_rewrite");
    for naming in Naming::ALL {
        for partitions in [1, 100, 1_000] {
            let answer = FetchAnswer::new(naming, Shape::one_topic(partitions)).unwrap();
            group.throughput(Throughput::Bytes(answer.bytes() as u64));
            group.bench_function(BenchmarkId::new(naming.word(), partitions), |bencher| {
                bencher.iter(|| answer.rewrite().unwrap());
            });
        }
    }
    group.finish();
}

fn produce(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("produce_rewrite");
    for naming in Naming::ALL {
        for partitions in [1, 100] {
            let call = ProduceCall::new(naming, partitions).unwrap();
            group.throughput(Throughput::Bytes(call.bytes() as u64));
            group.bench_function(BenchmarkId::new(naming.word(), partitions), |bencher| {
                bencher.iter(|| call.rewrite().unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, fetch, produce);
criterion_main!(benches);
