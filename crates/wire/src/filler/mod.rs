//! Fillers: batches of empty records that take the offsets at which another log has nothing to copy.
//!
//! A stock broker gives the next offset to whatever is appended next. Where the source has a gap (records that compaction or
//! retention removed, marks of transactions), a mirror has to append something that takes as many offsets, and readers must
//! not see it:
//!
//! 1. [`Fill`] splits the gap into entries of a fixed table;
//! 2. [`make()`] puts a header in front of an entry, under the guard of the link's producer id;
//! 3. [`recognise()`] knows such a batch again: its producer id is registered for the link, **and** its records are those of
//!    an entry, bit for bit. A batch of the source with the same bytes and another producer id is data, and a link writes it
//!    in other bytes ([`is_like_filler`]);
//! 4. [`hide()`] makes a control batch of it, which every client passes over without showing it and without standing still:
//!    some spin when the batch is missing, others when it is empty;
//! 5. [`hide_all`] does so in what a Fetch answer holds.
//!
//! The table is made once (`cargo xtask fillers`) and its bytes are in logs for ever: an entry may be added, none may be
//! changed. So nothing is compressed or decompressed here, and a filler is known without looking into its records.
//!
//! What a log must not do to them: a topic that compresses by itself (`compression.type` other than `producer`) repacks the
//! records, and compaction, once it has taken some of a batch with keys, writes the rest anew. Neither is recognised, and
//! readers see it.

mod hide;
mod make;
mod plan;
mod recognise;
mod sections;
mod table;
mod walk;

pub use hide::{HIDDEN_LENGTH, hide};
pub use make::make;
pub use plan::Fill;
pub use recognise::{is_filler, is_like_filler, recognise};
pub use table::{Entry, KEY, Kind};
pub use walk::{Hidden, hide_all};

#[cfg(test)]
mod tests;
