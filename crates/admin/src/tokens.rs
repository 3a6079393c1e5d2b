//! Tokens of operators: listed, made, taken away; and who one is.

use ring::rand::SystemRandom;
use secrecy::ExposeSecret;
use serde::Serialize;
use tidegate_core::document::Fields;
use tidegate_core::records::{Moment, Role, TokenKind, TokenRecord};
use tidegate_core::registry::RegistryError;
use tidegate_core::{Label, TokenId};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::dispatch::Call;
use crate::refusal::Refusal;
use crate::token::NewToken;
use crate::{body, expiry};

/// Tokens that there may be: every one is read for a list, and nobody keeps an eye on more.
const MAX_TOKENS: usize = 1_000;

/// A token as it is listed: without its secret, which nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    id: String,
    name: String,
    created_at: String,
    /// To the minute; absent if it was not in use for long.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_time_used: Option<String>,
    /// `ADMIN`, `OPERATOR` or `VIEWER`.
    #[schema(value_type = String, example = "OPERATOR")]
    role: Role,
    /// `BEARER` or `KEY_SECRET`.
    #[schema(value_type = String, example = "BEARER")]
    kind: TokenKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// A token that was made just now, with what is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedToken {
    #[serde(flatten)]
    made: Token,
    /// Of a token of kind `BEARER`: the whole of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Of one of kind `KEY_SECRET`: the user name of HTTP Basic.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Of one of kind `KEY_SECRET`: the password of HTTP Basic.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// What somebody wants of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WantedToken {
    /// What people call it.
    #[schema(example = "CI of the web team", min_length = 1, max_length = 128)]
    name: String,
    /// `ADMIN`, which other makers' tools expect of a token made here, `OPERATOR` or `VIEWER`.
    #[schema(value_type = Option<String>, example = "OPERATOR", pattern = "^(ADMIN|OPERATOR|VIEWER)$")]
    role: Option<Role>,
    /// `BEARER` unless it is written, or `KEY_SECRET`.
    #[schema(value_type = Option<String>, example = "BEARER", pattern = "^(BEARER|KEY_SECRET)$")]
    kind: Option<TokenKind>,
    /// Days after which it opens nothing any more; never unless it is written.
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<u64>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhoAmI {
    /// Of the token; absent where no token is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: String,
    /// `ADMIN`, `OPERATOR` or `VIEWER`.
    #[schema(value_type = Option<String>, example = "OPERATOR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// Every token, by id.
pub(crate) async fn list(call: &Call) -> Result<Vec<Token>, Refusal> {
    let tokens = call.admin.look(|registry| registry.tokens().map_err(Refusal::from))?;
    let used = call.admin.last_used.all().await;
    Ok(tokens.iter().map(|token| listed(token, used.get(token.id.as_str()).copied())).collect())
}

/// Makes a token and shows it, once.
pub(crate) async fn create(call: &Call, body: &str) -> Result<CreatedToken, Refusal> {
    let WantedToken { name, role, kind, expires_in_days } = wanted(body)?;
    let name = Label::parse(&name).map_err(|error| Refusal::wrong(format!("name: {error}")))?;
    let (role, kind) = (role.unwrap_or(Role::Admin), kind.unwrap_or(TokenKind::Bearer));
    let now = call.admin.now();
    let expires = expiry::end(now, expires_in_days);
    let made = NewToken::make(name, kind, role, now, expires, &SystemRandom::new());
    let made = made.ok_or_else(Refusal::no_randomness)?;
    let action = format!("create token {} ({})", made.record.id, made.record.name);
    call.admin
        .change(&call.who(), &action, |registry| {
            if registry.tokens()?.len() >= MAX_TOKENS {
                let what =
                    format!("there are {MAX_TOKENS} tokens; revoke those that are not in use any more");
                return Err(Refusal::Conflict(what));
            }
            Ok((registry.add_token(&made.record)?, ()))
        })
        .await?;
    Ok(shown_once(&made))
}

/// Takes the token of the path away.
pub(crate) async fn delete(call: &Call) -> Result<(), Refusal> {
    let id = TokenId::parse(&call.subject).map_err(|error| Refusal::wrong(format!("id: {error}")))?;
    let found = call.admin.look(|registry| registry.token(&id))?;
    let name = found.ok_or_else(|| RegistryError::NoToken(id.clone()))?.value.name;
    let action = format!("revoke token {id} ({name})");
    call.admin.change(&call.who(), &action, |registry| Ok((registry.revoke_token(&id)?, ()))).await
}

/// Who calls, as far as a token says it.
pub(crate) fn who_am_i(call: &Call) -> WhoAmI {
    let role = call.caller.role();
    match &call.caller {
        Caller::Token(token) => WhoAmI {
            id: Some(token.id.to_string()),
            name: token.name.to_string(),
            role,
            expires_at: token.expires.map(Moment::to_rfc3339),
        },
        other => WhoAmI { id: None, name: other.to_string(), role, expires_at: None },
    }
}

fn listed(token: &TokenRecord, used: Option<Moment>) -> Token {
    Token {
        id: token.id.to_string(),
        name: token.name.to_string(),
        created_at: token.created.to_rfc3339_micros(),
        last_time_used: used.map(Moment::to_rfc3339),
        role: token.role,
        kind: token.kind,
        expires_at: token.expires.map(Moment::to_rfc3339),
    }
}

fn shown_once(token: &NewToken) -> CreatedToken {
    let made = listed(&token.record, None);
    let open = |secret: &secrecy::SecretString| Some(secret.expose_secret().to_owned());
    match token.record.kind {
        TokenKind::Bearer => CreatedToken { made, token: open(&token.bearer()), key: None, secret: None },
        TokenKind::KeySecret => {
            CreatedToken { key: Some(made.id.clone()), secret: open(&token.secret), made, token: None }
        }
    }
}

/// Reads what is wanted, or tells all that is wrong with it.
fn wanted(body: &str) -> Result<WantedToken, Refusal> {
    let nothing = || Refusal::wrong("there is nothing in it; write `{\"name\": \"...\"}`");
    body::read(body, read)?.ok_or_else(nothing)
}

fn read(fields: &mut Fields<'_>) -> Option<WantedToken> {
    let name = fields.required("name", "write what people shall call it");
    let name = name.and_then(|place| place.text().map(str::to_owned));
    let roles = [("ADMIN", Role::Admin), ("OPERATOR", Role::Operator), ("VIEWER", Role::Viewer)];
    let role = fields.optional("role").and_then(|place| place.choice(&roles));
    let kinds = [("BEARER", TokenKind::Bearer), ("KEY_SECRET", TokenKind::KeySecret)];
    let kind = fields.optional("kind").and_then(|place| place.choice(&kinds));
    let expires_in_days = expiry::in_days(fields);
    Some(WantedToken { name: name?, role, kind, expires_in_days })
}
