//! `identityProviders`: who issues the tokens of OAUTHBEARER logins. Nothing of this may come from a zone or from REST:
//! whoever names the keys decides who gets in.

use tidegate_client::SecureUrl;
use tidegate_core::document::{Fields, Place};
use tidegate_core::names::{NameError, Shown};
use tidegate_core::token::KeySet;
use tidegate_core::{AccountName, ProviderName};
use tidegate_daemon::Around;
use tidegate_daemon::fields::Unique;

use super::model::{IdentityProvider, KeySource, KeyUrl};
use crate::principal::{MAX_RULES, PrincipalRule, PrincipalRules};

/// Providers of one gateway: each login looks for its own among them.
pub const MAX_PROVIDERS: usize = 100;
/// The subject, which every token has (RFC 7519).
pub const DEFAULT_PRINCIPAL_CLAIM: &str = "sub";

/// Accounts by name, or all that begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountPattern {
    /// This one.
    Name(AccountName),
    /// Those that begin so.
    Prefix(AccountName),
}

impl AccountPattern {
    /// Takes a name, or the beginning of names and `*`.
    ///
    /// # Errors
    /// As for account names.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.strip_suffix('*') {
            None => AccountName::parse(text).map(Self::Name),
            Some(beginning) => AccountName::parse(beginning).map(Self::Prefix),
        }
    }

    /// Whether the account is one of them.
    #[must_use]
    pub fn matches(&self, account: &str) -> bool {
        match self {
            Self::Name(name) => name.as_str() == account,
            Self::Prefix(beginning) => account.starts_with(beginning.as_str()),
        }
    }
}

/// Reads all of them; `None` if anything is wrong.
pub(super) fn read_all(place: Option<Place<'_>>, around: &Around<'_>) -> Option<Vec<IdentityProvider>> {
    let Some(place) = place else { return Some(Vec::new()) };
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail("no provider is listed; list one, or remove `identityProviders`");
    }
    if items.len() > MAX_PROVIDERS {
        place.fail(format_args!("there are {} providers; at most {MAX_PROVIDERS} are allowed", items.len()));
        return None;
    }
    let (mut names, mut issuers) = (Unique::default(), Unique::default());
    let mut providers = Vec::new();
    for item in &items {
        let Some(provider) = read(item, items.len() > 1, around) else { continue };
        names.check(item, "provider", &provider.name);
        issuers.check(item, "issuer", &provider.issuer);
        providers.push(provider);
    }
    (providers.len() == items.len() && !items.is_empty()).then_some(providers)
}

fn read(place: &Place<'_>, has_siblings: bool, around: &Around<'_>) -> Option<IdentityProvider> {
    let mut fields = place.fields()?;
    let name =
        fields.required("name", "name the provider").and_then(|place| place.parse(ProviderName::parse));
    let issuer = fields
        .required("issuer", "write what `iss` of its tokens says, to the letter")
        .and_then(|place| text(&place));
    let audiences = fields.required("audiences", AUDIENCES).and_then(|place| texts(&place));
    let keys = fields
        .required("jwks", "write `{file: PATH}` or `{url: https://...}` of its public keys")
        .and_then(|place| keys(&place, around));
    let claim = match fields.optional("principalClaim") {
        None => Some(DEFAULT_PRINCIPAL_CLAIM.to_owned()),
        Some(place) => text(&place),
    };
    // Broken ones must not look like none.
    let rules = fields.optional("rules").map_or(Some(None), |place| rules(&place).map(Some));
    let accounts = accounts(&mut fields, has_siblings);
    fields.finish();
    Some(IdentityProvider {
        name: name?,
        issuer: issuer?,
        audiences: audiences?,
        principal_claim: claim?,
        rules: rules?,
        accounts: accounts?,
        keys: keys?,
    })
}

