//! Zones and credentials, one by one.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use secrecy::ExposeSecret;
use tidegate_core::records::{AccountRecord, Recorded, ZoneRecord};
use tidegate_core::registry::{Applied, RegistryError, together};
use tidegate_core::store::Kind;
use tidegate_core::{CredentialId, ZoneId, ZoneName, ZoneSpec, parse_zones};
use tidegate_gateway::logins::{make_credential, make_password};
use tidegate_gateway::stored::StoreParts;

use super::{NewCredential, change};

pub(super) fn list(parts: &StoreParts) -> anyhow::Result<()> {
    let image = parts.store.image();
    let mut out = std::io::stdout().lock();
    for record in image.of(&Kind::ZONE) {
        let zone = ZoneRecord::from_record(record, &parts.sealer)?.spec;
        let account = image
            .of(&Kind::ACCOUNT)
            .find(|record| record.key.id() == zone.account().as_str())
            .map(|record| AccountRecord::from_record(record, &parts.sealer))
            .transpose()?;
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

pub(super) async fn apply(parts: &StoreParts, files: &[PathBuf]) -> anyhow::Result<()> {
    let mut zones = Vec::new();
    for path in files {
        let source = path.display().to_string();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("{source}: cannot read the file"))?;
        zones.extend(
            parse_zones(&text)
                .map_err(|errors| anyhow::anyhow!(errors.lines(&source).collect::<Vec<_>>().join("\n")))?,
        );
    }
    let ids = zones.iter().map(|_| random_id()).collect::<anyhow::Result<Vec<_>>>()?;
    let (_, applied) = change(parts, |registry| {
        let made = zones.iter().zip(&ids).map(|(spec, id)| registry.put_zone(spec, *id, None));
        let made = made.collect::<Result<Vec<_>, _>>()?;
        let applied: Vec<Applied> = made.iter().map(|(_, applied)| *applied).collect();
        Ok((together(made.into_iter().map(|(change, _)| change)), applied))
    })
    .await?;
    tell(&zones, &applied)
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
    change(parts, |registry| Ok((registry.delete_zone(&zone)?, ()))).await?;
    Ok(())
}

pub(super) async fn add_credential(parts: &StoreParts, wanted: NewCredential) -> anyhow::Result<()> {
    const DAY: u64 = 24 * 3_600;
    let NewCredential { credential, label, expires_in_days, expires_in_seconds } = wanted;
    let (zone, id) = (ZoneName::parse(&credential.zone.zone)?, CredentialId::parse(&credential.id)?);
    let seconds = expires_in_days.map(|days| u64::from(days) * DAY).or(expires_in_seconds.map(u64::from));
    let password = make_password().context(NO_RANDOMNESS)?;
    change(parts, |registry| {
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
    change(parts, |registry| Ok((registry.revoke_credential(&zone, &id)?, ()))).await?;
    Ok(())
}

pub(super) async fn allow_from(
    parts: &StoreParts,
    zone: &str,
    networks: &[ipnet::IpNet],
) -> anyhow::Result<()> {
    let zone = ZoneName::parse(zone)?;
    change(parts, |registry| Ok((registry.allow_networks(&zone, networks.to_vec())?, ()))).await?;
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
