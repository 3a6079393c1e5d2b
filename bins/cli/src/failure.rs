//! Why a command did not do what it was asked to; each kind has its exit code, which scripts rely on.

use std::process::ExitCode;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something on this machine: a file, the terminal, or that somebody said no.
    #[error("{0}")]
    Here(String),
    /// The command was used wrongly, or a manifest is wrong, whoever found it out.
    #[error("{0}")]
    Wrong(String),
    /// The server does not do it for whoever asks, or cannot do it.
    #[error("{0}")]
    Refused(String),
    /// There is none of that name.
    #[error("{0}")]
    NotFound(String),
    /// A rule stands against it, or somebody else was faster.
    #[error("{0}")]
    Conflict(String),
    /// Nobody answers, or nobody who can be believed.
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    /// As docs/cli.md lists them. 2 is also what clap ends with.
    fn code(&self) -> u8 {
        match self {
            Self::Here(_) => 1,
            Self::Wrong(_) => 2,
            Self::Refused(_) => 3,
            Self::NotFound(_) => 4,
            Self::Conflict(_) => 5,
            Self::Unreachable(_) => 6,
        }
    }

    /// The same failure, with more to say.
    pub(crate) fn map(self, more: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Here(what) => Self::Here(more(what)),
            Self::Wrong(what) => Self::Wrong(more(what)),
            Self::Refused(what) => Self::Refused(more(what)),
            Self::NotFound(what) => Self::NotFound(more(what)),
            Self::Conflict(what) => Self::Conflict(more(what)),
            Self::Unreachable(what) => Self::Unreachable(more(what)),
        }
    }
}

/// The exit code of any error: what is no [`Failure`] failed on this machine.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(error.downcast_ref::<Failure>().map_or(1, Failure::code))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written a second time on purpose: scripts rely on them.
    #[test]
    fn every_kind_has_its_code_and_its_row() {
        let page =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md")).unwrap();
        let what = String::new;
        for (failure, code) in [
            (Failure::Here(what()), 1),
            (Failure::Wrong(what()), 2),
            (Failure::Refused(what()), 3),
            (Failure::NotFound(what()), 4),
            (Failure::Conflict(what()), 5),
            (Failure::Unreachable(what()), 6),
        ] {
            assert_eq!(failure.code(), code);
            assert!(page.contains(&format!("\n| {code} | ")), "docs/cli.md has no row for {code}");
        }
    }
}
