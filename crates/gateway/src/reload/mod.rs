//! Reading configuration, zones, accounts and certificates again while the gateway runs.
//!
//! Everything is read and built before anything is taken over, so a mistake anywhere changes nothing at all. What is
//! taken over replaces a whole immutable value behind a `watch`; connections that are open go on with theirs, but for
//! what must reach them: zones and accounts, and certificates that are not trusted any more.

mod files;
mod restart;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_core::ListenerName;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use self::files::Files;
use crate::config::{self, Config};
use crate::desired::Desired;
use crate::error::GatewayError;
use crate::gateway::warn_of_missing_accounts;
use crate::listener::ListenerShared;
use crate::parts::Parts;
use crate::snapshot::Snapshot;
use crate::tls::{self, ListenerTlsState};
use crate::tokens::{Provider, Tokens};
use crate::upstream::{Access, Upstream};

/// Time between two looks at whether files are to be watched again, while they are not.
const UNWATCHED: Duration = Duration::from_secs(1);

/// Reads configuration, zones and accounts again while the gateway runs.
#[derive(Clone)]
pub struct Reloader {
    present: Arc<Mutex<Present>>,
    parts: Arc<Receivers>,
}

/// What was read last.
struct Present {
    config: Config,
    /// The files as they were just before they were read, whether they were any good or not.
    looked_at: Files,
}

/// Who is handed what was read.
struct Receivers {
    parts: Parts,
    desired: watch::Sender<Arc<Desired>>,
    listeners: Vec<(ListenerName, watch::Sender<Arc<ListenerShared>>)>,
    upstreams: Vec<Arc<Upstream>>,
    tokens: Arc<Tokens>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// TLS towards operators, if there is any.
    operators: Option<watch::Sender<TlsAcceptor>>,
}

/// All that was read again and is good.
struct Ready {
    config: Config,
    /// None when the embedding program brings zones and accounts.
    desired: Option<Desired>,
    listeners: Vec<Arc<ListenerShared>>,
    /// How each of the upstreams is entered from now on.
    accesses: Vec<Access>,
    /// The identity providers from now on.
    providers: Vec<Provider>,
    /// TLS towards operators from now on.
    operators: Option<TlsAcceptor>,
}

impl Reloader {
    /// A reloader of what `config` has started.
    ///
    /// # Errors
    /// [`GatewayError::AdminTls`].
    pub(crate) fn new(
        config: Config,
        parts: &Parts,
        desired: watch::Sender<Arc<Desired>>,
        listeners: Vec<(ListenerName, watch::Sender<Arc<ListenerShared>>)>,
        upstreams: Vec<Arc<Upstream>>,
        tokens: Arc<Tokens>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Result<Self, GatewayError> {
        let operators = operators(&config)?.map(|acceptor| watch::channel(acceptor).0);
        let looked_at = Files::look(&config, None);
        Ok(Self {
            present: Arc::new(Mutex::new(Present { config, looked_at })),
            parts: Arc::new(Receivers {
                parts: parts.clone(),
                desired,
                listeners,
                upstreams,
                tokens,
                snapshots,
                operators,
            }),
        })
    }

    /// Takes over changed zones and accounts under the same configuration; live connections follow at once.
    ///
    /// # Errors
    /// [`GatewayError::Desired`] with every mistake; then nothing changes.
    pub fn reload(&self) -> Result<(), GatewayError> {
        self.counted(|present| {
            let config = present.config.clone();
            self.read(present, config)
        })
    }

    /// Takes over everything that changed: the configuration at `path`, and all that it names.
    ///
    /// # Errors
    /// [`GatewayError`] with every mistake; then nothing changes.
    pub fn reload_file(&self, path: &Path) -> Result<(), GatewayError> {
        self.counted(|present| {
            // Before reading: what changes meanwhile is seen as changed.
            present.looked_at = Files::look(&present.config, Some(path));
            let config = config::load(path)?;
            self.read(present, config)?;
            present.looked_at = present.looked_at.extended(&present.config);
            Ok(())
        })
    }

    /// Reloads whenever a file has changed and is not being written any more, for as long as the gateway runs and
    /// `reload.watchMs` is not 0.
    pub async fn watch(self, path: &Path) {
        self.locked(|present| present.looked_at = Files::look(&present.config, Some(path)));
        let mut before = None;
        loop {
            let Some(every) = self.config().reload.watch else {
                sleep(UNWATCHED).await;
                continue;
            };
            sleep(every).await;
            let now = self.locked(|present| Files::look(&present.config, Some(path)));
            let changed = self.locked(|present| present.looked_at != now);
            // A file that is being written looks different every time; half of one may even look right.
            if changed && before.as_ref() == Some(&now) {
                self.reload_and_log(path);
            }
            before = Some(now);
        }
    }

    /// As [`Reloader::reload_file`], with its end in the log.
    pub fn reload_and_log(&self, path: &Path) {
        match self.reload_file(path) {
            Ok(()) => tracing::info!("configuration, zones and accounts are read again"),
            Err(error) => {
                tracing::error!(%error, "nothing is changed: configuration, zones or accounts are wrong");
            }
        }
    }

    /// The configuration as of now.
    pub(crate) fn config(&self) -> Config {
        self.locked(|present| present.config.clone())
    }

    /// TLS towards operators, as its certificate changes.
    pub(crate) fn operators_tls(&self) -> Option<watch::Receiver<TlsAcceptor>> {
        self.parts.operators.as_ref().map(watch::Sender::subscribe)
    }

    /// Where zones are kept.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts.parts
    }

