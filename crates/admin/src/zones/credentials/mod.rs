//! Passwords of a zone's account: listed, made and taken away. Each that is made is one more, and those before stay good.

mod make;
mod wanted;

use secrecy::ExposeSecret;
use serde::Serialize;
use tidegate_core::names::Shown;
use tidegate_core::records::Moment;
use tidegate_core::registry::{Registry, RegistryError};
use tidegate_core::{Credential, CredentialId, ZoneName};
use utoipa::ToSchema;

use super::find;
use crate::dispatch::Call;
use crate::refusal::Refusal;

pub(crate) use wanted::WantedCredential;

/// A password of a zone's account as it is listed: without itself, which nobody knows any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedCredential {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    /// From when on it opens nothing; absent if it never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// To the minute; absent if nobody logged in with it for long.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_time_used: Option<String>,
}

/// A password that was made just now, which is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedCredential {
    /// What it is listed and taken away by.
    id: String,
    password: String,
    /// From when on it opens nothing; absent if it never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// Every password of the account of the path's zone, the oldest first; also those that have expired.
pub(crate) async fn list_credentials(call: &Call) -> Result<Vec<ListedCredential>, Refusal> {
    let zone = find(call)?.value;
    let credentials = call.admin.look(|registry| credentials(registry, zone.spec.name()))?;
    let used = call.admin.last_used.of_credentials(zone.id).await;
    Ok(credentials.iter().map(|credential| listed(credential, used.get(credential.id()).copied())).collect())
}

/// Makes a password for the account of the path's zone and shows it, once.
pub(crate) async fn create_credential(call: &Call, body: &str) -> Result<CreatedCredential, Refusal> {
    let wanted = WantedCredential::read(body)?;
    let zone = find(call)?.value.spec.name().clone();
    let id = make::random_id()?;
    let action = format!("create credential {} of zone {zone}", called(&id, wanted.label()));
    let (password, expires) = make::make(call, &zone, &id, &wanted, &action).await?;
    Ok(CreatedCredential {
        id: id.to_string(),
        password: password.expose_secret().to_owned(),
        expires_at: expires.map(Moment::to_rfc3339),
    })
}

/// The same as other tools ask for it, who are given the password alone.
pub(crate) async fn generate_credentials(call: &Call, body: &str) -> Result<String, Refusal> {
    wanted::check_is_nothing(body)?;
    let zone = find(call)?.value.spec.name().clone();
    let id = make::random_id()?;
    let action = format!("generate credentials {id} of zone {zone}");
    let (password, _) = make::make(call, &zone, &id, &WantedCredential::default(), &action).await?;
    Ok(password.expose_secret().to_owned())
}

/// Takes a password of the path's zone away: connections that logged in with it are cut off.
pub(crate) async fn delete_credential(call: &Call) -> Result<(), Refusal> {
    let zone = find(call)?.value.spec.name().clone();
    let id = CredentialId::parse(&call.item).map_err(|error| Refusal::wrong(format!("id: {error}")))?;
    let credentials = call.admin.look(|registry| credentials(registry, &zone))?;
    let label = credentials.iter().find(|credential| *credential.id() == id).and_then(Credential::label);
    let action = format!("revoke credential {} of zone {zone}", called(&id, label));
    let revoke = |registry: &Registry<'_>| Ok((registry.revoke_credential(&zone, &id)?, ()));
    call.admin.change(&call.who(), &action, revoke).await
}

fn credentials(registry: &Registry<'_>, zone: &ZoneName) -> Result<Vec<Credential>, RegistryError> {
    Ok(registry.account_of(zone)?.value.account.credentials().to_vec())
}

/// As the history tells of it. Whoever has the command line may have called it anything.
fn called(id: &CredentialId, label: Option<&str>) -> String {
    match label {
        Some(label) => format!("{id} ({})", Shown::of_sentence(label)),
        None => id.to_string(),
    }
}

fn listed(credential: &Credential, used: Option<Moment>) -> ListedCredential {
    ListedCredential {
        id: credential.id().to_string(),
        label: credential.label().map(str::to_owned),
        created_at: credential.created().map(str::to_owned),
        expires_at: credential.expires().map(Moment::to_rfc3339),
        last_time_used: used.map(Moment::to_rfc3339),
    }
}
