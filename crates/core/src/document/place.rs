//! A value together with the way to it.

use std::fmt::Display;

use super::{Document, Fields, Node, Problem, Report, Value};
use crate::names::Shown;

/// A value, the way to it, and where its mistakes go. Reading gives `None` after reporting what is wrong.
#[derive(Clone)]
pub struct Place<'a> {
    node: &'a Node,
    path: String,
    document: usize,
    report: &'a Report,
}

impl<'a> Place<'a> {
    pub(super) fn root(document: &'a Document, report: &'a Report) -> Self {
        Self { node: &document.root, path: String::new(), document: document.number, report }
    }

    pub(super) fn child(&self, step: &str, node: &'a Node) -> Self {
        let path = if self.path.is_empty() {
            step.trim_start_matches('.').to_owned()
        } else {
            format!("{}{step}", self.path)
        };
        Self { node, path, document: self.document, report: self.report }
    }

    /// The way to this value.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reports that something is wrong here.
    pub fn fail(&self, what: impl Display) {
        self.report.add(Problem {
            document: Some(self.document),
            path: self.path.clone(),
            line: Some(self.node.line),
            what: what.to_string(),
        });
    }

    /// True for `null` or nothing.
    pub fn is_null(&self) -> bool {
        matches!(self.node.value, Value::Null)
    }

    /// True for a map, for values that may be written in a short and in a long form.
    pub fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    /// True for a list.
    pub fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// True for `null`, and for lists and maps that hold nothing at any depth.
    pub fn is_hollow(&self) -> bool {
        hollow(self.node)
    }

    /// The fields of a map.
    pub fn fields(&self) -> Option<Fields<'a>> {
        match &self.node.value {
            Value::Map(entries) => Some(Fields::new(self.clone(), entries)),
            _ => self.expected("a map of fields"),
        }
    }

    /// The entries of a map whose keys are free.
    pub fn entries(&self) -> Vec<(&'a str, Place<'a>)> {
        match &self.node.value {
            Value::Map(entries) => {
                entries.iter().map(|(key, node)| (key.as_str(), self.child(&step(key), node))).collect()
            }
            Value::Null => Vec::new(),
            _ => self.expected("a map").unwrap_or_default(),
        }
    }

    /// The items of a list; `null` is an empty one.
    pub fn items(&self) -> Vec<Place<'a>> {
        match &self.node.value {
            Value::List(items) => {
                items.iter().enumerate().map(|(n, node)| self.child(&format!("[{n}]"), node)).collect()
            }
            Value::Null => Vec::new(),
            _ => self.expected("a list").unwrap_or_default(),
        }
    }

    /// The text. Numbers and flags count as the text they are written with.
    pub fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar { text, .. } => Some(text),
            _ => self.expected("text"),
        }
    }

    /// The text as a value of another type, whose error says what is wrong and how to mend it.
    pub fn parse<T, E: Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        parse(self.text()?).map_err(|error| self.fail(error)).ok()
    }

    /// The word, if it is one of those that mean something.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words = list(choices.iter().map(|(word, _)| *word));
            self.fail(format_args!("`{}` is not known here; write {words}", Shown::of(text)));
        }
        found
    }

    /// A whole number that is not negative.
    pub fn whole_number(&self) -> Option<u64> {
        let number = match &self.node.value {
            Value::Scalar { text, plain: true } => text.parse::<i128>().ok(),
            _ => None,
        };
        match number.map(u64::try_from) {
            Some(Ok(number)) => Some(number),
            Some(Err(_)) => {
                self.fail(format_args!(
                    "{} is out of range; write a whole number from 0",
                    Shown::of(self.scalar())
                ));
                None
            }
            None => self.expected("a whole number without quotes"),
        }
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<bool> {
        match &self.node.value {
            Value::Scalar { text, plain: true } if text == "true" => Some(true),
            Value::Scalar { text, plain: true } if text == "false" => Some(false),
            _ => self.expected("`true` or `false`"),
        }
    }

    /// Reports that another shape belongs here.
    fn expected<T>(&self, wanted: &str) -> Option<T> {
        let found = match &self.node.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar { text, plain: true } => format!("`{}`", Shown::of(text)),
            Value::Scalar { .. } => "quoted text".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        };
        self.fail(format_args!("found {found}, but {wanted} belongs here"));
        None
    }

    fn scalar(&self) -> &'a str {
        match &self.node.value {
            Value::Scalar { text, .. } => text,
            _ => "",
        }
    }
}

/// How a key goes on a path: bare if it is a plain word, quoted if not.
pub(super) fn step(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if plain && key.len() <= 64 { format!(".{key}") } else { format!("[\"{}\"]", Shown::of(key)) }
}

/// Words for a sentence: `a`, `b` or `c`.
pub(super) fn list<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

fn hollow(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Scalar { .. } => false,
        Value::List(items) => items.iter().all(hollow),
        Value::Map(entries) => entries.iter().all(|(_, node)| hollow(node)),
    }
}
