//! Inputs to begin with: each reaches what its target is about, so that a fuzzer need not find the way.

use std::cell::RefCell;

use tidegate_authz::RuleTable;
use tidegate_wire::api::ApiKey;
use tidegate_wire::guard::{self, Direction};
use tidegate_wire::{BytesMut, header};

use crate::choices::Choices;
use crate::make;
use crate::tokens::{KEYS, TOKEN};
use crate::words::{Words, batch};
use crate::world::World;

/// The seeds of a target; the same at every call.
///
/// # Panics
/// If there is no such target.
#[must_use]
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "batch" => (0..8)
            .map(|number| [&[number][..], &batch(&mut Choices::new(&noise(number.into(), 8)))].concat())
            .collect(),
        "configuration" => CONFIGURATIONS.map(|text| text.as_bytes().to_vec()).into(),
        "deframe" => vec![vec![3, 0, 0, 0, 4, 0, 3, 0, 12, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0], vec![0; 40]],
        "exchange" => served()
            .flat_map(|(api, version)| [0, 1, 2, 0x80].map(|zone| exchange_seed(zone, api, version)))
            .collect(),
        "fetch_response" => envelope(Direction::Response, ApiKey::Fetch, 4, 14),
        "filler" => crate::fillers::seeds(),
        "group_blob" => blobs(),
        "login" => LOGINS.map(|text| text.as_bytes().to_vec()).into(),
        "manifest" => MANIFESTS.map(|text| text.as_bytes().to_vec()).into(),
        "pieces" => answers(),
        "produce" => envelope(Direction::Request, ApiKey::Produce, 3, 11),
        "request" => messages(Direction::Request),
        "response" => messages(Direction::Response),
        "rewrite" => others(),
        "rules" => {
            served().flat_map(|(api, version)| [0, 1, 2].map(|zone| rules_seed(zone, api, version))).collect()
        }
        "token" => vec![[KEYS, TOKEN].join("\n").into_bytes(), ["{}", TOKEN].join("\n").into_bytes()],
        _ => panic!("no target {target}"),
    }
}

