//! What breaks a connection that stood.

use std::time::Duration;

use tidegate_wire::api::ApiKey;
use tidegate_wire::messages::{MetadataRequest, MetadataResponse};
use tokio::net::TcpStream;

use super::broker::{Broker, Peer, misdirected, options};
use crate::{CallError, CallFailure, ConnectOptions, Connection, Fault, Security, connect};

/// Connects, makes one call that the script spoils, and checks that the connection is poisoned.
async fn spoiled<F>(script: impl FnOnce(Peer<TcpStream>) -> F + Send + 'static) -> CallError
where
    F: Future<Output = ()> + Send,
{
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        script(peer).await;
    })
    .await;
    let mut connection = connected(&broker).await;
    let error = call(&mut connection).await.unwrap_err();
    assert!(connection.is_broken());
    let again = call(&mut connection).await.unwrap_err();
    assert!(matches!(again.failure, CallFailure::Poisoned));
    assert!(connection.into_parts().is_none());
    error
}

async fn connected(broker: &Broker) -> Connection {
    let options =
        ConnectOptions { request_timeout: Duration::from_millis(500), ..options(Security::plaintext()) };
    connect(&broker.endpoint, &options).await.unwrap()
}

async fn call(connection: &mut Connection) -> Result<MetadataResponse, CallError> {
    let request = MetadataRequest::default().with_topics(Some(Vec::new()));
    connection.call(12, &request).await
}

#[tokio::test]
async fn calls_are_answered_one_after_the_other() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        for correlation_id in 1..4 {
            let request = peer.request(ApiKey::Metadata).await;
            assert_eq!((request.correlation_id, request.version), (correlation_id, 12));
            let answer = MetadataResponse::default().with_controller_id(correlation_id.into());
            peer.answer(&request, &answer).await;
        }
    })
    .await;
    let mut connection = connected(&broker).await;
    for controller in 1..4 {
        assert_eq!(call(&mut connection).await.unwrap().controller_id.0, controller);
    }
    assert!(connection.into_parts().is_some());
    broker.finished().await;
}

#[tokio::test]
async fn a_close_within_an_answer_poisons() {
    let error = spoiled(|mut peer| async move {
        peer.request(ApiKey::Metadata).await;
        peer.raw(&[0, 0, 0, 100, 0, 0]).await;
    })
    .await;
    assert!(matches!(error.failure, CallFailure::Closed), "{error}");
    assert!(error.is_retriable());
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused_by_its_size() {
    let error = spoiled(|mut peer| async move {
        peer.request(ApiKey::Metadata).await;
        // Only the size and the correlation id ever come.
        peer.raw(&[0, 2, 0, 0, 0, 0, 0, 1]).await;
        peer.next().await;
    })
    .await;
    assert!(matches!(error.failure, CallFailure::Frame(_)), "{error}");
    assert_eq!(error.fault(), Fault::Broker);
    assert_eq!(error.to_string(), "Metadata v12: frame of 131072 bytes is over the limit of 65536");
}

#[tokio::test]
async fn an_answer_to_another_request_poisons() {
    let error = spoiled(|mut peer| async move {
        let request = peer.request(ApiKey::Metadata).await;
        peer.frame(&misdirected(&request)).await;
    })
    .await;
    assert!(matches!(error.failure, CallFailure::Correlation { sent: 1, received: 2 }), "{error}");
}

#[tokio::test]
async fn a_short_answer_poisons() {
    let error = spoiled(|mut peer| async move {
        peer.request(ApiKey::Metadata).await;
        peer.frame(&[0, 0]).await;
    })
    .await;
    assert!(matches!(error.failure, CallFailure::Header(_)), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_decode_poisons() {
    let error = spoiled(|mut peer| async move {
        let request = peer.request(ApiKey::Metadata).await;
        let mut bytes = request.correlation_id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&[0, 1, 2, 3]);
        peer.frame(&bytes).await;
    })
    .await;
    assert!(matches!(error.failure, CallFailure::Decode(_)), "{error}");
}

#[tokio::test]
async fn a_late_answer_poisons() {
    let error = spoiled(|mut peer| async move { while peer.next().await.is_some() {} }).await;
    assert!(matches!(error.failure, CallFailure::Timeout(_)), "{error}");
    assert!(error.is_retriable());
}

#[tokio::test]
async fn a_call_given_up_half_way_poisons() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        while peer.next().await.is_some() {}
    })
    .await;
    let mut connection = connected(&broker).await;
    let given_up = tokio::time::timeout(Duration::from_millis(20), call(&mut connection)).await;
    assert!(given_up.is_err());
    assert!(connection.is_broken());
}

#[tokio::test]
async fn a_request_without_a_form_at_the_version_harms_nothing() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        let request = peer.request(ApiKey::Metadata).await;
        peer.answer(&request, &MetadataResponse::default()).await;
    })
    .await;
    let mut connection = connected(&broker).await;
    let error = connection.call(99, &MetadataRequest::default()).await.unwrap_err();
    assert!(matches!(error.failure, CallFailure::Encode(_)), "{error}");
    assert!(!connection.is_broken());
    call(&mut connection).await.unwrap();
}

#[tokio::test]
async fn bytes_that_nobody_asked_for_spoil_a_hand_over() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        let request = peer.request(ApiKey::Metadata).await;
        let mut frames = Vec::new();
        for _ in 0..2 {
            // An empty Metadata answer of version 12: header tag, throttle, no brokers, no id, no topics.
            let mut frame = request.correlation_id.to_be_bytes().to_vec();
            frame.extend_from_slice(&[0, 0, 0, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff, 1, 0]);
            frames.extend_from_slice(&i32::try_from(frame.len()).unwrap().to_be_bytes());
            frames.extend_from_slice(&frame);
        }
        peer.raw(&frames).await;
    })
    .await;
    let mut connection = connected(&broker).await;
    call(&mut connection).await.unwrap();
    assert!(connection.into_parts().is_none());
}
