//! Why a pump stops: for something that needs waiting for, or for good.

use tidegate_authz::Question;
use tidegate_core::{Fact, FactsError, Unbound};
use tidegate_wire::api::ApiKey;
use tidegate_wire::header::{self, Request};

use super::side::SideError;

/// Why the pump stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The connection is over; the reason is for the log.
    Closed(CloseReason),
    /// Requests wait for an upstream connection.
    NeedUpstream,
    /// The client logs in again; everything before is answered.
    Login(Request),
    /// A rule must know something before it can decide: [`Pump::answered`](super::pump::Pump::answered).
    Ask(Question),
    /// An answer holds only once facts are kept: [`Pump::kept`](super::pump::Pump::kept).
    Keep(Vec<Fact>),
    /// An answer after which bindings do not hold any more: [`Pump::kept`](super::pump::Pump::kept).
    Forget(Vec<Unbound>),
}

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CloseReason {
    #[error("the client closed")]
    ClientClosed,
    #[error("the broker closed")]
    BrokerClosed,
    #[error("client: {0}")]
    Client(SideError),
    #[error("broker: {0}")]
    Broker(SideError),
    #[error("client: {0}")]
    Header(#[from] header::HeaderError),
    #[error("client: {0}")]
    Rule(#[from] tidegate_authz::RuleError),
    #[error("broker: {0}")]
    Reply(#[from] tidegate_authz::ReplyError),
    #[error("client: {key:?} version {version} is not served")]
    NotServed { key: ApiKey, version: i16 },
    #[error("client: {0}")]
    Refused(&'static str),
    #[error("broker: answer {got} came where {wanted} was due")]
    Correlation { wanted: i32, got: i32 },
    #[error("broker: an answer that nobody asked for")]
    Unasked,
    #[error("{0} took too long")]
    Deadline(&'static str),
    #[error("client: its session has expired without a new login")]
    SessionExpired,
    #[error("the account lost its zone")]
    ZoneGone,
    #[error("an answer was under way when one of its topics was revoked")]
    RevokedInPassing,
    #[error(transparent)]
    Store(#[from] FactsError),
    #[error("a rule asked too often")]
    Insistent,
    #[error("the gateway drains")]
    Drained,
}

impl CloseReason {
    /// As a label: one of a fixed set.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::ClientClosed => "client_closed",
            Self::Client(SideError::Io(_)) => "client_gone",
            Self::Client(_) | Self::Header(_) | Self::Rule(_) => "client_malformed",
            Self::NotServed { .. } => "not_served",
            Self::Refused(_) | Self::Insistent => "refused",
            Self::BrokerClosed | Self::Broker(_) => "broker_gone",
            Self::Reply(_) | Self::Correlation { .. } | Self::Unasked => "broker_malformed",
            Self::Deadline(_) => "deadline",
            Self::ZoneGone | Self::RevokedInPassing => "revoked",
            Self::SessionExpired => "session_expired",
            Self::Store(_) => "store",
            Self::Drained => "drained",
        }
    }

    /// Whether the broker went away or misbehaved.
    pub(super) fn is_of_broker(&self) -> bool {
        matches!(self, Self::BrokerClosed | Self::Broker(_) | Self::Correlation { .. } | Self::Unasked)
    }
}
