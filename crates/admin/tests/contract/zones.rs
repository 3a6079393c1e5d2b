//! The life of a zone over REST.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::world::{World, ZONES, zone};

fn path(name: &str) -> String {
    format!("{ZONES}/{name}")
}

#[tokio::test]
async fn a_zone_is_made_shown_changed_and_deleted() {
    let world = World::new().await;
    assert_eq!(world.call("GET", ZONES, &world.viewer, "").await.json(), json!([]));

    let made = world.made("acme").await;
    assert_eq!(made["upsertResult"], "Created");
    let resource = &made["resource"];
    assert_eq!(resource["metadata"], json!({"name": "acme"}));
    assert_eq!(
        resource["spec"]["authenticationMode"],
        json!({"type": "PLAIN", "serviceAccount": "acme-account"})
    );
    assert_eq!(resource["spec"]["serviceAccount"], "acme-account");
    assert_eq!(resource["spec"]["topics"], zone("acme")["spec"]["topics"]);
    assert_eq!(resource["spec"]["partner"], zone("acme")["spec"]["partner"]);

    let shown = world.call("GET", &path("acme"), &world.viewer, "").await.json();
    let metadata = &shown["metadata"];
    assert_eq!(metadata["status"], "PENDING");
    assert_eq!(metadata["id"].as_str().unwrap().len(), 36);
    let updated = metadata["updatedAt"].as_str().unwrap();
    assert!(updated.ends_with('Z') && updated.len() == "2025-01-27T12:55:05.387368Z".len(), "{updated}");
    assert_eq!(shown["spec"], resource["spec"]);
    let listed = world.call("GET", ZONES, &world.viewer, "").await.json();
    assert_eq!(listed, json!([shown]));

    assert_eq!(world.made("acme").await["upsertResult"], "NotChanged");
    let mut changed = zone("acme");
    changed["spec"]["description"] = json!("for the web team");
    assert_eq!(world.put(&changed).await.json()["upsertResult"], "Updated");
    let after = world.call("GET", &path("acme"), &world.viewer, "").await.json();
    assert_eq!(after["spec"]["description"], "for the web team");
    assert_eq!(after["metadata"]["id"], metadata["id"]);

    let deleted = world.call("DELETE", &path("acme"), &world.operator, "").await;
    assert_eq!((deleted.status, deleted.text.as_str()), (200, ""));
    let gone = world.call("GET", &path("acme"), &world.viewer, "").await;
    assert_eq!((gone.status, gone.error()), (404, "there is no zone `acme`".to_owned()));
    assert_eq!(world.call("DELETE", &path("acme"), &world.operator, "").await.status, 404);
}

#[tokio::test]
async fn what_get_printed_is_taken_again_and_a_stale_one_conflicts() {
    let world = World::new().await;
    world.made("acme").await;
    let printed = world.call("GET", &path("acme"), &world.viewer, "").await.json();
    let again = world.put(&printed).await;
    assert_eq!((again.status, &again.json()["upsertResult"]), (200, &json!("NotChanged")));

    let mut mine = printed.clone();
    mine["spec"]["description"] = json!("mine");
    let mut theirs = printed.clone();
    theirs["spec"]["description"] = json!("theirs");
    assert_eq!(world.put(&theirs).await.json()["upsertResult"], "Updated");
    let stale = world.put(&mine).await;
    let why = stale.error();
    assert_eq!(stale.status, 409);
    assert!(
        why.starts_with("zone `acme` was changed from revision ") && why.contains("get it again"),
        "{why}"
    );
    // Sent twice, since no answer came.
    assert_eq!(world.put(&theirs).await.json()["upsertResult"], "NotChanged");

    mine["metadata"]["revision"] = Value::Null;
    assert_eq!(world.put(&mine).await.json()["upsertResult"], "Updated");
    world.call("DELETE", &path("acme"), &world.operator, "").await;
    let deleted = world.put(&printed).await;
    assert_eq!(deleted.status, 409);
    assert!(deleted.error().contains("was deleted after revision"), "{deleted:?}");
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let world = World::new().await;
    let before = world.store.image();
    let dry = format!("{ZONES}?dryMode=true");
    let text = zone("acme").to_string();
    let told = world.call("PUT", &dry, &world.operator, &text).await.json();
    assert_eq!(told["upsertResult"], "Created");
    assert_eq!(world.store.image(), before);
    world.made("acme").await;
    let after = world.store.image();
    assert_eq!(world.call("PUT", &dry, &world.operator, &text).await.json()["upsertResult"], "NotChanged");
    let changed = text.replace("WRITE", "READ");
    assert_eq!(world.call("PUT", &dry, &world.operator, &changed).await.json()["upsertResult"], "Updated");
    assert_eq!(world.store.image(), after);
    let wet = format!("{ZONES}?dryMode=false");
    assert_eq!(world.call("PUT", &wet, &world.operator, &changed).await.json()["upsertResult"], "Updated");
    let odd = world.call("PUT", &format!("{ZONES}?dryMode=maybe"), &world.operator, &changed).await;
    assert_eq!((odd.status, odd.error()), (400, "dryMode: write `true` or `false`".to_owned()));
}

