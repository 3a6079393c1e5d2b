//! CreatePartitions (KIP-195): more partitions for topics that are there.

use std::time::Duration;

use tidegate_client::{AskError, Connection};
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::messages::create_partitions_request::CreatePartitionsTopic;
use tidegate_wire::messages::create_partitions_response::CreatePartitionsTopicResult;
use tidegate_wire::messages::{CreatePartitionsRequest, CreatePartitionsResponse};

use super::text::topic_name;
use super::{Refusal, millis, version};

const KEY: ApiKey = ApiKey::CreatePartitions;
const OURS: Versions = Versions::new(0, 3);

/// How many partitions a topic is to have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Growth {
    /// The topic.
    pub topic: String,
    /// The partitions that it has then, old ones included; no more than now is refused (INVALID_PARTITIONS).
    pub partitions: i32,
}

/// Adds partitions, within `wait`; the cluster chooses where their replicas lie. Yields outcomes in the order of what was asked.
/// Needs ALTER on the topic.
///
/// # Errors
/// [`AskError`]; what is wrong with one topic is a [`Refusal`].
pub async fn create_partitions(
    connection: &mut Connection,
    growths: &[Growth],
    wait: Duration,
) -> Result<Vec<Result<(), Refusal>>, AskError> {
    let version = version(connection.versions(), KEY, OURS)?;
    let limit = connection.request_timeout().saturating_add(wait);
    let answer = connection.call_within(limit, version, &request(growths, wait)).await?;
    read(growths, &answer)
}

fn request(growths: &[Growth], wait: Duration) -> CreatePartitionsRequest {
    let topic = |growth: &Growth| {
        CreatePartitionsTopic::default()
            .with_name(topic_name(&growth.topic))
            .with_count(growth.partitions)
            .with_assignments(None)
    };
    let topics = growths.iter().map(topic).collect();
    CreatePartitionsRequest::default().with_topics(topics).with_timeout_ms(millis(wait))
}

fn read(asked: &[Growth], answer: &CreatePartitionsResponse) -> Result<Vec<Result<(), Refusal>>, AskError> {
    let missing =
        AskError::Malformed { api: KEY, what: "a topic that was asked for is missing in the answer" };
    let found = asked.iter().map(|one| answer.results.iter().find(|found| found.name.as_str() == one.topic));
    let found: Option<Vec<_>> = found.map(|found| found.map(outcome)).collect();
    found.ok_or(missing)
}

fn outcome(topic: &CreatePartitionsTopicResult) -> Result<(), Refusal> {
    Refusal::check(topic.error_code, topic.error_message.as_ref())
}

#[cfg(test)]
mod tests {
    use tidegate_wire::error_code::ErrorCode;

    use super::*;
    use crate::calls::testing::travelled;

    #[test]
    fn outcomes_stand_in_their_places() {
        let asked =
            [("a", 4), ("b", 1)].map(|(topic, partitions)| Growth { topic: topic.to_owned(), partitions });
        for version in OURS.iter() {
            let request = travelled(&request(&asked, Duration::from_secs(1)), version);
            assert_eq!((request.timeout_ms, request.validate_only), (1_000, false));
            assert_eq!((request.topics[0].count, request.topics[0].assignments.is_none()), (4, true));
        }
        let result = |name, code| {
            CreatePartitionsTopicResult::default().with_name(topic_name(name)).with_error_code(code)
        };
        let answer = CreatePartitionsResponse::default().with_results(vec![result("b", 37), result("a", 0)]);
        let outcomes = read(&asked, &answer).unwrap();
        assert_eq!(outcomes[0], Ok(()));
        assert_eq!(outcomes[1].as_ref().unwrap_err().code, ErrorCode(37));
    }
}
