//! Programs of a bench that stop and go by lines.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A program that prints lines and waits for lines; killed when dropped.
pub(super) struct Talk {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Talk {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, input, output })
    }

    /// Waits until it says that it is ready to go.
    pub(super) fn wait_ready(&mut self) -> Result<()> {
        let line = self.line()?;
        if line != "ready" {
            bail!("it said {line:?} where it should be ready");
        }
        Ok(())
    }

    /// Lets it run and gives its outcome; it stays where it is then.
    pub(super) fn go(&mut self) -> Result<Value> {
        writeln!(self.input)?;
        self.json()
    }

    /// The next line, which is JSON.
    pub(super) fn json(&mut self) -> Result<Value> {
        let line = self.line()?;
        serde_json::from_str(&line).with_context(|| format!("it said {line:?}"))
    }

    /// The next line.
    pub(super) fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("it stopped early; its message is above");
        }
        Ok(line.trim_end().to_owned())
    }

    /// Lets it go on to its end.
    pub(super) fn finish(mut self) -> Result<()> {
        writeln!(self.input)?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("it ended with {status}");
        }
        Ok(())
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // After `finish` it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
