//! The server's half of SCRAM: first message, challenge, final message.

use secrecy::{ExposeSecret, SecretSlice};

use super::keys::{equal, xor};
use super::message::{ClientFinal, ClientFirst, encode};
use super::{CredentialError, ScramCredential, ScramHash};
use crate::sasl::{Nonce, Rejection};

/// The client's first message has been read; the user's credential is wanted.
#[derive(Debug)]
pub(in crate::sasl) struct FirstReceived {
    hash: ScramHash,
    user: String,
    gs2_header: String,
    client_first_bare: String,
    /// The client's nonce and ours, joined.
    nonce: String,
    client_nonce_length: usize,
}

impl FirstReceived {
    pub(in crate::sasl) fn parse(hash: ScramHash, nonce: &Nonce, message: &[u8]) -> Result<Self, Rejection> {
        let first = ClientFirst::parse(message)?;
        Ok(Self {
            hash,
            nonce: [first.nonce, nonce.as_str()].concat(),
            client_nonce_length: first.nonce.len(),
            gs2_header: first.gs2_header.to_owned(),
            client_first_bare: first.bare.to_owned(),
            user: first.user,
        })
    }

    pub(in crate::sasl) fn user(&self) -> &str {
        &self.user
    }

    pub(in crate::sasl) fn hash(&self) -> ScramHash {
        self.hash
    }

    /// Whether a final message's nonce is this exchange's.
    ///
    /// librdkafka before 2.6.1 (Debian 12 has 2.0.2) puts the client's nonce before it once more.
    /// Kafka 3.9 lets that pass and Kafka 4 does not; taking it loses nothing, for the proof covers both our
    /// message and the final one as they were sent.
    fn carries_nonce(&self, nonce: &str) -> bool {
        let client_nonce = self.nonce.get(..self.client_nonce_length).unwrap_or_default();
        nonce == self.nonce || nonce.strip_prefix(client_nonce) == Some(&self.nonce)
    }

    /// Writes the challenge of `credential`.
    ///
    /// An unknown user goes on with a fake one: who is unknown shows nowhere before the end.
    pub(in crate::sasl) fn challenge(
        self,
        credential: ScramCredential,
        known: bool,
    ) -> Result<(Vec<u8>, AwaitingFinal), Rejection> {
        if credential.hash() != self.hash {
            return Err(CredentialError::OtherHash.into());
        }
        let (salt, iterations) = (encode(credential.salt()), credential.iterations());
        let server_first = format!("r={},s={salt},i={iterations}", self.nonce);
        let bytes = server_first.clone().into_bytes();
        Ok((bytes, AwaitingFinal { first: self, credential, known, server_first }))
    }
}

/// The challenge is out; the proof is wanted.
#[derive(Debug)]
pub(in crate::sasl) struct AwaitingFinal {
    first: FirstReceived,
    credential: ScramCredential,
    known: bool,
    server_first: String,
}

impl AwaitingFinal {
    pub(in crate::sasl) fn user(&self) -> &str {
        &self.first.user
    }

    /// Checks the proof, writes the server's signature, and says which password it was.
    pub(in crate::sasl) fn finish(self, message: &[u8]) -> Result<(Vec<u8>, usize), Rejection> {
        let last = ClientFinal::parse(message)?;
        if last.channel_binding != self.first.gs2_header.as_bytes() {
            return Err(Rejection::Malformed { what: "channel binding differs from the first message" });
        }
        if !self.first.carries_nonce(last.nonce) {
            return Err(Rejection::WrongNonce);
        }
        let auth_message =
            [&self.first.client_first_bare, ",", &self.server_first, ",", last.without_proof].concat();
        let auth_message = auth_message.as_bytes();
        let proven = self.proven(&last.proof, auth_message);
        match (self.known, proven) {
            (true, Some((place, server_key))) => Ok((self.signature(server_key, auth_message), place)),
            (true, None) => Err(Rejection::WrongPassword),
            (false, _) => Err(Rejection::UnknownUser),
        }
    }

    /// The place and the `ServerKey` of the password that is proven. All are tried: how many there are shows in the time, which one not.
    fn proven(&self, proof: &[u8], auth_message: &[u8]) -> Option<(usize, &SecretSlice<u8>)> {
        let hash = self.first.hash;
        self.credential.keys().enumerate().fold(None, |found, (place, (stored_key, server_key))| {
            let stored_key = stored_key.expose_secret();
            let client_key = xor(proof, &hash.hmac(stored_key, auth_message));
            let is = proof.len() == hash.length() && equal(&hash.digest(&client_key), stored_key);
            if is { Some((place, server_key)) } else { found }
        })
    }

    fn signature(&self, server_key: &SecretSlice<u8>, auth_message: &[u8]) -> Vec<u8> {
        let signature = self.first.hash.hmac(server_key.expose_secret(), auth_message);
        format!("v={}", encode(&signature)).into_bytes()
    }
}
