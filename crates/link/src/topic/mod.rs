//! A mirror topic as a whole: what it is made with, what of its configuration belongs to the link, and what is to be done
//! when its source changes.
//!
//! A mirror that is behind is fragile. Its records are old from the first moment, so retention would eat them before they are
//! all there; a topic that puts its own time on records, packs them anew or refuses old ones cannot be a copy. So the link
//! [owns](Owned) such configs: some as long as it copies, some until it has caught up, when the source's own values take their place.
//!
//! [`plan()`] is pure, and says again what is still to be done whenever it is asked: whoever was stopped half way goes on.

mod configs;
mod plan;
#[cfg(test)]
mod tests;

pub use configs::{CONFIGS, Held, Owned, held, is_made_by_a_link};
pub use plan::{Action, Blocked, Mirror, Progress, Source, plan};
