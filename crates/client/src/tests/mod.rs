//! The client against servers in the same process that speak just enough of the protocol.

mod bearer;
mod broker;
mod calls;
mod connecting;
mod logins;
mod pipes;
mod questions;
mod tls;
mod token_endpoint;
