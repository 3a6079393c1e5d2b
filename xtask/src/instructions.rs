//! `cargo xtask instructions`: what rewriting one partition of a Fetch answer costs, in instructions.
//!
//! Callgrind counts the same on a busy machine as on an idle one, so the figures are compared with a
//! checked-in baseline. Each is the difference of two runs with different numbers of repeats: start-up and
//! the making of the answer fall out.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::command;

/// Arguments of `cargo xtask instructions`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Make what was measured the new baseline
    #[arg(long)]
    bless: bool,
}

/// Counts, prints, and compares with the baseline or replaces it. Needs valgrind.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure!(
        command::exists("valgrind", "--version"),
        "valgrind is missing: install the package `valgrind` (apt install valgrind)"
    );
    let program = build()?;
    let mut measured = Figures::new();
    for naming in ["names", "ids"] {
        for partitions in [100, 1_000] {
            let figure = per_partition(&program, naming, partitions)?;
            println!("{naming}, {partitions} partitions: {figure:.1} instructions per partition");
            measured.insert(format!("{naming}/{partitions}"), figure);
        }
    }
    if args.bless { write_baseline(&measured) } else { compare(&measured, &read_baseline()?) }
}

/// Instructions per partition, by `naming/partitions`.
type Figures = BTreeMap<String, f64>;

fn build() -> Result<PathBuf> {
    let package = ["build", "--release", "--locked", "--package", "tidegate-benches"];
    command::run(command::cargo(package).args(["--bin", PROGRAM]))?;
    let metadata = ["metadata", "--format-version", "1", "--no-deps", "--locked"];
    let metadata: Value = serde_json::from_str(&command::output(&mut command::cargo(metadata))?)?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    let target = target.context("cargo metadata names no target directory")?;
    Ok([target, "release", PROGRAM].iter().collect())
}

fn per_partition(program: &PathBuf, naming: &str, partitions: u32) -> Result<f64> {
    let few = instructions(program, naming, partitions, FEW_REPEATS)?;
    let many = instructions(program, naming, partitions, MANY_REPEATS)?;
    Ok((many - few) / f64::from(MANY_REPEATS - FEW_REPEATS) / f64::from(partitions))
}

fn instructions(program: &PathBuf, naming: &str, partitions: u32, repeats: u32) -> Result<f64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    valgrind.args([naming, &partitions.to_string(), &repeats.to_string()]);
    let done = valgrind.output().context("starting valgrind")?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{} ended with {}\n{said}", command::text(&valgrind), done.status);
    collected(&said).with_context(|| format!("valgrind says no count of instructions:\n{said}"))
}

/// The number in `==123== Collected : 456`.
fn collected(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains("Collected"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

/// All figures that are over their baseline, in one message.
fn compare(measured: &Figures, baseline: &Figures) -> Result<()> {
    let mut worse = Vec::new();
    for (name, figure) in measured {
        let Some(before) = baseline.get(name) else { bail!("{BASELINE} has no figure for {name}; {BLESS}") };
        if *figure > before * (1.0 + TOLERANCE) {
            let percent = (figure / before - 1.0) * 100.0;
            worse.push(format!("{name}: {figure:.1}, {percent:.1} % over {before:.1}"));
        }
    }
    ensure!(
        worse.is_empty(),
        "instructions per partition are more than {:.0} % over {BASELINE}: {}; mend it, or if it is meant, {BLESS}",
        TOLERANCE * 100.0,
        worse.join("; "),
    );
    println!("within {:.0} % of {BASELINE}", TOLERANCE * 100.0);
    Ok(())
}

fn read_baseline() -> Result<Figures> {
    let all = baselines()?;
    let own = all.get(env::consts::ARCH).and_then(Value::as_object);
    let own = own.with_context(|| format!("{BASELINE} knows no {}; {BLESS}", env::consts::ARCH))?;
    Ok(own.iter().filter_map(|(name, figure)| Some((name.clone(), figure.as_f64()?))).collect())
}

/// Replaces the figures of this architecture and keeps those of others.
fn write_baseline(measured: &Figures) -> Result<()> {
    let mut all = if path().exists() { baselines()? } else { json!({}) };
    let rounded: BTreeMap<_, _> =
        measured.iter().map(|(name, figure)| (name, (figure * 10.0).round() / 10.0)).collect();
    all.as_object_mut()
        .with_context(|| format!("{BASELINE} is not a JSON object"))?
        .insert(env::consts::ARCH.to_owned(), json!(rounded));
    let text = format!("{}\n", serde_json::to_string_pretty(&all)?);
    fs::write(path(), text).with_context(|| format!("cannot write {BASELINE}"))?;
    println!("wrote {BASELINE}");
    Ok(())
}

fn baselines() -> Result<Value> {
    let text = fs::read_to_string(path()).with_context(|| format!("cannot read {BASELINE}; {BLESS}"))?;
    serde_json::from_str(&text).with_context(|| format!("{BASELINE} is not JSON"))
}

fn path() -> PathBuf {
    command::root().join(BASELINE)
}

const PROGRAM: &str = "fetch-rewrite";
const BASELINE: &str = "benches/callgrind-baseline.json";
const BLESS: &str = "run `cargo xtask instructions --bless`";
/// How much more than the baseline is still no regression: another compiler alone moves some instructions.
const TOLERANCE: f64 = 0.05;
const FEW_REPEATS: u32 = 10;
const MANY_REPEATS: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_valgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 2203014\n==7== \n";
        assert_eq!(collected(said), Some(2_203_014.0));
        assert_eq!(collected("==7== Events    : Ir"), None);
    }

    #[test]
    fn five_per_cent_more_pass_and_six_fail_by_name() {
        let of = |figure| Figures::from([("ids/100".to_owned(), figure)]);
        compare(&of(104.9), &of(100.0)).unwrap();
        compare(&of(50.0), &of(100.0)).unwrap();
        let failed = compare(&of(106.0), &of(100.0)).unwrap_err().to_string();
        assert!(failed.contains("ids/100: 106.0, 6.0 % over 100.0"), "{failed}");
    }

    #[test]
    fn a_figure_without_a_baseline_is_an_error() {
        let failed = compare(&Figures::from([("ids/7".to_owned(), 1.0)]), &Figures::new()).unwrap_err();
        assert!(failed.to_string().contains("no figure for ids/7"));
    }
}
