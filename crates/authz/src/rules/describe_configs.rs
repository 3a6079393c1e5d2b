//! DescribeConfigs (32): a few settings of own topics and groups; nothing of brokers.
//!
//! The broker is asked for those settings alone, so what else it knows never leaves it. Every one is shown as a
//! default that cannot be changed: where a value comes from would tell how the cluster is configured.

use std::collections::{BTreeSet, HashMap};

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::api::{ApiKey, Versions};
use tidegate_wire::codec;
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::header::Request;

use super::texts::error_text;
use super::{Rule, answer, forward_each};
use crate::context::{ReplyContext, RequestContext};
use crate::outcome::{Outcome, RuleError};
use crate::view::{Granted, ZoneView};

/// The rule.
pub struct DescribeConfigs;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// What decides how a topic takes and keeps a partner's records.
const TOPIC_SETTINGS: &[&str] = &[
    "cleanup.policy",
    "compression.type",
    "max.message.bytes",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
];
/// What members of a group have to keep to.
const GROUP_SETTINGS: &[&str] = &["consumer.heartbeat.interval.ms", "consumer.session.timeout.ms"];

/// DEFAULT_CONFIG of Kafka's sources of a value.
const SOURCE_DEFAULT: i8 = 5;

impl Rule for DescribeConfigs {
    fn key(&self) -> ApiKey {
        ApiKey::DescribeConfigs
    }

    fn versions(&self) -> Versions {
        Versions::new(1, 4)
    }

    fn on_request(&self, context: &mut RequestContext<'_>, request: &Request) -> Result<Outcome, RuleError> {
        let asked: DescribeConfigsRequest = codec::decode(request.version, &request.body)?;
        let plans = plans(context.zone, asked.resources);
        // Brokers before 3.8 refuse a whole request for the sake of one group in it, so topics are asked apart.
        let upstream: Vec<_> = [TOPIC, GROUP].into_iter().filter_map(|kind| ask(kind, &plans)).collect();
        if upstream.is_empty() {
            let refused = plans.into_iter().map(|plan| plan.shown(None)).collect();
            return answer(request, &DescribeConfigsResponse::default().with_results(refused));
        }
        forward_each(context, request, &upstream, move |responses: Vec<DescribeConfigsResponse>, context| {
            let throttle = responses.iter().map(|response| response.throttle_time_ms).max().unwrap_or(0);
            let found: HashMap<_, _> = responses
                .into_iter()
                .flat_map(|response| response.results)
                .map(|result| ((result.resource_type, result.resource_name.clone()), result))
                .collect();
            let shown = plans.into_iter().map(|plan| plan.against(context).shown(Some(&found))).collect();
            Ok(DescribeConfigsResponse::default().with_throttle_time_ms(throttle).with_results(shown))
        })
    }
}

/// The broker's answers by type and upstream name.
type Found = HashMap<(i8, StrBytes), DescribeConfigsResult>;

/// One resource of a request.
struct Plan {
    kind: i8,
    name: StrBytes,
    /// The settings asked for; none of them is all.
    settings: BTreeSet<StrBytes>,
    target: Target,
}

/// What a resource is upstream.
enum Target {
    Topic(Granted),
    Group(StrBytes),
    Refused(ErrorCode),
}

/// The resources of a request, each once.
fn plans(zone: &ZoneView, asked: Vec<DescribeConfigsResource>) -> Vec<Plan> {
    let is_known = |kind| matches!(kind, TOPIC | BROKER | BROKER_LOGGER | CLIENT_METRICS | GROUP);
    // One unknown type spoils the whole request, as it does at a broker.
    let all_known = asked.iter().all(|resource| is_known(resource.resource_type));
    let mut plans: Vec<Plan> = Vec::new();
    let mut places: HashMap<(i8, StrBytes), usize> = HashMap::new();
    for resource in asked {
        let (kind, name) = (resource.resource_type, resource.resource_name);
        let settings: BTreeSet<_> = resource.configuration_keys.unwrap_or_default().into_iter().collect();
        match places.get(&(kind, name.clone())).and_then(|at| plans.get_mut(*at)) {
            Some(same) if same.settings.is_empty() || settings.is_empty() => same.settings.clear(),
            Some(same) => same.settings.extend(settings),
            None => {
                places.insert((kind, name.clone()), plans.len());
                let target = if all_known {
                    Target::of(zone, kind, &name)
                } else {
                    Target::Refused(ErrorCode::INVALID_REQUEST)
                };
                plans.push(Plan { kind, name, settings, target });
            }
        }
    }
    plans
}

