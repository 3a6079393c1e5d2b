//! `tidegate-gateway token`: tokens of operators, made where nobody has one yet.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use ring::rand::SystemRandom;
use secrecy::ExposeSecret;
use tidegate_admin::NewToken;
use tidegate_core::facts::CONTROL_PLANE;
use tidegate_core::records::{Moment, Role, TokenKind};
use tidegate_core::registry::Registry;
use tidegate_core::{Label, Timestamp, TokenId};
use tidegate_gateway::stored::{StoreParts, open_all, open_store};
use tidegate_gateway::{GatewayError, config};

use crate::store::{change, now};

/// What to do with the tokens of operators.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Makes a token and prints it, once: a bearer token, or key and secret with `:` between them.
    Create(Create),
    /// Lists the tokens: id, name, role, kind, when made, when it expires, when it was last in use.
    List(Here),
    /// Takes a token away; the next request that shows it is refused.
    Revoke(Revoke),
}

#[derive(Args)]
pub(crate) struct Here {
    /// The configuration file.
    #[arg(long, short, default_value = "tidegate.yaml")]
    config: PathBuf,
}

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    here: Here,
    /// What people call it.
    name: String,
    /// What it allows: to look, to change zones, or to make tokens too.
    #[arg(long, value_enum)]
    role: RoleName,
    /// Makes a key and a secret for HTTP Basic in place of a bearer token.
    #[arg(long)]
    key_secret: bool,
    /// Days after which it opens nothing.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    expires_in_days: Option<u32>,
}

#[derive(Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    here: Here,
    /// The token's id.
    id: String,
}

/// A role as it is written here.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    /// To look at everything but secrets.
    Viewer,
    /// To change zones, too.
    Operator,
    /// To make and revoke tokens, too.
    Admin,
}

pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        match command {
            Command::Create(wanted) => create(&open(&wanted.here).await?, wanted).await,
            Command::List(here) => list(&here).await,
            Command::Revoke(it) => revoke(&open(&it.here).await?, &it.id).await,
        }
    })
}

async fn open(here: &Here) -> anyhow::Result<StoreParts> {
    Ok(open_store(&config::load(&here.config)?).await?)
}

async fn create(parts: &StoreParts, wanted: Create) -> anyhow::Result<()> {
    const DAY: u64 = 24 * 3_600;
    let Create { name, role, key_secret, expires_in_days, .. } = wanted;
    let kind = if key_secret { TokenKind::KeySecret } else { TokenKind::Bearer };
    let expires = expires_in_days.map(|days| now().plus_seconds(u64::from(days) * DAY));
    let made = NewToken::make(Label::parse(&name)?, kind, role.into(), now(), expires, &SystemRandom::new());
    let made = made.context("the machine gives no random bytes")?;
    let action = format!("create token {} ({})", made.record.id, made.record.name);
    change(parts, Some(&action), |registry| Ok((registry.add_token(&made.record)?, ()))).await?;
    let bearer = made.bearer();
    let mut out = std::io::stdout().lock();
    match kind {
        TokenKind::Bearer => writeln!(out, "{}", bearer.expose_secret())?,
        TokenKind::KeySecret => writeln!(out, "{}:{}", made.record.id, made.secret.expose_secret())?,
    }
    Ok(())
}

/// One line for each; `-` is none, never, or longer ago than facts are kept.
async fn list(here: &Here) -> anyhow::Result<()> {
    let (facts, parts) = open_all(&config::load(&here.config)?).await?;
    let parts = parts.ok_or(GatewayError::NoStore)?;
    let used: HashMap<String, Timestamp> =
        facts.logins(CONTROL_PLANE).await?.into_iter().map(|(id, used)| (id.to_string(), used)).collect();
    let (image, random) = (parts.store.image(), SystemRandom::new());
    let sealing = tidegate_core::records::Sealing { sealer: &parts.sealer, random: &random };
    let time = |seconds: &Timestamp| Moment::default().plus_seconds(seconds.0).to_rfc3339();
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut out = std::io::stdout().lock();
    for token in (Registry { image: &image, sealing, now: now() }).tokens()? {
        let columns = [
            token.id.to_string(),
            token.name.to_string(),
            role_name(token.role).to_owned(),
            kind_name(token.kind).to_owned(),
            token.created.to_rfc3339(),
            or_none(token.expires.map(Moment::to_rfc3339)),
            or_none(used.get(token.id.as_str()).map(time)),
        ];
        writeln!(out, "{}", columns.join("\t"))?;
    }
    Ok(())
}

async fn revoke(parts: &StoreParts, id: &str) -> anyhow::Result<()> {
    let id = TokenId::parse(id)?;
    let action = format!("revoke token {id}");
    change(parts, Some(&action), |registry| Ok((registry.revoke_token(&id)?, ()))).await?;
    Ok(())
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
        }
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
    }
}

fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Bearer => "bearer",
        TokenKind::KeySecret => "key-secret",
    }
}
