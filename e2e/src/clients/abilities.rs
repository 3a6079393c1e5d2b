//! Which client can do which step, as far as its own library goes.

use super::{Client, Step};

impl Client {
    /// Whether this client's library can do a step at all; what it cannot do is left out, never refused.
    pub fn can(self, step: Step<'_>) -> bool {
        match self {
            Self::FranzGo => true,
            // Neither knows the groups of KIP-848.
            Self::Sarama | Self::KafkaJs => !matches!(step, Step::ConsumeNext { .. }),
            // Its readers show aborted records to read_committed as well; it has no transactional producer.
            Self::KafkaGo => !matches!(
                step,
                Step::ConsumeNext { .. }
                    | Step::ConsumeCommitted { .. }
                    | Step::Transact { .. }
                    | Step::Copy { .. }
            ),
            Self::Rskafka => matches!(
                step,
                Step::List
                    | Step::Produce { .. }
                    | Step::ReadFromBeginning { .. }
                    | Step::ReadFromTime { .. }
            ),
            _ => matches!(step, Step::List | Step::Produce { .. } | Step::Consume { .. }),
        }
    }
}
