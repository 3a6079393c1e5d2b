//! The gateway with one rule more: partners may write in office hours only.
//!
//! ```sh
//! # with a configuration as in the README, and hours in UTC
//! cargo run -p tidegate-examples --bin rule_hook -- tidegate.yaml 8 18
//! ```
//!
//! Outside these hours every partition of a Produce is answered with POLICY_VIOLATION and nothing reaches a broker; all
//! else goes its usual way.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tidegate_authz::rules::{Rule, answer};
use tidegate_authz::{Outcome, RequestContext, RuleError};
use tidegate_core::Timestamp;
use tidegate_core::store::StoreKeys;
use tidegate_gateway::logins::Logins;
use tidegate_gateway::{Gateway, Parts, RuleHook, config};
use tidegate_store::SqliteStore;
use tidegate_wire::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;
use tidegate_wire::messages::ProduceResponse;
use tidegate_wire::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use tidegate_wire::produce::ProduceRequest;
use tidegate_wire::topic::TopicRef;

/// Kafka's code for what a topic's owner does not want; clients do not try again.
const POLICY_VIOLATION: ErrorCode = ErrorCode(44);

/// Around the rule for Produce.
struct OfficeHours {
    inner: Box<dyn Rule>,
    hours: Range<u64>,
}

impl Rule for OfficeHours {
    fn key(&self) -> ApiKey {
        self.inner.key()
    }

    // A wrapper may serve fewer versions than the rule inside, never more.
    fn versions(&self) -> Versions {
        self.inner.versions()
    }

    fn announced(&self) -> Versions {
        self.inner.announced()
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        // The time is an argument, as for every rule; so this one can be tested at any hour.
        if self.hours.contains(&hour(context.now)) {
            return self.inner.on_request(context, request);
        }
        let asked = ProduceRequest::read(&request.body, request.version)?;
        if asked.acks == 0 {
            // Nobody waits for an answer; Kafka ends the connection then.
            return Ok(Outcome::Close("produce without acknowledgement outside office hours"));
        }
        answer(request, &refusal(&asked))
    }
}

fn hour(now: Timestamp) -> u64 {
    now.0 / 3_600 % 24
}

/// The same topics and partitions, as the partner named them.
fn refusal(asked: &ProduceRequest<'_>) -> ProduceResponse {
    let topic = |topic: &tidegate_wire::produce::TopicData<'_>| {
        let refused = |index| {
            PartitionProduceResponse::default()
                .with_index(index)
                .with_error_code(POLICY_VIOLATION.0)
                .with_base_offset(-1)
        };
        let partitions = topic.partitions.iter().map(|partition| refused(partition.index)).collect();
        let answered = TopicProduceResponse::default().with_partition_responses(partitions);
        match topic.topic {
            TopicRef::Name(name) => answered.with_name(StrBytes::from_string(name.to_owned()).into()),
            TopicRef::Id(id) => answered.with_topic_id(uuid::Uuid::from_bytes(id)),
        }
    };
    ProduceResponse::default().with_responses(asked.topics.iter().map(topic).collect())
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, from, to] = arguments.as_slice() else {
        anyhow::bail!("write: rule_hook CONFIG FROM TO");
    };
    let hours = from.parse().context("FROM is not an hour")?..to.parse().context("TO is not an hour")?;

    // All as in the daemon: configuration, accounts file, state file.
    let config = config::load(Path::new(path))?;
    let facts = Arc::new(SqliteStore::open(&config.state_file, StoreKeys::new(&config.root_key))?);
    let parts = Parts::new(Arc::new(Logins::new(&config.root_key)), facts);

    // Asked once for each listener, before anybody is served; here all get the same.
    let parts = parts.with_rules(RuleHook::new(move |_listener, table| {
        let hours = hours.clone();
        table.wrap(ApiKey::Produce, |inner| Box::new(OfficeHours { inner, hours }))
    }));

    let gateway = Gateway::start_with(config, parts, None).await?;
    println!("ready");
    gateway
        .run(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_utc() {
        // 2027-01-15 08:00:00 UTC.
        assert_eq!(hour(Timestamp(1_800_000_000)), 8);
        assert_eq!(hour(Timestamp(1_800_000_000 - 1)), 7);
    }
}
