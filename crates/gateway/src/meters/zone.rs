//! What is counted for each zone: looked up once per connection, then only added to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge, counter, gauge};
use tidegate_authz::{Flow, RefusedKind};
use tidegate_core::ZoneName;
use tidegate_wire::api::ApiKey;

/// Zones that have series of their own in one life of the process; what comes later is counted together, so that
/// zones made and deleted without end do not fill the memory of whoever collects.
const MAX_ZONES: usize = 10_000;

/// The zone under which the rest is counted; no zone can be called so, for it has an upper-case letter.
const OTHERS: &str = "Others";

/// The counters of every zone.
#[derive(Debug, Default)]
pub(crate) struct ZoneRegistry {
    zones: Mutex<HashMap<ZoneName, Arc<ZoneMeters>>>,
}

impl ZoneRegistry {
    /// The counters of a zone.
    pub(crate) fn of(&self, zone: &ZoneName) -> Arc<ZoneMeters> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = zones.get(zone) {
            return Arc::clone(known);
        }
        let name = if zones.len() < MAX_ZONES { zone.as_str() } else { OTHERS };
        let made = Arc::new(ZoneMeters::new(name));
        if zones.len() < MAX_ZONES {
            zones.insert(zone.clone(), Arc::clone(&made));
        }
        made
    }
}

/// The counters of one zone.
pub(crate) struct ZoneMeters {
    open: Gauge,
    requests: [Counter; ApiClass::ALL.len()],
    bytes_in: Counter,
    bytes_out: Counter,
    refusals: [Counter; RefusalKind::ALL.len()],
    throttled: [(Counter, Counter); Flow::ALL.len()],
}

/// Declares a bounded label: an enum, all of it, and the text of each.
macro_rules! label {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $value_doc:literal])+ $value:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum $name {
            $($(#[doc = $value_doc])+ $value,)+
        }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$value),+];

            /// As the label's value.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }
        }
    };
}

label! {
    /// What a request is for.
    ApiClass {
        /// Produce.
        Produce = "produce",
        /// Fetch, ListOffsets and what goes with them.
        Fetch = "fetch",
        /// Groups and their offsets.
        Groups = "groups",
        /// Producer ids and transactions.
        Transactions = "transactions",
        /// Metadata, configurations and the rest.
        Metadata = "metadata",
    }
}

label! {
    /// What was refused.
    RefusalKind {
        /// A topic that is not of the zone, or not for writing.
        Topic = "topic",
        /// A consumer group.
        Group = "group",
        /// A transactional id.
        TransactionalId = "transactional_id",
        /// A producer id that the zone was not issued.
        ProducerId = "producer_id",
        /// An API or version that is not served.
        HiddenApi = "hidden_api",
        /// A connection over a limit.
        Connection = "connection",
    }
}

impl From<RefusedKind> for RefusalKind {
    fn from(kind: RefusedKind) -> Self {
        match kind {
            RefusedKind::Topic => Self::Topic,
            RefusedKind::Group => Self::Group,
            RefusedKind::TransactionalId => Self::TransactionalId,
            RefusedKind::ProducerId => Self::ProducerId,
        }
    }
}

impl ApiClass {
    fn of(key: ApiKey) -> Self {
        match key {
            ApiKey::Produce => Self::Produce,
            ApiKey::Fetch | ApiKey::ListOffsets | ApiKey::OffsetForLeaderEpoch => Self::Fetch,
            ApiKey::OffsetCommit
            | ApiKey::OffsetFetch
            | ApiKey::FindCoordinator
            | ApiKey::JoinGroup
            | ApiKey::Heartbeat
            | ApiKey::LeaveGroup
            | ApiKey::SyncGroup
            | ApiKey::DescribeGroups
            | ApiKey::ListGroups
            | ApiKey::DeleteGroups
            | ApiKey::OffsetDelete
            | ApiKey::ConsumerGroupHeartbeat
            | ApiKey::ConsumerGroupDescribe => Self::Groups,
            ApiKey::InitProducerId
            | ApiKey::AddPartitionsToTxn
            | ApiKey::AddOffsetsToTxn
            | ApiKey::TxnOffsetCommit
            | ApiKey::EndTxn => Self::Transactions,
            _ => Self::Metadata,
        }
    }
}

