//! Why a call is not done: the status, and a text that helps a person.

use std::fmt;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tidegate_core::ManifestErrors;
use tidegate_core::records::Role;
use tidegate_core::registry::RegistryError;
use tidegate_core::store::CommitError;
use utoipa::ToSchema;

/// The body of every answer that is no success. Clients show `cause`, else `msg`, else `title`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What kind of trouble it is.
    pub title: String,
    /// In one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msg: Option<String>,
    /// What is wrong and how to mend it; of several mistakes one a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// A call that is not done; nothing was changed, unless [`Refusal::Unknown`] says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Refusal {
    /// What was sent is wrong; every mistake is told.
    #[error("{}", .0.join("\n"))]
    Wrong(Vec<String>),
    #[error("{0}")]
    Unauthenticated(&'static str),
    #[error("this takes the role {needed}, and the token has the role {has}; use another token")]
    Forbidden { needed: Shown, has: Shown },
    #[error("{0}")]
    Elsewhere(&'static str),
    #[error("{0}")]
    NotFound(String),
    #[error("there is no such method here; look at /public/docs/docs.yaml")]
    Method,
    /// A rule of the business, or somebody else was faster.
    #[error("{0}")]
    Conflict(String),
    #[error("the body is larger than {0} bytes; send a smaller one")]
    TooLarge(usize),
    #[error("the body did not come in time; send it again")]
    TooSlow,
    #[error("{0}; wait a second and try again")]
    TooMany(&'static str),
    /// The fault is on this side.
    #[error("{0}")]
    Broken(String),
    /// A change that was made whole or not at all.
    #[error("{0}")]
    Unknown(String),
}

/// A role as people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown(pub(crate) Role);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Role::Viewer => "VIEWER",
            Role::Operator => "OPERATOR",
            Role::Admin => "ADMIN",
        })
    }
}

impl Refusal {
    /// One mistake.
    pub(crate) fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(vec![what.into()])
    }

    pub(crate) fn no_randomness() -> Self {
        Self::Broken("the machine gives no random bytes; the fault is on this side".to_owned())
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::Elsewhere(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Broken(_) | Self::Unknown(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What clients are told.
    pub(crate) fn body(&self) -> ErrorBody {
        let title = self.status().canonical_reason().unwrap_or("Error").to_owned();
        let msg = match self {
            Self::Wrong(mistakes) if mistakes.len() > 1 => format!("{} mistakes", mistakes.len()),
            Self::Wrong(_) => "there is a mistake in what was sent".to_owned(),
            Self::Unknown(_) => "it is not known whether the change was made".to_owned(),
            Self::Broken(_) => "the fault is not yours".to_owned(),
            _ => "nothing was changed".to_owned(),
        };
        ErrorBody { title, msg: Some(msg), cause: Some(self.to_string()) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // Of fields of text alone.
        let body = serde_json::to_string(&self.body()).unwrap_or_default();
        let json = HeaderValue::from_static("application/json");
        let mut response = (self.status(), [(CONTENT_TYPE, json)], body).into_response();
        let headers = response.headers_mut();
        match self {
            // No `Basic`: a browser would ask for it, keep it, and show it with requests that other pages make.
            Self::Unauthenticated(_) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::TooMany(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

impl From<ManifestErrors> for Refusal {
    fn from(errors: ManifestErrors) -> Self {
        Self::Wrong(errors.problems().iter().map(ToString::to_string).collect())
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::NoZone(_) | RegistryError::NoCredential { .. } | RegistryError::NoToken(_) => {
                Self::NotFound(error.to_string())
            }
            RegistryError::Record(_) => Self::Broken(error.to_string()),
            _ => Self::Conflict(error.to_string()),
        }
    }
}

impl From<CommitError> for Refusal {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Change(error) => Self::Conflict(error.to_string()),
            CommitError::Unknown(_) => Self::Unknown(error.to_string()),
            _ => Self::Broken(format!("{error}; try again later")),
        }
    }
}
