//! A file of properties, as `--consumer.config` of Kafka's own tools takes it.

use secrecy::ExposeSecret;

use super::client::Client;

pub(super) fn text(client: &Client) -> String {
    let lines = client.properties.iter().map(|(key, value)| {
        // In such a file `\` takes the next character for itself.
        format!("{key}={}\n", value.expose_secret().replace('\\', r"\\"))
    });
    client.comment("#") + &lines.collect::<String>()
}
