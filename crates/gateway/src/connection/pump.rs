//! The life of a logged-in connection: requests in, rules asked, answers out in the order of the requests.
//!
//! One task owns both sockets. Every wake-up moves what can be moved and never waits while holding anything; what
//! needs waiting for (a dial, a new login) ends the pump with a [`Stop`], and the caller starts it again.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tidegate_authz::outcome::UpstreamRequest;
use tidegate_authz::rules::{Rule, api_versions};
use tidegate_authz::table::Service;
use tidegate_authz::{
    AddressMap, ConnectionState, Flow, Outcome, Question, Refusal, Replied, Reply, ReplyContext,
    RequestContext, ZoneView,
};
use tidegate_client::Stream;
use tidegate_wire::api::ApiKey;
use tidegate_wire::frame::{FrameLimits, Outgoing};
use tidegate_wire::header::{self, Request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};

use super::client_id::ClientId;
use super::mute::Mute;
use super::side::{Received, Side};
use super::stop::{CloseReason, Stop};
use crate::audit::{Entry, Event};
use crate::budget::ZoneBudget;
use crate::config::Limits;
use crate::listener::ListenerShared;
use crate::meters::{RefusalKind, ZoneMeters};
use crate::snapshot::{ClusterSnapshot, Snapshot};
use crate::state;

/// Bytes that may wait for a slow broker before its client is not read any more.
const HIGH_WATER: usize = 256 * 1024;

/// Bytes that may wait for a slow client before no more is read for it: what the system's own buffers hold comes on top.
const CLIENT_HIGH_WATER: usize = 64 * 1024;

