//! Bad input: one clear line, and the gateway never half-starts.
#![allow(clippy::panic, reason = "a test says what it expects in the shortest way")]

use std::fs::{self, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidegate_e2e::gateway::{Alias, Gateway, Home, Permission, get, zone};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol};
use tidegate_e2e::pki::Authority;

/// A gateway that cannot start says so well within this time.
const LIMIT: Duration = Duration::from_secs(30);

/// An upstream where nothing listens.
const NOBODY: &str = "127.77.0.1:9092";

/// A change of one file, and what the line about it has to name: the file, the place in it, what is wrong.
type Case = (&'static str, fn(&Home) -> Result<()>, &'static [&'static str]);

const CONFIG: &str = "tidegate.yaml";
const ZONE: &str = "zones/acme.yaml";

const CONFIGURATION: [Case; 9] = [
    ("no file", |home| Ok(fs::remove_file(home.file(CONFIG))?), &[CONFIG]),
    ("unknown field", |home| home.replace(CONFIG, "zones:", "zonez:"), &[CONFIG, "zonez"]),
    (
        "unknown nested field",
        |home| home.replace(CONFIG, "bindPort", "bindPrt"),
        &[CONFIG, "listeners[0].nodes", "bindPrt"],
    ),
    (
        "not a port",
        |home| {
            home.replace(CONFIG, "    bind: {host: 127.0.0.1, port: ", "    bind: {host: 127.0.0.1, port: x")
        },
        &[CONFIG, "listeners[0].bind.port"],
    ),
    (
        "unknown cluster",
        |home| home.replace(CONFIG, "    cluster: main", "    cluster: other"),
        &[CONFIG, "listeners[0].cluster", "other"],
    ),
    (
        "unknown mechanism",
        |home| home.replace(CONFIG, "[PLAIN,", "[GSSAPI,"),
        &[CONFIG, "listeners[0].mechanisms", "GSSAPI"],
    ),
    ("no zone folder", |home| Ok(fs::remove_dir_all(home.file("zones"))?), &["zones"]),
    ("root key open to others", |home| root_key(home, &"ab".repeat(32), 0o644), &["root.key", "chmod 600"]),
    (
        "root key of the wrong length",
        |home| root_key(home, "short", 0o600),
        &[CONFIG, "rootKey", "openssl rand -hex 32"],
    ),
];

const MANIFESTS: [Case; 9] = [
    ("unknown field", |home| home.replace(ZONE, "topics:", "topicz:"), &["acme.yaml", "spec.topicz"]),
    (
        "bad alias",
        |home| home.replace(ZONE, "name: orders", "name: \"or ders\""),
        &["acme.yaml", "spec.topics[0].name", "or ders"],
    ),
    (
        "internal backing topic",
        |home| home.replace(ZONE, "backingTopic: real-orders", "backingTopic: __consumer_offsets"),
        &["acme.yaml", "spec.topics[0].backingTopic", "__consumer_offsets"],
    ),
    (
        "two WRITE aliases of one topic",
        |home| home.replace(ZONE, "real-returns", "real-orders"),
        &["acme.yaml", "spec.topics[1]", "WRITE"],
    ),
    (
        "the same alias twice",
        |home| home.replace(ZONE, "name: returns", "name: orders"),
        &["acme.yaml", "spec.topics[1]", "orders"],
    ),
    (
        "unknown permission",
        |home| home.replace(ZONE, "WRITE", "ADMIN"),
        &["acme.yaml", "spec.topics[0].permission", "ADMIN"],
    ),
    (
        "unknown version",
        |home| home.replace(ZONE, "apiVersion: v2", "apiVersion: v9"),
        &["acme.yaml", "apiVersion", "v9"],
    ),
    (
        "unknown cluster",
        |home| home.replace(ZONE, "cluster: main", "cluster: other"),
        &["acme.yaml", "spec.cluster", "other"],
    ),
    ("not YAML", |home| home.write(ZONE, "spec: [\n"), &["acme.yaml"]),
];

#[test]
fn a_bad_configuration_is_named() -> Result<()> {
    refuse_all(&CONFIGURATION)
}

#[test]
fn a_bad_manifest_is_named() -> Result<()> {
    refuse_all(&MANIFESTS)
}

#[test]
fn an_unset_variable_is_named() -> Result<()> {
    let security = "{protocol: SASL_PLAINTEXT, sasl: {mechanism: PLAIN, username: admin, password: \"${env:NO_SUCH_VARIABLE}\"}}";
    let home = home_before(NOBODY, security)?;
    refuse(&home, &[CONFIG, "clusters[0].security.sasl.password", "NO_SUCH_VARIABLE"])
}

#[test]
fn a_port_in_use_is_named() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    for pick in [|home: &Home| home.ports().bound(), |home: &Home| home.ports().http()] {
        let home = home_before(&kafka.bootstrap(), "{protocol: PLAINTEXT}")?;
        let address = pick(&home);
        let taken = TcpListener::bind(address)?;
        let (ended, log) = watch(&home, &[address])?;
        drop(taken);
        ensure!(ended, "still running although {address} is in use:\n{log}");
        names(&log, &[&address.to_string(), "in use"])?;
    }
    Ok(())
}

#[test]
fn an_unreachable_upstream_is_named() -> Result<()> {
    let home = home_before(NOBODY, "{protocol: PLAINTEXT}")?;
    let (_, log) = watch(&home, &[])?;
    names(&log, &["main", NOBODY])
}

#[test]
fn a_wrong_upstream_certificate_or_password_is_named() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).protocol(Protocol::SaslSsl).start()?;
    let (user, password) = (&kafka.admin().name, &kafka.admin().password);
    let right = kafka.ca().to_owned();
    let dir = tempfile::tempdir()?;
    let wrong = Authority::create(dir.path())?.certificate().to_owned();
    let cases = [
        (&wrong, password.as_str(), "certificate"),
        (&right, "not the password", "SASL_AUTHENTICATION_FAILED"),
    ];
    for (ca, password, what) in cases {
        let security = format!(
            "{{protocol: SASL_SSL, sasl: {{mechanism: PLAIN, username: {user}, password: \"{password}\"}}, tls: {{ca: \"{}\"}}}}",
            ca.display()
        );
        let home = home_before(&kafka.bootstrap(), &security)?;
        let (_, log) = watch(&home, &[])?;
        names(&log, &["main", what])?;
        ensure!(!log.contains(password), "the log shows the password:\n{log}");
    }
    Ok(())
}

