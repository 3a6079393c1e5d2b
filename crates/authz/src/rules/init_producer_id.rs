//! InitProducerId (22): producer ids for zones that may write (KIP-98).

use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId, TransactionalId};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::{Rule, answer, forward};
use crate::context::RequestContext;
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
            (Some(_), false) => return refuse(request, ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
            (Some(id), true) => match context.zone.prefix().transactional_id(id) {
                Err(error) => return refuse(request, error),
                Ok(id) => Some(TransactionalId(StrBytes::from_string(id))),
            },
        };
        if upstream_id.is_some() {
            asked.transaction_timeout_ms =
                asked.transaction_timeout_ms.min(context.policy.transaction_timeout_max_ms);
        }
        asked.transactional_id = upstream_id;
        forward(context, request, &asked, |response: InitProducerIdResponse, _| response)
    }
}

fn refuse(request: &Request, error: ErrorCode) -> Result<Outcome, RuleError> {
    let response = InitProducerIdResponse::default()
        .with_error_code(error.0)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    answer(request, &response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Bench};

    fn asked(id: Option<&'static str>) -> InitProducerIdRequest {
        InitProducerIdRequest::default()
            .with_transactional_id(id.map(|id| TransactionalId(StrBytes::from_static_str(id))))
            .with_transaction_timeout_ms(900_000)
    }

    fn broker(_: &InitProducerIdRequest) -> InitProducerIdResponse {
        InitProducerIdResponse::default().with_producer_id(ProducerId(77)).with_producer_epoch(1)
    }

    fn read_only() -> Bench {
        Bench::over(&testing::ZONE.replace("WRITE", "READ"))
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
    fn a_reading_zone_gets_no_id_and_an_empty_transactional_id_is_refused() {
        for version in InitProducerId.versions().iter() {
            for (bench, id, error) in
                [(read_only(), None, 31), (read_only(), Some("tx"), 53), (Bench::new(), Some(""), 42)]
            {
                let got: InitProducerIdResponse = bench.answer(&InitProducerId, version, &asked(id));
                assert_eq!((got.error_code, got.producer_id.0), (error, -1), "{id:?}");
            }
        }
    }
}
