//! What every client may ask of the brokers through the gateway.

/// Ceilings, to which a larger wish is lowered and never refused, and APIs that may be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Longest wait of one Fetch, in milliseconds.
    pub fetch_max_wait_ms: i32,
    /// Most bytes of one Fetch answer.
    pub fetch_max_bytes: i32,
    /// Most bytes of one partition in a Fetch answer.
    pub fetch_max_partition_bytes: i32,
    /// Longest transaction, in milliseconds: an open one holds back every read_committed reader.
    pub transaction_timeout_max_ms: i32,
    /// Producer ids that a zone may be issued at once after a pause.
    pub producer_ids_burst: u32,
    /// Producer ids that a zone is issued in the long run.
    pub producer_ids_per_minute: u32,
    /// Seconds after its last use for which a producer id belongs to its zone.
    pub producer_id_retention_s: u64,
    /// Groups that a zone may use within an hour.
    pub groups_per_zone: usize,
    /// Members of one classic group.
    pub members_per_group: usize,
    /// Bytes of metadata that the members of all classic groups of a zone may bring.
    pub member_bytes_per_zone: usize,
    /// Transactional ids that a zone may use within an hour.
    pub transactional_ids_per_zone: usize,
    /// Whether partners may delete their own groups and these groups' offsets.
    pub delete_groups: bool,
}

impl Default for Policy {
    /// protocol limits of a gateway in front of brokers with their own defaults.
    fn default() -> Self {
        Self {
            // Half of the default request timeout of Java clients would already be generous.
            fetch_max_wait_ms: 30_000,
            // The default of Java consumers, fetch.max.bytes.
            fetch_max_bytes: 50 * 1024 * 1024,
            // Ten times the default of Java consumers, max.partition.fetch.bytes.
            fetch_max_partition_bytes: 10 * 1024 * 1024,
            // The default of Java producers, transaction.timeout.ms.
            transaction_timeout_max_ms: 60_000,
            // Every producer of a large partner starting at once.
            producer_ids_burst: 1_000,
            // A restart every few seconds; each id costs the cluster a record and the store a row.
            producer_ids_per_minute: 60,
            // Brokers keep a transactional id for 7 days (transactional.id.expiration.ms), producer ids for one; and a day.
            producer_id_retention_s: 8 * 24 * 3_600,
            // A large partner has some hundreds of applications; each group stays in the offsets topic for a week.
            groups_per_zone: 1_000,
            // More than any group has partitions for.
            members_per_group: 1_000,
            // A thousand members with long subscriptions; it is heap of the coordinator.
            member_bytes_per_zone: 64 * 1024 * 1024,
            // One for each task of a large Streams application, and a few such.
            transactional_ids_per_zone: 1_000,
            // Deleting an empty group or resetting offsets is daily work of whoever owns the consumers.
            delete_groups: true,
        }
    }
}
