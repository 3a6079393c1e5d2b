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
    /// Share of `maxConnections`, in percent, that is kept for zones with few connections: one zone, or some large ones together, cannot lock out the rest.
    reserved_percent: usize = "reservedPercent", 10, 0, 90;
    /// Connections up to which a zone may use the reserved share; a small partner's whole application.
    reserved_per_zone: usize = "reservedPerZone", 10, 1, 1_000_000;
    /// Connections that are not logged in yet, in all; they cost TLS and password checks, and waiting for a refusal is part of it. A quarter is kept for addresses with few of them.
    max_logins: usize = "maxLogins", 2_000, 1, 1_000_000;
    /// Connections of one client address that are not logged in yet; enough for a partner that starts hundreds of clients at once, a quarter of all.
    max_logins_per_address: usize = "maxLoginsPerAddress", 500, 1, 1_000_000;
    /// New connections a second in the long run, counted before TLS; a core does about a thousand TLS handshakes a second. A quarter of the burst is kept for addresses that come seldom.
    connections_per_second: usize = "connectionsPerSecond", 1_000, 1, 1_000_000;
    /// New connections at once; after a restart every client of every partner comes back in the same seconds.
    connections_burst: usize = "connectionsBurst", 10_000, 1, 1_000_000;
    /// New connections a second of one client address in the long run; reconnecting clients wait a second between attempts.
    connections_per_second_per_address: usize = "connectionsPerSecondPerAddress", 200, 1, 1_000_000;
    /// New connections of one client address at once; twice what one address may have open.
    connections_burst_per_address: usize = "connectionsBurstPerAddress", 2_000, 1, 1_000_000;
    /// Logins a second of one zone in the long run; those beyond wait before they are served, other zones do not.
    connections_per_second_per_zone: usize = "connectionsPerSecondPerZone", 200, 1, 1_000_000;
    /// Logins of one zone at once that do not wait; a partner that restarts hundreds of clients does not notice.
    connections_burst_per_zone: usize = "connectionsBurstPerZone", 1_000, 1, 1_000_000;
    /// Longest wait of a login for its zone's pace; clients give a first request 30 s.
    zone_delay_max: Duration = "zoneDelayMaxMs", 10_000, 0, 20_000;
    /// Longest wait before a failed login is refused; it begins at 100 ms and doubles with each failure of that user from that address.
    failed_login_delay_max: Duration = "failedLoginDelayMaxMs", 5_000, 100, 20_000;
    /// Time after which failures of a user from an address are forgotten; with the longest wait it is worth nothing to sit it out.
    failed_login_memory: Duration = "failedLoginMemoryMs", 900_000, 1_000, 86_400_000;
    /// Logins under way at once of a user that failed from the same address, waiting for a refusal included: with the longest wait 3 guesses a second.
    failed_logins_at_once: usize = "failedLoginsAtOnce", 16, 1, 10_000;
    /// Time after which a client must log in again on its connection (KIP-368), 0 for never. Revoking cuts connections at once without it, so it is off as in Kafka.
    session_max: Duration = "sessionMaxMs", 0, 0, 86_400_000;
    /// How far the clock of an identity provider may be from the gateway's, when a token's times are looked at; the default of Kafka's brokers.
    token_clock_skew: Duration = "tokenClockSkewMs", 30_000, 0, 600_000;
    /// Time after which the public keys of an identity provider are fetched anew; the default of Kafka's brokers. A connection whose key is gone from them is cut.
    jwks_refresh: Duration = "jwksRefreshMs", 3_600_000, 1_000, 86_400_000;
    /// Least time between two fetches of a provider's keys; a token with a key that is not known asks for one, and whoever sends such tokens must not make the gateway ask all the time.
    jwks_refresh_min: Duration = "jwksRefreshMinMs", 10_000, 100, 3_600_000;
    /// Time for a fetch of keys; a login that waits for it has to end within `authDeadlineMs`.
    jwks_deadline: Duration = "jwksDeadlineMs", 5_000, 100, 60_000;
    /// Size of a request other than Produce; the largest that stock clients send are metadata and group requests far below it.
    max_frame_bytes: usize = "maxFrameBytes", MIB, 1_024, 100 * MIB;
    /// Size of a Produce request; stock producers send 1 MiB by default, stock brokers take 100 MiB at most.
    max_produce_frame_bytes: usize = "maxProduceFrameBytes", 16 * MIB, 1_024, 100 * MIB;
    /// Size of a request before the client is known; Kafka allows 512 KiB, but names and passwords are small.
    max_pre_auth_frame_bytes: usize = "maxPreAuthFrameBytes", 64 * KIB, 1_024, 512 * KIB;
    /// Longest time for which it need not be certain that the store says nothing newer; beyond it nobody logs in. A broker that dies keeps its topics without a leader for ten seconds.
    store_staleness_max: Duration = "storeStalenessMaxMs", 30_000, 1_000, 3_600_000;
    /// The same, after which everybody is disconnected: whoever is revoked somewhere else must not be served for longer.
    store_close_after: Duration = "storeCloseAfterMs", 300_000, 1_000, 86_400_000;
    /// Requests of any kind that a zone may send in a second, counted by 64 of a connection, of which a tenth of a second may be saved up; beyond it its connections are not read for a while. A thousand busy clients send a tenth of it, and one zone must not take every core.
    requests_per_second_per_zone: usize = "requestsPerSecondPerZone", 20_000, 100, 100_000_000;
    /// Bytes of requests of one zone that are under way at once, besides one request that it may always have; beyond it nothing is read from its clients. Four of the largest requests.
    max_request_bytes_per_zone: usize = "maxRequestBytesPerZone", 64 * MIB, 64 * KIB, 64 * GIB;
    /// Bytes of answers to one zone that are under way at once, besides one answer that it may always have; beyond it nothing is read from brokers. Clients that read slowly hold their answers.
    max_answer_bytes_per_zone: usize = "maxAnswerBytesPerZone", 128 * MIB, 64 * KIB, 64 * GIB;
    /// Bytes of requests and answers of all zones together; a machine with less memory needs less. Each zone may have one request and one answer beyond it.
    max_buffered_bytes: usize = "maxBufferedBytes", GIB, 64 * KIB, 1_024 * GIB;
    /// Requests of one connection that wait for an answer; stock clients send 5 Produce requests ahead, librdkafka more.
    max_in_flight: usize = "maxInFlight", 32, 1, 1_024;
    /// Time from the connection to the end of SASL; a stalled client must not keep its place.
    auth_deadline: Duration = "authDeadlineMs", 10_000, 100, 300_000;
    /// Time for the TLS handshake.
    tls_deadline: Duration = "tlsDeadlineMs", 10_000, 100, 300_000;
    /// Time for a load balancer to send the header of the PROXY protocol; it knows the header before it connects.
    proxy_header_deadline: Duration = "proxyHeaderDeadlineMs", 5_000, 100, 60_000;
    /// Time for the rest of a request once its first byte is there; the request timeout of stock clients.
    frame_deadline: Duration = "frameDeadlineMs", 30_000, 100, 300_000;
    /// Bytes a second that a started request must keep up after its first 5 s; far below any line that Kafka works over.
    min_frame_bytes_per_second: usize = "minFrameBytesPerSecond", 1_024, 0, GIB;
    /// Silence after which a connection is closed; clients themselves close after 9 minutes.
    idle: Duration = "idleMs", 600_000, 1_000, 86_400_000;
    /// Time for a client to take an answer before its connection is closed.
    write_deadline: Duration = "writeDeadlineMs", 30_000, 100, 300_000;
    /// Bytes per second that a client must take of an answer, over each `writeDeadlineMs`; a slow modem manages it, one who holds memory by taking a byte now and then does not. 0 asks for any byte at all.
    min_answer_bytes_per_second: usize = "minAnswerBytesPerSecond", 4 * KIB, 0, GIB;
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
    /// Consumer groups that a zone may use within an hour; each stays in the offsets topic for a week.
    groups_per_zone: usize = "groupsPerZone", 1_000, 1, 1_000_000;
    /// Members of one classic consumer group; more than any group has partitions for. Groups of KIP-848 have a limit of the brokers' own.
    members_per_group: usize = "membersPerGroup", 1_000, 1, 1_000_000;
    /// Bytes of metadata that members of all classic groups of a zone may bring; they are heap of the coordinator until a session ends.
    member_bytes_per_zone: usize = "memberBytesPerZone", 64 * MIB, 64 * KIB, 64 * GIB;
    /// Transactional ids that a zone may use within an hour; one for each task of a large Streams application, and a few such.
    transactional_ids_per_zone: usize = "transactionalIdsPerZone", 1_000, 1, 1_000_000;
    /// Time for the state file to take a change; then the request is refused or its connection closed.
    state_deadline: Duration = "stateDeadlineMs", 5_000, 100, 60_000;
    /// Time for a broker to take the connection, TLS and SASL of a client before that client is let go.
    upstream_deadline: Duration = "upstreamDeadlineMs", 10_000, 100, 300_000;
    /// Refusals of one kind and zone that the audit log tells of in a minute; of more it keeps the count, so that no flood fills the disk.
    audit_events_per_minute: usize = "auditEventsPerMinute", 60, 1, 1_000_000;
    /// Size of the body of an operator's request; five times the biggest sensible manifest.
    admin_max_body_bytes: usize = "adminMaxBodyBytes", MIB, 1_024, 16 * MIB;
    /// Requests a second of one operator's address in the long run; a pipeline that applies zone after zone does about as many.
    admin_requests_per_second_per_address: usize = "adminRequestsPerSecondPerAddress", 100, 1, 1_000_000;
    /// Requests of one operator's address at once; a thousand zones are applied without a pause.
    admin_requests_burst_per_address: usize = "adminRequestsBurstPerAddress", 1_000, 1, 1_000_000;
    /// Connections of operators in all; a team, its pipelines and its dashboards have some dozens.
    admin_max_connections: usize = "adminMaxConnections", 512, 1, 100_000;
    /// Connections of one operator's address; half of all, so that one host that goes wrong leaves room for the others.
    admin_max_connections_per_address: usize = "adminMaxConnectionsPerAddress", 256, 1, 100_000;
    /// Time for the headers of an operator's request, and for which a connection may wait for the next one.
    admin_header_deadline: Duration = "adminHeaderDeadlineMs", 10_000, 100, 300_000;
    /// Time for the body of an operator's request; a whole one over a poor line.
    admin_body_deadline: Duration = "adminBodyDeadlineMs", 30_000, 100, 300_000;
    /// Longest time that an operator's connection is kept; whoever reads answers too slowly gives the place back.
    admin_connection_max: Duration = "adminConnectionMaxMs", 300_000, 1_000, 86_400_000;
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
    part(&mut fields, &mut limits.reserved_per_zone, "reservedPerZone", connections);
    part(&mut fields, &mut limits.max_logins, "maxLogins", connections);
    let logins = (limits.max_logins, "maxLogins");
    part(&mut fields, &mut limits.max_logins_per_address, "maxLoginsPerAddress", logins);
    let operators = (limits.admin_max_connections, "adminMaxConnections");
    part(
        &mut fields,
        &mut limits.admin_max_connections_per_address,
        "adminMaxConnectionsPerAddress",
        operators,
    );
    session_max(&mut fields, &mut limits.session_max);
    let frame = (limits.max_frame_bytes, "maxFrameBytes");
    part(&mut fields, &mut limits.max_pre_auth_frame_bytes, "maxPreAuthFrameBytes", frame);
    let fetch = (limits.fetch_max_bytes, "fetchMaxBytes");
    part(&mut fields, &mut limits.fetch_max_partition_bytes, "fetchMaxPartitionBytes", fetch);
    let requests = (limits.max_request_bytes_per_zone, "maxRequestBytesPerZone");
    part(&mut fields, &mut limits.max_produce_frame_bytes, "maxProduceFrameBytes", requests);
    let all = (limits.max_buffered_bytes, "maxBufferedBytes");
    part(&mut fields, &mut limits.max_request_bytes_per_zone, "maxRequestBytesPerZone", all);
    part(&mut fields, &mut limits.max_answer_bytes_per_zone, "maxAnswerBytesPerZone", all);
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

/// The shortest session: two logins of a connection must be a second apart (KIP-368), and clients begin early.
const SESSION_MIN: Duration = Duration::from_secs(2);

fn session_max(fields: &mut Fields<'_>, value: &mut Duration) {
    if value.is_zero() || *value >= SESSION_MIN {
        return;
    }
    if let Some(place) = fields.optional("sessionMaxMs") {
        place.fail(format_args!(
            "{} is too short for clients to log in again in time; write 0 for no end, or at least {}",
            value.as_millis(),
            SESSION_MIN.as_millis()
        ));
    }
    *value = Duration::ZERO;
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
