//! What a client has to know, whatever it is made with.

use secrecy::{ExposeSecret, SecretString};
use tidegate_core::{AuthenticationMode, ZoneSpec};

use crate::failure::Failure;

/// What stands for what the partner has to fill in.
pub(super) const MASKED: &str = "********";

/// What a client has to know.
pub(super) struct Client {
    pub(super) zone: String,
    pub(super) bootstrap: String,
    /// As Kafka clients name it.
    pub(super) protocol: String,
    pub(super) login: Login,
    /// As the partner names them, and whether they may be written.
    pub(super) topics: Vec<(String, bool)>,
    /// What a Java client is told, in order, without the escapes of a file of properties.
    pub(super) properties: Vec<(String, SecretString)>,
}

/// How it says who it is.
pub(super) enum Login {
    Password {
        mechanism: String,
        user: String,
        password: SecretString,
    },
    /// A token of an identity provider.
    Token,
    Certificate,
}

impl Client {
    /// Of a zone and the properties that its gateway tells.
    pub(super) fn new(
        zone: &ZoneSpec,
        properties: &str,
        password: Option<SecretString>,
    ) -> Result<Self, Failure> {
        let properties: Vec<(String, String)> = properties.lines().filter_map(property).collect();
        let value = |key: &str| {
            let found = properties.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            found.ok_or_else(|| {
                Failure::Refused(format!("the gateway does not tell `{key}`; is it of this version?"))
            })
        };
        let login = match zone.authentication() {
            AuthenticationMode::Mtls => Login::Certificate,
            AuthenticationMode::OauthBearer => Login::Token,
            AuthenticationMode::Plain => Login::Password {
                mechanism: value("sasl.mechanism")?,
                user: zone.account().to_string(),
                password: password.clone().unwrap_or_else(|| MASKED.into()),
            },
        };
        let topics =
            zone.topics().iter().map(|grant| (grant.alias.to_string(), grant.permission.can_write()));
        Ok(Self {
            zone: zone.name().to_string(),
            bootstrap: value("bootstrap.servers")?,
            protocol: value("security.protocol")?,
            login,
            topics: topics.collect(),
            properties: properties
                .iter()
                .map(|(key, value)| (key.clone(), unmasked(value, password.as_ref())))
                .collect(),
        })
    }

    /// Which zone it is and what is in it, a line each, after the sign that begins a comment.
    pub(super) fn comment(&self, sign: &str) -> String {
        let topics = self.topics.iter().map(|(name, can_write)| {
            format!("{sign}   {name} ({})\n", if *can_write { "read and write" } else { "read" })
        });
        format!("{sign} Zone {}. Its topics:\n{}", self.zone, topics.collect::<String>())
    }

    pub(super) fn is_tls(&self) -> bool {
        self.protocol.ends_with("SSL")
    }

    /// For an example: a zone has at least one.
    pub(super) fn first_topic(&self) -> &str {
        self.topics.first().map_or("", |(name, _)| name)
    }
}

/// A line of a file of properties. The gateway escapes nothing but with `\`.
fn property(line: &str) -> Option<(String, String)> {
    let (key, value) = line.split_once('=')?;
    let mut characters = value.chars();
    let mut plain = String::new();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    Some((key.to_owned(), plain))
}

/// With a password in place of the stars, as JAAS quotes it.
fn unmasked(value: &str, password: Option<&SecretString>) -> SecretString {
    let Some(password) = password else { return value.into() };
    let quoted = password.expose_secret().replace('\\', r"\\").replace('"', "\\\"");
    value.replace(&format!("password=\"{MASKED}\""), &format!("password=\"{quoted}\"")).into()
}

/// A text as JSON writes it, which is how Python, Go, JavaScript and YAML do, too. Everything here is ASCII.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
