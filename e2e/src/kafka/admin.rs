//! What the harness itself asks of a cluster, over the brokers' internal listener: no login, no JVM.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    CreateAclsRequest, CreateTopicsRequest, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::Kafka;
use crate::random;
use crate::raw::Connection;

pub(super) const LIMIT: Duration = Duration::from_secs(20);
const CREATE_ACLS: i16 = 3;
const CREATE_TOPICS: i16 = 7;
const METADATA: i16 = 12;

/// A topic of the cluster under its real name and id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The real name.
    pub name: String,
    /// The real id.
    pub id: Uuid,
}

/// Principals, resources and operations are as the protocol numbers them; names are taken literally.
#[derive(Clone, Copy, Debug)]
pub struct Right<'a> {
    /// The kind of the resource, such as 2 for a topic.
    pub kind: i8,
    /// Its name.
    pub name: &'a str,
    /// The operation, such as 4 for WRITE.
    pub operation: i8,
}

impl Kafka {
    /// Allows a principal something, from everywhere.
    pub fn allow(&self, principal: &str, right: Right<'_>) -> Result<()> {
        const LITERAL: i8 = 3;
        const ALLOW: i8 = 3;
        let text = |text: &str| StrBytes::from_string(text.to_owned());
        let creation = AclCreation::default()
            .with_resource_type(right.kind)
            .with_resource_name(text(right.name))
            .with_resource_pattern_type(LITERAL)
            .with_principal(text(principal))
            .with_host(text("*"))
            .with_operation(right.operation)
            .with_permission_type(ALLOW);
        let request = CreateAclsRequest::default().with_creations(vec![creation]);
        let answer = self.internal(1)?.call(CREATE_ACLS, &request)?;
        ensure!(answer.results.iter().all(|result| result.error_code == 0), "{answer:?}");
        Ok(())
    }

    /// Creates one topic with a random name.
    pub fn create_topic(&self, partitions: i32) -> Result<Topic> {
        self.create_topics(&[partitions])?.pop().context("the broker answered without the topic")
    }

    /// Creates topics with random names, one for each partition count, on as many replicas as there are
    /// brokers, and waits until every broker knows their leaders.
    pub fn create_topics(&self, partitions: &[i32]) -> Result<Vec<Topic>> {
        let names: Vec<String> = partitions.iter().map(|_| random::name("backing.")).collect();
        self.create_named(&names, partitions)
    }

    /// As [`Kafka::create_topics`], with these names.
    pub fn create_named(&self, names: &[String], partitions: &[i32]) -> Result<Vec<Topic>> {
        let topics = names.iter().zip(partitions).map(|(name, &count)| {
            CreatableTopic::default()
                .with_name(topic_name(name))
                .with_num_partitions(count)
                .with_replication_factor(i16::try_from(self.nodes.len()).unwrap_or(1))
        });
        let request = CreateTopicsRequest::default().with_topics(topics.collect()).with_timeout_ms(15_000);
        let answer = self.internal(1)?.call(CREATE_TOPICS, &request)?;
        for topic in &answer.topics {
            ensure!(
                topic.error_code == 0,
                "topic {:?} was refused with code {}",
                topic.name,
                topic.error_code
            );
        }
        let until = Instant::now() + LIMIT;
        loop {
            match self.find_topics(names).and_then(|found| self.lead(&found).map(|()| found)) {
                Err(why) if Instant::now() > until => return Err(why),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
                found => return found,
            }
        }
    }

    /// Whether whoever is said to lead a partition does: a broker hears of it before it acts upon it.
    fn lead(&self, topics: &[Topic]) -> Result<()> {
        for topic in topics {
            let answer = self.metadata(1, Some(std::slice::from_ref(&topic.name)))?;
            for partition in answer.topics.iter().flat_map(|topic| &topic.partitions) {
                let leader = u16::try_from(partition.leader_id.0)?;
                self.end_offset(leader, topic, partition.partition_index)?;
            }
        }
        Ok(())
    }

    /// Every topic name that exists, internal ones included.
    pub fn topic_names(&self) -> Result<Vec<String>> {
        let answer = self.metadata(1, None)?;
        Ok(answer.topics.iter().filter_map(|topic| Some(topic.name.as_ref()?.to_string())).collect())
    }

    /// A connection to broker `id` on which everything is allowed.
    pub fn internal(&self, id: u16) -> Result<Connection> {
        Connection::open(self.internal_address(id), LIMIT)
    }

    /// Where broker `id` takes everybody without a login.
    pub(crate) fn internal_address(&self, id: u16) -> SocketAddr {
        self.subnet.internal(id)
    }

    /// Whether every running broker knows all running brokers, as an error that says who does not.
    pub(super) fn ready(&self) -> Result<()> {
        let up: Vec<u16> = self.nodes.iter().filter(|node| node.is_up()).map(super::node::Node::id).collect();
        for &id in &up {
            let known = self.metadata(id, Some(&[]))?.brokers.len();
            ensure!(known >= up.len(), "broker {id} knows {known} of {} brokers", up.len());
        }
        Ok(())
    }

    pub(super) fn observed_cluster_id(&self) -> Result<String> {
        let answer = self.metadata(1, Some(&[]))?;
        Ok(answer.cluster_id.context("the broker has no cluster id")?.to_string())
    }

    /// The topics as every broker sees them; an error while one has no leader somewhere.
    pub(super) fn find_topics(&self, names: &[String]) -> Result<Vec<Topic>> {
        let mut found = Vec::new();
        for node in self.nodes.iter().filter(|node| node.is_up()) {
            let answer = self.metadata(node.id(), Some(names))?;
            found.clear();
            for topic in answer.topics {
                let name = topic.name.context("a topic without a name")?.to_string();
                let leaders = topic.partitions.iter().all(|partition| partition.leader_id.0 >= 0);
                ensure!(topic.error_code == 0 && leaders, "broker {} has no leaders for {name}", node.id());
                found.push(Topic { name, id: topic.topic_id });
            }
        }
        found.sort_by_key(|topic| names.iter().position(|name| *name == topic.name));
        Ok(found)
    }

    pub(super) fn metadata(&self, id: u16, names: Option<&[String]>) -> Result<MetadataResponse> {
        let topics = names.map(|names| {
            let topic = |name: &String| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
            names.iter().map(topic).collect()
        });
        let request = MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(false);
        self.internal(id)?.call(METADATA, &request)
    }
}

pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
