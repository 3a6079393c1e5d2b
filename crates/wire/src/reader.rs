//! A bounds-checked cursor over untrusted bytes.
//!
//! Every read either yields a value that lies wholly inside the input or a [`ReadError`]; no read
//! allocates. Types are those of the Kafka protocol guide ("Protocol Primitive Types").

use std::ops::Range;

use thiserror::Error;

/// Why a read failed; `at` is the offset, in bytes from the start of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The input ends inside the value.
    #[error("input ends at byte {at}, {wanted} bytes short of a whole value")]
    Truncated {
        /// Where the value begins.
        at: usize,
        /// How many bytes are missing.
        wanted: usize,
    },
    /// A length is negative where the schema knows no null, or below -1.
    #[error("illegal length {length} at byte {at}")]
    IllegalLength {
        /// Where the length begins.
        at: usize,
        /// The length as read.
        length: i64,
    },
    /// A varint does not end within five (32 bits) or ten (64 bits) bytes, or overflows.
    #[error("varint at byte {at} is too long")]
    VarintTooLong {
        /// Where the varint begins.
        at: usize,
    },
    /// A string is not UTF-8.
    #[error("string at byte {at} is not UTF-8")]
    NotUtf8 {
        /// Where the string's bytes begin.
        at: usize,
    },
}

/// Most bytes of a VARLONG.
const VARLONG_BYTES: u32 = 10;

/// The cursor.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of `input`.
    #[must_use]
    pub fn new(input: &'a [u8]) -> Self {
        Self { input, at: 0 }
    }

    /// Starts at byte `at`; beyond the end it behaves as at the end.
    #[must_use]
    pub fn at(input: &'a [u8], at: usize) -> Self {
        Self { input, at: at.min(input.len()) }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.input.len() - self.at
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// The bytes between two positions of this reader; empty when the range is not inside the input.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> &'a [u8] {
        self.input.get(range).unwrap_or_default()
    }

    /// Takes the next `length` bytes.
    ///
    /// # Errors
    /// [`ReadError::Truncated`] when fewer are left.
    #[inline]
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], ReadError> {
        let Some(taken) = self.rest().get(..length) else { return Err(self.truncated(length)) };
        self.at += length;
        Ok(taken)
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// Kept out of the way of reads that succeed, which are all but the last of a connection.
    #[cold]
    fn truncated(&self, length: usize) -> ReadError {
        ReadError::Truncated { at: self.at, wanted: length - self.remaining() }
    }

    /// Passes over the next `length` bytes.
    ///
    /// # Errors
    /// [`ReadError::Truncated`] when fewer are left.
    #[inline]
    pub fn skip(&mut self, length: usize) -> Result<(), ReadError> {
        self.bytes(length).map(|_| ())
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let Some(value) = self.rest().first_chunk::<N>() else { return Err(self.truncated(N)) };
        self.at += N;
        Ok(*value)
    }

    /// INT8.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    #[inline]
    pub fn int8(&mut self) -> Result<i8, ReadError> {
        self.array().map(i8::from_be_bytes)
    }

    /// INT16.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    #[inline]
    pub fn int16(&mut self) -> Result<i16, ReadError> {
        self.array().map(i16::from_be_bytes)
    }

    /// INT32.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    #[inline]
    pub fn int32(&mut self) -> Result<i32, ReadError> {
        self.array().map(i32::from_be_bytes)
    }

    /// INT64.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    #[inline]
    pub fn int64(&mut self) -> Result<i64, ReadError> {
        self.array().map(i64::from_be_bytes)
    }

    /// UUID, 16 bytes.
    ///
    /// # Errors
    /// [`ReadError::Truncated`].
    #[inline]
    pub fn uuid(&mut self) -> Result<[u8; 16], ReadError> {
        self.array()
    }

    /// UNSIGNED_VARINT of at most 32 bits in at most five bytes.
    ///
    /// # Errors
    /// [`ReadError::Truncated`], [`ReadError::VarintTooLong`].
    #[inline]
    pub fn unsigned_varint(&mut self) -> Result<u32, ReadError> {
        match self.rest().first() {
            // Most counts, lengths and tags are of one byte.
            Some(byte @ 0..0x80) => {
                self.at += 1;
                Ok(u32::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    /// VARINT: zigzag, at most 32 bits.
    ///
    /// # Errors
    /// [`ReadError::Truncated`], [`ReadError::VarintTooLong`].
    #[inline]
    pub fn varint(&mut self) -> Result<i32, ReadError> {
        let value = self.unsigned_varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// VARLONG: zigzag, at most 64 bits.
    ///
    /// # Errors
    /// [`ReadError::Truncated`], [`ReadError::VarintTooLong`].
    pub fn varlong(&mut self) -> Result<i64, ReadError> {
        let begin = self.at;
        let mut value = 0_u64;
        for place in 0..VARLONG_BYTES {
            let byte = self.int8()?.cast_unsigned();
            // The tenth byte has room for one bit.
            if place == VARLONG_BYTES - 1 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(ReadError::VarintTooLong { at: begin })
    }

    fn long_varint(&mut self) -> Result<u32, ReadError> {
        let at = self.at;
        let mut value: u64 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.array::<1>().map(u8::from_be_bytes)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| ReadError::VarintTooLong { at });
            }
        }
        Err(ReadError::VarintTooLong { at })
    }

    /// A length in the classic form of `N` bytes or in the compact form; `None` is null.
    #[inline]
    fn length(&mut self, form: LengthForm) -> Result<Option<usize>, ReadError> {
        let at = self.at;
        let length = match form {
            LengthForm::Int16 => i64::from(self.int16()?),
            LengthForm::Int32 => i64::from(self.int32()?),
            LengthForm::Compact => i64::from(self.unsigned_varint()?) - 1,
        };
        match length {
            -1 => Ok(None),
            length => match usize::try_from(length) {
                Ok(length) => Ok(Some(length)),
                Err(_) => Err(ReadError::IllegalLength { at, length }),
            },
        }
    }

    /// NULLABLE_STRING, or COMPACT_NULLABLE_STRING when `flexible`; checked to be UTF-8.
    ///
    /// # Errors
    /// Any [`ReadError`].
    #[inline]
    pub fn nullable_string(&mut self, flexible: bool) -> Result<Option<&'a str>, ReadError> {
        let form = if flexible { LengthForm::Compact } else { LengthForm::Int16 };
        let Some(length) = self.length(form)? else { return Ok(None) };
        let at = self.at;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map(Some).map_err(|_| ReadError::NotUtf8 { at })
    }

    /// STRING, or COMPACT_STRING when `flexible`.
    ///
    /// # Errors
    /// Any [`ReadError`]; null is [`ReadError::IllegalLength`].
    #[inline]
    pub fn string(&mut self, flexible: bool) -> Result<&'a str, ReadError> {
        let at = self.at;
        self.nullable_string(flexible)?.ok_or(ReadError::IllegalLength { at, length: -1 })
    }

    /// NULLABLE_BYTES or RECORDS, in the compact form when `flexible`.
    ///
    /// # Errors
    /// Any [`ReadError`].
    #[inline]
    pub fn nullable_bytes(&mut self, flexible: bool) -> Result<Option<&'a [u8]>, ReadError> {
        let form = if flexible { LengthForm::Compact } else { LengthForm::Int32 };
        match self.length(form)? {
            Some(length) => self.bytes(length).map(Some),
            None => Ok(None),
        }
    }

    /// The element count of an ARRAY, or of a COMPACT_ARRAY when `flexible`; `None` is null.
    ///
    /// The count is what the peer says; it must never size an allocation by itself.
    ///
    /// # Errors
    /// Any [`ReadError`].
    #[inline]
    pub fn array_count(&mut self, flexible: bool) -> Result<Option<usize>, ReadError> {
        self.length(if flexible { LengthForm::Compact } else { LengthForm::Int32 })
    }

    /// Passes over a whole tag section (KIP-482); a no-op unless `flexible`.
    ///
    /// # Errors
    /// Any [`ReadError`].
    #[inline]
    pub fn skip_tags(&mut self, flexible: bool) -> Result<(), ReadError> {
        if !flexible {
            return Ok(());
        }
        for _ in 0..self.unsigned_varint()? {
            self.unsigned_varint()?;
            let size = self.unsigned_varint()?;
            self.skip(usize::try_from(size).unwrap_or(usize::MAX))?;
        }
        Ok(())
    }
}

