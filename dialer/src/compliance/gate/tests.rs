use super::*;
use crate::compliance::{AttemptCap, Holiday};
use base::LeadId;

const MINUTE_US: i64 = 60_000_000;

/// A UTC moment.
fn utc(text: &str) -> WallTime {
    WallTime::from_unix_us(text.parse::<Timestamp>().unwrap().as_microsecond())
}

struct Bench {
    gate: Gate,
    zones: Zones,
    profile: Profile,
}

impl Bench {
    fn new(profile: Profile) -> Bench {
        Bench { gate: Gate::default(), zones: Zones::new(), profile }
    }

    fn ask(&mut self, lead: &Lead, zone: &str, wall: WallTime) -> GateAnswer {
        self.ask_at(lead, zone, wall, wall.as_unix_us())
    }

    fn ask_at(&mut self, lead: &Lead, zone: &str, wall: WallTime, steady_us: i64) -> GateAnswer {
        let zone = self.zones.callee(zone).unwrap();
        let margin_us = MINUTE_US / 2;
        let query = Query {
            lead,
            zone,
            profile: &self.profile,
            steady_us,
            wall,
            margin_us,
            guaranteed: false,
            recorded: false,
        };
        self.gate.check(&self.zones, &query)
    }
}

fn caps(words: &[&str]) -> Vec<AttemptCap> {
    words.iter().map(|words| AttemptCap::named(words).unwrap()).collect()
}

fn lead() -> Lead {
    Lead::new(LeadId(1), Number::parse("+15550001111").unwrap())
}

fn opens(answer: GateAnswer, at: WallTime) {
    assert_eq!(answer, GateAnswer::Later { rule: "calling-hours", at_us: at.as_unix_us() });
}

#[test]
fn hours_are_the_callees() {
    let mut bench = Bench::new(Profile::us_ftc());
    // 8:30 in New York is 5:30 in Los Angeles (both on standard time).
    let now = utc("2026-01-15T13:30:00Z");
    assert!(matches!(bench.ask(&lead(), "America/New_York", now), GateAnswer::Allowed(_)));
    opens(bench.ask(&lead(), "America/Los_Angeles", now), utc("2026-01-15T16:00:00Z"));
    assert_eq!(bench.zones.index("Mars/Olympus"), None);
}

#[test]
fn the_day_closes_before_the_phone_could_still_ring_and_opens_next_morning() {
    let mut bench = Bench::new(Profile::us_ftc());
    // 21:00 in New York is 02:00 UTC; 30 s of margin.
    assert!(matches!(bench.ask(&lead(), "America/New_York", utc("2026-01-16T01:59:29Z")), GateAnswer::Allowed(_)));
    opens(bench.ask(&lead(), "America/New_York", utc("2026-01-16T01:59:30Z")), utc("2026-01-16T13:00:00Z"));
}

#[test]
fn clock_changes_move_the_opening() {
    let mut bench = Bench::new(Profile::us_ftc());
    // In 2026 New York goes to summer time on March 8th and back on November 1st.
    opens(bench.ask(&lead(), "America/New_York", utc("2026-03-07T05:00:00Z")), utc("2026-03-07T13:00:00Z"));
    opens(bench.ask(&lead(), "America/New_York", utc("2026-03-08T05:30:00Z")), utc("2026-03-08T12:00:00Z"));
    opens(bench.ask(&lead(), "America/New_York", utc("2026-11-01T04:30:00Z")), utc("2026-11-01T13:00:00Z"));
    // Arizona does not change: 8:00 stays 15:00 UTC.
    opens(bench.ask(&lead(), "America/Phoenix", utc("2026-03-08T12:30:00Z")), utc("2026-03-08T15:00:00Z"));
}

#[test]
fn a_closed_weekend_opens_on_monday() {
    let mut bench = Bench::new(Profile::strict());
    let mut consenting = lead();
    consenting.consent = Some("proof-7".into());
    // Saturday noon in Berlin; strict opens Monday at 10:00 local, 09:00 UTC.
    opens(bench.ask(&consenting, "Europe/Berlin", utc("2026-01-17T11:00:00Z")), utc("2026-01-19T09:00:00Z"));
    let allowed = bench.ask(&consenting, "Europe/Berlin", utc("2026-01-19T09:00:00Z"));
    let proof = ConsentDecision { allowed: true, rule: "consent-on-file".into(), proof_id: Some("proof-7".into()) };
    assert_eq!(allowed, GateAnswer::Allowed(proof));
    assert_eq!(
        bench.ask(&lead(), "Europe/Berlin", utc("2026-01-19T09:00:00Z")),
        GateAnswer::Never { rule: "no-consent" }
    );
}

