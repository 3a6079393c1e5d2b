//! Varints of Kafka: zigzag, seven bits a byte, the low ones first.

/// Appends a VARINT or VARLONG, which are the same for the same number.
pub(super) fn put(out: &mut Vec<u8>, value: i64) {
    let mut left = zigzag(value);
    while left > LOW_BITS {
        out.push(low(left) | MORE);
        left >>= BITS;
    }
    out.push(low(left));
}

/// How many bytes [`put`] appends.
pub(super) fn length(value: i64) -> usize {
    std::iter::successors(Some(zigzag(value)), |left| (*left > LOW_BITS).then_some(*left >> BITS)).count()
}

/// Small numbers of either sign become small ones without.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> (i64::BITS - 1))).cast_unsigned()
}

fn low(value: u64) -> u8 {
    let [low, ..] = (value & LOW_BITS).to_le_bytes();
    low
}

const BITS: u32 = 7;
const LOW_BITS: u64 = 0x7f;
const MORE: u8 = 0x80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidegate_wire::reader::Reader;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(value: i64, shift in 0..64_u32) {
            let value = value >> shift;
            let mut out = Vec::new();
            put(&mut out, value);
            prop_assert_eq!(out.len(), length(value));
            prop_assert_eq!(Reader::new(&out).varlong(), Ok(value));
            if let Ok(small) = i32::try_from(value) {
                prop_assert_eq!(Reader::new(&out).varint(), Ok(small));
            }
        }
    }
}
