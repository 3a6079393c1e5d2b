//! Brute force and user enumeration.

use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use kafka_protocol::messages::SaslAuthenticateRequest;
use tidegate_e2e::scram;
use tidegate_wire::sasl::Mechanism;

use crate::site::{HOMELESS, SASL_AUTHENTICATION_FAILED};
use crate::{ATTACKER, HONEST, PARTNER, PASSWORD, RIVAL, Site};

/// What a login that nobody delays takes at most, on a busy machine with a debug build.
const AT_ONCE: Duration = Duration::from_millis(1_500);

#[test]
fn brute_force_is_refused_later_and_later_and_nobody_is_locked_out() -> Result<()> {
    let site = Site::start("failedLoginDelayMaxMs: 3000")?;
    let mut answers = Vec::new();
    for full in [100, 200, 400, 800, 1_600, 3_000, 3_000] {
        let (answer, took) = site.refusal(ATTACKER, PARTNER)?;
        println!("refused after {took:?}");
        let least = (full * 3 / 4).max(100);
        ensure!(took >= Duration::from_millis(least), "refused after {took:?}, not {least} ms");
        ensure!(took < Duration::from_millis(full) + AT_ONCE, "refused after {took:?}, not {full} ms");
        answers.push(answer);
    }
    ensure!(answers.windows(2).all(|pair| pair[0] == pair[1]), "the text changes: {answers:?}");
    for (what, source, account) in [
        ("the right password from another address", HONEST, PARTNER),
        ("the right password from the same address", ATTACKER, PARTNER),
        ("another user from the same address", ATTACKER, RIVAL),
    ] {
        let took = site.serves(source, account)?;
        println!("{what}: served after {took:?}");
        ensure!(took < AT_ONCE, "{what}: {took:?}");
    }
    let (_, took) = site.refusal(HONEST, PARTNER)?;
    ensure!(took < AT_ONCE, "a mistake at another address is refused after {took:?}");
    site.finish()
}

#[test]
fn brute_force_by_scram_is_delayed_too() -> Result<()> {
    let site = Site::start("failedLoginDelayMaxMs: 800")?;
    let mut took = Vec::new();
    for mechanism in [Mechanism::ScramSha256, Mechanism::ScramSha512].into_iter().cycle().take(5) {
        let mut connection = site.open(ATTACKER)?;
        let (_, proof) = scram::begin(&mut connection, mechanism, PARTNER, "wrong-password")?;
        let begin = Instant::now();
        let answer = scram::authenticate(&mut connection, proof)?;
        assert_eq!(answer.error_code, SASL_AUTHENTICATION_FAILED);
        took.push(begin.elapsed());
    }
    println!("refused after {took:?}");
    ensure!(took[4] >= Duration::from_millis(600), "{took:?}");
    let begin = Instant::now();
    let mut connection = site.open(HONEST)?;
    let (_, proof) = scram::begin(&mut connection, Mechanism::ScramSha512, PARTNER, PASSWORD)?;
    assert_eq!(scram::authenticate(&mut connection, proof)?.error_code, 0);
    ensure!(begin.elapsed() < AT_ONCE, "{:?}", begin.elapsed());
    site.finish()
}

#[test]
fn brute_force_in_parallel_is_no_faster() -> Result<()> {
    let site = Site::start("failedLoginDelayMaxMs: 400, failedLoginsAtOnce: 2")?;
    for _ in 0..4 {
        site.refusal(ATTACKER, PARTNER)?;
    }
    // 16 guesses, two at a time, each of 300 to 400 ms.
    let begin = Instant::now();
    thread::scope(|scope| {
        let guesses: Vec<_> = (0..16).map(|_| scope.spawn(|| site.refusal(ATTACKER, PARTNER))).collect();
        thread::sleep(Duration::from_millis(200));
        let took = site.serves(HONEST, PARTNER)?;
        println!("meanwhile the partner is served after {took:?}");
        ensure!(took < AT_ONCE, "the partner waits {took:?}");
        guesses.into_iter().try_for_each(|guess| guess.join().expect("no panic").map(drop))
    })?;
    let took = begin.elapsed();
    println!("16 guesses took {took:?}");
    ensure!(took >= Duration::from_millis(8 * 300), "16 guesses took only {took:?}");
    site.finish()
}

