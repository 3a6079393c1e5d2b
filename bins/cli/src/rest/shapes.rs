//! What is sent and what comes back, as far as tables need it. Fields of a later gateway are let through: JSON and YAML
//! print what came.

use std::fmt;

use clap::ValueEnum;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// A zone as it is kept.
#[derive(Debug, Deserialize)]
pub(crate) struct Zone {
    pub(crate) metadata: Metadata,
    pub(crate) spec: Spec,
}

/// What the gateway knows of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) updated_at: String,
    #[serde(default)]
    pub(crate) status: String,
}

/// What its owner wants.
#[derive(Debug, Deserialize)]
pub(crate) struct Spec {
    pub(crate) cluster: String,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) topics: Vec<serde::de::IgnoredAny>,
}

/// What became of a manifest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Put {
    pub(crate) upsert_result: Applied,
}

/// What became of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Applied {
    /// There was none.
    Created,
    /// It was another one.
    Updated,
    /// It was so already.
    NotChanged,
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "Created",
            Self::Updated => "Updated",
            Self::NotChanged => "NotChanged",
        })
    }
}

/// A credential without its password.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credential {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) created_at: String,
    #[serde(default)]
    pub(crate) expires_at: String,
    #[serde(default)]
    pub(crate) last_time_used: String,
}

/// A credential that is wanted.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WantedCredential<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in_days: Option<u32>,
}

/// A credential that was made just now.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedCredential {
    pub(crate) id: String,
    pub(crate) password: SecretString,
    #[serde(default)]
    pub(crate) expires_at: String,
}

/// A token without its secret.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) created_at: String,
    #[serde(default)]
    pub(crate) last_time_used: String,
    #[serde(default)]
    pub(crate) expires_at: String,
}

/// A token that is wanted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WantedToken<'a> {
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    pub(crate) kind: TokenKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in_days: Option<u32>,
}

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Role {
    /// To look at everything but secrets.
    Viewer,
    /// To change zones and make passwords, too.
    Operator,
    /// To make and revoke tokens, too.
    Admin,
}

/// How a token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TokenKind {
    /// In one piece, as this command line takes it.
    Bearer,
    /// As key and secret of HTTP Basic, for other tools.
    KeySecret,
}

/// A token that was made just now.
#[derive(Debug, Deserialize)]
pub(crate) struct CreatedToken {
    #[serde(flatten)]
    pub(crate) made: Token,
    /// Of a token of kind `BEARER`.
    pub(crate) token: Option<SecretString>,
    /// Of one of kind `KEY_SECRET`.
    pub(crate) key: Option<String>,
    /// Of one of kind `KEY_SECRET`.
    pub(crate) secret: Option<SecretString>,
}
