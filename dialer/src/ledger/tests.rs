use super::*;
use base::Seed;

const HOUR_US: i64 = 60 * MINUTE_US;
/// 2026-03-07 09:00 in New York (UTC-5), the day before the clocks go forward.
const START_US: i64 = 1_772_892_000_000_000;

/// From the decision to the answer.
const RANG: Duration = Duration::from_secs(9);

/// One abandoned.
fn one() -> [u32; AFTERS] {
    let mut after = [0; AFTERS];
    after[after_of(Some(RANG))] = 1;
    after
}

/// So many machines among the connected.
fn machines(connected: u64, machines: u64) -> MachineShares {
    let mut shares = MachineShares::default();
    let after = after_of(Some(RANG));
    for n in 0..connected {
        shares.add(Entry { at_us: 0, what: CountedAs::Connected, person: Some(n >= machines), after });
    }
    shares
}

struct Bench {
    ledger: Ledger,
    zones: Zones,
    attempts: u64,
}

fn terms(windows: &[Window], zone: u32) -> Terms {
    let denominator = crate::Profile::us_ftc().denominator;
    Terms { limit: 0.03, windows: windows.to_vec(), zone, denominator, amd: true }
}

impl Bench {
    fn new(windows: &[Window]) -> Bench {
        let mut zones = Zones::new();
        let zone = zones.index("America/New_York").unwrap();
        Bench { ledger: Ledger::new(terms(windows, zone)), zones, attempts: 0 }
    }

    fn roll(&mut self, hours: i64) {
        self.ledger.roll(START_US + hours * HOUR_US, &self.zones);
    }

    fn count(&mut self, hours: i64, what: CountedAs) -> AttemptId {
        self.attempts += 1;
        self.ledger.count(START_US + hours * HOUR_US, &self.zones, AttemptId(self.attempts), what, Some(RANG));
        AttemptId(self.attempts)
    }

    fn now(&self) -> Counts {
        self.ledger.windows().next().unwrap().1
    }
}

fn views(ledger: &Ledger, now_us: i64) -> Vec<LedgerView> {
    let anchor = WallAnchor { instant: Instant::from_ns(5_000_000_000), wall: WallTime::from_unix_us(START_US) };
    let mut views = Vec::new();
    ledger.views(instant_of(now_us, anchor), anchor, &mut views);
    views
}

#[test]
fn local_days_end_at_midnight_also_when_the_clocks_change() {
    let mut bench = Bench::new(&[Window::LocalDay]);
    bench.roll(0);
    bench.count(0, CountedAs::Abandoned);
    bench.roll(14);
    assert_eq!(bench.now().abandoned, 1);
    bench.roll(15); // midnight
    assert_eq!(bench.now().abandoned, 0);
    let closed = bench.ledger.closed()[0];
    assert_eq!((closed.counts.abandoned, closed.until.as_unix_us()), (1, START_US + 15 * HOUR_US));
    // March 8th has 23 hours: its midnight comes 38 hours after the start and not 39.
    bench.count(37, CountedAs::Connected);
    assert_eq!(bench.now().connected, 1);
    bench.roll(38);
    assert_eq!(bench.now().connected, 0);
    assert_eq!(bench.ledger.total, Counts { connected: 1, abandoned: 1, machines: 0, lost: 0, abandoned_after: one() });
}

#[test]
fn a_run_never_ends_and_days_count_from_the_start() {
    let mut bench = Bench::new(&[Window::Run, Window::Days(2)]);
    bench.roll(0);
    bench.count(47, CountedAs::Connected);
    bench.count(48, CountedAs::Connected);
    let counts: Vec<u64> = bench.ledger.windows().map(|(_, counts)| counts.connected).collect();
    assert_eq!(counts, [2, 1]);
    let views = views(&bench.ledger, START_US + 50 * HOUR_US);
    assert_eq!((views[0].left, views[1].left), (None, Some(Duration::from_secs(46 * 3_600))));
}

