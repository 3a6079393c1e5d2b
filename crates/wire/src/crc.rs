//! CRC-32C of pieces, so that a part that changed costs nothing but itself.
//!
//! The polynomials are reflected, as everywhere with CRC-32C: bit 31 is the coefficient of x^0.

/// The polynomial of CRC-32C (Castagnoli), reflected.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// x^(2^n) for each n: enough to pass over any length that fits into memory.
const POWERS: [u32; 64] = powers();

/// The checksum of some bytes.
#[must_use]
pub fn crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// The checksum of two pieces one after the other, of their checksums and the length of the second.
///
/// It takes some hundred steps, whatever the length: the combining of the checksum crates squares matrices, and takes as
/// long as ten kilobytes of checksum.
#[must_use]
pub fn joined(first: u32, second: u32, second_length: usize) -> u32 {
    Shift::over(second_length).joined(first, second)
}

/// What a second piece of some length does to the checksum of the first: most of the work of joining them, and the same for each first
/// piece that is put in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift(u32);

impl Shift {
    /// Of a second piece of so many bytes.
    #[must_use]
    pub fn over(bytes: usize) -> Self {
        Self(power_of_bytes(bytes))
    }

    /// The checksum of both.
    #[must_use]
    pub fn joined(self, first: u32, second: u32) -> u32 {
        times(self.0, first) ^ second
    }
}

/// x^(8 * bytes).
fn power_of_bytes(bytes: usize) -> u32 {
    // x^0; and a byte is x^(2^3).
    let (mut product, mut left) = (1 << 31, bytes);
    for power in POWERS.iter().skip(3) {
        if left == 0 {
            break;
        }
        if left & 1 == 1 {
            product = times(*power, product);
        }
        left >>= 1;
    }
    product
}

/// The product of two polynomials modulo that of CRC-32C.
const fn times(first: u32, second: u32) -> u32 {
    let (mut product, mut shifted, mut bit) = (0, second, 1_u32 << 31);
    while bit != 0 {
        if first & bit != 0 {
            product ^= shifted;
        }
        let carried = shifted & 1;
        shifted >>= 1;
        if carried == 1 {
            shifted ^= POLYNOMIAL;
        }
        bit >>= 1;
    }
    product
}

#[allow(
    clippy::indexing_slicing,
    reason = "iterators are not for constants, and the index is below the length"
)]
const fn powers() -> [u32; 64] {
    // x^1.
    let (mut all, mut power, mut n) = ([0; 64], 1 << 30, 0);
    while n < all.len() {
        all[n] = power;
        power = times(power, power);
        n += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_the_checksum_that_kafka_uses() {
        // The check value of the catalogue of CRCs.
        assert_eq!(crc(b"123456789"), 0xe306_9283);
        assert_eq!(joined(crc(b"1234"), crc(b"56789"), 5), 0xe306_9283);
        assert_eq!(joined(crc(b"123456789"), crc(b""), 0), 0xe306_9283);
        assert_eq!(joined(crc(b""), crc(b"123456789"), 9), 0xe306_9283);
    }

    proptest! {
        #[test]
        fn pieces_make_the_whole(
            bytes in proptest::collection::vec(any::<u8>(), 0..3_000), cut in any::<prop::sample::Index>(),
        ) {
            let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
            prop_assert_eq!(joined(crc(first), crc(second), second.len()), crc(&bytes));
        }
    }
}
