//! What a batch says never decides how much memory it takes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop the test"
)]

use bytes::{BufMut, Bytes, BytesMut};
use peak_alloc::PeakAlloc;
use tidegate_link::rewrite::{Limits, RewriteError, rewrite};
use tidegate_link::source::{Answer, pieces};

mod hand;

use hand::{Frame, framed, packed};

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// Room for the decompressed bytes while it doubles, and for what the codecs need: LZ4 takes 12 MiB for blocks of 4.
const MOST: usize = 24 << 20;

/// One test, since they would count each other's memory.
#[test]
fn bombs_and_lies_take_no_memory() {
    let limits = Limits { decompressed: 4 << 20, written: 8 << 20 };
    let zeros = vec![0; 64 << 20];
    for codec in 1..=4 {
        let bomb = framed(frame(codec, i32::MAX), &packed(codec, &zeros));
        let error = peak(&bomb, &limits, &format!("bomb of codec {codec}"));
        assert!(
            matches!(error, RewriteError::TooLarge { base_offset: 0, limit } if limit == 4 << 20),
            "{error:?}"
        );
    }
    drop(zeros);
    // Every other one of half a million records of seven bytes is gone, so each left is a run.
    let mut plain = BytesMut::new();
    for delta in (1..500_000).step_by(2) {
        hand::put_record(&mut plain, &hand::Seen::default(), delta, 0);
    }
    for codec in 0..=4 {
        let error = peak(&framed(frame(codec, 250_000), &packed(codec, &plain)), &limits, "many runs");
        assert!(matches!(error, RewriteError::TooMuchWritten { limit, .. } if limit == 8 << 20), "{error:?}");
    }
    // Frames that ask for a window of 128 MiB, or for blocks of 4 MiB, and have nothing.
    let window = b"\x28\xb5\x2f\xfd\x00\x88\x01\x00\x00";
    peak(&framed(frame(4, 1), window), &limits, "window");
    let content = b"\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x00\x01\x00\x00";
    peak(&framed(frame(4, 1), content), &limits, "content size");
    peak(&framed(frame(3, 1), b"\x04\x22\x4d\x18\x60\x70\x73"), &limits, "blocks");
    peak(&framed(frame(2, 1), b"\xff\xff\xff\xff\x0f\x00"), &limits, "block length");
    let mut record = BytesMut::new();
    record.put_slice(b"\xfe\xff\xff\xff\x0f");
    for codec in 0..=4 {
        peak(&framed(frame(codec, i32::MAX), &packed(codec, &record)), &limits, "record length and count");
    }
    an_answer_takes_twice_what_may_be_written(&limits);
}

/// Batches that are small, and each of them within the limits, but not all together.
fn an_answer_takes_twice_what_may_be_written(limits: &Limits) {
    let mut plain = BytesMut::new();
    for delta in (1..100_000).step_by(2) {
        hand::put_record(&mut plain, &hand::Seen::default(), delta, 0);
    }
    let packed = packed(4, &plain);
    let batch = |base_offset| {
        let frame = Frame { base_offset, last_offset_delta: 99_999, ..frame(4, 50_000) };
        framed(frame, &packed)
    };
    let records: Bytes = (0..30).map(|place| batch(100_000 * place)).collect::<Vec<_>>().concat().into();
    PEAK.reset_peak_usage();
    let before = PEAK.current_usage();
    let told = pieces(Answer { records, aborted: Vec::new() }, 0, limits).unwrap();
    let taken = PEAK.peak_usage() - before;
    assert!(taken < MOST + 2 * limits.written, "{taken}");
    assert_eq!(told.next, 200_000);
}

fn frame(codec: i16, count: i32) -> Frame {
    Frame {
        base_offset: 0,
        attributes: codec,
        last_offset_delta: i32::MAX,
        base_timestamp: 0,
        max_timestamp: 0,
        count,
    }
}

fn peak(batch: &Bytes, limits: &Limits, what: &str) -> RewriteError {
    PEAK.reset_peak_usage();
    let before = PEAK.current_usage();
    let error = rewrite(batch, 0, limits).unwrap_err();
    let taken = PEAK.peak_usage() - before;
    assert!(taken < MOST, "{what} of {} bytes took {taken}: {error:?}", batch.len());
    error
}
