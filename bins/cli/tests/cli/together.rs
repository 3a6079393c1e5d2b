//! Two operators at once.

use std::thread;

use crate::world::World;

#[test]
fn who_comes_second_is_told_what_changed() {
    let world = World::new();
    world.made("acme");
    let printed = world.ok("get zones acme -o yaml");
    world.file("mine.yaml", &printed.replace("prices-v1", "prices-v2"));
    world.file("theirs.yaml", &printed.replace("WRITE", "READ"));
    assert_eq!(world.ok("apply -f theirs.yaml"), "NAME  RESULT\nacme  Updated\n");
    let late = world.run("apply -f mine.yaml");
    assert_eq!((late.code, late.out.as_str()), (5, ""));
    let revisions = late.err.lines().next().unwrap();
    assert!(revisions.starts_with("zone `acme` was changed from revision "), "{late:?}");
    assert!(
        revisions.ends_with("get it again, or leave out `metadata.revision` to overwrite it"),
        "{late:?}"
    );
    insta::assert_snapshot!(late.err.replace(revisions, "zone `acme` was changed [...]"));
    assert!(world.ok("get zones acme -o yaml").contains("prices-v1"));
    // What was sent is sent again, since somebody did not see the answer.
    assert_eq!(world.ok("apply -f theirs.yaml"), "NAME  RESULT\nacme  NotChanged\n");
}

#[test]
fn of_several_at_the_same_moment_one_gets_it() {
    let world = World::new();
    world.made("acme");
    let printed = world.ok("get zones acme -o yaml");
    let codes: Vec<i32> = thread::scope(|scope| {
        let applies: Vec<_> = (0..6)
            .map(|n| {
                let file =
                    world.file(&format!("{n}.yaml"), &printed.replace("prices-v1", &format!("prices-{n}")));
                let world = &world;
                scope.spawn(move || world.run(&format!("apply -f {}", file.display())).code)
            })
            .collect();
        applies.into_iter().map(|apply| apply.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| [0, 5].contains(code)), "{codes:?}");
}

#[test]
fn nothing_is_made_when_one_of_them_would_fail() {
    let world = World::new();
    world.made("acme");
    let printed = world.ok("get zones acme -o yaml");
    world.file("both.yaml", &format!("{}---\n{printed}", crate::world::zone("new")));
    world.file("theirs.yaml", &printed.replace("WRITE", "READ"));
    world.ok("apply -f theirs.yaml");
    let ran = world.run("apply -f both.yaml");
    assert_eq!((ran.code, ran.out.as_str()), (5, ""));
    assert!(ran.err.ends_with("nothing was changed\n"), "{ran:?}");
    assert_eq!(world.run("get zones new").code, 4);
}
