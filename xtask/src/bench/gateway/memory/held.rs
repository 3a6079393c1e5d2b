//! Connections held after one Metadata and one Fetch.

use std::fmt::Write;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::{MB, resident};
use crate::bench::bar::Bar;
use crate::bench::gateway::Args;
use crate::bench::gateway::lane::{Lane, Name};
use crate::bench::gateway::stand::Stand;

pub(super) fn run(args: &Args, stand: &mut Stand) -> Result<String> {
    let mut text = String::from(
        "## Resident memory, connections held after one Metadata and one Fetch\n\n\
         | lane | connections | idle MB | held MB | KB per connection | bar |\n|---|---|---|---|---|---|\n",
    );
    for name in [Name::Bare, Name::Gateway, Name::Encrypted] {
        for &connections in &args.connections {
            if stand.alone(name)?.is_none() {
                continue;
            }
            let Some(lane) = stand.lane(name) else { continue };
            thread::sleep(IDLE);
            let idle = resident(lane)?;
            let held = hold(args, stand, lane, connections)?;
            let each = (held - idle) / connections as f64 / 1024.0;
            let verdict = match name {
                Name::Gateway => format!(
                    "idle {}, each {}",
                    Bar::AtMost(IDLE_BAR_MB).verdict(idle / MB),
                    Bar::AtMost(CONNECTION_BAR_KB).verdict(each)
                ),
                _ => String::new(),
            };
            let (idle, held) = (idle / MB, held / MB);
            let _ =
                writeln!(text, "| {name} | {connections} | {idle:.1} | {held:.1} | {each:.1} | {verdict} |");
        }
    }
    Ok(text)
}

/// Memory while so many connections are held.
fn hold(args: &Args, stand: &Stand, lane: &Lane, connections: u64) -> Result<f64> {
    let arguments = [
        "hold".to_owned(),
        format!("--connections={connections}"),
        format!("--fetch-bytes={}", args.memory_fetch_bytes),
    ];
    let mut running = stand.loader.start(lane, stand.topics.read, &arguments)?;
    running.go()?;
    thread::sleep(IDLE);
    let held = resident(lane)?;
    running.finish()?;
    Ok(held)
}

pub(super) const IDLE_BAR_MB: f64 = 40.0;
pub(super) const CONNECTION_BAR_KB: f64 = 24.0;
/// After the start and after the last connection.
const IDLE: Duration = Duration::from_secs(3);
