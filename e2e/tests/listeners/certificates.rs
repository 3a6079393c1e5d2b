//! Certificates of clients: alone, beside SASL, and when they are bad.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use rcgen::{DnType, SerialNumber, date_time_ymd};
use tidegate_e2e::clients::{Client, ClientConfig};
use tidegate_e2e::gateway::{Gateway, Home, client_config};
use tidegate_e2e::pki::{Authority, Identity};
use tidegate_e2e::raw::Connection;
use tidegate_e2e::site::{Handled, wait_for};
use tidegate_e2e::tls::connect;

use super::{ALIAS, LIMIT, PASSWORD, add_zone, home, start, tls, topics, works};

const RULES: &str = r#"rules: ["RULE:^CN=([^,]+),OU=partners,O=Example$/$1/L", "SAN:uri:spiffe:\\/\\/example\\.com\\/(.*)/$1/"]"#;

/// A gateway before which certificates of `partners` are good, and its authority.
struct Site {
    home: Home,
    authority: Authority,
    partners: Authority,
    gateway: Gateway,
}

impl Site {
    fn start(protocol: &str, more: &str) -> Result<Self> {
        let home = home("protocol: SASL_PLAINTEXT\nmechanisms: [PLAIN]\n{bind}\n{nodes}")?;
        let authority = Authority::create(&home.file("pki"))?;
        let partners = Authority::create(&home.file("partners"))?;
        fs::copy(partners.revoke("crl", &[])?, home.file("crl.pem"))?;
        fs::copy(partners.certificate(), home.file("partners.pem"))?;
        let auth = format!(", clientAuth: {{ca: partners.pem, crl: crl.pem, {more}{RULES}}}");
        let tls = tls(&home, &authority, &["127.0.0.1"], &auth)?;
        super::configure(&home, &format!("protocol: {protocol}\n{tls}\n{{bind}}\n{{nodes}}"))?;
        add_zone(&home, "acme", "MTLS")?;
        add_zone(&home, "other", "PLAIN")?;
        let gateway = start(&home)?;
        Ok(Self { home, authority, partners, gateway })
    }

    fn open(&self, identity: Option<&Identity>) -> Result<Connection> {
        let address = self.home.ports().bound();
        Ok(connect(address, "127.0.0.1", self.authority.certificate(), identity, LIMIT)?.connection)
    }

    fn enters(&self, identity: &Identity) -> Result<Vec<String>> {
        topics(&mut self.open(Some(identity))?)
    }

    /// A certificate that the rules know.
    fn partner(&self, name: &str) -> Result<Identity> {
        self.partners.issue_client(name, &subject(name))
    }

    fn reload(&self) -> Result<()> {
        let before = self.home.log().len();
        self.gateway.reload()?;
        Handled::logged_after(&self.home, before)?;
        Ok(())
    }
}

fn subject(name: &str) -> [(DnType, &str); 3] {
    [
        (DnType::OrganizationName, "Example"),
        (DnType::OrganizationalUnitName, "partners"),
        (DnType::CommonName, name),
    ]
}

#[test]
fn a_certificate_alone_logs_in() -> Result<()> {
    let site = Site::start("SSL", "")?;
    let acme = site.partner("ACME")?;
    assert_eq!(site.enters(&acme)?, [ALIAS]);
    // The account of a zone with passwords may have a certificate too, since the rules lead to it.
    assert_eq!(site.enters(&site.partner("other")?)?, [ALIAS]);
    let by_name = site.partners.issue_client_with("uri", &[(DnType::CommonName, "x")], |params| {
        let uri = "spiffe://example.com/acme".try_into().expect("ASCII");
        params.subject_alt_names = vec![rcgen::SanType::URI(uri)];
    })?;
    assert_eq!(site.enters(&by_name)?, [ALIAS]);
    let config = ClientConfig {
        protocol: "SSL".to_owned(),
        mechanism: None,
        user: None,
        password: None,
        bootstrap: site.home.ports().bound().to_string(),
        token_endpoint: None,
        ca: Some(site.authority.certificate().to_owned()),
        keystore: Some(acme.keystore.clone()),
        hosts: None,
    };
    works(Client::Java, &config)?;
    let other = ClientConfig { keystore: Some(site.partner("other")?.keystore), ..config };
    works(Client::Librdkafka, &other)
}

