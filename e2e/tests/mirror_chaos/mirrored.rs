//! One link with one topic: the daemons that work at it, and what befalls them.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tidegate_e2e::dice::Dice;
use tidegate_e2e::mirror::{MirrorDaemon, MirrorHome};
use tidegate_sim::Place;

use crate::site::{Kind, Site, until, until_or};
use crate::tally::Tally;

/// The session of a worker in all of this: the shortest that brokers allow.
const SESSION: Duration = Duration::from_secs(6);

/// Into the work of one that has just begun, or of one that nobody knows what it does.
const INTO_WORK: Duration = Duration::from_millis(700);
const ANY_TIME: Duration = Duration::from_secs(8);

/// What befalls one of the workers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// It is killed so often, one time after the other.
    Kills(usize),
    /// It is stopped and continued, before its session is over.
    ShortStop,
    /// As above, long after it is over.
    LongStop,
}

pub(crate) struct Mirrored {
    pub(crate) topic: String,
    pub(crate) kind: Kind,
    workers: Vec<Worker>,
    /// All before was compared, of each partition.
    pub(crate) compared: Vec<i64>,
}

struct Worker {
    home: MirrorHome,
    daemon: MirrorDaemon,
}

impl Mirrored {
    pub(crate) fn start(site: &Site, topic: String, kind: Kind) -> Self {
        let first = MirrorHome::new().unwrap();
        let mut homes: Vec<_> = (1..kind.workers).map(|_| first.beside().unwrap()).collect();
        homes.push(first);
        let config = site.config(&topic, kind);
        let worker = |home: MirrorHome| {
            home.write(&config).unwrap();
            let daemon = MirrorDaemon::spawn(&home).unwrap();
            Worker { home, daemon }
        };
        let workers = homes.into_iter().map(worker).collect();
        Self { topic, kind, workers, compared: vec![0; usize::try_from(kind.partitions).unwrap()] }
    }

    pub(crate) fn places(&self) -> Vec<Place> {
        (0..self.kind.partitions).map(|partition| Place::new(&self.topic, partition)).collect()
    }

    pub(crate) fn home(&self) -> &MirrorHome {
        &self.workers[0].home
    }

    /// Lets something befall one of the workers.
    pub(crate) fn suffer(&mut self, event: Event, mut dice: Dice, tally: &Tally) {
        match event {
            Event::Kills(count) => (0..count).for_each(|_| self.kill(&mut dice, tally)),
            Event::ShortStop => self.stop(&mut dice, Duration::from_millis(100), SESSION / 2, tally),
            Event::LongStop => {
                tally.stopped_for_long.add(1);
                self.stop(&mut dice, SESSION + SESSION / 3, SESSION, tally);
            }
        }
    }

    /// Kills one at a random point, and starts it again, at times after a while.
    fn kill(&mut self, dice: &mut Dice, tally: &Tally) {
        let which = self.at_random_point(dice);
        let Worker { home, daemon } = self.workers.remove(which);
        tally.workers_killed.add(1);
        if is_at_work(&daemon, &self.topic) {
            tally.killed_at_work.add(1);
        }
        daemon.kill9();
        if dice.percent(30) {
            thread::sleep(dice.pause(Duration::from_secs(2)));
        }
        let daemon = MirrorDaemon::spawn(&home).unwrap();
        self.workers.insert(which, Worker { home, daemon });
    }

    fn stop(&mut self, dice: &mut Dice, shortest: Duration, more: Duration, tally: &Tally) {
        let which = self.at_random_point(dice);
        tally.workers_stopped.add(1);
        let daemon = &self.workers[which].daemon;
        daemon.signal("STOP").unwrap();
        thread::sleep(shortest + dice.pause(more));
        daemon.signal("CONT").unwrap();
    }

    /// Mostly one that has work to do, and is in the middle of it.
    fn at_random_point(&self, dice: &mut Dice) -> usize {
        let which = dice.below(self.workers.len());
        if dice.percent(75) {
            let daemon = &self.workers[which].daemon;
            // Others may have everything, and the broker be down.
            let begin = Instant::now();
            until("it is at work", || is_at_work(daemon, &self.topic) || begin.elapsed() > 3 * SESSION);
            thread::sleep(dice.pause(INTO_WORK));
        } else {
            thread::sleep(dice.pause(ANY_TIME));
        }
        which
    }

    /// What workers say of the mirror, those that have a share of it.
    pub(crate) fn told(&self) -> Vec<Value> {
        let told = self.workers.iter().filter_map(|worker| worker.daemon.mirror(&self.topic).ok().flatten());
        told.collect()
    }

    pub(crate) fn is_failed(&self) -> Option<String> {
        let failed = self.told().into_iter().find(|mirror| mirror["status"] == "FAILED")?;
        Some(failed["why"].as_str().unwrap_or_default().to_owned())
    }

    /// Waits until all workers are in order, and each partition is somebody's.
    pub(crate) fn until_active(&self) {
        let in_order = |mirror: &Value| mirror["status"] == "ACTIVE";
        let has = |mirror: &Value| mirror["partitions"].as_array().map_or(0, Vec::len);
        let all = self.compared.len();
        until_or(
            || {
                let told = self.told();
                told.iter().all(in_order) && told.iter().map(has).sum::<usize>() == all
            },
            || panic!("it is not in order: {:?}\n{}", self.told(), self.logs()),
        );
    }

    /// Does what a service manager does: a daemon that found its store's cluster down at its start has ended, and is started again.
    pub(crate) fn manage(&mut self, tally: &Tally) {
        for Worker { home, daemon } in &mut self.workers {
            if !daemon.is_alive().unwrap() {
                let log = home.log();
                let last = log.lines().last().unwrap_or_default();
                assert!(last.starts_with("the store: "), "a daemon has ended by itself: {log}");
                tally.started_again.add(1);
                *daemon = MirrorDaemon::spawn(home).unwrap();
            }
        }
    }

    /// The ends of what the daemons have written.
    pub(crate) fn logs(&self) -> String {
        let ends = self.workers.iter().map(|worker| {
            let log = worker.home.log();
            let lines: Vec<_> = log.lines().collect();
            lines[lines.len().saturating_sub(60)..].join("\n")
        });
        ends.collect::<Vec<_>>().join("\n\n")
    }

    pub(crate) fn signal(&self, name: &str) {
        self.workers.iter().for_each(|worker| worker.daemon.signal(name).unwrap());
    }

    pub(crate) fn kill_all(&mut self, tally: &Tally) {
        let workers = std::mem::take(&mut self.workers);
        self.workers = workers
            .into_iter()
            .map(|Worker { home, daemon }| {
                tally.workers_killed.add(1);
                daemon.kill9();
                let daemon = MirrorDaemon::spawn(&home).unwrap();
                Worker { home, daemon }
            })
            .collect();
    }
}

/// Whether it copies some partition now.
pub(crate) fn is_at_work(daemon: &MirrorDaemon, topic: &str) -> bool {
    let mirror = daemon.mirror(topic).ok().flatten().unwrap_or_default();
    let mut partitions = mirror["partitions"].as_array().into_iter().flatten();
    partitions.any(|partition| partition["phase"] == "COPYING")
}