    /// The clusters.
    pub(crate) fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.parts.upstreams
    }

    /// What is enforced.
    pub(crate) fn snapshots(&self) -> &watch::Receiver<Arc<Snapshot>> {
        &self.parts.snapshots
    }

    /// Where an embedding program's zones and accounts go.
    pub(crate) fn desired_sender(&self) -> watch::Sender<Arc<Desired>> {
        self.parts.desired.clone()
    }

    /// The zones and accounts, as they change.
    pub(crate) fn desired(&self) -> watch::Receiver<Arc<Desired>> {
        self.parts.desired.subscribe()
    }

    /// Reads and builds everything, then hands it out.
    fn read(&self, present: &mut Present, mut config: Config) -> Result<(), GatewayError> {
        let restart = restart::keep(&present.config, &mut config);
        let ready = self.parts.prepare(config)?;
        for what in restart {
            tracing::warn!("{what} has changed and needs a restart of the gateway: it stays as it was");
        }
        if let Some(desired) = &ready.desired {
            warn_of_missing_accounts(desired);
        }
        present.config = self.parts.hand_out(ready);
        Ok(())
    }

    fn counted(
        &self,
        reload: impl FnOnce(&mut Present) -> Result<(), GatewayError>,
    ) -> Result<(), GatewayError> {
        let done = self.locked(reload);
        let result = if done.is_ok() { "ok" } else { "refused" };
        metrics::counter!("tidegate_reloads_total", "result" => result).increment(1);
        metrics::gauge!("tidegate_reload_refused").set(if done.is_ok() { 0 } else { 1 });
        done
    }

    fn locked<T>(&self, with: impl FnOnce(&mut Present) -> T) -> T {
        with(&mut self.present.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// TLS towards operators as configured, if there is any.
fn operators(config: &Config) -> Result<Option<TlsAcceptor>, GatewayError> {
    config.admin.as_ref().and_then(|admin| admin.tls.as_ref()).map(tls::acceptor).transpose()
}

impl Receivers {
    /// Builds everything that can be wrong; one line for each part.
    fn prepare(&self, config: Config) -> Result<Ready, GatewayError> {
        let mut problems = Vec::new();
        let desired = self.desired(&config).map_err(|error| problems.push(error.to_string()));
        let listeners = self.listeners(&config).map_err(|errors| problems.extend(errors));
        let accesses = self.accesses(&config).map_err(|error| problems.push(error.to_string()));
        let providers = Tokens::prepare(&config).map_err(|error| problems.push(error.to_string()));
        let operators = operators(&config).map_err(|error| problems.push(error.to_string()));
        match (desired, listeners, accesses, providers, operators) {
            (Ok(desired), Ok(listeners), Ok(accesses), Ok(providers), Ok(operators)) => {
                Ok(Ready { config, desired, listeners, accesses, providers, operators })
            }
            _ => Err(GatewayError::Desired(problems)),
        }
    }

    /// Hands everything to its part; nothing here can fail, and there is one line for each part.
    fn hand_out(&self, ready: Ready) -> Config {
        let Ready { config, desired, listeners, accesses, providers, operators } = ready;
        self.tokens.enter(providers);
        if let (Some(sender), Some(acceptor)) = (&self.operators, operators) {
            sender.send_replace(acceptor);
        }
        self.upstreams.iter().zip(accesses).for_each(|(upstream, access)| upstream.enter(access));
        for ((_, listener), renewed) in self.listeners.iter().zip(listeners) {
            listener.send_replace(renewed);
        }
        if let Some(desired) = desired {
            self.desired.send_replace(Arc::new(desired));
        }
        config
    }

    fn desired(&self, config: &Config) -> Result<Option<Desired>, GatewayError> {
        match self.parts.desired {
            Some(_) => Ok(None),
            None => Desired::load_again(config, &self.desired.borrow()).map(Some),
        }
    }

    /// How every cluster is entered as newly configured.
    fn accesses(&self, config: &Config) -> Result<Vec<Access>, GatewayError> {
        let clusters =
            self.upstreams.iter().filter_map(|upstream| Some((upstream, config.cluster(&upstream.name)?)));
        clusters.map(|(upstream, cluster)| upstream.prepare(cluster, &config.limits)).collect()
    }

    /// Every listener as newly configured; one that the configuration does not name any more stays as it is.
    fn listeners(&self, config: &Config) -> Result<Vec<Arc<ListenerShared>>, Vec<String>> {
        let mut errors = Vec::new();
        let mut renewed = Vec::new();
        for (name, listener) in &self.listeners {
            let before = Arc::clone(&listener.borrow());
            let Some(new) = config.listeners.iter().find(|new| new.name == *name) else {
                renewed.push(before);
                continue;
            };
            let listener = ListenerTlsState::of(new, &self.snapshots)
                .and_then(|tls| before.renewed(new, config, &self.parts, tls));
            match listener {
                Ok(listener) => renewed.push(Arc::new(listener)),
                Err(error) => errors.push(error.to_string()),
            }
        }
        if errors.is_empty() { Ok(renewed) } else { Err(errors) }
    }
}
