//! Cluster links without sockets, runtime or clock.
//!
//! A link mirrors topics to another Kafka with every record at its offset. [`source`] tells what the source has at which offsets.
//! Most batches get to the mirror as the bytes that they are, under a new header (`tidegate_wire::stamp`); [`rewrite`] is for
//! those that cannot.

#![forbid(unsafe_code)]

pub mod assign;
pub mod copy;
pub mod rewrite;
pub mod source;
pub mod topic;
pub mod verify;
