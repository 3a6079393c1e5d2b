use super::*;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiVersionsRequest, TopicName};
use kafka_protocol::protocol::Request;
use kafka_protocol::records::RecordBatchDecoder;

#[test]
fn a_repeated_fetch_is_answered_with_its_own_correlation_id() {
    let mut connection = connection();
    for (correlation_id, offset) in [(1, 0), (2, 0), (3, 500)] {
        let request = frame::request(12, correlation_id, &fetch(offset)).unwrap();
        let answer = whole(connection.answer(request.freeze().slice(4..)).unwrap().unwrap());
        assert_eq!(answer[4..8], correlation_id.to_be_bytes());
        let answer = frame::decode_response::<FetchRequest>(12, answer.slice(4..)).unwrap();
        let records = answer.responses[0].partitions[0].records.clone().unwrap();
        let sets = RecordBatchDecoder::decode_all(&mut records.clone()).unwrap();
        assert_eq!(sets.len(), 8);
        let offsets: Vec<i64> = sets.iter().flat_map(|set| &set.records).map(|it| it.offset).collect();
        assert!(offsets.iter().copied().eq(offset..offset + offsets.len() as i64));
    }
}

#[test]
fn metadata_knows_one_topic_by_name_and_by_id() {
    let mut connection = connection();
    let by_name =
        MetadataRequestTopic::default().with_name(Some(TopicName(StrBytes::from_static_str("bench"))));
    let by_id = MetadataRequestTopic::default().with_name(None).with_topic_id(TOPIC_ID);
    let nonsense = MetadataRequestTopic::default().with_name(Some(TopicName(StrBytes::from_static_str("x"))));
    let request = MetadataRequest::default().with_topics(Some(vec![by_name, by_id, nonsense]));
    let answer = ask(&mut connection, 12, &request);
    assert_eq!(answer.brokers[0].port, 9092);
    let errors: Vec<i16> = answer.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(errors, [0, 0, 3]);
    assert_eq!(answer.topics[0].topic_id, TOPIC_ID);
    assert_eq!(answer.topics[1].partitions.len(), 2);
}

#[test]
fn an_unknown_api_versions_version_gets_an_error_in_version_0() {
    let mut connection = connection();
    let mut request = frame::request(4, 5, &ApiVersionsRequest::default()).unwrap();
    request[7] = 5;
    let answer = whole(connection.answer(request.freeze().slice(4..)).unwrap().unwrap());
    let answer = frame::decode_response::<ApiVersionsRequest>(0, answer.slice(4..)).unwrap();
    assert_eq!(answer.error_code, 35);
}

#[test]
fn acks_0_is_not_answered() {
    let mut connection = connection();
    let request = frame::request(9, 1, &ProduceRequest::default().with_acks(0)).unwrap();
    assert!(connection.answer(request.freeze().slice(4..)).unwrap().is_none());
}

#[test]
fn one_answer_serves_connections_that_ask_the_same() {
    let broker = Arc::new(Broker::new(SocketAddr::from(([127, 0, 0, 1], 9092)), "bench", 2).unwrap());
    let answers = [1, 2].map(|correlation_id| {
        let request = frame::request(12, correlation_id, &fetch(0)).unwrap();
        let mut connection = Connection::new(Arc::clone(&broker));
        connection.answer(request.freeze().slice(4..)).unwrap().unwrap()
    });
    assert_eq!(answers[0].last_ref().as_ptr(), answers[1].last_ref().as_ptr());
    let correlation_ids = answers.map(|answer| i32::from_be_bytes(whole(answer)[4..8].try_into().unwrap()));
    assert_eq!(correlation_ids, [1, 2]);
}

fn whole(mut answer: Answer) -> Bytes {
    answer.copy_to_bytes(answer.remaining())
}

fn connection() -> Connection {
    let address = SocketAddr::from(([127, 0, 0, 1], 9092));
    Connection::new(Arc::new(Broker::new(address, "bench", 2).unwrap()))
}

fn ask<R: Request>(connection: &mut Connection, version: i16, request: &R) -> R::Response {
    let request = frame::request(version, 1, request).unwrap();
    let answer = whole(connection.answer(request.freeze().slice(4..)).unwrap().unwrap());
    frame::decode_response::<R>(version, answer.slice(4..)).unwrap()
}

fn fetch(offset: i64) -> FetchRequest {
    let partition = FetchPartition::default().with_fetch_offset(offset).with_partition_max_bytes(1024 * 1024);
    let topic = FetchTopic::default()
        .with_topic(TopicName(StrBytes::from_static_str("bench")))
        .with_partitions(vec![partition]);
    FetchRequest::default().with_topics(vec![topic])
}
