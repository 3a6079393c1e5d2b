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
    let hello = |version| {
        let mut stream = TcpStream::connect(home.ports().bound())?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(&client_hello([0x03, version]))?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer)?;
        anyhow::Ok(answer)
    };
    ensure!(hello(3)?[0] == HANDSHAKE, "TLS 1.2 is refused too");
    for version in [0, 1, 2] {
        let alert = hello(version)?;
        ensure!(matches!(alert, [ALERT, 3, _, 0, 2, FATAL, PROTOCOL_VERSION]), "3.{version}: {alert:?}");
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

/// A ClientHello that offers nothing newer than `version`, and all else that the gateway's certificate needs.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    // X25519; ECDSA with P-256 and SHA-256, and with SHA-1 for older versions; uncompressed points.
    let groups = [0, 10, 0, 4, 0, 2, 0, 29];
    let signatures = [0, 13, 0, 6, 0, 4, 4, 3, 2, 3];
    let points = [0, 11, 0, 2, 1, 0];
    let extensions = [&groups[..], &signatures, &points].concat();
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    // ECDHE and ECDSA, with AES-GCM and with AES-CBC for older versions.
    body.extend([0, 4, 0xc0, 0x2b, 0xc0, 0x09]);
    body.extend([1, 0]);
    body.extend([0, u8::try_from(extensions.len()).expect("a short list")]);
    body.extend(extensions);
    let length = u8::try_from(body.len()).expect("a short body");
    let handshake = [&[1, 0, 0, length][..], &body].concat();
    [&[HANDSHAKE, 3, 1, 0, length + 4][..], &handshake].concat()
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const FATAL: u8 = 2;
const PROTOCOL_VERSION: u8 = 70;
