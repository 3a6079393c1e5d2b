//! The reference of `cargo xtask bench mirror`; see the library's module `copier`.

use anyhow::Result;
use clap::Parser;
use tidegate_benches::copier::{Args, run};

fn main() -> Result<()> {
    run(&Args::parse())
}
