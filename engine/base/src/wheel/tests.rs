use super::*;
use crate::rng::Seed;
use std::collections::BTreeMap;

fn ms(ms: u64) -> Instant {
    Instant::ZERO + Duration::from_ms(ms)
}

#[test]
fn fires_in_order_and_never_early() {
    let mut wheel = TimerWheel::new();
    for at in [70_000, 3, 256, 1, 255, 65_536, 3] {
        wheel.insert(ms(at), at);
    }
    assert_eq!(wheel.pop_expired(ms(0)), None);
    let mut fired = Vec::new();
    while let Some(at) = wheel.poll_timeout() {
        while let Some((moment, value)) = wheel.pop_expired(at) {
            assert!(moment <= at);
            fired.push(value);
        }
    }
    assert_eq!(fired, [1, 3, 3, 255, 256, 65_536, 70_000]);
    assert!(wheel.is_empty());
}

#[test]
fn cancel_is_final_and_stale_keys_are_harmless() {
    let mut wheel = TimerWheel::new();
    let key = wheel.insert(ms(10), "a");
    wheel.insert(ms(10), "b");
    assert_eq!(wheel.cancel(key), Some("a"));
    assert_eq!(wheel.cancel(key), None);
    assert_eq!(wheel.pop_expired(ms(10)), Some((ms(10), "b")));
    assert_eq!(wheel.poll_timeout(), None);
}

#[test]
fn beyond_the_horizon_waits_and_is_seldom_looked_at() {
    const DAY_MS: u64 = 24 * 3_600 * 1_000;
    for start in [0, 5, 1 << 24, (1 << 32) - 1, (1 << 32) + 77, 40 * DAY_MS] {
        for days in [48, 49, 50, 60, 200] {
            let mut wheel = TimerWheel::new();
            assert_eq!(wheel.pop_expired(ms(start)), None);
            // Moves the wheel to `start`.
            wheel.insert(ms(start), 0);
            assert_eq!(wheel.pop_expired(ms(start)), Some((ms(start), 0)));
            let far = ms(start + days * DAY_MS + 123);
            wheel.insert(far, 1);
            let mut looks = 0;
            loop {
                let at = wheel.poll_timeout().expect("still set");
                looks += 1;
                assert!(looks < 20, "started at {start}, {days} days ahead: a coarse look must make progress");
                if wheel.pop_expired(at).is_some() {
                    assert_eq!(at, far);
                    break;
                }
            }
        }
    }
}

#[test]
fn retain_takes_away_what_is_refused() {
    let mut wheel = TimerWheel::new();
    for at in [5, 5, 300, 70_000, 1 << 33] {
        wheel.insert(ms(at), at);
    }
    assert_eq!(wheel.pop_expired(ms(5)), Some((ms(5), 5)));
    wheel.retain(|at| *at == 300);
    assert_eq!((wheel.len(), wheel.pop_expired(ms(1_000))), (1, Some((ms(300), 300))));
    assert_eq!(wheel.poll_timeout(), None);
}

/// The wheel against a sorted map, over random insertions, cancellations and steps of time.
#[test]
fn agrees_with_a_sorted_map() {
    for seed in 0..40 {
        let mut random = Seed::from_u64(seed).stream("wheel", 0);
        let mut wheel = TimerWheel::new();
        let mut model: BTreeMap<(Instant, u64), TimerKey> = BTreeMap::new();
        let mut now = Instant::ZERO;
        let mut serial = 0;
        for _ in 0..3_000 {
            match random.below(10) {
                0..=4 => {
                    let scale = [300_u64, 5_000, 400_000, 90_000_000][random.below(4) as usize];
                    let at = now + Duration::from_us(random.below(scale * 1_000));
                    serial += 1;
                    let key = wheel.insert(at, serial);
                    model.insert((at, serial), key);
                }
                5 | 6 => {
                    let nth = random.below(model.len().max(1) as u64) as usize;
                    if let Some((&id, &key)) = model.iter().nth(nth) {
                        assert_eq!(wheel.cancel(key), Some(id.1));
                        model.remove(&id);
                    }
                }
                _ => {
                    now += Duration::from_us(random.below(2_000_000));
                    while let Some((at, value)) = wheel.pop_expired(now) {
                        let (&first, _) = model.iter().next().expect("the wheel fired what was not set");
                        assert_eq!((at, value), first);
                        model.remove(&first);
                    }
                    assert!(model.keys().next().is_none_or(|first| first.0 > now), "late timer, seed {seed}");
                }
            }
            assert_eq!(wheel.len(), model.len());
            let earliest = model.keys().next().map(|first| first.0);
            assert!(wheel.poll_timeout() <= earliest.or(wheel.poll_timeout()));
            assert_eq!(wheel.poll_timeout().is_some(), earliest.is_some());
        }
    }
}
