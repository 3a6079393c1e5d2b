//! The steps of one accepted connection.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::Door;
use super::shared::ListenerShared;
use crate::admission::Place;
use crate::connection::{End, serve};
use crate::socket;

pub(super) async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    door: Door,
    shared: Arc<ListenerShared>,
    tls: Option<TlsAcceptor>,
    mut shutdown: watch::Receiver<bool>,
    place: Place,
) {
    shared.meters.accepted.increment(1);
    shared.meters.open.increment(1.0);
    socket::tune(&stream);
    let end = match tls {
        None => serve(stream, door, place, Arc::clone(&shared), shutdown).await,
        Some(acceptor) => {
            let accepted = tokio::select! {
                accepted = timeout(shared.deadlines.tls_deadline, acceptor.accept(stream)) => Some(accepted),
                _ = shutdown.wait_for(|stop| *stop) => None,
            };
            match accepted {
                Some(Ok(Ok(stream))) => {
                    Box::pin(serve(stream, door, place, Arc::clone(&shared), shutdown)).await
                }
                Some(Ok(Err(error))) => End::Tls(error),
                Some(Err(_)) => End::TlsDeadline,
                None => End::Stopping,
            }
        }
    };
    shared.meters.open.decrement(1.0);
    match &end {
        End::NoPlace(_, refusal) => shared.meters.refused(*refusal),
        End::Login(_) => shared.meters.failed_logins.increment(1),
        End::Revoked => shared.meters.revoked.increment(1),
        _ => {}
    }
    tracing::debug!(%peer, ?door, reason = %end, "connection ended");
}
