//! The newest image, for whoever reads or waits.

use std::sync::Arc;

use tidegate_core::store::{Answer, Image, Revision, StoreError};
use tokio::sync::watch;

/// The newest image.
#[derive(Debug, Default)]
pub(crate) struct Published(watch::Sender<Arc<Image>>);

impl Published {
    /// The newest image as of now.
    pub(crate) fn image(&self) -> Arc<Image> {
        Arc::clone(&self.0.borrow())
    }

    /// Wakes whoever waits for it.
    pub(crate) fn publish(&self, image: Arc<Image>) {
        self.0.send_replace(image);
    }

    /// Puts a newer image in place of the present one, or leaves it; nobody else does so meanwhile.
    pub(crate) fn change<E>(&self, change: impl FnOnce(&Image) -> Result<Image, E>) -> Result<Revision, E> {
        let mut outcome = Ok(Revision::default());
        self.0.send_if_modified(|image| {
            outcome = change(image).map(|next| {
                let revision = next.revision();
                *image = Arc::new(next);
                revision
            });
            outcome.is_ok()
        });
        outcome
    }

    /// The image as soon as it is of a later revision.
    pub(crate) fn later(&self, than: Revision) -> Answer<Arc<Image>> {
        let mut receiver = self.0.subscribe();
        Box::pin(async move {
            let later = receiver.wait_for(|image| image.revision() > than).await;
            later.map(|image| Arc::clone(&image)).map_err(|_| StoreError("it is closed".to_owned()))
        })
    }
}
