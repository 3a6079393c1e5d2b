//! Which link it is: by its id, what it wrote is known again.

use anyhow::Context;
use serde::Deserialize;
use tidegate_core::{LinkId, LinkName};
use tidegate_mirror::Records;
use tidegate_mirror::config::Config;

/// A daemon on the same machine answers at once, or is not there.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(2);

/// What a daemon says of a link, as much as matters here.
#[derive(Deserialize)]
struct Told {
    link: String,
    id: Option<String>,
}

/// The id of a link: a daemon that runs says so; without one the store is opened, which only one can do if it is a file.
pub(super) async fn id(config: &Config, name: &LinkName) -> anyhow::Result<LinkId> {
    if let Some(id) = told(config, name) {
        return Ok(id);
    }
    let parts = config
        .open_store()
        .await
        .context("no daemon answers for the link, and its store cannot be opened")?;
    let link = Records::new(parts.store, parts.sealer).link(name)?;
    Ok(link.with_context(|| format!("link `{name}` was never started: nothing is mirrored"))?.id)
}

fn told(config: &Config, name: &LinkName) -> Option<LinkId> {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(DEADLINE)).build().into();
    let body =
        agent.get(format!("http://{}/links", config.http_bind)).call().ok()?.into_body().read_to_string();
    let links: Vec<Told> = serde_json::from_str(&body.ok()?).ok()?;
    let told = links.into_iter().find(|told| told.link == name.as_str())?;
    LinkId::from_base64(&told.id?)
}
