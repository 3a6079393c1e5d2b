//! Many connections, and clients that do not take what they asked for.

use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use std::io::Write as _;
use tidegate_e2e::raw;
use uuid::Uuid;

use crate::Site;
use crate::requests::{PRODUCE, fetch_request, framed, produce_request};
use crate::site::{ORDERS, RIVAL};

#[test]
fn two_thousand_quick_connections_leave_nothing() -> Result<()> {
    let site = Site::start()?;
    let address = site.home.ports().bound();
    for i in 0..2_000_u32 {
        // Some are refused for want of a place, which is as good.
        let mut stream = TcpStream::connect(address)?;
        match i % 4 {
            0 => {}
            1 => drop(stream.write_all(&[0, 0])),
            2 => drop(stream.write_all(&framed(18, 0, &[]))),
            _ => stream.shutdown(Shutdown::Write)?,
        }
    }
    // As many as the limit allows find a place, after a moment: none is lost.
    std::thread::sleep(Duration::from_secs(2));
    let mut held = (0..250).map(|_| site.connect()).collect::<Result<Vec<_>>>().context("places are lost")?;
    ensure!(crate::requests::listed(&mut held[249])?.len() == 2);
    drop(held);
    std::thread::sleep(Duration::from_millis(500));
    site.finish()
}

#[test]
fn clients_that_leave_in_the_middle_of_a_frame_hurt_nobody() -> Result<()> {
    let site = Site::start()?;
    let frame = raw::frame(1, PRODUCE, &produce_request(ORDERS, -1, &[b'x'; 100_000])?)?;
    let whole = [&u32::try_from(frame.len())?.to_be_bytes()[..], &frame].concat();
    for part in [1, 3, 4, 5, 20, 1_000, 60_000, whole.len() - 1, whole.len()] {
        for _ in 0..5 {
            site.connect()?.send_bytes(&whole[..part])?;
        }
    }
    site.finish()
}

#[test]
fn a_client_that_never_reads_is_closed() -> Result<()> {
    let site = Site::start()?;
    fill(&site)?;
    let fetch = fetch_request(ORDERS, Uuid::nil(), 8_000_000);
    let mut readers = (0..4).map(|_| site.connect()).collect::<Result<Vec<_>>>()?;
    for reader in &mut readers {
        for id in 0..30 {
            reader.send(&raw::frame(id, 12, &fetch)?)?;
        }
    }
    let mut most = 0;
    for _ in 0..40 {
        most = most.max(site.growth_kib()?);
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("it grew by {most} KiB at most");
    ensure!(most < 128 * 1024, "four clients that do not read cost {most} KiB");
    for mut reader in readers {
        let taken = reader.until_closed()?.len();
        ensure!(taken < 30 * 8_000_000, "all {taken} bytes were sent to a client that did not read");
    }
    site.finish()
}

/// Every slow reader may have an answer of its own under way; what they have together is bounded, and another zone does
/// not notice.
#[test]
fn many_slow_readers_share_what_their_zone_may_hold() -> Result<()> {
    let site = Site::start_with(", maxAnswerBytesPerZone: 16777216")?;
    fill(&site)?;
    let fetch = fetch_request(ORDERS, Uuid::nil(), 8_000_000);
    let mut readers = (0..60).map(|_| site.connect()).collect::<Result<Vec<_>>>()?;
    let mut honest = site.connect_as(RIVAL)?;
    for reader in &mut readers {
        for id in 0..5 {
            reader.send(&raw::frame(id, 12, &fetch)?)?;
        }
    }
    let (mut most, mut slowest) = (0, Duration::ZERO);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(4) {
        let asked = Instant::now();
        honest.exchange(12, &fetch)?;
        slowest = slowest.max(asked.elapsed());
        most = most.max(site.growth_kib()?);
    }
    println!("60 slow readers of 8 MB cost {most} KiB at most; another zone waited {slowest:?} at most");
    ensure!(most < 128 * 1024, "60 slow readers cost {most} KiB");
    ensure!(slowest < Duration::from_secs(5), "another zone waited {slowest:?}");
    drop(readers);
    site.finish()
}

/// Eight records of a million bytes for both zones.
pub(crate) fn fill(site: &Site) -> Result<()> {
    let mut direct = site.kafka.internal(1)?;
    let value = vec![b'x'; 1_000_000];
    for _ in 0..8 {
        let written = direct.call(PRODUCE, &produce_request(&site.orders.name, -1, &value)?)?;
        assert_eq!(written.responses[0].partition_responses[0].error_code, 0);
    }
    Ok(())
}
