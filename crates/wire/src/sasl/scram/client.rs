//! The client's half of SCRAM, which believes no server that cannot sign.

use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::ScramHash;
use super::credential::{checked_iterations, checked_salt};
use super::keys::xor;
use super::message::{ServerFirst, decode, encode, escape};
use crate::sasl::{ClientFailure, MAX_MESSAGE_BYTES, Nonce};

/// No channel binding, no authorization id.
const GS2_HEADER: &str = "n,,";

const MAX_SERVER_ERROR_CHARS: usize = 64;

/// The first message is out; the challenge is wanted.
#[derive(Debug)]
pub(in crate::sasl) struct AwaitingChallenge {
    hash: ScramHash,
    password: SecretString,
    nonce: Nonce,
    client_first_bare: String,
}

impl AwaitingChallenge {
    pub(in crate::sasl) fn start(
        hash: ScramHash,
        user: &str,
        password: SecretString,
        nonce: Nonce,
    ) -> (Vec<u8>, Self) {
        let client_first_bare = format!("n={},r={}", escape(user), nonce.as_str());
        let bytes = [GS2_HEADER, &client_first_bare].concat().into_bytes();
        (bytes, Self { hash, password, nonce, client_first_bare })
    }

    /// Answers the challenge with the proof.
    pub(in crate::sasl) fn respond(
        self,
        message: &[u8],
    ) -> Result<(Vec<u8>, AwaitingSignature), ClientFailure> {
        let text = text(message)?;
        let first = ServerFirst::parse(text).ok_or(ClientFailure::Malformed { what: "SCRAM challenge" })?;
        match first.nonce.strip_prefix(self.nonce.as_str()) {
            Some(added) if !added.is_empty() => {}
            _ => return Err(ClientFailure::WrongNonce),
        }
        let iterations = checked_iterations(first.iterations)?;
        let salted = self.hash.salted_password(&self.password, &checked_salt(&first.salt)?, iterations);

        let without_proof = format!("c={},r={}", encode(GS2_HEADER.as_bytes()), first.nonce);
        let auth_message = [&self.client_first_bare, ",", text, ",", &without_proof].concat().into_bytes();
        let client_key = self.hash.client_key(&salted);
        let stored_key = SecretSlice::from(self.hash.digest(client_key.expose_secret()));
        let signature = self.hash.hmac(stored_key.expose_secret(), &auth_message);
        let proof = encode(&xor(client_key.expose_secret(), &signature));
        let next =
            AwaitingSignature { hash: self.hash, server_key: self.hash.server_key(&salted), auth_message };
        Ok((format!("{without_proof},p={proof}").into_bytes(), next))
    }
}

/// The proof is out; the server's signature is wanted.
#[derive(Debug)]
pub(in crate::sasl) struct AwaitingSignature {
    hash: ScramHash,
    server_key: SecretSlice<u8>,
    auth_message: Vec<u8>,
}

impl AwaitingSignature {
    pub(in crate::sasl) fn finish(self, message: &[u8]) -> Result<(), ClientFailure> {
        let attribute = text(message)?.split(',').next().unwrap_or_default();
        if let Some(error) = attribute.strip_prefix("e=") {
            return Err(ClientFailure::ServerError { text: printable(error) });
        }
        let signature = attribute.strip_prefix("v=").and_then(decode);
        let signature = signature.ok_or(ClientFailure::Malformed { what: "SCRAM server signature" })?;
        if !self.hash.verify_hmac(self.server_key.expose_secret(), &self.auth_message, &signature) {
            return Err(ClientFailure::ServerSignature);
        }
        Ok(())
    }
}

fn text(message: &[u8]) -> Result<&str, ClientFailure> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(ClientFailure::Malformed { what: "SCRAM message longer than the limit" });
    }
    std::str::from_utf8(message).map_err(|_| ClientFailure::Malformed { what: "SCRAM message, not UTF-8" })
}

/// What of a server's error text may enter a log.
pub(in crate::sasl) fn printable(text: &str) -> String {
    let harmless = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | '_');
    text.chars().filter(harmless).take(MAX_SERVER_ERROR_CHARS).collect()
}
