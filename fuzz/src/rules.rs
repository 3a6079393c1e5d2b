//! Every rule between a partner and a broker that both say whatever they like.

use std::sync::LazyLock;

use tidegate_authz::table::Service;
use tidegate_authz::{
    ConnectionState, Outcome, Policy, Question, Replied, Reply, ReplyContext, RequestContext,
};
use tidegate_authz::{RuleTable, outcome::UpstreamRequest};
use tidegate_core::facts::Fact;
use tidegate_wire::api::ApiKey;
use tidegate_wire::guard::{self, Direction};
use tidegate_wire::header::{self, Request};
use tidegate_wire::{Bytes, BytesMut};

use crate::choices::Choices;
use crate::make;
use crate::promises::{answer_shows_the_zone_alone, request_stays_in_the_zone};
use crate::words::Words;
use crate::world::{NOW, OWN_PRODUCER, World};

/// Four bytes pick zone, API, version and the length of the request; the rest is the body of the broker's answer.
///
/// Nothing panics, whatever goes up stays within the zone, and whatever comes back shows the zone alone.
pub fn rules(data: &[u8]) {
    let [zone, api, version, length, rest @ ..] = data else { return };
    let (request, answer) = rest.split_at(usize::from(*length).min(rest.len()));
    let world = World::new(*zone);
    let Some((key, version)) = pick(*api, *version) else { return };
    let play = Play { world: &world, key, version, evil: true };
    // A partner may know any name; but bytes of no meaning may hold one that the broker said too.
    play.run(request, &mut |_, _| answer.to_vec());
}

/// Three bytes pick zone, API and version, the rest decides about the fields of a request that adds up, and of the
/// broker's answer to it.
///
/// As [`rules`], with messages that reach every field; and no word of the broker's reaches the partner.
pub fn exchange(data: &[u8]) {
    let [zone, api, version, rest @ ..] = data else { return };
    let world = World::new(*zone);
    let Some((key, version)) = pick(*api, *version) else { return };
    let evil = zone & 0x80 != 0;
    let table = guard::schema(key).expect("every rule has a table");
    let mut choices = Choices::new(rest);
    let client = Words::of_client(&world.zone, evil);
    let request = make::body(table, table.request, version, &client, &mut choices);
    assert!(guard::check_request(key, version, &request).is_ok(), "{key:?} v{version}: {request:?}");
    let play = Play { world: &world, key, version, evil };
    let broker = Words::of_broker(&world.zone);
    play.run(&request, &mut |key, version| {
        let table = guard::schema(key).expect("every rule has a table");
        make::body(table, table.response, version, &broker, &mut choices)
    });
}

/// An API that a rule serves, at one of its versions.
pub(crate) fn pick(api: u8, version: u8) -> Option<(ApiKey, i16)> {
    let served: Vec<_> = TABLE.keys().collect();
    let key = served[usize::from(api) % served.len()];
    let versions: Vec<_> = guard::schema(key)?.versions.iter().filter(|at| TABLE.serves(key, *at)).collect();
    Some((key, versions[usize::from(version) % versions.len()]))
}

static TABLE: LazyLock<RuleTable> = LazyLock::new(RuleTable::default);

struct Play<'w> {
    world: &'w World,
    key: ApiKey,
    version: i16,
    /// Whether the partner may have written a name of the cluster by itself.
    evil: bool,
}

