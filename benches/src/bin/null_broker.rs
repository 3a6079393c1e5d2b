//! A broker of canned answers: it stores nothing, so that whatever stands before it is the limit.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::{Buf, Bytes, BytesMut};
use clap::Parser;
use tidegate_benches::canned::{Broker, Connection};
use tidegate_benches::frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A Kafka broker of canned answers with one topic, for `cargo xtask bench`.
#[derive(Parser)]
struct Args {
    /// Address to listen at, HOST:PORT.
    listen: String,
    /// Address that Metadata names, HOST:PORT; the listening address by default.
    #[arg(long)]
    advertised: Option<SocketAddr>,
    /// Name of the one topic.
    #[arg(long, default_value = "bench")]
    topic: String,
    /// Partitions of the topic.
    #[arg(long, default_value_t = 8)]
    partitions: i32,
    /// Worker threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> Result<()> {
    let args = Args::parse();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.threads)
        .enable_all()
        .build()?
        .block_on(run(args))
}

async fn run(args: Args) -> Result<()> {
    let listener =
        TcpListener::bind(&args.listen).await.with_context(|| format!("cannot listen at {}", args.listen))?;
    let advertised = args.advertised.map_or_else(|| listener.local_addr(), Ok)?;
    let broker = Arc::new(Broker::new(advertised, &args.topic, args.partitions)?);
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = Connection::new(Arc::clone(&broker));
        // A request that this broker does not know closes the connection, as in Kafka; the client reports it.
        tokio::spawn(async move { serve(stream, connection).await.ok() });
    }
}

async fn serve(mut stream: TcpStream, mut connection: Connection) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = BytesMut::new();
    while let Some(request) = read_frame(&mut stream, &mut buffer).await? {
        if let Some(mut answer) = connection.answer(request)? {
            stream.write_all_buf(&mut answer).await?;
        }
    }
    Ok(())
}

/// The next frame without its size; none at the end of the stream.
async fn read_frame(stream: &mut TcpStream, buffer: &mut BytesMut) -> Result<Option<Bytes>> {
    loop {
        let missing = match buffer.first_chunk() {
            Some(prefix) => (frame::size(*prefix)? + frame::SIZE_BYTES).saturating_sub(buffer.len()),
            None => frame::SIZE_BYTES,
        };
        if missing == 0 {
            let size = usize::try_from(buffer.get_i32())?;
            return Ok(Some(buffer.split_to(size).freeze()));
        }
        buffer.reserve(missing.max(READ_BYTES));
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Room for one batch and a bit: fewer reads per request.
const READ_BYTES: usize = 16 * 1024;