#[test]
fn a_day_has_as_many_bands_as_its_law_and_holidays_have_none() {
    let french = Profile { consent_required: false, ..Profile::named("fr").unwrap() };
    let mut bench = Bench::new(french);
    let paris = "Europe/Paris"; // UTC+1 in January
    opens(bench.ask(&lead(), paris, utc("2026-01-15T08:59:59Z")), utc("2026-01-15T09:00:00Z"));
    assert!(matches!(bench.ask(&lead(), paris, utc("2026-01-15T11:59:29Z")), GateAnswer::Allowed(_)));
    // 30 s of margin before 13:00; then the afternoon.
    opens(bench.ask(&lead(), paris, utc("2026-01-15T11:59:30Z")), utc("2026-01-15T13:00:00Z"));
    assert!(matches!(bench.ask(&lead(), paris, utc("2026-01-15T13:00:00Z")), GateAnswer::Allowed(_)));
    opens(bench.ask(&lead(), paris, utc("2026-01-15T19:00:00Z")), utc("2026-01-16T09:00:00Z"));
    // Friday evening before Easter Monday (April 6th, UTC+2): Tuesday.
    opens(bench.ask(&lead(), paris, utc("2026-04-03T18:30:00Z")), utc("2026-04-07T08:00:00Z"));
    // The callee's holiday counts, not ours: it is still the 13th of July there.
    opens(bench.ask(&lead(), paris, utc("2026-07-14T09:00:00Z")), utc("2026-07-15T08:00:00Z"));
    assert!(matches!(bench.ask(&lead(), "Pacific/Tahiti", utc("2026-07-14T01:00:00Z")), GateAnswer::Allowed(_)));
    bench.profile.holidays.push(Holiday::named("2026-01-15").unwrap());
    opens(bench.ask(&lead(), paris, utc("2026-01-15T13:00:00Z")), utc("2026-01-16T09:00:00Z"));
}

#[test]
fn do_not_call_wins_over_everything() {
    let mut bench = Bench::new(Profile::lab());
    let now = utc("2026-01-15T18:00:00Z");
    assert!(matches!(bench.ask(&lead(), "UTC", now), GateAnswer::Allowed(_)));
    assert!(bench.gate.do_not_call(lead().number));
    assert_eq!(bench.ask(&lead(), "UTC", now), GateAnswer::Never { rule: "do-not-call" });
}

#[test]
fn caps_count_over_24_hours_and_the_period() {
    let mut bench = Bench::new(Profile { attempts: caps(&["2/24h", "3/7d"]), ..Profile::lab() });
    let start = utc("2026-01-15T18:00:00Z").as_unix_us();
    let at = |hours: i64| WallTime::from_unix_us(start + hours * HOUR_US);
    bench.gate.attempted(lead().number, start);
    bench.gate.attempted(lead().number, start + HOUR_US);
    let later = |rule, hours: i64| GateAnswer::Later { rule, at_us: start + hours * HOUR_US };
    assert_eq!(bench.ask(&lead(), "UTC", at(2)), later("attempts-in-a-day", 24));
    assert!(matches!(bench.ask(&lead(), "UTC", at(24)), GateAnswer::Allowed(_)));
    bench.gate.attempted(lead().number, start + 30 * HOUR_US);
    assert_eq!(bench.ask(&lead(), "UTC", at(60)), later("attempts-in-period", 7 * 24));
    assert!(matches!(bench.ask(&lead(), "UTC", at(7 * 24)), GateAnswer::Allowed(_)));
    // Somebody else's number is not concerned.
    let other = Lead::new(LeadId(2), Number::parse("15550002222").unwrap());
    assert!(matches!(bench.ask(&other, "UTC", at(2)), GateAnswer::Allowed(_)));
}

#[test]
fn a_cap_of_none_and_a_lead_with_history() {
    let mut bench = Bench::new(Profile { attempts: caps(&["1/24h"]), ..Profile::lab() });
    let now = utc("2026-01-15T18:00:00Z");
    let mut known = lead();
    known.last_attempt = Some(WallTime::from_unix_us(now.as_unix_us() - HOUR_US));
    let remembered = Known { attempts: known.last_attempt.as_slice(), ..Known::default() };
    bench.gate.history(known.number, &remembered, now.as_unix_us());
    let at_us = now.as_unix_us() + 23 * HOUR_US;
    assert_eq!(bench.ask(&known, "UTC", now), GateAnswer::Later { rule: "attempts-in-a-day", at_us });
    let mut closed = Bench::new(Profile { attempts: caps(&["0/24h"]), ..Profile::lab() });
    assert!(matches!(closed.ask(&lead(), "UTC", now), GateAnswer::Later { rule: "attempts-in-a-day", .. }));
}

#[test]
fn an_abandoned_person_has_72_hours_of_peace_whatever_the_clock_says() {
    let mut bench = Bench::new(Profile::us_ftc());
    let then = utc("2026-01-15T18:00:00Z");
    bench.gate.abandoned(lead().number, then.as_unix_us());
    let until_us = then.as_unix_us() + 72 * HOUR_US;
    let waits = GateAnswer::Later { rule: "recall-after-abandon", at_us: until_us };
    assert_eq!(bench.ask(&lead(), "America/New_York", WallTime::from_unix_us(until_us - 1)), waits);
    // The wall clock jumps four days ahead; the steady line has moved by a minute.
    let jumped = WallTime::from_unix_us(then.as_unix_us() + 96 * HOUR_US);
    assert_eq!(bench.ask_at(&lead(), "America/New_York", jumped, then.as_unix_us() + MINUTE_US), waits);
    let allowed = bench.ask(&lead(), "America/New_York", WallTime::from_unix_us(until_us));
    assert!(matches!(allowed, GateAnswer::Allowed(_)), "{allowed:?}");
}