impl Play<'_> {
    fn run(&self, body: &[u8], broker: &mut dyn FnMut(ApiKey, i16) -> Vec<u8>) {
        let mut head = BytesMut::from(&[0; 4][..]);
        header::write_request(&mut head, self.key, self.version, CORRELATION_ID, "app");
        head.extend_from_slice(body);
        let request = Request::parse(head.freeze()).expect("our own header");
        match self.ask(&request) {
            Some(Outcome::Answer(frame)) => self.answered(&frame.joined()),
            Some(Outcome::Tell(told)) => drop(self.sent(told)),
            Some(Outcome::Forward { requests, reply }) => self.forwarded(requests, reply, broker),
            Some(Outcome::Close(why)) => assert!(!why.is_empty()),
            Some(Outcome::Ask(_)) | None => {}
        }
    }

    /// Asks as the shell does, with a store that knows one more producer id.
    fn ask(&self, request: &Request) -> Option<Outcome> {
        let World { zone, cluster, addresses } = self.world;
        let mut absent = Vec::new();
        let mut connection = ConnectionState::default();
        for _ in 0..QUESTIONS {
            let Some(Service::Rule(rule)) = TABLE.service(self.key, self.version) else { return None };
            let mut context = RequestContext {
                zone,
                cluster,
                addresses,
                policy: &Policy::default(),
                client_id: CLIENT_ID,
                now: NOW,
                absent_producers: &absent,
                throttle_ms: 0,
                connection: &mut connection,
            };
            match rule.on_request(&mut context, request).ok()? {
                Outcome::Ask(Question::Keep(facts)) => zone.take(&facts),
                Outcome::Ask(Question::Producers(ids)) => {
                    assert!(!ids.contains(&OWN_PRODUCER), "it is known already");
                    let stored = ids.iter().filter(|id| **id == STORED_PRODUCER);
                    stored.for_each(|id| zone.take(&[Fact::Producer { id: *id, used: NOW }]));
                    absent = ids.into_iter().filter(|id| *id != STORED_PRODUCER).collect();
                }
                outcome => return Some(outcome),
            }
        }
        panic!("{:?} v{} asks without end", self.key, self.version);
    }

    fn forwarded(
        &self,
        requests: Vec<UpstreamRequest>,
        reply: Box<dyn Reply>,
        broker: &mut dyn FnMut(ApiKey, i16) -> Vec<u8>,
    ) {
        assert!(!requests.is_empty(), "nobody would ever answer");
        let asked: Vec<_> = requests.into_iter().map(|request| self.sent(request)).collect();
        let frames: Vec<Bytes> = asked
            .iter()
            .map(|(key, version, correlation_id)| {
                let mut frame = BytesMut::from(&[0; 4][..]);
                header::write_response(&mut frame, *key, *version, *correlation_id);
                frame.extend_from_slice(&broker(*key, *version));
                frame.freeze()
            })
            .collect();
        let World { zone, addresses, .. } = self.world;
        let context = ReplyContext::new(Some(zone), addresses, NOW);
        if let Ok(Some(given_up)) = reply.give_up(&context) {
            self.answered(&given_up.joined());
        }
        match reply.on_response(&context, &frames) {
            Ok(Replied::Answer(frame) | Replied::Forget { then: frame, .. }) => {
                self.answered(&frame.joined())
            }
            Ok(Replied::Keep { facts, then, otherwise }) => {
                assert!(!facts.is_empty());
                self.answered(&then.joined());
                self.answered(&otherwise.joined());
            }
            Err(_) => {}
        }
    }

    /// What goes up: API, version and mark.
    fn sent(&self, sent: UpstreamRequest) -> (ApiKey, i16, i32) {
        let frame = sent.frame.joined();
        assert_eq!(frame.first_chunk(), Some(&u32::try_from(frame.len() - 4).unwrap_or(0).to_be_bytes()));
        let request = Request::parse(frame).expect("our own header");
        assert_eq!(request.correlation_id, sent.correlation_id);
        assert_eq!(request.client_id, CLIENT_ID);
        let checked = guard::check_request(request.key, request.version, &request.body);
        assert!(!checked.expect("our own request").unknown_tags, "tags that nobody has looked at go up");
        request_stays_in_the_zone(self.world, &request);
        (request.key, request.version, request.correlation_id)
    }

    /// What goes back.
    fn answered(&self, frame: &[u8]) {
        assert_eq!(frame.first_chunk(), Some(&u32::try_from(frame.len() - 4).unwrap_or(0).to_be_bytes()));
        let (correlation_id, at) =
            header::parse_response(frame, self.key, self.version).expect("our own header");
        assert_eq!(correlation_id, CORRELATION_ID);
        let checked =
            guard::check(Direction::Response, self.key, self.version, &frame[at..], guard::Limits::RESPONSE);
        assert!(!checked.expect("our own answer").unknown_tags, "tags that nobody has looked at come back");
        answer_shows_the_zone_alone(self.world, self.key, self.version, &frame[at..], self.evil);
    }
}

const CORRELATION_ID: i32 = 4711;
const CLIENT_ID: &str = "tg-zone/app";
const STORED_PRODUCER: i64 = 2;
/// A rule asks of bindings and of producers, each once.
const QUESTIONS: usize = 4;
