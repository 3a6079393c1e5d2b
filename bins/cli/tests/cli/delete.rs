//! Nothing is deleted that nobody said yes to.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;

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
    assert_eq!(at_a_terminal(&world, "n\n"), 1);
    world.ok("get zones acme");
    assert_eq!(at_a_terminal(&world, "y\n"), 0);
    assert_eq!(world.run("get zones acme").code, 4);
}

/// The exit code of a command whose standard input is a terminal at which somebody types.
fn at_a_terminal(world: &World, typed: &str) -> i32 {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = std::ffi::OsString::from_vec(ptsname(&keyboard, Vec::new()).unwrap().into_bytes());
    let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
    let mut command = world.command(["delete", "zone", "acme"]);
    let mut child = command.stdin(terminal).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut question = Vec::new();
    let mut shown = child.stderr.take().unwrap();
    let mut one = [0];
    while !question.ends_with(b"[y/N] ") && shown.read(&mut one).unwrap() == 1 {
        question.push(one[0]);
    }
    let question = String::from_utf8(question).unwrap();
    assert!(
        question.starts_with("Delete zone acme with its account? Whoever is connected is cut off"),
        "{question}"
    );
    File::from(keyboard).write_all(typed.as_bytes()).unwrap();
    child.wait().unwrap().code().unwrap()
}
