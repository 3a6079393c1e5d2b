//! A mirror topic as it is kept, also when it has stopped.

mod status;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown};
use crate::link_id::LinkId;
use crate::names::{LinkName, MirrorTopic, SourceTopic};
use crate::store::{Body, Kind, Record, Sealer};
use crate::topic_id::SourceTopicId;

pub use status::{MirrorError, MirrorStatus, Stopping};

/// A mirror topic of a link. Its record's id is `link/topic`; neither name has a `/`.
///
/// Where copying goes on is not read from here but from the log of the mirror itself: what stands here is for people, and
/// for whoever has to know how far a mirror that has stopped had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorRecord {
    /// The name of its link.
    pub link: LinkName,
    /// Its link. A mirror of another link of that name is left over, and nobody's.
    pub link_id: LinkId,
    /// The mirror topic.
    pub topic: MirrorTopic,
    /// The topic that it copies.
    pub source: SourceTopic,
    /// The id of that topic; none before it was seen, and where brokers are too old to have any.
    pub source_id: Option<SourceTopicId>,
    /// For each partition of it, the offset that was fetched last from the source; none before the first.
    pub fetched: Vec<Option<u64>>,
    /// The partitions that have come to the end of their source once.
    pub caught_up: BTreeSet<i32>,
    /// What it does.
    pub status: MirrorStatus,
    /// Why, in words, where a person has to act: a copy that failed says at which offset.
    pub why: Option<String>,
    /// Since when.
    pub since: Moment,
    /// Fields of a later version.
    pub unknown: Unknown,
}

impl MirrorRecord {
    /// How many partitions it has.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.fetched.len()
    }

    /// The mirror doing something else; what it does already it does since it began, and for the reason that it had.
    #[must_use]
    pub fn doing(self, status: MirrorStatus, now: Moment) -> Self {
        if status == self.status {
            return self;
        }
        Self { status, since: now, why: None, ..self }
    }
}

const MIGRATIONS: [Migration; 0] = [];

#[derive(Serialize, Deserialize)]
struct MirrorBody {
    link_id: Uuid,
    source: SourceTopic,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_id: Option<Uuid>,
    status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopping: Option<StoppingBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    since: Moment,
    /// One for each partition.
    fetched: Vec<Option<u64>>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    caught_up: BTreeSet<i32>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum StoppingBody {
    Promoted,
    FailedOver,
}

impl Recorded for MirrorRecord {
    const KIND: Kind = Kind::MIRROR;

    fn id(&self) -> String {
        format!("{}/{}", self.link, self.topic)
    }

    fn to_body(&self, _sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        let (error, stopping) = match self.status {
            MirrorStatus::Failed(error) => (Some(error.as_str().to_owned()), None),
            MirrorStatus::PendingStopped(Stopping::Promoted) => (None, Some(StoppingBody::Promoted)),
            MirrorStatus::PendingStopped(Stopping::FailedOver) => (None, Some(StoppingBody::FailedOver)),
            _ => (None, None),
        };
        let body = MirrorBody {
            link_id: Uuid::from_bytes(*self.link_id.as_bytes()),
            source: self.source.clone(),
            source_id: self.source_id.map(|id| Uuid::from_bytes(*id.as_bytes())),
            status: self.status.as_str().to_owned(),
            error,
            stopping,
            why: self.why.clone(),
            since: self.since,
            fetched: self.fetched.clone(),
            caught_up: self.caught_up.clone(),
            unknown: self.unknown.clone(),
        };
        json::write(&self.key()?, &body, &MIGRATIONS)
    }

