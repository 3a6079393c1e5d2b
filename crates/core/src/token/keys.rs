//! The public keys of an identity provider: a JSON Web Key Set (RFC 7517, RFC 7518 section 6, RFC 8037).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

use super::{KeySetError, Token, TokenError};
use crate::names::Shown;

/// Keys of one provider; those in use have two or three.
pub const MAX_KEYS: usize = 100;

/// The longest key set, with a chain of certificates for each key.
pub const MAX_KEY_SET_BYTES: usize = 512 * 1024;

/// The keys of one provider that can check signatures.
#[derive(Clone)]
pub struct KeySet(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: Option<String>,
    /// The only algorithm it may be used with, if it says so.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct WrittenSet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a key set. Keys for other uses, or of kinds that are not known here, are passed over, as RFC 7517 asks.
    ///
    /// # Errors
    /// [`KeySetError`]; one without any key that can be used is an error, since nobody could log in by it.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLong(json.len()));
        }
        let written: WrittenSet =
            serde_json::from_slice(json).map_err(|error| KeySetError::Shape(error.to_string()))?;
        let number = written.keys.len();
        if number > MAX_KEYS {
            return Err(KeySetError::TooMany(number));
        }
        let keys: Vec<Key> = written.keys.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() { Err(KeySetError::NoUsableKey(number)) } else { Ok(Self(keys)) }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: there is at least one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key that signed a token, [`super::Bearer::key`], is still among them.
    #[must_use]
    pub fn holds(&self, key: &[u8]) -> bool {
        self.0.iter().any(|known| known.material.bytes() == key)
    }

    /// Checks the signature of `token` with the key that it names, or with the only one that there is.
    ///
    /// Yields the key, to be looked for with [`KeySet::holds`].
    pub(super) fn check(&self, token: &Token) -> Result<Vec<u8>, TokenError> {
        if !ALGORITHMS.contains(&token.algorithm.as_str()) {
            return Err(TokenError::Algorithm(Shown::of(&token.algorithm)));
        }
        let mut meant = match &token.key_id {
            Some(id) => self.0.iter().filter(|key| key.id.as_ref() == Some(id)).collect(),
            None => self.0.iter().collect::<Vec<_>>(),
        };
        // Keys of different kinds may share a name, and of those without a name only one may fit.
        meant.retain(|key| key.fits(&token.algorithm));
        match (meant.as_slice(), &token.key_id) {
            ([], Some(id)) => Err(TokenError::UnknownKey(Shown::of(id))),
            ([], None) => Err(TokenError::NoFittingKey),
            ([_, _, ..], None) => Err(TokenError::NoKey),
            (keys, _) => {
                let signer = keys.iter().find(|key| key.has_signed(token));
                signer.map(|key| key.material.bytes()).ok_or(TokenError::Signature)
            }
        }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.iter().map(|key| key.id.as_deref().unwrap_or_default());
        f.debug_list().entries(ids).finish()
    }
}

impl Key {
    fn read(written: Value) -> Option<Self> {
        let written: Written = serde_json::from_value(written).ok()?;
        let signs = written.usage.as_deref().is_none_or(|usage| usage == "sig")
            && written.key_ops.as_ref().is_none_or(|uses| uses.iter().any(|one| one == "verify"));
        let material = Material::read(&written).filter(|_| signs)?;
        Some(Self { id: written.kid, algorithm: written.alg, material })
    }

    fn fits(&self, algorithm: &str) -> bool {
        self.algorithm.as_deref().is_none_or(|only| only == algorithm)
            && match self.material {
                Material::Rsa { .. } => algorithm.starts_with("RS") || algorithm.starts_with("PS"),
                Material::P256(_) => algorithm == "ES256",
                Material::P384(_) => algorithm == "ES384",
                Material::Ed25519(_) => algorithm == "EdDSA" || algorithm == "Ed25519",
            }
    }

    fn has_signed(&self, token: &Token) -> bool {
        let (signed, signature) = (token.signed(), token.signature.as_slice());
        let plain = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(signed, signature).is_ok()
        };
        match &self.material {
            Material::P256(point) => plain(&signature::ECDSA_P256_SHA256_FIXED, point),
            Material::P384(point) => plain(&signature::ECDSA_P384_SHA384_FIXED, point),
            Material::Ed25519(point) => plain(&signature::ED25519, point),
            Material::Rsa { n, e } => {
                let Some(parameters) = rsa_parameters(&token.algorithm) else { return false };
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature).is_ok()
            }
        }
    }
}

impl Material {
    /// A text that no other key has.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Rsa { n, e } => [n.as_slice(), e].concat(),
            Self::P256(point) | Self::P384(point) | Self::Ed25519(point) => point.clone(),
        }
    }

    fn read(written: &Written) -> Option<Self> {
        let curve = written.crv.as_deref();
        match (written.kty.as_str(), curve) {
            ("RSA", _) => {
                let (n, e) = (number(written.n.as_deref()?)?, number(written.e.as_deref()?)?);
                RSA_BYTES.contains(&n.len()).then_some(Self::Rsa { n, e })
            }
            ("EC", Some("P-256")) => point(written, 32).map(Self::P256),
            ("EC", Some("P-384")) => point(written, 48).map(Self::P384),
            ("OKP", Some("Ed25519")) => coordinate(written.x.as_deref()?, 32).map(Self::Ed25519),
            _ => None,
        }
    }
}

fn rsa_parameters(algorithm: &str) -> Option<&'static signature::RsaParameters> {
    Some(match algorithm {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// An uncompressed point.
fn point(written: &Written, bytes: usize) -> Option<Vec<u8>> {
    let x = coordinate(written.x.as_deref()?, bytes)?;
    let y = coordinate(written.y.as_deref()?, bytes)?;
    Some([&[4], x.as_slice(), y.as_slice()].concat())
}

fn coordinate(text: &str, bytes: usize) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok().filter(|coordinate| coordinate.len() == bytes)
}

/// A whole number without zeros in front, which some providers write and ring does not take.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    Some(bytes.get(zeros..)?.to_vec())
}

/// 2048 to 8192 bits: less can be broken, more costs whoever checks.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Those with public keys; a shared secret would let the gateway's own readers make tokens.
const ALGORITHMS: &[&str] =
    &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"];
