//! Whatever happens, no attempt is made outside calling hours, without consent, over a cap, too soon after an abandoned
//! person or a machine, at a number that must not be called, or twice at once. Judged here anew, from outputs alone.

use super::*;
use crate::compliance::zone_of;
use crate::lead::{NextNumber, Screened};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use proptest::prelude::*;

const HOUR_US: i64 = 3_600_000_000;
const ZONES: [Option<&str>; 5] =
    [None, Some("America/Los_Angeles"), Some("Europe/Paris"), Some("Asia/Kolkata"), Some("Australia/Sydney")];
const FRONTS: [&str; 5] = ["+1555000", "+3314222", "+4930200", "+6129000", "+9111200"];

/// What an observer knows who hears only what the dialer says and is told.
struct Judge {
    profile: Profile,
    leads: BTreeMap<LeadId, Lead>,
    zones: [&'static str; 2],
    ring_us: i64,
    numbers: BTreeMap<AttemptId, Number>,
    /// Attempts that rest on a consent.
    proven: BTreeSet<AttemptId>,
    live: BTreeSet<Number>,
    /// Steady moments.
    attempts: BTreeMap<Number, Vec<i64>>,
    abandoned: BTreeMap<Number, i64>,
    machines: BTreeMap<Number, i64>,
    do_not_call: BTreeSet<Number>,
    modes: [Mode; 2],
    /// Shown to an agent who is reserved.
    looked_at: BTreeSet<LeadId>,
    /// The latest news was that an agent is reserved.
    reserved: bool,
    /// Wall clock minus steady line.
    offset_us: i64,
    heard: usize,
    judged: usize,
    /// Of them at further numbers.
    elsewhere: usize,
    /// Messages left on machines.
    left: usize,
}

impl Judge {
    fn local(&self, lead: &Lead, number: Number, campaign: CampaignId, at: WallTime) -> Zoned {
        let (record, country) = (lead.timezone.as_deref(), zone_of(number));
        let own = record.or(country);
        let zone = TimeZone::get(own.unwrap_or(self.zones[campaign.0 as usize - 1])).unwrap();
        Timestamp::from_microsecond(at.as_unix_us()).unwrap().to_zoned(zone)
    }

