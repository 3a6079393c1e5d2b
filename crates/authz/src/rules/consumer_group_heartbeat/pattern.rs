//! A subscription pattern, matched against aliases alone.
//!
//! A broker matches whole names with RE2/J; so does this, with the `regex` crate, which needs linear time as well.
//! `\Q..\E` is RE2/J's alone and translated. What is left of the difference: `\p{..}` classes, which no topic name needs,
//! and `\C` are refused; `a**` and more than 1,000 repetitions, which RE2/J refuses, are taken; `&&`, `--` and `~~` in a
//! bracket are operators.

use std::borrow::Cow;

use regex::bytes::{Regex, RegexBuilder};
use tidegate_core::names::Alias;

/// Longest pattern in bytes.
pub(super) const MAX_LENGTH: usize = 1024;

/// Room for a pattern of that length that repeats little. A broker without such a ceiling can be made to die of memory
/// by `((((a{1,100}){1,100}){1,100}){1,100})`.
const PROGRAM_BYTES: usize = 64 * 1024;
/// The cache of the lazy DFA lives as long as the pattern, which is as long as one look at the zone.
const CACHE_BYTES: usize = 1024 * 1024;

pub(super) struct Pattern(Regex);

/// The pattern is too long, too large or no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadPattern;

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, BadPattern> {
        if text.len() > MAX_LENGTH {
            return Err(BadPattern);
        }
        let text = without_quotes(text);
        // Alone first: within the brackets below `a)|(b` would be a pattern.
        compile(&text)?;
        compile(&format!(r"\A(?:{text})\z")).map(Self)
    }

    pub(super) fn matches(&self, alias: &Alias) -> bool {
        self.0.is_match(alias.as_str().as_bytes())
    }
}

/// Topic names are ASCII, and RE2/J's `\w`, `\d`, `\s` and `\b` are so too.
fn compile(text: &str) -> Result<Regex, BadPattern> {
    RegexBuilder::new(text)
        .unicode(false)
        .size_limit(PROGRAM_BYTES)
        .dfa_size_limit(CACHE_BYTES)
        .build()
        .map_err(|_| BadPattern)
}

/// Writes `\Q..\E`, which Java's `Pattern.quote` makes, as escaped characters.
fn without_quotes(text: &str) -> Cow<'_, str> {
    if !text.contains(r"\Q") {
        return text.into();
    }
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        if let Some(quoted) = after.strip_prefix('Q') {
            let (literal, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            plain.push_str(&regex::escape(literal));
            rest = after;
        } else {
            // The character after a backslash is part of the escape, be it another backslash.
            let end = after.chars().next().map_or(0, char::len_utf8);
            let (escaped, after) = after.split_at(end);
            plain.push('\\');
            plain.push_str(escaped);
            rest = after;
        }
    }
    plain.push_str(rest);
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(&Alias::parse(name).unwrap())
    }

    #[test]
    fn a_pattern_matches_the_whole_name() {
        for (pattern, name, expected) in [
            ("orders", "orders", true),
            ("order", "orders", false),
            ("rders", "orders", false),
            ("a|ab", "ab", true),
            ("^ord.*", "orders", true),
            ("(^ord.*)|(^x)", "orders", true),
            (r"\w+", "orders", true),
            (r"\d+", "orders", false),
            ("(?i)ORDERS", "orders", true),
            ("", "orders", false),
            (r"\Qa.b\E.*", "a.bc", true),
            (r"\Qa.b\E.*", "axbc", false),
            (r"\Qa.b", "a.b", true),
            (r"a\.\Qb\E", "a.b", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert_eq!(without_quotes(r"\\Qa.b"), r"\\Qa.b");
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["(", "a)|(b", "[", "*a", r"\p{Greek}", r"\E", r"a\"] {
            assert_eq!(Pattern::parse(pattern).err(), Some(BadPattern), "{pattern}");
        }
    }

    #[test]
    fn bombs_are_refused_and_long_honest_patterns_are_not() {
        for bomb in [
            "((((a{1,100}){1,100}){1,100}){1,100})".to_owned(),
            "(((a{0,1000}){0,1000}){0,1000})".to_owned(),
            "((((){1000}){1000}){1000}){1000}x{2000}{2000}".to_owned(),
            "(".repeat(400) + &")".repeat(400),
            "a".repeat(MAX_LENGTH + 1),
        ] {
            assert_eq!(Pattern::parse(&bomb).err(), Some(BadPattern), "{bomb}");
        }
        assert!(Pattern::parse(&"a".repeat(MAX_LENGTH)).is_ok());
        assert!(Pattern::parse(&"[a-z].*|".repeat(MAX_LENGTH / 8)).is_ok());
    }
}
