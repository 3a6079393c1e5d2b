//! What an operator does to a running cluster: topics deleted and grown, leaders moved, brokers paused and restarted.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterPartitionReassignmentsRequest, BrokerId, CreatePartitionsRequest,
    CreateTopicsRequest, DeleteTopicsRequest, ElectLeadersRequest, ListOffsetsRequest,
};

use kafka_protocol::protocol::StrBytes;

use super::admin::{LIMIT, topic_name};
use super::{Kafka, Topic};
use crate::random;

/// The replica that stands first should lead.
const PREFERRED: i8 = 0;
/// The end of a log, instead of a time.
const LATEST: i64 = -1;
const ELECTION_NOT_NEEDED: i16 = 84;

impl Kafka {
    /// Creates a topic of one partition that broker `id` alone holds.
    pub fn create_topic_on(&self, id: u16) -> Result<Topic> {
        let assignment = CreatableReplicaAssignment::default()
            .with_partition_index(0)
            .with_broker_ids(vec![BrokerId(i32::from(id))]);
        let name = random::name("backing.");
        let topic = CreatableTopic::default()
            .with_name(topic_name(&name))
            .with_num_partitions(-1)
            .with_replication_factor(-1)
            .with_assignments(vec![assignment]);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(15_000);
        let answer = self.internal(id)?.call(7, &request)?;
        ensure!(answer.topics[0].error_code == 0, "{answer:?}");
        let topic = Topic { name, id: answer.topics[0].topic_id };
        self.wait_known(&topic)?;
        Ok(topic)
    }

