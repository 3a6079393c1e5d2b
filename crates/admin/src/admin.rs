//! The REST as a whole: what it works on, and its router.

use std::fmt;
use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::routing::{MethodFilter, on};
use axum::{Extension, Router};
use tidegate_core::records::TokenRecord;
use tidegate_core::store::{Sealer, Store};
use tidegate_core::{Facts, TokenId};
use tokio::sync::{Mutex, Semaphore};

use crate::audit::Denials;
use crate::auth::{Access, Failures, LastUsed};
use crate::daemon::Daemon;
use crate::dispatch;
use crate::limits::Limits;
use crate::peer::Peer;
use crate::rate::Rates;
use crate::routes::ROUTES;

/// What the REST works on.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Where zones, accounts and tokens are kept.
    pub store: Arc<dyn Store>,
    /// What secrets in there are sealed with.
    pub sealer: Arc<Sealer>,
    /// Where the last use of tokens is kept.
    pub facts: Arc<dyn Facts>,
    /// The daemon around it.
    pub daemon: Arc<dyn Daemon>,
    /// Who may call.
    pub access: Access,
    /// What callers may use up.
    pub limits: Limits,
}

/// The operators' REST.
#[derive(Clone)]
pub struct Admin(Arc<Inner>);

/// What every request shares.
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) daemon: Arc<dyn Daemon>,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    pub(crate) last_used: LastUsed,
    pub(crate) failures: Failures,
    pub(crate) rates: Rates,
    pub(crate) denials: Denials,
    /// Whose turn it is to change something.
    pub(crate) changing: Mutex<()>,
    /// Passwords are stretched one at a time: the other cores are for partners.
    pub(crate) stretching: Semaphore,
}

impl Admin {
    /// The REST over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, sealer, facts, daemon, access, limits } = parts;
        Self(Arc::new(Inner {
            store,
            sealer,
            daemon,
            access,
            last_used: LastUsed::new(facts),
            failures: Failures::new(&limits),
            rates: Rates::new(&limits),
            denials: Denials::new(),
            changing: Mutex::new(()),
            stretching: Semaphore::new(1),
            limits,
        }))
    }

    /// Everything that is served, with and without `/api` in front.
    pub fn router(&self) -> Router {
        let mut served = Router::new();
        for route in &ROUTES {
            let handler = move |State(admin): State<Arc<Inner>>,
                                peer: Option<Extension<Peer>>,
                                path: Result<RawPathParams, RawPathParamsRejection>,
                                request: Request| {
                let peer = peer.map_or(Peer::UNKNOWN, |Extension(peer)| peer);
                dispatch::serve(admin, route, peer, path, request)
            };
            // Every method of the table has a filter.
            if let Ok(filter) = MethodFilter::try_from(route.method.clone()) {
                served = served.route(route.path, on(filter, handler));
            }
        }
        let served = served.method_not_allowed_fallback(dispatch::no_method);
        Router::new()
            .merge(served.clone())
            .nest("/api", served)
            .fallback(dispatch::nothing_there)
            .with_state(Arc::clone(&self.0))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }
}

impl Inner {
    /// A token of the store; none if there is none, or none that this version can read.
    pub(crate) fn token(&self, id: &TokenId) -> Option<TokenRecord> {
        self.look(|registry| registry.token(id)).ok().flatten().map(|found| found.value)
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admin")
    }
}
