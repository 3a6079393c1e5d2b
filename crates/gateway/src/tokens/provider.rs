//! One identity provider, and what its tokens prove.

use std::sync::Arc;
use std::time::Duration;

use tidegate_core::ProviderName;
use tidegate_core::records::Moment;
use tidegate_core::token::{Bearer, Issuer, KeySet, Token, TokenError};
use tidegate_wire::sasl::Rejection;

use super::fetch::Source;
use crate::config::{AccountPattern, IdentityProvider, KeySource};
use crate::error::GatewayError;
use crate::principal::PrincipalRules;

/// One identity provider, with its keys as of now.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    pub(crate) name: ProviderName,
    pub(super) issuer: Arc<Issuer>,
    rules: Option<PrincipalRules>,
    accounts: Vec<AccountPattern>,
    /// Where its keys are fetched; `None` if they came with the configuration.
    pub(super) source: Option<Arc<Source>>,
    keys: Option<Arc<KeySet>>,
}

/// What a token has proven. It holds for as long as the provider would take the token again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The account.
    pub(crate) account: String,
    /// When the token has ended.
    pub(crate) until: Moment,
    issuer: String,
    /// The key that signed it, as it was.
    key: Vec<u8>,
}

/// Why a token is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) cause: Rejection,
    /// Keys fetched anew may change the verdict.
    pub(super) may_be_old_keys: bool,
}

impl Provider {
    /// The provider of a configuration.
    ///
    /// # Errors
    /// [`GatewayError::KeyAuthorities`].
    pub(super) fn new(config: &IdentityProvider, clock_skew: Duration) -> Result<Self, GatewayError> {
        let (source, keys) = match &config.keys {
            KeySource::File(keys) => (None, Some(Arc::new(keys.clone()))),
            KeySource::Url(url) => (Some(Arc::new(Source::new(&config.name, url)?)), None),
        };
        let issuer = Issuer {
            issuer: config.issuer.clone(),
            audiences: config.audiences.clone(),
            principal_claim: config.principal_claim.clone(),
            clock_skew,
        };
        Ok(Self {
            name: config.name.clone(),
            issuer: Arc::new(issuer),
            rules: config.rules.clone(),
            accounts: config.accounts.clone(),
            source,
            keys,
        })
    }

    /// Whether its keys come over the network.
    pub(super) fn is_fetched(&self) -> bool {
        self.source.is_some()
    }

    /// Whether there are keys yet.
    pub(super) fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Takes over keys that were fetched before, if they are fetched from the same place.
    pub(super) fn inherit(&mut self, before: &[Self]) {
        let same = before.iter().find(|other| self.source.is_some() && other.source == self.source);
        if let Some(same) = same {
            self.source.clone_from(&same.source);
            self.keys.clone_from(&same.keys);
        }
    }

    /// Takes new keys of `source`, if that is where its keys are fetched.
    pub(super) fn take_keys(&mut self, source: &Arc<Source>, keys: &Arc<KeySet>) {
        if self.source.as_ref() == Some(source) {
            self.keys = Some(Arc::clone(keys));
        }
    }

    /// Finds out which account a token stands for.
    pub(super) fn check(&self, token: &Token, now: Moment) -> Result<Proof, Refused> {
        let refused =
            |cause: String, may_be_old_keys| Refused { cause: Rejection::Token(cause), may_be_old_keys };
        let Some(keys) = &self.keys else {
            return Err(refused(format!("the keys of provider `{}` are not fetched yet", self.name), true));
        };
        let Bearer { principal, until, key } = self.issuer.check(token, keys, now).map_err(|error| {
            let may_be_old_keys = matches!(
                error,
                TokenError::UnknownKey(_)
                    | TokenError::NoFittingKey
                    | TokenError::NoKey
                    | TokenError::Signature
            );
            refused(error.to_string(), may_be_old_keys)
        })?;
        let account = match &self.rules {
            None => Some(principal),
            Some(rules) => rules.of_text(&principal),
        };
        let Some(account) = account else {
            return Err(refused(format!("no rule of provider `{}` takes its principal", self.name), false));
        };
        if !self.may_speak_for(&account) {
            let cause = format!("provider `{}` may not speak for its account", self.name);
            return Err(refused(cause, false));
        }
        Ok(Proof { account, until, issuer: self.issuer.issuer.clone(), key })
    }

    /// Whether a token of that proof would be taken again, but for its times.
    pub(super) fn still_takes(&self, proof: &Proof) -> bool {
        self.issuer.issuer == proof.issuer
            && self.may_speak_for(&proof.account)
            && self.keys.as_ref().is_some_and(|keys| keys.holds(&proof.key))
    }

    fn may_speak_for(&self, account: &str) -> bool {
        self.accounts.is_empty() || self.accounts.iter().any(|pattern| pattern.matches(account))
    }
}
