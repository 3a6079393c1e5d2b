//! Two aliases of one topic: a group uses one of them, for as long as that one is there.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use tidegate_e2e::gateway::Alias;
use tidegate_e2e::jars::Version;
use tidegate_e2e::random;
use tidegate_e2e::requests::{commit, committed, join_and_leave};
use tidegate_e2e::site::{Site, read, write};

use crate::{TOPIC_AUTHORIZATION_FAILED, hide, kafka, running, topics, wait_for_coordinator};

const INCONSISTENT_GROUP_PROTOCOL: i16 = 23;

#[test]
fn a_group_stays_with_its_alias_across_a_kill_and_is_free_when_it_goes() -> Result<()> {
    let (kafka, _running) = (kafka(Version::V4_1_1), running());
    let [topic] = topics(kafka)?;
    let (first, second) = (write("first", &topic), read("second", &topic));
    let both = [first.clone(), second.clone()];
    let mut site = Site::start(kafka, &both)?;
    hide(&site, std::slice::from_ref(&topic));
    let (group, other_group) = (random::name("group-"), random::name("group-"));
    wait_for_coordinator(&mut site.connect()?, &group)?;
    bound_to(&site, &group, "first", "second")?;
    let mut connection = site.connect()?;
    assert_eq!(committed(&mut connection, &group, "first")?, (0, 5));
    assert_eq!(committed(&mut connection, &group, "second")?.1, -1);
    assert_eq!(join_and_leave(&mut connection, &other_group, &["second"])?, 0);

    killed_and_started(&mut site, &both)?;
    bound_to(&site, &group, "first", "second")?;
    bound_to(&site, &other_group, "second", "first")?;

    // Gone in a running gateway, and back after it was killed.
    let mut connection = site.connect()?;
    let edit = site.edit(std::slice::from_ref(&second))?;
    edit.soon("the group is free", || Ok(commit(&mut connection, &group, "second", 6)? == 0))?;
    // The store learns of it right after connections do; nothing that a partner sees tells when.
    thread::sleep(Duration::from_millis(500));
    killed_and_started(&mut site, &both)?;
    bound_to(&site, &group, "second", "first")?;

    // Gone and back while the gateway did not run or had just started.
    killed_and_started(&mut site, std::slice::from_ref(&first))?;
    killed_and_started(&mut site, &both)?;
    bound_to(&site, &group, "first", "second")?;
    bound_to(&site, &other_group, "first", "second")?;
    site.finish(kafka)
}

fn killed_and_started(site: &mut Site, aliases: &[Alias]) -> Result<()> {
    site.kill9();
    site.rewrite(aliases)?;
    site.start_again()
}

/// The group may use `alias`, which binds it if nothing did, and may not use `refused`.
fn bound_to(site: &Site, group: &str, alias: &str, refused: &str) -> Result<()> {
    let mut connection = site.connect()?;
    assert_eq!(commit(&mut connection, group, alias, 5)?, 0);
    assert_eq!(join_and_leave(&mut connection, group, &[alias])?, 0);
    assert_eq!(commit(&mut connection, group, refused, 7)?, TOPIC_AUTHORIZATION_FAILED);
    for topics in [&[refused][..], &[alias, refused]] {
        assert_eq!(join_and_leave(&mut connection, group, topics)?, INCONSISTENT_GROUP_PROTOCOL);
    }
    Ok(())
}
