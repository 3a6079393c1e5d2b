//! What a mirror topic does, and why it does not.

/// What a mirror topic does. The names are those of the REST interface.
///
/// `LINK_PAUSED` and `LINK_FAILED` are not kept: they follow from the link, and a mirror that somebody paused is still
/// paused when its link goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MirrorStatus {
    /// It was asked for, and its topic is not made yet.
    PendingMirror,
    /// It copies.
    Active,
    /// Somebody told it to wait.
    Paused,
    /// Its source has not answered for a while.
    SourceUnavailable,
    /// It cannot go on without somebody's help.
    Failed(MirrorError),
    /// It is about to become a topic like any other.
    PendingStopped(Stopping),
    /// It is a topic like any other; what it was is remembered.
    Stopped,
    /// It is about to become a mirror again, and what only it has is looked for.
    PendingSetupForRestore,
    /// What only it has is cut off.
    PendingRestore,
    /// It waits for the other end, which is about to become the mirror.
    PendingSynchronize,
}

/// How a mirror stops. Whoever takes up a stop that was broken off must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stopping {
    /// Once it has everything.
    Promoted,
    /// At once, with what it has.
    FailedOver,
}

/// Why a mirror cannot go on. The names are those of `mirror_topic_error`; its `NO_ERROR` and `NOT_SET` are what the other
/// states are shown with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MirrorError {
    /// Nobody knows.
    Unknown,
    /// The source has no such topic any more.
    SourceTopicMayBeDeleted,
    /// The source has another topic of that name.
    SourceTopicIdChanged,
    /// The source topic has fewer partitions than before.
    SourcePartitionsDecreased,
    /// Leader epochs went back in the mirror.
    NonMonotonicLogAppendEpoch,
    /// The source lost what is in the mirror.
    UnexpectedTruncation,
    /// The source has batches older than version 2.
    UnsupportedMessageFormat,
    /// Leader epochs went back in the source.
    NonMonotonicSourceEpoch,
    /// The mirror is not what it was left as.
    IllegalState,
    /// A later version put it into a state that this one does not know.
    UnsupportedMirrorState,
}

/// Every status with its name; [`MirrorStatus::Failed`] and [`MirrorStatus::PendingStopped`] have more to say.
const NAMES: [(&str, MirrorStatus); 8] = [
    ("PENDING_MIRROR", MirrorStatus::PendingMirror),
    ("ACTIVE", MirrorStatus::Active),
    ("PAUSED", MirrorStatus::Paused),
    ("SOURCE_UNAVAILABLE", MirrorStatus::SourceUnavailable),
    ("STOPPED", MirrorStatus::Stopped),
    ("PENDING_SETUP_FOR_RESTORE", MirrorStatus::PendingSetupForRestore),
    ("PENDING_RESTORE", MirrorStatus::PendingRestore),
    ("PENDING_SYNCHRONIZE", MirrorStatus::PendingSynchronize),
];
const FAILED: &str = "FAILED";
const PENDING_STOPPED: &str = "PENDING_STOPPED";

const ERRORS: [(&str, MirrorError); 10] = [
    ("UNKNOWN", MirrorError::Unknown),
    ("SOURCE_TOPIC_MAY_BE_DELETED", MirrorError::SourceTopicMayBeDeleted),
    ("SOURCE_TOPIC_ID_CHANGED", MirrorError::SourceTopicIdChanged),
    ("SOURCE_PARTITIONS_DECREASED", MirrorError::SourcePartitionsDecreased),
    ("NON_MONOTONIC_LOG_APPEND_EPOCH", MirrorError::NonMonotonicLogAppendEpoch),
    ("UNEXPECTED_TRUNCATION", MirrorError::UnexpectedTruncation),
    ("UNSUPPORTED_MESSAGE_FORMAT", MirrorError::UnsupportedMessageFormat),
    ("NON_MONOTONIC_SOURCE_EPOCH", MirrorError::NonMonotonicSourceEpoch),
    ("ILLEGAL_STATE", MirrorError::IllegalState),
    ("UNSUPPORTED_MIRROR_STATE", MirrorError::UnsupportedMirrorState),
];

impl MirrorStatus {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Failed(_) => FAILED,
            Self::PendingStopped(_) => PENDING_STOPPED,
            other => NAMES.iter().find(|(_, status)| status == other).map_or("", |(name, _)| name),
        }
    }

    /// The status of a name, with what the name does not say.
    pub(super) fn of(name: &str, error: Option<MirrorError>, stopping: Option<Stopping>) -> Option<Self> {
        match name {
            FAILED => Some(Self::Failed(error?)),
            PENDING_STOPPED => Some(Self::PendingStopped(stopping?)),
            _ => NAMES.iter().find(|(known, _)| *known == name).map(|(_, status)| *status),
        }
    }
}

impl MirrorError {
    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ERRORS.iter().find(|(_, error)| *error == self).map_or("UNKNOWN", |(name, _)| name)
    }

    /// The error of a name.
    pub(super) fn of(name: &str) -> Option<Self> {
        ERRORS.iter().find(|(known, _)| *known == name).map(|(_, error)| *error)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One of each, and each error.
    pub(in crate::records) fn all() -> Vec<MirrorStatus> {
        let plain = NAMES.iter().map(|(_, status)| *status);
        let failed = ERRORS.iter().map(|(_, error)| MirrorStatus::Failed(*error));
        let stopping = [Stopping::Promoted, Stopping::FailedOver].map(MirrorStatus::PendingStopped);
        plain.chain(failed).chain(stopping).collect()
    }

    /// A status that is new has to be given a name above; this does not compile until somebody thought of it.
    fn has_a_name(status: MirrorStatus) -> bool {
        match status {
            MirrorStatus::PendingMirror
            | MirrorStatus::Active
            | MirrorStatus::Paused
            | MirrorStatus::SourceUnavailable
            | MirrorStatus::Stopped
            | MirrorStatus::PendingSetupForRestore
            | MirrorStatus::PendingRestore
            | MirrorStatus::PendingSynchronize
            | MirrorStatus::Failed(_)
            | MirrorStatus::PendingStopped(_) => !status.as_str().is_empty(),
        }
    }

    #[test]
    fn every_status_is_found_by_what_it_says() {
        for status in all() {
            let (error, stopping) = match status {
                MirrorStatus::Failed(error) => (MirrorError::of(error.as_str()), None),
                MirrorStatus::PendingStopped(stopping) => (None, Some(stopping)),
                _ => (None, None),
            };
            assert!(has_a_name(status));
            assert_eq!(MirrorStatus::of(status.as_str(), error, stopping), Some(status));
        }
        for name in ["", "LINK_PAUSED", "active", "FAILED", "PENDING_STOPPED"] {
            assert_eq!(MirrorStatus::of(name, None, None), None, "{name}");
        }
        assert_eq!(MirrorError::of("NO_ERROR"), None);
    }
}
