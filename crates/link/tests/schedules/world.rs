//! Two brokers, workers, a network between them, and everything that can go wrong.

use std::collections::{BTreeMap, VecDeque};

use tidegate_link::copy::{Event, Failure, Guarding, Order, Phase, Trouble};
use tidegate_sim::{Broker, Draft, Place, Produce, Restart, Settings, TopicConfig, Version};
use tidegate_wire::error_code::ErrorCode;

use crate::Class;
use crate::check::{Shown, difference, shown};
use crate::counts::Counts;
use crate::dice::Dice;
use crate::source::Life;
use crate::worker::{PRODUCER_ID, Sent, Worker, carry_out, failed};

const NOW: i64 = 1_700_000_000_000;

pub(crate) struct World {
    class: Class,
    dice: Dice,
    place: Place,
    source: Broker,
    mirror: Broker,
    life: Life,
    /// Everything that the source ever showed.
    ever: BTreeMap<i64, Shown>,
    /// Before this offset a worker found nothing left at the source to hold the mirror against, and said so.
    unverified: i64,
    /// The last one has the lease.
    workers: Vec<Worker>,
    lease: i32,
    /// What came from connections that are gone, and may arrive yet.
    ghosts: Vec<VecDeque<Sent>>,
    pub(crate) seen: Counts,
}

impl World {
    pub(crate) fn new(seed: u64, class: Class) -> Self {
        let mut dice = Dice(seed);
        let version = if dice.once_in(2) { Version::V4_1 } else { Version::V3_9 };
        let place = Place::new("t", 0);
        let mut source = Broker::new(Settings::of(version), NOW);
        let mut config = TopicConfig::of(version);
        config.retention_ms = -1;
        let mut mirror = Broker::new(Settings::of(version), NOW);
        mirror.create_topic("t", 1, config);
        if class.append_time && dice.once_in(2) {
            config.set("message.timestamp.type", "LogAppendTime");
        }
        if class.compacted {
            config.set("cleanup.policy", "compact,delete");
        }
        source.create_topic("t", 1, config);
        let mut world = Self {
            class,
            life: Life::new(place.clone(), class),
            dice,
            place,
            source,
            mirror,
            ever: BTreeMap::new(),
            unverified: 0,
            workers: vec![Worker::new(1, class)],
            lease: 1,
            ghosts: Vec::new(),
            seen: Counts::default(),
        };
        for _ in 0..world.dice.below(10) {
            world.live();
        }
        world
    }

