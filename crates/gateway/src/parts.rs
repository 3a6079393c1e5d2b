//! What a program that embeds the gateway may bring of its own.

use std::fmt;
use std::sync::Arc;

use tidegate_authz::{RuleMisfit, RuleTable};
use tidegate_core::Facts;
use tokio::sync::watch;

use crate::config::ListenerConfig;
use crate::desired::Desired;
use crate::error::GatewayError;
use crate::logins::Authenticator;
use crate::stored::StoreParts;

/// What an embedding program may bring of its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Parts {
    /// Who proves who they are.
    pub authenticator: Arc<dyn Authenticator>,
    /// Where facts survive a crash.
    pub facts: Arc<dyn Facts>,
    /// Zones and accounts as of now; without it they are read from the configuration's folder and file.
    pub desired: Option<watch::Receiver<Arc<Desired>>>,
    /// Where zones and accounts are kept; then they are not read from a folder and a file.
    pub store: Option<StoreParts>,
    /// What changes the rules of each listener; without it they are those of `tidegate-authz`.
    pub rules: Option<RuleHook>,
}

impl Parts {
    /// Parts with nothing of the program's own but these two.
    #[must_use]
    pub fn new(authenticator: Arc<dyn Authenticator>, facts: Arc<dyn Facts>) -> Self {
        Self { authenticator, facts, desired: None, store: None, rules: None }
    }

    /// With zones and accounts of the program: what it sends holds at once, and what it sent last when it sends no more.
    #[must_use]
    pub fn with_desired(self, desired: watch::Receiver<Arc<Desired>>) -> Self {
        Self { desired: Some(desired), ..self }
    }

    /// With zones and accounts from a store; every replica on one store enforces the same.
    #[must_use]
    pub fn with_store(self, store: StoreParts) -> Self {
        Self { store: Some(store), ..self }
    }

    /// With rules of the program.
    #[must_use]
    pub fn with_rules(self, rules: RuleHook) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// The rules of a listener, begun with `table`.
    ///
    /// # Errors
    /// [`GatewayError::Rules`].
    pub(crate) fn rules_of(
        &self,
        listener: &ListenerConfig,
        table: RuleTable,
    ) -> Result<RuleTable, GatewayError> {
        let Some(RuleHook(hook)) = &self.rules else { return Ok(table) };
        hook(listener, table)
            .map_err(|source| GatewayError::Rules { listener: listener.name.to_string(), source })
    }
}

/// Changes the rules of a listener, once, before anybody is served.
#[derive(Clone)]
pub struct RuleHook(Arc<Hook>);

type Hook = dyn Fn(&ListenerConfig, RuleTable) -> Result<RuleTable, RuleMisfit> + Send + Sync;

impl RuleHook {
    /// The hook that is given the table of each listener, as the policy leaves it, and gives back the one in force.
    pub fn new(
        hook: impl Fn(&ListenerConfig, RuleTable) -> Result<RuleTable, RuleMisfit> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(hook))
    }
}

impl fmt::Debug for RuleHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RuleHook")
    }
}
