//! The limits, over a real socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tidegate_admin::{Access, Limits, serve};
use tidegate_store::MemoryStore;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::world::World;

struct Served {
    world: World,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

async fn served(limits: Limits, tls: Option<TlsAcceptor>) -> Served {
    let world = World::with(Arc::new(MemoryStore::new()), Access::Tokens, limits).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let tls = tls.map(|tls| watch::channel(tls).1);
    let task = tokio::spawn(serve(listener, tls, world.rest.clone(), stopping));
    Served { world, address, stop, task }
}

impl Served {
    async fn dial(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn request(&self, method: &str, path: &str, more: &str) -> String {
        let token = &self.world.operator;
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {token}\r\n{more}\r\n")
    }
}

const LIST: &str = "/public/console/v2/partner-zone";

/// What comes until the end of the headers, or until the connection is closed.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    let mut chunk = [0; 1_024];
    while !text.windows(4).any(|four| four == b"\r\n\r\n") {
        match timeout(Duration::from_secs(10), stream.read(&mut chunk)).await.unwrap() {
            Ok(0) | Err(_) => break,
            Ok(read) => text.extend_from_slice(&chunk[..read]),
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(stream).await
}

#[tokio::test]
async fn requests_are_served_one_after_the_other_and_a_stop_ends_it() {
    let served = served(Limits::default(), None).await;
    let mut stream = served.dial().await;
    for _ in 0..3 {
        let told = ask(&mut stream, &served.request("GET", LIST, "")).await;
        assert!(told.starts_with("HTTP/1.1 200") && told.contains("cache-control: no-store"), "{told}");
    }
    // A tool that shows what is different sends the manifest with its GET.
    for _ in 0..2 {
        let request = served.request("GET", LIST, "content-length: 2\r\n") + "{}";
        let told = ask(&mut stream, &request).await;
        assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    }
    served.stop.send_replace(true);
    timeout(Duration::from_secs(2), served.task).await.unwrap().unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_too_slow_is_refused() {
    let limits =
        Limits { max_body_bytes: 1_000, body_deadline: Duration::from_millis(200), ..Limits::default() };
    let served = served(limits, None).await;
    let body = "x".repeat(1_001);
    let large = served.request("PUT", LIST, "content-length: 1001\r\n") + &body;
    let told = ask(&mut served.dial().await, &large).await;
    assert!(told.starts_with("HTTP/1.1 413"), "{told}");
    let chunked = served.request("PUT", LIST, "transfer-encoding: chunked\r\n")
        + &format!("3e9\r\n{body}\r\n0\r\n\r\n");
    let told = ask(&mut served.dial().await, &chunked).await;
    assert!(told.starts_with("HTTP/1.1 413"), "{told}");
    let begin = Instant::now();
    let slow = served.request("PUT", LIST, "content-length: 100\r\n") + "{";
    let told = ask(&mut served.dial().await, &slow).await;
    assert!(told.starts_with("HTTP/1.1 408") && begin.elapsed() < Duration::from_secs(5), "{told}");
}

#[tokio::test]
async fn headers_that_do_not_come_or_are_too_many_end_the_connection() {
    let limits = Limits { header_deadline: Duration::from_millis(200), ..Limits::default() };
    let served = served(limits, None).await;
    let mut stream = served.dial().await;
    let told = ask(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\n").await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 408"), "{told}");
    let mut silent = served.dial().await;
    assert_eq!(answer(&mut silent).await, "");
    let many = "x: y\r\n".repeat(100);
    let told = ask(&mut served.dial().await, &served.request("GET", LIST, &many)).await;
    assert!(told.starts_with("HTTP/1.1 431"), "{told}");
    let long = format!("x: {}\r\n", "y".repeat(100_000));
    let told = ask(&mut served.dial().await, &served.request("GET", LIST, &long)).await;
    assert!(told.starts_with("HTTP/1.1 431"), "{told}");
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_gets_a_place_back() {
    let limits = Limits { max_connections_per_address: 2, ..Limits::default() };
    let served = served(limits, None).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = served.dial().await;
        assert!(ask(&mut stream, &served.request("GET", LIST, "")).await.starts_with("HTTP/1.1 200"));
        held.push(stream);
    }
    let mut third = served.dial().await;
    assert_eq!(answer(&mut third).await, "");
    drop(held.pop());
    for _ in 0..100 {
        let mut again = served.dial().await;
        let request = served.request("GET", LIST, "");
        if again.write_all(request.as_bytes()).await.is_ok()
            && answer(&mut again).await.starts_with("HTTP/1.1 200")
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the place does not come back");
}

#[tokio::test]
async fn an_address_has_so_many_requests_also_for_what_is_not_there() {
    let limits =
        Limits { requests_per_second_per_address: 1, requests_burst_per_address: 3, ..Limits::default() };
    let served = served(limits, None).await;
    let mut stream = served.dial().await;
    let mut statuses = Vec::new();
    for path in [LIST, "/nothing", "/public/docs/docs.yaml", LIST, "/nothing", "/public/docs/docs.yaml"] {
        let method = if path == LIST { "PATCH" } else { "GET" };
        let told = ask(&mut served.dial().await, &served.request(method, path, "")).await;
        statuses.push(told.get(9..12).unwrap_or_default().to_owned());
        assert!(!told.starts_with("HTTP/1.1 429") || told.contains("retry-after: 1"), "{told}");
    }
    assert_eq!(statuses, ["405", "404", "200", "429", "429", "429"]);
    let told = ask(&mut stream, &served.request("GET", LIST, "")).await;
    assert!(told.starts_with("HTTP/1.1 429"), "{told}");
}

#[tokio::test]
async fn a_connection_that_lives_too_long_is_ended() {
    let limits = Limits { connection_max: Duration::from_millis(200), ..Limits::default() };
    let served = served(limits, None).await;
    let mut stream = served.dial().await;
    assert!(ask(&mut stream, &served.request("GET", LIST, "")).await.starts_with("HTTP/1.1 200"));
    let mut rest = Vec::new();
    timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
}

#[tokio::test]
async fn with_tls_nothing_else_is_spoken() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let limits = Limits { tls_deadline: Duration::from_millis(300), ..Limits::default() };
    let served = served(limits, Some(TlsAcceptor::from(Arc::new(server)))).await;

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(client));
    let mut stream = connector.connect(name, served.dial().await).await.unwrap();
    let told = ask(&mut stream, &served.request("GET", LIST, "")).await;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");

    let mut plain = served.dial().await;
    plain.write_all(served.request("GET", LIST, "").as_bytes()).await.unwrap();
    assert!(!answer(&mut plain).await.contains("HTTP"));
    let mut silent = served.dial().await;
    assert_eq!(answer(&mut silent).await, "", "a handshake that stalls ends at its deadline");
}
