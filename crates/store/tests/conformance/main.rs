//! What every store of records must hold to, whatever it is made of.
//!
//! Each case gets a store without records and runs against every implementation; what only some can do (be opened again)
//! is asked of those.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod cases;
mod model;
mod subject;

use subject::{Memory, Sqlite, Subject};

/// A test of each case for each store.
macro_rules! conformance {
    ($($case:ident),* $(,)?) => {
        conformance!(@store memory, Memory, $($case),*);
        conformance!(@store sqlite, Sqlite, $($case),*);
    };
    (@store $name:ident, $subject:ty, $($case:ident),*) => {
        mod $name {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let subject = <$subject>::new().await;
                    super::cases::$case(subject.open().await).await;
                }
            )*

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn does_what_the_model_does() {
                super::model::compare(&<$subject>::new().await).await;
            }
        }
    };
}

conformance!(
    a_new_store_is_empty,
    what_is_committed_is_there,
    a_change_is_whole_or_nothing,
    a_conflict_tells_what_changed,
    of_two_writers_one_wins,
    no_increment_is_lost,
    who_waits_is_woken_in_order,
    who_leaves_does_not_undo_a_change,
    a_change_that_breaks_a_bound_changes_nothing,
    bodies_are_kept_to_the_byte,
);
