//! `tidegate client-config`: what a partner's Kafka client needs, in the words of its library.
//!
//! The gateway tells the properties of a Java client; everything else is made of them, so that all say the same. The
//! password is masked, since nobody knows it any more, unless a new one is made for this.

mod client;
mod go;
mod java;
mod librdkafka;
mod node;
mod python;
mod spring;

use std::path::PathBuf;

use secrecy::SecretString;
use tidegate_core::{AuthenticationMode, ZoneName};

use crate::credentials;
use crate::destination::Destination;
use crate::failure::Failure;
use crate::rest::{CreatedCredential, Rest, WantedCredential};
use client::Client;

/// Arguments of `tidegate client-config`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The zone.
    #[arg(value_parser = ZoneName::parse)]
    zone: ZoneName,
    /// What the partner's client is made with.
    #[arg(long = "for", value_enum, value_name = "CLIENT", default_value = "java")]
    library: Library,
    /// Make one more password and put it in, in place of the stars.
    #[arg(long)]
    new_password: bool,
    /// Write it to this new file, which nobody else may read, in place of standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// What a client is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Library {
    /// Properties of the Java client and of Kafka's own tools.
    Java,
    /// Properties of librdkafka.
    Librdkafka,
    /// A file for `kcat -F`.
    Kcat,
    /// confluent-kafka.
    Python,
    /// confluent-kafka-go.
    Go,
    /// KafkaJS.
    Node,
    /// `application.yaml` of Spring Boot.
    Spring,
}

impl Arguments {
    pub(crate) fn run(self, rest: &Rest) -> anyhow::Result<()> {
        let Self { zone: name, library, new_password, to } = self;
        let zone = rest.understood(&rest.zone(&name)?)?.spec;
        let properties = rest.kafka_configuration(&name)?;
        let mode = zone.authentication();
        if new_password && mode != AuthenticationMode::Plain {
            let what =
                format!("zone `{name}` lets nobody in by password ({mode:?}); leave out `--new-password`");
            return Err(Failure::Wrong(what).into());
        }
        // All before the password: one that nobody gets to see would have to be revoked again.
        Client::new(&zone, &properties, None)?;
        let mut destination = Destination::open(to)?;
        let made = if new_password { Some(make(rest, &name, &destination)?) } else { None };
        let (id, password) = made.map(|made| (made.id, made.password)).unzip();
        let text = library.text(&Client::new(&zone, &properties, password)?);
        Ok(destination.write(&text).map_err(|error| match id {
            Some(id) => credentials::lost(&name, &id, &error),
            None => Failure::Here(format!("the text cannot be written: {error}")),
        })?)
    }
}

fn make(rest: &Rest, zone: &ZoneName, destination: &Destination) -> Result<CreatedCredential, Failure> {
    let made = rest.create_credential(zone, &WantedCredential::default());
    made.inspect_err(|_| destination.discard())
}

impl Library {
    fn text(self, client: &Client) -> SecretString {
        SecretString::from(match self {
            Self::Java => java::text(client),
            Self::Librdkafka => librdkafka::text(client),
            Self::Kcat => librdkafka::for_kcat(client),
            Self::Python => python::text(client),
            Self::Go => go::text(client),
            Self::Node => node::text(client),
            Self::Spring => spring::text(client),
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use secrecy::ExposeSecret;
    use tidegate_core::{ZoneSpec, parse_zones};

    use super::*;

    fn zone(account: &str, mode: &str) -> ZoneSpec {
        let text = serde_json::json!({"apiVersion": "v2", "kind": "PartnerZone", "metadata": {"name": "acme"},
            "spec": {"cluster": "c", "authenticationMode": {"type": mode, "serviceAccount": account}, "topics": [
                {"name": "orders", "backingTopic": "t", "permission": "WRITE"},
                {"name": "prices", "backingTopic": "s", "permission": "READ"}]}});
        parse_zones(&text.to_string()).unwrap().remove(0)
    }

    fn all(zone: &ZoneSpec, properties: &str, password: Option<&str>) -> String {
        let texts = Library::value_variants().iter().map(|library| {
            let client = Client::new(zone, properties, password.map(SecretString::from)).unwrap();
            format!("== {library:?}\n{}", library.text(&client).expose_secret())
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    const SCRAM: &str = "bootstrap.servers=k.example:9092\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n\
        sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"acme\" password=\"********\";\n";

    #[test]
    fn with_a_password() {
        insta::assert_snapshot!(all(&zone("acme", "PLAIN"), SCRAM, None));
        let with = all(&zone("acme", "PLAIN"), SCRAM, Some("a-new-one"));
        assert!(!with.contains("****"), "{with}");
        assert_eq!(with.matches("a-new-one").count(), Library::value_variants().len());
    }

    #[test]
    fn without_tls() {
        let plain = "bootstrap.servers=[::1]:9092\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n\
            sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"acme\" password=\"********\";\n";
        insta::assert_snapshot!(all(&zone("acme", "PLAIN"), plain, None));
    }

    #[test]
    fn with_a_certificate() {
        let certificate = "bootstrap.servers=k.example:9092\nsecurity.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=********\n";
        insta::assert_snapshot!(all(&zone("CN:acme", "MTLS"), certificate, None));
    }

    #[test]
    fn with_a_token() {
        let token = "bootstrap.servers=k.example:9092\nsecurity.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n\
            sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientSecret=\"********\";\n";
        insta::assert_snapshot!(all(&zone("acme", "OAUTHBEARER"), token, None));
    }

    #[test]
    fn an_account_cannot_get_out_of_its_quotes() {
        let properties = SCRAM.replace("\"acme\"", r#""a\\"b\\\\c${d}""#);
        insta::assert_snapshot!(all(&zone(r#"a"b\c${d}"#, "PLAIN"), &properties, Some(r#"p"w\d"#)));
    }

    #[test]
    fn spring_reads_what_java_does() {
        let zone = zone("acme", "PLAIN");
        let client = Client::new(&zone, SCRAM, Some("p\"w\\d".into())).unwrap();
        let spring = Library::Spring.text(&client);
        let read: serde_json::Value = serde_saphyr::from_str(spring.expose_secret()).unwrap();
        let jaas = read["spring"]["kafka"]["properties"]["sasl.jaas.config"].as_str().unwrap();
        assert!(jaas.ends_with(r#"ScramLoginModule required username="acme" password="p\"w\\d";"#), "{jaas}");
        let java = Library::Java.text(&client);
        assert!(java.expose_secret().contains(&jaas.replace('\\', r"\\")), "{jaas}");
    }
}
