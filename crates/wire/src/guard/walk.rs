//! The walker: reads a body field by field as its schema says and keeps nothing but a position.
//!
//! Its depth is the schema's, its memory a few words. It reads exactly what the codec crate reads, in
//! stricter terms: what it accepts, the crate decodes to the last byte.

use super::error::{Fault, Misfit};
use super::limits::Limits;
use super::schema::{Counted, Element, Field, Kind};
use super::sink::Sink;
use crate::reader::Reader;

/// The longest legal string in every form; the compact form could say more, but brokers refuse it.
const MAX_STRING: usize = 32_767;

/// One walk over one body.
pub(super) struct Walker<'a, S> {
    input: &'a [u8],
    reader: Reader<'a>,
    version: i16,
    flexible: bool,
    /// What the caps leave.
    left: Limits,
    /// The last field begun.
    pub(super) field: &'static str,
    /// Whether a tag was met that the schema does not know.
    pub(super) unknown_tags: bool,
    /// What was kept.
    pub(super) sink: S,
}

impl<'a, S: Sink> Walker<'a, S> {
    pub(super) fn new(input: &'a [u8], version: i16, flexible: bool, limits: Limits, sink: S) -> Self {
        let reader = Reader::new(input);
        Self { input, reader, version, flexible, left: limits, field: "", unknown_tags: false, sink }
    }

    /// Walks a whole body; nothing may follow it.
    pub(super) fn body(&mut self, fields: &'static [Field]) -> Result<(), Misfit> {
        self.structure(fields)?;
        match self.reader.remaining() {
            0 => Ok(()),
            left => Err(self.misfit(self.reader.position(), Fault::TrailingBytes(left))),
        }
    }

    fn structure(&mut self, fields: &'static [Field]) -> Result<(), Misfit> {
        for field in fields {
            if field.is_plain(self.version) {
                self.value(field)?;
            }
        }
        if self.flexible { self.tags(fields) } else { Ok(()) }
    }

    fn value(&mut self, field: &'static Field) -> Result<(), Misfit> {
        self.field = field.name;
        if let Some(size) = field.kind.fixed_size() {
            return self.fixed(size);
        }
        let nullable = field.nullable.contains(self.version);
        match field.kind {
            Kind::String => self.string(nullable),
            Kind::Bytes | Kind::Records => self.bytes(nullable),
            Kind::Struct(fields) if nullable => self.nullable_structure(fields),
            Kind::Struct(fields) => self.structure(fields),
            Kind::Array(counted, element) => self.array(counted, element, nullable),
            Kind::Bool | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::Uuid => Ok(()),
        }
    }

    #[inline]
    fn fixed(&mut self, size: usize) -> Result<(), Misfit> {
        let bytes = self.reader.bytes(size)?;
        self.sink.put(bytes);
        Ok(())
    }

    fn string(&mut self, nullable: bool) -> Result<(), Misfit> {
        let at = self.reader.position();
        match self.reader.nullable_string(self.flexible)? {
            Some(string) if string.len() > MAX_STRING => {
                return Err(self.misfit(at, Fault::StringTooLong(string.len())));
            }
            None if !nullable => return Err(self.misfit(at, Fault::Null)),
            Some(_) | None => {}
        }
        self.keep_from(at);
        Ok(())
    }

    fn bytes(&mut self, nullable: bool) -> Result<(), Misfit> {
        let at = self.reader.position();
        if self.reader.nullable_bytes(self.flexible)?.is_none() && !nullable {
            return Err(self.misfit(at, Fault::Null));
        }
        self.keep_from(at);
        Ok(())
    }

    fn nullable_structure(&mut self, fields: &'static [Field]) -> Result<(), Misfit> {
        let at = self.reader.position();
        let presence = self.reader.int8()?;
        self.keep_from(at);
        match presence {
            1 => self.structure(fields),
            -1 => Ok(()),
            other => Err(self.misfit(at, Fault::Presence(other))),
        }
    }

    fn array(&mut self, counted: Counted, element: Element, nullable: bool) -> Result<(), Misfit> {
        let at = self.reader.position();
        let count = self.reader.array_count(self.flexible)?;
        self.keep_from(at);
        let Some(count) = count else {
            return if nullable { Ok(()) } else { Err(self.misfit(at, Fault::Null)) };
        };
        if count > self.reader.remaining() / self.minimum_element(element) {
            return Err(self.misfit(at, Fault::CountBeyondInput(count)));
        }
        if self.left.draw(counted, count).is_none() {
            return Err(self.misfit(at, Fault::TooMany { counted, count }));
        }
        match element {
            // The check above bounds the product by the input's length.
            Element::Int32 => self.fixed(count * 4),
            Element::String => (0..count).try_for_each(|_| self.string(false)),
            Element::Struct(fields) => (0..count).try_for_each(|_| self.structure(fields)),
        }
    }