/// Bytes without meaning, from a number.
#[must_use]
pub fn noise(number: u64, length: usize) -> Vec<u8> {
    // SplitMix64.
    let state = RefCell::new(number);
    let next = || {
        let mut state = state.borrow_mut();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// What the rules' targets pick from: numbers of APIs and of their versions.
fn served() -> impl Iterator<Item = (u8, u8)> {
    let table = RuleTable::default();
    let keys: Vec<_> = table.keys().collect();
    let versions = move |key: ApiKey| {
        let known = guard::schema(key).map(|schema| schema.versions);
        known.into_iter().flat_map(|known| known.iter()).filter(|at| table.serves(key, *at)).count() as u8
    };
    let of_api = |(api, count): (u8, u8)| (0..count).map(move |version| (api, version));
    let counts: Vec<_> = (0..).zip(keys.into_iter().map(versions)).collect();
    counts.into_iter().flat_map(of_api)
}

fn exchange_seed(zone: u8, api: u8, version: u8) -> Vec<u8> {
    let number = u64::from_be_bytes([0, 0, 0, 0, 0, zone, api, version]);
    [&[zone, api, version][..], &noise(number, 400)].concat()
}

/// The same messages as bytes.
fn rules_seed(zone: u8, api: u8, version: u8) -> Vec<u8> {
    let (key, at) = crate::rules::pick(api, version).expect("it is served");
    let world = World::new(zone);
    let noise = noise(u64::from_be_bytes([1, 0, 0, 0, 0, zone, api, version]), 400);
    let mut choices = Choices::new(&noise);
    let table = guard::schema(key).expect("every rule has a table");
    let short = |_| {
        let words = Words::of_client(&world.zone, false);
        let request = make::body(table, table.request, at, &words, &mut choices);
        (request.len() <= 255).then_some(request)
    };
    let request = (0..50).find_map(short).unwrap_or_default();
    let answer = make::body(table, table.response, at, &Words::of_broker(&world.zone), &mut choices);
    [&[zone, api, version, request.len() as u8][..], &request, &answer].concat()
}

fn messages(direction: Direction) -> Vec<Vec<u8>> {
    let of_key = |(number, key): (u8, ApiKey)| {
        let versions = guard::schema(key).expect("a key of the tables").versions;
        versions.iter().map(move |version| {
            let mut head = BytesMut::from(&[number, version as u8][..]);
            if direction == Direction::Request {
                let mut header = BytesMut::new();
                header::write_request(&mut header, key, version, 1, "app");
                // Key and version are picked by the two bytes.
                head.extend_from_slice(&header[4..]);
            }
            message(direction, key, version, &head)
        })
    };
    (0..).zip(guard::KEYS).flat_map(of_key).collect()
}

/// Bodies of one API at all its versions, behind the version's number.
fn envelope(direction: Direction, key: ApiKey, first: i16, count: u8) -> Vec<Vec<u8>> {
    (0..count).map(|number| message(direction, key, first + i16::from(number), &[number])).collect()
}

fn message(direction: Direction, key: ApiKey, version: i16, head: &[u8]) -> Vec<u8> {
    let world = World::new(0);
    let words = match direction {
        Direction::Request => Words::of_client(&world.zone, false),
        Direction::Response => Words::of_broker(&world.zone),
    };
    let noise = noise(u64::from(version.unsigned_abs()) << 8 | u64::from(key as u8), 400);
    let table = guard::schema(key).expect("a key of the tables");
    let body = make::body(table, direction.fields(table), version, &words, &mut Choices::new(&noise));
    [head, &body].concat()
}

fn blobs() -> Vec<Vec<u8>> {
    let topic = b"\0\x06orders";
    let partitions = b"\0\0\0\x01\0\0\0\0";
    (0..4_u8)
        .flat_map(|version| {
            let head = [0, version, 0, 0, 0, 1];
            let subscription = [&head[..], topic, &[0xff; 4]].concat();
            let owned = [&[0, 0, 0, 1][..], topic, partitions].concat();
            let whole = [&subscription[..], &owned, &[0, 0, 0, 7, 0xff, 0xff]].concat();
            [subscription, whole, [&head[..], topic, partitions, &[0xff; 4]].concat()]
        })
        .collect()
}

/// Batches that other programs wrote, of each format with each codec.
fn others() -> Vec<Vec<u8>> {
    let hex = |text: &str| {
        let digits = text.as_bytes().chunks(2).filter_map(|byte| std::str::from_utf8(byte).ok());
        digits.filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
    };
    OTHERS.lines().filter_map(|line| line.strip_prefix("bytes ")).map(hex).collect()
}

/// Asked for from before their first batch, and from inside of it.
fn answers() -> Vec<Vec<u8>> {
    let others = others();
    let of =
        |answer: &Vec<u8>| [0, 1_003_u16].map(|from| [&from.to_be_bytes()[..], &[77, 0], answer].concat());
    others.iter().flat_map(of).collect()
}

const OTHERS: &str = concat!(
    include_str!("../../crates/link/tests/fixtures/java.txt"),
    include_str!("../../crates/link/tests/fixtures/librdkafka.txt"),
);

const LOGINS: [&str; 5] = [
    "0\n2\n5\0u\0pw\n2\n5\0u\0pw\nr\nu\0u\0pw",
    "0\n2\n5\0u\0no",
    "0\n3\n5n,,n=u,r=abcdefgh\n5c=biws,r=abcdefgh,p=AAAA",
    "0\n4\n5n,,n=nobody,r=abcdefgh\n5c=biws,r=abcdefgh,p=AAAA",
    "0\n1GSSAPI",
];

const CONFIGURATIONS: [&str; 2] = [
    r#"clusters:
  - {name: main, bootstrap: ["localhost:9092"]}
listeners:
  - name: partners
    cluster: main
    protocol: SASL_PLAINTEXT
    mechanisms: [SCRAM-SHA-256]
    bind: {host: 127.0.0.1, port: 19092}
    nodes: {bindPort: 19100, count: 4}
zones: {folder: zones}
accounts: {file: accounts.yaml}
rootKey: file:root.key
"#,
    r#"clusters:
  - name: main
    bootstrap: ["kafka-1.internal:9092", "[::1]:9092"]
    security:
      protocol: SASL_SSL
      tls: {ca: ca.pem, certificate: client.pem, key: client.key, endpointIdentification: true}
      sasl: {mechanism: SCRAM-SHA-512, username: tidegate, password: "${env:PASSWORD}"}
    metadataRefreshMs: 30000
listeners:
  - name: partners
    cluster: main
    protocol: SASL_SSL
    mechanisms: [SCRAM-SHA-512, SCRAM-SHA-256, PLAIN]
    tls: {certificate: gateway.pem, key: gateway.key}
    bind: {host: 0.0.0.0, port: 9092}
    advertised: {host: kafka.example.com, port: 19092}
    nodes: {1: {bindPort: 9101, advertisedPort: 9101}}
zones: {folder: zones}
accounts: {file: accounts.yaml}
state: {file: state.db}
rootKey: "${env:KEY}"
http: {bind: {host: 127.0.0.1, port: 9464}}
policy: {fetchMaxBytes: 1048576, deleteGroups: false}
limits: {maxConnectionsPerZone: 10}
"#,
];

const MANIFESTS: [&str; 2] = [
    "apiVersion: v2
kind: PartnerZone
metadata: {name: partner}
spec:
  cluster: main
  displayName: Partner
  description: Somebody
  url: https://partner.example
  serviceAccount: partner
  partner: {name: P, email: p@partner.example, phone: '1'}
  topics:
    - {name: orders, backingTopic: acme-internal-orders-v3, permission: WRITE}
    - {name: prices, backingTopic: acme-internal-prices-v1, permission: READ}
  trafficControlPolicies: {maxProduceRate: 1000000, maxConsumeRate: 1000000, limitCommitOffset: 30}
",
    "apiVersion: v1
kind: Accounts
accounts:
  - name: u
    credentials: []
",
];
