//! Deletes a topic.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kafka_protocol::messages::{DeleteTopicsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::Place;

/// Deletes it if it is there, and waits until it is gone.
pub(super) fn run(place: &Place) -> Result<()> {
    let mut session = place.open()?;
    let name = TopicName(StrBytes::from_string(place.topic.clone()));
    let request = DeleteTopicsRequest::default().with_topic_names(vec![name]).with_timeout_ms(10_000);
    let answer = session.ask(VERSION, &request)?;
    for topic in &answer.responses {
        let error = topic.error_code;
        ensure!(error == 0 || error == UNKNOWN_TOPIC, "DeleteTopics of {}: error {error}", place.topic);
    }
    let begin = Instant::now();
    while session.topic(&place.topic).is_ok() {
        ensure!(begin.elapsed() < PATIENCE, "topic {} is still there", place.topic);
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

const VERSION: i16 = 4;
const UNKNOWN_TOPIC: i16 = 3;
const PATIENCE: Duration = Duration::from_secs(20);
