//! Certificates and keys in files.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretSlice;
use tidegate_core::document::Fields;

use crate::Around;

/// A PEM file and what was in it at start.
#[derive(Clone)]
pub struct PemFile {
    /// The file, for messages.
    pub path: PathBuf,
    /// Its content.
    pub pem: SecretSlice<u8>,
}

impl fmt::Debug for PemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PemFile({})", self.path.display())
    }
}

/// Reads `certificate` and `key`, which are of no use alone.
pub fn certificate_and_key(fields: &mut Fields<'_>, around: &Around<'_>) -> Option<(PemFile, PemFile)> {
    let certificate = fields.optional("certificate");
    let key = fields.optional("key");
    match (&certificate, &key) {
        (Some(certificate), Some(key)) => {
            let (certificate, key) = (around.pem(certificate), around.pem(key));
            Some((certificate?, key?))
        }
        (None, None) => None,
        (Some(only), None) => {
            only.fail("there is a certificate without its private key; write `key` as well");
            None
        }
        (None, Some(only)) => {
            only.fail("there is a private key without its certificate; write `certificate` as well");
            None
        }
    }
}
