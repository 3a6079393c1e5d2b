//! The installation root key.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::hkdf::{self, Extracted};
use super::zone_keys::ZoneKeys;
use crate::names::ZoneName;
use crate::zone_id::ZoneId;

/// The 32 bytes from which every id and key that replicas must agree on is derived.
pub struct RootKey(SecretBox<[u8; ROOT_KEY_BYTES]>);

/// Why a text is not a root key. It never shows any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootKeyError {
    /// Neither hexadecimal nor base64.
    #[error(
        "root key is neither 64 hexadecimal digits nor 44 characters of base64; make one with `openssl rand -hex 32`"
    )]
    Encoding,
    /// Well encoded, but not 32 bytes.
    #[error("root key is {length} bytes long, but must be 32; make one with `openssl rand -hex 32`")]
    Length {
        /// The bytes found.
        length: usize,
    },
}

impl RootKey {
    /// A key from its bytes.
    pub fn from_bytes(bytes: [u8; ROOT_KEY_BYTES]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// Takes 64 hexadecimal digits or base64 (either alphabet, padding or not) of 32 bytes; white space around is ignored.
    pub fn parse(text: &str) -> Result<Self, RootKeyError> {
        let text = text.trim();
        let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        // No base64 of 32 bytes is all hexadecimal digits of even number: it has 43 characters, or `=` at its end.
        let bytes = if is_hex { from_hex(text) } else { from_base64(text) };
        let bytes = bytes.ok_or(RootKeyError::Encoding)?;
        let length = bytes.len();
        <[u8; ROOT_KEY_BYTES]>::try_from(bytes)
            .map(Self::from_bytes)
            .map_err(|_| RootKeyError::Length { length })
    }

    /// The key as 64 hexadecimal digits, to be written to its file.
    pub fn to_hex(&self) -> SecretString {
        self.0.expose_secret().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }

    /// The id of a zone. Until a store hands out ids, they are derived from the name.
    pub fn zone_id(&self, name: &ZoneName) -> ZoneId {
        let mut bytes = [0; 16];
        self.derive(b"zone id", name.as_str().as_bytes(), &mut bytes);
        ZoneId::from_bytes(uuid::Builder::from_custom_bytes(bytes).into_uuid().into_bytes())
    }

    /// The keys of a zone.
    pub fn zone_keys(&self, zone: &ZoneId) -> ZoneKeys {
        ZoneKeys::derive(self, zone)
    }

    /// The password with which a zone's user logs in upstream, where the gateway makes these users: 64 hexadecimal digits.
    pub fn upstream_password(&self, zone: &ZoneId) -> SecretString {
        let mut bytes = [0; 32];
        self.derive(b"upstream password", zone.as_bytes(), &mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }

    /// The salt of that password's SCRAM credential; the same each time, so that making it again changes nothing.
    pub fn upstream_salt(&self, zone: &ZoneId) -> [u8; 16] {
        let mut salt = [0; 16];
        self.derive(b"upstream salt", zone.as_bytes(), &mut salt);
        salt
    }

    /// The salt to show to a SCRAM user who does not exist: always the same for one name, so that nobody can tell.
    /// At most 8160 bytes.
    pub fn fake_salt(&self, user: &str, length: usize) -> Vec<u8> {
        let mut salt = vec![0; length.min(hkdf::MAX_OUTPUT)];
        self.derive(b"fake salt", user.as_bytes(), &mut salt);
        salt
    }

    /// Fills `out` with bytes for one use and one owner. The zero byte keeps (`ab`, `c`) apart from (`a`, `bc`).
    pub(crate) fn derive(&self, usage: &[u8], owner: &[u8], out: &mut [u8]) {
        self.extracted().expand(&[usage, &[0], owner], out);
    }

    fn extracted(&self) -> Extracted {
        hkdf::extract(b"tidegate root key v1", self.0.expose_secret())
    }
}

impl Clone for RootKey {
    fn clone(&self) -> Self {
        Self::from_bytes(*self.0.expose_secret())
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(hidden)")
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()))
        .collect()
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    STANDARD_NO_PAD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok()
}

const ROOT_KEY_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RootKey {
        RootKey::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap()))
    }

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn both_spellings_give_one_key() {
        for text in [HEX, &HEX.to_uppercase(), BASE64, BASE64.trim_end_matches('='), &format!(" {HEX}\n")] {
            assert_eq!(RootKey::parse(text).unwrap().to_hex().expose_secret(), HEX);
        }
    }

    #[test]
    fn wrong_texts_are_told_apart_and_not_repeated() {
        assert_eq!(RootKey::parse("not a key").unwrap_err(), RootKeyError::Encoding);
        assert_eq!(RootKey::parse("").unwrap_err(), RootKeyError::Length { length: 0 });
        assert_eq!(RootKey::parse("00ff").unwrap_err(), RootKeyError::Length { length: 2 });
        assert_eq!(RootKey::parse(&HEX[..62]).unwrap_err(), RootKeyError::Length { length: 31 });
        assert_eq!(format!("{:?}", key()), "RootKey(hidden)");
    }

    #[test]
    fn derived_values_never_change() {
        let key = key();
        let id = key.zone_id(&ZoneName::parse("external-partner-zone").unwrap());
        // Computed once by another implementation.
        assert_eq!(id.to_string(), "d1395b68-a5c8-87bb-955c-14e1002e7960");
        assert_eq!(
            format!("{:02x?}", key.fake_salt("johndoe", 16)),
            "[6d, 30, 65, d8, 89, d2, fb, 68, 03, 7f, 6a, a9, 27, cc, 4f, 0e]"
        );
    }

    #[test]
    fn upstream_passwords_differ_by_zone_and_never_change() {
        let key = key();
        let password = |name: &str| {
            let id = key.zone_id(&ZoneName::parse(name).unwrap());
            (key.upstream_password(&id).expose_secret().to_owned(), key.upstream_salt(&id))
        };
        assert_eq!(password("a"), password("a"));
        assert_ne!(password("a").0, password("b").0);
        assert_ne!(password("a").1, password("b").1);
        assert_eq!(password("a").0.len(), 64);
    }

    #[test]
    fn salts_differ_by_user_and_keep_their_length() {
        let key = key();
        assert_eq!(key.fake_salt("a", 20), key.fake_salt("a", 20));
        assert_ne!(key.fake_salt("a", 20), key.fake_salt("b", 20));
        assert_eq!(key.fake_salt("a", 100).len(), 100);
        assert_eq!(key.fake_salt("a", usize::MAX).len(), hkdf::MAX_OUTPUT);
    }
}
