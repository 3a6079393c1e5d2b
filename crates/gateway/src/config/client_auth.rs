//! `listeners[].tls.clientAuth`: certificates of partners.

use tidegate_core::document::Place;
use tidegate_daemon::Around;

use super::model::ClientAuth;
use crate::principal::{MAX_RULES, PrincipalRule, PrincipalRules};

/// Reads the authorities and the way from a certificate to an account.
pub(super) fn read(place: &Place<'_>, around: &Around<'_>) -> Option<ClientAuth> {
    let mut fields = place.fields()?;
    let ca = fields
        .required("ca", "name the PEM file of the authorities that issue the partners' certificates")
        .and_then(|place| around.pem(&place));
    let crl = fields.optional("crl").map(|place| around.pem(&place));
    let required = fields.optional("required").and_then(|place| place.flag()).unwrap_or(true);
    let rules = fields.required("rules", RULES).and_then(|place| rules(&place));
    fields.finish();
    let crl = match crl {
        None => None,
        Some(crl) => Some(crl?),
    };
    Some(ClientAuth { ca: ca?, crl, required, rules: rules? })
}

fn rules(place: &Place<'_>) -> Option<PrincipalRules> {
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail(format_args!("no rule is listed, so no certificate would be known; {RULES}"));
        return None;
    }
    if items.len() > MAX_RULES {
        place.fail(format_args!("there are {} rules; at most {MAX_RULES} are allowed", items.len()));
        return None;
    }
    let rules: Vec<_> = items.iter().map(|item| item.parse(PrincipalRule::parse)).collect();
    Some(PrincipalRules::new(rules.into_iter().collect::<Option<Vec<_>>>()?)).filter(|_| place.is_list())
}

const RULES: &str =
    "list rules as `RULE:^CN=([^,+]+),.*$/$1/`, which make the account's name of the certificate's subject";
