//! The tables, and how an older file becomes a present one.

use rusqlite::{Connection, Result, TransactionBehavior};

/// The newest version known: how many of [`MIGRATIONS`] a file has seen.
pub(super) const VERSION: i64 = 3;

/// Each brings a file from the version of its place to the next.
const MIGRATIONS: [&str; 3] = [
    "
CREATE TABLE producers (
    zone BLOB NOT NULL,
    id INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (zone, id)
) WITHOUT ROWID;
CREATE INDEX producers_by_use ON producers (used);
CREATE TABLE bindings (
    zone BLOB NOT NULL,
    consumer_group TEXT NOT NULL,
    backing TEXT NOT NULL,
    alias TEXT NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (zone, consumer_group, backing)
) WITHOUT ROWID;
",
    // `change` and `signature` as `tidegate_core::store::Signed` has them; the head of the last change is a row like any.
    "
CREATE TABLE records (
    key TEXT PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL,
    change BLOB NOT NULL,
    schema INTEGER NOT NULL,
    body TEXT NOT NULL,
    signature BLOB NOT NULL
);
CREATE INDEX records_by_revision ON records (revision);
",
    "
CREATE TABLE logins (
    zone BLOB NOT NULL,
    credential TEXT NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (zone, credential)
) WITHOUT ROWID;
",
];

/// Brings the file to [`VERSION`], all steps or none, and gives the version it has then. A later one is left alone.
pub(super) fn migrate(connection: &mut Connection) -> Result<i64> {
    // Takes the lock even when there is nothing to do: a second process learns of the first at once.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        return Ok(found);
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(VERSION)
}