#[test]
fn a_wrong_listener_certificate_is_named() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let authority = Authority::create(dir.path())?;
    let (first, second) =
        (authority.issue("first", &["localhost"])?, authority.issue("second", &["localhost"])?);
    let missing = dir.path().join("missing.pem");
    let cases = [
        (&missing, &first.key, [CONFIG, "listeners[0].tls", "missing.pem"]),
        (&first.chain, &missing, [CONFIG, "listeners[0].tls", "missing.pem"]),
        (&first.chain, &second.key, ["partners", "first-chain.pem", "pair"]),
    ];
    for (chain, key, what) in cases {
        let home = home_before(NOBODY, "{protocol: PLAINTEXT}")?;
        let tls = format!(
            "protocol: SASL_SSL\n    tls: {{certificate: \"{}\", key: \"{}\"}}\n",
            chain.display(),
            key.display()
        );
        home.replace(CONFIG, "protocol: SASL_PLAINTEXT\n", &tls)?;
        refuse(&home, &what)?;
    }
    Ok(())
}

fn root_key(home: &Home, text: &str, mode: u32) -> Result<()> {
    home.write("root.key", text)?;
    Ok(fs::set_permissions(home.file("root.key"), Permissions::from_mode(mode))?)
}

/// A complete configuration with one zone and one account.
fn home_before(bootstrap: &str, security: &str) -> Result<Home> {
    let home = Home::bare(bootstrap, security)?;
    home.add_account("partner-acme", "partner-password")?;
    let alias = |name: &str, backing: &str| Alias {
        name: name.to_owned(),
        backing: backing.to_owned(),
        permission: Permission::Write,
    };
    home.write(
        ZONE,
        &zone("acme", "partner-acme", &[alias("orders", "real-orders"), alias("returns", "real-returns")]),
    )?;
    Ok(home)
}

/// Files are checked before anything upstream: no Kafka is needed here.
fn refuse_all(cases: &[Case]) -> Result<()> {
    let mut failed = Vec::new();
    for (what, spoil, needles) in cases {
        let home = home_before(NOBODY, "{protocol: PLAINTEXT}")?;
        spoil(&home)?;
        if let Err(why) = refuse(&home, needles) {
            failed.push(format!("{what}: {why:#}"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n\n"));
    Ok(())
}

/// The process ends, not with 0, and one line names every needle.
fn refuse(home: &Home, needles: &[&str]) -> Result<()> {
    let (ended, log) = watch(home, &[])?;
    ensure!(ended, "still running:\n{log}");
    names(&log, needles)
}

/// Starts the gateway and watches it until it has ended, or for [`LIMIT`] if it lives on without being ready.
/// Returns whether it ended, and what it said. That it never served a partner is checked here.
fn watch(home: &Home, taken: &[std::net::SocketAddr]) -> Result<(bool, String)> {
    let mut gateway = Gateway::spawn(home)?;
    let until = Instant::now() + LIMIT;
    while Instant::now() < until {
        for port in home.ports().all_bound() {
            let health = port == home.ports().http();
            if taken.contains(&port) || health {
                continue;
            }
            ensure!(TcpStream::connect(port).is_err(), "{port} accepts partners:\n{}", home.log());
        }
        if let Some(status) = gateway.ended()? {
            ensure!(!status.success(), "ended with success:\n{}", home.log());
            return Ok((true, home.log()));
        }
        let ready = get(home.ports().http(), "/readyz").is_ok_and(|answer| answer.status == 200);
        ensure!(!ready, "says that it is ready:\n{}", home.log());
        thread::sleep(Duration::from_millis(50));
    }
    Ok((false, home.log()))
}

/// One line of the log holds every needle, and nothing looks like a crash.
fn names(log: &str, needles: &[&str]) -> Result<()> {
    let clear = log.lines().any(|line| needles.iter().all(|needle| line.contains(needle)));
    ensure!(clear, "no line names {needles:?}:\n{log}");
    for crash in ["panicked", "stack backtrace", "RUST_BACKTRACE"] {
        ensure!(!log.contains(crash), "looks like a crash:\n{log}");
    }
    Ok(())
}
