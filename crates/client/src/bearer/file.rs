//! A token in a file that somebody else keeps fresh.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::task::spawn_blocking;

use super::{MAX_TOKEN_BYTES, Obtaining, TokenError, TokenSource};

/// A file that holds a token and nothing else but white space around it. It is read anew for every login, so whoever writes it,
/// as a sidecar or the kubelet with projected tokens, may replace it at any time; in one step, by renaming another file.
#[derive(Debug, Clone)]
pub struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    /// This file; it need not be there yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl TokenSource for TokenFile {
    fn token(&self) -> Obtaining<'_> {
        let path = self.path.clone();
        Box::pin(async move {
            let reading = spawn_blocking(move || read(&path));
            reading.await.unwrap_or_else(|error| Err(TokenError::Other(Arc::new(error))))
        })
    }
}

fn read(path: &Path) -> Result<SecretString, TokenError> {
    let failed = |cause: io::Error| TokenError::File { path: path.to_owned(), cause: Arc::new(cause) };
    // A pipe without a writer would be waited for without end.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("not a file")));
    }
    let mut text = String::new();
    // White space has a little room.
    let limit = u64::try_from(MAX_TOKEN_BYTES).unwrap_or(u64::MAX).saturating_add(64);
    let length = File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text));
    let text = SecretString::from(text);
    length.map_err(failed)?;
    let token = text.expose_secret().trim();
    if token.is_empty() {
        return Err(TokenError::EmptyFile { path: path.to_owned() });
    }
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    Ok(SecretString::from(token))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn text(file: &TokenFile) -> Result<String, String> {
        file.token().await.map(|token| token.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn each_login_has_what_the_file_holds_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let file = TokenFile::new(&path);
        assert!(text(&file).await.unwrap_err().contains("token cannot be read"));
        for token in ["a.b.c", "d.e.f"] {
            let new = folder.path().join("new");
            fs::write(&new, format!("{token}\n")).unwrap();
            fs::rename(&new, &path).unwrap();
            assert_eq!(text(&file).await.unwrap(), token);
        }
    }

    #[tokio::test]
    async fn a_file_without_a_token_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let file = TokenFile::new(&path);
        fs::write(&path, " \n").unwrap();
        assert!(text(&file).await.unwrap_err().contains("is empty"));
        fs::write(&path, "t".repeat(MAX_TOKEN_BYTES)).unwrap();
        assert_eq!(text(&file).await.unwrap().len(), MAX_TOKEN_BYTES);
        fs::write(&path, "t".repeat(MAX_TOKEN_BYTES + 1)).unwrap();
        assert!(text(&file).await.unwrap_err().contains("longer than 65536 bytes"));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(text(&file).await.unwrap_err().contains("cannot be read"));
        let folder = TokenFile::new(folder.path());
        assert!(text(&folder).await.unwrap_err().contains("not a file"));
    }
}
