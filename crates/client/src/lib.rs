//! The Kafka client that gateway, store, mirror and command line share: raw frames, one request at a time, or several of
//! one API in a pipe.
//!
//! [`connect()`] dials a broker, speaks TLS and SASL as [`ConnectOptions`] say, asks for its ApiVersions and
//! yields a [`Connection`]. On that, [`Connection::call`] sends one request and reads its answer;
//! [`metadata::fetch`] and [`coordinator::find_group`] wrap the two questions everybody has. The gateway
//! takes the [`Stream`] out again ([`Connection::into_parts`]) and pumps frames itself. [`Connection::into_pipe`] keeps
//! several requests on their way, whose parts are written as they lie.
//!
//! There is no pool and no retry here: an error says whether to try again, and the caller decides when.
//! A connection that failed once is poisoned and answers no further call.
//!
//! ```no_run
//! use tidegate_client::{ConnectOptions, Endpoint, Security, connect, metadata};
//!
//! # async fn look() -> Result<(), Box<dyn std::error::Error>> {
//! let broker: Endpoint = "localhost:9092".parse()?;
//! let mut connection = connect(&broker, &ConnectOptions::new("my-tool", Security::plaintext())).await?;
//! for topic in metadata::fetch(&mut connection, &["orders"]).await?.topics {
//!     println!("{} has {} partitions, {}", topic.name, topic.partitions.len(), topic.error);
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod bearer;
mod connect;
mod connection;
pub mod coordinator;
mod dial;
mod endpoint;
mod error;
mod login;
pub mod metadata;
mod pipe;
mod receive;
mod security;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod versions;

pub use bearer::{
    ClientCredentials, FixedToken, MAX_TOKEN_BYTES, Obtaining, SecureUrl, TokenEndpoint, TokenError,
    TokenFile, TokenSource, UrlError,
};
pub use connect::{ConnectOptions, connect, connect_as};
pub use connection::{Connection, ConnectionParts};
pub use endpoint::{Endpoint, EndpointError};
pub use error::{
    AskError, CallError, CallFailure, ConnectError, ConnectFailure, ConnectStep, Fault, is_retriable,
    printable,
};
pub use login::TOKEN_TIMEOUT;
pub use pipe::{PipeAnswers, PipeSender};
pub use security::{SaslLogin, Security, Transport};
pub use stream::Stream;
pub use tls::{Tls, TlsError, TlsOptions};
pub use versions::ApiVersions;
