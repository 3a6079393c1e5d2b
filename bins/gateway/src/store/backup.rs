//! All records out of a store and into another.
//!
//! A backup is JSON, one record a line: `{"key", "schema", "body"}`. Secrets stay sealed, so it opens only with the sealing
//! key, and a restored store works only with the root key that its zones were made under.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tidegate_core::records::{Recorded, ZoneRecord};
use tidegate_core::store::{Body, Change, Kind, MAX_WRITES, RecordKey};
use tidegate_core::{ZoneSpec, render_zone};
use tidegate_gateway::stored::StoreParts;

use super::{change, tell};

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    schema: u32,
    body: String,
}

pub(super) fn backup(parts: &StoreParts, path: &Path) -> anyhow::Result<()> {
    let image = parts.store.image();
    let write = || -> anyhow::Result<()> {
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut out = std::io::BufWriter::new(file);
        for record in image.iter() {
            let (schema, body) = (record.body.schema(), record.body.text().to_owned());
            serde_json::to_writer(&mut out, &Line { key: record.key.to_string(), schema, body })?;
            out.write_all(b"\n")?;
        }
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        Ok(())
    };
    write().with_context(|| format!("{}: cannot write the backup", path.display()))?;
    writeln!(std::io::stdout(), "{} records as of change {}", image.len(), image.revision())?;
    Ok(())
}

/// One manifest for each zone, in the order of their names.
pub(super) fn export(parts: &StoreParts, path: &Path) -> anyhow::Result<()> {
    let image = parts.store.image();
    let zones = image.of(&Kind::ZONE).map(|record| ZoneRecord::from_record(record, &parts.sealer));
    let zones: Vec<ZoneSpec> = zones.map(|zone| Ok(zone?.spec)).collect::<anyhow::Result<_>>()?;
    let manifests: Vec<String> = zones.iter().filter_map(render_zone).collect();
    let write = || -> anyhow::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(manifests.join("---\n").as_bytes())?;
        Ok(())
    };
    write().with_context(|| format!("{}: cannot write the manifests", path.display()))?;
    writeln!(std::io::stdout(), "{} zones as of change {}", manifests.len(), image.revision())?;
    Ok(())
}

/// All records are read before the first is written; a restore that is broken off is begun anew, with an empty store.
pub(super) async fn restore(parts: &StoreParts, path: &Path) -> anyhow::Result<()> {
    if !parts.store.image().is_empty() {
        bail!("the store has records; a backup is restored into an empty one");
    }
    let file = fs::File::open(path).with_context(|| format!("{}: cannot read the backup", path.display()))?;
    let mut records = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let place = || format!("{}, line {}: not a record of a backup", path.display(), number + 1);
        let line: Line = serde_json::from_str(&line.with_context(place)?).with_context(place)?;
        records.push((RecordKey::parse(&line.key).with_context(place)?, Body::new(line.schema, &line.body)));
    }
    for some in records.chunks(MAX_WRITES) {
        let restored =
            some.iter().fold(Change::new(), |change, (key, body)| change.create(key.clone(), body.clone()));
        parts.store.commit(restored).await?;
    }
    tell(parts, &format!("restore {} records", records.len())).await?;
    writeln!(std::io::stdout(), "{} records", records.len())?;
    Ok(())
}

