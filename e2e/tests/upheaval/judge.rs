//! What the clients were told against what the logs hold.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

/// Where a record lies.
pub(crate) type Place = (i32, i64);

/// A record that a writer sent: its number, the attempt at it, its place in its transaction.
type Id = (u64, u64, u64);

/// What clients said, of every program together.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Of each idempotent writer the acknowledged numbers and where they lie.
    acked: BTreeMap<String, BTreeMap<u64, Place>>,
    /// Of each transactional writer the numbers and attempts that were committed, with how many records.
    committed: BTreeMap<String, BTreeMap<(u64, u64), u64>>,
    /// Of each transactional writer those that were aborted, on purpose or not.
    aborted: BTreeMap<String, BTreeSet<(u64, u64)>>,
    /// Of each group what it read, by topic.
    read: BTreeMap<String, BTreeMap<String, BTreeMap<Place, String>>>,
    /// Attempts that clients repeated by themselves.
    pub(crate) retried: usize,
    /// Which clients spoke.
    pub(crate) versions: BTreeSet<String>,
    /// What should not have happened at all.
    failures: Vec<String>,
}

/// The records of the logs, by topic, in the order of their offsets.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    topics: BTreeMap<String, BTreeMap<Place, String>>,
}

/// The verdict on a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Records that were acknowledged, alone or with their transaction.
    pub(crate) acknowledged: usize,
    pub(crate) transactions: usize,
    pub(crate) aborted: usize,
    pub(crate) copied: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    /// Each mistake in words.
    pub(crate) mistakes: Vec<String>,
}

impl Said {
    /// Takes in a line of a client.
    pub(crate) fn hear(&mut self, line: &[String]) -> Result<()> {
        self.try_hear(line).with_context(|| format!("a client said {line:?}"))
    }

    fn try_hear(&mut self, line: &[String]) -> Result<()> {
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        match words[..] {
            ["acked", writer, number, partition, offset] => {
                let place = (partition.parse()?, offset.parse()?);
                let known = self.acked.entry(writer.to_owned()).or_default().insert(number.parse()?, place);
                anyhow::ensure!(known.is_none(), "acknowledged twice");
            }
            ["committed", writer, number, attempt, count] => {
                let id = (number.parse()?, attempt.parse()?);
                self.committed.entry(writer.to_owned()).or_default().insert(id, count.parse()?);
            }
            ["aborted", writer, number, attempt] => {
                let id = (number.parse()?, attempt.parse()?);
                self.aborted.entry(writer.to_owned()).or_default().insert(id);
            }
            ["read", group, topic, partition, offset, ref value @ ..] => {
                let place = (partition.parse()?, offset.parse()?);
                let topic = self.read.entry(group.to_owned()).or_default().entry(topic.to_owned());
                let known = topic.or_default().insert(place, value.join(" "));
                anyhow::ensure!(known.is_none_or(|known| known == value.join(" ")), "read as something else");
            }
            ["version", client, version] => {
                self.versions.insert(format!("{client} {version}"));
            }
            ["retried", ..] => self.retried += 1,
            ["copied" | "waits" | "ended", ..] => {}
            ["lost" | "failed", ..] => self.failures.push(line.join(" ")),
            _ => bail!("unknown"),
        }
        Ok(())
    }
}

impl Logs {
    /// Adds a record.
    pub(crate) fn add(&mut self, topic: &str, place: Place, value: &str) {
        self.topics.entry(topic.to_owned()).or_default().insert(place, value.to_owned());
    }

    pub(crate) fn len(&self, topic: &str) -> usize {
        self.topic(topic).count()
    }

    fn topic(&self, topic: &str) -> impl Iterator<Item = (&Place, &String)> {
        self.topics.get(topic).into_iter().flatten()
    }
}

