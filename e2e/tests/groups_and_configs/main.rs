//! What a partner may see and do around its groups, its topics' settings and the cluster, before Kafka 4.1.1: by raw
//! requests at every version, and with Kafka's own console tools. Every case ends with a search of all bytes that the
//! partner received.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod requests;
mod site;

use anyhow::Result;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, DeleteGroupsRequest, DescribeClusterRequest, ListGroupsRequest,
    MetadataRequest,
};
use requests::{
    commit, configs, delete_offsets, describe, describe_next, group_id, heartbeat, holds, listed, shown_id,
    text, topic_name,
};
use site::{BILLING, ORDERS, PARTNER, READERS, RIVAL, Site};
use tidegate_e2e::raw::{self, Connection};
use tidegate_wire::group_blob::subscription_topics;

#[test]
fn only_own_groups_are_listed_at_every_version() -> Result<()> {
    let site = Site::start("")?;
    let mut partner = site.connect(PARTNER)?;
    for version in versions(ApiKey::ListGroups) {
        assert_eq!(listed(&mut partner, version)?, [BILLING, READERS], "version {version}");
        assert_eq!(listed(&mut site.connect(RIVAL)?, version)?, [READERS], "version {version}");
    }
    // It is the gateway that leaves the others out: the broker tells this user all of them.
    assert!(listed(&mut site.kafka.internal(1)?, 5)?.len() >= 4);
    let stable = ListGroupsRequest::default().with_states_filter(vec![text("Stable")]);
    let shown = partner.call(4, &stable)?;
    assert_eq!(shown.groups.iter().map(|group| group.group_id.as_str()).collect::<Vec<_>>(), [BILLING]);
    site.finish()
}

#[test]
fn own_groups_are_described_in_own_names_and_no_other_group_is_known() -> Result<()> {
    let site = Site::start("")?;
    let mut partner = site.connect(PARTNER)?;
    for version in versions(ApiKey::DescribeGroups) {
        let described = partner.call(version, &describe(BILLING))?;
        let group = &described.groups[0];
        assert_eq!((group.group_id.as_str(), group.group_state.as_str()), (BILLING, "Stable"));
        let member = &group.members[0];
        assert_eq!((member.client_id.as_str(), member.client_host.as_str()), ("raw", "/0.0.0.0"));
        assert_eq!(subscription_topics(&member.member_metadata)?, [ORDERS]);
        assert!(holds(&member.member_assignment, ORDERS.as_bytes()));
        let mut answer = |name: &str| -> Result<Vec<u8>> {
            let bytes = partner.exchange_body(version, &describe(name))?;
            Ok(without(&bytes, name.as_bytes()))
        };
        let nonsense = "x".repeat(site.owners_group.len());
        assert_eq!(answer(&site.owners_group)?, answer(&nonsense)?, "version {version}");
    }
    let absent = partner.call(6, &describe("absent"))?;
    assert_eq!(absent.groups[0].error_code, 69);
    assert_eq!(absent.groups[0].error_message.as_deref(), Some("the group does not exist"));
    site.finish()
}

#[test]
fn consumer_groups_are_described_in_own_names_unless_they_hold_a_foreign_topic() -> Result<()> {
    let site = Site::start("")?;
    // A partner cannot make such groups here: they are made on the cluster, under the zone's prefix.
    let mut direct = site.kafka.internal(1)?;
    let prefix = site.prefix(&mut direct)?;
    let own = [&site.orders.name];
    heartbeat(&mut direct, &format!("{prefix}next"), &own.map(String::as_str))?;
    heartbeat(&mut direct, &format!("{prefix}mixed"), &[&site.orders.name, &site.hidden.name])?;
    let mut partner = site.connect(PARTNER)?;
    let virtual_id = shown_id(&mut partner)?;
    for version in versions(ApiKey::ConsumerGroupDescribe) {
        let group = describe_next(&mut partner, version, "next")?;
        assert_eq!((group.error_code, group.authorized_operations), (0, 0b1_0100_1000));
        let member = &group.members[0];
        assert_eq!((member.client_host.as_str(), &member.rack_id), ("/0.0.0.0", &None));
        assert_eq!(member.subscribed_topic_names, [topic_name(ORDERS)]);
        let assigned = &member.target_assignment.topic_partitions[0];
        assert_eq!((&assigned.topic_name, assigned.topic_id), (&topic_name(ORDERS), virtual_id));
        let mixed = describe_next(&mut partner, version, "mixed")?;
        assert_eq!((mixed.error_code, mixed.members.len()), (29, 0));
        let absent = describe_next(&mut partner, version, "absent")?;
        assert_eq!(absent.error_message.as_deref(), Some("the group does not exist"));
    }
    site.finish()
}

