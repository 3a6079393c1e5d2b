//! Heartbeats that are answered here.

use kafka_protocol::messages::ConsumerGroupHeartbeatResponse;
use kafka_protocol::protocol::StrBytes;
use tidegate_wire::error_code::ErrorCode;

/// An error with a text of the gateway's own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal(pub(super) ErrorCode, &'static str);

impl Refusal {
    pub(super) const BAD_GROUP: Self =
        Self(ErrorCode::INVALID_GROUP_ID, "the group id is empty or longer than 255 bytes");
    pub(super) const FOREIGN_GROUP: Self = Self(
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
        "the groups of a share begin with the prefix that was given out with it",
    );
    pub(super) const BAD_MEMBER: Self =
        Self(ErrorCode::INVALID_REQUEST, "the member id is empty or longer than 255 bytes");
    pub(super) const FOREIGN: Self =
        Self(ErrorCode::TOPIC_AUTHORIZATION_FAILED, "the subscription names a topic outside this zone");
    pub(super) const BAD_PATTERN: Self = Self(
        ErrorCode::INVALID_REGULAR_EXPRESSION,
        "the pattern is not valid, longer than 1024 bytes or repeats too much",
    );
    pub(super) const CONFLICT: Self = Self(
        ErrorCode::INVALID_REQUEST,
        "the group already uses another alias of the same topic; subscribe to one of them, or use another group",
    );
    pub(super) const NO_ROOM: Self = Self(
        ErrorCode::GROUP_MAX_SIZE_REACHED,
        "the groups of this zone have as many members or subscribed topics as it may have",
    );
    pub(super) const TOO_MANY_GROUPS: Self =
        Self(ErrorCode::GROUP_MAX_SIZE_REACHED, "this zone uses as many groups as it may use within an hour");
    /// The member drops its partitions and joins again with everything that it has to say.
    pub(super) const FENCED: Self = Self(
        ErrorCode::FENCED_MEMBER_EPOCH,
        "the member must join again: its subscription is not known or has changed",
    );

    /// The answer, with no more in it than a broker's has.
    pub(super) fn response(self) -> ConsumerGroupHeartbeatResponse {
        ConsumerGroupHeartbeatResponse::default()
            .with_error_code(self.0.0)
            .with_error_message(Some(StrBytes::from_static_str(self.1)))
    }
}