    /// So many steps, whatever the dice say.
    pub(crate) fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
        }
    }

    fn step(&mut self) {
        match self.dice.below(100) {
            0..12 => self.live(),
            12..40 => self.carry_out_one(),
            40..60 => self.answer_one(),
            60..83 => self.ask_one(),
            83..87 => self.pass_time(),
            87..91 => self.haunt(),
            91..93 => self.cut(),
            93 => self.restart_mirror(),
            94 => self.take_over(),
            95 => self.stop_or_go_on(),
            96 if self.class.foreign && self.dice.once_in(4) => self.write_from_elsewhere(),
            _ => self.wake(),
        }
    }

    fn live(&mut self) {
        self.life.step(&mut self.source, &mut self.dice);
        self.remember();
    }

    fn remember(&mut self) {
        self.ever.extend(shown(&self.source, &self.place));
    }

    fn any_worker(&mut self) -> Option<usize> {
        let at = self.dice.below(self.workers.len());
        (!self.workers[at].stopped).then_some(at)
    }

    fn carry_out_one(&mut self) {
        // A request that was written arrives whether its worker runs or not.
        let at = self.dice.below(self.workers.len());
        if let Some(sent) = self.workers[at].requests.pop_front() {
            let event = self.carry_out_or_refuse(&sent);
            self.workers[at].answers.push_back((sent.attempt, event));
        }
    }

    /// Now and then a broker refuses for reasons of its own, or has carried out what it says it has not.
    fn carry_out_or_refuse(&mut self, sent: &Sent) -> Event {
        let refused = |code| failed(&sent.order, Trouble::Refused(code));
        match self.dice.below(60) {
            0 => refused(ErrorCode::NOT_LEADER_OR_FOLLOWER),
            1 => {
                self.carry_out(sent, false);
                refused(ErrorCode::REQUEST_TIMED_OUT)
            }
            _ => self.carry_out(sent, false),
        }
    }

    fn carry_out(&mut self, sent: &Sent, is_ghost: bool) -> Event {
        let before = self.mirror.partition(&self.place).unwrap().log().end();
        let known = self.mirror.partition(&self.place).unwrap().producers().of(PRODUCER_ID).is_some();
        let event = carry_out(&sent.order, &self.place, &mut self.mirror);
        let grown = self.mirror.partition(&self.place).unwrap().log().end() > before;
        if grown && (is_ghost || sent.lease != self.lease) {
            self.seen.late += 1;
            // A sequence says nothing of markers that were written in the meantime.
            let guarded = known
                && !self.class.markers
                && matches!(&sent.order, Order::Append(append) if append.guarding == Guarding::Sequence);
            self.seen.unguarded += u64::from(!guarded);
        } else if grown && is_misplaced(&sent.order, &event) {
            // Nobody was late, but somebody else was quicker, and the broker forgot that before this one came.
            self.seen.unguarded += 1;
        }
        event
    }

    fn answer_one(&mut self) {
        let Some(at) = self.any_worker() else { return };
        if let Some((attempt, event)) = self.workers[at].answers.pop_front() {
            self.workers[at].tell(self.source.now(), self.lease, attempt, event);
        }
    }

    fn ask_one(&mut self) {
        let Some(at) = self.any_worker() else { return };
        if !self.workers[at].questions.is_empty() {
            let Self { place, source, mirror, lease, dice, .. } = self;
            self.workers[at].ask(place, source, mirror, *lease, dice, true);
        }
    }

    fn wake(&mut self) {
        let Some(at) = self.any_worker() else { return };
        self.workers[at].wake(self.source.now(), self.lease);
    }

    fn pass_time(&mut self) {
        let milliseconds = match self.dice.below(10) {
            // Long enough for a check of producers, and for a day to be over.
            0..3 if self.class.old => 700_000,
            3 if self.class.old => 90_000_000,
            0..4 => 12_000,
            _ => self.dice.between(1, 1_500),
        };
        self.advance(milliseconds);
    }

    fn advance(&mut self, milliseconds: i64) {
        self.source.advance(milliseconds);
        self.mirror.advance(milliseconds);
    }

    /// Something of a connection that is gone arrives.
    fn haunt(&mut self) {
        if self.ghosts.is_empty() {
            return;
        }
        let at = self.dice.below(self.ghosts.len());
        match self.ghosts[at].pop_front() {
            Some(sent) => drop(self.carry_out(&sent, true)),
            None => drop(self.ghosts.swap_remove(at)),
        }
    }

    fn cut(&mut self) {
        let at = self.dice.below(self.workers.len());
        self.cut_off(at);
    }

    fn cut_off(&mut self, at: usize) {
        let requests = self.workers[at].cut();
        if !self.dice.once_in(4) {
            self.ghosts.push(requests);
        }
    }

    fn restart_mirror(&mut self) {
        for at in 0..self.workers.len() {
            self.cut_off(at);
        }
        let how = if self.dice.once_in(3) { Restart::Clean } else { Restart::Killed };
        self.mirror.restart(how);
    }

    /// The lease goes to another worker; the one before is killed, or does not know yet.
    fn take_over(&mut self) {
        self.lease += 1;
        if self.dice.once_in(2) || self.workers.len() == 2 {
            self.cut_off(0);
            let killed = self.workers.remove(0);
            self.count(&killed);
        }
        self.workers.push(Worker::new(self.lease, self.class));
    }

    fn stop_or_go_on(&mut self) {
        let at = self.dice.below(self.workers.len());
        self.workers[at].stopped ^= true;
    }

    fn write_from_elsewhere(&mut self) {
        let batch = Draft::of(1, self.mirror.now()).bytes();
        let answer = self.mirror.produce(&self.place, &Produce::of(batch));
        self.seen.foreign.get_or_insert(answer.base_offset);
    }

    /// Without faults from here on, one worker alone comes to the end, or fails.
    pub(crate) fn come_to_rest(&mut self) -> Option<Failure> {
        self.lease += 1;
        for worker in std::mem::take(&mut self.workers) {
            self.seen.attempts += worker.copier.attempt().0;
            self.count(&worker);
        }
        self.workers.push(Worker::new(self.lease, self.class));
        // What is on its way now finds another place at its end, if at all.
        for _ in 0..2 {
            self.life.finish(&mut self.source, &mut self.dice);
            self.remember();
            let failure = self.settle();
            let worker = self.workers.pop().unwrap();
            self.count(&worker);
            self.workers.push(worker);
            if failure.is_some() {
                self.seen.failed += 1;
                return failure;
            }
        }
        None
    }

    fn count(&mut self, worker: &Worker) {
        let facts = worker.copier.status(0).facts;
        self.seen.copied += facts.copied;
        self.seen.filled += facts.filled;
        self.seen.marked += facts.marked;
        self.unverified = self.unverified.max(facts.unverified.unwrap_or_default());
    }

    fn settle(&mut self) -> Option<Failure> {
        for _ in 0..5_000 {
            let end = self.source.partition(&self.place).unwrap().stable_end();
            let status = self.workers[0].copier.status(self.source.now());
            match status.phase {
                Phase::Failed(failure) => return Some(failure),
                Phase::Copying
                    if status.position == Some(end)
                        && status.source_end == Some(end)
                        && self.workers[0].copier.is_idle() =>
                {
                    return None;
                }
                _ => self.go_on(),
            }
        }
        panic!("it comes to no end: {:?}", self.workers[0].copier);
    }

    fn go_on(&mut self) {
        let worker = &mut self.workers[0];
        if let Some(sent) = worker.requests.pop_front() {
            let event = self.carry_out(&sent, false);
            self.workers[0].answers.push_back((sent.attempt, event));
        } else if let Some((attempt, event)) = worker.answers.pop_front() {
            worker.tell(self.source.now(), self.lease, attempt, event);
        } else if !worker.questions.is_empty() {
            worker.ask(&self.place, &self.source, &self.mirror, self.lease, &mut self.dice, false);
        }
        if let Some(at) = self.workers[0].next_wake() {
            self.advance((at - self.source.now()).max(0));
            self.workers[0].wake(self.source.now(), self.lease);
        }
    }

    /// The first offset before `until` where the mirror is not its source.
    pub(crate) fn difference(&self, until: i64) -> Option<i64> {
        // Where nothing of the source is left, nobody can say what is wrong.
        let start = self.source.partition(&self.place).unwrap().log().start();
        let from = if self.seen.unguarded > 0 { self.unverified.max(start) } else { 0 };
        let source = shown(&self.source, &self.place).split_off(&from);
        let mirror = shown(&self.mirror, &self.place).split_off(&from);
        difference(&source, &self.ever, &mirror, until)
    }

    /// Both logs, for people.
    pub(crate) fn logs(&self) -> String {
        let log = |broker: &Broker| {
            let log = broker.partition(&self.place).unwrap().log();
            let batches = log.batches().map(|stored| {
                let header = &stored.header;
                let kind = if header.is_control() { "control" } else { "" };
                let (first, last) = (header.base_offset, stored.last_offset());
                let who = header.producer_id.to_string();
                let who = who.get(who.len().saturating_sub(4)..).unwrap_or_default();
                let sequence = header.base_sequence;
                format!("{first}-{last} {kind} by {who} at {sequence}")
            });
            format!("from {} to {}: {}", log.start(), log.end(), batches.collect::<Vec<_>>().join(", "))
        };
        format!("source {}\nmirror {}\never {:?}", log(&self.source), log(&self.mirror), self.ever)
    }

    /// Where both end.
    pub(crate) fn ends(&self) -> (i64, i64) {
        let mirror = self.mirror.partition(&self.place).unwrap().log().end();
        (self.source.partition(&self.place).unwrap().stable_end(), mirror)
    }
}

/// Whether a batch lies somewhere else than it was to lie.
fn is_misplaced(order: &Order, event: &Event) -> bool {
    match (order, event) {
        (Order::Append(append), Event::Appended { answer: Ok(found), .. }) => *found != append.base_offset,
        _ => false,
    }
}
