//! Valid bodies by the schema.

use tidegate_wire::guard::schema::{ApiSchema, Element, Field, Kind};
use tidegate_wire::guard::{self, Direction};

use crate::cases::Case;
use crate::random::Random;

/// A valid body and where its lengths stand.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) marks: Vec<Mark>,
}

/// A length, count or size in a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) at: usize,
    /// The bytes that it takes.
    pub(crate) size: usize,
    pub(crate) what: What,
    /// Whether it stands inside the value of a tag.
    pub(crate) in_tag: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    String,
    Bytes,
    Count,
    TagCount,
    TagSize,
}

/// How much goes into a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    /// One element in every array, no null, every tag.
    Full,
    /// Anything that is valid.
    Random,
}

pub(crate) fn body(case: &Case, version: i16, fill: Fill, random: Random) -> Body {
    let schema = guard::schema(case.key).unwrap();
    let mut generator = Generator { schema, version, fill, random };
    generator.structure(match case.direction {
        Direction::Request => schema.request,
        Direction::Response => schema.response,
    })
}

struct Generator {
    schema: &'static ApiSchema,
    version: i16,
    fill: Fill,
    random: Random,
}

impl Generator {
    fn structure(&mut self, fields: &[Field]) -> Body {
        let version = self.version;
        let mut out = Body::default();
        for field in fields.iter().filter(|field| field.is_plain(version)) {
            let null = field.nullable.contains(version) && self.sometimes();
            out.append(self.value(field, null));
        }
        if self.flexible() {
            out.append(self.tags(fields));
        }
        out
    }

    /// A tag at its default value would not be written again, so no value here is a default.
    fn tags(&mut self, fields: &[Field]) -> Body {
        let mut tagged: Vec<&Field> = fields.iter().filter(|field| field.is_tagged(self.version)).collect();
        tagged.retain(|_| !self.sometimes());
        tagged.sort_by_key(|field| field.tag.unwrap().number);
        let mut out = Body::default();
        out.length(What::TagCount, &varint(tagged.len()));
        for field in tagged {
            let mut value = self.tag_value(field);
            value.marks.iter_mut().for_each(|mark| mark.in_tag = true);
            out.bytes.extend(varint(usize::try_from(field.tag.unwrap().number).unwrap()));
            out.length(What::TagSize, &varint(value.bytes.len()));
            out.append(value);
        }
        out
    }

    fn tag_value(&mut self, field: &Field) -> Body {
        let fill = std::mem::replace(&mut self.fill, Fill::Full);
        let value = self.value(field, false);
        self.fill = fill;
        value
    }

    fn value(&mut self, field: &Field, null: bool) -> Body {
        match field.kind {
            Kind::Bool => Body::plain(vec![if self.sometimes() { 0 } else { 1 }]),
            Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::Uuid => {
                let size = field.kind.fixed_size().unwrap();
                Body::plain((0..size).map(|_| self.random.byte()).collect())
            }
            Kind::String if null => self.null(What::String),
            Kind::String => self.string(),
            Kind::Bytes | Kind::Records if null => self.null(What::Bytes),
            Kind::Bytes | Kind::Records => {
                let bytes: Vec<u8> = (0..self.random.below(200)).map(|_| self.random.byte()).collect();
                self.counted(What::Bytes, bytes.len(), &bytes)
            }
            Kind::Struct(fields) => self.in_place(fields, field.nullable.contains(self.version), null),
            Kind::Array(..) if null => self.null(What::Count),
            Kind::Array(_, element) => self.array(element),
        }
    }

    fn in_place(&mut self, fields: &[Field], nullable: bool, null: bool) -> Body {
        let mut out = Body::default();
        if nullable {
            out.bytes.push(if null { 0xff } else { 1 });
        }
        if !null {
            out.append(self.structure(fields));
        }
        out
    }

    fn array(&mut self, element: Element) -> Body {
        let count = match self.fill {
            Fill::Full => 1,
            Fill::Random => self.random.below(4),
        };
        let mut out = self.counted(What::Count, count, &[]);
        for _ in 0..count {
            out.append(match element {
                Element::Int32 => Body::plain((0..4).map(|_| self.random.byte()).collect()),
                Element::String => self.string(),
                Element::Struct(fields) => self.structure(fields),
            });
        }
        out
    }

    fn string(&mut self) -> Body {
        let length = if self.random.once_in(20) { 150 } else { self.random.below(12) };
        let letters = ['a', 'Z', '.', '-', '\u{e9}', '\u{4e2d}', '\0'];
        let string: String = (0..length).map(|_| letters[self.random.below(letters.len())]).collect();
        self.counted(What::String, string.len(), string.as_bytes())
    }

    fn null(&mut self, what: What) -> Body {
        let mut out = Body::default();
        match (self.flexible(), what) {
            (true, _) => out.length(what, &[0]),
            (false, What::String) => out.length(what, &[0xff; 2]),
            (false, _) => out.length(what, &[0xff; 4]),
        }
        out
    }

    fn counted(&mut self, what: What, length: usize, bytes: &[u8]) -> Body {
        let mut out = Body::default();
        match (self.flexible(), what) {
            (true, _) => out.length(what, &varint(length + 1)),
            (false, What::String) => out.length(what, &i16::try_from(length).unwrap().to_be_bytes()),
            (false, _) => out.length(what, &i32::try_from(length).unwrap().to_be_bytes()),
        }
        out.bytes.extend_from_slice(bytes);
        out
    }

    fn flexible(&self) -> bool {
        self.schema.is_flexible(self.version)
    }

    fn sometimes(&mut self) -> bool {
        self.fill == Fill::Random && self.random.once_in(3)
    }
}

impl Body {
    fn plain(bytes: Vec<u8>) -> Self {
        Self { bytes, marks: Vec::new() }
    }

    fn append(&mut self, other: Self) {
        let base = self.bytes.len();
        self.bytes.extend(other.bytes);
        self.marks.extend(other.marks.into_iter().map(|mark| Mark { at: mark.at + base, ..mark }));
    }

    fn length(&mut self, what: What, encoded: &[u8]) {
        self.marks.push(Mark { at: self.bytes.len(), size: encoded.len(), what, in_tag: false });
        self.bytes.extend_from_slice(encoded);
    }

    /// The body with other bytes for one of its lengths.
    pub(crate) fn with(&self, mark: Mark, encoded: &[u8]) -> Vec<u8> {
        [&self.bytes[..mark.at], encoded, &self.bytes[mark.at + mark.size..]].concat()
    }
}

/// UNSIGNED_VARINT.
pub(crate) fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}
