//! The PROXY protocol, from raw sockets and from haproxy.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tidegate_e2e::gateway::{Gateway, Home};
use tidegate_e2e::process;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::site::wait_for;

use super::{ALIAS, LIMIT, PASSWORD, add_zone, home, log_in, metric, start, topics};

const REFUSED: &str = "tidegate_connections_refused_total";

fn behind(from: &str, limits: &str) -> Result<(Home, Gateway)> {
    let home = home(&format!(
        "protocol: SASL_PLAINTEXT\nmechanisms: [PLAIN]\nproxyProtocol: {{from: [{from}]}}\n{{bind}}\n{{nodes}}"
    ))?;
    home.replace(
        "tidegate.yaml",
        "reload: {watchMs: 0}\n",
        &format!("reload: {{watchMs: 0}}\nlimits: {{{limits}}}\n"),
    )?;
    add_zone(&home, "acme", "PLAIN")?;
    let gateway = start(&home)?;
    Ok((home, gateway))
}

fn v1(address: &str) -> Vec<u8> {
    format!("PROXY TCP4 {address} 127.0.0.1 5000 9092\r\n").into_bytes()
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[0x20 | command, family][..], &length, rest].concat()
}

/// Sends `header`, then logs in.
fn through(home: &Home, header: &[u8]) -> Result<Connection> {
    let mut connection = Connection::open(home.ports().bound(), LIMIT)?;
    connection.send_bytes(header)?;
    connection.log_in("acme", PASSWORD)?;
    Ok(connection)
}

fn closed(home: &Home, bytes: &[u8]) -> Result<Duration> {
    let begin = Instant::now();
    let mut connection = Connection::open(home.ports().bound(), LIMIT)?;
    // The other side may be gone before everything is sent.
    let _ = connection.send_bytes(bytes);
    let said = connection.until_closed()?;
    ensure!(said.is_empty(), "answered {said:?}");
    Ok(begin.elapsed())
}

#[test]
fn both_versions_and_health_checks_get_through() -> Result<()> {
    let (home, _gateway) = behind("127.0.0.0/8", "proxyHeaderDeadlineMs: 5000")?;
    let tcp4 = v2(1, 0x11, &[203, 0, 113, 7, 127, 0, 0, 1, 0x13, 0x88, 0x23, 0x84]);
    for header in
        [v1("203.0.113.7"), b"PROXY UNKNOWN\r\n".to_vec(), tcp4, v2(0, 0, &[]), v2(0, 0x11, b"junk")]
    {
        assert_eq!(topics(&mut through(&home, &header)?)?, [ALIAS], "{header:?}");
    }
    // A header of one byte at a time is as good.
    let mut connection = Connection::open(home.ports().bound(), LIMIT)?;
    for byte in v1("203.0.113.7") {
        connection.send_bytes(&[byte])?;
    }
    connection.log_in("acme", PASSWORD)
}

#[test]
fn without_a_good_header_nobody_gets_through() -> Result<()> {
    let (home, _gateway) = behind("127.0.0.0/8", "proxyHeaderDeadlineMs: 500")?;
    // Nobody guesses that a client may be meant that sends none.
    assert!(log_in(home.ports().bound(), "acme").is_err());
    let huge = [b"PROXY TCP4 ", &[b'1'; 2_000][..]].concat();
    for bad in [huge, v2(1, 0x11, &[0; 2_000]), v1("nowhere"), v2(1, 0x12, &[0; 12]), vec![0x16, 3, 1]] {
        assert!(closed(&home, &bad)? < Duration::from_secs(5), "{bad:?}");
    }
    for half in [&b"PROXY TCP4 203."[..], &v2(1, 0x11, &[0; 12])[..20], b""] {
        let took = closed(&home, half)?;
        assert!((Duration::from_millis(450)..Duration::from_secs(5)).contains(&took), "{half:?}: {took:?}");
    }
    wait_for("every refusal is counted", || Ok(metric(&home, REFUSED)? >= 9.0))?;
    assert_eq!(topics(&mut through(&home, &v1("203.0.113.7"))?)?, [ALIAS]);
    Ok(())
}

#[test]
fn an_unlisted_peer_is_closed_unheard() -> Result<()> {
    let (home, _gateway) = behind("10.0.0.0/8", "proxyHeaderDeadlineMs: 60000")?;
    for spoofed in [&v1("10.0.0.1")[..], b""] {
        assert!(closed(&home, spoofed)? < Duration::from_secs(5));
    }
    Ok(())
}

#[test]
fn the_address_in_the_header_is_what_counts() -> Result<()> {
    let (home, _gateway) = behind("127.0.0.0/8", "maxConnectionsPerAddress: 2")?;
    let _first = through(&home, &v1("203.0.113.7"))?;
    let _second = through(&home, &v1("203.0.113.7"))?;
    assert!(through(&home, &v1("203.0.113.7")).is_err(), "a third of one address");
    let _other = through(&home, &v1("203.0.113.8"))?;
    Ok(())
}

#[test]
fn haproxy_sends_both_versions() -> Result<()> {
    let (home, _gateway) = behind("127.0.0.1", "maxConnectionsPerAddress: 2")?;
    for send in ["send-proxy", "send-proxy-v2"] {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = home.file("haproxy.cfg");
        write!(
            std::fs::File::create(&config)?,
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
             listen kafka\n bind 127.0.0.1:{port}\n server gateway {} {send}\n",
            home.ports().bound()
        )?;
        let mut command = Command::new("haproxy");
        command.arg("-f").arg(&config);
        let _haproxy = process::start(&command, &home.file("haproxy.log"))?;
        let address = ([127, 0, 0, 1], port).into();
        wait_for("haproxy listens", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()))?;
        let mut seen = None;
        wait_for("a login through haproxy", || {
            seen = log_in(address, "acme").ok();
            Ok(seen.is_some())
        })?;
        assert_eq!(topics(&mut seen.context("logged in")?)?, [ALIAS], "{send}");
    }
    Ok(())
}
