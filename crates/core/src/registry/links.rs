//! Links and their mirrors: what is wanted of them, what workers say of them, and the numbers that workers take.

use std::collections::{BTreeMap, BTreeSet};

use super::{Applied, Found, Registry, RegistryError};
use crate::link_id::LinkId;
use crate::names::{HolderId, LeaseName, LinkName, MirrorTopic, SourceTopic};
use crate::records::{
    LeaseNumber, LeaseRecord, LinkClusters, LinkMode, LinkRecord, MirrorRecord, MirrorStatus, RecordError,
    Recorded, Unknown,
};
use crate::store::{Change, Kind, RecordKey};
use crate::topic_id::SourceTopicId;

/// A mirror topic that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedMirror {
    /// The mirror topic.
    pub topic: MirrorTopic,
    /// The topic that it copies.
    pub source: SourceTopic,
    /// Whether it is to wait.
    pub is_paused: bool,
}

/// What a worker saw of a mirror. Several work at one, each at partitions of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeenMirror {
    /// What it does, and why where a person has to act; none from who is not to say.
    pub status: Option<(MirrorStatus, Option<String>)>,
    /// The id of the source; none before it was seen.
    pub source_id: Option<SourceTopicId>,
    /// Partitions of this worker.
    pub partitions: BTreeMap<i32, SeenPartition>,
}

/// What a worker saw of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeenPartition {
    /// The offset that was fetched last; none before the first.
    pub fetched: Option<u64>,
    /// Whether it has come to the end of its source once.
    pub caught_up: bool,
}

