//! `tidegate context`.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::choose::{no_context, path};
use super::file::{Context, Contexts};
use super::token::is_secret;
use super::{Address, ContextName, Gateway, TokenPlace};
use crate::failure::Failure;
use crate::output::{Format, Output, Table};

/// What can be done with contexts.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Adds a gateway, or changes one; the first one becomes the current one.
    Add(Add),
    /// Makes a context the current one.
    Use(Named),
    /// Lists the contexts; `*` is the current one.
    List(Output),
    /// Forgets a context.
    Remove(Named),
}

/// Arguments of `tidegate context add`.
#[derive(Args)]
pub(crate) struct Add {
    #[command(flatten)]
    named: Named,
    /// Where the gateway's REST is: `https://HOST:PORT`.
    #[arg(long, value_parser = Address::parse)]
    url: Address,
    /// Where its token is: `${env:NAME}` or `file:PATH`.
    #[arg(long, value_name = "PLACE", conflicts_with = "token_stdin")]
    token: Option<String>,
    /// Keep the token that is on the first line of standard input, in the file of contexts.
    #[arg(long)]
    token_stdin: bool,
    /// A PEM file of the certificates to believe, in place of those that browsers do.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// A context.
#[derive(Args)]
pub(crate) struct Named {
    /// What you call the gateway.
    #[arg(value_parser = ContextName::parse)]
    name: ContextName,
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let path = path()?;
        let mut contexts = Contexts::load(&path)?;
        match self {
            Self::List(output) => return list(&contexts, output.format),
            Self::Add(add) => add.run(&mut contexts)?,
            Self::Use(Named { name }) => {
                contexts.find(&name).ok_or_else(|| no_context(&name))?;
                contexts.current = Some(name);
            }
            Self::Remove(Named { name }) => {
                contexts.find(&name).ok_or_else(|| no_context(&name))?;
                contexts.all.retain(|context| context.name != name);
                contexts.current = contexts.current.filter(|current| *current != name);
            }
        }
        Ok(contexts.save(&path)?)
    }
}

impl Add {
    fn run(self, contexts: &mut Contexts) -> anyhow::Result<()> {
        let Self { named: Named { name }, url, token, token_stdin, ca } = self;
        let token = match (token, token_stdin) {
            (Some(place), _) => Some(elsewhere(&place)?),
            (None, true) => Some(from_stdin()?),
            (None, false) => None,
        };
        let ca = ca.map(std::path::absolute).transpose().context("--ca: the file has no path")?;
        let context = Context { name: name.clone(), gateway: Gateway { address: url, token, ca } };
        match contexts.all.iter_mut().find(|other| other.name == name) {
            Some(other) => *other = context,
            None => contexts.all.push(context),
        }
        contexts.current.get_or_insert(name);
        Ok(())
    }
}

/// A token on the command line is in the shell's history, and every user of the machine sees it in the list of processes.
fn elsewhere(text: &str) -> anyhow::Result<TokenPlace> {
    let here = std::env::current_dir().context("the current folder is gone")?;
    let place = TokenPlace::parse(text, &here).map_err(|what| Failure::Wrong(format!("--token: {what}")))?;
    match is_secret(Some(&place)) {
        false => Ok(place),
        true => Err(Failure::Wrong(
            "--token: a token does not belong on the command line, where others see it; write `${env:NAME}` or \
             `file:PATH`, or send it to `--token-stdin`"
                .to_owned(),
        )
        .into()),
    }
}

fn from_stdin() -> anyhow::Result<TokenPlace> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read the token from standard input")?;
    let token = TokenPlace::kept(line.trim_end_matches(['\r', '\n']));
    Ok(token.map_err(|what| Failure::Wrong(format!("--token-stdin: {what}")))?)
}

fn list(contexts: &Contexts, format: Format) -> anyhow::Result<()> {
    let is_current = |context: &Context| contexts.current.as_ref() == Some(&context.name);
    if format == Format::Table {
        let mut table = Table::new(["", "NAME", "URL", "TOKEN", "CA"]);
        for context in &contexts.all {
            let Gateway { address, token, ca } = &context.gateway;
            let mark = if is_current(context) { "*" } else { "" };
            let token = token.as_ref().map(ToString::to_string).unwrap_or_default();
            let ca = ca.as_ref().map(|ca| ca.display().to_string()).unwrap_or_default();
            table.row([mark, &context.name.to_string(), &address.to_string(), &token, &ca]);
        }
        return Ok(write!(io::stdout(), "{table}")?);
    }
    let list = contexts.all.iter().map(|context| {
        let Gateway { address, token, ca } = &context.gateway;
        json!({
            "name": context.name.to_string(),
            "url": address.to_string(),
            "token": token.as_ref().map(ToString::to_string),
            "ca": ca,
            "current": is_current(context),
        })
    });
    format.print(&Value::from_iter(list))
}
