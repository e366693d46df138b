use model::{
    DeliveryId, EventId, Name,
    delivery::{AnswerSeen, Status},
    destination::{ComeBack, Failover, Statuses},
    retry::RetrySpec,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::destinations::Asks;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn delivery(attempts: u32) -> Delivery {
    let name: Name = "ci".parse().unwrap();
    Delivery {
        id: DeliveryId::new(NOW, 1),
        event: EventId::new(NOW, 1),
        project: "team".parse().unwrap(),
        route: "hooks".parse().unwrap(),
        destination: name.clone(),
        target: name,
        status: Status::Waiting,
        attempts,
        due: Some(NOW),
        under_way: false,
        lane: None,
        replay: false,
        created: NOW,
        reason: None,
    }
}

/// With pauses of 10, 20 and 30 seconds.
fn policy() -> Policy {
    let retry: RetrySpec = serde_json::from_value(json!({ "delays_seconds": [10, 20, 30] })).unwrap();
    Policy { retry: retry.read().unwrap(), ..Policy::default() }
}

fn with_failover(change: impl FnOnce(&mut Failover)) -> Policy {
    let mut failover = Failover {
        to: "spare".parse().unwrap(),
        after_attempts: None,
        when_breaker_open: true,
        on_status: Statuses::none(),
        come_back: ComeBack::NextDelivery,
    };
    change(&mut failover);
    Policy { failover: Some(failover), ..policy() }
}

fn answered(status: u16, asks: Asks) -> End {
    let answer = AnswerSeen { status, headers: Vec::new(), body: String::new(), truncated: false };
    End::Answered { answer, asks }
}

fn status(status: u16) -> End {
    answered(status, Asks::default())
}

fn asking(status: u16, wait: Wait) -> End {
    answered(status, Asks { wait: Some(wait), ..Asks::default() })
}

/// With attempts that all failed where it is.
fn tried<'a>(policy: &'a Policy, delivery: &'a Delivery) -> Tried<'a> {
    let comes_back = policy.failover.as_ref().is_some_and(|failover| failover.come_back == ComeBack::NextAttempt);
    Tried {
        delivery,
        slowed: 0,
        here: delivery.attempts,
        onward: None,
        target: policy,
        home: &delivery.destination,
        comes_back,
        retry: &policy.retry,
        holds_lane: true,
    }
}

fn decided(policy: &Policy, delivery: &Delivery, slowed: u32, end: &End) -> Decision {
    decide(Tried { slowed, ..tried(policy, delivery) }, end, NOW, 0)
}

fn onward(to: &str, is_well: bool) -> Onward {
    Onward { to: to.parse().unwrap(), is_well }
}

/// When it is due, in milliseconds from now; where; and how many attempts count.
fn retry(decision: &Decision) -> (u64, &str, u32) {
    match &decision.next {
        Next::Retry { due, target, attempts, .. } => (due.as_millis() - NOW.as_millis(), target.as_str(), *attempts),
        next => panic!("{next:?}"),
    }
}

#[test]
fn what_is_a_success_is_done() {
    for code in [200, 201, 202, 204, 299] {
        let decision = decided(&policy(), &delivery(3), 0, &status(code));
        assert_eq!(
            (decision.next, decision.outcome, decision.health),
            (Next::Delivered, Outcome::Delivered, Health::Good)
        );
        assert_eq!((decision.reason, decision.disable), (None, None));
    }
    let policy = Policy { success: Statuses::read(&["409".to_owned(), "410".to_owned()]).unwrap(), ..policy() };
    assert_eq!(decided(&policy, &delivery(0), 0, &status(409)).next, Next::Delivered);
    assert_eq!(decided(&policy, &delivery(0), 0, &status(410)).disable, None);
    assert_eq!(retry(&decided(&policy, &delivery(0), 0, &status(200))), (10_000, "ci", 1));
}

#[test]
fn failures_are_tried_again_until_no_attempt_is_left() {
    for end in [
        status(400),
        status(404),
        status(408),
        status(409),
        status(425),
        status(500),
        status(302),
        End::Failed { reason: "the destination cannot be connected to".to_owned() },
    ] {
        for (attempts, pause) in [(0, 10_000), (1, 20_000), (2, 30_000)] {
            let decision = decided(&policy(), &delivery(attempts), 0, &end);
            assert_eq!(retry(&decision), (pause, "ci", attempts + 1));
            assert_eq!((decision.outcome, decision.health), (Outcome::Failed, Health::Bad));
        }
        let Next::Dead { attempts: 4, reason, holds_lane: true } = decided(&policy(), &delivery(3), 0, &end).next
        else {
            panic!("an attempt is left");
        };
        assert!(reason.starts_with("4 attempts failed, the last one: "), "{reason}");
    }
    let redirect = decided(&policy(), &delivery(0), 0, &status(308));
    assert_eq!(redirect.reason.as_deref(), Some("answered 308; redirects are not followed"));
}

#[test]
fn patience_does_not_count_up_to_a_bound() {
    let policy = policy();
    for (slowed, pause) in [(0, 5_000), (1, 10_000), (2, 20_000), (19, 600_000)] {
        for code in [429, 503] {
            let decision = decided(&policy, &delivery(1), slowed, &status(code));
            assert_eq!(retry(&decision), (pause, "ci", 1));
            assert_eq!((decision.outcome, decision.health, decision.quiet), (Outcome::Slowed, Health::Busy, None));
        }
    }
    let decision = decided(&policy, &delivery(1), 20, &status(429));
    assert_eq!((retry(&decision), decision.outcome), ((20_000, "ci", 2), Outcome::Failed));
    let none = Policy { slow_downs: 0, ..policy };
    assert_eq!(decided(&none, &delivery(0), 0, &status(503)).outcome, Outcome::Failed);
}

#[test]
fn a_destination_is_not_asked_earlier_than_it_wants() {
    let seconds = |seconds| Wait::For(Duration::from_secs(seconds));
    let date = Wait::Until(NOW.after(Duration::from_secs(90)));
    for (wait, pause) in [
        (seconds(90), 90_000),
        (date, 90_000),
        (seconds(0), 1_000),
        (Wait::Until(Timestamp::from_millis(0)), 1_000),
        (seconds(u64::MAX), 86_400_000),
    ] {
        let decision = decided(&policy(), &delivery(0), 0, &asking(429, wait));
        assert_eq!(retry(&decision), (pause, "ci", 0));
        assert_eq!(decision.quiet, Some(NOW.after(Duration::from_millis(pause))));
    }
    // Whatever the status: the later of the two.
    assert_eq!(retry(&decided(&policy(), &delivery(0), 0, &asking(500, seconds(90)))), (90_000, "ci", 1));
    assert_eq!(retry(&decided(&policy(), &delivery(0), 0, &asking(500, seconds(1)))), (10_000, "ci", 1));
    assert_eq!(retry(&decided(&policy(), &delivery(0), 20, &asking(429, seconds(90)))), (90_000, "ci", 1));
}

#[test]
fn a_destination_that_wants_nothing_more_keeps_its_backlog() {
    let disable = answered(500, Asks { disable: true, ..Asks::default() });
    for (end, why) in [(status(410), "answered 410"), (disable, "answered 500 with `webhook-delivery: disable`")] {
        let decision = decided(&policy(), &delivery(3), 0, &end);
        assert_eq!((retry(&decision), decision.outcome), ((0, "ci", 3), Outcome::Aborted));
        assert_eq!(decision.disable.as_deref(), Some(why));
    }
    let decision = decided(&policy(), &delivery(0), 0, &answered(204, Asks { disable: true, ..Asks::default() }));
    assert_eq!(decision.next, Next::Delivered);
    assert!(decision.disable.is_some());
}

#[test]
fn a_message_that_is_not_wanted_is_given_up() {
    let abort = Asks { abort: true, ..Asks::default() };
    let Next::Dead { attempts: 1, reason, .. } = decided(&policy(), &delivery(0), 0, &answered(500, abort)).next else {
        panic!("it is tried again");
    };
    assert_eq!(reason, "answered 500 with `webhook-delivery: abort-message`");
    assert_eq!(decided(&policy(), &delivery(0), 0, &answered(200, abort)).next, Next::Delivered);
    let unsendable = decided(&policy(), &delivery(0), 0, &End::Unsendable { reason: "no".to_owned() });
    assert!(matches!(unsendable.next, Next::Dead { .. }));
    assert_eq!((unsendable.outcome, unsendable.health), (Outcome::Aborted, Health::Untold));
}

#[test]
fn another_steps_in_at_once() {
    let spare = onward("spare", true);
    let pause = |policy: &Policy, here: u32, end: &End| {
        let delivery = delivery(here);
        retry(&decide(Tried { onward: Some(&spare), ..tried(policy, &delivery) }, end, NOW, 0)).0
    };
    let after = with_failover(|failover| failover.after_attempts = Some(2));
    assert_eq!(pause(&after, 0, &status(500)), 10_000);
    assert_eq!(pause(&after, 1, &status(500)), 0);
    // Even if no attempt would have been left, and whatever the one asked for that failed.
    assert_eq!(pause(&after, 3, &status(500)), 0);
    assert_eq!(pause(&after, 1, &asking(500, Wait::For(Duration::from_secs(90)))), 0);
    let on_status = with_failover(|failover| failover.on_status = Statuses::read(&["503".to_owned()]).unwrap());
    assert_eq!(pause(&on_status, 0, &status(503)), 0);
    assert_eq!(pause(&on_status, 0, &status(500)), 10_000);
    let delivery = delivery(1);
    let over = decide(Tried { onward: Some(&spare), ..tried(&after, &delivery) }, &status(500), NOW, 0);
    assert_eq!(retry(&over), (0, "spare", 2));
}

#[test]
fn attempts_count_where_they_were_made() {
    let (after, third) = (with_failover(|failover| failover.after_attempts = Some(2)), onward("third", true));
    let at_spare = Delivery { target: "spare".parse().unwrap(), ..delivery(2) };
    let fails = |here| {
        let tried = Tried { here, onward: Some(&third), ..tried(&after, &at_spare) };
        decide(tried, &status(500), NOW, 0)
    };
    assert_eq!(retry(&fails(0)), (30_000, "spare", 3));
    assert_eq!(retry(&fails(1)), (0, "third", 3));
}

#[test]
fn if_nobody_is_well_it_waits_at_home() {
    let after = with_failover(|failover| {
        failover.after_attempts = Some(1);
        failover.on_status = Statuses::read(&["503".to_owned()]).unwrap();
    });
    for target in ["ci", "spare"] {
        let delivery = Delivery { target: target.parse().unwrap(), ..delivery(1) };
        assert_eq!(retry(&decide(tried(&after, &delivery), &status(500), NOW, 0)), (20_000, "ci", 2));
        // It is asked for patience as if there were no failover.
        assert_eq!(retry(&decide(tried(&after, &delivery), &status(503), NOW, 0)), (5_000, target, 1));
        let last = Delivery { attempts: 3, ..delivery };
        assert!(matches!(decide(tried(&after, &last), &status(500), NOW, 0).next, Next::Dead { attempts: 4, .. }));
    }
    // Nobody knows how it is: others may be there before, so it has its pause, and its end.
    let (first, last, spare) = (delivery(1), delivery(3), onward("spare", false));
    let asks = asking(500, Wait::For(Duration::from_secs(90)));
    let untold = Tried { onward: Some(&spare), ..tried(&after, &first) };
    assert_eq!(retry(&decide(untold, &asks, NOW, 0)), (20_000, "spare", 2));
    let untold = Tried { onward: Some(&spare), ..tried(&after, &last) };
    assert!(matches!(decide(untold, &status(500), NOW, 0).next, Next::Dead { attempts: 4, .. }));
}

#[test]
fn what_has_gone_over_stays_or_comes_back() {
    let gone_over = Delivery { target: "spare".parse().unwrap(), ..delivery(2) };
    let last_of_all = policy();
    let of = |comes_back| Tried { comes_back, ..tried(&last_of_all, &gone_over) };
    assert_eq!(retry(&decide(of(false), &status(500), NOW, 0)), (30_000, "spare", 3));
    assert_eq!(retry(&decide(of(true), &status(500), NOW, 0)), (30_000, "ci", 3));
    assert_eq!(retry(&decide(of(true), &status(429), NOW, 0)), (5_000, "ci", 2));
    // It has an end, wherever it is.
    let last = Delivery { attempts: 3, ..gone_over.clone() };
    let decision = decide(Tried { delivery: &last, ..of(true) }, &status(500), NOW, 0);
    assert!(matches!(decision.next, Next::Dead { attempts: 4, .. }));
}

#[test]
fn a_filter_that_puts_off_has_an_end() {
    let policy = policy();
    let first = delivery(0);
    let decision = put_off(tried(&policy, &first), "not yet", Duration::from_secs(60), NOW, 0);
    assert_eq!((retry(&decision), decision.health), ((60_000, "ci", 1), Health::Untold));
    let last = delivery(3);
    assert!(matches!(put_off(tried(&policy, &last), "not yet", Duration::ZERO, NOW, 0).next, Next::Dead { .. }));
}

proptest! {
    #[test]
    fn whatever_is_answered_it_goes_on_or_ends(
        code in 200_u16..600, attempts in 0_u32..6, slowed in 0_u32..30, seconds: Option<u64>, abort: bool, disable: bool,
        over: bool, after in prop::option::of(1_u32..5), come_back: bool, well in prop::option::of(prop::bool::ANY),
        here in 0_u32..6, chance: u32,
    ) {
        let plan = with_failover(|failover| {
            failover.after_attempts = after;
            failover.come_back = if come_back { ComeBack::NextAttempt } else { ComeBack::NextDelivery };
        });
        let mut delivery = delivery(attempts);
        if over {
            delivery.target = "spare".parse().unwrap();
        }
        let wait = seconds.map(|seconds| Wait::For(Duration::from_secs(seconds)));
        let onward = well.map(|is_well| onward("third", is_well));
        let tried = Tried { slowed, here, onward: onward.as_ref(), ..tried(&plan, &delivery) };
        let decision = decide(tried, &answered(code, Asks { wait, abort, disable }), NOW, chance);
        match &decision.next {
            Next::Delivered => prop_assert!((200..300).contains(&code)),
            Next::Retry { due, target, attempts: counted, reason } => {
                prop_assert!(*due >= NOW && *due <= NOW.after(2 * plan.retry_after_most));
                prop_assert!(*counted == attempts || *counted == attempts + 1);
                // Only what disables or slows may leave the count as it is.
                prop_assert!(*counted > attempts || decision.disable.is_some() || slowed < plan.slow_downs);
                let (home, target) = (delivery.target == *target, target.as_str());
                prop_assert!(target == "ci" || target == delivery.target.as_str() || target == "third");
                if home && decision.disable.is_none() {
                    let asked = seconds.map_or(0, |seconds| seconds.clamp(1, 86_400) * 1_000);
                    prop_assert!(due.as_millis() - NOW.as_millis() >= asked);
                }
                prop_assert!(reason.is_some());
            }
            Next::Dead { attempts: counted, reason, .. } => {
                prop_assert!(abort || attempts >= 3);
                prop_assert!(*counted == attempts + 1 && !reason.is_empty());
            }
            Next::Cancelled { .. } => prop_assert!(false),
        }
    }
}
