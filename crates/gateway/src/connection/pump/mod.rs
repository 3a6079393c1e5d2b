//! The life of a logged-in connection: requests in, rules asked, answers out in the order of the requests.
//!
//! One task owns both sockets. Every wake-up moves what can be moved and never waits while holding anything; what
//! needs waiting for (a dial, a new login) ends the pump with a [`Stop`], and the caller starts it again.
//!
//! `requests` and `answers` are the two ways, `passing` is that of a large answer; `pace` counts what flows, `refusals` tells what is refused.

mod answers;
mod pace;
mod passing;
mod refusals;
mod requests;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tidegate_authz::{AddressMap, ConnectionState, Question, Reply, ZoneView};
use tidegate_client::Stream;
use tidegate_wire::api::ApiKey;
use tidegate_wire::frame::Outgoing;
use tidegate_wire::header::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};

use self::passing::PassingAnswer;
use super::client_id::ClientId;
use super::mute::Mute;
use super::side::Side;
use super::stop::{CloseReason, Stop};
use crate::budget::ZoneBudget;
use crate::config::Limits;
use crate::listener::ListenerShared;
use crate::meters::ZoneMeters;
use crate::snapshot::{ClusterSnapshot, Snapshot};

/// Bytes that may wait for a slow broker before its client is not read any more.
const HIGH_WATER: usize = 256 * 1024;

/// Bytes that may wait for a slow client before no more is read for it: what the system's own buffers hold comes on top.
const CLIENT_HIGH_WATER: usize = 64 * 1024;

/// Frames moved in one wake-up before other connections get their turn: few, since a partner may have many connections
/// that all have much to do, and somebody with a single request waits for a turn of each of them.
const FRAMES_PER_TURN: usize = 4;

/// Requests of a connection that are counted together against what its zone may send in a second.
const COUNTED_TOGETHER: usize = 64;

/// Questions that a rule may ask about one request: whose a producer id is, what must be kept, and each once more
/// should memory have made room meanwhile.
const MAX_QUESTIONS: usize = 4;

/// An answer that is due, in the order of the requests.
enum Due {
    Ready(Outgoing),
    Upstream(Waiting),
}

struct Waiting {
    key: ApiKey,
    version: i16,
    /// Length of the request, which the reply may hold on to.
    held: usize,
    correlation_ids: Vec<i32>,
    frames: Vec<Bytes>,
    reply: Box<dyn Reply>,
    /// The answer, if the zone changed so that the broker's is not waited for any more.
    given_up: Option<Outgoing>,
}

/// The pump.
pub(super) struct Pump<S> {
    client: Side<S>,
    upstream: Option<Side<Stream>>,
    /// Requests made before there was an upstream connection.
    unsent: Vec<Outgoing>,
    due: VecDeque<Due>,
    /// Marks of the broker's answers that nobody waits for any more; they come before those of `due`.
    orphans: VecDeque<i32>,
    /// A large answer on its way, before those of `due`.
    passing: Option<PassingAnswer>,
    /// Whether the next answer is read whole, however large.
    takes_whole: bool,
    /// Memory that `due` holds on to: answers, and requests whose names answers will repeat.
    due_bytes: usize,
    budget: Arc<ZoneBudget>,
    shared: Arc<ListenerShared>,
    meters: Arc<ZoneMeters>,
    peer: SocketAddr,
    account: String,
    snapshot: Arc<Snapshot>,
    cluster: Arc<ClusterSnapshot>,
    zone: Arc<ZoneView>,
    addresses: Arc<AddressMap>,
    client_id: ClientId,
    state: ConnectionState,
    /// A login that waits for everything before it to be answered.
    login: Option<Request>,
    /// Requests that are not counted yet.
    uncounted: usize,
    /// Not read for the time that its zone owes.
    mute: Mute,
    /// A request that came in silence which another connection of the zone has to answer for.
    paced: Option<pace::Paced>,
    /// A request whose rule must know something first; nothing more is read until then.
    asking: Option<Asking>,
    /// An answer that waits for the store; nothing more is answered until then.
    keeping: Option<Keeping>,
    draining: bool,
    /// When the session ends, on the clock of the listener.
    expires_at: Option<Duration>,
}

