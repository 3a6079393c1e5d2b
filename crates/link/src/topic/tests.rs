//! The plan of a mirror topic.

use super::*;
use std::collections::BTreeMap;
use uuid::Uuid;

const NEW: Progress = Progress { source_id: None, caught_up: false };

fn configs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn source() -> Source {
    let configs = configs(&[
        ("cleanup.policy", "compact"),
        ("retention.ms", "604800000"),
        ("retention.bytes", "-1"),
        ("max.message.bytes", "2000000"),
        ("message.timestamp.type", "LogAppendTime"),
        ("compression.type", "zstd"),
    ]);
    Source { id: Some(Uuid::from_u128(7)), partitions: 3, configs }
}

/// The mirror after these actions.
fn done(mirror: Option<Mirror>, actions: Vec<Action>) -> Mirror {
    let mut mirror = mirror.unwrap_or(Mirror { partitions: 0, configs: BTreeMap::new() });
    for action in actions {
        match action {
            Action::Create { partitions, configs } => mirror = Mirror { partitions, configs },
            Action::Grow { to } => mirror.partitions = to,
            Action::Alter { configs } => mirror.configs.extend(configs),
        }
    }
    mirror
}

#[test]
fn a_new_mirror_keeps_everything_until_it_has_caught_up() {
    let mirror = done(None, plan(&source(), None, NEW).unwrap());
    assert_eq!(mirror.partitions, 3);
    let of = |name: &str| mirror.configs[name].as_str();
    assert_eq!((of("retention.ms"), of("retention.bytes"), of("cleanup.policy")), ("-1", "-1", "delete"));
    assert_eq!((of("message.timestamp.type"), of("compression.type")), ("CreateTime", "producer"));
    assert_eq!(of("max.message.bytes"), "4000000");
    assert_eq!(plan(&source(), Some(&mirror), NEW), Ok(Vec::new()), "and then there is nothing to do");
}

#[test]
fn what_has_caught_up_is_as_its_source_but_for_what_would_change_records() {
    let mirror = done(None, plan(&source(), None, NEW).unwrap());
    let progress = Progress { caught_up: true, ..NEW };
    let actions = plan(&source(), Some(&mirror), progress).unwrap();
    let expected = configs(&[("cleanup.policy", "compact"), ("retention.ms", "604800000")]);
    assert_eq!(actions, [Action::Alter { configs: expected }]);
    let mirror = done(Some(mirror), actions);
    assert_eq!(plan(&source(), Some(&mirror), progress), Ok(Vec::new()));
    // Falling behind changes nothing.
    assert_eq!(plan(&source(), Some(&mirror), NEW), Ok(Vec::new()));
}

#[test]
fn what_somebody_changed_is_put_right() {
    let mut mirror = done(None, plan(&source(), None, NEW).unwrap());
    mirror.configs.insert("compression.type".to_owned(), "gzip".to_owned());
    mirror.configs.remove("message.timestamp.after.max.ms");
    let copied = Progress { source_id: source().id, caught_up: false };
    let actions = plan(&source(), Some(&mirror), copied).unwrap();
    let expected = configs(&[
        ("compression.type", "producer"),
        ("message.timestamp.after.max.ms", "9223372036854775807"),
    ]);
    assert_eq!(actions, [Action::Alter { configs: expected }]);
}

#[test]
fn a_mirror_grows_with_its_source_and_never_beyond_it() {
    let mirror = done(None, plan(&source(), None, NEW).unwrap());
    let grown = Source { partitions: 5, ..source() };
    assert_eq!(plan(&grown, Some(&mirror), NEW), Ok(vec![Action::Grow { to: 5 }]));
    let shrunk = Source { partitions: 2, ..source() };
    let blocked = plan(&shrunk, Some(&mirror), NEW).unwrap_err();
    assert_eq!(blocked, Blocked::TooMany { mirror: 3, source_has: 2 });
}

#[test]
fn another_topic_of_the_name_is_not_copied_into_the_mirror() {
    let mirror = done(None, plan(&source(), None, NEW).unwrap());
    let copied = Progress { source_id: Some(Uuid::from_u128(6)), ..NEW };
    assert_eq!(plan(&source(), Some(&mirror), copied), Err(Blocked::Replaced));
    let same = Progress { source_id: Some(Uuid::from_u128(7)), ..NEW };
    assert_eq!(plan(&source(), Some(&mirror), same), Ok(Vec::new()));
    // Brokers that tell no ids leave nothing to compare.
    assert_eq!(plan(&Source { id: None, ..source() }, Some(&mirror), same), Ok(Vec::new()));
}

#[test]
fn people_see_what_waits() {
    let held = held(&source().configs);
    let names: Vec<_> = held.iter().map(|held| (held.name, held.now.as_str(), held.then.as_str())).collect();
    assert_eq!(names, [("retention.ms", "-1", "604800000"), ("cleanup.policy", "delete", "compact")]);
}

#[test]
fn room_is_bounded_by_what_brokers_can_count() {
    let mut source = source();
    source.configs.insert("max.message.bytes".to_owned(), i32::MAX.to_string());
    let mirror = done(None, plan(&source, None, NEW).unwrap());
    assert_eq!(mirror.configs["max.message.bytes"], i32::MAX.to_string());
}

#[test]
fn a_topic_that_was_made_by_hand_becomes_a_mirror() {
    let by_hand = Mirror {
        partitions: 3,
        configs: configs(&[("retention.ms", "604800000"), ("cleanup.policy", "compact")]),
    };
    assert!(!is_made_by_a_link(&by_hand.configs));
    let mirror = done(Some(by_hand.clone()), plan(&source(), Some(&by_hand), NEW).unwrap());
    assert_eq!(mirror, done(None, plan(&source(), None, NEW).unwrap()));
    assert!(is_made_by_a_link(&mirror.configs));
    // What people change of one that is copied is no reason to begin again.
    let copied = Progress { source_id: source().id, caught_up: false };
    let changed = Mirror { configs: configs(&[("retention.ms", "1")]), ..mirror };
    let changed = done(Some(changed.clone()), plan(&source(), Some(&changed), copied).unwrap());
    assert_eq!(changed.configs["retention.ms"], "1");
}
