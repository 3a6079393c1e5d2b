//! Where a token is: in the environment, in a file, or in the contexts' own file.

use std::path::{Path, PathBuf};
use std::{env, fmt, fs};

use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;

/// Where a token is.
#[derive(Debug, Clone)]
pub(crate) enum TokenPlace {
    /// In this variable of the environment.
    Variable(String),
    /// In this file.
    File(PathBuf),
    /// Here.
    Kept(SecretString),
}

impl TokenPlace {
    /// Reads `${env:NAME}`, `file:PATH` or the token itself; paths begin at `folder`. No message repeats a token.
    pub(crate) fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("${") {
            let name = rest.strip_prefix("env:").and_then(|rest| rest.strip_suffix('}'));
            let name = name.filter(|name| !name.is_empty() && !name.contains(['=', '\0']));
            let wrong = "a text that begins with `${` must be `${env:NAME}`; correct it";
            return name.map(|name| Self::Variable(name.to_owned())).ok_or_else(|| wrong.to_owned());
        }
        match text.strip_prefix("file:") {
            Some("") => Err("a file has no name; write `file:PATH`".to_owned()),
            Some(file) => Ok(Self::File(folder.join(file))),
            None => Self::kept(text),
        }
    }

    /// The token itself.
    pub(crate) fn kept(text: &str) -> Result<Self, String> {
        checked(text).map(Self::Kept)
    }

    /// As it stands in the file.
    pub(crate) fn written(&self) -> SecretString {
        match self {
            Self::Variable(name) => format!("${{env:{name}}}").into(),
            Self::File(path) => format!("file:{}", path.display()).into(),
            Self::Kept(token) => token.clone(),
        }
    }

    /// The token.
    pub(crate) fn open(&self) -> Result<SecretString, Failure> {
        let text = match self {
            Self::Kept(token) => return Ok(token.clone()),
            Self::Variable(name) => env::var(name).map_err(|_| {
                Failure::Wrong(format!(
                    "the environment variable `{name}`, in which the token should be, is not set"
                ))
            })?,
            Self::File(path) => fs::read_to_string(path).map_err(|error| {
                Failure::Here(format!("{}: cannot read the token: {error}", path.display()))
            })?,
        };
        // Editors and `echo` end a file with a line break that is no part of it.
        checked(text.trim_end_matches(['\r', '\n'])).map_err(|what| Failure::Wrong(format!("{self}: {what}")))
    }
}

/// Where it is, and not what it is.
impl fmt::Display for TokenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "${{env:{name}}}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Kept(_) => f.write_str("kept in the file"),
        }
    }
}

/// A token goes into a header of HTTP.
fn checked(text: &str) -> Result<SecretString, String> {
    match !text.is_empty() && text.chars().all(|character| character.is_ascii_graphic()) {
        true => Ok(SecretString::from(text)),
        false => {
            Err("this is no token; `tidegate token create` prints one, without spaces and in one line"
                .to_owned())
        }
    }
}

/// Whether there is a token in it that nobody else may read.
pub(super) fn is_secret(place: Option<&TokenPlace>) -> bool {
    matches!(place, Some(TokenPlace::Kept(token)) if !token.expose_secret().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_never_shown() {
        let folder = Path::new("/etc/tidegate");
        for (text, shown) in [
            ("${env:TOKEN}", "${env:TOKEN}"),
            ("file:/run/token", "file:/run/token"),
            ("file:token", "file:/etc/tidegate/token"),
            ("tidegate_A_secret", "kept in the file"),
        ] {
            let place = TokenPlace::parse(text, folder).unwrap();
            assert_eq!(place.to_string(), shown);
            let again = TokenPlace::parse(place.written().expose_secret(), folder).unwrap();
            assert_eq!(again.written().expose_secret(), place.written().expose_secret());
            assert!(!format!("{place:?}").contains("secret"), "{place:?}");
        }
    }

    #[test]
    fn what_is_no_token_is_not_repeated() {
        for text in ["", "${X}", "${env:}", "file:", "has a space", "has\na-line", "täglich"] {
            let why = TokenPlace::parse(text, Path::new("/")).unwrap_err();
            assert!(["a space", "a-line", "täglich"].iter().all(|part| !why.contains(part)), "{why}");
        }
    }
}
