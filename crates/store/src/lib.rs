//! Where an installation's records and facts are kept.
//!
//! | store | records | facts | for |
//! |---|---|---|---|
//! | [`MemoryStore`] | as long as the process | `tidegate_core::MemoryFacts` | tests, embedding without state |
//! | [`SqliteStore`] | one file with one owner | the same file | one gateway, or a gateway and its mirror in one process |
//! | [`KafkaStore`] | a compacted topic of the user's own Kafka | [`KafkaFacts`], a second topic | any number of replicas |
//!
//! What is acknowledged survives a crash and a loss of power, and changes that wait together are written together.

#![forbid(unsafe_code)]

mod kafka;
mod memory;
mod published;
mod random;
mod sqlite;

pub use kafka::{KafkaFacts, KafkaStore, KafkaStoreError, KafkaStoreOptions};
pub use memory::MemoryStore;
pub use sqlite::{OpenError, SqliteStore};
