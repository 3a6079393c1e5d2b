//! A consumer with KafkaJS.

use secrecy::ExposeSecret;

use super::client::{Client, Login, MASKED, quoted};

pub(super) fn text(client: &Client) -> String {
    let (zone, bootstrap, topic) =
        (quoted(&client.zone), quoted(&client.bootstrap), quoted(client.first_topic()));
    format!(
        "{}{}const {{ Kafka }} = require(\"kafkajs\");\n\n\
         const kafka = new Kafka({{\n  clientId: {zone},\n  brokers: [{bootstrap}],\n{}}});\n\n\
         const consumer = kafka.consumer({{ groupId: {zone} }});\n\
         consumer.connect().then(() => consumer.subscribe({{ topics: [{topic}], fromBeginning: true }}));\n",
        client.comment("//"),
        files(client),
        login(client),
    )
}

/// What reads a certificate, where there is one.
fn files(client: &Client) -> &'static str {
    match client.login {
        Login::Certificate => "const { readFileSync } = require(\"node:fs\");\n",
        Login::Password { .. } | Login::Token => "",
    }
}

fn login(client: &Client) -> String {
    let tls = client.is_tls();
    match &client.login {
        Login::Password { mechanism, user, password } => format!(
            "  ssl: {tls},\n  sasl: {{ mechanism: {}, username: {}, password: {} }},\n",
            quoted(&mechanism.to_ascii_lowercase()),
            quoted(user),
            quoted(password.expose_secret()),
        ),
        Login::Token => format!(
            "  ssl: {tls},\n  sasl: {{ mechanism: \"oauthbearer\", oauthBearerProvider: async () => ({{ value: \"{MASKED}\" }}) }},\n"
        ),
        Login::Certificate => {
            format!("  ssl: {{ cert: readFileSync(\"{MASKED}\"), key: readFileSync(\"{MASKED}\") }},\n")
        }
    }
}
