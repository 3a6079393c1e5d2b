//! "Hidden" and "absent" look the same: each scenario is played again with a name of the same length that
//! exists nowhere in place of one that exists and is not the partner's.

use super::cases::{Played, Scenario};
use super::play::{Answer, Exchange};
use super::world::{self, World};

/// Something that exists outside the zone, and its twin that does not.
struct Pair {
    hidden: Vec<u8>,
    absent: Vec<u8>,
    /// How the two may be seen upstream and in the broker's answers.
    upstream: (Vec<u8>, Vec<u8>),
}

/// What tells hidden from absent in a scenario, and how many pairs were looked at.
pub(crate) fn differences(scenario: &Scenario, played: &Played) -> (Vec<String>, usize) {
    let mut different = Vec::new();
    let pairs: Vec<_> = pairs(&played.world)
        .into_iter()
        .filter(|pair| {
            let heard = played.exchange.broker.iter().take(played.broker.len());
            holds(&played.exchange.body, &pair.hidden)
                || heard.into_iter().any(|body| holds(body, &pair.upstream.0))
        })
        .collect();
    for pair in &pairs {
        let (from, to) = (&pair.upstream.0, &pair.upstream.1);
        let twin = scenario.clone().play_with(|exchange| Exchange {
            body: replaced(&exchange.body, &pair.hidden, &pair.absent),
            broker: exchange.broker.iter().map(|body| replaced(body, from, to)).collect(),
        });
        let upstream: Vec<_> = played.observed.upstream.iter().map(|body| replaced(body, from, to)).collect();
        let answer = match &played.observed.answer {
            Answer::Body(body) => Answer::Body(replaced(body, &pair.hidden, &pair.absent)),
            other => other.clone(),
        };
        let what = String::from_utf8_lossy(&pair.hidden).into_owned();
        if twin.observed.upstream != upstream {
            different.push(format!("{}: upstream sees whether {what} exists", scenario.place()));
        }
        if twin.observed.answer != answer {
            different.push(format!("{}: the answer tells whether {what} exists", scenario.place()));
        }
    }
    (different, pairs.len())
}

fn pairs(world: &World) -> Vec<Pair> {
    let other = world::other_prefix();
    let mut pairs = vec![
        pair(world::HIDDEN.into()),
        pair(format!("{other}billing").into()),
        pair(world::other_virtual_id().to_vec()),
    ];
    for (name, id) in world::all_real_ids() {
        // Upstream, the real id is there for the alias.
        pairs.push(Pair { upstream: (id.to_vec(), id.to_vec()), ..pair(id.to_vec()) });
        if name != world::HIDDEN && !world.aliases().any(|alias| alias == name) {
            // The backing name itself goes up for the alias; the client's one only as an absent name.
            let up = |name: &[u8]| [b"absent.", name].concat();
            let pair = pair(name.into());
            pairs.push(Pair { upstream: (up(&pair.hidden), up(&pair.absent)), ..pair });
        }
    }
    pairs
}

/// The twin is the next in order, as an answer may sort what it refuses.
fn pair(hidden: Vec<u8>) -> Pair {
    let mut absent = hidden.clone();
    *absent.last_mut().expect("a name has letters") ^= 1;
    Pair { upstream: (hidden.clone(), absent.clone()), hidden, absent }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at + from.len() <= out.len() {
        if out[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
            at += to.len();
        } else {
            at += 1;
        }
    }
    out
}
