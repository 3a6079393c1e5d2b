//! A broker that answers something else than it was asked.

use super::*;

/// What has passed, one byte after the other, when it ends with an error.
fn ends(version: i16, frame: &[u8], plan: &Plan) -> (Vec<u8>, PassError) {
    let mut out = Vec::new();
    let ended = passed_into(&mut out, version, frame.chunks(1), &mut BytesMut::new(), plan);
    (out, ended.unwrap_err())
}

fn shows(out: &[u8], what: &[u8]) -> bool {
    out.windows(what.len()).any(|window| window == what)
}

/// The second topic is this one.
fn with_second(version: i16, number: u8, name: &str) -> FetchResponse {
    let mut answer = plain(version);
    let partition = PartitionData::default().with_records(Some(Bytes::from_static(b"of somebody else")));
    answer.responses[1] = topic(version, number, name, vec![partition]);
    answer
}

#[test]
fn a_topic_that_was_not_asked_for_ends_it_at_its_name() {
    for version in VERSIONS {
        for name in ["foreign-1", "f", "", "backing-22"] {
            let frame = framed(version, &with_second(version, 3, name));
            let (out, error) = ends(version, &frame, &Plan::of(version));
            assert_eq!(error, PassError::Unplanned, "version {version}");
            assert!(shows(&out, &[b'r'; 300]), "the first was asked for");
            assert!(!shows(&out, b"somebody") && !shows(&out, b"foreign") && !shows(&out, b"backing"));
        }
        // All at once: what came with it does not pass either.
        let frame = framed(version, &with_second(version, 3, "foreign-1"));
        let mut out = Vec::new();
        let all = [&frame[..]];
        passed_into(&mut out, version, all, &mut BytesMut::new(), &Plan::of(version)).unwrap_err();
        assert!(out.is_empty());
    }
}

#[test]
fn a_topic_that_is_not_shown_any_more_ends_it() {
    for version in VERSIONS {
        let mut revoked = Plan::of(version);
        revoked.0[1].1.refuse = Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        let (out, error) = ends(version, &framed(version, &plain(version)), &revoked);
        assert_eq!(error, PassError::Unplanned);
        // By name the size tells it, and the size comes first.
        assert_eq!(out.is_empty(), version < BY_ID_SINCE);
    }
}

#[test]
fn a_topic_that_comes_twice_by_name_ends_it_at_its_name() {
    for version in BY_NAME {
        let frame = framed(version, &with_second(version, 1, "backing-1"));
        let (out, error) = ends(version, &frame, &Plan::of(version));
        assert_eq!(error, PassError::Unplanned, "version {version}");
        assert!(shows(&out, &[b'r'; 300]) && !shows(&out, b"somebody"));
    }
}

#[test]
fn another_number_of_names_ends_it_before_anything_passes() {
    for version in BY_NAME {
        for named in [0, 1, 3] {
            let mut answer = plain(version);
            let third = answer.responses[0].clone();
            answer.responses.push(third);
            answer.responses.truncate(named);
            let (out, error) = ends(version, &framed(version, &answer), &Plan::of(version));
            assert_eq!((out.len(), error), (0, PassError::Miscounted { asked: 2, named }));
        }
    }
}

#[test]
fn a_plan_that_does_not_tell_its_names_lets_none_pass() {
    struct Silent(Plan);

    impl ResponsePlan for Silent {
        fn targets(&self, topic: TopicRef<'_>) -> &[Target] {
            self.0.targets(topic)
        }

        fn refused(&self) -> &[RefusedTopic] {
            &[]
        }

        fn endpoint(&self, _: i32) -> Option<(&str, u16)> {
            None
        }
    }

    for version in BY_NAME {
        let mut frame = framed(version, &plain(version));
        let (mut passing, silent) = (Passing::new(version, CORRELATION_ID), Silent(Plan::of(version)));
        assert!(!passing.fits(&frame, &silent));
        assert_eq!(passing.pass(&mut frame, &silent), Err(PassError::Miscounted { asked: 0, named: 2 }));
    }
}

#[test]
fn a_length_in_more_bytes_than_it_needs_ends_it() {
    let frame = framed(FLEXIBLE_SINCE, &plain(FLEXIBLE_SINCE));
    let name = frame.windows(9).position(|window| window == b"backing-1").unwrap();
    let mut longer = BytesMut::from(&frame[..name - 1]);
    longer.extend_from_slice(&[10 | 0x80, 0]);
    longer.extend_from_slice(&frame[name..]);
    let size = u32::try_from(longer.len() - 4).unwrap();
    longer[..4].copy_from_slice(&size.to_be_bytes());
    assert_eq!(whole(FLEXIBLE_SINCE, &longer, &Plan::of(FLEXIBLE_SINCE))[name - 1..][..2], *b"\x02a");
    let (_, error) = ends(FLEXIBLE_SINCE, &longer, &Plan::of(FLEXIBLE_SINCE));
    assert_eq!(error, PassError::Unplanned);
}

#[test]
fn a_size_that_lies_ends_it() {
    for version in VERSIONS {
        let frame = framed(version, &plain(version));
        let size = u32::try_from(frame.len() - 4).unwrap();
        // One of them ends the frame in the middle of records.
        for lie in [size - 1, size + 1, 0, 30, 250, u32::MAX, 1 << 31] {
            let mut lying = frame.clone();
            lying[..4].copy_from_slice(&lie.to_be_bytes());
            lying.extend_from_slice(&[0; 8]);
            let mut passing = Passing::new(version, CORRELATION_ID);
            let ended = passing.pass(&mut lying, &Plan::of(version));
            assert!(ended.is_err(), "{lie} for {size}, version {version}");
        }
    }
}

#[test]
fn a_part_without_end_is_not_waited_for() {
    for version in FLEXIBLE_SINCE..=18 {
        let frame = framed(version, &plain(version));
        let mut received = BytesMut::from(&frame[..4]);
        received[..4].copy_from_slice(&i32::MAX.to_be_bytes());
        received.put_i32(1);
        // Tags of the header that announce more than ever comes.
        received.extend_from_slice(&[1, 5, 0xff, 0xff, 0xff, 0x7f]);
        received.extend_from_slice(&vec![0; LARGEST_PART]);
        let mut passing = Passing::new(version, CORRELATION_ID);
        let ended = passing.pass(&mut received, &Plan::of(version));
        assert!(matches!(ended, Err(PassError::Endless(_))));
    }
}

#[test]
fn a_size_that_the_names_make_too_large_ends_it() {
    for version in BY_NAME {
        let mut frame = framed(version, &plain(version));
        frame[..4].copy_from_slice(&i32::MAX.to_be_bytes());
        let ended = Passing::new(version, CORRELATION_ID).pass(&mut frame, &Plan::of(version));
        assert!(matches!(ended, Err(PassError::Malformed(ReadError::IllegalLength { at: 0, .. }))));
    }
}
