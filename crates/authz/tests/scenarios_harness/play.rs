//! Plays client and broker around one rule, in bytes.

use bytes::Bytes;
use serde_json::Value;
use tidegate_authz::outcome::{Question, Replied};
use tidegate_authz::rules::api_versions;
use tidegate_authz::table::Service;
use tidegate_authz::{ConnectionState, Outcome, Policy, ReplyContext, RequestContext, RuleError, RuleTable};
use tidegate_core::facts::{Fact, Timestamp};
use tidegate_wire::api::ApiKey;
use tidegate_wire::header::Request;

use super::codec;
use super::schema::{self, Message};
use super::world::{OWN_PRODUCER, World};

/// One request of a client, and what the broker says to each request that comes of it.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) body: Vec<u8>,
    pub(crate) broker: Vec<Vec<u8>>,
}

/// What one exchange looked like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observed {
    /// Bodies of the requests that went upstream.
    pub(crate) upstream: Vec<Vec<u8>>,
    pub(crate) answer: Answer,
    /// What the client would have got had the store failed.
    pub(crate) otherwise: Option<Vec<u8>>,
}

/// What the client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Body(Vec<u8>),
    /// The connection was closed.
    Close,
    /// The request has no answer.
    None,
}

const CORRELATION_ID: i32 = 4711;
/// When everything happens.
const NOW: Timestamp = Timestamp(1_800_000_000);
pub(crate) const CLIENT_ID: &str = "tg-zone/app";

/// A connection of one client.
pub(crate) struct Player<'a> {
    world: &'a World,
    table: RuleTable,
    connection: ConnectionState,
    key: ApiKey,
    version: i16,
}

impl<'a> Player<'a> {
    pub(crate) fn new(world: &'a World, key: ApiKey, version: i16) -> Self {
        Self { world, table: RuleTable::default(), connection: ConnectionState::default(), key, version }
    }

    pub(crate) fn play(&mut self, exchange: &Exchange) -> Observed {
        let request = Request {
            key: self.key,
            version: self.version,
            correlation_id: CORRELATION_ID,
            client_id: Bytes::from_static(b"app"),
            body: exchange.body.clone().into(),
        };
        match self.table.service(self.key, self.version) {
            Some(Service::ApiVersions) => {
                match api_versions::respond(&self.table, &self.world.cluster, &request) {
                    Ok((frame, _)) => self.local(Answer::Body(self.body(&frame.joined()))),
                    Err(_) => self.local(Answer::Close),
                }
            }
            Some(Service::Rule(_)) => self.ask(&request, &exchange.broker),
            Some(Service::Login) | None => panic!("no rule serves {:?} {}", self.key, self.version),
        }
    }

    fn ask(&mut self, request: &Request, broker: &[Vec<u8>]) -> Observed {
        match self.decide(request) {
            Err(_) | Ok(Outcome::Close(_)) => self.local(Answer::Close),
            Ok(Outcome::Answer(frame)) => self.local(Answer::Body(self.body(&frame.joined()))),
            Ok(Outcome::Ask(_)) => unreachable!("answered in decide"),
            Ok(Outcome::Tell(told)) => {
                let (_, body) = self.upstream(told.frame.joined());
                Observed { upstream: vec![body], answer: Answer::None, otherwise: None }
            }
            Ok(Outcome::Forward { requests, reply }) => {
                let sent: Vec<_> =
                    requests.into_iter().map(|one| self.upstream(one.frame.joined())).collect();
                assert!(
                    broker.len() >= sent.len(),
                    "{} upstream requests, {} answers",
                    sent.len(),
                    broker.len()
                );
                let frames: Vec<_> =
                    sent.iter().zip(broker).map(|((id, _), body)| self.frame(*id, body)).collect();
                let context = ReplyContext::new(Some(&self.world.zone), &self.world.addresses, NOW);
                let mut failed = None;
                let frame = match reply.on_response(&context, &frames).expect("the broker's answer is sound")
                {
                    Replied::Answer(frame) => frame,
                    Replied::Keep { facts, then, otherwise } => {
                        failed = Some(self.body(&otherwise.joined()));
                        self.world.zone.take(&facts);
                        then
                    }
                    Replied::Forget { unbound, then } => {
                        self.world.zone.forget(&unbound);
                        then
                    }
                };
                let upstream = sent.into_iter().map(|(_, body)| body).collect();
                Observed { upstream, answer: Answer::Body(self.body(&frame.joined())), otherwise: failed }
            }
        }
    }

