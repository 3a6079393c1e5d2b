//! Error codes that brokers answer here and Tidegate itself does not look at.

use tidegate_wire::error_code::ErrorCode;

/// A name of a configuration that is not simulated, or a value that cannot be.
pub const INVALID_CONFIG: ErrorCode = ErrorCode(40);
/// A number of partitions that cannot be.
pub const INVALID_PARTITIONS: ErrorCode = ErrorCode(37);
/// Records of compacted topics are not deleted on request.
pub const POLICY_VIOLATION: ErrorCode = ErrorCode(44);
