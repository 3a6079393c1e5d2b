//! Where mistakes are collected.

use std::cell::RefCell;
use std::fmt;

/// One mistake in a text: where it is, what is wrong and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The number of the YAML document in its text, from 1; `None` if the text holds a single one or none.
    pub document: Option<usize>,
    /// The way to the value, as `spec.topics[1].permission`; empty for the document itself.
    pub path: String,
    /// The line, if known.
    pub line: Option<usize>,
    /// What is wrong and how to mend it.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { document, path, line, what } = self;
        if let Some(document) = document {
            write!(f, "document {document}: ")?;
        }
        match (path.as_str(), line) {
            ("", Some(line)) => write!(f, "line {line}: {what}"),
            ("", None) => f.write_str(what),
            (path, Some(line)) => write!(f, "{path} (line {line}): {what}"),
            (path, None) => write!(f, "{path}: {what}"),
        }
    }
}

/// Collects mistakes while values are read. Readers share it, so it changes behind a shared reference.
#[derive(Debug, Default)]
pub struct Report(RefCell<Vec<Problem>>);

impl Report {
    /// Adds a mistake.
    pub fn add(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// True if nothing was wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All mistakes, in the order of the text as far as lines are known.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        problems.sort_by_key(|problem| (problem.line.is_none(), problem.line));
        problems
    }
}
