//! Random changes, made in a store and in a value; what lasts is opened again now and then.

use tidegate_core::store::{Body, Change, Image, Kind, Record, Revision, Write};

use crate::cases::{Subject, key};

/// Changes in one run.
const CHANGES: u64 = 300;
/// Few names, so that they meet.
const NAMES: u64 = 6;
/// Opened again as often as this, of every so many changes.
const OPEN_EVERY: u64 = 40;

/// The store does what [`Image::with`] does.
pub(crate) async fn compare<S: Subject>(subject: &S) {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x7164_6567);
    println!("TIDEGATE_SEED={seed}");
    let mut random = Random(seed);
    let mut store = subject.open().await;
    let mut model = Image::default();
    for n in 0..CHANGES {
        let change = random.change(&model);
        let (expected, done) = (model.with(&change), store.commit(change.clone()).await);
        match (expected, done) {
            (Ok(next), Ok(revision)) => {
                assert_eq!(next.revision(), revision, "change {n}");
                model = next;
            }
            (Err(expected), Err(told)) => assert_eq!(expected.to_string(), told.to_string(), "change {n}"),
            other => panic!("change {n}, {change:?}: {other:?}"),
        }
        if S::LASTS && n % OPEN_EVERY == 0 {
            drop(store);
            store = subject.open().await;
        }
        assert_eq!(*store.image(), model, "change {n}");
    }
    assert!(model.revision() > Revision(CHANGES / 10), "most changes must not fail");
}

/// A generator of which nothing is asked but to be the same for one seed (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    fn change(&mut self, image: &Image) -> Change {
        (0..=self.below(3)).fold(Change::new(), |change, _| change.and(self.write(image)))
    }

    /// Mostly one that fits to the image.
    fn write(&mut self, image: &Image) -> Write {
        let key = key(&format!("{}/{}", Kind::ZONE, self.below(NAMES)));
        let mut expect = image.get(&key).map(|record: &Record| record.revision);
        if self.below(8) == 0 {
            expect = Some(Revision(self.below(5)));
        }
        let body = Body::new(1, &self.below(1_000).to_string());
        match (self.below(4), expect) {
            (0, Some(expect)) => Write::Delete { key, expect },
            (1, expect) => Write::Keep { key, expect },
            (_, expect) => Write::Put { key, expect, body },
        }
    }
}
