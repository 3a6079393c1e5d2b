//! The operators' REST of a gateway, as its client sees it.

mod agent;
mod call;
mod refusal;
mod shapes;

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_core::{CredentialId, TokenId, ZoneManifest, ZoneName, manifest_json, parse_manifests};

use crate::contexts::{Address, Gateway, TokenPlace};
use crate::failure::Failure;
use call::{Again, Request};

pub(crate) use shapes::{
    Applied, CreatedCredential, CreatedToken, Credential, Put, Role, Token, TokenKind, WantedCredential,
    WantedToken, Zone,
};

/// A gateway that can be asked.
pub(crate) struct Rest {
    agent: ureq::Agent,
    address: Address,
    /// Where the token is, for messages.
    place: Option<TokenPlace>,
    token: Option<SecretString>,
}

const ZONES: &str = "/public/console/v2/partner-zone";
const TOKENS: &str = "/token/v1/admin_tokens";

impl Rest {
    /// Makes ready to ask a gateway; nothing is sent yet.
    pub(crate) fn to(gateway: &Gateway) -> Result<Self, Failure> {
        let Gateway { address, token: place, .. } = gateway.clone();
        if place.is_some() && address.is_in_the_open() {
            return Err(Failure::Wrong(format!(
                "{address}: a token is not sent over a network without TLS, where others could read it; use `https://`"
            )));
        }
        let token = place.as_ref().map(TokenPlace::open).transpose()?;
        Ok(Self { agent: agent::agent(gateway)?, address, place, token })
    }

    /// Every zone, by name, as the gateway tells them.
    pub(crate) fn zones(&self) -> Result<Vec<Value>, Failure> {
        let told = self.call(&Request::get(ZONES))?;
        self.read(&told.text)
    }

    /// One zone.
    pub(crate) fn zone(&self, name: &ZoneName) -> Result<Value, Failure> {
        let told = self.call(&Request::get(&zone(name)))?;
        self.read(&told.text)
    }

    /// One zone as a manifest, if there is one.
    pub(crate) fn manifest(&self, name: &ZoneName) -> Result<Option<ZoneManifest>, Failure> {
        match self.zone(name) {
            Ok(zone) => self.understood(&zone).map(Some),
            Err(Failure::NotFound(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Every zone as a manifest.
    pub(crate) fn manifests(&self) -> Result<Vec<ZoneManifest>, Failure> {
        self.zones()?.iter().map(|zone| self.understood(zone)).collect()
    }

    /// Makes a zone as it is wanted, or only says what would come of it. What is made twice is the same as made once.
    pub(crate) fn put(&self, wanted: &ZoneManifest, is_dry: bool) -> Result<Put, Failure> {
        let body = manifest_json(wanted)
            .ok_or_else(|| Failure::Here("a zone of a share has no manifest".to_owned()))?;
        let path = if is_dry { format!("{ZONES}?dryMode=true") } else { ZONES.to_owned() };
        let told = self.call(&Request::new("PUT", &path, Some(body), Again::Always))?;
        self.read(&told.text)
    }

    /// Deletes a zone.
    pub(crate) fn delete(&self, name: &ZoneName) -> Result<(), Failure> {
        self.remove(&zone(name))
    }

    /// Every credential of a zone's account, the oldest first, as the gateway tells them.
    pub(crate) fn credentials(&self, zone: &ZoneName) -> Result<Vec<Value>, Failure> {
        let told = self.call(&Request::get(&credentials(zone)))?;
        self.read(&told.text)
    }

    /// Makes a password; it is told once.
    pub(crate) fn create_credential(
        &self,
        zone: &ZoneName,
        wanted: &WantedCredential<'_>,
    ) -> Result<CreatedCredential, Failure> {
        let body = serde_json::to_string(wanted).map_err(|error| Failure::Here(error.to_string()))?;
        let path = credentials(zone);
        let told = self.call(&Request::new("POST", &path, Some(body), Again::IfNothingWasDone))?;
        self.read(&told.text)
    }

    /// Takes a password away.
    pub(crate) fn revoke_credential(&self, zone: &ZoneName, id: &CredentialId) -> Result<(), Failure> {
        self.remove(&format!("{}/{id}", credentials(zone)))
    }

    /// The properties of a Java client of this zone, with stars for the password.
    pub(crate) fn kafka_configuration(&self, name: &ZoneName) -> Result<String, Failure> {
        let told = self.call(&Request::get(&format!("{}/kafka-configuration", zone(name))))?;
        self.read(&told.text)
    }

    /// Every token, by id, as the gateway tells them.
    pub(crate) fn tokens(&self) -> Result<Vec<Value>, Failure> {
        let told = self.call(&Request::get(TOKENS))?;
        self.read(&told.text)
    }

    /// Makes a token; it is told once.
    pub(crate) fn create_token(&self, wanted: &WantedToken<'_>) -> Result<CreatedToken, Failure> {
        let body = serde_json::to_string(wanted).map_err(|error| Failure::Here(error.to_string()))?;
        let told = self.call(&Request::new("POST", TOKENS, Some(body), Again::IfNothingWasDone))?;
        self.read(&told.text)
    }

    /// Takes a token away.
    pub(crate) fn revoke_token(&self, id: &TokenId) -> Result<(), Failure> {
        self.remove(&format!("/token/v1/{id}"))
    }

    /// What is there no more after a second try was removed by the first, whose answer got lost.
    fn remove(&self, path: &str) -> Result<(), Failure> {
        let request = Request::new("DELETE", path, None, Again::Always);
        match self.call(&request) {
            Err(Failure::NotFound(_)) if request.may_be_done() => Ok(()),
            other => other.map(|_| ()),
        }
    }

    fn read<T: DeserializeOwned>(&self, text: &str) -> Result<T, Failure> {
        serde_json::from_str(text).map_err(|error| {
            // What it is, and not what it says: passwords are among the answers.
            let (line, column) = (error.line(), error.column());
            Failure::Refused(format!(
                "{}: the answer is not what a gateway tells (line {line}, column {column}); is this the address of \
                 its REST, and is it of this version?",
                self.address
            ))
        })
    }

    /// A zone as a manifest, with the revision that was seen.
    pub(crate) fn understood(&self, zone: &Value) -> Result<ZoneManifest, Failure> {
        let read = parse_manifests(&zone.to_string());
        read.ok().and_then(|mut read| read.pop()).ok_or_else(|| {
            let name = zone.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            Failure::Refused(format!(
                "{}: zone `{}` has something in it that this version does not know; use the newest `tidegate`",
                self.address,
                tidegate_core::names::Shown::of(name)
            ))
        })
    }
}

/// Zone names have no character that means something in a path.
fn zone(name: &ZoneName) -> String {
    format!("{ZONES}/{name}")
}

/// Ids of credentials have none either.
fn credentials(zone: &ZoneName) -> String {
    format!("/public/partner-zone/v2/{zone}/credentials")
}
