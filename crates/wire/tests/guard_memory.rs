//! A hostile length costs no memory. Alone in its file, as the allocator counts for the whole process.

use peak_alloc::PeakAlloc;
use tidegate_wire::Bytes;
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec;
use tidegate_wire::guard;
use tidegate_wire::messages::{FetchRequest, MetadataRequest};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MAX_EXTRA_BYTES: usize = 1024;

#[test]
fn a_huge_count_is_refused_without_memory() {
    let metadata = Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]);
    // Fetch v12: a compact count of topics of 2^31 - 2.
    let mut fetch = [0; 4 + 4 + 4 + 4 + 1 + 4 + 4].to_vec();
    fetch.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x07]);
    let fetch = Bytes::from(fetch);

    let extra = extra_bytes(|| {
        assert!(guard::check_request(ApiKey::Metadata, 1, &metadata).is_err());
        assert!(codec::decode::<MetadataRequest>(1, &metadata).is_err());
        assert!(codec::decode::<FetchRequest>(12, &fetch).is_err());
    });
    assert!(extra < MAX_EXTRA_BYTES, "{extra} bytes");
}

/// The most memory in use during `work`, above what was in use before.
fn extra_bytes(work: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before)
}
