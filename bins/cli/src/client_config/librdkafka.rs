//! Properties of librdkafka, which most clients that are not Java are made of.

use secrecy::ExposeSecret;

use super::client::{Client, Login, MASKED};

pub(super) fn text(client: &Client) -> String {
    let lines = pairs(client).into_iter().map(|(key, value)| format!("{key}={value}\n"));
    client.comment("#") + &lines.collect::<String>()
}

/// The same, and how to begin.
pub(super) fn for_kcat(client: &Client) -> String {
    format!("# kcat -F THIS_FILE -C -t {}\n{}", client.first_topic(), text(client))
}

/// Keys and values, in an order that people expect.
pub(super) fn pairs(client: &Client) -> Vec<(&'static str, String)> {
    let mut pairs =
        vec![("bootstrap.servers", client.bootstrap.clone()), ("security.protocol", client.protocol.clone())];
    let masked = |key: &'static str| (key, MASKED.to_owned());
    match &client.login {
        Login::Password { mechanism, user, password } => pairs.extend([
            ("sasl.mechanism", mechanism.clone()),
            ("sasl.username", user.clone()),
            ("sasl.password", password.expose_secret().to_owned()),
        ]),
        Login::Token => pairs.extend([
            ("sasl.mechanism", "OAUTHBEARER".to_owned()),
            ("sasl.oauthbearer.method", "oidc".to_owned()),
            masked("sasl.oauthbearer.client.id"),
            masked("sasl.oauthbearer.client.secret"),
            masked("sasl.oauthbearer.token.endpoint.url"),
        ]),
        Login::Certificate => pairs.extend([masked("ssl.certificate.location"), masked("ssl.key.location")]),
    }
    pairs
}
