//! Two clusters, and what is written at the source.

use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tidegate_e2e::asked::{Asked, shown};
use tidegate_e2e::jars::Version;
use tidegate_e2e::mirror::{MirrorDaemon, MirrorHome};
use tidegate_sim::table::Subject;
use tidegate_sim::{Ask, Draft, Place, Produce, Transactional};

/// A group waits for more members before it begins; a killed worker is missed after its session.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Site {
    pub(crate) source: Asked,
    pub(crate) mirror: Asked,
}

impl Site {
    /// Two brokers that all cases share.
    pub(crate) fn start() -> Self {
        static SHARED: OnceLock<Mutex<Site>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            let quick = [("group.initial.rebalance.delay.ms", 0)];
            let (source, mirror) =
                (Asked::start(Version::V3_9_1, &[]), Asked::start(Version::V4_1_1, &quick));
            Mutex::new(Self { source, mirror })
        });
        let shared = shared.lock().unwrap();
        Self { source: shared.source.beside(), mirror: shared.mirror.beside() }
    }

    /// A configuration with one link, `a-to-b`; `link` has its topics, `store` where it is kept.
    pub(crate) fn config(&self, store: &str, link: &str) -> String {
        let (from, to) = (self.source.kafka.bootstrap(), self.mirror.kafka.bootstrap());
        format!(
            "clusters:\n- {{name: a, bootstrap: [\"{from}\"]}}\n- {{name: b, bootstrap: [\"{to}\"]}}\n\
             store: {store}\n\
             links:\n- {{name: a-to-b, source: a, destination: b, sessionTimeoutMs: 6000, {link}}}\n"
        )
    }

    /// Topics at the source.
    pub(crate) fn topics(&self, partitions: &[i32]) -> Vec<String> {
        let topics = self.source.kafka.create_topics(partitions).unwrap();
        topics.into_iter().map(|topic| topic.name).collect()
    }

    /// Batches with a gap in each partition: a transaction that is given up.
    pub(crate) fn write(&mut self, topic: &str, partitions: i32) {
        for partition in 0..partitions {
            let place = Place::new(topic, partition);
            self.append(&place, Draft::of(3, self.source.now()).keyed());
            self.give_up(&place);
            self.append(&place, Draft::of(2, self.source.now()).zstd());
        }
    }

    fn append(&mut self, place: &Place, draft: Draft) {
        let answers = self.source.produce(&[(place.clone(), Produce::of(draft.bytes()))]);
        assert!(answers[0].1.error_code.is_none(), "{answers:?}");
    }

    fn give_up(&mut self, place: &Place) {
        let id = format!("{}-{}", place.topic, place.partition);
        let who = Transactional { identity: self.source.init_producer_id(Some(&id)), id: id.clone() };
        self.source.add_to_transaction(&who, std::slice::from_ref(place));
        let draft = Draft::of(2, self.source.now()).transactional();
        let draft = draft.by(who.identity.producer_id, who.identity.epoch, 0);
        let produce = Produce { transactional_id: Some(id), ..Produce::of(draft.bytes()) };
        self.source.produce(&[(place.clone(), produce)]);
        self.source.end_transaction(3, &who, false);
    }

    /// Waits until a mirror ends where its source does, and holds all that kcat shows of both against each other. Gives the number
    /// of records that only readers of the mirror see.
    pub(crate) fn compare(&mut self, topic: &str, mirror: &str, partitions: i32) -> usize {
        let mut more = 0;
        for partition in 0..partitions {
            let (from, to) = (Place::new(topic, partition), Place::new(mirror, partition));
            let end = self.source.list_offsets(&from, Ask::StableEnd).offset;
            until("the mirror ends where its source does", || {
                self.mirror.list_offsets(&to, Ask::StableEnd).offset == end
            });
            let (source, mut copied) = (shown(&self.source, &from), shown(&self.mirror, &to));
            assert!(!source.is_empty());
            for (offset, record) in source {
                assert_eq!(copied.remove(&offset), Some(record), "{topic}/{partition} at {offset}");
            }
            assert!(copied.values().all(|record| record[1].is_null() && record[2].is_null()), "{copied:?}");
            more += copied.len();
        }
        more
    }
}

/// Names of verdicts, one for each partition.
pub(crate) fn verdicts(home: &MirrorHome) -> Vec<String> {
    let (_, found) = home.verify("a-to-b").unwrap();
    found.iter().map(|found| found["verdict"]["name"].as_str().unwrap().to_owned()).collect()
}

/// Waits until a daemon says so of a mirror topic.
pub(crate) fn until_mirror(daemon: &MirrorDaemon, topic: &str, what: &str, is_so: impl Fn(&Value) -> bool) {
    let mut last = None;
    until_or(what, || {
        last = daemon.mirror(topic).ok().flatten();
        last.as_ref().is_some_and(&is_so)
    })
    .unwrap_or_else(|()| panic!("not within {PATIENCE:?}: {what}: {last:?}"));
}

pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) {
    until_or(what, is_so).unwrap_or_else(|()| panic!("not within {PATIENCE:?}: {what}"));
}

fn until_or(_what: &str, mut is_so: impl FnMut() -> bool) -> Result<(), ()> {
    let begin = Instant::now();
    while !is_so() {
        if begin.elapsed() > PATIENCE {
            return Err(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
