//! From a broker's frame to the client's answer, in the order of the requests.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tidegate_authz::{Flow, Replied, ReplyContext};
use tidegate_wire::frame::FrameLimits;
use tidegate_wire::header;
use tokio::io::{AsyncRead, AsyncWrite};

use super::pace::{millis, read};
use super::{CLIENT_HIGH_WATER, Due, Keeping, Pump, Waiting};
use crate::connection::side::{Arrived, Received};
use crate::connection::stop::{CloseReason, Stop};
use crate::state;

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// Takes one answer from upstream, unless the client is slow to take earlier ones.
    pub(super) fn poll_upstream(&mut self, context: &mut Context<'_>) -> Result<bool, CloseReason> {
        if self.client.waiting_bytes() > CLIENT_HIGH_WATER {
            if let Some(upstream) = &mut self.upstream {
                // What nobody reads is not late.
                upstream.frame_since = None;
            }
            return Ok(false);
        }
        if self.passing.is_some() {
            return self.poll_passing(context);
        }
        let limits = FrameLimits::uniform(self.shared.max_response_bytes);
        let Some(upstream) = &mut self.upstream else { return Ok(false) };
        // Who holds a part of an answer does not wait for room for the rest, or two such could wait for each other.
        let holds = matches!(self.due.front(), Some(Due::Upstream(waiting)) if !waiting.frames.is_empty());
        let budget = (!holds).then_some(&self.budget.answers);
        let arrived = match self.takes_whole {
            true => upstream.poll_frame(context, limits, budget).map_ok(Arrived::Whole),
            false => upstream.poll_arrival(context, limits, budget),
        };
        let frame = match arrived {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(CloseReason::Broker(error)),
            Poll::Ready(Ok(Arrived::Whole(Received::Closed))) => return Err(CloseReason::BrokerClosed),
            Poll::Ready(Ok(Arrived::Large(length))) => {
                self.takes_whole = !self.begin_passing(length)?;
                return Ok(true);
            }
            Poll::Ready(Ok(Arrived::Whole(Received::Frame(frame)))) => frame,
        };
        self.takes_whole = false;
        self.on_answer(frame)?;
        self.send_due();
        self.poll_writes(context)?;
        Ok(true)
    }

    pub(super) fn on_answer(&mut self, frame: Bytes) -> Result<(), CloseReason> {
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
    pub(super) fn send_due(&mut self) {
        while self.keeping.is_none() && self.passing.is_none() {
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

    /// Answers what waits for a broker and may not be answered with what the broker will say.
    pub(super) fn give_up(&mut self) -> Result<(), CloseReason> {
        let context = ReplyContext::new(Some(&self.zone), &self.addresses, state::now());
        if let Some(passing) = &self.passing
            && passing.is_revoked(&context)?
        {
            return Err(CloseReason::RevokedInPassing);
        }
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
}
