//! The reference for the mirror's throughput: a copier that fetches and produces, and knows nothing else.
//!
//! No stamping, no guard, no look at what it copies beyond where one batch ends and the next begins; an error ends it. Three threads
//! on blocking sockets: one fetches the next records while the last ones are written, one writes, one reads the answers.
//! As the mirror has to, it writes with `acks=all`, one batch of a partition in a request, and several requests at once.

mod read;
mod write;

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;
use clap::Parser;

use crate::frame;
use crate::load::session::{Session, Target};
use read::Reading;
use write::Writing;

/// Copies a topic as fast as it can until it is killed: real Kafka of one broker on both sides, in plaintext.
#[derive(Clone, Debug, Parser)]
pub struct Args {
    /// The broker of the source, HOST:PORT.
    #[arg(long)]
    source: SocketAddr,
    /// The topic there.
    #[arg(long)]
    topic: String,
    /// The broker of the copy.
    #[arg(long)]
    destination: SocketAddr,
    /// The topic there, which exists.
    #[arg(long)]
    copy: String,
    /// How many partitions they have.
    #[arg(long, default_value_t = 1)]
    partitions: i32,
}

/// Copies until something fails.
pub fn run(args: &Args) -> Result<()> {
    let reading = Reading::new(open(args.source)?, &args.topic, args.partitions)?;
    let writing = Writing::new(open(args.destination)?, &args.copy);
    let (fetched, batches) = sync_channel(FETCHED);
    thread::scope(|scope| {
        let reading = scope.spawn(|| reading.run(fetched));
        let writing = scope.spawn(|| writing.run(batches));
        for thread in [writing, reading] {
            thread.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        Ok(())
    })
}

fn open(address: SocketAddr) -> Result<TcpStream> {
    Session::open(&Target::plain(address), address)?.writer()
}

/// The next frame without its size, in memory that nothing else was written to.
fn receive(socket: &TcpStream) -> Result<Bytes> {
    let (mut socket, mut prefix) = (socket, [0; frame::SIZE_BYTES]);
    socket.read_exact(&mut prefix)?;
    let size = frame::size(prefix)?;
    let mut frame = Vec::with_capacity(size);
    ensure!(socket.take(u64::try_from(size)?).read_to_end(&mut frame)? == size, "half an answer");
    Ok(frame.into())
}

/// Answers to Fetch that wait to be written, of 4 MiB each.
const FETCHED: usize = 2;
