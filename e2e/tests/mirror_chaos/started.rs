//! A mirror that begins where its source does, far from 0: a broker that is killed forgets that records were deleted.

use tidegate_sim::table::Subject;
use tidegate_sim::{Ask, Draft, Place, Produce};

use crate::judge;
use crate::mirrored::Mirrored;
use crate::site::{Kind, Site, kill_broker, until_or};

const LINK: Kind = Kind { gaps: "MARKERS", workers: 1, partitions: 1 };

/// How a worker comes to look at the log again.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// It is killed.
    Killed,
    /// There is something to append.
    Appends,
    /// There is nothing to do for it.
    Rests,
}

/// Deletions that a kill of the broker has undone are repeated, at so many kills.
pub(crate) fn is_noticed(site: &mut Site, kills: usize) {
    let topic = site.source.kafka.create_topic(1).unwrap().name;
    let place = Place::new(&topic, 0);
    let start = begin(site, &place);
    let mut mirrored = Mirrored::start(site, topic, LINK);
    let mut all = [Then::Killed, Then::Appends, Then::Rests];
    site.dice.shuffle(&mut all);
    for then in all.into_iter().take(kills) {
        until_begun(site, &mirrored, &place, start);
        judge::is_exact(site, &mut mirrored);
        // Nobody is to repeat it before it was looked at.
        mirrored.signal("STOP");
        kill_broker(&mut site.mirror, &site.tally);
        let undone = site.mirror.list_offsets(&place, Ask::Start).offset < start;
        println!("{then:?}: undone: {undone}");
        site.tally.starts_undone.add(u64::from(undone));
        match then {
            Then::Killed => mirrored.kill_all(&site.tally),
            Then::Appends => {
                write(site, &place, 3);
                mirrored.signal("CONT");
            }
            Then::Rests => mirrored.signal("CONT"),
        }
        until_begun(site, &mirrored, &place, start);
        site.tally.starts_repeated.add(u64::from(undone));
    }
    write(site, &place, 5);
    judge::is_exact(site, &mut mirrored);
    assert!(site.tally.starts_undone.get() > 0, "no deletion was undone: nothing was shown");
}

/// A log that begins inside of a batch; where.
fn begin(site: &mut Site, place: &Place) -> i64 {
    (0..5).for_each(|_| write(site, place, 1_234));
    write(site, place, 8);
    let start = site.source_end(place) - 3;
    let (code, begins) = site.source.delete_records(place, start);
    assert!(code.is_none() && begins == start);
    start
}

fn until_begun(site: &mut Site, mirrored: &Mirrored, place: &Place, start: i64) {
    until_or(
        || site.mirror.list_offsets(place, Ask::Start).offset == start,
        || panic!("the mirror does not begin at {start}: {:#?}\n{}", mirrored.told(), mirrored.logs()),
    );
}

fn write(site: &mut Site, place: &Place, count: usize) {
    let draft = Draft::of(count, site.source.now()).keyed().zstd();
    let answers = site.source.produce(&[(place.clone(), Produce::of(draft.bytes()))]);
    assert!(answers[0].1.error_code.is_none(), "{answers:?}");
}
