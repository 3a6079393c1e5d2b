//! From a list to topics with partitions, as requests and answers have it, and back.

use std::collections::HashMap;

use tidegate_client::AskError;
use tidegate_wire::api::ApiKey;

use super::place::{LedPartition, Named, Topic, TopicPartition};

/// An entry of a request that is about a partition.
pub(super) trait About {
    fn at(&self) -> &TopicPartition;
}

impl About for TopicPartition {
    fn at(&self) -> &TopicPartition {
        self
    }
}

impl About for LedPartition {
    fn at(&self) -> &TopicPartition {
        &self.at
    }
}

/// The entries of a request, those of one topic together.
pub(super) fn by_topic<E: About>(entries: &[E]) -> Vec<(&Topic, Vec<&E>)> {
    let mut places: HashMap<&Topic, usize> = HashMap::new();
    let mut topics: Vec<(&Topic, Vec<&E>)> = Vec::new();
    for entry in entries {
        let topic = &entry.at().topic;
        let place = *places.entry(topic).or_insert(topics.len());
        match topics.get_mut(place) {
            Some((_, same)) => same.push(entry),
            None => topics.push((topic, vec![entry])),
        }
    }
    topics
}

/// Whether all topics can be referred to by id.
pub(super) fn have_ids<E: About>(entries: &[E]) -> bool {
    entries.iter().all(|entry| entry.at().topic.id().is_some())
}

/// Answers in the order of what was asked: each entry has to have one, and nothing else.
pub(super) fn in_order<E: About, A>(
    api: ApiKey,
    asked: &[E],
    by_id: bool,
    answers: impl Iterator<Item = (Named, i32, A)>,
) -> Result<Vec<A>, AskError> {
    let ordered: Option<Vec<A>> = some_in_order(api, asked, by_id, answers)?.into_iter().collect();
    ordered
        .ok_or(AskError::Malformed { api, what: "a partition that was asked for is missing in the answer" })
}

/// The same where not every entry has to have one.
pub(super) fn some_in_order<E: About, A>(
    api: ApiKey,
    asked: &[E],
    by_id: bool,
    answers: impl Iterator<Item = (Named, i32, A)>,
) -> Result<Vec<Option<A>>, AskError> {
    let malformed = |what| AskError::Malformed { api, what };
    let mut found = HashMap::new();
    for (topic, partition, answer) in answers {
        if found.insert((topic, partition), answer).is_some() {
            return Err(malformed("the answer holds a partition twice"));
        }
    }
    let answer = |entry: &E| {
        let at = entry.at();
        found.remove(&(at.topic.named(by_id), at.partition))
    };
    let ordered = asked.iter().map(answer).collect();
    if !found.is_empty() {
        return Err(malformed("the answer holds a partition that was not asked for"));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::testing::at;

    fn answer(at: &TopicPartition, answer: u8) -> (Named, i32, u8) {
        (at.topic.named(false), at.partition, answer)
    }

    #[test]
    fn entries_of_a_topic_come_together_and_answers_back_in_the_order_of_the_list() {
        let asked = [at("a", 0), at("b", 7), at("a", 1)];
        let topics = by_topic(&asked);
        let topics: Vec<(&str, Vec<i32>)> = topics
            .iter()
            .map(|(topic, same)| (topic.name(), same.iter().map(|at| at.partition).collect()))
            .collect();
        assert_eq!(topics, [("a", vec![0, 1]), ("b", vec![7])]);
        let answers = [(2, 30), (1, 20), (0, 10)].map(|(place, value)| answer(&asked[place], value));
        let ordered = in_order(ApiKey::Fetch, &asked, false, answers.into_iter()).unwrap();
        assert_eq!(ordered, [10, 20, 30]);
    }

    #[test]
    fn answers_that_do_not_fit_are_refused() {
        let asked = [at("a", 0), at("a", 1)];
        let refused = |answers: Vec<(Named, i32, u8)>| {
            in_order(ApiKey::Fetch, &asked, false, answers.into_iter()).unwrap_err().to_string()
        };
        let (first, second) = (|| answer(&asked[0], 0), || answer(&asked[1], 0));
        assert!(refused(vec![first()]).contains("missing"));
        assert!(refused(vec![first(), second(), first()]).contains("twice"));
        assert!(refused(vec![first(), second(), answer(&at("b", 0), 0)]).contains("not asked"));
    }
}
