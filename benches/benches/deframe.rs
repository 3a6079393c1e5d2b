//! Cutting frames off a receive buffer.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use bytes::{BufMut, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tidegate_wire::frame::{FrameLimits, next_frame};

const LIMITS: FrameLimits = FrameLimits::uniform(1024 * 1024);
const FRAMES: usize = 64;

fn deframe(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("deframe");
    for (name, size) in [("100_B", 100), ("128_KB", 128 * 1024)] {
        let stream = stream(size);
        group.throughput(Throughput::Elements(FRAMES as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| stream.clone(), cut, BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// Returns the frames so that freeing them is not measured.
fn cut(mut buffer: BytesMut) -> (BytesMut, [Option<BytesMut>; FRAMES]) {
    let mut frames = [const { None }; FRAMES];
    for place in &mut frames {
        *place = next_frame(&mut buffer, LIMITS).unwrap_or_default();
    }
    (buffer, frames)
}

fn stream(size: usize) -> BytesMut {
    let mut stream = BytesMut::new();
    for _ in 0..FRAMES {
        stream.put_u32(u32::try_from(size).unwrap_or(u32::MAX));
        stream.put_bytes(0, size);
    }
    stream
}

criterion_group!(benches, deframe);
criterion_main!(benches);
