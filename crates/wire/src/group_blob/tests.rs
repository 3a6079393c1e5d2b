use kafka_protocol::messages::consumer_protocol_assignment::TopicPartition as Assigned;
use kafka_protocol::messages::consumer_protocol_subscription::TopicPartition as Owned;
use kafka_protocol::messages::{ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use super::*;
use bytes::{BufMut as _, BytesMut};

fn topic(name: &'static str) -> StrBytes {
    StrBytes::from_static_str(name)
}

fn owned(name: &'static str, partitions: &[i32]) -> Owned {
    Owned::default().with_topic(TopicName(topic(name))).with_partitions(partitions.to_vec())
}

fn assigned(name: &'static str, partitions: &[i32]) -> Assigned {
    Assigned::default().with_topic(TopicName(topic(name))).with_partitions(partitions.to_vec())
}

fn blob(version: i16, message: &impl Encodable) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i16(version);
    message.encode(&mut out, version).unwrap();
    out.freeze()
}

fn read<M: Decodable>(blob: &Bytes, version: i16) -> M {
    let mut rest = blob.slice(2..);
    let message = M::decode(&mut rest, version).unwrap();
    assert!(rest.is_empty());
    message
}

/// Aliases `a` and `b` are one backing topic; `gone` has none.
fn forward(name: &str) -> Renamed {
    match name {
        "a" | "b" => Renamed::To("backing.one".to_owned()),
        "c" => Renamed::To("backing.two".to_owned()),
        "gone" => Renamed::Drop,
        other => Renamed::To(format!("absent.{other}")),
    }
}

fn subscription(version: i16) -> ConsumerProtocolSubscription {
    let message = ConsumerProtocolSubscription::default()
        .with_topics(["a", "c", "b", "gone", "secret"].map(topic).to_vec())
        .with_user_data(Some(Bytes::from_static(b"a c \xff")));
    if version == 0 {
        return message;
    }
    let message = message.with_owned_partitions(vec![
        owned("a", &[4, 1]),
        owned("c", &[2]),
        owned("b", &[1, 0]),
        owned("gone", &[9]),
    ]);
    let message = if version >= 2 { message.with_generation_id(7) } else { message };
    if version >= 3 { message.with_rack_id(Some(topic("rack-1"))) } else { message }
}

#[test]
fn a_subscription_is_renamed_united_and_loses_its_rack_at_every_version() {
    for version in 0..=3 {
        let rewritten = rewrite_subscription(&blob(version, &subscription(version)), forward).unwrap();
        let expected = ConsumerProtocolSubscription::default()
            .with_topics(["backing.one", "backing.two", "absent.secret"].map(topic).to_vec())
            .with_user_data(Some(Bytes::from_static(b"a c \xff")));
        let expected = match version {
            0 => expected,
            _ => expected
                .with_owned_partitions(vec![owned("backing.one", &[0, 1, 4]), owned("backing.two", &[2])]),
        };
        let expected = if version >= 2 { expected.with_generation_id(7) } else { expected };
        assert_eq!(read::<ConsumerProtocolSubscription>(&rewritten, version), expected, "v{version}");
    }
}

#[test]
fn an_assignment_is_renamed_and_united_at_every_version() {
    let message = ConsumerProtocolAssignment::default()
        .with_assigned_partitions(vec![assigned("b", &[3]), assigned("c", &[0, 1]), assigned("a", &[3, 2])])
        .with_user_data(None);
    for version in 0..=3 {
        let rewritten = rewrite_assignment(&blob(version, &message), forward).unwrap();
        let expected = ConsumerProtocolAssignment::default()
            .with_assigned_partitions(vec![
                assigned("backing.one", &[2, 3]),
                assigned("backing.two", &[0, 1]),
            ])
            .with_user_data(None);
        assert_eq!(read::<ConsumerProtocolAssignment>(&rewritten, version), expected, "v{version}");
    }
}

#[test]
fn a_later_version_is_read_as_the_last_known_and_keeps_its_tail() {
    let mut later = BytesMut::from(&blob(3, &subscription(3))[..]);
    later[1] = 9;
    later.put_slice(b"tail");
    let rewritten = rewrite_subscription(&later.freeze(), forward).unwrap();
    assert_eq!(&rewritten[..2], [0, 9]);
    assert!(rewritten.ends_with(b"\xff\xfftail"));
    assert_eq!(subscription_topics(&rewritten).unwrap(), ["backing.one", "backing.two", "absent.secret"]);
}

