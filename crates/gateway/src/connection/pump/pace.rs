//! Traffic policies (KIP-219): what flows is counted, and who owes silence is not read.

use std::num::NonZeroU64;
use std::time::Duration;

use bytes::Bytes;
use tidegate_authz::Flow;
use tidegate_wire::api::ApiKey;
use tidegate_wire::header::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::{COUNTED_TOGETHER, Pump};
use crate::state;

/// A Produce that waits for what others of its zone owe.
pub(super) struct Paced {
    pub(super) request: Request,
    pub(super) since: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Pump<S> {
    /// The silence that others of the zone have brought upon a Produce of this connection, which has not been silent
    /// itself: who connects anew, or through many connections, must not send more for it.
    pub(super) fn inherited(&self, key: ApiKey) -> Duration {
        let pause = self.debit(Flow::of(key).filter(|flow| *flow == Flow::Produce), 0);
        let silent_itself = !pause.is_zero() && self.mute.was_within(Flow::Produce.longest_pause());
        if silent_itself { Duration::ZERO } else { pause }
    }

    /// What the zone still owes at the end of a wait; nothing for whoever has waited for as long as clients bear.
    pub(super) fn owed_by(&self, paced: &Paced) -> Duration {
        let left = Flow::Produce.longest_pause().saturating_sub(paced.since.elapsed());
        self.debit(Some(Flow::Produce), 0).min(left)
    }

    /// Counts a request of any kind; now and then, so that a quick request takes no lock.
    pub(super) fn count_request(&mut self) {
        self.uncounted += 1;
        if self.uncounted < COUNTED_TOGETHER {
            return;
        }
        let traffic = self.zone.state().traffic();
        let rate = u64::try_from(self.shared.deadlines.requests_per_second_per_zone).unwrap_or(u64::MAX);
        if let Some(rate) = NonZeroU64::new(rate) {
            self.mute.extend(traffic.debit_requests(self.uncounted, rate, state::uptime()));
        }
        self.uncounted = 0;
    }

    /// Counts what flows, if that is limited; gives the silence that the zone owes from now on.
    pub(super) fn debit(&self, flow: Option<Flow>, amount: usize) -> Duration {
        match flow.filter(|flow| self.zone.is_limited(*flow)) {
            Some(flow) => self.zone.debit(flow, amount, state::uptime()),
            None => Duration::ZERO,
        }
    }

    /// Counts an answer that tells its client to be silent.
    pub(super) fn count_throttle(&self, flow: Flow, pause: Duration) {
        if !pause.is_zero() {
            self.meters.throttled(flow, u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        }
    }
}

/// What an answer counts in its flow; requests are counted when they come.
pub(super) fn read(flow: Option<Flow>, frames: &[Bytes]) -> usize {
    if flow == Some(Flow::Consume) { frames.iter().map(Bytes::len).sum() } else { 0 }
}

pub(super) fn millis(pause: Duration) -> i32 {
    i32::try_from(pause.as_millis()).unwrap_or(i32::MAX)
}
