//! `cargo xtask check`: everything that can be judged without running the product.

use anyhow::{Result, bail};

use crate::{command, fuzz, layering};

/// The one member outside the default ones.
const SANDBOX: &str = "tidegate-sandbox";

/// What reads licences and sources; pinned so that a check is the same for everyone.
const CARGO_DENY: &str = "0.20.2";

/// Arguments of `cargo xtask check`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also checks the sandbox, with the 490 crates of its embedded broker
    #[arg(long)]
    sandbox: bool,
}

/// Runs every check, and names all that failed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let scope: &[&str] = if args.sandbox { &["--workspace"] } else { &[] };
    let checks: [(&str, Result<()>); 7] = [
        ("formatting", command::run(&mut command::cargo(["fmt", "--all", "--", "--check"]))),
        ("clippy with all features", clippy(scope, "--all-features")),
        ("clippy without features", clippy(scope, "--no-default-features")),
        ("documentation", documentation(scope)),
        ("fuzz targets", command::run(&mut fuzz::stable(["check", "--bins", "--tests", "--examples"]))),
        ("layering", layering::run()),
        ("licences, bans and sources", deny(args.sandbox)),
    ];
    let mut failed = Vec::new();
    for (name, result) in checks {
        match result {
            Ok(()) => println!("ok      {name}"),
            Err(error) => {
                println!("FAILED  {name}: {error:#}");
                failed.push(name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn clippy(scope: &[&str], features: &str) -> Result<()> {
    let mut cargo = command::cargo(["clippy", "--all-targets", "--locked", features]);
    command::run(cargo.args(scope).args(["--", "-D", "warnings"]))
}

fn documentation(scope: &[&str]) -> Result<()> {
    let mut cargo = command::cargo(["doc", "--no-deps", "--locked", "--document-private-items"]);
    command::run(cargo.args(scope).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The advisory database is left out: a check must not depend on the network.
fn deny(sandbox: bool) -> Result<()> {
    if !command::exists("cargo-deny", "--version") {
        command::run(&mut command::cargo(["install", "--locked", "--version", CARGO_DENY, "cargo-deny"]))?;
    }
    let exclude: &[&str] = if sandbox { &[] } else { &["--exclude", SANDBOX] };
    let mut cargo = command::cargo(["deny", "--workspace", "--all-features"]);
    command::run(cargo.args(exclude).args(["check", "licenses", "bans", "sources"]))
}
