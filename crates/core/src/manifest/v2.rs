//! The shape of apiVersion `v2`, as written.

use std::collections::BTreeMap;

use super::limits::{self, MAX_LABEL_KEY, MAX_LABEL_VALUE, MAX_LABELS, MAX_TOPICS};
use super::{ZoneManifest, traffic};
use crate::document::{Fields, Place};
use crate::names::{AccountName, Alias, BackingTopic, ClusterName, Shown, ZoneName};
use crate::permission::Permission;
use crate::store::Revision;
use crate::zone::{
    self, AuthenticationMode, Partner, TopicGrant, ZoneDraft, ZoneKind, ZoneProblem, ZoneSpec,
};

/// Reads one document. `None` if anything in it was wrong; what, is in the report.
pub(super) fn read(document: &Place<'_>) -> Option<ZoneManifest> {
    let mut fields = document.fields()?;
    fields.exactly("kind", "PartnerZone");
    fields.exactly("apiVersion", "v2");
    let metadata =
        fields.required("metadata", "write `metadata: {name: ...}`").and_then(|place| metadata(&place));
    let spec = fields.required("spec", "write the zone's cluster, account and topics under `spec:`");
    fields.finish();
    let spec = spec.and_then(|place| spec_fields(&place));
    let Metadata { name, labels, revision } = metadata?;
    let spec = spec?;
    let spec = ZoneSpec::new(ZoneDraft {
        name,
        labels,
        cluster: spec.cluster?,
        account: spec.account?,
        authentication: spec.authentication,
        kind: ZoneKind::Partner,
        display_name: spec.display_name,
        description: spec.description,
        url: spec.url,
        partner: spec.partner,
        topics: spec.topics,
        traffic: spec.traffic,
    });
    Some(ZoneManifest { spec: spec.ok()?, revision })
}

/// What is under `metadata`.
struct Metadata {
    name: ZoneName,
    labels: BTreeMap<String, String>,
    revision: Option<Revision>,
}

/// What is under `spec`, with holes where something was wrong.
struct Spec {
    cluster: Option<ClusterName>,
    account: Option<AccountName>,
    authentication: AuthenticationMode,
    display_name: Option<String>,
    description: Option<String>,
    url: Option<String>,
    partner: Option<Partner>,
    topics: Vec<TopicGrant>,
    traffic: zone::TrafficPolicies,
}

fn metadata(place: &Place<'_>) -> Option<Metadata> {
    let mut fields = place.fields()?;
    let name = fields
        .required("name", "write the technical id of the zone")
        .and_then(|place| place.parse(ZoneName::parse));
    let labels = fields.optional("labels").map(|place| labels(&place)).unwrap_or_default();
    let revision = fields.optional("revision").and_then(|place| place.whole_number()).map(Revision);
    for set_by_server in ["id", "updatedAt", "status"] {
        fields.ignored(set_by_server);
    }
    fields.finish();
    Some(Metadata { name: name?, labels, revision })
}

fn labels(place: &Place<'_>) -> BTreeMap<String, String> {
    let entries = place.entries();
    if entries.len() > MAX_LABELS {
        place.fail(format_args!("there are {} labels; at most {MAX_LABELS} are allowed", entries.len()));
    }
    let mut labels = BTreeMap::new();
    for (key, place) in entries.into_iter().take(MAX_LABELS) {
        if key.is_empty() || key.chars().count() > MAX_LABEL_KEY || key.contains(char::is_control) {
            place.fail(format_args!(
                "a label's key has 1 to {MAX_LABEL_KEY} characters and no control characters"
            ));
        } else if let Some(value) = limits::line(&place, MAX_LABEL_VALUE) {
            labels.insert(key.to_owned(), value);
        }
    }
    labels
}

fn spec_fields(place: &Place<'_>) -> Option<Spec> {
    let mut fields = place.fields()?;
    let (account, authentication) = account(&mut fields);
    let spec = Spec {
        cluster: fields
            .required("cluster", "name a cluster of the gateway's configuration")
            .and_then(|place| place.parse(ClusterName::parse)),
        display_name: text(&mut fields, "displayName", limits::MAX_DISPLAY_NAME),
        description: fields
            .optional("description")
            .and_then(|place| limits::paragraphs(&place, limits::MAX_DESCRIPTION)),
        url: fields.optional("url").and_then(|place| limits::url(&place)),
        account,
        authentication,
        topics: topics(&mut fields),
        partner: fields.optional("partner").and_then(|place| partner(&place)),
        traffic: traffic::read(fields.optional("trafficControlPolicies")),
    };
    if let Some(headers) = fields.optional("headers").filter(|place| !place.is_hollow()) {
        headers.fail("changing record headers is not supported yet; remove `headers`");
    }
    fields.finish();
    Some(spec)
}

