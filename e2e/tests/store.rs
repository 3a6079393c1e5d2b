//! A store whose process is killed while it writes: what was acknowledged is there, and nothing is half there.
//!
//! The writer is this program again. It moves one coin after another from one record to another and says so only when the
//! store has; then it is killed at a random moment, and the file or the topic is opened by somebody else.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tidegate_client::Security;
use tidegate_core::RootKey;
use tidegate_core::store::{Body, Change, Image, RecordKey, Store, StoreKeys};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::Kafka;
use tidegate_e2e::random;
use tidegate_e2e::scale::scale;
use tidegate_store::{KafkaStore, KafkaStoreOptions, SqliteStore};
use tokio::runtime::Runtime;

/// Kills in `cargo xtask test`; the bar is a hundred.
const KILLS: u32 = 5;

/// A kill comes after at most so many milliseconds, enough for hundreds of changes. The moment is what the machine makes of
/// it, so a seed would promise too much.
const LONGEST_MS: u16 = 300;

/// How long a writer may take to open its file and to make a change.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a writer says when it has.
const OPENED: &str = "opened";

/// What it says of each change that it has made, with the number of it.
const ACKNOWLEDGED: &str = "acknowledged ";

/// Where the writer writes; its presence makes this program one.
const WRITER: &str = "TIDEGATE_STORE_WRITER";

/// Where the store is.
#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    /// Brokers and a topic.
    Topic(String, String),
}

const COINS: i64 = 1_000_000;

#[test]
fn what_a_killed_writer_acknowledged_is_there() -> Result<()> {
    if let Ok(place) = env::var(WRITER) {
        return write(&Place::parse(&place)?);
    }
    let folder = tempfile::tempdir()?;
    kill_again_and_again("SQLite, kill -9", &Place::File(folder.path().join("state.db")))
}

#[test]
fn what_a_killed_writer_acknowledged_is_in_kafka() -> Result<()> {
    let kafka = Kafka::builder(Version::V4_1_1).start()?;
    kill_again_and_again("Kafka, kill -9", &Place::Topic(kafka.bootstrap(), random::name("store.")))
}

fn kill_again_and_again(title: &str, place: &Place) -> Result<()> {
    let runtime = Runtime::new()?;
    let (mut acknowledged, mut in_flight) = (0, 0);
    let kills = KILLS * scale::<u32>()?;
    for kill in 0..kills {
        let after = Duration::from_millis(random::number(0, LONGEST_MS).into());
        // A machine that is busy may take longer than that for the first change: every other writer has made one before it is hit.
        let told = killed(place, if kill % 2 == 0 { ACKNOWLEDGED } else { OPENED }, after)?;
        let image = place.open(&runtime)?.image();
        let made = coins(&image, "counter/to")?;
        ensure!(coins(&image, "counter/from")? + made == COINS, "kill {kill}: half of a change was made");
        let told = told.unwrap_or(acknowledged);
        ensure!(made >= told, "kill {kill}: change {told} was acknowledged, and {made} are there");
        ensure!(made <= told + 1, "kill {kill}: {made} changes are there, and {told} were made");
        in_flight += u64::from(made > told);
        acknowledged = made;
    }
    ensure!(acknowledged >= i64::from(kills / 2), "{acknowledged} changes in {kills} rounds");
    let figures = json!([
        ["kills", kills],
        ["changes made", acknowledged],
        ["of them killed before they were acknowledged", in_flight]
    ]);
    println!("measured: {}", json!({"title": title, "all": "sum", "figures": figures}));
    Ok(())
}

impl Place {
    fn parse(text: &str) -> Result<Self> {
        match text.split_once('\n') {
            Some((bootstrap, topic)) => Ok(Self::Topic(bootstrap.to_owned(), topic.to_owned())),
            None => Ok(Self::File(PathBuf::from(text))),
        }
    }

    /// As [`Place::parse`] reads it.
    fn text(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Topic(bootstrap, topic) => format!("{bootstrap}\n{topic}"),
        }
    }

    fn open(&self, runtime: &Runtime) -> Result<Box<dyn Store>> {
        let keys = StoreKeys::new(&RootKey::from_bytes([1; 32]));
        match self {
            Self::File(path) => Ok(Box::new(SqliteStore::open(path, keys)?)),
            Self::Topic(bootstrap, topic) => {
                let brokers = bootstrap.split(',').map(str::parse).collect::<Result<_, _>>()?;
                let options = KafkaStoreOptions::new(brokers, Security::plaintext(), topic.as_str());
                Ok(Box::new(runtime.block_on(KafkaStore::open(options, keys))?))
            }
        }
    }
}

/// Lets a writer write and kills it some time after it has said a word; the last change that it acknowledged, if any.
fn killed(place: &Place, word: &'static str, after: Duration) -> Result<Option<i64>> {
    let mut writer = Command::new(env::current_exe()?)
        .args(["--exact", "what_a_killed_writer_acknowledged_is_there", "--nocapture"])
        .env(WRITER, place.text())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = writer.stdout.take().context("it has an output")?;
    let (said, is_said) = channel();
    let reader = thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let lines = lines.inspect(|line| {
            if line.starts_with(word) {
                // Who waits may have lost patience, or waits no more.
                let _ = said.send(());
            }
        });
        lines.filter_map(|line| line.strip_prefix(ACKNOWLEDGED)?.parse().ok()).last()
    });
    // A busy machine may take its time until then; it may end by itself, and then its output ends too.
    let _ = is_said.recv_timeout(PATIENCE);
    thread::sleep(after);
    writer.kill()?;
    writer.wait()?;
    Ok(reader.join().expect("the reader does not panic"))
}

/// The writer, until it is killed.
fn write(place: &Place) -> Result<()> {
    let runtime = Runtime::new()?;
    let store = place.open(&runtime)?;
    println!("{OPENED}");
    if store.image().is_empty() {
        let change =
            Change::new().create(key("counter/from"), number(COINS)).create(key("counter/to"), number(0));
        runtime.block_on(store.commit(change))?;
    }
    loop {
        let image = store.image();
        let (from, to) = (coins(&image, "counter/from")?, coins(&image, "counter/to")?);
        let [from_record, to_record] =
            ["counter/from", "counter/to"].map(|name| image.get(&key(name)).expect("both are there"));
        let change = Change::new().update(from_record, number(from - 1)).update(to_record, number(to + 1));
        runtime.block_on(store.commit(change))?;
        let mut output = std::io::stdout().lock();
        writeln!(output, "{ACKNOWLEDGED}{}", to + 1)?;
        output.flush()?;
    }
}

fn key(name: &str) -> RecordKey {
    RecordKey::parse(name).expect("it is a key")
}

fn number(n: i64) -> Body {
    Body::new(1, &n.to_string())
}

/// What a record says; a store that was killed before its first change has none.
fn coins(image: &Image, name: &str) -> Result<i64> {
    match image.get(&key(name)) {
        Some(record) => Ok(record.body.text().parse()?),
        None => Ok(if name == "counter/from" { COINS } else { 0 }),
    }
}
