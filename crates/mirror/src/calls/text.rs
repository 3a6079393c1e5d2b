//! Text as the codec wants it.

use tidegate_wire::StrBytes;
use tidegate_wire::messages::TopicName;

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}
