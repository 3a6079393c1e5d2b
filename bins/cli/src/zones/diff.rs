//! How a manifest differs from the zone that is there.

use similar::TextDiff;
use tidegate_core::{ZoneManifest, ZoneSpec, render_zone};

use crate::failure::Failure;
use crate::rest::Rest;

/// Lines around each difference: enough to see which topic it is.
const CONTEXT: usize = 3;

/// How a manifest differs from what the gateway has; nothing if it does not.
pub(super) fn against_server(rest: &Rest, manifest: &ZoneManifest) -> Result<String, Failure> {
    let there = rest.manifest(manifest.spec.name())?;
    Ok(between(there.as_ref().map(|there| &there.spec), &manifest.spec))
}

/// A conflict, and what the zone is by now against what was wanted of it: whoever lost sees what the other one did.
pub(super) fn changed_meanwhile(rest: &Rest, manifest: &ZoneManifest, what: String) -> String {
    let there = rest.manifest(manifest.spec.name()).ok().flatten();
    let diff = there.map(|there| between(Some(&there.spec), &manifest.spec)).unwrap_or_default();
    if diff.is_empty() { what } else { format!("{what}\n{}", diff.trim_end()) }
}

/// From what is there to what is wanted.
fn between(there: Option<&ZoneSpec>, wanted: &ZoneSpec) -> String {
    let name = wanted.name();
    let text = |zone: Option<&ZoneSpec>| zone.and_then(render_zone).unwrap_or_default();
    let (before, after) = (text(there), text(Some(wanted)));
    if before == after {
        return String::new();
    }
    let is = if there.is_some() { format!("{name} as it is") } else { "/dev/null".to_owned() };
    let diff = TextDiff::from_lines(&before, &after);
    diff.unified_diff().context_radius(CONTEXT).header(&is, &format!("{name} as it is wanted")).to_string()
}

#[cfg(test)]
mod tests {
    use tidegate_core::parse_zones;

    use super::*;

    fn zone(permission: &str) -> ZoneSpec {
        let text = format!(
            "{{apiVersion: v2, kind: PartnerZone, metadata: {{name: z}}, spec: {{cluster: c, serviceAccount: u, \
             topics: [{{name: a, backingTopic: t, permission: {permission}}}]}}}}"
        );
        parse_zones(&text).unwrap().remove(0)
    }

    #[test]
    fn what_is_the_same_has_no_difference() {
        assert_eq!(between(Some(&zone("READ")), &zone("READ")), "");
        insta::assert_snapshot!(between(Some(&zone("READ")), &zone("WRITE")));
        let new = between(None, &zone("READ"));
        assert!(new.starts_with("--- /dev/null\n+++ z as it is wanted\n") && !new.contains("\n-"), "{new}");
    }
}
