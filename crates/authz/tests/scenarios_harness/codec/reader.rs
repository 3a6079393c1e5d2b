//! Bytes to values.

use serde_json::{Map, Value, json};

use super::{decode_blob, hex};
use crate::scenarios_harness::schema::{Field, Kind};
use crate::scenarios_harness::shape::default_of;

pub(super) struct Reader<'a> {
    version: i16,
    flexible: bool,
    rest: &'a [u8],
}

impl Reader<'_> {
    pub(super) fn fields(&mut self, fields: &[Field]) -> Result<Value, String> {
        let mut object = Map::new();
        let version = self.version;
        for field in fields.iter().filter(|field| field.is_in(version)) {
            let value = match field.tag(self.version) {
                Some(_) => default_of(field, self.version),
                None => self.field(field).map_err(|error| format!("{}: {error}", field.name))?,
            };
            object.insert(field.name.clone(), value);
        }
        if self.flexible {
            for _ in 0..self.varint()? {
                let (tag, size) = (self.varint()?, self.varint()?);
                let field = fields.iter().find(|field| field.tag(self.version) == Some(tag));
                let field = field.ok_or_else(|| format!("unknown tag {tag}"))?;
                let bytes = self.take(usize::try_from(size).unwrap_or(usize::MAX))?;
                let mut inner = Reader::new(version, true, bytes);
                object.insert(field.name.clone(), inner.field(field)?);
                if !inner.rest.is_empty() {
                    return Err(format!("tag {tag} is longer than its field"));
                }
            }
        }
        Ok(Value::Object(object))
    }

    fn field(&mut self, field: &Field) -> Result<Value, String> {
        if let (Kind::Struct(_), true) = (&field.kind, field.is_nullable(self.version)) {
            match self.take(1)? {
                [0xff] => return Ok(Value::Null),
                _ => return self.value(&field.kind),
            }
        }
        let value = self.value(&field.kind)?;
        if value.is_null() && !field.is_nullable(self.version) {
            return Err("null where null is illegal".to_owned());
        }
        Ok(match field.blob {
            Some(inside) => decode_blob(inside, &value).unwrap_or(value),
            None => value,
        })
    }

    fn value(&mut self, kind: &Kind) -> Result<Value, String> {
        Ok(match kind {
            Kind::Bool => json!(self.take(1)? != [0]),
            Kind::Int8 => json!(i8::from_be_bytes(self.array()?)),
            Kind::Int16 => json!(i16::from_be_bytes(self.array()?)),
            Kind::Uint16 => json!(u16::from_be_bytes(self.array()?)),
            Kind::Int32 => json!(i32::from_be_bytes(self.array()?)),
            Kind::Int64 => json!(i64::from_be_bytes(self.array()?)),
            Kind::Uuid => json!(hex(self.take(16)?)),
            Kind::Struct(fields) => self.fields(fields)?,
            Kind::String => match self.length(2)? {
                None => Value::Null,
                Some(length) => json!(std::str::from_utf8(self.take(length)?).map_err(|e| e.to_string())?),
            },
            Kind::Bytes | Kind::Records => match self.length(4)? {
                None => Value::Null,
                Some(length) => json!(format!("hex:{}", hex(self.take(length)?))),
            },
            Kind::Array(element) => match self.length(4)? {
                None => Value::Null,
                Some(length) => (0..length).map(|_| self.value(element)).collect::<Result<_, _>>()?,
            },
        })
    }

    fn length(&mut self, width: usize) -> Result<Option<usize>, String> {
        let length = match (self.flexible, width) {
            (true, _) => i64::try_from(self.varint()?).unwrap_or(i64::MAX) - 1,
            (false, 2) => i64::from(i16::from_be_bytes(self.array()?)),
            (false, _) => i64::from(i32::from_be_bytes(self.array()?)),
        };
        Ok(usize::try_from(length).ok())
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("a varint of more than five bytes".to_owned())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were asked for"))
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(version: i16, flexible: bool, body: &'a [u8]) -> Self {
        Self { version, flexible, rest: body }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("the body ends too early")?;
        self.rest = rest;
        Ok(taken)
    }
}
