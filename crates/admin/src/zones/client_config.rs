//! What a partner's Kafka client needs: a properties text with the password left for the partner to fill in.

use tidegate_core::{AccountName, AuthenticationMode, ZoneSpec};

use super::find;
use crate::daemon::Door;
use crate::dispatch::Call;
use crate::refusal::Refusal;

/// What stands for the password, which nobody knows any more.
const MASKED: &str = "********";

/// The properties text of the path's zone.
pub(crate) fn kafka_configuration(call: &Call) -> Result<String, Refusal> {
    let zone = find(call)?.value.spec;
    let door = call.admin.daemon.doors(&zone).into_iter().next();
    let door = door.ok_or_else(|| {
        Refusal::NotFound(format!(
            "no listener of this daemon serves the partner of zone `{}`; add one for cluster `{}` and mode {:?}",
            zone.name(),
            zone.cluster(),
            zone.authentication(),
        ))
    })?;
    Ok(properties(&zone, &door))
}

fn properties(zone: &ZoneSpec, door: &Door) -> String {
    let mut lines = vec![
        format!("bootstrap.servers={}", door.bootstrap),
        format!("security.protocol={}", door.security_protocol),
    ];
    if let Some(mechanism) = door.mechanisms.first() {
        lines.push(format!("sasl.mechanism={mechanism}"));
        lines.push(format!("sasl.jaas.config={}", jaas(zone, mechanism)));
    }
    if zone.authentication() == AuthenticationMode::Mtls {
        lines.push("ssl.keystore.type=PEM".to_owned());
        lines.push(format!("ssl.keystore.location={MASKED}"));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn jaas(zone: &ZoneSpec, mechanism: &str) -> String {
    const MODULES: &str = "org.apache.kafka.common.security";
    if mechanism == "OAUTHBEARER" {
        return format!("{MODULES}.oauthbearer.OAuthBearerLoginModule required clientSecret=\"{MASKED}\";");
    }
    let module = if mechanism == "PLAIN" { "plain.PlainLoginModule" } else { "scram.ScramLoginModule" };
    let user = quoted(zone.account());
    format!("{MODULES}.{module} required username={user} password=\"{MASKED}\";")
}

/// As JAAS reads it, out of a file of properties: both know `\` as what takes the next character for itself.
fn quoted(account: &AccountName) -> String {
    let jaas = account.as_str().replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{}\"", jaas.replace('\\', r"\\"))
}

#[cfg(test)]
mod tests {
    use tidegate_core::parse_zones;

    use super::*;

    fn zone(account: &str, mode: &str) -> ZoneSpec {
        let text = serde_json::json!({"apiVersion": "v2", "kind": "PartnerZone", "metadata": {"name": "z"},
            "spec": {"cluster": "c", "authenticationMode": {"type": mode, "serviceAccount": account},
            "topics": [{"name": "a", "backingTopic": "t", "permission": "READ"}]}});
        parse_zones(&text.to_string()).unwrap().remove(0)
    }

    fn door(security_protocol: &'static str, mechanisms: &[&'static str]) -> Door {
        Door { bootstrap: "k.example:9092".to_owned(), security_protocol, mechanisms: mechanisms.to_vec() }
    }

    #[test]
    fn each_way_to_log_in_has_its_text() {
        let scram = properties(&zone("u", "PLAIN"), &door("SASL_SSL", &["SCRAM-SHA-512", "PLAIN"]));
        assert_eq!(
            scram,
            "bootstrap.servers=k.example:9092\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n\
             sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"********\";\n"
        );
        let plain = properties(&zone("u", "PLAIN"), &door("SASL_PLAINTEXT", &["PLAIN"]));
        assert!(plain.contains("plain.PlainLoginModule required username=\"u\""), "{plain}");
        let token = properties(&zone("u", "OAUTHBEARER"), &door("SASL_SSL", &["OAUTHBEARER"]));
        assert!(token.contains("OAuthBearerLoginModule required"), "{token}");
        let certificate = properties(&zone("u", "MTLS"), &door("SSL", &[]));
        assert!(certificate.contains("security.protocol=SSL\nssl.keystore.type=PEM"), "{certificate}");
    }

    #[test]
    fn an_account_cannot_get_out_of_its_quotes() {
        assert_eq!(quoted(&AccountName::parse("a\"b\\c").unwrap()), r#""a\\"b\\\\c""#);
    }
}
