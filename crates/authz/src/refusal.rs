//! What a rule refused, for the audit log; the answer itself says the same in Kafka's words.

use tidegate_core::names::Shown;
use tidegate_wire::error_code::ErrorCode;

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusedKind {
    /// A topic, by name or id.
    Topic,
    /// A consumer group.
    Group,
    /// A transactional id.
    TransactionalId,
    /// A producer id that the zone was not issued.
    ProducerId,
}

/// The first refusal of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it was.
    pub kind: RefusedKind,
    /// As the partner named it: escaped and cut, so that it may stand in a log.
    pub name: Shown,
    /// How many more there were.
    pub more: u32,
}

impl RefusedKind {
    /// What an error code refuses; `None` for one that refuses no right.
    #[must_use]
    pub fn of(error: ErrorCode) -> Option<Self> {
        match error {
            ErrorCode::TOPIC_AUTHORIZATION_FAILED | ErrorCode::UNKNOWN_TOPIC_ID => Some(Self::Topic),
            ErrorCode::GROUP_AUTHORIZATION_FAILED => Some(Self::Group),
            ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => Some(Self::TransactionalId),
            ErrorCode::INVALID_PRODUCER_ID_MAPPING => Some(Self::ProducerId),
            _ => None,
        }
    }
}
