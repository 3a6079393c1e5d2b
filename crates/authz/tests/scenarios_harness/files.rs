//! The files: `scenarios/<API>/cases.yaml`, which people write, and `scenarios/<API>/<version>/<case>.yaml`,
//! which come of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tidegate_wire::api::ApiKey;

use super::cases::{Expected, Said, Scenario};
use super::coverage;
use super::schema::parse_versions;

/// Set to write the files instead of judging them.
const BLESS: &str = "TIDEGATE_BLESS";

/// Every scenario, by the path of its file below `scenarios`.
pub(crate) fn all() -> &'static BTreeMap<String, Scenario> {
    static ALL: OnceLock<BTreeMap<String, Scenario>> = OnceLock::new();
    ALL.get_or_init(|| {
        if std::env::var_os(BLESS).is_some() {
            bless();
        }
        paths().into_iter().map(|path| (path.clone(), read(&path))).collect()
    })
}

/// What the templates say, by the path of the file that must say the same. Nothing is expected yet.
pub(crate) fn expanded() -> BTreeMap<String, Scenario> {
    let (served, _) = coverage::shown();
    let mut expanded = BTreeMap::new();
    for api in names_in(&root()) {
        let key = key(&api);
        let is_served = served.iter().any(|(other, _)| *other == key);
        assert!(is_served, "nobody serves {api}: remove its cases, or write its rule");
        let cases = yaml(&root().join(&api).join(TEMPLATES));
        for case in cases.as_array().expect("a list of cases") {
            let name = text(case, "case").unwrap_or_else(|| panic!("{api}: a case without a name"));
            let wanted =
                text(case, "versions").map(|spec| parse_versions(&spec).expect("versions such as 3-12"));
            for (_, version) in served.iter().filter(|(other, _)| *other == key) {
                if wanted.is_none_or(|wanted| wanted.contains(*version)) {
                    let scenario = scenario(key, *version, &name, case);
                    let twice = expanded.insert(format!("{}.yaml", scenario.place()), scenario);
                    assert!(twice.is_none(), "{api}: two cases {name} at version {version}");
                }
            }
        }
    }
    expanded
}

/// The files below the folders of versions.
pub(crate) fn paths() -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for api in names_in(&root()) {
        for version in names_in(&root().join(&api)).into_iter().filter(|name| name != TEMPLATES) {
            let files = names_in(&root().join(&api).join(&version)).into_iter();
            paths.extend(files.map(|file| format!("{api}/{version}/{file}")));
        }
    }
    paths
}

const TEMPLATES: &str = "cases.yaml";

fn bless() {
    let expanded = expanded();
    for stale in paths().into_iter().filter(|path| !expanded.contains_key(path)) {
        fs::remove_file(root().join(&stale)).expect("the stale file can be removed");
    }
    for (path, mut scenario) in expanded {
        let played = scenario.clone().play();
        scenario.expected = played.outcome();
        scenario.said.broker.truncate(played.broker.len().min(scenario.said.broker.len()));
        let path = root().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        fs::write(path, scenario.text()).expect("the file can be written");
    }
}

fn read(path: &str) -> Scenario {
    let mut parts = path.trim_end_matches(".yaml").split('/');
    let mut part = || parts.next().unwrap_or_else(|| panic!("{path} is no place of a scenario"));
    let (api, version, case) = (part(), part(), part());
    let version = version.parse().unwrap_or_else(|_| panic!("{path}: {version} is not a version"));
    let file = yaml(&root().join(path));
    let mut scenario = scenario(key(api), version, case, &file);
    scenario.expected = Expected {
        upstream: file["upstream"].as_array().cloned().unwrap_or_default(),
        answer: file["answer"].clone(),
    };
    scenario
}

fn scenario(key: ApiKey, version: i16, case: &str, given: &Value) -> Scenario {
    let said = |given| {
        Scenario::said(key, version, given)
            .unwrap_or_else(|error| panic!("{key:?}/{version}/{case}: {error}"))
    };
    let before = given["before"].as_array().map(Vec::as_slice).unwrap_or_default();
    Scenario {
        key,
        version,
        case: case.to_owned(),
        why: text(given, "why").unwrap_or_else(|| case.to_owned()),
        zone: text(given, "zone").unwrap_or_else(|| "plain".to_owned()),
        before: before.iter().map(said).collect::<Vec<Said>>(),
        said: said(given),
        expected: Expected::default(),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn key(api: &str) -> ApiKey {
    ApiKey::iter().find(|key| format!("{key:?}") == api).unwrap_or_else(|| panic!("{api} is no API"))
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name")).collect()
}

fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(given: &Value, member: &str) -> Option<String> {
    let value = given.get(member)?;
    Some(value.as_str().map_or(value.to_string(), str::to_owned))
}
