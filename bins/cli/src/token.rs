//! `tidegate token`.

use std::io::{self, Write};

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value};
use tidegate_core::{Label, TokenId};

use crate::failure::Failure;
use crate::output::{Format, Output, Table, day_and_time, on_one_line};
use crate::rest::{CreatedToken, Rest, Role, Token, TokenKind, WantedToken};

/// What can be done with tokens.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the tokens, and when they were last in use.
    List(Output),
    /// Makes a token and prints it, once.
    Create(Create),
    /// Takes a token away: it opens nothing from now on.
    Revoke(Revoke),
}

/// Arguments of `tidegate token create`.
#[derive(Args)]
pub(crate) struct Create {
    /// What people call it.
    #[arg(value_parser = Label::parse)]
    name: Label,
    /// What it allows; there is no default, so that nobody makes an admin by chance.
    #[arg(long, value_enum)]
    role: Role,
    /// How it is shown.
    #[arg(long, value_enum, default_value = "bearer")]
    kind: TokenKind,
    /// Days after which it opens nothing any more; never unless it is given.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    expires_in_days: Option<u32>,
    #[command(flatten)]
    output: Output,
}

/// Arguments of `tidegate token revoke`.
#[derive(Args)]
pub(crate) struct Revoke {
    /// Its id, as `tidegate token list` tells it.
    #[arg(value_parser = TokenId::parse)]
    id: TokenId,
}

impl Command {
    pub(crate) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        match self {
            Self::List(Output { format }) => list(rest, format),
            Self::Create(create) => create.run(rest),
            Self::Revoke(Revoke { id }) => {
                rest.revoke_token(&id)?;
                Ok(writeln!(io::stdout(), "{id} revoked")?)
            }
        }
    }
}

fn list(rest: &Rest, format: Format) -> anyhow::Result<()> {
    let tokens = rest.tokens()?;
    if format != Format::Table {
        return format.print(&Value::Array(tokens));
    }
    let mut table = Table::new(["ID", "NAME", "ROLE", "KIND", "CREATED", "LAST USED", "EXPIRES"]);
    for token in &tokens {
        let token = Token::deserialize(token).map_err(|error| {
            Failure::Refused(format!("a token of the answer is none of a gateway: {error}"))
        })?;
        let [created, used, expires] = [&token.created_at, &token.last_time_used, &token.expires_at]
            .map(|time| if time.is_empty() { "-".to_owned() } else { day_and_time(time) });
        table.row([&token.id, &token.name, &token.role, &token.kind, &created, &used, &expires]);
    }
    Ok(write!(io::stdout(), "{table}")?)
}

impl Create {
    fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let Self { name, role, kind, expires_in_days, output: Output { format } } = self;
        let made = rest.create_token(&WantedToken { name: name.as_str(), role, kind, expires_in_days })?;
        if format != Format::Table {
            return format.print(&shown(&made));
        }
        let CreatedToken { made, token, key, secret } = made;
        // The secret alone goes to standard output, for `TOKEN=$(tidegate token create ...)`.
        let mut out = io::stdout().lock();
        match (token, key, secret) {
            (Some(token), ..) => writeln!(out, "{}", token.expose_secret())?,
            (None, Some(key), Some(secret)) => writeln!(out, "{key}:{}", secret.expose_secret())?,
            _ => return Err(Failure::Refused("the answer has no token in it".to_owned()).into()),
        }
        let ends = if made.expires_at.is_empty() { "never".to_owned() } else { made.expires_at };
        let told =
            format!("{} ({}), role {}, ends {ends}; it is shown this once", made.id, made.name, made.role);
        Ok(writeln!(io::stderr(), "{}", on_one_line(&told))?)
    }
}

fn shown(made: &CreatedToken) -> Value {
    let open = |secret: &secrecy::SecretString| secret.expose_secret().to_owned();
    let Token { id, name, role, kind, created_at, expires_at, .. } = &made.made;
    let fields = [
        ("id", Some(id.clone())),
        ("name", Some(name.clone())),
        ("role", Some(role.clone())),
        ("kind", Some(kind.clone())),
        ("createdAt", Some(created_at.clone())),
        ("expiresAt", Some(expires_at.clone()).filter(|time| !time.is_empty())),
        ("token", made.token.as_ref().map(open)),
        ("key", made.key.clone()),
        ("secret", made.secret.as_ref().map(open)),
    ];
    let fields = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::String(value?))));
    Value::Object(fields.collect::<Map<_, _>>())
}
