//! Reads a body that adds up, by the guard's tables, and shows every value with the name of its field.

use tidegate_wire::guard::schema::{ApiSchema, Element, Field, Kind};
use tidegate_wire::reader::{ReadError, Reader};

/// A value that may carry a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Id([u8; 16]),
    Bytes(&'a [u8]),
    Number(i64),
}

/// Shows the values of a body that the guard accepts.
pub(crate) fn visit<'a>(
    api: &ApiSchema,
    fields: &'static [Field],
    version: i16,
    body: &'a [u8],
    see: &mut dyn FnMut(&'static str, Value<'a>),
) -> Result<(), ReadError> {
    let mut visitor = Visitor { version, flexible: api.is_flexible(version), reader: Reader::new(body), see };
    visitor.structure(fields)
}

struct Visitor<'v, 'a> {
    version: i16,
    flexible: bool,
    reader: Reader<'a>,
    see: &'v mut dyn FnMut(&'static str, Value<'a>),
}

impl<'a> Visitor<'_, 'a> {
    fn structure(&mut self, fields: &'static [Field]) -> Result<(), ReadError> {
        let version = self.version;
        for field in fields.iter().filter(|field| field.is_plain(version)) {
            self.value(field)?;
        }
        if self.flexible {
            for _ in 0..self.reader.unsigned_varint()? {
                let number = self.reader.unsigned_varint()?;
                let size = self.reader.unsigned_varint()?;
                match fields.iter().find(|field| field.tag.is_some_and(|tag| tag.number == number)) {
                    Some(field) => self.value(field)?,
                    None => self.reader.skip(size as usize)?,
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, field: &'static Field) -> Result<(), ReadError> {
        let name = field.name;
        match field.kind {
            Kind::Bool | Kind::Int8 => self.number(name, |reader| reader.int8().map(i64::from)),
            Kind::Int16 => self.number(name, |reader| reader.int16().map(i64::from)),
            Kind::Int32 => self.number(name, |reader| reader.int32().map(i64::from)),
            Kind::Int64 => self.number(name, Reader::int64),
            Kind::Uuid => {
                (self.see)(name, Value::Id(self.reader.uuid()?));
                Ok(())
            }
            Kind::String => self.string(name),
            Kind::Bytes | Kind::Records => {
                if let Some(bytes) = self.reader.nullable_bytes(self.flexible)? {
                    (self.see)(name, Value::Bytes(bytes));
                }
                Ok(())
            }
            Kind::Struct(fields) => {
                let is_absent = field.nullable.contains(self.version) && self.reader.int8()? != 1;
                if is_absent { Ok(()) } else { self.structure(fields) }
            }
            Kind::Array(_, element) => {
                for _ in 0..self.reader.array_count(self.flexible)?.unwrap_or(0) {
                    match element {
                        Element::Int32 => self.number(name, |reader| reader.int32().map(i64::from))?,
                        Element::String => self.string(name)?,
                        Element::Struct(fields) => self.structure(fields)?,
                    }
                }
                Ok(())
            }
        }
    }

    fn number(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<i64, ReadError>,
    ) -> Result<(), ReadError> {
        (self.see)(name, Value::Number(read(&mut self.reader)?));
        Ok(())
    }

    fn string(&mut self, name: &'static str) -> Result<(), ReadError> {
        if let Some(text) = self.reader.nullable_string(self.flexible)? {
            (self.see)(name, Value::Text(text));
        }
        Ok(())
    }
}
