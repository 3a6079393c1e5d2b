//! A stream share as it is kept, also when it is over.

mod phase;
mod topics;

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown};
use crate::names::{AccountName, ClusterName, EmailAddress, Label, SchemaSubject, ShareId};
use crate::store::{Body, Kind, Record, Sealer};

pub use phase::{Deactivation, SharePhase, ShareRefused};
pub use topics::{SharedTopic, SharedTopics, SharedTopicsProblem};

/// A stream share: what one consumer may read, and how far that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareRecord {
    /// Its id.
    pub id: ShareId,
    /// The cluster of its topics.
    pub cluster: ClusterName,
    /// Who is to read.
    pub consumer: EmailAddress,
    /// What they read.
    pub topics: SharedTopics,
    /// The schemas that belong to it.
    pub subjects: BTreeSet<SchemaSubject>,
    /// What the consumer logs in with; it exists once the share is redeemed.
    pub account: AccountName,
    /// Who invited them.
    pub invited_by: Label,
    /// When they were invited first.
    pub invited: Moment,
    /// When it ends; none is never.
    pub ends: Option<Moment>,
    /// Where reading begins; none is with the oldest record.
    pub start: Option<StartBound>,
    /// How many bytes are read in a day; none is without a bound.
    pub daily_bytes: Option<NonZeroU64>,
    /// How far it has come.
    pub phase: SharePhase,
    /// Fields of a later version.
    pub unknown: Unknown,
}

/// Where reading of a share begins. What lies before it is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartBound {
    /// With the first record of that time or later.
    Time(Moment),
    /// With that offset, in every partition.
    Offset(u64),
}

impl ShareRecord {
    /// The share as of a time: nobody has to write down that the end that it was given came.
    #[must_use]
    pub fn at(self, now: Moment) -> Self {
        let phase = match self.ends {
            Some(end) if end <= now => self.phase.at(end).deactivate(end, Deactivation::Ended),
            _ => self.phase.at(now),
        };
        Self { phase, ..self }
    }
}

const MIGRATIONS: [Migration; 0] = [];

#[derive(Serialize, Deserialize)]
struct ShareBody {
    cluster: ClusterName,
    consumer: EmailAddress,
    topics: Vec<SharedTopic>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    subjects: BTreeSet<SchemaSubject>,
    account: AccountName,
    invited_by: Label,
    invited: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<StartBound>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daily_bytes: Option<NonZeroU64>,
    phase: Phase,
    #[serde(flatten)]
    times: Times,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Phase {
    Invited,
    Active,
    Expired,
    Deactivated,
}

/// Which of them are there depends on the phase.
#[derive(Default, Serialize, Deserialize)]
struct Times {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redeemed: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expired: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deactivated: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Why {
    Revoked,
    Left,
    Ended,
    OptedOut,
}

impl Recorded for ShareRecord {
    const KIND: Kind = Kind::SHARE;

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn to_body(&self, _sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        let share = self.clone();
        let (phase, times) = parts(share.phase);
        let body = ShareBody {
            cluster: share.cluster,
            consumer: share.consumer,
            topics: share.topics.iter().cloned().collect(),
            subjects: share.subjects,
            account: share.account,
            invited_by: share.invited_by,
            invited: share.invited,
            ends: share.ends,
            start: share.start,
            daily_bytes: share.daily_bytes,
            phase,
            times,
            unknown: share.unknown,
        };
        json::write(&self.key()?, &body, &MIGRATIONS)
    }

