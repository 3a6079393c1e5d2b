//! How long a partition waits after trouble.

use super::Job;

/// By then the longest pause is reached, whatever it is.
const MOST_DOUBLED: u32 = 40;

/// Into so many steps a pause is divided.
const STEPS: i64 = 1 << 10;

/// How long to wait after so many failures, in milliseconds: the longer the more there were, and never as long as all others that the
/// same trouble has hit.
pub(super) fn pause(job: &Job, failures: u32) -> i64 {
    let limits = &job.limits;
    let factor = 1_i64.checked_shl(failures.min(MOST_DOUBLED)).unwrap_or(i64::MAX);
    let longest = limits.rest_ms.saturating_mul(factor).min(limits.longest_rest_ms);
    let less = longest / 2;
    longest - less / STEPS * step(job, failures) - less % STEPS * step(job, failures) / STEPS
}

/// One of the steps, as by dice: a machine has none, but no other partition has its producer id.
fn step(job: &Job, failures: u32) -> i64 {
    // The end of SplitMix64: each bit of the seed changes about half of the bits.
    let mut thrown = job.producer_id.cast_unsigned().wrapping_add(u64::from(failures) << 32);
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb), (31, 1)] {
        thrown = (thrown ^ (thrown >> shift)).wrapping_mul(factor);
    }
    i64::try_from(thrown % STEPS.cast_unsigned()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tidegate_wire::filler::Kind;

    use super::*;
    use crate::copy::CopyLimits;

    fn job(producer_id: i64) -> Job {
        Job {
            producer_id,
            marker_id: 0,
            marker_epoch: None,
            fillers: Kind::Plain,
            compacted: false,
            producer_expiration_ms: 0,
            limits: CopyLimits::default(),
        }
    }

    #[test]
    fn pauses_double_until_they_are_the_longest() {
        for (failures, longest) in
            [(0, 100), (1, 200), (4, 1_600), (7, 10_000), (40, 10_000), (u32::MAX, 10_000)]
        {
            let pause = pause(&job(1 << 62), failures);
            assert!(pause > longest / 2 && pause <= longest, "{pause} ms after {failures}");
        }
        let limits = CopyLimits { rest_ms: i64::MAX, longest_rest_ms: i64::MAX, ..CopyLimits::default() };
        assert!(pause(&Job { limits, ..job(-1) }, 3) > i64::MAX / 2);
    }

    #[test]
    fn partitions_of_one_trouble_come_back_one_by_one() {
        // Of 1,000 partitions, how many come back within the same 100 of 5,000 ms.
        let mut slots = [0; 50];
        for producer_id in (1 << 62)..(1 << 62) + 1_000 {
            let slot = (pause(&job(producer_id), 9) - 5_001) / 100;
            slots[usize::try_from(slot).unwrap()] += 1;
        }
        assert!(slots.iter().all(|count| (5..50).contains(count)), "{slots:?}");
        let of_one: BTreeSet<_> = (9..19).map(|failures| pause(&job(1 << 62), failures)).collect();
        assert!(of_one.len() > 5, "{of_one:?}");
    }

    #[test]
    fn the_same_trouble_has_the_same_pause() {
        assert_eq!(pause(&job(77), 5), pause(&job(77), 5));
    }
}
