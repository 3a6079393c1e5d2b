//! MirrorMaker 2, from Maven, with the properties in `benches/mirror-maker`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::lane::Pair;
use crate::command;

/// Its jars and its properties.
pub(super) struct Maker {
    jars: PathBuf,
    folder: PathBuf,
}

impl Maker {
    /// Has Maven copy the jars, unless it did so before.
    pub(super) fn fetch(folder: &Path) -> Result<Self> {
        let jars = folder.join("mirror-maker");
        let pom = command::root().join("benches/mirror-maker/pom.xml");
        let key = fs::read_to_string(&pom).with_context(|| format!("cannot read {}", pom.display()))?;
        let done = jars.join("done");
        if fs::read_to_string(&done).is_ok_and(|done| done == key) {
            return Ok(Self { jars, folder: folder.to_owned() });
        }
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "-f"]).arg(&pom).arg("dependency:copy-dependencies");
        maven.arg(format!("-DoutputDirectory={}", jars.display()));
        let status = maven.status().context("cannot start Maven, which fetches MirrorMaker 2")?;
        if !status.success() {
            bail!("Maven ended with {status}; --lanes raw,mirror leaves MirrorMaker 2 out");
        }
        fs::write(&done, key)?;
        Ok(Self { jars, folder: folder.to_owned() })
    }

    /// A run of its own: what it remembers of earlier ones is under another alias.
    pub(super) fn command(&self, pair: &Pair) -> Result<Command> {
        let template = command::root().join("benches/mirror-maker/mm2.properties");
        let template =
            fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
        let (alias, _) = pair.copy.split_once('.').context("MirrorMaker 2 names copies ALIAS.TOPIC")?;
        let properties = [
            ("@ALIAS@", alias.to_owned()),
            ("@SOURCE@", pair.source.to_string()),
            ("@DESTINATION@", pair.destination.to_string()),
            ("@TOPIC@", pair.topic.clone()),
            ("@CODEC@", pair.codec.as_str().to_owned()),
            ("@TASKS@", pair.partitions.min(MOST_TASKS).to_string()),
        ];
        let properties = properties.iter().fold(template, |text, (name, value)| text.replace(name, value));
        let file = self.folder.join("mm2.properties");
        fs::write(&file, properties)?;
        let logging = command::root().join("e2e/java/log4j2.properties");
        let mut command = Command::new("java");
        // As `connect-mirror-maker.sh` has it.
        command.args(["-Xms256M", "-Xmx2G", "-XX:+UseG1GC"]);
        command.arg(format!("-Dlog4j2.configurationFile={}", logging.display()));
        command
            .arg("-cp")
            .arg(self.jars.join("*"))
            .arg("org.apache.kafka.connect.mirror.MirrorMaker")
            .arg(file);
        Ok(command)
    }
}

/// More than there are cores here slow each other down.
const MOST_TASKS: u32 = 2;