#[test]
fn unknown_machines_among_the_abandoned_never_make_them_more_than_they_are() {
    let mut bench = Bench::new(&[Window::Run]);
    for n in 0..100 {
        let attempt = bench.count(0, CountedAs::Connected);
        if n < 30 {
            assert!(bench.ledger.record(attempt, false));
        }
    }
    for _ in 0..4 {
        bench.count(0, CountedAs::Abandoned);
    }
    let view = views(&bench.ledger, START_US)[0];
    assert!(view.abandoned_upper <= 4.0);
    // 30 of 100 calls, and of ten more in doubt.
    let share: f64 = 30.0 / 110.0;
    assert!((view.answered - (70.0 + 4.0 * (1.0 - share))).abs() < 1e-9);
    for _ in 0..96 {
        bench.count(0, CountedAs::Abandoned);
    }
    let view = views(&bench.ledger, START_US)[0];
    // The spread of a hundred draws, and of a share that is known from 110.
    let spread = share * (1.0 - share);
    let deviation = (100.0 * spread + 100.0 * 100.0 * spread / 110.0).sqrt();
    assert!((view.abandoned_upper - (100.0 * (1.0 - share) + DEVIATIONS * deviation).min(100.0)).abs() < 1e-9);
}

#[test]
fn what_agents_record_counts_once_where_the_call_was_counted() {
    let mut bench = Bench::new(&[Window::LocalDay]);
    bench.roll(0);
    let first = bench.count(1, CountedAs::Connected);
    let lost = bench.count(1, CountedAs::Abandoned);
    let second = bench.count(20, CountedAs::Connected);
    for _ in 0..3 {
        assert!(bench.ledger.record(first, false) && bench.ledger.record(second, false));
    }
    // An abandoned person is no connected machine, whatever is recorded.
    assert!(bench.ledger.record(lost, false));
    assert_eq!((bench.ledger.closed()[0].counts.machines, bench.now().machines), (1, 1));
    bench.ledger.record(second, true);
    assert_eq!((bench.ledger.closed()[0].counts.machines, bench.now().machines), (1, 0));
    assert_eq!(bench.ledger.total.machines, 1);
    assert!(!bench.ledger.record(AttemptId(77), false));
}

#[test]
fn the_oldest_calls_are_forgotten_one_by_one_and_stay_counted() {
    let mut bench = Bench::new(&[Window::Run]);
    bench.roll(0);
    let first = bench.count(0, CountedAs::Connected);
    bench.ledger.record(first, false);
    for _ in 0..ENTRIES_MAX {
        bench.count(1, CountedAs::Connected);
    }
    assert_eq!(bench.ledger.entries.len(), ENTRIES_MAX);
    assert!(!bench.ledger.record(first, true));
    let all =
        Counts { connected: ENTRIES_MAX as u64 + 1, abandoned: 0, machines: 1, lost: 0, abandoned_after: [0; AFTERS] };
    assert_eq!((bench.now(), bench.ledger.total), (all, all));
    // A day that is opened later knows what is remembered, a run everything.
    let (zone, now_us) = (bench.ledger.terms.zone, START_US + 2 * HOUR_US);
    bench.ledger.configure(
        Terms { limit: 0.02, ..terms(&[Window::Run, Window::LocalDay], zone) },
        now_us,
        &bench.zones,
    );
    let counts: Vec<Counts> = bench.ledger.windows().map(|(_, counts)| counts).collect();
    assert_eq!((counts[0], counts[1].connected, bench.ledger.total), (all, ENTRIES_MAX as u64, all));
}

#[test]
fn another_limit_keeps_the_counts_and_other_windows_are_reckoned_from_the_calls() {
    let mut bench = Bench::new(&[Window::Run]);
    bench.roll(0);
    bench.count(1, CountedAs::Connected);
    bench.count(16, CountedAs::Abandoned);
    let now_us = START_US + 17 * HOUR_US;
    let zone = bench.ledger.terms.zone;
    bench.ledger.configure(Terms { limit: 0.01, ..terms(&[Window::Run], zone) }, now_us, &bench.zones);
    assert_eq!(bench.now(), Counts { connected: 1, abandoned: 1, machines: 0, lost: 0, abandoned_after: one() });
    assert_eq!(views(&bench.ledger, now_us)[0].limit, 0.01);
    bench.ledger.configure(Terms { limit: 0.01, ..terms(&[Window::LocalDay], zone) }, now_us, &bench.zones);
    assert_eq!(bench.now(), Counts { connected: 0, abandoned: 1, machines: 0, lost: 0, abandoned_after: one() });
    assert_eq!(bench.ledger.closed()[0].counts.connected, 1);
    // In Los Angeles it is still the first day: midnight comes three hours later.
    let west = bench.zones.index("America/Los_Angeles").unwrap();
    bench.ledger.configure(Terms { limit: 0.01, ..terms(&[Window::LocalDay], west) }, now_us, &bench.zones);
    assert_eq!((bench.now().connected, bench.now().abandoned, bench.ledger.closed().len()), (1, 1, 0));
}

