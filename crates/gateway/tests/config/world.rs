//! A machine that exists in the test alone.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};

use tidegate_core::RootKey;
use tidegate_gateway::config::Surroundings;

/// One byte of the root key, in hexadecimal.
pub(crate) const ROOT_KEY: &str = "5a";

/// A public key, of RFC 8037.
const KEY_SET: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[derive(Default)]
pub(crate) struct World {
    created: RefCell<Vec<PathBuf>>,
}

impl World {
    /// The root keys made.
    pub(crate) fn created(&self) -> Vec<PathBuf> {
        self.created.borrow().clone()
    }
}

impl Surroundings for World {
    fn variable(&self, name: &str) -> Option<String> {
        matches!(name, "KAFKA_PASSWORD" | "CLIENT_SECRET").then(|| "from the environment".to_owned())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let name = path.strip_prefix("/etc/tidegate").map_err(|_| io::ErrorKind::NotFound)?;
        match name.to_str() {
            Some("ca.pem" | "client.pem" | "client.key" | "gateway.pem" | "gateway.key" | "partners.crl") => {
                Ok(b"-----BEGIN SOMETHING-----\n".to_vec())
            }
            Some("root.key" | "open.key" | "sealing.key" | "sealing-before.key") => {
                Ok((ROOT_KEY.repeat(32) + "\n").into_bytes())
            }
            Some("initech.json") => Ok(KEY_SET.as_bytes().to_vec()),
            Some("shared-secret.json") => Ok(br#"{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}"#.to_vec()),
            Some("upstream-passwords/acme") => Ok(b"of acme\n".to_vec()),
            Some("empty") => Ok(b"\n".to_vec()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        ["zones", "upstream-passwords"].iter().any(|name| path == Path::new("/etc/tidegate").join(name))
    }

    fn files(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        match self.is_folder(path) {
            true => Ok(vec![path.join("acme")]),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn is_open_to_others(&self, path: &Path) -> bool {
        path.ends_with("open.key")
    }

    fn create_root_key(&self, path: &Path) -> io::Result<RootKey> {
        self.created.borrow_mut().push(path.to_path_buf());
        Ok(RootKey::from_bytes([1; 32]))
    }
}
