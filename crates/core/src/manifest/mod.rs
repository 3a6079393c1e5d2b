//! PartnerZone manifests: the shape that people write, apiVersion `v2`.
//!
//! [`parse_zones`] reads YAML of one or more documents, or JSON, and gives either zones that obey every rule or all
//! the mistakes at once. What `get` prints is accepted again: fields that only the server sets are ignored.

mod conflicts;
mod errors;
mod limits;
mod render;
mod traffic;
mod v2;

pub use conflicts::{SourcedZone, ZoneConflict, check_zones};
pub use errors::ManifestErrors;
pub use limits::{
    MAX_DESCRIPTION, MAX_DISPLAY_NAME, MAX_EMAIL, MAX_LABEL_KEY, MAX_LABEL_VALUE, MAX_LABELS,
    MAX_PARTNER_NAME, MAX_PARTNER_ROLE, MAX_PHONE, MAX_TOPICS, MAX_URL,
};

pub use render::{manifest_json, render_zone};

use crate::document::{self, Problem, Report};
use crate::store::Revision;
use crate::zone::ZoneSpec;

/// What one document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneManifest {
    /// The zone as it is wanted.
    pub spec: ZoneSpec,
    /// The revision of its record that whoever wrote this has seen; none where they do not say.
    pub revision: Option<Revision>,
}

/// Reads every PartnerZone of the text, or tells all that is wrong with them.
pub fn parse_zones(text: &str) -> Result<Vec<ZoneSpec>, ManifestErrors> {
    let manifests = parse_manifests(text)?;
    Ok(manifests.into_iter().map(|manifest| manifest.spec).collect())
}

/// As [`parse_zones`], with what each document says of what its writer has seen.
pub fn parse_manifests(text: &str) -> Result<Vec<ZoneManifest>, ManifestErrors> {
    let (documents, syntax) = document::parse(text);
    let report = Report::default();
    let zones: Vec<ZoneManifest> = documents
        .iter()
        .filter(|document| !document.is_empty())
        .filter_map(|document| v2::read(&document.place(&report)))
        .collect();
    let nothing = report.is_empty() && zones.is_empty() && syntax.is_none();
    if nothing {
        let what = "there is no PartnerZone in it; write one, or remove the text".to_owned();
        report.add(Problem { document: None, path: String::new(), line: None, what });
    }
    let problems: Vec<Problem> = report.into_problems().into_iter().chain(syntax).collect();
    if problems.is_empty() { Ok(zones) } else { Err(ManifestErrors::new(problems, documents.len())) }
}
