//! The four messages of SCRAM (RFC 5802 section 7).
//!
//! Attributes are split at commas and read in their fixed order; a value is never searched for, so an
//! attribute that hides inside another one is not found.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::sasl::{MAX_MESSAGE_BYTES, MAX_USER_BYTES, Rejection};

const MAX_NONCE_CHARS: usize = 256;

/// `client-first-message`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFirst<'a> {
    pub(super) user: String,
    pub(super) nonce: &'a str,
    /// The channel-binding flag and authorization id, with the closing comma; comes back in `c=`.
    pub(super) gs2_header: &'a str,
    /// The rest of the message, which enters the proof.
    pub(super) bare: &'a str,
}

impl<'a> ClientFirst<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Rejection> {
        let text = text(message)?;
        let (flag, rest) = text.split_once(',').ok_or(malformed("no GS2 header"))?;
        match flag {
            "n" | "y" => {}
            _ if flag.starts_with("p=") => return Err(Rejection::ChannelBinding),
            _ => return Err(malformed("unknown channel-binding flag")),
        }
        let (authzid, bare) = rest.split_once(',').ok_or(malformed("no GS2 header"))?;
        let gs2_header = text.get(..text.len() - bare.len()).unwrap_or_default();

        let mut attributes = bare.split(',');
        let user = attributes.next().ok_or(malformed("no user"))?;
        if user.starts_with("m=") {
            return Err(Rejection::MandatoryExtension);
        }
        let user = unescape(user.strip_prefix("n=").ok_or(malformed("no user"))?)?;
        let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r="));
        let nonce = checked_nonce(nonce.ok_or(malformed("no nonce"))?).ok_or(malformed("bad nonce"))?;
        refuse_extensions(attributes)?;
        if !authzid.is_empty() {
            let authzid = authzid.strip_prefix("a=").ok_or(malformed("bad authorization id"))?;
            if unescape(authzid)? != user {
                return Err(Rejection::OtherAuthorizationId);
            }
        }
        Ok(Self { user, nonce, gs2_header, bare })
    }
}

/// `client-final-message`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFinal<'a> {
    pub(super) channel_binding: Vec<u8>,
    pub(super) nonce: &'a str,
    pub(super) proof: Vec<u8>,
    /// The message up to its proof, which enters the proof.
    pub(super) without_proof: &'a str,
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Rejection> {
        let (without_proof, proof) = text(message)?.rsplit_once(",p=").ok_or(malformed("no proof"))?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|binding| binding.strip_prefix("c="));
        let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r="));
        refuse_extensions(attributes)?;
        Ok(Self {
            channel_binding: binding.and_then(decode).ok_or(malformed("no channel binding"))?,
            nonce: nonce.ok_or(malformed("no nonce"))?,
            proof: decode(proof).ok_or(malformed("proof is not base64"))?,
            without_proof,
        })
    }
}

/// `server-first-message`, as the client reads it; `None` is malformed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerFirst<'a> {
    pub(super) nonce: &'a str,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    pub(super) fn parse(message: &'a str) -> Option<Self> {
        let mut attributes = message.split(',');
        Some(Self {
            nonce: checked_nonce(attributes.next()?.strip_prefix("r=")?)?,
            salt: decode(attributes.next()?.strip_prefix("s=")?)?,
            iterations: attributes.next()?.strip_prefix("i=")?.parse().ok()?,
        })
    }
}

/// Base64 with padding, as every value of SCRAM has it.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The reverse of [`encode`].
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Writes a user name as `saslname`.
pub(super) fn escape(user: &str) -> String {
    user.replace('=', "=3D").replace(',', "=2C")
}

/// Reads a `saslname`; `=` stands only before `2C` and `3D`.
pub(in crate::sasl) fn unescape(name: &str) -> Result<String, Rejection> {
    let mut pieces = name.split('=');
    let mut user = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (plain, rest) = match (piece.strip_prefix("2C"), piece.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(malformed("bad escape in a name")),
        };
        user.push(plain);
        user.push_str(rest);
    }
    if user.is_empty() || user.contains('\0') {
        return Err(malformed("empty name or NUL in a name"));
    }
    if user.len() > MAX_USER_BYTES {
        return Err(Rejection::TooLong);
    }
    Ok(user)
}

fn text(message: &[u8]) -> Result<&str, Rejection> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(Rejection::TooLong);
    }
    std::str::from_utf8(message).map_err(|_| malformed("not UTF-8"))
}

/// Printable ASCII without comma and space, of a sane length.
fn checked_nonce(nonce: &str) -> Option<&str> {
    let fits = (1..=MAX_NONCE_CHARS).contains(&nonce.len());
    (fits && nonce.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')).then_some(nonce)
}

/// Optional extensions are passed over, as the RFC asks; those that change the meaning are refused.
fn refuse_extensions<'a>(extensions: impl Iterator<Item = &'a str>) -> Result<(), Rejection> {
    for extension in extensions {
        match extension.split_once('=') {
            Some(("m", _)) => return Err(Rejection::MandatoryExtension),
            Some(("tokenauth", value)) if value.eq_ignore_ascii_case("true") => {
                return Err(Rejection::DelegationToken);
            }
            Some((name, _)) if name.starts_with(|first: char| first.is_ascii_alphabetic()) => {}
            _ => return Err(malformed("bad extension")),
        }
    }
    Ok(())
}

