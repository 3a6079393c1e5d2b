//! The driver of cluster links.
//!
//! What a mirror does is decided in `tidegate-link`, without sockets; here it is done. As yet there are the [`calls`]: every
//! request to brokers that this takes.

#![forbid(unsafe_code)]

pub mod calls;
