//! Who writes: the transactional ids and the producer ids of one zone.

use kafka_protocol::messages::ProducerId;
use tidegate_wire::error_code::ErrorCode;

use crate::context::RequestContext;
use crate::ledger::Standing;
use crate::outcome::Question;

/// The transactional id as the cluster knows it.
///
/// # Errors
/// TRANSACTIONAL_ID_AUTHORIZATION_FAILED in a zone that writes nothing, else what its prefix refuses.
pub(crate) fn transactional_id(context: &RequestContext<'_>, id: &str) -> Result<String, ErrorCode> {
    let made = match context.zone.can_write() {
        true => context.zone.prefix().transactional_id(id),
        false => Err(ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    };
    made.inspect_err(|error| context.refused(*error, id))
}

/// What must be known or kept before `id` may act in a transaction of the zone.
///
/// The transaction coordinator compares the id with the one it gave to the prefixed transactional id, so for
/// AddPartitionsToTxn, AddOffsetsToTxn and EndTxn this is a second wall. For TxnOffsetCommit it is the first: the group
/// coordinator writes a batch with the id and epoch it is told, and asks the transaction coordinator about them only since
/// 3.7 (KAFKA-15449), unless configured not to, and not while that producer has a transaction open on the same partition.
///
/// # Errors
/// INVALID_PRODUCER_ID_MAPPING, the coordinator's own answer, for an id that the zone was not issued or for none at all.
pub(crate) fn in_transaction(
    context: &RequestContext<'_>,
    id: ProducerId,
) -> Result<Option<Question>, ErrorCode> {
    if id.0 < 0 {
        context.refused(ErrorCode::INVALID_PRODUCER_ID_MAPPING, &id.0.to_string());
        return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    }
    let mut producers = Producers::default();
    producers.check(id.0, context)?;
    Ok(producers.question())
}

/// What the ledger says of the producer id of one request. A producer has one, so a second one in the same request is
/// refused: a client that makes up thousands must not cost thousands of questions.
#[derive(Default)]
pub(crate) struct Producers {
    only: Option<i64>,
    question: Option<Question>,
}

impl Producers {
    /// Refuses an id that the zone was not issued; one that only the store may know passes into the question.
    pub(crate) fn check(&mut self, id: i64, context: &RequestContext<'_>) -> Result<(), ErrorCode> {
        if id < 0 {
            return Ok(());
        }
        if *self.only.get_or_insert(id) != id {
            context.refused(ErrorCode::INVALID_PRODUCER_ID_MAPPING, &id.to_string());
            return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        }
        self.question = match context.zone.state().ledger().standing(id, context.now, context.policy) {
            Standing::Issued => None,
            Standing::Note(fact) => Some(Question::Keep(vec![fact])),
            Standing::Unknown if context.absent_producers.contains(&id) => {
                context.refused(ErrorCode::INVALID_PRODUCER_ID_MAPPING, &id.to_string());
                return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
            }
            Standing::Unknown => Some(Question::Producers(vec![id])),
        };
        Ok(())
    }

    /// What the shell must find out or keep before the request goes on.
    pub(crate) fn question(self) -> Option<Question> {
        self.question
    }
}
