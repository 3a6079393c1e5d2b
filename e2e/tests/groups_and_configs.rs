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

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use kafka_protocol::messages::consumer_group_describe_response::DescribedGroup;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest,
    DeleteGroupsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeGroupsRequest,
    FindCoordinatorRequest, GroupId, JoinGroupRequest, ListGroupsRequest, MetadataRequest,
    OffsetCommitRequest, OffsetDeleteRequest, SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::gateway::{self, Alias, Gateway, Home, Permission};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, Topic};
use tidegate_e2e::markers::Markers;
use tidegate_e2e::raw::{self, Connection};
use tidegate_e2e::recorder::Recorder;
use tidegate_e2e::{java, process, random};
use tidegate_wire::group_blob::subscription_topics;

const PARTNER: &str = "partner";
const RIVAL: &str = "rival-partner";
const PASSWORD: &str = "partner-password";
const ORDERS: &str = "orders";
const PATIENCE: Duration = Duration::from_secs(20);
/// A group of the partner with a member.
const BILLING: &str = "billing";
/// A group of the partner, and one of the rival, with offsets only.
const READERS: &str = "readers";
/// Where a member made on the cluster says it stands.
const MEMBER_RACK: &str = "rack-of-a-member";

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

/// Two zones on one topic, groups in both and of the owner, and everything that the gateway says.
struct Site {
    kafka: &'static Kafka,
    home: Home,
    recorder: Recorder,
    /// Behind [`ORDERS`] of both zones.
    orders: Topic,
    /// In no zone, and asked for by nobody.
    hidden: Topic,
    /// In no zone, and asked for: refusals echo its name.
    probed: Topic,
    owners_group: String,
    /// Keeps the only member of [`BILLING`].
    member: Option<Connection>,
    _gateway: Gateway,
}

impl Site {
    /// `policy` goes into the configuration.
    fn start(policy: &str) -> Result<Self> {
        let kafka = kafka();
        let topics = kafka.create_topics(&[2, 2, 1])?;
        let [orders, hidden, probed] = [0, 1, 2].map(|at| topics[at].clone());
        let (home, recorder) = (Home::create(kafka)?, Recorder::default());
        for account in [PARTNER, RIVAL] {
            home.add_account(account, PASSWORD)?;
            let alias = Alias {
                name: ORDERS.to_owned(),
                backing: orders.name.clone(),
                permission: Permission::Write,
            };
            home.add_zone(&random::name("zone-"), account, &[alias])?;
        }
        home.replace("tidegate.yaml", "http:\n", &format!("{policy}http:\n"))?;
        home.ports().record(&recorder)?;
        let gateway = Gateway::start(&home)?;
        let owners_group = random::name("owners-group-");
        let (member, _gateway) = (None, gateway);
        let mut site = Self { kafka, home, recorder, orders, hidden, probed, owners_group, member, _gateway };
        site.fill()?;
        Ok(site)
    }

    fn fill(&mut self) -> Result<()> {
        let mut direct = self.kafka.internal(1)?;
        commit(&mut direct, &self.owners_group, &self.orders.name)?;
        for account in [PARTNER, RIVAL] {
            commit(&mut self.connect(account)?, READERS, ORDERS)?;
        }
        let mut member = self.connect(PARTNER)?;
        commit(&mut member, BILLING, ORDERS)?;
        join(&mut member, BILLING, ORDERS)?;
        self.member = Some(member);
        Ok(())
    }

    /// A connection that is logged in, through the recorder.
    fn connect(&self, account: &str) -> Result<Connection> {
        let mut connection = Connection::open(self.home.ports().advertised(), PATIENCE)?;
        connection.log_in(account, PASSWORD)?;
        Ok(connection)
    }

    /// What the cluster's name of [`BILLING`] begins with.
    fn prefix(&self, direct: &mut Connection) -> Result<String> {
        let names = listed(direct, 5)?;
        let mut is_mine = |name: &&String| {
            let described = direct.call(5, &describe(name)).expect("the broker describes");
            let mut members = described.groups[0].members.iter();
            members.any(|member| holds(&member.member_assignment, self.orders.name.as_bytes()))
        };
        let mut named = names.iter().filter(|name| name.ends_with(BILLING));
        let name = named.find(&mut is_mine).context("the partner's group is on the cluster")?;
        Ok(name.strip_suffix(BILLING).unwrap_or_default().to_owned())
    }

