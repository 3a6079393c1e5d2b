//! What can be said on the command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::contexts::{self, ContextName};
use crate::rest::Rest;
use crate::{client_config, credentials, mirror, pages, token, zones};

/// Zones, shares and links of Tidegate.
#[derive(Parser)]
#[command(name = "tidegate", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// The context to use in place of the current one and of TIDEGATE_URL.
    #[arg(long, global = true, value_name = "NAME", value_parser = ContextName::parse)]
    context: Option<ContextName>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes or changes the zones of manifests, each whole or not at all, and says of each what became of it.
    Apply(zones::apply::Arguments),
    /// Lists what there is.
    #[command(subcommand)]
    Get(zones::get::Command),
    /// Tells all about one.
    #[command(subcommand)]
    Describe(zones::describe::Command),
    /// Deletes: whoever is connected is cut off.
    #[command(subcommand)]
    Delete(zones::delete::Command),
    /// Prints a manifest to begin with.
    #[command(subcommand)]
    Template(zones::template::Command),
    /// Writes every zone as a manifest, for a backup or another gateway.
    Export(zones::export::Arguments),
    /// Makes the zones of an export; one that is there already and is another one stops it before anything is made.
    Import(zones::import::Arguments),
    /// Passwords of the accounts that partners log in with.
    #[command(subcommand)]
    Credentials(credentials::Command),
    /// Prints what a partner's Kafka client needs.
    ClientConfig(client_config::Arguments),
    /// Tokens of operators.
    #[command(subcommand)]
    Token(token::Command),
    /// The gateways that this command line knows.
    #[command(subcommand)]
    Context(contexts::Command),
    /// Mirror topics.
    #[command(subcommand)]
    Mirror(mirror::Command),
    /// Prints what makes a shell complete these commands.
    Completions(pages::Completions),
    /// Writes the manual pages.
    Man(pages::Man),
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed on this machine; 2 wrong use or wrong manifest; 3 refused by the server; \
4 not found; 5 conflict; 6 cannot be reached. `mirror verify` has its own.";

impl Arguments {
    /// Does what was said.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let Self { context, command } = self;
        let rest = || Rest::to(&contexts::choose(context.as_ref())?);
        match command {
            Command::Apply(it) => it.run(rest)?,
            Command::Get(it) => it.run(&rest()?)?,
            Command::Describe(it) => it.run(&rest()?)?,
            Command::Delete(it) => it.run(rest)?,
            Command::Template(it) => it.run()?,
            Command::Export(it) => it.run(&rest()?)?,
            Command::Import(it) => it.run(rest)?,
            Command::Credentials(it) => it.run(&rest()?)?,
            Command::ClientConfig(it) => it.run(&rest()?)?,
            Command::Token(it) => it.run(&rest()?)?,
            Command::Context(it) => it.run()?,
            Command::Mirror(it) => return mirror::run(it),
            Command::Completions(it) => it.run()?,
            Command::Man(it) => it.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_finds_nothing_wrong_with_it() {
        Arguments::command().debug_assert();
    }

    /// Written a second time on purpose: whoever adds a command has to describe it.
    #[test]
    fn every_command_has_its_row_and_its_example() {
        let page =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md")).unwrap();
        let mut all = Vec::new();
        leaves(&Arguments::command(), String::new(), &mut all);
        assert!(all.len() > 15, "{all:?}");
        for (name, options) in all {
            let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("docs/cli.md has no row for `{name}`"));
            assert!(row.contains(&format!("`tidegate {name}")), "the row of `{name}` has no example");
            for option in options {
                assert!(row.contains(&option), "the row of `{name}` lacks {option}");
            }
        }
    }

    /// The commands that have none below them, and their options.
    fn leaves(command: &clap::Command, path: String, all: &mut Vec<(String, Vec<String>)>) {
        if command.get_subcommands().next().is_none() {
            let options = command.get_arguments().filter_map(|argument| argument.get_long());
            let options = options.filter(|option| !["help", "context"].contains(option));
            all.push((path, options.map(|option| format!("`--{option}`")).collect()));
            return;
        }
        for below in command.get_subcommands() {
            leaves(below, format!("{path} {}", below.get_name()).trim_start().to_owned(), all);
        }
    }
}
