//! What of TLS is spoken, and what is not.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use anyhow::{Result, ensure};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tidegate_e2e::gateway::{Gateway, Home};
use tidegate_e2e::pki::Authority;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::tls;

use super::{LIMIT, PASSWORD, add_zone, home, start, topics};

const ACCOUNT: &str = "acme";

#[test]
fn old_versions_of_tls_are_refused() -> Result<()> {
    let (_authority, home, _gateway) = encrypted()?;
    for version in [0x00, 0x01, 0x02] {
        let mut stream = TcpStream::connect(home.ports().bound())?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(&client_hello([0x03, version]))?;
        let mut alert = Vec::new();
        stream.read_to_end(&mut alert)?;
        ensure!(
            matches!(alert[..], [ALERT, 0x03, _, 0, 2, FATAL, PROTOCOL_VERSION]),
            "3.{version}: {alert:?}"
        );
    }
    Ok(())
}

/// Early data could be replayed by whoever records it.
#[test]
fn early_data_is_never_taken() -> Result<()> {
    let (authority, home, _gateway) = encrypted()?;
    let mut config = tls::config(authority.certificate(), None)?;
    config.enable_early_data = true;
    let config = Arc::new(config);
    let mut resumed = false;
    for _ in 0..3 {
        let name = ServerName::try_from("127.0.0.1")?;
        let mut client = ClientConnection::new(Arc::clone(&config), name)?;
        ensure!(client.early_data().is_none(), "a ticket allows early data");
        let mut stream = TcpStream::connect(home.ports().bound())?;
        stream.set_read_timeout(Some(LIMIT))?;
        while client.is_handshaking() {
            client.complete_io(&mut stream)?;
        }
        resumed |= client.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
        // Tickets come with the first answers.
        let mut connection = Connection::over(rustls::StreamOwned::new(client, stream));
        connection.log_in(ACCOUNT, PASSWORD)?;
        topics(&mut connection)?;
    }
    ensure!(resumed, "no session was resumed: early data was never possible");
    Ok(())
}

fn encrypted() -> Result<(Authority, Home, Gateway)> {
    let home = home("protocol: SASL_PLAINTEXT\nmechanisms: [PLAIN]\n{bind}\n{nodes}")?;
    let authority = Authority::create(&home.file("pki"))?;
    let tls = super::tls(&home, &authority, &["127.0.0.1"], "")?;
    super::configure(&home, &format!("protocol: SASL_SSL\nmechanisms: [PLAIN]\n{tls}\n{{bind}}\n{{nodes}}"))?;
    add_zone(&home, ACCOUNT, "PLAIN")?;
    let gateway = start(&home)?;
    Ok((authority, home, gateway))
}

/// A ClientHello that offers nothing newer than `version`, with one cipher suite of its time.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, 2, 0xc0, 0x13]);
    body.extend([1, 0]);
    let length = u8::try_from(body.len()).expect("a short body");
    let handshake = [&[1, 0, 0, length][..], &body].concat();
    [&[22, 3, 1, 0, length + 4][..], &handshake].concat()
}

const ALERT: u8 = 21;
const FATAL: u8 = 2;
const PROTOCOL_VERSION: u8 = 70;
