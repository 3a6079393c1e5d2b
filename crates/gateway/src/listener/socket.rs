//! The steps of one accepted connection: who it comes from, its place, TLS, and then its service.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::Door;
use super::proxy::client_address;
use super::shared::ListenerShared;
use crate::admission::{Place, Refusal, Seat};
use crate::config::ProxyProtocol;
use crate::connection::{Arrival, End, serve};
use crate::socket;
use crate::tls::{Introduced, ListenerTlsState};

/// What a port gives each of its connections.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) door: Door,
    /// The listener as it was configured when the connection was accepted.
    pub(super) shared: Arc<ListenerShared>,
    /// The listener as it is configured now.
    pub(super) renewed: watch::Receiver<Arc<ListenerShared>>,
    pub(super) shutdown: watch::Receiver<bool>,
}

/// How a connection comes in.
pub(super) enum Entrance {
    /// From its client, who has a place.
    Direct(Place),
    /// Through a load balancer, which has still to tell the client.
    Proxied(ProxyProtocol, Seat),
}

impl Entrance {
    /// Takes what can be taken before a byte is read.
    ///
    /// # Errors
    /// [`Refusal`]: close the connection at once.
    pub(super) fn of(shared: &ListenerShared, peer: SocketAddr) -> Result<Self, Refusal> {
        let (admission, limits) = (&shared.common.admission, &shared.deadlines);
        match &shared.proxy_protocol {
            None => admission.admit(peer.ip(), limits, Instant::now()).map(Self::Direct),
            Some(proxy) => admission.seat(limits).map(|seat| Self::Proxied(proxy.clone(), seat)),
        }
    }
}

/// Brings a connection to its end.
pub(super) async fn connection(stream: TcpStream, peer: SocketAddr, given: Given, entrance: Entrance) {
    let (shared, door) = (Arc::clone(&given.shared), given.door);
    let mut client = peer;
    let end = steps(stream, &mut client, given, entrance).await;
    shared.meters.closed(end.label());
    end.audit(&shared, client);
    match &end {
        End::NoPlace(_, refusal) => shared.meters.refused(*refusal),
        End::Proxy(_) => shared.meters.refused(Refusal::Proxy),
        End::Login(_) => shared.meters.failed_logins.increment(1),
        End::Revoked => shared.meters.revoked.increment(1),
        _ => {}
    }
    tracing::debug!(peer = %client, ?door, reason = %end, "connection ended");
}

async fn steps(mut stream: TcpStream, client: &mut SocketAddr, given: Given, entrance: Entrance) -> End {
    let shared = &given.shared;
    let place = match entrance {
        Entrance::Direct(place) => place,
        Entrance::Proxied(proxy, seat) => {
            let mut shutdown = given.shutdown.clone();
            let deadline = shared.deadlines.proxy_header_deadline;
            let read = tokio::select! {
                read = client_address(&mut stream, *client, &proxy, deadline) => read,
                _ = shutdown.wait_for(|stop| *stop) => return End::Stopping,
            };
            match read {
                Ok(address) => *client = address,
                Err(error) => return error.into(),
            }
            let admission = &shared.common.admission;
            match admission.admit_seated(seat, client.ip(), &shared.deadlines, Instant::now()) {
                Ok(place) => place,
                Err(refusal) => return End::NoPlace(None, refusal),
            }
        }
    };
    shared.meters.accepted.increment(1);
    shared.meters.open.increment(1.0);
    socket::tune(&stream);
    let meters = shared.meters.open.clone();
    let end = match shared.tls.clone() {
        None => serve(stream, arrival(*client, Introduced::default(), given, place)).await,
        Some(tls) => encrypted(stream, *client, &tls, given, place).await,
    };
    meters.decrement(1.0);
    end
}

async fn encrypted(
    stream: TcpStream,
    client: SocketAddr,
    tls: &ListenerTlsState,
    mut given: Given,
    place: Place,
) -> End {
    let deadline = given.shared.deadlines.tls_deadline;
    let accepted = tokio::select! {
        accepted = timeout(deadline, tls.acceptor.accept(stream)) => accepted,
        _ = given.shutdown.wait_for(|stop| *stop) => return End::Stopping,
    };
    let stream = match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return End::Tls(error),
        Err(_) => return End::TlsDeadline,
    };
    match tls.introduced(stream.get_ref().1) {
        Some(introduced) => Box::pin(serve(stream, arrival(client, introduced, given, place))).await,
        None => End::Nameless,
    }
}

fn arrival(client: SocketAddr, introduced: Introduced, given: Given, place: Place) -> Arrival {
    let Given { door, shared, renewed, shutdown } = given;
    // A name says more than the port, which is the same for all.
    let door = introduced.target.as_ref().map_or(door, |target| target.door);
    Arrival { client, door, place, introduced, shared, renewed, shutdown }
}
