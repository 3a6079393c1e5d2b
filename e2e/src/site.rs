//! One zone behind a gateway, everything that its partner receives recorded, and edits of the zone with a clock.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::clients::ClientConfig;
use crate::gateway::{self, Alias, Gateway, Home, Permission, get};
use crate::kafka::{Kafka, Topic};
use crate::markers::Markers;
use crate::random;
use crate::raw::Connection;
use crate::recorder::Recorder;

/// How soon an edit is enforced on live connections.
pub const ENFORCED: Duration = Duration::from_secs(1);

/// How long a test waits before it gives up; a busy machine needs a while for what has no bar.
pub const PATIENCE: Duration = Duration::from_secs(20);

const PASSWORD: &str = "partner-password";
const ZONE: &str = "acme";
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A gateway with one zone and one account, before a cluster.
#[derive(Debug)]
pub struct Site {
    /// The gateway's files and ports.
    pub home: Home,
    gateway: Option<Gateway>,
    recorder: Recorder,
    account: String,
    markers: RefCell<Markers>,
}

/// The moment at which a running gateway had taken over an edit, by its own log.
#[derive(Clone, Copy, Debug)]
pub struct Handled {
    /// Since midnight, UTC.
    at: Duration,
}

impl Site {
    /// Starts a gateway before `kafka` whose zone has `aliases`.
    pub fn start(kafka: &Kafka, aliases: &[Alias]) -> Result<Self> {
        Self::start_with(kafka, aliases, |_| Ok(()))
    }

    /// As [`Site::start`], after `prepare` has changed its files.
    pub fn start_with(
        kafka: &Kafka,
        aliases: &[Alias],
        prepare: impl FnOnce(&Home) -> Result<()>,
    ) -> Result<Self> {
        let (home, account, recorder) = (Home::create(kafka)?, random::name("partner-"), Recorder::default());
        home.add_account(&account, PASSWORD)?;
        home.add_zone(ZONE, &account, aliases)?;
        prepare(&home)?;
        home.ports().record(&recorder)?;
        let gateway = Some(Gateway::start(&home)?);
        let site = Self { home, gateway, recorder, account, markers: RefCell::new(cluster_markers(kafka)) };
        Ok(site)
    }

    /// A connection through the port to begin with, logged in.
    pub fn connect(&self) -> Result<Connection> {
        self.log_in(self.home.ports().advertised())
    }

    /// A connection through the port of a node, logged in.
    pub fn connect_to(&self, node: u16) -> Result<Connection> {
        self.log_in(SocketAddr::from((Ipv4Addr::LOCALHOST, self.home.ports().advertised_nodes() + node)))
    }

    /// How a stock client logs in.
    pub fn config(&self) -> ClientConfig {
        gateway::client_config(&self.home, "PLAIN", &self.account, PASSWORD)
    }

    /// Changes the zone and returns once the gateway says that it has read it.
    pub fn edit(&self, aliases: &[Alias]) -> Result<Handled> {
        self.edit_files(|_| self.rewrite(aliases))
    }

    /// Changes the gateway's files and returns once the gateway says that it has read them.
    pub fn edit_files(&self, change: impl FnOnce(&Home) -> Result<()>) -> Result<Handled> {
        let before = self.home.log().len();
        change(&self.home)?;
        self.gateway.as_ref().context("the gateway runs")?.reload()?;
        Handled::logged_after(&self.home, before)
    }

    /// Changes the zone's file and tells nobody.
    pub fn rewrite(&self, aliases: &[Alias]) -> Result<()> {
        self.home.add_zone(ZONE, &self.account, aliases)
    }

    /// Kills the gateway with SIGKILL.
    pub fn kill9(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.kill9();
        }
    }

    /// Starts the gateway after [`Site::kill9`] on the same files.
    pub fn start_again(&mut self) -> Result<()> {
        self.gateway = Some(Gateway::start(&self.home)?);
        Ok(())
    }

    /// How many requests of an API the gateway has taken, as it counts them itself.
    pub fn requests(&self, api: &str) -> Result<u64> {
        let metrics = get(self.home.ports().http(), "/metrics")?.body;
        let label = format!("api=\"{api}\"");
        let line =
            metrics.lines().find(|line| line.starts_with("tidegate_requests_total") && line.contains(&label));
        let count = line.and_then(|line| line.rsplit(' ').next());
        Ok(count.map_or(Ok(0), str::parse)?)
    }

    /// Says that the partner may never receive the real name or id of a topic.
    pub fn hide(&self, topic: &Topic) {
        let mut markers = self.markers.borrow_mut();
        markers.text("backing topic", &topic.name);
        markers.id("topic id", topic.id);
    }

    /// Says that the partner may never receive `text`.
    pub fn forbid(&self, what: &str, text: &str) {
        self.markers.borrow_mut().text(what, text);
    }

    /// To how many connections `text` was sent.
    pub fn received(&self, text: &str) -> usize {
        let mut markers = Markers::default();
        markers.text("text", text);
        self.recorder.search(&markers).iter().filter(|hit| hit.form == "text").count()
    }

    /// Ends the case: nothing that the gateway ever sent holds a marker, and no topic came to life.
    pub fn finish(mut self, kafka: &Kafka) -> Result<()> {
        let mut gateway = self.gateway.take().context("the gateway runs")?;
        ensure!(gateway.ended()?.is_none(), "the gateway ended:\n{}", self.home.log());
        ensure!(!self.home.log().contains("panicked"), "{}", self.home.log());
        ensure!(self.recorder.recorded() > 0, "nothing went through the recorder");
        let hits = self.recorder.search(&self.markers.borrow());
        let hits: Vec<String> = hits.iter().map(ToString::to_string).collect();
        ensure!(hits.is_empty(), "leaked to the partner:\n{}", hits.join("\n"));
        let names = kafka.topic_names()?;
        let created: Vec<&String> =
            names.iter().filter(|name| !name.starts_with("backing.") && !name.starts_with("__")).collect();
        ensure!(created.is_empty(), "came to life on the cluster: {created:?}");
        Ok(())
    }

    fn log_in(&self, address: SocketAddr) -> Result<Connection> {
        let mut connection = Connection::open(address, PATIENCE)?;
        connection.log_in(&self.account, PASSWORD)?;
        Ok(connection)
    }
}