/// The old field and the new object both name the account; with both given they must agree.
fn account(fields: &mut Fields<'_>) -> (Option<AccountName>, AuthenticationMode) {
    let mode = fields.optional("authenticationMode");
    let mut authentication = AuthenticationMode::default();
    let account = account_name(fields, mode.as_ref(), &mut authentication);
    (account, authentication)
}

fn account_name(
    fields: &mut Fields<'_>,
    mode: Option<&Place<'_>>,
    authentication: &mut AuthenticationMode,
) -> Option<AccountName> {
    let old = fields.optional("serviceAccount");
    let mut new = None;
    if let Some(mut fields) = mode.and_then(Place::fields) {
        if let Some(place) = fields.required("type", "write `type: PLAIN`, MTLS or OAUTHBEARER") {
            *authentication = authentication_mode(&place);
        }
        new = fields.optional("serviceAccount");
        fields.finish();
    }
    let Some(place) = new.as_ref().or(old.as_ref()) else {
        let what = "no account is given; set `authenticationMode.serviceAccount` to the account that the partner logs in with";
        mode.unwrap_or(fields.place()).fail(what);
        return None;
    };
    let account = place.parse(AccountName::parse);
    if let (Some(old), Some(_)) = (&old, &new) {
        let old_account = old.parse(AccountName::parse)?;
        if account.as_ref().is_some_and(|account| *account != old_account) {
            let what = "this and `authenticationMode.serviceAccount` name different accounts; keep one of the two fields";
            old.fail(what);
        }
    }
    account
}

fn authentication_mode(place: &Place<'_>) -> AuthenticationMode {
    match place.text() {
        Some("PLAIN") | None => {}
        Some("MTLS") => return AuthenticationMode::Mtls,
        Some("OAUTHBEARER") => return AuthenticationMode::OauthBearer,
        Some(other) => {
            place.fail(format_args!(
                "`{}` is not known here; write PLAIN, MTLS or OAUTHBEARER",
                Shown::of(other)
            ));
        }
    }
    AuthenticationMode::Plain
}

fn topics(fields: &mut Fields<'_>) -> Vec<TopicGrant> {
    let Some(place) = fields.required("topics", "list at least one topic to share") else {
        return Vec::new();
    };
    let items = place.items();
    if place.is_list() && items.is_empty() {
        place.fail(ZoneProblem::NoTopics);
    }
    if items.len() > MAX_TOPICS {
        place.fail(format_args!("there are {} topics; one zone takes at most {MAX_TOPICS}", items.len()));
        return Vec::new();
    }
    let read: Vec<Option<TopicGrant>> = items.iter().map(grant).collect();
    let grants = read.iter().enumerate().filter_map(|(n, grant)| Some((n, grant.as_ref()?)));
    for problem in zone::topic_problems(grants) {
        let index = problem.topic();
        index.and_then(|n| items.get(n)).unwrap_or(&place).fail(problem);
    }
    read.into_iter().flatten().collect()
}

fn grant(place: &Place<'_>) -> Option<TopicGrant> {
    let mut fields = place.fields()?;
    let alias = fields
        .required("name", "write the name that the partner sees")
        .and_then(|place| place.parse(Alias::parse));
    let backing = fields
        .required("backingTopic", "write the name of the real topic")
        .and_then(|place| place.parse(BackingTopic::parse));
    let permission = fields
        .required("permission", "write `permission: READ` or `permission: WRITE`")
        .and_then(|place| place.choice(&[("READ", Permission::Read), ("WRITE", Permission::Write)]));
    fields.finish();
    Some(TopicGrant { alias: alias?, backing: backing?, permission: permission? })
}

fn partner(place: &Place<'_>) -> Option<Partner> {
    let mut fields = place.fields()?;
    let name = fields
        .required("name", "write the partner's name, or remove `partner`")
        .and_then(|place| limits::line(&place, limits::MAX_PARTNER_NAME));
    let role = text(&mut fields, "role", limits::MAX_PARTNER_ROLE);
    let email = text(&mut fields, "email", limits::MAX_EMAIL);
    let phone = text(&mut fields, "phone", limits::MAX_PHONE);
    fields.finish();
    Some(Partner { name: name?, role, email, phone })
}

fn text(fields: &mut Fields<'_>, key: &'static str, max: usize) -> Option<String> {
    fields.optional(key).and_then(|place| limits::line(&place, max))
}
