//! The text of a broker's `server.properties`.

use std::fmt::Write as _;
use std::path::Path;

use super::address::Subnet;
use super::{Builder, User};

/// What one broker's configuration depends on.
pub(super) struct Server<'a> {
    pub(super) builder: &'a Builder,
    pub(super) subnet: &'a Subnet,
    pub(super) dir: &'a Path,
    pub(super) keystore: &'a Path,
    pub(super) ca: &'a Path,
    pub(super) rack: Option<&'a String>,
    pub(super) id: u16,
}

/// The configuration, one `key=value` per line.
pub(super) fn server_properties(server: &Server<'_>) -> String {
    let mut lines = vec![
        pair("process.roles", "broker,controller"),
        pair("node.id", server.id),
        pair("log.dirs", server.dir.join(format!("data-{}", server.id)).display()),
    ];
    lines.extend(listeners(server));
    lines.extend(small_cluster(server.builder.brokers));
    if server.builder.protocol.has_tls() {
        lines.extend(tls(server));
    }
    if server.builder.protocol.has_sasl() {
        lines.extend(sasl(server.builder));
    }
    if server.builder.authorizer {
        lines.extend(authorizer(&server.builder.admin));
    }
    if let Some(rack) = server.rack {
        lines.push(pair("broker.rack", rack));
    }
    // Of two lines with one key, the later one holds.
    lines.extend(server.builder.settings.iter().map(|(key, value)| pair(key, value)));
    lines.concat()
}

fn listeners(server: &Server<'_>) -> Vec<String> {
    let Server { subnet, builder, id, .. } = server;
    let served = format!("CLIENT://{},INTERNAL://{}", subnet.client(*id), subnet.internal(*id));
    let sent_to = if builder.doors { subnet.door(*id) } else { subnet.client(*id) };
    let advertised = format!("CLIENT://{sent_to},INTERNAL://{}", subnet.internal(*id));
    let voters: Vec<String> =
        (1..=builder.brokers).map(|voter| format!("{voter}@{}", subnet.controller(voter))).collect();
    vec![
        pair("listeners", format!("{served},CONTROLLER://{}", subnet.controller(*id))),
        pair("advertised.listeners", advertised),
        pair(
            "listener.security.protocol.map",
            format!("CLIENT:{},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT", builder.protocol),
        ),
        pair("inter.broker.listener.name", "INTERNAL"),
        pair("controller.listener.names", "CONTROLLER"),
        pair("controller.quorum.voters", voters.join(",")),
    ]
}

/// Quick starts, internal topics that fit the broker count, and automatic topics on purpose: a gateway that
/// lets an unknown name through is then caught, because the name comes to life.
fn small_cluster(brokers: u16) -> Vec<String> {
    let min_isr = brokers.min(2);
    let mut lines = vec![
        pair("auto.create.topics.enable", true),
        pair("group.initial.rebalance.delay.ms", 0),
        pair("num.partitions", 1),
        pair("default.replication.factor", brokers),
        pair("offsets.topic.num.partitions", 8),
        pair("transaction.state.log.num.partitions", 8),
        pair("transaction.state.log.min.isr", min_isr),
        pair("controlled.shutdown.retry.backoff.ms", 500),
        pair("num.network.threads", 2),
        pair("num.io.threads", 4),
        pair("log.cleaner.dedupe.buffer.size", 16 * 1024 * 1024),
    ];
    lines.extend(
        ["offsets.topic", "transaction.state.log"]
            .map(|topic| pair(&format!("{topic}.replication.factor"), brokers)),
    );
    lines.push(pair("share.coordinator.state.topic.replication.factor", brokers));
    lines.push(pair("share.coordinator.state.topic.min.isr", min_isr));
    lines
}

fn tls(server: &Server<'_>) -> Vec<String> {
    let client_auth = if server.builder.client_certificates { "required" } else { "none" };
    vec![
        pair("listener.name.client.ssl.client.auth", client_auth),
        pair("listener.name.client.ssl.keystore.type", "PEM"),
        pair("listener.name.client.ssl.keystore.location", server.keystore.display()),
        pair("listener.name.client.ssl.truststore.type", "PEM"),
        pair("listener.name.client.ssl.truststore.location", server.ca.display()),
    ]
}

fn sasl(builder: &Builder) -> Vec<String> {
    let users = builder.users.iter().chain([&builder.admin]).fold(String::new(), |mut text, user| {
        let _ = write!(text, " user_{}=\"{}\"", user.name, user.password);
        text
    });
    let plain = format!("org.apache.kafka.common.security.plain.PlainLoginModule required{users};");
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    vec![
        pair("listener.name.client.sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"),
        pair("listener.name.client.plain.sasl.jaas.config", plain),
        pair("listener.name.client.scram-sha-256.sasl.jaas.config", scram),
        pair("listener.name.client.scram-sha-512.sasl.jaas.config", scram),
    ]
}

/// Brokers and the harness come without a login over the INTERNAL and CONTROLLER listeners, hence ANONYMOUS.
fn authorizer(admin: &User) -> Vec<String> {
    vec![
        pair("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        pair("super.users", format!("User:{};User:ANONYMOUS", admin.name)),
    ]
}

fn pair(key: &str, value: impl std::fmt::Display) -> String {
    format!("{key}={value}\n")
}
