//! The reference of the metrics, the dashboard and the code say the same.
#![allow(clippy::unwrap_used, reason = "a test says what it expects in the shortest way")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tidegate_gateway::METRICS;

#[test]
fn every_metric_has_its_row_and_every_row_its_metric() {
    let page = read("docs/metrics.md");
    for spec in METRICS {
        let labels: Vec<String> = spec.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        let row = format!("| `{}` | {} | {labels} | {} |", spec.name, spec.kind.as_str(), spec.meaning);
        assert!(page.contains(&row), "docs/metrics.md lacks the row\n{row}");
    }
    let rows = page.lines().filter(|line| line.starts_with("| `tidegate_")).count();
    assert_eq!(rows, METRICS.len());
}

#[test]
fn the_dashboard_asks_for_metrics_that_exist_and_for_all_of_them() {
    let dashboard: Value = serde_json::from_str(&read("docs/grafana/gateway.json")).unwrap();
    let mut asked = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "two panels have one id");
        let Some(targets) = panel["targets"].as_array() else { continue };
        assert!(!targets.is_empty(), "{} asks nothing", panel["title"]);
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}");
            let expression = target["expr"].as_str().unwrap();
            let names = metrics(expression);
            assert!(!names.is_empty(), "{expression}");
            asked.extend(names);
        }
    }
    let known: BTreeSet<String> = METRICS.iter().map(|spec| spec.name.to_owned()).collect();
    assert_eq!(asked, known);
    let rows: Vec<&str> = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|panel| panel["type"] == "row")
        .filter_map(|panel| panel["title"].as_str())
        .collect();
    assert_eq!(rows, ["Overview", "Zones", "Limits and refusals", "Upstream"]);
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
}

/// The metrics in an expression.
fn metrics(expression: &str) -> Vec<String> {
    expression
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("tidegate_"))
        .map(str::to_owned)
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}
