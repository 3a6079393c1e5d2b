//! Error texts of answers. What a broker writes may name hidden things, so its words never go on.

use kafka_protocol::protocol::StrBytes;
use tidegate_wire::error_code::ErrorCode;

/// GROUP_ID_NOT_FOUND.
pub(super) const GROUP_ID_NOT_FOUND: ErrorCode = ErrorCode(69);

/// The text that goes with an error; `None` for none, and where clients have a better one of their own.
pub(super) fn error_text(error: ErrorCode) -> Option<StrBytes> {
    let text = match error {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => "the topic does not exist",
        ErrorCode::INVALID_GROUP_ID => "the group id is empty or too long",
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => "topic authorization failed",
        ErrorCode::GROUP_AUTHORIZATION_FAILED => "group authorization failed",
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED => "cluster authorization failed",
        ErrorCode::INVALID_REQUEST => "the request is not valid",
        GROUP_ID_NOT_FOUND => "the group does not exist",
        _ => return None,
    };
    Some(StrBytes::from_static_str(text))
}
