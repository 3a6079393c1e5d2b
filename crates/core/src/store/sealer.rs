//! Secrets inside records: AES-256-GCM, bound to the place where they stand.
//!
//! A sealed text is `sealed:v1:KEY:BASE64`, the second part nonce, ciphertext and tag. The associated data is the record's
//! key and the place in its JSON, as a pointer of RFC 6901: a secret that is copied elsewhere does not open. So secrets
//! stand in objects, under names, and not in lists, where the place of one depends on its neighbours.
//!
//! While the key is changed two are accepted; [`Sealer::reseal`] brings a record to the present one.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::SecureRandom;
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::Value;

use super::{Body, RecordKey};
use crate::keys::RootKey;

const MARK: &str = "sealed:v1:";

/// A key that seals. It says nothing about the root key, nor about any other.
#[derive(Clone)]
pub struct SealingKey {
    id: String,
    key: LessSafeKey,
}

impl SealingKey {
    /// The key of an installation that names none: derived from its root key.
    ///
    /// # Errors
    /// [`SealError::Key`]: never, since the length is right.
    pub fn derived(root: &RootKey) -> Result<Self, SealError> {
        let mut bytes = [0; 32];
        root.derive(b"sealing", &[], &mut bytes);
        Self::from_bytes(&bytes)
    }

    /// The key of these 32 bytes.
    ///
    /// # Errors
    /// [`SealError::Key`] for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| SealError::Key)?;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), b"tidegate sealing key id");
        let id = tag.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { id, key: LessSafeKey::new(key) })
    }

    /// What tells it from others: eight hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.id)
    }
}

/// Where a secret stands.
#[derive(Debug, Clone, Copy)]
pub struct SealedAt<'a> {
    /// The record.
    pub key: &'a RecordKey,
    /// The place in its body, as a JSON pointer like `/credentials/initial/storedKey`.
    pub pointer: &'a str,
}

impl SealedAt<'_> {
    fn associated_data(&self) -> Vec<u8> {
        let Self { key, pointer } = self;
        // A key has no zero byte.
        format!("tidegate sealed v1\0{key}\0{pointer}").into_bytes()
    }
}

/// A secret cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The key has the wrong length.
    #[error("a sealing key has 32 bytes")]
    Key,
    /// No secret can be sealed without randomness.
    #[error("the machine gives no random bytes")]
    NoRandomness,
    /// What stands there is not sealed at all.
    #[error("{key}{pointer} is not sealed; make the record again")]
    NotSealed {
        /// The record.
        key: RecordKey,
        /// The place.
        pointer: String,
    },
    /// Sealed with a key that this program was not given.
    #[error(
        "{key}{pointer} is sealed with key {id}, which is not given; give it as the previous sealing key"
    )]
    UnknownKey {
        /// The record.
        key: RecordKey,
        /// The place.
        pointer: String,
        /// The key.
        id: String,
    },
    /// Changed, cut or moved.
    #[error("{key}{pointer} does not open: it was changed, or copied from elsewhere; make the record again")]
    Broken {
        /// The record.
        key: RecordKey,
        /// The place.
        pointer: String,
    },
    /// The body is no JSON.
    #[error("{0} is not JSON")]
    NotJson(RecordKey),
}

/// Seals with one key and opens with that one or the one before.
#[derive(Debug, Clone)]
pub struct Sealer {
    present: SealingKey,
    previous: Option<SealingKey>,
}

impl Sealer {
    /// A sealer with its key.
    #[must_use]
    pub fn new(present: SealingKey) -> Self {
        Self { present, previous: None }
    }

    /// That opens what `previous` sealed, too.
    #[must_use]
    pub fn with_previous(self, previous: SealingKey) -> Self {
        Self { previous: Some(previous), ..self }
    }