impl Registry<'_> {
    /// A link, if there is one of that name.
    ///
    /// # Errors
    /// [`RegistryError::Record`].
    pub fn link(&self, name: &LinkName) -> Result<Option<Found<LinkRecord>>, RegistryError> {
        self.find(&RecordKey::new(Kind::LINK, name.as_str()).map_err(RecordError::from)?)
    }

    /// A mirror of a link, if there is one of that name. One that an earlier link of this name left behind is nobody's.
    ///
    /// # Errors
    /// [`RegistryError::Record`].
    pub fn mirror(
        &self,
        link: &LinkRecord,
        topic: &MirrorTopic,
    ) -> Result<Option<Found<MirrorRecord>>, RegistryError> {
        let id = format!("{}/{topic}", link.name);
        self.find(&RecordKey::new(Kind::MIRROR, &id).map_err(RecordError::from)?)
    }

    /// Makes a link to this cluster as it is wanted. A new one gets `id`, which must be random: what it writes is known by it.
    ///
    /// # Errors
    /// [`RegistryError::Record`].
    pub fn put_link(
        &self,
        name: &LinkName,
        id: LinkId,
        is_paused: bool,
    ) -> Result<(Change, Applied), RegistryError> {
        let Some(Found { record, value }) = self.link(name)? else {
            let link = LinkRecord {
                name: name.clone(),
                id,
                mode: LinkMode::Destination,
                clusters: LinkClusters::default(),
                configs: BTreeMap::new(),
                is_paused,
                acls: BTreeSet::new(),
                created: self.now,
                updated: self.now,
                unknown: Unknown::default(),
            };
            let change = Change::new().create(link.key()?, link.to_body(&self.sealing)?);
            return Ok((change, Applied::Created));
        };
        if value.is_paused == is_paused {
            return Ok((Change::new(), Applied::NotChanged));
        }
        let next = LinkRecord { is_paused, updated: self.now, ..value };
        Ok((Change::new().update(&record, next.to_body(&self.sealing)?), Applied::Updated))
    }

    /// Makes a mirror as it is wanted: from then on readers know that the link writes into its topic.
    ///
    /// # Errors
    /// [`RegistryError::SourceFixed`], [`RegistryError::MirrorStopped`], [`RegistryError::LeftOver`].
    pub fn put_mirror(
        &self,
        link: &LinkRecord,
        wanted: &WantedMirror,
    ) -> Result<(Change, Applied), RegistryError> {
        let waits = if wanted.is_paused { MirrorStatus::Paused } else { MirrorStatus::PendingMirror };
        let Some(Found { record, value }) = self.mirror(link, &wanted.topic)? else {
            let mirror = MirrorRecord {
                link: link.name.clone(),
                link_id: link.id,
                topic: wanted.topic.clone(),
                source: wanted.source.clone(),
                source_id: None,
                fetched: Vec::new(),
                caught_up: BTreeSet::new(),
                status: waits,
                why: None,
                since: self.now,
                unknown: Unknown::default(),
            };
            let change = Change::new().create(mirror.key()?, mirror.to_body(&self.sealing)?);
            return Ok((change, Applied::Created));
        };
        let topic = || wanted.topic.clone();
        if value.link_id != link.id {
            return Err(RegistryError::LeftOver { link: link.name.clone(), topic: topic() });
        }
        if value.source != wanted.source {
            let (is, wanted) = (value.source, wanted.source.clone());
            return Err(RegistryError::SourceFixed { topic: topic(), is, wanted });
        }
        let status = match (value.status, wanted.is_paused) {
            (MirrorStatus::Stopped | MirrorStatus::PendingStopped(_), _) => {
                return Err(RegistryError::MirrorStopped(topic()));
            }
            // What a person has to look at is not made good by waiting.
            (MirrorStatus::Failed(_), _) | (MirrorStatus::Paused, true) => value.status,
            (_, true) => MirrorStatus::Paused,
            (MirrorStatus::Paused, false) => MirrorStatus::PendingMirror,
            (other, false) => other,
        };
        if status == value.status {
            return Ok((Change::new(), Applied::NotChanged));
        }
        let next = value.doing(status, self.now);
        Ok((Change::new().update(&record, next.to_body(&self.sealing)?), Applied::Updated))
    }

    /// Has every mirror of a link wait that is not among those that are wanted; what has failed or stopped stays as it is.
    ///
    /// # Errors
    /// [`RegistryError::Record`].
    pub fn pause_others(
        &self,
        link: &LinkRecord,
        wanted: &[WantedMirror],
    ) -> Result<Vec<Change>, RegistryError> {
        let mut changes = Vec::new();
        for Found { record, value } in self.mirrors(link)? {
            let is_wanted = wanted.iter().any(|wanted| wanted.topic == value.topic);
            let works = matches!(
                value.status,
                MirrorStatus::Active | MirrorStatus::PendingMirror | MirrorStatus::SourceUnavailable
            );
            if works && !is_wanted {
                let next = value.doing(MirrorStatus::Paused, self.now);
                changes.push(Change::new().update(&record, next.to_body(&self.sealing)?));
            }
        }
        Ok(changes)
    }

    /// All mirrors of a link.
    ///
    /// # Errors
    /// [`RegistryError::Record`].
    pub fn mirrors(&self, link: &LinkRecord) -> Result<Vec<Found<MirrorRecord>>, RegistryError> {
        let prefix = format!("{}/", link.name);
        let of_link = self.image.of(&Kind::MIRROR).filter(|record| record.key.id().starts_with(&prefix));
        let mut mirrors = Vec::new();
        for record in of_link {
            let value = MirrorRecord::from_record(record, self.sealing.sealer)?;
            if value.link_id == link.id {
                mirrors.push(Found { record: record.clone(), value });
            }
        }
        Ok(mirrors)
    }

    /// Writes down what a worker saw. A mirror that has failed stays failed, whatever another worker sees, until a person
    /// says otherwise; and one that somebody paused or stopped meanwhile is what they made it.
    ///
    /// # Errors
    /// [`RegistryError::NoMirror`].
    pub fn see_mirror(
        &self,
        link: &LinkRecord,
        topic: &MirrorTopic,
        seen: SeenMirror,
    ) -> Result<(Change, Applied), RegistryError> {
        let Found { record, value } = self.known(link, topic)?;
        let before = value.clone();
        let works = matches!(
            value.status,
            MirrorStatus::PendingMirror | MirrorStatus::Active | MirrorStatus::SourceUnavailable
        );
        let mut next = match seen.status {
            Some((status, why)) if works => MirrorRecord { why, ..value.doing(status, self.now) },
            _ => value,
        };
        next.source_id = next.source_id.or(seen.source_id);
        for (partition, seen) in seen.partitions {
            see_partition(&mut next, partition, seen);
        }
        if next == before {
            return Ok((Change::new(), Applied::NotChanged));
        }
        Ok((Change::new().update(&record, next.to_body(&self.sealing)?), Applied::Updated))
    }

    /// Lets a mirror that has failed go on from where it is: a person has seen to it.
    ///
    /// # Errors
    /// [`RegistryError::NoMirror`], [`RegistryError::NotFailed`].
    pub fn resume_mirror(&self, link: &LinkRecord, topic: &MirrorTopic) -> Result<Change, RegistryError> {
        let Found { record, value } = self.known(link, topic)?;
        if !matches!(value.status, MirrorStatus::Failed(_)) {
            return Err(RegistryError::NotFailed(topic.clone()));
        }
        let next = value.doing(MirrorStatus::PendingMirror, self.now);
        Ok(Change::new().update(&record, next.to_body(&self.sealing)?))
    }

    /// Takes the next number of a lease that many share, and which is not kept from others for any time: whoever takes one after
    /// the work was handed to them has a larger one than whoever had it before.
    ///
    /// # Errors
    /// [`RegistryError::Lease`]: it cannot grow any more, or somebody holds it.
    pub fn take_number(
        &self,
        lease: &LeaseName,
        holder: &HolderId,
    ) -> Result<(Change, LeaseNumber), RegistryError> {
        let found: Option<Found<LeaseRecord>> =
            self.find(&RecordKey::new(Kind::LEASE, lease.as_str()).map_err(RecordError::from)?)?;
        let (record, value) = match found {
            Some(Found { record, value }) => (Some(record), value),
            None => (None, LeaseRecord::new(lease.clone())),
        };
        let taken = LeaseRecord { held: None, ..value.take(self.now, holder, self.now)? };
        let body = taken.to_body(&self.sealing)?;
        let change = match record {
            Some(record) => Change::new().update(&record, body),
            None => Change::new().create(taken.key()?, body),
        };
        Ok((change, taken.number))
    }

    fn known(&self, link: &LinkRecord, topic: &MirrorTopic) -> Result<Found<MirrorRecord>, RegistryError> {
        let found = self.mirror(link, topic)?.filter(|found| found.value.link_id == link.id);
        found.ok_or_else(|| RegistryError::NoMirror { link: link.name.clone(), topic: topic.clone() })
    }
}

