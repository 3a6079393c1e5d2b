//! rskafka, in this very process: it has no groups and no transactions, its user says which partition.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::rskafka::BackoffConfig;
use ::rskafka::chrono::{DateTime, Utc};
use ::rskafka::client::error::{Error, ProtocolError};
use ::rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use ::rskafka::client::{Client, ClientBuilder, Credentials, SaslConfig};
use ::rskafka::record::Record as Sent;
use anyhow::{Context, Result, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::{Instant, timeout};

use super::{ClientConfig, Outcome, Produced, Record, Refusal, Step, records};

/// No step takes longer, as in the other programs.
const WHOLE: Duration = Duration::from_secs(30);

/// Reading ends earlier, without an error.
const READING: Duration = Duration::from_secs(25);

/// The library repeats without end otherwise, also what was refused at the login.
const RETRYING: Duration = Duration::from_secs(10);

pub(super) fn run(config: &ClientConfig, step: Step<'_>) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(async { timeout(WHOLE, play(config, step)).await })? {
        Ok(outcome) => Ok(outcome),
        Err(error) => match refusal(&error) {
            Some(refusal) => Ok(Outcome { refusal: Some(refusal), ..Outcome::default() }),
            None => Err(error),
        },
    }
}

async fn play(config: &ClientConfig, step: Step<'_>) -> Result<Outcome> {
    let client = connect(config).await?;
    match step {
        Step::List => list(&client).await,
        Step::Produce { topic, count, keys } => produce(&client, topic, count, keys).await,
        Step::ReadFromBeginning { topic, count } => read(&client, topic, OffsetAt::Earliest, count).await,
        Step::ReadFromTime { topic, timestamp, count } => {
            let from = DateTime::from_timestamp_millis(timestamp).context("a timestamp out of range")?;
            read(&client, topic, OffsetAt::Timestamp(from), count).await
        }
        step => bail!("rskafka does not: {step:?}"),
    }
}

async fn connect(config: &ClientConfig) -> Result<Client> {
    let brokers = config.bootstrap.split(',').map(str::to_owned).collect();
    let retrying = BackoffConfig { deadline: Some(RETRYING), ..BackoffConfig::default() };
    let mut builder = ClientBuilder::new(brokers).backoff_config(retrying);
    if let Some(login) = login(config)? {
        builder = builder.sasl_config(login);
    }
    if let Some(ca) = &config.ca {
        builder = builder.tls_config(trust(ca)?);
    }
    Ok(builder.build().await?)
}

fn login(config: &ClientConfig) -> Result<Option<SaslConfig>> {
    let (Some(mechanism), Some(user), Some(password)) = (&config.mechanism, &config.user, &config.password)
    else {
        return Ok(None);
    };
    let credentials = Credentials::new(user.clone(), password.clone());
    Ok(Some(match mechanism.as_str() {
        "PLAIN" => SaslConfig::Plain(credentials),
        "SCRAM-SHA-256" => SaslConfig::ScramSha256(credentials),
        "SCRAM-SHA-512" => SaslConfig::ScramSha512(credentials),
        other => bail!("no mechanism {other}"),
    }))
}

fn trust(ca: &Path) -> Result<Arc<rustls::ClientConfig>> {
    let pem = fs::read(ca).with_context(|| format!("reading {}", ca.display()))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

async fn list(client: &Client) -> Result<Outcome> {
    let mut topics: Vec<String> = client.list_topics().await?.into_iter().map(|topic| topic.name).collect();
    topics.retain(|name| !name.starts_with("__"));
    topics.sort();
    Ok(Outcome { topics, ..Outcome::default() })
}

/// Spreads the records over the partitions in turn.
async fn produce(client: &Client, topic: &str, count: usize, keys: &str) -> Result<Outcome> {
    let partitions = partitions(client, topic).await?;
    let timestamp = now()?;
    let mut produced = Vec::new();
    for (first, partition) in partitions.iter().enumerate() {
        let share = records(keys, count).into_iter().skip(first).step_by(partitions.len());
        let share = share.map(|(key, value)| Sent {
            key: Some(key.into_bytes()),
            value: Some(value.into_bytes()),
            headers: BTreeMap::new(),
            timestamp,
        });
        for offset in partition.produce(share.collect(), Compression::NoCompression).await? {
            let topic = topic.to_owned();
            produced.push(Produced { topic, partition: partition.partition(), offset });
        }
    }
    Ok(Outcome { produced, ..Outcome::default() })
}

fn now() -> Result<DateTime<Utc>> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    DateTime::from_timestamp_millis(i64::try_from(since.as_millis())?).context("a clock out of range")
}

