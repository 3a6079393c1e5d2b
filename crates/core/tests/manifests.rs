//! Manifests as data: each file of `manifests/bad` has its exact error lines beside it in a `.expected` file.
//!
//! After a wanted change of messages, write the files anew with `TIDEGATE_BLESS=1 cargo test -p tidegate-core` and
//! read the difference.

#![allow(clippy::disallowed_methods, reason = "a test reads its data from files")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use tidegate_core::{AuthenticationMode, Permission, parse_zones, render_zone};

#[test]
fn bad_manifests_say_what_is_wrong() {
    let files = files("bad");
    assert!(files.len() > 60, "only {} files found", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        let errors = parse_zones(&text).expect_err(&name);
        let lines: String = errors.lines(&name).map(|line| line + "\n").collect();
        let expected = file.with_extension("expected");
        if std::env::var_os("TIDEGATE_BLESS").is_some() {
            fs::write(&expected, &lines).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != lines {
            wrong.push(lines);
        }
    }
    assert!(wrong.is_empty(), "these differ from their .expected files:\n{}", wrong.join("\n"));
}

#[test]
fn error_lines_are_single_and_begin_with_the_file() {
    for file in files("bad") {
        let errors = parse_zones(&fs::read_to_string(&file).unwrap()).unwrap_err();
        for line in errors.lines("FILE") {
            assert!(line.starts_with("FILE: ") && !line.contains('\n') && !line.ends_with('.'), "{line}");
        }
    }
}

#[test]
fn the_manifest_of_the_vendors_page_is_read() {
    let zones = good("seed.yaml");
    let [zone] = zones.as_slice() else { panic!("{} zones", zones.len()) };
    assert_eq!(zone.name().as_str(), "external-partner-zone");
    assert_eq!((zone.cluster().as_str(), zone.account().as_str()), ("partner1", "johndoe"));
    assert_eq!(zone.partner().unwrap().phone.as_deref(), Some("07827 837 177"));
    let topics: Vec<_> =
        zone.topics().iter().map(|t| (t.alias.as_str(), t.backing.as_str(), t.permission)).collect();
    assert_eq!(
        topics,
        [("topic-a", "kafka-topic-a", Permission::Write), ("topic-b", "kafka-topic-a", Permission::Read)]
    );
}

#[test]
fn what_get_prints_is_accepted_again() {
    let zone = good("everything.yaml").remove(0);
    assert_eq!(zone.labels()["example.com/tier"], "gold");
    assert_eq!(zone.description(), Some("Orders for John.\nEnds in spring.\n"));
    assert_eq!(zone.traffic().max_produce_rate, NonZeroU64::new(1_000_000));
    assert_eq!(zone.traffic().max_consume_rate, None, "0 is no limit");
    assert_eq!(zone.traffic().limit_commit_offset, NonZeroU64::new(30));
}

#[test]
fn several_documents_and_json_are_read() {
    let names: Vec<_> = good("several.yaml").iter().map(|zone| zone.name().to_string()).collect();
    assert_eq!(names, ["external-partner-zone", "second"]);
    let zone = good("cli.json").remove(0);
    assert_eq!((zone.account().as_str(), zone.description()), ("u", None));
}

#[test]
fn an_account_that_logs_in_by_certificate_or_token_is_read() {
    let text = fs::read_to_string(folder("good").join("everything.yaml")).unwrap();
    let mode = |text: &str| parse_zones(text).unwrap().remove(0).authentication();
    assert_eq!(mode(&text), AuthenticationMode::Plain);
    let with = |kind: &str| text.replace("type: PLAIN", &format!("type: {kind}"));
    assert_ne!(with("MTLS"), text);
    assert_eq!(mode(&with("MTLS")), AuthenticationMode::Mtls);
    assert_eq!(mode(&with("OAUTHBEARER")), AuthenticationMode::OauthBearer);
}

#[test]
fn what_is_rendered_is_read_as_the_same_zone() {
    for name in ["everything.yaml", "seed.yaml", "several.yaml", "cli.json"] {
        for zone in good(name) {
            let text = render_zone(&zone).unwrap();
            assert_eq!(parse_zones(&text).unwrap(), [zone], "{text}");
        }
    }
    insta::assert_snapshot!(render_zone(&good("everything.yaml").remove(0)).unwrap());
    // Whatever people call things.
    let text = fs::read_to_string(folder("good").join("everything.yaml")).unwrap();
    for odd in
        ["no", "0x10", "1e3", "~", "- a", "a: b", "#", "'", "\\\"", "{x}", "é\u{2028}", " spaced ", "---"]
    {
        let shown = serde_json::to_string(odd).unwrap();
        let text = text.replace("Johns partner zone", &shown).replace("John Doe", &shown);
        let Ok(zones) = parse_zones(&text) else { continue };
        let rendered = render_zone(&zones[0]).unwrap();
        assert_eq!(parse_zones(&rendered).unwrap(), zones, "{rendered}");
    }
}

#[test]
fn no_text_makes_the_reader_panic() {
    let seed = fs::read_to_string(folder("good").join("everything.yaml")).unwrap();
    for end in (0..seed.len()).filter(|end| seed.is_char_boundary(*end)) {
        // A cut manifest is either refused or, when only optional fields are cut, still a zone.
        let _either_way = parse_zones(&seed[..end]);
        let _either_way = parse_zones(&seed[end..]);
    }
}

fn good(name: &str) -> Vec<tidegate_core::ZoneSpec> {
    parse_zones(&fs::read_to_string(folder("good").join(name)).unwrap()).unwrap()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests").join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "json")).collect();
    files.sort();
    files
}
