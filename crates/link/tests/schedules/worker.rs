//! A worker: its machine, and the requests that are under way for it.

use std::collections::VecDeque;

use bytes::Bytes;
use tidegate_link::copy::{
    Attempt, Bounds, Copier, CopyLimits, Event, Fetched, Guarding, Job, Mark, Order, Producer, Seen, Trouble,
};
use tidegate_link::source::Aborted;
use tidegate_sim::{Ask, Broker, Fetch, Marker, Place, Produce};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::filler::Kind;

use crate::Class;
use crate::dice::Dice;

pub(crate) const PRODUCER_ID: i64 = (1 << 62) + 5;
const MARKER_ID: i64 = (1 << 62) + 6;

pub(crate) struct Worker {
    /// Higher for each one.
    pub(crate) lease: i32,
    /// Stopped: nothing reaches it.
    pub(crate) stopped: bool,
    pub(crate) copier: Copier,
    /// Written to the mirror, in order, and not yet carried out.
    pub(crate) requests: VecDeque<Sent>,
    /// Carried out, or lost, in order.
    pub(crate) answers: VecDeque<(Attempt, Event)>,
    /// Questions, in no order.
    pub(crate) questions: Vec<Question>,
    wakes: Vec<(Attempt, i64)>,
}

/// A change of the mirror on its way.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) attempt: Attempt,
    pub(crate) lease: i32,
    pub(crate) order: Order,
}

pub(crate) struct Question {
    attempt: Attempt,
    order: Order,
    /// Looking takes two requests: what the first one said.
    producer: Option<Option<Producer>>,
}

impl Worker {
    pub(crate) fn new(lease: i32, class: Class) -> Self {
        let job = Job {
            producer_id: PRODUCER_ID,
            marker_id: MARKER_ID,
            marker_epoch: class.markers.then_some(lease),
            fillers: Kind::Plain,
            compacted: class.compacted,
            producer_expiration_ms: 86_400_000,
            limits: CopyLimits { queued_bytes: 600, markers_at_once: 3, ..CopyLimits::default() },
        };
        let (copier, orders) = Copier::begin(job);
        let mut worker = Self {
            lease,
            stopped: false,
            copier,
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            questions: Vec::new(),
            wakes: Vec::new(),
        };
        worker.take(orders, lease);
        worker
    }

    /// Tells the machine something, and does what it asks for.
    pub(crate) fn tell(&mut self, now: i64, current: i32, attempt: Attempt, event: Event) {
        let (copier, orders) = self.copier.clone().on(attempt, now, event);
        self.copier = copier;
        self.take(orders, current);
    }

    fn take(&mut self, orders: Vec<Order>, current: i32) {
        let attempt = self.copier.attempt();
        for order in orders {
            match order {
                Order::Append(_) | Order::Mark(_) | Order::Delete { .. } => {
                    self.send(attempt, order, current);
                }
                Order::Wake { at } => self.wakes.push((attempt, at)),
                _ => self.questions.push(Question { attempt, order, producer: None }),
            }
        }
    }

    /// What no broker guards is sent by the holder of the lease alone: it is looked at right here.
    fn send(&mut self, attempt: Attempt, order: Order, current: i32) {
        let guarded = matches!(&order, Order::Append(append) if append.guarding == Guarding::Sequence);
        if guarded || self.lease == current {
            self.requests.push_back(Sent { attempt, lease: self.lease, order });
        } else {
            let answer = failed(&order, Trouble::NotSent);
            self.answers.push_back((attempt, answer));
        }
    }

    /// The connection is gone: whatever has no answer is lost. What was not carried out yet.
    pub(crate) fn cut(&mut self) -> VecDeque<Sent> {
        for (_, event) in &mut self.answers {
            *event = lost(event);
        }
        let requests = std::mem::take(&mut self.requests);
        for sent in &requests {
            self.answers.push_back((sent.attempt, failed(&sent.order, Trouble::Lost)));
        }
        requests
    }

    /// When it wants to be woken next.
    pub(crate) fn next_wake(&self) -> Option<i64> {
        let of_now = |(attempt, _): &&(Attempt, i64)| *attempt == self.copier.attempt();
        self.wakes.iter().filter(of_now).map(|(_, at)| *at).min()
    }

    pub(crate) fn wake(&mut self, now: i64, current: i32) {
        let (due, later) = std::mem::take(&mut self.wakes).into_iter().partition(|(_, at)| *at <= now);
        self.wakes = later;
        let due: Vec<(Attempt, i64)> = due;
        for (attempt, _) in due {
            self.tell(now, current, attempt, Event::Woken);
        }
    }

    /// Carries out one question, or the first half of it.
    pub(crate) fn ask(
        &mut self,
        place: &Place,
        source: &Broker,
        mirror: &Broker,
        current: i32,
        dice: &mut Dice,
        faults: bool,
    ) {
        let at = dice.below(self.questions.len());
        let question = &mut self.questions[at];
        if question.order == Order::Look && question.producer.is_none() {
            question.producer = Some(producer(mirror, place));
            return;
        }
        let Question { attempt, order, producer } = self.questions.swap_remove(at);
        let event = if faults && dice.once_in(25) {
            let trouble = if dice.once_in(2) {
                Trouble::Lost
            } else {
                Trouble::Refused(ErrorCode::NOT_LEADER_OR_FOLLOWER)
            };
            failed(&order, trouble)
        } else {
            answer(&order, producer.flatten(), place, source, mirror, dice)
        };
        self.tell(source.now(), current, attempt, event);
    }
}

