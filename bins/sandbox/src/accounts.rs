//! The file of accounts, as `tidegate-gateway account` makes it.

use anyhow::anyhow;
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use tidegate_core::{
    Account, AccountName, Accounts, Credential, CredentialId, ScramMechanism, ScramVerifier,
};
use tidegate_wire::sasl::{MIN_ITERATIONS, SALT_BYTES, ScramCredential, ScramHash};

use crate::setup::Login;

/// The text of a file with this one account.
pub(crate) fn file(login: &Login) -> anyhow::Result<SecretString> {
    let mut salt = [0; SALT_BYTES];
    SystemRandom::new().fill(&mut salt).map_err(|_| anyhow!("the system gives no random bytes"))?;
    let credential = Credential::new(
        CredentialId::parse("sandbox")?,
        None,
        verifier(ScramMechanism::Sha256, ScramHash::Sha256, &login.password, &salt)?,
        verifier(ScramMechanism::Sha512, ScramHash::Sha512, &login.password, &salt)?,
    )?;
    let mut accounts = Accounts::default();
    accounts.insert(Account::new(AccountName::parse(login.account)?, vec![credential])?);
    Ok(accounts.render())
}

fn verifier(
    mechanism: ScramMechanism,
    hash: ScramHash,
    password: &SecretString,
    salt: &[u8],
) -> anyhow::Result<ScramVerifier> {
    // The password is random, so more iterations would only make each login dearer.
    let made = ScramCredential::derive(hash, password, salt, MIN_ITERATIONS)?;
    let [stored, server] = [made.stored_key(), made.server_key()].map(|key| key.expose_secret().to_vec());
    Ok(ScramVerifier::new(mechanism, made.salt().to_vec(), made.iterations(), stored, server)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_can_be_read_and_its_verifiers_fit_the_password() {
        let login = Login { account: "partner-app", password: "pencil".to_owned().into() };
        let text = file(&login).unwrap();
        let accounts = Accounts::parse(text.expose_secret()).unwrap();
        let account = accounts.find("partner-app").unwrap();
        let [credential] = account.credentials() else { panic!("not one credential") };
        let kept = credential.scram_sha_512();
        let again = ScramCredential::derive(
            ScramHash::Sha512,
            &"pencil".to_owned().into(),
            kept.salt(),
            kept.iterations(),
        );
        assert_eq!(kept.stored_key().expose_secret(), again.unwrap().stored_key().expose_secret());
    }
}
