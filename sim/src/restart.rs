//! What a leader loses: by a restart, by a kill, by an election of a replica that had less.

use crate::broker::Broker;
use crate::partition::Partition;
use crate::settings::Version;
use crate::topics::Place;

/// How a broker ends before it starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// In order: everything is written down.
    Clean,
    /// By a kill: starts that were moved of late come back.
    Killed,
}

impl Broker {
    /// Ends and starts again, in no time. Producers that are due are forgotten without waiting for a check.
    pub fn restart(&mut self, how: Restart) {
        // A broker of 3.9 that was killed comes back before anybody has missed it.
        let is_missed = how == Restart::Clean || self.settings.version == Version::V4_1;
        for partition in self.partitions_mut() {
            match how {
                Restart::Clean => partition.log.checkpoint(),
                Restart::Killed => partition.log.forget_start(),
            }
            if is_missed {
                partition.lead_again();
            }
        }
        if is_missed {
            self.coordinator.epoch += 2;
        }
        self.forget_producers();
        self.start_over();
    }

    /// A replica leads that has nothing from `end` on (an unclean election, or a machine that lost its power). What was written
    /// there and who wrote it is not known to it.
    pub fn lose_tail(&mut self, place: &Place, end: i64) {
        let Some((_, partition)) = self.partition_mut(place) else { return };
        partition.log.cut(end);
        partition.remember_from_log();
        let end = partition.log.end();
        partition.log.epochs.raise(end);
        partition.replicate();
        self.forget_producers();
    }
}

impl Partition {
    /// The leader is taken from it and given back, each with an epoch; real ones do both at once now and then.
    fn lead_again(&mut self) {
        let end = self.log.end();
        self.log.epochs.raise(end);
        self.log.epochs.raise(end);
    }
}

#[cfg(test)]
mod tests {
    use tidegate_wire::error_code::ErrorCode;

    use crate::draft::Draft;
    use crate::settings::{DAY_MS, Settings};
    use crate::{EpochEnd, Fetch, Produce, TopicConfig};

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    fn broker(version: Version) -> (Broker, Place) {
        let mut broker = Broker::new(Settings::of(version), NOW);
        broker.create_topic("t", 1, TopicConfig::of(version));
        (broker, Place::new("t", 0))
    }

    fn guarded(sequence: i32, timestamp: i64) -> Produce {
        Produce::of(Draft::of(2, timestamp).by(7, 0, sequence).bytes())
    }

    #[test]
    fn only_a_kill_brings_an_old_start_back() {
        for (how, expected) in [(Restart::Clean, 2), (Restart::Killed, 0)] {
            let (mut broker, place) = broker(Version::V4_1);
            broker.produce(&place, &guarded(0, NOW));
            broker.delete_records(&place, -1);
            broker.restart(how);
            assert_eq!(broker.partition(&place).unwrap().log().start(), expected);
        }
    }

    #[test]
    fn who_wrote_young_records_is_known_after_it() {
        let (mut broker, place) = broker(Version::V3_9);
        broker.produce(&place, &guarded(0, NOW));
        broker.restart(Restart::Killed);
        assert_eq!(broker.produce(&place, &guarded(0, NOW)).base_offset, 0);
        broker.produce(&place, &guarded(2, NOW - DAY_MS));
        broker.restart(Restart::Killed);
        assert_eq!(broker.produce(&place, &guarded(2, NOW)).base_offset, 4, "appended again");
    }

    #[test]
    fn a_kill_does_not_raise_epochs_in_3_9() {
        for (version, how, expected) in [
            (Version::V4_1, Restart::Killed, 2),
            (Version::V4_1, Restart::Clean, 2),
            (Version::V3_9, Restart::Killed, 0),
            (Version::V3_9, Restart::Clean, 2),
        ] {
            let (mut broker, place) = broker(version);
            broker.restart(how);
            assert_eq!(broker.partition(&place).unwrap().log().leader_epoch(), expected);
        }
    }

    #[test]
    fn a_lost_tail_is_seen_by_its_epoch_and_its_producers_are_not_known() {
        let (mut broker, place) = broker(Version::V3_9);
        broker.produce(&place, &guarded(0, NOW));
        broker.produce(&place, &guarded(2, NOW));
        broker.lose_tail(&place, 3);
        assert_eq!(
            broker.produce(&place, &guarded(4, NOW)).error_code,
            ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
        );
        assert_eq!(broker.produce(&place, &guarded(2, NOW)).base_offset, 2);
        let fetched = broker.fetch(&place, &Fetch { last_epoch: Some(0), ..Fetch::from(4) });
        assert_eq!(fetched.diverging, Some(EpochEnd { epoch: 0, end_offset: 2 }));
    }
}
