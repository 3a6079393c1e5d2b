//! maxProduceRate.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{Topic, produce_request};
use tidegate_e2e::site::{Site, wait_for, write};

use crate::{change, kafka, site};

const RATE: &str = "{maxProduceRate: 100000}";
/// A second's worth of [`RATE`].
const SECOND: usize = 100_000;

/// What an answer asked for, and whether the record was written.
fn send(connection: &mut Connection, bytes: usize) -> Result<(i32, i16)> {
    let request = produce_request(Topic::Name("orders"), 0, &"x".repeat(bytes))?;
    let answer = connection.call(9, &request)?;
    Ok((answer.throttle_time_ms, answer.responses[0].partition_responses[0].error_code))
}

#[test]
fn what_is_over_the_rate_is_written_and_paid_for_with_silence() -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let site = site(&[write("orders", &topic)], RATE)?;
    let mut connection = site.connect()?;
    assert_eq!(send(&mut connection, 10)?, (0, 0));
    let begin = Instant::now();
    let (told, code) = send(&mut connection, 3 * SECOND)?;
    assert_eq!(code, 0);
    assert!((1_500..=2_100).contains(&told), "told to be silent for {told} ms");
    // Who does not obey is not heard.
    let (_, code) = send(&mut connection, 10)?;
    assert!(begin.elapsed() >= Duration::from_millis(1_900), "heard after {:?}", begin.elapsed());
    assert_eq!(code, 0);
    site.finish(kafka())
}

#[test]
fn many_connections_and_new_ones_have_one_rate_together() -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let site = site(&[write("orders", &topic)], RATE)?;
    let begin = Instant::now();
    let (told, _) = send(&mut site.connect()?, 4 * SECOND)?;
    assert!(told >= 2_500, "told to be silent for {told} ms");
    assert_eq!(send(&mut site.connect()?, 10)?.1, 0);
    assert!(begin.elapsed() >= Duration::from_millis(2_900), "heard after {:?}", begin.elapsed());
    site.finish(kafka())
}

/// Connections that waited for the same debt do not go all at once when it is paid.
#[test]
fn who_waited_together_goes_one_by_one() -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let site = site(&[write("orders", &topic)], RATE)?;
    let mut waiting = [site.connect()?, site.connect()?, site.connect()?];
    // A debt of a second for everybody.
    send(&mut site.connect()?, 2 * SECOND)?;
    let begin = Instant::now();
    let served = thread::scope(|scope| {
        let threads = waiting.each_mut().map(|connection| {
            scope.spawn(move || send(connection, SECOND / 2).map(|(_, code)| (code, begin.elapsed())))
        });
        threads.map(|thread| thread.join().expect("no client panics"))
    });
    let mut times = Vec::new();
    for one in served {
        let (code, after) = one?;
        assert_eq!(code, 0);
        times.push(after);
    }
    times.sort_unstable();
    for (place, after) in times.iter().enumerate() {
        // The debt of a second, and half a second for each that went before.
        let least = Duration::from_millis(900 + 500 * place as u64);
        assert!(*after >= least, "served after {times:?}");
    }
    site.finish(kafka())
}

/// A connection that breaks the rate and never reads an answer, as it asks for none.
#[test]
fn a_writer_without_acknowledgements_keeps_the_rate_too() -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let site = site(&[write("orders", &topic)], RATE)?;
    let mut connection = site.connect()?;
    let begin = Instant::now();
    for _ in 0..4 {
        let request = produce_request(Topic::Name("orders"), 0, &"x".repeat(SECOND))?.with_acks(0);
        connection.send(&tidegate_e2e::raw::frame(7, 9, &request)?)?;
    }
    // Stands behind all of them.
    assert_eq!(send(&mut connection, 10)?.1, 0);
    assert!(begin.elapsed() >= Duration::from_millis(2_900), "heard after {:?}", begin.elapsed());
    site.finish(kafka())
}

#[test]
fn a_changed_rate_holds_from_the_next_request_on() -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let aliases = [write("orders", &topic)];
    let site = site(&aliases, "{maxProduceRate: 0}")?;
    let mut connection = site.connect()?;
    assert_eq!(send(&mut connection, 5 * SECOND)?, (0, 0));
    change(&site, &aliases, RATE)?
        .soon("the zone is limited", || Ok(send(&mut connection, SECOND)?.0 > 0))?;
    site.edit(&aliases)?.wait_until_due();
    assert_eq!(send(&mut connection, 5 * SECOND)?, (0, 0));
    site.finish(kafka())
}

#[test]
fn a_silenced_client_that_leaves_is_noticed_at_once() -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let site = site(&[write("orders", &topic)], "{maxProduceRate: 1000}")?;
    let mut connection = site.connect()?;
    assert_eq!(send(&mut connection, SECOND)?.0, 10_000);
    assert_eq!(open(&site)?, 1);
    let begin = Instant::now();
    drop(connection);
    wait_for("the connection is closed", || Ok(open(&site)? == 0))?;
    assert!(begin.elapsed() < Duration::from_secs(5), "closed after {:?}", begin.elapsed());
    site.finish(kafka())
}

fn open(site: &Site) -> Result<u64> {
    let metrics = tidegate_e2e::gateway::get(site.home.ports().http(), "/metrics")?.body;
    let line = metrics.lines().find(|line| line.starts_with("tidegate_connections_open"));
    let open = line.and_then(|line| line.rsplit(' ').next()).unwrap_or_default();
    Ok(open.parse()?)
}
