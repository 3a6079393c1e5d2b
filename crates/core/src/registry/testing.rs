//! Looking at an image in tests.

use ring::rand::SystemRandom;

use super::Registry;
use crate::records::{Moment, Sealing};
use crate::store::{Image, Sealer, SealingKey};

/// Looks at an image, with a key of its own.
pub(super) fn with<T>(image: &Image, now: u64, look: impl FnOnce(&Registry<'_>) -> T) -> T {
    let sealer = Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap());
    let random = SystemRandom::new();
    look(&Registry { image, sealing: Sealing { sealer: &sealer, random: &random }, now: Moment(now) })
}
