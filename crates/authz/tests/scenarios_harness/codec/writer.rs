//! Values to bytes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{encode_blob, unhex};
use crate::scenarios_harness::schema::{Field, Kind};
use crate::scenarios_harness::shape::default_of;

pub(super) struct Writer {
    version: i16,
    flexible: bool,
    out: Vec<u8>,
}

impl Writer {
    pub(super) fn new(version: i16, flexible: bool) -> Self {
        Self { version, flexible, out: Vec::new() }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn fields(&mut self, fields: &[Field], value: &Value) {
        let mut tagged = BTreeMap::new();
        let version = self.version;
        for field in fields.iter().filter(|field| field.is_in(version)) {
            let default = default_of(field, self.version);
            let value = value.get(&field.name).unwrap_or(&default);
            match field.tag(self.version) {
                None => self.field(field, value),
                Some(_) if *value == default => {}
                Some(tag) => {
                    let mut inner = Self::new(version, self.flexible);
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
