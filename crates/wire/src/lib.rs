//! Kafka bytes to typed frames and back, without sockets, runtime or clock.
//!
//! The order in which bytes meet the modules:
//!
//! 1. [`frame`] cuts a byte stream into frames, under the size limit of the connection's state;
//! 2. [`header`] reads who sent what under which version, without touching the body;
//! 3. [`guard`] walks the body along the message's schema, so that no length from the wire ever sizes
//!    an allocation and no byte is left that a second parser could read in another way;
//! 4. [`codec`] hands the guarded body to the schema-generated codec crate;
//! 5. [`produce`] and [`fetch`] replace 3 and 4 where record batches travel: they rewrite the envelope
//!    around the records and never copy a record byte.
//!
//! [`sasl`] holds the server and client state machines of a login, [`group_blob`] the opaque bytes of
//! the classic group protocol, [`batch`] the 61-byte header of a record batch.

#![forbid(unsafe_code)]

pub mod api;
pub mod batch;
pub mod codec;
pub mod error_code;
pub mod fetch;
pub mod frame;
pub mod group_blob;
pub mod guard;
pub mod header;
pub mod produce;
pub mod reader;
pub mod sasl;
pub mod topic;

pub use bytes::{Bytes, BytesMut};
/// The schema-generated message types; every decode goes through [`codec`].
pub use kafka_protocol::messages;
/// Text inside these types.
pub use kafka_protocol::protocol::StrBytes;
