//! A consumer with confluent-kafka.

use super::client::{Client, quoted};
use super::librdkafka::pairs;

pub(super) fn text(client: &Client) -> String {
    let lines =
        pairs(client).into_iter().map(|(key, value)| format!("    {}: {},\n", quoted(key), quoted(&value)));
    format!(
        "{}from confluent_kafka import Consumer\n\nconfig = {{\n{}}}\n\n\
         consumer = Consumer(config | {{\"group.id\": {}, \"auto.offset.reset\": \"earliest\"}})\n\
         consumer.subscribe([{}])\n",
        client.comment("#"),
        lines.collect::<String>(),
        quoted(&client.zone),
        quoted(client.first_topic()),
    )
}
