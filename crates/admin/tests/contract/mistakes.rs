//! Every error has its status, its body, and words that help.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use tidegate_core::records::{Moment, Recorded, Sealing, Unknown, ZoneRecord};
use tidegate_core::store::Change;
use tidegate_core::{GroupPrefix, ZoneId, ZoneKind, ZoneSpec, parse_zones};

use crate::world::{World, ZONES, zone};

#[tokio::test]
async fn all_mistakes_of_a_manifest_are_told_at_once_with_their_paths() {
    let world = World::new().await;
    let mut wrong = zone("Acme");
    wrong["apiVersion"] = json!("v1");
    wrong["spec"]["topics"][0]["permission"] = json!("ALL");
    wrong["spec"]["topicz"] = json!([]);
    wrong["spec"]["headers"] =
        json!({"addOnProduce": [{"key": "a", "value": "b", "overrideIfExists": true}]});
    let answer = world.put(&wrong).await;
    assert_eq!((answer.status, answer.json()["msg"].as_str().unwrap()), (400, "5 mistakes"));
    let told = answer.error();
    for part in [
        "apiVersion",
        "metadata.name",
        "spec.topics[0].permission",
        "spec.topicz",
        "changing record headers is not supported yet",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(told.lines().count(), 5, "{told}");
    let mut hollow = zone("acme");
    hollow["spec"]["headers"] = json!({"addOnProduce": [], "removeOnConsume": []});
    assert_eq!(world.put(&hollow).await.status, 200, "nothing is asked for");
}

#[tokio::test]
async fn what_is_no_manifest_is_told() {
    let world = World::new().await;
    let two = format!("{}\n---\n{}", zone("a"), zone("b"));
    for (body, part) in [
        ("", "there is no PartnerZone in it"),
        ("null", "there is no PartnerZone in it"),
        ("[]", ""),
        ("{", ""),
        (two.as_str(), "there are 2 zones in it; send one at a time"),
        (r#"{"apiVersion":"v2","kind":"PartnerZone","metadata":{"name":"a"}}"#, "field `spec` is missing"),
    ] {
        let answer = world.call("PUT", ZONES, &world.operator, body).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.error().contains(part), "{body}: {answer:?}");
    }
    let request = Request::put(ZONES).header("authorization", &world.operator);
    let answer = world.send(request.body(Body::from(vec![0xff, 0xfe])).unwrap()).await;
    assert_eq!((answer.status, answer.error()), (400, "the body is no UTF-8 text; send JSON".to_owned()));
}

#[tokio::test]
async fn what_only_the_daemon_knows_is_told_with_its_path() {
    let world = World::new().await;
    let mut wrong = zone("acme");
    wrong["spec"]["cluster"] = json!("nowhere");
    wrong["spec"]["topics"][1]["backingTopic"] = json!("tidegate");
    let answer = world.put(&wrong).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.error(),
        "spec.cluster: there is no cluster `nowhere` in the configuration; use `partner1` or `other`\n\
         spec.topics[1].backingTopic: `tidegate` is Tidegate's own and cannot be shared; use another topic"
    );
}

#[tokio::test]
async fn rules_of_the_business_are_conflicts() {
    let world = World::new().await;
    world.made("acme").await;
    let mut taken = zone("other");
    taken["spec"]["serviceAccount"] = json!("acme-account");
    let mut moved = zone("acme");
    moved["spec"]["serviceAccount"] = json!("another");
    let mut elsewhere = zone("acme");
    elsewhere["spec"]["cluster"] = json!("other");
    for (zone, part) in [
        (taken, "account `acme-account` belongs to zone `acme`"),
        (moved, "is `acme-account` and cannot become `another`"),
        (elsewhere, "cannot move to another cluster"),
    ] {
        let answer = world.put(&zone).await;
        assert_eq!(answer.status, 409);
        assert!(answer.error().contains(part), "{answer:?}");
    }
}

#[tokio::test]
async fn the_zone_of_a_share_is_not_for_this_api() {
    let world = World::new().await;
    let mut draft = parse_zones(&zone("ss-1").to_string()).unwrap().remove(0).into_draft();
    draft.kind = ZoneKind::Share(GroupPrefix::parse("p").unwrap());
    draft.topics.truncate(1);
    draft.topics[0].permission = tidegate_core::Permission::Read;
    let record = ZoneRecord {
        id: ZoneId::from_bytes([9; 16]),
        spec: ZoneSpec::new(draft).unwrap(),
        created: Moment(1),
        updated: Moment(1),
        unknown: Unknown::default(),
    };
    let random = ring::rand::SystemRandom::new();
    let body = record.to_body(&Sealing { sealer: &world.sealer, random: &random }).unwrap();
    world.store.commit(Change::new().create(record.key().unwrap(), body)).await.unwrap();
    assert_eq!(world.call("GET", ZONES, &world.viewer, "").await.json(), json!([]));
    let path = format!("{ZONES}/ss-1");
    assert_eq!(world.call("GET", &path, &world.viewer, "").await.status, 404);
    assert_eq!(world.call("DELETE", &path, &world.operator, "").await.status, 404);
    let credentials = "/public/partner-zone/v2/ss-1/credentials";
    for (method, path) in
        [("GET", credentials), ("POST", credentials), ("DELETE", &format!("{credentials}/x"))]
    {
        assert_eq!(world.call(method, path, &world.operator, "").await.status, 404, "{method}");
    }
    let put = world.put(&zone("ss-1")).await;
    assert_eq!(put.status, 409);
    assert!(put.error().contains("belongs to a share"), "{put:?}");
}

#[tokio::test]
async fn paths_and_methods_that_are_not_served_have_their_errors() {
    let world = World::new().await;
    for path in
        ["/", "/api", "/public", "/public/console/v2/partner-zones", "/api/api/token/v1/whoami", "/metrics"]
    {
        let answer = world.call("GET", path, &world.admin, "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.error().contains("nothing is served at"), "{answer:?}");
    }
    for (method, path) in [("POST", ZONES), ("PATCH", ZONES), ("PUT", "/api/token/v1/whoami")] {
        let answer = world.call(method, path, &world.admin, "").await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.error().contains("no such method"), "{answer:?}");
    }
    for (path, part) in [("A%20b", "zone name"), ("%ff", "no UTF-8 text"), ("a%2fb", "zone name")] {
        let answer = world.call("GET", &format!("{ZONES}/{path}"), &world.viewer, "").await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.error().contains(part), "{answer:?}");
    }
}
