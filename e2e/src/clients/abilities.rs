//! Which client can do which step, as far as its own library goes.

use super::{Client, Step};

impl Client {
    /// Whether this client's library can do a step at all; what it cannot do is left out, never refused.
    pub fn can(self, step: Step<'_>) -> bool {
        match self {
            Self::Java => true,
            Self::Console => console(step),
            Self::Librdkafka => !matches!(step, Step::Stream { .. } | Step::DescribeTopic { .. }),
            Self::KafkaPython => kafka_python(step),
            Self::Aiokafka => {
                kafka_python(step) && !matches!(step, Step::ResetOffsets { .. } | Step::DeleteGroup { .. })
            }
            Self::Kcat => kcat(step),
            Self::FranzGo => franz_go(step),
            // Neither knows the groups of KIP-848.
            Self::Sarama | Self::KafkaJs => franz_go(step) && !matches!(step, Step::ConsumeNext { .. }),
            Self::KafkaGo => kafka_go(step),
            Self::Rskafka => matches!(
                step,
                Step::List
                    | Step::Produce { .. }
                    | Step::ReadFromBeginning { .. }
                    | Step::ReadFromTime { .. }
            ),
        }
    }
}

/// The programs outside Java know no pattern, no topology and no description of a topic.
fn franz_go(step: Step<'_>) -> bool {
    !matches!(step, Step::ConsumePattern { .. } | Step::Stream { .. } | Step::DescribeTopic { .. })
}

/// Its readers show aborted records to read_committed as well; it has no transactional producer.
fn kafka_go(step: Step<'_>) -> bool {
    franz_go(step)
        && !matches!(
            step,
            Step::ConsumeNext { .. }
                | Step::ConsumeCommitted { .. }
                | Step::Transact { .. }
                | Step::Copy { .. }
        )
}

fn everyone(step: Step<'_>) -> bool {
    matches!(step, Step::List | Step::Produce { .. } | Step::Consume { .. })
}

fn console(step: Step<'_>) -> bool {
    !matches!(
        step,
        Step::ReadFromBeginning { .. }
            | Step::ReadFromTime { .. }
            | Step::Transact { .. }
            | Step::Copy { .. }
            | Step::ConsumePattern { .. }
            | Step::Stream { .. }
    )
}

/// No KIP-848.
fn kafka_python(step: Step<'_>) -> bool {
    !matches!(
        step,
        Step::ConsumeNext { .. }
            | Step::ConsumePattern { next: true, .. }
            | Step::Stream { .. }
            | Step::DescribeTopic { .. }
    )
}

/// No admin calls, no transactions.
fn kcat(step: Step<'_>) -> bool {
    everyone(step)
        || matches!(
            step,
            Step::ConsumeCommitted { .. } | Step::ReadFromBeginning { .. } | Step::ReadFromTime { .. }
        )
}
