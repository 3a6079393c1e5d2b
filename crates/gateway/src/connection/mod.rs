//! One partner's connection, from its first byte to its last.
//!
//! ```text
//!  login --> pump --+--> dial upstream --> pump ...
//!              |    +--> login again  --> pump ...
//!              +--> closed
//! ```

mod client_id;
mod drain;
mod held;
mod login;
mod mute;
mod pump;
mod side;
mod stop;

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tidegate_authz::ZoneView;
use tidegate_client::{ConnectError, Stream, connect, connect_as};
use tidegate_core::ZoneName;
use tidegate_wire::sasl::Login;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use self::held::Held;
use self::login::{LoginError, Visitor, log_in};
use self::pump::Pump;
use self::side::Side;
use self::stop::{CloseReason, Stop};
use crate::admission::{Place, Refusal};
use crate::audit::{Entry, Event};
use crate::listener::{Door, ListenerShared, ProxyError};
use crate::meters::RefusalKind;
use crate::snapshot::Snapshot;
use crate::state;
use crate::tls::Introduced;
use crate::tokens::still_takes;

/// Why a connection ended; for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("login: {0}")]
    Login(#[from] LoginError),
    #[error("login: account {0:?} has no zone on this listener")]
    NoZone(String),
    #[error("no place for the connection: `{limit}`", limit = .1.reason())]
    NoPlace(Option<String>, Refusal),
    #[error("login: the store has not been reached for longer than `storeStalenessMaxMs`")]
    Stale,
    #[error("login: the gateway stops")]
    Stopping,
    #[error("{0}")]
    Pump(CloseReason),
    #[error("revoked")]
    Revoked,
    #[error("broker: no node {0:?} is known")]
    NoNode(Door),
    #[error("broker: there is no file of the password of zone `{0}` in `sasl.perZone.passwords.folder`")]
    NoUpstreamPassword(ZoneName),
    #[error(transparent)]
    Dial(#[from] ConnectError),
    #[error("broker: not ready within `upstreamDeadlineMs`")]
    DialDeadline,
    #[error("broker: it sent what nobody asked for")]
    Chatty,
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("tls: {0}")]
    Tls(std::io::Error),
    #[error("tls: not done in time")]
    TlsDeadline,
    #[error("tls: the server name means nothing any more")]
    Nameless,
}

impl End {
    /// Tells the audit log of a login that came to nothing; what happens later is told where it happens.
    pub(crate) fn audit(&self, shared: &ListenerShared, peer: SocketAddr) {
        let reason = self.to_string();
        let (event, account, api) = match self {
            Self::Login(LoginError::Refused { user, .. }) => (Event::FailedLogin, user.as_deref(), None),
            Self::Login(LoginError::Mechanism) => (Event::FailedLogin, None, None),
            Self::NoZone(user) => (Event::FailedLogin, Some(user.as_str()), None),
            Self::Login(LoginError::Certificate(user)) => (Event::FailedLogin, user.as_deref(), None),
            Self::NoPlace(user, _) => (Event::ConnectionLimit, user.as_deref(), None),
            Self::Proxy(_) | Self::Stale => (Event::ConnectionLimit, None, None),
            Self::Login(LoginError::NotServed { key, version }) => {
                (Event::HiddenApi, None, Some((*key, *version)))
            }
            _ => return,
        };
        let snapshot = shared.snapshot();
        let zone = account
            .and_then(|account| snapshot.member(&shared.cluster, account))
            .map(|member| member.zone.name().as_str());
        shared.common.audit.tell(Entry { zone, account, api, ..shared.entry(event, peer, &reason) });
    }

    /// As a label: one of a fixed set.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Login(LoginError::Closed) => "closed_in_login",
            Self::Login(LoginError::Deadline | LoginError::Slow) => "login_deadline",
            Self::NoPlace(..) => "no_place",
            Self::Proxy(_) => "proxy",
            Self::Login(_) | Self::NoZone(_) => "login_refused",
            Self::Stale => "store_unreachable",
            Self::Stopping => "stopping",
            Self::Pump(reason) => reason.label(),
            Self::Revoked => "revoked",
            Self::NoNode(_)
            | Self::NoUpstreamPassword(_)
            | Self::Dial(_)
            | Self::DialDeadline
            | Self::Chatty => "broker_unreachable",
            Self::Tls(_) | Self::Nameless => "tls",
            Self::TlsDeadline => "tls_deadline",
        }
    }
}

