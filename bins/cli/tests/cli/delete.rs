//! Nothing is deleted that nobody said yes to.

use crate::terminal::at_a_terminal;
use crate::world::{World, done, zone};

#[test]
fn without_a_terminal_and_without_a_yes_nothing_goes() {
    let world = World::new();
    world.made("acme");
    let refused = done(world.command(["delete", "zone", "acme"]), "y\n");
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    insta::assert_snapshot!(refused.err);
    world.ok("get zones acme");
    assert_eq!(world.ok("delete zone acme -y"), "acme deleted\n");
    assert_eq!(world.run("delete zone acme --yes").code, 4);
}

#[test]
fn the_zones_of_manifests_go_together() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.made(name);
    }
    world.file("some.yaml", &format!("{}---\n{}", zone("a"), zone("b")));
    world.file("more.yaml", &format!("{}---\n{}", zone("c"), zone("missing")));
    let missing = world.run("delete zone -f more.yaml --yes");
    assert_eq!((missing.code, missing.err.as_str()), (4, "there is no zone `missing`\n"));
    world.ok("get zones c");
    assert_eq!(world.ok("delete zone -f some.yaml --yes"), "a deleted\nb deleted\n");
    assert_eq!(world.run("delete zone").code, 2);
    assert_eq!(world.run("delete zone c -f some.yaml").code, 2);
    assert_eq!(world.run("delete zone Not_A_Zone! --yes").code, 2);
}

#[test]
fn somebody_at_a_terminal_is_asked() {
    let world = World::new();
    world.made("acme");
    let (code, question) = at_a_terminal(world.command(["delete", "zone", "acme"]), "n\n");
    assert_eq!(code, 1);
    assert!(
        question.starts_with("Delete zone acme with its account? Whoever is connected is cut off"),
        "{question}"
    );
    world.ok("get zones acme");
    assert_eq!(at_a_terminal(world.command(["delete", "zone", "acme"]), "y\n").0, 0);
    assert_eq!(world.run("get zones acme").code, 4);
}
