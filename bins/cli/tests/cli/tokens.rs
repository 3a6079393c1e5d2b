//! Tokens of operators.

use crate::world::{Ran, World, done};

fn as_admin(world: &World, line: &str) -> Ran {
    let mut command = world.command(line.split_whitespace());
    command.env("TIDEGATE_TOKEN", &world.admin);
    done(command, "")
}

fn id(token: &str) -> &str {
    token.split('_').nth(1).unwrap()
}

#[test]
fn a_token_is_made_used_listed_and_revoked() {
    let world = World::new();
    let made = as_admin(&world, "token create CI --role operator --expires-in-days 30");
    assert_eq!(made.code, 0, "{made:?}");
    let token = made.out.trim_end();
    assert!(token.starts_with("tidegate_") && made.out.lines().count() == 1, "{made:?}");
    assert!(made.err.contains("(CI), role OPERATOR, ends 20") && !made.err.contains(token), "{made:?}");

    let with = |line: &str| {
        let mut command = world.command(line.split_whitespace());
        command.env("TIDEGATE_TOKEN", token);
        done(command, "")
    };
    assert_eq!(with("get zones").code, 0);
    let list = as_admin(&world, "token list").out;
    let row = list.lines().find(|line| line.starts_with(id(token))).unwrap();
    assert!(row.contains("  CI  ") && row.contains("OPERATOR  BEARER"), "{list}");
    assert!(list.starts_with("ID                NAME      ROLE      KIND    CREATED"), "{list}");
    let json: serde_json::Value = serde_json::from_str(&as_admin(&world, "token list -o json").out).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 4);
    assert!(as_admin(&world, "token list -o yaml").out.contains("  name: CI\n"));

    let gone = as_admin(&world, &format!("token revoke {}", id(token)));
    assert_eq!((gone.code, gone.out), (0, format!("{} revoked\n", id(token))));
    assert_eq!(with("get zones").code, 3);
    assert_eq!(as_admin(&world, &format!("token revoke {}", id(token))).code, 4);
}

#[test]
fn a_token_comes_as_json_and_as_a_pair() {
    let world = World::new();
    let made = as_admin(&world, "token create terraform --role viewer --kind key-secret -o json");
    let made: serde_json::Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!((&made["key"], &made["role"]), (&made["id"], &"VIEWER".into()));
    assert!(made["secret"].as_str().unwrap().len() > 40 && made["token"].is_null(), "{made}");
    let pair = as_admin(&world, "token create terraform --role viewer --kind key-secret");
    assert_eq!(pair.out.trim_end().split(':').count(), 2, "{pair:?}");
    let yaml = as_admin(&world, "token create x --role admin -o yaml");
    assert!(yaml.out.contains("\ntoken: tidegate_"), "{yaml:?}");
}

#[test]
fn nobody_gets_a_role_by_chance_and_nobody_gives_what_they_have_not() {
    let world = World::new();
    assert_eq!(as_admin(&world, "token create CI").code, 2);
    assert_eq!(as_admin(&world, "token create CI --role root").code, 2);
    assert_eq!(as_admin(&world, "token create CI --role admin --expires-in-days 0").code, 2);
    let operator = world.run("token create CI --role viewer");
    assert_eq!(operator.code, 3);
    assert!(
        operator.err.contains("takes the role ADMIN, and the token has the role OPERATOR"),
        "{operator:?}"
    );
    let mut viewer = world.command(["credentials", "create", "acme"]);
    viewer.env("TIDEGATE_TOKEN", &world.viewer);
    assert_eq!(done(viewer, "").code, 3);
}

#[test]
fn a_token_that_does_not_open_is_told_with_where_it_came_from() {
    let world = World::new();
    let mut wrong = world.command(["get", "zones"]);
    wrong.env("TIDEGATE_TOKEN", "tidegate_ABC_wrong");
    let wrong = done(wrong, "");
    assert_eq!(wrong.code, 3);
    insta::assert_snapshot!(world.masked(&wrong.err));
    let zones = ["a", "b", "c"].map(crate::world::zone).join("---\n");
    let mut many = world.command(["apply", "-f", "-"]);
    many.env("TIDEGATE_TOKEN", "tidegate_ABC_wrong");
    let many = done(many, &zones);
    assert_eq!((many.code, &many.err), (3, &wrong.err), "it is not tried for each");
    let mut none = world.command(["get", "zones"]);
    none.env_remove("TIDEGATE_TOKEN");
    let none = done(none, "");
    assert_eq!(none.code, 3);
    insta::assert_snapshot!(world.masked(&none.err));
    let mut from_a_file = world.command(["get", "zones"]);
    from_a_file.env("TIDEGATE_TOKEN", "file:token");
    assert_eq!(done(from_a_file, "").code, 1);
    world.file("token", &format!("{}\n", world.viewer));
    let mut from_a_file = world.command(["get", "zones"]);
    from_a_file.env("TIDEGATE_TOKEN", "file:token");
    assert_eq!(done(from_a_file, "").code, 0);
    let mut unset = world.command(["get", "zones"]);
    unset.env("TIDEGATE_TOKEN", "${env:NOWHERE}");
    let unset = done(unset, "");
    assert_eq!((unset.code, unset.err.contains("`NOWHERE`")), (2, true), "{unset:?}");
}
