//! One partner's connection, from its first byte to its last.
//!
//! ```text
//!  login --> pump --+--> dial upstream --> pump ...
//!              |    +--> login again  --> pump ...
//!              +--> closed
//! ```

mod client_id;
mod drain;
mod login;
mod pump;
mod side;
mod stop;

use std::pin::pin;
use std::sync::Arc;

use tidegate_client::{ConnectError, Stream, connect};
use tidegate_wire::sasl::Login;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use self::login::{LoginError, REFUSAL_DELAY, log_in};
use self::pump::Pump;
use self::side::Side;
use self::stop::{CloseReason, Stop};
use crate::admission::ZonePlace;
use crate::listener::{Door, ListenerShared, ProxyError};
use crate::snapshot::{Snapshot, Standing};
use crate::state;
use crate::tls::Introduced;

/// Why a connection ended; for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("login: {0}")]
    Login(#[from] LoginError),
    #[error("login: not done in time")]
    LoginDeadline,
    #[error("login: account {0:?} has no zone on this listener")]
    NoZone(String),
    #[error("login: zone of {0:?} has too many connections")]
    ZoneFull(String),
    #[error("login: the gateway stops")]
    Stopping,
    #[error("{0}")]
    Pump(CloseReason),
    #[error("revoked")]
    Revoked,
    #[error("broker: no node {0:?} is known")]
    NoNode(Door),
    #[error(transparent)]
    Dial(#[from] ConnectError),
    #[error("broker: not ready within `upstreamDeadlineMs`")]
    DialDeadline,
    #[error("broker: it sent what nobody asked for")]
    Chatty,
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("its address has too many connections")]
    AddressFull,
    #[error("tls: {0}")]
    Tls(std::io::Error),
    #[error("tls: not done in time")]
    TlsDeadline,
    #[error("tls: the server name means nothing any more")]
    Nameless,
}

/// A client whose transport is ready.
pub(crate) struct Arrival {
    /// The node that it means.
    pub(crate) door: Door,
    /// What the handshake told.
    pub(crate) introduced: Introduced,
    /// What it shares with others.
    pub(crate) shared: Arc<ListenerShared>,
    /// The same, as configured now.
    pub(crate) renewed: watch::Receiver<Arc<ListenerShared>>,
    /// Whether the gateway stops.
    pub(crate) shutdown: watch::Receiver<bool>,
}

/// Serves one client whose transport is ready.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, mut arrival: Arrival) -> End {
    let mut client = Side::new(stream);
    let shared = Arc::clone(&arrival.shared);
    // From before the login: who began it with credentials that change meanwhile must not keep it.
    let before = shared.snapshot();
    let (user, login) = match enter(&mut client, &mut arrival).await {
        Ok(entered) => entered,
        Err(end) => return end,
    };
    let Some(standing) = before.standing(&shared.cluster, &user) else { return End::NoZone(user) };
    drop(before);
    let Some(_place) = ZonePlace::take(&shared, &user) else { return End::ZoneFull(user) };
    let Some(pump) = Pump::new(client, Arc::clone(&shared), user.clone()) else { return End::NoZone(user) };
    let Arrival { door, introduced, renewed, shutdown, .. } = arrival;
    let revoked = revoked(&shared, &user, &standing);
    let distrusted = distrusted(&introduced, renewed);
    tokio::select! {
        // First: not one more request is served once the login is revoked.
        biased;
        () = revoked => End::Revoked,
        () = distrusted => End::Revoked,
        end = pumping(pump, login, door, &introduced, &shared, shutdown) => end,
    }
}

/// Finds out who the client is: the account, and the login machine if there was a SASL login.
async fn enter<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut Side<S>,
    arrival: &mut Arrival,
) -> Result<(String, Option<Login>), End> {
    let Arrival { introduced, shared, shutdown, .. } = arrival;
    if shared.is_certificate_only() {
        return match introduced.certificate.as_ref().and_then(|certificate| certificate.principal.clone()) {
            Some(user) if shared.agrees(introduced, &user) => Ok((user, None)),
            stranger => {
                sleep(REFUSAL_DELAY).await;
                Err(LoginError::Certificate(stranger).into())
            }
        };
    }
    let start = Login::start(Arc::clone(&shared.login_policy));
    let logging_in = timeout(shared.deadlines.auth_deadline, log_in(start, None, client, shared, introduced));
    let login = tokio::select! {
        done = logging_in => done.map_err(|_| End::LoginDeadline)??,
        // Who has not logged in has asked for nothing that a drain would wait for.
        _ = shutdown.wait_for(|stop| *stop) => return Err(End::Stopping),
    };
    Ok((login.user().unwrap_or_default().to_owned(), Some(login)))
}

