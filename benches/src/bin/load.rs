//! The load generator of `cargo xtask bench`; see the library's module `load`.

#![allow(clippy::print_stdout, reason = "a command-line tool: its answer goes to standard output")]

use anyhow::Result;
use clap::Parser;
use tidegate_benches::load::{Args, run};

fn main() -> Result<()> {
    run(&Args::parse(), &mut |line| println!("{line}"))
}
