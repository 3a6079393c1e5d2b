//! Who copies what: partitions shared out to workers.

use std::collections::{BTreeMap, BTreeSet};

/// Shares units (partitions of mirror topics, by any name) out to workers, each as many as any other or one more. A worker keeps
/// as many as it may of what it has, since whoever takes over a partition has to read its end first.
///
/// The same input gives the same output, whoever works it out. What no member has or what is no unit any more is of no account.
#[must_use]
pub fn assign(
    members: &BTreeMap<String, BTreeSet<String>>,
    units: &BTreeSet<String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut free = units.clone();
    let mut shares = kept(members, units, &mut free);
    for (member, quota) in quotas(&shares, units.len()) {
        let share = shares.entry(member).or_default();
        while share.len() > quota {
            free.extend(share.pop_last());
        }
    }
    for (member, quota) in quotas(&shares, units.len()) {
        let share = shares.entry(member).or_default();
        while share.len() < quota {
            let Some(unit) = free.pop_first() else { break };
            share.insert(unit);
        }
    }
    shares
}

/// What each member has and may have: of two that say they have the same, the first one has it.
fn kept(
    members: &BTreeMap<String, BTreeSet<String>>,
    units: &BTreeSet<String>,
    free: &mut BTreeSet<String>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut shares = BTreeMap::new();
    for (member, has) in members {
        let keeps = has.iter().filter(|unit| units.contains(*unit) && free.remove(*unit)).cloned();
        shares.insert(member.clone(), keeps.collect());
    }
    shares
}

/// How many each member gets. Those that have most are the ones that get one more.
fn quotas(shares: &BTreeMap<String, BTreeSet<String>>, units: usize) -> Vec<(String, usize)> {
    let mut members: Vec<_> = shares.iter().map(|(member, share)| (share.len(), member.clone())).collect();
    members.sort_by(|(one, first), (other, second)| other.cmp(one).then_with(|| first.cmp(second)));
    let (Some(each), Some(more)) = (units.checked_div(members.len()), units.checked_rem(members.len()))
    else {
        return Vec::new();
    };
    let quota = |(place, (_, member))| (member, each + usize::from(place < more));
    members.into_iter().enumerate().map(quota).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(units: &[&str]) -> BTreeSet<String> {
        units.iter().map(|unit| (*unit).to_owned()).collect()
    }

    #[test]
    fn a_worker_that_comes_takes_its_part_and_the_others_keep_the_rest() {
        let units = set(&["a", "b", "c", "d", "e"]);
        let alone = assign(&BTreeMap::from([("one".to_owned(), set(&[]))]), &units);
        assert_eq!(alone["one"], units);
        let mut members = alone;
        members.insert("two".to_owned(), set(&[]));
        let both = assign(&members, &units);
        assert_eq!((&both["one"], &both["two"]), (&set(&["a", "b", "c"]), &set(&["d", "e"])));
        let back = assign(&BTreeMap::from([("two".to_owned(), both["two"].clone())]), &units);
        assert_eq!(back["two"], units);
    }

    #[test]
    fn nobody_gets_nothing_to_do() {
        assert!(assign(&BTreeMap::new(), &set(&["a"])).is_empty());
        let idle = assign(&BTreeMap::from([("one".to_owned(), set(&["gone"]))]), &set(&[]));
        assert_eq!(idle["one"], set(&[]));
    }

    proptest! {
        #[test]
        fn every_unit_has_one_worker_and_shares_are_even(
            has in proptest::collection::btree_map("[a-f]", proptest::collection::btree_set("[a-z]", 0..20), 1..6),
            units in proptest::collection::btree_set("[a-z]", 0..26),
        ) {
            let shares = assign(&has, &units);
            let all: Vec<_> = shares.values().flatten().cloned().collect();
            prop_assert_eq!(all.len(), units.len());
            prop_assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), units.clone());
            let sizes: Vec<_> = shares.values().map(BTreeSet::len).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            prop_assert_eq!(assign(&shares, &units), shares, "what is even stays as it is");
        }
    }
}
