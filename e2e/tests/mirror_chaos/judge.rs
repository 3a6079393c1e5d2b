//! Whether a mirror is what its source is.

use serde_json::Value;
use tidegate_e2e::asked::shown_from;
use tidegate_sim::table::Subject;
use tidegate_sim::{Ask, Place};

use crate::mirrored::Mirrored;
use crate::site::{Site, until_or};

/// Waits until a mirror ends where its source does, and holds both against each other, record by record: all of it by
/// `tidegate mirror verify`, and what is new in a partition by what kcat shows.
pub(crate) fn is_exact(site: &mut Site, mirrored: &mut Mirrored) {
    for place in mirrored.places() {
        let end = site.source_end(&place);
        until_or(
            || site.mirror.list_offsets(&place, Ask::StableEnd).offset == end,
            || panic!("{place:?} does not come to {end}: {:#?}\n{}", mirrored.told(), mirrored.logs()),
        );
        for spot in [Ask::Start, Ask::LogEnd] {
            let [from, to] =
                [&mut site.source, &mut site.mirror].map(|broker| broker.list_offsets(&place, spot));
            assert_eq!(from.offset, to.offset, "{spot:?} of {place:?}");
        }
    }
    mirrored.until_active();
    for found in verdicts(mirrored) {
        let name = found["verdict"]["name"].as_str().unwrap();
        let is_exact = name == "EXACT" || (name == "EXACT_WITH_FILLERS" && mirrored.kind.gaps == "RECORDS");
        assert!(is_exact, "{found}\n{:#?}\n{}", mirrored.told(), mirrored.logs());
        site.tally.compared.add(1);
        site.tally.exact.add(1);
        site.tally.records.add(found["records"].as_u64().unwrap());
    }
    let place = site.dice.below(mirrored.compared.len());
    is_shown_alike(site, mirrored, place);
}

/// What the daemon's own comparison says of each partition.
pub(crate) fn verdicts(mirrored: &Mirrored) -> Vec<Value> {
    let (_, found) = mirrored.home().verify("a-to-b").unwrap();
    assert_eq!(found.len(), mirrored.compared.len(), "{found:?}");
    found
}

/// What kcat shows of a partition, from where it was asked last.
pub(crate) fn is_shown_alike(site: &mut Site, mirrored: &mut Mirrored, partition: usize) {
    let place = Place::new(&mirrored.topic, i32::try_from(partition).unwrap());
    let start = site.source.list_offsets(&place, Ask::Start).offset.max(mirrored.compared[partition]);
    let [from, mut to] = [&site.source, &site.mirror].map(|broker| shown_from(broker, &place, start));
    for (offset, record) in &from {
        assert_eq!(to.remove(offset).as_ref(), Some(record), "{place:?} at {offset}");
    }
    let is_filler = |record: &Value| record[1].is_null() && record[2].is_null();
    let may_be_seen = mirrored.kind.gaps == "RECORDS" || to.is_empty();
    assert!(may_be_seen && to.values().all(is_filler), "{place:?} has more than its source: {to:?}");
    site.tally.shown.add(from.len() as u64);
    mirrored.compared[partition] = site.source_end(&place);
}

/// As [`is_exact`], or the mirror has said by itself that it is not, and where; then it does differ, from there on. Whether it is exact.
pub(crate) fn is_exact_or_says_so(site: &mut Site, mirrored: &mut Mirrored) -> bool {
    let place = Place::new(&mirrored.topic, 0);
    let end = site.source_end(&place);
    until_or(
        || mirrored.is_failed().is_some() || site.mirror.list_offsets(&place, Ask::LogEnd).offset == end,
        || panic!("neither at the end nor FAILED: {:#?}\n{}", mirrored.told(), mirrored.logs()),
    );
    let Some(why) = mirrored.is_failed() else {
        is_exact(site, mirrored);
        return true;
    };
    let said = offset_in(&why).unwrap_or_else(|| panic!("no offset: {why}"));
    let verdict = &verdicts(mirrored)[0]["verdict"];
    println!("FAILED: {why}; {verdict}");
    let differs = match verdict["name"].as_str().unwrap() {
        // What was appended where it should not lies right there, or behind what is the same by chance.
        "DIVERGED" if why.contains("belongs at") => verdict["start"].as_i64().unwrap() >= said,
        "DIVERGED" => verdict["start"].as_i64().unwrap() <= said,
        "SHIFTED" => true,
        _ => false,
    };
    assert!(differs, "{why}\n{verdict}\n{}", mirrored.logs());
    site.tally.compared.add(1);
    site.tally.failed.add(1);
    false
}

/// The first one in the words of a failure.
fn offset_in(why: &str) -> Option<i64> {
    let behind = why.split("offset ").nth(1).or_else(|| why.split("offsets ").nth(1))?;
    behind.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}