    fn from_record(record: &Record, _sealer: &Sealer) -> Result<Self, RecordError> {
        let body: MirrorBody = json::read(record, &MIGRATIONS)?;
        let malformed = |what: String| RecordError::malformed(record, what);
        let (link, topic) = record.key.id().split_once('/').unwrap_or((record.key.id(), ""));
        let status = status(&body);
        let status =
            status.ok_or_else(|| malformed(format!("`{}` is no status of a mirror", body.status)))?;
        Ok(Self {
            link: LinkName::parse(link).map_err(|error| malformed(error.to_string()))?,
            link_id: LinkId::from_bytes(body.link_id.into_bytes()),
            topic: MirrorTopic::parse(topic).map_err(|error| malformed(error.to_string()))?,
            source: body.source,
            source_id: body.source_id.and_then(|id| SourceTopicId::from_bytes(id.into_bytes())),
            fetched: body.fetched,
            caught_up: body.caught_up,
            status,
            why: body.why,
            since: body.since,
            unknown: body.unknown,
        })
    }
}

fn status(body: &MirrorBody) -> Option<MirrorStatus> {
    let stopping = body.stopping.as_ref().map(|stopping| match stopping {
        StoppingBody::Promoted => Stopping::Promoted,
        StoppingBody::FailedOver => Stopping::FailedOver,
    });
    // An error that this version does not know is still one.
    let error = body.error.as_deref().map(|error| MirrorError::of(error).unwrap_or(MirrorError::Unknown));
    MirrorStatus::of(&body.status, error, stopping)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::testing::{keeps_later_fields, kept, read, saying, sealer};
    use crate::store::RecordKey;

    fn mirror(status: MirrorStatus) -> MirrorRecord {
        MirrorRecord {
            link: LinkName::parse("dc1-to-dc2").unwrap(),
            link_id: LinkId::from_bytes([7; 16]),
            topic: MirrorTopic::parse("dc1.orders").unwrap(),
            source: SourceTopic::parse("orders").unwrap(),
            source_id: SourceTopicId::from_bytes([8; 16]),
            fetched: vec![Some(0), None, Some(i64::MAX as u64)],
            caught_up: BTreeSet::new(),
            status,
            why: None,
            since: Moment(9),
            unknown: Unknown::default(),
        }
    }

    #[test]
    fn a_mirror_is_read_as_it_was_written() {
        for status in status::tests::all() {
            assert_eq!(read::<MirrorRecord>(&kept(&mirror(status))), mirror(status));
        }
        let old =
            MirrorRecord { source_id: None, fetched: Vec::new(), ..mirror(MirrorStatus::PendingMirror) };
        assert_eq!(read::<MirrorRecord>(&kept(&old)), old);
        let told = MirrorRecord {
            caught_up: BTreeSet::from([0, 2]),
            why: Some("partition 1 at offset 7".to_owned()),
            ..mirror(MirrorStatus::Failed(MirrorError::IllegalState))
        };
        assert_eq!(read::<MirrorRecord>(&kept(&told)), told);
        assert_eq!((old.partitions(), mirror(MirrorStatus::Active).partitions()), (0, 3));
    }

    #[test]
    fn a_mirror_does_what_it_does_since_it_began() {
        let mirror = mirror(MirrorStatus::Active).doing(MirrorStatus::Active, Moment(20));
        assert_eq!(mirror.since, Moment(9));
        let fetched = mirror.fetched.clone();
        let stopped = mirror.doing(MirrorStatus::Stopped, Moment(20));
        assert_eq!((stopped.status, stopped.since), (MirrorStatus::Stopped, Moment(20)));
        assert_eq!(stopped.fetched, fetched, "how far it came is remembered");
    }

    #[test]
    fn the_longest_names_make_a_key() {
        let longest = MirrorRecord {
            link: LinkName::parse(&"l".repeat(200)).unwrap(),
            topic: MirrorTopic::parse(&"t".repeat(249)).unwrap(),
            ..mirror(MirrorStatus::Active)
        };
        assert_eq!(read::<MirrorRecord>(&kept(&longest)), longest);
    }

    #[test]
    fn what_is_no_mirror_is_told() {
        let record = kept(&mirror(MirrorStatus::Active));
        for id in ["dc1-to-dc2", "dc1-to-dc2/", "/t", "a/b/c"] {
            let key = RecordKey::new(Kind::MIRROR, id).unwrap();
            let error = MirrorRecord::from_record(&Record { key, ..record.clone() }, &sealer());
            assert!(matches!(error, Err(RecordError::Malformed { .. })), "{id}");
        }
        for status in ["LINK_FAILED", "FAILED", "PENDING_STOPPED"] {
            let text = record.body.text().replace("ACTIVE", status);
            let error = MirrorRecord::from_record(&saying(&record, &text), &sealer()).unwrap_err();
            assert!(error.to_string().contains("is no status of a mirror"), "{error}");
        }
    }

    #[test]
    fn an_error_of_a_later_version_is_an_error() {
        let record = kept(&mirror(MirrorStatus::Failed(MirrorError::IllegalState)));
        let text = record.body.text().replace("ILLEGAL_STATE", "A_LATER_ONE");
        let read: MirrorRecord = read(&saying(&record, &text));
        assert_eq!(read.status, MirrorStatus::Failed(MirrorError::Unknown));
    }

    #[test]
    fn fields_of_a_later_version_are_kept() {
        keeps_later_fields(&mirror(MirrorStatus::Active), |m| m.doing(MirrorStatus::Paused, Moment(20)));
    }

    #[test]
    fn what_was_written_stays_readable() {
        // Of the first schema; a change here breaks the stores that are out there.
        let texts =
            status::tests::all().into_iter().map(|status| kept(&mirror(status)).body.text().to_owned());
        insta::assert_snapshot!(texts.collect::<Vec<_>>().join("\n"));
    }
}
