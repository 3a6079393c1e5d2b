//! `application.yaml` of Spring Boot.

use secrecy::ExposeSecret;

use super::client::{Client, quoted};

pub(super) fn text(client: &Client) -> String {
    let properties = client.properties.iter().filter(|(key, _)| key != "bootstrap.servers");
    let lines = properties.map(|(key, value)| format!("      {key}: {}\n", literal(value.expose_secret())));
    format!(
        "{}spring:\n  kafka:\n    bootstrap-servers: {}\n    consumer:\n      group-id: {}\n      auto-offset-reset: earliest\n    \
         properties:\n{}",
        client.comment("#"),
        literal(&client.bootstrap),
        literal(&client.zone),
        lines.collect::<String>(),
    )
}

/// Spring would put a property of its own in place of `${name}`, unless a `\` stands before it.
fn literal(text: &str) -> String {
    quoted(&text.replace("${", r"\${"))
}
