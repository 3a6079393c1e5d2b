//! What happened to a source.

use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use tidegate_e2e::asked::Asked;
use tidegate_e2e::process;
use tidegate_sim::table::Subject;
use tidegate_sim::{Draft, Identity, Place, Produce, Transactional};

/// A kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    /// Batches of any size, compressed or not, keys and values that are not there.
    Plain,
    /// Transactions side by side, committed and given up, and who writes without any.
    Transactions,
    /// A cleaner has run.
    Compacted,
    /// The log begins inside of a batch, far from 0.
    Started,
    /// The broker's time is on the records.
    AppendTime,
    /// A stock producer writes with each codec in turn, keys and headers.
    Codecs,
}

/// Less than `max.message.bytes` by default.
const LARGE: usize = 900_000;

/// Records of a stock producer, and how long it may take.
const STOCK: usize = 500;
const STOCK_LIMIT: Duration = Duration::from_secs(60);

impl History {
    pub(crate) const ALL: [Self; 6] =
        [Self::Plain, Self::Transactions, Self::Compacted, Self::Started, Self::AppendTime, Self::Codecs];

    pub(crate) fn is_compacted(self) -> bool {
        self == Self::Compacted
    }

    fn configs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Compacted => &[
                ("cleanup.policy", "compact"),
                ("segment.ms", "100"),
                ("min.cleanable.dirty.ratio", "0.001"),
                ("delete.retention.ms", "0"),
            ],
            Self::AppendTime => &[("message.timestamp.type", "LogAppendTime")],
            _ => &[],
        }
    }

    pub(crate) fn write(self, source: &mut Asked) -> Place {
        let place = source.create_topic(self.configs());
        match self {
            Self::Plain => plain(source, &place),
            Self::Transactions => transactions(source, &place),
            Self::Compacted => compacted(source, &place),
            Self::Started => started(source, &place),
            Self::AppendTime => {
                (0..3).for_each(|count| append(source, &place, Draft::of(count + 2, 1_000).zstd()));
            }
            Self::Codecs => {
                ["gzip", "snappy", "lz4", "zstd", "none"]
                    .iter()
                    .for_each(|codec| stock(source, &place, codec));
            }
        }
        place
    }
}

/// Something new, behind what was copied.
pub(crate) fn write_more(source: &mut Asked, place: &Place) {
    for count in 1..4 {
        append(source, place, Draft::of(count, source.now()).keyed());
    }
}

fn append(source: &mut Asked, place: &Place, draft: Draft) {
    let answers = source.produce(&[(place.clone(), Produce::of(draft.bytes()))]);
    assert!(answers[0].1.error_code.is_none(), "{answers:?}");
}

fn plain(source: &mut Asked, place: &Place) {
    let now = source.now();
    for round in 0..40 {
        let draft = Draft::of(1 + round % 7, now - round as i64);
        append(source, place, if round % 3 == 0 { draft.zstd() } else { draft.keyed() });
    }
    let empty = Draft::holding([(None, None), (Some(Bytes::new()), Some(Bytes::new())), (None, None)], now);
    append(source, place, empty);
    let large = Bytes::from(vec![b'x'; LARGE]);
    append(source, place, Draft::holding([(Some(Bytes::from_static(b"large")), Some(large))], now));
    let sequences = (0..5).map(|round| Draft::of(3, now).by(7_000, 0, round * 3));
    sequences.for_each(|draft| append(source, place, draft));
}

/// librdkafka writes as it does by default, but that it is idempotent.
fn stock(source: &Asked, place: &Place, codec: &str) {
    let mut kcat = Command::new("kcat");
    kcat.args(["-b", &source.open_address().to_string(), "-P", "-t", &place.topic, "-K", ":", "-z", codec]);
    kcat.args(["-p", &place.partition.to_string(), "-H", &format!("codec={codec}"), "-H", "nothing"]);
    kcat.args(["-X", "enable.idempotence=true"]);
    let lines = (0..STOCK).map(|number| format!("{codec} {number}:{}\n", codec.repeat(number % 50)));
    let written = process::run_with_input(&kcat, STOCK_LIMIT, &lines.collect::<String>()).unwrap();
    assert!(written.status.success(), "{}", written.stderr);
}

fn transactions(source: &mut Asked, place: &Place) {
    let begin = |source: &mut Asked, id: &str| {
        let who = Transactional { identity: source.init_producer_id(Some(id)), id: id.to_owned() };
        source.add_to_transaction(&who, std::slice::from_ref(place));
        who
    };
    for round in 0..3 {
        let commits = begin(source, &format!("{}-commits-{round}", place.topic));
        let gives_up = begin(source, &format!("{}-gives-up-{round}", place.topic));
        for part in 0..3 {
            for who in [&commits, &gives_up] {
                let Identity { producer_id, epoch } = who.identity;
                let draft =
                    Draft::of(2, source.now()).keyed().transactional().by(producer_id, epoch, part * 2);
                let produce =
                    Produce { transactional_id: Some(who.id.clone()), ..Produce::of(draft.bytes()) };
                let answers = source.produce(&[(place.clone(), produce)]);
                assert!(answers[0].1.error_code.is_none(), "{answers:?}");
            }
            append(source, place, Draft::of(1, source.now()));
        }
        source.end_transaction(3, &gives_up, false);
        source.end_transaction(3, &commits, true);
    }
}

fn compacted(source: &mut Asked, place: &Place) {
    for round in 0..6 {
        let keys = (0..4).map(|key| {
            let key = Bytes::from(format!("key {}", (key + round) % 6));
            (Some(key), Some(Bytes::from(format!("value of round {round}"))))
        });
        let draft = Draft::holding(keys, source.now());
        append(source, place, if round % 2 == 0 { draft.zstd() } else { draft });
    }
    source.wait(150);
    // The cleaner leaves the segment that is written to alone: it begins here.
    append(source, place, Draft::of(1, source.now()).keyed());
    let end = source.list_offsets(place, tidegate_sim::Ask::LogEnd).offset;
    source.clean(place, end);
    // What it takes after this has been copied, the mirror would have and the source not.
    source.set_config(place, "min.compaction.lag.ms", &i64::MAX.to_string());
}

fn started(source: &mut Asked, place: &Place) {
    let now = source.now();
    for _ in 0..10 {
        append(source, place, Draft::of(1_234, now).zstd());
    }
    append(source, place, Draft::of(8, now));
    let end = source.list_offsets(place, tidegate_sim::Ask::LogEnd).offset;
    let (code, start) = source.delete_records(place, end - 3);
    assert!(code.is_none() && start == end - 3);
}
