//! Sections of tags (KIP-482) that keep their length.

use std::ops::Range;

use super::PassError;
use crate::fetch::ResponsePlan;
use crate::fetch::span::{TAG_CURRENT_LEADER, TAG_DIVERGING_EPOCH};
use crate::reader::Reader;

/// From here on no version has tags of its own; one byte each.
const UNUSED_TAGS: Range<u8> = 100..128;

/// Whether a partition's tag goes down as it is.
pub(super) fn is_shown(tag: u32, value: &[u8], plan: &impl ResponsePlan) -> bool {
    match tag {
        TAG_DIVERGING_EPOCH => value.len() == 13 && value.last() == Some(&0),
        TAG_CURRENT_LEADER => {
            let leader = value.first_chunk().map(|leader| i32::from_be_bytes(*leader));
            let is_whole = value.len() == 9 && value.last() == Some(&0);
            is_whole && leader.is_some_and(|leader| plan.endpoint(leader).is_some())
        }
        _ => false,
    }
}

/// Makes every tag of a section neutral that is not to be shown; gives the section's length, which is 0
/// where there are none.
pub(super) fn neutralise(
    bytes: &mut [u8],
    flexible: bool,
    mut is_shown: impl FnMut(u32, &[u8]) -> bool,
) -> Result<usize, PassError> {
    if !flexible {
        return Ok(0);
    }
    // Whole first: a section that is not there yet is looked at again.
    let mut reader = Reader::new(bytes);
    reader.skip_tags(true)?;
    let end = reader.position();
    let mut reader = Reader::new(bytes);
    let count = reader.unsigned_varint()?;
    let mut at = reader.position();
    let mut unused = UNUSED_TAGS;
    for _ in 0..count {
        let mut reader = Reader::at(bytes, at);
        let tag = reader.unsigned_varint()?;
        let width = reader.position() - at;
        let size = usize::try_from(reader.unsigned_varint()?).unwrap_or(usize::MAX);
        let value = reader.position()..reader.position().saturating_add(size);
        if !is_shown(tag, bytes.get(value.clone()).unwrap_or_default()) {
            bytes.get_mut(value.clone()).unwrap_or_default().fill(0);
            // A number of several bytes is one that no version has either.
            if width == 1 {
                put(bytes, at, &[unused.next().ok_or(PassError::Crowded(count))?]);
            }
        }
        at = value.end;
    }
    Ok(end)
}

/// Writes over what stands there.
pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}