fn keys(place: &Place<'_>, around: &Around<'_>) -> Option<KeySource> {
    let mut fields = place.fields()?;
    let (file, url, ca) = (fields.optional("file"), fields.optional("url"), fields.optional("ca"));
    fields.finish();
    match (file, url) {
        (Some(file), None) => {
            if let Some(ca) = ca {
                ca.fail("this is for a `url`; remove it");
            }
            let text = around.text(&file)?;
            KeySet::parse(text.as_bytes()).map_err(|error| file.fail(error)).ok().map(KeySource::File)
        }
        (None, Some(url)) => {
            // A broken one must not look like none.
            let ca = ca.map_or(Some(None), |place| around.pem(&place).map(Some));
            Some(KeySource::Url(KeyUrl { url: key_url(&url)?, ca: ca? }))
        }
        _ => {
            place.fail("write either `file` or `url`");
            None
        }
    }
}

/// Keys that somebody on the way can change let everybody in.
fn key_url(place: &Place<'_>) -> Option<String> {
    let text = text(place)?;
    if SecureUrl::parse(&text).is_ok() {
        return Some(text);
    }
    place.fail(format_args!(
        "`{}` is not safe from change on its way; write one that begins with https:// (http:// to 127.0.0.1, [::1] or localhost is allowed)",
        Shown::of(&text)
    ));
    None
}

/// One provider may be trusted with everything; of several each is somebody else's, who must not enter the others' zones.
fn accounts(fields: &mut Fields<'_>, has_siblings: bool) -> Option<Vec<AccountPattern>> {
    let Some(place) = fields.optional("accounts") else {
        if has_siblings {
            fields.place().fail("field `accounts` is missing; with several providers each says which accounts its tokens may stand for, so that none can enter the zones of another");
            return None;
        }
        return Some(Vec::new());
    };
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail("no account is listed, so nobody could log in; list some, as `acme` or `acme-*`");
        return None;
    }
    let patterns: Vec<_> = items.iter().map(|item| item.parse(AccountPattern::parse)).collect();
    patterns.into_iter().collect::<Option<Vec<_>>>().filter(|_| place.is_list())
}

fn rules(place: &Place<'_>) -> Option<PrincipalRules> {
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail("no rule is listed; list one, or remove `rules` to take the claim as it stands");
        return None;
    }
    if items.len() > MAX_RULES {
        place.fail(format_args!("there are {} rules; at most {MAX_RULES} are allowed", items.len()));
        return None;
    }
    let rule = |item: &Place<'_>| {
        let rule = item.parse(PrincipalRule::parse)?;
        if !rule.is_for_texts() {
            item.fail("a token has no SAN; write DEFAULT or RULE:pattern/replacement/");
            return None;
        }
        Some(rule)
    };
    let rules: Vec<_> = items.iter().map(rule).collect();
    Some(PrincipalRules::new(rules.into_iter().collect::<Option<Vec<_>>>()?)).filter(|_| place.is_list())
}

fn texts(place: &Place<'_>) -> Option<Vec<String>> {
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail(format_args!("no audience is listed, so no token would be for this gateway; {AUDIENCES}"));
        return None;
    }
    let texts: Vec<_> = items.iter().map(text).collect();
    texts.into_iter().collect::<Option<Vec<_>>>().filter(|_| place.is_list())
}

fn text(place: &Place<'_>) -> Option<String> {
    let text = place.text()?;
    if text.is_empty() {
        place.fail("this is empty; write it, or remove the field");
        return None;
    }
    Some(text.to_owned())
}

const AUDIENCES: &str = "list what `aud` of a token for this gateway says, as `[tidegate]`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_a_beginning() {
        let matches = |pattern: &str, account: &str| AccountPattern::parse(pattern).unwrap().matches(account);
        assert!(matches("acme", "acme") && !matches("acme", "acme-1") && !matches("acme", "acm"));
        assert!(matches("acme-*", "acme-1") && matches("acme-*", "acme-") && !matches("acme-*", "acme"));
        for bad in ["", "*", "a b", "a*b c"] {
            assert!(AccountPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
