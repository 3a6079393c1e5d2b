//! Who is asked: a simulated broker, or a real one through a thin client.

use tidegate_wire::error_code::ErrorCode;

use crate::epochs::EpochEnd;
use crate::fetch::{Fetch, Fetched};
use crate::markers::{Marked, Marker};
use crate::offsets::{Ask, Offset};
use crate::produce::{Answer, Produce};
use crate::restart::Restart;
use crate::settings::Version;
use crate::topics::Place;
use crate::transactions::{Identity, Transactional};

/// A broker that can be asked. Nothing fails but with a code: a client that cannot go on panics.
pub trait Subject {
    /// Its release.
    fn version(&self) -> Version;
    /// The time.
    fn now(&self) -> i64;
    /// Lets time pass.
    fn wait(&mut self, milliseconds: i64);
    /// Makes a topic of one partition that was not there.
    fn create_topic(&mut self, configs: &[(&str, &str)]) -> Place;
    /// Sets one configuration of a topic, until it holds.
    fn set_config(&mut self, place: &Place, name: &str, value: &str);
    /// Sets `producer.id.expiration.ms`, until it holds.
    fn set_producer_expiration(&mut self, milliseconds: i64);
    /// Ends and starts it again, until it leads its partitions.
    fn restart(&mut self, how: Restart);
    /// Waits until the cleaner has come to `end`.
    fn clean(&mut self, place: &Place, end: i64);
    /// One Produce request.
    fn produce(&mut self, entries: &[(Place, Produce)]) -> Vec<(Place, Answer)>;
    /// Several Produce requests at once on one connection.
    fn produce_pipelined(&mut self, place: &Place, requests: &[Produce]) -> Vec<Answer>;
    /// DescribeProducers, by id.
    fn describe_producers(&mut self, place: &Place) -> Vec<Described>;
    /// ListOffsets.
    fn list_offsets(&mut self, place: &Place, ask: Ask) -> Offset;
    /// OffsetForLeaderEpoch, as this replica (-1 and -2 are clients).
    fn leader_epoch_end(
        &mut self,
        place: &Place,
        replica: i32,
        epoch: i32,
        leader_epoch: Option<i32>,
    ) -> (ErrorCode, EpochEnd);
    /// DeleteRecords.
    fn delete_records(&mut self, place: &Place, before: i64) -> (ErrorCode, i64);
    /// WriteTxnMarkers, by producer id and place; `None` if there is no answer within some seconds.
    fn write_markers(&mut self, markers: &[Marker]) -> Option<Vec<Marked>>;
    /// Fetch. Of aborted transactions only the producer and the first offset are told.
    fn fetch(&mut self, place: &Place, fetch: &Fetch) -> Fetched;
    /// InitProducerId.
    fn init_producer_id(&mut self, transactional_id: Option<&str>) -> Identity;
    /// AddPartitionsToTxn, version 3.
    fn add_to_transaction(&mut self, who: &Transactional, places: &[Place]) -> ErrorCode;
    /// EndTxn, until the transaction before is over.
    fn end_transaction(&mut self, version: i16, who: &Transactional, commit: bool) -> (ErrorCode, Identity);
}

/// A producer as DescribeProducers shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// Its id.
    pub producer_id: i64,
    /// Its epoch.
    pub epoch: i32,
    /// The sequence of its last record, or -1.
    pub last_sequence: i32,
    /// The greatest timestamp of its last batch, or the time of its last marker.
    pub last_timestamp: i64,
    /// The epoch of the coordinator of its last marker, or -1.
    pub coordinator_epoch: i32,
    /// The first offset of its open transaction, or -1.
    pub open: i64,
}
