//! The tag that keeps one zone's groups and transactional ids apart from another's.

use std::fmt;
use std::sync::Arc;

/// Sixteen ASCII characters, `tg-` and 13 of `[a-z0-9]`. All tags have one length, so no prefix begins another.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZoneTag {
    tag: Arc<str>,
    prefix: Arc<str>,
}

impl ZoneTag {
    /// How many characters every tag has.
    pub const LENGTH: usize = 16;

    /// Writes 16 random bytes as a tag: 13 digits of base 36 keep 67 of their bits.
    pub(super) fn from_random(bytes: [u8; 16]) -> Self {
        let mut rest = u128::from_be_bytes(bytes);
        let digits = (0..TAG_DIGITS).map(|_| {
            let digit = u32::try_from(rest % 36).unwrap_or_default();
            rest /= 36;
            char::from_digit(digit, 36).unwrap_or('0')
        });
        let tag: String = "tg-".chars().chain(digits).collect();
        Self { prefix: format!("{tag}.").into(), tag: tag.into() }
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.tag
    }

    /// What stands before every group and transactional id of the zone upstream: the tag and a dot.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl fmt::Debug for ZoneTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZoneTag({})", self.tag)
    }
}

impl fmt::Display for ZoneTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tag)
    }
}

const TAG_DIGITS: usize = ZoneTag::LENGTH - 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_tag_has_one_shape(bytes: [u8; 16]) {
            let tag = ZoneTag::from_random(bytes);
            prop_assert_eq!(tag.as_str().len(), ZoneTag::LENGTH);
            let (head, digits) = tag.as_str().split_at(3);
            prop_assert_eq!(head, "tg-");
            prop_assert!(digits.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
            prop_assert_eq!(tag.prefix(), format!("{}.", tag));
        }
    }
}
