//! Bodies that do not add up are refused, for the reason meant.

use tidegate_wire::Bytes;
use tidegate_wire::api::ApiKey;
use tidegate_wire::guard::{self, Direction, Fault, GuardError, Limits};

use crate::cases::{Case, cases};
use crate::generate::{Body, Fill, Mark, What, body, varint};
use crate::random::Random;

/// Calls `each` with a full body of every message and version.
fn for_each_full_body(mut each: impl FnMut(&Case, i16, &Body)) {
    for case in cases() {
        for version in case.versions() {
            each(&case, version, &body(&case, version, Fill::Full, Random::new(2)));
        }
    }
}

fn check(case: &Case, version: i16, body: &[u8]) -> Result<(), GuardError> {
    guard::check(case.direction, case.key, version, body, case.direction.limits()).map(|_| ())
}

fn fault(case: &Case, version: i16, body: &[u8]) -> Fault {
    match check(case, version, body) {
        Ok(()) => panic!("{} accepted {body:02x?}", case.name(version)),
        Err(error) => error.fault,
    }
}

fn flexible(case: &Case, version: i16) -> bool {
    guard::schema(case.key).unwrap().is_flexible(version)
}

#[test]
fn every_cut_is_refused() {
    for_each_full_body(|case, version, full| {
        for length in 0..full.bytes.len() {
            fault(case, version, &full.bytes[..length]);
        }
    });
}

#[test]
fn a_trailing_byte_is_refused() {
    for_each_full_body(|case, version, full| {
        let longer = [&full.bytes[..], &[0]].concat();
        assert_eq!(fault(case, version, &longer), Fault::TrailingBytes(1), "{}", case.name(version));
    });
}

/// Calls `each` with every length of every full body.
fn for_each_mark(mut each: impl FnMut(&Case, i16, &Body, Mark)) {
    for_each_full_body(|case, version, full| {
        full.marks.iter().for_each(|mark| each(case, version, full, *mark));
    });
}

#[test]
fn every_count_and_length_blown_up_is_refused() {
    for_each_mark(|case, version, full, mark| {
        let huge: &[u8] = match (flexible(case, version), mark.what) {
            (true, _) => &[0xff, 0xff, 0xff, 0xff, 0x07],
            (false, What::String) => &[0x7f, 0xff],
            (false, _) => &[0x7f, 0xff, 0xff, 0xff],
        };
        let fault = fault(case, version, &full.with(mark, huge));
        let name = case.name(version);
        match (mark.what, fault) {
            // Inside a tag the five bytes may already pass the tag's declared size.
            (_, Fault::Truncated(_)) if mark.in_tag => {}
            (What::Count, Fault::CountBeyondInput(_)) => {}
            (What::String | What::Bytes | What::TagSize, Fault::Truncated(_)) => {}
            (What::TagCount, Fault::TooManyTags(0x7fff_ffff)) => {}
            (what, fault) => panic!("{name} {what:?} at {}: {fault}", mark.at),
        }
    });
}

#[test]
fn a_count_one_beyond_what_the_rest_can_hold_is_refused_before_any_element_is_read() {
    // Fetch v4: a topic has at least a name's length and a partition count, six bytes.
    let mut body = [0; 4 + 4 + 4 + 4 + 1].to_vec();
    body.extend_from_slice(&3_i32.to_be_bytes());
    body.resize(body.len() + 17, 0);
    let refused = guard::check_request(ApiKey::Fetch, 4, &body).unwrap_err();
    assert_eq!((refused.fault, refused.at), (Fault::CountBeyondInput(3), 17));
}

#[test]
fn negative_lengths_and_counts_are_refused() {
    for_each_mark(|case, version, full, mark| {
        let minus_two: &[u8] = match (flexible(case, version), mark.what) {
            (true, _) => return,
            (false, What::String) => &[0xff, 0xfe],
            (false, _) => &[0xff, 0xff, 0xff, 0xfe],
        };
        let fault = fault(case, version, &full.with(mark, minus_two));
        assert_eq!(fault, Fault::IllegalLength(-2), "{}", case.name(version));
    });
}

#[test]
fn a_varint_of_six_bytes_is_refused_wherever_a_length_stands() {
    for_each_mark(|case, version, full, mark| {
        if flexible(case, version) {
            let fault = fault(case, version, &full.with(mark, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]));
            // Inside a tag the fifth byte may already pass the tag's declared size.
            let cut = mark.in_tag && matches!(fault, Fault::Truncated(_));
            assert!(fault == Fault::VarintTooLong || cut, "{} {mark:?}: {fault}", case.name(version));
        }
    });
}

#[test]
fn a_string_that_is_not_utf8_is_refused_wherever_it_stands() {
    for_each_mark(|case, version, full, mark| {
        let first = mark.at + mark.size;
        let mut bytes = full.bytes.clone();
        let empty = full.bytes[mark.at..first].iter().all(|byte| *byte == 0)
            || (flexible(case, version) && full.bytes[mark.at] == 1);
        if mark.what == What::String && !empty {
            bytes[first] = 0xff;
            assert_eq!(fault(case, version, &bytes), Fault::NotUtf8, "{}", case.name(version));
        }
    });
}

#[test]
fn a_tag_that_declares_more_or_less_than_its_value_is_refused() {
    let mut tags = 0;
    for_each_mark(|case, version, full, mark| {
        if mark.what != What::TagSize {
            return;
        }
        tags += 1;
        let size = full.bytes[mark.at..mark.at + mark.size]
            .iter()
            .rev()
            .fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f));
        fault(case, version, &full.with(mark, &varint(size - 1)));
        fault(case, version, &full.with(mark, &varint(size + 1)));
        // With a byte of padding the declared size lies inside the body: only the strict walk sees it.
        let mut padded = full.with(mark, &varint(size + 1));
        padded.insert(mark.at + varint(size + 1).len() + size, 0);
        let fault = fault(case, version, &padded);
        assert!(matches!(fault, Fault::TagSize { unused: 1, .. }), "{}: {fault}", case.name(version));
    });
    assert!(tags > 20, "only {tags} tags were tried");
}

