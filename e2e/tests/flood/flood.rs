//! What a hostile partner does with an account of its own, and without.
//!
//! A partner has machines of its own: here its threads give way to everything else, and say the same bytes again and
//! again, so that what they take of this machine is what the gateway and the brokers do for them.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};

use anyhow::Result;
use kafka_protocol::messages::{InitProducerIdRequest, MetadataRequest, ProducerId};
use rustix::process::setpriority_process;
use rustix::thread::gettid;
use tidegate_e2e::raw;
use tidegate_e2e::requests::{Topic, fetch_request, produce_request};

use crate::site::{LOUD, Site};

/// Requests of one connection under way at once.
const PIPELINED: usize = 30;

/// Clients of one kind; more than the machine has cores by far.
const CLIENTS: usize = 16;

const MEGABYTE: usize = 1_000_000;

const LOWEST_PRIORITY: i32 = 19;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connections,
    Requests,
    Produce,
    Fetch,
    FailedLogins,
    ProducerIds,
    Everything,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Connections,
        Self::Requests,
        Self::Produce,
        Self::Fetch,
        Self::FailedLogins,
        Self::ProducerIds,
        Self::Everything,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connections => "Connections that log in and leave",
            Self::Requests => "Metadata, 30 ahead on each connection",
            Self::Produce => "Produce of a megabyte",
            Self::Fetch => "Fetch of all there is",
            Self::FailedLogins => "Wrong passwords",
            Self::ProducerIds => "InitProducerId",
            Self::Everything => "Everything at once",
        })
    }
}

/// Starts the clients of a flood; each gives the number of things it did.
pub(crate) fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    site: &'scope Site,
    kind: Kind,
    stop: &'scope AtomicBool,
) -> Vec<ScopedJoinHandle<'scope, u64>> {
    let of = |client: usize| match kind {
        Kind::Everything => Kind::ALL[client % (Kind::ALL.len() - 1)],
        kind => kind,
    };
    (0..CLIENTS)
        .map(|client| {
            let kind = of(client);
            scope.spawn(move || {
                // On Linux a thread has a priority of its own.
                setpriority_process(Some(gettid()), LOWEST_PRIORITY).expect("anybody may give way");
                let mut done = 0;
                while !stop.load(Ordering::Relaxed) {
                    // Whoever is closed or refused begins anew: that is what a flood does.
                    let _ = client_of(site, kind, stop, &mut done);
                }
                done
            })
        })
        .collect()
}

/// One client until it is stopped or thrown out.
fn client_of(site: &Site, kind: Kind, stop: &AtomicBool, done: &mut u64) -> Result<()> {
    if kind == Kind::FailedLogins {
        *done += 1;
        return site.stranger()?.log_in(LOUD, "not the password");
    }
    let mut connection = site.loud()?;
    *done += 1;
    if kind == Kind::Connections {
        return Ok(());
    }
    let (frames, ahead) = frames(kind)?;
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..ahead {
            connection.send_bytes(&frames)?;
        }
        for _ in 0..ahead {
            connection.receive()?;
        }
        *done += ahead as u64;
    }
    Ok(())
}

/// A request with its length, and how often it is sent before an answer is read.
fn frames(kind: Kind) -> Result<(Vec<u8>, usize)> {
    let topic = Topic::Name("loud");
    let (frame, ahead) = match kind {
        Kind::Produce => {
            let request = produce_request(topic, 0, &"x".repeat(MEGABYTE - 1_000))?;
            (raw::frame(1, topic.produce_version(), &request)?, 1)
        }
        Kind::Fetch => (raw::frame(1, topic.fetch_version(), &fetch_request(topic, 0, 100))?, 1),
        Kind::ProducerIds => {
            let request = InitProducerIdRequest::default()
                .with_transactional_id(None)
                .with_transaction_timeout_ms(60_000)
                .with_producer_id(ProducerId(-1))
                .with_producer_epoch(-1);
            (raw::frame(1, 4, &request)?, 1)
        }
        _ => (raw::frame(1, 9, &MetadataRequest::default().with_topics(None))?, PIPELINED),
    };
    Ok(([&u32::try_from(frame.len())?.to_be_bytes()[..], &frame].concat(), ahead))
}
