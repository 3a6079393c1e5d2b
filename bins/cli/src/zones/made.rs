//! What became of manifests, one by one: zones are made each whole, but not all of them in one change.

use std::io::{self, Write};

use serde_json::{Value, json};
use tidegate_core::ZoneManifest;

use super::diff::{against_server, changed_meanwhile};
use crate::failure::Failure;
use crate::output::{Format, Table};
use crate::rest::{Applied, Rest};

/// What became of a manifest.
pub(super) struct Made {
    pub(super) name: String,
    pub(super) applied: Applied,
    /// How it differs from what was there, if somebody asked.
    pub(super) diff: Option<String>,
}

/// Asks what would come of every manifest, and tells everything that stands against any of them: what is wrong with the
/// last one is known before the first one is made.
pub(super) fn rehearse(
    rest: &Rest,
    manifests: &[ZoneManifest],
    with_diff: bool,
) -> Result<Vec<Made>, Failure> {
    let (mut made, mut failures) = (Vec::new(), Vec::new());
    for manifest in manifests {
        match one(rest, manifest, true, with_diff) {
            Ok(one) => made.push(one),
            Err(failure) if ends_all(&failure) => return Err(failure),
            Err(failure) => failures.push(failure),
        }
    }
    match together(failures) {
        None => Ok(made),
        Some(failure) => Err(failure.map(|what| format!("{what}\nnothing was changed"))),
    }
}

/// Makes every zone as its manifest wants it; one that fails holds up none of the others. Gives what was made, and what
/// failed.
pub(super) fn make(
    rest: &Rest,
    manifests: &[ZoneManifest],
    rehearsed: Vec<Made>,
) -> (Vec<Made>, Option<Failure>) {
    let (mut made, mut failures) = (Vec::new(), Vec::new());
    for (manifest, Made { diff, .. }) in manifests.iter().zip(rehearsed) {
        match one(rest, manifest, false, false) {
            Ok(one) => made.push(Made { diff, ..one }),
            Err(failure) if ends_all(&failure) => {
                failures.push(
                    failure.map(|what| format!("zone `{}` and those after it: {what}", manifest.spec.name())),
                );
                break;
            }
            Err(failure) => failures.push(failure),
        }
    }
    (made, together(failures))
}

/// Writes what became of them.
pub(super) fn tell(made: &[Made], format: Format) -> anyhow::Result<()> {
    if format == Format::Table {
        let mut out = io::stdout().lock();
        for diff in made.iter().filter_map(|made| made.diff.as_ref()) {
            write!(out, "{diff}")?;
        }
        let mut table = Table::new(["NAME", "RESULT"]);
        for Made { name, applied, .. } in made {
            table.row([name, &applied.to_string()]);
        }
        return Ok(write!(out, "{table}")?);
    }
    let list = made.iter().map(|Made { name, applied, diff }| match diff {
        Some(diff) => json!({"name": name, "upsertResult": applied, "diff": diff}),
        None => json!({"name": name, "upsertResult": applied}),
    });
    format.print(&Value::from_iter(list))
}

fn one(rest: &Rest, manifest: &ZoneManifest, is_dry: bool, with_diff: bool) -> Result<Made, Failure> {
    let name = manifest.spec.name();
    let put = rest.put(manifest, is_dry).map_err(|failure| match failure {
        Failure::Conflict(what) => Failure::Conflict(changed_meanwhile(rest, manifest, what)),
        Failure::Wrong(what) => Failure::Wrong(prefixed(name.as_str(), &what)),
        other => other,
    })?;
    let diff = with_diff.then(|| against_server(rest, manifest)).transpose()?;
    Ok(Made { name: name.to_string(), applied: put.upsert_result, diff })
}

/// Who is away, or takes no token, for one zone does so for the next.
fn ends_all(failure: &Failure) -> bool {
    matches!(failure, Failure::Unreachable(_) | Failure::Refused(_))
}

/// Every mistake is a line, and each says whose it is.
fn prefixed(name: &str, mistakes: &str) -> String {
    mistakes.lines().map(|line| format!("zone `{name}`: {line}")).collect::<Vec<_>>().join("\n")
}

/// Several failures as one. Its kind is that of the first, in the order of the manifests.
fn together(failures: Vec<Failure>) -> Option<Failure> {
    let mut failures = failures.into_iter();
    let first = failures.next()?;
    Some(failures.fold(first, |all, next| all.map(|told| format!("{told}\n{next}"))))
}
