//! A large answer that is sent on while it arrives: its client has the first records while the broker still sends the
//! last ones, and neither side's pace is a matter of memory here.

use std::task::{Context, Poll};
use std::time::Duration;

use tidegate_authz::{Flow, Passed, Reply, ReplyContext, ReplyError};
use tidegate_wire::header;
use tokio::io::{AsyncRead, AsyncWrite};

use super::pace::millis;
use super::{Due, Pump};
use crate::connection::side::Side;
use crate::connection::stop::CloseReason;
use crate::state;

/// The answer.
pub(super) struct PassingAnswer {
    reply: Box<dyn Reply>,
    flow: Option<Flow>,
    /// The silence that the zone owes for it.
    pause: Duration,
}

impl PassingAnswer {
    /// Whether the zone has changed so that the rest may not go down.
    pub(super) fn is_revoked(&self, context: &ReplyContext<'_>) -> Result<bool, ReplyError> {
        Ok(self.reply.give_up(context)?.is_some())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// Begins with an answer of so many bytes whose beginning is there, if it may be sent on in parts.
    pub(super) fn begin_passing(&mut self, length: usize) -> Result<bool, CloseReason> {
        let context = ReplyContext::new(Some(&self.zone), &self.addresses, state::now());
        let Some(Due::Upstream(waiting)) = self.due.front() else { return Ok(false) };
        let [wanted] = waiting.correlation_ids[..] else { return Ok(false) };
        let waits = self.orphans.is_empty() && waiting.given_up.is_none() && waiting.frames.is_empty();
        let received = self.upstream.as_ref().map(Side::received).unwrap_or_default();
        if !waits || !waiting.reply.may_pass(&context, received) {
            return Ok(false);
        }
        let got = header::correlation_id(received).map_err(ReplyError::from)?;
        if got != wanted {
            return Err(CloseReason::Correlation { wanted, got });
        }
        let Some(Due::Upstream(waiting)) = self.due.pop_front() else { return Ok(false) };
        self.due_bytes = self.due_bytes.saturating_sub(waiting.held);
        let flow = Flow::of(waiting.key);
        let pause = self.debit(flow, if flow == Some(Flow::Consume) { length } else { 0 });
        if let Some(flow) = flow {
            self.mute.extend(pause.min(flow.longest_pause()));
            self.count_throttle(flow, pause);
        }
        self.passing = Some(PassingAnswer { reply: waiting.reply, flow, pause });
        self.pass()?;
        Ok(true)
    }

    /// Takes the next part, once the client has taken most of those before.
    pub(super) fn poll_passing(&mut self, context: &mut Context<'_>) -> Result<bool, CloseReason> {
        let Some(upstream) = &mut self.upstream else { return Ok(false) };
        match upstream.poll_part(context, &self.budget.answers) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(CloseReason::Broker(error)),
            Poll::Ready(Ok(false)) => return Err(CloseReason::BrokerClosed),
            Poll::Ready(Ok(true)) => {}
        }
        self.pass()?;
        self.poll_writes(context)?;
        Ok(true)
    }

    /// Sends on what can be sent of what is there.
    fn pass(&mut self) -> Result<(), CloseReason> {
        let (Some(passing), Some(upstream)) = (&mut self.passing, &mut self.upstream) else { return Ok(()) };
        let context = ReplyContext::new(Some(&self.zone), &self.addresses, state::now());
        let context = context.throttled(millis(passing.pause));
        let mut is_last = false;
        let part = upstream.take_part(|received| {
            let passed: Passed = passing.reply.pass(&context, received)?;
            is_last = passed.is_last;
            Ok::<_, ReplyError>(passed.part)
        })?;
        if let Some(flow) = passing.flow {
            // Said in the first part.
            let told = Duration::from_millis(u64::try_from(context.throttle_ms()).unwrap_or(0));
            self.mute.extend(told.min(flow.longest_pause()));
        }
        if context.is_stale() {
            self.shared.upstream.poke();
        }
        if !part.is_empty() {
            self.client.push(part);
        }
        if is_last {
            self.passing = None;
            self.send_due();
        }
        Ok(())
    }
}
