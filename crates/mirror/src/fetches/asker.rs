//! Asking a broker, over a connection that is kept.

use std::sync::Arc;

use tidegate_client::{AskError, Endpoint};

use crate::calls::Topic;
use crate::calls::fetch::{Fetch, FetchNews, FetchSession, fetch};
use crate::cluster::Cluster;
use crate::kept::Kept;

/// Who asks a broker.
pub(super) struct Asker {
    cluster: Arc<Cluster>,
    broker: Endpoint,
    kept: Option<Kept>,
    /// What the broker remembers of the connection.
    session: Option<FetchSession>,
}

impl Asker {
    /// One that asks for others each time, and is told of all: there is nothing to remember.
    pub(super) fn of_all(cluster: Arc<Cluster>, broker: Endpoint) -> Self {
        Self { cluster, broker, kept: None, session: None }
    }

    /// One that asks for the same again and again, and is told what is new.
    pub(super) fn of_news(cluster: Arc<Cluster>, broker: Endpoint) -> Self {
        Self { cluster, broker, kept: None, session: Some(FetchSession::default()) }
    }

    /// Waits until the broker wants to hear of it again.
    pub(super) async fn silence(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.silence().await;
        }
    }

    /// The answer, if one comes.
    pub(super) async fn ask(&mut self, request: &Fetch) -> Option<FetchNews> {
        let mut kept = self.connection().await?;
        match self.ask_over(&mut kept, request).await {
            Ok(news) => {
                kept.be_silent(news.throttle);
                self.kept = Some(kept);
                Some(news)
            }
            Err(error) => {
                tracing::debug!(broker = %self.broker, %error, "a fetch has failed");
                None
            }
        }
    }

    /// The broker says that another one leads.
    pub(super) fn forget(&self, topic: &Topic) {
        self.cluster.forget(topic);
    }

    async fn connection(&mut self) -> Option<Kept> {
        if let Some(kept) = self.kept.take().filter(Kept::serves) {
            return Some(kept);
        }
        self.session = self.session.is_some().then(FetchSession::default);
        match self.cluster.connect(&self.broker).await {
            Ok(connection) => Some(Kept::new(connection)),
            Err(error) => {
                tracing::debug!(broker = %self.broker, %error, "no connection for fetches");
                None
            }
        }
    }

    async fn ask_over(&mut self, kept: &mut Kept, request: &Fetch) -> Result<FetchNews, AskError> {
        let connection = kept.ready().await;
        match &mut self.session {
            Some(session) => session.fetch(connection, request).await,
            None => fetch(connection, request).await.map(FetchNews::from),
        }
    }
}
