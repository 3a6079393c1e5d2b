//! Writes the accounts file.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::{Account, Accounts, Credential, ScramMechanism};

/// The text of the file. It holds no password, but whoever has it can guess passwords at leisure and pose as the
/// server; hence a secret type.
pub(super) fn render(accounts: &Accounts) -> SecretString {
    let mut text = String::from("apiVersion: v1\nkind: Accounts\n");
    text.push_str(if accounts.0.is_empty() { "accounts: []\n" } else { "accounts:\n" });
    // Writing to a string cannot fail.
    let _infallible = accounts.iter().try_for_each(|account| write_account(&mut text, account));
    text.into()
}

fn write_account(text: &mut String, account: &Account) -> std::fmt::Result {
    writeln!(text, "  - name: {}", quoted(account.name().as_str()))?;
    let none = if account.credentials().is_empty() { " []" } else { "" };
    writeln!(text, "    credentials:{none}")?;
    account.credentials().iter().try_for_each(|credential| write_credential(text, credential))
}

fn write_credential(text: &mut String, credential: &Credential) -> std::fmt::Result {
    writeln!(text, "      - id: {}", quoted(credential.id().as_str()))?;
    if let Some(created) = credential.created() {
        writeln!(text, "        created: {}", quoted(created))?;
    }
    writeln!(text, "        mechanisms:")?;
    for mechanism in [ScramMechanism::Sha256, ScramMechanism::Sha512] {
        let verifier = credential.verifier(mechanism);
        writeln!(text, "          {mechanism}:")?;
        writeln!(text, "            salt: {}", STANDARD.encode(verifier.salt()))?;
        writeln!(text, "            iterations: {}", verifier.iterations())?;
        writeln!(text, "            storedKey: {}", STANDARD.encode(verifier.stored_key().expose_secret()))?;
        writeln!(text, "            serverKey: {}", STANDARD.encode(verifier.server_key().expose_secret()))?;
    }
    Ok(())
}

/// Double quotes keep every printable ASCII text what it is; names are nothing else.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}
