//! The reference of the bars: a TCP proxy that copies bytes and knows nothing of Kafka.

use anyhow::{Context, Result};
use clap::Parser;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

/// A TCP proxy that copies bytes, the reference of `cargo xtask bench`.
#[derive(Parser)]
struct Args {
    /// Address to listen at, HOST:PORT.
    listen: String,
    /// Address to connect to, HOST:PORT.
    upstream: String,
    /// Worker threads, fixed so that CPU times can be summed over threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Bytes of each direction's copy buffer; 8 KiB is what `copy_bidirectional` uses.
    #[arg(long, default_value_t = 8 * 1024)]
    buffer: usize,
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
    loop {
        let (client, _) = listener.accept().await?;
        let upstream = args.upstream.clone();
        // A connection that breaks is its client's matter: the load tool reports it.
        tokio::spawn(async move { pump(client, &upstream, args.buffer).await.ok() });
    }
}

async fn pump(mut client: TcpStream, upstream: &str, buffer: usize) -> Result<()> {
    client.set_nodelay(true)?;
    let mut upstream = TcpStream::connect(upstream).await?;
    upstream.set_nodelay(true)?;
    copy_bidirectional_with_sizes(&mut client, &mut upstream, buffer, buffer).await?;
    Ok(())
}
