//! Sessions that end and are renewed on their connection (KIP-368).

use std::fs::{self, File};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kafka_protocol::messages::{MetadataRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::clients;
use tidegate_e2e::gateway::client_config;
use tidegate_e2e::jars::Version;
use tidegate_e2e::raw::{self, Connection};
use tidegate_e2e::recorder::Recorder;
use tidegate_e2e::{java, paths, process};

use crate::site::{SASL_AUTHENTICATION_FAILED, TOPIC, api_versions, ask, log_in, shake, token};
use crate::{HONEST, PARTNER, PASSWORD, RIVAL, Site};

const ILLEGAL_SASL_STATE: i16 = 34;

/// The session of the gateways here.
const SESSION: Duration = Duration::from_secs(2);
const LIMITS: &str = "sessionMaxMs: 2000";

/// How long stock clients work: some sessions.
const SESSIONS: Duration = Duration::from_secs(9);

#[test]
fn a_session_has_no_end_unless_it_is_given_one() -> Result<()> {
    let site = Site::start("")?;
    assert_eq!(log_in(&mut site.open(HONEST)?, PARTNER)?.session_lifetime_ms, 0);
    site.finish()
}

#[test]
fn a_session_is_renewed_on_its_connection_again_and_again() -> Result<()> {
    let site = Site::start(LIMITS)?;
    let mut connection = site.open(HONEST)?;
    let begin = Instant::now();
    while begin.elapsed() < 3 * SESSION {
        let answer = log_in(&mut connection, PARTNER)?;
        assert_eq!((answer.error_code, answer.session_lifetime_ms), (0, 2_000));
        ask(&mut connection)?;
        thread::sleep(Duration::from_millis(1_500));
        ask(&mut connection)?;
    }
    // Late is early enough: the handshake is what an expired session still may ask for.
    thread::sleep(SESSION);
    assert_eq!(log_in(&mut connection, PARTNER)?.error_code, 0);
    ask(&mut connection)?;
    site.finish()
}

#[test]
fn any_other_request_after_the_end_closes_without_an_answer() -> Result<()> {
    let site = Site::start(LIMITS)?;
    let metadata = raw::frame(7, 12, &MetadataRequest::default().with_topics(None))?;
    let versions = raw::frame(7, 3, &api_versions())?;
    let again = raw::frame(7, 2, &token(PARTNER, PASSWORD))?;
    let mut open = (0..3).map(|_| site.connect(HONEST, PARTNER)).collect::<Result<Vec<Connection>>>()?;
    open.iter_mut().try_for_each(ask)?;
    thread::sleep(SESSION + Duration::from_millis(100));
    for (connection, frame) in open.iter_mut().zip([metadata, versions, again]) {
        connection.send(&frame)?;
        ensure!(connection.until_closed()?.is_empty(), "a request after the end was answered");
    }
    site.finish()
}

#[test]
fn a_session_cannot_be_renewed_as_another_or_by_another_mechanism() -> Result<()> {
    let site = Site::start(LIMITS)?;
    let renewable = || {
        let connection = site.connect(HONEST, PARTNER)?;
        thread::sleep(Duration::from_millis(1_100));
        anyhow::Ok(connection)
    };
    let mut connection = renewable()?;
    let answer = log_in(&mut connection, RIVAL)?;
    assert_eq!(answer.error_code, SASL_AUTHENTICATION_FAILED, "another user");
    ensure!(connection.until_closed()?.is_empty());

    let mut connection = renewable()?;
    let name = StrBytes::from_static_str("SCRAM-SHA-256");
    let answer = connection.call(1, &SaslHandshakeRequest::default().with_mechanism(name))?;
    assert_eq!(answer.error_code, ILLEGAL_SASL_STATE, "another mechanism");
    ensure!(connection.until_closed()?.is_empty());

    let mut connection = renewable()?;
    shake(&mut connection, "PLAIN")?;
    let answer = connection.call(2, &token(PARTNER, "wrong-password"))?;
    assert_eq!(answer.error_code, SASL_AUTHENTICATION_FAILED, "a wrong password");
    ensure!(connection.until_closed()?.is_empty());

    // Half a renewal is no session.
    let mut connection = renewable()?;
    shake(&mut connection, "PLAIN")?;
    connection.send(&raw::frame(7, 12, &MetadataRequest::default().with_topics(None))?)?;
    ensure!(connection.until_closed()?.is_empty(), "it was served half way through a renewal");
    site.finish()
}

#[test]
fn a_renewal_waits_for_what_was_asked_before() -> Result<()> {
    let site = Site::start(LIMITS)?;
    let mut connection = site.connect(HONEST, PARTNER)?;
    thread::sleep(Duration::from_millis(1_100));
    let metadata = MetadataRequest::default().with_topics(None);
    let name = StrBytes::from_static_str("PLAIN");
    for id in [101, 102, 103] {
        connection.send(&raw::frame(id, 12, &metadata)?)?;
    }
    connection.send(&raw::frame(104, 1, &SaslHandshakeRequest::default().with_mechanism(name))?)?;
    connection.send(&raw::frame(105, 2, &token(PARTNER, PASSWORD))?)?;
    connection.send(&raw::frame(106, 12, &metadata)?)?;
    for id in [101, 102, 103, 104, 105, 106_i32] {
        assert_eq!(connection.receive()?[..4], id.to_be_bytes());
    }
    site.finish()
}

#[test]
fn java_renews_its_sessions_while_it_writes_and_reads() -> Result<()> {
    let roles = |topic: &str| {
        vec![
            format!("idempotent:w1:{topic}"),
            format!("transactional:w2:{topic}"),
            format!("read:r:classic:{topic}"),
        ]
    };
    let options = ["-Xmx160m", "-XX:TieredStopAtLevel=1"];
    for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        works_on(mechanism, || java::program(Version::V4_1_1, &options, "Load"), &roles(TOPIC))?;
    }
    Ok(())
}

