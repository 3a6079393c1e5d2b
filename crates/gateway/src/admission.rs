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

impl Admission {
    /// Connections open now.
    pub(crate) fn open(&self) -> usize {
        let taken = self.total.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.get(&()).copied().unwrap_or_default()
    }
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

/// A place of a connection whose client is not known yet; given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    admission: Arc<Admission>,
}

impl Seat {
    /// A place in all; `None` when there is none left.
    pub(crate) fn take(admission: &Arc<Admission>, max_total: usize) -> Option<Self> {
        let admitted = admission.total.take(&(), max_total);
        admitted.then(|| Self { admission: Arc::clone(admission) })
    }

    /// The place of the client at `address`, before TLS and login; `None` when its address has none left.
    pub(crate) fn of_client(self, address: IpAddr, max_per_address: usize) -> Option<Place> {
        let admitted = self.admission.addresses.take(&address, max_per_address);
        admitted.then(|| Place { seat: self, address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.admission.total.give_back(&());
    }
}

/// A place before TLS and login, by address; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    seat: Seat,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.seat.admission.addresses.give_back(&self.address);
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
        let take = |address| Seat::take(&admission, 2)?.of_client(address, 1);
        let first = take(one);
        assert!(first.is_some());
        assert!(take(one).is_none());
        let second = take(two);
        assert!(second.is_some());
        assert!(Seat::take(&admission, 2).is_none());
        drop(first);
        assert!(take(one).is_some());
        drop(second);
        assert!(admission.addresses.taken.lock().unwrap().is_empty());
    }
}
