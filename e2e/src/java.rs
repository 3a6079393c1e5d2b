//! Java programs on Kafka's own jars: the broker, the stock tools and the sources in `e2e/java`.
//!
//! `e2e/java/client` is for the newest release only: its steps use what older ones do not have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::jars::{self, Version};
use crate::{once, paths, process};

/// `java` with `options`, ready to run `main` on the jars of `version` and our own classes.
pub fn program(version: Version, options: &[&str], main: &str) -> Result<Command> {
    let jars = jars::folder(version)?;
    let classes = classes(version, &jars)?;
    let mut command = Command::new("java");
    command
        // Short-lived programs on few cores: the first compiler tier starts quicker than the second pays off.
        .args(["-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"])
        .arg(format!("-Dlog4j2.configurationFile={}", paths::e2e().join("java/log4j2.properties").display()))
        .args(options)
        .arg("-cp")
        .arg(format!("{}:{}/*", classes.display(), jars.display()))
        .arg(main);
    Ok(command)
}

/// The class folder of the sources for `version`, compiled against its jars when a source changed.
fn classes(version: Version, jars: &Path) -> Result<PathBuf> {
    let mut sources = sources("java")?;
    if version == Version::V4_1_1 {
        sources.extend(self::sources("java/client")?);
    }
    let mut key = String::new();
    for source in &sources {
        key += &fs::read_to_string(source).with_context(|| format!("reading {}", source.display()))?;
    }
    let dir = paths::target().join("kafka").join(format!("classes-{version}"));
    once::once(&dir, &key, |dir| {
        let mut javac = Command::new("javac");
        javac.args([
            "--release",
            "17",
            "-proc:none",
            "-Werror",
            "-Xlint:all,-classfile,-processing,-path",
            "-d",
        ]);
        javac.arg(dir).arg("-cp").arg(format!("{}/*", jars.display())).args(&sources);
        process::run_ok(&javac, Duration::from_secs(120)).context("compiling e2e/java")?;
        Ok(())
    })?;
    Ok(dir)
}

fn sources(folder: &str) -> Result<Vec<PathBuf>> {
    let mut sources: Vec<PathBuf> = fs::read_dir(paths::e2e().join(folder))
        .with_context(|| format!("reading e2e/{folder}"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    sources.retain(|path| path.extension().is_some_and(|ext| ext == "java"));
    sources.sort();
    if sources.is_empty() {
        bail!("no Java sources in e2e/{folder}");
    }
    Ok(sources)
}
