//! A zone folder and an accounts file, taken over into the store.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;

use anyhow::bail;
use tidegate_core::records::{Recorded, ZoneRecord};
use tidegate_core::registry::{Applied, together};
use tidegate_core::store::Kind;
use tidegate_core::{Account, SourcedZone};
use tidegate_gateway::config::{self, Config};
use tidegate_gateway::desired::Desired;
use tidegate_gateway::stored::{StoreParts, open_store};

use super::{ZONES_TOGETHER, change};

/// Zones keep the ids that they have as files, so that partners find their topics, groups and transactions as they were.
pub(super) async fn import(config: &Path, zones: &Path, accounts: &Path) -> anyhow::Result<()> {
    let config = config::load(config)?;
    let mut files = config.clone();
    (files.store, files.zones_folder, files.accounts_file) = (None, zones.to_owned(), accounts.to_owned());
    let desired = Desired::load(&files)?;
    let parts = open_store(&config).await?;
    refuse_others(&parts, &config, desired.zones())?;
    let wanted: Vec<(&SourcedZone, Option<&Account>)> = desired
        .zones()
        .iter()
        .map(|sourced| (sourced, desired.accounts().find(sourced.zone.account().as_str())))
        .collect();
    // Above five hundred zones it is several changes; one that was broken off is taken up where it was.
    let mut made_now = 0;
    for some in wanted.chunks(ZONES_TOGETHER) {
        let action = format!("import {} zones", some.len());
        let (_, made) = change(&parts, Some(&action), |registry| {
            let made = some.iter().map(|(sourced, account)| {
                let id = config.root_key.zone_id(sourced.zone.name());
                registry.put_zone(&sourced.zone, id, *account)
            });
            let made = made.collect::<Result<Vec<_>, _>>()?;
            let new = made.iter().filter(|(_, applied)| *applied == Applied::Created).count();
            Ok((together(made.into_iter().map(|(change, _)| change)), new))
        })
        .await?;
        made_now += made;
    }
    let used: HashSet<_> = wanted.iter().map(|(zone, _)| zone.zone.account()).collect();
    let without = desired.accounts().iter().map(Account::name).filter(|account| !used.contains(account));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{made_now} zones are new in the store, of {}", wanted.len())?;
    for account in without {
        writeln!(out, "account {account} belongs to no zone and stays behind")?;
    }
    Ok(())
}

/// What is in the store already must be what is imported: anything else was made there, and would be mixed up with it.
fn refuse_others(parts: &StoreParts, config: &Config, wanted: &[SourcedZone]) -> anyhow::Result<()> {
    let wanted: HashMap<_, _> = wanted.iter().map(|sourced| (sourced.zone.name(), &sourced.zone)).collect();
    for record in parts.store.image().of(&Kind::ZONE) {
        let there = ZoneRecord::from_record(record, &parts.sealer)?;
        let id = config.root_key.zone_id(there.spec.name());
        if there.id != id || wanted.get(there.spec.name()) != Some(&&there.spec) {
            bail!(
                "{} is in the store already, and is another one; import goes into a store without zones",
                record.key
            );
        }
    }
    Ok(())
}
