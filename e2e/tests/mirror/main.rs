//! Topics of real brokers, mirrored: whoever reads the mirror sees what readers of the source see, each record at its offset.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod bearer;
mod histories;
mod kills;
mod old;
mod rates;
mod site;
mod topics;
mod workers;

use tidegate_e2e::jars::Version;
use tidegate_link::copy::Guarding;
use tidegate_link::verify::Verdict;
use tidegate_sim::table::Subject;

use histories::History;
use site::{Gaps, Site};

#[tokio::test(flavor = "multi_thread")]
async fn kafka_4_1_is_mirrored() {
    mirror_everything(Version::V4_1_1, Version::V4_1_1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_3_9_is_mirrored() {
    mirror_everything(Version::V3_9_1, Version::V3_9_1).await;
}

async fn mirror_everything(from: Version, to: Version) {
    let mut site = Site::start(from, to);
    for gaps in [Gaps::Markers, Gaps::Records] {
        for history in History::ALL {
            mirror(&mut site, history, gaps).await;
        }
    }
}

async fn mirror(site: &mut Site, history: History, gaps: Gaps) {
    println!("{history:?} with {gaps:?}");
    let source = history.write(&mut site.source);
    let mirror = site.mirror.create_topic(&site::MIRROR);
    let mut copied = site.copy(&source, &mirror, gaps, history.is_compacted()).await;
    copied.until_done(&mut site.source, &source).await;
    // It goes on while more comes.
    histories::write_more(&mut site.source, &source);
    let status = copied.until_done(&mut site.source, &source).await;
    assert_eq!(status.guarding, Some(Guarding::Sequence), "its last records are young");
    let visible = site.compare(&source, &mirror);
    let report = copied.verify().await;
    let expected = match visible as u64 {
        0 => Verdict::Exact,
        fillers => Verdict::ExactWithFillers(fillers),
    };
    assert_eq!(report.verdict, expected, "{report:?}");
    assert!(gaps == Gaps::Records || visible == 0, "{visible} fillers are to be seen");
    copied.stop().await;
}
