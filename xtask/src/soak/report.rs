//! The rounds as Markdown, without a date or a machine: what was done, what came out, how to repeat it.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::Member;
use super::journal::Round;

/// What one test measured in one round.
struct Row<'a> {
    round: usize,
    seed: u64,
    scale: u32,
    figures: Vec<(&'a str, u64)>,
    /// Whether the figures of all rounds are summed up by their median, as ratios and latencies are, not by their sum.
    median_of_all: bool,
}

/// The report; `bar` is how many rounds there should be.
pub(super) fn text(member: Member, name: &str, bar: usize, rounds: &[Round]) -> String {
    let Member { package, folder } = member;
    let passed = rounds.iter().filter(|round| round.success).count();
    let mut text = format!(
        "# Soak: {name}\n\n`cargo xtask soak {name}`: {passed} rounds passed, {} failed; the bar is {bar}. A round is the file \
         `{folder}/{name}` with a seed of its own; `TIDEGATE_SEED=<seed> TIDEGATE_TEST_SCALE=<scale> cargo test \
         --package {package} --test {name}` makes the same random choices again.\n",
        rounds.len() - passed,
    );
    for (title, (notes, rows)) in tables(rounds) {
        let _ = write!(text, "\n## {title}\n\n");
        if !notes.is_empty() {
            let _ = write!(text, "{notes}\n\n");
        }
        text += &table(&rows);
    }
    text += "\n## Tests\n\n| round | seed | scale | result |\n|---|---|---|---|\n";
    for (number, round) in (1..).zip(rounds) {
        let _ = writeln!(text, "| {number} | {} | {} | {} |", round.seed, round.scale, round.result);
    }
    text
}

/// By title, with the notes of the last round: rows of the rounds.
fn tables(rounds: &[Round]) -> BTreeMap<&str, (&str, Vec<Row<'_>>)> {
    let mut tables: BTreeMap<&str, (&str, Vec<Row<'_>>)> = BTreeMap::new();
    for (number, round) in (1..).zip(rounds) {
        for measured in &round.measured {
            let word = |key| measured.get(key).and_then(Value::as_str).unwrap_or_default();
            let (notes, rows) = tables.entry(word("title")).or_default();
            *notes = word("notes");
            let figures = figures(measured);
            let median_of_all = word("all") == "median";
            rows.push(Row { round: number, seed: round.seed, scale: round.scale, figures, median_of_all });
        }
    }
    tables
}

/// Names and numbers, in the order of the test.
fn figures(measured: &Value) -> Vec<(&str, u64)> {
    let pairs = measured.get("figures").and_then(Value::as_array).into_iter().flatten();
    pairs.filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?.as_u64()?))).collect()
}

/// One line for each figure, the sum or the median first: there are more figures than rounds.
fn table(rows: &[Row<'_>]) -> String {
    let median_of_all = rows.last().is_some_and(|row| row.median_of_all);
    let mut head = if median_of_all { "| | median |" } else { "| | all |" }.to_owned();
    let mut rule = "|---|---|".to_owned();
    for row in rows {
        let _ = write!(head, " round {} (seed {}, scale {}) |", row.round, row.seed, row.scale);
        rule += "---|";
    }
    let mut text = format!("{head}\n{rule}\n");
    let names = rows.last().map(|row| row.figures.iter().map(|(name, _)| *name));
    for name in names.into_iter().flatten() {
        let values: Vec<u64> = rows.iter().map(|row| value(row, name)).collect();
        let _ = write!(
            text,
            "| {name} | {} |",
            if median_of_all { median(&values) } else { values.iter().sum() }
        );
        values.iter().for_each(|value| {
            let _ = write!(text, " {value} |");
        });
        text.push('\n');
    }
    text
}

fn median(values: &[u64]) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn value(row: &Row<'_>, name: &str) -> u64 {
    row.figures.iter().find(|(found, _)| *found == name).map_or(0, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::E2E;
    use super::*;

    #[test]
    fn ratios_have_a_median() {
        let round = |ratio| Round {
            seed: 1,
            scale: 1,
            success: true,
            result: String::new(),
            measured: vec![json!({"title": "F", "all": "median", "figures": [["ratio", ratio]]})],
        };
        let text = text(E2E, "flood", 3, &[round(120), round(900), round(130)]);
        assert!(
            text.contains("| | median |") && text.contains("| ratio | 130 | 120 | 900 | 130 |"),
            "{text}"
        );
    }

    #[test]
    fn figures_are_summed_by_title() {
        let round = |seed, kills, success| Round {
            seed,
            scale: 3,
            success,
            result: "r".to_owned(),
            measured: vec![
                json!({"title": "Kafka", "notes": "n", "figures": [["kills", kills], ["lost", 0]]}),
            ],
        };
        let text = text(E2E, "upheaval", 10, &[round(7, 2, true), round(8, 3, false)]);
        assert!(text.contains("1 rounds passed, 1 failed; the bar is 10."), "{text}");
        assert!(text.contains("\n## Kafka\n\nn\n\n"), "{text}");
        assert!(text.contains("| kills | 5 | 2 | 3 |\n| lost | 0 | 0 | 0 |\n"), "{text}");
        assert!(text.contains("| 2 | 8 | 3 | r |"), "{text}");
    }
}
