//! The way back to a partition.

use tidegate_link::copy::{Attempt, Event, Trouble};
use tokio::sync::mpsc::UnboundedSender;

/// An event with the attempt that asked for it.
pub(crate) type Told = (Attempt, Event);

/// What is owed to a machine for one of its orders. One that is dropped says that the answer was lost.
#[derive(Debug)]
pub(crate) struct Reply {
    attempt: Attempt,
    owed: Owed,
    /// There are never more on their way than the machine has orders open.
    to: Option<UnboundedSender<Told>>,
}

/// Which event it will be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owed {
    Seen,
    Bounds,
    Scanned,
    Fetched,
    Appended { base_offset: i64 },
    Marked,
    Deleted,
}

impl Reply {
    pub(crate) fn new(attempt: Attempt, owed: Owed, to: UnboundedSender<Told>) -> Self {
        Self { attempt, owed, to: Some(to) }
    }

    pub(crate) fn answer(mut self, event: Event) {
        self.send(event);
    }

    /// Answers, or says that nothing was sent that could be answered.
    pub(crate) fn answer_if_sent(self, event: Option<Event>) {
        match event {
            Some(event) => self.answer(event),
            None => self.fail(Trouble::NotSent),
        }
    }

    pub(crate) fn fail(mut self, trouble: Trouble) {
        self.send(self.owed.failed(trouble));
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.to.as_ref().is_none_or(UnboundedSender::is_closed)
    }

    fn send(&mut self, event: Event) {
        if let Some(to) = self.to.take() {
            // A partition that has ended wants to know nothing.
            let _ = to.send((self.attempt, event));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.send(self.owed.failed(Trouble::Lost));
    }
}

impl Owed {
    fn failed(self, trouble: Trouble) -> Event {
        match self {
            Self::Seen => Event::Seen(Err(trouble)),
            Self::Bounds => Event::Bounds(Err(trouble)),
            Self::Scanned => Event::Scanned(Err(trouble)),
            Self::Fetched => Event::Fetched(Err(trouble)),
            Self::Appended { base_offset } => Event::Appended { base_offset, answer: Err(trouble) },
            Self::Marked => Event::Marked(Err(trouble)),
            Self::Deleted => Event::Deleted(Err(trouble)),
        }
    }
}
