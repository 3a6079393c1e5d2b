//! The fields of a map, each asked for by name; what nobody asked for is a mistake.

use super::place::{list, step};
use super::{Node, Place};
use crate::names::Shown;

/// The fields of a map. Those never asked for are reported by [`Fields::finish`].
pub struct Fields<'a> {
    place: Place<'a>,
    entries: &'a [(String, Node)],
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(place: Place<'a>, entries: &'a [(String, Node)]) -> Self {
        Self { place, entries, known: Vec::new() }
    }

    /// The map itself.
    pub fn place(&self) -> &Place<'a> {
        &self.place
    }

    /// A field that may be absent; `null` is absent.
    pub fn optional(&mut self, key: &'static str) -> Option<Place<'a>> {
        self.known.push(key);
        let (_, node) = self.entries.iter().find(|(name, _)| name == key)?;
        Some(self.place.child(&step(key), node)).filter(|place| !place.is_null())
    }

    /// A field that must be there; `mend` says what to write.
    pub fn required(&mut self, key: &'static str, mend: &str) -> Option<Place<'a>> {
        let found = self.optional(key);
        if found.is_none() {
            self.place.fail(format_args!("field `{key}` is missing; {mend}"));
        }
        found
    }

    /// A field that must be there with one certain text.
    pub fn exactly(&mut self, key: &'static str, wanted: &str) {
        let Some(place) = self.required(key, &format!("write `{key}: {wanted}`")) else { return };
        if let Some(found) = place.text().filter(|found| *found != wanted) {
            place.fail(format_args!("`{}` is not supported; write `{key}: {wanted}`", Shown::of(found)));
        }
    }

    /// A field that is legal but means nothing to the reader.
    pub fn ignored(&mut self, key: &'static str) {
        self.known.push(key);
    }

    /// Reports every field that was not asked for.
    pub fn finish(self) {
        for (key, node) in self.entries {
            if self.known.contains(&key.as_str()) {
                continue;
            }
            let place = self.place.child(&step(key), node);
            match self.known.iter().find(|known| alike(known, key)) {
                Some(known) => place.fail(format_args!("unknown field; did you mean `{known}`?")),
                None => place.fail(format_args!(
                    "unknown field `{}`; remove it, or use {}",
                    Shown::of(key),
                    self.choices()
                )),
            }
        }
    }

    fn choices(&self) -> String {
        list(self.known.iter().copied())
    }
}

/// True if one is likely a slip of the other: up to case and `-`/`_`, or by one wrong, missing, extra or swapped letter.
fn alike(known: &str, written: &str) -> bool {
    let [a, b] = [known, written].map(|text| {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>()
    });
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let room = a.len().min(b.len()) - start;
    let end = a.iter().rev().zip(b.iter().rev()).take(room).take_while(|(x, y)| x == y).count();
    let (left_a, left_b) = (a.len() - start - end, b.len() - start - end);
    let swapped =
        left_a == 2 && left_b == 2 && a.get(start) == b.get(start + 1) && a.get(start + 1) == b.get(start);
    (left_a <= 1 && left_b <= 1) || swapped
}

#[cfg(test)]
mod tests {
    use super::alike;

    #[test]
    fn slips_are_recognised() {
        for slip in
            ["backingTopics", "backing_topic", "BackingTopic", "bakingTopic", "backnigTopic", "backing-topic"]
        {
            assert!(alike("backingTopic", slip), "{slip}");
        }
        for other in ["topic", "backing", "name", "b"] {
            assert!(!alike("backingTopic", other), "{other}");
        }
    }
}
