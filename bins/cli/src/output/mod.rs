//! How answers are written: tables for people, JSON and YAML for programs.

mod table;

use std::io::{self, Write};

use serde_json::Value;

pub(crate) use table::{Table, day_and_time, on_one_line};

/// How to write what there is.
#[derive(clap::Args)]
pub(crate) struct Output {
    /// How to write it.
    #[arg(id = "output", long = "output", short = 'o', value_enum, default_value = "table")]
    pub(crate) format: Format,
}

/// A way to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For programs, and for people who edit it.
    Yaml,
}

impl Format {
    /// Writes a value; what has no table is written as YAML, which people read as well.
    pub(crate) fn print(self, value: &Value) -> anyhow::Result<()> {
        Ok(io::stdout().lock().write_all(self.text(value)?.as_bytes())?)
    }

    /// What [`Self::print`] writes.
    pub(crate) fn text(self, value: &Value) -> anyhow::Result<String> {
        match self {
            Self::Json => Ok(format!("{value:#}\n")),
            Self::Table | Self::Yaml => yaml(value),
        }
    }

    /// Writes several values: in YAML as a document each, as manifests are read.
    pub(crate) fn print_each(self, values: Vec<Value>) -> anyhow::Result<()> {
        if self == Self::Json {
            return self.print(&Value::Array(values));
        }
        let documents = values.iter().map(yaml).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(io::stdout().lock().write_all(documents.join("---\n").as_bytes())?)
    }
}

/// YAML, or JSON, which is YAML too, where that could be misread.
fn yaml(value: &Value) -> anyhow::Result<String> {
    let text = serde_saphyr::to_string(value)?;
    let read: Result<Value, _> = serde_saphyr::from_str(&text);
    match read.is_ok_and(|read| read == *value) {
        true => Ok(if text.ends_with('\n') { text } else { text + "\n" }),
        false => Ok(format!("{value:#}\n")),
    }
}
