//! A broker in memory that answers as stock Kafka 4.1 and 3.9 were measured to: no threads, no clock, no network.
//!
//! One [`Broker`] stands for the leader of every partition. Time passes when it is told so ([`Broker::advance`]), and
//! whatever a broker does by itself (forgetting producers, checkpoints, retention) happens then. What befalls a cluster is
//! done to it from outside: a restart, a lost tail, a follower that stops, a cleaner that has run.
//!
//! [`table`] is a list of questions with the answers of real brokers. The simulated broker is asked all of them by the tests
//! of this crate, real ones by `e2e/tests/measured`.
//!
//! ```
//! use tidegate_sim::{Broker, Draft, Place, Produce, Settings, TopicConfig, Version};
//!
//! let mut broker = Broker::new(Settings::of(Version::V4_1), 1_700_000_000_000);
//! broker.create_topic("t", 1, TopicConfig::of(Version::V4_1));
//! let place = Place::new("t", 0);
//! let batch = Draft::of(3, broker.now()).by(1 << 62, 0, 0).bytes();
//! let first = broker.produce(&place, &Produce::of(batch.clone()));
//! let again = broker.produce(&place, &Produce::of(batch));
//! assert_eq!((first.base_offset, again.base_offset), (0, 0));
//! assert_eq!(broker.partition(&place).map(|partition| partition.log().end()), Some(3));
//! ```

#![forbid(unsafe_code)]

mod broker;
pub mod codes;
mod compaction;
mod config;
mod draft;
mod epochs;
mod fetch;
mod log;
mod markers;
mod offsets;
mod partition;
mod produce;
mod producers;
mod records;
mod restart;
mod retention;
mod settings;
pub mod table;
mod topics;
mod transactions;
mod validate;

pub use broker::Broker;
pub use config::{Cleanup, TimestampType, TopicConfig};
pub use draft::{Draft, Item};
pub use epochs::EpochEnd;
pub use fetch::{Fetch, Fetched};
pub use log::{Log, Stored};
pub use markers::{Marked, Marker};
pub use offsets::{Ask, Offset};
pub use partition::{Aborted, Partition};
pub use produce::{Answer, Produce};
pub use producers::{Appended, Known, Producers};
pub use restart::Restart;
pub use settings::{Settings, Version};
pub use topics::{Place, Topic};
pub use transactions::{Identity, Transactional};