impl Handled {
    /// How long ago that was.
    pub fn elapsed(self) -> Duration {
        // Midnight may lie between.
        within_a_day(time_of_day() + DAY - self.at)
    }

    /// Waits until the effect of the edit must be there.
    pub fn wait_until_due(self) {
        thread::sleep(ENFORCED.saturating_sub(self.elapsed()));
    }

    /// Asks until the effect of the edit is there, which must be within [`ENFORCED`].
    pub fn soon(self, what: &str, mut is_there: impl FnMut() -> Result<bool>) -> Result<()> {
        wait_for(what, &mut is_there)?;
        self.was_soon(what)
    }

    /// Says that the effect of the edit is there, which must be within [`ENFORCED`].
    pub fn was_soon(self, what: &str) -> Result<()> {
        let elapsed = self.elapsed();
        println!("{what}: {elapsed:?} after the edit");
        ensure!(elapsed <= ENFORCED, "{what}: {elapsed:?} after the edit");
        Ok(())
    }

    /// Waits until the gateway of `home` has logged it behind the first `start` bytes of its log.
    pub fn logged_after(home: &Home, start: usize) -> Result<Self> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let log = home.log();
            // A line may be half written.
            let lines = log[start..].rsplit_once('\n').map_or("", |(lines, _)| lines);
            if let Some(line) = lines.lines().find(|line| line.contains("nothing is changed")) {
                bail!("the edit is wrong: {line}");
            }
            if let Some(line) = lines.lines().find(|line| line.contains("are read again")) {
                return Self::of(line).with_context(|| format!("not a line of the log: {line}"));
            }
            thread::sleep(Duration::from_millis(2));
        }
        bail!("the gateway did not read its zones again:\n{}", home.log())
    }

    fn of(line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Line {
            timestamp: String,
        }
        let line: Line = serde_json::from_str(line).ok()?;
        let (_, time) = line.timestamp.trim_end_matches('Z').split_once('T')?;
        let mut parts = time.split(':');
        let mut next = || parts.next()?.parse::<f64>().ok();
        let (hours, minutes, seconds) = (next()?, next()?, next()?);
        Some(Self { at: Duration::from_secs_f64((hours * 60.0 + minutes) * 60.0 + seconds) })
    }
}

/// Asks every few milliseconds until it is so, for at most [`PATIENCE`].
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while !is_so().with_context(|| what.to_owned())? {
        ensure!(Instant::now() < until, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// An alias that may be written.
pub fn write(name: &str, topic: &Topic) -> Alias {
    Alias { name: name.to_owned(), backing: topic.name.clone(), permission: Permission::Write }
}

/// An alias that may be read.
pub fn read(name: &str, topic: &Topic) -> Alias {
    Alias { permission: Permission::Read, ..write(name, topic) }
}

/// What a partner may not learn about the cluster itself.
fn cluster_markers(kafka: &Kafka) -> Markers {
    let mut markers = Markers::default();
    for host in kafka.hosts() {
        markers.text("upstream host", &host);
    }
    for rack in kafka.racks() {
        markers.text("upstream rack", rack);
    }
    markers.cluster_id(kafka.cluster_id());
    markers
}

fn time_of_day() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    within_a_day(now)
}

fn within_a_day(time: Duration) -> Duration {
    Duration::new(time.as_secs() % DAY.as_secs(), time.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_tells_when_an_edit_was_handled() {
        let line = r#"{"timestamp":"2026-11-21T01:02:03.500000Z","level":"INFO"}"#;
        assert_eq!(Handled::of(line).unwrap().at, Duration::from_millis(3_723_500));
    }

    #[test]
    fn time_goes_on_across_midnight() {
        let now = time_of_day();
        let before = Handled { at: within_a_day(now + DAY - Duration::from_secs(5)) };
        let elapsed = before.elapsed();
        assert!((Duration::from_secs(5)..Duration::from_secs(60)).contains(&elapsed), "{elapsed:?}");
    }
}
