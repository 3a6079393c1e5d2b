//! A zone folder and an accounts file, taken over into the store.

use std::io::Write;
use std::path::Path;

use anyhow::bail;
use tidegate_core::registry::{Applied, together};
use tidegate_core::store::MAX_WRITES;
use tidegate_core::{Account, SourcedZone};
use tidegate_gateway::config;
use tidegate_gateway::desired::Desired;
use tidegate_gateway::stored::open_store;

use super::change;

/// Zones in one change: each is a record, and so is its account.
const TOGETHER: usize = MAX_WRITES / 2;

/// Zones keep the ids that they have as files, so that partners find their topics, groups and transactions as they were.
pub(super) async fn import(config: &Path, zones: &Path, accounts: &Path) -> anyhow::Result<()> {
    let config = config::load(config)?;
    let mut files = config.clone();
    (files.store, files.zones_folder, files.accounts_file) = (None, zones.to_owned(), accounts.to_owned());
    let desired = Desired::load(&files)?;
    let parts = open_store(&config).await?;
    if let Some(zone) = parts.store.image().of(&tidegate_core::store::Kind::ZONE).next() {
        bail!("{} is in the store already; import goes into a store without zones", zone.key);
    }
    let wanted: Vec<(&SourcedZone, Option<&Account>)> = desired
        .zones()
        .iter()
        .map(|sourced| (sourced, desired.accounts().find(sourced.zone.account().as_str())))
        .collect();
    let mut created = 0;
    for some in wanted.chunks(TOGETHER) {
        let (_, made) = change(&parts, |registry| {
            let made = some.iter().map(|(sourced, account)| {
                let id = config.root_key.zone_id(sourced.zone.name());
                registry.put_zone(&sourced.zone, id, *account)
            });
            let made = made.collect::<Result<Vec<_>, _>>()?;
            let new = made.iter().filter(|(_, applied)| *applied == Applied::Created).count();
            Ok((together(made.into_iter().map(|(change, _)| change)), new))
        })
        .await?;
        created += made;
    }
    let without: Vec<&str> = desired
        .accounts()
        .iter()
        .map(|account| account.name().as_str())
        .filter(|account| wanted.iter().all(|(zone, _)| zone.zone.account().as_str() != *account))
        .collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{created} zones are in the store")?;
    for account in without {
        writeln!(out, "account {account} belongs to no zone and stays behind")?;
    }
    Ok(())
}