impl Target {
    fn of(zone: &ZoneView, kind: i8, name: &str) -> Self {
        match kind {
            TOPIC => match zone.by_name(name) {
                Some(granted) => Self::Topic(granted.clone()),
                None => Self::Refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
            },
            GROUP => match zone.prefix().group(name) {
                Ok(group) => Self::Group(StrBytes::from_string(group)),
                Err(_) => Self::Refused(ErrorCode::GROUP_AUTHORIZATION_FAILED),
            },
            _ => Self::Refused(ErrorCode::CLUSTER_AUTHORIZATION_FAILED),
        }
    }

    /// The name upstream; `None` for what does not go there.
    fn upstream(&self) -> Option<StrBytes> {
        match self {
            Self::Topic(granted) => Some(StrBytes::from_string(granted.backing.as_str().to_owned())),
            Self::Group(group) => Some(group.clone()),
            Self::Refused(_) => None,
        }
    }
}

/// The request for all resources of one type, each once, whatever aliases it has.
fn ask(kind: i8, plans: &[Plan]) -> Option<DescribeConfigsRequest> {
    let of_kind = plans.iter().filter(|plan| plan.kind == kind);
    let names: BTreeSet<_> = of_kind.filter_map(|plan| plan.target.upstream()).collect();
    let settings: Vec<_> = settings(kind).iter().map(|name| StrBytes::from_static_str(name)).collect();
    let resource = |name| {
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(name)
            .with_configuration_keys(Some(settings.clone()))
    };
    let resources: Vec<_> = names.into_iter().map(resource).collect();
    (!resources.is_empty()).then(|| DescribeConfigsRequest::default().with_resources(resources))
}

fn settings(kind: i8) -> &'static [&'static str] {
    if kind == TOPIC { TOPIC_SETTINGS } else { GROUP_SETTINGS }
}

impl Plan {
    /// The plan as the zone of now would have it.
    fn against(mut self, context: &ReplyContext<'_>) -> Self {
        let refused = match &self.target {
            Target::Topic(granted) if !context.zone.is_some_and(|zone| zone.still_shows(granted)) => {
                ErrorCode::TOPIC_AUTHORIZATION_FAILED
            }
            Target::Group(_) if context.zone.is_none() => ErrorCode::GROUP_AUTHORIZATION_FAILED,
            _ => return self,
        };
        self.target = Target::Refused(refused);
        self
    }

    fn shown(self, found: Option<&Found>) -> DescribeConfigsResult {
        let result = DescribeConfigsResult::default()
            .with_resource_type(self.kind)
            .with_resource_name(self.name.clone());
        let found = || found?.get(&(self.kind, self.target.upstream()?));
        let (error, configs) = match (&self.target, found()) {
            (Target::Refused(error), _) => (*error, Vec::new()),
            (_, Some(found)) => (ErrorCode(found.error_code), self.configs(&found.configs)),
            (_, None) => (ErrorCode::UNKNOWN_SERVER_ERROR, Vec::new()),
        };
        result.with_error_code(error.0).with_error_message(error_text(error)).with_configs(configs)
    }

    fn configs(&self, all: &[DescribeConfigsResourceResult]) -> Vec<DescribeConfigsResourceResult> {
        let is_wanted = |name: &StrBytes| {
            settings(self.kind).contains(&name.as_str())
                && (self.settings.is_empty() || self.settings.contains(name))
        };
        all.iter().filter(|config| is_wanted(&config.name)).map(shown_config).collect()
    }
}

