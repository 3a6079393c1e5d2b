//! The rounds that are done: one JSON object per line, in `target/soak`.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::command;

/// A round that came to its end, whatever that was.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Round {
    pub(super) seed: u64,
    pub(super) scale: u32,
    pub(super) success: bool,
    /// How many tests passed, failed and were skipped.
    pub(super) result: String,
    /// What the tests measured.
    pub(super) measured: Vec<Value>,
}

/// The rounds of a name.
pub(super) struct Journal {
    path: PathBuf,
    rounds: Vec<Round>,
}

impl Journal {
    /// The rounds of earlier calls, unless they are to be forgotten.
    pub(super) fn open(name: &str, fresh: bool) -> Result<Self> {
        let path = command::target().join("soak").join(format!("{name}.jsonl"));
        if fresh && path.exists() {
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("reading {}", path.display()))?,
        };
        Ok(Self { path, rounds: parse(&text) })
    }

    pub(super) fn rounds(&self) -> &[Round] {
        &self.rounds
    }

    pub(super) fn passed(&self) -> usize {
        self.rounds.iter().filter(|round| round.success).count()
    }

    pub(super) fn add(&mut self, round: Round) -> Result<()> {
        fs::create_dir_all(self.path.parent().context("the journal lies in a folder")?)?;
        let mut file = File::options().create(true).append(true).open(&self.path)?;
        file.write_all(line(&round).as_bytes())
            .with_context(|| format!("writing {}", self.path.display()))?;
        self.rounds.push(round);
        Ok(())
    }
}

fn line(round: &Round) -> String {
    let Round { seed, scale, success, result, measured } = round;
    let fields = json!({
        "seed": seed, "scale": scale, "success": success, "result": result, "measured": measured,
    });
    format!("{fields}\n")
}

/// A line that was cut off when the machine stopped is a round that was not done.
fn parse(text: &str) -> Vec<Round> {
    text.lines().filter_map(|line| round(&serde_json::from_str(line).ok()?)).collect()
}

fn round(fields: &Value) -> Option<Round> {
    Some(Round {
        seed: fields.get("seed")?.as_u64()?,
        scale: fields.get("scale")?.as_u64()?.try_into().ok()?,
        success: fields.get("success")?.as_bool()?,
        result: fields.get("result")?.as_str()?.to_owned(),
        measured: fields.get("measured")?.as_array()?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_come_back() {
        let first = Round {
            seed: 7,
            scale: 3,
            success: true,
            result: "3 passed, 0 failed, 0 skipped".to_owned(),
            measured: vec![json!({"lost": 0})],
        };
        let second = Round { success: false, ..first.clone() };
        let text = line(&first) + &line(&second) + "{\"seed\":9,";
        assert_eq!(parse(&text), [first, second]);
    }
}
