//! Inputs of the hot path, the same for the benches, the allocation test and the instruction count.
//!
//! They hold no clock and no chance: two runs see the same bytes.

mod fetch;
mod produce;
mod requests;

use std::str::FromStr;

use anyhow::bail;
use bytes::Bytes;

pub use fetch::FetchAnswer;
pub use produce::ProduceCall;
pub use requests::{Encoded, fetch, join_group, metadata};

/// How a message names its topics.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Naming {
    /// By name: Fetch 12, Produce 12.
    Names,
    /// By topic id: Fetch 17, Produce 13.
    Ids,
}

impl Naming {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Names, Self::Ids];

    /// The word for it in arguments and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Ids => "ids",
        }
    }

    /// The version of Fetch that stands for it.
    pub const fn fetch_version(self) -> i16 {
        match self {
            Self::Names => 12,
            Self::Ids => 17,
        }
    }

    /// The version of Produce that stands for it.
    pub const fn produce_version(self) -> i16 {
        match self {
            Self::Names => 12,
            Self::Ids => 13,
        }
    }
}

impl FromStr for Naming {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match Self::ALL.into_iter().find(|naming| naming.word() == word) {
            Some(naming) => Ok(naming),
            None => bail!("no naming is called {word}, only names and ids"),
        }
    }
}

/// How many topics there are, and how many partitions each of them has.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Topics.
    pub topics: usize,
    /// Partitions of each topic.
    pub partitions: usize,
}

impl Shape {
    /// One topic with all partitions.
    pub const fn one_topic(partitions: usize) -> Self {
        Self { topics: 1, partitions }
    }

    /// Every partition in a topic of its own.
    pub const fn topics(topics: usize) -> Self {
        Self { topics, partitions: 1 }
    }
}

/// Records of one partition. Nobody on the way looks inside, so they are only bytes.
fn records() -> Bytes {
    Bytes::from_static(&[b'r'; crate::batch::RECORD_BYTES])
}

fn backing_name(topic: usize) -> String {
    format!("acme-internal-orders-{topic:04}")
}

fn shown_name(topic: usize) -> String {
    format!("orders-{topic}")
}

fn backing_id(topic: usize) -> [u8; 16] {
    id(0xaa, topic)
}

fn shown_id(topic: usize) -> [u8; 16] {
    id(0xbb, topic)
}

fn id(fill: u8, topic: usize) -> [u8; 16] {
    let mut id = [fill; 16];
    for (place, byte) in id.iter_mut().zip(topic.to_be_bytes()) {
        *place = byte;
    }
    id
}