#[test]
fn a_tail_behind_a_known_version_does_not_hide_the_names_from_the_rewrite() {
    let mut padded = BytesMut::from(&blob(0, &subscription(0))[..]);
    padded.put_u8(0);
    let rewritten = rewrite_subscription(&padded.freeze(), forward).unwrap();
    assert_eq!(subscription_topics(&rewritten).unwrap(), ["backing.one", "backing.two", "absent.secret"]);
}

#[test]
fn names_that_are_not_utf8_and_odd_nulls_are_read_as_kafka_reads_them() {
    let input = Bytes::from_static(&[0, 0, 0, 0, 0, 1, 0, 2, b'a', 0xff, 0xff, 0xff, 0xff, 0xfe]);
    let mut seen = Vec::new();
    let rewritten = rewrite_subscription(&input, |name| {
        seen.push(name.to_owned());
        Renamed::Drop
    });
    assert_eq!(seen, ["a\u{fffd}"]);
    assert_eq!(rewritten.unwrap()[..], [0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe]);
}

#[test]
fn an_empty_blob_stays_empty() {
    assert!(rewrite_subscription(&Bytes::new(), forward).unwrap().is_empty());
    assert!(rewrite_assignment(&Bytes::new(), forward).unwrap().is_empty());
    assert!(subscription_topics(&[]).unwrap().is_empty());
}

/// A broker reads the topics as version 0 has them and does not look at the rest.
#[test]
fn a_cut_before_the_end_of_version_0_is_refused_and_one_behind_it_saves_no_name() {
    let whole = blob(3, &subscription(3));
    let read_by_brokers = blob(0, &subscription(0)).len();
    for length in 1..whole.len() {
        let cut = rewrite_subscription(&whole.slice(..length), forward);
        if length < read_by_brokers {
            assert!(cut.is_err(), "{length} bytes");
            continue;
        }
        let renamed = subscription_topics(&cut.unwrap()).unwrap();
        let expected = subscription_topics(&rewrite_subscription(&whole, forward).unwrap()).unwrap();
        assert_eq!(renamed, expected, "{length} bytes");
    }
}

#[test]
fn a_negative_version_saves_no_name() {
    let mut bytes = blob(0, &subscription(0)).to_vec();
    bytes[..2].copy_from_slice(&[0xff, 0xff]);
    let renamed = subscription_topics(&rewrite_subscription(&bytes.into(), forward).unwrap()).unwrap();
    let plain = rewrite_subscription(&blob(0, &subscription(0)), forward).unwrap();
    assert_eq!(renamed, subscription_topics(&plain).unwrap());
}

#[test]
fn counts_beyond_the_bytes_or_the_caps_and_negative_lengths_are_refused() {
    let refused = |bytes: &[u8]| rewrite_subscription(&Bytes::copy_from_slice(bytes), forward).unwrap_err();
    assert_eq!(
        refused(&[0, 0, 0x7f, 0xff, 0xff, 0xff]),
        BlobError::CountBeyondInput { counted: Counted::Topics, count: 0x7fff_ffff }
    );
    assert!(matches!(refused(&[0, 0, 0xff, 0xff, 0xff, 0xff]), BlobError::Malformed(_)));
    assert!(matches!(refused(&[0, 0, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0]), BlobError::Malformed(_)));
    assert!(matches!(refused(&[0xff, 0xff, 0, 0]), BlobError::Malformed(_)));

    let mut many = vec![0, 0, 0, 0, 0x27, 0x11];
    many.resize(6 + 2 * 10_001 + 4, 0);
    assert_eq!(refused(&many), BlobError::TooMany { counted: Counted::Topics, count: 10_001 });
}

#[test]
fn a_new_name_that_fits_no_string_is_refused() {
    let result = rewrite_subscription(&blob(0, &subscription(0)), |_| Renamed::To("x".repeat(40_000)));
    assert_eq!(result.unwrap_err(), BlobError::NameTooLong(40_000));
}
