//! The life of a zone at the command line.

use crate::world::{World, done, zone};

#[test]
fn a_zone_is_made_shown_changed_and_deleted() {
    let world = World::new();
    assert_eq!(world.ok("get zones"), "NAME  URL  TOPICS  GATEWAY  STATUS  UPDATED\n");
    world.file("acme.yaml", &zone("acme"));
    assert_eq!(world.ok("apply -f acme.yaml"), "NAME  RESULT\nacme  Created\n");
    assert_eq!(world.ok("apply -f acme.yaml"), "NAME  RESULT\nacme  NotChanged\n");
    world.file("acme.yaml", &zone("acme").replace("WRITE", "READ"));
    assert_eq!(world.ok("apply -f acme.yaml"), "NAME  RESULT\nacme  Updated\n");
    world.made("globex");
    insta::assert_snapshot!(world.masked(&world.ok("get zones")));
    assert_eq!(world.ok("get zone acme").lines().count(), 2);
    assert_eq!(world.ok("delete zone acme --yes"), "acme deleted\n");
    let gone = world.run("get zones acme");
    assert_eq!((gone.code, gone.err.as_str()), (4, "there is no zone `acme`\n"));
}

#[test]
fn what_there_is_comes_as_json_and_yaml_too() {
    let world = World::new();
    world.made("acme");
    let json: serde_json::Value = serde_json::from_str(&world.ok("get zones -o json")).unwrap();
    assert_eq!(json[0]["spec"]["topics"][0]["permission"], "WRITE");
    let one: serde_json::Value = serde_json::from_str(&world.ok("get zones acme -o json")).unwrap();
    assert_eq!(one, json[0]);
    insta::assert_snapshot!(world.masked(&world.ok("get zones acme -o yaml")));
    assert_eq!(world.ok("describe zone acme -o yaml"), world.ok("get zones acme -o yaml"));
    world.file("acme.yaml", &world.ok("get zones acme -o yaml"));
    assert_eq!(
        world.ok("apply -f acme.yaml -o json"),
        "[\n  {\n    \"name\": \"acme\",\n    \"upsertResult\": \"NotChanged\"\n  }\n]\n"
    );
    assert_eq!(world.ok("apply -f acme.yaml -o yaml"), "- name: acme\n  upsertResult: NotChanged\n");
}

#[test]
fn all_of_a_zone_is_described() {
    let world = World::new();
    let text = world.ok("template zone");
    let ran = done(world.command(["apply", "-f", "-"]), &text);
    assert_eq!((ran.code, ran.out.as_str()), (0, "NAME  RESULT\nacme  Created\n"), "{ran:?}");
    let page = world.ok("describe zone acme");
    let revision = page.lines().find(|line| line.starts_with("Revision:")).unwrap();
    insta::assert_snapshot!(world.masked(&page.replace(revision, "Revision:     N")));
    let small = zone("small").replace("cluster: main", "cluster: other");
    assert_eq!(done(world.command(["apply", "-f", "-"]), &small).code, 0);
    assert!(world.ok("describe zone small").contains("Bootstrap:    no listener serves its partner\n"));
    assert_eq!(world.run("describe zone none").code, 4);
}

#[test]
fn many_zones_of_files_folders_and_stdin_are_applied_together() {
    let world = World::new();
    world.file("zones/b.yml", &zone("b"));
    world.file("zones/a.yaml", &format!("{}---\n{}", zone("a1"), zone("a2")));
    world.file("zones/README.md", "no manifest");
    world.file("zones/below/c.yaml", &zone("c"));
    let ran = done(world.command(["apply", "-f", "zones", "-f", "-"]), &zone("d"));
    assert_eq!(
        ran.out, "NAME  RESULT\na1    Created\na2    Created\nb     Created\nd     Created\n",
        "{ran:?}"
    );
    std::fs::create_dir(world.folder.path().join("empty")).unwrap();
    let empty = world.run("apply -f empty");
    assert_eq!(empty.code, 2);
    assert!(empty.err.contains("there is no `.yaml`, `.yml` or `.json` file in this folder"), "{empty:?}");
    assert_eq!(world.run("apply -f nowhere.yaml").code, 1);
    assert_eq!(world.run("apply -f - -f -").code, 2);
    assert_eq!(world.run("apply").code, 2);
}

#[test]
fn a_dry_run_and_a_diff_change_nothing_by_themselves() {
    let world = World::new();
    world.file("acme.yaml", &zone("acme"));
    let before = world.store.image().revision();
    assert_eq!(world.ok("apply -f acme.yaml --dry-run"), "NAME  RESULT\nacme  Created\n");
    let new = world.ok("apply -f acme.yaml --dry-run --diff");
    assert!(new.starts_with("--- /dev/null\n+++ acme as it is wanted\n"), "{new}");
    assert_eq!(world.store.image().revision(), before);
    world.ok("apply -f acme.yaml");
    assert_eq!(world.ok("apply -f acme.yaml --diff"), "NAME  RESULT\nacme  NotChanged\n");
    world.file("acme.yaml", &zone("acme").replace("WRITE", "READ"));
    let before = world.store.image().revision();
    insta::assert_snapshot!(world.ok("apply -f acme.yaml --dry-run --diff"));
    assert_eq!(world.store.image().revision(), before);
    let json: serde_json::Value =
        serde_json::from_str(&world.ok("apply -f acme.yaml --diff -o json")).unwrap();
    assert!(json[0]["diff"].as_str().unwrap().contains("-    permission: WRITE"), "{json}");
    assert_eq!(json[0]["upsertResult"], "Updated");
    assert!(world.ok("get zones acme -o yaml").contains("permission: READ"));
}

#[test]
fn whatever_people_write_survives_being_shown_and_applied_again() {
    let world = World::new();
    let zone = serde_json::json!({"apiVersion": "v2", "kind": "PartnerZone",
        "metadata": {"name": "odd", "labels": {"yes": "no", "1e3": "~", "a: b": "# c", "é": "'\""}},
        "spec": {"cluster": "main", "displayName": "- [x]", "description": "a\n---\n  b: [c] # d\n\n\ttab \n",
            "authenticationMode": {"type": "PLAIN", "serviceAccount": "0x10"},
            "topics": [{"name": "1.0", "backingTopic": "null", "permission": "WRITE"}]}});
    let made = done(world.command(["apply", "-f", "-"]), &zone.to_string());
    assert_eq!(made.code, 0, "{made:?}");
    for line in ["get zones odd -o yaml", "get zones odd -o json", "get zones -o yaml", "export"] {
        let shown = world.ok(line);
        let again = done(world.command(["apply", "-f", "-"]), &shown);
        assert_eq!(again.out, "NAME  RESULT\nodd   NotChanged\n", "{line}: {again:?}\n{shown}");
    }
    world.made("acme");
    let again = done(world.command(["apply", "-f", "-"]), &world.ok("get zones -o yaml"));
    assert_eq!(again.out, "NAME  RESULT\nacme  NotChanged\nodd   NotChanged\n", "{again:?}");
}