#[test]
fn own_groups_and_offsets_are_deleted_and_those_of_others_stay() -> Result<()> {
    let site = Site::start("")?;
    let mut partner = site.connect(PARTNER)?;
    let deleted = partner.call(0, &delete_offsets(READERS, &[ORDERS, "nonsense", &site.probed.name]))?;
    let mut codes: Vec<_> =
        deleted.topics.iter().map(|t| (t.name.to_string(), t.partitions[0].error_code)).collect();
    codes.sort_by_key(|(_, code)| *code);
    assert_eq!((deleted.error_code, &codes[0]), (0, &(ORDERS.to_owned(), 0)));
    assert_eq!(codes.iter().map(|(_, code)| *code).collect::<Vec<_>>(), [0, 29, 29]);
    let busy = partner.call(0, &delete_offsets(BILLING, &[ORDERS]))?;
    assert_eq!(busy.topics[0].partitions[0].error_code, 86, "the group is subscribed to it");
    for version in versions(ApiKey::DeleteGroups) {
        commit(&mut partner, READERS, ORDERS)?;
        let names = [READERS, BILLING, &site.owners_group, ""].map(group_id);
        let request = DeleteGroupsRequest::default().with_groups_names(names.into());
        let mut codes: Vec<_> = partner
            .call(version, &request)?
            .results
            .iter()
            .map(|result| (result.group_id.to_string(), result.error_code))
            .collect();
        codes.sort_by_key(|(_, code)| *code);
        let expected = [(READERS, 0), ("", 24), (BILLING, 68), (&site.owners_group, 69)];
        assert_eq!(codes, expected.map(|(name, code)| (name.to_owned(), code)), "version {version}");
    }
    assert_eq!(listed(&mut partner, 5)?, [BILLING]);
    assert_eq!(listed(&mut site.connect(RIVAL)?, 5)?, [READERS]);
    assert!(listed(&mut site.kafka.internal(1)?, 5)?.contains(&site.owners_group));
    site.finish()
}

#[test]
fn deleting_that_is_switched_off_does_not_exist() -> Result<()> {
    let site = Site::start("policy: {deleteGroups: false}\n")?;
    let mut partner = site.connect(PARTNER)?;
    let software = ApiVersionsRequest::default()
        .with_client_software_name(text("raw"))
        .with_client_software_version(text("1"));
    let shown: Vec<i16> = partner.call(3, &software)?.api_keys.iter().map(|shown| shown.api_key).collect();
    assert!(shown.contains(&16) && !shown.contains(&42) && !shown.contains(&47), "{shown:?}");
    let described = partner.call(5, &describe(BILLING).with_include_authorized_operations(true))?;
    assert_eq!(described.groups[0].authorized_operations, 0b1_0000_1000);
    let names = DeleteGroupsRequest::default().with_groups_names(vec![group_id(READERS)]);
    closes(site.connect(PARTNER)?, &raw::frame(7, 2, &names)?)?;
    closes(site.connect(PARTNER)?, &raw::frame(7, 0, &delete_offsets(READERS, &[ORDERS]))?)?;
    site.finish()
}

#[test]
fn few_settings_of_own_topics_are_shown_and_none_of_anything_else() -> Result<()> {
    let site = Site::start("")?;
    let mut partner = site.connect(PARTNER)?;
    for version in versions(ApiKey::DescribeConfigs) {
        let asked = [(2, ORDERS), (32, BILLING), (4, "1"), (4, ""), (8, "1"), (16, "x")];
        let described = partner.call(version, &configs(&asked))?;
        let codes: Vec<_> = described.results.iter().map(|r| (r.error_code, r.configs.len())).collect();
        assert_eq!(codes, [(0, 7), (0, 2), (31, 0), (31, 0), (31, 0), (31, 0)], "version {version}");
        let topic = &described.results[0];
        assert_eq!(topic.resource_name.as_str(), ORDERS);
        for config in &topic.configs {
            assert!(
                config.read_only && config.synonyms.is_empty() && config.config_source == 5,
                "{config:?}"
            );
        }
        let retention = topic.configs.iter().find(|config| config.name.as_str() == "retention.ms").unwrap();
        assert_eq!(retention.value.as_deref(), Some("604800000"));
        let mut answer = |name: &str| -> Result<Vec<u8>> {
            let bytes = partner.exchange_body(version, &configs(&[(2, name)]))?;
            Ok(without(&bytes, name.as_bytes()))
        };
        let nonsense = "x".repeat(site.probed.name.len());
        assert_eq!(answer(&site.probed.name)?, answer(&nonsense)?, "version {version}");
    }
    site.finish()
}

