//! Zones and credentials, one by one.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::ExposeSecret;
use tidegate_core::records::{AccountRecord, AuditRecord, Recorded, ZoneRecord};
use tidegate_core::registry::{Applied, RegistryError, together};
use tidegate_core::store::{Kind, RecordKey};
use tidegate_core::{CredentialId, SourcedZone, ZoneId, ZoneName, ZoneSpec, check_zones, parse_zones};
use tidegate_gateway::config::{self, Config};
use tidegate_gateway::logins::{make_credential, make_password};
use tidegate_gateway::stored::{StoreParts, open_store};

use super::{NewCredential, ZONES_TOGETHER, change};

pub(super) fn list(parts: &StoreParts) -> anyhow::Result<()> {
    let image = parts.store.image();
    let mut out = std::io::stdout().lock();
    for record in image.of(&Kind::ZONE) {
        let zone = ZoneRecord::from_record(record, &parts.sealer)?.spec;
        let account = image.get(&RecordKey::new(Kind::ACCOUNT, zone.account().as_str())?);
        let account = account.map(|record| AccountRecord::from_record(record, &parts.sealer)).transpose()?;
        let credentials: Vec<String> = account
            .iter()
            .flat_map(|account| account.account.credentials())
            .map(|credential| credential.id().to_string())
            .collect();
        let credentials = if credentials.is_empty() { "none".to_owned() } else { credentials.join(",") };
        writeln!(out, "{}\t{}\t{credentials}\t{}", zone.name(), zone.account(), zone.topics().len())?;
    }
    Ok(())
}

/// How many records there are of each kind, also of those that only a later version knows.
pub(super) fn kinds(parts: &StoreParts) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for (kind, number) in parts.store.image().kinds() {
        writeln!(out, "{kind}\t{number}")?;
    }
    Ok(())
}

pub(super) fn history(parts: &StoreParts) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for entry in AuditRecord::all(&parts.store.image(), &parts.sealer) {
        let more = if entry.count > entry.changed.len() { " ..." } else { "" };
        let changed = entry.changed.join(" ");
        let AuditRecord { number, at, who, action, .. } = entry;
        writeln!(out, "{number}\t{}\t{who}\t{action}\t{changed}{more}", at.to_rfc3339())?;
    }
    Ok(())
}

pub(super) async fn apply(config: &Path, files: &[PathBuf]) -> anyhow::Result<()> {
    let config = config::load(config)?;
    let zones = read(files, &config)?;
    let parts = &open_store(&config).await?;
    let ids = zones.iter().map(|_| random_id()).collect::<anyhow::Result<Vec<_>>>()?;
    let action = format!("apply {} zones", zones.len());
    let (_, applied) = change(parts, Some(&action), |registry| {
        let made = zones.iter().zip(&ids).map(|(spec, id)| registry.put_zone(spec, *id, None));
        let made = made.collect::<Result<Vec<_>, _>>()?;
        let applied: Vec<Applied> = made.iter().map(|(_, applied)| *applied).collect();
        Ok((together(made.into_iter().map(|(change, _)| change)), applied))
    })
    .await?;
    tell(&zones, &applied)
}

/// The zones of files; all mistakes at once, before anything is opened.
fn read(files: &[PathBuf], config: &Config) -> anyhow::Result<Vec<ZoneSpec>> {
    let (mut zones, mut problems) = (Vec::new(), Vec::new());
    for path in files {
        let source = path.display().to_string();
        match std::fs::read_to_string(path) {
            Err(error) => problems.push(format!("{source}: cannot read the file: {error}")),
            Ok(text) => match parse_zones(&text) {
                Err(errors) => problems.extend(errors.lines(&source)),
                Ok(parsed) => {
                    zones.extend(parsed.into_iter().map(|zone| SourcedZone::new(source.clone(), zone)));
                }
            },
        }
    }
    problems.extend(check_zones(&zones).iter().map(ToString::to_string));
    for SourcedZone { source, zone, .. } in &zones {
        if config.cluster(zone.cluster()).is_none() {
            let cluster = zone.cluster();
            problems.push(format!(
                "{source}: zone `{}`: there is no cluster `{cluster}` in the configuration",
                zone.name()
            ));
        }
    }
    if zones.len() > ZONES_TOGETHER {
        let number = zones.len();
        problems.push(format!(
            "{number} zones at once; {ZONES_TOGETHER} fit into one change: apply them in parts"
        ));
    }
    match problems.is_empty() {
        true => Ok(zones.into_iter().map(|sourced| sourced.zone).collect()),
        false => anyhow::bail!(problems.join("\n")),
    }
}

