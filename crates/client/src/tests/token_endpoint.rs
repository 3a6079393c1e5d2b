//! Tokens of an endpoint on a socket of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;
use tokio::time::{advance, timeout};

use crate::{ClientCredentials, Fault, MAX_TOKEN_BYTES, SecureUrl, TokenEndpoint, TokenError, TokenSource};

const ID: &str = "tide gate";
const SECRET: &str = "hunter2:/";

/// An endpoint that answers each request by its number; it lives in a thread, so that tests may pause the time.
struct Server {
    port: u16,
    asked: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(tls: Option<Arc<ServerConfig>>, answer: impl Fn(usize) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (counted, heard) = (Arc::clone(&asked), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = || answer(counted.fetch_add(1, Ordering::SeqCst));
                // A client that does not trust it leaves.
                let _ = match &tls {
                    None => serve(stream, &heard, answer),
                    Some(config) => {
                        let server = ServerConnection::new(Arc::clone(config)).unwrap();
                        serve(StreamOwned::new(server, stream), &heard, answer)
                    }
                };
            }
        });
        Self { port, asked, requests }
    }

    fn credentials(&self, change: impl FnOnce(&mut TokenEndpoint)) -> ClientCredentials {
        let mut endpoint = TokenEndpoint {
            url: SecureUrl::parse(&format!("http://127.0.0.1:{}/token", self.port)).unwrap(),
            client_id: ID.to_owned(),
            client_secret: SecretString::from(SECRET),
            scope: None,
            authorities: None,
        };
        change(&mut endpoint);
        ClientCredentials::new(endpoint).unwrap()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(
    mut stream: impl Read + Write,
    heard: &Mutex<Vec<String>>,
    answer: impl FnOnce() -> String,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut stream);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request.push_str(&line);
        if line.trim().is_empty() {
            break;
        }
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form)?;
    heard.lock().unwrap().push(request + &String::from_utf8(form).unwrap());
    stream.write_all(answer().as_bytes())?;
    stream.flush()
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn grant(number: usize, lasts: u64) -> String {
    http("200 OK", &format!(r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":{lasts}}}"#))
}

async fn token(source: &ClientCredentials) -> Result<String, TokenError> {
    source.token().await.map(|token| token.expose_secret().to_owned())
}

/// What so many logins at once are given.
async fn many(source: &ClientCredentials) -> Vec<Result<String, TokenError>> {
    let mut logins = JoinSet::new();
    for _ in 0..50 {
        let source = source.clone();
        logins.spawn(async move { token(&source).await });
    }
    logins.join_all().await
}

#[tokio::test]
async fn an_id_and_a_secret_are_shown_as_the_rfc_says() {
    let server = Server::start(None, |number| grant(number, 300));
    let source = server.credentials(|endpoint| endpoint.scope = Some("read write".to_owned()));
    assert_eq!(token(&source).await.unwrap(), "t0");
    let requests = server.requests.lock().unwrap();
    let request = requests[0].to_lowercase();
    assert!(request.starts_with("post /token http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\ngrant_type=client_credentials&scope=read+write"), "{request}");
    // tide+gate:hunter2%3A%2F
    assert!(requests[0].contains(": Basic dGlkZStnYXRlOmh1bnRlcjIlM0ElMkY=\r\n"), "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_for_all_logins_until_shortly_before_its_end() {
    let server = Server::start(None, |number| grant(number, 400));
    let source = server.credentials(|_| {});
    for given in many(&source).await {
        assert_eq!(given.unwrap(), "t0");
    }
    advance(Duration::from_secs(338)).await;
    assert_eq!((token(&source).await.unwrap().as_str(), server.asked()), ("t0", 1));
    advance(Duration::from_secs(3)).await;
    for given in many(&source).await {
        assert_eq!(given.unwrap(), "t1");
    }
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_brokers_refuse_is_given_out_no_more() {
    let server = Server::start(None, |number| grant(number, 3_600));
    let source = server.credentials(|_| {});
    assert_eq!(token(&source).await.unwrap(), "t0");
    // Not more often than once a second, though.
    source.refused(&SecretString::from("t0"));
    assert_eq!((token(&source).await.unwrap().as_str(), server.asked()), ("t0", 1));
    advance(Duration::from_secs(1)).await;
    assert_eq!(token(&source).await.unwrap(), "t1");
    // What is said of an older one does not matter.
    advance(Duration::from_secs(1)).await;
    source.refused(&SecretString::from("t0"));
    assert_eq!(token(&source).await.unwrap(), "t1");
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_in_vain_have_one_reason() {
    let server = Server::start(None, |number| match number {
        0 => http("503 Service Unavailable", "later"),
        1 => http("401 Unauthorized", r#"{"error":"invalid_client","error_description":"no such client"}"#),
        number => grant(number, 300),
    });
    let source = server.credentials(|_| {});
    for given in many(&source).await {
        let error = given.unwrap_err();
        assert_eq!(error.fault(), Fault::Network);
        let end = format!("http://127.0.0.1:{}/token refuses, status 503", server.port);
        assert!(error.to_string().ends_with(&end), "{error}");
    }
    assert_eq!(server.asked(), 1);
    advance(Duration::from_secs(1)).await;
    let error = token(&source).await.unwrap_err();
    assert_eq!(error.fault(), Fault::Configuration);
    assert!(error.to_string().ends_with("status 401: invalid_client, no such client"), "{error}");
    assert!(!format!("{error:?} {source:?}").contains("hunter2"));
    advance(Duration::from_secs(1)).await;
    assert_eq!(token(&source).await.unwrap(), "t2");
}

#[tokio::test]
async fn what_is_no_grant_is_no_token() {
    let long = "t".repeat(MAX_TOKEN_BYTES + 1);
    for (answer, says) in [
        (http("302 Found\r\nlocation: /other", ""), "refuses, status 302"),
        (http("200 OK", "<html>hunter2</html>"), "no JSON object with `access_token`"),
        (http("200 OK", &" ".repeat(3 * MAX_TOKEN_BYTES)), "it is too long"),
        (
            http("200 OK", &format!(r#"{{"access_token":"{long}","token_type":"Bearer"}}"#)),
            "longer than 65536 bytes",
        ),
    ] {
        let server = Server::start(None, move |_| answer.clone());
        let error = token(&server.credentials(|_| {})).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Configuration);
        assert!(error.to_string().contains(says) && !error.to_string().contains("hunter2"), "{error}");
        assert_eq!(server.asked(), 1, "redirects are not followed");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_may_be_later() {
    let server = Server::start(None, |number| grant(number, 300));
    let url = SecureUrl::parse("http://127.0.0.1:1/token").unwrap();
    let error = token(&server.credentials(|endpoint| endpoint.url = url)).await.unwrap_err();
    assert!(matches!(error, TokenError::Unreachable { .. }), "{error}");
    assert_eq!(error.fault(), Fault::Network);
}

#[tokio::test]
async fn who_leaves_before_the_token_is_there_keeps_it_from_nobody() {
    let server = Server::start(None, |number| {
        thread::sleep(Duration::from_millis(300));
        grant(number, 300)
    });
    let source = server.credentials(|_| {});
    timeout(Duration::from_millis(100), token(&source)).await.unwrap_err();
    assert_eq!((token(&source).await.unwrap().as_str(), server.asked()), ("t0", 1));
}

#[tokio::test]
async fn only_an_endpoint_of_the_authority_is_shown_the_secret() {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let server = Server::start(Some(Arc::new(config)), |number| grant(number, 300));
    let url = SecureUrl::parse(&format!("https://127.0.0.1:{}/token", server.port)).unwrap();
    let source = |authority: Option<String>| {
        let url = url.clone();
        server.credentials(|endpoint| {
            endpoint.url = url;
            endpoint.authorities = authority.map(String::into_bytes);
        })
    };
    assert_eq!(token(&source(Some(certificate.pem()))).await.unwrap(), "t0");
    let other = KeyPair::generate().unwrap();
    let other = CertificateParams::new(Vec::new()).unwrap().self_signed(&other).unwrap();
    for authority in [Some(other.pem()), None] {
        let error = token(&source(authority)).await.unwrap_err();
        assert!(matches!(error, TokenError::Distrusted { .. }), "{error:?}");
        assert_eq!((error.fault(), server.asked()), (Fault::Configuration, 1));
    }
}