    fn judge(&mut self, bench: &Bench) {
        for output in &bench.said[self.heard..] {
            let reserved = std::mem::replace(
                &mut self.reserved,
                matches!(output, Output::AgentChanged { state: AgentState::Reserved, .. }),
            );
            match output {
                Output::Offered { lead, .. } => drop(self.looked_at.insert(*lead)),
                Output::OfferOver { lead, .. } => drop(self.looked_at.remove(lead)),
                Output::RecordIntent(intent) => {
                    self.judged += 1;
                    let (lead, number, profile) = (&self.leads[&intent.lead], intent.number, &self.profile);
                    assert!(self.live.insert(number), "twice at once: {intent:?}");
                    self.numbers.insert(intent.attempt, number);
                    assert!(!self.do_not_call.contains(&number), "must not be called: {intent:?}");
                    let proof = intent.consent.proof_id.is_some();
                    if proof {
                        self.proven.insert(intent.attempt);
                    }
                    let recorded = self.modes[intent.campaign.0 as usize - 1].is_agentless();
                    let asked = profile.consent_required || (recorded && profile.agentless_consent);
                    assert!(intent.consent.allowed && (proof || !asked), "no consent: {intent:?}");
                    let next = lead.next.iter().find(|next| next.number == number);
                    assert!(next.is_some() || number == lead.number, "nobody's number: {intent:?}");
                    let own = next.map_or(&lead.consent, |next| &next.consent);
                    assert_eq!(&intent.consent.proof_id, own, "another number's consent: {intent:?}");
                    assert!(next.is_none_or(|next| next.screened.is_none()), "on a list: {intent:?}");
                    self.elsewhere += usize::from(next.is_some());
                    let begins = self.local(lead, number, intent.campaign, intent.at);
                    let last = WallTime::from_unix_us(intent.at.as_unix_us() + self.ring_us);
                    let ends = self.local(lead, number, intent.campaign, last);
                    let minute = |zoned: &Zoned| u16::from(zoned.hour() as u8) * 60 + u16::from(zoned.minute() as u8);
                    let bands = &profile.hours[begins.weekday().to_monday_zero_offset() as usize];
                    let within = |(from, to): &(u16, u16)| {
                        *from <= minute(&begins)
                            && (begins.date() == ends.date() && minute(&ends) < *to || *to == 24 * 60)
                    };
                    assert!(bands.iter().any(within), "out of hours at {begins}: {intent:?}");
                    assert!(!profile.holidays.iter().any(|day| day.is_on(begins.date())), "a holiday: {begins}");
                    let steady_us = intent.at.as_unix_us() - self.offset_us;
                    let before = self.attempts.entry(number).or_default();
                    for cap in &profile.attempts {
                        let since_us = steady_us - i64::from(cap.hours) * HOUR_US;
                        let made = before.iter().filter(|at| **at > since_us).count();
                        assert!(made < cap.max as usize, "over {cap}: {intent:?}");
                    }
                    before.push(steady_us);
                    for (memory, hours) in [
                        (&self.abandoned, profile.recall_after_abandon_h),
                        (&self.machines, profile.recall_after_machine_h),
                    ] {
                        let at = memory.get(&number).copied().unwrap_or(i64::MIN / 2);
                        let guaranteed = reserved || self.looked_at.contains(&intent.lead);
                        let spared = guaranteed && profile.recall_with_agent;
                        assert!(spared || steady_us >= at + i64::from(hours) * HOUR_US, "too soon: {intent:?}");
                    }
                }
                Output::PlayMessage { attempt, speech: crate::Speech::Left, .. } => {
                    let asked = self.profile.agentless_consent;
                    assert!(!asked || self.proven.contains(attempt), "a message without consent: {attempt}");
                    self.left += 1;
                }
                Output::Counted { attempt, as_what: CountedAs::Abandoned, at, .. } => {
                    let at_us = bench.dialer.steady_us(*at);
                    self.abandoned.insert(self.numbers[attempt], at_us);
                }
                Output::AttemptClosed(record) => {
                    assert!(self.live.remove(&record.number));
                }
                _ => {}
            }
        }
        self.heard = bench.said.len();
    }
}

/// Attempts, those of them at further numbers, and messages left; with `next` leads have some, and few tries at each.
fn a_life(profile: usize, seed: u64, steps: usize, modes: [Mode; 2], next: bool) -> (usize, usize, usize) {
    let mut chance = Seed::from_u64(seed).stream("lawful", 0);
    let mut profile = Profile::named(Profile::NAMES[profile]).unwrap();
    profile.denominator.amd_false_positive_rate = Some(0.01);
    profile.denominator.amd_evidence = Some("this test".into());
    profile.agentless_allowed = true;
    let mut config = config();
    config.profile = profile.clone();
    config.recording = Some(recording());
    config.policies.machine = crate::OnMachine::Message {
        recording: recording(),
        after: crate::MessageAfter::Beep,
        wait: Duration::from_secs(30),
    };
    config.mode = modes[0];
    config.retry = RetryRules::default();
    // Retries as fast as can be: only the gate holds them back.
    config.retry.attempts_max = 50;
    for rule in config.retry.rules.values_mut() {
        (rule.gap, rule.times) = (Duration::from_secs(60), if next { 1 } else { 50 });
    }
    if next {
        let outcomes = [Outcome::Busy, Outcome::NoAnswer, Outcome::Machine, Outcome::Abandoned, Outcome::BadNumber];
        config.retry.next = outcomes.into_iter().map(|outcome| (outcome, Duration::ZERO)).collect();
    }
    let zones = ["America/New_York", "Europe/Berlin"];
    let other = CampaignId(2);
    let ring_us = (config.ring_timeout + Duration::from_secs(5)).as_us() as i64;
    config.timezone = zones[0].into();
    let mut bench = Bench::new(0, 0, config.clone());
    config.timezone = zones[1].into();
    config.mode = modes[1];
    bench.tell(Input::AddCampaign { campaign: other, config: Box::new(config) });
    let mut judge = Judge {
        profile,
        leads: BTreeMap::new(),
        zones,
        ring_us,
        numbers: BTreeMap::new(),
        proven: BTreeSet::new(),
        live: BTreeSet::new(),
        attempts: BTreeMap::new(),
        abandoned: BTreeMap::new(),
        machines: BTreeMap::new(),
        do_not_call: BTreeSet::new(),
        modes,
        looked_at: BTreeSet::new(),
        reserved: false,
        offset_us: 0,
        heard: 0,
        judged: 0,
        elsewhere: 0,
        left: 0,
    };
    for campaign in [CAMPAIGN, other] {
        // Both lists hold the same numbers.
        let leads: Vec<Lead> = (0..12)
            .map(|n| Lead {
                next: if next { (1..=3).map(|k| next_number(seed, n, k)).collect() } else { Vec::new() },
                timezone: ZONES[chance.below(5) as usize].map(str::to_string),
                consent: (chance.below(3) > 0).then(|| format!("form {n}")),
                ..Lead::new(
                    LeadId(campaign.0 * 100 + n),
                    Number::parse(&format!("{}{n:04}", FRONTS[n as usize % 5])).unwrap(),
                )
            })
            .collect();
        judge.leads.extend(leads.iter().map(|lead| (lead.lead, lead.clone())));
        bench.tell(Input::AddLeads { campaign, leads });
        bench.tell(Input::Start { campaign });
    }
    for id in 1..=3 {
        bench.tell(Input::AddAgent { agent: AgentId(id), name: "any".into(), skills: Skills::new() });
        bench.tell(Input::AgentReady { agent: AgentId(id) });
    }
    let end =
        |attempt, code| Input::Ended { attempt, cause: EndCause { whose: Party::Callee, code, retry_after_s: None } };
    for _ in 0..steps {
        judge.judge(&bench);
        match chance.below(12) {
            0 => {
                let n = chance.below(12) / 5 * 5;
                let number = Number::parse(&format!("{}{n:04}", FRONTS[0])).unwrap();
                let number = if next && steps.is_multiple_of(2) { next_number(seed, n, 1).number } else { number };
                judge.do_not_call.insert(number);
                bench.tell(Input::DoNotCall { number });
            }
            1 => {
                // Somebody sets the clock, up to three hours either way.
                let step_us = (chance.below(6 * 60) as i64 - 180) * 60_000_000;
                judge.offset_us += step_us;
                let wall_us = bench.dialer.steady_us(bench.now) + judge.offset_us;
                let anchor = WallAnchor { instant: bench.now, wall: WallTime::from_unix_us(wall_us) };
                bench.tell(Input::WallClock { anchor });
            }
            2..=5 => drop(bench.pass_ms(chance.below(5 * 3_600_000))),
            _ => drop(bench.pass_ms(chance.below(120_000))),
        }
        judge.judge(&bench);
        bench.commit();
        let under_way: Vec<AttemptId> = bench.dialer.attempts.keys().copied().collect();
        for attempt in under_way {
            match chance.below(5) {
                0 => drop(bench.tell(end(attempt, Some(480)))),
                1 => drop(bench.tell(end(attempt, Some(486)))),
                kind => {
                    bench.tell(Input::Answered { attempt });
                    let verdict = if kind == 2 { AmdVerdict::Machine } else { AmdVerdict::Human };
                    if kind == 2 {
                        let at_us = bench.dialer.steady_us(bench.now);
                        judge.machines.insert(
                            judge
                                .numbers
                                .get(&attempt)
                                .copied()
                                .unwrap_or_else(|| bench.dialer.attempts[&attempt].number),
                            at_us,
                        );
                    }
                    if kind == 3 {
                        // Nobody is there for this one.
                        (1..=3).for_each(|id| {
                            drop(bench.tell(Input::AgentBreak { agent: AgentId(id), announced: false }))
                        });
                    }
                    let greeting_end = Some(bench.now);
                    bench.tell(Input::Verdict { attempt, verdict, greeting_end });
                    let revision = crate::Revision::BeepEnd;
                    bench.tell(Input::Revised { attempt, revision, at: bench.now });
                    if let Some(agent) = bench.dialer.attempts.get(&attempt).and_then(|attempt| attempt.agent) {
                        bench.tell(Input::Connected { attempt, agent });
                    }
                    bench.pass_ms(3_000);
                    bench.tell(end(attempt, None));
                    (1..=3).for_each(|id| drop(bench.tell(Input::AgentReady { agent: AgentId(id) })));
                }
            }
        }
    }
    judge.judge(&bench);
    (judge.judged, judge.elsewhere, judge.left)
}

/// The further number `k` of lead `n`: of another country, with a consent or without, on a list from outside or not.
fn next_number(seed: u64, n: u64, k: u64) -> NextNumber {
    let front = FRONTS[(n + k) as usize % 5];
    NextNumber {
        number: Number::parse(&format!("{front}{:04}", 1_000 * k + n)).unwrap(),
        consent: ((seed >> k) + n).is_multiple_of(2).then(|| format!("form {n}.{k}")),
        screened: ((seed >> (8 + k)) + n).is_multiple_of(4).then_some(Screened::DoNotCall),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_attempt_is_unlawful(
        profile in 0..Profile::NAMES.len(),
        seed in any::<u64>(),
        steps in 1..120_usize,
        modes in (0..5_usize, 0..5_usize),
        next in any::<bool>(),
    ) {
        a_life(profile, seed, steps, [every_mode()[modes.0], every_mode()[modes.1]], next);
    }
}

/// The property says nothing if nothing is dialled.
#[test]
fn every_profile_lets_some_calls_through() {
    let (mut further, mut messages) = (0, 0);
    for profile in 0..Profile::NAMES.len() {
        for mode in every_mode() {
            let (judged, _, left) = a_life(profile, 1, 120, [mode, Mode::Progressive], false);
            assert!(judged > 5, "{} {mode:?}: {judged} attempts", Profile::NAMES[profile]);
            messages += left;
        }
        further += a_life(profile, 6, 60, [Mode::Progressive; 2], true).1;
    }
    assert!(further > 5, "{further} attempts at further numbers");
    assert!(messages > 20, "{messages} messages left");
}

/// An attempt that ends in the microsecond in which it was made, and the next one, are two.
#[test]
fn two_attempts_in_one_microsecond_count_twice() {
    assert!(a_life(0, 2_175_812_582_705_219_348, 5, [Mode::Progressive; 2], false).0 > 0);
}

/// Who has asked to be left alone is not looked for elsewhere; a number that a list from outside forbids is passed over,
/// and the next one is dialled in its own country's hours.
#[test]
fn a_number_on_a_list_is_passed_over_and_who_asks_to_be_left_alone_is_left_alone() {
    let next = |screened| NextNumber { screened, ..next_number(1, 3, 1) };
    let first = |screened, next| Lead { screened, next, ..lead(1) };
    let mut config = config();
    config.retry.next = [(Outcome::BadNumber, Duration::ZERO)].into();
    let dialled = |config: &CampaignConfig, lead: Lead, asked: bool| {
        let mut bench = Bench::new(1, 0, config.clone());
        if asked {
            bench.tell(Input::DoNotCall { number: lead.number });
        }
        bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![lead] });
        bench.tell(Input::Start { campaign: CAMPAIGN });
        bench.pass_ms(2_000);
        let number = |output: &Output| match output {
            Output::RecordIntent(intent) => Some(intent.number),
            _ => None,
        };
        (bench.said.iter().find_map(number), bench.dialer.lead_state(CAMPAIGN, LeadId(1)).unwrap().name())
    };
    let listed = Some(Screened::Reassigned);
    let found = next(None).number;
    assert_eq!(dialled(&config, first(listed, vec![next(None)]), false), (Some(found), "dialling"));
    assert_eq!(dialled(&config, first(listed, vec![next(listed)]), false), (None, "blocked"));
    assert_eq!(dialled(&config, first(None, vec![next(None)]), true), (None, "blocked"));
    // Asked at one number, stands at another of the same person: listed before it, or to come.
    let moved = Lead { listed: Some(lead(9).number), ..lead(1) };
    for (lead, asked) in [(moved, lead(9).number), (first(None, vec![next(None)]), found)] {
        let mut bench = Bench::new(1, 0, config.clone());
        bench.tell(Input::DoNotCall { number: asked });
        bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![lead.clone()] });
        bench.tell(Input::Start { campaign: CAMPAIGN });
        bench.pass_ms(2_000);
        assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Blocked), "{lead:?}");
        // Abandoned there, by whatever campaign: the person has peace at this number too.
        let mut peace = config.clone();
        peace.profile.recall_after_abandon_h = 72;
        peace.profile.recall_with_agent = false;
        let mut bench = Bench::new(1, 0, peace);
        let abandoned = Some(bench.dialer.wall_at(bench.now));
        bench.tell(Input::History { number: asked, attempts: Vec::new(), abandoned, machine: None });
        bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![lead.clone()] });
        bench.tell(Input::Start { campaign: CAMPAIGN });
        bench.pass_ms(2_000);
        assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Waiting), "{lead:?}");
    }
    // Without a rule that goes on to further numbers none is dialled.
    config.retry.next.clear();
    assert_eq!(dialled(&config, first(listed, vec![next(None)]), false), (None, "blocked"));
}
