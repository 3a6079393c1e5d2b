//! The file of contexts, as `tidegate context` keeps it and people may write it.
//!
//! ```yaml
//! current: prod
//! contexts:
//!   - name: prod
//!     url: https://gateway.example:9443
//!     token: ${env:TIDEGATE_PROD_TOKEN}
//!     ca: /etc/ssl/our-ca.pem
//! ```

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tidegate_core::document::{self, Report};

use super::read::read;
use super::token::is_secret;
use super::{Gateway, TokenPlace};
use crate::failure::Failure;

/// Longest name of a context: it is typed and stands in a table.
const MAX_NAME: usize = 63;

/// What people call a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContextName(String);

/// A gateway by name.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) name: ContextName,
    pub(crate) gateway: Gateway,
}

/// What is in the file.
#[derive(Debug, Default)]
pub(crate) struct Contexts {
    /// One of them, unless none was chosen.
    pub(crate) current: Option<ContextName>,
    pub(crate) all: Vec<Context>,
}

impl ContextName {
    /// Reads it; the error says how to write one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        match (1..=MAX_NAME).contains(&text.len()) && text.chars().all(allowed) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("a context's name has 1 to {MAX_NAME} letters, digits, `_`, `-` and `.`")),
        }
    }
}

impl fmt::Display for ContextName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Contexts {
    /// Reads the file; where there is none there are no contexts.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let cannot = |error| Failure::Here(format!("{}: cannot read the contexts: {error}", path.display()));
        let text = match fs::read_to_string(path) {
            Ok(text) => SecretString::from(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(cannot(error)),
        };
        let contexts = Self::parse(text.expose_secret(), path)?;
        let mode = fs::metadata(path).map_err(cannot)?.permissions().mode();
        if contexts.hold_a_secret() && mode & 0o077 != 0 {
            let path = path.display();
            return Err(Failure::Here(format!(
                "{path}: others may read the token in it (mode {:03o}); run `chmod 600 {path}`, and revoke the token if \
                 somebody may have seen it",
                mode & 0o777
            )));
        }
        Ok(contexts)
    }

    /// The context of that name.
    pub(crate) fn find(&self, name: &ContextName) -> Option<&Context> {
        self.all.iter().find(|context| context.name == *name)
    }

    /// Replaces the file whole, so that a crash or a full disk leaves the old one. Nobody else may read it.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let cannot = |error: &dyn fmt::Display| {
            Failure::Here(format!("{}: cannot write the contexts: {error}", path.display()))
        };
        let text = self.render().map_err(|error| cannot(&error))?;
        // A link to where somebody keeps such files stays one.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        write(&path, &text).map_err(|error| cannot(&error))
    }

    fn hold_a_secret(&self) -> bool {
        self.all.iter().any(|context| is_secret(context.gateway.token.as_ref()))
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let (documents, syntax) = document::parse(text);
        let report = Report::default();
        let first = documents.first().filter(|document| !document.is_empty());
        let contexts = first.map(|document| read(&document.place(&report), folder));
        if let Some(second) = documents.get(1) {
            second.place(&report).fail("there is more than one document in it; remove this one");
        }
        let problems: Vec<_> = report.into_problems().into_iter().chain(syntax).collect();
        if problems.is_empty() {
            return Ok(contexts.unwrap_or_default());
        }
        let lines = problems.into_iter().map(|mut problem| {
            problem.document = None;
            format!("{}: {problem}", path.display())
        });
        Err(Failure::Wrong(lines.collect::<Vec<_>>().join("\n")))
    }

    fn render(&self) -> Result<SecretString, serde_saphyr::ser::Error> {
        let written: Vec<Option<SecretString>> =
            self.all.iter().map(|context| context.gateway.token.as_ref().map(TokenPlace::written)).collect();
        let contexts = self.all.iter().zip(&written).map(|(context, token)| Written {
            name: &context.name.0,
            url: context.gateway.address.to_string(),
            token: token.as_ref().map(ExposeSecret::expose_secret),
            ca: context.gateway.ca.as_deref(),
        });
        let current = self.current.as_ref().map(|name| name.0.as_str());
        serde_saphyr::to_string(&WrittenFile { current, contexts: contexts.collect() })
            .map(SecretString::from)
    }
}

#[derive(Serialize)]
struct WrittenFile<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<&'a str>,
    contexts: Vec<Written<'a>>,
}

#[derive(Serialize)]
struct Written<'a> {
    name: &'a str,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<&'a Path>,
}

fn write(path: &Path, text: &SecretString) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text.expose_secret().as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_at_once_and_no_token_is() {
        let text = "current: none\ncontexts:\n  - {name: a b, url: gateway, token: 'bad token', cert: x}\n  - {url: 'https://g'}\n  \
                    - {name: c, url: 'https://g'}\n  - {name: c, url: 'https://g'}\n";
        let why = Contexts::parse(text, Path::new("/c.yaml")).unwrap_err().to_string();
        insta::assert_snapshot!(why);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = "current: prod\ncontexts:\n- name: prod\n  url: https://g:1\n  token: ${env:T}\n  ca: ca.pem\n- name: here\n  url: http://[::1]:2\n";
        let contexts = Contexts::parse(text, Path::new("/etc/c.yaml")).unwrap();
        let rendered = contexts.render().unwrap();
        insta::assert_snapshot!(rendered.expose_secret());
        let again = Contexts::parse(rendered.expose_secret(), Path::new("/elsewhere/c.yaml")).unwrap();
        assert_eq!(again.render().unwrap().expose_secret(), rendered.expose_secret());
        assert!(Contexts::parse("", Path::new("/c.yaml")).unwrap().all.is_empty());
    }
}