struct Asking {
    request: Request,
    question: Option<Question>,
    asked: usize,
}

struct Keeping {
    work: Option<Stop>,
    then: Outgoing,
    otherwise: Outgoing,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// A pump for a client who has just logged in; `None` when the account has no zone any more.
    pub(super) fn new(
        mut client: Side<S>,
        peer: SocketAddr,
        shared: Arc<ListenerShared>,
        account: String,
    ) -> Option<Self> {
        let snapshot = shared.snapshot();
        let zone = Arc::clone(&snapshot.member(&shared.cluster, &account)?.zone);
        let cluster = snapshot.cluster(&shared.cluster).cloned().unwrap_or_default();
        client.must_take(must_take(&shared.deadlines));
        Some(Self {
            budget: shared.common.budgets.zone(zone.id()),
            client,
            upstream: None,
            unsent: Vec::new(),
            due: VecDeque::new(),
            orphans: VecDeque::new(),
            passing: None,
            takes_whole: false,
            due_bytes: 0,
            client_id: ClientId::new(zone.prefix().tag()),
            addresses: shared.addresses(&cluster.view, zone.name()),
            meters: shared.common.zones.of(zone.name()),
            shared,
            peer,
            account,
            snapshot,
            cluster,
            zone,
            state: ConnectionState::default(),
            login: None,
            uncounted: 0,
            mute: Mute::default(),
            paced: None,
            asking: None,
            keeping: None,
            draining: false,
            expires_at: None,
        })
    }

    /// Serves the session until then, on the clock of the listener; afterwards only a new login.
    pub(super) fn serve_until(&mut self, expires_at: Option<Duration>) {
        self.expires_at = expires_at;
    }

    /// The client's side, for a login between two runs of the pump.
    pub(super) fn client(&mut self) -> &mut Side<S> {
        &mut self.client
    }

    /// Gives the pump the upstream connection it asked for.
    pub(super) fn attach(&mut self, stream: Stream) {
        let mut side = Side::new(stream);
        for frame in self.unsent.drain(..) {
            side.push(frame);
        }
        self.upstream = Some(side);
    }

    /// What is counted for the zone.
    pub(super) fn meters(&self) -> &Arc<ZoneMeters> {
        &self.meters
    }

    /// The zone as of now.
    pub(super) fn zone(&self) -> &Arc<ZoneView> {
        &self.zone
    }

    /// Puts the request of [`Stop::Ask`] to its rule once more.
    pub(super) fn answered(&mut self, absent_producers: &[i64]) -> Result<(), CloseReason> {
        let Some(Asking { request, asked, .. }) = self.asking.take() else { return Ok(()) };
        self.renew_snapshot()?;
        self.decide(request, absent_producers, asked)?;
        self.send_due();
        Ok(())
    }

    /// Lets the answer of [`Stop::Keep`] go, or what stands in for it.
    pub(super) fn kept(&mut self, kept: bool) {
        if let Some(Keeping { then, otherwise, .. }) = self.keeping.take() {
            self.client.push(if kept { then } else { otherwise });
            self.send_due();
        }
    }

    /// Whether [`Pump::drain`] was called.
    pub(super) fn is_draining(&self) -> bool {
        self.draining
    }

    /// Takes no more requests and ends when everything asked is answered.
    pub(super) fn drain(&mut self) {
        self.draining = true;
    }

