//! Cases that every backend must pass, whatever it keeps things in. A backend runs them with `registry_contract!` and
//! `journal_contract!`: one test for each case, each on an empty backend of its own that has the limits below.

pub mod accept;
pub mod changes;
pub mod claims;
pub mod events;
pub mod journal;
pub mod lanes;
pub mod listings;
pub mod lists;
pub mod once;
pub mod redrives;
pub mod references;
pub mod retention;
pub mod sample;
pub mod search;
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
pub const JOURNAL_LIMITS: journal_store::Limits = journal_store::Limits {
    keys: 64,
    key_bytes: 512,
    value_bytes: 1_024,
    waiting: 1_024,
    waiting_bytes: 1 << 20,
    kept_waiting: 256,
    kept_waiting_bytes: 256 << 10,
    unauthenticated_bytes: 1_024,
    attempts: 4,
    looked_at: 16,
};

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
            references: what_is_named_must_be_there, what_is_named_cannot_go, destinations_hold_what_they_name,
                        digests_of_every_kind_hold_their_module,
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
            accept: an_event_is_read_as_it_was_written, bodies_of_every_kind, without_deliveries_nothing_is_accepted,
                    accepting_is_all_or_nothing, a_key_is_accepted_once_in_its_window,
                    of_many_with_one_key_one_is_accepted, what_filters_reserved_is_known_with_the_event,
                    more_deliveries_of_a_kept_event, what_goes_nowhere_is_kept, unauthenticated_bodies_have_a_quota,
                    what_events_ran_on_is_known;
            claims: what_is_due_longest_comes_first, a_lease_that_is_over_goes_to_the_next,
                    a_lease_is_concluded_once, what_becomes_of_an_attempt_is_kept, attempts_have_a_limit,
                    what_was_made_is_kept_once, a_cancelled_delivery_is_not_made, every_delivery_is_claimed_by_one,
                    backlogs_tell_who_has_something_to_do, conditions_are_kept, writing_can_be_tried;
            lanes: one_after_the_other, one_that_may_not_be_made_yet_keeps_its_time,
                   a_dead_one_lets_others_pass_or_holds_them, cancelling_in_the_middle_leaves_the_order,
                   one_that_is_sent_again_waits_for_who_is_first;
            lists: pages_of_events, events_by_what_is_in_them, events_by_what_became_of_them,
                   a_page_looks_at_a_bounded_number, pages_of_deliveries;
            redrives: dead_ones_are_sent_again_one_after_the_other, what_waits_becomes_due_at_once,
                      an_old_lease_is_over;
            retention: the_oldest_go_in_slices, what_waits_stays, who_holds_a_lane_stays_while_others_wait,
                       only_so_many_are_kept, only_so_many_bytes_are_kept, bodies_go_first,
                       unauthenticated_ones_live_shorter, what_went_is_named_no_more, free_space_goes_back;
            search: words_are_found, no_text_is_an_error, routes_are_opted_in_and_out, what_is_searched_is_filtered_too,
                    a_page_of_a_search_is_bounded, projects_are_searched_apart, what_retention_removes_is_not_found,
                    bodies_that_went_by_themselves_are_not_found, everything_is_forgotten_and_filled_again;
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