    fn from_record(record: &Record, _sealer: &Sealer) -> Result<Self, RecordError> {
        let body: ShareBody = json::read(record, &MIGRATIONS)?;
        let phase = phase(&body.phase, &body.times);
        Ok(Self {
            id: ShareId::parse(record.key.id()).map_err(|error| RecordError::malformed(record, error))?,
            cluster: body.cluster,
            consumer: body.consumer,
            topics: SharedTopics::new(body.topics).map_err(|error| RecordError::malformed(record, error))?,
            subjects: body.subjects,
            account: body.account,
            invited_by: body.invited_by,
            invited: body.invited,
            ends: body.ends,
            start: body.start,
            daily_bytes: body.daily_bytes,
            phase: phase.ok_or_else(|| RecordError::malformed(record, "its phase has no time"))?,
            unknown: body.unknown,
        })
    }
}

fn parts(phase: SharePhase) -> (Phase, Times) {
    let none = Times::default();
    match phase {
        SharePhase::Invited { until } => (Phase::Invited, Times { until: Some(until), ..none }),
        SharePhase::Active { redeemed } => (Phase::Active, Times { redeemed: Some(redeemed), ..none }),
        SharePhase::Expired { expired } => (Phase::Expired, Times { expired: Some(expired), ..none }),
        SharePhase::Deactivated { redeemed, deactivated, why } => {
            let why = match why {
                Deactivation::Revoked => Why::Revoked,
                Deactivation::Left => Why::Left,
                Deactivation::Ended => Why::Ended,
                Deactivation::OptedOut => Why::OptedOut,
            };
            let times = Times { redeemed, deactivated: Some(deactivated), why: Some(why), ..none };
            (Phase::Deactivated, times)
        }
    }
}

fn phase(phase: &Phase, times: &Times) -> Option<SharePhase> {
    Some(match phase {
        Phase::Invited => SharePhase::Invited { until: times.until? },
        Phase::Active => SharePhase::Active { redeemed: times.redeemed? },
        Phase::Expired => SharePhase::Expired { expired: times.expired? },
        Phase::Deactivated => SharePhase::Deactivated {
            redeemed: times.redeemed,
            deactivated: times.deactivated?,
            why: match times.why.as_ref()? {
                Why::Revoked => Deactivation::Revoked,
                Why::Left => Deactivation::Left,
                Why::Ended => Deactivation::Ended,
                Why::OptedOut => Deactivation::OptedOut,
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Alias, BackingTopic};
    use crate::records::testing::{keeps_later_fields, kept, read, saying, sealer};

    fn share(phase: SharePhase) -> ShareRecord {
        let topic = |alias: &str, backing: &str| SharedTopic {
            alias: Alias::parse(alias).unwrap(),
            backing: BackingTopic::parse(backing).unwrap(),
        };
        let subjects =
            ["orders-value", "com.acme.Order"].map(|subject| SchemaSubject::parse(subject).unwrap());
        ShareRecord {
            id: ShareId::parse("ss-k3x9").unwrap(),
            cluster: ClusterName::parse("main").unwrap(),
            consumer: EmailAddress::parse("jo@acme.example").unwrap(),
            topics: SharedTopics::new(vec![topic("orders", "internal"), topic("b", "internal")]).unwrap(),
            subjects: BTreeSet::from(subjects),
            account: AccountName::parse("ss-k3x9").unwrap(),
            invited_by: Label::parse("ann").unwrap(),
            invited: Moment(1),
            ends: Some(Moment(100)),
            start: Some(StartBound::Time(Moment(3))),
            daily_bytes: NonZeroU64::new(4),
            phase,
            unknown: Unknown::default(),
        }
    }

    fn phases() -> Vec<SharePhase> {
        let (deactivated, redeemed) = (Moment(9), Some(Moment(8)));
        let over = |redeemed, why| SharePhase::Deactivated { redeemed, deactivated, why };
        vec![
            SharePhase::Invited { until: Moment(7) },
            SharePhase::Active { redeemed: Moment(8) },
            SharePhase::Expired { expired: Moment(7) },
            over(redeemed, Deactivation::Revoked),
            over(redeemed, Deactivation::Left),
            over(redeemed, Deactivation::Ended),
            over(None, Deactivation::OptedOut),
        ]
    }

    #[test]
    fn a_share_is_read_as_it_was_written() {
        for phase in phases() {
            assert_eq!(read::<ShareRecord>(&kept(&share(phase))), share(phase));
        }
        let mut plain = share(SharePhase::Invited { until: Moment(7) });
        (plain.ends, plain.start, plain.daily_bytes) = (None, Some(StartBound::Offset(5)), None);
        plain.subjects.clear();
        assert_eq!(read::<ShareRecord>(&kept(&plain)), plain);
    }

    #[test]
    fn fields_of_a_later_version_are_kept() {
        let redeem =
            |share: ShareRecord| ShareRecord { phase: share.phase.redeem(Moment(2)).unwrap(), ..share };
        keeps_later_fields(&share(SharePhase::Invited { until: Moment(7) }), redeem);
    }

    #[test]
    fn a_phase_without_its_time_is_no_phase() {
        for phase in phases() {
            let record = kept(&share(phase));
            let text = record.body.text();
            for time in ["\"until\":7", "\"expired\":7", "\"deactivated\":9"] {
                let cut = text.replace(&format!(",{time}"), "");
                let read = ShareRecord::from_record(&saying(&record, &cut), &sealer());
                assert_eq!(read.is_err(), text.contains(time), "{cut}");
            }
        }
    }

    #[test]
    fn a_share_ends_when_its_end_comes() {
        let active = share(SharePhase::Active { redeemed: Moment(8) });
        assert_eq!(active.clone().at(Moment(99)), active);
        let ended = SharePhase::Deactivated {
            redeemed: Some(Moment(8)),
            deactivated: Moment(100),
            why: Deactivation::Ended,
        };
        assert_eq!(active.at(Moment(300)).phase, ended);
        let invited = share(SharePhase::Invited { until: Moment(7) });
        assert_eq!(invited.at(Moment(7)).phase, SharePhase::Expired { expired: Moment(7) });
    }

    #[test]
    fn what_was_written_stays_readable() {
        // Of the first schema; a change here breaks the stores that are out there.
        let texts: Vec<String> =
            phases().iter().map(|phase| kept(&share(*phase)).body.text().to_owned()).collect();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
