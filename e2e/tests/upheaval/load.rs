//! Stock clients that write and read until they are told to stop, and what they say meanwhile.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tidegate_e2e::clients::ClientConfig;
use tidegate_e2e::process::{self, Guarded};
use tidegate_e2e::{paths, random};

/// How long a client may stand still: its own patience with a record is 120 s, on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A program under way, which prints lines of words behind an @.
pub(crate) struct Load {
    name: &'static str,
    process: Guarded,
    _dir: TempDir,
    stop: PathBuf,
    log: PathBuf,
    read: u64,
    lines: Vec<Vec<String>>,
    /// How often a kind of line came from a writer or reader, by `kind name`.
    counts: BTreeMap<String, usize>,
}

impl Load {
    /// Starts `program` with a configuration file, the file that stops it, and `roles`.
    pub(crate) fn start(
        name: &'static str,
        mut program: Command,
        config: &ClientConfig,
        roles: &[String],
    ) -> Result<Self> {
        let dir = paths::scratch("load")?;
        let file = |name: &str| dir.path().join(name);
        let (settings, stop, log) = (file("config.json"), file(&random::name("stop-")), file("log"));
        serde_json::to_writer(File::create(&settings)?, config)?;
        program.arg(settings).arg(&stop).args(roles);
        let process = process::start(&program, &log)?;
        let (lines, counts) = (Vec::new(), BTreeMap::new());
        Ok(Self { name, process, _dir: dir, stop, log, read: 0, lines, counts })
    }

    /// Waits until each of `marks` (`kind name`) was said `more` times more than now.
    pub(crate) fn goes_on(&mut self, marks: &[&str], more: usize) -> Result<()> {
        self.catch_up()?;
        let before = self.counts.clone();
        let count = |counts: &BTreeMap<String, usize>, mark: &str| counts.get(mark).copied().unwrap_or(0);
        let until = Instant::now() + PATIENCE;
        loop {
            let stands: Vec<_> =
                marks.iter().filter(|mark| count(&self.counts, mark) < count(&before, mark) + more).collect();
            if stands.is_empty() {
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "{}: {stands:?} stand still for {PATIENCE:?}:\n{}",
                self.name,
                self.tail()
            );
            self.check()?;
            thread::sleep(Duration::from_millis(100));
            self.catch_up()?;
        }
    }

    /// Lets it come to its end and gives all it said.
    pub(crate) fn finish(self) -> Result<Vec<Vec<String>>> {
        File::create(&self.stop)?;
        self.wait()
    }

    /// Waits for the end of a program that ends by itself.
    pub(crate) fn wait(mut self) -> Result<Vec<Vec<String>>> {
        let status = self.process.wait(PATIENCE)?;
        let Some(status) = status else {
            bail!("{} does not end within {PATIENCE:?}:\n{}", self.name, self.tail());
        };
        ensure!(status.success(), "{} ended with {status}:\n{}", self.name, self.tail());
        self.catch_up()?;
        Ok(self.lines)
    }

    fn check(&mut self) -> Result<()> {
        if let Some(status) = self.process.ended()? {
            bail!("{} ended with {status}:\n{}", self.name, self.tail());
        }
        Ok(())
    }

    fn catch_up(&mut self) -> Result<()> {
        let mut file = File::open(&self.log).with_context(|| format!("opening {}", self.log.display()))?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // The last line may be half written.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.read += whole as u64;
        for line in String::from_utf8_lossy(&bytes[..whole]).lines() {
            let Some(words) = line.strip_prefix("@ ") else { continue };
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            let mark = words[..words.len().min(2)].join(" ");
            *self.counts.entry(mark).or_default() += 1;
            self.lines.push(words);
        }
        Ok(())
    }

    /// The last lines that are not about a record.
    fn tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let usual = ["@ acked", "@ read", "@ record"];
        let lines: Vec<&str> =
            log.lines().filter(|line| !usual.iter().any(|kind| line.starts_with(kind))).collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}
