//! What a hostile partner does with an account of its own, and without.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};

use anyhow::Result;
use tidegate_e2e::raw::{self, Connection};
use tidegate_e2e::requests::{Topic, fetch_request, init_producer_id, listed, produce_request};

use crate::site::{LOUD, Site};

/// Requests of one connection under way at once.
const PIPELINED: i32 = 30;

/// Clients of one kind; more than the machine has cores by far.
const CLIENTS: usize = 16;

const MEGABYTE: usize = 1_000_000;

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
    while kind != Kind::Connections && !stop.load(Ordering::Relaxed) {
        *done += act(&mut connection, kind)?;
    }
    Ok(())
}

fn act(connection: &mut Connection, kind: Kind) -> Result<u64> {
    let topic = Topic::Name("loud");
    match kind {
        Kind::Produce => {
            let request = produce_request(topic, 0, &"x".repeat(MEGABYTE - 1_000))?;
            connection.call(topic.produce_version(), &request)?;
        }
        Kind::Fetch => _ = connection.exchange(12, &fetch_request(topic, 0, 100))?,
        Kind::ProducerIds => _ = init_producer_id(connection)?,
        _ => {
            listed(connection)?;
            let ask = kafka_protocol::messages::MetadataRequest::default().with_topics(None);
            for id in 0..PIPELINED {
                connection.send(&raw::frame(id, 9, &ask)?)?;
            }
            for _ in 0..PIPELINED {
                connection.receive()?;
            }
            return Ok(1 + u64::from(PIPELINED.unsigned_abs()));
        }
    }
    Ok(1)
}
