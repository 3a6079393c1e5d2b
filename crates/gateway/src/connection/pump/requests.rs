//! From a client's frame to an outcome: the rule is asked, and what it wants is done.

use std::sync::Arc;
use std::task::{Context, Poll};

use tidegate_authz::outcome::UpstreamRequest;
use tidegate_authz::rules::api_versions;
use tidegate_authz::table::Service;
use tidegate_authz::{Flow, Outcome, Reply, RequestContext};
use tidegate_wire::api::ApiKey;
use tidegate_wire::frame::Outgoing;
use tidegate_wire::header::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::pace::{Paced, millis};
use super::{Asking, CLIENT_HIGH_WATER, Due, HIGH_WATER, MAX_QUESTIONS, Pump, Waiting};
use crate::connection::side::{Received, Side};
use crate::connection::stop::CloseReason;
use crate::state;

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// Takes one request, unless too much is under way.
    pub(super) fn poll_client(&mut self, context: &mut Context<'_>) -> Result<bool, CloseReason> {
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
        if let Some(paced) = self.paced.take() {
            // Of several that waited for the same debt one goes, and the others wait for what that one owes.
            let pause = self.owed_by(&paced);
            if !pause.is_zero() {
                self.mute.extend(pause);
                self.paced = Some(paced);
                return Ok(true);
            }
            self.serve(paced.request)?;
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

    pub(super) fn on_request(&mut self, request: Request) -> Result<(), CloseReason> {
        let (key, version) = (request.key, request.version);
        let shared = Arc::clone(&self.shared);
        if self.expires_at.is_some_and(|end| key != ApiKey::SaslHandshake && shared.now() >= end) {
            return Err(CloseReason::SessionExpired);
        }
        self.count_request();
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
                        self.paced = Some(Paced { request, since: Instant::now() });
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts a request and puts it to its rule.
    pub(super) fn serve(&mut self, request: Request) -> Result<(), CloseReason> {
        let flow = Flow::of(request.key);
        let counts = match flow {
            Some(Flow::Produce) => request.body.len(),
            Some(Flow::Commits) => 1,
            Some(Flow::Consume) | None => 0,
        };
        self.debit(flow, counts);
        self.decide(request, &[], 0)
    }

    /// Puts a request to its rule; `asked` is how often the rule has asked something already.
    pub(super) fn decide(
        &mut self,
        request: Request,
        absent_producers: &[i64],
        asked: usize,
    ) -> Result<(), CloseReason> {
        let shared = Arc::clone(&self.shared);
        let (key, version) = (request.key, request.version);
        let Some(Service::Rule(rule)) = shared.table.service(key, version) else {
            return Err(CloseReason::NotServed { key, version });
        };
        let flow = Flow::of(key);
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

    pub(super) fn forward(
        &mut self,
        request: &Request,
        requests: Vec<UpstreamRequest>,
        reply: Box<dyn Reply>,
    ) {
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
    pub(super) fn answer(&mut self, answer: Outgoing) {
        self.due_bytes += answer.len();
        self.due.push_back(Due::Ready(answer));
    }

    pub(super) fn send_upstream(&mut self, request: UpstreamRequest) {
        match &mut self.upstream {
            Some(upstream) => upstream.push(request.frame),
            None => self.unsent.push(request.frame),
        }
    }
}
