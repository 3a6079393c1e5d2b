//! One partner's connection, from its first byte to its last.
//!
//! ```text
//!  login --> pump --+--> dial upstream --> pump ...
//!              |    +--> login again  --> pump ...
//!              +--> closed
//! ```

mod client_id;
mod login;
mod pump;
mod side;
mod stop;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use tidegate_authz::ZoneView;
use tidegate_client::{ConnectError, Stream, connect, connect_as};
use tidegate_core::ZoneName;
use tidegate_wire::sasl::Login;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use self::login::{LoginError, log_in};
use self::pump::Pump;
use self::side::Side;
use self::stop::{CloseReason, Stop};
use crate::admission::ZonePlace;
use crate::audit::{Entry, Event};
use crate::listener::{Door, ListenerShared};
use crate::meters::RefusalKind;
use crate::snapshot::{Snapshot, Standing};
use crate::state;

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
    #[error("broker: there is no file of the password of zone `{0}` in `sasl.perZone.passwords.folder`")]
    NoUpstreamPassword(ZoneName),
    #[error(transparent)]
    Dial(#[from] ConnectError),
    #[error("broker: not ready within `upstreamDeadlineMs`")]
    DialDeadline,
    #[error("broker: it sent what nobody asked for")]
    Chatty,
    #[error("tls: {0}")]
    Tls(std::io::Error),
    #[error("tls: not done in time")]
    TlsDeadline,
}

impl End {
    /// Tells the audit log of a login that came to nothing; what happens later is told where it happens.
    pub(crate) fn audit(&self, shared: &ListenerShared, peer: SocketAddr) {
        let reason = self.to_string();
        let (event, account, api) = match self {
            Self::Login(LoginError::Refused { user, .. }) => (Event::FailedLogin, user.as_deref(), None),
            Self::Login(LoginError::Mechanism) => (Event::FailedLogin, None, None),
            Self::NoZone(user) => (Event::FailedLogin, Some(user.as_str()), None),
            Self::ZoneFull(user) => (Event::ConnectionLimit, Some(user.as_str()), None),
            Self::Login(LoginError::NotServed { key, version }) => {
                (Event::HiddenApi, None, Some((*key, *version)))
            }
            _ => return,
        };
        let snapshot = shared.snapshot();
        let zone = account
            .and_then(|account| snapshot.member(&shared.cluster, account))
            .map(|member| member.zone.name().as_str());
        shared.audit.tell(Entry { zone, account, api, ..shared.entry(event, peer, &reason) });
    }

    /// As a label: one of a fixed set.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Login(LoginError::Closed) => "closed_in_login",
            Self::Login(_) | Self::NoZone(_) => "login_refused",
            Self::LoginDeadline => "login_deadline",
            Self::ZoneFull(_) => "zone_full",
            Self::Stopping => "stopping",
            Self::Pump(reason) => reason.label(),
            Self::Revoked => "revoked",
            Self::NoNode(_)
            | Self::NoUpstreamPassword(_)
            | Self::Dial(_)
            | Self::DialDeadline
            | Self::Chatty => "broker_unreachable",
            Self::Tls(_) => "tls",
            Self::TlsDeadline => "tls_deadline",
        }
    }
}

/// Serves one client whose transport is ready; `door` is the port it came through.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: SocketAddr,
    door: Door,
    shared: Arc<ListenerShared>,
    mut shutdown: watch::Receiver<bool>,
) -> End {
    let mut client = Side::new(stream);
    // From before the login: who began it with credentials that change meanwhile must not keep it.
    let before = shared.snapshot();
    let start = Login::start(Arc::clone(&shared.login_policy));
    let logging_in = timeout(shared.deadlines.auth_deadline, log_in(start, None, &mut client, &shared));
    let login = tokio::select! {
        done = logging_in => match done {
            Ok(Ok(login)) => login,
            Ok(Err(error)) => return error.into(),
            Err(_) => return End::LoginDeadline,
        },
        // Who has not logged in has asked for nothing that a drain would wait for.
        _ = shutdown.wait_for(|stop| *stop) => return End::Stopping,
    };
    let user = login.user().unwrap_or_default().to_owned();
    let Some(standing) = before.standing(&shared.cluster, &user) else { return End::NoZone(user) };
    drop(before);
    let Some(_place) = ZonePlace::take(&shared, &user) else {
        if let Some(member) = shared.snapshot().member(&shared.cluster, &user) {
            shared.zones.of(member.zone.name()).refused(RefusalKind::Connection);
        }
        return End::ZoneFull(user);
    };
    let Some(pump) = Pump::new(client, peer, Arc::clone(&shared), user.clone()) else {
        return End::NoZone(user);
    };
    let _open = pump.meters().open();
    let revoked = revoked(&shared, &user, &standing);
    tokio::select! {
        // First: not one more request is served once the login is revoked.
        biased;
        () = revoked => {
            let entry = shared.entry(Event::Revoked, peer, "account, zone or credentials are gone or have changed");
            shared.audit.tell(Entry { zone: Some(standing.zone()), account: Some(&user), ..entry });
            End::Revoked
        }
        end = pumping(pump, login, door, &shared, &mut shutdown) => end,
    }
}

/// Alternates between pumping and what the pump cannot do.
async fn pumping<S: AsyncRead + AsyncWrite + Unpin>(
    mut pump: Pump<S>,
    mut login: Login,
    door: Door,
    shared: &Arc<ListenerShared>,
    shutdown: &mut watch::Receiver<bool>,
) -> End {
    let mut tick = pin!(sleep(shared.tick));
    loop {
        let stop = tokio::select! {
            stop = pump.run(tick.as_mut()) => stop,
            _ = shutdown.wait_for(|stop| *stop), if !pump.is_draining() => {
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
            Stop::NeedUpstream => match dial(door, shared, pump.zone()).await {
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
                let again = log_in(login, Some(request), pump.client(), shared);
                login = match timeout(shared.deadlines.auth_deadline, again).await {
                    Ok(Ok(login)) => login,
                    Ok(Err(error)) => return error.into(),
                    Err(_) => return End::LoginDeadline,
                };
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
