//! Accepting connections at one port, each with a place of its own.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::bind::Bound;
use super::shared::ListenerShared;
use super::socket::{Entrance, Given, connection};
use crate::audit::Event;

/// Pause when the system has no sockets left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves one port until `shutdown`, then waits for its connections to end.
pub(crate) async fn accept(
    bound: Bound,
    renewed: watch::Receiver<Arc<ListenerShared>>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = bound.listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let shared = Arc::clone(&renewed.borrow());
        let entrance = match Entrance::of(&shared, peer) {
            Ok(entrance) => entrance,
            Err(refusal) => {
                shared.meters.refused(refusal);
                shared.common.audit.tell(shared.entry(Event::ConnectionLimit, peer, refusal.reason()));
                continue;
            }
        };
        let given = Given { door: bound.door, shared, renewed: renewed.clone(), shutdown: shutdown.clone() };
        connections.spawn(connection(stream, peer, given, entrance));
    }
    drop(bound);
    while connections.join_next().await.is_some() {}
}