    /// Walks a tag section: known tags by their declared size, unknown ones left behind.
    fn tags(&mut self, fields: &'static [Field]) -> Result<(), Misfit> {
        let at = self.reader.position();
        let count = self.reader.unsigned_varint()?;
        if usize::try_from(count).map_or(true, |count| count > self.left.tags) {
            return Err(self.misfit(at, Fault::TooManyTags(count)));
        }
        let section = self.sink.mark();
        let mut kept = 0;
        let mut above = None;
        for _ in 0..count {
            let at = self.reader.position();
            let number = self.reader.unsigned_varint()?;
            if above.is_some_and(|above| number <= above) {
                return Err(self.misfit(at, Fault::TagOrder(number)));
            }
            above = Some(number);
            kept += usize::from(self.tag(fields, number, at)?);
        }
        self.sink.insert_varint(section, kept);
        Ok(())
    }

    /// Walks one tag after its number; says whether it was kept.
    fn tag(&mut self, fields: &'static [Field], number: u32, at: usize) -> Result<bool, Misfit> {
        let size = self.reader.unsigned_varint()?;
        let start = self.reader.position();
        self.reader.skip(usize::try_from(size).unwrap_or(usize::MAX))?;
        let known = fields.iter().find(|field| field.tag.is_some_and(|tag| tag.number == number));
        let Some(field) = known else {
            self.unknown_tags = true;
            return Ok(false);
        };
        if !field.is_tagged(self.version) {
            return Err(self.misfit(at, Fault::TagVersion(number)));
        }
        self.tag_value(field, number, start)?;
        Ok(true)
    }

    /// Walks a known tag's value inside its declared bytes, which end where the reader stands.
    fn tag_value(&mut self, field: &'static Field, number: u32, start: usize) -> Result<(), Misfit> {
        let after = self.reader;
        self.reader = Reader::at(self.input.get(..after.position()).unwrap_or_default(), start);
        let tag = self.sink.mark();
        self.value(field)?;
        let unused = self.reader.remaining();
        if unused > 0 {
            return Err(self.misfit(self.reader.position(), Fault::TagSize { number, unused }));
        }
        self.reader = after;
        // The size goes in first: the number then lands before it.
        self.sink.insert_varint(tag, self.sink.mark() - tag);
        self.sink.insert_varint(tag, usize::try_from(number).unwrap_or_default());
        Ok(())
    }

    /// The least number of bytes that one element takes at this version; never zero.
    fn minimum_element(&self, element: Element) -> usize {
        match element {
            Element::Int32 => 4,
            Element::String => self.minimum(2),
            Element::Struct(fields) => self.minimum_structure(fields).max(1),
        }
    }

    fn minimum_structure(&self, fields: &'static [Field]) -> usize {
        let plain = fields.iter().filter(|field| field.is_plain(self.version));
        plain.map(|field| self.minimum_value(field)).sum::<usize>() + usize::from(self.flexible)
    }

    fn minimum_value(&self, field: &'static Field) -> usize {
        match field.kind {
            Kind::Bool | Kind::Int8 => 1,
            Kind::Int16 => 2,
            Kind::Int32 => 4,
            Kind::Int64 => 8,
            Kind::Uuid => 16,
            Kind::String => self.minimum(2),
            Kind::Bytes | Kind::Records | Kind::Array(..) => self.minimum(4),
            Kind::Struct(_) if field.nullable.contains(self.version) => 1,
            Kind::Struct(fields) => self.minimum_structure(fields),
        }
    }

    /// The size of a length of zero, whose classic form has `classic` bytes.
    fn minimum(&self, classic: usize) -> usize {
        if self.flexible { 1 } else { classic }
    }

    #[inline]
    fn keep_from(&mut self, start: usize) {
        let kept = self.reader.slice(start..self.reader.position());
        self.sink.put(kept);
    }

    fn misfit(&self, at: usize, fault: Fault) -> Misfit {
        Misfit { at, fault }
    }
}