#[test]
fn a_number_taken_for_a_machines_is_left_alone_where_the_profile_says_so() {
    let then = utc("2026-01-15T18:00:00Z");
    let british = Profile { dnc_max_age_d: None, ..Profile::named("uk-ofcom").unwrap() };
    for (profile, hours) in [(british, 24), (Profile::us_ftc(), 0)] {
        let mut bench = Bench::new(profile);
        bench.gate.machine(lead().number, then.as_unix_us());
        let earlier = Known { machine: Some(WallTime::from_unix_us(then.as_unix_us() - HOUR_US)), ..Known::default() };
        bench.gate.history(lead().number, &earlier, then.as_unix_us());
        let soon = WallTime::from_unix_us(then.as_unix_us() + HOUR_US);
        let answer = bench.ask(&lead(), "Europe/London", soon);
        if hours == 0 {
            assert!(matches!(answer, GateAnswer::Allowed(_)), "{answer:?}");
        } else {
            let at_us = then.as_unix_us() + hours * HOUR_US;
            assert_eq!(answer, GateAnswer::Later { rule: "recall-after-machine", at_us });
            let after = bench.ask(&lead(), "Europe/London", WallTime::from_unix_us(at_us));
            assert!(matches!(after, GateAnswer::Allowed(_)), "{after:?}");
        }
    }
}

#[test]
fn old_attempts_are_forgotten() {
    let mut gate = Gate::default();
    gate.attempted(lead().number, 0);
    gate.attempted(lead().number, 40 * DAY_US);
    gate.abandoned(lead().number, 0);
    let other = Number::parse("15550002222").unwrap();
    gate.abandoned(other, 40 * DAY_US);
    assert_eq!(gate.abandoned.at.keys().copied().collect::<Vec<_>>(), [other]);
    assert_eq!((gate.attempts.len(), gate.attempts_in_order.len()), (1, 1));
}

#[test]
fn a_span_is_open_where_both_its_ends_are() {
    let mut bench = Bench::new(Profile::us_ftc());
    const SPAN: &str = "America/New_York..America/Los_Angeles";
    // 8 to 21 at both ends is 11 to 21 in New York: winter, 16:00 to 02:00 UTC.
    opens(bench.ask(&lead(), SPAN, utc("2026-01-15T13:30:00Z")), utc("2026-01-15T16:00:00Z"));
    assert!(matches!(bench.ask(&lead(), SPAN, utc("2026-01-15T16:00:00Z")), GateAnswer::Allowed(_)));
    assert!(matches!(bench.ask(&lead(), SPAN, utc("2026-01-16T01:50:00Z")), GateAnswer::Allowed(_)));
    opens(bench.ask(&lead(), SPAN, utc("2026-01-16T02:00:00Z")), utc("2026-01-16T16:00:00Z"));
    // Ends whose hours never meet have none.
    let mut never = Profile::us_ftc();
    never.hours.iter_mut().for_each(|day| *day = vec![(9 * 60, 10 * 60)]);
    let mut bench = Bench::new(never);
    let answer = bench.ask(&lead(), SPAN, utc("2026-01-15T14:30:00Z"));
    assert_eq!(answer, GateAnswer::Never { rule: "no-calling-hours" });
}

#[test]
fn a_span_is_open_exactly_when_its_ends_are() {
    let profile = Profile::us_ftc();
    let mut zones = Zones::new();
    let name = "America/St_Johns..America/Halifax";
    let span = zones.callee(name).unwrap();
    let ends = ["America/St_Johns", "America/Halifax"].map(|name| zones.index(name).unwrap());
    // Two weeks around the end of summer time, a step of seven minutes, with the openings that are promised.
    let (mut at, end) = (utc("2026-10-26T00:00:00Z"), utc("2026-11-09T00:00:00Z"));
    while at < end {
        let one = ends.map(|zone| zones.hours(zone, &profile, at, MINUTE_US) == HoursAnswer::Open);
        match zones.hours(span, &profile, at, MINUTE_US) {
            HoursAnswer::Open => assert_eq!(one, [true, true], "{at:?}"),
            HoursAnswer::Closed(Some(opens)) => {
                assert!(one != [true, true] && opens > at, "{at:?}");
                assert_eq!(zones.hours(span, &profile, opens, MINUTE_US), HoursAnswer::Open, "{at:?}");
            }
            HoursAnswer::Closed(None) => panic!("{at:?}"),
        }
        at = WallTime::from_unix_us(at.as_unix_us() + 7 * MINUTE_US);
    }
}
