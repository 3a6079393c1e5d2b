//! How many different groups and transactional ids a zone uses.
//!
//! Each costs its coordinator memory and a log entry that stays for days, and a partner can make up as many as it likes.
//! What was not used for [`FORGOTTEN_AFTER_S`] is not counted any more, and after a restart nothing is: the cap keeps
//! a partner from making many at once, it is no ledger of what brokers hold.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tidegate_core::facts::Timestamp;

/// Long enough for a cap to mean something, short enough for a partner who reached it to go on within the hour.
pub const FORGOTTEN_AFTER_S: u64 = 3_600;

/// Looking for what is forgotten costs time that grows with the cap.
const SWEEP_EVERY_S: u64 = 10;

/// The names of one kind that a zone has used lately.
#[derive(Debug, Default)]
pub struct Uses {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    last: HashMap<String, Timestamp>,
    swept: Timestamp,
}

impl Uses {
    /// Notes a use, unless it would be that of one name too many.
    pub fn admit(&self, name: &str, most: usize, now: Timestamp) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = held.last.get_mut(name) {
            *last = now;
            return true;
        }
        if held.last.len() >= most {
            held.sweep(now);
        }
        let admitted = held.last.len() < most;
        if admitted {
            held.last.insert(name.to_owned(), now);
        }
        admitted
    }
}

impl Held {
    fn sweep(&mut self, now: Timestamp) {
        if now.since(self.swept) >= SWEEP_EVERY_S || now < self.swept {
            self.swept = now;
            self.last.retain(|_, last| now.since(*last) < FORGOTTEN_AFTER_S);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_use_stays_and_one_too_many_waits_until_another_is_forgotten() {
        let uses = Uses::default();
        assert!(uses.admit("a", 2, Timestamp(100)) && uses.admit("b", 2, Timestamp(100)));
        assert!(!uses.admit("c", 2, Timestamp(200)));
        assert!(uses.admit("a", 2, Timestamp(3_000)));
        assert!(!uses.admit("c", 2, Timestamp(3_000)));
        assert!(uses.admit("c", 2, Timestamp(3_700)), "b was not used for an hour");
        assert!(!uses.admit("b", 2, Timestamp(3_800)), "a and c are in use");
    }
}
