//! What `cargo xtask bench mirror` asks of logs; see the library's module `logs`.

#![allow(clippy::print_stdout, reason = "a command-line tool: its answer goes to standard output")]

use anyhow::Result;
use clap::Parser;
use tidegate_benches::logs::{Cli, run};

fn main() -> Result<()> {
    run(&Cli::parse(), &mut |line| println!("{line}"))
}
