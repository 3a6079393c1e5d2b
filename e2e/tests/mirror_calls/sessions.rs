//! Reading with a session: what is new, and nothing else.

use std::time::Duration;

use tidegate_client::Connection;
use tidegate_mirror::calls::fetch::{Fetch, FetchNews, FetchPartition, FetchSession, Fetched};
use tidegate_mirror::calls::{Isolation, TopicPartition};
use tidegate_wire::error_code::ErrorCode;
use tidegate_wire::record;

use crate::logs::{self, Log};
use crate::site::Site;

struct Reader {
    connection: Connection,
    session: FetchSession,
}

impl Reader {
    /// What is told of some partitions, from some offsets on.
    async fn told(&mut self, partitions: &[(&TopicPartition, i64)]) -> Vec<Option<Fetched>> {
        let request = Fetch {
            isolation: Isolation::ReadCommitted,
            max_wait: Duration::ZERO,
            min_bytes: 1,
            max_bytes: 32 << 20,
            partitions: partitions.iter().map(|(at, offset)| wanted(at, *offset)).collect(),
        };
        let FetchNews { partitions, .. } = self.session.fetch(&mut self.connection, &request).await.unwrap();
        partitions
    }
}

pub(crate) async fn sessions_tell_what_is_new(site: &mut Site, log: &Log) {
    let (second, end) = (&log.second, log.end());
    let other = TopicPartition::new(second.topic.clone(), 0);
    let first_end = logs::end_of(site, &other).await;
    let both = [(&other, first_end), (second, end)];
    let mut reader = Reader { connection: site.connection().await, session: FetchSession::default() };
    assert!(reader.told(&both).await.iter().flatten().all(is_empty), "the first time both are told of");
    assert_eq!(reader.told(&both).await, [None, None]);

    logs::append_more(site, second).await;
    let [None, Some(news)] = &reader.told(&both).await[..] else { panic!("one has something") };
    let batches: Vec<i64> = record::batches(&news.records).map(|(header, _)| header.base_offset).collect();
    assert_eq!(batches, [end]);
    let [None, Some(again)] = &reader.told(&both).await[..] else { panic!("it still is to be had") };
    assert_eq!(again.records, news.records);

    let behind = [(&other, first_end), (second, end + i64::from(crate::batches::COUNT))];
    assert_eq!(reader.told(&behind[..1]).await, [None], "the other one is forgotten");
    let [None, Some(back)] = &reader.told(&behind).await[..] else { panic!("it is as new as any") };
    assert!(is_empty(back));

    // Another order, and from further back.
    let turned = [(second, 0), (&other, first_end)];
    let [Some(news), None] = &reader.told(&turned).await[..] else { panic!("it has all of it") };
    assert_eq!(record::batches(&news.records).count(), log.written() + 1);

    // A broker that was away has forgotten everything.
    site.kafka.stop(1).unwrap();
    site.kafka.restart(1).unwrap();
    reader.connection = site.connection().await;
    assert!(reader.told(&behind).await.iter().all(Option::is_some));
    assert_eq!(reader.told(&behind).await, [None, None]);
}

fn wanted(at: &TopicPartition, offset: i64) -> FetchPartition {
    FetchPartition {
        at: at.clone(),
        offset,
        max_bytes: 8 << 20,
        leader_epoch: None,
        last_fetched_epoch: None,
    }
}

fn is_empty(fetched: &Fetched) -> bool {
    fetched.error == ErrorCode::NONE && fetched.records.is_empty()
}
