//! What stands in the store about a link.

use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use tidegate_core::records::{LinkRecord, MirrorRecord, Moment, RecordError, Recorded, Sealing};
use tidegate_core::registry::{Registry, RegistryError, SeenMirror, WantedMirror, together};
use tidegate_core::store::{
    Change, ChangeError, CommitError, Image, Kind, Record, RecordKey, Revision, Sealer, Store, StoreError,
};
use tidegate_core::{HolderId, LeaseName, LinkId, LinkName, MirrorTopic};
use tokio::time::{Duration, timeout};

use crate::clock::Clock;

/// How often a change is decided anew because somebody else was faster.
const ATTEMPTS: usize = 20;

/// What the other changed has to be here before it is decided anew.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Mirrors in one change: with a link it is below what one may have ([`tidegate_core::store::MAX_WRITES`]).
const TOGETHER: usize = 500;

/// What a link needs to know and to tell cannot be had from the store, or not be put there.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// It cannot be so; a person has to decide.
    #[error(transparent)]
    Refused(#[from] RegistryError),
    /// The store does not work, for now.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// No replica can tell any more.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others change the same records all the time.
    #[error("others changed the records of the link each time; it is tried again")]
    Busy,
    /// The machine gives no random bytes.
    #[error("this machine gives no random bytes for the id of a link")]
    Random,
}

/// The records of an installation, for its links.
#[derive(Debug, Clone)]
pub struct Records {
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    random: SystemRandom,
    clock: Clock,
}

