//! `security.sasl` of a cluster as written.

use secrecy::ExposeSecret;
use tidegate_client::{SecureUrl, TokenEndpoint};
use tidegate_core::document::{Fields, Place};
use tidegate_wire::sasl::{PasswordMechanism, ScramHash};

use super::{TokenOrigin, UpstreamSasl};
use crate::Around;

/// Reads who logs in; what else is said of a user with a password is read by `besides`.
pub(super) fn read<'a>(
    place: &Place<'a>,
    around: &Around<'_>,
    besides: impl FnOnce(&mut Fields<'a>, Option<PasswordMechanism>),
) -> Option<UpstreamSasl> {
    let mut fields = place.fields()?;
    let mechanism = fields
        .required("mechanism", "write PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")
        .and_then(|place| place.choice(MECHANISMS));
    let sasl = match mechanism {
        Some(Mechanism::Token) => origin(place, &mut fields, around).map(UpstreamSasl::Token),
        Some(Mechanism::Password(mechanism)) => {
            let sasl = user(&mut fields, around, Some(mechanism));
            besides(&mut fields, Some(mechanism));
            sasl
        }
        // It is reported; all else is looked at as for the usual ones.
        None => {
            user(&mut fields, around, None);
            besides(&mut fields, None);
            None
        }
    };
    fields.finish();
    sasl
}

fn user(
    fields: &mut Fields<'_>,
    around: &Around<'_>,
    mechanism: Option<PasswordMechanism>,
) -> Option<UpstreamSasl> {
    let username =
        fields.required("username", "name the user to log in as").and_then(|place| around.secret(&place));
    let password = fields
        .required("password", "write `${env:NAME}` or `file:PATH`")
        .and_then(|place| around.secret(&place));
    Some(UpstreamSasl::Password {
        mechanism: mechanism?,
        username: username?.expose_secret().to_owned(),
        password: password?,
    })
}

/// Where tokens come from: one of two places.
fn origin(place: &Place<'_>, fields: &mut Fields<'_>, around: &Around<'_>) -> Option<TokenOrigin> {
    let (file, endpoint) = (fields.optional("tokenFile"), fields.optional("tokenEndpoint"));
    match (file, endpoint) {
        (Some(file), None) => around.path(&file).map(TokenOrigin::File),
        (None, Some(place)) => endpoint_of(&place, around).map(TokenOrigin::Endpoint),
        (None, None) => {
            place.fail("tokens have to come from somewhere; write `tokenFile` or `tokenEndpoint`");
            None
        }
        (Some(_), Some(_)) => {
            place.fail("tokens come from one place; remove `tokenFile` or `tokenEndpoint`");
            None
        }
    }
}

fn endpoint_of(place: &Place<'_>, around: &Around<'_>) -> Option<TokenEndpoint> {
    let mut fields = place.fields()?;
    let url = fields
        .required("url", "write the token endpoint of the identity provider")
        .and_then(|place| place.parse(SecureUrl::parse));
    let client_id = fields
        .required("clientId", "write the id that the identity provider knows")
        .and_then(|place| around.secret(&place));
    let client_secret = fields
        .required("clientSecret", "write `${env:NAME}` or `file:PATH`")
        .and_then(|place| around.secret(&place));
    let scope = fields.optional("scope").and_then(|place| place.text().map(str::to_owned));
    let ca = fields.optional("ca").and_then(|place| around.pem(&place));
    fields.finish();
    Some(TokenEndpoint {
        url: url?,
        client_id: client_id?.expose_secret().to_owned(),
        client_secret: client_secret?,
        scope,
        authorities: ca.map(|ca| ca.pem.expose_secret().to_vec()),
    })
}

#[derive(Clone, Copy)]
enum Mechanism {
    Password(PasswordMechanism),
    Token,
}

const MECHANISMS: &[(&str, Mechanism)] = &[
    ("PLAIN", Mechanism::Password(PasswordMechanism::Plain)),
    ("SCRAM-SHA-256", Mechanism::Password(PasswordMechanism::Scram(ScramHash::Sha256))),
    ("SCRAM-SHA-512", Mechanism::Password(PasswordMechanism::Scram(ScramHash::Sha512))),
    ("OAUTHBEARER", Mechanism::Token),
];
