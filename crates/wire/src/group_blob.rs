//! The opaque bytes of the classic group protocol: ConsumerProtocolSubscription and
//! ConsumerProtocolAssignment, versions 0 to 3, never flexible.
//!
//! A broker reads them although the protocol calls them opaque, so the topic names inside cross the two
//! name spaces like any other name. What a broker can read must be readable here too: a blob passed on
//! unread could subscribe to a topic that the zone does not show. Therefore the parser is as lenient as
//! Kafka's own: bytes behind the last field are kept (a version above 3 is read as 3, a negative one as 0), a
//! name that is not UTF-8 is read with replacement characters, any negative length is null where null is legal.
//! A broker reads the topics of a subscription as version 0 has them, whatever version it claims: so a tail that
//! does not fit the version does not save the topics from the rewrite. Only the caps are stricter; see [`BlobError::TooMany`].

mod blob;

use bytes::Bytes;
use thiserror::Error;

use crate::guard::schema::Counted;
use crate::reader::ReadError;
use blob::{Blob, Names, Partitions, Writer};

/// What becomes of a topic name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renamed {
    /// It is written as this name.
    To(String),
    /// Its entry is left out.
    Drop,
}

/// Why a blob cannot be rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The bytes are no such blob; Kafka cannot read them either.
    #[error("malformed group blob: {0}")]
    Malformed(#[from] ReadError),
    /// More elements than the rest of the blob can hold; Kafka cannot read it either.
    #[error("group blob says {count} {counted}, more than its bytes can hold")]
    CountBeyondInput {
        /// What is counted.
        counted: Counted,
        /// The count.
        count: usize,
    },
    /// More elements than [`Limits::REQUEST`](crate::guard::Limits::REQUEST) allows. Kafka can read such
    /// a blob, so it must be refused, never passed on unread.
    #[error("group blob says {count} {counted}, more than is allowed")]
    TooMany {
        /// What is counted.
        counted: Counted,
        /// The count.
        count: usize,
    },
    /// A new name is longer than a string can be.
    #[error("a renamed topic has {0} bytes, at most 32767 fit into a group blob")]
    NameTooLong(usize),
}

/// Renames the topics and the owned partitions of a ConsumerProtocolSubscription and sets its rack to
/// null. Names that become the same are one entry afterwards, with the partitions of both. User data and
/// unknown trailing bytes stay as they are, and so does an empty blob.
///
/// # Errors
/// Any [`BlobError`].
pub fn rewrite_subscription(
    blob: &Bytes,
    mut rename: impl FnMut(&str) -> Renamed,
) -> Result<Bytes, BlobError> {
    if blob.is_empty() {
        return Ok(blob.clone());
    }
    let mut input = Blob::new(blob)?;
    let mut output = Writer::new(input.version, blob.len());
    let mut topics = Names::default();
    input.topics(|name| topics.add(rename(name)))?;
    output.names(&topics)?;
    output.raw(input.user_data()?);
    let behind = input.clone().rest();
    match subscription_tail(&mut input, rename) {
        Ok(tail) => output.raw(&tail),
        // A broker reads this far whatever the version says, and no further: the rest is nobody's.
        Err(BlobError::Malformed(_) | BlobError::CountBeyondInput { .. }) => output.raw(behind),
        Err(error) => return Err(error),
    }
    Ok(output.finish())
}

/// What versions from 1 on have behind the fields of version 0.
fn subscription_tail(
    input: &mut Blob<'_>,
    mut rename: impl FnMut(&str) -> Renamed,
) -> Result<Bytes, BlobError> {
    let mut output = Writer::tail();
    if input.version >= 1 {
        let mut owned = Partitions::default();
        input.partitions(|name, partitions| owned.add(rename(name), partitions))?;
        output.partitions(owned)?;
    }
    if input.version >= 2 {
        output.raw(input.generation()?);
    }
    if input.version >= 3 {
        input.rack()?;
        output.null_string();
    }
    output.raw(input.rest());
    Ok(output.finish())
}

/// Renames the topics of a ConsumerProtocolAssignment, as [`rewrite_subscription`] does.
///
/// # Errors
/// Any [`BlobError`].
pub fn rewrite_assignment(blob: &Bytes, mut rename: impl FnMut(&str) -> Renamed) -> Result<Bytes, BlobError> {
    if blob.is_empty() {
        return Ok(blob.clone());
    }
    let mut input = Blob::new(blob)?;
    let mut output = Writer::new(input.version, blob.len());
    let mut assigned = Partitions::default();
    input.partitions(|name, partitions| assigned.add(rename(name), partitions))?;
    output.partitions(assigned)?;
    output.raw(input.user_data()?);
    output.raw(input.rest());
    Ok(output.finish())
}

/// The topics that a ConsumerProtocolSubscription subscribes to, in its order; none in an empty blob.
///
/// # Errors
/// Any [`BlobError`].
pub fn subscription_topics(blob: &[u8]) -> Result<Vec<String>, BlobError> {
    let mut topics = Vec::new();
    if !blob.is_empty() {
        Blob::new(blob)?.topics(|name| topics.push(name.to_owned()))?;
    }
    Ok(topics)
}

#[cfg(test)]
mod tests;
