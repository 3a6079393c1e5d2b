//! Partner zones: made, shown, changed, deleted, taken elsewhere.

pub(crate) mod apply;
pub(crate) mod delete;
pub(crate) mod describe;
mod diff;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod import;
mod made;
pub(crate) mod template;
