//! `tidegate template`.

use std::io::{self, Write};

use clap::Subcommand;

/// What there is a manifest for.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// A partner zone with every field that there is.
    Zone,
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self::Zone = self;
        Ok(io::stdout().write_all(ZONE.as_bytes())?)
    }
}

const ZONE: &str = include_str!("template.yaml");

#[cfg(test)]
mod tests {
    use tidegate_core::parse_zones;

    use super::*;

    #[test]
    fn the_template_is_a_whole_zone() {
        let zone = parse_zones(ZONE).unwrap().remove(0);
        assert_eq!((zone.name().as_str(), zone.topics().len()), ("acme", 2));
        assert!(zone.traffic().limit_commit_offset.is_some() && zone.partner().is_some());
    }
}
