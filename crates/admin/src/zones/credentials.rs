//! Passwords of a zone's account: each call makes one more, and those before stay good.

use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use tidegate_core::account::ScramMechanism;
use tidegate_core::registry::Registry;
use tidegate_core::store::Change;
use tidegate_core::{Credential, CredentialId, ZoneName};

use super::find;
use crate::dispatch::Call;
use crate::refusal::Refusal;

/// Passwords of one account. A login by PLAIN may cost a stretching for each.
const MAX_CREDENTIALS: usize = 32;

/// How often a password is made anew because the first one of its account was made meanwhile.
const ATTEMPTS: usize = 3;

/// What became of a password.
enum Made {
    Kept,
    /// The account's passwords have another salt by now.
    Outrun,
}

/// Makes a password for the account of the path's zone and gives it, once.
pub(crate) async fn generate_credentials(call: &Call, body: &str) -> Result<String, Refusal> {
    check_body(body)?;
    let zone = find(call)?.value.spec.name().clone();
    let id = random_id()?;
    let (who, action) = (call.who(), format!("generate credentials {id} of zone {zone}"));
    for _ in 0..ATTEMPTS {
        let others = call.admin.look(|registry| others(registry, &zone))?;
        let (password, credential) = make(call, id.clone(), others.clone()).await?;
        let made = call.admin.change(&who, &action, |registry| {
            let now = self::others(registry, &zone)?;
            if !share_salt(&others, &now) {
                return Ok((Change::new(), Made::Outrun));
            }
            if now.len() >= MAX_CREDENTIALS {
                return Err(too_many(&zone));
            }
            let credential = credential.clone().made(registry.now);
            Ok((registry.add_credential(&zone, credential)?, Made::Kept))
        });
        if let Made::Kept = made.await? {
            return Ok(password.expose_secret().to_owned());
        }
    }
    Err(Refusal::Conflict(format!("others make passwords of zone `{zone}` all the time; try again")))
}

fn others(registry: &Registry<'_>, zone: &ZoneName) -> Result<Vec<Credential>, Refusal> {
    Ok(registry.account_of(zone)?.value.account.credentials().to_vec())
}

/// Away from the threads that serve others: stretching takes milliseconds.
async fn make(
    call: &Call,
    id: CredentialId,
    others: Vec<Credential>,
) -> Result<(SecretString, Credential), Refusal> {
    let _turn = call.admin.stretching.acquire().await;
    let daemon = Arc::clone(&call.admin.daemon);
    let made = tokio::task::spawn_blocking(move || {
        let password = daemon.make_password()?;
        let credential = daemon.make_credential(id, &password, &others)?;
        Some((password, credential))
    });
    made.await.ok().flatten().ok_or_else(Refusal::no_randomness)
}

/// SCRAM tells salt and rounds before it is known which password is meant, so all of one account have the same.
fn share_salt(before: &[Credential], now: &[Credential]) -> bool {
    let salt = |credentials: &[Credential]| {
        credentials.first().map(|first| first.verifier(ScramMechanism::Sha256).salt().to_vec())
    };
    salt(before) == salt(now)
}

fn too_many(zone: &ZoneName) -> Refusal {
    Refusal::Conflict(format!(
        "the account of zone `{zone}` has {MAX_CREDENTIALS} passwords; revoke one that is not in use any more"
    ))
}

/// Tools send nothing or `null`; whoever sends more wants something that is not done.
fn check_body(body: &str) -> Result<(), Refusal> {
    match body.trim() {
        "" | "null" | "{}" => Ok(()),
        _ => Err(Refusal::wrong("nothing can be said about the password; send no body, or `null`")),
    }
}

fn random_id() -> Result<CredentialId, Refusal> {
    let mut bytes = [0_u8; 6];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Refusal::no_randomness())?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    CredentialId::parse(&format!("rest-{digits}")).map_err(|error| Refusal::Broken(error.to_string()))
}
