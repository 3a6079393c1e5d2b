//! Files that change under a running gateway.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use tidegate_e2e::clients::{Client, ClientConfig, Step};
use tidegate_e2e::gateway::{Home, client_config, get};
use tidegate_e2e::pki::Authority;
use tidegate_e2e::raw::Connection;
use tidegate_e2e::site::{Handled, wait_for};
use tidegate_e2e::tls::connect;

use super::{ALIAS, LIMIT, PASSWORD, add_zone, configure, home, log_in, metric, start, tls, topics};

fn encrypted() -> Result<(Home, Authority)> {
    let home = home("protocol: SASL_PLAINTEXT\nmechanisms: [PLAIN]\n{bind}\n{nodes}")?;
    let authority = Authority::create(&home.file("pki"))?;
    let tls = tls(&home, &authority, &["127.0.0.1"], "")?;
    configure(&home, &format!("protocol: SASL_SSL\nmechanisms: [PLAIN]\n{tls}\n{{bind}}\n{{nodes}}"))?;
    add_zone(&home, "acme", "PLAIN")?;
    Ok((home, authority))
}

/// Puts another certificate in place.
fn rotate(home: &Home, authority: &Authority, n: usize) -> Result<()> {
    let identity = authority.issue(&format!("gateway-{n}"), &["127.0.0.1"])?;
    identity.replace(&home.file("gateway.pem"), &home.file("gateway.key"))
}

fn shown(home: &Home, authority: &Authority) -> Result<(Connection, Vec<u8>)> {
    let done = connect(home.ports().bound(), "127.0.0.1", authority.certificate(), None, LIMIT)?;
    Ok((done.connection, done.certificate.to_vec()))
}

#[test]
fn a_certificate_is_swapped_while_clients_go_on() -> Result<()> {
    let (home, authority) = encrypted()?;
    home.replace("tidegate.yaml", "watchMs: 0", "watchMs: 100")?;
    let _gateway = start(&home)?;
    let (mut open, mut before) = shown(&home, &authority)?;
    open.log_in("acme", PASSWORD)?;
    let config = ClientConfig {
        protocol: "SASL_SSL".to_owned(),
        bootstrap: home.ports().bound().to_string(),
        ca: Some(authority.certificate().to_owned()),
        ..client_config(&home, "PLAIN", "acme", PASSWORD)
    };
    let producing = thread::spawn(move || {
        (0..6).try_for_each(|n| {
            let keys = format!("k{n}-");
            Client::Librdkafka
                .run(&config, Step::Produce { topic: ALIAS, count: 50, keys: &keys })?
                .accepted()?;
            anyhow::Ok(())
        })
    });
    for n in 0..4 {
        rotate(&home, &authority, n)?;
        let mut now = Vec::new();
        wait_for("the new certificate is shown", || {
            now = shown(&home, &authority)?.1;
            Ok(now != before)
        })?;
        before = now;
        assert_eq!(topics(&mut open)?, [ALIAS], "an open connection goes on");
    }
    producing.join().expect("the producer ends")?;
    Ok(())
}

#[test]
fn a_broken_pair_changes_nothing_and_says_so_once() -> Result<()> {
    let (home, authority) = encrypted()?;
    home.replace("tidegate.yaml", "watchMs: 0", "watchMs: 100")?;
    let _gateway = start(&home)?;
    let before = shown(&home, &authority)?.1;
    let stranger = authority.issue("stranger", &["127.0.0.1"])?;
    fs::copy(&stranger.key, home.file("gateway.key"))?;
    wait_for("the mistake is told", || Ok(home.log().contains("nothing is changed")))?;
    thread::sleep(Duration::from_millis(600));
    let log = home.log();
    let told: Vec<&str> = log.lines().filter(|line| line.contains("nothing is changed")).collect();
    ensure!(told.len() == 1, "told {} times: {told:?}", told.len());
    for part in ["gateway.pem", "gateway.key", "are a pair"] {
        assert!(told[0].contains(part), "{told:?}");
    }
    assert_eq!(shown(&home, &authority)?.1, before);
    assert_eq!(metric(&home, "tidegate_reload_refused")?, 1.0);
    assert_eq!(get(home.ports().http(), "/readyz")?.status, 200);
    fs::copy(&stranger.chain, home.file("gateway.pem"))?;
    wait_for("the mended pair is shown", || Ok(shown(&home, &authority)?.1 != before))?;
    assert_eq!(metric(&home, "tidegate_reload_refused")?, 0.0);
    Ok(())
}