async fn read(client: &Client, topic: &str, from: OffsetAt, count: usize) -> Result<Outcome> {
    let until = Instant::now() + READING;
    let mut readers = Vec::new();
    for partition in partitions(client, topic).await? {
        let offset = start(&partition, from).await?;
        readers.push((partition, offset));
    }
    let mut records = Vec::new();
    while records.len() < count && Instant::now() < until {
        for (partition, offset) in &mut readers {
            let (fetched, _) = partition.fetch_records(*offset, 1..1_000_000, 250).await?;
            for fetched in fetched {
                *offset = fetched.offset + 1;
                records.push(received(topic, partition.partition(), fetched.offset, fetched.record)?);
            }
        }
    }
    records.truncate(count);
    Ok(Outcome { records, ..Outcome::default() })
}

/// The end of the partition where no record is as young as the timestamp.
async fn start(partition: &PartitionClient, from: OffsetAt) -> Result<i64> {
    let offset = partition.get_offset(from).await?;
    if offset >= 0 { Ok(offset) } else { Ok(partition.get_offset(OffsetAt::Latest).await?) }
}

fn received(topic: &str, partition: i32, offset: i64, record: Sent) -> Result<Record> {
    let key = String::from_utf8(record.key.unwrap_or_default())?;
    let value = String::from_utf8(record.value.unwrap_or_default())?;
    Ok(Record { topic: topic.to_owned(), partition, offset, key, value })
}

/// Every partition of a topic; the first of a topic that is not listed, so that the other side says why.
async fn partitions(client: &Client, topic: &str) -> Result<Vec<PartitionClient>> {
    let listed = client.list_topics().await?.into_iter().find(|listed| listed.name == topic);
    let ids = listed.map_or_else(|| vec![0], |topic| topic.partitions.into_iter().collect());
    let mut partitions = Vec::new();
    for id in ids {
        partitions.push(client.partition_client(topic, id, UnknownTopicHandling::Error).await?);
    }
    Ok(partitions)
}

/// The Kafka error in an error of the library, if there is one in its chain of causes.
fn refusal(error: &anyhow::Error) -> Option<Refusal> {
    let in_chain = error.chain().find_map(|cause| match cause.downcast_ref::<Error>() {
        Some(Error::ServerError { protocol_error, .. }) => Some(*protocol_error),
        _ => None,
    });
    // A failed login of every attempt is only told in words.
    let failed = ProtocolError::SaslAuthenticationFailed;
    let found = in_chain.or_else(|| format!("{error:#}").contains(&failed.to_string()).then_some(failed))?;
    let code = match found {
        ProtocolError::Unknown(code) => code,
        known => (-1..=i16::MAX).find(|&code| ProtocolError::new(code) == Some(known))?,
    };
    Some(Refusal { code, name: kafka_name(&found.to_string()), message: error.to_string() })
}

/// `TopicAuthorizationFailed` as Kafka writes it.
fn kafka_name(variant: &str) -> String {
    let mut name = String::new();
    for (at, letter) in variant.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_get_the_name_that_kafka_gives_them() {
        assert_eq!(kafka_name("TopicAuthorizationFailed"), "TOPIC_AUTHORIZATION_FAILED");
        assert_eq!(
            kafka_name(&ProtocolError::UnknownTopicOrPartition.to_string()),
            "UNKNOWN_TOPIC_OR_PARTITION"
        );
    }
}
