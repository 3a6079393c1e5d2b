//! The names, ids and blobs that made-up messages are filled with.

use tidegate_authz::ZoneView;
use tidegate_wire::guard::schema::{Field, Kind};

use crate::choices::Choices;
use crate::world::{HIDDEN, HIDDEN_ID, ORDERS, ORDERS_ID, OWN_PRODUCER, PRICES, PRICES_ID, SHARE_PREFIX};

/// What a broker says in its own words: never to be seen by a partner.
pub(crate) const BROKER_WORD: &str = "b1.acme.internal";

/// The names of one side.
pub(crate) struct Words {
    topics: Vec<String>,
    groups: Vec<String>,
    others: Vec<&'static str>,
    ids: Vec<[u8; 16]>,
}

impl Words {
    /// What a partner of the zone may write. An evil one guesses names of the cluster.
    pub(crate) fn of_client(zone: &ZoneView, evil: bool) -> Self {
        let mut topics: Vec<_> =
            zone.topics().iter().map(|granted| granted.alias.as_str().to_owned()).collect();
        topics.extend(["", "nope", HIDDEN].map(str::to_owned));
        let shown = zone.topics().iter().filter_map(|granted| granted.topic.as_ref());
        let mut ids: Vec<_> = shown.map(|topic| topic.virtual_id).collect();
        ids.extend([[0; 16], [1; 16]]);
        let mut groups: Vec<_> = ["g", SHARE_PREFIX, "", "h", HIDDEN].map(str::to_owned).into();
        if evil {
            topics.extend([ORDERS.to_owned(), zone.prefix().absent_topic("nope")]);
            ids.extend([ORDERS_ID, HIDDEN_ID]);
            groups.extend([format!("{}.g", zone.prefix().tag()), "x".repeat(300)]);
        }
        Self { topics, groups, others: vec!["range", "consumer", "member-1", "", "7"], ids }
    }

    /// What its brokers may answer.
    pub(crate) fn of_broker(zone: &ZoneView) -> Self {
        let own =
            |group: &str| zone.prefix().group(group).unwrap_or_else(|_| format!("{SHARE_PREFIX}.{group}"));
        let transaction = zone.prefix().transactional_id("g").unwrap_or_default();
        Self {
            topics: vec![
                ORDERS.to_owned(),
                PRICES.to_owned(),
                zone.prefix().absent_topic("nope"),
                HIDDEN.to_owned(),
            ],
            groups: vec![own("g"), own("h"), HIDDEN.to_owned(), transaction],
            others: vec![BROKER_WORD, "consumer"],
            ids: vec![ORDERS_ID, PRICES_ID, HIDDEN_ID],
        }
    }

    pub(crate) fn id(&self, choices: &mut Choices<'_>) -> [u8; 16] {
        choices.one_of(&self.ids)
    }

    pub(crate) fn string(&self, field: &str, choices: &mut Choices<'_>) -> &str {
        let choice = usize::from(choices.byte());
        match field {
            // Also a protocol of a group and a setting of a topic.
            "Name" | "Topic" | "TopicName" | "ResourceName" | "SubscribedTopicNames" => {
                &self.topics[choice % self.topics.len()]
            }
            "GroupId" | "Groups" | "GroupIds" | "GroupsNames" | "Key" | "CoordinatorKeys"
            | "TransactionalId" => &self.groups[choice % self.groups.len()],
            _ => self.others[choice % self.others.len()],
        }
    }

    pub(crate) fn bytes(&self, field: &Field, choices: &mut Choices<'_>) -> Vec<u8> {
        match (field.kind, choices.byte() % 4) {
            (_, 3) => {
                let length = usize::from(choices.byte());
                choices.bytes(length).to_vec()
            }
            (Kind::Records, _) => batch(choices),
            (_, choice) => self.blob(field.name == "Assignment" || choice == 2, choices),
        }
    }

    /// A ConsumerProtocolSubscription, or the assignment that goes with it.
    fn blob(&self, is_assignment: bool, choices: &mut Choices<'_>) -> Vec<u8> {
        let mut blob = vec![0, choices.byte() % 5];
        let count = choices.byte() % 4;
        blob.extend([0, 0, 0, count]);
        for _ in 0..count {
            let topic = self.string("Topic", choices);
            blob.extend(u16::try_from(topic.len()).unwrap_or(0).to_be_bytes());
            blob.extend(topic.as_bytes());
            if is_assignment {
                blob.extend([0, 0, 0, 1, 0, 0, 0, choices.byte() % 4]);
            }
        }
        blob.extend([0xff; 4]);
        let tail = usize::from(choices.byte() % 32);
        blob.extend(choices.bytes(tail));
        blob
    }
}

/// A record batch of nine bytes behind its header.
pub(crate) fn batch(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut batch = vec![0; 61 + 9];
    batch[11] = 61 + 9 - 12;
    batch[16] = 2;
    batch[22] = choices.one_of(&[0, 0, 4, 1, 0x10, 0x20, 5]);
    let producer = choices.one_of(&[-1, -1, OWN_PRODUCER, 2]);
    batch[43..51].copy_from_slice(&producer.to_be_bytes());
    batch[60] = choices.one_of(&[1, 1, 1, 0]);
    batch
}
