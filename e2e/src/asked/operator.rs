//! What an operator does to the broker: topics, configurations, restarts.

use std::fs;
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use crate::random;
use crate::requests::topic_name;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{CreateTopicsRequest, IncrementalAlterConfigsRequest};
use kafka_protocol::protocol::StrBytes;
use tidegate_sim::{Ask, Fetch, Offset, Place, Restart};

use super::{Asked, until};

/// The broker takes a change from the log of the controller, and does not say when it has.
const TO_TAKE_EFFECT: Duration = Duration::from_millis(500);

/// A partition that says the same for so long is as it will be.
const SETTLED: Duration = Duration::from_millis(500);

/// A cleaner that changed nothing for so long has come as far as it can.
const CLEANED: Duration = Duration::from_secs(3);

impl Asked {
    pub(crate) fn new_topic(&mut self, configs: &[(&str, &str)]) -> Place {
        let config = |(name, value): &(&str, &str)| {
            CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
        };
        let name = random::name("measured.");
        let topic = CreatableTopic::default()
            .with_name(topic_name(&name))
            .with_num_partitions(1)
            .with_replication_factor(1)
            .with_configs(configs.iter().map(config).collect());
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(15_000);
        let answer = self.call(7, &request);
        assert_eq!(answer.topics[0].error_code, 0, "{answer:?}");
        let place = Place::new(&name, 0);
        until("the topic is there", || self.is_led(&place));
        self.last = Some(place.clone());
        place
    }

    pub(crate) fn alter(&mut self, kind: i8, resource: &str, name: &str, value: &str) {
        let config = AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(0)
            .with_value(Some(text(value)));
        let resource = AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(resource))
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let answer = self.call(1, &request);
        assert_eq!(answer.responses[0].error_code, 0, "{answer:?}");
        thread::sleep(TO_TAKE_EFFECT);
    }

    pub(crate) fn start_again(&mut self, how: Restart) {
        match how {
            Restart::Clean => self.own().stop(1).unwrap(),
            Restart::Killed => self.own().kill9(1).unwrap(),
        }
        self.own().restart(1).unwrap();
        self.connect_again();
        if let Some(place) = self.last.clone() {
            until("it leads again", || {
                let first = self.is_led(&place)?;
                thread::sleep(SETTLED);
                self.is_led(&place).filter(|second| *second == first)
            });
        }
    }

    /// Gives partitions other logs than they have, each of one segment that begins at its offset, as an older broker would have left them.
    pub fn put_logs(&mut self, logs: &[(Place, i64, Bytes)]) {
        // Whoever was killed looks at every segment when it starts.
        self.own().kill9(1).unwrap();
        for (place, begin, records) in logs {
            let folder = self.own().log_folder(1, &place.topic, place.partition).unwrap();
            for file in fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
                if file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"0000")) {
                    fs::remove_file(file).unwrap();
                }
            }
            fs::write(folder.join(format!("{begin:020}.log")), records).unwrap();
        }
        self.start_again(Restart::Killed);
    }

    pub(crate) fn wait_for_cleaner(&mut self, place: &Place) {
        let before = self.read(place, &Fetch::from(0)).records;
        until("it is cleaned", || {
            let first = self.read(place, &Fetch::from(0)).records;
            if first == before {
                return None;
            }
            thread::sleep(CLEANED);
            (self.read(place, &Fetch::from(0)).records == first).then_some(())
        });
    }

    fn is_led(&mut self, place: &Place) -> Option<Offset> {
        Some(self.offset(place, Ask::LogEnd)).filter(|offset| offset.error_code.is_none())
    }
}

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
