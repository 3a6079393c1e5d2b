//! A zone at full flood beside a quiet one: the quiet one is slower, as two share a machine, and nothing in it breaks.
//!
//! Windows with and without the flood take turns, and what is reported is the ratio of their latencies. Here nothing is
//! said about time; the bar, a p99 of at most twice the calm one, is for `cargo xtask soak flood` with a release build:
//! `cargo build --profile dist -p tidegate-gateway-bin` and `TIDEGATE_GATEWAY_BIN=target/dist/tidegate-gateway`. The flood,
//! the brokers and the quiet client share the machine with the gateway, and each takes its part of the figure.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod flood;
mod quiet;
mod site;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tidegate_e2e::scale::scale;

use flood::Kind;
use site::Site;

const WINDOW: Duration = Duration::from_secs(1);

/// After a flood: what it left on the way is done with.
const PAUSE: Duration = Duration::from_millis(500);

#[test]
fn a_flooded_zone_breaks_nothing_in_a_quiet_one() -> Result<()> {
    let site = Site::start()?;
    let mut connection = site.quiet()?;
    quiet::window(&mut connection, WINDOW)?;
    for kind in Kind::ALL {
        let (mut calm, mut flooded) = (Vec::new(), Vec::new());
        let mut sent = 0;
        for _ in 0..scale()? {
            calm.extend(quiet::window(&mut connection, WINDOW)?);
            let stop = AtomicBool::new(false);
            let (slow, count) = thread::scope(|scope| {
                let floods = flood::start(scope, &site, kind, &stop);
                let slow = quiet::window(&mut connection, WINDOW).with_context(|| kind.to_string());
                stop.store(true, Ordering::Relaxed);
                let count: u64 = floods.into_iter().map(|flood| flood.join().expect("no flood panics")).sum();
                (slow, count)
            });
            flooded.extend(slow?);
            sent += count;
            thread::sleep(PAUSE);
        }
        ensure!(sent > 0, "{kind}: no flood reached the gateway");
        report(kind, sent, &mut calm, &mut flooded);
    }
    site.finish()
}

fn report(kind: Kind, sent: u64, calm: &mut [Duration], flooded: &mut [Duration]) {
    let micros = |of: &mut [Duration], part| quiet::percentile(of, part).as_micros() as u64;
    let (p50, p99) = (micros(calm, 50), micros(calm, 99));
    let (p50_flooded, p99_flooded) = (micros(flooded, 50), micros(flooded, 99));
    let figures = json!([
        ["calm p50, us", p50],
        ["flooded p50, us", p50_flooded],
        ["calm p99, us", p99],
        ["flooded p99, us", p99_flooded],
        ["p99 flooded / calm, in hundredths", p99_flooded * 100 / p99.max(1)],
        ["quiet requests", (calm.len() + flooded.len()) as u64],
        ["requests, logins or connections of the flood", sent],
    ]);
    let measured = json!({"title": kind.to_string(), "all": "median", "figures": figures});
    println!("measured: {measured}");
}
