//! What is no success, as a failure that says whose fault it is.

use serde::Deserialize;
use ureq::http::StatusCode;

use crate::contexts::{Address, TokenPlace};
use crate::failure::Failure;
use crate::output::on_one_line;

/// The body of every answer of a gateway that is no success.
#[derive(Deserialize)]
struct ErrorBody {
    title: String,
    msg: Option<String>,
    cause: Option<String>,
}

/// An answer that is no success.
pub(super) fn told(address: &Address, place: Option<&TokenPlace>, status: StatusCode, body: &str) -> Failure {
    let Ok(ErrorBody { title, msg, cause }) = serde_json::from_str(body) else {
        return Failure::Refused(format!(
            "{address}: answered {status} as no gateway does; is this the address of its REST, without a proxy in between?"
        ));
    };
    let what = printable(&cause.or(msg).unwrap_or(title));
    match status.as_u16() {
        400 | 422 => Failure::Wrong(what),
        401 => Failure::Refused(format!("{address}: {}", unauthenticated(place, &what))),
        404 => Failure::NotFound(what),
        409 => Failure::Conflict(what),
        429 => Failure::Refused(format!("{address}: {what} (it was tried several times)")),
        500.. => Failure::Refused(format!("{address}: {what} (the fault is the server's)")),
        _ => Failure::Refused(format!("{address}: {what}")),
    }
}

/// There is no connection.
pub(super) fn unreachable(address: &Address, error: &ureq::Error) -> Failure {
    let is_tls = matches!(error, ureq::Error::Rustls(_) | ureq::Error::Tls(_)) || wraps_tls(error);
    let mend = match is_tls {
        true => {
            "name the CA that signed its certificate (`ca` of the context, or TIDEGATE_CA), and the host as the certificate does"
        }
        false => "is the gateway running, and is this where its `admin.bind` listens?",
    };
    Failure::Unreachable(format!("{address}: cannot be reached: {error}; {mend}"))
}

/// The connection broke before the answer was whole.
pub(super) fn lost(address: &Address, method: &str, error: &ureq::Error) -> Failure {
    let known = match method {
        "GET" => "try again",
        "POST" => "whether it was done is not known; look before you try again, or there may be two",
        _ => "whether it was done is not known; try again, which does no harm",
    };
    Failure::Unreachable(format!("{address}: the answer did not come: {error}; {known}"))
}

fn unauthenticated(place: Option<&TokenPlace>, what: &str) -> String {
    match place {
        Some(place) => format!("{what} (token: {place})"),
        None => format!("{what}; give the context a token, or set TIDEGATE_TOKEN beside TIDEGATE_URL"),
    }
}

/// A handshake fails as an error of the socket.
fn wraps_tls(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData)
}

/// One mistake a line, and nothing that moves the cursor.
fn printable(text: &str) -> String {
    text.lines().map(on_one_line).collect::<Vec<_>>().join("\n")
}
