//! The credentials of a zone's account, for whoever wants to know which one can go.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use tidegate_core::records::{Moment, Sealing};
use tidegate_core::registry::{Registry, RegistryError};
use tidegate_core::{CredentialId, Timestamp, ZoneName};
use tidegate_gateway::GatewayError;
use tidegate_gateway::config;
use tidegate_gateway::stored::open_all;

use super::now;

/// One line for each: id, label, when it was made, when it expires, when it was last in use; `-` is none, never, or longer
/// ago than facts are kept.
pub(super) async fn list(config: &Path, zone: &str) -> anyhow::Result<()> {
    let zone = ZoneName::parse(zone)?;
    let (facts, parts) = open_all(&config::load(config)?).await?;
    let parts = parts.ok_or(GatewayError::NoStore)?;
    let (image, random) = (parts.store.image(), ring::rand::SystemRandom::new());
    let sealing = Sealing { sealer: &parts.sealer, random: &random };
    let registry = Registry { image: &image, sealing, now: now() };
    let found = registry.zone(&zone)?.ok_or_else(|| RegistryError::NoZone(zone.clone()))?;
    let account = registry.account_of(&zone)?.value.account;
    let used: HashMap<CredentialId, Timestamp> = facts.logins(found.value.id).await?.into_iter().collect();
    let time = |seconds: Timestamp| Moment::default().plus_seconds(seconds.0).to_rfc3339();
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut out = std::io::stdout().lock();
    for credential in account.credentials() {
        let columns = [
            credential.id().to_string(),
            or_none(credential.label().map(str::to_owned)),
            or_none(credential.created().map(str::to_owned)),
            or_none(credential.expires().map(Moment::to_rfc3339)),
            or_none(used.get(credential.id()).copied().map(time)),
        ];
        writeln!(out, "{}", columns.join("\t"))?;
    }
    Ok(())
}
