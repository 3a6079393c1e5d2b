//! What the load tools of `cargo xtask bench` share.
//!
//! Small programs stand on this library: `bare-proxy` (the reference that a gateway is compared
//! with), `null-broker` (canned answers, so that the proxy is the limit) and `load` (raw frames, encoded
//! once, so that the client is not). [`hot`] feeds the criterion benches, the allocation test and the
//! instruction count. For mirrors there are `raw-copier` (the reference) and `logs` (whether a copy is there).

pub mod batch;
pub mod canned;
pub mod copier;
pub mod frame;
pub mod hot;
pub mod load;
pub mod logs;
