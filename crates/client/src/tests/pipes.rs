//! Several requests on their way on one connection.

use std::time::Duration;

use bytes::{BufMut, Bytes};
use tidegate_wire::api::ApiKey;
use tidegate_wire::codec;
use tidegate_wire::frame::EnvelopeWriter;
use tidegate_wire::messages::{MetadataRequest, MetadataResponse};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::broker::{Broker, Peer, misdirected, options};
use crate::{CallError, CallFailure, ConnectOptions, PipeAnswers, PipeSender, Security, connect};

const VERSION: i16 = 12;

type Sender = PipeSender<MetadataRequest, i32>;
type Answers = PipeAnswers<MetadataRequest, i32>;

/// A pipe to a broker that runs a script.
async fn pipe<F>(
    most: usize,
    script: impl FnOnce(Peer<TcpStream>) -> F + Send + 'static,
) -> (Broker, Sender, Answers)
where
    F: Future<Output = ()> + Send,
{
    let broker = Broker::run(|mut peer| async move {
        peer.versions().await;
        script(peer).await;
    })
    .await;
    let options =
        ConnectOptions { request_timeout: Duration::from_millis(500), ..options(Security::plaintext()) };
    let connection = connect(&broker.endpoint, &options).await.unwrap();
    let (sender, answers) = connection.into_pipe(most).unwrap();
    (broker, sender, answers)
}

async fn send(sender: &mut Sender, tag: i32) -> Result<(), CallError> {
    sender.send(VERSION, tag, empty).await
}

fn empty(out: &mut EnvelopeWriter) {
    let request = MetadataRequest::default().with_topics(Some(Vec::new()));
    codec::encode(&request, VERSION, out.buffer()).unwrap();
}

fn answer(controller: i32) -> MetadataResponse {
    MetadataResponse::default().with_controller_id(controller.into())
}

fn is_poisoned(error: &CallError) -> bool {
    matches!(error.failure, CallFailure::Poisoned)
}

#[tokio::test]
async fn requests_go_out_before_answers_come_and_are_matched_in_order() {
    let (broker, mut sender, mut answers) = pipe(3, |mut peer| async move {
        let mut requests = Vec::new();
        for _ in 0..3 {
            requests.push(peer.request(ApiKey::Metadata).await);
        }
        for (place, request) in (0..).zip(&requests) {
            assert_eq!((request.correlation_id, &request.client_id[..]), (place + 1, &b"test"[..]));
            peer.answer(request, &answer(place)).await;
        }
        assert!(peer.next().await.is_none(), "dropping both halves closes the socket");
    })
    .await;
    for tag in 0..3 {
        send(&mut sender, tag).await.unwrap();
    }
    assert_eq!(sender.free_places(), 0);
    for tag in 0..3 {
        let (found, answer) = answers.next().await.unwrap();
        assert_eq!((found, answer.unwrap().controller_id.0), (tag, tag));
    }
    assert_eq!(sender.free_places(), 3);
    drop(sender);
    assert!(answers.next().await.is_none());
    drop(answers);
    broker.finished().await;
}

#[tokio::test]
async fn a_sender_waits_for_a_place_and_an_answer_gives_one_back() {
    let (_broker, mut sender, mut answers) = pipe(1, |mut peer| async move {
        while let Some(request) = peer.next().await {
            peer.answer(&request, &answer(request.correlation_id)).await;
        }
    })
    .await;
    send(&mut sender, 0).await.unwrap();
    let mut second = Box::pin(send(&mut sender, 1));
    assert!(timeout(Duration::from_millis(50), &mut second).await.is_err());
    assert_eq!(answers.next().await.unwrap().0, 0);
    second.await.unwrap();
    assert_eq!(answers.next().await.unwrap().0, 1);
}

#[tokio::test]
async fn an_answer_may_take_longer_when_the_broker_has_said_so() {
    let (_broker, mut sender, mut answers) = pipe(3, |mut peer| async move {
        for number in 0.. {
            let request = peer.request(ApiKey::Metadata).await;
            sleep(if number > 0 { Duration::from_millis(700) } else { Duration::ZERO }).await;
            peer.answer(&request, &answer(number)).await;
        }
    })
    .await;
    for tag in 0..3 {
        send(&mut sender, tag).await.unwrap();
    }
    assert_eq!(answers.next().await.unwrap().0, 0);
    answers.wait_longer(Duration::from_millis(600));
    answers.next().await.unwrap().1.unwrap();
    // Once, that is.
    let error = answers.next().await.unwrap().1.unwrap_err();
    assert!(matches!(error.failure, CallFailure::Timeout(_)), "{error}");
}

