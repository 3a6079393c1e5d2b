//! Who calls, and whether they may.

mod failures;
mod last_used;
mod local;
mod presented;

use std::fmt;
use std::net::IpAddr;

use axum::http::HeaderMap;
use tidegate_core::records::{Role, TokenRecord};

pub(crate) use failures::Failures;
pub(crate) use last_used::LastUsed;
pub(crate) use presented::Presented;

use crate::admin::Inner;
use crate::peer::Peer;
use crate::refusal::{Refusal, Shown};
use crate::routes::Needs;

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Who shows a token of the store.
    Tokens,
    /// Whoever reaches the listener, as an admin: for a machine of one's own, on a loopback address and nowhere else.
    AnyoneOnThisMachine,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Who has shown this token.
    Token(Box<TokenRecord>),
    /// Whoever is on this machine.
    Local,
    /// Somebody who asks for what is everybody's.
    Anonymous,
}

impl Caller {
    pub(crate) fn role(&self) -> Option<Role> {
        match self {
            Self::Token(token) => Some(token.role),
            Self::Local => Some(Role::Admin),
            Self::Anonymous => None,
        }
    }
}

/// As the history names them.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token) => write!(f, "token {} ({})", token.id, token.name),
            Self::Local => f.write_str("anyone on this machine"),
            Self::Anonymous => f.write_str("somebody without a token"),
        }
    }
}

const NO_TOKEN: &str =
    "no token came with it; send `Authorization: Bearer TOKEN`, or key and secret as Basic";
/// One text for every cause: whoever guesses learns nothing.
const NO_SUCH_TOKEN: &str =
    "the token does not open: it is unknown, revoked or expired, or not shown as what it is; make a new one";
const STALE: &str =
    "the store cannot be reached, so nobody knows whether the token still opens; try again later";
const HELD_BACK: &str = "too many tokens that do not open came from this address";

/// Says who calls and that they may; who they are is told with the refusal, as far as it is known.
pub(crate) async fn admit(
    admin: &Inner,
    needs: Needs,
    peer: Peer,
    headers: &HeaderMap,
) -> Result<Caller, (Caller, Refusal)> {
    let Needs::Role(needed) = needs else { return Ok(Caller::Anonymous) };
    let caller = match admin.access {
        Access::AnyoneOnThisMachine => local::caller(peer.0, headers),
        Access::Tokens => by_token(admin, peer.counted(), headers).await,
    };
    let caller = caller.map_err(|refusal| (Caller::Anonymous, refusal))?;
    match caller.role() {
        Some(has) if has >= needed => Ok(caller),
        Some(has) => Err((caller, Refusal::Forbidden { needed: Shown(needed), has: Shown(has) })),
        None => Err((caller, Refusal::Unauthenticated(NO_TOKEN))),
    }
}

async fn by_token(admin: &Inner, address: IpAddr, headers: &HeaderMap) -> Result<Caller, Refusal> {
    if admin.failures.is_held_back(address) {
        return Err(Refusal::TooMany(HELD_BACK));
    }
    if admin.store.behind() > admin.limits.store_staleness_max {
        return Err(Refusal::Broken(STALE.to_owned()));
    }
    let token = match Presented::by(headers) {
        Presented::Nothing => return Err(Refusal::Unauthenticated(NO_TOKEN)),
        Presented::Malformed => None,
        Presented::Token(kind, id, secret) => {
            admin.token(&id).filter(|token| token.opens(&secret, admin.now()) && token.kind == kind)
        }
    };
    match token {
        Some(token) => {
            admin.last_used.note(&token.id, admin.now());
            Ok(Caller::Token(Box::new(token)))
        }
        None => {
            admin.failures.wait(address).await;
            Err(Refusal::Unauthenticated(NO_SUCH_TOKEN))
        }
    }
}
