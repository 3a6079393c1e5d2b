//! What workers say to each other: sets of units, as JSON, so that people who look at the group can read it too.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::calls::group::Words;

pub(super) fn write(units: &BTreeSet<String>) -> Bytes {
    // A set of texts is always JSON.
    serde_json::to_vec(units).unwrap_or_default().into()
}

/// What cannot be read, as that of a later version, is nothing.
pub(super) fn read(words: &Bytes) -> BTreeSet<String> {
    serde_json::from_slice(words).unwrap_or_default()
}

pub(super) fn read_all(members: Vec<Words>) -> BTreeMap<String, BTreeSet<String>> {
    members.into_iter().map(|(member, words)| (member, read(&words))).collect()
}

pub(super) fn write_shares(shares: &BTreeMap<String, BTreeSet<String>>) -> Vec<Words> {
    shares.iter().map(|(member, share)| (member.clone(), write(share))).collect()
}
