//! Passwords of a zone's account: several at once, so that a partner can change over.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use crate::terminal::at_a_terminal;
use crate::world::{Ran, World, done};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A password, and the id that it is taken away by.
fn created(world: &World, options: &str) -> (String, String) {
    let made = json(&world.ok(&format!("credentials create acme -o json {options}")));
    let text = |key: &str| made[key].as_str().unwrap().to_owned();
    (text("password"), text("id"))
}

fn ids(world: &World) -> Vec<String> {
    let list = json(&world.ok("credentials list acme -o json"));
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// A command whose standard output is a disk that is full.
fn nowhere(world: &World, line: &str) -> Ran {
    let mut command = world.command(line.split_whitespace());
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    Ran { code: output.status.code().unwrap(), out: String::new(), err }
}

#[test]
fn each_password_is_one_more_and_lets_the_partner_in() {
    let world = World::new();
    world.made("acme");
    let first = world.run("credentials create acme");
    assert_eq!((first.code, first.out.lines().count()), (0, 1), "{first:?}");
    let password = first.out.trim_end();
    assert!(first.err.starts_with("credential rest-") && !first.err.contains(password), "{first:?}");
    assert!(first.err.ends_with(" of zone acme, ends never; it is shown this once\n"), "{first:?}");
    let made = json(&world.ok("credentials create acme --expires-in-days 30 -o json"));
    assert!(made["expiresAt"].as_str().unwrap().ends_with('Z') && made["zone"] == "acme", "{made}");
    let yaml = world.ok("credentials create acme -o yaml");
    assert!(yaml.starts_with("id: rest-") && yaml.ends_with("zone: acme\n"), "{yaml}");
    for password in [password, made["password"].as_str().unwrap()] {
        assert!(world.lets_in("acme", password), "{password}");
    }
    assert_eq!(ids(&world).len(), 3);
    assert_eq!(world.run("credentials create none").code, 4);
    assert_eq!(world.run("credentials create acme --expires-in-days 0").code, 2);
    assert_eq!(world.run("credentials create acme --label sealed:x").code, 2);
    assert_eq!(world.run("credentials create acme --expires-in-days 3651").code, 2, "so says the gateway");
}

#[test]
fn they_are_listed_with_what_people_call_them() {
    let world = World::new();
    world.made("acme");
    assert_eq!(world.ok("credentials list acme"), "ID  LABEL  CREATED  EXPIRES  LAST USED\n");
    let (_, id) = created(&world, "--label laptop --expires-in-days 1");
    let (_, other) = created(&world, "");
    let table = world.ok("credentials list acme");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["ID", "LABEL", "CREATED", "EXPIRES", "LAST", "USED"]);
    assert_eq!((rows[1][0], rows[1][1], rows[1][4]), (id.as_str(), "laptop", "-"), "{table}");
    assert!(rows[1][2] < rows[1][3] && rows[1][3].ends_with('Z'), "{table}");
    assert_eq!((rows[2][0], rows[2][1], rows[2][3]), (other.as_str(), "-", "-"), "{table}");
    let list = json(&world.ok("credentials list acme -o json"));
    assert_eq!((&list[0]["label"], list[1].as_object().unwrap().len()), (&"laptop".into(), 2), "{list}");
    assert!(world.ok("credentials list acme -o yaml").contains("label: laptop\n"));
    let mut viewer = world.command(["credentials", "list", "acme"]);
    viewer.env("TIDEGATE_TOKEN", &world.viewer);
    assert_eq!(done(viewer, "").code, 0);
    assert_eq!(world.run("credentials list none").code, 4);
}

#[test]
fn one_goes_and_the_others_stay() {
    let world = World::new();
    world.made("acme");
    let ((first, id), (second, _)) = (created(&world, "--label laptop"), created(&world, ""));
    let refused = done(world.command(["credentials", "revoke", "acme", &id]), "y\n");
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
    assert!(refused.err.contains("add `--yes`"), "{refused:?}");
    assert!(world.lets_in("acme", &first));
    let revoke = format!("credentials revoke acme {id} --yes");
    assert_eq!(world.ok(&revoke), format!("{id} revoked\n"));
    assert!(!world.lets_in("acme", &first) && world.lets_in("acme", &second));
    let again = world.run(&revoke);
    assert_eq!(again.code, 4);
    assert_eq!(
        again.err,
        format!(
            "zone `acme` has no credential `{id}`; `tidegate credentials list acme` lists those that it has\n"
        )
    );
    assert_eq!(world.run("credentials revoke none x --yes").code, 4);
    assert_eq!(world.run("credentials revoke acme a/b --yes").code, 2);
    let mut viewer = world.command(["credentials", "revoke", "acme", ids(&world)[0].as_str(), "--yes"]);
    viewer.env("TIDEGATE_TOKEN", &world.viewer);
    assert_eq!(done(viewer, "").code, 3);
}

#[test]
fn somebody_at_a_terminal_is_asked() {
    let world = World::new();
    world.made("acme");
    let (password, id) = created(&world, "--label laptop");
    let revoke = || world.command(["credentials", "revoke", "acme", id.as_str()]);
    let (code, question) = at_a_terminal(revoke(), "n\n");
    assert_eq!(code, 1);
    assert_eq!(
        question,
        format!(
            "Revoke credential {id} (laptop) of zone acme, not in use lately? Connections that logged in with it are cut \
             off. [y/N] "
        )
    );
    assert!(world.lets_in("acme", &password));
    assert_eq!(at_a_terminal(revoke(), "y\n").0, 0);
    assert!(!world.lets_in("acme", &password));
}

