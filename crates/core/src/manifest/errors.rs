//! All that is wrong with a manifest.

use std::fmt;

use crate::document::Problem;

/// All that is wrong with the manifests of one text; shown as one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestErrors(Vec<Problem>);

impl ManifestErrors {
    /// Documents are numbered in messages only if there is more than one.
    pub(crate) fn new(mut problems: Vec<Problem>, documents: usize) -> Self {
        if documents <= 1 {
            problems.iter_mut().for_each(|problem| problem.document = None);
        }
        Self(problems)
    }

    /// The mistakes, in the order of the text.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }

    /// One line per mistake, each begun with the name of the file.
    pub fn lines<'a>(&'a self, file: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0.iter().map(move |problem| format!("{file}: {problem}"))
    }
}

impl fmt::Display for ManifestErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ManifestErrors {}
