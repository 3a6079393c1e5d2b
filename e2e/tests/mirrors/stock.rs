//! Stock clients read a mirror topic: fillers at the start, hundreds in a row in the middle, and at the tail, where they wait.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use tidegate_e2e::clients::{Client, Outcome, Step};
use tidegate_e2e::gateway::get;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::requests::{Topic as By, fetch};
use tidegate_e2e::site::{Site, wait_for};
use tidegate_wire::batch::BatchHeader;
use tidegate_wire::filler::is_filler;
use tidegate_wire::record::batches;

use crate::kafka;
use crate::log::MirrorLog;
use crate::record::mirror_site;

const ALIAS: &str = "orders";

/// For how long everybody waits at the tail while their requests are counted.
const AT_THE_TAIL: Duration = Duration::from_secs(3);
/// Requests of all clients in that time: none asks more than four times a second when there is nothing. One that does not
/// come past the fillers asks hundreds of times.
const FETCHES: u64 = 150;

#[test]
fn they_see_the_data_at_its_offsets_and_wait_at_the_end() -> Result<()> {
    let topic = kafka().create_topic(1)?;
    let mut log = MirrorLog::of(kafka(), &topic)?;
    log.gap(200_011)?;
    log.data(5)?;
    // More than any client takes at once, so that answers hold nothing else; small ones grow when they are hidden.
    log.gap(3_000_000)?;
    (0..270).try_for_each(|_| log.gap(1))?;
    log.data(3)?;
    log.gap(9)?;
    log.data(1)?;
    log.gap(2_000_121)?;
    let site = mirror_site(ALIAS, &topic)?;
    reads_raw(&mut kafka().internal(1)?, &topic.name, &log, false)?;
    reads_raw(&mut site.connect()?, ALIAS, &log, true)?;
    let read = read_while_the_tail_grows(&site, &mut log)?;
    for (client, read) in read {
        sees_the_data(client, &read, &log)?;
    }
    site.finish(kafka())
}

/// Everybody reads everything, waits at the tail, and then gets one record more.
fn read_while_the_tail_grows(site: &Site, log: &mut MirrorLog) -> Result<Vec<(Client, Outcome)>> {
    let (count, config) = (log.data.len() + 1, site.config());
    let knows_markers = |client: &Client| !matches!(client, Client::KafkaGo | Client::Rskafka);
    let clients = Client::installed().into_iter().filter(knows_markers);
    let (slow, quick): (Vec<_>, Vec<_>) =
        clients.partition(|client| matches!(client, Client::Java | Client::Console));
    slow.iter().chain(&quick).try_for_each(|client| client.prepare())?;
    thread::scope(|scope| {
        let config = &config;
        let read = |client: &Client| {
            let client = *client;
            (client, scope.spawn(move || client.run(config, step(client, count))))
        };
        let mut readers: Vec<_> = slow.iter().map(read).collect();
        // To begin with, and to a broker.
        wait_for("Java has come", || Ok(open_connections(site)? >= 2 * slow.len()))?;
        readers.extend(quick.iter().map(read));
        wait_at_the_tail(site, 2 * slow.len() + quick.len())?;
        log.data(1)?;
        let joined = readers.into_iter().map(|(client, reader)| {
            let read = reader.join().expect("no client panics")?;
            Ok((client, read))
        });
        joined.collect()
    })
}

/// All who can read without a group do; of the others, kcat ends at the end of the log otherwise.
fn step(client: Client, count: usize) -> Step<'static> {
    let from_beginning = Step::ReadFromBeginning { topic: ALIAS, count };
    match client {
        Client::Java => Step::ConsumeCommitted { topic: ALIAS, group: "committed", count },
        Client::Kcat => Step::Consume { topic: ALIAS, group: "kcat", count },
        _ if client.can(from_beginning) => from_beginning,
        _ => Step::Consume { topic: ALIAS, group: "console", count },
    }
}

fn sees_the_data(client: Client, read: &Outcome, log: &MirrorLog) -> Result<()> {
    let seen: Vec<_> =
        read.records.iter().map(|read| (read.offset, read.key.clone(), read.value.clone())).collect();
    ensure!(seen == log.data, "{client}: {read:?}");
    Ok(())
}

/// Everybody has come, nobody new comes, and nobody asks more often than a reader does who waits.
fn wait_at_the_tail(site: &Site, connections: usize) -> Result<()> {
    wait_for("everybody has come", || Ok(open_connections(site)? >= connections))?;
    wait_for("all wait at the tail and none spins", || {
        let (open, before) = (open_connections(site)?, site.requests("Fetch")?);
        thread::sleep(AT_THE_TAIL);
        let fetches = site.requests("Fetch")? - before;
        println!("{fetches} fetches in {AT_THE_TAIL:?} over {open} connections");
        Ok(fetches < FETCHES && open_connections(site)? == open)
    })
}

fn open_connections(site: &Site) -> Result<usize> {
    let metrics = get(site.home.ports().http(), "/metrics")?.body;
    let lines = metrics.lines().filter(|line| line.starts_with("tidegate_connections_open"));
    let numbers = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    Ok(numbers.sum())
}

/// Reads the whole log: every offset is there, and what is not data is a filler, in the open or hidden.
fn reads_raw(connection: &mut Connection, topic: &str, log: &MirrorLog, is_hidden: bool) -> Result<()> {
    let (mut at, mut data, mut others) = (0, Vec::new(), 0);
    while at < log.end {
        let answer = fetch(connection, By::Name(topic), at, 1_000)?;
        let records = answer.responses[0].partitions[0].records.clone().unwrap_or_default();
        ensure!(!records.is_empty(), "nothing at {at}");
        for (header, batch) in batches(&records) {
            // A broker begins with the whole batch in which the offset is.
            ensure!(header.base_offset <= at, "a hole at {at}");
            at = header.base_offset + i64::from(header.last_offset_delta) + 1;
            match stands_for_a_filler(&header, &batch, is_hidden) {
                true => others += 1,
                false => data.push(header.base_offset),
            }
        }
    }
    let expected: Vec<i64> = log.data.iter().map(|(offset, ..)| *offset).collect();
    ensure!(data == expected, "{data:?} for {expected:?}");
    println!("{others} fillers on {topic}, hidden: {is_hidden}");
    ensure!(others > 300, "{others} fillers");
    Ok(())
}

fn stands_for_a_filler(header: &BatchHeader, batch: &Bytes, is_hidden: bool) -> bool {
    match is_hidden {
        true => header.is_control(),
        false => is_filler(batch, &|producer_id| producer_id == header.producer_id),
    }
}