#[test]
fn a_ledger_brought_back_is_the_ledger_that_lived_on() {
    let zones_named = ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"];
    for case in 0..300_u64 {
        let mut chance = Seed::from_u64(case).stream("ledger", 0);
        let mut zones = Zones::new();
        let zone = zones.index(zones_named[chance.below(4) as usize]).unwrap();
        let rolling = Window::Rolling(1 + chance.below(48) as u32);
        let days = Window::Days(1 + chance.below(30) as u32);
        let mut windows = vec![Window::Run, Window::LocalDay, days, Window::Month, rolling];
        windows.rotate_left(chance.below(5) as usize);
        windows.truncate(1 + chance.below(5) as usize);
        // From any moment of the year 2026, so that both changes of the clocks are met.
        let began_us = 1_767_225_600_000_000 + chance.below(365 * 24 * 60) as i64 * MINUTE_US;
        let mut lived = Ledger::new(terms(&windows, zone));
        lived.roll(began_us, &zones);
        let mut log: Vec<LedgerEntry> = Vec::new();
        let (mut now_us, mut brought_back) = (began_us, None::<Ledger>);
        let steps = 20 + chance.below(120);
        let dies_at = chance.below(steps);
        for step in 0..steps {
            // Minutes within a day, now and then a gap of days in which nobody works.
            let gap = if chance.below(15) == 0 { 60 * 24 * 5 } else { 90 };
            now_us += 1 + (chance.below(gap * 60_000_000)) as i64;
            if step == dies_at {
                let mut reborn = Ledger::new(terms(&windows, zone));
                let mut from_store = log.clone();
                from_store.reverse(); // a store gives rows in any order
                reborn.restore(WallTime::from_unix_us(began_us), from_store, now_us, &zones);
                brought_back = Some(reborn);
            }
            let attempt = AttemptId(step + 1);
            let both = [Some(&mut lived), brought_back.as_mut()];
            match chance.below(10) {
                0 => both.into_iter().flatten().for_each(|ledger| ledger.roll(now_us, &zones)),
                1..=3 if !log.is_empty() => {
                    let row = chance.below(log.len() as u64) as usize;
                    let person = chance.below(2) == 0;
                    log[row].person = Some(person);
                    let of = log[row].attempt;
                    both.into_iter().flatten().for_each(|ledger| assert!(ledger.record(of, person)));
                }
                kind => {
                    let what = match kind {
                        0..=5 => CountedAs::Abandoned,
                        6 => CountedAs::Lost,
                        _ => CountedAs::Connected,
                    };
                    let at = WallTime::from_unix_us(now_us);
                    log.push(LedgerEntry { attempt, at, counted_as: what, person: None, rang: Some(RANG) });
                    both.into_iter()
                        .flatten()
                        .for_each(|ledger| ledger.count(now_us, &zones, attempt, what, Some(RANG)));
                }
            }
            if let Some(reborn) = &mut brought_back {
                lived.roll(now_us, &zones);
                reborn.roll(now_us, &zones);
                assert!(lived.windows().eq(reborn.windows()), "case {case}, step {step}");
                assert_eq!(lived.closed(), reborn.closed(), "case {case}, step {step}");
                assert_eq!(views(&lived, now_us), views(reborn, now_us), "case {case}, step {step}");
            }
        }
        assert_eq!(lived.began(), brought_back.unwrap().began());
    }
}

#[test]
fn a_rolling_window_is_the_hours_up_to_now() {
    let mut bench = Bench::new(&[Window::Rolling(24)]);
    bench.roll(0);
    let first = bench.count(0, CountedAs::Abandoned);
    bench.count(20, CountedAs::Connected);
    assert_eq!((bench.now().abandoned, bench.now().connected), (1, 1));
    let at = |bench: &mut Bench, minutes: i64| bench.ledger.roll(START_US + minutes * MINUTE_US, &bench.zones);
    at(&mut bench, 24 * 60);
    assert_eq!(bench.now().abandoned, 1, "its minute is not over yet");
    at(&mut bench, 24 * 60 + 1);
    assert_eq!((bench.now().abandoned, bench.now().connected), (0, 1));
    // What an agent says of a call that has left changes the sum alone.
    assert!(bench.ledger.record(first, false));
    let machine = bench.count(25, CountedAs::Connected);
    assert!(bench.ledger.record(machine, false));
    assert_eq!((bench.now().machines, bench.ledger.total.machines), (1, 1));
    assert_eq!(views(&bench.ledger, START_US + 25 * HOUR_US)[0].left, Some(Duration::ZERO));
    at(&mut bench, 50 * 60);
    assert_eq!(bench.now(), Counts::default());
    assert!(bench.ledger.closed().is_empty());
}

