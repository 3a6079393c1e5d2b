//! Which gateway is meant: a context of the file, or what the environment says.

mod address;
mod choose;
mod command;
mod file;
mod read;
mod token;

pub(crate) use address::Address;
pub(crate) use choose::choose;
pub(crate) use command::Command;
pub(crate) use file::ContextName;
pub(crate) use token::TokenPlace;

use std::path::PathBuf;

/// A gateway, and how to enter it.
#[derive(Debug, Clone)]
pub(crate) struct Gateway {
    /// Where its operators' REST is.
    pub(crate) address: Address,
    /// Where the token is; none for a gateway that asks for none.
    pub(crate) token: Option<TokenPlace>,
    /// The certificates to believe in place of the usual ones.
    pub(crate) ca: Option<PathBuf>,
}
