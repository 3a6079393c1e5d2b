//! Random numbers of this machine.

use ring::rand::{SecureRandom, SystemRandom};
use tidegate_core::store::{ChangeId, StoreError};

/// An id that no other attempt at a change has.
pub(crate) fn change_id() -> Result<ChangeId, StoreError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError("the machine gives no random bytes".to_owned()))?;
    Ok(ChangeId::from_bytes(bytes))
}
