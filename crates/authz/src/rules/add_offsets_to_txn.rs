//! AddOffsetsToTxn (25): the offsets of an own group join an own transaction (KIP-98).

use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, GroupId, TransactionalId};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::producers::{in_transaction, transactional_id};
use super::{Rule, answer, forward};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct AddOffsetsToTxn;

impl Rule for AddOffsetsToTxn {
    fn key(&self) -> ApiKey {
        ApiKey::AddOffsetsToTxn
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 4)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: AddOffsetsToTxnRequest = codec::decode(request.version, &request.body)?;
        if let Err(error) = map(context, &mut asked) {
            return refuse(request, error);
        }
        match in_transaction(context, asked.producer_id) {
            Err(error) => refuse(request, error),
            Ok(Some(question)) => Ok(Outcome::Ask(question)),
            Ok(None) => forward(context, request, &asked, |response: AddOffsetsToTxnResponse, _| response),
        }
    }
}

/// A broker too looks at the transactional id first and then at the group.
fn map(context: &RequestContext<'_>, asked: &mut AddOffsetsToTxnRequest) -> Result<(), ErrorCode> {
    let id = transactional_id(context, &asked.transactional_id)?;
    let group = context.group(&asked.group_id)?;
    asked.transactional_id = TransactionalId(StrBytes::from_string(id));
    asked.group_id = GroupId(StrBytes::from_string(group));
    Ok(())
}

fn refuse(request: &Request, error: ErrorCode) -> Result<Outcome, RuleError> {
    answer(request, &AddOffsetsToTxnResponse::default().with_error_code(error.0))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::ProducerId;

    use super::*;
    use crate::testing::{self, Bench};

    const OWN: i64 = 77;

    fn asked(id: &'static str, group: &'static str, producer: i64) -> AddOffsetsToTxnRequest {
        AddOffsetsToTxnRequest::default()
            .with_transactional_id(TransactionalId(StrBytes::from_static_str(id)))
            .with_group_id(GroupId(StrBytes::from_static_str(group)))
            .with_producer_id(ProducerId(producer))
            .with_producer_epoch(3)
    }

    fn bench() -> Bench {
        Bench::new().with_stored_producer(OWN)
    }

    #[test]
    fn both_ids_are_prefixed_and_the_brokers_word_passes() {
        for version in AddOffsetsToTxn.versions().iter() {
            let (sent, got) = bench().exchange(&AddOffsetsToTxn, version, &asked("tx", "g", OWN), |_| {
                AddOffsetsToTxnResponse::default().with_error_code(51).with_throttle_time_ms(9)
            });
            let prefix = testing::prefix("partner");
            assert_eq!(sent[0].transactional_id.as_str(), prefix.transactional_id("tx").unwrap());
            assert_eq!(sent[0].group_id.as_str(), prefix.group("g").unwrap());
            assert_eq!((sent[0].producer_id.0, sent[0].producer_epoch), (OWN, 3));
            assert_eq!((got.error_code, got.throttle_time_ms), (51, 9));
        }
    }

    #[test]
    fn the_transactional_id_is_refused_before_the_group_and_that_before_the_producer() {
        for version in AddOffsetsToTxn.versions().iter() {
            for (bench, request, error) in [
                (Bench::read_only(), asked("tx", "", 78), 53),
                (bench(), asked("", "", 78), 42),
                (bench(), asked("tx", "", 78), 24),
                (bench(), asked("tx", "g", 78), 49),
                (bench(), asked("tx", "g", -1), 49),
            ] {
                let got: AddOffsetsToTxnResponse = bench.answer(&AddOffsetsToTxn, version, &request);
                assert_eq!(got.error_code, error, "{request:?}");
            }
        }
    }
}
