//! Facts in the file.

use rusqlite::{Transaction, params};
use tidegate_core::facts::{BINDING_RETENTION_S, Fact, Facts, Pending, Timestamp, Unbound};
use tidegate_core::{Alias, BackingTopic, CredentialId, ZoneId};

use super::SqliteStore;

impl Facts for SqliteStore {
    fn keep(&self, zone: ZoneId, facts: Vec<Fact>) -> Pending<Vec<Fact>> {
        self.facts(move |transaction| facts.into_iter().map(|fact| keep(transaction, zone, fact)).collect())
    }

    fn producers(&self, zone: ZoneId, ids: Vec<i64>) -> Pending<Vec<(i64, Timestamp)>> {
        self.facts(move |transaction| {
            let mut find =
                transaction.prepare_cached("SELECT used FROM producers WHERE zone = ?1 AND id = ?2")?;
            let mut found = Vec::new();
            for id in ids {
                let mut rows = find.query(params![zone.as_bytes(), id])?;
                if let Some(row) = rows.next()? {
                    found.push((id, timestamp(row.get(0)?)));
                }
            }
            Ok(found)
        })
    }

    fn bindings(&self) -> Pending<Vec<(ZoneId, Fact)>> {
        self.facts(|transaction| {
            let mut all = transaction
                .prepare_cached("SELECT zone, consumer_group, backing, alias, used FROM bindings")?;
            let rows = all.query_map([], |row| {
                Ok((
                    row.get(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, String>(3)?,
                    row.get(4)?,
                ))
            })?;
            let mut bindings = Vec::new();
            for row in rows {
                let (zone, group, backing, alias, used) = row?;
                // Names are written as parsed; one that an older program allowed and this one does not binds nothing.
                if let (Ok(backing), Ok(alias)) = (BackingTopic::parse(&backing), Alias::parse(&alias)) {
                    let used = timestamp(used);
                    bindings.push((ZoneId::from_bytes(zone), Fact::Binding { group, backing, alias, used }));
                }
            }
            Ok(bindings)
        })
    }

    fn logins(&self, zone: ZoneId) -> Pending<Vec<(CredentialId, Timestamp)>> {
        self.facts(move |transaction| {
            let mut all =
                transaction.prepare_cached("SELECT credential, used FROM logins WHERE zone = ?1")?;
            let rows = all.query_map([zone.as_bytes()], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
            let mut logins = Vec::new();
            for row in rows {
                let (credential, used) = row?;
                if let Ok(credential) = CredentialId::parse(&credential) {
                    logins.push((credential, timestamp(used)));
                }
            }
            Ok(logins)
        })
    }

    fn unbind(&self, zone: ZoneId, bindings: Vec<Unbound>) -> Pending<()> {
        self.facts(move |transaction| {
            let mut delete = transaction.prepare_cached(
                "DELETE FROM bindings WHERE zone = ?1 AND consumer_group = ?2 AND backing = ?3 AND alias = ?4",
            )?;
            for Unbound { group, backing, alias } in &bindings {
                delete.execute(params![zone.as_bytes(), group, backing.as_str(), alias.as_str()])?;
            }
            Ok(())
        })
    }

    fn expire(&self, limit: Timestamp) -> Pending<()> {
        self.facts(move |transaction| {
            transaction.execute("DELETE FROM producers WHERE used < ?1", [seconds(limit)])?;
            transaction.execute("DELETE FROM bindings WHERE used < ?1", [seconds(limit)])?;
            transaction.execute("DELETE FROM logins WHERE used < ?1", [seconds(limit)])?;
            Ok(())
        })
    }
}

/// One fact, as it stands then.
fn keep(transaction: &Transaction<'_>, zone: ZoneId, fact: Fact) -> rusqlite::Result<Fact> {
    match fact {
        Fact::Producer { id, used } => {
            let mut keep = transaction
                .prepare_cached("INSERT OR REPLACE INTO producers (zone, id, used) VALUES (?1, ?2, ?3)")?;
            keep.execute(params![zone.as_bytes(), id, seconds(used)])?;
            Ok(fact)
        }
        Fact::Login { ref credential, used } => {
            let mut keep = transaction.prepare_cached(
                "INSERT OR REPLACE INTO logins (zone, credential, used) VALUES (?1, ?2, ?3)",
            )?;
            keep.execute(params![zone.as_bytes(), credential.as_str(), seconds(used)])?;
            Ok(fact)
        }
        Fact::Binding { group, backing, alias, used } => {
            let mut keep = transaction.prepare_cached(BIND)?;
            let retention = i64::try_from(BINDING_RETENTION_S).unwrap_or(i64::MAX);
            let key = (zone.as_bytes(), &group, backing.as_str());
            keep.execute(params![key.0, key.1, key.2, alias.as_str(), seconds(used), retention])?;
            let mut find = transaction.prepare_cached(
                "SELECT alias, used FROM bindings WHERE zone = ?1 AND consumer_group = ?2 AND backing = ?3",
            )?;
            let (bound, used): (String, i64) =
                find.query_row(params![key.0, key.1, key.2], |row| Ok((row.get(0)?, row.get(1)?)))?;
            // What is bound was parsed before it was written.
            let alias = Alias::parse(&bound).unwrap_or(alias);
            Ok(Fact::Binding { group, backing, alias, used: timestamp(used) })
        }
    }
}

/// The first alias stands, unless it is out of use.
const BIND: &str = "
INSERT INTO bindings (zone, consumer_group, backing, alias, used) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO UPDATE SET alias = excluded.alias, used = excluded.used
WHERE bindings.alias = excluded.alias OR bindings.used <= excluded.used - ?6
";

fn seconds(timestamp: Timestamp) -> i64 {
    i64::try_from(timestamp.0).unwrap_or(i64::MAX)
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(u64::try_from(seconds).unwrap_or_default())
}
