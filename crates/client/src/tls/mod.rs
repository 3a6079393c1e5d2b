//! TLS towards brokers, made of PEM text as Kafka's `ssl.*` options describe it.

mod options;
mod verifier;

pub(crate) use options::authorities;
pub use options::{Tls, TlsError, TlsOptions};