    /// What one of Kafka's tools prints when the partner runs it.
    fn tool(&self, main: &str, arguments: &[&str]) -> Result<String> {
        let config = gateway::client_config(&self.home, "PLAIN", PARTNER, PASSWORD);
        let mut file = tempfile::NamedTempFile::new()?;
        writeln!(
            file,
            "security.protocol={}\nsasl.mechanism=PLAIN\nsasl.jaas.config=org.apache.kafka.common.security.plain\
             .PlainLoginModule required username=\"{PARTNER}\" password=\"{PASSWORD}\";",
            config.protocol
        )?;
        let mut tool = java::program(Version::V4_1_1, &["-Xmx128m", "-XX:TieredStopAtLevel=1"], main)?;
        tool.args(["--bootstrap-server", &config.bootstrap, "--command-config"])
            .arg(file.path())
            .args(arguments);
        let done = process::run_ok(&tool, Duration::from_secs(90))?;
        println!("{arguments:?}\n{}{}", done.stdout, done.stderr);
        ensure!(
            !done.stderr.contains("Exception") && !done.stdout.contains("Exception"),
            "{main}: {arguments:?}"
        );
        Ok(done.stdout)
    }

    /// Ends the case: nothing that the gateway ever sent holds a marker, and no topic came to life.
    fn finish(self) -> Result<()> {
        let mut markers = Markers::default();
        for topic in [&self.hidden, &self.probed] {
            markers.id("topic id", topic.id);
        }
        markers.id("topic id", self.orders.id);
        markers.text("backing topic", &self.orders.name);
        markers.text("hidden topic", &self.hidden.name);
        markers.text("rack of a member", MEMBER_RACK);
        self.kafka.hosts().iter().for_each(|host| markers.text("upstream host", host));
        self.kafka.racks().iter().for_each(|rack| markers.text("upstream rack", rack));
        markers.cluster_id(self.kafka.cluster_id());
        markers.text("upstream user", &self.kafka.admin().name);
        markers.text("prefix of a zone", &self.prefix(&mut self.kafka.internal(1)?)?);
        let hits: Vec<String> = self.recorder.search(&markers).iter().map(ToString::to_string).collect();
        ensure!(hits.is_empty(), "leaked to the partner:\n{}", hits.join("\n"));
        ensure!(self.recorder.recorded() > 0, "nothing went through the recorder");
        let names = self.kafka.topic_names()?;
        let is_known = |name: &&String| name.starts_with("backing.") || name.starts_with("__");
        ensure!(names.iter().all(|name| is_known(&name)), "came to life on the cluster: {names:?}");
        Ok(())
    }
}

fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| {
        let builder = Kafka::builder(Version::V4_1_1).protocol(Protocol::SaslPlaintext).authorizer().racks();
        builder.start().expect("Kafka starts")
    })
}

/// Every version that the codec can write; the rules serve all of them.
fn versions(key: ApiKey) -> std::ops::RangeInclusive<i16> {
    let range = key.valid_versions();
    range.min..=range.max
}

fn listed(connection: &mut Connection, version: i16) -> Result<Vec<String>> {
    let answer = connection.call(version, &ListGroupsRequest::default())?;
    ensure!(answer.error_code == 0, "{answer:?}");
    let mut names: Vec<String> = answer.groups.iter().map(|group| group.group_id.to_string()).collect();
    names.sort();
    Ok(names)
}

fn describe(group: &str) -> DescribeGroupsRequest {
    DescribeGroupsRequest::default().with_groups(vec![group_id(group)])
}

fn describe_next(connection: &mut Connection, version: i16, group: &str) -> Result<DescribedGroup> {
    let request = ConsumerGroupDescribeRequest::default()
        .with_group_ids(vec![group_id(group)])
        .with_include_authorized_operations(true);
    connection.call(version, &request)?.groups.pop().context("no group was answered")
}

