//! One request from its headers to its answer: rate, caller and right, body, and only then what is asked for.

use std::error::Error;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use tokio::time::{Instant, timeout};

use crate::admin::Inner;
use crate::auth::{self, Caller};
use crate::peer::Peer;
use crate::refusal::Refusal;
use crate::routes::{Operation, Route};
use crate::{openapi, tokens, zones};

/// A call that may be done.
pub(crate) struct Call {
    pub(crate) admin: Arc<Inner>,
    pub(crate) caller: Caller,
    pub(crate) peer: Peer,
    /// What stands in the path for a name or an id.
    pub(crate) subject: String,
    /// What stands there for something of it, where the path has such a place.
    pub(crate) item: String,
    /// What stands behind `?`.
    pub(crate) query: String,
}

impl Call {
    /// Who calls and from where, for the history.
    pub(crate) fn who(&self) -> String {
        who(&self.caller, self.peer)
    }
}

pub(crate) async fn serve(
    admin: Arc<Inner>,
    route: &'static Route,
    peer: Peer,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response {
    let answer = answer(admin, route, peer, path, request).await;
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    // Passwords and tokens are among the answers.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(
    admin: Arc<Inner>,
    route: &'static Route,
    peer: Peer,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    take_one(&admin, peer)?;
    let admitted = auth::admit(&admin, route.needs, peer, request.headers()).await;
    let caller = admitted.map_err(|(caller, refusal)| {
        // That the store fails is no act of the caller's.
        if !matches!(refusal, Refusal::Broken(_)) {
            let (method, path) = (&route.method, request.uri().path());
            let action = format!("denied: {method} {path} ({})", route.operation.name());
            admin.tell_denied(who(&caller, peer), printable(&action));
        }
        refusal
    })?;
    let path = path.map_err(|_| Refusal::wrong("the path is no UTF-8 text; write the name as it is"))?;
    let mut names = path.iter().map(|(_, value)| value.to_owned());
    let (subject, item) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let call = Call { admin, caller, peer, subject, item, query };
    perform(route.operation, call, request.into_body()).await
}

async fn perform(operation: Operation, call: Call, body: Body) -> Result<Response, Refusal> {
    match operation {
        Operation::ListZones => Ok(json(StatusCode::OK, &zones::list(&call))),
        Operation::GetZone => Ok(json(StatusCode::OK, &zones::get(&call)?)),
        Operation::PutZone => {
            let body = text(&call, body).await?;
            Ok(json(StatusCode::OK, &zones::put(&call, &body).await?))
        }
        Operation::DeleteZone => {
            zones::delete(&call).await?;
            Ok(StatusCode::OK.into_response())
        }
        Operation::GenerateCredentials => {
            let body = text(&call, body).await?;
            Ok(json(StatusCode::OK, &zones::generate_credentials(&call, &body).await?))
        }
        Operation::ListCredentials => Ok(json(StatusCode::OK, &zones::list_credentials(&call).await?)),
        Operation::CreateCredential => {
            let body = text(&call, body).await?;
            Ok(json(StatusCode::OK, &zones::create_credential(&call, &body).await?))
        }
        Operation::DeleteCredential => {
            zones::delete_credential(&call).await?;
            Ok(StatusCode::OK.into_response())
        }
        Operation::KafkaConfiguration => Ok(json(StatusCode::OK, &zones::kafka_configuration(&call)?)),
        Operation::ListTokens => Ok(json(StatusCode::OK, &tokens::list(&call).await?)),
        Operation::CreateToken => {
            let body = text(&call, body).await?;
            Ok(json(StatusCode::OK, &tokens::create(&call, &body).await?))
        }
        Operation::DeleteToken => {
            tokens::delete(&call).await?;
            Ok(StatusCode::OK.into_response())
        }
        Operation::WhoAmI => Ok(json(StatusCode::OK, &tokens::who_am_i(&call))),
        Operation::Docs => Ok(openapi::yaml().into_response()),
    }
}

/// A path that nothing is served at.
pub(crate) async fn nothing_there(
    State(admin): State<Arc<Inner>>,
    peer: Option<Extension<Peer>>,
    request: Request,
) -> Response {
    let taken = peer.map_or(Ok(()), |Extension(peer)| take_one(&admin, peer));
    let nothing = || {
        let path = printable(request.uri().path());
        Refusal::NotFound(format!("nothing is served at {path}; look at /public/docs/docs.yaml"))
    };
    taken.map_or_else(|refusal| refusal, |()| nothing()).into_response()
}

/// A path at which something is served, but not this method.
pub(crate) async fn no_method(State(admin): State<Arc<Inner>>, peer: Option<Extension<Peer>>) -> Response {
    let taken = peer.map_or(Ok(()), |Extension(peer)| take_one(&admin, peer));
    taken.map_or_else(|refusal| refusal, |()| Refusal::Method).into_response()
}

fn take_one(admin: &Inner, peer: Peer) -> Result<(), Refusal> {
    match admin.rates.take(peer.counted(), Instant::now()) {
        true => Ok(()),
        false => Err(Refusal::TooMany("too many requests came from this address")),
    }
}

/// The whole body, whatever its type is said to be: tools send JSON as `text/plain`.
async fn text(call: &Call, body: Body) -> Result<String, Refusal> {
    let limits = &call.admin.limits;
    let read = timeout(limits.body_deadline, Limited::new(body, limits.max_body_bytes).collect()).await;
    let body = read.map_err(|_| Refusal::TooSlow)?.map_err(|error| match is_too_large(&*error) {
        true => Refusal::TooLarge(limits.max_body_bytes),
        false => Refusal::wrong("the body ended before it was whole; send it again"),
    })?;
    String::from_utf8(body.to_bytes().into())
        .map_err(|_| Refusal::wrong("the body is no UTF-8 text; send JSON"))
}

fn is_too_large(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    error.is::<LengthLimitError>()
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => (status, [(CONTENT_TYPE, "application/json")], text).into_response(),
        // Only for maps whose keys are no text.
        Err(error) => Refusal::Broken(format!("{error}; a fault of Tidegate")).into_response(),
    }
}

fn who(caller: &Caller, peer: Peer) -> String {
    printable(&format!("{caller} from {}", peer.address()))
}

/// Fit for a line of a log.
fn printable(text: &str) -> String {
    tidegate_core::names::Shown::of_sentence(text).to_string()
}
