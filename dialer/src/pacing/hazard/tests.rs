use super::super::RingEnd;
use super::*;
use base::Seed;

#[test]
fn exponential_spells_give_a_memoryless_curve() {
    let mut stream = Seed::from_u64(1).stream("spells", 0);
    let mut hazard = SpellHazard::new(500.0);
    for _ in 0..20_000 {
        hazard.ended(-60.0 * (1.0 - stream.unit()).ln());
    }
    hazard.refresh(std::iter::empty());
    for age in [0.0, 30.0, 100.0] {
        let lasts = hazard.lasts(age, 20.0);
        assert!((lasts - (-20.0_f64 / 60.0).exp()).abs() < 0.02, "age {age}: {lasts}");
    }
}

#[test]
fn near_constant_spells_are_seen_to_end_soon() {
    let mut stream = Seed::from_u64(2).stream("spells", 0);
    let mut hazard = SpellHazard::new(120.0);
    for _ in 0..3_000 {
        hazard.ended(stream.range_f64(85.0, 95.0));
    }
    hazard.refresh(std::iter::empty());
    assert!(hazard.lasts(10.0, 20.0) > 0.95);
    // A rate that is constant within a bin of 5 s lets a few outlive the longest.
    assert!(hazard.lasts(84.0, 20.0) < 0.2, "{}", hazard.lasts(84.0, 20.0));
}

#[test]
fn running_spells_count_so_that_short_ones_do_not_mislead() {
    // All that is known: ten spells of 5 s ended, forty run since 200 s.
    let mut biased = SpellHazard::new(120.0);
    for _ in 0..10 {
        biased.ended(5.0);
    }
    biased.refresh(std::iter::empty());
    let without = biased.lasts(20.0, 60.0);
    biased.refresh(std::iter::repeat_n(200.0, 40));
    assert!(biased.lasts(20.0, 60.0) > without + 0.2);
}

#[test]
fn ring_rates_are_unbiased_with_calls_still_ringing() {
    // 10 % a second are answered by persons; only calls up to 5 s old were seen to the end.
    let mut stream = Seed::from_u64(3).stream("ring", 0);
    let mut hazards = RingHazards::new();
    let mut ringing = Vec::new();
    for _ in 0..20_000 {
        let answer = -10.0 * (1.0 - stream.unit()).ln();
        let looked_at = stream.range_f64(0.0, 10.0);
        if answer < looked_at { hazards.spell(0.0, answer, Some(RingEnd::Person)) } else { ringing.push(looked_at) }
    }
    let rates = hazards.rates(ringing.iter().copied());
    for (second, rate) in rates.iter().enumerate().take(8).skip(3) {
        assert!((rate.person - 0.1).abs() < 0.012, "second {second}: {}", rate.person);
    }
    let lagging = hazards.rates(std::iter::empty());
    assert!(lagging[4].person > 0.15, "without them the rate would be far too high: {}", lagging[4].person);
}

#[test]
fn a_storm_of_failures_is_capped_and_old_counts_fade() {
    let mut hazards = RingHazards::new();
    for n in 0..1_000 {
        hazards.spell(0.0, if n % 10 < 9 { 0.5 } else { 20.0 }, Some(RingEnd::Other));
    }
    let rates = hazards.rates(std::iter::empty());
    let fail = 1.0 - (-(rates[0].other + rates[1].other)).exp();
    assert!((fail - 0.3).abs() < 1e-9, "{fail}");
    let before = hazards.count;
    hazards.decay(HALF_LIFE_S);
    assert!((hazards.count - before / 2.0).abs() < 1e-6);
}