fn malformed(what: &'static str) -> Rejection {
    Rejection::Malformed { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(message: &str) -> Result<ClientFirst<'_>, Rejection> {
        ClientFirst::parse(message.as_bytes())
    }

    #[test]
    fn the_first_message_is_cut_where_the_proof_needs_it() {
        let parsed = first("y,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=abc,x=1").unwrap();
        assert_eq!(parsed.user, "a,b=c");
        assert_eq!(parsed.nonce, "abc");
        assert_eq!(parsed.gs2_header, "y,a=a=2Cb=3Dc,");
        assert_eq!(parsed.bare, "n=a=2Cb=3Dc,r=abc,x=1");
    }

    #[test]
    fn what_a_client_may_not_ask_for_is_refused() {
        assert_eq!(first("p=tls-unique,,n=ann,r=abc"), Err(Rejection::ChannelBinding));
        assert_eq!(first("n,a=root,n=ann,r=abc"), Err(Rejection::OtherAuthorizationId));
        assert_eq!(first("n,,m=1,n=ann,r=abc"), Err(Rejection::MandatoryExtension));
        assert_eq!(first("n,,n=ann,r=abc,m=1"), Err(Rejection::MandatoryExtension));
        assert_eq!(first("n,,n=ann,r=abc,tokenauth=true"), Err(Rejection::DelegationToken));
        assert_eq!(first("n,,n=ann,r=abc,tokenauth=TRUE"), Err(Rejection::DelegationToken));
    }

    #[test]
    fn malformed_first_messages_are_refused() {
        for message in [
            "",
            "n",
            "n,",
            "n,,",
            "x,,n=ann,r=abc",
            "n,root,n=ann,r=abc",
            "n,,ann,r=abc",
            "n,,n=,r=abc",
            "n,,n=ann",
            "n,,n=ann,r=",
            "n,,n=ann,r=a b",
            "n,,n=ann,r=\u{e9}",
            "n,,r=abc,n=ann",
            "n,,n=a=2cb,r=abc",
            "n,,n=a=,r=abc",
            "n,,n=a\0b,r=abc",
            "n,,n=ann,r=abc,",
            "n,,n=ann,r=abc,=1",
        ] {
            assert!(matches!(first(message), Err(Rejection::Malformed { .. })), "{message:?}");
        }
        assert!(matches!(ClientFirst::parse(b"n,,n=\xff,r=abc"), Err(Rejection::Malformed { .. })));
    }

    #[test]
    fn long_messages_users_and_nonces_are_refused() {
        assert_eq!(ClientFirst::parse(&[b'n'; MAX_MESSAGE_BYTES + 1]), Err(Rejection::TooLong));
        assert_eq!(ClientFinal::parse(&[b'c'; MAX_MESSAGE_BYTES + 1]), Err(Rejection::TooLong));
        let user = "u".repeat(MAX_USER_BYTES + 1);
        assert_eq!(first(&format!("n,,n={user},r=abc")), Err(Rejection::TooLong));
        let nonce = "r".repeat(MAX_NONCE_CHARS + 1);
        assert_eq!(first(&format!("n,,n=ann,r={nonce}")), Err(malformed("bad nonce")));
    }

    #[test]
    fn malformed_final_messages_are_refused() {
        for message in
            ["", "c=biws,r=abc", "p=AA==", "r=abc,c=biws,p=AA==", "c=biws,p=AA==", "c=?,r=a,p=AA=="]
        {
            let parsed = ClientFinal::parse(message.as_bytes());
            assert!(matches!(parsed, Err(Rejection::Malformed { .. })), "{message:?}");
        }
        let parsed = ClientFinal::parse(b"c=biws,r=abc,p=no base64");
        assert_eq!(parsed, Err(malformed("proof is not base64")));
    }

    #[test]
    fn malformed_server_messages_are_none() {
        assert!(ServerFirst::parse("r=abc,s=AA==,i=4096,x=1").is_some());
        for message in
            ["", "r=abc", "r=abc,s=AA==", "r=abc,s=?,i=4096", "r=abc,s=AA==,i=x", "m=1,r=a,s=AA==,i=1"]
        {
            assert_eq!(ServerFirst::parse(message), None, "{message:?}");
        }
    }

    #[test]
    fn names_survive_escaping() {
        for user in ["a,b", "=", ",", "=2C", "Zoë,=3D"] {
            assert_eq!(unescape(&escape(user)).as_deref(), Ok(user));
        }
    }
}