/// A client whose transport is ready.
pub(crate) struct Arrival {
    /// Its address, as far as a load balancer tells it.
    pub(crate) client: SocketAddr,
    /// The node that it means.
    pub(crate) door: Door,
    /// Its place, given back at the end.
    pub(crate) place: Place,
    /// What the handshake told.
    pub(crate) introduced: Introduced,
    /// What it shares with others.
    pub(crate) shared: Arc<ListenerShared>,
    /// The same, as configured now.
    pub(crate) renewed: watch::Receiver<Arc<ListenerShared>>,
    /// Whether the gateway stops.
    pub(crate) shutdown: watch::Receiver<bool>,
}

/// Pause before a client whose certificate lets it in nowhere is closed, so that trying costs time.
const STRANGER_DELAY: Duration = Duration::from_millis(100);

/// Serves one client whose transport is ready.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, mut arrival: Arrival) -> End {
    let mut client = Side::new(stream);
    let shared = Arc::clone(&arrival.shared);
    // From before the login: who began it with credentials that change meanwhile must not keep it.
    let before = shared.snapshot();
    let held = Held::default();
    let (user, login) = match enter(&mut client, &mut arrival, &held, &before).await {
        Ok(entered) => entered,
        Err(end) => return end,
    };
    // Nobody knows whether the account still stands.
    if !shared.common.freshness.admits() {
        return End::Stale;
    }
    arrival.place.logged_in();
    let Some(standing) = held.standing() else { return End::NoZone(user) };
    drop(before);
    let zone_place = match shared.common.admission.enter_zone(&user, &shared.deadlines, Instant::now()) {
        Ok(zone_place) => zone_place,
        Err(refusal) => {
            if let Some(member) = shared.snapshot().member(&shared.cluster, &user) {
                shared.common.zones.of(member.zone.name()).refused(RefusalKind::Connection);
            }
            return End::NoPlace(Some(user), refusal);
        }
    };
    let peer = arrival.client;
    let Some(pump) = Pump::new(client, peer, Arc::clone(&shared), user.clone()) else {
        return End::NoZone(user);
    };
    let _open = pump.meters().open();
    let revoked = revoked(&shared, &user, peer.ip(), &held);
    let distrusted = distrusted(&arrival.introduced, arrival.renewed.clone());
    let forsaken = forsaken(&shared, &held);
    let served = async {
        let mut shutdown = arrival.shutdown.clone();
        tokio::select! {
            () = sleep(zone_place.wait), if !zone_place.wait.is_zero() => {}
            _ = shutdown.wait_for(|stop| *stop), if !zone_place.wait.is_zero() => return End::Stopping,
            else => {}
        }
        pumping(pump, login, &held, &arrival).await
    };
    tokio::select! {
        // First: not one more request is served once the login is revoked.
        biased;
        () = revoked => {
            let entry = shared.entry(Event::Revoked, peer, "account, zone or credentials are gone or have changed");
            shared.common.audit.tell(Entry { zone: Some(standing.zone()), account: Some(&user), ..entry });
            End::Revoked
        }
        () = distrusted => {
            let entry = shared.entry(Event::Revoked, peer, "its certificate is not trusted any more");
            shared.common.audit.tell(Entry { zone: Some(standing.zone()), account: Some(&user), ..entry });
            End::Revoked
        }
        () = forsaken => {
            let entry = shared.entry(Event::Revoked, peer, "the provider or the key of its token is not trusted any more");
            shared.common.audit.tell(Entry { zone: Some(standing.zone()), account: Some(&user), ..entry });
            End::Revoked
        }
        end = served => end,
    }
}

