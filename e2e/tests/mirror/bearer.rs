//! Sources that are entered with tokens (OAUTHBEARER).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tidegate_client::{
    ClientCredentials, ConnectOptions, ConnectStep, Fault, SaslLogin, SecureUrl, Security, TokenEndpoint,
    TokenFile, TokenSource, connect,
};
use tidegate_e2e::asked::Asked;
use tidegate_e2e::idp::{self, Idp, Key};
use tidegate_e2e::jars::Version;
use tidegate_e2e::kafka::{Kafka, Protocol};
use tidegate_e2e::paths;
use tidegate_link::copy::Phase;
use tidegate_sim::table::Subject;
use tidegate_sim::{Draft, Place, Produce};

use crate::site::{Gaps, MIRROR, Site};

/// How long a token is good for, in seconds, and with it each session.
const LASTS: u64 = 12;

/// As by a sidecar.
const RENEWED: Duration = Duration::from_secs(4);

/// Three tokens end meanwhile.
const RUN: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_copied_through_the_ends_of_many_tokens() {
    let folder = paths::scratch("token").unwrap();
    let path = folder.path().join("token");
    let source = Kafka::builder(Version::V4_1_1).protocol(Protocol::SaslPlaintext).unsigned_tokens();
    let mut site = Site::of(Asked::start_as(source), Asked::start(Version::V3_9_1, &[]))
        .entered_with(SaslLogin::bearer(TokenFile::new(&path)));
    renew(&path);
    let sidecar = tokio::spawn(keep_fresh(path));
    let (from, to) = (site.source.create_topic(&[]), site.mirror.create_topic(&MIRROR));
    write(&mut site.source, &from);
    let mut copied = site.copy(&from, &to, Gaps::Records, false).await;
    copied.until_done(&mut site.source, &from).await;
    let begin = Instant::now();
    while begin.elapsed() < RUN {
        write(&mut site.source, &from);
        tokio::time::sleep(Duration::from_millis(200)).await;
        // No session ends under it: nothing is ever lost, and so nothing has to be asked for again.
        let status = copied.status();
        assert_eq!(
            (status.phase, status.facts.obstacle),
            (Phase::Copying, None),
            "after {:?}",
            begin.elapsed()
        );
    }
    copied.until_done(&mut site.source, &from).await;
    assert_eq!(site.compare(&from, &to), 0);
    copied.stop().await;
    sidecar.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_entered_with_a_token_of_its_identity_provider() {
    let key = Key::create("k1").unwrap();
    let keys = Idp::start(std::slice::from_ref(&key)).unwrap();
    let source = Kafka::builder(Version::V4_1_1).protocol(Protocol::SaslPlaintext).tokens_of(&keys);
    let source = Asked::start_as(source);
    let identity = source.kafka.authority().issue("idp", &["127.0.0.1"]).unwrap();
    let tokens = Idp::start_over_tls(std::slice::from_ref(&key), &identity).unwrap();
    let endpoint = |id: &str| TokenEndpoint {
        url: SecureUrl::parse(&format!("https://127.0.0.1:{}/token", tokens.port())).unwrap(),
        client_id: id.to_owned(),
        client_secret: SecretString::from("s3cret"),
        scope: Some("kafka".to_owned()),
        authorities: Some(fs::read(source.kafka.ca()).unwrap()),
    };
    let mirror = ClientCredentials::new(endpoint("mirror")).unwrap();
    let stranger = ClientCredentials::new(endpoint("stranger")).unwrap();
    let mut claims = idp::good("stranger");
    claims["aud"] = "somebody else".into();
    tokens.claims("stranger", claims);
    let error = connect(&source.kafka.bootstrap().parse().unwrap(), &options(stranger)).await.unwrap_err();
    assert_eq!((error.step, error.fault()), (ConnectStep::SaslAuthenticate, Fault::Configuration));
    assert!(error.to_string().contains("invalid_token"), "{error}");

    let mut site =
        Site::of(source, Asked::start(Version::V4_1_1, &[])).entered_with(SaslLogin::bearer(mirror));
    let (from, to) = (site.source.create_topic(&[]), site.mirror.create_topic(&MIRROR));
    write(&mut site.source, &from);
    let mut copied = site.copy(&from, &to, Gaps::Records, false).await;
    copied.until_done(&mut site.source, &from).await;
    assert_eq!(site.compare(&from, &to), 0);
    copied.stop().await;
    assert_eq!(tokens.given(), 2, "all connections share the one of the mirror");
}

fn options(source: impl TokenSource + 'static) -> ConnectOptions {
    ConnectOptions::new("mirror", Security::plaintext().with_login(SaslLogin::bearer(source)))
}

fn write(source: &mut Asked, place: &Place) {
    let draft = Draft::of(3, source.now()).keyed();
    let answers = source.produce(&[(place.clone(), Produce::of(draft.bytes()))]);
    assert!(answers[0].1.error_code.is_none(), "{answers:?}");
}

/// Puts a new token in the place of the one before it, in one step.
fn renew(path: &Path) {
    let new = path.with_extension("new");
    fs::write(&new, idp::unsigned("mirror", LASTS)).unwrap();
    fs::rename(new, path).unwrap();
}

async fn keep_fresh(path: PathBuf) {
    loop {
        tokio::time::sleep(RENEWED).await;
        renew(&path);
    }
}
