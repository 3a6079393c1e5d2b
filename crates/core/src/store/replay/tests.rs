//! Logs as they are, and as somebody with WRITE would have them.

use super::*;
use crate::keys::RootKey;

fn keys() -> StoreKeys {
    StoreKeys::new(&RootKey::from_bytes([1; 32]))
}

fn key(id: &str) -> RecordKey {
    RecordKey::new(Kind::ZONE, id).unwrap()
}

fn id(n: u8) -> ChangeId {
    ChangeId::from_bytes([n; 16])
}

/// A log and a replay that has taken all of it.
struct Log {
    records: Vec<Signed>,
    replay: Replay,
}

impl Log {
    fn new() -> Self {
        let mut replay = Replay::new(keys());
        replay.loaded().unwrap();
        Self { records: Vec::new(), replay }
    }

    /// Makes a change.
    fn make(&mut self, change: &Change) {
        let revision = u8::try_from(self.replay.image().revision().0).unwrap();
        for signed in self.replay.plan(change, id(revision + 1)).unwrap() {
            self.records.push(signed.clone());
            self.replay.take(signed).unwrap().unwrap();
        }
    }

    fn put(&mut self, name: &str, text: &str) {
        let body = Body::new(1, text);
        let change = match self.replay.image().get(&key(name)) {
            Some(record) => Change::new().update(record, body),
            None => Change::new().create(key(name), body),
        };
        self.make(&change);
    }

    fn delete(&mut self, name: &str) {
        let change = Change::new().delete(self.replay.image().get(&key(name)).unwrap());
        self.make(&change);
    }

    /// What a broker keeps in the end: the last record of each key, and none that says that it is gone.
    fn compacted(&self) -> Vec<Signed> {
        let is_last = |n: usize, signed: &Signed| {
            self.records.iter().skip(n + 1).all(|later| later.key != signed.key) && signed.body.is_some()
        };
        let kept = self.records.iter().enumerate().filter(|(n, signed)| is_last(*n, signed));
        kept.map(|(_, signed)| signed.clone()).collect()
    }
}

/// What a new replica makes of a log, and what it rejected.
fn load(records: &[Signed]) -> Result<(Arc<Image>, Vec<String>), Lost> {
    let mut replay = Replay::new(keys());
    for signed in records {
        let _rejected = replay.take(signed.clone())?;
    }
    let image = replay.loaded()?;
    Ok((image, replay.alarms().map(str::to_owned).collect()))
}

fn sample() -> Log {
    let mut log = Log::new();
    log.put("a", "1");
    log.put("b", "1");
    log.put("a", "2");
    log.put("c", "1");
    log.delete("b");
    log.put("a", "3");
    log
}

#[test]
fn a_log_gives_the_same_image_whole_and_compacted() {
    let log = sample();
    let compacted = log.compacted();
    assert!(compacted.len() < log.records.len());
    for records in [&log.records, &compacted] {
        let (image, alarms) = load(records).unwrap();
        assert_eq!(&image, log.replay.image());
        assert!(alarms.is_empty(), "{alarms:?}");
    }
    assert_eq!(load(&[]).unwrap().0.len(), 0);
}

#[test]
fn any_compaction_in_between_gives_the_same_image() {
    let log = sample();
    let compacted = log.compacted();
    // Superseded records may go one by one, in any part of the log.
    let superseded: Vec<&Signed> = log.records.iter().filter(|signed| !compacted.contains(signed)).collect();
    for kept in 0_u32..1 << superseded.len() {
        let is_kept = |signed: &&Signed| {
            let place = superseded.iter().position(|other| other == signed);
            place.is_none_or(|place| kept & (1 << place) != 0)
        };
        let records: Vec<Signed> = log.records.iter().filter(is_kept).cloned().collect();
        // A deletion outlives what it deletes.
        let revived = records.iter().any(|signed| signed.key == key("b") && signed.body.is_some())
            && !records.iter().any(|signed| signed.key == key("b") && signed.body.is_none());
        if !revived {
            assert_eq!(&load(&records).unwrap().0, log.replay.image(), "{kept:b}");
        }
    }
}

