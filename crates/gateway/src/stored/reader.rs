//! From records to what is wanted. What has not changed is not read again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tidegate_authz::Mirrors;
use tidegate_core::records::{AccountRecord, MirrorRecord, RecordError, Recorded, ZoneRecord};
use tidegate_core::store::{Image, Revision, Sealer};
use tidegate_core::{Accounts, ClusterName, LinkId, MirrorTopic, SourcedZone, ZoneName};

use crate::desired::Desired;

/// Reads images, one after another.
#[derive(Debug)]
pub(super) struct Reader {
    sealer: Arc<Sealer>,
    /// Those that the configuration names.
    clusters: HashSet<ClusterName>,
    zones: Kept<ZoneRecord>,
    accounts: Kept<AccountRecord>,
    mirrors: Kept<(MirrorTopic, LinkId)>,
}

/// What records said, by their ids, or as much of it as matters; an error is remembered too.
type Kept<T> = HashMap<String, (Revision, Result<Arc<T>, RecordError>)>;

impl Reader {
    pub(super) fn new(sealer: Arc<Sealer>, clusters: HashSet<ClusterName>) -> Self {
        Self { sealer, clusters, zones: HashMap::new(), accounts: HashMap::new(), mirrors: HashMap::new() }
    }

    /// What an image wants, and what in it cannot be served, in words. A zone or an account that cannot be read is as if it
    /// were not there: nobody enters it.
    pub(super) fn read(&mut self, image: &Image) -> (Desired, Vec<String>) {
        keep_up(&mut self.zones, image, &self.sealer, |zone: ZoneRecord| zone);
        keep_up(&mut self.accounts, image, &self.sealer, |account: AccountRecord| account);
        keep_up(&mut self.mirrors, image, &self.sealer, |mirror: MirrorRecord| {
            (mirror.topic, mirror.link_id)
        });
        let mut problems = Vec::new();
        let (mut zones, mut accounts) = (Vec::new(), Accounts::default());
        let mut owners: HashMap<String, ZoneName> = HashMap::new();
        for (_, account) in self.accounts.values() {
            match account {
                Ok(record) => {
                    owners.insert(record.account.name().to_string(), record.zone.clone());
                    accounts.insert(record.account.clone());
                }
                Err(error) => problems.push(error.to_string()),
            }
        }
        for (_, zone) in self.zones.values() {
            match zone {
                Ok(record) => match self.unfit(record, &owners) {
                    None => zones.push(sourced(record)),
                    Some(what) => problems.push(what),
                },
                Err(error) => problems.push(error.to_string()),
            }
        }
        zones.sort_by(|one, other| one.zone.name().cmp(other.zone.name()));
        let is_partial = !problems.is_empty();
        let mirrors = self.mirrors(&mut problems);
        problems.sort();
        (Desired { zones, accounts, mirrors, revision: image.revision(), is_partial }, problems)
    }

    /// The topics into which links have written, whatever became of the links since: a mirror that has stopped keeps its
    /// fillers. One that cannot be read keeps nobody from reading its topic.
    fn mirrors(&self, problems: &mut Vec<String>) -> Mirrors {
        let mut known = Vec::new();
        for (_, mirror) in self.mirrors.values() {
            match mirror {
                Ok(mirror) => known.push(mirror.as_ref().clone()),
                Err(error) => problems.push(format!("{error}; readers of its topic see its fillers")),
            }
        }
        known.into_iter().collect()
    }

    /// Why a zone cannot be served.
    fn unfit(&self, record: &ZoneRecord, owners: &HashMap<String, ZoneName>) -> Option<String> {
        let (name, spec) = (record.spec.name(), &record.spec);
        if !self.clusters.contains(spec.cluster()) {
            return Some(format!(
                "zone/{name}: there is no cluster `{}` in the configuration",
                spec.cluster()
            ));
        }
        match owners.get(spec.account().as_str()) {
            Some(owner) if owner == name => None,
            Some(owner) => {
                Some(format!("zone/{name}: account `{}` belongs to zone `{owner}`", spec.account()))
            }
            None => Some(format!("zone/{name}: there is no account `{}`", spec.account())),
        }
    }
}

fn sourced(record: &ZoneRecord) -> SourcedZone {
    let source = format!("zone/{}", record.spec.name());
    SourcedZone { source, zone: record.spec.clone(), id: Some(record.id) }
}