/// Finds out who the client is: the account, and the login machine if there was a SASL login.
async fn enter<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut Side<S>,
    arrival: &mut Arrival,
    held: &Held,
    before: &Arc<Snapshot>,
) -> Result<(String, Option<Login>), End> {
    let Arrival { client: peer, introduced, place, shared, shutdown, .. } = arrival;
    if shared.is_certificate_only() {
        return match introduced.certificate.as_ref().and_then(|certificate| certificate.principal.clone()) {
            Some(user)
                if shared.agrees(introduced, &user)
                    && shared.snapshot().allows(&user, peer.ip())
                    && !shared.takes_tokens_of(&user) =>
            {
                if let Some(standing) = before.standing(&shared.cluster, &user) {
                    held.put(standing, None);
                }
                Ok((user, None))
            }
            stranger => {
                sleep(STRANGER_DELAY).await;
                Err(LoginError::Certificate(stranger).into())
            }
        };
    }
    let before = Arc::clone(before);
    let visitor = Visitor { address: place.address(), client: peer.ip(), introduced, held, before };
    let start = Login::start(Arc::clone(&shared.login_policy));
    let login = tokio::select! {
        done = log_in(start, None, client, &visitor, shared) => done?,
        // Who has not logged in has asked for nothing that a drain would wait for.
        _ = shutdown.wait_for(|stop| *stop) => return Err(End::Stopping),
    };
    Ok((login.user().unwrap_or_default().to_owned(), Some(login)))
}

/// Alternates between pumping and what the pump cannot do.
async fn pumping<S: AsyncRead + AsyncWrite + Unpin>(
    mut pump: Pump<S>,
    mut login: Option<Login>,
    held: &Held,
    arrival: &Arrival,
) -> End {
    let Arrival { door, place, introduced, shared, shutdown, .. } = arrival;
    let mut tick = pin!(sleep(shared.tick));
    let mut turn = pin!(drain::turn(shared, shutdown.clone()));
    pump.serve_until(login.as_ref().and_then(Login::expires_at));
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
            Stop::NeedUpstream => match dial(*door, shared, pump.zone()).await {
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
                let (address, client) = (place.address(), arrival.client.ip());
                let visitor = Visitor { address, client, introduced, held, before: shared.snapshot() };
                match log_in(before, Some(request), pump.client(), &visitor, shared).await {
                    Ok(after) => {
                        pump.serve_until(after.expires_at());
                        login = Some(after);
                    }
                    Err(error) => return error.into(),
                }
            }
        }
    }
}

/// Connects to the broker behind a door.
async fn dial(door: Door, shared: &ListenerShared, zone: &ZoneView) -> Result<Stream, End> {
    let snapshot = shared.snapshot();
    let cluster = snapshot.cluster(&shared.cluster).cloned().unwrap_or_default();
    let endpoint = match door {
        Door::Node(node) => cluster.endpoints.get(&node),
        Door::Bootstrap => shared.any_node(&cluster),
    };
    let Some(endpoint) = endpoint else { return Err(End::NoNode(door)) };
    let access = shared.upstream.access();
    let login = match &access.zones {
        None => None,
        Some(zones) => {
            let login = zones.of(zone.name(), &zone.id());
            Some(login.ok_or_else(|| End::NoUpstreamPassword(zone.name().clone()))?)
        }
    };
    let connecting = async {
        match &login {
            None => connect(endpoint, &access.options).await,
            Some(login) => connect_as(endpoint, &access.options, login).await,
        }
    };
    let connected = timeout(shared.deadlines.upstream_deadline, connecting);
    let done = connected.await.map_err(|_| End::DialDeadline).and_then(|done| done.map_err(End::from));
    shared.upstream.dialled(done.is_ok());
    match done {
        Ok(connection) => connection.into_parts().map(|parts| parts.stream).ok_or(End::Chatty),
        Err(error) => {
            // The broker may have gone or moved: look again before the client comes back.
            shared.upstream.poke();
            Err(error)
        }
    }
}

/// Resolves when the login no longer stands: account or zone gone, its credential gone, or the client not welcome there.
async fn revoked(shared: &ListenerShared, user: &str, address: IpAddr, held: &Held) {
    let mut snapshots = shared.snapshots.clone();
    let stands = |snapshot: &Arc<Snapshot>| {
        let now = snapshot.standing(&shared.cluster, user);
        let standing = held.standing();
        now.zip(standing).is_some_and(|(now, then)| then.goes_on(&now)) && snapshot.allows(user, address)
    };
    let gone = snapshots.wait_for(|snapshot| !stands(snapshot)).await.is_ok();
    if !gone {
        // The publisher is gone: the gateway is shutting down, which drains connections by itself.
        std::future::pending::<()>().await;
    }
}

/// Resolves when the token of the last login would not be taken any more, but for its time.
async fn forsaken(shared: &ListenerShared, held: &Held) {
    let mut providers = shared.common.tokens.providers();
    loop {
        let now = Arc::clone(&providers.borrow_and_update());
        if !held.holds_token(|proof| still_takes(&now, proof)) {
            return;
        }
        if providers.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
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
