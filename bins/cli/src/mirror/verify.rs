//! `tidegate mirror verify`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tidegate_core::{ClusterName, LinkName, MirrorTopic};
use tidegate_link::copy::CopyLimits;
use tidegate_link::verify::{Report, Verdict};
use tidegate_mirror::config::{self, Config, LinkConfig};
use tidegate_mirror::{Cluster, MirrorSpec, Pair, pairs, verify};

use super::links;

/// What connections call themselves.
const CLIENT_ID: &str = "tidegate";

/// Not exact.
const DIFFERS: u8 = 2;

/// Arguments of `tidegate mirror verify`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration of the mirror daemon; see docs/mirror.md.
    #[arg(long, short, default_value = "tidegate-mirror.yaml")]
    config: PathBuf,
    /// The link.
    #[arg(value_parser = LinkName::parse)]
    link: LinkName,
    /// Its mirror topics; all of them if none is named.
    #[arg(value_parser = MirrorTopic::parse)]
    topics: Vec<MirrorTopic>,
    /// How to write what was found.
    #[arg(long, short, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// A line for each partition.
    Table,
    /// A list of objects.
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = config::load(&arguments.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(compare(&config, arguments))?;
    let mut out = io::stdout().lock();
    match arguments.output {
        Output::Table => table(&mut out, &found)?,
        Output::Json => writeln!(out, "{}", Value::from_iter(found.iter().map(Found::json)))?,
    }
    let is_exact =
        |found: &Found| matches!(found.report.verdict, Verdict::Exact | Verdict::ExactWithFillers(_));
    Ok(if found.iter().all(is_exact) { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

/// What was found of a partition.
struct Found {
    topic: MirrorTopic,
    partition: i32,
    report: Report,
}

async fn compare(config: &Config, arguments: &Arguments) -> anyhow::Result<Vec<Found>> {
    let name = &arguments.link;
    let LinkConfig { source, destination, spec } =
        config.link(name).with_context(|| format!("the configuration has no link `{name}`"))?;
    for topic in &arguments.topics {
        let is_known = spec.mirrors.iter().any(|mirror| mirror.topic == *topic);
        anyhow::ensure!(is_known, "link `{name}` has no mirror topic `{topic}` in the configuration");
    }
    let link = links::id(config, name).await?;
    let (source, mirror) = (cluster(config, source)?, cluster(config, destination)?);
    let mut found = Vec::new();
    for wanted in &spec.mirrors {
        if !arguments.topics.is_empty() && !arguments.topics.contains(&wanted.topic) {
            continue;
        }
        let topic = MirrorSpec {
            link,
            source: wanted.source.to_string(),
            mirror: wanted.topic.clone(),
            replication_factor: None,
            marker_epoch: None,
            limits: CopyLimits::default(),
        };
        for pair in pairs(&source, &mirror, &topic).await? {
            let partition = pair.mirror.partition;
            let report = one(&source, &mirror, &pair).await;
            let report = report.with_context(|| format!("{}, partition {partition}", wanted.topic))?;
            found.push(Found { topic: wanted.topic.clone(), partition, report });
        }
    }
    Ok(found)
}

/// One partition, with a bar on the terminal; nothing of it is to be seen elsewhere.
async fn one(source: &Arc<Cluster>, mirror: &Arc<Cluster>, pair: &Pair) -> anyhow::Result<Report> {
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(BAR)?);
    bar.set_prefix(pair.mirror.to_string());
    let mut start = None;
    let compared = verify(source, mirror, pair, |position, end| {
        let start = *start.get_or_insert(position);
        let count = |offset: i64| u64::try_from(offset.saturating_sub(start)).unwrap_or_default();
        bar.set_length(count(end));
        bar.set_position(count(position));
    });
    let report = compared.await?;
    bar.finish_and_clear();
    Ok(report)
}

/// Offsets, since records are not counted anywhere.
const BAR: &str = "{prefix} {wide_bar} {human_pos}/{human_len} offsets, {per_sec}, {eta} left";

fn cluster(config: &Config, name: &ClusterName) -> anyhow::Result<Arc<Cluster>> {
    let cluster = config.cluster(name).with_context(|| format!("there is no cluster `{name}`"))?;
    Ok(Arc::new(Cluster::new(cluster.endpoints(), cluster.connect_options(CLIENT_ID)?)))
}

fn table(out: &mut impl Write, found: &[Found]) -> io::Result<()> {
    let widest = found.iter().map(|found| found.topic.as_str().len()).max().unwrap_or_default().max(5);
    writeln!(out, "{:widest$}  PARTITION  {:>24}  {:>12}  VERDICT", "TOPIC", "OFFSETS", "RECORDS")?;
    for Found { topic, partition, report } in found {
        let offsets = format!("{}..{}", report.offsets.start, report.offsets.end);
        let (topic, records, verdict) = (topic.as_str(), report.same, &report.verdict);
        writeln!(out, "{topic:widest$}  {partition:>9}  {offsets:>24}  {records:>12}  {verdict}")?;
    }
    Ok(())
}

impl Found {
    fn json(&self) -> Value {
        let Self { topic, partition, report } = self;
        let verdict = match &report.verdict {
            Verdict::Exact => json!({"name": "EXACT"}),
            Verdict::ExactWithFillers(fillers) => json!({"name": "EXACT_WITH_FILLERS", "fillers": fillers}),
            Verdict::Shifted(by) => json!({"name": "SHIFTED", "by": by}),
            Verdict::Diverged(range) => json!({"name": "DIVERGED", "start": range.start, "end": range.end}),
        };
        json!({
            "topic": topic.as_str(),
            "partition": partition,
            "start": report.offsets.start,
            "end": report.offsets.end,
            "records": report.same,
            "fillers": report.fillers,
            "markers": report.markers,
            "cleaned_source": report.cleaned_source,
            "cleaned_mirror": report.cleaned_mirror,
            "source_digest": format!("{:032x}", report.source_digest),
            "mirror_digest": format!("{:032x}", report.mirror_digest),
            "verdict": verdict,
        })
    }
}