    /// Moves frames until there is a reason to stop. Dropping the future loses nothing.
    pub(super) async fn run(&mut self, mut tick: std::pin::Pin<&mut Sleep>) -> Stop {
        poll_fn(|context| {
            if tick.as_mut().poll(context).is_ready() {
                if let Some(late) = self.late(Instant::now()) {
                    return Poll::Ready(Stop::Closed(CloseReason::Deadline(late)));
                }
                tick.as_mut().reset(Instant::now() + self.shared.tick);
                let _ = tick.as_mut().poll(context);
            }
            let polled = self.poll(context);
            let (received, sent) = self.client.take_moved();
            self.meters.moved(received, sent);
            match polled {
                Poll::Ready(Ok(stop)) => Poll::Ready(stop),
                Poll::Ready(Err(reason)) => Poll::Ready(Stop::Closed(reason)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Stop, CloseReason>> {
        self.renew_snapshot()?;
        for _ in 0..FRAMES_PER_TURN {
            self.poll_writes(context)?;
            let answered = self.keeping.is_none() && self.poll_upstream(context)?;
            let asked = self.keeping.is_none() && self.poll_client(context)?;
            if let Some(stop) = self.stop() {
                return Poll::Ready(Ok(stop));
            }
            if !answered && !asked {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn stop(&mut self) -> Option<Stop> {
        if let Some(work) = self.keeping.as_mut().and_then(|keeping| keeping.work.take()) {
            return Some(work);
        }
        if let Some(question) = self.asking.as_mut().and_then(|asking| asking.question.take()) {
            return Some(Stop::Ask(question));
        }
        if !self.unsent.is_empty() && self.upstream.is_none() {
            return Some(Stop::NeedUpstream);
        }
        let upstream_waits = self.upstream.as_ref().map_or(0, Side::waiting_bytes);
        let idle = self.due.is_empty()
            && self.passing.is_none()
            && self.paced.is_none()
            && self.asking.is_none()
            && self.keeping.is_none()
            && self.client.waiting_bytes() == 0
            && upstream_waits == 0;
        if !idle {
            return None;
        }
        match self.login.take() {
            Some(request) => Some(Stop::Login(request)),
            None => self.draining.then_some(Stop::Closed(CloseReason::Drained)),
        }
    }

    /// Takes over a changed zone or cluster.
    fn renew_snapshot(&mut self) -> Result<(), CloseReason> {
        if self.shared.is_current(&self.snapshot) {
            return Ok(());
        }
        let now = self.shared.snapshot();
        let member = now.member(&self.shared.cluster, &self.account).ok_or(CloseReason::ZoneGone)?;
        self.zone = Arc::clone(&member.zone);
        self.cluster = now.cluster(&self.shared.cluster).cloned().unwrap_or_default();
        self.addresses = self.shared.addresses(&self.cluster.view, self.zone.name());
        self.snapshot = now;
        self.give_up()
    }

    fn poll_writes(&mut self, context: &mut Context<'_>) -> Result<(), CloseReason> {
        if let Poll::Ready(Err(error)) = self.client.poll_flush(context) {
            return Err(CloseReason::Client(error.into()));
        }
        if let Some(upstream) = &mut self.upstream
            && let Poll::Ready(Err(error)) = upstream.poll_flush(context)
        {
            return Err(CloseReason::Broker(error.into()));
        }
        Ok(())
    }

    /// What has taken too long, if anything.
    fn late(&mut self, now: Instant) -> Option<&'static str> {
        let limits = &self.shared.deadlines;
        let over = |since: Option<Instant>, limit| since.is_some_and(|since| now - since > limit);
        if self.client.is_slow(limits, now) {
            return Some("a started request");
        }
        if over(self.client.stuck_since, limits.write_deadline) {
            return Some("reading an answer");
        }
        if over(self.upstream.as_ref().and_then(|side| side.frame_since), limits.frame_deadline) {
            return Some("the rest of the broker's answer");
        }
        if over(self.upstream.as_ref().and_then(|side| side.stuck_since), limits.write_deadline) {
            return Some("the broker's reading of a request");
        }
        let quiet = self.due.is_empty() && self.passing.is_none() && self.client.waiting_bytes() == 0;
        let idle = now - self.client.last_active(now) > limits.idle && quiet;
        idle.then_some("the next request")
    }
}

/// The least that a client must take of an answer within the write deadline.
fn must_take(limits: &Limits) -> usize {
    let seconds = usize::try_from(limits.write_deadline.as_secs()).unwrap_or(usize::MAX);
    limits.min_answer_bytes_per_second.saturating_mul(seconds)
}