fn tell(zones: &[ZoneSpec], applied: &[Applied]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for (zone, applied) in zones.iter().zip(applied) {
        let what = match applied {
            Applied::Created => "created",
            Applied::Updated => "updated",
            Applied::NotChanged => "not changed",
        };
        writeln!(out, "{}\t{what}", zone.name())?;
    }
    Ok(())
}

pub(super) async fn delete(parts: &StoreParts, zone: &str) -> anyhow::Result<()> {
    let zone = ZoneName::parse(zone)?;
    change(parts, Some(&format!("delete zone {zone}")), |registry| Ok((registry.delete_zone(&zone)?, ())))
        .await?;
    Ok(())
}

pub(super) async fn add_credential(parts: &StoreParts, wanted: NewCredential) -> anyhow::Result<()> {
    const DAY: u64 = 24 * 3_600;
    let NewCredential { credential, label, expires_in_days, expires_in_seconds } = wanted;
    let (zone, id) = (ZoneName::parse(&credential.zone.zone)?, CredentialId::parse(&credential.id)?);
    let seconds = expires_in_days.map(|days| u64::from(days) * DAY).or(expires_in_seconds.map(u64::from));
    let password = make_password().context(NO_RANDOMNESS)?;
    let action = format!("add credential {id} to zone {zone}");
    change(parts, Some(&action), |registry| {
        let account = registry.account_of(&zone)?.value.account;
        let credential = make_credential(id.clone(), &password, account.credentials());
        let credential = credential.ok_or_else(|| RegistryError::Credential {
            account: account.name().clone(),
            what: NO_RANDOMNESS.to_owned(),
        })?;
        let expires = seconds.map(|seconds| registry.now.plus_seconds(seconds));
        let credential = credential.with(label.clone(), expires).made(registry.now);
        Ok((registry.add_credential(&zone, credential)?, ()))
    })
    .await?;
    writeln!(std::io::stdout(), "{}", password.expose_secret())?;
    Ok(())
}

pub(super) async fn revoke_credential(parts: &StoreParts, zone: &str, id: &str) -> anyhow::Result<()> {
    let (zone, id) = (ZoneName::parse(zone)?, CredentialId::parse(id)?);
    let action = format!("revoke credential {id} of zone {zone}");
    change(parts, Some(&action), |registry| Ok((registry.revoke_credential(&zone, &id)?, ()))).await?;
    Ok(())
}

pub(super) async fn allow_from(
    parts: &StoreParts,
    zone: &str,
    networks: &[ipnet::IpNet],
) -> anyhow::Result<()> {
    let zone = ZoneName::parse(zone)?;
    let action = match networks {
        [] => format!("allow zone {zone} from anywhere"),
        some => format!("allow zone {zone} from {some:?}"),
    };
    change(parts, Some(&action), |registry| Ok((registry.allow_networks(&zone, networks.to_vec())?, ())))
        .await?;
    Ok(())
}

const NO_RANDOMNESS: &str = "the machine gives no random bytes";

/// The id of a zone that is new.
fn random_id() -> anyhow::Result<ZoneId> {
    use ring::rand::SecureRandom;
    let mut bytes = [0; 16];
    ring::rand::SystemRandom::new().fill(&mut bytes).ok().context(NO_RANDOMNESS)?;
    Ok(ZoneId::from_bytes(bytes))
}