/// Alternates between pumping and what the pump cannot do.
async fn pumping<S: AsyncRead + AsyncWrite + Unpin>(
    mut pump: Pump<S>,
    mut login: Option<Login>,
    door: Door,
    introduced: &Introduced,
    shared: &Arc<ListenerShared>,
    shutdown: watch::Receiver<bool>,
) -> End {
    let mut tick = pin!(sleep(shared.tick));
    let mut turn = pin!(drain::turn(shared, shutdown));
    loop {
        let stop = tokio::select! {
            stop = pump.run(tick.as_mut()) => stop,
            () = turn.as_mut(), if !pump.is_draining() => {
                pump.drain();
                continue;
            }
        };
        match stop {
            Stop::Closed(reason) => {
                if reason.is_of_broker() {
                    // Leaders have probably moved: look again before the client comes back.
                    shared.upstream.poke();
                }
                return End::Pump(reason);
            }
            Stop::NeedUpstream => match dial(door, shared).await {
                Ok(stream) => pump.attach(stream),
                Err(end) => return end,
            },
            Stop::Ask(question) => {
                let zone = Arc::clone(pump.zone());
                let answer = state::answer(&*shared.facts, &zone, question, &shared.deadlines).await;
                if let Err(reason) =
                    answer.map_err(CloseReason::from).and_then(|absent| pump.answered(&absent))
                {
                    return End::Pump(reason);
                }
            }
            Stop::Keep(facts) => {
                let zone = Arc::clone(pump.zone());
                let kept = state::keep(&*shared.facts, &zone, facts, &shared.deadlines).await;
                pump.kept(kept.is_ok());
            }
            Stop::Forget(unbound) => {
                let zone = Arc::clone(pump.zone());
                let gone = state::unbind(&*shared.facts, &zone, unbound, &shared.deadlines).await;
                if let Err(error) = &gone {
                    tracing::warn!(zone = %zone.name(), %error, "a deleted group stays bound to its aliases");
                }
                pump.kept(gone.is_ok());
            }
            Stop::Login(request) => {
                let Some(before) = login.take() else { return LoginError::NoSasl.into() };
                let again = log_in(before, Some(request), pump.client(), shared, introduced);
                match timeout(shared.deadlines.auth_deadline, again).await {
                    Ok(Ok(after)) => login = Some(after),
                    Ok(Err(error)) => return error.into(),
                    Err(_) => return End::LoginDeadline,
                }
            }
        }
    }
}

/// Connects to the broker behind a door.
async fn dial(door: Door, shared: &ListenerShared) -> Result<Stream, End> {
    let snapshot = shared.snapshot();
    let cluster = snapshot.cluster(&shared.cluster).cloned().unwrap_or_default();
    let endpoint = match door {
        Door::Node(node) => cluster.endpoints.get(&node),
        Door::Bootstrap => shared.any_node(&cluster),
    };
    let Some(endpoint) = endpoint else { return Err(End::NoNode(door)) };
    let connected = timeout(shared.deadlines.upstream_deadline, connect(endpoint, &shared.upstream.options));
    match connected.await.map_err(|_| End::DialDeadline).and_then(|done| done.map_err(End::from)) {
        Ok(connection) => connection.into_parts().map(|parts| parts.stream).ok_or(End::Chatty),
        Err(error) => {
            // The broker may have gone or moved: look again before the client comes back.
            shared.upstream.poke();
            Err(error)
        }
    }
}

/// Resolves when the login no longer stands: account or zone gone, or credentials changed.
async fn revoked(shared: &ListenerShared, user: &str, standing: &Standing) {
    let mut snapshots = shared.snapshots.clone();
    let stands =
        |snapshot: &Arc<Snapshot>| snapshot.standing(&shared.cluster, user).as_ref() == Some(standing);
    let gone = snapshots.wait_for(|snapshot| !stands(snapshot)).await.is_ok();
    if !gone {
        // The publisher is gone: the gateway is shutting down, which drains connections by itself.
        std::future::pending::<()>().await;
    }
}

/// Resolves when the files of the listener changed so that the client's certificate is not good any more.
async fn distrusted(introduced: &Introduced, mut renewed: watch::Receiver<Arc<ListenerShared>>) {
    let Some(certificate) = &introduced.certificate else { return std::future::pending().await };
    while renewed.changed().await.is_ok() {
        let now = Arc::clone(&renewed.borrow_and_update());
        let clients = now.tls.as_ref().and_then(|tls| tls.clients.as_ref());
        if !clients.is_some_and(|clients| clients.still_takes(certificate)) {
            return;
        }
    }
    std::future::pending::<()>().await;
}
