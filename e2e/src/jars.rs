//! Apache Kafka's jars, copied by Maven once per version.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::{fmt, fs, str};

use anyhow::{Context, Result};

use crate::{once, paths, process};

/// A Kafka release that the suite runs against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// 4.1.1
    V4_1_1,
    /// 3.9.1
    V3_9_1,
}

impl Version {
    /// Every release, newest first.
    pub const ALL: [Self; 2] = [Self::V4_1_1, Self::V3_9_1];

    /// As Maven writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V4_1_1 => "4.1.1",
            Self::V3_9_1 => "3.9.1",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl str::FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
            .with_context(|| format!("no Kafka {text} here; use 4.1.1 or 3.9.1"))
    }
}

/// The folder that holds the jars of `version`; fetched at the first call on a machine.
pub fn folder(version: Version) -> Result<PathBuf> {
    let pom = paths::e2e().join("kafka").join(version.as_str()).join("pom.xml");
    let key = fs::read_to_string(&pom).with_context(|| format!("reading {}", pom.display()))?;
    let dir = paths::target().join("kafka").join(format!("jars-{version}"));
    once::once(&dir, &key, |dir| {
        let mut maven = Command::new("mvn");
        maven
            .args(["-q", "-B", "-f"])
            .arg(&pom)
            .arg("dependency:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", dir.display()));
        process::run_ok(&maven, Duration::from_secs(600)).context("fetching the Kafka jars with Maven")?;
        Ok(())
    })?;
    Ok(dir)
}