#[test]
fn a_bad_file_anywhere_changes_nothing_at_all() -> Result<()> {
    let home = home("protocol: SASL_PLAINTEXT\nmechanisms: [PLAIN]\n{bind}\n{nodes}")?;
    add_zone(&home, "acme", "PLAIN")?;
    let gateway = start(&home)?;
    let mut open = log_in(home.ports().bound(), "acme")?;
    let zone = fs::read_to_string(home.file("zones/acme.yaml"))?;
    let good = fs::read_to_string(home.file("tidegate.yaml"))?;
    for (bad, problem) in [
        (good.replace("PLAIN]", "PLAIN, GSSAPI]"), "GSSAPI"),
        (good[..good.len() / 2].to_owned(), "tidegate.yaml"),
        (good.replace("folder: zones", "folder: nowhere"), "nowhere"),
    ] {
        home.write("tidegate.yaml", &bad)?;
        fs::remove_file(home.file("zones/acme.yaml"))?;
        let before = home.log().len();
        gateway.reload()?;
        wait_for("the mistake is told", || Ok(home.log()[before..].contains("nothing is changed")))?;
        assert!(home.log()[before..].contains(problem), "{}", &home.log()[before..]);
        assert_eq!(topics(&mut open)?, [ALIAS]);
        assert_eq!(topics(&mut log_in(home.ports().bound(), "acme")?)?, [ALIAS]);
        home.write("zones/acme.yaml", &zone)?;
    }
    Ok(())
}

#[test]
fn limits_change_live_and_what_cannot_is_named() -> Result<()> {
    let home = home("protocol: SASL_PLAINTEXT\nmechanisms: [PLAIN]\n{bind}\n{nodes}")?;
    add_zone(&home, "acme", "PLAIN")?;
    let gateway = start(&home)?;
    let mut open = log_in(home.ports().bound(), "acme")?;
    home.replace(
        "tidegate.yaml",
        "reload: {watchMs: 0}\n",
        "reload: {watchMs: 0}\nlimits: {maxConnectionsPerAddress: 1}\n",
    )?;
    home.replace("tidegate.yaml", "count: 8}", "count: 7}")?;
    let before = home.log().len();
    gateway.reload()?;
    Handled::logged_after(&home, before)?;
    let log = home.log();
    assert!(log[before..].contains("`listeners[partners].bind` has changed and needs a restart"), "{log}");
    assert!(log_in(home.ports().bound(), "acme").is_err(), "one connection is enough now");
    assert_eq!(topics(&mut open)?, [ALIAS]);
    drop(open);
    wait_for("its place is free", || Ok(log_in(home.ports().bound(), "acme").is_ok()))
}

#[cfg(unix)]
#[test]
fn a_folder_swapped_by_a_link_is_seen() -> Result<()> {
    let home = home("protocol: SASL_PLAINTEXT\nmechanisms: [PLAIN]\n{bind}\n{nodes}")?;
    home.replace("tidegate.yaml", "watchMs: 0", "watchMs: 100")?;
    add_zone(&home, "acme", "PLAIN")?;
    // As Kubernetes mounts a ConfigMap: files are links through one link to a folder, which alone is swapped.
    fs::create_dir(home.file("one"))?;
    fs::rename(home.file("zones/acme.yaml"), home.file("one/acme.yaml"))?;
    std::os::unix::fs::symlink(home.file("one"), home.file("data"))?;
    std::os::unix::fs::symlink(home.file("data/acme.yaml"), home.file("zones/acme.yaml"))?;
    let _gateway = start(&home)?;
    let mut open = log_in(home.ports().bound(), "acme")?;
    assert_eq!(topics(&mut open)?, [ALIAS]);
    fs::create_dir(home.file("two"))?;
    let text = fs::read_to_string(home.file("one/acme.yaml"))?;
    home.write("two/acme.yaml", &text.replace(ALIAS, "arders"))?;
    std::os::unix::fs::symlink(home.file("two"), home.file("next"))?;
    fs::rename(home.file("next"), home.file("data"))?;
    wait_for("the swapped zone is served", || Ok(topics(&mut open)? == ["arders"]))
}
