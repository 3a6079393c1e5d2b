//! A source that is entered with tokens (OAUTHBEARER), as the configuration says it.

use std::fs;

use tidegate_e2e::asked::Asked;
use tidegate_e2e::idp::{self, Idp, Key};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol};
use tidegate_e2e::mirror::{MirrorDaemon, MirrorHome};
use tidegate_e2e::paths;

use crate::site::{Site, until, until_mirror};

/// Seconds that a token in the file is good for.
const LASTS: u64 = 3_600;

#[test]
fn a_source_is_entered_with_tokens_of_a_provider_and_of_a_file() {
    let key = Key::create("k1").unwrap();
    let provider = Idp::start(std::slice::from_ref(&key)).unwrap();
    let source = Kafka::builder(Version::V4_1_1).protocol(Protocol::SaslPlaintext).tokens_of(&provider);
    let mut site = Site { source: Asked::start_as(source), mirror: Site::start().mirror };
    let topics = site.topics(&[1, 1]);
    let folder = paths::scratch("token").unwrap();
    let file = folder.path().join("token");
    let config = |tokens: &str, topic: &str| {
        site.config("{type: SQLITE}", &format!("topics: [{topic}]")).replacen(
            "}\n",
            &format!(
                ", security: {{protocol: SASL_PLAINTEXT, sasl: {{mechanism: OAUTHBEARER, {tokens}}}}}}}\n"
            ),
            1,
        )
    };
    let (id, secret, url) = ("mirror", "s3cret", provider.token_endpoint());
    let endpoint = format!("tokenEndpoint: {{url: \"{url}\", clientId: {id}, clientSecret: {secret}}}");
    let of_provider = config(&endpoint, &topics[0]);
    let of_file = config(&format!("tokenFile: {}", file.display()), &topics[1]);

    let home = MirrorHome::new().unwrap();
    home.write(&of_provider).unwrap();
    let daemon = MirrorDaemon::start(&home).unwrap();
    site.write(&topics[0], 1);
    assert_eq!(site.compare(&topics[0], &topics[0], 1), 0);
    assert_eq!(provider.given(), 1, "all connections share one");
    assert!(daemon.stop().unwrap().success());
    assert!(!home.log().contains(secret));

    // The file is read at each login: what stands in it may be mended while the daemon runs.
    let home = MirrorHome::new().unwrap();
    home.write(&of_file).unwrap();
    fs::write(&file, idp::unsigned(id, LASTS)).unwrap();
    let daemon = MirrorDaemon::spawn(&home).unwrap();
    until("the daemon is there", || daemon.links().is_ok());
    site.write(&topics[1], 1);
    until_mirror(&daemon, &topics[1], "the token is refused", |mirror| {
        mirror["problem"].as_str().is_some_and(|problem| problem.contains("invalid_token"))
    });
    fs::write(&file, provider.token(id).unwrap()).unwrap();
    assert_eq!(site.compare(&topics[1], &topics[1], 1), 0);
    assert!(daemon.stop().unwrap().success());
}
