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
        self.ignored(key);
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
        if !self.known.contains(&key) {
            self.known.push(key);
        }
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

/// True if one is likely a slip of the other: up to case and `-`/`_`, a letter or two apart, or two letters swapped.
fn alike(known: &str, written: &str) -> bool {
    if written.len() > 64 {
        return false;
    }
    let [a, b] = [known, written].map(|text| {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>()
    });
    let swapped = a.len() == b.len() && a.iter().zip(&b).filter(|(x, y)| x != y).count() == 2 && {
        let [mut a, mut b] = [a.clone(), b.clone()];
        a.sort_unstable();
        b.sort_unstable();
        a == b
    };
    let room = if a.len() < 6 { 1 } else { 2 };
    swapped || distance(&a, &b) <= room
}

/// How many letters must be changed, added or removed to get from one word to the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (n, x) in a.iter().enumerate() {
        let mut next = vec![n + 1];
        for (pair, y) in row.windows(2).zip(b) {
            let &[diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(x != y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
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
        for other in ["topic", "backing", "name", "b", ""] {
            assert!(!alike("backingTopic", other), "{other}");
        }
        assert!(alike("name", "nmae") && !alike("role", "rank") && !alike("host", "port"));
    }
}
