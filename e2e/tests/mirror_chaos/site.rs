//! Two clusters of one broker each; the way to the mirror's leads through a proxy.

use std::thread;
use std::time::{Duration, Instant};

use tidegate_e2e::asked::Asked;
use tidegate_e2e::dice::Dice;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_sim::table::Subject;
use tidegate_sim::{Ask, Place, Restart};

use crate::mirrored::Mirrored;
use crate::proxy::Proxy;
use crate::tally::Tally;

/// A group waits for a member that was killed, a worker for its next try; a busy machine for everything.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Site {
    pub(crate) source: Asked,
    pub(crate) mirror: Asked,
    pub(crate) proxy: Proxy,
    pub(crate) tally: Tally,
    pub(crate) dice: Dice,
}

/// A kind of link.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// What the daemon's file says of gaps.
    pub(crate) gaps: &'static str,
    pub(crate) workers: usize,
    /// Of its one topic.
    pub(crate) partitions: i32,
}

impl Site {
    pub(crate) fn start(versions: [Version; 2], dice: Dice) -> Self {
        Self::start_with(versions, dice, &[])
    }

    /// With settings for the broker of the mirror.
    pub(crate) fn start_with(
        [source, mirror]: [Version; 2],
        mut dice: Dice,
        settings: &[(&str, i64)],
    ) -> Self {
        let source = Asked::of(Kafka::builder(source).start().unwrap());
        let mirror = Kafka::builder(mirror).doors();
        let mirror = settings.iter().fold(mirror, |builder, (key, value)| builder.setting(key, value));
        let mirror = mirror.start().unwrap();
        let proxy = Proxy::open(mirror.door(1), mirror.bootstrap().parse().unwrap(), dice.part());
        Self { source, mirror: Asked::of(mirror), proxy, tally: Tally::default(), dice }
    }

    /// A topic of the source, and daemons that mirror it.
    pub(crate) fn mirrored(&mut self, kind: Kind) -> Mirrored {
        let topic = self.source.kafka.create_topic(kind.partitions).unwrap().name;
        Mirrored::start(self, topic, kind)
    }

    /// A topic of the source that keeps what is old.
    pub(crate) fn old_topic(&mut self) -> String {
        self.source.create_topic(&[("retention.ms", "-1")]).topic.to_string()
    }

    /// A configuration with one link, `a-to-b`.
    pub(crate) fn config(&self, topic: &str, Kind { gaps, workers, .. }: Kind) -> String {
        let (from, to) = (self.source.kafka.bootstrap(), self.mirror.kafka.door(1));
        let store = if workers == 1 { "{type: SQLITE}".to_owned() } else { shared_store(topic) };
        format!(
            "clusters:\n- {{name: a, bootstrap: [\"{from}\"]}}\n- {{name: b, bootstrap: [\"{to}\"]}}\n\
             store: {store}\n\
             links:\n- {{name: a-to-b, source: a, destination: b, sessionTimeoutMs: 6000, gaps: {gaps}, topics: [{topic}]}}\n"
        )
    }

    /// Where a log of the source is at rest.
    pub(crate) fn source_end(&mut self, place: &Place) -> i64 {
        self.source.list_offsets(place, Ask::StableEnd).offset
    }

    pub(crate) fn wait_for_late_requests(&self) {
        until("nothing is on its way any more", || self.proxy.is_clear());
    }
}

fn shared_store(topic: &str) -> String {
    format!("{{type: KAFKA, cluster: b, topic: \"{topic}.store\", replication: 1}}")
}

/// Kills the one broker of a cluster and starts it again.
pub(crate) fn kill_broker(broker: &mut Asked, tally: &Tally) {
    broker.restart(Restart::Killed);
    tally.brokers_killed.add(1);
}

pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) {
    until_or(is_so, || panic!("not within {PATIENCE:?}: {what}"));
}

pub(crate) fn until_or(mut is_so: impl FnMut() -> bool, otherwise: impl FnOnce()) {
    let begin = Instant::now();
    while !is_so() {
        if begin.elapsed() > PATIENCE {
            return otherwise();
        }
        thread::sleep(Duration::from_millis(50));
    }
}