pub(super) async fn reseal(parts: &StoreParts) -> anyhow::Result<()> {
    let keys: Vec<RecordKey> = parts.store.image().iter().map(|record| record.key.clone()).collect();
    let random = ring::rand::SystemRandom::new();
    let mut resealed = 0;
    for key in keys {
        let (revision, ()) = change(parts, None, |registry| {
            let Some(record) = registry.image.get(&key) else { return Ok((Change::new(), ())) };
            let body = parts.sealer.reseal(&key, &record.body, &random);
            let body = body.map_err(tidegate_core::records::RecordError::from)?;
            Ok((body.map_or_else(Change::new, |body| Change::new().update(record, body)), ()))
        })
        .await?;
        resealed += usize::from(revision.is_some());
    }
    if resealed > 0 {
        tell(parts, &format!("reseal {resealed} records")).await?;
    }
    writeln!(std::io::stdout(), "{resealed} records are sealed anew")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use ring::rand::SystemRandom;
    use secrecy::{ExposeSecret, SecretString};
    use tidegate_core::records::{
        AuditRecord, InviteRecord, InviteState, LinkClusters, LinkConfig, LinkMode, LinkRecord, Moment,
        Sealing, Unknown,
    };
    use tidegate_core::store::{Record, Sealer, SealingKey};
    use tidegate_core::{LinkConfigName, LinkId, LinkName, ShareId};
    use tidegate_store::MemoryStore;

    use super::*;

    const TOKEN: &str = "the token of an invite";
    const PASSWORD: &str = "the password of a link";

    fn key(byte: u8) -> SealingKey {
        SealingKey::from_bytes(&[byte; 32]).unwrap()
    }

    fn link() -> LinkRecord {
        let password = LinkConfig::Secret(SecretString::from(PASSWORD));
        LinkRecord {
            name: LinkName::parse("east").unwrap(),
            id: LinkId::from_bytes([7; 16]),
            mode: LinkMode::Destination,
            clusters: LinkClusters::default(),
            configs: BTreeMap::from([(LinkConfigName::parse("sasl.jaas.config").unwrap(), password)]),
            is_paused: false,
            acls: [].into(),
            created: Moment(1),
            updated: Moment(1),
            unknown: Unknown::default(),
        }
    }

    fn invite() -> InviteRecord {
        let share = ShareId::parse("ss-1").unwrap();
        InviteRecord::new(SecretString::from(TOKEN), share, Moment(1), Moment(2))
    }

    /// A store with a link, an invite that is not mailed, and something of a later version without a secret.
    async fn store() -> StoreParts {
        let parts = StoreParts { store: Arc::new(MemoryStore::new()), sealer: Arc::new(Sealer::new(key(1))) };
        let random = SystemRandom::new();
        let sealing = Sealing { sealer: &parts.sealer, random: &random };
        let (link, invite) = (link(), invite());
        let change = Change::new()
            .create(link.key().unwrap(), link.to_body(&sealing).unwrap())
            .create(invite.key().unwrap(), invite.to_body(&sealing).unwrap())
            .create(RecordKey::parse("a-later-kind/1").unwrap(), Body::new(9, "{}"));
        parts.store.commit(change).await.unwrap();
        parts
    }

    fn record(parts: &StoreParts, key: &RecordKey) -> Record {
        parts.store.image().get(key).unwrap().clone()
    }

    /// What is secret in both, as this sealer opens it.
    fn secrets(parts: &StoreParts, sealer: &Sealer) -> Vec<String> {
        let link = LinkRecord::from_record(&record(parts, &link().key().unwrap()), sealer).unwrap();
        let invite = InviteRecord::from_record(&record(parts, &invite().key().unwrap()), sealer).unwrap();
        let configs = link.configs.into_values().filter_map(|config| match config {
            LinkConfig::Secret(secret) => Some(secret),
            LinkConfig::Open(_) => None,
        });
        let InviteState::Pending { token } = invite.state else { panic!("{invite:?}") };
        configs.chain([token]).map(|secret| secret.expose_secret().to_owned()).collect()
    }

    #[tokio::test]
    async fn secrets_of_links_and_invites_are_sealed_anew() {
        let before = store().await;
        let both = Sealer::new(key(2)).with_previous(key(1));
        let parts = StoreParts { sealer: Arc::new(both), ..before };
        reseal(&parts).await.unwrap();
        assert_eq!(secrets(&parts, &Sealer::new(key(2))), [PASSWORD, TOKEN]);
        let revision = parts.store.image().revision();
        reseal(&parts).await.unwrap();
        assert_eq!(parts.store.image().revision(), revision, "there is nothing left to do");
        let told = AuditRecord::all(&parts.store.image(), &parts.sealer);
        assert_eq!(told.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["reseal 2 records"]);
    }

    #[tokio::test]
    async fn every_kind_survives_a_backup() {
        let (from, to) = (store().await, StoreParts { store: Arc::new(MemoryStore::new()), ..store().await });
        let path =
            std::env::temp_dir().join(format!("tidegate-backup-{}-every-kind.jsonl", std::process::id()));
        backup(&from, &path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let restored = restore(&to, &path).await;
        fs::remove_file(&path).unwrap();
        restored.unwrap();
        assert!(!text.contains(TOKEN) && !text.contains(PASSWORD));
        let kinds = |parts: &StoreParts| -> Vec<String> {
            parts.store.image().kinds().map(|(kind, number)| format!("{kind} {number}")).collect()
        };
        assert_eq!(kinds(&from), ["a-later-kind 1", "invite 1", "link 1"]);
        assert_eq!(kinds(&to), ["a-later-kind 1", "audit 1", "invite 1", "link 1"]);
        assert_eq!(secrets(&to, &Sealer::new(key(1))), [PASSWORD, TOKEN]);
    }
}