fn shown_config(config: &DescribeConfigsResourceResult) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult::default()
        .with_name(config.name.clone())
        .with_value(config.value.clone().filter(|_| !config.is_sensitive))
        .with_read_only(true)
        .with_config_source(SOURCE_DEFAULT)
        .with_is_sensitive(config.is_sensitive)
        .with_config_type(config.config_type)
        .with_documentation(None)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::describe_configs_response::DescribeConfigsSynonym;

    use super::*;
    use crate::testing::{self, Bench};

    const DOCUMENTATION_SINCE: i16 = 3;

    fn resource(kind: i8, name: &str) -> DescribeConfigsResource {
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(StrBytes::from_string(name.to_owned()))
            .with_configuration_keys(None)
    }

    fn keys(mut resource: DescribeConfigsResource, keys: &[&'static str]) -> DescribeConfigsResource {
        resource.configuration_keys = Some(keys.iter().map(|key| StrBytes::from_static_str(key)).collect());
        resource
    }

    fn ask_for(version: i16, resources: Vec<DescribeConfigsResource>) -> DescribeConfigsRequest {
        DescribeConfigsRequest::default()
            .with_resources(resources)
            .with_include_synonyms(true)
            .with_include_documentation(version >= DOCUMENTATION_SINCE)
    }

    /// A broker that answers more than it is asked for, and all of it as talkative as can be.
    fn broker(request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
        assert!(!request.include_synonyms && !request.include_documentation);
        let text = || StrBytes::from_static_str("broker-secret");
        let config = |name: &StrBytes| {
            DescribeConfigsResourceResult::default()
                .with_name(name.clone())
                .with_value(Some(StrBytes::from_static_str("7")))
                .with_config_source(4)
                .with_synonyms(vec![DescribeConfigsSynonym::default().with_name(text())])
                .with_documentation(Some(text()))
        };
        let result = |resource: &DescribeConfigsResource| {
            let mut names = resource.configuration_keys.clone().unwrap();
            names.push(StrBytes::from_static_str("follower.replication.throttled.replicas"));
            DescribeConfigsResult::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name.clone())
                .with_error_message(Some(text()))
                .with_configs(names.iter().map(config).collect())
        };
        DescribeConfigsResponse::default()
            .with_results(request.resources.iter().map(result).collect())
            .with_throttle_time_ms(9)
    }

    fn flat(response: &DescribeConfigsResponse) -> Vec<(i8, &str, i16, usize)> {
        let results = response.results.iter();
        results.map(|r| (r.resource_type, r.resource_name.as_str(), r.error_code, r.configs.len())).collect()
    }

    #[test]
    fn an_own_topic_shows_the_allowed_settings_and_nothing_about_them_at_every_version() {
        for version in DescribeConfigs.versions().iter() {
            let asked = ask_for(version, vec![resource(TOPIC, "orders")]);
            let (sent, got) = Bench::new().exchange(&DescribeConfigs, version, &asked, broker);
            assert_eq!(sent[0].resources[0].resource_name.as_str(), testing::ORDERS_BACKING);
            let result = &got.results[0];
            assert_eq!((result.resource_name.as_str(), result.error_message.as_deref()), ("orders", None));
            let names: Vec<_> = result.configs.iter().map(|config| config.name.as_str()).collect();
            assert_eq!(names, TOPIC_SETTINGS);
            for config in &result.configs {
                assert_eq!((config.value.as_deref(), config.config_source), (Some("7"), SOURCE_DEFAULT));
                assert!(config.read_only && config.synonyms.is_empty());
                assert!(config.documentation.as_deref().is_none_or(str::is_empty));
            }
            assert_eq!(got.throttle_time_ms, 9);
        }
    }

    #[test]
    fn only_the_settings_asked_for_are_shown_and_an_empty_list_means_all() {
        for version in DescribeConfigs.versions().iter() {
            for (wanted, shown) in [
                (&["retention.ms", "segment.bytes"][..], 1),
                (&["segment.bytes"], 0),
                (&[], TOPIC_SETTINGS.len()),
            ] {
                let asked = ask_for(version, vec![keys(resource(TOPIC, "orders"), wanted)]);
                let (_, got) = Bench::new().exchange(&DescribeConfigs, version, &asked, broker);
                assert_eq!(got.results[0].configs.len(), shown, "{wanted:?}");
            }
        }
    }

    #[test]
    fn what_is_not_the_partners_is_refused_here_whether_it_exists_or_not() {
        for version in DescribeConfigs.versions().iter() {
            for (kind, name, error) in [
                (TOPIC, testing::HIDDEN_TOPIC, 29),
                (TOPIC, testing::ORDERS_BACKING, 29),
                (TOPIC, "nonsense", 29),
                (TOPIC, "", 29),
                (GROUP, "", 30),
                (BROKER, "1", 31),
                (BROKER, "", 31),
                (BROKER_LOGGER, "1", 31),
                (CLIENT_METRICS, "telemetry", 31),
                (0, "orders", 42),
                (7, "orders", 42),
            ] {
                let got: DescribeConfigsResponse = Bench::new().answer(
                    &DescribeConfigs,
                    version,
                    &ask_for(version, vec![resource(kind, name)]),
                );
                assert_eq!(flat(&got), [(kind, name, error, 0)], "version {version}");
            }
        }
    }

    #[test]
    fn an_unknown_type_spoils_the_request_and_an_empty_one_is_answered_here() {
        let asked = ask_for(4, vec![resource(TOPIC, "orders"), resource(1, "x")]);
        let got: DescribeConfigsResponse = Bench::new().answer(&DescribeConfigs, 4, &asked);
        assert_eq!(flat(&got), [(TOPIC, "orders", 42, 0), (1, "x", 42, 0)]);
        let got: DescribeConfigsResponse = Bench::new().answer(&DescribeConfigs, 4, &ask_for(4, Vec::new()));
        assert!(got.results.is_empty());
    }

    #[test]
    fn an_own_group_is_asked_for_apart_from_topics_and_under_its_prefix() {
        let asked =
            ask_for(4, vec![resource(GROUP, "billing"), resource(BROKER, "1"), resource(TOPIC, "prices")]);
        let (sent, got) = Bench::new().exchange(&DescribeConfigs, 4, &asked, broker);
        let upstream: Vec<_> = sent.iter().map(|s| s.resources[0].resource_name.as_str()).collect();
        assert_eq!(
            upstream,
            [testing::PRICES_BACKING, &testing::prefix("partner").group("billing").unwrap()]
        );
        assert_eq!(flat(&got), [(GROUP, "billing", 0, 2), (BROKER, "1", 31, 0), (TOPIC, "prices", 0, 7)]);
    }

    #[test]
    fn twins_are_asked_for_once_and_doubles_answered_once() {
        let bench = Bench::over(testing::TWIN_ZONE);
        let one = |key| keys(resource(TOPIC, "first"), &[key]);
        let asked = ask_for(4, vec![one("retention.ms"), resource(TOPIC, "second"), one("retention.bytes")]);
        let (sent, got) = bench.exchange(&DescribeConfigs, 4, &asked, broker);
        assert_eq!(sent[0].resources.len(), 1);
        assert_eq!(flat(&got), [(TOPIC, "first", 0, 2), (TOPIC, "second", 0, 7)]);
        let asked = ask_for(4, vec![one("retention.ms"), resource(TOPIC, "first")]);
        let (_, got) = bench.exchange(&DescribeConfigs, 4, &asked, broker);
        assert_eq!(flat(&got), [(TOPIC, "first", 0, 7)]);
    }

    #[test]
    fn a_sensitive_value_is_null_and_an_error_gets_a_text_made_here() {
        let mut secret = DescribeConfigsResourceResult::default();
        secret = secret.with_is_sensitive(true).with_value(Some(StrBytes::from_static_str("hunter2")));
        assert_eq!(shown_config(&secret).value, None);
        let missing = |request: &DescribeConfigsRequest| {
            let name = request.resources[0].resource_name.clone();
            let result = DescribeConfigsResult::default().with_resource_type(TOPIC).with_error_code(3);
            let result = result.with_error_message(Some(name.clone())).with_resource_name(name);
            DescribeConfigsResponse::default().with_results(vec![result])
        };
        let asked = ask_for(4, vec![resource(TOPIC, "orders")]);
        let (_, got) = Bench::new().exchange(&DescribeConfigs, 4, &asked, missing);
        assert_eq!(got.results[0].error_message.as_deref(), Some("the topic does not exist"));
        let silent = |_: &DescribeConfigsRequest| DescribeConfigsResponse::default();
        let (_, got) = Bench::new().exchange(&DescribeConfigs, 4, &asked, silent);
        assert_eq!(flat(&got), [(TOPIC, "orders", -1, 0)]);
    }

    #[test]
    fn an_alias_revoked_meanwhile_is_refused() {
        let asked = ask_for(4, vec![resource(TOPIC, "orders"), resource(GROUP, "g")]);
        let (_, got) = Bench::new().exchange_seen_by(&DescribeConfigs, 4, &asked, broker, None);
        assert_eq!(flat(&got), [(TOPIC, "orders", 29, 0), (GROUP, "g", 30, 0)]);
    }
}
