//! What partners may do beyond what their zones say.

use tidegate_core::document::Place;

/// What partners may do beyond what their zones say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyConfig {
    /// Whether they may delete their own groups and these groups' offsets.
    pub delete_groups: bool,
}

impl Default for PolicyConfig {
    /// Resetting and clearing away consumer groups is daily work of whoever owns the consumers.
    fn default() -> Self {
        Self { delete_groups: true }
    }
}

/// Reads `policy`; what is absent has its default.
pub(super) fn read(place: Option<Place<'_>>) -> PolicyConfig {
    let mut policy = PolicyConfig::default();
    let Some(mut fields) = place.and_then(|place| place.fields()) else { return policy };
    if let Some(delete_groups) = fields.optional("deleteGroups").and_then(|place| place.flag()) {
        policy.delete_groups = delete_groups;
    }
    fields.finish();
    policy
}