impl Records {
    /// Those of a store, whose secrets this sealer opens.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, sealer: Arc<Sealer>) -> Self {
        Self { store, sealer, random: SystemRandom::new(), clock: Clock::default() }
    }

    /// All of them as they are known now.
    #[must_use]
    pub fn image(&self) -> Arc<Image> {
        self.store.image()
    }

    /// All of them as soon as they are others than those.
    ///
    /// # Errors
    /// [`RecordsError::Store`]: there can be no others any more.
    pub async fn later(&self, than: &Image) -> Result<Arc<Image>, RecordsError> {
        Ok(self.store.later(than.revision()).await?)
    }

    /// Now, as records have it.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment(u64::try_from(self.clock.now()).unwrap_or_default().saturating_mul(1_000))
    }

    /// Makes a link and its mirrors as they are wanted, and has all others of it wait.
    ///
    /// # Errors
    /// [`RecordsError`]; what was done before it is done.
    pub async fn enter(
        &self,
        name: &LinkName,
        is_paused: bool,
        wanted: &[WantedMirror],
    ) -> Result<LinkRecord, RecordsError> {
        let id = self.new_id()?;
        self.change(|registry| Ok((registry.put_link(name, id, is_paused)?.0, ()))).await?;
        let link = self.link(name)?.ok_or(RecordsError::Busy)?;
        for some in wanted.chunks(TOGETHER) {
            let put = |registry: &Registry<'_>| {
                let made = some.iter().map(|mirror| Ok(registry.put_mirror(&link, mirror)?.0));
                Ok((together(made.collect::<Result<Vec<_>, RegistryError>>()?), ()))
            };
            self.change(put).await?;
        }
        let pause = |registry: &Registry<'_>| {
            let changes = registry.pause_others(&link, wanted)?;
            let is_more = changes.len() > TOGETHER;
            Ok((together(changes.into_iter().take(TOGETHER)), is_more))
        };
        while self.change(pause).await? {}
        Ok(link)
    }

    /// A link, if there is one of that name.
    ///
    /// # Errors
    /// [`RecordsError::Refused`]: its record cannot be read.
    pub fn link(&self, name: &LinkName) -> Result<Option<LinkRecord>, RecordsError> {
        Ok(self.look(&self.image(), |registry| registry.link(name))?.map(|found| found.value))
    }

    /// Whether all of a link is to wait, as of an image; one that is not there any more is.
    ///
    /// # Errors
    /// [`RecordsError::Refused`]: its record cannot be read.
    pub(super) fn waits(
        &self,
        image: &Image,
        link: &LinkRecord,
        seen: &mut Seen<bool>,
    ) -> Result<bool, RecordsError> {
        let key = key(Kind::LINK, link.name.as_str())?;
        let is_paused =
            seen.read(image, &key, |record| Ok(LinkRecord::from_record(record, &self.sealer)?.is_paused))?;
        Ok(is_paused.unwrap_or(true))
    }

    /// A mirror of a link, if there is one, as of an image.
    ///
    /// # Errors
    /// [`RecordsError::Refused`]: its record cannot be read.
    pub(super) fn mirror(
        &self,
        image: &Image,
        link: &LinkRecord,
        topic: &MirrorTopic,
        seen: &mut Seen<MirrorRecord>,
    ) -> Result<Option<MirrorRecord>, RecordsError> {
        let id = format!("{}/{topic}", link.name);
        let key = key(Kind::MIRROR, &id)?;
        let found = seen.read(image, &key, |record| MirrorRecord::from_record(record, &self.sealer))?;
        Ok(found.filter(|mirror| mirror.link_id == link.id))
    }

    /// Writes down what was seen of mirrors.
    ///
    /// # Errors
    /// [`RecordsError`].
    pub async fn see(
        &self,
        link: &LinkRecord,
        seen: &[(MirrorTopic, SeenMirror)],
    ) -> Result<(), RecordsError> {
        for some in seen.chunks(TOGETHER) {
            let see = |registry: &Registry<'_>| {
                let made =
                    some.iter().map(|(topic, seen)| Ok(registry.see_mirror(link, topic, seen.clone())?.0));
                Ok((together(made.collect::<Result<Vec<_>, RegistryError>>()?), ()))
            };
            self.change(see).await?;
        }
        Ok(())
    }

    /// Lets a mirror that has failed go on.
    ///
    /// # Errors
    /// [`RecordsError`].
    pub async fn resume(&self, link: &LinkRecord, topic: &MirrorTopic) -> Result<(), RecordsError> {
        self.change(|registry| Ok((registry.resume_mirror(link, topic)?, ()))).await
    }

    /// Takes the next number for markers of a link.
    ///
    /// # Errors
    /// [`RecordsError`].
    pub async fn take_number(&self, lease: &LeaseName, holder: &HolderId) -> Result<i32, RecordsError> {
        self.change(|registry| {
            let (change, number) = registry.take_number(lease, holder)?;
            Ok((change, number.value()))
        })
        .await
    }

    fn new_id(&self) -> Result<LinkId, RecordsError> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes).map_err(|_| RecordsError::Random)?;
        Ok(LinkId::from_bytes(bytes))
    }

    fn look<T>(
        &self,
        image: &Image,
        look: impl FnOnce(&Registry<'_>) -> Result<T, RegistryError>,
    ) -> Result<T, RecordsError> {
        let sealing = Sealing { sealer: &self.sealer, random: &self.random };
        Ok(look(&Registry { image, sealing, now: self.now() })?)
    }

    /// Commits what `decide` makes of the records, anew whenever somebody else was faster.
    async fn change<T>(
        &self,
        mut decide: impl FnMut(&Registry<'_>) -> Result<(Change, T), RegistryError>,
    ) -> Result<T, RecordsError> {
        for _ in 0..ATTEMPTS {
            let image = self.image();
            let (change, told) = self.look(&image, &mut decide)?;
            if change.writes().is_empty() {
                return Ok(told);
            }
            match self.store.commit(change).await {
                Ok(_) => return Ok(told),
                Err(CommitError::Change(ChangeError::Conflict(_))) => {
                    let _ = timeout(CATCH_UP, self.store.later(image.revision())).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(RecordsError::Busy)
    }
}

fn key(kind: Kind, id: &str) -> Result<RecordKey, RegistryError> {
    Ok(RecordKey::new(kind, id).map_err(RecordError::from)?)
}

/// What a record said last; it is read again only when it is another one. Whoever looks often at records that seldom change has one.
#[derive(Debug)]
pub(super) struct Seen<T>(Option<(Revision, T)>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Clone> Seen<T> {
    fn read(
        &mut self,
        image: &Image,
        key: &RecordKey,
        read: impl FnOnce(&Record) -> Result<T, RecordError>,
    ) -> Result<Option<T>, RegistryError> {
        let Some(record) = image.get(key) else {
            self.0 = None;
            return Ok(None);
        };
        match &self.0 {
            Some((revision, value)) if *revision == record.revision => Ok(Some(value.clone())),
            _ => {
                let value = read(record)?;
                self.0 = Some((record.revision, value.clone()));
                Ok(Some(value))
            }
        }
    }
}