#[tokio::test]
async fn bodies_come_as_the_tools_send_them() {
    let world = World::new().await;
    for (n, content_type) in
        ["text/plain; charset=utf-8", "application/json", "text/plain", "application/yaml"].iter().enumerate()
    {
        let request = Request::put(format!("/api{ZONES}"))
            .header("authorization", &world.operator)
            .header("content-type", *content_type)
            .body(Body::from(zone(&format!("z{n}")).to_string()))
            .unwrap();
        assert_eq!(world.send(request).await.status, 200, "{content_type}");
    }
    let without_type = world.put(&zone("z9")).await;
    assert_eq!(without_type.status, 200);
    // `--print-diff` sends the manifest with a GET.
    let diff =
        world.call("GET", &format!("/api{}", path("z0")), &world.viewer, &zone("z0").to_string()).await;
    assert_eq!(diff.json()["metadata"]["name"], "z0");
    let list = world.call("GET", &format!("/api{ZONES}"), &world.viewer, "{}").await;
    let names: Vec<String> =
        list.json().as_array().unwrap().iter().map(|z| z["metadata"]["name"].to_string()).collect();
    assert_eq!(names, ["\"z0\"", "\"z1\"", "\"z2\"", "\"z3\"", "\"z9\""]);
}

#[tokio::test]
async fn the_older_and_the_newer_place_of_the_account_are_one() {
    let world = World::new().await;
    let mut newer = zone("acme");
    newer["spec"].as_object_mut().unwrap().remove("serviceAccount");
    newer["spec"]["authenticationMode"] = json!({"type": "PLAIN", "serviceAccount": "acme-account"});
    assert_eq!(world.put(&newer).await.json()["upsertResult"], "Created");
    assert_eq!(world.put(&zone("acme")).await.json()["upsertResult"], "NotChanged");
}

#[tokio::test]
async fn every_password_that_was_made_stays_good() {
    let world = World::new().await;
    world.made("acme").await;
    let generate = "/public/partner-zone/v2/acme/generate-credentials";
    let mut passwords = Vec::new();
    for (prefix, body) in [("", "null"), ("/api", "null"), ("", "")] {
        let answer = world.call("POST", &format!("{prefix}{generate}"), &world.operator, body).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        let Value::String(password) = answer.json() else { panic!("{answer:?}") };
        passwords.push(password);
    }
    for password in &passwords {
        assert!(world.lets_in("acme", password));
        assert!(!world.store.image().iter().any(|record| record.body.text().contains(password)));
    }
    assert!(!world.lets_in("acme", "another"));
    let wrong = world.call("POST", generate, &world.operator, "{\"password\": \"mine\"}").await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let none = world
        .call("POST", "/public/partner-zone/v2/none/generate-credentials", &world.operator, "null")
        .await;
    assert_eq!((none.status, none.error()), (404, "there is no zone `none`".to_owned()));
}

#[tokio::test]
async fn passwords_are_not_made_without_end() {
    let world = World::new().await;
    world.made("acme").await;
    let generate = "/public/partner-zone/v2/acme/generate-credentials";
    for _ in 0..32 {
        assert_eq!(world.call("POST", generate, &world.operator, "null").await.status, 200);
    }
    let more = world.call("POST", generate, &world.operator, "null").await;
    assert_eq!(more.status, 409);
    assert!(more.error().contains("has 32 passwords"), "{more:?}");
}

#[tokio::test]
async fn a_client_configuration_is_one_text_without_the_password() {
    let world = World::new().await;
    world.made("acme").await;
    for prefix in ["", "/api"] {
        let configuration = format!("{prefix}{}/kafka-configuration", path("acme"));
        let Value::String(text) = world.call("GET", &configuration, &world.viewer, "").await.json() else {
            panic!("no text")
        };
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "bootstrap.servers=kafka.example.com:9092",
                "security.protocol=SASL_SSL",
                "sasl.mechanism=SCRAM-SHA-512",
                "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
                 username=\"acme-account\" password=\"********\";",
            ]
        );
    }
    let mut elsewhere = zone("elsewhere");
    elsewhere["spec"]["cluster"] = json!("other");
    world.put(&elsewhere).await;
    let configuration = format!("{}/kafka-configuration", path("elsewhere"));
    let none = world.call("GET", &configuration, &world.viewer, "").await;
    assert_eq!(none.status, 404);
    assert!(none.error().contains("no listener of this daemon serves"), "{none:?}");
}

#[tokio::test]
async fn the_page_of_what_is_served_is_everybodys() {
    let world = World::new().await;
    for prefix in ["", "/api"] {
        let request = Request::get(format!("{prefix}/public/docs/docs.yaml")).body(Body::empty()).unwrap();
        let page = world.send(request).await;
        assert_eq!((page.status, &page.headers["content-type"]), (200, &"application/yaml".parse().unwrap()));
        assert!(page.text.starts_with("openapi: "), "{}", page.text);
        assert!(page.text.contains("/public/console/v2/partner-zone/{name}/kafka-configuration"));
    }
}
