//! Which gateway a command is for: `--context`, else the environment, else the current context.

use std::env;
use std::path::PathBuf;

use super::file::Contexts;
use super::{Address, ContextName, Gateway, TokenPlace};
use crate::failure::Failure;

/// Where the file of contexts is, in place of the usual one.
const FILE: &str = "TIDEGATE_CONFIG";
/// The gateway, in place of a context.
const URL: &str = "TIDEGATE_URL";
/// The token for it. Without [`URL`] it means nothing: no context's gateway is shown the token of another.
const TOKEN: &str = "TIDEGATE_TOKEN";
/// The certificates to believe for it.
const CA: &str = "TIDEGATE_CA";

/// The gateway that a command is for.
pub(crate) fn choose(wanted: Option<&ContextName>) -> Result<Gateway, Failure> {
    if wanted.is_none()
        && let Some(url) = variable(URL)
    {
        return from_environment(&url);
    }
    let path = path()?;
    let contexts = Contexts::load(&path)?;
    let name = wanted.or(contexts.current.as_ref()).ok_or_else(|| {
        Failure::Wrong(format!(
            "no gateway is named: run `tidegate context add NAME --url URL`, or set {URL}, and {TOKEN} for its token"
        ))
    })?;
    let context = contexts.find(name).ok_or_else(|| no_context(name))?;
    Ok(context.gateway.clone())
}

/// The file of contexts.
pub(super) fn path() -> Result<PathBuf, Failure> {
    if let Some(file) = variable(FILE) {
        return Ok(file.into());
    }
    let folder = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".config")));
    let folder = folder.ok_or_else(|| {
        Failure::Wrong(format!("there is no home to keep contexts in; set {FILE} to a file, or HOME"))
    })?;
    Ok(folder.join("tidegate").join("config.yaml"))
}

pub(super) fn no_context(name: &ContextName) -> Failure {
    Failure::NotFound(format!("there is no context `{name}`; look at `tidegate context list`"))
}

fn from_environment(url: &str) -> Result<Gateway, Failure> {
    let address = Address::parse(url).map_err(|what| Failure::Wrong(format!("{URL}: {what}")))?;
    let here = env::current_dir().unwrap_or_default();
    let token = variable(TOKEN).map(|token| TokenPlace::parse(&token, &here)).transpose();
    let token = token.map_err(|what| Failure::Wrong(format!("{TOKEN}: {what}")))?;
    // For messages: it is in no file.
    let token = token.map(|place| match place {
        TokenPlace::Kept(_) => TokenPlace::Variable(TOKEN.to_owned()),
        elsewhere => elsewhere,
    });
    Ok(Gateway { address, token, ca: variable(CA).map(PathBuf::from) })
}

/// One that is empty counts as not set, as in most programs.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
