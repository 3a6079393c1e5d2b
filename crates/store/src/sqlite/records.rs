//! Signed records as rows.

use rusqlite::{Connection, Transaction, params};
use tidegate_core::store::{Body, ChangeId, Lost, RecordKey, Replay, Revision, Signature, Signed, StoreKeys};

/// The rows cannot be made an image.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Lost(#[from] Lost),
    #[error("{0}; if the root key was changed, give the one before, else restore a backup")]
    Meddled(String),
}

/// Reads every record, in the order of its change, each head behind the records of its change.
pub(super) fn load(connection: &Connection, keys: StoreKeys) -> Result<Replay, LoadError> {
    let mut replay = Replay::new(keys);
    let mut all = connection.prepare_cached(
        "SELECT key, revision, change, schema, body, signature FROM records ORDER BY revision, key = 'head/head'",
    )?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let key = RecordKey::parse(&name).map_err(|error| LoadError::Meddled(error.to_string()))?;
        let signed = Signed {
            key,
            revision: Revision(u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default()),
            change: ChangeId::from_bytes(row.get(2)?),
            body: Some(Body::new(row.get(3)?, &row.get::<_, String>(4)?)),
            signature: Signature::from_bytes(row.get(5)?),
        };
        replay.take(signed)?.map_err(|rejected| LoadError::Meddled(rejected.to_string()))?;
    }
    drop(rows);
    drop(all);
    replay.loaded()?;
    let alarm = replay.alarms().next().map(str::to_owned);
    alarm.map_or(Ok(replay), |alarm| Err(LoadError::Meddled(alarm)))
}

/// Writes a record, or deletes what is gone.
pub(super) fn write(transaction: &Transaction<'_>, signed: &Signed) -> rusqlite::Result<()> {
    let key = signed.key.to_string();
    let Some(body) = &signed.body else {
        transaction.prepare_cached("DELETE FROM records WHERE key = ?1")?.execute([key])?;
        return Ok(());
    };
    let mut put = transaction.prepare_cached(
        "INSERT OR REPLACE INTO records (key, revision, change, schema, body, signature) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    put.execute(params![
        key,
        i64::try_from(signed.revision.0).unwrap_or(i64::MAX),
        signed.change.as_bytes(),
        body.schema(),
        body.text(),
        signed.signature.as_bytes(),
    ])?;
    Ok(())
}
