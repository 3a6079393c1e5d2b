//! A certificate for the TLS lane of `cargo xtask bench`, new in each run.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use rcgen::{CertificateParams, KeyPair};

/// Writes `certificate.pem` and `key.pem`: a server at 127.0.0.1 that signed its certificate itself.
#[derive(Parser)]
struct Args {
    /// Folder for both files.
    folder: PathBuf,
}

fn main() -> Result<()> {
    let Args { folder } = Args::parse();
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])?.self_signed(&key)?;
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("certificate.pem"), certificate.pem())?;
    fs::write(folder.join("key.pem"), key.serialize_pem())?;
    Ok(())
}
