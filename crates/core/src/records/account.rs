//! An account as it is kept, with what checks its passwords sealed.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::AddrParseError;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};

use super::json::{self, Migration};
use super::{Moment, RecordError, Recorded, Sealing, Unknown};
use crate::account::{Account, Credential, ScramMechanism, ScramVerifier};
use crate::names::{AccountName, CredentialId, ZoneName};
use crate::store::{Body, Kind, Record, RecordKey, SealedAt, Sealer, escaped};

/// An account and the zone that it enters. Its record's id is its name, so no two zones can have one account.
#[derive(Debug, Clone)]
pub struct AccountRecord {
    /// The account with its credentials.
    pub account: Account,
    /// The zone that was made for it or with it.
    pub zone: ZoneName,
    /// Fields of a later version.
    pub unknown: Unknown,
    /// The same of each credential, by its id.
    pub unknown_of_credentials: BTreeMap<String, Unknown>,
}

impl AccountRecord {
    /// An account of a zone.
    #[must_use]
    pub fn new(account: Account, zone: ZoneName) -> Self {
        Self { account, zone, unknown: Unknown::default(), unknown_of_credentials: BTreeMap::new() }
    }
}

const MIGRATIONS: [Migration; 0] = [];

#[derive(Serialize, Deserialize)]
struct AccountBody {
    zone: ZoneName,
    /// By id, since what is sealed stands under names.
    credentials: BTreeMap<String, CredentialBody>,
    /// Where its clients may come from; none is from anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
struct CredentialBody {
    /// Its place among the account's credentials, from 0: the last one is what SCRAM proves.
    place: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Moment>,
    mechanisms: BTreeMap<String, VerifierBody>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
struct VerifierBody {
    salt: String,
    iterations: u32,
    stored_key: String,
    server_key: String,
}

impl Recorded for AccountRecord {
    const KIND: Kind = Kind::ACCOUNT;

    fn id(&self) -> String {
        self.account.name().to_string()
    }

    fn to_body(&self, sealing: &Sealing<'_>) -> Result<Body, RecordError> {
        let key = self.key()?;
        let mut credentials = BTreeMap::new();
        for (place, credential) in self.account.credentials().iter().enumerate() {
            let mut mechanisms = BTreeMap::new();
            for mechanism in MECHANISMS {
                let body = seal(&key, credential, mechanism, sealing)?;
                mechanisms.insert(mechanism.as_str().to_owned(), body);
            }
            let id = credential.id().to_string();
            let body = CredentialBody {
                place,
                created: credential.created().map(str::to_owned),
                label: credential.label().map(str::to_owned),
                expires: credential.expires(),
                mechanisms,
                unknown: self.unknown_of_credentials.get(&id).cloned().unwrap_or_default(),
            };
            credentials.insert(id, body);
        }
        let networks = self.account.networks().iter().map(ToString::to_string).collect();
        let (zone, unknown) = (self.zone.clone(), self.unknown.clone());
        let body = AccountBody { zone, credentials, networks, unknown };
        json::write(&key, &body, &MIGRATIONS)
    }

    fn from_record(record: &Record, sealer: &Sealer) -> Result<Self, RecordError> {
        let body: AccountBody = json::read(record, &MIGRATIONS)?;
        let malformed = |what: String| RecordError::malformed(record, what);
        let name = AccountName::parse(record.key.id()).map_err(|error| malformed(error.to_string()))?;
        let mut bodies: Vec<_> = body.credentials.iter().collect();
        bodies.sort_by_key(|(_, body)| body.place);
        let credentials = bodies.into_iter().map(|(id, body)| open(record, id, body, sealer));
        let account = Account::new(name, credentials.collect::<Result<_, _>>()?);
        let account = account.map_err(|problem| malformed(problem.to_string()))?;
        // A network that cannot be read must not let in everybody.
        let networks = body.networks.iter().map(|network| network.parse());
        let networks = networks.collect::<Result<_, _>>();
        let networks = networks.map_err(|error: AddrParseError| malformed(error.to_string()))?;
        let account = account.from_networks(networks);
        let unknown_of_credentials =
            body.credentials.into_iter().map(|(id, body)| (id, body.unknown)).collect();
        Ok(Self { account, zone: body.zone, unknown: body.unknown, unknown_of_credentials })
    }
}

const MECHANISMS: [ScramMechanism; 2] = [ScramMechanism::Sha256, ScramMechanism::Sha512];

/// Where a key of a verifier stands.
fn pointer(credential: &str, mechanism: ScramMechanism, field: &str) -> String {
    format!("/credentials/{}/mechanisms/{mechanism}/{field}", escaped(credential))
}

fn seal(
    key: &RecordKey,
    credential: &Credential,
    mechanism: ScramMechanism,
    sealing: &Sealing<'_>,
) -> Result<VerifierBody, RecordError> {
    let verifier = credential.verifier(mechanism);
    let seal = |field: &str, secret: &SecretSlice<u8>| {
        let pointer = pointer(credential.id().as_str(), mechanism, field);
        let at = SealedAt { key, pointer: &pointer };
        sealing.sealer.seal(at, secret.expose_secret(), sealing.random)
    };
    Ok(VerifierBody {
        salt: STANDARD.encode(verifier.salt()),
        iterations: verifier.iterations(),
        stored_key: seal("stored_key", verifier.stored_key())?,
        server_key: seal("server_key", verifier.server_key())?,
    })
}

fn open(
    record: &Record,
    id: &str,
    body: &CredentialBody,
    sealer: &Sealer,
) -> Result<Credential, RecordError> {
    let [sha_256, sha_512] = MECHANISMS.map(|mechanism| verifier(record, id, body, mechanism, sealer));
    let malformed = |what: String| RecordError::malformed(record, what);
    let name = CredentialId::parse(id).map_err(|error| malformed(error.to_string()))?;
    let credential = Credential::new(name, body.created.clone(), sha_256?, sha_512?)
        .map_err(|problem| malformed(problem.to_string()))?;
    Ok(credential.with(body.label.clone(), body.expires))
}

fn verifier(
    record: &Record,
    credential: &str,
    body: &CredentialBody,
    mechanism: ScramMechanism,
    sealer: &Sealer,
) -> Result<ScramVerifier, RecordError> {
    let malformed = |what: String| RecordError::malformed(record, what);
    let body = body
        .mechanisms
        .get(mechanism.as_str())
        .ok_or_else(|| malformed(format!("credential `{credential}` has no verifier for {mechanism}")))?;
    let open = |field: &str, text: &str| {
        let pointer = pointer(credential, mechanism, field);
        let secret = sealer.open(SealedAt { key: &record.key, pointer: &pointer }, text)?;
        Ok::<_, RecordError>(secret.expose_secret().to_vec())
    };
    let salt = STANDARD.decode(&body.salt).map_err(|error| malformed(error.to_string()))?;
    let (stored, server) = (open("stored_key", &body.stored_key)?, open("server_key", &body.server_key)?);
    ScramVerifier::new(mechanism, salt, body.iterations, stored, server)
        .map_err(|problem| malformed(problem.to_string()))
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;
    use crate::account::tests::{account, credential};
    use crate::store::{Revision, SealError, SealingKey};

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(SealingKey::from_bytes(&[byte; 32]).unwrap())
    }

