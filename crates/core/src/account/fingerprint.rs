//! Fingerprints by which a live connection learns that its credential is no longer what it was.

use std::fmt;

use ring::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use secrecy::ExposeSecret;

use super::{Account, Credential, ScramVerifier};

/// A fingerprint of an account or credential: equal for equal content, different after any change.
///
/// It is not shown: with it, passwords could be guessed at leisure.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; SHA256_OUTPUT_LEN]);

impl Fingerprint {
    pub(super) fn of_account(account: &Account) -> Self {
        let mut context = Context::new(&SHA256);
        part(&mut context, account.name().as_str().as_bytes());
        account.credentials().iter().for_each(|credential| part(&mut context, &credential.fingerprint().0));
        Self::finish(context)
    }

    pub(super) fn of_credential(credential: &Credential) -> Self {
        let mut context = Context::new(&SHA256);
        part(&mut context, credential.id().as_str().as_bytes());
        verifier(&mut context, credential.scram_sha_256());
        verifier(&mut context, credential.scram_sha_512());
        Self::finish(context)
    }

    fn finish(context: Context) -> Self {
        Self(context.finish().as_ref().first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(hidden)")
    }
}

fn verifier(context: &mut Context, verifier: &ScramVerifier) {
    part(context, verifier.salt());
    part(context, &verifier.iterations().to_be_bytes());
    part(context, verifier.stored_key().expose_secret());
    part(context, verifier.server_key().expose_secret());
}

/// The length before each part keeps neighbours from flowing into one another.
fn part(context: &mut Context, bytes: &[u8]) {
    context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    context.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{account, credential};

    #[test]
    fn it_changes_with_every_change_and_only_then() {
        let revision = |credentials| account("u", credentials).unwrap().fingerprint();
        let one = revision(vec![credential("a", 1, 1)]);
        assert_eq!(one, revision(vec![credential("a", 1, 1)]));
        assert_ne!(one, revision(vec![credential("b", 1, 1)]), "id");
        assert_ne!(one, revision(vec![credential("a", 2, 1)]), "salt");
        assert_ne!(one, revision(vec![credential("a", 1, 2)]), "key");
        assert_ne!(one, revision(vec![credential("a", 1, 1), credential("b", 1, 2)]), "one more");
        assert_ne!(one, account("v", vec![credential("a", 1, 1)]).unwrap().fingerprint(), "name");
        assert_eq!(credential("a", 1, 1).fingerprint(), credential("a", 1, 1).fingerprint());
    }
}