#[test]
fn a_rotation_says_which_old_ones_are_still_good() {
    let world = World::new();
    world.made("acme");
    let alone = world.run("credentials rotate acme");
    assert_eq!((alone.code, alone.err.lines().count()), (0, 1), "{alone:?}");
    let (old, id) = created(&world, "--label laptop");
    let first = ids(&world)[0].clone();
    let ran = world.run("credentials rotate acme");
    assert_eq!((ran.code, ran.out.lines().count()), (0, 1), "{ran:?}");
    assert!(world.lets_in("acme", ran.out.trim_end()) && world.lets_in("acme", &old));
    let told: Vec<&str> = ran.err.lines().collect();
    assert!(told[0].ends_with("ends never; it is shown this once"), "{ran:?}");
    let hint = "is still good, not in use lately; when nobody needs it any more:";
    assert_eq!(
        told[1..],
        [
            format!("{first} {hint} `tidegate credentials revoke acme {first}`"),
            format!("{id} (laptop) {hint} `tidegate credentials revoke acme {id}`"),
        ]
    );
    let before = ids(&world);
    let made = json(&world.ok("credentials rotate acme -o json"));
    assert_eq!(made["others"], serde_json::json!(before));
    assert_eq!(world.run("credentials rotate none").code, 4);
    assert_eq!(world.run("credentials rotate acme --revoke-old").code, 2, "which one?");
}

#[test]
fn the_old_one_goes_when_the_new_one_is_written_out() {
    let world = World::new();
    world.made("acme");
    let ((old, id), (other, other_id)) = (created(&world, "--label laptop"), created(&world, ""));
    let ran = world.run(&format!("credentials rotate acme {id} --revoke-old --to new.password"));
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:?}");
    let path = world.folder.path().join("new.password");
    let password = fs::read_to_string(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(world.lets_in("acme", password.trim_end()) && world.lets_in("acme", &other));
    assert!(!world.lets_in("acme", &old) && !ran.err.contains(password.trim_end()), "{ran:?}");
    assert!(
        ran.err.contains("; it is in new.password alone\n") && ran.err.contains(&format!("\n{id} revoked\n")),
        "{ran:?}"
    );
    assert!(!ran.err.contains(&format!("{id} (laptop) is still good")), "{ran:?}");
    assert!(ran.err.contains(&format!("{other_id} is still good")), "{ran:?}");
    let list = json(&world.ok("credentials list acme -o json"));
    assert_eq!(list[1]["label"], "laptop", "it is in place of the old one: {list}");

    let new = ids(&world).remove(1);
    let gone = world.run(&format!("credentials rotate acme {id} --revoke-old"));
    assert_eq!(gone.code, 4, "{gone:?}");
    let line = format!("credentials rotate acme {new} --revoke-old --label desk --to as.json -o json");
    assert_eq!(world.ok(&line), "");
    let made = json(&fs::read_to_string(world.folder.path().join("as.json")).unwrap());
    assert!(world.lets_in("acme", made["password"].as_str().unwrap()), "{made}");
    assert_eq!(ids(&world), [other_id, made["id"].as_str().unwrap().to_owned()]);
}

#[test]
fn nothing_is_made_that_nobody_sees_and_nothing_revoked_before() {
    let world = World::new();
    world.made("acme");
    let (old, id) = created(&world, "");
    world.file("there", "");
    for line in [
        "credentials create acme --to there".to_owned(),
        "credentials create acme --to no/such/folder".to_owned(),
        format!("credentials rotate acme {id} --revoke-old --to there"),
    ] {
        let before = world.store.image().revision();
        let ran = world.run(&line);
        assert_eq!((ran.code, ran.err.contains("cannot make the file")), (1, true), "{line}: {ran:?}");
        assert_eq!(world.store.image().revision(), before, "{line}");
    }
    let none = world.run("credentials create none --to new");
    assert_eq!((none.code, world.folder.path().join("new").exists()), (4, false), "{none:?}");
    for line in [
        "credentials create acme".to_owned(),
        format!("credentials rotate acme {id} --revoke-old"),
        "client-config acme --new-password".to_owned(),
    ] {
        let ran = nowhere(&world, &line);
        let lost = ids(&world).pop().unwrap();
        assert_eq!(ran.code, 1, "{line}: {ran:?}");
        let mend = format!("it is lost, so take it away: `tidegate credentials revoke acme {lost}`");
        assert!(ran.err.contains(&mend), "{line}: {ran:?}");
        assert!(world.lets_in("acme", &old), "{line}");
    }
}

#[test]
fn there_are_no_more_than_the_gateway_takes() {
    let world = World::new();
    world.made("acme");
    let ids: Vec<String> = (0..32).map(|_| created(&world, "").1).collect();
    let more = world.run("credentials create acme --to new");
    assert_eq!((more.code, world.folder.path().join("new").exists()), (5, false), "{more:?}");
    assert!(more.err.contains("has 32 passwords; revoke one"), "{more:?}");
    world.ok(&format!("credentials revoke acme {} -y", ids[0]));
    created(&world, "");
}