impl ZoneMeters {
    fn new(zone: &str) -> Self {
        let zone = zone.to_owned();
        Self {
            open: gauge!("tidegate_zone_connections_open", "zone" => zone.clone()),
            requests: each(
                ApiClass::ALL,
                |class| counter!("tidegate_zone_requests_total", "zone" => zone.clone(), "class" => class.as_str()),
            ),
            bytes_in: counter!("tidegate_zone_received_bytes_total", "zone" => zone.clone()),
            bytes_out: counter!("tidegate_zone_sent_bytes_total", "zone" => zone.clone()),
            refusals: each(
                RefusalKind::ALL,
                |kind| counter!("tidegate_zone_refusals_total", "zone" => zone.clone(), "kind" => kind.as_str()),
            ),
            throttled: each(&Flow::ALL, |flow| {
                let labels = [("zone", zone.clone()), ("policy", flow.name().to_owned())];
                (
                    counter!("tidegate_zone_throttled_total", &labels),
                    counter!("tidegate_zone_throttle_milliseconds_total", &labels),
                )
            }),
        }
    }

    /// Counts one request.
    pub(crate) fn request(&self, key: ApiKey) {
        if let Some(counter) = self.requests.get(ApiClass::of(key) as usize) {
            counter.increment(1);
        }
    }

    /// Counts bytes that a client sent and was sent.
    pub(crate) fn moved(&self, received: u64, sent: u64) {
        if received > 0 {
            self.bytes_in.increment(received);
        }
        if sent > 0 {
            self.bytes_out.increment(sent);
        }
    }

    /// Counts one refusal.
    pub(crate) fn refused(&self, kind: RefusalKind) {
        if let Some(counter) = self.refusals.get(kind as usize) {
            counter.increment(1);
        }
    }

    /// Counts one answer that told its client to wait.
    pub(crate) fn throttled(&self, flow: Flow, millis: u64) {
        if let Some((times, total)) = self.throttled.get(flow as usize) {
            times.increment(1);
            total.increment(millis);
        }
    }

    /// Counts a connection for as long as the value lives.
    pub(crate) fn open(self: &Arc<Self>) -> OpenConnection {
        self.open.increment(1.0);
        OpenConnection(Arc::clone(self))
    }
}

/// A connection that is counted as open.
#[derive(Debug)]
pub(crate) struct OpenConnection(Arc<ZoneMeters>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.decrement(1.0);
    }
}

/// One handle for each value of a label, in the order of its declaration.
fn each<L: Copy, H, const N: usize>(all: &[L], mut handle: impl FnMut(L) -> H) -> [H; N]
where
    H: NoopHandle,
{
    std::array::from_fn(|at| all.get(at).map_or_else(H::noop, |label| handle(*label)))
}

/// What stands in for a handle that cannot be missing.
trait NoopHandle {
    fn noop() -> Self;
}

impl NoopHandle for Counter {
    fn noop() -> Self {
        Self::noop()
    }
}

impl NoopHandle for (Counter, Counter) {
    fn noop() -> Self {
        (Counter::noop(), Counter::noop())
    }
}

impl std::fmt::Debug for ZoneMeters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ZoneMeters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_beyond_the_bound_are_counted_together() {
        let registry = ZoneRegistry::default();
        let name = |number: usize| ZoneName::parse(&format!("z{number}")).unwrap();
        for number in 0..MAX_ZONES + 10 {
            registry.of(&name(number)).request(ApiKey::Produce);
        }
        assert_eq!(registry.zones.lock().unwrap().len(), MAX_ZONES);
        assert!(Arc::ptr_eq(&registry.of(&name(0)), &registry.of(&name(0))));
        assert!(ZoneName::parse(OTHERS).is_err());
    }

    #[test]
    fn labels_are_distinct_and_in_order() {
        for (at, class) in ApiClass::ALL.iter().enumerate() {
            assert_eq!(*class as usize, at);
        }
        for (at, kind) in RefusalKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, at);
        }
        let texts: std::collections::HashSet<_> = RefusalKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(texts.len(), RefusalKind::ALL.len());
    }
}
