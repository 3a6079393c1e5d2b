//! The gateway as a function: accept, pump, route, reconcile.

pub mod config;
