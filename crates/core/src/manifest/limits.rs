//! How long the free texts of a manifest may be, in characters, and how many there may be.
//!
//! None of them comes from the vendor, who publishes none. They keep one manifest from filling a store or a page.

use crate::document::Place;
use crate::names::Shown;

/// A title on one line.
pub const MAX_DISPLAY_NAME: usize = 255;
/// A few paragraphs.
pub const MAX_DESCRIPTION: usize = 4096;
/// What browsers and proxies agree to carry.
pub const MAX_URL: usize = 2048;
/// A name on one line.
pub const MAX_PARTNER_NAME: usize = 255;
/// A title on one line.
pub const MAX_PARTNER_ROLE: usize = 255;
/// The longest address of RFC 5321, 64 and 255 around the sign.
pub const MAX_EMAIL: usize = 320;
/// A number with its extension and spaces.
pub const MAX_PHONE: usize = 64;
/// Enough to sort by.
pub const MAX_LABELS: usize = 64;
/// As for a name with a domain before it.
pub const MAX_LABEL_KEY: usize = 128;
/// A few words.
pub const MAX_LABEL_VALUE: usize = 256;
/// A zone is compiled into every live connection's view; a partner with more topics gets a second zone.
pub const MAX_TOPICS: usize = 1000;

/// Text on one line.
pub(super) fn line(place: &Place<'_>, max: usize) -> Option<String> {
    checked(place, max, char::is_control)
}

/// Text that may have line breaks.
pub(super) fn paragraphs(place: &Place<'_>, max: usize) -> Option<String> {
    checked(place, max, |c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

/// The address of a web page; anything else could be made to run when a page shows it as a link.
pub(super) fn url(place: &Place<'_>) -> Option<String> {
    let url = line(place, MAX_URL)?;
    let lower = url.to_ascii_lowercase();
    let host = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    if host.is_some_and(|host| !host.is_empty()) && !url.contains(char::is_whitespace) {
        return Some(url);
    }
    place.fail(format_args!("`{}` is no web address; write `https://` and a host", Shown::of(&url)));
    None
}

fn checked(place: &Place<'_>, max: usize, forbidden: fn(char) -> bool) -> Option<String> {
    let text = place.text()?;
    let length = text.chars().count();
    if length > max {
        place.fail(format_args!("the text is {length} characters long; at most {max} are allowed"));
        return None;
    }
    if let Some((index, character)) = text.chars().enumerate().find(|(_, c)| forbidden(*c)) {
        let character = Shown::of_char(character);
        place.fail(format_args!("character {} is the control character `{character}`; remove it", index + 1));
        return None;
    }
    Some(text.to_owned())
}
