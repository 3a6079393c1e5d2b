//! The guard alone, and the guard with the codec crate behind it.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, reason = "a bench whose input is broken has nothing to measure")]

use criterion::{Criterion, criterion_group, criterion_main};
use kafka_protocol::messages::{FetchRequest, JoinGroupRequest, MetadataRequest};
use kafka_protocol::protocol::Decodable;
use tidegate_benches::hot::{self, Encoded};
use tidegate_wire::codec::{self, Guarded};
use tidegate_wire::guard;

fn decode(criterion: &mut Criterion) {
    both::<MetadataRequest>(criterion, "metadata", &hot::metadata().unwrap());
    both::<JoinGroupRequest>(criterion, "join_group", &hot::join_group().unwrap());
    both::<FetchRequest>(criterion, "fetch_100_partitions", &hot::fetch(100).unwrap());
}

fn both<M: Guarded + Decodable>(criterion: &mut Criterion, name: &str, request: &Encoded) {
    let Encoded { version, body } = request;
    let mut group = criterion.benchmark_group(name);
    group.bench_function("guard", |bencher| {
        bencher.iter(|| guard::check_request(M::KEY, *version, body).unwrap());
    });
    group.bench_function("guard_and_decode", |bencher| {
        bencher.iter(|| codec::decode::<M>(*version, body).unwrap());
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
