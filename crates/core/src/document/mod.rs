//! YAML (and JSON, which is YAML) as a plain tree that knows its lines, and readers that collect every mistake.
//!
//! Serde stops at the first mistake. A person who wrote a manifest wants all of them, each with its path and line, so
//! the text is first made a tree and then read field by field: a [`Place`] is a node together with the way to it and
//! the [`Report`] that its mistakes go to.

mod fields;
mod parse;
mod place;
mod report;

pub use fields::Fields;
pub use parse::{MAX_TEXT_BYTES, parse};
pub use place::Place;
pub use report::{Problem, Report};

/// One YAML document of a text.
#[derive(Debug)]
pub struct Document {
    /// Its number in the text, from 1.
    pub number: usize,
    /// Its content.
    pub root: Node,
}

/// A value and the line on which it begins.
#[derive(Debug)]
pub struct Node {
    pub(crate) value: Value,
    pub(crate) line: usize,
}

#[derive(Debug)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// Text as written. `plain` text may also be read as a number or a flag.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Document {
    /// True if there is nothing in it but white space and comments.
    pub fn is_empty(&self) -> bool {
        matches!(self.root.value, Value::Null)
    }

    /// Its outermost value, to be read.
    pub fn place<'a>(&'a self, report: &'a Report) -> Place<'a> {
        Place::root(self, report)
    }
}