fn see_partition(mirror: &mut MirrorRecord, partition: i32, seen: SeenPartition) {
    let Ok(index) = usize::try_from(partition) else { return };
    if mirror.fetched.len() <= index {
        mirror.fetched.resize(index.saturating_add(1), None);
    }
    if let (Some(known), Some(_)) = (mirror.fetched.get_mut(index), seen.fetched) {
        *known = seen.fetched;
    }
    if seen.caught_up {
        mirror.caught_up.insert(partition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{MirrorError, Moment};
    use crate::registry::testing::with;
    use crate::store::Image;

    const ID: LinkId = LinkId::from_bytes([7; 16]);

    fn name() -> LinkName {
        LinkName::parse("a-to-b").unwrap()
    }

    fn topic(name: &str) -> MirrorTopic {
        MirrorTopic::parse(name).unwrap()
    }

    fn wanted(name: &str, is_paused: bool) -> WantedMirror {
        WantedMirror { topic: topic(name), source: SourceTopic::parse("orders").unwrap(), is_paused }
    }

    /// An image with the link, and the link.
    fn linked() -> (Image, LinkRecord) {
        let image = Image::default();
        let (change, applied) = with(&image, 1, |registry| registry.put_link(&name(), ID, false)).unwrap();
        assert_eq!(applied, Applied::Created);
        let image = image.with(&change).unwrap();
        let link = with(&image, 1, |registry| registry.link(&name())).unwrap().unwrap().value;
        (image, link)
    }

    fn put(
        image: &Image,
        link: &LinkRecord,
        wanted: &WantedMirror,
    ) -> Result<(Image, Applied), RegistryError> {
        let (change, applied) = with(image, 2, |registry| registry.put_mirror(link, wanted))?;
        Ok((image.with(&change).unwrap(), applied))
    }

    fn status(image: &Image, link: &LinkRecord, name: &str) -> MirrorStatus {
        with(image, 3, |registry| registry.mirror(link, &topic(name))).unwrap().unwrap().value.status
    }

    fn seen(status: MirrorStatus) -> SeenMirror {
        let source_id = SourceTopicId::from_bytes([3; 16]);
        SeenMirror { status: Some((status, None)), source_id, partitions: BTreeMap::new() }
    }

    fn see(image: &Image, link: &LinkRecord, seen: SeenMirror) -> (Image, Applied) {
        let (change, applied) =
            with(image, 4, |registry| registry.see_mirror(link, &topic("m"), seen)).unwrap();
        (image.with(&change).unwrap(), applied)
    }

    #[test]
    fn a_link_keeps_its_id_and_waits_when_it_is_told() {
        let (image, link) = linked();
        assert_eq!((link.id, link.is_paused), (ID, false));
        let other = LinkId::from_bytes([8; 16]);
        let again = |paused| with(&image, 5, |registry| registry.put_link(&name(), other, paused)).unwrap();
        assert_eq!(again(false).1, Applied::NotChanged);
        let image = image.with(&again(true).0).unwrap();
        let link = with(&image, 5, |registry| registry.link(&name())).unwrap().unwrap().value;
        assert_eq!((link.id, link.is_paused, link.updated), (ID, true, Moment(5)));
    }

    #[test]
    fn a_mirror_is_made_paused_and_resumed() {
        let (image, link) = linked();
        let (image, applied) = put(&image, &link, &wanted("m", false)).unwrap();
        assert_eq!((applied, status(&image, &link, "m")), (Applied::Created, MirrorStatus::PendingMirror));
        assert_eq!(put(&image, &link, &wanted("m", false)).unwrap().1, Applied::NotChanged);
        let (image, _) = put(&image, &link, &wanted("m", true)).unwrap();
        assert_eq!(status(&image, &link, "m"), MirrorStatus::Paused);
        let (image, _) = see(&image, &link, seen(MirrorStatus::Active));
        assert_eq!(status(&image, &link, "m"), MirrorStatus::Paused, "a worker that has not heard of it");
        let (image, _) = put(&image, &link, &wanted("m", false)).unwrap();
        assert_eq!(status(&image, &link, "m"), MirrorStatus::PendingMirror);
    }

    #[test]
    fn what_is_no_longer_wanted_waits() {
        let (image, link) = linked();
        let (image, _) = put(&image, &link, &wanted("m", false)).unwrap();
        let (image, _) = put(&image, &link, &wanted("n", false)).unwrap();
        let changes =
            with(&image, 2, |registry| registry.pause_others(&link, &[wanted("n", false)])).unwrap();
        let image = changes.iter().fold(image, |image, change| image.with(change).unwrap());
        assert_eq!(status(&image, &link, "m"), MirrorStatus::Paused);
        assert_eq!(status(&image, &link, "n"), MirrorStatus::PendingMirror);
    }

    #[test]
    fn a_mirror_copies_one_topic_only() {
        let (image, link) = linked();
        let (image, _) = put(&image, &link, &wanted("m", false)).unwrap();
        let other = WantedMirror { source: SourceTopic::parse("bills").unwrap(), ..wanted("m", false) };
        assert_eq!(
            put(&image, &link, &other).unwrap_err().to_string(),
            "mirror topic `m` copies topic `orders` and cannot copy `bills`; give `bills` a mirror topic of another name"
        );
        let left = LinkRecord { id: LinkId::from_bytes([9; 16]), ..link };
        let error = put(&image, &left, &wanted("m", false)).unwrap_err();
        assert!(matches!(error, RegistryError::LeftOver { .. }), "{error}");
    }

    #[test]
    fn what_has_failed_stays_failed_until_a_person_says_otherwise() {
        let (image, link) = linked();
        let (image, _) = put(&image, &link, &wanted("m", false)).unwrap();
        let resume = |image: &Image| with(image, 5, |registry| registry.resume_mirror(&link, &topic("m")));
        assert!(matches!(resume(&image), Err(RegistryError::NotFailed(_))));
        let failed = MirrorStatus::Failed(MirrorError::IllegalState);
        let why = Some("partition 3 at offset 9".to_owned());
        let (image, applied) =
            see(&image, &link, SeenMirror { status: Some((failed, why.clone())), ..seen(failed) });
        assert_eq!(applied, Applied::Updated);
        let (image, _) = see(&image, &link, seen(MirrorStatus::Active));
        let (image, _) = put(&image, &link, &wanted("m", true)).unwrap();
        let found = with(&image, 5, |registry| registry.mirror(&link, &topic("m"))).unwrap().unwrap();
        assert_eq!((found.value.status, found.value.why), (failed, why));
        let image = image.with(&resume(&image).unwrap()).unwrap();
        let found = with(&image, 5, |registry| registry.mirror(&link, &topic("m"))).unwrap().unwrap();
        assert_eq!((found.value.status, found.value.why), (MirrorStatus::PendingMirror, None));
        assert_eq!(found.value.source_id, SourceTopicId::from_bytes([3; 16]), "it is no other source");
    }

    #[test]
    fn what_was_seen_is_written_once() {
        let (image, link) = linked();
        let (image, _) = put(&image, &link, &wanted("m", false)).unwrap();
        let (image, applied) = see(&image, &link, seen(MirrorStatus::Active));
        assert_eq!(applied, Applied::Updated);
        assert_eq!(see(&image, &link, seen(MirrorStatus::Active)).1, Applied::NotChanged);
        let none =
            with(&image, 4, |registry| registry.see_mirror(&link, &topic("x"), seen(MirrorStatus::Active)));
        assert!(matches!(none, Err(RegistryError::NoMirror { .. })));
    }

    #[test]
    fn workers_add_what_they_saw_of_their_partitions() {
        let (image, link) = linked();
        let (image, _) = put(&image, &link, &wanted("m", false)).unwrap();
        let part = |partition, fetched, caught_up| {
            let partitions = BTreeMap::from([(partition, SeenPartition { fetched, caught_up })]);
            SeenMirror { partitions, ..SeenMirror::default() }
        };
        let (image, _) = see(&image, &link, part(2, Some(7), true));
        let (image, _) = see(&image, &link, part(0, Some(5), false));
        let (image, _) = see(&image, &link, part(2, None, false));
        let mirror = with(&image, 5, |registry| registry.mirror(&link, &topic("m"))).unwrap().unwrap().value;
        assert_eq!(mirror.fetched, [Some(5), None, Some(7)]);
        assert_eq!(mirror.caught_up, BTreeSet::from([2]), "it has been there");
        assert_eq!(mirror.status, MirrorStatus::PendingMirror);
        let (_, applied) = see(&image, &link, part(-1, Some(1), true));
        assert_eq!(applied, Applied::NotChanged);
    }

    #[test]
    fn every_number_is_larger_whoever_takes_it() {
        let lease = LeaseName::parse("marker/a-to-b").unwrap();
        let mut image = Image::default();
        for (turn, holder) in (1..).zip(["a", "b", "a", "a"]) {
            let holder = HolderId::parse(holder).unwrap();
            let (change, number) =
                with(&image, turn, |registry| registry.take_number(&lease, &holder)).unwrap();
            assert_eq!(number.value(), i32::try_from(turn).unwrap());
            image = image.with(&change).unwrap();
        }
    }
}
