//! A broker of a few lines, on a socket: a function answers, or does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::protocol::Encodable;
use tidegate_client::{ConnectOptions, Endpoint, Security};
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec::{self, Guarded};
use tidegate_wire::frame::{FrameLimits, next_frame};
use tidegate_wire::header::{self, Request};
use tidegate_wire::messages::ApiVersionsResponse;
use tidegate_wire::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Duration;

/// Everything that the tests use, each at one version.
const SPOKEN: [(ApiKey, i16); 4] =
    [(ApiKey::ApiVersions, 4), (ApiKey::Metadata, 12), (ApiKey::Fetch, 12), (ApiKey::Produce, 9)];

/// A broker; dropping it closes all of its connections.
pub(crate) struct Broker {
    pub(crate) endpoint: Endpoint,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    is_silent: AtomicBool,
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl Broker {
    /// Accepts whoever comes. ApiVersions is answered by itself, all else by `answer`, with the body of the answer; without one the request
    /// is left unanswered.
    pub(crate) async fn start<F>(
        answer: impl Fn(Endpoint, Request) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Option<Bytes>> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port());
        let state = Arc::new(State::default());
        let (shared, here) = (Arc::clone(&state), endpoint.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut peers = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (answer, here, shared) = (answer.clone(), here.clone(), Arc::clone(&shared));
                peers.spawn(
                    async move { serve(stream, &shared, |request| answer(here.clone(), request)).await },
                );
            }
        });
        Self { endpoint, state, _tasks: tasks }
    }

    /// One that accepts, and never answers anything.
    pub(crate) async fn silent() -> Self {
        let broker = Self::start(|_, _| async { None }).await;
        broker.be_silent(true);
        broker
    }

    /// Whether it answers nothing from now on.
    pub(crate) fn be_silent(&self, is_silent: bool) {
        self.state.is_silent.store(is_silent, Ordering::SeqCst);
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many requests have come beside ApiVersions.
    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

/// Options with limits that are longer than anything takes that comes.
pub(crate) fn options() -> ConnectOptions {
    ConnectOptions {
        request_timeout: Duration::from_secs(20),
        ..ConnectOptions::new("test", Security::plaintext())
    }
}

/// The body of an answer.
pub(crate) fn written<M: Guarded + Encodable>(message: &M, version: i16) -> Bytes {
    let mut body = BytesMut::new();
    codec::encode(message, version, &mut body).unwrap();
    body.freeze()
}

async fn serve<F>(mut stream: TcpStream, state: &State, answer: impl Fn(Request) -> F)
where
    F: Future<Output = Option<Bytes>>,
{
    let mut received = BytesMut::new();
    loop {
        let frame = next_frame(&mut received, FrameLimits::uniform(1 << 20)).unwrap();
        let Some(frame) = frame else {
            if stream.read_buf(&mut received).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let request = Request::parse(frame.freeze()).unwrap();
        let (key, version, id) = (request.key, request.version, request.correlation_id);
        let body = match key {
            _ if state.is_silent.load(Ordering::SeqCst) => None,
            ApiKey::ApiVersions => Some(written(&versions(), version)),
            _ => {
                state.requests.fetch_add(1, Ordering::SeqCst);
                answer(request).await
            }
        };
        let Some(body) = body else { continue };
        let mut frame = BytesMut::new();
        header::write_response(&mut frame, key, version, id);
        frame.extend_from_slice(&body);
        let size = u32::try_from(frame.len()).unwrap();
        if stream.write_all(&[&size.to_be_bytes()[..], &frame].concat()).await.is_err() {
            return;
        }
    }
}

fn versions() -> ApiVersionsResponse {
    let range = |(key, version): (ApiKey, i16)| {
        ApiVersion::default().with_api_key(key as i16).with_min_version(version).with_max_version(version)
    };
    ApiVersionsResponse::default().with_api_keys(SPOKEN.map(range).to_vec())
}
