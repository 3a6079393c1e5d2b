//! Bytes of somebody who has not logged in.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kafka_protocol::messages::{ApiVersionsRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use tidegate_e2e::gateway::get;
use tidegate_e2e::{raw, requests as stock};

use crate::Site;
use crate::requests::{api_versions, framed, sized};
use crate::site::RIVAL;

const DIALS: &str = "tidegate_upstream_dials_total";
const API_VERSIONS: i16 = 18;
const SASL_HANDSHAKE: i16 = 17;
const UNSUPPORTED_VERSION: i16 = 35;

#[test]
fn no_other_api_is_served_before_the_login() -> Result<()> {
    let site = Site::start()?;
    for key in (0..=95).filter(|key| ![API_VERSIONS, SASL_HANDSHAKE].contains(key)) {
        site.closes_stranger(&format!("key {key}"), &framed(key, 0, &[0; 16]))?;
    }
    site.finish()
}

#[test]
fn impossible_frames_close() -> Result<()> {
    let site = Site::start()?;
    let sizes = [0, -1, i32::MIN, i32::MAX, 1024 * 1024 * 1024];
    for size in sizes {
        let begin = Instant::now();
        site.closes_stranger(&format!("size {size}"), &size.to_be_bytes())?;
        ensure!(begin.elapsed() < Duration::from_millis(1_200), "size {size} was held until the deadline");
        site.closes_partner(&format!("size {size} after the login"), &size.to_be_bytes())?;
    }
    let limit = 64 * 1024;
    let too_long = [&(limit + 1_i32).to_be_bytes()[..], &[0, 17, 0, 1], &[0; 64]].concat();
    site.closes_stranger("one byte over the limit", &too_long)?;
    site.closes_stranger("a frame without a header", &sized(&[0]))?;
    site.closes_stranger("half a header", &sized(&[0, 18, 0, 3, 0]))?;
    site.closes_stranger("a client id past the end", &sized(&[0, 18, 0, 0, 0, 0, 0, 1, 0x7f, 0xff]))?;
    site.finish()
}

#[test]
fn other_protocols_close() -> Result<()> {
    let site = Site::start()?;
    site.closes_stranger("HTTP", b"GET / HTTP/1.1\r\nHost: kafka\r\n\r\n")?;
    site.closes_stranger("TLS", &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03])?;
    let noise: Vec<u8> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    site.closes_stranger("noise", &noise)?;
    site.finish()
}

#[test]
fn a_second_api_versions_closes_but_an_unknown_version_may_be_asked_again() -> Result<()> {
    let site = Site::start()?;
    let mut connection = site.open()?;
    connection.send(&framed(API_VERSIONS, 99, &[0xff; 8])[4..])?;
    let answer = connection.receive()?;
    ensure!(answer[4..6] == UNSUPPORTED_VERSION.to_be_bytes(), "{answer:?}");
    ensure!(answer[6..12] == [0, 0, 0, 1, 0, 18], "not ApiVersions alone: {answer:?}");
    assert_eq!(connection.call(3, &api_versions())?.error_code, 0);
    connection.send(&raw::frame(9, 3, &api_versions())?)?;
    assert_eq!(connection.until_closed()?, b"");
    site.finish()
}

#[test]
fn a_stalled_login_ends_at_the_deadline() -> Result<()> {
    let site = Site::start()?;
    let frame = sized(&raw::frame(1, 3, &api_versions())?);
    let begin = Instant::now();
    let mut silent = site.open()?;
    let mut half = site.open()?;
    half.send_bytes(&frame[..frame.len() / 2])?;
    let mut trickling = site.open()?;
    for byte in &frame[..frame.len() - 1] {
        // It is closed while it still writes.
        if trickling.send_bytes(&[*byte]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    for mut connection in [silent.until_closed(), half.until_closed(), trickling.until_closed()] {
        assert_eq!(std::mem::take(connection.as_mut().expect("it is closed")), b"");
    }
    ensure!(begin.elapsed() >= Duration::from_millis(1_400), "closed after {:?}", begin.elapsed());
    site.finish()
}

#[test]
fn brokers_hear_nothing_of_who_has_not_logged_in_and_one_connection_of_who_has() -> Result<()> {
    let site = Site::start()?;
    let dials = || upstream_dials(&site);
    let before = dials()?;
    let mut strangers = Vec::new();
    for _ in 0..20 {
        let mut stranger = site.open()?;
        stranger.call(3, &ApiVersionsRequest::default())?;
        let mechanism = StrBytes::from_static_str("SCRAM-SHA-256");
        stranger.call(1, &SaslHandshakeRequest::default().with_mechanism(mechanism))?;
        strangers.push(stranger);
    }
    assert_eq!(dials()?, before);
    let mut partners = [site.connect()?, site.connect()?, site.connect_as(RIVAL)?];
    for partner in &mut partners {
        stock::coordinator(partner, "group")?;
    }
    assert_eq!(dials()? - before, 3, "an upstream connection for each, shared with nobody");
    drop(strangers);
    site.finish()
}

/// TCP connections to a broker that the gateway has made so far.
fn upstream_dials(site: &Site) -> Result<u64> {
    let text = get(site.home.ports().http(), "/metrics")?.body;
    let counted = text.lines().filter(|line| line.starts_with(DIALS));
    let values = counted.filter_map(|line| line.rsplit(' ').next()).map(str::parse::<u64>);
    Ok(values.collect::<Result<Vec<_>, _>>()?.iter().sum())
}