#[test]
fn months_end_at_local_midnight_of_the_first() {
    let mut bench = Bench::new(&[Window::Month]);
    bench.roll(0); // 7 March, 9:00 in New York
    bench.count(1, CountedAs::Connected);
    let hours = 24 * 24 + 15 - 1; // 1 April, 0:00, an hour lost to summer time
    bench.roll(hours - 1);
    assert_eq!(bench.now().connected, 1);
    bench.roll(hours);
    assert_eq!((bench.now().connected, bench.ledger.closed()[0].until.as_unix_us()), (0, START_US + hours * HOUR_US));
    bench.roll(hours + 30 * 24 - 1);
    assert_eq!(bench.ledger.closed().len(), 1);
    bench.roll(hours + 30 * 24);
    assert_eq!(bench.ledger.closed().len(), 2);
}

#[test]
fn the_legal_and_the_strict_share_differ_by_what_the_profile_says() {
    let denominator = Denominator {
        add_amd_false_positives: true,
        amd_false_positive_rate: Some(0.02),
        amd_evidence: Some("test 7".into()),
        subtract_machines: false,
    };
    let british = Terms { denominator, ..terms(&[Window::Run], 0) };
    let counts =
        Counts { connected: 100, abandoned: 2, machines: 4, lost: 3, abandoned_after: one().map(|one| 2 * one) };
    let (none, some) = (MachineShares::default(), machines(100, 4));
    // 98 persons that can be counted are 98 % of those who answered: 2 more were lost.
    let legal = british.legal(&counts, &some);
    assert!((legal.abandoned - 4.0).abs() < 1e-9 && (legal.answered - 100.0).abs() < 1e-9, "{legal:?}");
    let strict = british.strict(&counts);
    assert!((strict.answered - 101.0 / 0.98).abs() < 1e-9, "{strict:?}");
    assert!((strict.abandoned - (5.0 + 101.0 / 0.98 * 0.02)).abs() < 1e-9, "{strict:?}");
    // The pacer is given what is left for those it can count, and at that limit the law's is met.
    let at_limit = british.limit_of_counted();
    let full = Counts {
        connected: 10_000,
        abandoned: (10_000.0 * at_limit / (1.0 - at_limit)).floor() as u64,
        ..Counts::default()
    };
    assert!(british.legal(&full, &none).rate() <= 0.03 && british.budget_left(&full, &none) == 0);
    let over = Counts { abandoned: full.abandoned + 1, ..full };
    assert!(british.legal(&over, &none).rate() > 0.03 && british.budget_left(&over, &none) == -1);
    // Without detection nobody is lost to it.
    assert_eq!(Terms { amd: false, ..british.clone() }.legal(&counts, &some).abandoned, 2.0);
    // Elsewhere machines among the abandoned are taken off by what agents recorded, and never without.
    let american = terms(&[Window::Run], 0);
    assert!(american.legal(&counts, &some).abandoned < 2.0 + 1e-9);
    assert_eq!(american.legal(&counts, &none).abandoned, 2.0);
    assert!(american.legal(&counts, &some).rate() < american.strict(&counts).rate());
}

#[test]
fn the_budget_is_what_the_rate_still_allows() {
    for (connected, abandoned, limit, left) in [
        (0, 0, 0.03, 0),
        (96, 0, 0.03, 2),
        (97, 0, 0.03, 3),
        (97, 3, 0.03, 0),
        (97, 5, 0.03, -2),
        (10, 5, 0.0, -5),
        (1, 7, 1.0, i64::MAX),
    ] {
        let (persons, abandoned) = (f64::from(connected), f64::from(abandoned));
        assert_eq!(budget_left(persons, abandoned, limit), left, "{connected} and {abandoned} at {limit}");
        if (1..1_000).contains(&left) {
            let rate = |more: f64| (abandoned + more) / (persons + abandoned + more);
            assert!(rate(left as f64) <= limit + 1e-12 && rate(left as f64 + 1.0) > limit, "{connected} at {limit}");
        }
    }
}