#[test]
fn a_forged_record_is_ignored_and_told() {
    let log = sample();
    let forger = StoreKeys::new(&RootKey::from_bytes([2; 32]));
    let forged = forger.sign(key("a"), Revision(7), id(9), Some(Body::new(1, "evil")));
    let mut swapped = log.records[0].clone();
    swapped.key = key("c");
    for bad in [forged, swapped] {
        let mut live = log.replay.clone();
        assert!(matches!(live.take(bad.clone()), Ok(Err(Rejected::Forged(_)))));
        assert_eq!(live.image(), log.replay.image());
        assert_eq!(live.alarms().count(), 1);
        for place in 0..=log.records.len() {
            let mut records = log.records.clone();
            records.insert(place, bad.clone());
            let (image, alarms) = load(&records).unwrap();
            assert_eq!(&image, log.replay.image(), "{place}");
            // Something good of the same key that came later has covered it.
            assert_eq!(alarms.is_empty(), log.records.iter().skip(place).any(|later| later.key == bad.key));
        }
    }
}

#[test]
fn an_old_record_shown_again_is_ignored_and_told() {
    let log = sample();
    for old in &log.records {
        let mut live = log.replay.clone();
        let taken = live.take(old.clone());
        assert!(matches!(taken, Ok(Err(Rejected::Replayed { .. }))), "{taken:?}");
        assert_eq!(live.image(), log.replay.image());
        let records = [log.records.clone(), vec![old.clone()]].concat();
        let (image, alarms) = load(&records).unwrap();
        assert_eq!(&image, log.replay.image());
        assert_eq!(alarms.len(), 1);
    }
}

#[test]
fn what_compaction_was_made_to_drop_is_missed() {
    let log = sample();
    let compacted = log.compacted();
    for place in 0..compacted.len() {
        let mut records = compacted.clone();
        let dropped = records.remove(place);
        let lost = load(&records).unwrap_err();
        match dropped.key.kind() == &Kind::HEAD {
            true => assert_eq!(lost, Lost::NoHead),
            false => assert!(matches!(lost, Lost::Missing { .. }), "{lost}"),
        }
    }
    // An old record after the present one, which compaction then drops: the key is there, and is the wrong one.
    let mut records = compacted.clone();
    records.retain(|signed| signed.key != key("a"));
    records.push(log.records[0].clone());
    assert!(matches!(load(&records), Err(Lost::Missing { .. })));
}

#[test]
fn an_attempt_that_was_given_up_and_is_shown_again_is_ignored() {
    let mut log = sample();
    let change = Change::new().create(key("given-up"), Body::new(1, "1"));
    let given_up = log.replay.plan(&change, id(0xaa)).unwrap().remove(0);
    let before = log.records.len();
    log.put("d", "1");
    // Before the change that took its place, whose head names another attempt.
    let mut records = log.records.clone();
    records.insert(before, given_up.clone());
    let (image, alarms) = load(&records).unwrap();
    assert_eq!(&image, log.replay.image());
    assert_eq!(alarms.len(), 1);
    // Live, record by record.
    let mut live = Replay::new(keys());
    for signed in log.records.iter().take(before) {
        let _ = live.take(signed.clone()).unwrap().unwrap();
    }
    live.loaded().unwrap();
    for signed in records.iter().skip(before) {
        let _ = live.take(signed.clone()).unwrap().unwrap();
    }
    assert_eq!(live.image(), log.replay.image());
    // At the end, without any head after it.
    let records =
        [log.records.clone(), vec![Signed { revision: given_up.revision, ..given_up.clone() }]].concat();
    let (image, alarms) = load(&records).unwrap();
    assert_eq!((&image, alarms.len()), (log.replay.image(), 1));
}

#[test]
fn a_live_reader_that_misses_a_change_is_told() {
    let mut log = sample();
    let behind = log.replay.clone();
    log.put("a", "4");
    log.put("a", "5");
    let last = log.records[log.records.len() - 2].clone();
    let gap = behind.clone().take(last).unwrap_err();
    assert_eq!(gap, Lost::Gap { before: Revision(6), after: Revision(8) });
}

#[test]
fn an_alarm_ends_when_something_good_comes_under_its_key() {
    let mut log = sample();
    let _ = log.replay.take(log.records[0].clone()).unwrap().unwrap_err();
    assert_eq!(log.replay.alarms().count(), 1);
    log.put("a", "4");
    assert_eq!(log.replay.alarms().count(), 0);
    for n in 0..1_000 {
        log.replay.alarm(&n.to_string(), String::new());
    }
    assert_eq!(log.replay.alarms().count(), MAX_ALARMS);
}

#[test]
fn a_later_format_is_left_alone() {
    let log = sample();
    let head = log.records.last().unwrap();
    let later = keys().sign(head.key.clone(), Revision(7), id(7), Some(Body::new(2, "{}")));
    let records = [log.records.clone(), vec![later]].concat();
    assert_eq!(load(&records).unwrap_err(), Lost::TooNew(Revision(7)));
}