#[test]
fn the_cluster_is_what_metadata_says_it_is() -> Result<()> {
    let site = Site::start("")?;
    let mut partner = site.connect(PARTNER)?;
    let metadata = partner.call(12, &MetadataRequest::default().with_topics(Some(Vec::new())))?;
    for version in versions(ApiKey::DescribeCluster) {
        let request = DescribeClusterRequest::default()
            .with_include_cluster_authorized_operations(true)
            .with_include_fenced_brokers(version >= 2);
        let cluster = partner.call(version, &request)?;
        assert_eq!(Some(&cluster.cluster_id), metadata.cluster_id.as_ref());
        assert_eq!((cluster.error_code, cluster.cluster_authorized_operations), (0, 0));
        assert_eq!(cluster.controller_id, metadata.controller_id);
        let (broker, known) = (&cluster.brokers[0], &metadata.brokers[0]);
        assert_eq!((&broker.host, broker.port, &broker.rack), (&known.host, known.port, &None));
        if version >= 1 {
            let code = |kind| -> Result<i16> {
                Ok(partner.call(version, &request.clone().with_endpoint_type(kind))?.error_code)
            };
            assert_eq!([2, 9].map(code).into_iter().collect::<Result<Vec<_>>>()?, [114, 115]);
        }
    }
    site.finish()
}

#[test]
fn kafkas_own_tools_see_and_manage_own_groups_and_aliases_only() -> Result<()> {
    let site = Site::start("")?;
    let groups = |arguments: &[&str]| {
        site.tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", arguments)
    };
    let topics = |arguments: &[&str]| site.tool("org.apache.kafka.tools.TopicCommand", arguments);
    assert_eq!(sorted_lines(&groups(&["--list"])?), [BILLING, READERS]);
    let offsets = groups(&["--describe", "--group", BILLING, "--offsets"])?;
    assert!(offsets.contains(ORDERS) && offsets.contains("/0.0.0.0"), "{offsets}");
    let members = groups(&["--describe", "--group", BILLING, "--members", "--verbose"])?;
    assert!(members.contains("orders(0,1)") || members.contains("orders:0,1"), "{members}");
    let state = groups(&["--describe", "--all-groups", "--state"])?;
    assert!(state.contains(BILLING) && state.contains(READERS), "{state}");
    let reset = ["--reset-offsets", "--to-earliest", "--group", READERS, "--topic", ORDERS, "--execute"];
    assert!(groups(&reset)?.contains(READERS));
    let described = topics(&["--describe"])?;
    assert!(described.contains("Topic: orders") && described.contains("PartitionCount: 2"), "{described}");
    assert_eq!(described.lines().filter(|line| line.contains("PartitionCount")).count(), 1, "{described}");
    let settings = site.tool("kafka.admin.ConfigCommand", &["--describe", "--topic", ORDERS, "--all"])?;
    assert!(settings.contains("retention.ms=604800000") && !settings.contains("segment"), "{settings}");
    let deleted = groups(&["--delete-offsets", "--group", READERS, "--topic", ORDERS])?;
    assert!(deleted.contains("Successful"), "{deleted}");
    commit(&mut site.connect(PARTNER)?, READERS, ORDERS)?;
    groups(&["--delete", "--group", READERS])?;
    assert_eq!(sorted_lines(&groups(&["--list"])?), [BILLING]);
    assert_eq!(listed(&mut site.connect(RIVAL)?, 5)?, [READERS]);
    site.finish()
}

/// Every version that the codec can write; the rules serve all of them.
fn versions(key: ApiKey) -> std::ops::RangeInclusive<i16> {
    let range = key.valid_versions();
    range.min..=range.max
}

/// `bytes` with every `part` blanked.
fn without(bytes: &[u8], part: &[u8]) -> Vec<u8> {
    let mut blanked = bytes.to_vec();
    while let Some(at) = blanked.windows(part.len()).position(|window| window == part) {
        blanked[at..at + part.len()].fill(b'.');
    }
    blanked
}

fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines
}

fn closes(mut connection: Connection, frame: &[u8]) -> Result<()> {
    connection.send(frame)?;
    let said = connection.until_closed()?;
    anyhow::ensure!(said.is_empty(), "{} bytes were answered", said.len());
    Ok(())
}
