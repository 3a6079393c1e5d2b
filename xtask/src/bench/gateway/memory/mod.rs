//! Resident memory of the gateway: idle, per connection, before clients that do not read, and over time.

mod held;
mod over_time;
mod stalled;

use anyhow::{Context, Result};

use super::lane::Lane;
use super::stand::Stand;
use super::{Args, What};
use crate::bench::cpu::resident_bytes;

/// The memory rows asked for, as Markdown. Each runs alone with a process of its own: what an earlier row left in
/// its allocator is not what a connection costs.
pub(super) fn run(args: &Args, stand: &mut Stand) -> Result<Vec<String>> {
    let mut sections = Vec::new();
    if args.what.contains(&What::Memory) {
        sections.push(held::run(args, stand)?);
    }
    if args.what.contains(&What::Stalled) {
        sections.push(stalled::run(args, stand)?);
    }
    if args.what.contains(&What::Resident) {
        sections.push(over_time::run(args, stand)?);
    }
    Ok(sections)
}

/// Resident bytes of a lane's process.
fn resident(lane: &Lane) -> Result<f64> {
    let process = lane.process.as_ref().context("a lane without a process")?;
    Ok(resident_bytes(process.pid())? as f64)
}

const MB: f64 = 1024.0 * 1024.0;
