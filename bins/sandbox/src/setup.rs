//! The sandbox's folder: the configuration of the gateway, the zone, the partner's account and its client files.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

use crate::accounts;
use crate::ports::Ports;
use crate::seed::{ORDERS, PRICES, SampleTopic};

/// What the printed commands need to know, and the owner of the folder.
#[derive(Debug)]
pub(crate) struct Setup {
    folder: TempDir,
    keep: bool,
    login: Login,
}

/// The sample partner's login. The password is made anew at each start and printed: it protects nothing.
#[derive(Debug)]
pub(crate) struct Login {
    /// The name of the account.
    pub(crate) account: &'static str,
    /// Its password.
    pub(crate) password: SecretString,
}

impl Setup {
    /// Writes everything that the gateway reads; the folder goes away with this value unless `keep`.
    pub(crate) fn write(upstream: &str, ports: &Ports, keep: bool) -> anyhow::Result<Self> {
        let mut folder = tempfile::Builder::new()
            .prefix("tidegate-sandbox-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .context("cannot make a folder")?;
        folder.disable_cleanup(keep);
        let login = Login { account: "partner-app", password: random_text(18)?.into() };
        let setup = Self { folder, keep, login };
        setup.write_files(upstream, ports)?;
        Ok(setup)
    }

    /// The configuration file of the gateway.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.file("config.yaml")
    }

    /// A properties file for Kafka's own tools, with the account in it.
    pub(crate) fn client_file(&self) -> PathBuf {
        self.file("client.properties")
    }

    /// Where everything is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The partner's login.
    pub(crate) fn login(&self) -> &Login {
        &self.login
    }

    /// Removes the folder unless it was to be kept.
    pub(crate) fn remove(self) -> anyhow::Result<()> {
        if self.keep {
            return Ok(());
        }
        let path = self.folder.path().to_owned();
        self.folder.close().with_context(|| format!("cannot remove {}", path.display()))
    }

    fn write_files(&self, upstream: &str, ports: &Ports) -> anyhow::Result<()> {
        let zones = self.file("zones");
        DirBuilder::new()
            .mode(0o700)
            .create(&zones)
            .with_context(|| format!("cannot make {}", zones.display()))?;
        write_private(&self.config_file(), &config(upstream, ports)?)?;
        write_private(&zones.join("partner.yaml"), &zone(self.login.account))?;
        write_private(&self.file("accounts.yaml"), accounts::file(&self.login)?.expose_secret())?;
        write_private(&self.file("root.key"), &format!("{}\n", random_text(32)?))?;
        write_private(&self.client_file(), &client_properties(&self.login))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn config(upstream: &str, ports: &Ports) -> anyhow::Result<String> {
    // A JSON string is a YAML string too: whatever was given as --upstream stays one value.
    let upstream = serde_json::to_string(upstream)?;
    let Ports { bootstrap, http, nodes } = ports;
    let nodes: String = nodes
        .iter()
        .map(|(node, port)| {
            format!(
                "        \"{node}\": {{bind: {{host: 127.0.0.1, port: {port}}}, \
                 advertised: {{host: 127.0.0.1, port: {port}}}}}\n"
            )
        })
        .collect();
    Ok(format!(
        "\
# The gateway of the sandbox: one cluster, one listener for partners.
clusters:
  - name: {CLUSTER}
    bootstrap: [{upstream}]
    security: {{protocol: PLAINTEXT}}
listeners:
  - name: partners
    cluster: {CLUSTER}
    protocol: SASL_PLAINTEXT
    mechanisms: [PLAIN, SCRAM-SHA-256, SCRAM-SHA-512]
    bind: {{host: 127.0.0.1, port: {bootstrap}}}
    advertised: {{host: 127.0.0.1, port: {bootstrap}}}
    nodes:
      map:
{nodes}zones: {{folder: zones}}
accounts: {{file: accounts.yaml}}
rootKey: \"file:root.key\"
http: {{bind: {{host: 127.0.0.1, port: {http}}}}}
"
    ))
}

fn zone(account: &str) -> String {
    let topics: String = [ORDERS, PRICES].iter().map(zone_topic).collect();
    format!(
        "\
apiVersion: v2
kind: PartnerZone
metadata:
  name: partner
spec:
  cluster: {CLUSTER}
  displayName: Sample partner
  serviceAccount: {account}
  topics:
{topics}"
    )
}

fn zone_topic(topic: &SampleTopic) -> String {
    let SampleTopic { alias, backing, permission, .. } = topic;
    format!("    - name: {alias}\n      backingTopic: {backing}\n      permission: {permission}\n")
}

fn client_properties(login: &Login) -> String {
    let (account, password) = (login.account, login.password.expose_secret());
    format!(
        "\
security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-256
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
username=\"{account}\" password=\"{password}\";
"
    )
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Random bytes in an alphabet that no shell, JAAS line or YAML file needs to quote.
fn random_text(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    SystemRandom::new().fill(&mut random).map_err(|_| anyhow!("the system gives no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(random))
}

/// The name that configuration and zone share.
const CLUSTER: &str = "main";

#[cfg(test)]
mod tests {
    use std::fs;

    use tidegate_core::{Accounts, Permission, RootKey, parse_zones};

    use super::*;

    #[test]
    fn the_files_are_what_the_gateway_reads() {
        let setup = setup(false);
        let text = |name: &str| fs::read_to_string(setup.file(name)).unwrap();
        RootKey::parse(&text("root.key")).unwrap();
        assert!(Accounts::parse(&text("accounts.yaml")).unwrap().find(setup.login.account).is_some());
        let zones = parse_zones(&text("zones/partner.yaml")).unwrap();
        let [zone] = zones.as_slice() else { panic!("not one zone") };
        let topics: Vec<_> = zone
            .topics()
            .iter()
            .map(|topic| (topic.alias.as_str(), topic.backing.as_str(), topic.permission))
            .collect();
        let expected =
            [("orders", ORDERS.backing, Permission::Write), ("prices", PRICES.backing, Permission::Read)];
        assert_eq!(topics, expected);
    }

    #[test]
    fn whatever_was_given_as_upstream_stays_one_value() {
        let config = config("a\"], x: [\"b:1", &ports()).unwrap();
        assert!(config.contains(r#"bootstrap: ["a\"], x: [\"b:1"]"#), "{config}");
    }

    #[test]
    fn nobody_else_may_read_the_folder_or_its_files() {
        let setup = setup(false);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(setup.folder()), 0o700);
        for name in ["config.yaml", "accounts.yaml", "root.key", "client.properties"] {
            assert_eq!(mode(&setup.file(name)), 0o600, "{name}");
        }
    }

    #[test]
    fn the_folder_goes_away_unless_it_is_to_be_kept() {
        let removed = setup(false);
        let path = removed.folder().to_owned();
        removed.remove().unwrap();
        assert!(!path.exists());

        let kept = setup(true);
        let path = kept.folder().to_owned();
        kept.remove().unwrap();
        assert!(path.join("config.yaml").exists());
        fs::remove_dir_all(path).unwrap();
    }

    fn setup(keep: bool) -> Setup {
        Setup::write("127.0.0.1:9092", &ports(), keep).unwrap()
    }

    fn ports() -> Ports {
        Ports::plan(19092, [1, 2].into()).unwrap()
    }
}
