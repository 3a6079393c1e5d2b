//! Slow-loris: bytes that trickle in, before TLS is up, before the login, after it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidegate_e2e::random;
use tidegate_e2e::raw::{self, Connection};

use crate::site::{api_versions, ask, kafka};
use crate::{ATTACKER, HONEST, PARTNER, Site};

#[test]
fn a_tls_handshake_that_stalls_or_trickles_ends_at_its_deadline() -> Result<()> {
    let site = Site::start_with("tlsDeadlineMs: 1500", |home| {
        let identity = kafka().authority().issue(&random::name("gateway-"), &["127.0.0.1"])?;
        let (chain, key) = (identity.chain.display(), identity.key.display());
        let tls = format!("protocol: SASL_SSL\n    tls: {{certificate: \"{chain}\", key: \"{key}\"}}\n");
        home.replace("tidegate.yaml", "protocol: SASL_PLAINTEXT\n", &tls)
    })?;
    // A ClientHello of 512 bytes begins like this.
    let hello = [&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03][..], &[7; 400]].concat();
    let begin = Instant::now();
    let mut silent = site.open(ATTACKER)?;
    let mut half = site.open(ATTACKER)?;
    half.send_bytes(&hello[..100])?;
    let mut trickling = site.open(ATTACKER)?;
    let closed = trickle(&mut trickling, &hello, Duration::from_millis(50));
    ensure!(closed < Duration::from_secs(5), "open after {closed:?}");
    for connection in [&mut silent, &mut half] {
        connection.until_closed()?;
    }
    let took = begin.elapsed();
    ensure!(took >= Duration::from_millis(1_400), "closed after {took:?}");
    ensure!(took < Duration::from_secs(6), "closed after {took:?}");
    site.finish()
}

#[test]
fn a_request_that_trickles_in_ends_at_the_frame_deadline() -> Result<()> {
    let site = Site::start("frameDeadlineMs: 1000")?;
    let mut connection = site.connect(ATTACKER, PARTNER)?;
    let closed = trickle(&mut connection, &produce_begins(), Duration::from_millis(50));
    println!("closed after {closed:?}");
    ensure!(closed >= Duration::from_millis(950) && closed < Duration::from_secs(4), "{closed:?}");
    site.serves(HONEST, PARTNER)?;
    site.finish()
}

#[test]
fn a_request_below_the_least_rate_ends_before_the_frame_deadline() -> Result<()> {
    let site = Site::start("minFrameBytesPerSecond: 2000, authDeadlineMs: 60000, frameDeadlineMs: 60000")?;
    thread::scope(|scope| {
        let before_login = scope.spawn(|| {
            let mut connection = site.open(ATTACKER)?;
            let mut frame = raw::frame(1, 3, &api_versions())?;
            frame.resize(30_000, 0);
            let bytes = [&30_000_u32.to_be_bytes()[..], &frame].concat();
            anyhow::Ok(trickle(&mut connection, &bytes, Duration::from_millis(50)))
        });
        let after_login = scope.spawn(|| {
            let mut connection = site.connect(ATTACKER, PARTNER)?;
            anyhow::Ok(trickle(&mut connection, &produce_begins(), Duration::from_millis(50)))
        });
        // 200 bytes each 50 ms: twice the least rate, and longer than the time after which it is asked for.
        let honest = scope.spawn(|| {
            let mut connection = site.connect(HONEST, PARTNER)?;
            for piece in produce_begins().chunks(200).take(200) {
                connection.send_bytes(piece)?;
                thread::sleep(Duration::from_millis(50));
            }
            anyhow::Ok(())
        });
        for (what, closed) in [("before", before_login), ("after", after_login)] {
            let closed = closed.join().expect("no panic")?;
            println!("{what} the login: closed after {closed:?}");
            let (least, most) = (Duration::from_millis(4_900), Duration::from_secs(25));
            ensure!(closed >= least && closed < most, "{what} the login: closed after {closed:?}");
        }
        honest.join().expect("no panic")
    })?;
    site.finish()
}

#[test]
fn what_trickles_in_keeps_nobody_waiting() -> Result<()> {
    let site = Site::start("")?;
    let mut held = (0..100).map(|_| site.connect(ATTACKER, PARTNER)).collect::<Result<Vec<_>>>()?;
    let begins = produce_begins();
    for connection in &mut held {
        connection.send_bytes(&begins[..50])?;
    }
    let took = site.serves(HONEST, PARTNER)?;
    ensure!(took < Duration::from_millis(1_500), "{took:?}");
    ask(&mut site.connect(HONEST, crate::RIVAL)?)?;
    site.finish()
}

#[test]
fn a_client_that_vanishes_without_a_word_is_asked_after() -> Result<()> {
    /// Of `/proc/net/tcp`: an established connection, and the timer of keepalive.
    const ESTABLISHED: &str = "01";
    const KEEPALIVE: &str = "02:";
    let site = Site::start("")?;
    let mut connection = site.connect(HONEST, PARTNER)?;
    ask(&mut connection)?;
    // An acknowledgement may still be under way, which has a timer of its own.
    thread::sleep(Duration::from_millis(500));
    let own = format!(":{:04X}", site.home.ports().bound().port());
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let timers: Vec<&str> = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields[1].ends_with(&own) && fields[3] == ESTABLISHED)
        .map(|fields| fields[5])
        .collect();
    ensure!(!timers.is_empty(), "the connection is not found");
    ensure!(timers.iter().all(|timer| timer.starts_with(KEEPALIVE)), "no keepalive: {timers:?}");
    site.finish()
}

/// A Produce request of 1 MB, as far as its first 40 KB.
fn produce_begins() -> Vec<u8> {
    [&1_000_000_u32.to_be_bytes()[..], &[0, 0, 0, 9, 0, 0, 0, 1, 0, 3], b"raw", &[0; 40_000]].concat()
}

/// Sends byte after byte; the time after which that was not taken any more.
fn trickle(connection: &mut Connection, bytes: &[u8], pause: Duration) -> Duration {
    let begin = Instant::now();
    for byte in bytes {
        if connection.send_bytes(&[*byte]).is_err() {
            break;
        }
        thread::sleep(pause);
    }
    begin.elapsed()
}
