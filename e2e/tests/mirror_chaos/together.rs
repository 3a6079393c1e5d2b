//! Two workers of one link, with a store in Kafka.

use tidegate_e2e::dice::Dice;
use tidegate_e2e::jars::Version::{V3_9_1, V4_1_1};
use tidegate_e2e::scale::scale;

use crate::mirrored::Event::{Kills, LongStop};
use crate::mirrored::Mirrored;
use crate::round::{Round, happen};
use crate::site::{Kind, Site};
use crate::tally::report;
use crate::weather::Weather;
use crate::writer::Writer;

const LINK: Kind = Kind { gaps: "MARKERS", workers: 2, partitions: 4 };

#[test]
fn workers_that_share_a_topic_lose_and_double_nothing() {
    let chapters: usize = scale().unwrap();
    let mut dice = Dice::throw().unwrap();
    // The other way around than workers that are alone with the same seed.
    let versions = *dice.pick(&[[V3_9_1, V4_1_1], [V4_1_1, V3_9_1]]);
    let mut site = Site::start(versions, dice);
    let mut writer = Writer::new(site.dice.part(), 0);
    let mut mirrors = [site.mirrored(LINK)];
    writer.add(&mut site.source, &mirrors[0].topic, LINK.partitions);
    mirrors.iter().for_each(Mirrored::until_active);
    for chapter in 0..chapters {
        // One takes over from another that is stopped, and goes on when that is not its any more.
        let weather = *site.dice.pick(&[Weather::CALM, Weather::SLOW]);
        let mut rounds = vec![
            Round { events: vec![LongStop], broker: false, weather },
            Round { events: vec![Kills(2)], broker: chapter % 2 == 0, weather: Weather::STORM },
        ];
        site.dice.shuffle(&mut rounds);
        rounds.iter().for_each(|round| happen(&mut site, &mut mirrors, &mut writer, round));
    }
    report(&format!("Two workers, from Kafka {} to {}", versions[0], versions[1]), &site);
}
