//! Whom the tokens of OAUTHBEARER logins stand for.
//!
//! All providers and their keys are one immutable list behind a `watch`: a new configuration and newly fetched keys
//! replace it, and connections whose token would not be taken any more are cut.

mod fetch;
mod provider;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tidegate_core::names::Shown;
use tidegate_core::records::Moment;
use tidegate_core::token::{Token, TokenError};
use tidegate_wire::sasl::Rejection;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use self::fetch::{FetchError, fetch};
pub(crate) use self::provider::{Proof, Provider};
use crate::config::{Config, Limits};
use crate::error::GatewayError;

/// The providers as of now.
#[derive(Debug)]
pub(crate) struct Tokens {
    providers: watch::Sender<Arc<Vec<Provider>>>,
}

/// How often keys are fetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    every: Duration,
    least: Duration,
    deadline: Duration,
}

impl Pace {
    pub(crate) fn of(limits: &Limits) -> Self {
        Self { every: limits.jwks_refresh, least: limits.jwks_refresh_min, deadline: limits.jwks_deadline }
    }
}

impl Tokens {
    /// The providers of a configuration.
    ///
    /// # Errors
    /// [`GatewayError::KeyAuthorities`].
    pub(crate) fn new(config: &Config) -> Result<Self, GatewayError> {
        let (providers, _) = watch::channel(Arc::new(Self::prepare(config)?));
        Ok(Self { providers })
    }

    /// The providers of a new configuration, still without keys that have to be fetched.
    ///
    /// # Errors
    /// [`GatewayError::KeyAuthorities`].
    pub(crate) fn prepare(config: &Config) -> Result<Vec<Provider>, GatewayError> {
        let skew = config.limits.token_clock_skew;
        config.identity_providers.iter().map(|provider| Provider::new(provider, skew)).collect()
    }

    /// Takes over what was prepared; fetched keys stay where the address stays.
    pub(crate) fn enter(&self, mut providers: Vec<Provider>) {
        self.providers.send_modify(|before| {
            for provider in &mut providers {
                provider.inherit(before);
            }
            *before = Arc::new(providers);
        });
    }

    /// The providers as they change.
    pub(crate) fn providers(&self) -> watch::Receiver<Arc<Vec<Provider>>> {
        self.providers.subscribe()
    }

    /// Whether a token of that proof would still be taken.
    pub(crate) fn still_takes(&self, proof: &Proof) -> bool {
        still_takes(&self.providers.borrow(), proof)
    }

    /// Finds out whom a token stands for; a key that is not known yet is looked for once.
    ///
    /// # Errors
    /// [`Rejection::Token`].
    pub(crate) async fn check(
        self: &Arc<Self>,
        token: &SecretString,
        now: Moment,
        pace: Pace,
    ) -> Result<Proof, Rejection> {
        let refused = |error: TokenError| Rejection::Token(error.to_string());
        let token = Token::parse(token).map_err(refused)?;
        let Some(provider) = self.of(&token) else {
            let unknown = token.claimed_issuer().unwrap_or_default();
            return Err(refused(TokenError::Issuer(Shown::of(unknown))));
        };
        match provider.check(&token, now) {
            Err(rejection) if rejection.may_be_old_keys && provider.is_fetched() => {
                self.refresh(&provider, pace).await;
                match self.of(&token) {
                    Some(provider) => provider.check(&token, now).map_err(|again| again.cause),
                    None => Err(rejection.cause),
                }
            }
            verdict => verdict.map_err(|rejection| rejection.cause),
        }
    }

    /// Fetches keys whenever they are due, for as long as the gateway runs.
    pub(crate) async fn keep(self: Arc<Self>, pace: impl Fn() -> Pace) {
        let mut changed = self.providers.subscribe();
        loop {
            let pace = pace();
            let providers = Arc::clone(&changed.borrow_and_update());
            for provider in providers.iter() {
                let Some(source) = &provider.source else { continue };
                let done = source.fetches.lock().await.done;
                if let (Some(done), true) = (done, provider.has_keys()) {
                    metrics::gauge!("tidegate_jwks_age_seconds", "provider" => provider.name.to_string())
                        .set(done.elapsed().as_secs_f64());
                }
                if !provider.has_keys() || done.is_none_or(|done| done.elapsed() >= pace.every) {
                    self.refresh(provider, pace).await;
                }
            }
            tokio::select! {
                () = sleep(pace.least) => {}
                _ = changed.changed() => {}
            }
        }
    }

    fn of(&self, token: &Token) -> Option<Provider> {
        let claimed = token.claimed_issuer()?;
        self.providers.borrow().iter().find(|provider| provider.issuer.issuer == claimed).cloned()
    }

    /// Fetches the keys of a provider, unless that was tried a moment ago. Whoever asked may go: the keys come all the
    /// same, or a client that leaves at the right moment would keep them from everybody.
    async fn refresh(self: &Arc<Self>, provider: &Provider, pace: Pace) {
        let (all, provider) = (Arc::clone(self), provider.clone());
        let fetching = tokio::spawn(async move { all.fetch(&provider, pace).await });
        if let Err(error) = fetching.await {
            tracing::error!(%error, "fetching public keys ended by a fault");
        }
    }

    async fn fetch(&self, provider: &Provider, pace: Pace) {
        let Some(source) = &provider.source else { return };
        // Who holds it fetches; the others wait for what comes of it.
        let mut fetches = source.fetches.lock().await;
        if fetches.tried.is_some_and(|tried| tried.elapsed() < pace.least) {
            return;
        }
        fetches.tried = Some(Instant::now());
        let fetched = fetch(source, pace.deadline).await;
        self.note(provider, &fetched);
        if let Ok(keys) = fetched {
            fetches.done = Some(Instant::now());
            self.providers.send_modify(|providers| {
                let mut renewed = providers.as_ref().clone();
                renewed.iter_mut().for_each(|other| other.take_keys(source, &keys));
                *providers = Arc::new(renewed);
            });
        }
    }

    fn note<T>(&self, provider: &Provider, fetched: &Result<T, FetchError>) {
        let result = if fetched.is_ok() { "ok" } else { "failed" };
        let name = provider.name.to_string();
        metrics::counter!("tidegate_jwks_fetches_total", "provider" => name, "result" => result).increment(1);
        if let Err(error) = fetched {
            let kept = if provider.has_keys() { "the keys before it stay" } else { "its tokens are refused" };
            tracing::warn!(provider = %provider.name, %error, "public keys cannot be fetched: {kept}");
        }
    }
}

/// Whether one of the providers would still take a token of that proof.
pub(crate) fn still_takes(providers: &[Provider], proof: &Proof) -> bool {
    providers.iter().any(|provider| provider.still_takes(proof))
}
