//! All that is wrong with a configuration.

use std::fmt;
use std::path::Path;

use tidegate_core::document::Problem;

/// All that is wrong with a configuration file; shown as one line each, begun with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    file: String,
    problems: Vec<Problem>,
}

impl ConfigErrors {
    /// Mistakes inside the file. There is one document only, so it needs no number.
    pub fn new(path: &Path, mut problems: Vec<Problem>) -> Self {
        problems.iter_mut().for_each(|problem| problem.document = None);
        Self { file: path.display().to_string(), problems }
    }

    /// Something wrong with the file as a whole.
    pub fn of_file(path: &Path, what: String) -> Self {
        Self::new(path, vec![Problem { document: None, path: String::new(), line: None, what }])
    }

    /// The mistakes, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            let separator = if n == 0 { "" } else { "\n" };
            write!(f, "{separator}{}: {problem}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