/// Reads what is new and drops what is gone; keeps `what` matters.
fn keep_up<R: Recorded, T>(kept: &mut Kept<T>, image: &Image, sealer: &Sealer, what: impl Fn(R) -> T) {
    let mut now = HashMap::with_capacity(kept.len());
    for record in image.of(&R::KIND) {
        let id = record.key.id();
        let read = match kept.remove(id) {
            Some((revision, read)) if revision == record.revision => read,
            _ => R::from_record(record, sealer).map(|read| Arc::new(what(read))),
        };
        now.insert(id.to_owned(), (record.revision, read));
    }
    *kept = now;
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use tidegate_core::records::{MirrorStatus, Moment, Sealing, Unknown};
    use tidegate_core::registry::Registry;
    use tidegate_core::store::{Body, Change, RecordKey, SealingKey};
    use tidegate_core::{BackingTopic, LinkName, ProducerIds, SourceTopic, ZoneId, parse_zones};

    use super::*;

    fn sealer() -> Arc<Sealer> {
        Arc::new(Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap()))
    }

    fn with_zone(image: &Image, name: &str, cluster: &str) -> Image {
        let text = format!(
            "{{apiVersion: v2, kind: PartnerZone, metadata: {{name: {name}}}, spec: {{cluster: {cluster}, serviceAccount: {name}, topics: [{{name: a, backingTopic: t, permission: READ}}]}}}}"
        );
        let spec = parse_zones(&text).unwrap().remove(0);
        let (sealer, random) = (sealer(), SystemRandom::new());
        let sealing = Sealing { sealer: &sealer, random: &random };
        let registry = Registry { image, sealing, now: Moment(1) };
        image.with(&registry.put_zone(&spec, ZoneId::from_bytes([7; 16]), None).unwrap().0).unwrap()
    }

    fn reader() -> Reader {
        Reader::new(sealer(), HashSet::from([ClusterName::parse("main").unwrap()]))
    }

    #[test]
    fn zones_come_with_their_accounts_and_their_own_ids() {
        let image = with_zone(&with_zone(&Image::default(), "b", "main"), "a", "main");
        let (desired, problems) = reader().read(&image);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(desired.revision, image.revision());
        assert!(!desired.is_partial);
        let names: Vec<_> = desired.zones().iter().map(|zone| (zone.zone.name().as_str(), zone.id)).collect();
        let id = Some(ZoneId::from_bytes([7; 16]));
        assert_eq!(names, [("a", id), ("b", id)]);
        assert!(desired.accounts().find("a").is_some());
    }

    fn with_mirror(image: &Image, link: &str, link_id: u8, status: MirrorStatus) -> Image {
        let record = MirrorRecord {
            link: LinkName::parse(link).unwrap(),
            link_id: LinkId::from_bytes([link_id; 16]),
            topic: MirrorTopic::parse("t").unwrap(),
            source: SourceTopic::parse("s").unwrap(),
            source_id: None,
            fetched: vec![Some(5)],
            caught_up: std::collections::BTreeSet::new(),
            status,
            why: None,
            since: Moment(1),
            unknown: Unknown::default(),
        };
        let (sealer, random) = (sealer(), SystemRandom::new());
        let body = record.to_body(&Sealing { sealer: &sealer, random: &random }).unwrap();
        image.with(&Change::new().create(record.key().unwrap(), body)).unwrap()
    }

    /// Those whose fillers are hidden in partition 3 of a topic.
    fn producers(desired: &Desired, topic: &str) -> Vec<i64> {
        let mirror = desired.mirrors.of(&BackingTopic::parse(topic).unwrap());
        mirror.map_or_else(Vec::new, |mirror| mirror.filler_producers(3))
    }

    #[test]
    fn fillers_are_hidden_for_as_long_as_there_is_a_record_of_their_mirror() {
        let link = |id: u8| {
            let topic = MirrorTopic::parse("t").unwrap();
            ProducerIds::of(LinkId::from_bytes([id; 16]), &topic, 3).data
        };
        let mut reader = reader();
        let none = with_zone(&Image::default(), "a", "main");
        assert_eq!(producers(&reader.read(&none).0, "t"), Vec::<i64>::new());
        let one = with_mirror(&none, "first", 1, MirrorStatus::Stopped);
        let two = with_mirror(&one, "second", 2, MirrorStatus::Active);
        let (desired, problems) = reader.read(&two);
        assert_eq!(producers(&desired, "t"), [link(1), link(2)], "no link is needed any more");
        assert_eq!(producers(&desired, "s"), Vec::<i64>::new(), "what it copies is another topic");
        assert_eq!((problems, desired.is_partial), (Vec::<String>::new(), false));
        let first = two.get(&RecordKey::parse("mirror/first/t").unwrap()).unwrap().clone();
        let (desired, _) = reader.read(&two.with(&Change::new().delete(&first)).unwrap());
        assert_eq!(producers(&desired, "t"), [link(2)]);
    }

    #[test]
    fn a_mirror_that_cannot_be_read_is_told_and_keeps_nobody_out() {
        let image = with_mirror(&with_zone(&Image::default(), "a", "main"), "first", 1, MirrorStatus::Active);
        let key = RecordKey::parse("mirror/later/t").unwrap();
        let image = image.with(&Change::new().create(key, Body::new(99, "{}"))).unwrap();
        let (desired, problems) = reader().read(&image);
        assert_eq!((desired.zones().len(), desired.is_partial), (1, false));
        assert_eq!(producers(&desired, "t").len(), 1);
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert!(problem.contains("mirror/later/t has schema 99") && problem.contains("see its fillers"));
    }

    #[test]
    fn what_cannot_be_served_is_told_and_left_out() {
        let image = with_zone(&with_zone(&Image::default(), "good", "main"), "astray", "elsewhere");
        let key = RecordKey::parse("zone/later").unwrap();
        let image = image.with(&Change::new().create(key, Body::new(99, "{}"))).unwrap();
        let account = image.get(&RecordKey::parse("account/good").unwrap()).unwrap().clone();
        let mut reader = reader();
        let (desired, problems) = reader.read(&image);
        assert_eq!(desired.zones().len(), 1);
        assert!(desired.is_partial, "nothing of those that are left out may be taken away");
        assert!(problems[0].contains("zone/astray: there is no cluster `elsewhere`"), "{problems:?}");
        assert!(problems[1].contains("zone/later has schema 99"), "{problems:?}");
        let (desired, problems) = reader.read(&image.with(&Change::new().delete(&account)).unwrap());
        assert_eq!(desired.zones().len(), 0);
        assert!(problems.iter().any(|what| what.contains("zone/good: there is no account `good`")));
    }
}
