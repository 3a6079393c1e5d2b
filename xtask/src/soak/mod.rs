//! `cargo xtask soak NAME`: a test file, mostly of `e2e`, at bar size, round after round.
//!
//! Each round is the whole file with a seed of its own. A finished round is kept in a journal under the target
//! folder, so that a soak that was stopped goes on where it was; the report is written anew after each round. `fuzz`
//! has no rounds but targets.

mod fuzz;
mod journal;
mod report;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use self::journal::{Journal, Round};
use crate::seed::Seed;
use crate::{command, suite};

/// The size of a bar, and that of files without one.
const BARS: [(&str, Size); 8] = [
    ("upheaval", Size { rounds: 10, scale: 2 }),
    ("flood", Size { rounds: 7, scale: 10 }),
    ("rates", Size { rounds: 1, scale: 10 }),
    ("churn", Size { rounds: 1, scale: 5 }),
    ("store", Size { rounds: 1, scale: 20 }),
    ("stored", Size { rounds: 3, scale: 10 }),
    ("schedules", Size { rounds: 1, scale: 25 }),
    ("mirror_chaos", Size { rounds: 4, scale: 5 }),
];
/// What a bar is called, and its file.
const CALLED: [(&str, &str); 1] = [("mirror", "mirror_chaos")];
const NO_BAR: Size = Size { rounds: 7, scale: 100 };

/// The members whose tests are soaked beside those of `e2e`.
const MEMBERS: [(&str, Member); 1] =
    [("schedules", Member { package: "tidegate-link", folder: "crates/link/tests" })];
const E2E: Member = Member { package: "tidegate-e2e", folder: "e2e/tests" };

/// What a test prints before the figures that the report shows.
const MEASURED: &str = "measured: ";

/// Arguments of `cargo xtask soak`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file of e2e/tests, for instance upheaval; `mirror` for mirror_chaos; `schedules` for the mirror in simulation; `fuzz` for every fuzz target
    name: String,
    /// How many rounds, if not as many as the bar has; rounds of an earlier call count
    #[arg(long)]
    rounds: Option<usize>,
    /// How much larger than in `cargo xtask test`, if not as the bar: tests read it as TIDEGATE_TEST_SCALE
    #[arg(long)]
    scale: Option<u32>,
    /// How long each fuzz target runs, if not for the ten minutes of its bar
    #[arg(long)]
    seconds: Option<u32>,
    /// How many fuzz targets run at once
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Forgets the rounds of earlier calls
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    seed: Seed,
}

#[derive(Clone, Copy)]
struct Size {
    rounds: usize,
    scale: u32,
}

/// Where a test file lies.
#[derive(Clone, Copy)]
struct Member {
    package: &'static str,
    folder: &'static str,
}

impl Member {
    fn of(name: &str) -> Self {
        MEMBERS.iter().find(|(soaked, _)| *soaked == name).map_or(E2E, |(_, member)| *member)
    }
}

/// Runs the missing rounds; one that fails is kept too, and ends the call.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.name == "fuzz" {
        return fuzz::run(args.seconds, args.jobs, args.fresh);
    }
    let name = CALLED.iter().find(|(called, _)| *called == args.name).map_or(&*args.name, |(_, file)| file);
    let bar = BARS.iter().find(|(barred, _)| *barred == name).map_or(NO_BAR, |(_, bar)| *bar);
    let size = Size { rounds: args.rounds.unwrap_or(bar.rounds), scale: args.scale.unwrap_or(bar.scale) };
    let mut journal = Journal::open(name, args.fresh)?;
    println!("{} of {} rounds are done", journal.passed(), size.rounds);
    let member = Member::of(name);
    if member.package == E2E.package {
        suite::build_programs()?;
    }
    let mut success = true;
    // A call that goes on also goes on with the seeds.
    let mut seed = args.seed.after(journal.rounds().len());
    while success && journal.passed() < size.rounds {
        let round = round(member, name, size.scale, seed.print())?;
        success = round.success;
        journal.add(round)?;
        seed = seed.after(1);
    }
    let path = command::root().join("docs/measured").join(format!("{name}.md"));
    fs::write(&path, report::text(member, name, bar.rounds, journal.rounds()))
        .with_context(|| format!("writing {}", path.display()))?;
    println!("{}", path.display());
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn round(member: Member, name: &str, scale: u32, seed: Seed) -> Result<Round> {
    let mut cargo = command::cargo(["test", "--locked", "--package", member.package, "--test", name]);
    // Without --nocapture nothing that a test prints is seen unless it fails.
    cargo.args(["--", "--nocapture"]);
    seed.set(cargo.env("TIDEGATE_TEST_SCALE", scale.to_string()));
    let mut measured = Vec::new();
    let tally = suite::run_tests(&mut cargo, |line| {
        // Behind the name of its test, if nothing else runs beside it.
        measured.extend(line.split_once(MEASURED).map(|(_, figures)| figures.to_owned()));
    })?;
    println!("{tally}");
    let measured = measured
        .iter()
        .map(|text| serde_json::from_str(text).with_context(|| format!("reading {text:?}")))
        .collect::<Result<_>>()?;
    Ok(Round { seed: seed.number(), scale, success: tally.is_success(), result: tally.to_string(), measured })
}