#[test]
fn a_bad_certificate_stays_out() -> Result<()> {
    let site = Site::start("SSL", "")?;
    let expired = |params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2020, 1, 1);
    let stranger = Authority::create(&site.home.file("strangers"))?;
    for (what, identity) in [
        ("none", None),
        ("expired", Some(site.partners.issue_client_with("expired", &subject("acme"), expired)?)),
        ("of another authority", Some(stranger.issue_client("stranger", &subject("acme"))?)),
        ("that no rule knows", Some(site.partners.issue_client("unruly", &[(DnType::CommonName, "acme")])?)),
        ("of nobody", Some(site.partner("nobody")?)),
        // The rule's pattern must not be led astray by what stands inside a part.
        ("of a sly one", Some(site.partners.issue_client("sly", &subject("x,CN=acme"))?)),
    ] {
        let entered = site.open(identity.as_ref()).and_then(|mut open| topics(&mut open));
        assert!(entered.is_err(), "a certificate {what} got in: {entered:?}");
    }
    assert_eq!(site.enters(&site.partner("acme")?)?, [ALIAS]);
    Ok(())
}

#[test]
fn a_revoked_certificate_is_cut_off_while_it_is_used() -> Result<()> {
    let site = Site::start("SSL", "")?;
    let number =
        |params: &mut rcgen::CertificateParams| params.serial_number = Some(SerialNumber::from(4711));
    let revoked = site.partners.issue_client_with("revoked", &subject("acme"), number)?;
    let kept = site.partner("acme")?;
    let (mut first, mut second) = (site.open(Some(&revoked))?, site.open(Some(&kept))?);
    assert_eq!((topics(&mut first)?, topics(&mut second)?), (vec![ALIAS.to_owned()], vec![ALIAS.to_owned()]));
    fs::copy(site.partners.revoke("crl-2", &[4711])?, site.home.file("crl.pem"))?;
    site.reload()?;
    assert!(topics(&mut first).is_err(), "a revoked certificate is still served");
    assert_eq!(topics(&mut second)?, [ALIAS]);
    assert!(site.enters(&revoked).is_err());
    // The zone goes, and its connections with it.
    fs::remove_file(site.home.file("zones/acme.yaml"))?;
    site.reload()?;
    wait_for("the zone's connection is cut", || Ok(topics(&mut second).is_err()))?;
    assert!(site.enters(&kept).is_err());
    Ok(())
}

#[test]
fn a_certificate_beside_sasl_must_lead_to_the_same_zone() -> Result<()> {
    let site = Site::start("SASL_SSL\nmechanisms: [PLAIN, SCRAM-SHA-256]", "required: false, ")?;
    let (other, acme) = (site.partner("other")?, site.partner("acme")?);
    let nobody = site.partner("nobody")?;
    for (what, identity, enters) in [
        ("no certificate", None, true),
        ("its own certificate", Some(&other), true),
        ("another zone's certificate", Some(&acme), false),
        ("nobody's certificate", Some(&nobody), false),
    ] {
        let mut connection = site.open(identity)?;
        let logged_in = connection.log_in("other", PASSWORD);
        assert_eq!(logged_in.is_ok(), enters, "{what}: {logged_in:?}");
        if let Err(error) = logged_in {
            assert!(error.to_string().contains("code 58"), "{what}: {error}");
        }
    }
    // The account without a password has none that could be guessed.
    for password in [PASSWORD, "", "acme"] {
        let refused = site.open(Some(&acme))?.log_in("acme", password).unwrap_err().to_string();
        assert!(refused.contains("code 58"), "{refused}");
    }
    let config = |keystore: Option<PathBuf>| ClientConfig {
        protocol: "SASL_SSL".to_owned(),
        bootstrap: site.home.ports().bound().to_string(),
        token_endpoint: None,
        ca: Some(site.authority.certificate().to_owned()),
        keystore,
        ..client_config(&site.home, "SCRAM-SHA-256", "other", PASSWORD)
    };
    works(Client::Librdkafka, &config(Some(other.keystore.clone())))
}
