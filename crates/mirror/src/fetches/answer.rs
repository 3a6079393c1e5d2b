//! What an answer has for whom.

use tidegate_link::copy;
use tidegate_link::source::Aborted;

use super::Want;
use crate::budget::Room;
use crate::calls::TopicPartition;
use crate::calls::fetch::{Fetch, FetchNews, FetchPartition, Fetched};

/// Bytes of records in all of it.
pub(super) fn bytes(news: &FetchNews) -> usize {
    news.partitions.iter().flatten().map(|fetched| fetched.records.len()).sum()
}

/// Whether there is something at that offset, and nothing of it here.
pub(super) fn is_left_out(fetched: &Fetched, offset: i64) -> bool {
    fetched.error.is_none()
        && fetched.records.is_empty()
        && fetched.diverging.is_none()
        && fetched.last_stable_offset > offset
}

/// Whether there is nothing that the partition does not know.
pub(super) fn says_nothing(want: &Want, fetched: &Fetched) -> bool {
    fetched.error.is_none()
        && fetched.records.is_empty()
        && fetched.diverging.is_none()
        && want.end == Some(fetched.last_stable_offset)
        // A source that ends before what was read of it is told every time: the machine counts how long it does so.
        && fetched.last_stable_offset >= want.offset
}

/// Of an answer that was full, the partition that had what was left, if that is little. It would be the same one round after round.
pub(super) fn cut_short(request: &Fetch, news: &FetchNews) -> Option<TopicPartition> {
    let all = || told_of(request, news);
    if !all().any(|(asked, fetched)| is_left_out(fetched, asked.offset)) {
        return None;
    }
    let had = || all().map(|(asked, fetched)| (fetched.records.len(), asked)).filter(|(bytes, _)| *bytes > 0);
    let (most, _) = had().max_by_key(|(bytes, _)| *bytes)?;
    let (least, asked) = had().min_by_key(|(bytes, _)| *bytes)?;
    (least < most / 2).then(|| asked.at.clone())
}

fn told_of<'a>(
    request: &'a Fetch,
    news: &'a FetchNews,
) -> impl Iterator<Item = (&'a FetchPartition, &'a Fetched)> {
    let all = request.partitions.iter().zip(&news.partitions);
    all.filter_map(|(asked, fetched)| Some((asked, fetched.as_ref()?)))
}

/// As the machine of a partition is told.
pub(super) fn told(fetched: Fetched, room: &mut Room) -> copy::Fetched {
    let aborted = fetched.aborted.iter();
    copy::Fetched {
        stable_end: fetched.last_stable_offset,
        diverging: fetched.diverging.map(|end| end.end_offset),
        aborted: aborted
            .map(|aborted| Aborted { producer_id: aborted.producer_id, first_offset: aborted.first_offset })
            .collect(),
        records: room.hold(fetched.records),
    }
}
