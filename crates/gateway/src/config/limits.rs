//! What clients may use up: each limit with its default, its range and the reason beside it.

use std::time::Duration;

use tidegate_core::document::{Fields, Place};

/// One limit, as the reference page lists it.
#[derive(Debug, Clone, Copy)]
pub struct LimitSpec {
    /// The key under `limits`.
    pub key: &'static str,
    /// Its value if nothing is written.
    pub default: u64,
    /// The smallest value allowed.
    pub min: u64,
    /// The largest value allowed.
    pub max: u64,
    /// What it limits, and why this is the default.
    pub reason: &'static str,
}

/// Declares the limits once: as fields, as defaults, as keys to read and as rows of the reference.
macro_rules! limits {
    ($($(#[doc = $reason:literal])+ $field:ident: $type:ty = $key:literal, $default:expr, $min:expr, $max:expr;)+) => {
        /// What clients may use up.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $reason])+ pub $field: $type,)+
        }

        /// Every limit, in the order of the reference.
        pub const LIMITS: &[LimitSpec] = &[
            $(LimitSpec { key: $key, default: $default, min: $min, max: $max, reason: concat!($($reason),+) },)+
        ];

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: <$type as LimitValue>::of($default),)+ }
            }
        }

        fn read_each(fields: &mut Fields<'_>) -> Limits {
            Limits { $($field: read_one(fields, $key, $default, $min, $max),)+ }
        }
    };
}

limits! {
    /// Connections of partners in all; each costs up to 24 KiB and two sockets.
    max_connections: usize = "maxConnections", 10_000, 1, 1_000_000;
    /// Connections of one zone, so that a single partner cannot take every place.
    max_connections_per_zone: usize = "maxConnectionsPerZone", 2_000, 1, 1_000_000;
    /// Connections of one client address, checked before TLS; a whole company may stand behind one.
    max_connections_per_address: usize = "maxConnectionsPerAddress", 1_000, 1, 1_000_000;
    /// Size of a request other than Produce; the largest that stock clients send are metadata and group requests far below it.
    max_frame_bytes: usize = "maxFrameBytes", MIB, 1_024, 100 * MIB;
    /// Size of a Produce request; stock producers send 1 MiB by default, stock brokers take 100 MiB at most.
    max_produce_frame_bytes: usize = "maxProduceFrameBytes", 16 * MIB, 1_024, 100 * MIB;
    /// Size of a request before the client is known; Kafka allows 512 KiB, but names and passwords are small.
    max_pre_auth_frame_bytes: usize = "maxPreAuthFrameBytes", 64 * KIB, 1_024, 512 * KIB;
    /// Requests of one connection that wait for an answer; stock clients send 5 Produce requests ahead, librdkafka more.
    max_in_flight: usize = "maxInFlight", 32, 1, 1_024;
    /// Time from the connection to the end of SASL; a stalled client must not keep its place.
    auth_deadline: Duration = "authDeadlineMs", 10_000, 100, 300_000;
    /// Time for the TLS handshake.
    tls_deadline: Duration = "tlsDeadlineMs", 10_000, 100, 300_000;
    /// Time for the rest of a request once its first byte is there; the request timeout of stock clients.
    frame_deadline: Duration = "frameDeadlineMs", 30_000, 100, 300_000;
    /// Silence after which a connection is closed; clients themselves close after 9 minutes.
    idle: Duration = "idleMs", 600_000, 1_000, 86_400_000;
    /// Time for a client to take an answer before its connection is closed.
    write_deadline: Duration = "writeDeadlineMs", 30_000, 100, 300_000;
    /// Longest time that a Fetch may wait for records; longer wishes are cut to it.
    fetch_max_wait: Duration = "fetchMaxWaitMs", 30_000, 0, 300_000;
    /// Bytes that one Fetch may ask for; the default of stock consumers. Larger wishes are cut to it.
    fetch_max_bytes: usize = "fetchMaxBytes", 50 * MIB, 1_024, GIB;
    /// Bytes that one Fetch may ask for of one partition; larger wishes are cut to it.
    fetch_max_partition_bytes: usize = "fetchMaxPartitionBytes", 10 * MIB, 1_024, GIB;
    /// Longest timeout of a transaction; an open one keeps all read_committed readers of the topic waiting.
    transaction_timeout_max: Duration = "transactionTimeoutMaxMs", 60_000, 1_000, 900_000;
    /// Producer ids that a zone may be issued at once; every producer of a large partner may start in the same minute.
    producer_ids_burst: usize = "producerIdsBurst", 1_000, 1, 1_000_000;
    /// Producer ids that a zone is issued in the long run; each costs the cluster and the state file something for good.
    producer_ids_per_minute: usize = "producerIdsPerMinute", 60, 1, 1_000_000;
    /// Time after its last use for which a producer id belongs to its zone; brokers keep a transactional id for 7 days.
    producer_id_retention: Duration = "producerIdRetentionMs", 691_200_000, 86_400_000, 31_536_000_000;
    /// Time for the state file to take a change; then the request is refused or its connection closed.
    state_deadline: Duration = "stateDeadlineMs", 5_000, 100, 60_000;
    /// Time for a broker to take the connection, TLS and SASL of a client before that client is let go.
    upstream_deadline: Duration = "upstreamDeadlineMs", 10_000, 100, 300_000;
    /// Refusals of one kind and zone that the audit log tells of in a minute; of more it keeps the count, so that no flood fills the disk.
    audit_events_per_minute: usize = "auditEventsPerMinute", 60, 1, 1_000_000;
    /// Time that open requests get at shutdown; less than the 30 s after which service managers kill.
    drain_deadline: Duration = "drainDeadlineMs", 20_000, 0, 600_000;
}

