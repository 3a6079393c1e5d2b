//! Reading and writing the parts of a blob.

use std::collections::{HashMap, HashSet};

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{BlobError, Renamed};
use crate::guard::Limits;
use crate::guard::schema::Counted;
use crate::reader::{ReadError, Reader};

/// A blob being read.
#[derive(Clone)]
pub(super) struct Blob<'a> {
    reader: Reader<'a>,
    /// What the caps leave.
    left: Limits,
    /// The version that it claims.
    pub(super) version: i16,
}

impl<'a> Blob<'a> {
    pub(super) fn new(blob: &'a [u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(blob);
        let version = reader.int16()?;
        Ok(Self { reader, left: Limits::REQUEST, version })
    }

    /// An array of names.
    pub(super) fn topics(&mut self, mut each: impl FnMut(&str)) -> Result<(), BlobError> {
        for _ in 0..self.count(Counted::Topics, MIN_NAME)? {
            each(&String::from_utf8_lossy(self.name()?));
        }
        Ok(())
    }

    /// An array of names, each with an array of partitions.
    pub(super) fn partitions(&mut self, mut each: impl FnMut(&str, Vec<i32>)) -> Result<(), BlobError> {
        for _ in 0..self.count(Counted::Topics, MIN_NAME + COUNT)? {
            let name = self.name()?;
            let count = self.count(Counted::Partitions, PARTITION)?;
            let partitions = (0..count).map(|_| self.reader.int32()).collect::<Result<_, _>>()?;
            each(&String::from_utf8_lossy(name), partitions);
        }
        Ok(())
    }

    /// Nullable bytes, with their length.
    pub(super) fn user_data(&mut self) -> Result<&'a [u8], BlobError> {
        let start = self.reader.position();
        // Kafka takes every negative length for null.
        let length = usize::try_from(self.reader.int32()?).unwrap_or(0);
        self.reader.skip(length)?;
        Ok(self.reader.slice(start..self.reader.position()))
    }

    pub(super) fn generation(&mut self) -> Result<&'a [u8], BlobError> {
        Ok(self.reader.bytes(4)?)
    }

    pub(super) fn rack(&mut self) -> Result<(), BlobError> {
        let length = usize::try_from(self.reader.int16()?).unwrap_or(0);
        Ok(self.reader.skip(length)?)
    }

    /// What later versions put behind the fields that are known.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let start = self.reader.position();
        self.reader.slice(start..start + self.reader.remaining())
    }

    fn name(&mut self) -> Result<&'a [u8], BlobError> {
        let at = self.reader.position();
        let length = self.reader.int16()?;
        let illegal = |_| ReadError::IllegalLength { at, length: length.into() };
        Ok(self.reader.bytes(usize::try_from(length).map_err(illegal)?)?)
    }

    /// The count of an array whose elements have at least `minimum` bytes.
    fn count(&mut self, counted: Counted, minimum: usize) -> Result<usize, BlobError> {
        let at = self.reader.position();
        let count = self.reader.array_count(false)?;
        let count = count.ok_or(ReadError::IllegalLength { at, length: -1 })?;
        if count > self.reader.remaining() / minimum {
            return Err(BlobError::CountBeyondInput { counted, count });
        }
        self.left.draw(counted, count).ok_or(BlobError::TooMany { counted, count })?;
        Ok(count)
    }
}

/// Renamed topics, each once, in the order of their first appearance.
#[derive(Default)]
pub(super) struct Names {
    order: Vec<String>,
    seen: HashSet<String>,
}

impl Names {
    pub(super) fn add(&mut self, renamed: Renamed) {
        let Renamed::To(name) = renamed else { return };
        if self.seen.insert(name.clone()) {
            self.order.push(name);
        }
    }
}

/// Renamed topics with their partitions, each topic once, in the order of their first appearance.
#[derive(Default)]
pub(super) struct Partitions {
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
}

struct Entry {
    name: String,
    partitions: Vec<i32>,
    /// Whether several entries of the input went in, so that partitions may stand here twice.
    united: bool,
}

impl Partitions {
    pub(super) fn add(&mut self, renamed: Renamed, partitions: Vec<i32>) {
        let Renamed::To(name) = renamed else { return };
        let known = self.index.get(&name).and_then(|index| self.entries.get_mut(*index));
        if let Some(entry) = known {
            entry.partitions.extend(partitions);
            entry.united = true;
        } else {
            self.index.insert(name.clone(), self.entries.len());
            self.entries.push(Entry { name, partitions, united: false });
        }
    }

    /// Sorts once at the end: sorting at each addition would let a peer buy much time with few bytes.
    fn into_entries(mut self) -> Vec<Entry> {
        for entry in self.entries.iter_mut().filter(|entry| entry.united) {
            entry.partitions.sort_unstable();
            entry.partitions.dedup();
        }
        self.entries
    }
}

/// A blob being written.
pub(super) struct Writer(BytesMut);

impl Writer {
    pub(super) fn new(version: i16, capacity: usize) -> Self {
        let mut out = BytesMut::with_capacity(capacity);
        out.put_i16(version);
        Self(out)
    }

    /// For what comes behind something written already.
    pub(super) fn tail() -> Self {
        Self(BytesMut::new())
    }

    pub(super) fn names(&mut self, names: &Names) -> Result<(), BlobError> {
        self.count(names.order.len());
        names.order.iter().try_for_each(|name| self.name(name))
    }

    pub(super) fn partitions(&mut self, partitions: Partitions) -> Result<(), BlobError> {
        let entries = partitions.into_entries();
        self.count(entries.len());
        for entry in entries {
            self.name(&entry.name)?;
            self.count(entry.partitions.len());
            entry.partitions.into_iter().for_each(|partition| self.0.put_i32(partition));
        }
        Ok(())
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.put_slice(bytes);
    }

    pub(super) fn null_string(&mut self) {
        self.0.put_i16(-1);
    }

    pub(super) fn finish(self) -> Bytes {
        self.0.freeze()
    }

    fn name(&mut self, name: &str) -> Result<(), BlobError> {
        let length = i16::try_from(name.len()).map_err(|_| BlobError::NameTooLong(name.len()))?;
        self.0.put_i16(length);
        self.0.put_slice(name.as_bytes());
        Ok(())
    }

    /// The caps on reading keep every count far below the largest INT32.
    fn count(&mut self, count: usize) {
        self.0.put_i32(i32::try_from(count).unwrap_or(i32::MAX));
    }
}

/// The least size of a name: its length.
const MIN_NAME: usize = 2;
/// The size of a count.
const COUNT: usize = 4;
/// The size of a partition index.
const PARTITION: usize = 4;
