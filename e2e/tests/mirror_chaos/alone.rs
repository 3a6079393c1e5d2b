//! Workers that are alone, each with a store of its own; several links between the same clusters.

use tidegate_e2e::dice::Dice;
use tidegate_e2e::jars::Version::{V3_9_1, V4_1_1};
use tidegate_e2e::scale::scale;

use crate::mirrored::Event::{Kills, LongStop, ShortStop};
use crate::mirrored::Mirrored;
use crate::round::{Round, happen};
use crate::site::{Kind, Site};
use crate::tally::report;
use crate::weather::Weather;
use crate::writer::Writer;

const LINKS: [Kind; 4] = [
    Kind { gaps: "MARKERS", workers: 1, partitions: 2 },
    Kind { gaps: "RECORDS", workers: 1, partitions: 1 },
    Kind { gaps: "MARKERS", workers: 1, partitions: 1 },
    Kind { gaps: "MARKERS", workers: 1, partitions: 1 },
];

#[test]
fn a_worker_that_is_alone_loses_and_doubles_nothing() {
    let chapters: usize = scale().unwrap();
    let mut dice = Dice::throw().unwrap();
    let versions = *dice.pick(&[[V4_1_1, V3_9_1], [V3_9_1, V4_1_1]]);
    let mut site = Site::start(versions, dice);
    let mut writer = Writer::new(site.dice.part(), 0);
    let mut mirrors: Vec<_> = LINKS.into_iter().map(|kind| site.mirrored(kind)).collect();
    for mirrored in &mirrors {
        writer.add(&mut site.source, &mirrored.topic, mirrored.kind.partitions);
    }
    mirrors.iter().for_each(Mirrored::until_active);
    for chapter in 0..chapters {
        let stop = *site.dice.pick(&[ShortStop, LongStop]);
        let mut events = vec![Kills(3), Kills(3), Kills(2), stop];
        site.dice.shuffle(&mut events);
        let weather = *site.dice.pick(&[Weather::CALM, Weather::SLOW]);
        let round = Round { events, broker: chapter % 2 == 0, weather };
        happen(&mut site, &mut mirrors, &mut writer, &round);
        let round = Round { events: Vec::new(), broker: false, weather: Weather::STORM };
        happen(&mut site, &mut mirrors, &mut writer, &round);
    }
    report(&format!("One worker each, from Kafka {} to {}", versions[0], versions[1]), &site);
}
