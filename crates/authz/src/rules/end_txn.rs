//! EndTxn (26): commits or aborts an own transaction (KIP-98).
//!
//! From version 5 on the answer names the producer id and epoch to go on with, and the id is a new one when the epochs of
//! the old one are used up (KIP-890).

use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse, ProducerId, TransactionalId};
use kafka_protocol::protocol::StrBytes;
use tidegate_core::facts::Fact;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::producers::{in_transaction, transactional_id};
use super::{Rule, answer, forward_keeping};
use crate::context::RequestContext;
use crate::outcome::{Outcome, RuleError};

/// The rule.
pub struct EndTxn;

impl Rule for EndTxn {
    fn key(&self) -> ApiKey {
        ApiKey::EndTxn
    }

    fn versions(&self) -> Versions {
        Versions::new(0, 5)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let mut asked: EndTxnRequest = codec::decode(request.version, &request.body)?;
        match transactional_id(context, &asked.transactional_id) {
            Err(error) => return answer(request, &refusal(error)),
            Ok(id) => asked.transactional_id = TransactionalId(StrBytes::from_string(id)),
        }
        match in_transaction(context, asked.producer_id) {
            Err(error) => return answer(request, &refusal(error)),
            Ok(Some(question)) => return Ok(Outcome::Ask(question)),
            Ok(None) => {}
        }
        let current = asked.producer_id;
        // The client that is not told of the new id ends the transaction again, and a broker knows such a retry.
        forward_keeping(
            context,
            request,
            &asked,
            move |response: &EndTxnResponse, context| {
                let next = response.producer_id;
                let is_new = next.0 >= 0 && next != current;
                is_new.then_some(Fact::Producer { id: next.0, used: context.now }).into_iter().collect()
            },
            |_| refusal(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        )
    }
}

fn refusal(error: ErrorCode) -> EndTxnResponse {
    EndTxnResponse::default()
        .with_error_code(error.0)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::ReplyContext;
    use crate::ledger::Standing;
    use crate::outcome::Replied;
    use crate::policy::Policy;
    use crate::rules::frame_of;
    use crate::testing::{self, Bench};

    const OWN: i64 = 77;
    const NEXT: i64 = 4_000;
    /// First version whose answer names a producer id.
    const NAMES_ID_SINCE: i16 = 5;

    fn asked(id: &'static str, producer: i64) -> EndTxnRequest {
        EndTxnRequest::default()
            .with_transactional_id(TransactionalId(StrBytes::from_static_str(id)))
            .with_producer_id(ProducerId(producer))
            .with_producer_epoch(3)
            .with_committed(true)
    }

    fn bench() -> Bench {
        Bench::new().with_stored_producer(OWN)
    }

    fn broker(version: i16, producer: i64) -> EndTxnResponse {
        let named = version >= NAMES_ID_SINCE;
        let (id, epoch) = if named { (producer, 4) } else { (-1, -1) };
        EndTxnResponse::default().with_producer_id(ProducerId(id)).with_producer_epoch(epoch)
    }

    /// What the rule makes of a broker's answer that names `next`.
    fn replied(bench: &Bench, version: i16, next: i64) -> Replied {
        let request = testing::request_of(version, &asked("tx", OWN));
        let Outcome::Forward { requests, reply } = bench.ask(&EndTxn, &request) else {
            panic!("did not go upstream");
        };
        let frame = frame_of(version, requests[0].correlation_id, &broker(version, next));
        let addresses = testing::addresses();
        reply.on_response(&ReplyContext::new(Some(&bench.zone), &addresses, testing::NOW), &[frame]).unwrap()
    }

    #[test]
    fn an_own_transaction_is_ended_under_its_prefixed_id() {
        for version in EndTxn.versions().iter() {
            let (sent, got) = bench().exchange(&EndTxn, version, &asked("tx", OWN), |_| broker(version, OWN));
            let id = testing::prefix("partner").transactional_id("tx").unwrap();
            assert_eq!(sent[0].transactional_id.as_str(), id);
            assert_eq!((sent[0].producer_id.0, sent[0].producer_epoch, sent[0].committed), (OWN, 3, true));
            assert_eq!(got, broker(version, OWN));
        }
    }

    #[test]
    fn the_same_id_with_a_higher_epoch_is_nothing_to_keep() {
        for version in EndTxn.versions().iter() {
            assert!(matches!(replied(&bench(), version, OWN), Replied::Answer(_)), "{version}");
        }
    }

    #[test]
    fn a_new_id_is_told_only_once_it_is_kept() {
        let bench = bench();
        let standing = || bench.zone.state().ledger().standing(NEXT, testing::NOW, &Policy::default());
        let Replied::Keep { facts, then, otherwise } = replied(&bench, NAMES_ID_SINCE, NEXT) else {
            panic!("told at once");
        };
        assert_eq!(facts, [Fact::Producer { id: NEXT, used: testing::NOW }]);
        let told: EndTxnResponse = testing::decode_answer(NAMES_ID_SINCE, then.joined());
        assert_eq!((told.error_code, told.producer_id.0, told.producer_epoch), (0, NEXT, 4));
        let instead: EndTxnResponse = testing::decode_answer(NAMES_ID_SINCE, otherwise.joined());
        assert_eq!((instead.error_code, instead.producer_id.0, instead.producer_epoch), (15, -1, -1));
        assert_eq!(standing(), Standing::Unknown);
        bench.zone.take(&facts);
        assert_eq!(standing(), Standing::Issued);
    }

    #[test]
    fn no_right_to_write_an_empty_id_and_a_forged_producer_are_refused_here() {
        for version in EndTxn.versions().iter() {
            for (bench, request, error) in [
                (Bench::read_only(), asked("tx", 78), 53),
                (bench(), asked("", 78), 42),
                (bench(), asked("tx", 78), 49),
                (bench(), asked("tx", -1), 49),
            ] {
                let got: EndTxnResponse = bench.answer(&EndTxn, version, &request);
                assert_eq!((got.error_code, got.producer_id.0), (error, -1), "{request:?}");
            }
        }
    }
}
