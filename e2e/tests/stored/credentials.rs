//! Credentials of a zone beside a running gateway: one more, one that expires, one less; and where clients may come from.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidegate_core::records::Moment;
use tidegate_e2e::gateway::{Gateway, Home};
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{listed, now_ms};
use tidegate_e2e::site::write;
use tidegate_wire::sasl::Mechanism;

use crate::kafka;
use crate::partner::{ACCOUNT, PASSWORD, PATIENCE, is_cut, log_in, until};

const ENFORCED: Duration = Duration::from_secs(1);

/// A running gateway whose store can be edited beside it.
fn start() -> Result<(Home, Gateway)> {
    let topic = kafka().create_topic(1)?;
    let home = Home::create(kafka())?;
    home.add_account(ACCOUNT, PASSWORD)?;
    home.add_zone("acme", ACCOUNT, &[write("orders", &topic)])?;
    home.use_store(&format!("{{type: KAFKA, cluster: main, topic: {}}}", random::name("store.")))?;
    home.store(&["import", "--zones", "zones", "--accounts", "accounts.yaml"])?;
    let gateway = Gateway::start(&home)?;
    Ok((home, gateway))
}

#[test]
fn a_partner_changes_over_without_a_break() -> Result<()> {
    let (home, _gateway) = start()?;
    let mut before = log_in(&home, PASSWORD)?;
    let second = home.store(&["add-credential", "acme", "second", "--label", "from December on"])?;
    until("the new password is good", || Ok(log_in(&home, second.trim()).is_ok()))?;
    assert_eq!(listed(&mut before)?, ["orders"], "who was there goes on");
    log_in(&home, PASSWORD)?;
    home.store(&["revoke-credential", "acme", "initial"])?;
    ensure!(is_cut(&mut before)? < ENFORCED);
    assert!(log_in(&home, PASSWORD).is_err());
    log_in(&home, second.trim())?;
    Ok(())
}

#[test]
fn only_who_proved_a_credential_is_cut_with_it() -> Result<()> {
    let (home, _gateway) = start()?;
    let second = home.store(&["add-credential", "acme", "second"])?;
    let second = second.trim();
    until("the new password is good", || Ok(log_in(&home, second).is_ok()))?;
    let (mut first, mut other) = (log_in(&home, PASSWORD)?, log_in(&home, second)?);
    let (mut by_scram, mut other_by_scram) = (scram(&home, PASSWORD)?, scram(&home, second)?);
    // It changes over on the connection that it has (KIP-368).
    let mut changing = log_in(&home, PASSWORD)?;
    std::thread::sleep(Duration::from_secs(1));
    changing.log_in(ACCOUNT, second)?;

    home.store(&["revoke-credential", "acme", "initial"])?;
    ensure!(is_cut(&mut first)? < ENFORCED);
    ensure!(is_cut(&mut by_scram)? < ENFORCED);
    for connection in [&mut other, &mut other_by_scram, &mut changing] {
        assert_eq!(listed(connection)?, ["orders"], "who has proved another one goes on");
    }
    Ok(())
}

#[test]
fn the_last_use_of_a_credential_is_told() -> Result<()> {
    let (home, _gateway) = start()?;
    home.store(&["add-credential", "acme", "second", "--label", "never used"])?;
    let begin = now_ms() / 1_000;
    scram(&home, PASSWORD)?;
    until("its use is kept", || {
        let listed = home.store(&["credentials", "acme"])?;
        let rows: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
        println!("{rows:?}");
        assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), ["initial", "second"]);
        assert_eq!((rows[1][1], rows[1][3], rows[1][4]), ("never used", "-", "-"));
        Ok(rows[0][4] != "-" && rows[0][4] >= time(begin).as_str())
    })?;
    Ok(())
}

/// Logs in with SCRAM-SHA-256.
fn scram(home: &Home, password: &str) -> Result<Connection> {
    let mut connection = Connection::open(home.ports().bound(), PATIENCE)?;
    tidegate_e2e::scram::log_in(&mut connection, Mechanism::ScramSha256, ACCOUNT, password)?;
    Ok(connection)
}

/// As the listing writes it.
fn time(seconds: i64) -> String {
    Moment::default().plus_seconds(u64::try_from(seconds).expect("after 1970")).to_rfc3339()
}

#[test]
fn a_credential_that_expires_is_cut_to_the_second() -> Result<()> {
    const LIFETIME: Duration = Duration::from_secs(5);
    let (home, _gateway) = start()?;
    let begin = Instant::now();
    let guest = home.store(&["add-credential", "acme", "guest", "--expires-in-seconds", "5"])?;
    let made = begin.elapsed();
    until("the new password is good", || Ok(log_in(&home, guest.trim()).is_ok()))?;
    let mut connection = log_in(&home, guest.trim())?;
    is_cut(&mut connection)?;
    let cut = begin.elapsed();
    println!("cut {cut:?} after it was asked for, which took {made:?}");
    ensure!(cut >= LIFETIME && cut < LIFETIME + made + ENFORCED, "cut after {cut:?}");
    assert!(log_in(&home, guest.trim()).is_err());
    log_in(&home, PASSWORD)?;
    Ok(())
}

#[test]
fn clients_come_from_where_they_may() -> Result<()> {
    let elsewhere = Ipv4Addr::new(127, 0, 0, 66);
    let (home, _gateway) = start()?;
    let from = |source: Ipv4Addr| -> Result<Connection> {
        let mut connection = Connection::open_from(source, home.ports().bound(), PATIENCE)?;
        connection.log_in(ACCOUNT, PASSWORD)?;
        Ok(connection)
    };
    let (mut here, mut there) = (from(Ipv4Addr::LOCALHOST)?, from(elsewhere)?);
    home.store(&["allow-from", "acme", "127.0.0.1/32", "2001:db8::/32"])?;
    ensure!(is_cut(&mut there)? < ENFORCED, "who is elsewhere is cut off");
    assert_eq!(listed(&mut here)?, ["orders"]);
    let refused = from(elsewhere).unwrap_err().to_string();
    ensure!(refused.contains("58"), "as any failed login: {refused}");
    home.store(&["allow-from", "acme"])?;
    until("everybody may come again", || Ok(from(elsewhere).is_ok()))?;
    Ok(())
}
