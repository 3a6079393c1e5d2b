//! A password is made: stretched beside the others of its account, and then kept if it still fits to them.

use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;
use tidegate_core::account::ScramMechanism;
use tidegate_core::records::Moment;
use tidegate_core::store::Change;
use tidegate_core::{Credential, CredentialId, ZoneName};

use super::{WantedCredential, credentials};
use crate::dispatch::Call;
use crate::expiry;
use crate::refusal::Refusal;

/// Passwords of one account. A login by PLAIN may cost a stretching for each.
const MAX_CREDENTIALS: usize = 32;

/// How often a password is made anew because the first one of its account was made meanwhile.
const ATTEMPTS: usize = 3;

/// What became of a password.
enum Made {
    /// Until then, or for ever.
    Kept(Option<Moment>),
    /// The account's passwords have another salt by now.
    Outrun,
}

/// Makes a password as it is wanted, and gives it with its end.
pub(super) async fn make(
    call: &Call,
    zone: &ZoneName,
    id: &CredentialId,
    wanted: &WantedCredential,
    action: &str,
) -> Result<(SecretString, Option<Moment>), Refusal> {
    let who = call.who();
    for _ in 0..ATTEMPTS {
        let others = call.admin.look(|registry| credentials(registry, zone))?;
        let (password, credential) = stretch(call, id.clone(), others.clone()).await?;
        let made = call.admin.change(&who, action, |registry| {
            let now = credentials(registry, zone)?;
            if !share_salt(&others, &now) {
                return Ok((Change::new(), Made::Outrun));
            }
            if now.len() >= MAX_CREDENTIALS {
                return Err(too_many(zone));
            }
            let expires = expiry::end(registry.now, wanted.expires_in_days());
            let credential = credential.clone().with(wanted.label().map(str::to_owned), expires);
            Ok((registry.add_credential(zone, credential.made(registry.now))?, Made::Kept(expires)))
        });
        if let Made::Kept(expires) = made.await? {
            return Ok((password, expires));
        }
    }
    Err(Refusal::Conflict(format!("others make passwords of zone `{zone}` all the time; try again")))
}

/// Away from the threads that serve others: stretching takes milliseconds.
async fn stretch(
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

/// The id of a credential that is new.
pub(super) fn random_id() -> Result<CredentialId, Refusal> {
    let mut bytes = [0_u8; 6];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Refusal::no_randomness())?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    CredentialId::parse(&format!("rest-{digits}")).map_err(|error| Refusal::Broken(error.to_string()))
}
