//! Test binaries side by side.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use super::binaries::Binary;
use crate::command;
use crate::seed::Seed;
use crate::tally::Tally;

/// How many run at once. Each has as many threads as there are cores, and its brokers have their own.
const LANES: usize = 2;

/// They measure what they test, or hold what a broker does in time against what it has done, and so have the machine to themselves.
const ALONE: [&str; 9] = [
    "tidegate-e2e/churn",
    "tidegate-e2e/flood",
    "tidegate-e2e/measured",
    "tidegate-e2e/pressure_login",
    "tidegate-e2e/rates",
    "tidegate-e2e/revoke",
    "tidegate-e2e/stored",
    "tidegate-e2e/traffic",
    "tidegate-e2e/upheaval",
];

/// They take longest, and so come first: nothing is to be left that only one lane has to do.
const FIRST: &str = "tidegate-e2e/";

/// Runs all of them and counts. What a binary prints is shown when it ends, and lies in a file meanwhile.
pub(super) fn run(binaries: Vec<Binary>, seed: Seed) -> Result<Tally> {
    let folder = command::target().join("suite");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let stand = Stand { folder, seed, tally: Mutex::default() };
    let (alone, together) = split(binaries);
    stand.work(together, LANES)?;
    stand.work(alone, 1)?;
    Ok(stand.tally.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Those that run alone, and the others in their order.
fn split(binaries: Vec<Binary>) -> (VecDeque<Binary>, VecDeque<Binary>) {
    let (alone, mut together): (Vec<_>, Vec<_>) =
        binaries.into_iter().partition(|binary| ALONE.contains(&binary.name.as_str()));
    together.sort_by_key(|binary| !binary.name.starts_with(FIRST));
    (alone.into(), together.into())
}

/// What all lanes have in common.
struct Stand {
    folder: PathBuf,
    seed: Seed,
    tally: Mutex<Tally>,
}

impl Stand {
    fn work(&self, queue: VecDeque<Binary>, lanes: usize) -> Result<()> {
        let queue = Mutex::new(queue);
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let lane = || -> Result<()> {
            while let Some(binary) = next() {
                self.run(&binary)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
            let ended = lanes.into_iter().map(|lane| lane.join().map_err(|_| anyhow!("a lane panicked"))?);
            ended.collect::<Vec<_>>().into_iter().collect()
        })
    }

    fn run(&self, binary: &Binary) -> Result<()> {
        let Binary { name, .. } = binary;
        let log = self.folder.join(format!("{}.log", name.replace('/', "-")));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = binary.command();
        self.seed.set(&mut command);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let begin = Instant::now();
        let status = command.status().with_context(|| format!("starting {name}"))?;
        let seconds = begin.elapsed().as_secs();
        let printed = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
        self.tell(name, seconds, &String::from_utf8_lossy(&printed), status.success());
        Ok(())
    }

    /// One at a time: what two of them print is not to be mixed.
    fn tell(&self, name: &str, seconds: u64, printed: &str, is_success: bool) {
        let mut tally = Tally::default();
        printed.lines().for_each(|line| tally.read(line));
        tally.end(is_success);
        let mut all = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        println!("\n{name}: {seconds} s\n{printed}");
        all.add(tally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_measures_is_alone_and_what_takes_long_is_first() {
        let binaries = ["tidegate-core/core", "tidegate-e2e/flood", "tidegate-e2e/mirror", "xtask/xtask"];
        let (alone, together) = split(binaries.map(Binary::of).into());
        let names = |queue: VecDeque<Binary>| queue.into_iter().map(|it| it.name).collect::<Vec<_>>();
        assert_eq!(names(alone), ["tidegate-e2e/flood"]);
        assert_eq!(names(together), ["tidegate-e2e/mirror", "tidegate-core/core", "xtask/xtask"]);
    }
}
