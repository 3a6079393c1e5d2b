//! A consumer with confluent-kafka-go.

use super::client::{Client, quoted};
use super::librdkafka::pairs;

pub(super) fn text(client: &Client) -> String {
    let own = [("group.id", client.zone.clone()), ("auto.offset.reset", "earliest".to_owned())];
    let pairs: Vec<(String, String)> = pairs(client)
        .into_iter()
        .chain(own)
        .map(|(key, value)| (quoted(key) + ":", quoted(&value)))
        .collect();
    // As gofmt does it.
    let widest = pairs.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
    let lines = pairs.iter().map(|(key, value)| format!("\t\t{key:<widest$} {value},\n"));
    format!(
        "{}\npackage main\n\nimport \"github.com/confluentinc/confluent-kafka-go/v2/kafka\"\n\n\
         func newConsumer() (*kafka.Consumer, error) {{\n\
         \tconsumer, err := kafka.NewConsumer(&kafka.ConfigMap{{\n{}\t}})\n\
         \tif err != nil {{\n\t\treturn nil, err\n\t}}\n\
         \treturn consumer, consumer.Subscribe({}, nil)\n}}\n",
        client.comment("//"),
        lines.collect::<String>(),
        quoted(client.first_topic()),
    )
}
