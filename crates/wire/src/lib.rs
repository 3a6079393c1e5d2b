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
//! the classic group protocol, [`batch`] the 61-byte header of a record batch, [`record`] the records of those that are ours.
//! [`stamp`] makes a batch ready for another log, [`filler`] makes, knows and hides what takes the offsets between batches there.
//!
//! ```
//! use tidegate_wire::frame::{EnvelopeWriter, FrameLimits, next_frame};
//! use tidegate_wire::header::{self, Request};
//! use tidegate_wire::messages::{ApiKey, HeartbeatRequest};
//! use tidegate_wire::{BytesMut, codec};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A request as a client writes it.
//! let mut out = EnvelopeWriter::with_capacity(64, 0);
//! header::write_request(out.buffer(), ApiKey::Heartbeat, 4, 7, "app");
//! codec::encode(&HeartbeatRequest::default().with_generation_id(3), 4, out.buffer())?;
//! let mut received = BytesMut::from(&out.finish().joined()[..]);
//!
//! // And as it is read: a frame, its header, the guarded body.
//! let frame = next_frame(&mut received, FrameLimits::uniform(1024))?.ok_or("not there whole")?;
//! let request = Request::parse(frame.freeze())?;
//! let heartbeat: HeartbeatRequest = codec::decode(request.version, &request.body)?;
//! assert_eq!((request.correlation_id, heartbeat.generation_id), (7, 3));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod api;
pub mod batch;
pub mod codec;
pub mod crc;
pub mod error_code;
pub mod fetch;
pub mod filler;
pub mod frame;
pub mod group_blob;
pub mod guard;
pub mod header;
pub mod produce;
pub mod reader;
pub mod record;
pub mod sasl;
pub mod stamp;
pub mod topic;

pub use bytes::{Bytes, BytesMut};
/// The schema-generated message types; every decode goes through [`codec`].
pub use kafka_protocol::messages;
/// Text inside these types.
pub use kafka_protocol::protocol::StrBytes;