enum LengthForm {
    Int16,
    Int32,
    Compact,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_of_six_bytes_or_beyond_32_bits_is_refused() {
        for input in [&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00][..], &[0xff, 0xff, 0xff, 0xff, 0x1f][..]] {
            assert_eq!(Reader::new(input).unsigned_varint(), Err(ReadError::VarintTooLong { at: 0 }));
        }
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).unsigned_varint(), Ok(u32::MAX));
    }

    #[test]
    fn a_length_beyond_the_input_reads_nothing() {
        let mut reader = Reader::new(&[0x7f, 0xff, 0xff, 0xff, 1]);
        assert!(matches!(reader.nullable_bytes(false), Err(ReadError::Truncated { at: 4, .. })));
    }

    #[test]
    fn lengths_below_minus_one_are_refused_and_minus_one_is_null() {
        assert_eq!(Reader::new(&[0xff, 0xff]).nullable_string(false), Ok(None));
        assert_eq!(
            Reader::new(&[0xff, 0xfe]).nullable_string(false),
            Err(ReadError::IllegalLength { at: 0, length: -2 })
        );
        assert_eq!(Reader::new(&[0]).nullable_string(true), Ok(None));
    }

    #[test]
    fn a_tag_section_is_passed_over_by_its_declared_sizes() {
        let mut reader = Reader::new(&[2, 0, 1, 9, 7, 0, 42]);
        assert_eq!(reader.skip_tags(true), Ok(()));
        assert_eq!(reader.int8(), Ok(42));
    }
}
