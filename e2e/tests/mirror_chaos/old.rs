//! Records of a month ago, of which no broker knows the producer any more.

use std::thread;
use std::time::{Duration, Instant};

use tidegate_e2e::dice::Dice;
use tidegate_e2e::jars::Version::{V3_9_1, V4_1_1};
use tidegate_e2e::scale::scale;
use tidegate_sim::table::Subject;
use tidegate_sim::{Ask, Place};

use crate::judge;
use crate::mirrored::Mirrored;
use crate::site::{Kind, Site, kill_broker, until, until_or};
use crate::started;
use crate::tally::report;
use crate::weather::{Trouble, Weather};
use crate::writer::Writer;

const AGE_MS: i64 = 30 * 86_400_000;

/// The weather gets better after this, however far the mirror has come.
const MOST: Duration = Duration::from_secs(10);

/// Of which records are made up that are there when the mirror is begun.
const STEPS: usize = 400;

/// Every ten minutes by default: a broker goes on guarding until then.
const FORGETS: [(&str, i64); 1] = [("producer.id.expiration.check.interval.ms", 300)];

/// While the broker is killed once.
const WEATHER: [Weather; 3] = [
    Weather { troubles: &[Trouble::ChangeLate], percent: 6 },
    Weather { troubles: &[Trouble::Slow, Trouble::Cut, Trouble::Unanswered], percent: 8 },
    Weather { troubles: &[Trouble::Slow, Trouble::Unanswered, Trouble::ChangeLate], percent: 8 },
];

#[test]
fn a_back_fill_of_old_records_is_exact_or_says_where_it_is_not() {
    let back_fills: usize = scale().unwrap();
    let mut dice = Dice::throw().unwrap();
    let versions = *dice.pick(&[[V4_1_1, V3_9_1], [V3_9_1, V4_1_1]]);
    let mut site = Site::start_with(versions, dice, &FORGETS);
    started::is_noticed(&mut site, back_fills);
    for number in 0..back_fills {
        let weather =
            if back_fills == 1 { *site.dice.pick(&WEATHER) } else { WEATHER[number % WEATHER.len()] };
        back_fill(&mut site, weather);
    }
    report(&format!("Old records, from Kafka {} to {}", versions[0], versions[1]), &site);
}

fn back_fill(site: &mut Site, weather: Weather) {
    let kind = Kind { gaps: site.dice.pick::<&str>(&["MARKERS", "RECORDS"]), workers: 1, partitions: 1 };
    let mut writer = Writer::new(site.dice.part(), AGE_MS);
    let topic = site.old_topic();
    writer.add(&mut site.source, &topic, 1);
    writer.write(&mut site.source, STEPS);
    writer.rest(&mut site.source);
    let place = Place::new(&topic, 0);
    site.proxy.set(weather);
    let mut mirrored = Mirrored::start(site, topic, kind);
    let goal = site.source_end(&place) / 20;
    until_or(
        || site.mirror.list_offsets(&place, Ask::LogEnd).offset > goal || mirrored.is_failed().is_some(),
        || panic!("it does not begin: {:?}\n{}", mirrored.told(), mirrored.logs()),
    );
    thread::sleep(site.dice.pause(Duration::from_millis(4_000)));
    let end = site.mirror.list_offsets(&place, Ask::LogEnd).offset;
    kill_broker(&mut site.mirror, &site.tally);
    println!("killed at {end} of {}, {weather:?}", site.source_end(&place));
    // Some of the weather comes after it.
    let (goal, begin) = (site.source_end(&place) / 5 * 4, Instant::now());
    until("most of it is there", || {
        let end = site.mirror.list_offsets(&place, Ask::LogEnd).offset;
        end > goal || begin.elapsed() > MOST || mirrored.is_failed().is_some()
    });
    site.proxy.set(Weather::CALM);
    site.wait_for_late_requests();
    writer.write(&mut site.source, 20);
    writer.rest(&mut site.source);
    judge::is_exact_or_says_so(site, &mut mirrored);
}
