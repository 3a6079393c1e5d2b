//! One request, sent again where that does no harm.

use std::cell::Cell;
use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use secrecy::ExposeSecret;
use ureq::Body;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use ureq::http::{self, Response};

use super::{Rest, refusal};
use crate::failure::Failure;

/// Pauses before a request is sent again: a gateway that is busy or starts anew is there within four seconds, or is not
/// for a while.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1_000),
    Duration::from_millis(2_000),
];

/// Longest pause that a server may ask for; whoever shall wait longer should know.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Bytes of an answer: ten thousand zones with ten topics each are about 20 MB.
const ANSWER_MAX: u64 = 64 * 1024 * 1024;

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Done twice is the same as done once.
    Always,
    /// Each time makes something new: only if the server says that it did not even begin.
    IfNothingWasDone,
}

/// What is asked for.
pub(super) struct Request {
    method: &'static str,
    path: String,
    body: Option<String>,
    again: Again,
    /// Whether it was sent before without a clear no for an answer.
    may_be_done: Cell<bool>,
}

/// An answer that is a success.
pub(super) struct Answer {
    pub(super) text: String,
}

/// What came of sending it once.
enum Sent {
    Answer(Response<Body>),
    /// The connection was lost after something had been sent.
    Lost(ureq::Error),
}

impl Request {
    pub(super) fn new(method: &'static str, path: &str, body: Option<String>, again: Again) -> Self {
        Self { method, path: path.to_owned(), body, again, may_be_done: Cell::new(false) }
    }

    pub(super) fn get(path: &str) -> Self {
        Self::new("GET", path, None, Again::Always)
    }

    /// Whether an attempt before the last one may have been done although nobody heard of it.
    pub(super) fn may_be_done(&self) -> bool {
        self.may_be_done.get()
    }

    fn may_be_sent_again(&self, sent: &Sent) -> bool {
        match sent {
            // It is refused before anything is looked at.
            Sent::Answer(answer) if answer.status().as_u16() == 429 => true,
            Sent::Answer(answer) => answer.status().is_server_error() && self.again == Again::Always,
            Sent::Lost(_) => self.again == Again::Always,
        }
    }
}

impl Rest {
    /// Asks, again where that does no harm, and gives the answer if it is a success.
    pub(super) fn call(&self, request: &Request) -> Result<Answer, Failure> {
        let mut pauses = PAUSES.iter();
        loop {
            let sent = self.send(request)?;
            let pause = pauses.next().filter(|_| request.may_be_sent_again(&sent));
            let Some(pause) = pause else { return self.outcome(request, sent) };
            request.may_be_done.set(request.may_be_done() || !is_refused_unread(&sent));
            thread::sleep(asked_for(&sent).unwrap_or_default().clamp(*pause, PAUSE_MAX));
        }
    }

    fn send(&self, request: &Request) -> Result<Sent, Failure> {
        let mut head = http::Request::builder().method(request.method).uri(self.address.join(&request.path));
        if let Some(token) = &self.token {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
            let mut value =
                value.map_err(|_| Failure::Wrong("the token does not fit into a header".to_owned()))?;
            value.set_sensitive(true);
            head = head.header(AUTHORIZATION, value);
        }
        let built = |error: http::Error| Failure::Wrong(format!("{}: {error}", self.address));
        let sent = match &request.body {
            None => self.agent.run(head.body(()).map_err(built)?),
            Some(body) => {
                let head = head.header(CONTENT_TYPE, "application/json");
                self.agent.run(head.body(body).map_err(built)?)
            }
        };
        match sent {
            Ok(answer) => Ok(Sent::Answer(answer)),
            Err(error) if is_lost(&error) => Ok(Sent::Lost(error)),
            Err(error) => Err(refusal::unreachable(&self.address, &error)),
        }
    }

    fn outcome(&self, request: &Request, sent: Sent) -> Result<Answer, Failure> {
        let mut answer = match sent {
            Sent::Answer(answer) => answer,
            Sent::Lost(error) => return Err(refusal::lost(&self.address, request.method, &error)),
        };
        let text = answer.body_mut().with_config().limit(ANSWER_MAX).read_to_string();
        let text = text.map_err(|error| refusal::lost(&self.address, request.method, &error))?;
        match answer.status().is_success() {
            true => Ok(Answer { text }),
            false => Err(refusal::told(&self.address, self.place.as_ref(), answer.status(), &text)),
        }
    }
}

/// Whether the server says that it did not begin.
fn is_refused_unread(sent: &Sent) -> bool {
    matches!(sent, Sent::Answer(answer) if answer.status().as_u16() == 429)
}

/// How long the server wants to be left alone.
fn asked_for(sent: &Sent) -> Option<Duration> {
    let Sent::Answer(answer) = sent else { return None };
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Whether there was a connection and it went away: a gateway closes one that is old, also while a request is on its way.
fn is_lost(error: &ureq::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        ureq::Error::Io(error) => {
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        }
        _ => false,
    }
}
