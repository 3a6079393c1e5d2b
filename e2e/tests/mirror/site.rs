//! Two clusters, and a link between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_client::{ConnectOptions, SaslLogin, Security};
use tidegate_e2e::asked::{Asked, shown};
use tidegate_e2e::jars::Version;
use tidegate_link::copy::{CopyLimits, Job, Phase, Status};
use tidegate_link::verify::Report;
use tidegate_mirror::calls::{Topic, TopicPartition};
use tidegate_mirror::{Cluster, Copying, Lease, Link, Pair, verify};
use tidegate_sim::table::Subject;
use tidegate_sim::{Ask, Place};
use tidegate_wire::filler::Kind;

/// What a link sees to in a topic until it has caught up.
pub(crate) const MIRROR: [(&str, &str); 6] = [
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("message.timestamp.type", "CreateTime"),
    ("message.timestamp.after.max.ms", "9223372036854775807"),
    ("compression.type", "producer"),
    ("max.message.bytes", "2000000"),
];

const PATIENCE: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 86_400_000;

/// What gaps are filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gaps {
    Markers,
    Records,
}

pub(crate) struct Site {
    pub(crate) source: Asked,
    pub(crate) mirror: Asked,
    /// How the source is entered.
    security: Security,
    lease: i32,
}

/// A partition that is being copied.
pub(crate) struct Copied {
    link: Link,
    copying: Copying,
    clusters: [Arc<Cluster>; 2],
    pair: Pair,
}

impl Site {
    pub(crate) fn start(source: Version, mirror: Version) -> Self {
        Self::start_with(source, mirror, &[])
    }

    /// With settings for the broker of the mirror.
    pub(crate) fn start_with(source: Version, mirror: Version, settings: &[(&str, i64)]) -> Self {
        // The cleaner looks every 15 seconds by default.
        let source = Asked::start(source, &[("log.cleaner.backoff.ms", 500)]);
        Self::of(source, Asked::start(mirror, settings))
    }

    /// Of these two.
    pub(crate) fn of(source: Asked, mirror: Asked) -> Self {
        Self { source, mirror, security: Security::plaintext(), lease: 0 }
    }

    /// A source that wants this login.
    pub(crate) fn entered_with(self, login: SaslLogin) -> Self {
        Self { security: self.security.with_login(login), ..self }
    }

    pub(crate) async fn copy(
        &mut self,
        source: &Place,
        mirror: &Place,
        gaps: Gaps,
        compacted: bool,
    ) -> Copied {
        let pair = self.pair(source, mirror, gaps, compacted).await;
        let clusters = [cluster_as(&self.source, self.security.clone()), cluster(&self.mirror)];
        let [from, to] = clusters.clone();
        let link = Link::new(from, to, Lease::forever());
        let copying = link.copy(pair.clone());
        Copied { link, copying, clusters, pair }
    }

    /// What is to be copied where, by a worker that has a later lease than the one before.
    pub(crate) async fn pair(&mut self, source: &Place, mirror: &Place, gaps: Gaps, compacted: bool) -> Pair {
        self.lease += 1;
        let job = Job {
            producer_id: (1 << 62) + 10,
            marker_id: (1 << 62) + 11,
            marker_epoch: (gaps == Gaps::Markers).then_some(self.lease),
            fillers: Kind::Plain,
            compacted,
            producer_expiration_ms: DAY_MS,
            limits: CopyLimits::default(),
        };
        let (from, to) = (cluster_as(&self.source, self.security.clone()), cluster(&self.mirror));
        Pair { source: at(&from, source).await, mirror: at(&to, mirror).await, job }
    }

    /// Whoever reads the mirror sees what readers of the source see, at the same offsets, and both logs begin and end there. How many
    /// empty records readers of the mirror see beside.
    pub(crate) fn compare(&mut self, source: &Place, mirror: &Place) -> usize {
        let ask = |broker: &mut Asked, place, ask| broker.list_offsets(place, ask).offset;
        for spot in [Ask::Start, Ask::StableEnd] {
            assert_eq!(ask(&mut self.source, source, spot), ask(&mut self.mirror, mirror, spot), "{spot:?}");
        }
        let (source, mut copied) = (shown(&self.source, source), shown(&self.mirror, mirror));
        assert!(!source.is_empty());
        for (offset, record) in &source {
            assert_eq!(copied.remove(offset).as_ref(), Some(record), "offset {offset}");
        }
        for (offset, record) in &copied {
            assert!(record[1].is_null() && record[2].is_null(), "{offset}: {record}");
        }
        copied.len()
    }
}

impl Copied {
    /// Waits until it has come to the end of the source.
    pub(crate) async fn until_done(&mut self, source: &mut Asked, place: &Place) -> Status {
        let begin = Instant::now();
        let end = source.list_offsets(place, Ask::StableEnd).offset;
        loop {
            let status = self.copying.status();
            assert!(!matches!(status.phase, Phase::Failed(_)), "{status:?}");
            if status.position == Some(end) {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "it does not come to {end}: {status:?}");
            let _ = tokio::time::timeout(Duration::from_millis(100), self.copying.changed()).await;
        }
    }

    /// What it does now.
    pub(crate) fn status(&self) -> Status {
        self.copying.status()
    }

    /// Both logs, compared by the link itself.
    pub(crate) async fn verify(&self) -> Report {
        let [source, mirror] = &self.clusters;
        let mut seen = i64::MIN;
        let progress = |position, end| {
            assert!(position >= seen && position <= end);
            seen = position;
        };
        verify(source, mirror, &self.pair, progress).await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.link.stop().await;
    }
}

pub(crate) fn cluster(broker: &Asked) -> Arc<Cluster> {
    cluster_as(broker, Security::plaintext())
}

fn cluster_as(broker: &Asked, security: Security) -> Arc<Cluster> {
    let options = ConnectOptions::new("mirror", security);
    Arc::new(Cluster::new(vec![broker.kafka.bootstrap().parse().unwrap()], options))
}

async fn at(cluster: &Cluster, place: &Place) -> TopicPartition {
    let topic = cluster.topic(&place.topic).await.unwrap();
    TopicPartition::new(Topic::new(&place.topic, topic.id), place.partition)
}

/// Waits until a partition can be written to.
pub(crate) fn until_led(broker: &mut Asked, place: &Place) {
    let begin = Instant::now();
    while !broker.list_offsets(place, Ask::LogEnd).error_code.is_none() {
        assert!(begin.elapsed() < PATIENCE, "{place:?} has no leader");
        std::thread::sleep(Duration::from_millis(20));
    }
}
