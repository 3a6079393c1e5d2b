//! What a rule may know while it looks at a request or an answer.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use tidegate_core::facts::Timestamp;
use tidegate_core::names::Shown;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::topic::TopicKey;

use crate::addresses::AddressMap;
use crate::cluster::ClusterView;
use crate::policy::Policy;
use crate::refusal::{Refusal, RefusedKind};
use crate::view::ZoneView;

/// Around one request.
#[derive(Debug)]
pub struct RequestContext<'a> {
    /// The zone of the connection's account, as of now.
    pub zone: &'a Arc<ZoneView>,
    /// The cluster as of now.
    pub cluster: &'a ClusterView,
    /// What the connection's listener advertises.
    pub addresses: &'a AddressMap,
    /// Ceilings.
    pub policy: &'a Policy,
    /// Client id to send upstream.
    pub client_id: &'a str,
    /// The time.
    pub now: Timestamp,
    /// Producer ids of which the store has just said that the zone was not issued them.
    pub absent_producers: &'a [i64],
    /// Milliseconds for which the zone owes silence for the flow of this request: see [`Flow`](crate::Flow).
    pub throttle_ms: i32,
    /// What the connection remembers from one request to the next.
    pub connection: &'a mut ConnectionState,
}

impl RequestContext<'_> {
    /// Whether the zone may use one more group, or uses this one already.
    #[must_use]
    pub fn admits_group(&self, group: &str) -> bool {
        self.zone.state().groups().admit(group, self.policy.groups_per_zone, self.now)
    }

    /// Notes for the audit log that `name` is refused with `error`.
    pub(crate) fn refused(&self, error: ErrorCode, name: &str) {
        let Some(kind) = RefusedKind::of(error) else { return };
        let mut noted = self.connection.refusal.borrow_mut();
        match &mut *noted {
            Some(first) => first.more = first.more.saturating_add(1),
            None => *noted = Some(Refusal { kind, name: Shown::of(name), more: 0 }),
        }
    }

    /// As [`RequestContext::refused`], of a topic by name or id.
    pub(crate) fn refused_topic(&self, error: ErrorCode, topic: &TopicKey) {
        match topic {
            TopicKey::Name(name) => self.refused(error, name),
            TopicKey::Id(id) => self.refused(error, &uuid::Uuid::from_bytes(*id).to_string()),
        }
    }

    /// The group as the cluster knows it, see [`Prefix::group`](crate::groups::Prefix::group).
    pub(crate) fn group(&self, group: &str) -> Result<String, ErrorCode> {
        self.zone.prefix().group(group).inspect_err(|error| self.refused(*error, group))
    }
}

/// Around the answer to one request.
#[derive(Debug)]
pub struct ReplyContext<'a> {
    /// The zone as of now, which may be newer than the one the request was mapped with; `None` when the
    /// account has lost its zone.
    pub zone: Option<&'a ZoneView>,
    /// What the connection's listener advertises.
    pub addresses: &'a AddressMap,
    /// The time.
    pub now: Timestamp,
    own_throttle_ms: i32,
    throttle_ms: Cell<i32>,
    stale: Cell<bool>,
}

impl<'a> ReplyContext<'a> {
    /// The context of one answer.
    #[must_use]
    pub fn new(zone: Option<&'a ZoneView>, addresses: &'a AddressMap, now: Timestamp) -> Self {
        Self { zone, addresses, now, own_throttle_ms: 0, throttle_ms: Cell::new(0), stale: Cell::new(false) }
    }

    /// For an answer after which the zone owes silence for so many milliseconds.
    #[must_use]
    pub fn throttled(self, own_throttle_ms: i32) -> Self {
        Self { own_throttle_ms, ..self }
    }

    /// What the answer says about silence: the zone's own debt, or what the broker asks for if that is longer.
    pub fn throttle(&self, brokers_ms: i32) -> i32 {
        let throttle_ms = self.own_throttle_ms.max(brokers_ms);
        self.throttle_ms.set(throttle_ms);
        throttle_ms
    }

    /// What the answer has said about silence, in milliseconds; the connection must be silent for as long.
    #[must_use]
    pub fn throttle_ms(&self) -> i32 {
        self.throttle_ms.get()
    }

    /// Notes an error of a partition: some say that the picture of the cluster is out of date.
    pub fn note(&self, error: ErrorCode) {
        if error.is_stale_leader() {
            self.stale.set(true);
        }
    }

    /// Whether the picture of the cluster should be renewed at once.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale.get()
    }
}

/// What a connection remembers from one request to the next.
#[derive(Debug, Default)]
pub struct ConnectionState {
    correlation_id: i32,
    fetch_round: usize,
    refusal: RefCell<Option<Refusal>>,
}

impl ConnectionState {
    /// What the last request was refused, if anything.
    pub fn take_refusal(&mut self) -> Option<Refusal> {
        self.refusal.get_mut().take()
    }

    /// A correlation id for the next upstream request.
    pub fn next_correlation_id(&mut self) -> i32 {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        self.correlation_id
    }

    /// A number that grows by one with each Fetch, for taking turns.
    pub fn next_fetch_round(&mut self) -> usize {
        self.fetch_round = self.fetch_round.wrapping_add(1);
        self.fetch_round
    }
}
