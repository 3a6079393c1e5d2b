//! How much of a source is in memory at once, over all partitions of a link.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that may be held. What was fetched counts until its last slice is gone.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    all: usize,
    left: Arc<Semaphore>,
}

/// Permits are counted in these, since a semaphore has 32 bits of them at once.
const UNIT: usize = 1_024;

/// Room that was taken.
#[derive(Debug)]
pub(crate) struct Room(OwnedSemaphorePermit);

/// Bytes with the room that they take.
struct Held {
    bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let all = bytes.div_ceil(UNIT);
        Self { all, left: Arc::new(Semaphore::new(all)) }
    }

    /// Waits for room, of all that there is at most. Whoever asks first has it first.
    pub(crate) async fn room(&self, bytes: usize) -> Option<Room> {
        let units = u32::try_from(bytes.div_ceil(UNIT).min(self.all)).unwrap_or(u32::MAX);
        Arc::clone(&self.left).acquire_many_owned(units).await.ok().map(Room)
    }
}

impl Room {
    /// Gives these bytes their part of the room. What is larger than the room, as a first batch may be, has all of it.
    pub(crate) fn hold(&mut self, bytes: Bytes) -> Bytes {
        if bytes.is_empty() {
            return bytes;
        }
        let units = bytes.len().div_ceil(UNIT).min(self.0.num_permits());
        Bytes::from_owner(Held { bytes, _room: self.0.split(units) })
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn room_comes_back_with_the_last_slice() {
        let budget = Budget::new(10 * UNIT);
        let mut room = budget.room(10 * UNIT).await.unwrap();
        let held = room.hold(Bytes::from(vec![1; 3 * UNIT]));
        drop(room);
        assert_eq!(budget.left.available_permits(), 7);
        let slice = held.slice(5..9);
        drop(held);
        assert_eq!(budget.left.available_permits(), 7);
        drop(slice);
        assert_eq!(budget.left.available_permits(), 10);
    }

    #[tokio::test]
    async fn what_is_larger_than_its_room_has_all_of_it() {
        let budget = Budget::new(2 * UNIT);
        let mut room = budget.room(2 * UNIT).await.unwrap();
        let large = room.hold(Bytes::from(vec![1; 9 * UNIT]));
        assert_eq!((large.len(), budget.left.available_permits()), (9 * UNIT, 0));
        drop((large, room));
        assert_eq!(budget.left.available_permits(), 2);
    }
}