#[tokio::test]
async fn the_first_failure_comes_out_with_its_request_and_the_others_are_poisoned() {
    let (_broker, mut sender, mut answers) = pipe(4, |mut peer| async move {
        let first = peer.request(ApiKey::Metadata).await;
        peer.answer(&first, &answer(1)).await;
        let second = peer.request(ApiKey::Metadata).await;
        peer.frame(&misdirected(&second)).await;
        sleep(Duration::from_secs(5)).await;
    })
    .await;
    for tag in 0..4 {
        send(&mut sender, tag).await.unwrap();
    }
    answers.next().await.unwrap().1.unwrap();
    let (tag, error) = answers.next().await.unwrap();
    assert_eq!(tag, 1);
    assert!(matches!(error.unwrap_err().failure, CallFailure::Correlation { .. }));
    assert!(sender.is_broken());
    for left in 2..4 {
        let (tag, error) = answers.next().await.unwrap();
        assert!(tag == left && is_poisoned(&error.unwrap_err()));
    }
    assert!(is_poisoned(&send(&mut sender, 4).await.unwrap_err()));
}

#[tokio::test]
async fn what_is_no_answer_breaks_the_pipe() {
    type Check = fn(&CallFailure) -> bool;
    let endings: [(&'static [u8], bool, Check); 3] = [
        (&[], true, |failure| matches!(failure, CallFailure::Closed)),
        (&[], false, |failure| matches!(failure, CallFailure::Timeout(_))),
        (&[0, 0, 0, 6, 0, 0, 0, 1, 0, 9], false, |failure| matches!(failure, CallFailure::Decode(_))),
    ];
    for (bytes, closes, is_expected) in endings {
        let (_broker, mut sender, mut answers) = pipe(2, move |mut peer| async move {
            peer.request(ApiKey::Metadata).await;
            peer.raw(bytes).await;
            if !closes {
                sleep(Duration::from_secs(5)).await;
            }
        })
        .await;
        send(&mut sender, 0).await.unwrap();
        let failure = answers.next().await.unwrap().1.unwrap_err().failure;
        assert!(is_expected(&failure), "{failure:?}");
        assert!(sender.is_broken());
    }
}

#[tokio::test]
async fn dropping_the_answers_breaks_the_sender() {
    let (_broker, mut sender, answers) =
        pipe(2, |mut peer| async move { while peer.next().await.is_some() {} }).await;
    drop(answers);
    assert!(is_poisoned(&send(&mut sender, 0).await.unwrap_err()));
}

#[tokio::test]
async fn a_request_that_was_given_up_half_way_breaks_the_pipe() {
    let (_broker, mut sender, mut answers) = pipe(4, |peer| async move {
        sleep(Duration::from_secs(5)).await;
        drop(peer);
    })
    .await;
    send(&mut sender, 0).await.unwrap();
    let huge = Bytes::from(vec![0; 32 << 20]);
    let sending = sender.send(VERSION, 1, |out| out.splice(huge));
    assert!(timeout(Duration::from_millis(100), sending).await.is_err());
    assert!(sender.is_broken());
    let (tag, error) = answers.next().await.unwrap();
    assert!(tag == 0 && is_poisoned(&error.unwrap_err()));
}

#[tokio::test]
async fn an_answer_that_was_given_up_is_read_by_the_next_call() {
    let (_broker, mut sender, mut answers) = pipe(1, |mut peer| async move {
        let request = peer.request(ApiKey::Metadata).await;
        peer.raw(&[0, 0]).await;
        sleep(Duration::from_millis(100)).await;
        let mut rest = bytes::BytesMut::new();
        tidegate_wire::header::write_response(&mut rest, request.key, VERSION, request.correlation_id);
        codec::encode(&answer(9), VERSION, &mut rest).unwrap();
        let mut tail = bytes::BytesMut::new();
        tail.put_u16(u16::try_from(rest.len()).unwrap());
        tail.put_slice(&rest);
        peer.raw(&tail).await;
    })
    .await;
    send(&mut sender, 7).await.unwrap();
    assert!(timeout(Duration::from_millis(50), answers.next()).await.is_err());
    let (tag, answer) = answers.next().await.unwrap();
    assert_eq!((tag, answer.unwrap().controller_id.0), (7, 9));
}
