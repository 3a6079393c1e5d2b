//! Random numbers of this machine.

use ring::rand::{SecureRandom, SystemRandom};
use tidegate_core::store::{ChangeId, StoreError};

/// An id that no other attempt at a change has.
pub(crate) fn change_id() -> Result<ChangeId, StoreError> {
    bytes().map(ChangeId::from_bytes)
}

/// Bytes that nobody can guess.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError("the machine gives no random bytes".to_owned()))?;
    Ok(bytes)
}
