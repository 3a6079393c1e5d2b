//! Places for connections: in all, for each client address, for each zone.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::listener::ListenerShared;

/// Counts of open connections, shared by all listeners.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    addresses: Counter<IpAddr>,
    zones: Counter<String>,
    total: Counter<()>,
}

/// A number of places for each key.
#[derive(Debug)]
struct Counter<K> {
    taken: Mutex<HashMap<K, usize>>,
}

impl<K> Default for Counter<K> {
    fn default() -> Self {
        Self { taken: Mutex::default() }
    }
}

impl<K: Eq + Hash + Clone> Counter<K> {
    fn take(&self, key: &K, limit: usize) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(key.clone()).or_default();
        if *count >= limit {
            return false;
        }
        *count += 1;
        true
    }

    fn give_back(&self, key: &K) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(key);
            }
        }
    }
}

/// A place before TLS and login, by address; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Place {
    /// A place for a connection from `address`; `None` when there is none left.
    pub(crate) fn take(
        admission: &Arc<Admission>,
        address: IpAddr,
        max_total: usize,
        max_per_address: usize,
    ) -> Option<Self> {
        if !admission.total.take(&(), max_total) {
            return None;
        }
        if !admission.addresses.take(&address, max_per_address) {
            admission.total.give_back(&());
            return None;
        }
        Some(Self { admission: Arc::clone(admission), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.total.give_back(&());
        self.admission.addresses.give_back(&self.address);
    }
}

/// A place in a zone, after login; given back when dropped.
#[derive(Debug)]
pub(crate) struct ZonePlace {
    admission: Arc<Admission>,
    zone: String,
}

impl ZonePlace {
    /// A place in the zone of `account`; `None` when there is none left.
    pub(crate) fn take(shared: &ListenerShared, account: &str) -> Option<Self> {
        let zone = account.to_owned();
        let admitted = shared.admission.zones.take(&zone, shared.deadlines.max_connections_per_zone);
        admitted.then(|| Self { admission: Arc::clone(&shared.admission), zone })
    }
}

impl Drop for ZonePlace {
    fn drop(&mut self) {
        self.admission.zones.give_back(&self.zone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_run_out_by_address_and_in_all_and_come_back() {
        let admission = Arc::new(Admission::default());
        let [one, two]: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap()];
        let first = Place::take(&admission, one, 2, 1);
        assert!(first.is_some());
        assert!(Place::take(&admission, one, 2, 1).is_none());
        let second = Place::take(&admission, two, 2, 1);
        assert!(second.is_some());
        assert!(Place::take(&admission, "127.0.0.3".parse().unwrap(), 2, 1).is_none());
        drop(first);
        assert!(Place::take(&admission, one, 2, 1).is_some());
        drop(second);
        assert!(admission.addresses.taken.lock().unwrap().is_empty());
    }
}
