//! APIs and versions that are not announced, and requests that lie about their lengths.

use anyhow::{Result, ensure};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    ApiVersionsRequest, CreateAclsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    IncrementalAlterConfigsRequest,
};
use kafka_protocol::protocol::{Request, StrBytes};
use tidegate_e2e::raw;

use crate::Site;
use crate::requests::{api_versions, framed, sized, topic_name};

const API_VERSIONS: i16 = 18;

/// What protocol.md section 3.5 lets a zone see of the APIs: that and nothing else.
const SHOWN: [i16; 28] = [
    0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 22, 23, 24, 25, 26, 28, 32, 36, 42, 47, 60, 68, 69,
];

#[test]
fn hidden_apis_close() -> Result<()> {
    let site = Site::start()?;
    let shown: Vec<i16> = announced(&site)?.iter().map(|(key, ..)| *key).collect();
    assert_eq!(shown, SHOWN);
    for key in (0..=95).filter(|key| !shown.contains(key)).chain([-1, 96, 1_000, i16::MIN, i16::MAX]) {
        for version in [0, 1, 4, 7] {
            site.closes_partner(&format!("key {key} version {version}"), &framed(key, version, &[0; 32]))?;
        }
    }
    site.finish()
}

#[test]
fn whole_admin_requests_close_and_change_nothing() -> Result<()> {
    let site = Site::start()?;
    let born = CreatableTopic::default()
        .with_name(topic_name("born-by-a-partner"))
        .with_num_partitions(1)
        .with_replication_factor(1);
    refused(&site, 7, &CreateTopicsRequest::default().with_topics(vec![born]).with_timeout_ms(5_000))?;
    for name in [site.orders.name.as_str(), crate::site::ORDERS] {
        let dead = DeleteTopicState::default().with_name(Some(topic_name(name)));
        refused(&site, 6, &DeleteTopicsRequest::default().with_topics(vec![dead]).with_timeout_ms(5_000))?;
    }
    let text = StrBytes::from_static_str;
    let acl = AclCreation::default()
        .with_resource_type(2)
        .with_resource_name(text("*"))
        .with_resource_pattern_type(3)
        .with_principal(text("User:*"))
        .with_host(text("*"))
        .with_operation(2)
        .with_permission_type(3);
    refused(&site, 3, &CreateAclsRequest::default().with_creations(vec![acl]))?;
    let config = AlterableConfig::default().with_name(text("retention.ms")).with_value(Some(text("1")));
    let resource = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(StrBytes::from_string(site.orders.name.clone()))
        .with_configs(vec![config]);
    refused(&site, 1, &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]))?;
    // Other cases make topics meanwhile, so these names alone tell.
    let names = site.kafka.topic_names()?;
    ensure!(!names.iter().any(|name| name == "born-by-a-partner"), "a topic was created");
    ensure!(names.contains(&site.orders.name), "a topic was deleted");
    site.finish()
}

#[test]
fn versions_beyond_the_announced_close() -> Result<()> {
    let site = Site::start()?;
    for (key, min, max) in announced(&site)? {
        if key == API_VERSIONS {
            continue;
        }
        // Produce 0 to 2 are announced for old librdkafka and refused, as a 4.x broker does.
        let shown_only = if key == 0 { vec![0, 1, 2] } else { vec![] };
        for version in [max + 1, min - 1, i16::MAX, i16::MIN].into_iter().chain(shown_only) {
            site.closes_partner(&format!("key {key} version {version}"), &framed(key, version, &[0; 32]))?;
        }
    }
    let mut connection = site.connect()?;
    for version in [5, 99, i16::MAX, -1] {
        connection.send(&framed(API_VERSIONS, version, &[0xff; 8])[4..])?;
        let answer = connection.receive()?;
        assert_eq!(answer[4..6], 35_i16.to_be_bytes(), "version {version}");
    }
    site.finish()
}

#[test]
fn a_metadata_request_that_lies_about_its_length_costs_nothing() -> Result<()> {
    let site = Site::start()?;
    let begin = site.growth_kib()?;
    for _ in 0..20 {
        site.closes_partner("Metadata 1", &framed(3, 1, &[0x7f, 0xff, 0xff, 0xff]))?;
    }
    let grown = site.growth_kib()?.saturating_sub(begin);
    ensure!(grown < 16 * 1024, "it grew by {grown} KiB");
    site.finish()
}

#[test]
fn every_shown_request_may_lie_about_its_lengths() -> Result<()> {
    let site = Site::start()?;
    let bodies: [&[u8]; 4] = [&[], &[0x7f; 64], &[0x7f, 0xff, 0xff, 0xff].repeat(16), &[0xff; 96]];
    for (key, min, max) in announced(&site)? {
        for version in min..=max {
            let frames: Vec<Vec<u8>> = bodies.iter().map(|body| lie(key, version, body)).collect();
            for frame in frames {
                let mut connection = site.connect()?;
                // What happens to make sense is answered; the empty frame then closes.
                let _ = connection.send_bytes(&frame).and_then(|()| connection.send_bytes(&[0; 4]));
                connection.until_closed()?;
            }
        }
    }
    site.finish()
}

/// `body` behind the header that `key` has at `version`.
fn lie(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let flexible = kafka_protocol::messages::ApiKey::try_from(key)
        .is_ok_and(|known| known.request_header_version(version) >= 2);
    let tags: &[u8] = if flexible { &[0] } else { &[] };
    framed(key, version, &[tags, body].concat())
}

/// Sends a whole request that a broker would serve.
fn refused<R: Request>(site: &Site, version: i16, request: &R) -> Result<()> {
    site.closes_partner(&format!("key {}", R::KEY), &sized(&raw::frame(1, version, request)?))
}

/// Key, lowest and highest version of everything announced.
fn announced(site: &Site) -> Result<Vec<(i16, i16, i16)>> {
    let answer = site.connect()?.call::<ApiVersionsRequest>(3, &api_versions())?;
    Ok(answer.api_keys.iter().map(|api| (api.api_key, api.min_version, api.max_version)).collect())
}
