//! Workers of one name are a group of the mirror's cluster (as Kafka Connect's are), also a single one: its coordinator notices
//! who is gone, and one of them shares out what there is to copy.
//!
//! Being a member is the [`Lease`]: it is renewed by each heartbeat, for a third of the session from when that was sent. So
//! whoever was away for longer appends nothing that no broker guards, long before the coordinator gives its partitions to others.

mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_client::{AskError, ConnectError, Connection, coordinator};
use tidegate_link::assign::assign;
use tidegate_wire::error_code::ErrorCode;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Duration, sleep};

use crate::calls::group::{Join, Joined, Member, Sync, heartbeat, join_group, leave_group, sync_group};
use crate::cluster::{Cluster, ClusterError};
use crate::kept::Kept;
use crate::lease::Lease;

/// Members of other kinds are not let into the group.
const PROTOCOL_TYPE: &str = "tidegate-mirror";
const PROTOCOL: &str = "units-1";

/// After the coordinator could not be asked.
const PAUSE: Duration = Duration::from_millis(300);

/// How a worker is a member.
#[derive(Debug, Clone)]
pub struct GroupSpec {
    /// The name of the group.
    pub group: String,
    /// Without a heartbeat for so long a worker is gone, and others have its partitions. At least what brokers allow
    /// (`group.min.session.timeout.ms`, 6 s by default).
    pub session_timeout: Duration,
    /// How long a worker may take to end what it has in flight when others come or go.
    pub rebalance_timeout: Duration,
}

/// What a worker is told.
#[derive(Debug)]
pub enum GroupEvent {
    /// These units are its own from now on, and no others.
    Assigned(BTreeSet<String>),
    /// It has to stop copying, and to say when it has.
    Revoked(oneshot::Sender<()>),
}

/// Why a worker is no member for now; it goes on trying.
#[derive(Debug, thiserror::Error)]
enum GroupError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// A worker's membership.
pub struct Group {
    cluster: Arc<Cluster>,
    spec: GroupSpec,
    lease: Lease,
    /// Everything that there is to copy, as this worker knows it.
    units: watch::Receiver<BTreeSet<String>>,
    events: mpsc::Sender<GroupEvent>,
    stop: watch::Receiver<bool>,
    /// The id that the coordinator gave.
    id: String,
    has: BTreeSet<String>,
}

impl Group {
    /// A worker that is no member yet.
    #[must_use]
    pub fn new(
        cluster: Arc<Cluster>,
        spec: GroupSpec,
        lease: Lease,
        units: watch::Receiver<BTreeSet<String>>,
        events: mpsc::Sender<GroupEvent>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { cluster, spec, lease, units, events, stop, id: String::new(), has: BTreeSet::new() }
    }

    /// Is a member until it is told to stop; then it stops copying and leaves.
    pub async fn run(mut self) {
        while !*self.stop.borrow() {
            if let Err(error) = self.be_a_member().await {
                tracing::warn!(group = %self.spec.group, %error, "the worker is no member of its group for now");
                self.lease.give_up();
                sleep(PAUSE).await;
            }
        }
        self.lease.give_up();
    }

    /// One generation.
    async fn be_a_member(&mut self) -> Result<(), GroupError> {
        let mut kept = Kept::new(self.coordinator().await?);
        let (member, members, leads) = self.join(&mut kept.connection).await?;
        // What is shared out is what the leader knows now; what it learns later makes it join anew.
        let units = self.units.borrow_and_update().clone();
        let shares =
            if leads { words::write_shares(&assign(&words::read_all(members), &units)) } else { Vec::new() };
        let joined = self.lease.now();
        let sync = Sync {
            member: &member,
            protocol_type: PROTOCOL_TYPE,
            protocol: PROTOCOL,
            shares,
            wait: self.spec.rebalance_timeout,
        };
        let share = words::read(&sync_group(&mut kept.connection, sync).await?);
        self.lease.renew(joined, self.spec.session_timeout / 3);
        self.has.clone_from(&share);
        // Whoever listened is gone: so is the worker.
        let _ = self.events.send(GroupEvent::Assigned(share)).await;
        let outcome = self.stay(&mut kept, &member, leads).await;
        self.revoke().await;
        if *self.stop.borrow() {
            let _ = leave_group(&mut kept.connection, &member).await;
        }
        outcome
    }

    async fn coordinator(&self) -> Result<Connection, GroupError> {
        let mut any = self.cluster.connect(&self.cluster.any().await?).await?;
        let coordinator = coordinator::find_group(&mut any, &self.spec.group).await?;
        Ok(self.cluster.connect(&coordinator.endpoint).await?)
    }

    async fn join(
        &mut self,
        connection: &mut Connection,
    ) -> Result<(Member, Vec<crate::calls::group::Words>, bool), GroupError> {
        loop {
            let join = Join {
                group: &self.spec.group,
                member: &self.id,
                protocol_type: PROTOCOL_TYPE,
                protocol: PROTOCOL,
                words: words::write(&self.has),
                session_timeout: self.spec.session_timeout,
                rebalance_timeout: self.spec.rebalance_timeout,
            };
            match join_group(connection, &join).await {
                Ok(Joined::Member { member, members, leads }) => {
                    self.id.clone_from(&member.id);
                    return Ok((member, members, leads));
                }
                Ok(Joined::Named(id)) => self.id = id,
                Err(AskError::Refused { code: ErrorCode::UNKNOWN_MEMBER_ID, .. }) if !self.id.is_empty() => {
                    self.id.clear();
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Says so from time to time until the generation ends: others come or go, there is something else to copy, or it is to stop.
    async fn stay(&mut self, kept: &mut Kept, member: &Member, leads: bool) -> Result<(), GroupError> {
        let third = self.spec.session_timeout / 3;
        loop {
            tokio::select! {
                () = sleep(third / 3) => {}
                () = told(&mut self.stop) => return Ok(()),
                changed = self.units.changed(), if leads => {
                    if changed.is_ok() {
                        return Ok(());
                    }
                    sleep(third / 3).await;
                }
            }
            if !kept.serves() {
                *kept = Kept::new(self.cluster.connect(kept.connection.endpoint()).await?);
            }
            let sent = self.lease.now();
            match heartbeat(kept.ready().await, member, third).await {
                Ok(()) => self.lease.renew(sent, third),
                Err(AskError::Refused { code: ErrorCode::REBALANCE_IN_PROGRESS, .. }) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Has the worker stop, and waits for it, but not for longer than the others do.
    async fn revoke(&mut self) {
        let (done, stopped) = oneshot::channel();
        if self.events.send(GroupEvent::Revoked(done)).await.is_ok() {
            let _ = tokio::time::timeout(self.spec.rebalance_timeout / 2, stopped).await;
        }
        self.lease.give_up();
    }
}

/// Until it is to stop; whoever could say so is gone: that says it, too.
async fn told(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}
