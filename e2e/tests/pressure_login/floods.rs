//! Connection floods and reconnect storms.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tidegate_e2e::raw::Connection;

use crate::site::{ask, log_in};
use crate::{ATTACKER, HONEST, PARTNER, RIVAL, Site};

/// What a login that nobody delays takes at most, on a busy machine with a debug build.
const AT_ONCE: Duration = Duration::from_millis(1_500);

#[test]
fn a_flood_of_one_address_is_closed_at_once_and_costs_no_other_its_turn() -> Result<()> {
    let site = Site::start("connectionsPerSecondPerAddress: 10, connectionsBurstPerAddress: 50")?;
    let mut flood = (0..300).map(|_| site.open(ATTACKER)).collect::<Result<Vec<_>>>()?;
    let took = site.serves(HONEST, PARTNER)?;
    println!("meanwhile the partner is served after {took:?}");
    ensure!(took < AT_ONCE, "the partner waits {took:?}");
    let refused = site.refused("connectionsPerSecondPerAddress")?;
    ensure!((150..=250).contains(&refused), "{refused} of 300 are refused");
    assert_eq!(site.refused("connectionsPerSecond")?, 0);
    let last = flood.last_mut().context("there was a flood")?;
    ensure!(last.until_closed()?.is_empty(), "it was answered");
    drop(flood);
    // One second later there is room for ten.
    thread::sleep(Duration::from_secs(1));
    site.serves(ATTACKER, RIVAL)?;
    site.finish()
}

#[test]
fn a_flood_of_all_addresses_together_has_a_limit_too() -> Result<()> {
    let site = Site::start("connectionsPerSecond: 5, connectionsBurst: 20")?;
    let flood =
        (2..42).map(|n| site.open(std::net::Ipv4Addr::new(127, 0, 0, n))).collect::<Result<Vec<_>>>()?;
    thread::sleep(Duration::from_millis(300));
    let refused = site.refused("connectionsPerSecond")?;
    ensure!((10..=20).contains(&refused), "{refused} of 40 are refused");
    drop(flood);
    thread::sleep(Duration::from_secs(1));
    site.serves(HONEST, PARTNER)?;
    site.finish()
}

#[test]
fn silence_before_the_login_takes_no_place_of_others() -> Result<()> {
    let site = Site::start("maxLogins: 30, maxLoginsPerAddress: 20, authDeadlineMs: 2000")?;
    let mut silent = (0..40).map(|_| site.open(ATTACKER)).collect::<Result<Vec<_>>>()?;
    thread::sleep(Duration::from_millis(300));
    assert_eq!(site.refused("maxLoginsPerAddress")?, 20);
    let took = site.serves(HONEST, PARTNER)?;
    ensure!(took < AT_ONCE, "the partner waits {took:?}");
    // Who is logged in needs no place of a login any more.
    let mut held = (0..40).map(|_| site.connect(HONEST, PARTNER)).collect::<Result<Vec<_>>>()?;
    held.iter_mut().try_for_each(ask)?;
    silent.iter_mut().try_for_each(|silent| silent.until_closed().map(drop))?;
    site.serves(ATTACKER, RIVAL)?;
    site.finish()
}

#[test]
fn one_zone_cannot_take_the_last_places() -> Result<()> {
    let site = Site::start("maxConnections: 20, reservedPercent: 20, reservedPerZone: 2")?;
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut connection = site.open(ATTACKER)?;
        assert_eq!(log_in(&mut connection, PARTNER)?.error_code, 0);
        if ask(&mut connection).is_ok() {
            held.push(connection);
        }
    }
    assert_eq!(held.len(), 16);
    assert_eq!(site.refused("reservedPercent")?, 4);
    let mut small = [site.connect(HONEST, RIVAL)?, site.connect(HONEST, RIVAL)?];
    small.iter_mut().try_for_each(ask)?;
    ensure!(ask(&mut site.connect(HONEST, RIVAL)?).is_err(), "a zone beyond its few took of the reserve");
    drop(held);
    thread::sleep(Duration::from_millis(300));
    site.serves(HONEST, RIVAL)?;
    site.finish()
}

#[test]
fn a_reconnect_storm_of_one_zone_is_spread_out_and_nobody_is_refused() -> Result<()> {
    let site =
        Site::start("connectionsPerSecondPerZone: 10, connectionsBurstPerZone: 5, zoneDelayMaxMs: 2000")?;
    let times = thread::scope(|scope| {
        let storm: Vec<_> = (0..40).map(|_| scope.spawn(|| site.serves(ATTACKER, PARTNER))).collect();
        thread::sleep(Duration::from_millis(500));
        let took = site.serves(HONEST, RIVAL)?;
        println!("meanwhile another zone is served after {took:?}");
        ensure!(took < AT_ONCE, "another zone waits {took:?}");
        storm.into_iter().map(|client| client.join().expect("no panic")).collect::<Result<Vec<Duration>>>()
    })?;
    let waited = times.iter().filter(|took| **took >= Duration::from_millis(1_200)).count();
    let longest = *times.iter().max().context("there was a storm")?;
    println!("{waited} of 40 waited for 1.2 s or more, the longest {longest:?}");
    ensure!(waited >= 15, "{times:?}");
    ensure!(longest < Duration::from_secs(4), "{longest:?}");
    site.finish()
}

#[test]
fn hundreds_of_clients_of_one_partner_come_back_at_once_and_notice_nothing() -> Result<()> {
    let site = Site::start("")?;
    let begin = Instant::now();
    let mut opened = (0..450).map(|_| site.open(HONEST)).collect::<Result<Vec<Connection>>>()?;
    for connection in &mut opened {
        assert_eq!(log_in(connection, PARTNER)?.error_code, 0);
    }
    opened.iter_mut().try_for_each(ask)?;
    println!("450 clients were served within {:?}", begin.elapsed());
    ensure!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    for reason in ["connectionsPerSecondPerAddress", "maxLoginsPerAddress", "maxConnectionsPerZone"] {
        assert_eq!(site.refused(reason)?, 0, "{reason}");
    }
    site.finish()
}
