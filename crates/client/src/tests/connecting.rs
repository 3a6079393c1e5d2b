//! TCP and ApiVersions: the steps before a login.

use std::time::Duration;

use bytes::BytesMut;
use kafka_protocol::messages::api_versions_response::{FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::ApiVersionsResponse;
use tidegate_wire::{codec, header};
use tokio::net::TcpListener;

use super::broker::{Broker, api_versions, misdirected, options};
use crate::{CallFailure, ConnectFailure, ConnectStep, Endpoint, Fault, Security, connect};

fn plaintext() -> crate::ConnectOptions {
    options(Security::plaintext())
}

#[tokio::test]
async fn a_connection_knows_the_brokers_versions_and_features() {
    let broker = Broker::run(|mut peer| async move {
        let request = peer.request(ApiKey::ApiVersions).await;
        assert_eq!((request.version, &request.client_id[..]), (4, &b"test"[..]));
        let feature = FinalizedFeatureKey::default()
            .with_name(StrBytes::from_static_str("transaction.version"))
            .with_max_version_level(2);
        let supported = SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str("group.version"))
            .with_min_version(0)
            .with_max_version(1);
        let versions = api_versions(0)
            .with_supported_features(vec![supported])
            .with_finalized_features(vec![feature])
            .with_finalized_features_epoch(7);
        peer.answer(&request, &versions).await;
    })
    .await;
    let connection = connect(&broker.endpoint, &plaintext()).await.unwrap();
    let versions = connection.versions();
    assert_eq!(versions.range(ApiKey::Metadata), Some(Versions::new(0, 13)));
    assert_eq!(versions.range(ApiKey::Fetch), None);
    assert_eq!(versions.ranges().count(), 5);
    assert_eq!(versions.features().collect::<Vec<_>>(), [("transaction.version", 2)]);
    let supported: Vec<_> = versions.supported_features().collect();
    assert_eq!(supported, [("group.version", Versions::new(0, 1))]);
    assert_eq!((versions.feature("group.version"), versions.features_epoch()), (None, Some(7)));
    assert_eq!(connection.session_ends_at(), None);
    let parts = connection.into_parts().unwrap();
    assert_eq!(parts.endpoint, broker.endpoint);
    assert!(parts.stream.socket().nodelay().unwrap());
    broker.finished().await;
}

#[tokio::test]
async fn features_that_are_switched_on_later_are_seen_when_asked_anew() {
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        let request = peer.request(ApiKey::ApiVersions).await;
        let feature = FinalizedFeatureKey::default()
            .with_name(StrBytes::from_static_str("transaction.version"))
            .with_max_version_level(2);
        let versions = api_versions(0).with_finalized_features(vec![feature]);
        peer.answer(&request, &versions).await;
    })
    .await;
    let mut connection = connect(&broker.endpoint, &plaintext()).await.unwrap();
    let before = connection.versions().clone();
    let after = connection.refresh_versions().await.unwrap().clone();
    assert_eq!(
        (before.feature("transaction.version"), after.feature("transaction.version")),
        (None, Some(2))
    );
    assert!(!before.agrees_on_features(&after) && after.agrees_on_features(connection.versions()));
    broker.finished().await;
}

/// Answers error 35 with a body of version 0, whatever was asked, then expects `retry`.
async fn falls_back(refusal: ApiVersionsResponse, retry: i16) {
    let broker = Broker::run(move |mut peer| async move {
        let request = peer.request(ApiKey::ApiVersions).await;
        let mut bytes = BytesMut::new();
        header::write_response(&mut bytes, request.key, 0, request.correlation_id);
        codec::encode(&refusal, 0, &mut bytes).unwrap();
        peer.frame(&bytes).await;
        let request = peer.request(ApiKey::ApiVersions).await;
        assert_eq!(request.version, retry);
        peer.answer(&request, &api_versions(0)).await;
    })
    .await;
    let connection = connect(&broker.endpoint, &plaintext()).await.unwrap();
    assert_eq!(connection.versions().range(ApiKey::Metadata), Some(Versions::new(0, 13)));
    broker.finished().await;
}

