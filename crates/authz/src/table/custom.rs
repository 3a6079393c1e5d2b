//! Rules of the program that embeds this crate: one more, one in place of ours, one around ours.
//!
//! What is announced stays what is served. A rule says of itself only what the guard and the codec can read, a wrapper
//! only what the rule inside it serves; anything else is a [`RuleMisfit`] before anybody connects.

use thiserror::Error;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::guard;

use super::{Entry, RuleTable};
use crate::rules::Rule;

/// Why a rule does not fit into the table; the embedding program is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleMisfit {
    /// The guard has no table for the API, or the gateway answers it by itself: ApiVersions and the two of a login.
    #[error("{0:?} is not open to rules: the guard does not know it, or the gateway serves it by itself")]
    Api(ApiKey),
    /// A wrapper that says it is for another API than the rule inside.
    #[error("the wrapper of {wrapped:?} is a rule for {found:?}; let `key` ask the rule inside")]
    Key {
        /// The rule inside.
        wrapped: ApiKey,
        /// What the wrapper says.
        found: ApiKey,
    },
    /// Versions that nobody could read, or that the rule inside does not serve.
    #[error(
        "the rule for {key:?} serves versions {found}, but only {allowed} can be served; narrow `versions`"
    )]
    Versions {
        /// The API.
        key: ApiKey,
        /// What the rule says.
        found: Versions,
        /// What it may say.
        allowed: Versions,
    },
    /// Versions announced that would not be served.
    #[error(
        "the rule for {key:?} serves versions {served} and announces {announced}; announce what is served, or narrow neither"
    )]
    Announced {
        /// The API.
        key: ApiKey,
        /// What the rule serves.
        served: Versions,
        /// What it announces.
        announced: Versions,
    },
}

impl RuleTable {
    /// The table with `rule` in place of the one for the same API, or as one more.
    ///
    /// An API that [`Policy`](crate::Policy) switched off is served again by this: the program has the last word.
    ///
    /// # Errors
    /// [`RuleMisfit`].
    pub fn with_rule(mut self, rule: Box<dyn Rule>) -> Result<Self, RuleMisfit> {
        let new = Entry::of(rule);
        let allowed = readable(new.key).ok_or(RuleMisfit::Api(new.key))?;
        let place = self.place(new.key);
        new.fits(allowed, place.and_then(|place| self.entries.get(place)))?;
        match place.and_then(|place| self.entries.get_mut(place)) {
            Some(old) => *old = new,
            None => self.entries.push(new),
        }
        Ok(self)
    }

    /// The table with what `wrap` puts around the rule for `key`. An API that has no rule gets none by this, and `wrap`
    /// is not called: what an operator has switched off stays off.
    ///
    /// # Errors
    /// [`RuleMisfit`].
    pub fn wrap(
        mut self,
        key: ApiKey,
        wrap: impl FnOnce(Box<dyn Rule>) -> Box<dyn Rule>,
    ) -> Result<Self, RuleMisfit> {
        let Some(place) = self.place(key) else { return Ok(self) };
        let Entry { versions, announced, rule, .. } = self.entries.swap_remove(place);
        let outer = Entry::of(wrap(rule));
        if outer.key != key {
            return Err(RuleMisfit::Key { wrapped: key, found: outer.key });
        }
        outer.fits_around(versions, announced)?;
        self.entries.push(outer);
        Ok(self)
    }

    /// The table without a rule for `key`: the API is neither announced nor served.
    #[must_use]
    pub fn without(mut self, key: ApiKey) -> Self {
        self.entries.retain(|entry| entry.key != key);
        self
    }

    fn place(&self, key: ApiKey) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key == key)
    }
}

impl Entry {
    fn fits(&self, readable: Versions, before: Option<&Self>) -> Result<(), RuleMisfit> {
        self.serves_within(readable)?;
        let (served, shown) = before.map_or((self.versions, self.versions), |b| (b.versions, b.announced));
        self.announces_what_it_serves(served, shown)
    }

    fn fits_around(&self, served: Versions, shown: Versions) -> Result<(), RuleMisfit> {
        self.serves_within(served)?;
        self.announces_what_it_serves(served, shown)
    }

    fn serves_within(&self, allowed: Versions) -> Result<(), RuleMisfit> {
        let found = self.versions;
        match found.intersect(allowed) == Some(found) {
            true => Ok(()),
            false => Err(RuleMisfit::Versions { key: self.key, found, allowed }),
        }
    }

    /// Produce alone shows more than it serves, at the lower end; a rule in its place or around it may do the same as
    /// long as it begins at the same version.
    fn announces_what_it_serves(&self, before: Versions, shown_before: Versions) -> Result<(), RuleMisfit> {
        let (served, announced) = (self.versions, self.announced);
        let as_before = served.min == before.min && announced.min == shown_before.min;
        match announced.max == served.max && (announced.min == served.min || as_before) {
            true => Ok(()),
            false => Err(RuleMisfit::Announced { key: self.key, served, announced }),
        }
    }
}

/// The versions that guard and codec can read, of an API that is open to rules.
fn readable(key: ApiKey) -> Option<Versions> {
    if matches!(key, ApiKey::ApiVersions | ApiKey::SaslHandshake | ApiKey::SaslAuthenticate) {
        return None;
    }
    let codec = key.valid_versions();
    guard::schema(key)?.versions.intersect(Versions::new(codec.min, codec.max))
}

#[cfg(test)]
mod tests;
