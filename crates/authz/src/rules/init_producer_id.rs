//! InitProducerId (22): producer ids for zones that may write (KIP-98).

use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId, TransactionalId};
use kafka_protocol::protocol::StrBytes;
use tidegate_core::facts::Fact;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::producers::transactional_id;
use super::{Rule, answer, forward_keeping};
use crate::context::{ReplyContext, RequestContext};
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct InitProducerId;

impl Rule for InitProducerId {
    fn key(&self) -> ApiKey {
        ApiKey::InitProducerId
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 5)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: InitProducerIdRequest = codec::decode(request.version, &request.body)?;
        let upstream_id = match (&asked.transactional_id, context.zone.can_write()) {
            (None, true) => None,
            (None, false) => return refuse(request, ErrorCode::CLUSTER_AUTHORIZATION_FAILED),
            (Some(id), _) => match transactional_id(context, id) {
                Err(error) => return refuse(request, error),
                Ok(_) if !is_admitted(context, id) => {
                    return refuse(request, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
                }
                Ok(id) => Some(TransactionalId(StrBytes::from_string(id))),
            },
        };
        if upstream_id.is_some() {
            asked.transaction_timeout_ms =
                asked.transaction_timeout_ms.min(context.policy.transaction_timeout_max_ms);
        }
        if !context.zone.state().ledger().admit(context.now, context.policy) {
            // Clients back off and ask again.
            return refuse(request, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
        }
        // Without a transactional id there is no coordinator to look for: Java clients would stumble over that answer.
        let otherwise = match upstream_id {
            Some(_) => ErrorCode::COORDINATOR_NOT_AVAILABLE,
            None => ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
        };
        asked.transactional_id = upstream_id;
        // The producer id of the request, from version 3 on, needs no look here: the coordinator does not read it
        // without a transactional id, compares it with its own under the prefixed one, and answers only with ids that it
        // gave out itself.
        forward_keeping(context, request, &asked, issued, move |_| refusal(otherwise))
    }
}

/// Whether the zone may use one more transactional id, or uses this one already.
fn is_admitted(context: &RequestContext<'_>, id: &str) -> bool {
    let ids = context.zone.state().transactional_ids();
    ids.admit(id, context.policy.transactional_ids_per_zone, context.now)
}

/// The id counts as the zone's before the partner knows it, or it never knows it.
fn issued(response: &InitProducerIdResponse, context: &ReplyContext<'_>) -> Vec<Fact> {
    let fact = Fact::Producer { id: response.producer_id.0, used: context.now };
    if response.error_code == 0 && response.producer_id.0 >= 0 { vec![fact] } else { Vec::new() }
}

fn refuse(request: &Request, error: ErrorCode) -> Result<Outcome, RuleError> {
    answer(request, &refusal(error))
}

fn refusal(error: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse::default()
        .with_error_code(error.0)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Standing;
    use crate::outcome::Replied;
    use crate::policy::Policy;
    use crate::rules::frame_of;
    use crate::testing::{self, Bench};

    fn asked(id: Option<&'static str>) -> InitProducerIdRequest {
        InitProducerIdRequest::default()
            .with_transactional_id(id.map(|id| TransactionalId(StrBytes::from_static_str(id))))
            .with_transaction_timeout_ms(900_000)
    }

    fn broker(_: &InitProducerIdRequest) -> InitProducerIdResponse {
        InitProducerIdResponse::default().with_producer_id(ProducerId(77)).with_producer_epoch(1)
    }

    #[test]
    fn an_idempotent_producer_of_a_writing_zone_gets_its_id() {
        for version in InitProducerId.versions().iter() {
            let (sent, got) = Bench::new().exchange(&InitProducerId, version, &asked(None), broker);
            assert_eq!((&sent[0].transactional_id, sent[0].transaction_timeout_ms), (&None, 900_000));
            assert_eq!((got.error_code, got.producer_id.0, got.producer_epoch), (0, 77, 1));
        }
    }

    #[test]
    fn a_transactional_id_is_prefixed_and_its_timeout_lowered() {
        for version in InitProducerId.versions().iter() {
            let (sent, _) = Bench::new().exchange(&InitProducerId, version, &asked(Some("tx")), broker);
            let id = testing::prefix("partner").transactional_id("tx").unwrap();
            assert_eq!(sent[0].transactional_id.as_deref().map(StrBytes::as_str), Some(&*id));
            assert_eq!(sent[0].transaction_timeout_ms, 60_000);
        }
    }

    #[test]
    fn an_id_is_told_only_once_it_is_kept() {
        let versions = InitProducerId.versions();
        for (version, id, error) in versions.iter().flat_map(|v| [(v, None, 14), (v, Some("tx"), 15)]) {
            let bench = Bench::new();
            let standing = || bench.zone.state().ledger().standing(77, testing::NOW, &Policy::default());
            let request = testing::request_of(version, &asked(id));
            let Outcome::Forward { requests, reply } = bench.ask(&InitProducerId, &request) else {
                panic!("did not go upstream");
            };
            let frame = frame_of(version, requests[0].correlation_id, &broker(&asked(id)));
            let addresses = testing::addresses();
            let context = ReplyContext::new(Some(&bench.zone), &addresses, testing::NOW);
            let Replied::Keep { facts, otherwise, .. } = reply.on_response(&context, &[frame]).unwrap()
            else {
                panic!("told at once");
            };
            assert_eq!(facts, [Fact::Producer { id: 77, used: testing::NOW }]);
            let got: InitProducerIdResponse = testing::decode_answer(version, otherwise.joined());
            assert_eq!((got.error_code, got.producer_id.0, got.producer_epoch), (error, -1, -1));
            assert_eq!(standing(), Standing::Unknown);
            bench.zone.take(&facts);
            assert_eq!(standing(), Standing::Issued);
        }
    }

    #[test]
    fn a_storm_of_ids_is_slowed_down() {
        let bench = Bench::new();
        for _ in 0..Policy::default().producer_ids_burst {
            bench.exchange(&InitProducerId, 4, &asked(None), broker);
        }
        let got: InitProducerIdResponse = bench.answer(&InitProducerId, 4, &asked(None));
        assert_eq!((got.error_code, got.producer_id.0), (14, -1));
    }

    #[test]
    fn a_reading_zone_gets_no_id_and_an_empty_transactional_id_is_refused() {
        for version in InitProducerId.versions().iter() {
            for (bench, id, error) in [
                (Bench::read_only(), None, 31),
                (Bench::read_only(), Some("tx"), 53),
                (Bench::new(), Some(""), 42),
            ] {
                let got: InitProducerIdResponse = bench.answer(&InitProducerId, version, &asked(id));
                assert_eq!((got.error_code, got.producer_id.0), (error, -1), "{id:?}");
            }
        }
    }

    #[test]
    fn a_transactional_id_too_many_is_refused_and_those_in_use_go_on() {
        let mut bench = Bench::new();
        bench.policy.transactional_ids_per_zone = 1;
        for version in InitProducerId.versions().iter() {
            let (_, got) = bench.exchange(&InitProducerId, version, &asked(Some("tx")), broker);
            assert_eq!(got.error_code, 0);
            let got: InitProducerIdResponse = bench.answer(&InitProducerId, version, &asked(Some("another")));
            assert_eq!((got.error_code, got.producer_id.0), (53, -1), "version {version}");
        }
    }
}
