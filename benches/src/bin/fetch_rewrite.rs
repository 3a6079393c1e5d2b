//! Rewrites one Fetch answer again and again, for `cargo xtask instructions` to count what that costs.

use std::hint::black_box;

use anyhow::Result;
use clap::Parser;
use tidegate_benches::hot::{FetchAnswer, Naming, Shape};

/// Rewrites one Fetch answer of one topic again and again.
#[derive(Parser)]
struct Args {
    /// How the answer names its topic: names or ids
    naming: Naming,
    /// Partitions in the answer
    partitions: usize,
    /// How often it is rewritten
    repeats: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let answer = FetchAnswer::new(args.naming, Shape::one_topic(args.partitions))?;
    for _ in 0..args.repeats {
        // Dropping what came out is part of the cost: each slice counts on the frame's buffer.
        drop(black_box(answer.rewrite()?));
    }
    Ok(())
}
