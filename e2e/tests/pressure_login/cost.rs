//! What logins cost, and whom.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::{ATTACKER, HONEST, PARTNER, RIVAL, Site};

/// Logins of which the cost is taken.
const LOGINS: u32 = 50;

#[test]
fn a_plain_login_is_stretched_once_and_then_costs_little() -> Result<()> {
    let site = Site::start("")?;
    // Another user warms up everything but the password.
    for _ in 0..3 {
        site.serves(HONEST, RIVAL)?;
    }
    let before = site.gateway.cpu()?;
    site.connect(HONEST, PARTNER)?;
    let first = site.gateway.cpu()? - before;
    let before = site.gateway.cpu()?;
    for _ in 0..LOGINS {
        site.connect(HONEST, PARTNER)?;
    }
    let repeated = (site.gateway.cpu()? - before) / LOGINS;
    println!("a first login costs {first:?}, a repeated one {repeated:?}");
    ensure!(repeated < first / 2, "a first login costs {first:?}, a repeated one {repeated:?}");
    site.finish()
}

#[test]
fn two_hundred_wrong_passwords_at_once_keep_no_other_address_waiting() -> Result<()> {
    let site = Site::start("")?;
    let alone = site.serves(HONEST, RIVAL)?;
    let flood: Vec<_> =
        (0..200).map(|n| site.present(ATTACKER, &format!("user-{n}"), "wrong")).collect::<Result<_>>()?;
    // Its first login: nothing is known of its password.
    let first = site.serves(HONEST, PARTNER)?;
    let again = site.serves(HONEST, PARTNER)?;
    println!("alone {alone:?}; beside the flood first {first:?}, again {again:?}");
    ensure!(first < alone + Duration::from_secs(1), "alone {alone:?}, beside the flood {first:?}");
    drop(flood);
    // And all of it once more while the flood arrives.
    thread::scope(|scope| {
        let flood = scope.spawn(|| {
            (0..200)
                .map(|n| site.present(ATTACKER, &format!("user-{n}"), "wrong"))
                .collect::<Result<Vec<_>>>()
        });
        let begin = Instant::now();
        let mut worst = Duration::ZERO;
        while begin.elapsed() < Duration::from_secs(1) {
            worst = worst.max(site.serves(HONEST, PARTNER)?);
        }
        println!("while it arrives: {worst:?} at worst");
        ensure!(worst < Duration::from_secs(1), "{worst:?}");
        flood.join().expect("no panic").map(drop)
    })?;
    site.finish()
}
