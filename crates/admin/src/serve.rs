//! The listener of operators: so many connections in all and of each address, and a deadline for everything that a client
//! has to do.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use crate::admin::Admin;
use crate::limits::Limits;
use crate::peer::Peer;

/// What is kept of a request while it is read.
const MAX_BUFFER: usize = 64 * 1024;

/// Bytes of the headers of one request: tokens and names are short.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Headers of one request; the tools send some ten.
const MAX_HEADERS: usize = 64;

/// Pause after the machine could not accept, so that a full table of files does not make a busy loop.
const PAUSE: Duration = Duration::from_millis(100);

/// Time for open requests once the daemon stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves on a listener until `stop` says true or is gone. With `tls` only TLS is spoken; its newest value holds for each
/// connection that is accepted.
pub async fn serve(
    listener: TcpListener,
    tls: Option<watch::Receiver<TlsAcceptor>>,
    admin: Admin,
    mut stop: watch::Receiver<bool>,
) {
    let (router, places) = (admin.router(), Arc::new(Places::new(admin.limits())));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        match accepted {
            Err(error) => {
                tracing::warn!(%error, "an operator's connection cannot be accepted");
                sleep(PAUSE).await;
            }
            Ok((stream, peer)) => {
                // Over the limit it is closed at once: there is nothing to be said before TLS.
                let Some(place) = places.take(Peer(peer).counted()) else { continue };
                let acceptor = tls.as_ref().map(|tls| tls.borrow().clone());
                let one = Connection { router: router.clone(), limits: admin.limits().clone(), peer };
                let stop = stop.clone();
                connections.spawn(async move {
                    one.run(stream, acceptor, stop).await;
                    drop(place);
                });
            }
        }
    }
    let drained = timeout(DRAIN, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!("operators' requests were still under way and are cut");
    }
}

/// One connection of an operator.
struct Connection {
    router: Router,
    limits: Limits,
    peer: SocketAddr,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>, stop: watch::Receiver<bool>) {
        let _ = stream.set_nodelay(true);
        match tls {
            None => self.speak(stream, stop).await,
            Some(tls) => match timeout(self.limits.tls_deadline, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.speak(stream, stop).await,
                Ok(Err(error)) => {
                    tracing::debug!(peer = %self.peer, %error, "an operator's handshake failed");
                }
                Err(_) => tracing::debug!(peer = %self.peer, "an operator's handshake took too long"),
            },
        }
    }

    async fn speak(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        mut stop: watch::Receiver<bool>,
    ) {
        let Self { router, limits, peer } = self;
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            router.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_deadline)
            .max_buf_size(MAX_BUFFER)
            .max_headers(MAX_HEADERS)
            .max_header_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stop.wait_for(|stop| *stop) => {}
            () = sleep(limits.connection_max) => {}
        }
        // What is under way may end, if it does so soon.
        connection.as_mut().graceful_shutdown();
        let _ = timeout(DRAIN, connection).await;
    }
}

/// Who may have how many connections.
#[derive(Debug)]
struct Places {
    in_all: usize,
    of_one: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    fn new(limits: &Limits) -> Self {
        let (in_all, of_one) = (limits.max_connections, limits.max_connections_per_address);
        Self { in_all, of_one, taken: Mutex::default() }
    }

    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&address).copied().unwrap_or_default();
        if all >= self.in_all || own >= self.of_one {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Place { places: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.address) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_for_each_address_and_come_back() {
        let limits = Limits { max_connections: 3, max_connections_per_address: 2, ..Limits::default() };
        let places = Arc::new(Places::new(&limits));
        let address = |n: u32| IpAddr::V4(n.into());
        let held: Vec<Place> = [1, 1, 1, 2, 2].into_iter().filter_map(|n| places.take(address(n))).collect();
        assert_eq!(held.iter().map(|place| place.address).collect::<Vec<_>>(), [1, 1, 2].map(address));
        drop(held);
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
