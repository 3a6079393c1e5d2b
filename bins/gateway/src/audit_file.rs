//! The file of the audit log, which may be renamed away and is made anew then.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use tracing_subscriber::fmt::MakeWriter;

/// A file that is appended to; every clone writes into the same one.
#[derive(Clone)]
pub(crate) struct AuditFile {
    path: PathBuf,
    file: Arc<Mutex<File>>,
}

impl AuditFile {
    /// Opens or makes it, readable by the owner and its group.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = append(path).with_context(|| {
            format!(
                "cannot open the audit log {}; correct `audit.file` or the folder's rights",
                path.display()
            )
        })?;
        Ok(Self { path: path.to_owned(), file: Arc::new(Mutex::new(file)) })
    }

    /// Goes on in whatever is at the path now.
    pub(crate) fn reopen(&self) -> io::Result<()> {
        let file = append(&self.path)?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }
}

impl Write for AuditFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

impl<'a> MakeWriter<'a> for AuditFile {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)
}
