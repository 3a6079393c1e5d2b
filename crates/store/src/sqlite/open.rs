//! Opening the file: one owner, private, of a version that this program knows.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::schema;

/// A process that has just been killed gives its lock up at once; this covers one that is ending.
const WAIT_FOR_LOCK: Duration = Duration::from_secs(2);

/// The state file cannot be used; the operator has to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process owns the file.
    #[error("{path}: another process uses this state file; stop it, or give this one a file of its own")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A later version of Tidegate wrote it.
    #[error(
        "{path}: the state file has version {found} and this program knows versions up to {known}; use the newer program, or restore the backup made before the upgrade"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// The file is no state file, or is damaged.
    #[error(
        "{path}: this is not a state file of Tidegate, or it is damaged: {what}; move it away or restore a backup"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// Its records are not what this installation wrote.
    #[error("{path}: the records in the state file cannot be used: {what}")]
    Records {
        /// The file.
        path: PathBuf,
        /// What is wrong with them, and how to mend it.
        what: String,
    },
    /// The system does not let it be opened or written.
    #[error("{path}: cannot open the state file: {what}; its folder must exist and be writable")]
    System {
        /// The file.
        path: PathBuf,
        /// The system's words.
        what: String,
    },
}

/// Opens the file, or makes it, for this process alone.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    make_private(path)?;
    let told = |error: rusqlite::Error| tell(path, &error);
    let mut connection = Connection::open(path).map_err(told)?;
    connection.busy_timeout(WAIT_FOR_LOCK).map_err(told)?;
    // The lock is taken by the first write below and held until the process ends.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(told)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(told)?;
    // What is acknowledged survives a loss of power, not only of the process.
    connection.pragma_update(None, "synchronous", "FULL").map_err(told)?;
    let found = schema::migrate(&mut connection).map_err(told)?;
    if found > schema::VERSION {
        return Err(OpenError::TooNew { path: path.to_owned(), found, known: schema::VERSION });
    }
    Ok(connection)
}

/// Group names and producer ids are the partners': the file is the owner's alone from its first byte.
fn make_private(path: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        // Not opened: closing it would give up the lock that this process may hold on it already.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(OpenError::System { path: path.to_owned(), what: error.to_string() }),
    }
}

pub(super) fn tell(path: &Path, error: &rusqlite::Error) -> OpenError {
    let (path, what) = (path.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { path },
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, what },
        _ => OpenError::System { path, what },
    }
}
