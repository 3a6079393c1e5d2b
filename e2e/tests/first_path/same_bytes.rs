//! No existence oracle: what is hidden and what does not exist are answered in the same bytes, for every API
//! that takes a topic and every version of it that the gateway shows.

use std::ops::RangeInclusive;

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};
use tidegate_e2e::jars::Version;
use tidegate_e2e::random;
use tidegate_e2e::raw::Connection;
use uuid::Uuid;

use crate::partner::{Partner, READ_ALIAS};
use crate::requests::{self, Subject};

/// The last version that is ever asked for; what the gateway shows is the real bound.
const NEWEST: i16 = i16::MAX;

const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const UNKNOWN_TOPIC_ID: i16 = 100;

/// An API in the versions in which it takes a topic in one way.
struct Probe {
    key: ApiKey,
    versions: RangeInclusive<i16>,
    ask: fn(&mut Connection, i16, &Subject) -> Result<Vec<u8>>,
}

const BY_NAME: [Probe; 7] = [
    Probe { key: ApiKey::Metadata, versions: 0..=NEWEST, ask: requests::metadata },
    Probe { key: ApiKey::Produce, versions: 0..=12, ask: requests::produce },
    Probe { key: ApiKey::Fetch, versions: 0..=12, ask: requests::fetch },
    Probe { key: ApiKey::ListOffsets, versions: 0..=NEWEST, ask: requests::list_offsets },
    Probe { key: ApiKey::OffsetForLeaderEpoch, versions: 0..=NEWEST, ask: requests::offset_for_leader_epoch },
    Probe { key: ApiKey::OffsetCommit, versions: 0..=9, ask: requests::offset_commit },
    Probe { key: ApiKey::OffsetFetch, versions: 0..=9, ask: requests::offset_fetch },
];

const BY_ID: [Probe; 3] = [
    Probe { key: ApiKey::Metadata, versions: 12..=NEWEST, ask: requests::metadata },
    Probe { key: ApiKey::Produce, versions: 13..=NEWEST, ask: requests::produce },
    Probe { key: ApiKey::Fetch, versions: 13..=NEWEST, ask: requests::fetch },
];

pub(crate) fn a_backing_name_looks_like_a_nonsense_name(version: Version) -> Result<()> {
    let partner = Partner::create(version, &["orders"])?;
    let names = [partner.backing("orders"), partner.backing(READ_ALIAS), &partner.hidden.name];
    let names = names.map(str::to_owned);
    for name in &names {
        // As long as the real one; if it came to life on the cluster, the case would fail.
        let nonsense = random::name("nothing.");
        ensure!(nonsense.len() == name.len(), "{nonsense} and {name} differ in length");
        let pair = [Subject::Name(name.clone()), Subject::Name(nonsense)];
        compare_all(&mut partner.raw()?, &BY_NAME, &pair, TOPIC_AUTHORIZATION_FAILED)?;
    }
    partner.finish_after_asking_for(&names, &[])
}

pub(crate) fn a_real_topic_id_looks_like_a_random_id(version: Version) -> Result<()> {
    let partner = Partner::create(version, &["orders"])?;
    let id = partner.hidden.id;
    let pair = [Subject::Id(id), Subject::Id(Uuid::new_v4())];
    compare_all(&mut partner.raw()?, &BY_ID, &pair, UNKNOWN_TOPIC_ID)?;
    partner.finish_after_asking_for(&[], &[id])
}

fn compare_all(
    connection: &mut Connection,
    probes: &[Probe],
    pair: &[Subject; 2],
    expected_error: i16,
) -> Result<()> {
    let shown = connection.call(0, &ApiVersionsRequest::default())?;
    for probe in probes {
        let versions = shown_versions(&shown, probe)?;
        for version in versions.clone() {
            compare(connection, probe, version, pair, expected_error)
                .with_context(|| format!("{:?} v{version}", probe.key))?;
        }
        println!("{:?} v{versions:?}: the same bytes", probe.key);
    }
    Ok(())
}

fn compare(
    connection: &mut Connection,
    probe: &Probe,
    version: i16,
    [hidden, nothing]: &[Subject; 2],
    expected_error: i16,
) -> Result<()> {
    let about_hidden = (probe.ask)(connection, version, hidden)?;
    let about_nothing = (probe.ask)(connection, version, nothing)?;
    // The name or id that was asked for is echoed; everything else is equal.
    let expected = replace(&about_hidden, &hidden.bytes(), &nothing.bytes());
    ensure!(
        expected == about_nothing,
        "hidden and absent differ:\n{about_hidden:02x?}\n{about_nothing:02x?}"
    );
    let refused = about_hidden.windows(2).any(|bytes| bytes == expected_error.to_be_bytes());
    ensure!(refused, "no error {expected_error} in {about_hidden:02x?}");
    Ok(())
}

/// The versions of a probe that the gateway shows and that the codec can write.
fn shown_versions(shown: &ApiVersionsResponse, probe: &Probe) -> Result<RangeInclusive<i16>> {
    let key = probe.key as i16;
    let api = shown.api_keys.iter().find(|api| api.api_key == key).context("the API is not shown")?;
    let codec = requests::versions(probe.key);
    let low = api.min_version.max(codec.min).max(*probe.versions.start());
    let high = api.max_version.min(codec.max).min(*probe.versions.end());
    ensure!(
        probe.versions.start() > &0 || low <= high,
        "{:?} is shown in versions {} to {} only",
        probe.key,
        api.min_version,
        api.max_version
    );
    Ok(low..=high)
}

fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut replaced = bytes.to_vec();
    let mut position = 0;
    while position + old.len() <= replaced.len() {
        if replaced[position..].starts_with(old) {
            replaced[position..position + old.len()].copy_from_slice(new);
        }
        position += 1;
    }
    replaced
}
