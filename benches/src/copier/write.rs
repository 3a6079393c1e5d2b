//! The side that produces. The envelope is written by hand around records that stay where they are.

use std::collections::{BTreeMap, VecDeque};
use std::io::{IoSlice, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::{BufMut, Bytes};
use kafka_protocol::messages::ProduceRequest;

use super::read::Batches;
use super::receive;
use crate::frame;

pub(super) struct Writing {
    socket: TcpStream,
    topic: String,
}

/// What waits to be written.
#[derive(Default)]
struct Waiting {
    partitions: BTreeMap<i32, VecDeque<Bytes>>,
    bytes: usize,
}

impl Writing {
    pub(super) fn new(socket: TcpStream, topic: &str) -> Self {
        Self { socket, topic: topic.to_owned() }
    }

    pub(super) fn run(mut self, from: Receiver<Batches>) -> Result<()> {
        let (sent, in_flight) = sync_channel(IN_FLIGHT);
        let answers = self.socket.try_clone()?;
        let reading = thread::spawn(move || -> Result<()> {
            loop {
                check(receive(&answers)?)?;
                if in_flight.recv().is_err() {
                    return Ok(());
                }
            }
        });
        let mut waiting = Waiting::default();
        let mut request = Vec::new();
        while waiting.take(&from) {
            // A reader that has failed says why below.
            if sent.send(()).is_err() {
                break;
            }
            let batches = waiting.next();
            let ends = write(&mut request, &self.topic, &batches)?;
            send(&mut self.socket, &request, &ends, &batches)?;
        }
        drop(sent);
        reading.join().map_err(|_| anyhow!("the reader of answers panicked"))?
    }
}

impl Waiting {
    /// Takes what is there, and waits for something if there is nothing else to do; whether there is.
    fn take(&mut self, from: &Receiver<Batches>) -> bool {
        if self.bytes == 0 {
            match from.recv() {
                Ok(batches) => self.add(batches),
                Err(_) => return false,
            }
        }
        while self.bytes < WAITING_BYTES
            && let Ok(batches) = from.try_recv()
        {
            self.add(batches);
        }
        true
    }

    fn add(&mut self, batches: Batches) {
        for (partition, batch) in batches {
            self.bytes += batch.len();
            self.partitions.entry(partition).or_default().push_back(batch);
        }
    }

    /// One batch of each partition at most: brokers take no more in a request.
    fn next(&mut self) -> Batches {
        let (mut batches, mut bytes) = (Vec::new(), 0);
        for (partition, queue) in &mut self.partitions {
            if bytes >= REQUEST_BYTES {
                break;
            }
            if let Some(batch) = queue.pop_front() {
                bytes += batch.len();
                batches.push((*partition, batch));
            }
        }
        self.bytes -= bytes;
        batches
    }
}

/// Writes the envelope of a request, with room for its size; where in it the batches belong.
fn write(out: &mut Vec<u8>, topic: &str, batches: &Batches) -> Result<Vec<usize>> {
    let mut ends = Vec::with_capacity(batches.len());
    out.clear();
    out.put_i32(0);
    out.put_i16(0); // Produce
    out.put_i16(VERSION);
    out.put_i32(0); // correlation id
    out.put_i16(-1); // client id
    out.put_u8(0); // tags
    out.put_u8(0); // transactional id
    out.put_i16(-1); // acks
    out.put_i32(30_000);
    put_count(out, 1);
    put_count(out, topic.len());
    out.put_slice(topic.as_bytes());
    put_count(out, batches.len());
    for (partition, batch) in batches {
        out.put_i32(*partition);
        put_count(out, batch.len());
        // Brokers take no other base offset, and its checksum does not count it.
        out.put_i64(0);
        ends.push(out.len());
        out.put_u8(0); // tags
    }
    out.put_u8(0); // tags of the topic
    out.put_u8(0); // tags
    let records: usize = batches.iter().map(|(_, batch)| batch.len() - BASE_OFFSET_BYTES).sum();
    let size = i32::try_from(out.len() - frame::SIZE_BYTES + records)?;
    out.get_mut(..frame::SIZE_BYTES).context("no size")?.copy_from_slice(&size.to_be_bytes());
    Ok(ends)
}

/// A count in compact form: one more, as a variable-length integer.
fn put_count(out: &mut Vec<u8>, count: usize) {
    let mut left = count + 1;
    while left >= 0x80 {
        out.put_u8(left.to_le_bytes()[0] | 0x80);
        left >>= 7;
    }
    out.put_u8(left.to_le_bytes()[0]);
}

fn send(socket: &mut TcpStream, envelope: &[u8], ends: &[usize], batches: &Batches) -> Result<()> {
    let (mut slices, mut begin) = (Vec::with_capacity(2 * batches.len() + 1), 0);
    for (end, (_, batch)) in ends.iter().zip(batches) {
        slices.push(IoSlice::new(envelope.get(begin..*end).unwrap_or_default()));
        slices.push(IoSlice::new(batch.get(BASE_OFFSET_BYTES..).unwrap_or_default()));
        begin = *end;
    }
    slices.push(IoSlice::new(envelope.get(begin..).unwrap_or_default()));
    let mut left = slices.as_mut_slice();
    while !left.is_empty() {
        let written = socket.write_vectored(left)?;
        ensure!(written > 0, "the broker takes nothing");
        IoSlice::advance_slices(&mut left, written);
    }
    Ok(())
}

fn check(answer: Bytes) -> Result<()> {
    let answer = frame::decode_response::<ProduceRequest>(VERSION, answer)?;
    for partition in answer.responses.iter().flat_map(|topic| &topic.partition_responses) {
        ensure!(partition.error_code == 0, "Produce: error {}", partition.error_code);
    }
    Ok(())
}

const VERSION: i16 = 9;
/// As clients that keep order have at most.
const IN_FLIGHT: usize = 5;
const REQUEST_BYTES: usize = 1 << 20;
const WAITING_BYTES: usize = 8 << 20;
const BASE_OFFSET_BYTES: usize = size_of::<i64>();
