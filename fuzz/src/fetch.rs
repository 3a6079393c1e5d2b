//! Fetch answers.

use tidegate_wire::api::ApiKey;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::fetch::{
    BY_ID_SINCE, Partitions, Passing, RefusedTopic, ResponsePlan, Target, rewrite_response,
};
use tidegate_wire::guard::{self, Direction};
use tidegate_wire::messages::FetchResponse;
use tidegate_wire::reader::Reader;
use tidegate_wire::topic::{TopicKey, TopicRef};
use tidegate_wire::{Bytes, BytesMut, codec, header};

/// The first byte picks the version. A rewritten answer passes the guard and the codec crate, and shows only what the plan shows.
pub fn fetch_response(data: &[u8]) {
    let Some((version, body)) = data.split_first() else { return };
    let version = 4 + i16::from(version % 14);
    let mut frame = BytesMut::new();
    frame.extend_from_slice(&[0; 4]);
    header::write_response(&mut frame, ApiKey::Fetch, version, 1);
    frame.extend_from_slice(body);
    passes(version, frame.clone());
    let plan = Plan::new(version);
    let Ok(outgoing) = rewrite_response(&frame.freeze(), version, 4711, &plan) else { return };
    let frame: Bytes = outgoing.joined();
    let (correlation_id, body) = header::parse_response(&frame, ApiKey::Fetch, version).expect("our header");
    assert_eq!(correlation_id, 4711);
    assert_eq!(frame.first_chunk(), Some(&u32::try_from(frame.len() - 4).unwrap_or(0).to_be_bytes()));
    let answer: FetchResponse = codec::decode(version, &frame.slice(body..)).expect("our own answer");
    assert_eq!(answer.session_id, 0);
    for topic in &answer.responses {
        let shown = match version >= BY_ID_SINCE {
            true => TopicKey::Id(topic.topic_id.into_bytes()),
            false => TopicKey::Name(topic.topic.as_str().into()),
        };
        assert!(plan.shows(&shown), "{shown:?} is not in the plan");
    }
    assert!(answer.node_endpoints.iter().all(|node| node.host.as_str() == HOST && node.rack.is_none()));
}

/// An answer that passes in pieces is one that the guard takes if it took the broker's, with the records of the whole
/// one under the topics of the plan.
fn passes(version: i16, mut frame: BytesMut) {
    let size = u32::try_from(frame.len() - 4).unwrap_or(0);
    frame[..4].copy_from_slice(&size.to_be_bytes());
    let asked = named(version, &frame);
    let plan = Plan { refused: Vec::new(), asked, ..Plan::new(version) };
    let piece = usize::from(frame.last().copied().unwrap_or(0)) + 1;
    let (mut passing, mut received, mut passed) =
        (Passing::new(version, 4711), BytesMut::new(), BytesMut::new());
    for bytes in frame.chunks(piece) {
        received.extend_from_slice(bytes);
        match passing.pass(&mut received, &plan) {
            Ok(part) => part.pieces().for_each(|piece| passed.extend_from_slice(&piece)),
            Err(_) => return,
        }
    }
    assert!(passing.is_done() && received.is_empty(), "what has its whole size waits for more");
    assert_eq!(passed.first_chunk(), Some(&u32::try_from(passed.len() - 4).unwrap_or(0).to_be_bytes()));
    assert!(version < BY_ID_SINCE || passed.len() == frame.len());
    let (_, body) = header::parse_response(&frame, ApiKey::Fetch, version).expect("it has passed");
    let is_good = |frame: &[u8]| {
        let limits = guard::Limits::RESPONSE;
        guard::check(Direction::Response, ApiKey::Fetch, version, &frame[body..], limits).is_ok()
    };
    if !is_good(&frame) {
        return;
    }
    assert!(is_good(&passed), "the guard took what came and not what went");
    let passed: FetchResponse =
        codec::decode(version, &passed.freeze().slice(body..)).expect("the guard took it");
    assert!(passed.session_id == 0 && passed.node_endpoints.is_empty());
    let whole = rewrite_response(&frame.freeze(), version, 4711, &plan).expect("the guard took it").joined();
    let whole: FetchResponse = codec::decode(version, &whole.slice(body..)).expect("our own answer");
    assert_eq!((passed.error_code, passed.throttle_time_ms), (whole.error_code, whole.throttle_time_ms));
    assert_eq!(passed.responses, whole.responses);
}