    /// Waits until every running broker knows a leader of each partition.
    fn wait_known(&self, topic: &Topic) -> Result<()> {
        let until = Instant::now() + LIMIT;
        while let Err(why) = self.find_topics(std::slice::from_ref(&topic.name)) {
            if Instant::now() > until {
                return Err(why);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Deletes a topic. It is gone for the controller; brokers follow within moments.
    pub fn delete_topic(&self, topic: &Topic) -> Result<()> {
        let state = DeleteTopicState::default().with_name(Some(topic_name(&topic.name)));
        let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(15_000);
        let answer = self.internal(1)?.call(6, &request)?;
        ensure!(answer.responses[0].error_code == 0, "{answer:?}");
        Ok(())
    }

    /// Adds partitions to a topic until it has `count`.
    pub fn add_partitions(&self, topic: &Topic, count: i32) -> Result<()> {
        let topic = CreatePartitionsTopic::default()
            .with_name(topic_name(&topic.name))
            .with_count(count)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(15_000);
        let answer = self.internal(1)?.call(3, &request)?;
        ensure!(answer.results[0].error_code == 0, "{answer:?}");
        Ok(())
    }

    /// Sets a quota of all clients that have none of their own, such as `consumer_byte_rate`, or takes it away.
    pub fn set_client_quota(&self, key: &str, value: Option<f64>) -> Result<()> {
        let text = |text: &str| StrBytes::from_string(text.to_owned());
        let entity = EntityData::default().with_entity_type(text("client-id")).with_entity_name(None);
        let op = OpData::default()
            .with_key(text(key))
            .with_value(value.unwrap_or_default())
            .with_remove(value.is_none());
        let entry = EntryData::default().with_entity(vec![entity]).with_ops(vec![op]);
        let request = AlterClientQuotasRequest::default().with_entries(vec![entry]);
        let answer = self.internal(1)?.call(1, &request)?;
        ensure!(answer.entries.iter().all(|entry| entry.error_code == 0), "{answer:?}");
        Ok(())
    }

    /// Makes broker `to` lead a partition, and waits until it says so itself.
    pub fn move_leader(&self, topic: &Topic, partition: i32, to: u16) -> Result<()> {
        self.prefer(topic, partition, to)?;
        let election =
            TopicPartitions::default().with_topic(topic_name(&topic.name)).with_partitions(vec![partition]);
        let request = ElectLeadersRequest::default()
            .with_election_type(PREFERRED)
            .with_topic_partitions(Some(vec![election]))
            .with_timeout_ms(15_000);
        let until = Instant::now() + LIMIT;
        // A replica that has just come back is elected only once it is in step.
        while self.leader(to, topic, partition)? != i32::from(to) {
            let answer = self.internal(to)?.call(2, &request)?;
            let refused = answer.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
            let refused: Vec<_> =
                refused.filter(|result| ![0, ELECTION_NOT_NEEDED].contains(&result.error_code)).collect();
            ensure!(Instant::now() < until, "broker {to} does not lead {}: {refused:?}", topic.name);
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The leader of a partition as broker `asked` knows it; -1 for none.
    pub fn leader(&self, asked: u16, topic: &Topic, partition: i32) -> Result<i32> {
        let answer = self.metadata(asked, Some(std::slice::from_ref(&topic.name)))?;
        let partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let found = partitions.into_iter().find(|known| known.partition_index == partition);
        Ok(found.with_context(|| format!("{} has no partition {partition}", topic.name))?.leader_id.0)
    }

    /// The end of a partition's log at its leader.
    pub fn end_offset(&self, leader: u16, topic: &Topic, partition: i32) -> Result<i64> {
        let partition =
            ListOffsetsPartition::default().with_partition_index(partition).with_timestamp(LATEST);
        let asked =
            ListOffsetsTopic::default().with_name(topic_name(&topic.name)).with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![asked]);
        let answer = self.internal(leader)?.call(3, &request)?;
        let found = &answer.topics[0].partitions[0];
        ensure!(found.error_code == 0, "{found:?}");
        Ok(found.offset)
    }

    /// Where broker `id` has the segments of a partition.
    pub fn log_folder(&mut self, id: u16, topic: &str, partition: i32) -> Result<PathBuf> {
        let properties = self.node(id)?.properties();
        let folder = properties.with_file_name(format!("data-{id}")).join(format!("{topic}-{partition}"));
        ensure!(folder.is_dir(), "{} is not there", folder.display());
        Ok(folder)
    }

    /// Stops broker `id` in the middle of whatever it does, until [`Kafka::resume`]. Its sockets stay open.
    pub fn pause(&self, id: u16) -> Result<()> {
        self.signal(id, "STOP")
    }

    /// Lets a paused broker go on.
    pub fn resume(&self, id: u16) -> Result<()> {
        self.signal(id, "CONT")
    }

    /// Stops and starts every broker in turn, each time in order and with the cluster whole before the next.
    pub fn restart_one_by_one(&mut self) -> Result<()> {
        let ids: Vec<u16> = self.nodes.iter().map(super::node::Node::id).collect();
        for id in ids {
            self.stop(id)?;
            self.restart(id)?;
        }
        Ok(())
    }

    /// Puts `first` before the other replicas, which then stay in their order.
    fn prefer(&self, topic: &Topic, partition: i32, first: u16) -> Result<()> {
        let others = self.nodes.iter().map(super::node::Node::id).filter(|id| *id != first);
        let replicas = [first].into_iter().chain(others).map(|id| BrokerId(i32::from(id))).collect();
        let partition =
            ReassignablePartition::default().with_partition_index(partition).with_replicas(Some(replicas));
        let topic =
            ReassignableTopic::default().with_name(topic_name(&topic.name)).with_partitions(vec![partition]);
        let request =
            AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]).with_timeout_ms(15_000);
        let answer = self.internal(first)?.call(0, &request)?;
        let refused = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let refused: Vec<_> = refused.filter(|partition| partition.error_code != 0).collect();
        ensure!(answer.error_code == 0 && refused.is_empty(), "{answer:?}");
        Ok(())
    }

    fn signal(&self, id: u16, name: &str) -> Result<()> {
        let node =
            self.nodes.iter().find(|node| node.id() == id).with_context(|| format!("no broker {id}"))?;
        let process = node.process_id().with_context(|| format!("broker {id} does not run"))?;
        let done = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status()?;
        ensure!(done.success(), "sending SIG{name} to broker {id}: {done}");
        Ok(())
    }
}
