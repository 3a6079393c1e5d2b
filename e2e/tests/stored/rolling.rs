//! Replicas that are replaced one after the other, as in an upgrade and back: clients reconnect and are refused nothing.
//!
//! `TIDEGATE_OLD_GATEWAY_BIN` names the version before; without it a version is replaced by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::{InitProducerIdRequest, ProducerId};
use tidegate_e2e::gateway::{Gateway, Home};
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{idempotent_batch, produce_records};
use tidegate_e2e::site::write;

use crate::kafka;
use crate::partner::{ACCOUNT, PASSWORD};
use crate::replicas::homes;

/// How often every replica is replaced: by the new version, by the old one, by the new one again.
const ROUNDS: usize = 3;

const CLIENTS: usize = 4;

/// How long a client looks for a replica that takes connections.
const ATTEMPTS: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

#[test]
fn replicas_are_replaced_under_load_and_nothing_is_refused() -> Result<()> {
    let topics = kafka().create_topics(&[1])?;
    let homes = homes(&[write("orders", &topics[0])])?;
    let mut gateways: Vec<_> = homes[..2].iter().map(Gateway::start_old).collect::<Result<_>>()?;
    let stop = AtomicBool::new(false);
    let (served, stopped) = (&homes[..2], &stop);
    let (written, moved) = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|client| scope.spawn(move || write_on(served, client, stopped))).collect();
        let replaced = (0..ROUNDS).try_for_each(|round| {
            let start = if round % 2 == 0 { Gateway::start } else { Gateway::start_old };
            for (place, home) in homes[..2].iter().enumerate() {
                // As a service manager does: ask it to stop, wait, start the next.
                let old = gateways.remove(place);
                ensure!(old.stop()?.success(), "a replica stops in order");
                gateways.insert(place, start(home)?);
                // What the new version writes, the old one reads.
                home.store(&["add-credential", "acme", &format!("c-{round}-{place}")])?;
                thread::sleep(Duration::from_millis(200));
            }
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        let mut sums = (0, 0);
        for client in clients {
            let (written, moved) = client.join().expect("no client panics")?;
            sums = (sums.0 + written, sums.1 + moved);
        }
        replaced.map(|()| sums)
    })?;
    println!("{written} records of {CLIENTS} clients, which moved {moved} times");
    ensure!(moved >= ROUNDS * CLIENTS, "clients had to move only {moved} times");
    ensure!(written > 100, "{written} records were written");
    let end = kafka().end_offset(1, &topics[0], 0)?;
    assert_eq!(end, i64::try_from(written)?, "nothing is lost, nothing is there twice");
    Ok(())
}

/// Writes records with one producer id until it is stopped, through whichever replica is there; every refusal is an error.
/// Gives how many were written and how often it moved.
fn write_on(homes: &[Home], first: usize, stop: &AtomicBool) -> Result<(usize, usize)> {
    let mut connection = connect(homes, first)?;
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(60_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let issued = connection.call(4, &request)?;
    ensure!(issued.error_code == 0, "{issued:?}");
    let (mut written, mut moved) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let sequence = i32::try_from(written)?;
        let batch = idempotent_batch(issued.producer_id.0, issued.producer_epoch, sequence)?;
        match produce_records(&mut connection, "orders", batch) {
            Ok(0) => written += 1,
            Ok(code) => anyhow::bail!("record {written} was refused with code {code}"),
            // Closed: the same record again, which the broker knows if it has it.
            Err(_) => {
                moved += 1;
                connection = connect(homes, first + moved)?;
            }
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok((written, moved))
}

/// Logs in at the first replica that is there.
fn connect(homes: &[Home], first: usize) -> Result<Connection> {
    for attempt in 0..ATTEMPTS {
        let home = &homes[(first + attempt) % homes.len()];
        if let Ok(mut connection) = Connection::open(home.ports().bound(), Duration::from_secs(5)) {
            match connection.log_in(ACCOUNT, PASSWORD) {
                Ok(()) => return Ok(connection),
                // One that is stopping closes; one that refuses answers with a code.
                Err(error) => ensure!(!error.to_string().contains("58"), "a login was refused: {error:#}"),
            }
        }
        thread::sleep(PAUSE);
    }
    None.context("no replica is there")
}