#[tokio::test]
async fn error_35_in_a_body_of_version_0_is_asked_again() {
    let mut with_range = api_versions(35);
    with_range.api_keys.retain(|api| api.api_key == ApiKey::ApiVersions as i16);
    with_range.api_keys.iter_mut().for_each(|api| api.max_version = 3);
    falls_back(with_range, 3).await;
    falls_back(ApiVersionsResponse::default().with_error_code(35), 0).await;
}

#[tokio::test]
async fn a_closed_port_is_the_networks_fault_at_the_tcp_step() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new("127.0.0.1", listener.local_addr().unwrap().port());
    drop(listener);
    let error = connect(&endpoint, &plaintext()).await.unwrap_err();
    assert_eq!((error.step, error.fault()), (ConnectStep::Tcp, Fault::Network));
    assert!(error.is_retriable());
    assert!(error.to_string().starts_with(&format!("cannot open a TCP connection to {endpoint}: ")));
}

#[tokio::test]
async fn a_name_without_address_fails_at_the_resolve_step() {
    let error = connect(&Endpoint::new("no-such-host.invalid", 9092), &plaintext()).await.unwrap_err();
    assert_eq!(error.step, ConnectStep::Resolve);
    assert!(error.is_retriable());
}

#[tokio::test]
async fn a_silent_broker_times_out() {
    let broker = Broker::run(|mut peer| async move { while peer.next().await.is_some() {} }).await;
    let options = crate::ConnectOptions { request_timeout: Duration::from_millis(50), ..plaintext() };
    let error = connect(&broker.endpoint, &options).await.unwrap_err();
    assert_eq!(error.step, ConnectStep::ApiVersions);
    let ConnectFailure::Call(call) = &error.failure else { panic!("{error}") };
    assert!(matches!(call.failure, CallFailure::Timeout(_)));
    assert!(error.is_retriable());
    broker.finished().await;
}

#[tokio::test]
async fn a_close_at_the_first_request_hints_at_tls() {
    let broker = Broker::run(|mut peer| async move {
        peer.request(ApiKey::ApiVersions).await;
    })
    .await;
    let error = connect(&broker.endpoint, &plaintext()).await.unwrap_err();
    assert!(matches!(error.failure, ConnectFailure::ClosedAtOnce), "{error}");
    assert!(error.is_retriable(), "a broker that stops does the same");
}

#[tokio::test]
async fn a_tls_alert_is_known_for_what_it_is() {
    let broker = Broker::run(|mut peer| async move {
        peer.request(ApiKey::ApiVersions).await;
        peer.raw(&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46]).await;
    })
    .await;
    let error = connect(&broker.endpoint, &plaintext()).await.unwrap_err();
    assert!(matches!(error.failure, ConnectFailure::PeerSpeaksTls), "{error}");
    assert_eq!((error.fault(), error.is_retriable()), (Fault::Configuration, false));
}

#[tokio::test]
async fn a_first_answer_of_another_request_is_refused() {
    let broker = Broker::run(|mut peer| async move {
        let request = peer.request(ApiKey::ApiVersions).await;
        peer.frame(&misdirected(&request)).await;
    })
    .await;
    let error = connect(&broker.endpoint, &plaintext()).await.unwrap_err();
    let ConnectFailure::Call(call) = &error.failure else { panic!("{error}") };
    assert!(matches!(call.failure, CallFailure::Correlation { sent: 0, received: 1 }));
    assert_eq!((error.fault(), error.is_retriable()), (Fault::Broker, false));
}

#[tokio::test]
async fn a_malformed_first_answer_is_the_brokers_fault() {
    let broker = Broker::run(|mut peer| async move {
        let request = peer.request(ApiKey::ApiVersions).await;
        let mut bytes = BytesMut::new();
        header::write_response(&mut bytes, request.key, request.version, request.correlation_id);
        // Error 0, then an array that claims two thousand million entries.
        bytes.extend_from_slice(&[0, 0, 0xff, 0xff, 0xff, 0xff, 0x07]);
        peer.frame(&bytes).await;
    })
    .await;
    let error = connect(&broker.endpoint, &plaintext()).await.unwrap_err();
    assert_eq!((error.step, error.fault()), (ConnectStep::ApiVersions, Fault::Broker));
}
