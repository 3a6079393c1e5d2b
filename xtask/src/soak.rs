//! `cargo xtask soak NAME`: a test file of `e2e` at bar size, round after round.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::seed::Seed;
use crate::{command, suite};

/// Arguments of `cargo xtask soak`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A file of e2e/tests, for instance first_path
    name: String,
    /// How many rounds; rounds that docs/measured/NAME.md already holds are not run again
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How much larger than in `cargo xtask test`: tests read it as TIDEGATE_TEST_SCALE
    #[arg(long, default_value_t = 100)]
    scale: u32,
    #[command(flatten)]
    seed: Seed,
}

/// Runs the missing rounds and writes one row for each.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let report = Report::open(args)?;
    let done = report.rounds()?;
    if done > 0 {
        println!("{done} rounds are done, see {}", report.path.display());
    }
    suite::build_gateway()?;
    for round in done + 1..=args.rounds {
        let seed = args.seed.print();
        let mut cargo =
            command::cargo(["test", "--locked", "--package", "tidegate-e2e", "--test", &args.name]);
        seed.set(cargo.env("TIDEGATE_TEST_SCALE", args.scale.to_string()));
        let begin = Instant::now();
        let tally = suite::run_tests(&mut cargo)?;
        if !tally.is_success() {
            println!("{tally}");
            return Ok(ExitCode::FAILURE);
        }
        report.add(&format!("| {round} | {} | {tally} | {} |", seed.number(), begin.elapsed().as_secs()))?;
    }
    println!("{}", report.path.display());
    Ok(ExitCode::SUCCESS)
}

/// A table with one row per finished round.
struct Report {
    path: PathBuf,
}

impl Report {
    fn open(args: &Args) -> Result<Self> {
        let path = command::root().join("docs/measured").join(format!("{}.md", args.name));
        let report = Self { path };
        if !report.path.exists() {
            fs::create_dir_all(report.path.parent().context("the report lies in a folder")?)?;
            let head = format!(
                "# {0}\n\n`cargo xtask soak {0} --rounds {1} --scale {2}`\n\n| round | seed | result | seconds |\n|---|---|---|---|",
                args.name, args.rounds, args.scale
            );
            report.add(&head)?;
        }
        Ok(report)
    }

    fn rounds(&self) -> Result<usize> {
        let text =
            fs::read_to_string(&self.path).with_context(|| format!("reading {}", self.path.display()))?;
        Ok(finished_rounds(&text))
    }

    fn add(&self, line: &str) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        writeln!(file, "{line}").with_context(|| format!("writing {}", self.path.display()))
    }
}

fn finished_rounds(report: &str) -> usize {
    let is_round = |line: &&str| {
        line.strip_prefix("| ").is_some_and(|row| row.starts_with(|c: char| c.is_ascii_digit()))
    };
    report.lines().filter(is_round).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finished_rounds_are_counted() {
        let report = "# x\n\n| round | seed | result | seconds |\n|---|---|---|---|\n| 1 | 7 | 3 passed, 0 failed, 0 skipped | 9 |\n";
        assert_eq!(finished_rounds(report), 1);
        assert_eq!(finished_rounds(&format!("{report}| 2 | 8 | ... | 9 |\n")), 2);
    }
}
