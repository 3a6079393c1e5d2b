//! Where logs begin and end (ListOffsets, OffsetForLeaderEpoch), and moving the begin (DeleteRecords).

use tidegate_wire::error_code::ErrorCode;

use crate::broker::Broker;
use crate::codes::POLICY_VIOLATION;
use crate::epochs::EpochEnd;
use crate::topics::Place;

/// Which offset is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// The first one.
    Start,
    /// The end of what is on all replicas: what clients (replica -1) are told.
    HighWatermark,
    /// The end of what is committed: the same with read_committed.
    StableEnd,
    /// The end of the log: what replica -2 is told.
    LogEnd,
}

/// An offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// Why there is none, or 0.
    pub error_code: ErrorCode,
    /// It, or -1.
    pub offset: i64,
    /// The epoch of whoever led there, or -1.
    pub leader_epoch: i32,
}

impl Offset {
    const fn refused(error_code: ErrorCode) -> Self {
        Self { error_code, offset: -1, leader_epoch: -1 }
    }
}

impl Broker {
    /// Tells an offset.
    #[must_use]
    pub fn list_offsets(&self, place: &Place, ask: Ask) -> Offset {
        let Some(partition) = self.partition(place) else {
            return Offset::refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
        };
        let log = partition.log();
        let (offset, leader_epoch) = match ask {
            Ask::Start => (log.start(), log.epochs.at(log.start())),
            Ask::HighWatermark => (log.high_watermark(), log.leader_epoch()),
            Ask::StableEnd => (partition.stable_end(), log.leader_epoch()),
            Ask::LogEnd => (log.end(), log.leader_epoch()),
        };
        Offset { error_code: ErrorCode::NONE, offset, leader_epoch }
    }

    /// Tells the end of what the leader of an epoch wrote.
    #[must_use]
    pub fn leader_epoch_end(
        &self,
        place: &Place,
        epoch: i32,
        leader_epoch: Option<i32>,
    ) -> (ErrorCode, EpochEnd) {
        let Some(partition) = self.partition(place) else {
            return (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, EpochEnd::UNKNOWN);
        };
        match partition.led_by(leader_epoch) {
            Err(error) => (error, EpochEnd::UNKNOWN),
            Ok(()) => {
                let log = partition.log();
                (ErrorCode::NONE, log.epochs.end_of(epoch, log.start(), log.end()))
            }
        }
    }

    /// Deletes what lies before an offset, -1 for all; answers the new start, which a kill may undo.
    pub fn delete_records(&mut self, place: &Place, before: i64) -> (ErrorCode, i64) {
        let Some((terms, partition)) = self.partition_mut(place) else {
            return (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, -1);
        };
        if !terms.config.cleanup.deletes() {
            return (POLICY_VIOLATION, -1);
        }
        let high_watermark = partition.log.high_watermark();
        let before = if before == -1 { high_watermark } else { before };
        if !(0..=high_watermark).contains(&before) {
            return (ErrorCode::OFFSET_OUT_OF_RANGE, -1);
        }
        partition.log.begin_at(before);
        (ErrorCode::NONE, partition.log.start())
    }
}

#[cfg(test)]
mod tests {
    use crate::draft::Draft;
    use crate::settings::{MINUTE_MS, Settings, Version};
    use crate::{Produce, Restart, TopicConfig};

    use super::*;

    fn broker() -> (Broker, Place) {
        let mut broker = Broker::new(Settings::of(Version::V4_1), 0);
        broker.create_topic("t", 1, TopicConfig::of(Version::V4_1));
        let place = Place::new("t", 0);
        broker.produce(&place, &Produce::of(Draft::of(12, 0).bytes()));
        (broker, place)
    }

    #[test]
    fn replicas_are_told_of_more_than_clients() {
        let (mut broker, place) = broker();
        broker.stop_follower(&place, true);
        broker.produce(&place, &Produce::of(Draft::of(4, 0).bytes()));
        let ask = |ask| broker.list_offsets(&place, ask).offset;
        let asked = [Ask::Start, Ask::HighWatermark, Ask::StableEnd, Ask::LogEnd].map(ask);
        assert_eq!(asked, [0, 12, 12, 16]);
        let nowhere = broker.list_offsets(&Place::new("t", 1), Ask::Start);
        assert_eq!(nowhere, Offset::refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    }

    #[test]
    fn records_are_deleted_up_to_the_high_watermark() {
        let (mut broker, place) = broker();
        assert_eq!(broker.delete_records(&place, 13), (ErrorCode::OFFSET_OUT_OF_RANGE, -1));
        assert_eq!(broker.delete_records(&place, 5), (ErrorCode::NONE, 5));
        assert_eq!(broker.delete_records(&place, 3), (ErrorCode::NONE, 5));
        broker.set_config("t", "cleanup.policy", "compact");
        assert_eq!(broker.delete_records(&place, -1), (POLICY_VIOLATION, -1));
        broker.set_config("t", "cleanup.policy", "compact,delete");
        assert_eq!(broker.delete_records(&place, -1), (ErrorCode::NONE, 12));
    }

    #[test]
    fn a_start_that_was_moved_is_lost_by_a_kill_until_a_minute_has_passed() {
        let (mut broker, place) = broker();
        let start = |broker: &Broker| broker.list_offsets(&place, Ask::Start).offset;
        broker.delete_records(&place, 5);
        broker.advance(MINUTE_MS - 1);
        broker.restart(Restart::Killed);
        assert_eq!(start(&broker), 0);
        broker.delete_records(&place, 5);
        broker.advance(MINUTE_MS);
        broker.restart(Restart::Killed);
        assert_eq!(start(&broker), 5);
    }

    #[test]
    fn epochs_end_where_the_next_begins() {
        let (mut broker, place) = broker();
        broker.restart(Restart::Killed);
        broker.produce(&place, &Produce::of(Draft::of(1, 0).bytes()));
        let ask = |epoch| broker.leader_epoch_end(&place, epoch, None);
        assert_eq!(ask(0), (ErrorCode::NONE, EpochEnd { epoch: 0, end_offset: 12 }));
        assert_eq!(ask(1), ask(0), "it wrote nothing");
        assert_eq!(ask(2), (ErrorCode::NONE, EpochEnd { epoch: 2, end_offset: 13 }));
        assert_eq!(ask(3), (ErrorCode::NONE, EpochEnd::UNKNOWN));
        assert_eq!(broker.leader_epoch_end(&place, 0, Some(0)).0, ErrorCode::FENCED_LEADER_EPOCH);
    }
}
