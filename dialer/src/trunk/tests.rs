use super::*;

fn at(ms: u64) -> Instant {
    Instant::from_ns(ms * 1_000_000)
}

/// What channels and rate allow together.
fn room(trunk: &mut Trunk, now: Instant) -> u32 {
    let (channels, rate) = trunk.room(now);
    channels.min(rate)
}

#[test]
fn no_second_has_more_than_the_rate_even_when_the_store_lets_go_a_burst() {
    let mut trunk = Trunk::new(100, 3.0);
    assert_eq!(room(&mut trunk, at(0)), 3);
    for _ in 0..3 {
        trunk.reserve();
    }
    assert_eq!(room(&mut trunk, at(500)), 0, "reserved room counts");
    let mut dialled = Vec::new();
    for id in 0..3 {
        assert!(trunk.launch_or_hold(at(900), AttemptId(id)));
        dialled.push(900);
    }
    assert_eq!(room(&mut trunk, at(1_500)), 0);
    trunk.reserve(); // as if decided before the others went out late
    assert!(!trunk.launch_or_hold(at(1_500), AttemptId(9)));
    assert_eq!(trunk.poll_timeout(), Some(at(1_900)));
    assert_eq!(trunk.release(at(1_899)), None);
    assert_eq!(trunk.release(at(1_900)), Some(AttemptId(9)));
    assert_eq!(trunk.poll_timeout(), None);
}

#[test]
fn channels_bind_and_come_back() {
    let mut trunk = Trunk::new(2, 100.0);
    trunk.reserve();
    trunk.reserve();
    assert_eq!(room(&mut trunk, at(0)), 0);
    assert!(trunk.launch_or_hold(at(0), AttemptId(1)));
    trunk.cancel(AttemptId(2));
    assert_eq!((room(&mut trunk, at(0)), trunk.in_use()), (1, 1));
    trunk.ended();
    assert_eq!(room(&mut trunk, at(0)), 2);
    trunk.set_channels(0);
    assert_eq!(room(&mut trunk, at(0)), 0);
}

#[test]
fn a_trunk_that_shrinks_below_its_calls_empties_first() {
    let mut trunk = Trunk::new(3, 100.0);
    for attempt in 1..=3 {
        trunk.reserve();
        assert!(trunk.launch_or_hold(at(0), AttemptId(attempt)));
    }
    trunk.set_channels(1);
    for (left, allowed) in [(2, 0), (1, 0), (0, 1)] {
        trunk.ended();
        assert_eq!((trunk.in_use(), room(&mut trunk, at(5_000))), (left, allowed));
    }
}

#[test]
fn rates_under_one_and_none_at_all() {
    let mut trunk = Trunk::new(10, 0.5);
    trunk.reserve();
    assert!(trunk.launch_or_hold(at(0), AttemptId(1)));
    assert_eq!(room(&mut trunk, at(1_999)), 0);
    assert_eq!(room(&mut trunk, at(2_000)), 1);
    assert_eq!(room(&mut Trunk::new(10, 0.0), at(0)), 0);
    assert_eq!(room(&mut Trunk::new(10, f64::NAN), at(0)), 0);
}

#[test]
fn a_retry_after_closes_the_trunk_and_it_opens_at_half_its_rate() {
    let mut trunk = Trunk::new(100, 20.0);
    for id in 0..8 {
        trunk.reserve();
        assert!(trunk.launch_or_hold(at(100 * id), AttemptId(id)));
    }
    // Durable while the trunk is at its rate: it would wait.
    trunk.held.push_back(AttemptId(50));
    assert_eq!(trunk.refused(at(900), Some(30)), [AttemptId(50)]);
    assert_eq!((room(&mut trunk, at(900)), room(&mut trunk, at(30_899))), (0, 0));
    // The other calls of the burst are refused too: still one refusal, though the longest patience counts.
    assert!(trunk.refused(at(1_000), Some(31)).is_empty() && trunk.refused(at(2_500), Some(5)).is_empty());
    assert_eq!(trunk.closed_until(at(2_500)), Some(at(32_000)));
    assert_eq!(room(&mut trunk, at(31_999)), 0);
    // Eight calls were dialled in the second before: four a second now, and twice as many every ten seconds.
    let rate = |trunk: &mut Trunk, ms| {
        room(trunk, at(ms));
        trunk.cps()
    };
    assert_eq!(room(&mut trunk, at(32_000)), 4);
    assert_eq!(rate(&mut trunk, 41_999), 4.0);
    assert_eq!(rate(&mut trunk, 42_000), 8.0);
    assert_eq!(rate(&mut trunk, 52_000), 16.0);
    assert_eq!(rate(&mut trunk, 62_000), 20.0);
    assert_eq!(trunk.closed_until(at(62_000)), None);
}

#[test]
fn one_refusal_among_many_calls_costs_its_time_and_not_the_rate() {
    let mut trunk = Trunk::new(100, 20.0);
    for served in [10, 40, 9] {
        for _ in 0..served {
            trunk.served();
        }
        let now = 10_000 * u64::from(served == 40) + 20_000 * u64::from(served == 9);
        trunk.refused(at(now), Some(2));
        assert_eq!((room(&mut trunk, at(now + 1_999)), room(&mut trunk, at(now + 2_000)) > 0), (0, true));
        assert_eq!(trunk.cps() < 20.0, served == 9, "after {served}");
    }
}

#[test]
fn a_trunk_that_says_nothing_but_503_is_slowed_and_one_that_fails_some_calls_is_not() {
    let mut trunk = Trunk::new(100, 10.0);
    for n in 0..200 {
        trunk.refused(at(10 * n), None);
        if n % 10 == 9 {
            trunk.served();
        }
    }
    assert_eq!(trunk.cps(), 10.0);
    for n in 0..2_000 {
        trunk.refused(at(2_000 + 10 * n), None);
    }
    assert!(trunk.cps() < 0.5, "{}", trunk.cps());
    assert_eq!(trunk.closed_until(at(22_000)), None);
    trunk.served();
    room(&mut trunk, at(22_000 + 80_000));
    assert_eq!(trunk.cps(), 10.0);
}

#[test]
fn nobody_is_patient_for_days_and_a_new_limit_does_not_lift_the_throttle() {
    let mut trunk = Trunk::new(100, 10.0);
    trunk.refused(at(0), Some(u32::MAX));
    assert_eq!(trunk.closed_until(at(1)), Some(at(3_600_000)));
    trunk.set_rate(50.0);
    assert_eq!((trunk.cps(), room(&mut trunk, at(3_600_000))), (0.5, 1));
    trunk.set_rate(0.25);
    assert_eq!(trunk.cps(), 0.25);
}
