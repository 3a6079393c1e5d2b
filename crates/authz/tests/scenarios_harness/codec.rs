//! A generic codec by the digest: an independent reading of the wire format beside the codec crate.
//!
//! Bytes are `hex:...`, ids are 32 hex digits, blobs of groups are `{ConsumerProtocol...: {Version: 1, ...}}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schema::{self, Field, Kind, Message};
use super::shape::default_of;

/// The body of `message`; a field that is left out has its default.
pub(crate) fn encode(message: &Message, version: i16, value: &Value) -> Vec<u8> {
    let mut writer = Writer { version, flexible: message.is_flexible(version), out: Vec::new() };
    writer.fields(&message.fields, value);
    writer.out
}

/// All fields of a body, which must end where the message ends.
pub(crate) fn decode(message: &Message, version: i16, body: &[u8]) -> Result<Value, String> {
    let mut reader = Reader { version, flexible: message.is_flexible(version), rest: body };
    let value = reader.fields(&message.fields)?;
    match reader.rest {
        [] => Ok(value),
        rest => Err(format!("{} bytes behind the end of {}", rest.len(), message.name)),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

struct Writer {
    version: i16,
    flexible: bool,
    out: Vec<u8>,
}

impl Writer {
    fn fields(&mut self, fields: &[Field], value: &Value) {
        let mut tagged = BTreeMap::new();
        let version = self.version;
        for field in fields.iter().filter(|field| field.is_in(version)) {
            let default = default_of(field, self.version);
            let value = value.get(&field.name).unwrap_or(&default);
            match field.tag(self.version) {
                None => self.field(field, value),
                Some(_) if *value == default => {}
                Some(tag) => {
                    let mut inner = Self { version: self.version, flexible: self.flexible, out: Vec::new() };
                    inner.field(field, value);
                    tagged.insert(tag, inner.out);
                }
            }
        }
        if self.flexible {
            self.varint(tagged.len() as u64);
            for (tag, bytes) in tagged {
                self.varint(tag);
                self.varint(bytes.len() as u64);
                self.out.extend(bytes);
            }
        }
    }

    fn field(&mut self, field: &Field, value: &Value) {
        if value.is_null() {
            assert!(
                field.is_nullable(self.version),
                "{} is never null at version {}",
                field.name,
                self.version
            );
        }
        match (&field.kind, field.blob) {
            (Kind::Struct(fields), _) if field.is_nullable(self.version) => {
                self.out.push(if value.is_null() { 0xff } else { 1 });
                if !value.is_null() {
                    self.fields(fields, value);
                }
            }
            (_, Some(inside)) if value.is_object() => self.bytes(&encode_blob(inside, &value[inside])),
            (kind, _) => self.value(kind, value),
        }
    }

    fn value(&mut self, kind: &Kind, value: &Value) {
        let number = || value.as_i64().unwrap_or_else(|| panic!("{value} is not a number"));
        let text = || value.as_str().unwrap_or_else(|| panic!("{value} is not a string"));
        match kind {
            Kind::Bool => self.out.push(u8::from(value.as_bool().expect("true or false"))),
            Kind::Int8 => self.out.extend(i8::try_from(number()).unwrap().to_be_bytes()),
            Kind::Int16 => self.out.extend(i16::try_from(number()).unwrap().to_be_bytes()),
            Kind::Uint16 => self.out.extend(u16::try_from(number()).unwrap().to_be_bytes()),
            Kind::Int32 => self.out.extend(i32::try_from(number()).unwrap().to_be_bytes()),
            Kind::Int64 => self.out.extend(number().to_be_bytes()),
            Kind::Uuid => self.out.extend(unhex(text())),
            Kind::String | Kind::Bytes | Kind::Records | Kind::Array(_) if value.is_null() => self.null(kind),
            Kind::String => {
                self.length(text().len(), 2);
                self.out.extend(text().as_bytes());
            }
            Kind::Bytes | Kind::Records => {
                let hex = text().strip_prefix("hex:").unwrap_or_else(|| panic!("{value} is not hex:"));
                self.bytes(&unhex(hex));
            }
            Kind::Struct(fields) => self.fields(fields, value),
            Kind::Array(element) => {
                let elements = value.as_array().unwrap_or_else(|| panic!("{value} is not a list"));
                self.length(elements.len(), 4);
                elements.iter().for_each(|value| self.value(element, value));
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len(), 4);
        self.out.extend(bytes);
    }

    fn length(&mut self, length: usize, width: usize) {
        match (self.flexible, width) {
            (true, _) => self.varint(length as u64 + 1),
            (false, 2) => self.out.extend(i16::try_from(length).unwrap().to_be_bytes()),
            (false, _) => self.out.extend(i32::try_from(length).unwrap().to_be_bytes()),
        }
    }

    fn null(&mut self, kind: &Kind) {
        match (self.flexible, kind) {
            (true, _) => self.out.push(0),
            (false, Kind::String) => self.out.extend([0xff; 2]),
            (false, _) => self.out.extend([0xff; 4]),
        }
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push((number as u8 & 0x7f) | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }
}

struct Reader<'a> {
    version: i16,
    flexible: bool,
    rest: &'a [u8],
}

impl Reader<'_> {
    fn fields(&mut self, fields: &[Field]) -> Result<Value, String> {
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
                let mut inner = Reader { version: self.version, flexible: true, rest: bytes };
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
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("the body ends too early")?;
        self.rest = rest;
        Ok(taken)
    }
}

/// The version inside a blob.
pub(crate) const BLOB_VERSION: &str = "Version";

fn encode_blob(inside: &str, value: &Value) -> Vec<u8> {
    let version = i16::try_from(value[BLOB_VERSION].as_i64().unwrap_or(0)).unwrap();
    let body = encode(schema::message(inside), version, value);
    [&version.to_be_bytes()[..], &body].concat()
}

/// The message inside a blob; `None` when the bytes are something else.
fn decode_blob(inside: &str, value: &Value) -> Option<Value> {
    let bytes = unhex(value.as_str()?.strip_prefix("hex:")?);
    let (version, body) = bytes.split_first_chunk::<2>()?;
    let version = i16::from_be_bytes(*version);
    let mut message = decode(schema::message(inside), version, body).ok()?;
    message[BLOB_VERSION] = json!(version);
    Some(json!({ inside: message }))
}
