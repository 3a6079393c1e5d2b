//! Why the cluster does not do what the store asks.

use tidegate_client::{AskError, CallError, ConnectError, Fault, is_retriable};
use tidegate_core::store::Lost;
use tidegate_wire::api::ApiKey;
use tidegate_wire::error_code::ErrorCode;

/// Why a Kafka store does not open or work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KafkaStoreError {
    /// No broker can be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// There is nobody to ask.
    #[error("no bootstrap server is given for the store")]
    NoBootstrap,
    /// A question has no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A broker that is too old, or refuses to speak of it.
    #[error("the brokers do not serve {0:?} at a version that the store can use")]
    Unsupported(ApiKey),
    /// A broker says no.
    #[error("{api:?} on {subject}: the brokers answer {code}{}", hint(*.code))]
    Refused {
        /// What was asked.
        api: ApiKey,
        /// About what.
        subject: String,
        /// The answer.
        code: ErrorCode,
    },
    /// The topic is not what the store needs.
    #[error("topic {topic} cannot hold the store: {what}")]
    Topic {
        /// The topic.
        topic: String,
        /// What is wrong, and how to mend it.
        what: String,
    },
    /// What lies in the topic is not whole.
    #[error("topic {topic}: {lost}")]
    Lost {
        /// The topic.
        topic: String,
        /// What is missing.
        lost: Lost,
    },
    /// Something in the topic went wrong while a change was under way.
    #[error("topic {0} has to be read anew")]
    Unreadable(String),
    /// A message that makes no sense.
    #[error("{api:?}: {what}")]
    Malformed {
        /// What was asked.
        api: ApiKey,
        /// What is wrong with the answer.
        what: &'static str,
    },
    /// What should be written has no form; the fault is here.
    #[error("a batch cannot be written: {0}")]
    Batch(String),
    /// Transactions of somebody else keep readers from the end of the topic.
    #[error(
        "somebody holds a transaction open in topic {0}, so nobody can read to its end: find it with `kafka-transactions.sh find-hanging`"
    )]
    Blocked(String),
}

impl From<CallError> for KafkaStoreError {
    fn from(error: CallError) -> Self {
        Self::Ask(error.into())
    }
}

impl KafkaStoreError {
    /// Who has to act: of [`Fault::Network`] nobody has to, and the same may work later.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Connect(error) => error.fault(),
            Self::Ask(error) => error.fault(),
            Self::Refused { code, .. } if is_retriable(*code) => Fault::Network,
            Self::Unreadable(_) | Self::Blocked(_) => Fault::Network,
            Self::Unsupported(_) | Self::Malformed { .. } | Self::Lost { .. } => Fault::Broker,
            Self::NoBootstrap | Self::Refused { .. } | Self::Topic { .. } | Self::Batch(_) => {
                Fault::Configuration
            }
        }
    }

    /// The error code that a broker gave, if it gave one.
    pub(super) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } | Self::Ask(AskError::Refused { code, .. }) => Some(*code),
            _ => None,
        }
    }

    /// Whether nobody but an operator can mend it.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Topic { .. } | Self::Batch(_) | Self::Unsupported(_) => true,
            Self::Connect(_)
            | Self::NoBootstrap
            | Self::Lost { .. }
            | Self::Unreadable(_)
            | Self::Blocked(_) => false,
            Self::Ask(_) | Self::Refused { .. } | Self::Malformed { .. } => self.code().is_some_and(|code| {
                matches!(
                    code,
                    ErrorCode::TOPIC_AUTHORIZATION_FAILED
                        | ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
                        | ErrorCode::CLUSTER_AUTHORIZATION_FAILED
                        | ErrorCode::MESSAGE_TOO_LARGE
                        | ErrorCode::INVALID_RECORD
                )
            }),
        }
    }
}

/// What an operator can do about it.
fn hint(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
            "; the daemon's user needs DESCRIBE, DESCRIBE_CONFIGS, READ and WRITE on it"
        }
        ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => {
            "; the daemon's user needs WRITE and DESCRIBE on that transactional id"
        }
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED => {
            "; create the topic yourself, or grant CREATE on the cluster"
        }
        ErrorCode::MESSAGE_TOO_LARGE => "; raise max.message.bytes of the topic to 1048588",
        _ => "",
    }
}