    fn record() -> (AccountRecord, Record) {
        // `b` before `a`: the order is not that of the names.
        let first = credential("b", 1, 0xab).with(Some("for the old app".to_owned()), Some(Moment(77)));
        let account = account("o\"dd/~name", vec![first, credential("a", 1, 3)]).unwrap();
        let account = account.from_networks(vec!["10.0.0.0/8".parse().unwrap()]);
        let kept = AccountRecord::new(account, ZoneName::parse("acme").unwrap());
        let random = SystemRandom::new();
        let body = kept.to_body(&Sealing { sealer: &sealer(1), random: &random }).unwrap();
        let record = Record { key: kept.key().unwrap(), revision: Revision(1), body };
        (kept, record)
    }

    #[test]
    fn an_account_is_read_as_it_was_written() {
        let (kept, record) = record();
        let read = AccountRecord::from_record(&record, &sealer(1)).unwrap();
        assert_eq!(read.account.fingerprint(), kept.account.fingerprint());
        assert_eq!((read.zone, read.unknown), (kept.zone, kept.unknown));
        let (first, kept) = (&read.account.credentials()[0], &kept.account.credentials()[0]);
        assert_eq!((first.label(), first.expires()), (kept.label(), kept.expires()));
        assert_eq!(read.account.networks().len(), 1);
        let order: Vec<_> = read.account.credentials().iter().map(|c| c.id().to_string()).collect();
        assert_eq!(order, ["b", "a"]);
    }

    #[test]
    fn what_a_later_version_says_of_a_credential_is_kept() {
        let (_, record) = record();
        let text = record.body.text().replace("\"place\":0", "\"place\":0,\"later\":[1]");
        let read =
            AccountRecord::from_record(&Record { body: Body::new(1, &text), ..record }, &sealer(1)).unwrap();
        let body = read.to_body(&Sealing { sealer: &sealer(1), random: &SystemRandom::new() }).unwrap();
        assert!(body.text().contains("\"later\":[1]"), "{}", body.text());
    }

    #[test]
    fn no_key_stands_there_in_the_open() {
        let (_, record) = record();
        for key in [[0xab; 32].to_vec(), [3; 32].to_vec(), [0xab; 64].to_vec()] {
            assert!(!record.body.text().contains(STANDARD.encode(key).trim_end_matches('=')));
        }
        let error = AccountRecord::from_record(&record, &sealer(2)).unwrap_err();
        assert!(matches!(error, RecordError::Seal(SealError::UnknownKey { .. })), "{error}");
    }

    #[test]
    fn it_can_be_sealed_anew() {
        let (kept, record) = record();
        let both = sealer(2).with_previous(SealingKey::from_bytes(&[1; 32]).unwrap());
        let body = both.reseal(&record.key, &record.body, &SystemRandom::new()).unwrap().unwrap();
        let read = AccountRecord::from_record(&Record { body, ..record }, &sealer(2)).unwrap();
        assert_eq!(read.account.fingerprint(), kept.account.fingerprint());
    }

    #[test]
    fn a_key_of_another_credential_does_not_open() {
        let (_, record) = record();
        let text = record.body.text().replace("\"a\":{", "\"x\":{");
        let error = AccountRecord::from_record(&Record { body: Body::new(1, &text), ..record }, &sealer(1));
        assert!(matches!(error.unwrap_err(), RecordError::Seal(SealError::Broken { .. })));
    }
}