/// Makes a member of the KIP-848 protocol and waits until it is assigned something.
fn heartbeat(connection: &mut Connection, group: &str, topics: &[&str]) -> Result<()> {
    let request = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text("member-1"))
        .with_member_epoch(0)
        .with_rebalance_timeout_ms(60_000)
        .with_rack_id(Some(text(MEMBER_RACK)))
        .with_subscribed_topic_names(Some(topics.iter().map(|name| topic_name(name)).collect()))
        .with_topic_partitions(Some(Vec::new()));
    let mut answer = connection.call(1, &request)?;
    ensure!(answer.error_code == 0, "{answer:?}");
    let next = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text("member-1"))
        .with_subscribed_topic_names(None)
        .with_topic_partitions(None);
    for _ in 0..80 {
        if answer.assignment.as_ref().is_some_and(|assignment| !assignment.topic_partitions.is_empty()) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
        answer = connection.call(1, &next.clone().with_member_epoch(answer.member_epoch))?;
        ensure!(answer.error_code == 0, "{answer:?}");
    }
    anyhow::bail!("nothing was assigned in {group}")
}

/// Joins as the only member of a group of consumers and takes both partitions.
fn join(connection: &mut Connection, group: &str, topic: &str) -> Result<()> {
    let protocol =
        JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(blob(topic, &[]));
    // Before version 4 no member has to come a second time with the id it was given.
    let request = JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_session_timeout_ms(300_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let joined = connection.call(3, &request)?;
    ensure!(joined.error_code == 0, "{joined:?}");
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(joined.member_id.clone())
        .with_assignment(blob(topic, &[0, 1]));
    let request = SyncGroupRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id)
        .with_assignments(vec![assignment]);
    let synced = connection.call(2, &request)?;
    ensure!(synced.error_code == 0 && holds(&synced.assignment, topic.as_bytes()), "{synced:?}");
    Ok(())
}

/// A ConsumerProtocolAssignment of version 0 with these partitions, or a subscription without any.
fn blob(topic: &str, partitions: &[i32]) -> Bytes {
    let length = |number: usize| u32::try_from(number).expect("a test's blob is small").to_be_bytes();
    let mut blob = vec![0, 0];
    blob.extend(length(1));
    blob.extend(&length(topic.len())[2..]);
    blob.extend(topic.as_bytes());
    if !partitions.is_empty() {
        blob.extend(length(partitions.len()));
        blob.extend(partitions.iter().flat_map(|partition| partition.to_be_bytes()));
    }
    blob.extend((-1_i32).to_be_bytes());
    blob.into()
}

/// Commits as a simple consumer, once the group has a coordinator.
fn commit(connection: &mut Connection, group: &str, topic: &str) -> Result<()> {
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(0)
        .with_committed_metadata(Some(StrBytes::default()));
    let asked =
        OffsetCommitRequestTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![asked]);
    let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(group)]);
    let mut code = 0;
    for _ in 0..80 {
        if connection.call(4, &find)?.coordinators[0].error_code == 0 {
            code = connection.call(8, &request)?.topics[0].partitions[0].error_code;
            if code == 0 {
                return Ok(());
            }
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    anyhow::bail!("the commit of {group} was refused with code {code}")
}

fn delete_offsets(group: &str, topics: &[&str]) -> OffsetDeleteRequest {
    let topic = |name: &&str| {
        OffsetDeleteRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(vec![OffsetDeleteRequestPartition::default()])
    };
    OffsetDeleteRequest::default()
        .with_group_id(group_id(group))
        .with_topics(topics.iter().map(topic).collect())
}

fn configs(resources: &[(i8, &str)]) -> DescribeConfigsRequest {
    let resource = |(kind, name): &(i8, &str)| {
        DescribeConfigsResource::default()
            .with_resource_type(*kind)
            .with_resource_name(text(name))
            .with_configuration_keys(None)
    };
    DescribeConfigsRequest::default()
        .with_include_synonyms(true)
        .with_resources(resources.iter().map(resource).collect())
}

/// The id under which [`ORDERS`] is shown.
fn shown_id(connection: &mut Connection) -> Result<uuid::Uuid> {
    Ok(connection.call(12, &MetadataRequest::default().with_topics(None))?.topics[0].topic_id)
}

fn closes(mut connection: Connection, frame: &[u8]) -> Result<()> {
    connection.send(frame)?;
    let said = connection.until_closed()?;
    ensure!(said.is_empty(), "{} bytes were answered", said.len());
    Ok(())
}

fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// `bytes` with every `part` blanked.
fn without(bytes: &[u8], part: &[u8]) -> Vec<u8> {
    let mut blanked = bytes.to_vec();
    while let Some(at) = blanked.windows(part.len()).position(|window| window == part) {
        blanked[at..at + part.len()].fill(b'.');
    }
    blanked
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}
