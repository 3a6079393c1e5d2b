//! One of the two connections.

use tidegate_link::copy::{Event, Trouble};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::asker::Asker;
use super::patience::Patience;
use super::turns::Turns;
use super::{Want, answer};
use crate::budget::{Budget, Room};
use crate::calls::Isolation;
use crate::calls::fetch::{Fetch, FetchNews, FetchPartition, Fetched};
use crate::rate::Share;

/// Bytes of one partition in an answer: one broker's default for a batch at most.
pub(super) const PARTITION_BYTES: usize = 1 << 20;

/// What a batch may be said to need before it is thought to be a mistake: the most that fits the client's own limit for answers.
const MOST_WANTED: usize = 48 << 20;

/// Where there is a rate, what is asked of one partition at once, so that an answer is for several.
const SLICE_BYTES: usize = 64 << 10;

pub(super) struct Lane {
    asker: Asker,
    budget: Budget,
    share: Share,
    /// There is one for each partition at most, but for a moment.
    wants: mpsc::UnboundedReceiver<Want>,
    patience: Patience,
    turns: Turns,
}

impl Lane {
    pub(super) fn new(
        asker: Asker,
        budget: Budget,
        share: Share,
        wants: mpsc::UnboundedReceiver<Want>,
        patience: Patience,
    ) -> Self {
        Self { asker, budget, share, wants, patience, turns: Turns::default() }
    }

    pub(super) async fn run(mut self) {
        while self.take_wants().await {
            // Whoever has to wait does so before it takes memory from others.
            self.asker.silence().await;
            let bytes = self.bytes();
            let grant = self.share.grant(bytes).await;
            let Some(room) = self.budget.room(bytes).await else { return };
            self.take_new_wants();
            let request = self.request(bytes);
            let news = if request.partitions.is_empty() { None } else { self.asker.ask(&request).await };
            self.share.settle(grant, news.as_ref().map_or(0, answer::bytes), self.turns.len());
            match news {
                Some(news) => self.hand_out(&request, news, room),
                None => self.give_up(),
            }
        }
    }

    /// Takes what has come, and waits if there is nothing else to do; whether there ever will be.
    async fn take_wants(&mut self) -> bool {
        if self.turns.len() == 0 {
            match self.wants.recv().await {
                Some(want) => self.turns.take(want),
                None => return false,
            }
        }
        self.take_new_wants();
        true
    }

    fn take_new_wants(&mut self) {
        while let Ok(want) = self.wants.try_recv() {
            self.turns.take(want);
        }
    }

    /// How much is asked for at once.
    fn bytes(&self) -> usize {
        let bytes = self.patience.bytes();
        bytes.min(self.share.burst().unwrap_or(bytes)).max(self.turns.most_wanted().min(MOST_WANTED))
    }

    fn request(&mut self, bytes: usize) -> Fetch {
        let (most, each) = if self.patience.is_none() && self.share.burst().is_some() {
            (bytes.div_ceil(SLICE_BYTES), SLICE_BYTES)
        } else {
            (usize::MAX, PARTITION_BYTES)
        };
        let partitions = self.turns.next(most).map(|want| FetchPartition {
            at: want.at.clone(),
            offset: want.offset,
            max_bytes: size(want.wants.unwrap_or(0).clamp(each, MOST_WANTED)),
            leader_epoch: None,
            last_fetched_epoch: want.last_epoch,
        });
        Fetch {
            isolation: Isolation::ReadCommitted,
            max_wait: self.patience.limit(),
            min_bytes: 1,
            max_bytes: size(bytes),
            partitions: partitions.collect(),
        }
    }

    fn hand_out(&mut self, request: &Fetch, news: FetchNews, mut room: Room) {
        if self.patience.is_none() {
            self.turns.cut_short(answer::cut_short(request, &news));
        }
        for (place, (asked, fetched)) in request.partitions.iter().zip(news.partitions).enumerate() {
            if let Some(fetched) = fetched
                && !self.keeps_its_turn(place, asked, &fetched)
            {
                self.hand_one_out(asked, fetched, &mut room);
            }
        }
    }

    /// The first has what there is, however large; of the others some may find the answer full, and keep their turns. Whoever waited is
    /// told of it: it is busy from then on, and a session names it no more.
    fn keeps_its_turn(&self, place: usize, asked: &FetchPartition, fetched: &Fetched) -> bool {
        self.patience.is_none() && place > 0 && answer::is_left_out(fetched, asked.offset)
    }

    fn hand_one_out(&mut self, asked: &FetchPartition, fetched: Fetched, room: &mut Room) {
        let Some(want) = self.turns.of(asked) else { return };
        if fetched.error.is_stale_leader() {
            self.asker.forget(&want.at.topic);
        }
        let says_nothing = answer::says_nothing(want, &fetched);
        if let Patience::Waits { last } = &mut self.patience {
            if says_nothing {
                return;
            }
            *last = Instant::now();
        }
        let Some(want) = self.turns.end(asked) else { return };
        match &self.patience {
            // If that one is gone, so is everybody who could want anything.
            Patience::None { quiet } if says_nothing => drop(quiet.send(want)),
            _ if fetched.error.is_none() => {
                want.reply.answer(Event::Fetched(Ok(answer::told(fetched, room))));
            }
            _ => want.reply.answer(Event::Fetched(Err(Trouble::Refused(fetched.error)))),
        }
    }

    fn give_up(&mut self) {
        for want in self.turns.drain() {
            want.reply.answer(Event::Fetched(Err(Trouble::Lost)));
        }
    }
}

fn size(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}
