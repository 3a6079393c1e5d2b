//! Why a text is not a name.

use std::fmt;

/// Why a text is not a name of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No text at all.
    #[error("{kind} is empty; write 1 to {max} characters")]
    Empty {
        /// What the text should have named.
        kind: &'static str,
        /// The longest name allowed.
        max: usize,
    },
    /// More characters than allowed.
    #[error("{kind} `{name}` is {length} characters long; at most {max} are allowed")]
    TooLong {
        /// What the text should have named.
        kind: &'static str,
        /// The text, cut for display.
        name: Shown,
        /// How long the text is.
        length: usize,
        /// The longest name allowed.
        max: usize,
    },
    /// A character outside the allowed set.
    #[error("{kind} `{name}` has `{shown}` as character {place}; use {allowed}", shown = Shown::of_char(*character))]
    Character {
        /// What the text should have named.
        kind: &'static str,
        /// The text, cut for display.
        name: Shown,
        /// The first character that is not allowed.
        character: char,
        /// Where it stands, counted from 1.
        place: usize,
        /// The allowed set, in words.
        allowed: &'static str,
    },
    /// A text of legal characters that is kept for something else.
    #[error("{kind} `{name}` {why}")]
    Reserved {
        /// What the text should have named.
        kind: &'static str,
        /// The text, cut for display.
        name: Shown,
        /// The rule it breaks, and the mend.
        why: &'static str,
    },
}

/// Untrusted text made fit for one line of a terminal or log: escaped and cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// As much of the text as an error line should carry.
    pub fn of(text: &str) -> Self {
        Self::cut(text, SHOWN_CHARACTERS)
    }

    /// A sentence of our own that may have such a text inside, for a log.
    pub fn of_sentence(text: &str) -> Self {
        Self::cut(text, SENTENCE_CHARACTERS)
    }

    fn cut(text: &str, characters: usize) -> Self {
        let mut shown: String = text.chars().take(characters).flat_map(escaped).collect();
        if text.chars().nth(characters).is_some() {
            shown.push_str("...");
        }
        Self(shown)
    }

    /// One character.
    pub fn of_char(character: char) -> Self {
        Self(escaped(character).collect())
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Quotes stay readable; control and invisible characters do not reach the terminal.
fn escaped(character: char) -> impl Iterator<Item = char> {
    let plain = matches!(character, '\'' | '"');
    let (one, many) = if plain { (Some(character), None) } else { (None, Some(character.escape_debug())) };
    one.into_iter().chain(many.into_iter().flatten())
}

/// Enough to recognise a name, short enough for one line.
const SHOWN_CHARACTERS: usize = 64;

/// Enough for a sentence with such a text in it.
const SENTENCE_CHARACTERS: usize = 256;
