//! Completions and manual pages, of every command.

use crate::world::{bare, done};

#[test]
fn every_shell_completes_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = done(bare(&folder, ["completions", shell]), "");
        assert_eq!(ran.code, 0, "{ran:?}");
        for word in ["apply", "client-config", "credentials", "dry-run"] {
            assert!(ran.out.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(done(bare(&folder, ["man", "pages"]), "").code, 0);
    for page in [
        "tidegate",
        "tidegate-apply",
        "tidegate-get-zones",
        "tidegate-token-create",
        "tidegate-mirror-verify",
    ] {
        let text = std::fs::read_to_string(folder.path().join(format!("pages/{page}.1"))).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
    let top = std::fs::read_to_string(folder.path().join("pages/tidegate.1")).unwrap();
    assert!(top.contains("cannot be reached"), "{top}");
}

#[test]
fn wrong_use_ends_with_two() {
    let folder = tempfile::tempdir().unwrap();
    for line in ["", "aply", "get", "get zones a b", "apply -f x --output xml"] {
        assert_eq!(done(bare(&folder, line.split_whitespace()), "").code, 2, "{line}");
    }
    assert_eq!(done(bare(&folder, ["--version"]), "").code, 0);
}
