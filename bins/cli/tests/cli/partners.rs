//! What partners get: files for their clients.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::world::{World, done, zone};

#[test]
fn a_client_file_is_for_what_the_partner_uses() {
    let world = World::new();
    world.made("acme");
    insta::assert_snapshot!(world.ok("client-config acme"));
    for (library, part) in [
        ("java", "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required"),
        ("librdkafka", "sasl.username=acme-account\n"),
        ("kcat", "# kcat -F THIS_FILE -C -t orders\n"),
        ("python", "\"sasl.password\": \"********\",\n"),
        ("go", "&kafka.ConfigMap{\n"),
        ("node", "brokers: [\"kafka.example.com:9092\"]"),
        ("spring", "    bootstrap-servers: \"kafka.example.com:9092\"\n"),
    ] {
        let text = world.ok(&format!("client-config acme --for {library}"));
        assert!(text.contains(part), "{library}: {text}");
    }
    assert_eq!(world.run("client-config acme --for cobol").code, 2);
    assert_eq!(world.run("client-config none").code, 4);
}

#[test]
fn a_client_file_may_have_a_new_password_and_is_nobody_elses() {
    let world = World::new();
    world.made("acme");
    assert_eq!(world.ok("client-config acme --for librdkafka --new-password --to acme.conf"), "");
    let path = world.folder.path().join("acme.conf");
    let text = fs::read_to_string(&path).unwrap();
    let password = text.lines().find_map(|line| line.strip_prefix("sasl.password=")).unwrap();
    assert!(world.lets_in("acme", password));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = world.store.image().revision();
    let again = world.run("client-config acme --new-password --to acme.conf");
    assert_eq!(again.code, 1, "{again:?}");
    assert_eq!(world.store.image().revision(), before, "no password is made that nobody sees");
}

#[test]
fn who_needs_no_password_gets_none() {
    let world = World::new();
    let text = zone("acme").replace(
        "serviceAccount: acme-account",
        "authenticationMode: {type: MTLS, serviceAccount: acme-account}",
    );
    assert_eq!(done(world.command(["apply", "-f", "-"]), &text).code, 0);
    let ran = world.run("client-config acme --new-password");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("lets nobody in by password"), "{ran:?}");
    let nowhere = zone("far").replace("cluster: main", "cluster: other");
    assert_eq!(done(world.command(["apply", "-f", "-"]), &nowhere).code, 0);
    let ran = world.run("client-config far");
    assert_eq!(ran.code, 4);
    assert!(ran.err.contains("no listener of this daemon serves the partner of zone `far`"), "{ran:?}");
}
