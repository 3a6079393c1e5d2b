//! Shapes that several parts of a configuration have.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::path::PathBuf;

use tidegate_core::document::{Fields, Place};

use crate::Around;

/// What must survive a crash; beside the configuration, where the root key is too.
pub const DEFAULT_STATE_FILE: &str = "state.db";

/// The state file; beside the configuration unless written.
pub fn state_file(place: Option<Place<'_>>, around: &Around<'_>) -> Option<PathBuf> {
    match place {
        None => Some(around.beside(DEFAULT_STATE_FILE)),
        Some(place) => inner(Some(place), "file", STATE).and_then(|place| around.path(&place)),
    }
}

const STATE: &str = "write `state: {file: PATH}`";

/// The items of a list that must not be empty.
pub fn list<'a>(fields: &mut Fields<'a>, key: &'static str, mend: &str) -> Vec<Place<'a>> {
    let Some(place) = fields.required(key, mend) else { return Vec::new() };
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail(format_args!("the list is empty; {mend}"));
    }
    items
}

/// The one field of a map.
pub fn inner<'a>(place: Option<Place<'a>>, key: &'static str, mend: &str) -> Option<Place<'a>> {
    let mut fields = place?.fields()?;
    let inner = fields.required(key, mend);
    fields.finish();
    inner
}

/// How many brokers hold something.
pub fn replicas(place: &Place<'_>, what: &str) -> Option<i16> {
    let number = place.whole_number()?;
    match i16::try_from(number) {
        Ok(number @ 1..) => Some(number),
        _ => {
            place.fail(format_args!(
                "{number} is out of range; write how many brokers hold {what}, such as 3"
            ));
            None
        }
    }
}

/// Names used so far, each with its first place.
#[derive(Debug)]
pub struct Unique<N>(HashMap<N, String>);

impl<N> Default for Unique<N> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<N: Hash + Eq + Clone + Display> Unique<N> {
    /// Reports a name that was used before; `kind` says of what it is.
    pub fn check(&mut self, place: &Place<'_>, kind: &str, name: &N) {
        if let Some(first) = self.0.insert(name.clone(), place.path().to_owned()) {
            place.fail(format_args!("{kind} name `{name}` is already used by {first}; rename one"));
        }
    }
}
