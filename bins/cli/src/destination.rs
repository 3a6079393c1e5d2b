//! Where a secret goes: to standard output, or into a new file that nobody else may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;

/// Where a secret goes. It is opened before the secret is made: one that nobody gets to see would have to be revoked again.
pub(crate) enum Destination {
    /// Whoever called this command.
    StandardOutput,
    /// A file that was not there before.
    File(PathBuf, File),
}

impl Destination {
    /// A new file of mode 0600, or standard output where none is named.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::StandardOutput) };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file
            .map_err(|error| Failure::Here(format!("{}: cannot make the file: {error}", path.display())))?;
        Ok(Self::File(path, file))
    }

    /// The file, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::StandardOutput => None,
            Self::File(path, _) => Some(path),
        }
    }

    /// Takes back a file that was made for nothing.
    pub(crate) fn discard(&self) {
        if let Self::File(path, _) = self {
            let _ = fs::remove_file(path);
        }
    }

    /// Writes all of it, to the disk where it is a file.
    pub(crate) fn write(&mut self, text: &SecretString) -> io::Result<()> {
        let bytes = text.expose_secret().as_bytes();
        match self {
            Self::StandardOutput => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Self::File(_, file) => file.write_all(bytes).and_then(|()| file.sync_all()),
        }
    }
}