    /// The sealed text of a secret.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn seal(
        &self,
        at: SealedAt<'_>,
        secret: &[u8],
        random: &dyn SecureRandom,
    ) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let mut sealed = secret.to_vec();
        let aad = Aad::from(at.associated_data());
        self.present
            .key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            // Only for a secret of more than 64 GiB.
            .map_err(|_| broken(at))?;
        let text = STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat());
        Ok(format!("{MARK}{}:{text}", self.present.id))
    }

    /// The secret of a sealed text.
    ///
    /// # Errors
    /// [`SealError`], which shows nothing of it.
    pub fn open(&self, at: SealedAt<'_>, text: &str) -> Result<SecretSlice<u8>, SealError> {
        let (id, text) = parts(text).ok_or_else(|| not_sealed(at))?;
        let keys = std::iter::once(&self.present).chain(&self.previous);
        let key = keys.into_iter().find(|key| key.id == id).ok_or_else(|| unknown(at, id))?;
        let mut bytes = STANDARD_NO_PAD.decode(text).map_err(|_| broken(at))?;
        let Some((nonce, sealed)) = bytes.split_first_chunk_mut::<NONCE_LEN>() else {
            return Err(broken(at));
        };
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(at.associated_data());
        let secret = key.key.open_in_place(nonce, aad, sealed).map_err(|_| broken(at))?;
        Ok(SecretSlice::from(secret.to_vec()))
    }

    /// The body with every secret sealed by the present key; `None` if it is already.
    ///
    /// # Errors
    /// [`SealError`]: then the record stays as it is.
    pub fn reseal(
        &self,
        key: &RecordKey,
        body: &Body,
        random: &dyn SecureRandom,
    ) -> Result<Option<Body>, SealError> {
        if !body.text().contains(MARK) {
            return Ok(None);
        }
        let mut value: Value =
            serde_json::from_str(body.text()).map_err(|_| SealError::NotJson(key.clone()))?;
        let changed = self.reseal_in(key, &mut String::new(), &mut value, random)?;
        Ok((changed > 0).then(|| Body::new(body.schema(), &value.to_string())))
    }

    /// How many secrets below a place were sealed anew.
    fn reseal_in(
        &self,
        key: &RecordKey,
        pointer: &mut String,
        value: &mut Value,
        random: &dyn SecureRandom,
    ) -> Result<usize, SealError> {
        let Value::Object(fields) = value else { return self.reseal_text(key, pointer, value, random) };
        let mut changed = 0;
        for (name, value) in fields {
            let length = pointer.len();
            pointer.push('/');
            pointer.push_str(&escaped(name));
            changed += self.reseal_in(key, pointer, value, random)?;
            pointer.truncate(length);
        }
        Ok(changed)
    }

    fn reseal_text(
        &self,
        key: &RecordKey,
        pointer: &str,
        value: &mut Value,
        random: &dyn SecureRandom,
    ) -> Result<usize, SealError> {
        let Value::String(text) = value else { return Ok(0) };
        match parts(text) {
            Some((id, _)) if id != self.present.id => {
                let at = SealedAt { key, pointer };
                let secret = self.open(at, text)?;
                *text = self.seal(at, secret.expose_secret(), random)?;
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

/// A name as it stands in a JSON pointer.
#[must_use]
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The key's id and the rest of a sealed text.
fn parts(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(MARK)?.split_once(':')
}

fn not_sealed(at: SealedAt<'_>) -> SealError {
    SealError::NotSealed { key: at.key.clone(), pointer: at.pointer.to_owned() }
}

fn unknown(at: SealedAt<'_>, id: &str) -> SealError {
    let id = crate::names::Shown::of(id).to_string();
    SealError::UnknownKey { key: at.key.clone(), pointer: at.pointer.to_owned(), id }
}

fn broken(at: SealedAt<'_>) -> SealError {
    SealError::Broken { key: at.key.clone(), pointer: at.pointer.to_owned() }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;

    use super::*;

    fn sealing(byte: u8) -> SealingKey {
        SealingKey::from_bytes(&[byte; 32]).unwrap()
    }

    fn key(text: &str) -> RecordKey {
        RecordKey::parse(text).unwrap()
    }

    fn seal(sealer: &Sealer, key: &RecordKey, pointer: &str) -> String {
        sealer.seal(SealedAt { key, pointer }, b"secret", &SystemRandom::new()).unwrap()
    }

    #[test]
    fn a_secret_opens_in_its_place_alone() {
        let (sealer, a, b) = (Sealer::new(sealing(1)), key("account/a"), key("account/b"));
        let text = seal(&sealer, &a, "/x");
        let open = |key, pointer, text: &str| sealer.open(SealedAt { key, pointer }, text);
        assert_eq!(open(&a, "/x", &text).unwrap().expose_secret(), b"secret");
        assert!(matches!(open(&a, "/y", &text), Err(SealError::Broken { .. })));
        assert!(matches!(open(&b, "/x", &text), Err(SealError::Broken { .. })));
        assert!(matches!(open(&a, "/x", "secret"), Err(SealError::NotSealed { .. })));
        for cut in 0..text.len() {
            assert!(open(&a, "/x", &text[..cut]).is_err(), "{cut}");
        }
        assert_ne!(text, seal(&sealer, &a, "/x"), "each with a nonce of its own");
    }

    #[test]
    fn two_keys_open_while_one_seals() {
        let (before, a) = (Sealer::new(sealing(1)), key("account/a"));
        let (from, to) = (seal(&before, &a, "/c/a~1b"), seal(&before, &a, "/d"));
        let text = format!(r#"{{"c":{{"a/b":"{from}"}},"d":"{to}","e":"open","f":[1]}}"#);
        let body = Body::new(3, &text);
        let both = Sealer::new(sealing(2)).with_previous(sealing(1));
        let resealed = both.reseal(&a, &body, &SystemRandom::new()).unwrap().unwrap();
        assert_eq!(resealed.schema(), 3);
        assert_eq!(both.reseal(&a, &resealed, &SystemRandom::new()).unwrap(), None, "it is already");
        let after = Sealer::new(sealing(2));
        let value: Value = serde_json::from_str(resealed.text()).unwrap();
        for pointer in ["/c/a~1b", "/d"] {
            let text = value.pointer(pointer).unwrap().as_str().unwrap();
            assert_eq!(after.open(SealedAt { key: &a, pointer }, text).unwrap().expose_secret(), b"secret");
            assert!(matches!(
                before.open(SealedAt { key: &a, pointer }, text),
                Err(SealError::UnknownKey { .. })
            ));
        }
        let lost = after.reseal(&a, &body, &SystemRandom::new()).unwrap_err().to_string();
        assert!(lost.contains("account/a/c/a~1b is sealed with key"), "{lost}");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!("{:?}", Sealer::new(sealing(0xab)));
        assert!(!shown.contains("171, 171") && !shown.contains("abab"), "{shown}");
    }
}
