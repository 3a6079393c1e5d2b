//! The simulated broker, asked.

use tidegate_wire::error_code::ErrorCode;

use super::subject::{Described, Subject};
use crate::broker::Broker;
use crate::config::TopicConfig;
use crate::epochs::EpochEnd;
use crate::fetch::{Fetch, Fetched};
use crate::markers::{Marked, Marker};
use crate::offsets::{Ask, Offset};
use crate::partition::Aborted;
use crate::produce::{Answer, Produce};
use crate::producers::Known;
use crate::restart::Restart;
use crate::settings::Version;
use crate::topics::Place;
use crate::transactions::{Identity, Transactional};

impl Subject for Broker {
    fn version(&self) -> Version {
        self.settings.version
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn wait(&mut self, milliseconds: i64) {
        self.advance(milliseconds);
    }

    fn create_topic(&mut self, configs: &[(&str, &str)]) -> Place {
        let mut config = TopicConfig::of(self.settings.version);
        for (name, value) in configs {
            // What is not simulated is for real brokers alone, such as the size of segments.
            config.set(name, value);
        }
        let name = format!("topic-{}", self.topics_made);
        self.create_topic(&name, 1, config);
        Place::new(&name, 0)
    }

    fn set_config(&mut self, place: &Place, name: &str, value: &str) {
        self.set_config(&place.topic, name, value);
    }

    fn set_producer_expiration(&mut self, milliseconds: i64) {
        self.set_producer_expiration(milliseconds);
    }

    fn restart(&mut self, how: Restart) {
        self.restart(how);
    }

    fn clean(&mut self, place: &Place, end: i64) {
        self.compact_keys(place, end);
    }

    fn produce(&mut self, entries: &[(Place, Produce)]) -> Vec<(Place, Answer)> {
        self.produce_entries(entries)
    }

    fn produce_pipelined(&mut self, place: &Place, requests: &[Produce]) -> Vec<Answer> {
        requests.iter().map(|produce| self.produce(place, produce)).collect()
    }

    fn describe_producers(&mut self, place: &Place) -> Vec<Described> {
        let known = self.partition(place).into_iter().flat_map(|partition| partition.producers().known());
        known.map(described).collect()
    }

    fn list_offsets(&mut self, place: &Place, ask: Ask) -> Offset {
        Self::list_offsets(self, place, ask)
    }

    fn leader_epoch_end(
        &mut self,
        place: &Place,
        _replica: i32,
        epoch: i32,
        leader_epoch: Option<i32>,
    ) -> (ErrorCode, EpochEnd) {
        Self::leader_epoch_end(self, place, epoch, leader_epoch)
    }

    fn delete_records(&mut self, place: &Place, before: i64) -> (ErrorCode, i64) {
        self.delete_records(place, before)
    }

    fn write_markers(&mut self, markers: &[Marker]) -> Option<Vec<Marked>> {
        self.write_markers(markers)
    }

    fn fetch(&mut self, place: &Place, fetch: &Fetch) -> Fetched {
        let mut fetched = Self::fetch(self, place, fetch);
        let aborted = fetched.aborted.iter_mut().flatten();
        aborted.for_each(|aborted| *aborted = Aborted { last_offset: -1, ..*aborted });
        fetched
    }

    fn init_producer_id(&mut self, transactional_id: Option<&str>) -> Identity {
        self.init_producer_id(transactional_id)
    }

    fn add_to_transaction(&mut self, who: &Transactional, places: &[Place]) -> ErrorCode {
        self.add_to_transaction(who, places)
    }

    fn end_transaction(&mut self, version: i16, who: &Transactional, commit: bool) -> (ErrorCode, Identity) {
        self.end_transaction(version, who, commit)
    }
}

fn described((producer_id, known): (i64, &Known)) -> Described {
    Described {
        producer_id,
        epoch: known.epoch.into(),
        last_sequence: known.last_sequence(),
        last_timestamp: known.last_timestamp,
        coordinator_epoch: known.coordinator_epoch,
        open: known.open.unwrap_or(-1),
    }
}
