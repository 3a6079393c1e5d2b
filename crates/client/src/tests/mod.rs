//! The client against servers in the same process that speak just enough of the protocol.

mod broker;
mod calls;
mod connecting;
mod logins;
mod questions;
mod tls;
