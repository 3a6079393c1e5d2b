//! Wrong manifests as data: each file of `bad` has beside it, in a `.expected` file, exactly what is told of it.
//!
//! After a wanted change of messages, write the files anew with
//! `TIDEGATE_BLESS=1 cargo test -p tidegate-cli --test cli` and read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{World, bare, done, zone};

#[test]
fn wrong_manifests_are_told_before_anything_is_sent() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/bad");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_none_or(|end| end != "expected"));
    files.sort();
    assert!(files.len() > 10, "only {} files found", files.len());
    let home = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for file in files {
        // Nobody is there: whoever asks anyway ends with another code.
        let mut command = bare(&home, ["apply", "-f", file.file_name().unwrap().to_str().unwrap()]);
        command.env("TIDEGATE_URL", "http://127.0.0.1:9").current_dir(&folder);
        let ran = done(command, "");
        let expected = file.with_extension("expected");
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            fs::write(&expected, &ran.err).unwrap();
        }
        if ran.code != 2 || fs::read_to_string(&expected).unwrap_or_default() != ran.err {
            wrong.push(format!("{}: {ran:?}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "these differ from their .expected files:\n{}", wrong.join("\n"));
}

#[test]
fn what_only_the_gateway_knows_to_be_wrong_stops_all_of_them() {
    let world = World::new();
    let before = world.store.image().revision();
    let many = format!(
        "{}---\n{}---\n{}",
        zone("good"),
        zone("one").replace("cluster: main", "cluster: elsewhere").replace("orders-v3", "tidegate"),
        zone("two").replace("prices-v1", "tidegate"),
    );
    let ran = done(world.command(["apply", "-f", "-"]), &many);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
    insta::assert_snapshot!(ran.err);
    assert_eq!(world.store.image().revision(), before);
}

#[test]
fn a_rule_that_stands_against_one_stops_all_of_them() {
    let world = World::new();
    world.made("acme");
    let before = world.store.image().revision();
    let taken = format!("{}---\n{}", zone("good"), zone("thief").replace("thief-account", "acme-account"));
    let ran = done(world.command(["apply", "-f", "-"]), &taken);
    assert_eq!(ran.code, 5);
    assert_eq!(
        ran.err,
        "account `acme-account` belongs to zone `acme`; give this zone an account of its own\nnothing was changed\n"
    );
    let other = done(world.command(["apply", "-f", "-"]), &zone("acme").replace("acme-account", "other"));
    assert_eq!(other.code, 5);
    assert!(other.err.contains("-  serviceAccount: acme-account\n+  serviceAccount: other"), "{other:?}");
    assert_eq!(world.store.image().revision(), before);
}

#[test]
fn a_text_that_is_too_long_is_told_to_be_split() {
    let world = World::new();
    let ran = done(world.command(["apply", "-f", "-"]), &"#".repeat(2_000_000));
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("longer than 1048576 bytes; split it"), "{ran:?}");
    fs::write(world.folder.path().join("latin.yaml"), b"name: \xe4").unwrap();
    let ran = world.run("apply -f latin.yaml");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (1, "latin.yaml: cannot read the manifests: it is no UTF-8 text\n")
    );
}
