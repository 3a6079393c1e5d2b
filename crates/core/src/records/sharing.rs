//! Whether streams are shared at all: a setting of the installation.

use serde::{Deserialize, Serialize};

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown};
use crate::names::Label;
use crate::store::{Body, Kind, Record, Sealer};

/// Whether streams are shared. Where there is no such record, nobody ever opted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharingRecord {
    /// Whether invites may be made.
    pub is_enabled: bool,
    /// Who decided so last.
    pub by: Label,
    /// When.
    pub at: Moment,
    /// Fields of a later version.
    pub unknown: Unknown,
}

impl SharingRecord {
    /// Somebody decides; deciding the same again leaves the one who did first.
    #[must_use]
    pub fn decide(self, is_enabled: bool, by: Label, at: Moment) -> Self {
        if is_enabled == self.is_enabled { self } else { Self { is_enabled, by, at, ..self } }
    }
}

/// Its id among the settings.
const ID: &str = "sharing";

const MIGRATIONS: [Migration; 0] = [];

#[derive(Serialize, Deserialize)]
struct SharingBody {
    enabled: bool,
    by: Label,
    at: Moment,
    #[serde(flatten)]
    unknown: Unknown,
}

impl Recorded for SharingRecord {
    const KIND: Kind = Kind::SETTING;

    fn id(&self) -> String {
        ID.to_owned()
    }

    fn to_body(&self, _sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        let Self { is_enabled: enabled, by, at, unknown } = self.clone();
        json::write(&self.key()?, &SharingBody { enabled, by, at, unknown }, &MIGRATIONS)
    }

    fn from_record(record: &Record, _sealer: &Sealer) -> Result<Self, RecordError> {
        if record.key.id() != ID {
            return Err(RecordError::malformed(record, "it is another setting"));
        }
        let SharingBody { enabled: is_enabled, by, at, unknown } = json::read(record, &MIGRATIONS)?;
        Ok(Self { is_enabled, by, at, unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::testing::{keeps_later_fields, kept, read, sealer};
    use crate::store::RecordKey;

    fn name(text: &str) -> Label {
        Label::parse(text).unwrap()
    }

    fn sharing(is_enabled: bool) -> SharingRecord {
        SharingRecord { is_enabled, by: name("ann"), at: Moment(1), unknown: Unknown::default() }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        for sharing in [sharing(true), sharing(false)] {
            assert_eq!(read::<SharingRecord>(&kept(&sharing)), sharing);
        }
        let other = Record { key: RecordKey::parse("setting/other").unwrap(), ..kept(&sharing(true)) };
        assert!(SharingRecord::from_record(&other, &sealer()).is_err());
    }

    #[test]
    fn the_one_who_decided_first_is_remembered() {
        assert_eq!(sharing(true).decide(true, name("bob"), Moment(2)), sharing(true));
        let off = sharing(true).decide(false, name("bob"), Moment(2));
        assert_eq!((off.is_enabled, off.by, off.at), (false, name("bob"), Moment(2)));
    }

    #[test]
    fn fields_of_a_later_version_are_kept() {
        keeps_later_fields(&sharing(true), |sharing| sharing.decide(false, name("bob"), Moment(2)));
    }

    #[test]
    fn what_was_written_stays_readable() {
        // Of the first schema; a change here breaks the stores that are out there.
        insta::assert_snapshot!(kept(&sharing(true)).body.text());
    }
}
