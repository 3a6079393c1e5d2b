//! Places that are taken and given back, counted by key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// How many places each key has taken.
#[derive(Debug)]
pub(super) struct Places<K> {
    taken: Mutex<HashMap<K, usize>>,
}

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self { taken: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// One more place for `key`; `None` when it has `limit` of them.
    pub(super) fn take(self: &Arc<Self>, key: &K, limit: usize) -> Option<Taken<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(key) {
            Some(count) if *count >= limit => return None,
            Some(count) => *count += 1,
            None if limit == 0 => return None,
            None => _ = taken.insert(key.clone(), 1),
        }
        Some(Taken { places: Arc::clone(self), key: key.clone() })
    }

    /// Places that `key` has taken.
    pub(super) fn count(&self, key: &K) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied().unwrap_or_default()
    }
}

/// A place; given back when dropped.
#[derive(Debug)]
pub(super) struct Taken<K: Eq + Hash> {
    places: Arc<Places<K>>,
    key: K,
}

impl<K: Eq + Hash> Drop for Taken<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_run_out_for_each_key_and_leave_nothing_behind() {
        let places = Arc::new(Places::default());
        let (first, second) = (places.take(&'a', 2), places.take(&'a', 2));
        assert!(first.is_some() && second.is_some());
        assert!(places.take(&'a', 2).is_none());
        assert!(places.take(&'b', 2).is_some());
        assert!(places.take(&'c', 0).is_none());
        drop(first);
        assert_eq!(places.count(&'a'), 1);
        drop(second);
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
