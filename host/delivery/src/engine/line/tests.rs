use model::{
    delivery::{Breaker, Disabled},
    destination::Rate,
};
use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + seconds * 1_000)
}

struct Seen {
    policy: Policy,
    condition: Condition,
    steps_in: Option<Fitness>,
    room: u32,
    now: Timestamp,
}

impl Default for Seen {
    fn default() -> Self {
        Self { policy: Policy::default(), condition: Condition::default(), steps_in: None, room: 256, now: at(100) }
    }
}

impl Seen {
    fn turn(&self, line: &Line) -> Turn {
        let Self { policy, condition, steps_in, room, now } = self;
        line.turn(Sight { policy, condition, steps_in: *steps_in, room: *room, now: *now })
    }
}

fn due(seconds: u64) -> Line {
    Line { due: Some(at(seconds)), own_only: true, ..Line::default() }
}

fn open(until: u64) -> Condition {
    Condition { disabled: None, breaker: Breaker::Open { until: at(until), times: 1 } }
}

fn disabled() -> Condition {
    Condition { disabled: Some(Disabled { since: at(0), reason: String::new() }), breaker: Breaker::default() }
}

#[test]
fn what_is_due_is_taken_up_to_what_is_free() {
    let seen = Seen::default();
    assert_eq!(seen.turn(&due(100)), Turn::Claim(16));
    assert_eq!(seen.turn(&due(101)), Turn::At(at(101)));
    assert_eq!(seen.turn(&Line { in_flight: 10, ..due(1) }), Turn::Claim(6));
    assert_eq!(seen.turn(&Line { in_flight: 16, ..due(1) }), Turn::Never);
    assert_eq!(seen.turn(&Line { busy: true, ..due(1) }), Turn::Never);
    assert_eq!(seen.turn(&Line::default()), Turn::Never);
    assert_eq!(seen.turn(&Line { quiet: at(120), ..due(1) }), Turn::At(at(120)));
}

#[test]
fn there_is_always_room_for_one_of_each_destination() {
    for (room, in_flight, turn) in [
        (256, 0, Turn::Claim(16)),
        (20, 0, Turn::Claim(10)),
        (1, 0, Turn::Claim(1)),
        (1, 5, Turn::Claim(1)),
        (0, 0, Turn::Claim(1)),
        (0, 1, Turn::WhenThereIsRoom),
    ] {
        assert_eq!(Seen { room, ..Seen::default() }.turn(&Line { in_flight, ..due(1) }), turn);
    }
}

#[test]
fn a_breaker_that_is_open_is_waited_for_and_then_probed() {
    let seen = |until| Seen { condition: open(until), ..Seen::default() };
    assert_eq!(seen(130).turn(&due(1)), Turn::At(at(130)));
    assert_eq!(seen(100).turn(&due(1)), Turn::Claim(1));
    assert_eq!(seen(100).turn(&Line { in_flight: 1, ..due(1) }), Turn::Never);
    let off = Seen { policy: Policy { breaker: None, ..Policy::default() }, ..seen(130) };
    assert_eq!(off.turn(&due(1)), Turn::Claim(16));
}

#[test]
fn a_disabled_destination_is_left_alone() {
    let seen = Seen { condition: disabled(), ..Seen::default() };
    assert_eq!(seen.turn(&due(1)), Turn::Never);
}

#[test]
fn another_destination_steps_in_for_what_is_due() {
    for fitness in [Fitness::Well, Fitness::Untold] {
        let seen = |condition| Seen { condition, steps_in: Some(fitness), ..Seen::default() };
        assert_eq!(seen(Condition::default()).turn(&due(1)), Turn::Claim(16));
        assert_eq!(seen(open(130)).turn(&due(1)), Turn::Move(fitness));
        assert_eq!(seen(open(130)).turn(&due(110)), Turn::At(at(110)));
        assert_eq!(seen(open(100)).turn(&due(1)), Turn::Claim(1));
        assert_eq!(seen(open(100)).turn(&Line { in_flight: 1, ..due(1) }), Turn::Move(fitness));
        assert_eq!(seen(disabled()).turn(&due(1)), Turn::Move(fitness));
    }
}

#[test]
fn guests_go_home_from_one_that_is_left_alone() {
    let guests = Line { own_only: false, ..due(1) };
    assert_eq!(Seen { condition: open(130), ..Seen::default() }.turn(&guests), Turn::Move(Fitness::Well));
    assert_eq!(Seen { condition: disabled(), ..Seen::default() }.turn(&guests), Turn::Move(Fitness::Well));
    assert_eq!(Seen::default().turn(&guests), Turn::Claim(16));
}

#[test]
fn a_rate_makes_wait() {
    let rate = Rate { events: 5, per: Duration::from_secs(10) };
    let seen = Seen { policy: Policy { rate: Some(rate), ..Policy::default() }, ..Seen::default() };
    let mut line = due(1);
    assert_eq!(seen.turn(&line), Turn::Claim(5));
    line.bucket.take(&rate, at(100), 5);
    assert_eq!(seen.turn(&line), Turn::At(at(102)));
}

#[test]
fn a_journal_that_fails_is_left_alone_for_longer_and_longer() {
    let mut line = due(1);
    for millis in [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
        line.quiet = Timestamp::default();
        line.trouble(at(100));
        assert_eq!(line.quiet, at(100).after(Duration::from_millis(millis)));
    }
}

proptest! {
    #[test]
    fn a_turn_never_takes_more_than_there_is_and_never_lets_one_wait_for_nothing(
        in_flight in 0_u32..40, room in 0_u32..300, concurrency in 1_u32..40, due_at in 0_u64..200, quiet in 0_u64..200,
        until in prop::option::of(0_u64..200), disabled_by_hand: bool, well: bool, own_only: bool, rate in prop::option::of(1_u32..9),
        taken in 0_u32..9,
    ) {
        let rate = rate.map(|events| Rate { events, per: Duration::from_secs(7) });
        let mut condition = until.map(open).unwrap_or_default();
        if disabled_by_hand {
            condition.disabled = disabled().disabled;
        }
        let policy = Policy { concurrency, rate, ..Policy::default() };
        let steps_in = well.then_some(Fitness::Well);
        let seen = Seen { policy, condition, steps_in, room, now: at(100) };
        let mut line = Line { in_flight, quiet: at(quiet), own_only, ..due(due_at) };
        if let Some(rate) = &rate {
            line.bucket.take(rate, at(100), taken);
        }
        match seen.turn(&line) {
            Turn::Claim(take) => {
                prop_assert!(take >= 1 && in_flight + take <= concurrency && !disabled_by_hand);
                prop_assert!(due_at <= 100 && quiet <= 100 && until.is_none_or(|until| until <= 100));
                prop_assert!(in_flight == 0 || take <= room);
                prop_assert!(until.is_none() || (take == 1 && in_flight == 0));
            }
            Turn::At(time) => prop_assert!(time > at(100)),
            Turn::Move(_) => {
                prop_assert!((well || !own_only) && (until.is_some() || disabled_by_hand) && due_at.max(quiet) <= 100);
            }
            Turn::Never => prop_assert!(in_flight > 0 || disabled_by_hand),
            Turn::WhenThereIsRoom => prop_assert!(in_flight > 0 && room == 0),
        }
    }
}