/// What `all` (read_uncommitted) and `committed` (read_committed) hold, against what was said.
pub(crate) struct Judge<'a> {
    pub(crate) said: &'a Said,
    pub(crate) all: &'a Logs,
    pub(crate) committed: &'a Logs,
    pub(crate) verdict: Verdict,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(said: &'a Said, all: &'a Logs, committed: &'a Logs) -> Self {
        let verdict = Verdict { mistakes: said.failures.clone(), ..Verdict::default() };
        Self { said, all, committed, verdict }
    }

    /// Every acknowledged record of `writer` lies where it was said to lie and nowhere else, the others at most
    /// once, all of them in the order in which they were sent.
    pub(crate) fn idempotent(&mut self, writer: &str, topic: &str) -> Result<()> {
        let (said, all) = (self.said, self.all);
        let acked = said.acked.get(writer).with_context(|| format!("{writer} wrote nothing"))?;
        self.verdict.acknowledged += acked.len();
        let places = self.places(all, writer, topic)?;
        for (number, place) in acked {
            let id = (*number, 0, 0);
            match places.get(&id) {
                None => self.lost(writer, id),
                Some(found) if !found.contains(place) => {
                    self.mistake(format!("{writer} {id:?} is at {found:?}, acknowledged at {place:?}"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Of every committed transaction of `writer` all records count, of every aborted one none; of one whose end is
    /// not known all or none.
    pub(crate) fn transactional(&mut self, writer: &str, topic: &str) -> Result<()> {
        let (said, all, visible) = (self.said, self.all, self.committed);
        let committed = said.committed.get(writer).with_context(|| format!("{writer} committed nothing"))?;
        let aborted = said.aborted.get(writer).cloned().unwrap_or_default();
        self.places(all, writer, topic)?;
        let places = self.places(visible, writer, topic)?;
        for (&(number, attempt), &count) in committed {
            self.verdict.transactions += 1;
            for index in 0..count {
                self.verdict.acknowledged += 1;
                let id = (number, attempt, index);
                if !places.contains_key(&id) {
                    self.lost(writer, id);
                }
            }
        }
        self.verdict.aborted += aborted.len();
        let mut open: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        for &(number, attempt, _) in places.keys() {
            if aborted.contains(&(number, attempt)) {
                self.mistake(format!("{writer} {number} {attempt} was aborted and is visible"));
            } else if !committed.contains_key(&(number, attempt)) {
                *open.entry((number, attempt)).or_default() += 1;
            }
        }
        let whole = committed.values().copied().max().unwrap_or_default();
        for (id, count) in open {
            if u64::try_from(count)? != whole {
                self.mistake(format!("{writer} {id:?} is visible in part"));
            }
        }
        Ok(())
    }

    /// What counts in `from` counts in `to`, once, in the same order.
    pub(crate) fn copy(&mut self, from: &str, to: &str) {
        let values = |topic: &str| {
            let mut values: BTreeMap<i32, Vec<String>> = BTreeMap::new();
            for ((partition, _), value) in self.committed.topic(topic) {
                values.entry(*partition).or_default().push(value.clone());
            }
            values
        };
        let (source, copies) = (values(from), values(to));
        self.verdict.acknowledged += self.committed.len(to);
        self.verdict.copied += self.committed.len(to);
        for (partition, source) in source {
            let copies = copies.get(&partition).cloned().unwrap_or_default();
            let seen: BTreeSet<&String> = copies.iter().collect();
            self.verdict.doubled += copies.len() - seen.len();
            self.verdict.lost += source.iter().filter(|value| !seen.contains(value)).count();
            if source != copies {
                let at = source.iter().zip(&copies).position(|(one, other)| one != other);
                self.mistake(format!(
                    "partition {partition} of {from} has {} records, of {to} {}; they part at {at:?}",
                    source.len(),
                    copies.len()
                ));
            }
        }
    }

    /// `group` has read each record that counts in `topics`, and no other.
    pub(crate) fn read(&mut self, group: &str, topics: &[&str]) {
        for &topic in topics {
            let read = self.said.read.get(group).and_then(|topics| topics.get(topic));
            let read = read.cloned().unwrap_or_default();
            let there: BTreeMap<Place, String> =
                self.committed.topic(topic).map(|(place, value)| (*place, value.clone())).collect();
            let missed = there.iter().find(|(place, value)| read.get(place) != Some(value));
            if let Some(missed) = missed {
                self.mistake(format!("{group} has not read {missed:?} of {topic}"));
            }
            if let Some(place) = read.keys().find(|place| !there.contains_key(place)) {
                self.mistake(format!("{group} has read {place:?} of {topic}, which does not count"));
            }
        }
    }

    /// Where the records of `writer` lie; what lies there twice or in another order than it was sent is a mistake.
    fn places(&mut self, logs: &Logs, writer: &str, topic: &str) -> Result<BTreeMap<Id, Vec<Place>>> {
        let mut places: BTreeMap<Id, Vec<Place>> = BTreeMap::new();
        let mut last: BTreeMap<i32, Id> = BTreeMap::new();
        for (place, value) in logs.topic(topic) {
            let id = parse(writer, value).with_context(|| format!("{topic} holds {value:?}"))?;
            if last.insert(place.0, id).is_some_and(|last| last > id) {
                self.mistake(format!("{writer} {id:?} lies at {place:?}, behind a later one"));
            }
            places.entry(id).or_default().push(*place);
        }
        for (id, places) in places.iter().filter(|(_, places)| places.len() > 1) {
            self.verdict.doubled += places.len() - 1;
            self.mistake(format!("{writer} {id:?} lies at {places:?}"));
        }
        Ok(places)
    }

    fn lost(&mut self, writer: &str, id: Id) {
        self.verdict.lost += 1;
        self.mistake(format!("{writer} {id:?} was acknowledged and is not there"));
    }

    fn mistake(&mut self, what: String) {
        self.verdict.mistakes.push(what);
    }
}

/// `writer number attempt index`.
fn parse(writer: &str, value: &str) -> Option<Id> {
    let mut words = value.strip_prefix(writer)?.strip_prefix(' ')?.split(' ').map(str::parse);
    let id = (words.next()?.ok()?, words.next()?.ok()?, words.next()?.ok()?);
    words.next().is_none().then_some(id)
}
