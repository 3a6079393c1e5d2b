//! What no partner may ever receive, and every form in which it might slip through.

use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use uuid::Uuid;

/// Shorter markers occur by chance.
const SHORTEST: usize = 8;

/// Needles are looked up by their first bytes: a run records megabytes, and tests are built without optimisation.
const KEY: usize = 4;

/// A set of markers, ready to search for.
#[derive(Clone, Debug, Default)]
pub struct Markers {
    needles: Vec<Needle>,
}

/// One form of one marker.
#[derive(Clone, Debug)]
struct Needle {
    what: String,
    form: &'static str,
    bytes: Vec<u8>,
}

/// A marker that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// What leaked.
    pub what: String,
    /// In which form.
    pub form: &'static str,
    /// Where in the searched bytes.
    pub position: usize,
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {} at byte {}", self.what, self.form, self.position)
    }
}

impl Markers {
    /// Adds a name, host, user or other text.
    ///
    /// # Panics
    /// If `text` is so short that finding it would prove nothing.
    pub fn text(&mut self, what: &str, text: &str) {
        assert!(text.len() >= SHORTEST, "the marker {text} for {what} is too short to prove anything");
        self.add(what, "text", text.as_bytes());
        self.encoded(what, text.as_bytes());
    }

    /// Adds an id: its 16 bytes, and its text as a UUID.
    pub fn id(&mut self, what: &str, id: Uuid) {
        self.add(what, "16 raw bytes", id.as_bytes());
        self.encoded(what, id.as_bytes());
        self.text(what, &id.hyphenated().to_string());
        self.add(what, "upper-case UUID", id.hyphenated().to_string().to_uppercase().as_bytes());
    }

    /// Adds a cluster id: the text, and the 16 bytes that it spells.
    pub fn cluster_id(&mut self, id: &str) {
        self.text("cluster id", id);
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(id)
            && let Ok(id) = Uuid::from_slice(&bytes)
        {
            self.id("cluster id", id);
        }
    }

    /// Every marker that occurs in `bytes`, each form once, in the order in which they were added.
    pub fn find(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut by_key: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (index, needle) in self.needles.iter().enumerate() {
            by_key.entry(&needle.bytes[..KEY]).or_default().push(index);
        }
        let mut found: HashMap<usize, usize> = HashMap::new();
        for (position, key) in bytes.windows(KEY).enumerate() {
            for &index in by_key.get(key).into_iter().flatten() {
                if bytes[position..].starts_with(&self.needles[index].bytes) {
                    found.entry(index).or_insert(position);
                }
            }
        }
        let hit = |(index, needle): (usize, &Needle)| {
            let position = *found.get(&index)?;
            Some(Hit { what: needle.what.clone(), form: needle.form, position })
        };
        self.needles.iter().enumerate().filter_map(hit).collect()
    }

    fn encoded(&mut self, what: &str, bytes: &[u8]) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.add(what, "hex", hex.as_bytes());
        self.add(what, "upper-case hex", hex.to_uppercase().as_bytes());
        for alignment in 0..3 {
            self.add(what, "base64", &base64_core(&STANDARD_NO_PAD, bytes, alignment));
            self.add(what, "URL-safe base64", &base64_core(&URL_SAFE_NO_PAD, bytes, alignment));
        }
    }

    fn add(&mut self, what: &str, form: &'static str, bytes: &[u8]) {
        self.needles.push(Needle { what: what.to_owned(), form, bytes: bytes.to_vec() });
    }
}

/// The base64 digits that depend on `bytes` alone when `alignment` bytes stand before them.
fn base64_core(engine: &impl base64::Engine, bytes: &[u8], alignment: usize) -> Vec<u8> {
    let padded = [&vec![0; alignment][..], bytes].concat();
    let digits = engine.encode(&padded).into_bytes();
    // A digit holds 6 bits; drop those that share bits with what stands before or after.
    let first = (alignment * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    digits[first..last].to_vec()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    const NAME: &str = "backing.4f0c1d9e7a";

    fn forms_found(markers: &Markers, bytes: &[u8]) -> Vec<&'static str> {
        let around = [b"before".as_slice(), bytes, b"after"].concat();
        markers.find(&around).into_iter().map(|hit| hit.form).collect()
    }

    fn name() -> Markers {
        let mut markers = Markers::default();
        markers.text("backing topic", NAME);
        markers
    }

    #[test]
    fn clean_bytes_have_no_hit() {
        let mut markers = name();
        markers.id("topic id", Uuid::new_v4());
        markers.cluster_id("Zm9vYmFyYmF6cXV4Zm9vYg");
        assert_eq!(markers.find(&[7; 4096]), []);
        assert_eq!(markers.find(b""), []);
    }

    #[test]
    fn text_is_found_raw() {
        assert_eq!(forms_found(&name(), NAME.as_bytes()), ["text"]);
    }

    #[test]
    fn text_is_found_as_hex() {
        let hex: String = NAME.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(forms_found(&name(), hex.as_bytes()), ["hex"]);
        assert_eq!(forms_found(&name(), hex.to_uppercase().as_bytes()), ["upper-case hex"]);
    }

    #[test]
    fn text_is_found_in_base64_at_every_alignment() {
        for before in ["", "x", "xy", "xyz"] {
            let text = format!("{before}{NAME}and more");
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                assert!(!forms_found(&name(), encoded.as_bytes()).is_empty(), "after {before:?}");
            }
        }
    }

    #[test]
    fn the_two_base64_alphabets_are_told_apart() {
        // Bytes that need the digits in which the alphabets differ.
        let id = Uuid::from_bytes([0xfb; 16]);
        let mut markers = Markers::default();
        markers.id("topic id", id);
        assert_eq!(forms_found(&markers, STANDARD.encode(id).as_bytes()), ["base64"]);
        assert_eq!(forms_found(&markers, URL_SAFE.encode(id).as_bytes()), ["URL-safe base64"]);
    }

    #[test]
    fn an_id_is_found_as_bytes_and_as_a_uuid() {
        let id = Uuid::new_v4();
        let mut markers = Markers::default();
        markers.id("topic id", id);
        assert_eq!(forms_found(&markers, id.as_bytes()), ["16 raw bytes"]);
        assert_eq!(forms_found(&markers, id.to_string().as_bytes()), ["text"]);
        assert_eq!(forms_found(&markers, id.to_string().to_uppercase().as_bytes()), ["upper-case UUID"]);
        assert_eq!(forms_found(&markers, id.simple().to_string().as_bytes()), ["hex"]);
    }

    #[test]
    fn a_cluster_id_is_found_in_both_its_forms() {
        let id = Uuid::new_v4();
        let text = URL_SAFE_NO_PAD.encode(id);
        let mut markers = Markers::default();
        markers.cluster_id(&text);
        assert!(forms_found(&markers, text.as_bytes()).contains(&"text"));
        assert_eq!(forms_found(&markers, id.as_bytes()), ["16 raw bytes"]);
    }

    #[test]
    #[should_panic(expected = "too short to prove anything")]
    fn a_short_marker_is_refused() {
        Markers::default().text("user", "admin");
    }
}
