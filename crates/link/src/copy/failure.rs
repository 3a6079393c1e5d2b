//! Why copying ends for good, and what is in its way for now.

use std::error::Error;
use std::ops::Range;

use thiserror::Error;
use tidegate_wire::error_code::ErrorCode;

use super::Trouble;

/// Why a partition is not copied any further: going on would make the mirror something else than its source.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The source no longer has what was copied: it was cut off, by an unclean election or a restore, or it was made anew.
    #[error(
        "the source no longer has the offsets {} to {} that were copied: records there are not what they were; \
         truncate and restore the mirror, or keep it as it is by a failover",
        .0.start, .0.end
    )]
    Truncated(Range<i64>),
    /// A record of the mirror is not the source's.
    #[error(
        "the record at offset {offset} of the mirror is not the source's: mirror and source differ from there on, at the latest"
    )]
    Diverged {
        /// The first offset that is known to differ.
        offset: i64,
    },
    /// Somebody else wrote to the mirror.
    #[error(
        "a batch that this link did not write lies at offset {offset} of the mirror: take the right to write from whoever did"
    )]
    Foreign {
        /// Where it lies.
        offset: i64,
    },
    /// An append has landed where it should not: something else was appended in between.
    #[error(
        "what belongs at offset {expected} of the mirror was appended at {found}: somebody else writes to it, or a lost append came late"
    )]
    Misplaced {
        /// Where it belongs: the first offset that is wrong.
        expected: i64,
        /// Where it lies.
        found: i64,
    },
    /// Somebody writes with the link's producer id and a later epoch.
    #[error("the link's producer is fenced at offset {offset}: something else writes with its id")]
    Fenced {
        /// Where the append was to lie.
        offset: i64,
    },
    /// Another worker has the partition: its lease is later.
    #[error("another worker copies this partition: its lease is later than this one's")]
    Superseded,
}

/// What is in the way for now. It is tried again; whose fault it is stands in the words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// The mirror's broker refuses what is to be appended, or cannot be asked.
    #[error("the mirror at offset {offset}: {trouble}")]
    Mirror {
        /// How far copying has come.
        offset: i64,
        /// What it says.
        trouble: Trouble,
    },
    /// The source cannot be read.
    #[error("the source at offset {offset}: {trouble}")]
    Source {
        /// Where it is to be read.
        offset: i64,
        /// What it says.
        trouble: Trouble,
    },
    /// What the source holds cannot be copied.
    #[error("{0}")]
    Unreadable(String),
    /// The log of the mirror has not come to rest: replicas are behind, or somebody still writes.
    #[error(
        "the mirror is not at rest: its leader's log ends at {end}, what all replicas have ends at {committed}"
    )]
    Unsettled {
        /// The end of the leader's log.
        end: i64,
        /// The end of what all replicas have.
        committed: i64,
    },
    /// The source ends before its mirror does.
    #[error("the source ends at {end}, before the mirror at {position}")]
    Behind {
        /// The end of what is committed at the source.
        end: i64,
        /// How far copying has come.
        position: i64,
    },
}

impl Obstacle {
    /// The whole chain, since the words of the last cause say what to do.
    pub(super) fn unreadable(error: &dyn Error) -> Self {
        let mut words = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            words = format!("{words}: {error}");
            cause = error.source();
        }
        Self::Unreadable(words)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "refused with {code}{}", advice(*code)),
            Self::Lost => f.write_str("the answer was lost"),
            Self::NotSent => f.write_str("no broker or no lease to go on with"),
        }
    }
}

/// How to mend what a broker refuses for good.
fn advice(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::MESSAGE_TOO_LARGE => ", raise max.message.bytes of the mirror topic",
        ErrorCode::INVALID_TIMESTAMP => {
            ", raise message.timestamp.before.max.ms and .after.max.ms of the mirror topic"
        }
        ErrorCode::TOPIC_AUTHORIZATION_FAILED | ErrorCode::CLUSTER_AUTHORIZATION_FAILED => {
            ", grant the right to the principal of the link"
        }
        _ => "",
    }
}
