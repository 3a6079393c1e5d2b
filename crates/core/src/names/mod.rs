//! Names that exist only if they are valid.
//!
//! Every kind of name is a type of its own, made by `parse` alone (serde goes the same way). There is no conversion
//! from [`Alias`], the name a partner sees, to [`BackingTopic`], the real one: only a zone's compiled view crosses.

mod email;
mod error;
mod rules;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::{NameError, Shown};

/// Declares one kind of name: a shared string behind the constructor that checks it.
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as a name of this kind, or tells which character, length or rule is against it.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                $rule.check(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text itself, shared with the name.
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name_type!(
    /// The topic name that a partner sees: a legal Kafka topic name.
    Alias,
    rules::ALIAS
);
name_type!(
    /// The real topic behind an alias: a legal Kafka topic name outside Kafka's own `__` range.
    BackingTopic,
    rules::BACKING_TOPIC
);
name_type!(
    /// The technical id of a zone, as `metadata.name` gives it.
    ZoneName,
    rules::ZONE
);
name_type!(
    /// The name a partner logs in with: printable, and free of the characters that SCRAM has to escape.
    AccountName,
    rules::ACCOUNT
);
name_type!(
    /// What every consumer group of a share is called or begins with, before a dot.
    GroupPrefix,
    rules::GROUP_PREFIX
);
name_type!(
    /// The id of one of an account's credentials.
    CredentialId,
    rules::CREDENTIAL
);
name_type!(
    /// The name the configuration gives to an upstream Kafka cluster.
    ClusterName,
    rules::CLUSTER
);
name_type!(
    /// The name the configuration gives to an identity provider.
    ProviderName,
    rules::PROVIDER
);
name_type!(
    /// The name the configuration gives to a listener.
    ListenerName,
    rules::LISTENER
);
name_type!(
    /// The id of a stream share: `ss-` and some characters that mean nothing.
    ShareId,
    rules::SHARE
);
name_type!(
    /// The address that an invite is mailed to: one plain mailbox, free of what could end a line or add a recipient.
    EmailAddress,
    email::EMAIL
);
name_type!(
    /// A subject of a schema registry.
    SchemaSubject,
    rules::SUBJECT
);
name_type!(
    /// The name of a cluster link.
    LinkName,
    rules::LINK
);
name_type!(
    /// The key of a link's config, such as `acl.sync.enable`.
    LinkConfigName,
    rules::LINK_CONFIG
);
name_type!(
    /// The id that a Kafka cluster says of itself; the name that the configuration gives it is a [`ClusterName`].
    ClusterId,
    rules::CLUSTER_ID
);
name_type!(
    /// The topic that a mirror copies, as its own cluster names it.
    SourceTopic,
    rules::SOURCE_TOPIC
);
name_type!(
    /// A mirror topic, as the cluster that it is copied to names it.
    MirrorTopic,
    rules::MIRROR_TOPIC
);
name_type!(
    /// What a lease is about.
    LeaseName,
    rules::LEASE
);
name_type!(
    /// Who may hold a lease: one process, as long as it runs.
    HolderId,
    rules::HOLDER
);
name_type!(
    /// The id of a token, or the key of a key and secret pair.
    TokenId,
    rules::TOKEN
);
name_type!(
    /// A few words of people about something, or about themselves.
    Label,
    rules::LABEL
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn topic_names_follow_kafka() {
        for good in ["a", "orders.v1", "A_b-C.9", "_private", "...", &"x".repeat(249)] {
            assert_eq!(Alias::parse(good).unwrap().as_str(), good);
            assert_eq!(BackingTopic::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a b", "a/b", "caf\u{e9}", "a\n", "a,b", &"x".repeat(250)] {
            assert!(Alias::parse(bad).is_err(), "{bad:?} is no alias");
            assert!(BackingTopic::parse(bad).is_err(), "{bad:?} is no backing topic");
        }
    }

    #[test]
    fn only_an_alias_may_begin_like_an_internal_topic() {
        assert!(Alias::parse("__mine").is_ok());
        let error = BackingTopic::parse("__consumer_offsets").unwrap_err();
        assert_eq!(
            error.to_string(),
            "backing topic name `__consumer_offsets` begins with `__`, which is kept for Kafka's own topics; choose another topic"
        );
    }

    #[test]
    fn zone_names_are_lower_case() {
        assert!(ZoneName::parse("external-partner_zone.2").is_ok());
        assert!(ZoneName::parse(&"z".repeat(63)).is_ok());
        assert!(ZoneName::parse(&"z".repeat(64)).is_err());
        assert_eq!(
            ZoneName::parse("Zone").unwrap_err().to_string(),
            "zone name `Zone` has `Z` as character 1; use lower-case letters, digits, `_`, `-` and `.`"
        );
    }

    #[test]
    fn account_names_are_printable_and_need_no_scram_escape() {
        for good in ["johndoe", "john@company.io", "CN:x/y", &"a".repeat(128)] {
            assert!(AccountName::parse(good).is_ok(), "{good:?} is an account");
        }
        for bad in ["", "a b", "a,b", "a=b", "a\u{7f}", "a\0", "j\u{f6}rg", &"a".repeat(129)] {
            assert!(AccountName::parse(bad).is_err(), "{bad:?} is no account");
        }
    }

    #[test]
    fn ids_of_shares_are_names_of_zones() {
        for good in ["ss-1", "ss-a-b", &format!("ss-{}", "x".repeat(60))] {
            assert!(ShareId::parse(good).is_ok() && ZoneName::parse(good).is_ok(), "{good:?} is a share");
        }
        for bad in ["", "ss-", "ss", "sr-1", "ss-A", "ss-a.b", "xss-1", &format!("ss-{}", "x".repeat(61))] {
            assert!(ShareId::parse(bad).is_err(), "{bad:?} is no share");
        }
    }

    #[test]
    fn topics_of_links_are_not_those_of_kafka_itself() {
        for bad in ["__consumer_offsets", "", "..", "a/b"] {
            assert!(
                SourceTopic::parse(bad).is_err() && MirrorTopic::parse(bad).is_err(),
                "{bad:?} is mirrored"
            );
        }
        assert!(SourceTopic::parse("orders").is_ok() && MirrorTopic::parse("dc1.orders").is_ok());
        assert!(LinkName::parse(&"l".repeat(200)).is_ok() && LinkName::parse("a/b").is_err());
    }

    #[test]
    fn labels_are_words_and_no_secrets() {
        for good in ["ann at the command line", "J\u{f6}rg: CI", "seal"] {
            assert!(Label::parse(good).is_ok(), "{good:?} is a label");
        }
        for bad in ["", "a\nb", "sealed:v1:00000000:AAAA"] {
            assert!(Label::parse(bad).is_err(), "{bad:?} is no label");
        }
    }

    #[test]
    fn errors_show_hostile_text_escaped_and_cut() {
        let error = Alias::parse("a\u{1b}[31m").unwrap_err().to_string();
        assert!(!error.contains('\u{1b}'), "{error}");
        let error = Alias::parse(&"y".repeat(100_000)).unwrap_err().to_string();
        assert!(error.len() < 300, "{} bytes", error.len());
        assert!(error.contains("is 100000 characters long"), "{error}");
    }

    proptest! {
        #[test]
        fn what_parses_is_kept_as_it_is(text in "\\PC{0,300}") {
            if let Ok(name) = Alias::parse(&text) {
                prop_assert_eq!(name.as_str(), text.as_str());
                prop_assert_eq!(name.to_string(), text.as_str());
                prop_assert!(text.len() <= 249 && !text.is_empty() && text.is_ascii());
            }
            if let Ok(name) = AccountName::parse(&text) {
                prop_assert!(!name.as_str().contains([',', '=', ' ']));
            }
        }

        #[test]
        fn every_legal_topic_name_parses(text in "[a-zA-Z0-9._-]{3,249}") {
            prop_assert!(Alias::parse(&text).is_ok());
            prop_assert_eq!(BackingTopic::parse(&text).is_ok(), !text.starts_with("__"));
        }

        #[test]
        fn one_bad_character_is_named_with_its_place(before in "[a-z]{1,20}", bad in "[^a-zA-Z0-9._-]") {
            let text = format!("{before}{bad}");
            let error = Alias::parse(&text).unwrap_err();
            let place = before.chars().count() + 1;
            prop_assert!(error.to_string().contains(&format!("as character {place}")), "{}", error);
        }
    }
}
