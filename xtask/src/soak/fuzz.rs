//! `cargo xtask soak fuzz`: every fuzz target for the time of its bar.
//!
//! A finished target is kept in a journal under the target folder, so that a soak that was stopped goes on with the
//! next one; the report is written anew after each.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use crate::{command, fuzz};

/// Ten minutes of each target.
const BAR_SECONDS: u32 = 600;

/// What a target came to.
#[derive(Clone, Debug, Default, PartialEq)]
struct Found {
    target: String,
    seconds: u64,
    executions: u64,
    inputs: u64,
    coverage: u64,
    features: u64,
    success: bool,
}

/// Runs the targets that have not had their time, so many at once; one that breaks is reported, and ends the call in
/// failure.
pub(super) fn run(seconds: Option<u32>, jobs: usize, fresh: bool) -> Result<ExitCode> {
    let seconds = seconds.unwrap_or(BAR_SECONDS);
    let journal = command::target().join("soak/fuzz.jsonl");
    if fresh && journal.exists() {
        fs::remove_file(&journal).with_context(|| format!("removing {}", journal.display()))?;
    }
    fuzz::write_seeds()?;
    fuzz::build()?;
    let done = read(&fs::read_to_string(&journal).unwrap_or_default());
    let is_done = |target: &String| {
        let mut found = done.iter().filter(|found| found.target == *target);
        found.any(|found| found.success && found.seconds >= u64::from(seconds))
    };
    let (had, waiting): (Vec<_>, Vec<_>) = fuzz::targets()?.into_iter().partition(is_done);
    had.iter().for_each(|target| println!("{target} has had its {seconds} s"));
    let (waiting, done) = (Mutex::new(VecDeque::from(waiting)), Mutex::new(done));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1))
            .map(|_| scope.spawn(|| work(&waiting, seconds, |found| keep(&journal, &done, found))))
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })?;
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    report(&done)?;
    let success = done.iter().all(|found| found.success);
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes one target after the other until none waits.
fn work(waiting: &Mutex<VecDeque<String>>, seconds: u32, keep: impl Fn(Found) -> Result<()>) -> Result<()> {
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    while let Some(target) = next() {
        keep(soak(&target, seconds)?)?;
    }
    Ok(())
}

fn keep(journal: &Path, done: &Mutex<Vec<Found>>, found: Found) -> Result<()> {
    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
    append(journal, &found)?;
    done.retain(|earlier| earlier.target != found.target);
    done.push(found);
    report(&done)
}

/// One target; libFuzzer says on its standard error how far it is.
fn soak(target: &str, seconds: u32) -> Result<Found> {
    let mut fuzzer = fuzz::fuzzer(target, seconds)?;
    eprintln!("> {}", command::text(&fuzzer));
    let mut child = fuzzer.stderr(Stdio::piped()).spawn().with_context(|| format!("starting {target}"))?;
    let mut found = Found { target: target.to_owned(), ..Found::default() };
    let mut tail = Vec::new();
    for line in BufReader::new(child.stderr.take().context("the output is piped")?).lines() {
        let line = line?;
        found.read(&line);
        tail.push(line);
        if tail.len() > TAIL {
            tail.remove(0);
        }
    }
    found.success = child.wait()?.success();
    if !found.success {
        eprintln!("{}\n{}", tail.join("\n"), fuzz::broken(target));
    }
    println!("{}", row(&found));
    Ok(found)
}

impl Found {
    /// Takes in a line such as `#524288 pulse cov: 1226 ft: 5121 corp: 812/91Kb` or `Done 1000 runs in 31 second(s)`.
    fn read(&mut self, line: &str) {
        let number = |behind: &str| -> Option<u64> {
            let rest = line.split_once(behind)?.1.trim_start();
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        if line.starts_with('#') {
            self.executions = number("#").unwrap_or(self.executions);
            self.coverage = number(" cov: ").unwrap_or(self.coverage);
            self.features = number(" ft: ").unwrap_or(self.features);
            self.inputs = number(" corp: ").unwrap_or(self.inputs);
        } else if line.starts_with("Done ") {
            self.executions = number("Done ").unwrap_or(self.executions);
            self.seconds = number(" in ").unwrap_or(self.seconds);
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "target": self.target, "seconds": self.seconds, "executions": self.executions, "inputs": self.inputs,
            "coverage": self.coverage, "features": self.features, "success": self.success,
        })
    }

    fn from_json(fields: &Value) -> Option<Self> {
        let number = |name: &str| fields.get(name)?.as_u64();
        Some(Self {
            target: fields.get("target")?.as_str()?.to_owned(),
            seconds: number("seconds")?,
            executions: number("executions")?,
            inputs: number("inputs")?,
            coverage: number("coverage")?,
            features: number("features")?,
            success: fields.get("success")?.as_bool()?,
        })
    }
}

/// The last word on each target; a line that was cut off is a target that was not done.
fn read(text: &str) -> Vec<Found> {
    let mut done: Vec<Found> = Vec::new();
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    for found in lines.filter_map(|fields: Value| Found::from_json(&fields)) {
        done.retain(|earlier| earlier.target != found.target);
        done.push(found);
    }
    done
}

fn append(journal: &Path, found: &Found) -> Result<()> {
    fs::create_dir_all(journal.parent().context("the journal lies in a folder")?)?;
    let mut file = File::options().create(true).append(true).open(journal)?;
    writeln!(file, "{}", found.to_json()).with_context(|| format!("writing {}", journal.display()))
}

fn report(done: &[Found]) -> Result<()> {
    let path = command::root().join("docs/measured/fuzz.md");
    fs::write(&path, text(done)).with_context(|| format!("writing {}", path.display()))
}

fn text(done: &[Found]) -> String {
    let mut text = format!(
        "# Soak: fuzz\n\n`cargo xtask soak fuzz`: the bar is {BAR_SECONDS} s of each target without a find. Inputs are those \
         kept because they reach something new; coverage counts edges of the instrumented code, features edges with how \
         often they were taken.\n\n| target | seconds | executions | inputs | coverage | features | finds |\n\
         |---|---|---|---|---|---|---|\n"
    );
    let mut sorted: Vec<_> = done.iter().collect();
    sorted.sort_by(|a, b| a.target.cmp(&b.target));
    for found in sorted {
        let _ = writeln!(text, "{}", row(found));
    }
    text
}

fn row(found: &Found) -> String {
    let Found { target, seconds, executions, inputs, coverage, features, success } = found;
    let finds = if *success { "none" } else { "one" };
    format!("| {target} | {seconds} | {executions} | {inputs} | {coverage} | {features} | {finds} |")
}

/// Lines of a broken target that are shown.
const TAIL: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fuzzers_words_are_understood_and_kept() {
        let mut found = Found { target: "rules".to_owned(), success: true, ..Found::default() };
        found.read("#524288\tpulse  cov: 1226 ft: 5121 corp: 812/91Kb lim: 4096 exec/s: 37449 rss: 512Mb");
        found.read("Done 600000 runs in 601 second(s)");
        assert_eq!(row(&found), "| rules | 601 | 600000 | 812 | 1226 | 5121 | none |");
        let line = found.to_json().to_string();
        let broken = Found { success: false, ..found.clone() };
        assert_eq!(read(&format!("{}\n{line}\n{{\"target\":", broken.to_json())), [found]);
    }
}
