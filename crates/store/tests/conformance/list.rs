//! The cases as tests of one store, also for the tests with real brokers.

/// A test of each case for a [`Subject`](crate::cases::Subject).
macro_rules! conformance {
    ($name:ident, $subject:ty) => {
        conformance!(
            @cases $name, $subject,
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
            keys_of_any_length_are_kept,
        );
    };
    (@cases $name:ident, $subject:ty, $($case:ident),* $(,)?) => {
        mod $name {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let subject = <$subject as crate::cases::Subject>::new().await;
                    crate::cases::$case(crate::cases::Subject::open(&subject).await).await;
                }
            )*

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn does_what_the_model_does() {
                crate::model::compare(&<$subject as crate::cases::Subject>::new().await).await;
            }
        }
    };
}
