//! Waits for a copy.
//!
//! The same for whoever copies, and from outside: from the first records in the copy to the last ones, however long it took to
//! get there.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::{End, Pair, ends};
use crate::load::session::Session;

/// What is waited for.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pair: Pair,
    /// Wait for the copy to begin where the source does, too.
    #[arg(long)]
    begin: bool,
}

pub(super) fn run(args: &Args, report: &mut dyn FnMut(&str)) -> Result<()> {
    let (source, copy) = (args.pair.of_source(), args.pair.of_copy());
    let mut session = source.open()?;
    let begins = ends(&mut session, &source, End::First)?.unwrap_or_default();
    let goal: i64 = ends(&mut session, &source, End::Last)?.unwrap_or_default().iter().sum();
    ensure!(goal > 0, "there is nothing in topic {}", source.topic);
    let mut session = copy.open()?;
    let last = |session: &mut Session| -> Result<i64> {
        Ok(ends(session, &copy, End::Last)?.map_or(0, |ends| ends.iter().sum()))
    };
    report("ready");
    let (began, mut progress) = (Instant::now(), Progress { offsets: 0, at: Instant::now() });
    let mut first = None;
    loop {
        let offsets = last(&mut session)?;
        progress.check(offsets)?;
        if offsets > 0 && first.is_none() {
            first = Some(Instant::now());
            report(&json!({"offsets": offsets, "seconds": began.elapsed().as_secs_f64()}).to_string());
        }
        if offsets >= goal
            && (!args.begin || ends(&mut session, &copy, End::First)?.as_ref() == Some(&begins))
        {
            break;
        }
        thread::sleep(PAUSE);
    }
    report(&json!({"offsets": goal, "seconds": began.elapsed().as_secs_f64()}).to_string());
    Ok(())
}

/// When there was something new last.
struct Progress {
    offsets: i64,
    at: Instant,
}

impl Progress {
    fn check(&mut self, offsets: i64) -> Result<()> {
        if offsets != self.offsets {
            *self = Self { offsets, at: Instant::now() };
        }
        ensure!(self.at.elapsed() < PATIENCE, "nothing new since offset {offsets} for {PATIENCE:?}");
        Ok(())
    }
}

/// Between two looks: little beside the seconds that a copy takes.
const PAUSE: Duration = Duration::from_millis(5);
/// Longer than any start of a JVM.
const PATIENCE: Duration = Duration::from_secs(90);