#[test]
fn who_leaves_before_the_refusal_keeps_the_place_for_as_long() -> Result<()> {
    let site = Site::start("failedLoginDelayMaxMs: 3000, maxLoginsPerAddress: 3")?;
    for _ in 0..6 {
        site.refusal(ATTACKER, PARTNER)?;
    }
    for _ in 0..3 {
        drop(site.present(ATTACKER, PARTNER, "wrong-password")?);
    }
    thread::sleep(Duration::from_millis(500));
    let begin = Instant::now();
    ensure!(site.open(ATTACKER)?.until_closed()?.is_empty(), "it is answered");
    ensure!(begin.elapsed() < AT_ONCE, "it is not closed at once");
    ensure!(site.refused("maxLoginsPerAddress")? >= 1, "it is not counted");
    site.serves(HONEST, PARTNER)?;
    thread::sleep(Duration::from_millis(3_500));
    site.serves(ATTACKER, PARTNER)?;
    site.finish()
}

#[test]
fn user_enumeration_finds_the_same_bytes_in_the_same_time() -> Result<()> {
    let site = Site::start("")?;
    let users = [PARTNER, HOMELESS, "nobody"];
    let mut answers = Vec::new();
    let mut times = vec![Vec::new(); users.len()];
    for round in 0..9_u8 {
        for (n, user) in users.into_iter().enumerate() {
            // The first failure of an address waits for the least time, without chance in it.
            let source = Ipv4Addr::new(127, 0, 1 + round, 1 + u8::try_from(n)?);
            let (answer, took) = site.refusal(source, user)?;
            answers.push(answer);
            times[n].push(took);
        }
    }
    ensure!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
    println!("refused after {medians:?} for {users:?}");
    let spread = *medians.iter().max().unwrap() - *medians.iter().min().unwrap();
    ensure!(spread < Duration::from_millis(25), "the time tells users apart: {medians:?}");
    // Nor does the right password of an account without a zone tell that there is such an account.
    let mut refusals = Vec::new();
    for user in [HOMELESS, "nobody"] {
        let mut connection = site.present(HONEST, user, PASSWORD)?;
        refusals.push(connection.receive()?);
        ensure!(connection.until_closed()?.is_empty(), "{user}: still open");
    }
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!(refusals[0][4..], answers[0]);
    site.finish()
}

#[test]
fn a_zone_that_goes_in_the_middle_of_a_login_refuses_it_like_a_wrong_password() -> Result<()> {
    let site = Site::start("")?;
    let mut connection = site.open(HONEST)?;
    let (_, proof) = scram::begin(&mut connection, Mechanism::ScramSha256, PARTNER, PASSWORD)?;
    std::fs::remove_file(site.home.file("zones/acme.yaml"))?;
    site.gateway.reload()?;
    let until = Instant::now() + Duration::from_secs(8);
    while site.connect(ATTACKER, PARTNER).is_ok() {
        ensure!(Instant::now() < until, "the zone is still there");
    }
    let answer = scram::authenticate(&mut connection, proof)?;
    assert_eq!(answer.error_code, SASL_AUTHENTICATION_FAILED);
    ensure!(connection.until_closed()?.is_empty());
    site.finish()
}

#[test]
fn oversized_and_malformed_auth_bytes_wait_like_any_failure() -> Result<()> {
    let site = Site::start("failedLoginDelayMaxMs: 500")?;
    let long = "x".repeat(60_000);
    for text in [long.as_str(), "", "\0\0", "\0\0\0\0", "a\0b\0c"] {
        let mut connection = site.open(ATTACKER)?;
        crate::site::shake(&mut connection, "PLAIN")?;
        let begin = Instant::now();
        let token = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(text.to_owned()));
        assert_eq!(connection.call(2, &token)?.error_code, SASL_AUTHENTICATION_FAILED);
        ensure!(begin.elapsed() >= Duration::from_millis(100), "refused after {:?}", begin.elapsed());
        ensure!(connection.until_closed()?.is_empty());
    }
    site.serves(ATTACKER, PARTNER)?;
    site.finish()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}
