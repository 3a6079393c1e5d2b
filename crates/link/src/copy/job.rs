//! What a copy machine is told about its partition.

use tidegate_wire::filler::Kind;

/// One partition of a mirror topic, and how it may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// The link's own producer id for this partition: what it writes is known by it.
    pub producer_id: i64,
    /// The producer id of its markers, which is another one.
    pub marker_id: i64,
    /// The number of the lease, where the link may write markers: the next worker's is higher and fences this one's markers.
    pub marker_epoch: Option<i32>,
    /// Which fillers the topic takes once its start is set. Until then the link keeps it from being compacted.
    pub fillers: Kind,
    /// Whether source or mirror may drop records from the middle of its log, so that one that is missing means nothing.
    pub compacted: bool,
    /// How long brokers of the mirror know a producer after the greatest timestamp of its last batch
    /// (`producer.id.expiration.ms`), in milliseconds.
    pub producer_expiration_ms: i64,
    /// How much at once.
    pub limits: CopyLimits,
}

/// What a partition takes of memory, of brokers and of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyLimits {
    /// Most appends without an answer while the broker guards them.
    pub in_flight: usize,
    /// Fetched and not yet sent, in bytes: less asks for more.
    pub queued_bytes: usize,
    /// Most markers in one request.
    pub markers_at_once: u32,
    /// The longest gap that is filled with markers.
    pub markers_in_gap: u64,
    /// How long a source may end before its mirror does until that counts as lost, in milliseconds.
    pub behind_ms: i64,
    /// How long to wait before the log is read a second time, in milliseconds.
    pub settle_ms: i64,
    /// The first pause after trouble, in milliseconds; each further one is twice as long. Each partition takes between a half and all of
    /// that, so that those of a broker that was away do not all come back in the same moment.
    pub rest_ms: i64,
    /// The longest pause, in milliseconds.
    pub longest_rest_ms: i64,
    /// What may be taken of one batch that is written anew.
    pub rewrite: crate::rewrite::Limits,
}

impl Default for CopyLimits {
    fn default() -> Self {
        Self {
            // Brokers know the last five batches of a producer again.
            in_flight: 5,
            // Two answers of common size: one is written while the next is on its way. What lies there for longer is no longer in the
            // caches of the processor when it is sent.
            queued_bytes: 2 << 20,
            // 18 to 50 ms for a broker.
            markers_at_once: 1_000,
            // Some 20 seconds and 78 MB of log; beyond that, fillers of records are 200 times faster.
            markers_in_gap: 1_000_000,
            // Elections take seconds; a source that is still behind then has lost what it had.
            behind_ms: 30_000,
            // A request that a broker has read before its connection was closed is done within that, but for broken disks.
            settle_ms: 1_000,
            rest_ms: 100,
            longest_rest_ms: 10_000,
            rewrite: crate::rewrite::Limits::default(),
        }
    }
}
