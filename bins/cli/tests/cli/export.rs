//! Zones go from one gateway to another.

use crate::world::{World, done, zone};

#[test]
fn an_export_makes_the_same_zones_elsewhere() {
    let (here, there) = (World::new(), World::new());
    let text = here.ok("template zone");
    assert_eq!(done(here.command(["apply", "-f", "-"]), &text).code, 0);
    here.made("globex");
    let text = here.ok("export");
    insta::assert_snapshot!(text);

    let dry = done(there.command(["import", "-f", "-", "--dry-run"]), &text);
    assert_eq!(
        (dry.code, dry.out.as_str()),
        (0, "NAME    RESULT\nacme    Created\nglobex  Created\n"),
        "{dry:?}"
    );
    assert!(there.ok("get zones").lines().count() == 1);
    let made = done(there.command(["import", "-f", "-"]), &text);
    assert_eq!((made.code, &made.out), (0, &dry.out), "{made:?}");
    assert!(made.err.contains("`tidegate credentials create ZONE`"), "{made:?}");
    assert_eq!(there.ok("export"), text);
    let again = done(there.command(["import", "-f", "-"]), &text);
    assert_eq!(again.out, "NAME    RESULT\nacme    NotChanged\nglobex  NotChanged\n");
    assert_eq!(again.err, "");
}

#[test]
fn an_import_does_not_run_into_what_is_there() {
    let world = World::new();
    world.made("acme");
    let before = world.store.image().revision();
    let other = format!("{}---\n{}", zone("new"), zone("acme").replace("WRITE", "READ"));
    let ran = done(world.command(["import", "-f", "-"]), &other);
    assert_eq!((ran.code, ran.out.as_str()), (5, ""));
    assert_eq!(
        ran.err,
        "zone `acme` is there already and is another one; rename it, or use `tidegate apply`\nnothing was changed\n"
    );
    assert_eq!(world.store.image().revision(), before);
}

#[test]
fn a_folder_has_a_file_for_each_zone() {
    let world = World::new();
    world.made("a");
    world.made("b");
    assert_eq!(world.ok("export --folder out"), "2 zones in out\n");
    assert_eq!(world.ok("import -f out -o json").matches("NotChanged").count(), 2);
    let again = world.run("export --folder out");
    assert_eq!(
        (again.code, again.err.as_str()),
        (1, "out/a.yaml: is there already; export into an empty folder\n")
    );
}