#[test]
fn librdkafka_renews_its_sessions_while_it_writes_and_reads() -> Result<()> {
    let roles =
        [format!("idempotent:w1:{TOPIC}"), format!("transactional:w2:{TOPIC}"), format!("read:r:{TOPIC}")];
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        works_on(mechanism, || clients::python("load"), &roles)?;
    }
    Ok(())
}

/// Lets a load work for some sessions: not one connection is closed, not one record lost.
fn works_on(mechanism: &str, program: impl Fn() -> Result<Command>, roles: &[String]) -> Result<()> {
    let site = Site::start_with(LIMITS, |home| home.ports().record(&Recorder::default()))?;
    let config = client_config(&site.home, mechanism, PARTNER, PASSWORD);
    let dir = paths::scratch("sessions")?;
    let file = |name: &str| dir.path().join(name);
    serde_json::to_writer(File::create(file("config.json"))?, &config)?;
    let mut program = program()?;
    program.arg(file("config.json")).arg(file("stop")).args(roles);
    let mut load = process::start(&program, &file("log"))?;
    let log = || fs::read_to_string(file("log")).unwrap_or_default();
    let acked = || log().lines().filter(|line| line.starts_with("@ acked")).count();
    let until = Instant::now() + Duration::from_secs(60);
    while acked() < 20 {
        ensure!(Instant::now() < until && load.ended()?.is_none(), "nothing is written:\n{}", log());
        thread::sleep(Duration::from_millis(100));
    }
    // Clients open their last connections, as to coordinators, a moment after their first.
    thread::sleep(Duration::from_secs(2));
    let (opened, before) = (site.accepted()?, acked());
    thread::sleep(SESSIONS);
    let (reopened, written) = (site.accepted()? - opened, acked() - before);
    ensure!(load.ended()?.is_none(), "it ended:\n{}", log());
    File::create(file("stop"))?;
    let status = load.wait(Duration::from_secs(60))?.context("it does not end")?;
    let log = log();
    ensure!(status.success(), "it ended with {status}:\n{log}");
    let bad: Vec<&str> = log
        .lines()
        .filter(|line| ["@ lost", "@ failed", "@ retried", "@ error"].iter().any(|bad| line.starts_with(bad)))
        .collect();
    ensure!(bad.is_empty(), "{bad:?}");
    println!(
        "{mechanism}: {written} records were acknowledged, {reopened} connections were opened meanwhile"
    );
    ensure!(written > 500, "only {written} records were acknowledged");
    let read = log.lines().filter(|line| line.starts_with("@ read")).count();
    ensure!(read > 500, "only {read} records were read");
    assert_eq!(reopened, 0, "connections were opened meanwhile");
    site.finish()
}
