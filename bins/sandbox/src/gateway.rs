//! The gateway in this process: started from its configuration file as the daemon would, and ended before its broker.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tidegate_gateway::{Gateway, PrometheusBuilder, config};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A gateway that serves; it ends when it is stopped or dropped.
#[derive(Debug)]
pub(crate) struct RunningGateway {
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<anyhow::Result<()>>,
}

/// Starts the gateway and returns once it is bound and has reached the cluster.
pub(crate) async fn start_gateway(config_file: &Path) -> anyhow::Result<RunningGateway> {
    let config = config::load(config_file)?;
    let metrics = PrometheusBuilder::new().install_recorder().context("cannot record metrics")?;
    let gateway = Gateway::start(config, Some(metrics)).await?;
    Ok(RunningGateway::spawn(|stopped| async move {
        gateway.run(stopped).await;
        Ok(())
    }))
}

impl RunningGateway {
    /// Runs `gateway` until the future given to it ends.
    pub(crate) fn spawn<F, R>(gateway: F) -> Self
    where
        F: FnOnce(Stopped) -> R,
        R: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        Self { stop: Some(stop), serving: tokio::spawn(gateway(Box::pin(heard(stopped)))) }
    }

    /// Waits for the end of the gateway, which is always a failure before it was told to stop.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        match (&mut self.serving).await {
            Ok(Ok(())) => anyhow!("the gateway stopped by itself"),
            Ok(Err(error)) => error.context("the gateway failed"),
            Err(error) => anyhow!("the gateway failed: {error}"),
        }
    }

    /// Tells the gateway to stop and waits for it, but not for ever.
    pub(crate) async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Nobody listens any more if the gateway ended by itself.
            let _unheard = stop.send(());
        }
        if !self.serving.is_finished() {
            drop(timeout(STOP_LIMIT, &mut self.serving).await);
        }
    }
}

impl Drop for RunningGateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Ends when the gateway has to.
type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A sender that was dropped means the same as a word from it.
async fn heard(stopped: oneshot::Receiver<()>) {
    let _heard = stopped.await;
}

const STOP_LIMIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stopped_gateway_has_ended_in_peace() {
        let (done, finished) = oneshot::channel();
        let mut gateway = RunningGateway::spawn(|stopped| async move {
            stopped.await;
            done.send(()).map_err(|()| anyhow!("nobody waits"))
        });
        gateway.stop().await;
        finished.await.unwrap();
    }

    #[tokio::test]
    async fn a_gateway_that_fails_says_why() {
        let mut gateway = RunningGateway::spawn(|_stopped| async { Err(anyhow!("no zone")) });
        assert_eq!(format!("{:#}", gateway.ended().await), "the gateway failed: no zone");
    }
}
