//! The links at work, as the configuration wants them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::ExposeSecret;
use tidegate_core::{ClusterName, HolderId, LinkName};
use tidegate_daemon::cluster::{self, UpstreamSasl};
use tidegate_mirror::config::{Config, LinkConfig};
use tidegate_mirror::{Cluster, LinkSpec, LinkView, Records, Site, Worker};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What connections call themselves.
const CLIENT_ID: &str = "tidegate-mirror";

/// Where to read what each link does.
pub(crate) type Views = Arc<Mutex<BTreeMap<LinkName, LinkView>>>;

/// All links of a daemon.
pub(crate) struct Fleet {
    records: Records,
    holder: HolderId,
    config: Option<Config>,
    links: BTreeMap<LinkName, Running>,
    views: Views,
}

/// A link at work.
struct Running {
    spec: watch::Sender<Arc<LinkSpec>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.send_replace(true);
        // Whatever it died of is in the log.
        let _ = self.task.await;
    }
}

impl Fleet {
    /// No links yet.
    pub(crate) fn new(records: Records) -> anyhow::Result<Self> {
        let holder = holder()?;
        Ok(Self { records, holder, config: None, links: BTreeMap::new(), views: Views::default() })
    }

    pub(crate) fn views(&self) -> Views {
        Arc::clone(&self.views)
    }

    /// Does what a configuration wants from now on. A link whose clusters are entered as before goes on; one that is not there any
    /// more ends what it has in flight.
    pub(crate) async fn follow(&mut self, config: Config) -> anyhow::Result<()> {
        if let Some(before) = &self.config {
            stays(before, &config)?;
        }
        // Everything that can fail comes first: half of a reload would be worse than none.
        let clusters = connect_all(&config)?;
        let before = self.config.replace(config.clone());
        for name in self.links.keys().cloned().collect::<Vec<_>>() {
            let is_same = before.as_ref().is_some_and(|before| is_same(before, &config, &name));
            if !is_same && let Some(running) = self.links.remove(&name) {
                self.unview(&name);
                running.stop().await;
            }
        }
        for link in config.links {
            match self.links.get(&link.spec.name) {
                Some(running) => drop(running.spec.send_replace(Arc::new(link.spec))),
                None => self.start(link, &clusters)?,
            }
        }
        Ok(())
    }

    /// Ends what is in flight, of all links at once.
    pub(crate) async fn stop(self) {
        for running in self.links.values() {
            running.stop.send_replace(true);
        }
        for running in self.links.into_values() {
            running.stop().await;
        }
    }

    fn start(
        &mut self,
        link: LinkConfig,
        clusters: &BTreeMap<ClusterName, Arc<Cluster>>,
    ) -> anyhow::Result<()> {
        let LinkConfig { source, destination, spec } = link;
        let cluster = |name| clusters.get(name).cloned().context("a link is between clusters that are known");
        let site = Site {
            source: cluster(&source)?,
            mirror: cluster(&destination)?,
            records: self.records.clone(),
            holder: self.holder.clone(),
        };
        let name = spec.name.clone();
        let (spec, wanted) = watch::channel(Arc::new(spec));
        let (stop, stopped) = watch::channel(false);
        let worker = Worker::new(site, wanted);
        self.views.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), worker.view());
        let task = tokio::spawn(worker.run(stopped));
        self.links.insert(name, Running { spec, stop, task });
        Ok(())
    }

    fn unview(&self, name: &LinkName) {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// Every cluster, ready to be asked; nothing is connected to yet.
fn connect_all(config: &Config) -> anyhow::Result<BTreeMap<ClusterName, Arc<Cluster>>> {
    let connect = |cluster: &cluster::Cluster| {
        let options = cluster.connect_options(CLIENT_ID)?;
        Ok((cluster.name.clone(), Arc::new(Cluster::new(cluster.endpoints(), options))))
    };
    config.clusters.iter().map(connect).collect()
}

/// What cannot be changed while the daemon runs.
fn stays(before: &Config, now: &Config) -> anyhow::Result<()> {
    let kind = |config: &Config| (config.store.kind.clone(), config.state_file.clone(), config.http_bind);
    anyhow::ensure!(
        kind(before) == kind(now),
        "`store`, `state` and `http` are read at the start only; start the daemon anew"
    );
    Ok(())
}

/// Whether a link joins the same clusters, entered in the same way.
fn is_same(before: &Config, now: &Config, name: &LinkName) -> bool {
    let (Some(old), Some(new)) = (before.link(name), now.link(name)) else { return false };
    let sides = [(&old.source, &new.source), (&old.destination, &new.destination)];
    // Group and job take these at the start.
    let starts_with =
        |spec: &LinkSpec| (spec.gaps, spec.replication_factor, spec.session_timeout, spec.bytes_per_second);
    sides.iter().all(|(old, new)| old == new && enters_alike(before.cluster(old), now.cluster(new)))
        && starts_with(&old.spec) == starts_with(&new.spec)
}

fn enters_alike(old: Option<&cluster::Cluster>, new: Option<&cluster::Cluster>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return false };
    // Debug shows all but secrets.
    format!("{old:?}") == format!("{new:?}") && secrets(old) == secrets(new)
}

/// Only compared, never kept.
fn secrets(cluster: &cluster::Cluster) -> Vec<&[u8]> {
    let tls = cluster.tls.as_ref();
    let files = tls.and_then(|tls| tls.ca.as_ref()).into_iter();
    let identity = tls.and_then(|tls| tls.identity.as_ref());
    let files = files.chain(identity.into_iter().flat_map(|identity| [&identity.certificate, &identity.key]));
    let secret = cluster.sasl.as_ref().and_then(UpstreamSasl::secret);
    let secret = secret.map(|secret| secret.expose_secret().as_bytes());
    files.map(|file| file.pem.expose_secret()).chain(secret).collect()
}

/// This process, among all that take numbers.
fn holder() -> anyhow::Result<HolderId> {
    let mut bytes = [0; 8];
    let random = SystemRandom::new().fill(&mut bytes);
    random.map_err(|_| anyhow::anyhow!("this machine gives no random bytes"))?;
    Ok(HolderId::parse(&format!("mirror-{}-{:016x}", std::process::id(), u64::from_be_bytes(bytes)))?)
}