/// FindCoordinator v3 with an empty key, type 0 and this tag section.
fn with_tags(count: usize, tags: &[u8]) -> Vec<u8> {
    [&[1, 0][..], &varint(count), tags].concat()
}

fn refusal(body: &[u8]) -> Fault {
    guard::check_request(ApiKey::FindCoordinator, 3, body).unwrap_err().fault
}

#[test]
fn tags_are_strictly_ascending_and_few() {
    let ascending = |count: u8| (0..count).flat_map(|tag| [tag, 0]).collect::<Vec<_>>();
    assert!(guard::check_request(ApiKey::FindCoordinator, 3, &with_tags(64, &ascending(64))).is_ok());
    assert_eq!(refusal(&with_tags(65, &ascending(65))), Fault::TooManyTags(65));
    assert_eq!(refusal(&with_tags(2, &[5, 0, 5, 0])), Fault::TagOrder(5));
    assert_eq!(refusal(&with_tags(2, &[5, 0, 4, 0])), Fault::TagOrder(4));
    assert_eq!(refusal(&with_tags(1, &[5, 9, 0])), Fault::Truncated(8));
}

#[test]
fn a_known_tag_is_refused_twice_and_before_its_version() {
    // ApiVersions v3 answer: no error, no keys, throttle 0, tag 1 (finalized features epoch) twice.
    let epoch = [1, 8, 0, 0, 0, 0, 0, 0, 0, 5];
    let body = [&[0, 0, 1, 0, 0, 0, 0, 2][..], &epoch, &epoch].concat();
    let refused = guard::check_response(ApiKey::ApiVersions, 3, &body).unwrap_err();
    assert_eq!((refused.fault, refused.at), (Fault::TagOrder(1), 18));

    // Fetch v12 with tag 1 (replica state), which begins at v15.
    let mut body = body_before_tags(12);
    body.extend_from_slice(&[1, 1, 0]);
    assert_eq!(guard::check_request(ApiKey::Fetch, 12, &body).unwrap_err().fault, Fault::TagVersion(1));
}

/// A Fetch request without topics, up to its tag section.
fn body_before_tags(version: i16) -> Vec<u8> {
    let full = cases().into_iter().find(|case| case.key == ApiKey::Fetch).unwrap();
    let mut body = (full.default)(version).unwrap().to_vec();
    assert_eq!(body.pop(), Some(0), "the tag count of a default message");
    body
}

#[test]
fn unknown_tags_never_reach_the_crate() {
    for case in cases() {
        for version in case.versions().filter(|version| flexible(&case, *version)) {
            let mut with_tag = (case.default)(version).unwrap().to_vec();
            let clean = Bytes::from(with_tag.clone());
            assert_eq!(with_tag.pop(), Some(0), "the tag count of a default message");
            with_tag.extend_from_slice(&[1, 63, 3, 0xff, 0xff, 0xff]);
            let checked =
                guard::check(case.direction, case.key, version, &with_tag, case.direction.limits()).unwrap();
            assert!(checked.unknown_tags);
            let again = (case.again)(version, &with_tag.into()).unwrap();
            assert_eq!(again, clean, "{}", case.name(version));
        }
    }
}

#[test]
fn null_is_refused_where_the_version_knows_none() {
    // Metadata v0: null topics are legal from v1 on.
    assert_eq!(guard::check_request(ApiKey::Metadata, 0, &[0xff; 4]).unwrap_err().fault, Fault::Null);
    assert!(guard::check_request(ApiKey::Metadata, 1, &[0xff; 4]).is_ok());
    // Heartbeat v0 with a null group.
    assert_eq!(guard::check_request(ApiKey::Heartbeat, 0, &[0xff; 8]).unwrap_err().fault, Fault::Null);
    // ConsumerGroupHeartbeat answer: the presence byte is 1 or -1.
    let mut body = [0; 4 + 2 + 1 + 1 + 4 + 4].to_vec();
    body.push(2);
    let refused = guard::check_response(ApiKey::ConsumerGroupHeartbeat, 0, &body).unwrap_err();
    assert_eq!(refused.fault, Fault::Presence(2));
}

#[test]
fn a_compact_string_beyond_the_classic_form_is_refused() {
    let key = [varint(32_768 + 1), vec![b'k'; 32_768], vec![0, 0]].concat();
    assert_eq!(refusal(&key), Fault::StringTooLong(32_768));
}

#[test]
fn caps_are_sums_over_the_message() {
    let limits = Limits { partitions: 3, ..Limits::REQUEST };
    // OffsetFetch v1: group "g", topics "a" and "b" with two partitions each.
    let topic = |name: u8| [&[0, 1, name, 0, 0, 0, 2][..], &[0; 8]].concat();
    let body = [&[0, 1, b'g', 0, 0, 0, 2][..], &topic(b'a'), &topic(b'b')].concat();
    assert!(guard::check_request(ApiKey::OffsetFetch, 1, &body).is_ok());
    let refused = guard::check(Direction::Request, ApiKey::OffsetFetch, 1, &body, limits).unwrap_err();
    assert!(matches!(refused.fault, Fault::TooMany { count: 2, .. }), "{refused}");
    assert_eq!(refused.field, "PartitionIndexes");
}
