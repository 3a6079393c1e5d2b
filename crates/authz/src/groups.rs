//! The one place where groups and transactional ids cross between a partner's space and the cluster's.
//!
//! Upstream, everything of a zone begins with the zone's prefix: a tag of fixed length and a dot, so that
//! no zone's prefix is the beginning of another's, whatever names partners choose. In a share the partner itself
//! writes the prefix of its groups, and there are no transactions.

use tidegate_core::keys::ZoneTag;
use tidegate_core::{GroupPrefix, ZoneKind};
use tidegate_wire::error_code::ErrorCode;

/// Longest group or transactional id of a partner, in bytes: metric and log lines stay readable, and the
/// prefixed form stays far below Kafka's 32,767.
pub const MAX_ID_LENGTH: usize = 255;

const TRANSACTIONAL: &str = "t.";
const ABSENT: &str = "absent.";

/// Adds and takes off the prefix of one zone.
#[derive(Debug, Clone)]
pub struct Prefix {
    tag: String,
    prefix: String,
    kind: ZoneKind,
}

impl Prefix {
    /// The prefix made of a zone's tag.
    #[must_use]
    pub fn new(tag: &ZoneTag, kind: ZoneKind) -> Self {
        Self { tag: tag.as_str().to_owned(), prefix: tag.prefix().to_owned(), kind }
    }

    /// Whether this is a share's: read only, with groups that the partner prefixes by itself.
    #[must_use]
    pub fn is_share(&self) -> bool {
        matches!(self.kind, ZoneKind::Share(_))
    }

    /// The zone's tag, which also marks its client ids.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The group as the cluster knows it.
    ///
    /// # Errors
    /// INVALID_GROUP_ID for an empty one, which the prefix would make valid, and for one that is too long; in a share
    /// GROUP_AUTHORIZATION_FAILED for one without the share's prefix.
    pub fn group(&self, group: &str) -> Result<String, ErrorCode> {
        match (&self.kind, group.len()) {
            (ZoneKind::Partner, 1..=MAX_ID_LENGTH) => Ok(format!("{}{group}", self.prefix)),
            (ZoneKind::Share(prefix), 1..=MAX_ID_LENGTH) if is_within(group, prefix) => Ok(group.to_owned()),
            (ZoneKind::Share(_), 1..=MAX_ID_LENGTH) => Err(ErrorCode::GROUP_AUTHORIZATION_FAILED),
            _ => Err(ErrorCode::INVALID_GROUP_ID),
        }
    }

    /// The partner's name of a group of the cluster; `None` when it is not of this zone.
    #[must_use]
    pub fn strip_group<'a>(&self, upstream: &'a str) -> Option<&'a str> {
        match &self.kind {
            ZoneKind::Partner => upstream.strip_prefix(&self.prefix),
            ZoneKind::Share(prefix) => is_within(upstream, prefix).then_some(upstream),
        }
    }

    /// The transactional id as the cluster knows it.
    ///
    /// # Errors
    /// INVALID_REQUEST for an empty one and for one that is too long; in a share always
    /// TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
    pub fn transactional_id(&self, id: &str) -> Result<String, ErrorCode> {
        match id.len() {
            _ if self.is_share() => Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
            1..=MAX_ID_LENGTH => Ok(format!("{}{TRANSACTIONAL}{id}", self.prefix)),
            _ => Err(ErrorCode::INVALID_REQUEST),
        }
    }

    /// The partner's name of a transactional id of the cluster; `None` when it is not of this zone.
    #[must_use]
    pub fn strip_transactional_id<'a>(&self, upstream: &'a str) -> Option<&'a str> {
        upstream.strip_prefix(&self.prefix)?.strip_prefix(TRANSACTIONAL)
    }

    /// A topic name that exists nowhere, for a subscription to a name outside the zone: the broker must
    /// never read the name itself, or it could assign a hidden topic.
    #[must_use]
    pub fn absent_topic(&self, name: &str) -> String {
        format!("{}{ABSENT}{name}", self.prefix)
    }

    /// The name inside [`Prefix::absent_topic`].
    #[must_use]
    pub fn strip_absent_topic<'a>(&self, upstream: &'a str) -> Option<&'a str> {
        upstream.strip_prefix(&self.prefix)?.strip_prefix(ABSENT)
    }
}

/// Whether a group is the prefix or begins with it and a dot: `ss-1` is not within `ss-10`, nor the other way.
fn is_within(group: &str, prefix: &GroupPrefix) -> bool {
    group.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidegate_wire::error_code::ErrorCode;

    use super::MAX_ID_LENGTH;
    use crate::testing;

    #[test]
    fn an_empty_id_is_refused_before_the_prefix_would_make_it_valid() {
        let prefix = testing::prefix("zone");
        assert_eq!(prefix.group(""), Err(ErrorCode::INVALID_GROUP_ID));
        assert_eq!(prefix.transactional_id(""), Err(ErrorCode::INVALID_REQUEST));
        assert_eq!(prefix.group(&"g".repeat(MAX_ID_LENGTH + 1)), Err(ErrorCode::INVALID_GROUP_ID));
    }

    #[test]
    fn a_share_takes_its_own_groups_as_they_are_and_no_others() {
        let prefix = testing::share_prefix("stream-share.ss-1");
        for own in ["stream-share.ss-1", "stream-share.ss-1.reader"] {
            assert_eq!(prefix.group(own), Ok(own.to_owned()));
            assert_eq!(prefix.strip_group(own), Some(own));
        }
        for foreign in ["reader", "stream-share.ss-10", "stream-share.ss-1-reader", "stream-share.ss-", "x"] {
            assert_eq!(prefix.group(foreign), Err(ErrorCode::GROUP_AUTHORIZATION_FAILED));
            assert_eq!(prefix.strip_group(foreign), None);
        }
        assert_eq!(prefix.group(""), Err(ErrorCode::INVALID_GROUP_ID));
        assert_eq!(prefix.transactional_id("t"), Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED));
    }

    proptest! {
        #[test]
        fn no_id_of_one_zone_is_ever_an_id_of_another(id in "[a-z.t-]{1,40}", one in "[a-z]{1,8}", other in "[a-z]{1,8}") {
            prop_assume!(one != other);
            let (one, other) = (testing::prefix(&one), testing::prefix(&other));
            let (group, transaction) = (one.group(&id).unwrap(), one.transactional_id(&id).unwrap());
            prop_assert_eq!(other.strip_group(&group), None);
            prop_assert_eq!(other.strip_transactional_id(&transaction), None);
        }

        #[test]
        fn what_was_prefixed_is_stripped_to_the_same(id in "\\PC{1,60}") {
            let prefix = testing::prefix("zone");
            let (group, transaction) = (prefix.group(&id).unwrap(), prefix.transactional_id(&id).unwrap());
            prop_assert_eq!(prefix.strip_group(&group), Some(&*id));
            prop_assert_eq!(prefix.strip_transactional_id(&transaction), Some(&*id));
            let absent = prefix.absent_topic(&id);
            prop_assert_eq!(prefix.strip_absent_topic(&absent), Some(&*id));
        }
    }
}
