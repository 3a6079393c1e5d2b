//! The log of a program.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Writes the log, as [`lines`] say; to be called once.
pub fn init() {
    tracing_subscriber::registry().with(lines()).init();
}

/// Lines of text on a terminal, JSON for machines; `RUST_LOG` chooses what.
pub fn lines<S>() -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = if io::stderr().is_terminal() { lines.boxed() } else { lines.json().boxed() };
    lines.with_filter(filter)
}
