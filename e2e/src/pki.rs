//! A certificate authority for one test: PEM files for brokers, gateways and clients.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, date_time_ymd,
};

/// A self-made authority; its certificate lies in a file that clients trust.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    file: PathBuf,
}

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate, then the authority's.
    pub chain: PathBuf,
    /// The private key, PKCS#8.
    pub key: PathBuf,
    /// Key and chain in one file, as a Kafka PEM keystore wants it.
    pub keystore: PathBuf,
}

impl Identity {
    /// Puts both in place of others, the key first, each in one step.
    pub fn replace(&self, chain: &Path, key: &Path) -> Result<()> {
        for (from, to) in [(&self.key, key), (&self.chain, chain)] {
            let new = to.with_extension("new");
            fs::copy(from, &new).with_context(|| format!("writing {}", new.display()))?;
            fs::rename(&new, to).with_context(|| format!("replacing {}", to.display()))?;
        }
        Ok(())
    }
}

impl Authority {
    /// Makes an authority whose certificate is `ca.pem` in `dir`.
    pub fn create(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "tidegate test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        let file = dir.join("ca.pem");
        fs::write(&file, &pem).with_context(|| format!("writing {}", file.display()))?;
        Ok(Self { issuer: Issuer::new(params, key), pem, file })
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> &Path {
        &self.file
    }

    /// Issues a server certificate for `hosts` (names or addresses) into files `NAME-*.pem` beside the authority.
    pub fn issue(&self, name: &str, hosts: &[&str]) -> Result<Identity> {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(name, &params)
    }

    /// Issues a certificate for a client whose subject is `parts`, first part first.
    pub fn issue_client(&self, name: &str, parts: &[(DnType, &str)]) -> Result<Identity> {
        self.issue_client_with(name, parts, |_| {})
    }

    /// As [`Authority::issue_client`], after `change`.
    pub fn issue_client_with(
        &self,
        name: &str,
        parts: &[(DnType, &str)],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Result<Identity> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), *value);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        self.sign(name, &params)
    }

    /// Writes the list of revoked certificates, by serial number, to `NAME.pem` beside the authority.
    pub fn revoke(&self, name: &str, serials: &[u64]) -> Result<PathBuf> {
        let (this_update, next_update) = (date_time_ymd(2024, 1, 1), date_time_ymd(2100, 1, 1));
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        self.write(&format!("{name}.pem"), &list.signed_by(&self.issuer)?.pem()?)
    }

    fn sign(&self, name: &str, params: &CertificateParams) -> Result<Identity> {
        let key = KeyPair::generate()?;
        let chain = params.signed_by(&key, &self.issuer)?.pem() + &self.pem;
        let key = key.serialize_pem();
        Ok(Identity {
            chain: self.write(&format!("{name}-chain.pem"), &chain)?,
            key: self.write(&format!("{name}-key.pem"), &key)?,
            keystore: self.write(&format!("{name}-keystore.pem"), &(key + &chain))?,
        })
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.file.with_file_name(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}