fn producer(mirror: &Broker, place: &Place) -> Option<Producer> {
    let known = mirror.partition(place)?.producers().of(PRODUCER_ID)?;
    Some(Producer {
        epoch: known.epoch,
        last_sequence: known.last_sequence(),
        last_timestamp: known.last_timestamp,
    })
}

fn answer(
    order: &Order,
    producer: Option<Producer>,
    place: &Place,
    source: &Broker,
    mirror: &Broker,
    dice: &mut Dice,
) -> Event {
    match *order {
        Order::Look => Event::Seen(Ok(look(producer, place, mirror))),
        Order::Bounds => Event::Bounds(Ok(Bounds {
            start: source.list_offsets(place, Ask::Start).offset,
            end: source.list_offsets(place, Ask::StableEnd).offset,
        })),
        Order::Scan { offset } => {
            let fetched = mirror.fetch(place, &Fetch { max_bytes: 300, ..Fetch::from(offset) });
            Event::Scanned(refused(fetched.error_code).map(|()| fetched.records))
        }
        Order::Fetch { offset, last_epoch, wants } => {
            let max_bytes = wants.unwrap_or_else(|| 100 + dice.below(500));
            let fetch = Fetch { offset, max_bytes, committed: true, last_epoch, leader_epoch: None };
            let fetched = source.fetch(place, &fetch);
            Event::Fetched(refused(fetched.error_code).map(|()| {
                Fetched {
                    stable_end: fetched.stable_end,
                    diverging: fetched.diverging.map(|end| end.end_offset),
                    aborted: fetched
                        .aborted
                        .unwrap_or_default()
                        .into_iter()
                        .map(|aborted| Aborted {
                            producer_id: aborted.producer_id,
                            first_offset: aborted.first_offset,
                        })
                        .collect(),
                    records: fetched.records,
                }
            }))
        }
        Order::Append(_) | Order::Mark(_) | Order::Delete { .. } | Order::Wake { .. } => {
            unreachable!("no question")
        }
    }
}

fn look(producer: Option<Producer>, place: &Place, mirror: &Broker) -> Seen {
    let ask = |ask| mirror.list_offsets(place, ask).offset;
    let (start, end, committed) = (ask(Ask::Start), ask(Ask::LogEnd), ask(Ask::HighWatermark));
    Seen { producer, start, end, committed }
}

/// Carries out a change; its answer.
pub(crate) fn carry_out(order: &Order, place: &Place, mirror: &mut Broker) -> Event {
    match order {
        Order::Append(append) => {
            let records = Bytes::from([&append.batch.header[..], &append.batch.records].concat());
            let answer = mirror.produce(place, &Produce::of(records));
            let base_offset = append.base_offset;
            Event::Appended { base_offset, answer: refused(answer.error_code).map(|()| answer.base_offset) }
        }
        Order::Mark(Mark { count, producer_id, coordinator_epoch }) => {
            let marker = Marker {
                producer_id: *producer_id,
                producer_epoch: 0,
                coordinator_epoch: *coordinator_epoch,
                commit: false,
                places: vec![place.clone()],
            };
            let markers = vec![marker; *count as usize];
            let marked = mirror.write_markers(&markers).unwrap();
            let end = mirror.list_offsets(place, Ask::LogEnd).offset;
            Event::Marked(refused(marked[0].error_code).map(|()| end))
        }
        Order::Delete { before } => {
            let (code, start) = mirror.delete_records(place, *before);
            Event::Deleted(refused(code).map(|()| start))
        }
        _ => unreachable!("no change"),
    }
}

fn refused(code: ErrorCode) -> Result<(), Trouble> {
    if code.is_none() { Ok(()) } else { Err(Trouble::Refused(code)) }
}

pub(crate) fn failed(order: &Order, trouble: Trouble) -> Event {
    match order {
        Order::Look => Event::Seen(Err(trouble)),
        Order::Bounds => Event::Bounds(Err(trouble)),
        Order::Scan { .. } => Event::Scanned(Err(trouble)),
        Order::Fetch { .. } => Event::Fetched(Err(trouble)),
        Order::Append(append) => Event::Appended { base_offset: append.base_offset, answer: Err(trouble) },
        Order::Mark(_) => Event::Marked(Err(trouble)),
        Order::Delete { .. } => Event::Deleted(Err(trouble)),
        Order::Wake { .. } => Event::Woken,
    }
}

fn lost(event: &Event) -> Event {
    match event {
        Event::Appended { base_offset, .. } => {
            Event::Appended { base_offset: *base_offset, answer: Err(Trouble::Lost) }
        }
        Event::Marked(_) => Event::Marked(Err(Trouble::Lost)),
        _ => Event::Deleted(Err(Trouble::Lost)),
    }
}
