//! The file as a whole.

use std::path::Path;

use tidegate_core::RootKey;
use tidegate_core::document::{self, Fields, Place, Problem, Report};

use crate::surroundings::read_text;
use crate::{Around, ConfigErrors, Machine, RootKeySource, Surroundings};

/// Reads the file and has it understood by `parse`, on this machine.
///
/// # Errors
/// [`ConfigErrors`]: the file cannot be read, or what `parse` says.
pub fn load<C>(
    path: &Path,
    parse: impl FnOnce(&str, &Path, &dyn Surroundings) -> Result<C, ConfigErrors>,
) -> Result<C, ConfigErrors> {
    match read_text(&Machine, path) {
        Ok(text) => parse(&text, path, &Machine),
        Err(what) => Err(ConfigErrors::of_file(path, format!("{what}; name the configuration file"))),
    }
}

/// Understands the text of a configuration file by `read`, which reports what is wrong at its place and may give `None`
/// only then. The rest of the world is reached through `surroundings` alone; `path` names the file in messages, and its
/// folder is where relative paths begin.
///
/// # Errors
/// [`ConfigErrors`] with every mistake.
pub fn parse<C>(
    text: &str,
    path: &Path,
    surroundings: &dyn Surroundings,
    read: impl FnOnce(&ConfigFile<'_>) -> Option<C>,
) -> Result<C, ConfigErrors> {
    let (documents, syntax) = document::parse(text);
    let report = Report::default();
    let config = match documents.as_slice() {
        [document] if !document.is_empty() => read(&ConfigFile {
            document: document.place(&report),
            around: Around::new(path, surroundings),
            report: &report,
            is_whole: syntax.is_none(),
        }),
        [] | [_] if syntax.is_some() => None,
        documents => {
            let number = documents.iter().filter(|document| !document.is_empty()).count();
            let what = format!("the file holds {number} documents; write one, begun with `clusters:`");
            report.add(Problem { document: None, path: String::new(), line: None, what });
            None
        }
    };
    let problems: Vec<Problem> = report.into_problems().into_iter().chain(syntax).collect();
    config.filter(|_| problems.is_empty()).ok_or_else(|| ConfigErrors::new(path, problems))
}

/// A configuration file that is being read.
pub struct ConfigFile<'a> {
    /// Its content.
    pub document: Place<'a>,
    /// The files and variables that it names.
    pub around: Around<'a>,
    report: &'a Report,
    /// Whether all of it could be made out.
    is_whole: bool,
}

impl<'a> ConfigFile<'a> {
    /// Reads `rootKey`. If its file is missing it is not made yet.
    pub fn root_key(&self, fields: &mut Fields<'a>) -> Option<RootKeySource<'a>> {
        fields
            .required("rootKey", "write `rootKey: file:root.key`; the file is made at the first start")
            .and_then(|place| RootKeySource::read(&place, &self.around))
    }

    /// Makes the root key's file if it is missing, once all else is read: a daemon that will not start must not leave a key
    /// behind.
    pub fn make_root_key(&self, source: RootKeySource<'_>) -> Option<RootKey> {
        source.key(self.is_whole && self.report.is_empty(), &self.around)
    }
}
