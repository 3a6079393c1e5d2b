//! Memory for frames under way: for each zone in each direction, and in all.
//!
//! A frame is whole before it is rewritten, so a thousand slow readers of 50 MiB answers would hold 50 GiB. Before the
//! body of a larger frame is read, its announced size is taken from the zone's budget; until there is room, nothing is
//! read and TCP tells the sender. The room is given back with the last byte of the frame: it is tied to the buffer
//! itself ([`Hold::tie`]), so it does not matter where its slices go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tidegate_core::ZoneId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;

/// Frames up to this size are not counted: in-flight limits bound how many of them a connection may hold.
pub(crate) const FREE_FRAME: usize = 16 * 1024;

/// What one permit stands for, so that any budget fits their number.
const UNIT: usize = 1_024;

/// The budgets of all zones.
#[derive(Debug)]
pub(crate) struct Budgets {
    requests: usize,
    answers: usize,
    total: Arc<Semaphore>,
    zones: Mutex<HashMap<ZoneId, Weak<ZoneBudget>>>,
}

/// The budget of one zone, shared by its connections.
#[derive(Debug)]
pub(crate) struct ZoneBudget {
    /// For frames from clients.
    pub(crate) requests: Budget,
    /// For frames from brokers.
    pub(crate) answers: Budget,
}

/// A number of bytes for one direction, and one frame besides that a zone may always have: others who fill all memory
/// there is cannot stop it.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    always: Arc<Semaphore>,
    zone: Arc<Semaphore>,
    units: usize,
    total: Arc<Semaphore>,
}

/// Room that was taken; given back when dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    _zone: OwnedSemaphorePermit,
    _total: Option<OwnedSemaphorePermit>,
}

impl Budgets {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            requests: limits.max_request_bytes_per_zone,
            answers: limits.max_answer_bytes_per_zone,
            total: Arc::new(Semaphore::new(units(limits.max_buffered_bytes))),
            zones: Mutex::default(),
        }
    }

    /// The budget of a zone; forgotten with its last connection.
    pub(crate) fn zone(&self, zone: ZoneId) -> Arc<ZoneBudget> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = zones.get(&zone).and_then(Weak::upgrade) {
            return known;
        }
        zones.retain(|_, budget| budget.strong_count() > 0);
        let budget = ZoneBudget { requests: self.budget(self.requests), answers: self.budget(self.answers) };
        let budget = Arc::new(budget);
        zones.insert(zone, Arc::downgrade(&budget));
        budget
    }

    fn budget(&self, bytes: usize) -> Budget {
        let units = units(bytes);
        Budget {
            always: Arc::new(Semaphore::new(1)),
            zone: Arc::new(Semaphore::new(units)),
            units,
            total: Arc::clone(&self.total),
        }
    }
}

impl Budget {
    /// Room for a frame, if there is any at once.
    pub(crate) fn try_take(&self, bytes: usize) -> Option<Hold> {
        if let Ok(always) = Arc::clone(&self.always).try_acquire_owned() {
            return Some(Hold { _zone: always, _total: None });
        }
        let units = self.permits(bytes);
        let zone = Arc::clone(&self.zone).try_acquire_many_owned(units).ok()?;
        let total = Arc::clone(&self.total).try_acquire_many_owned(units).ok()?;
        Some(Hold { _zone: zone, _total: Some(total) })
    }

    /// Room for a frame once there is some, in the order of asking. `None` never comes: no budget is closed.
    pub(crate) async fn take(self, bytes: usize) -> Option<Hold> {
        let units = self.permits(bytes);
        let counted = async {
            let zone = self.zone.acquire_many_owned(units).await.ok()?;
            let total = self.total.acquire_many_owned(units).await.ok()?;
            Some(Hold { _zone: zone, _total: Some(total) })
        };
        tokio::select! {
            biased;
            always = self.always.acquire_owned() => always.ok().map(|always| Hold { _zone: always, _total: None }),
            counted = counted => counted,
        }
    }

    /// A frame larger than the budget takes all of it.
    fn permits(&self, bytes: usize) -> u32 {
        u32::try_from(units(bytes).min(self.units)).unwrap_or(u32::MAX)
    }
}

impl Hold {
    /// The frame, which gives the room back when the last slice of it is gone.
    pub(crate) fn tie(self, frame: Bytes) -> Bytes {
        Bytes::from_owner(Tied { frame, _hold: self })
    }
}

struct Tied {
    frame: Bytes,
    _hold: Hold,
}

impl AsRef<[u8]> for Tied {
    fn as_ref(&self) -> &[u8] {
        &self.frame
    }
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS).min(u32::MAX as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn budgets(zone: usize, total: usize) -> Budgets {
        Budgets::new(&Limits {
            max_request_bytes_per_zone: zone,
            max_answer_bytes_per_zone: zone,
            max_buffered_bytes: total,
            ..Limits::default()
        })
    }

    fn zone(number: u8) -> ZoneId {
        tidegate_core::RootKey::from_bytes([number; 32])
            .zone_id(&tidegate_core::ZoneName::parse("zone").unwrap())
    }

    #[test]
    fn room_runs_out_by_zone_and_comes_back_with_the_last_slice() {
        let budgets = budgets(MIB, 100 * MIB);
        let (one, two) = (budgets.zone(zone(1)), budgets.zone(zone(2)));
        let _always = one.answers.try_take(50 * MIB).unwrap();
        let frame = one.answers.try_take(MIB).unwrap().tie(Bytes::from(vec![7; MIB]));
        assert!(one.answers.try_take(MIB).is_none());
        assert!(one.requests.try_take(MIB).is_some() && two.answers.try_take(MIB).is_some());
        let slice = frame.slice(MIB - 1..);
        drop(frame);
        assert!(one.answers.try_take(MIB).is_none());
        assert_eq!(&slice[..], [7]);
        drop(slice);
        assert!(one.answers.try_take(MIB).is_some());
    }

    #[test]
    fn others_who_fill_all_memory_leave_a_zone_one_frame() {
        let budgets = budgets(10 * MIB, 10 * MIB);
        let (greedy, quiet) = (budgets.zone(zone(1)), budgets.zone(zone(2)));
        let _all = (greedy.answers.try_take(MIB).unwrap(), greedy.answers.try_take(10 * MIB).unwrap());
        let one = quiet.answers.try_take(MIB).unwrap();
        assert!(quiet.answers.try_take(MIB).is_none());
        drop(one);
        assert!(quiet.answers.try_take(MIB).is_some());
    }

    #[tokio::test]
    async fn who_waits_is_served_when_any_room_comes_back() {
        let budgets = budgets(2 * MIB, 100 * MIB);
        let one = budgets.zone(zone(1));
        let always = one.answers.try_take(MIB).unwrap();
        let counted = one.answers.try_take(50 * MIB).unwrap();
        let mut kept = Vec::new();
        for held in [always, counted] {
            let waiting = tokio::spawn(one.answers.clone().take(MIB));
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            drop(held);
            kept.push(waiting.await.unwrap().unwrap());
        }
    }

    #[test]
    fn a_zone_without_connections_is_forgotten() {
        let budgets = budgets(MIB, MIB);
        drop(budgets.zone(zone(1)));
        let _kept = budgets.zone(zone(2));
        assert_eq!(budgets.zones.lock().unwrap().len(), 1);
    }
}
