//! Something befalls workers, the broker and the way between them, while somebody writes to the source.

use std::thread;
use std::time::Duration;

use crate::judge;
use crate::mirrored::{Event, Mirrored};
use crate::site::{Site, kill_broker};
use crate::weather::Weather;
use crate::writer::Writer;

/// What happens at once.
#[derive(Debug)]
pub(crate) struct Round {
    /// To each of the mirrors.
    pub(crate) events: Vec<Event>,
    pub(crate) broker: bool,
    pub(crate) weather: Weather,
}

/// How long the weather lasts where nothing else happens.
const SHORT: Duration = Duration::from_secs(3);
/// Within this the broker is killed.
const BROKER: Duration = Duration::from_secs(4);

/// Lets it happen, waits until everything is in order again, and compares.
pub(crate) fn happen(site: &mut Site, mirrors: &mut [Mirrored], writer: &mut Writer, round: &Round) {
    let begin = std::time::Instant::now();
    site.proxy.set(round.weather);
    let Site { source, mirror, tally, dice, .. } = &mut *site;
    let tally = &*tally;
    thread::scope(|scope| {
        let mut acts = vec![scope.spawn(|| thread::sleep(SHORT))];
        for (mirrored, event) in mirrors.iter_mut().zip(&round.events) {
            let dice = dice.part();
            acts.push(scope.spawn(move || mirrored.suffer(*event, dice, tally)));
        }
        if round.broker {
            let pause = dice.pause(BROKER);
            acts.push(scope.spawn(move || {
                thread::sleep(pause);
                kill_broker(mirror, tally);
            }));
        }
        writer.write_while(source, || acts.iter().any(|act| !act.is_finished()));
    });
    site.proxy.set(Weather::CALM);
    site.wait_for_late_requests();
    let happened = begin.elapsed();
    // Whoever has only rested until now finds out what has become of its log.
    writer.write(&mut site.source, 10 * mirrors.len());
    writer.rest(&mut site.source);
    for mirrored in mirrors {
        mirrored.manage(&site.tally);
        judge::is_exact(site, mirrored);
    }
    println!("{round:?} took {happened:?}, compared after {:?}", begin.elapsed());
}