/// Reads `limits`; what is absent has its default, or its whole's value if that is smaller.
pub(super) fn read(place: Option<Place<'_>>) -> Limits {
    let Some(mut fields) = place.and_then(|place| place.fields()) else { return Limits::default() };
    let mut limits = read_each(&mut fields);
    let connections = (limits.max_connections, "maxConnections");
    part(&mut fields, &mut limits.max_connections_per_zone, "maxConnectionsPerZone", connections);
    part(&mut fields, &mut limits.max_connections_per_address, "maxConnectionsPerAddress", connections);
    let frame = (limits.max_frame_bytes, "maxFrameBytes");
    part(&mut fields, &mut limits.max_pre_auth_frame_bytes, "maxPreAuthFrameBytes", frame);
    let fetch = (limits.fetch_max_bytes, "fetchMaxBytes");
    part(&mut fields, &mut limits.fetch_max_partition_bytes, "fetchMaxPartitionBytes", fetch);
    fields.finish();
    limits
}

/// A limit that can never be reached is a mistake if somebody wrote it, and is lowered if nobody did.
fn part(fields: &mut Fields<'_>, value: &mut usize, key: &'static str, (whole, whole_key): (usize, &str)) {
    if *value <= whole {
        return;
    }
    if let Some(place) = fields.optional(key) {
        place.fail(format_args!(
            "{value} is more than `{whole_key}` ({whole}), so it would never be reached; lower it, or raise the other"
        ));
    }
    *value = whole;
}

/// A type that a limit may have.
trait LimitValue {
    fn of(number: u64) -> Self;
}

impl LimitValue for usize {
    fn of(number: u64) -> Self {
        Self::try_from(number).unwrap_or(Self::MAX)
    }
}

impl LimitValue for Duration {
    fn of(number: u64) -> Self {
        Self::from_millis(number)
    }
}

fn read_one<T: LimitValue>(
    fields: &mut Fields<'_>,
    key: &'static str,
    default: u64,
    min: u64,
    max: u64,
) -> T {
    let place = fields.optional(key);
    let number = place.as_ref().and_then(Place::whole_number);
    match (place, number) {
        (Some(place), Some(number)) if !(min..=max).contains(&number) => {
            place.fail(format_args!("{number} is out of range; write {min} to {max}"));
            T::of(default)
        }
        (_, number) => T::of(number.unwrap_or(default)),
    }
}

const KIB: u64 = 1_024;
const MIB: u64 = 1_024 * KIB;
const GIB: u64 = 1_024 * MIB;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_in_its_range() {
        for spec in LIMITS {
            assert!((spec.min..=spec.max).contains(&spec.default), "{}", spec.key);
            assert!(spec.reason.len() > 20, "{}", spec.key);
        }
    }
}
