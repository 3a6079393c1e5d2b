//! `cargo xtask fillers`: the record sections that `wire::filler` knows, and the table that names them.
//!
//! What is in a log is recognised by these bytes for ever, so a file that is there is never written again: another zstd would
//! pack the same records in another way. It is read, unpacked and compared; only what is missing is made.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::command;

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when a section or the table is not what it should be.
    #[arg(long)]
    check: bool,
}

/// Makes the sections that are missing, checks those that are there, and writes the table.
pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = command::root().join(FOLDER);
    let mut table = HEADER.to_owned();
    for kind in KINDS {
        let _ = write!(table, "\n{}", kind.opening());
        for count in kind.counts {
            let name = format!("{}-{count}", kind.name);
            let section = section(&folder.join(&name), &kind.records(*count), args.check)
                .with_context(|| format!("in the section {name}"))?;
            table.push_str(&section.row(*count, &name));
        }
        table.push_str("];\n");
    }
    let path = folder.with_extension("rs");
    if fs::read_to_string(&path).is_ok_and(|old| old == table) {
        return Ok(());
    }
    ensure!(!args.check, "{} does not fit the sections; run `cargo xtask fillers`", path.display());
    fs::write(&path, table).with_context(|| format!("cannot write {}", path.display()))
}

/// The sections of one form.
struct Kind {
    name: &'static str,
    doc: &'static str,
    constant: &'static str,
    key: Option<&'static [u8]>,
    /// The largest first, as a plan takes them.
    counts: &'static [u32],
}

impl Kind {
    fn opening(&self) -> String {
        format!("/// {}\npub(super) static {}: [Entry; {}] = [\n", self.doc, self.constant, self.counts.len())
    }

    /// Records without anything inside, one after the other.
    fn records(&self, count: u32) -> Vec<u8> {
        (0..count).flat_map(|delta| record(delta, self.key)).collect()
    }
}

/// Attributes, timestamp delta 0, offset delta, key, no value, no headers; the length of it all in front.
fn record(delta: u32, key: Option<&[u8]>) -> Vec<u8> {
    let mut record = vec![0, 0];
    varint(&mut record, i64::from(delta));
    varint(&mut record, key.map_or(-1, |key| key.len() as i64));
    record.extend_from_slice(key.unwrap_or_default());
    varint(&mut record, -1);
    varint(&mut record, 0);
    let mut whole = Vec::new();
    varint(&mut whole, record.len() as i64);
    whole.extend(record);
    whole
}

fn varint(out: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left >= 0x80 {
        out.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// A section as it is kept.
struct Section {
    bytes: Vec<u8>,
    packing: Packing,
}

#[derive(Clone, Copy)]
enum Packing {
    Plain,
    Zstd,
}

impl Packing {
    fn path(self, stem: &Path) -> PathBuf {
        stem.with_extension(self.extension())
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Plain => "bin",
            Self::Zstd => "zst",
        }
    }

    fn codec(self) -> &'static str {
        match self {
            Self::Plain => "CODEC_NONE",
            Self::Zstd => "CODEC_ZSTD",
        }
    }
}

impl Section {
    fn row(&self, count: u32, name: &str) -> String {
        let checksum = crc32c::crc32c(&self.bytes);
        let (high, low) = (checksum >> 16, checksum & 0xffff);
        let (codec, extension) = (self.packing.codec(), self.packing.extension());
        format!(
            "    Entry::new({}, {codec}, 0x{high:04x}_{low:04x}, include_bytes!(\"sections/{name}.{extension}\")),\n",
            grouped(count)
        )
    }
}

/// The section that is there, or a new one.
fn section(stem: &Path, records: &[u8], check: bool) -> Result<Section> {
    for packing in [Packing::Plain, Packing::Zstd] {
        let Ok(bytes) = fs::read(packing.path(stem)) else { continue };
        let inside = match packing {
            Packing::Plain => bytes.clone(),
            Packing::Zstd => zstd::bulk::decompress(&bytes, records.len())?,
        };
        ensure!(inside == records, "it holds other records than it should");
        return Ok(Section { bytes, packing });
    }
    if check {
        bail!("it is missing; run `cargo xtask fillers`");
    }
    let packed = zstd::bulk::compress(records, LEVEL)?;
    let smaller = packed.len() < records.len();
    let (bytes, packing) = if smaller { (packed, Packing::Zstd) } else { (records.to_vec(), Packing::Plain) };
    let path = packing.path(stem);
    fs::write(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Section { bytes, packing })
}

/// As rustfmt and people like it.
fn grouped(count: u32) -> String {
    if count < 1_000 { count.to_string() } else { format!("{}_{:03}", count / 1_000, count % 1_000) }
}

const FOLDER: &str = "crates/wire/src/filler/sections";

/// Of those that a broker unpacks as fast, the one that packs 100,000 records best.
const LEVEL: i32 = 3;

const KINDS: [Kind; 2] = [
    Kind {
        name: "plain",
        doc: "Records without a key.",
        constant: "PLAIN",
        key: None,
        counts: &[100_000, 10_000, 1_000, 100, 10, 1],
    },
    Kind {
        name: "keyed",
        doc: "Records whose key is [`super::KEY`].",
        constant: "KEYED",
        // Written out a second time in `wire::filler`: the one checks the other.
        key: Some(b"tidegate.filler.5c54f4b5-0ae4-404c-a4cf-4bab5bdf1a43"),
        counts: &[1_000, 100, 10, 1],
    },
];

const HEADER: &str = "// @generated by cargo xtask fillers\n\n\
    //! The sections, the largest first. Their bytes are in logs: what is here stays as it is.\n\n\
    use super::table::{CODEC_NONE, Entry};\nuse crate::batch::CODEC_ZSTD;\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_and_the_table_are_what_they_should_be() {
        run(&Args { check: true }).unwrap();
    }

    #[test]
    fn an_empty_record_is_seven_bytes() {
        assert_eq!(record(0, None), [12, 0, 0, 0, 1, 1, 0]);
        assert_eq!(record(64, Some(b"k")), [16, 0, 0, 0x80, 1, 2, b'k', 1, 0]);
    }

    #[test]
    fn a_section_that_is_there_is_never_made_anew() {
        let folder = std::env::temp_dir().join(format!("tidegate-fillers-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (stem, records) = (folder.join("plain-100"), KINDS[0].records(100));
        assert!(section(&stem, &records, true).is_err(), "it is missing");
        // Packed in another way than a new one would be.
        let other = zstd::bulk::compress(&records, 19).unwrap();
        fs::write(stem.with_extension("zst"), &other).unwrap();
        assert_eq!(section(&stem, &records, false).unwrap().bytes, other);
        assert!(section(&stem, &records[1..], false).is_err(), "other records");
        fs::remove_dir_all(&folder).unwrap();
    }
}
