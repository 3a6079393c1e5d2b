//! Several gateways in one file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::world::{Ran, World, bare, done};

/// Without anything in the environment.
fn run(world: &World, line: &str) -> Ran {
    done(bare(&world.folder, line.split_whitespace()), "")
}

#[test]
fn contexts_are_added_used_listed_and_removed() {
    let (world, other) = (World::new(), World::new());
    other.made("elsewhere");
    assert_eq!(run(&world, "context list").out, "   NAME  URL  TOKEN  CA\n");
    let nobody = run(&world, "get zones");
    assert_eq!(nobody.code, 2);
    assert!(nobody.err.contains("tidegate context add NAME --url URL"), "{nobody:?}");

    world.file("token", &world.viewer);
    assert_eq!(run(&world, &format!("context add here --url {} --token file:token", world.url)).code, 0);
    let mut add = bare(&world.folder, ["context", "add", "there", "--url", &other.url, "--token-stdin"]);
    add.env("UNUSED", "");
    assert_eq!(done(add, &format!("{}\n", other.viewer)).code, 0);
    assert_eq!(run(&world, "get zones").out.lines().count(), 1);
    assert_eq!(run(&world, "get zones --context there").out.lines().count(), 2);
    assert_eq!(run(&world, "--context there get zones").out.lines().count(), 2);
    assert_eq!(run(&world, "context use there").code, 0);
    assert_eq!(run(&world, "get zones").out.lines().count(), 2);

    let list = run(&world, "context list");
    let shown = list.out.replace(&world.url, "HERE").replace(&other.url, "THERE");
    assert!(!shown.contains(&other.viewer) && shown.contains("kept in the file"), "{shown}");
    assert!(shown.lines().nth(2).unwrap().starts_with("*  there"), "{shown}");
    let json: serde_json::Value = serde_json::from_str(&run(&world, "context list -o json").out).unwrap();
    assert_eq!((&json[0]["current"], &json[1]["current"]), (&false.into(), &true.into()));
    assert!(run(&world, "context list -o yaml").out.contains("- ca: null\n"));

    assert_eq!(run(&world, "context remove there").code, 0);
    assert_eq!(run(&world, "get zones").code, 2);
    for line in ["context use there", "context remove there", "get zones --context there"] {
        let gone = run(&world, line);
        assert_eq!(
            (gone.code, gone.err.as_str()),
            (4, "there is no context `there`; look at `tidegate context list`\n")
        );
    }
}

#[test]
fn the_file_is_nobody_elses_and_no_token_is_on_the_command_line() {
    let world = World::new();
    let refused = run(&world, &format!("context add here --url {} --token {}", world.url, world.viewer));
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("--token-stdin") && !refused.err.contains(&world.viewer), "{refused:?}");
    let add = bare(&world.folder, ["context", "add", "here", "--url", &world.url, "--token-stdin"]);
    assert_eq!(done(add, &world.viewer).code, 0);
    let path = world.folder.path().join(".config/tidegate/config.yaml");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(run(&world, "get zones").code, 0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let open = run(&world, "get zones");
    assert_eq!(open.code, 1);
    assert!(open.err.contains("others may read the token in it (mode 644); run `chmod 600"), "{open:?}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for (arguments, part) in [
        ("context add x --url gateway:9466", "write `https://HOST:PORT`"),
        ("context add a/b --url https://g", "a context's name has 1 to 63"),
        ("context add x --url https://g --token ${NAME}", "must be `${env:NAME}`"),
    ] {
        let ran = run(&world, arguments);
        assert!(ran.code == 2 && ran.err.contains(part), "{ran:?}");
    }
}

#[test]
fn the_environment_overrides_the_current_context_and_an_option_both() {
    let (world, other) = (World::new(), World::new());
    other.made("elsewhere");
    let file = world.file(
        "contexts.yaml",
        &format!(
            "current: here\ncontexts:\n  - {{name: here, url: '{}', token: '${{env:MINE}}'}}\n",
            world.url
        ),
    );
    let lines = |command: &mut std::process::Command| {
        command.env("TIDEGATE_CONFIG", &file).env("MINE", &world.viewer);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().count()
    };
    assert_eq!(lines(&mut bare(&world.folder, ["get", "zones"])), 1);
    assert_eq!(lines(&mut other.command(["get", "zones"])), 2);
    assert_eq!(lines(&mut other.command(["get", "zones", "--context", "here"])), 1);
    // A token without its gateway is shown to nobody.
    assert_eq!(lines(bare(&world.folder, ["get", "zones"]).env("TIDEGATE_TOKEN", "tidegate_X_y")), 1);
}

#[test]
fn mistakes_in_the_file_are_told_with_their_places() {
    let world = World::new();
    let file = world.file("contexts.yaml", "current: a\ncontexts:\n  - {name: b, uri: 'https://g'}\n");
    let mut command = bare(&world.folder, ["get", "zones"]);
    command.env("TIDEGATE_CONFIG", &file);
    let ran = done(command, "");
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.err.replace(&file.display().to_string(), "FILE"));
}
