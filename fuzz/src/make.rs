//! Bodies that add up, made from the guard's own tables: every field of every version is reached.

use tidegate_wire::guard::schema::{ApiSchema, Element, Field, Kind};

use crate::choices::Choices;
use crate::words::Words;

/// The body of a message whose fields are these, at one version.
pub(crate) fn body(
    api: &ApiSchema,
    fields: &'static [Field],
    version: i16,
    words: &Words,
    choices: &mut Choices<'_>,
) -> Vec<u8> {
    let mut maker =
        Maker { version, flexible: api.is_flexible(version), words, choices, out: Vec::new(), left: MOST };
    maker.structure(fields);
    maker.out
}

/// The most elements of one message, so that few bytes do not make a huge one.
const MOST: usize = 64;

struct Maker<'m, 'c> {
    version: i16,
    flexible: bool,
    words: &'m Words,
    choices: &'m mut Choices<'c>,
    out: Vec<u8>,
    left: usize,
}

impl Maker<'_, '_> {
    fn structure(&mut self, fields: &'static [Field]) {
        let version = self.version;
        for field in fields.iter().filter(|field| field.is_plain(version)) {
            self.value(field);
        }
        if self.flexible {
            self.tags(fields);
        }
    }

    fn tags(&mut self, fields: &'static [Field]) {
        let mut tagged: Vec<_> = fields.iter().filter(|field| field.is_tagged(self.version)).collect();
        tagged.sort_by_key(|field| field.tag.map(|tag| tag.number));
        tagged.retain(|_| self.choices.byte() % 2 == 1);
        varint(&mut self.out, tagged.len());
        for field in tagged {
            let outer = std::mem::take(&mut self.out);
            self.value(field);
            let value = std::mem::replace(&mut self.out, outer);
            varint(&mut self.out, field.tag.map_or(0, |tag| tag.number as usize));
            varint(&mut self.out, value.len());
            self.out.extend(value);
        }
    }

    fn value(&mut self, field: &'static Field) {
        let is_null = field.nullable.contains(self.version) && self.choices.byte() % 8 == 7;
        match field.kind {
            Kind::Bool => self.out.push(self.choices.byte() % 2),
            Kind::Int8 => self.number(field, 1),
            Kind::Int16 => self.number(field, 2),
            Kind::Int32 => self.number(field, 4),
            Kind::Int64 => self.number(field, 8),
            Kind::Uuid => {
                let id = self.words.id(self.choices);
                self.out.extend(id);
            }
            Kind::String if is_null => self.length(None, 2),
            Kind::String => self.string(field.name),
            Kind::Bytes | Kind::Records if is_null => self.length(None, 4),
            Kind::Bytes | Kind::Records => {
                let bytes = self.words.bytes(field, self.choices);
                self.length(Some(bytes.len()), 4);
                self.out.extend(bytes);
            }
            Kind::Struct(_) if is_null => self.out.push(0xff),
            Kind::Struct(fields) => {
                if field.nullable.contains(self.version) {
                    self.out.push(1);
                }
                self.structure(fields);
            }
            Kind::Array(..) if is_null => self.length(None, 4),
            Kind::Array(_, element) => self.array(field.name, element),
        }
    }

    fn array(&mut self, name: &str, element: Element) {
        let count = usize::from(self.choices.byte() % 4).min(self.left);
        self.left -= count;
        self.length(Some(count), 4);
        for _ in 0..count {
            match element {
                Element::Int32 => self.integer(4),
                Element::String => self.string(name),
                Element::Struct(fields) => self.structure(fields),
            }
        }
    }

    fn string(&mut self, name: &str) {
        let word = self.words.string(name, self.choices);
        self.length(Some(word.len()), 2);
        self.out.extend(word.as_bytes());
    }

    /// An answer is mostly one without an error.
    fn number(&mut self, field: &Field, size: usize) {
        if field.name == "ErrorCode" && self.choices.byte() % 4 != 3 {
            return self.out.extend(&[0; 8][..size]);
        }
        if field.name == "ResourceType" {
            let kind = self.choices.one_of(&[2_i64, 4, 32, 8, 3]);
            return self.out.extend(&kind.to_be_bytes()[8 - size..]);
        }
        self.integer(size);
    }

    fn integer(&mut self, size: usize) {
        self.out.extend(&self.choices.number().to_be_bytes()[8 - size..]);
    }

    /// A length or count; `classic` is the size of its plain form.
    fn length(&mut self, length: Option<usize>, classic: usize) {
        match (self.flexible, length) {
            (true, length) => varint(&mut self.out, length.map_or(0, |length| length + 1)),
            (false, Some(length)) => self.out.extend(&length.to_be_bytes()[8 - classic..]),
            (false, None) => self.out.extend(&[0xff; 4][..classic]),
        }
    }
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
