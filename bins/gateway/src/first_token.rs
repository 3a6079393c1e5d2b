//! The first token of a store, out of the environment: a gateway that owns its store need not be stopped for it, and whoever
//! starts gateways by a program knows it beforehand.

use std::env::{self, VarError};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use tidegate_admin::NewToken;
use tidegate_core::Label;
use tidegate_core::records::Role;
use tidegate_core::store::{Change, Kind};
use tidegate_gateway::stored::StoreParts;

use crate::store::{change_as, now};

/// The variable that holds a whole bearer token.
const VARIABLE: &str = "TIDEGATE_ADMIN_TOKEN";

/// The token that the environment holds, if it holds one. What is no token is a mistake, and not shown.
pub(crate) fn of_environment() -> anyhow::Result<Option<NewToken>> {
    match env::var(VARIABLE) {
        Ok(text) => parse(&SecretString::from(text)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => anyhow::bail!("{VARIABLE}: is no UTF-8 text; {MEND}"),
    }
}

const MEND: &str = "write a bearer token as `tidegate-gateway token create` prints it: `tidegate_ID_SECRET`, where ID is letters \
and digits, and SECRET is 32 random bytes in the base64 of URLs, without `=`";

/// Nothing in it is as good as no variable: that is how container files leave one out.
fn parse(text: &SecretString) -> anyhow::Result<Option<NewToken>> {
    let text = SecretString::from(text.expose_secret().trim());
    if text.expose_secret().is_empty() {
        return Ok(None);
    }
    let token = NewToken::given(&text, Label::parse(VARIABLE)?, Role::Admin, now());
    token.map(Some).with_context(|| format!("{VARIABLE}: is no token; {MEND}"))
}

/// Lets the token open as an admin's if there is no other at all. `None` is a gateway that serves no operators.
pub(crate) async fn take_in(token: &NewToken, parts: Option<&StoreParts>) -> anyhow::Result<()> {
    let Some(parts) = parts else {
        tracing::warn!("{VARIABLE} means nothing without `admin` in the configuration");
        return Ok(());
    };
    let id = &token.record.id;
    let action = format!("create token {id} ({})", token.record.name);
    let who = format!("{VARIABLE} at the start");
    let made = change_as(parts, &who, Some(&action), |registry| {
        // Also one that this version cannot read is one.
        let is_first = registry.image.of(&Kind::TOKEN).next().is_none();
        Ok((if is_first { registry.add_token(&token.record)? } else { Change::new() }, is_first))
    });
    let (_, is_first) = made.await.with_context(|| format!("{VARIABLE}: the token cannot be kept"))?;
    if is_first {
        tracing::info!(%id, "the token of {VARIABLE} is the first one, of an admin");
    } else {
        tracing::info!("{VARIABLE} means nothing while there are tokens; take it out of the environment");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::sync::Arc;

    use tidegate_core::records::{AuditRecord, Recorded, TokenRecord};
    use tidegate_core::store::{Sealer, SealingKey};
    use tidegate_store::MemoryStore;

    use super::*;

    /// As `openssl rand -base64 32 | tr -- '+/' '-_' | tr -d '='` writes it.
    const FIRST: &str = "tidegate_FIRST_8Xp0n-2rWq_1kVbS3hT5yU7iO9pAsDfGhJkLzXcVbNM";

    fn parts() -> StoreParts {
        let sealer = Arc::new(Sealer::new(SealingKey::from_bytes(&[1; 32]).unwrap()));
        StoreParts { store: Arc::new(MemoryStore::new()), sealer }
    }

    fn tokens(parts: &StoreParts) -> Vec<TokenRecord> {
        let image = parts.store.image();
        image
            .of(&Kind::TOKEN)
            .map(|record| TokenRecord::from_record(record, &parts.sealer).unwrap())
            .collect()
    }

    fn parsed(text: &str) -> anyhow::Result<Option<NewToken>> {
        parse(&SecretString::from(text))
    }

    #[tokio::test]
    async fn it_is_taken_in_where_there_is_none_and_only_there() {
        let parts = parts();
        let token = parsed(&format!(" {FIRST}\n")).unwrap().unwrap();
        take_in(&token, Some(&parts)).await.unwrap();
        let [kept] = tokens(&parts).try_into().unwrap();
        assert_eq!((kept.id.as_str(), kept.role, kept.expires), ("FIRST", Role::Admin, None));
        assert!(kept.opens(&token.secret, now()));
        assert!(!parts.store.image().iter().any(|record| record.body.text().contains("8Xp0n")));
        let history = AuditRecord::all(&parts.store.image(), &parts.sealer);
        let told: Vec<_> = history.iter().map(|entry| (entry.who.as_str(), entry.action.as_str())).collect();
        assert_eq!(
            told,
            [("TIDEGATE_ADMIN_TOKEN at the start", "create token FIRST (TIDEGATE_ADMIN_TOKEN)")]
        );

        let before = parts.store.image().revision();
        let other = parsed(&FIRST.replace("FIRST", "SECOND")).unwrap().unwrap();
        for token in [&token, &other] {
            take_in(token, Some(&parts)).await.unwrap();
        }
        assert_eq!(parts.store.image().revision(), before);
        take_in(&token, None).await.unwrap();
    }

    #[tokio::test]
    async fn replicas_that_start_at_once_take_in_one() {
        let parts = parts();
        let tokens_of_two = ["A", "B"].map(|id| parsed(&FIRST.replace("FIRST", id)).unwrap().unwrap());
        let [a, b] = &tokens_of_two;
        let (first, second) = tokio::join!(take_in(a, Some(&parts)), take_in(b, Some(&parts)));
        first.and(second).unwrap();
        assert_eq!(tokens(&parts).len(), 1);
    }

    #[test]
    fn what_is_no_token_is_told_and_not_shown() {
        for nothing in ["", " \n"] {
            assert!(parsed(nothing).unwrap().is_none());
        }
        for bad in ["hunter2", "tidegate_A_hunter2", &FIRST.replace("tidegate_", ""), &format!("{FIRST}=")] {
            let told = format!("{:#}", parsed(bad).unwrap_err());
            assert!(told.starts_with("TIDEGATE_ADMIN_TOKEN: is no token; write a bearer token"), "{told}");
            assert!(!told.contains("hunter2") && !told.contains("8Xp0n"), "{told}");
        }
    }
}