/// The names in an answer, each once; of one that is no good the first.
fn named(version: i16, frame: &[u8]) -> Vec<TopicKey> {
    if version >= BY_ID_SINCE {
        return Vec::new();
    }
    let Ok((_, body)) = header::parse_response(frame, ApiKey::Fetch, version) else { return Vec::new() };
    let Ok(answer) = codec::decode::<FetchResponse>(version, &Bytes::copy_from_slice(&frame[body..])) else {
        return first_name(version, frame, body).into_iter().collect();
    };
    let mut names: Vec<_> = answer.responses.iter().map(|topic| topic.topic.to_string()).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| TopicKey::Name(name.into())).collect()
}

fn first_name(version: i16, frame: &[u8], body: usize) -> Option<TopicKey> {
    let (flexible, top) = (version >= 12, if version >= 7 { 10 } else { 4 });
    let mut reader = Reader::at(frame, body + top);
    reader.array_count(flexible).ok()?;
    TopicRef::read(&mut reader, false, flexible).ok().map(TopicKey::from)
}

struct Plan {
    /// One alias with all partitions.
    single: Vec<Target>,
    /// Two aliases that share the partitions, and a revoked one.
    shared: Vec<Target>,
    refused: Vec<RefusedTopic>,
    /// What an answer by name names.
    asked: Vec<TopicKey>,
}

impl Plan {
    fn new(version: i16) -> Self {
        let key = |mark: u8| match version >= BY_ID_SINCE {
            true => TopicKey::Id([mark; 16]),
            false => TopicKey::Name(format!("alias-{mark}").into()),
        };
        let target =
            |mark, partitions| Target { shown: key(mark), partitions, refuse: None, hides_fillers: false };
        let first = Partitions::Some { whole: vec![0, 1], bare: vec![2] };
        let second = Partitions::Some { whole: vec![2, 3], bare: vec![0] };
        let revoked =
            Target { refuse: Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED), ..target(4, Partitions::All) };
        let refused = RefusedTopic {
            shown: key(5),
            partitions: vec![0, 7],
            error: ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        };
        Self {
            single: vec![target(1, Partitions::All)],
            shared: vec![target(2, first), Target { hides_fillers: true, ..target(3, second) }, revoked],
            refused: vec![refused],
            asked: Vec::new(),
        }
    }

    fn shows(&self, topic: &TopicKey) -> bool {
        let targets = self.single.iter().chain(&self.shared).map(|target| &target.shown);
        targets.chain(self.refused.iter().map(|refused| &refused.shown)).any(|shown| shown == topic)
    }
}

impl ResponsePlan for Plan {
    /// The first byte decides, so that the fuzzer finds every kind.
    fn targets(&self, topic: TopicRef<'_>) -> &[Target] {
        let first = match topic {
            TopicRef::Name(name) => name.bytes().next().unwrap_or(0),
            TopicRef::Id([first, ..]) => first,
        };
        match first % 3 {
            0 => &[],
            1 => &self.single,
            _ => &self.shared,
        }
    }

    fn asked(&self) -> impl Iterator<Item = (TopicRef<'_>, &[Target])> {
        self.asked.iter().map(|key| (key.borrowed(), self.targets(key.borrowed())))
    }

    fn refused(&self) -> &[RefusedTopic] {
        &self.refused
    }

    fn filler_producers(&self, _: TopicRef<'_>, partition: i32) -> Vec<i64> {
        vec![0, partition.into()]
    }

    fn endpoint(&self, node: i32) -> Option<(&str, u16)> {
        (node == 1).then_some((HOST, 19_092))
    }
}

const HOST: &str = "gateway.example";
