//! A zone at full flood beside a quiet one: the quiet one is slower, as two share a machine, and nothing in it breaks.
//!
//! A window without the flood and one with it, its beginning included, take turns, and what is reported is the ratio of
//! their latencies. Every flood has run for a moment before, as a broker is slow in whatever it does for the first time.
//! Here nothing is said about time; the bar, a p99 of at most twice the calm one, is for `cargo xtask soak flood` with a release build:
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

/// A window is as many of these as the scale says.
const WINDOW: Duration = Duration::from_secs(1);

/// What is not counted.
const WARM_UP: Duration = Duration::from_millis(500);

/// After a flood: what it left on the way is done with.
const PAUSE: Duration = Duration::from_millis(500);

#[test]
fn a_flooded_zone_breaks_nothing_in_a_quiet_one() -> Result<()> {
    let site = Site::start()?;
    let mut connection = site.quiet()?;
    let window = WINDOW * scale::<u32>()?;
    // What a flood does for the first time is done once before: the brokers are warm then in either window.
    for kind in Kind::ALL {
        let _ = beside(&site, kind, || quiet::window(&mut connection, WARM_UP))?;
    }
    for kind in Kind::ALL {
        thread::sleep(PAUSE);
        quiet::window(&mut connection, WARM_UP)?;
        let mut calm = quiet::window(&mut connection, window)?;
        let (mut flooded, sent) = beside(&site, kind, || quiet::window(&mut connection, window))?;
        ensure!(sent > 0, "{kind}: no flood reached the gateway");
        report(kind, sent, &mut calm, &mut flooded);
    }
    site.finish()
}

/// What the quiet one does beside a flood, and how much the flood did.
fn beside<T>(site: &Site, kind: Kind, quiet: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
    let stop = AtomicBool::new(false);
    let (done, sent) = thread::scope(|scope| {
        let floods = flood::start(scope, site, kind, &stop);
        let done = quiet().with_context(|| kind.to_string());
        stop.store(true, Ordering::Relaxed);
        let sent: u64 = floods.into_iter().map(|flood| flood.join().expect("no flood panics")).sum();
        (done, sent)
    });
    Ok((done?, sent))
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