    /// What the rule decides once a store that knows [`OWN_PRODUCER`] has answered its questions.
    fn decide(&mut self, request: &Request) -> Result<Outcome, RuleError> {
        let policy = Policy::default();
        let Some(Service::Rule(rule)) = self.table.service(self.key, self.version) else { unreachable!() };
        let mut absent_producers = Vec::new();
        loop {
            let mut context = RequestContext {
                zone: &self.world.zone,
                cluster: &self.world.cluster,
                addresses: &self.world.addresses,
                policy: &policy,
                client_id: CLIENT_ID,
                now: NOW,
                absent_producers: &absent_producers,
                throttle_ms: 0,
                connection: &mut self.connection,
            };
            match rule.on_request(&mut context, request)? {
                Outcome::Ask(Question::Keep(facts)) => self.world.zone.take(&facts),
                Outcome::Ask(Question::Producers(ids)) => {
                    let (own, absent): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| *id == OWN_PRODUCER);
                    own.into_iter().for_each(|id| self.world.zone.take(&[Fact::Producer { id, used: NOW }]));
                    absent_producers = absent;
                }
                outcome => return Ok(outcome),
            }
        }
    }

    fn local(&self, answer: Answer) -> Observed {
        Observed { upstream: Vec::new(), answer, otherwise: None }
    }

    /// Correlation id and body of an upstream request, whose header must be sound.
    fn upstream(&self, frame: Bytes) -> (i32, Vec<u8>) {
        let request = Request::parse(frame).expect("a sound upstream request");
        assert_eq!(
            (request.key, request.version),
            (self.key, self.version),
            "the same version on both sides"
        );
        assert_eq!(request.client_id, CLIENT_ID);
        (request.correlation_id, request.body.to_vec())
    }

    /// The broker's answer as a frame.
    fn frame(&self, correlation_id: i32, body: &[u8]) -> Bytes {
        let tags: &[u8] = if self.header_is_flexible() { &[0] } else { &[] };
        let size = i32::try_from(4 + tags.len() + body.len()).unwrap();
        [&size.to_be_bytes(), &correlation_id.to_be_bytes()[..], tags, body].concat().into()
    }

    /// The body of an answer, whose size and header must be sound.
    fn body(&self, frame: &[u8]) -> Vec<u8> {
        let (size, rest) = frame.split_first_chunk::<4>().expect("a size");
        assert_eq!(usize::try_from(i32::from_be_bytes(*size)), Ok(rest.len()), "the size of the answer");
        let (id, rest) = rest.split_first_chunk::<4>().expect("a correlation id");
        assert_eq!(i32::from_be_bytes(*id), CORRELATION_ID);
        match self.header_is_flexible() {
            true => rest.strip_prefix(&[0]).expect("no tags in the header").to_vec(),
            false => rest.to_vec(),
        }
    }

    /// KIP-511: the header of an answer to ApiVersions never is.
    fn header_is_flexible(&self) -> bool {
        self.key != ApiKey::ApiVersions && schema::response(self.key).is_flexible(self.version)
    }
}

/// What `body` says; the codec must read it without rest.
pub(crate) fn read(message: &Message, version: i16, body: &[u8]) -> Value {
    codec::decode(message, version, body)
        .unwrap_or_else(|error| panic!("{} {version} cannot be read: {error}", message.name))
}
