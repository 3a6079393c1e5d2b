//! Records with a proof that a holder of the root key wrote them, as they are kept where others may write too.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::{Body, Kind, RecordKey, Revision};
use crate::keys::RootKey;

/// What proves a record: a MAC over its key, its revision, its change and its body.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Signature([u8; 32]);

/// Tells one attempt at a change from every other: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ChangeId([u8; 16]);

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What it is about.
    pub key: RecordKey,
    /// The change that wrote it.
    pub revision: Revision,
    /// The attempt at that change: one that was given up may be shown again by somebody else.
    pub change: ChangeId,
    /// What it says; `None` is that it is gone.
    pub body: Option<Body>,
    /// The proof.
    pub signature: Signature,
}

/// Signs and checks records; derived from the root key.
#[derive(Clone)]
pub struct StoreKeys(hmac::Key);

impl StoreKeys {
    /// The keys of an installation.
    #[must_use]
    pub fn new(root: &RootKey) -> Self {
        let mut bytes = [0; 32];
        root.derive(b"store mac", &[], &mut bytes);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    /// The record with its proof.
    #[must_use]
    pub fn sign(&self, key: RecordKey, revision: Revision, change: ChangeId, body: Option<Body>) -> Signed {
        let tag = hmac::sign(&self.0, &message(&key, revision, change, body.as_ref()));
        let signature = Signature(tag.as_ref().first_chunk().copied().unwrap_or_default());
        Signed { key, revision, change, body, signature }
    }

    /// Whether the proof is right.
    #[must_use]
    pub fn holds(&self, signed: &Signed) -> bool {
        let message = message(&signed.key, signed.revision, signed.change, signed.body.as_ref());
        hmac::verify(&self.0, &message, &signed.signature.0).is_ok()
    }
}

/// What is signed. Lengths keep neighbours from flowing into one another.
fn message(key: &RecordKey, revision: Revision, change: ChangeId, body: Option<&Body>) -> Vec<u8> {
    let mut message = Vec::new();
    let mut part = |bytes: &[u8]| {
        message.extend(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        message.extend(bytes);
    };
    part(b"tidegate record v1");
    part(key.to_string().as_bytes());
    part(&revision.0.to_be_bytes());
    part(&change.0);
    if let Some(body) = body {
        part(&body.schema().to_be_bytes());
        part(body.text().as_bytes());
    }
    message
}

impl fmt::Debug for StoreKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKeys(hidden)")
    }
}

impl Signature {
    /// A signature as it was kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Puts another one into a sum of signatures, or takes it out again.
    pub(super) fn toggle(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(to, from)| *to ^= from);
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl ChangeId {
    /// An id from random bytes, or as it was kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// The last record of every change: which records there are after it.
///
/// Whoever can write the store's topic can make compaction drop a record, by another one of the same key. The sum of all
/// signatures shows that one is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The change.
    pub revision: Revision,
    /// The attempt at it that was made.
    pub change: ChangeId,
    /// How many records there are.
    pub count: u64,
    /// All their signatures, one exclusive-or the other.
    pub sum: Signature,
}

/// How a head is kept.
#[derive(Serialize, Deserialize)]
struct HeadBody {
    count: u64,
    sum: String,
}

/// The schema of a head; with it the whole format of the store would change.
const HEAD_SCHEMA: u32 = 1;

impl Head {
    /// The key under which every head is kept; always `Some`, since the id is a good one.
    pub(super) fn key() -> Option<RecordKey> {
        RecordKey::new(Kind::HEAD, "head").ok()
    }

    /// The head as it is kept.
    pub(super) fn signed(&self, keys: &StoreKeys) -> Option<Signed> {
        let body = HeadBody { count: self.count, sum: STANDARD.encode(self.sum.as_bytes()) };
        let text = serde_json::to_string(&body).ok()?;
        Some(keys.sign(Self::key()?, self.revision, self.change, Some(Body::new(HEAD_SCHEMA, &text))))
    }

    /// Reads a head whose signature holds; `None` if a later version wrote it.
    pub(super) fn read(signed: &Signed) -> Option<Self> {
        let body = signed.body.as_ref().filter(|body| body.schema() == HEAD_SCHEMA)?;
        let read: HeadBody = serde_json::from_str(body.text()).ok()?;
        let sum = Signature(STANDARD.decode(&read.sum).ok()?.try_into().ok()?);
        Some(Self { revision: signed.revision, change: signed.change, count: read.count, sum })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> StoreKeys {
        StoreKeys::new(&RootKey::from_bytes([byte; 32]))
    }

    fn key(text: &str) -> RecordKey {
        RecordKey::parse(text).unwrap()
    }

    fn signed() -> Signed {
        keys(1).sign(key("zone/a"), Revision(3), ChangeId([4; 16]), Some(Body::new(1, "{}")))
    }

    #[test]
    fn nothing_of_a_record_can_be_exchanged() {
        let good = signed();
        assert!(keys(1).holds(&good));
        assert!(!keys(2).holds(&good), "another installation");
        let others = [
            Signed { key: key("zone/b"), ..good.clone() },
            Signed { key: key("share/a"), ..good.clone() },
            Signed { revision: Revision(4), ..good.clone() },
            Signed { change: ChangeId([5; 16]), ..good.clone() },
            Signed { body: None, ..good.clone() },
            Signed { body: Some(Body::new(2, "{}")), ..good.clone() },
            Signed { body: Some(Body::new(1, "{ }")), ..good.clone() },
            Signed { signature: Signature([0; 32]), ..good.clone() },
        ];
        for other in others {
            assert!(!keys(1).holds(&other), "{other:?}");
        }
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let head =
            Head { revision: Revision(9), change: ChangeId([7; 16]), count: 3, sum: signed().signature };
        let kept = head.signed(&keys(1)).unwrap();
        assert!(keys(1).holds(&kept));
        assert_eq!(Head::read(&kept), Some(head));
        let later = Signed { body: Some(Body::new(2, "{}")), ..kept };
        assert_eq!(Head::read(&later), None);
    }

    #[test]
    fn signatures_never_change() {
        // Computed once by another implementation: what an older version wrote must hold for every later one.
        assert_eq!(
            format!("{:?}", signed().signature),
            "b67cfb90e0c8e48d49311e88c0ebc0677cf593a3e7e7af0c10cc68f3e96d36a6"
        );
    }
}
