//! Cases that every backend must pass, whatever it keeps things in. A backend runs them with `registry_contract!` and
//! `journal_contract!`: one test for each case, each on an empty backend of its own that has the limits below.

pub mod changes;
pub mod journal;
pub mod listings;
pub mod once;
pub mod references;
pub mod sample;
pub mod secrets;

use crate::{journal as journal_store, registry};

/// Small enough to be reached.
pub const REGISTRY_LIMITS: registry::Limits = registry::Limits {
    projects: 3,
    routes: 4,
    destinations: 4,
    secrets: 4,
    module_versions: 6,
    aliases: 3,
    secret_values: 3,
    module_bytes: 4_096,
    revisions: 50,
};

/// Small enough to be reached.
pub const JOURNAL_LIMITS: journal_store::Limits =
    journal_store::Limits { keys: 64, key_bytes: 512, value_bytes: 1_024 };

/// `$open` is a function that returns what keeps the backend alive, and an `Arc<dyn Registry>`.
#[macro_export]
macro_rules! registry_contract {
    ($open:path) => {
        $crate::contract_cases! {
            $open;
            changes: starts_with_one_empty_project, keeps_what_was_written, is_all_or_nothing, the_same_is_no_change,
                     preconditions, projects_are_apart, versions_count_up, bytes_stay_while_one_has_them,
                     concurrent_revisions_are_lost_by_all_but_one, keeps_what_the_version_before_prepared,
                     limits;
            references: what_is_named_must_be_there, what_is_named_cannot_go, digests_of_every_kind_hold_their_module,
                        aliases_hold_their_version, the_order_of_writes_is_free, configurations_stay_while_named,
                        concurrent_writers_cannot_break_them;
            secrets: rotate, are_not_listed, have_a_size, values_have_a_limit;
            listings: pages_of_modules, pages_of_revisions, old_revisions_are_forgotten;
        }
    };
}

/// `$open` is a function that returns what keeps the backend alive, and an `Arc<dyn Journal>`.
#[macro_export]
macro_rules! journal_contract {
    ($open:path) => {
        $crate::contract_cases! {
            $open;
            journal: values_come_and_go, scopes_are_apart, time_passes, counters_count, swaps_compare, limits_are_named,
                     what_is_over_makes_room, expires_in_slices, concurrent_counters_lose_nothing,
                     one_of_many_swaps_wins;
            once: the_first_is_first, a_release_frees, a_commit_is_known_until_its_time_is_over, events_settle_apart,
                  keys_are_not_values, an_event_that_nobody_settles_holds_for_its_time, reserved_keys_count,
                  exactly_one_is_first;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! contract_cases {
    ($open:path; $($file:ident: $($case:ident),+;)+) => { $($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $case() {
            let (_keep, backend) = $open();
            $crate::contract::$file::$case(backend).await;
        }
    )+)+ };
}
