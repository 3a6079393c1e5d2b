//! A mirror that has failed goes on.

use std::path::PathBuf;

use anyhow::Context;
use tidegate_core::{LinkName, MirrorTopic};
use tidegate_mirror::{Records, config};

/// Arguments of `tidegate-mirror resume`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file; see docs/mirror.md.
    #[arg(long, short, default_value = "tidegate-mirror.yaml")]
    config: PathBuf,
    /// The link.
    #[arg(value_parser = LinkName::parse)]
    link: LinkName,
    /// The mirror topic.
    #[arg(value_parser = MirrorTopic::parse)]
    topic: MirrorTopic,
}

/// Writes it down; workers that run take it up at once. A store in a file has one owner: stop the daemon before.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = config::load(&arguments.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let parts = config.open_store().await?;
        let records = Records::new(parts.store, parts.sealer);
        let link = records.link(&arguments.link)?;
        let link = link.with_context(|| format!("there is no link `{}`", arguments.link))?;
        Ok(records.resume(&link, &arguments.topic).await?)
    })
}