/// Frames moved in one wake-up before other connections get their turn.
const FRAMES_PER_TURN: usize = 64;

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
    /// Not read for the time that its zone owes.
    mute: Mute,
    /// A request that came in silence which another connection of the zone has to answer for.
    paced: Option<Request>,
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
            due_bytes: 0,
            client_id: ClientId::new(&zone),
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
        let shared = Arc::clone(&self.shared);
        let (key, version) = (request.key, request.version);
        let Some(Service::Rule(rule)) = shared.table.service(key, version) else {
            return Err(CloseReason::NotServed { key, version });
        };
        self.decide(rule, request, absent_producers, asked)?;
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
        let now = self.shared.snapshot();
        if Arc::ptr_eq(&now, &self.snapshot) {
            return Ok(());
        }
        let member = now.member(&self.shared.cluster, &self.account).ok_or(CloseReason::ZoneGone)?;
        self.zone = Arc::clone(&member.zone);
        self.cluster = now.cluster(&self.shared.cluster).cloned().unwrap_or_default();
        self.addresses = self.shared.addresses(&self.cluster.view, self.zone.name());
        self.snapshot = now;
        self.give_up()
    }

    /// Answers what waits for a broker and may not be answered with what the broker will say.
    fn give_up(&mut self) -> Result<(), CloseReason> {
        let context = ReplyContext::new(Some(&self.zone), &self.addresses, state::now());
        for due in &mut self.due {
            if let Due::Upstream(waiting) = due
                && waiting.given_up.is_none()
            {
                waiting.given_up = waiting.reply.give_up(&context)?;
            }
        }
        self.send_due();
        Ok(())
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

    /// Takes one answer from upstream, unless the client is slow to take earlier ones.
    fn poll_upstream(&mut self, context: &mut Context<'_>) -> Result<bool, CloseReason> {
        if self.client.waiting_bytes() > CLIENT_HIGH_WATER {
            if let Some(upstream) = &mut self.upstream {
                // What nobody reads is not late.
                upstream.frame_since = None;
            }
            return Ok(false);
        }
        let limits = FrameLimits::uniform(self.shared.max_response_bytes);
        let Some(upstream) = &mut self.upstream else { return Ok(false) };
        // Who holds a part of an answer does not wait for room for the rest, or two such could wait for each other.
        let holds = matches!(self.due.front(), Some(Due::Upstream(waiting)) if !waiting.frames.is_empty());
        let budget = (!holds).then_some(&self.budget.answers);
        let frame = match upstream.poll_frame(context, limits, budget) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(CloseReason::Broker(error)),
            Poll::Ready(Ok(Received::Closed)) => return Err(CloseReason::BrokerClosed),
            Poll::Ready(Ok(Received::Frame(frame))) => frame,
        };
        self.on_answer(frame)?;
        self.send_due();
        self.poll_writes(context)?;
        Ok(true)
    }

    fn on_answer(&mut self, frame: Bytes) -> Result<(), CloseReason> {
        if let Some(wanted) = self.orphans.pop_front() {
            let got = header::correlation_id(&frame).map_err(tidegate_authz::ReplyError::from)?;
            return if got == wanted { Ok(()) } else { Err(CloseReason::Correlation { wanted, got }) };
        }
        let Some(Due::Upstream(mut waiting)) = self.due.pop_front() else { return Err(CloseReason::Unasked) };
        let (got, _) = header::parse_response(&frame, waiting.key, waiting.version)
            .map_err(tidegate_authz::ReplyError::from)?;
        let wanted = waiting.correlation_ids.get(waiting.frames.len()).copied().unwrap_or(-1);
        if got != wanted {
            return Err(CloseReason::Correlation { wanted, got });
        }
        waiting.frames.push(frame);
        if waiting.frames.len() < waiting.correlation_ids.len() {
            self.due.push_front(Due::Upstream(waiting));
            return Ok(());
        }
        self.due_bytes = self.due_bytes.saturating_sub(waiting.held);
        let flow = Flow::of(waiting.key);
        let pause = self.debit(flow, read(flow, &waiting.frames));
        let context =
            ReplyContext::new(Some(&self.zone), &self.addresses, state::now()).throttled(millis(pause));
        let replied = waiting.reply.on_response(&context, &waiting.frames)?;
        if let Some(flow) = flow {
            let told = Duration::from_millis(u64::try_from(context.throttle_ms()).unwrap_or(0));
            self.mute.extend(pause.max(told).min(flow.longest_pause()));
            self.count_throttle(flow, pause);
        }
        if context.is_stale() {
            self.shared.upstream.poke();
        }
        match replied {
            Replied::Answer(answer) => self.client.push(answer),
            Replied::Keep { facts, then, otherwise } => {
                self.keeping = Some(Keeping { work: Some(Stop::Keep(facts)), then, otherwise });
            }
            Replied::Forget { unbound, then } => {
                let otherwise = then.clone();
                self.keeping = Some(Keeping { work: Some(Stop::Forget(unbound)), then, otherwise });
            }
        }
        Ok(())
    }

    /// Sends the answers whose turn it is.
    fn send_due(&mut self) {
        while self.keeping.is_none() {
            match self.due.pop_front() {
                Some(Due::Ready(answer)) => {
                    self.due_bytes = self.due_bytes.saturating_sub(answer.len());
                    self.client.push(answer);
                }
                Some(Due::Upstream(Waiting {
                    given_up: Some(answer),
                    held,
                    correlation_ids,
                    frames,
                    ..
                })) => {
                    self.due_bytes = self.due_bytes.saturating_sub(held);
                    self.orphans.extend(correlation_ids.into_iter().skip(frames.len()));
                    self.client.push(answer);
                }
                Some(waiting) => return self.due.push_front(waiting),
                None => return,
            }
        }
    }

    /// Takes one request, unless too much is under way.
    fn poll_client(&mut self, context: &mut Context<'_>) -> Result<bool, CloseReason> {
        let upstream_waits = self.upstream.as_ref().map_or(0, Side::waiting_bytes);
        let full = self.due.len() >= self.shared.max_in_flight
            || upstream_waits > HIGH_WATER
            || self.due_bytes > HIGH_WATER
            || self.client.waiting_bytes() > CLIENT_HIGH_WATER;
        let waits = self.login.is_some() || self.asking.is_some() || !self.unsent.is_empty();
        if full || waits || (self.draining && self.paced.is_none()) {
            // What nobody reads is not late.
            self.client.frame_since = None;
            return Ok(false);
        }
        if self.mute.poll(context).is_pending() {
            self.client.frame_since = None;
            return if self.client.poll_closed(context).map_err(CloseReason::Client)? {
                Err(CloseReason::ClientClosed)
            } else {
                Ok(false)
            };
        }
        if let Some(request) = self.paced.take() {
            self.serve(request)?;
            self.send_due();
            return Ok(true);
        }
        let frame =
            match self.client.poll_frame(context, self.shared.frame_limits, Some(&self.budget.requests)) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Err(error)) => return Err(CloseReason::Client(error)),
                // An unacknowledged Produce is still on its way up.
                Poll::Ready(Ok(Received::Closed)) if upstream_waits > 0 => return Ok(false),
                Poll::Ready(Ok(Received::Closed)) => return Err(CloseReason::ClientClosed),
                Poll::Ready(Ok(Received::Frame(frame))) => frame,
            };
        self.on_request(Request::parse(frame)?)?;
        self.send_due();
        self.poll_writes(context)?;
        Ok(true)
    }

    fn on_request(&mut self, request: Request) -> Result<(), CloseReason> {
        let (key, version) = (request.key, request.version);
        let shared = Arc::clone(&self.shared);
        if self.expires_at.is_some_and(|end| key != ApiKey::SaslHandshake && shared.now() >= end) {
            return Err(CloseReason::SessionExpired);
        }
        match shared.table.service(key, version) {
            None => {
                self.on_hidden(key, version);
                return Err(CloseReason::NotServed { key, version });
            }
            Some(Service::Login) => self.login = Some(request),
            Some(Service::ApiVersions) => {
                let (answer, _) = api_versions::respond(&shared.table, &self.cluster.view, &request)?;
                self.answer(answer);
            }
            Some(Service::Rule(_)) => {
                shared.meters.request(key);
                self.meters.request(key);
                if key == ApiKey::Metadata {
                    shared.upstream.asked();
                }
                match self.inherited(key) {
                    pause if pause.is_zero() => self.serve(request)?,
                    pause => {
                        self.mute.extend(pause);
                        self.paced = Some(request);
                    }
                }
            }
        }
        Ok(())
    }

    /// The silence that others of the zone have brought upon a Produce of this connection, which has not been silent
    /// itself: who connects anew, or through many connections, must not send more for it.
    fn inherited(&self, key: ApiKey) -> Duration {
        let pause = self.debit(Flow::of(key).filter(|flow| *flow == Flow::Produce), 0);
        let silent_itself = !pause.is_zero() && self.mute.was_within(Flow::Produce.longest_pause());
        if silent_itself { Duration::ZERO } else { pause }
    }

    /// Counts what flows, if that is limited; gives the silence that the zone owes from now on.
    fn debit(&self, flow: Option<Flow>, amount: usize) -> Duration {
        match flow.filter(|flow| self.zone.is_limited(*flow)) {
            Some(flow) => self.zone.debit(flow, amount, state::uptime()),
            None => Duration::ZERO,
        }
    }

    /// Counts an answer that tells its client to be silent.
    fn count_throttle(&self, flow: Flow, pause: Duration) {
        if !pause.is_zero() {
            self.meters.throttled(flow, u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        }
    }

    /// Counts a request and puts it to its rule.
    fn serve(&mut self, request: Request) -> Result<(), CloseReason> {
        let shared = Arc::clone(&self.shared);
        let (key, version) = (request.key, request.version);
        let Some(Service::Rule(rule)) = shared.table.service(key, version) else {
            return Err(CloseReason::NotServed { key, version });
        };
        let flow = Flow::of(key);
        let counts = match flow {
            Some(Flow::Produce) => request.body.len(),
            Some(Flow::Commits) => 1,
            Some(Flow::Consume) | None => 0,
        };
        self.debit(flow, counts);
        self.decide(rule, request, &[], 0)
    }

    /// Puts a request to its rule; `asked` is how often the rule has asked something already.
    fn decide(
        &mut self,
        rule: &dyn Rule,
        request: Request,
        absent_producers: &[i64],
        asked: usize,
    ) -> Result<(), CloseReason> {
        let flow = Flow::of(request.key);
        let pause = self.debit(flow, 0);
        self.mute.extend(pause);
        let mut context = RequestContext {
            zone: &self.zone,
            cluster: &self.cluster.view,
            addresses: &self.addresses,
            policy: &self.shared.policy,
            client_id: self.client_id.upstream(&request.client_id),
            now: state::now(),
            absent_producers,
            throttle_ms: millis(pause),
            connection: &mut self.state,
        };
        let outcome = rule.on_request(&mut context, &request)?;
        if let Some(refusal) = self.state.take_refusal() {
            self.on_refusal(&refusal, request.key, request.version);
        }
        match outcome {
            Outcome::Ask(_) if asked >= MAX_QUESTIONS => return Err(CloseReason::Insistent),
            Outcome::Ask(question) => {
                self.asking = Some(Asking { request, question: Some(question), asked: asked + 1 });
            }
            Outcome::Answer(answer) => {
                if let Some(flow) = flow {
                    self.count_throttle(flow, pause);
                }
                self.answer(answer);
            }
            Outcome::Close(why) => return Err(CloseReason::Refused(why)),
            Outcome::Tell(request) => self.send_upstream(request),
            Outcome::Forward { requests, reply } => self.forward(&request, requests, reply),
        }
        Ok(())
    }

    /// Counts and tells what a rule refused.
    fn on_refusal(&self, refusal: &Refusal, key: ApiKey, version: i16) {
        self.meters.refused(refusal.kind.into());
        let (zone, account) = (Some(self.zone.name().as_str()), Some(&*self.account));
        let reason = if refusal.more > 0 {
            "not of the zone, and others in the same request"
        } else {
            "not of the zone"
        };
        let entry = self.shared.entry(Event::Refused(refusal.kind), self.peer, reason);
        self.shared
            .common
            .audit
            .refusal(refusal, Entry { zone, account, api: Some((key, version)), ..entry });
    }

    /// Counts and tells a request that is not served.
    fn on_hidden(&self, key: ApiKey, version: i16) {
        self.meters.refused(RefusalKind::HiddenApi);
        let (zone, account) = (Some(self.zone.name().as_str()), Some(&*self.account));
        let entry = self.shared.entry(Event::HiddenApi, self.peer, "the API or its version is not served");
        self.shared.common.audit.tell(Entry { zone, account, api: Some((key, version)), ..entry });
    }

    fn forward(&mut self, request: &Request, requests: Vec<UpstreamRequest>, reply: Box<dyn Reply>) {
        let correlation_ids = requests.iter().map(|request| request.correlation_id).collect();
        requests.into_iter().for_each(|request| self.send_upstream(request));
        // The reply to Produce keeps none of the request.
        let held = if request.key == ApiKey::Produce { 0 } else { request.body.len() };
        self.due_bytes += held;
        self.due.push_back(Due::Upstream(Waiting {
            key: request.key,
            version: request.version,
            held,
            correlation_ids,
            frames: Vec::new(),
            reply,
            given_up: None,
        }));
    }

    /// Lines up an answer made here.
    fn answer(&mut self, answer: Outgoing) {
        self.due_bytes += answer.len();
        self.due.push_back(Due::Ready(answer));
    }

    fn send_upstream(&mut self, request: UpstreamRequest) {
        match &mut self.upstream {
            Some(upstream) => upstream.push(request.frame),
            None => self.unsent.push(request.frame),
        }
    }

    /// What has taken too long, if anything.
    fn late(&self, now: Instant) -> Option<&'static str> {
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
        let quiet = self.due.is_empty() && self.client.waiting_bytes() == 0;
        let idle = quiet && now - self.client.last_active > limits.idle;
        idle.then_some("the next request")
    }
}

/// What an answer counts in its flow; requests are counted when they come.
fn read(flow: Option<Flow>, frames: &[Bytes]) -> usize {
    if flow == Some(Flow::Consume) { frames.iter().map(Bytes::len).sum() } else { 0 }
}

/// The least that a client must take of an answer within the write deadline.
fn must_take(limits: &Limits) -> usize {
    let seconds = usize::try_from(limits.write_deadline.as_secs()).unwrap_or(usize::MAX);
    limits.min_answer_bytes_per_second.saturating_mul(seconds)
}

fn millis(pause: Duration) -> i32 {
    i32::try_from(pause.as_millis()).unwrap_or(i32::MAX)
}
