//! A link whose user has the rights of the table in docs/mirror.md and no others, between clusters that are entered with TLS,
//! certificates and SCRAM.

use std::fs;
use std::path::Path;

use tidegate_e2e::asked::Asked;
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol, Right, Topic, User};
use tidegate_e2e::mirror::{MirrorDaemon, MirrorHome};
use tidegate_sim::Place;
use tidegate_sim::table::Subject;

use crate::site::{Site, until, verdicts};

const USER: &str = "link";

/// What the table may say, and the number of it in the protocol.
const OPERATIONS: [(&str, i8); 8] = [
    ("READ", 3),
    ("WRITE", 4),
    ("CREATE", 5),
    ("DELETE", 6),
    ("ALTER", 7),
    ("DESCRIBE", 8),
    ("DESCRIBE_CONFIGS", 10),
    ("ALTER_CONFIGS", 11),
];
const TOPIC: i8 = 2;
const GROUP: i8 = 3;
const CLUSTER: i8 = 4;

#[test]
fn the_rights_of_the_table_are_enough() {
    let user = User::new(USER);
    let source = Kafka::builder(Version::V3_9_1)
        .protocol(Protocol::SaslSsl)
        .client_certificates()
        .authorizer()
        .user(user.clone());
    let mirror = Kafka::builder(Version::V4_1_1).protocol(Protocol::SaslPlaintext).authorizer().user(user);
    let mut site = Site { source: Asked::start_as(source), mirror: Asked::start_as(mirror) };
    let topic = site.topics(&[1]).remove(0);
    // A log that does not begin at 0, and has gaps.
    site.write(&topic, 1);
    let (code, start) = site.source.delete_records(&Place::new(&topic, 0), 1);
    assert!(code.is_none() && start == 1);
    grant(&site.source.kafka, "source", TOPIC, &topic);
    grant(&site.mirror.kafka, "destination, mirror topics", TOPIC, &topic);
    grant(&site.mirror.kafka, "destination, group `tidegate-link-...`", GROUP, "*");
    grant(&site.mirror.kafka, "destination, cluster", CLUSTER, "kafka-cluster");

    let home = MirrorHome::new().unwrap();
    home.write(&config(&site, &topic)).unwrap();
    let daemon = MirrorDaemon::start(&home).unwrap();
    assert_eq!(site.compare(&topic, &topic, 1), 0);
    // It grows, and takes over what belongs to the source once it has caught up.
    site.source.kafka.add_partitions(&Topic { name: topic.clone(), id: uuid::Uuid::nil() }, 2).unwrap();
    until("the mirror grows", || {
        let mirror = daemon.mirror(&topic).ok().flatten();
        mirror.is_some_and(|mirror| {
            mirror["problem"].is_null()
                && mirror["held"].as_array().is_some_and(Vec::is_empty)
                && mirror["partitions"].as_array().is_some_and(|partitions| partitions.len() == 2)
        })
    });
    site.write(&topic, 2);
    assert_eq!(site.compare(&topic, &topic, 2), 0);
    assert_eq!(verdicts(&home), ["EXACT"; 2]);
    assert!(daemon.stop().unwrap().success());
}

fn config(site: &Site, topic: &str) -> String {
    let (from, to) = (&site.source.kafka, &site.mirror.kafka);
    let identity = from.authority().issue(USER, &[]).unwrap();
    let tls = format!(
        "{{ca: {}, certificate: {}, key: {}}}",
        from.ca().display(),
        identity.chain.display(),
        identity.key.display()
    );
    let sasl = |kafka: &Kafka| {
        let password = &kafka.users()[0].password;
        format!("{{mechanism: SCRAM-SHA-512, username: {USER}, password: \"{password}\"}}")
    };
    format!(
        "clusters:\n\
         - {{name: a, bootstrap: [\"{}\"], security: {{protocol: SASL_SSL, tls: {tls}, sasl: {}}}}}\n\
         - {{name: b, bootstrap: [\"{}\"], security: {{protocol: SASL_PLAINTEXT, sasl: {}}}}}\n\
         store: {{type: SQLITE}}\n\
         links:\n- {{name: a-to-b, source: a, destination: b, topics: [{topic}]}}\n",
        from.bootstrap(),
        sasl(from),
        to.bootstrap(),
        sasl(to),
    )
}

/// Grants what a row of the table says.
fn grant(kafka: &Kafka, row: &str, kind: i8, name: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mirror.md");
    let page = fs::read_to_string(page).unwrap();
    let begin = format!("| {row} | ");
    let row = page.lines().find_map(|line| line.strip_prefix(&begin)).expect("the row is there");
    let words: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
    let granted: Vec<i8> =
        OPERATIONS.iter().filter(|(word, _)| words.contains(word)).map(|(_, operation)| *operation).collect();
    assert!(!granted.is_empty());
    for operation in granted {
        kafka.allow(&format!("User:{USER}"), Right { kind, name, operation }).unwrap();
    }
}
