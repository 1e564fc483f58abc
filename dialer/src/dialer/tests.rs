use super::*;
use crate::amd::AmdRules;
use crate::attempt::{AttemptRecord, Outcome};
use crate::campaign::{CampaignConfig, Flow, Mode, Preview, PreviewEnd, RetryRules};
use crate::compliance::Profile;
use crate::io::{AmdVerdict, CountedAs, EndCause, Party, PauseReason};
use crate::lead::Lead;
use crate::pacing::Reason;
use crate::recording::Recording;
use base::{LeadId, Stream};
use desk::Skills;

mod amd;
mod answers;
mod cancels;
mod chaos;
mod lawful;
mod modes;
mod promises;
mod settings;

const CAMPAIGN: CampaignId = CampaignId(1);
const TRUNK: TrunkId = TrunkId(1);

/// A dialer with agents 1..=n ready and leads 1..=m, progressive, 1:1, and everything it has said.
struct Bench {
    dialer: Dialer,
    now: Instant,
    said: Vec<Output>,
}

fn config() -> CampaignConfig {
    let mut config = CampaignConfig::new("test", TRUNK, "+15550000000");
    config.mode = Mode::Progressive;
    config.profile = Profile::lab();
    config.profile.recall_after_abandon_h = 0;
    config
}

/// One of each mode; without agents by channels and rate.
fn every_mode() -> [Mode; 5] {
    [
        Mode::Preview(Preview { timer: Duration::from_secs(20), then: PreviewEnd::Dial }),
        Mode::Agentless(Flow { channels: Some(4), calls_per_s: Some(5.0) }),
        Mode::Progressive,
        Mode::Power(3.0),
        Mode::Predictive,
    ]
}

fn recording() -> Recording {
    Recording { message: "notice".into(), max: Duration::from_secs(60) }
}

impl Bench {
    fn new(agents: u64, leads: u64, config: CampaignConfig) -> Bench {
        let trunk = TrunkConfig { trunk: TRUNK, max_channels: 100, max_cps: 100.0 };
        let dialer_config = DialerConfig {
            trunks: vec![trunk],
            wrap_up_limit: Some(Duration::from_secs(3)),
            ..DialerConfig::default()
        };
        let now = Instant::from_ns(1_000_000_000);
        let anchor = WallAnchor { instant: now, wall: WallTime::from_unix_us(1_772_892_000_000_000) };
        let dialer = Dialer::new(dialer_config, Seed::from_u64(1), anchor);
        let mut bench = Bench { dialer, now, said: Vec::new() };
        bench.tell(Input::AddCampaign { campaign: CAMPAIGN, config: Box::new(config) });
        bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: (1..=leads).map(lead).collect() });
        for id in 1..=agents {
            bench.tell(Input::AddAgent { agent: AgentId(id), name: format!("agent {id}"), skills: Skills::new() });
            bench.tell(Input::AgentReady { agent: AgentId(id) });
        }
        bench.tell(Input::Start { campaign: CAMPAIGN });
        bench
    }

    fn tell(&mut self, input: Input) -> Vec<Output> {
        self.dialer.handle_input(self.now, input);
        self.drain()
    }

    fn drain(&mut self) -> Vec<Output> {
        let said: Vec<Output> = std::iter::from_fn(|| self.dialer.poll_output()).collect();
        self.said.extend(said.iter().cloned());
        said
    }

    /// Lets time pass, firing what is due on the way.
    fn pass_ms(&mut self, ms: u64) -> Vec<Output> {
        let until = self.now + Duration::from_ms(ms);
        let mut said = Vec::new();
        while let Some(at) = self.dialer.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.dialer.handle_timeout(self.now);
            said.extend(self.drain());
        }
        self.now = until;
        said
    }

    /// Commits every intent there is; gives the attempts that are dialled for it.
    fn commit(&mut self) -> Vec<u64> {
        let waiting: Vec<AttemptId> = self
            .dialer
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.phase == Phase::Recording)
            .map(|(id, _)| *id)
            .collect();
        let mut dialled = Vec::new();
        for attempt in waiting {
            dialled.extend(self.tell(Input::IntentDurable { attempt }).iter().filter_map(originated));
        }
        dialled
    }

    fn person_answers(&mut self, attempt: u64) -> Vec<Output> {
        let attempt = AttemptId(attempt);
        self.pass_ms(700);
        self.tell(Input::Answered { attempt });
        self.pass_ms(1_500);
        let greeting_end = Some(self.now.before(Duration::from_ms(500)));
        self.tell(Input::Verdict { attempt, verdict: AmdVerdict::Human, greeting_end })
    }

    fn end(&mut self, attempt: u64, whose: Party, code: Option<u16>) -> Vec<Output> {
        self.tell(Input::Ended { attempt: AttemptId(attempt), cause: EndCause { whose, code, retry_after_s: None } })
    }

    fn record(&self, attempt: u64) -> &AttemptRecord {
        let mut found = self.said.iter().filter_map(|output| match output {
            Output::AttemptClosed(record) if record.attempt.0 == attempt => Some(record),
            _ => None,
        });
        let record = found.next().expect("closed");
        assert!(found.next().is_none(), "closed once");
        record
    }

    fn rate(&self) -> (u64, u64) {
        let window = &self.dialer.snapshot(self.now).campaigns[0].ledger[0];
        (window.connected, window.abandoned)
    }
}

fn lead(id: u64) -> Lead {
    Lead::new(LeadId(id), Number::parse(&format!("+1555000{id:04}")).unwrap())
}

fn originated(output: &Output) -> Option<u64> {
    match output {
        Output::Originate { attempt, .. } => Some(attempt.0),
        _ => None,
    }
}

fn refusals(said: &[Output]) -> usize {
    said.iter().filter(|output| matches!(output, Output::Refused(_))).count()
}

#[test]
fn a_call_from_intent_to_wrap_up() {
    let mut bench = Bench::new(1, 2, config());
    assert_eq!(bench.said.iter().filter_map(originated).count(), 0, "nothing is dialled before its intent is durable");
    assert_eq!(bench.commit(), [1]);
    bench.tell(Input::Progress { attempt: AttemptId(1), early_media: false });
    let said = bench.person_answers(1);
    assert!(matches!(
        said[..],
        [Output::AgentChanged { .. }, Output::Connect { attempt: AttemptId(1), agent: AgentId(1) }]
    ));
    bench.pass_ms(40);
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    assert_eq!(bench.rate(), (1, 0));
    let snapshot = bench.dialer.snapshot(bench.now);
    assert_eq!((snapshot.agents["talking"], snapshot.campaigns[0].talking), (1, 1));
    bench.pass_ms(20_000);
    bench.end(1, Party::Callee, None);
    let record = bench.record(1);
    assert_eq!(
        (record.outcome, record.counted_as, record.agent),
        (Outcome::Connected, CountedAs::Connected, Some(AgentId(1)))
    );
    let times = record.times;
    assert!(times.launched < times.answered && times.answered < times.greeting_end && times.verdict < times.connected);
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Done));
    // The next lead is dialled when the wrap-up is over, not before.
    bench.pass_ms(2_900);
    assert!(bench.commit().is_empty());
    bench.pass_ms(200);
    assert_eq!(bench.commit(), [2]);
    bench.end(2, Party::Carrier, Some(404));
    assert_eq!(bench.record(2).outcome, Outcome::BadNumber);
    assert!(matches!(bench.said.last(), Some(Output::CampaignFinished { campaign: CAMPAIGN })));
    assert_eq!(bench.dialer.poll_timeout(), None);
}

#[test]
fn the_law_counts_from_the_greeting_and_the_message_is_played() {
    let mut bench = Bench::new(1, 3, config());
    bench.commit();
    // The only agent goes away while the call rings.
    bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
    let answered = bench.person_answers(1);
    assert!(answered.is_empty(), "{answered:?}");
    // 2 s from the greeting's end, 0.5 s of them gone, 0.1 s kept for bridging.
    assert!(bench.pass_ms(1_399).is_empty());
    let said = bench.pass_ms(1);
    let (message, counted) = (matches!(said[0], Output::PlayMessage { attempt: AttemptId(1), .. }), &said[1..]);
    assert!(message, "{said:?}");
    assert!(matches!(counted, [Output::Counted { attempt: AttemptId(1), as_what: CountedAs::Abandoned, .. }]));
    assert_eq!(bench.rate(), (0, 1));
    bench.pass_ms(12);
    let at = bench.now;
    assert!(bench.tell(Input::MessageBegan { attempt: AttemptId(1), at }).is_empty());
    let said = bench.tell(Input::MessageEnded { attempt: AttemptId(1) });
    assert!(matches!(said[..], [Output::Hangup { reason: HangupReason::MessageOver, .. }]));
    bench.end(1, Party::Us, None);
    let record = bench.record(1);
    assert_eq!((record.outcome, record.counted_as), (Outcome::Abandoned, CountedAs::Abandoned));
    assert!(record.message_played);
    assert_eq!(record.times.message, Some(at), "its first packet");
    assert_eq!(record.deadline, record.times.greeting_end.map(|at| at + Duration::from_secs(2)));
}

#[test]
fn a_message_that_never_ends_is_ended() {
    let mut bench = Bench::new(1, 1, config());
    bench.commit();
    bench.tell(Input::AgentLoggedOut { agent: AgentId(1) });
    bench.person_answers(1);
    let said = bench.pass_ms(1_400 + 30_000);
    assert!(
        matches!(said[..], [Output::PlayMessage { .. }, Output::Counted { .. }, Output::Hangup { .. }]),
        "{said:?}"
    );
    bench.end(1, Party::Us, None);
    assert!(!bench.record(1).message_played);
}

#[test]
fn who_hangs_up_while_waiting_is_not_abandoned_before_the_deadline() {
    let mut bench = Bench::new(1, 2, config());
    bench.commit();
    bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
    bench.person_answers(1);
    bench.pass_ms(700);
    bench.end(1, Party::Callee, None);
    assert_eq!((bench.record(1).outcome, bench.rate()), (Outcome::HungUpWaiting, (0, 0)));
    assert_eq!(bench.dialer.desk().waiting(), 0);
}

#[test]
fn first_audio_after_the_deadline_counts_as_abandoned_though_they_talk() {
    let mut bench = Bench::new(1, 1, config());
    bench.commit();
    bench.person_answers(1);
    bench.pass_ms(1_501);
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    assert_eq!(bench.rate(), (0, 1));
    bench.end(1, Party::Callee, None);
    assert_eq!((bench.record(1).outcome, bench.record(1).counted_as), (Outcome::Connected, CountedAs::Abandoned));
}

#[test]
fn machines_are_hung_up_and_free_no_agent_was_taken() {
    let mut bench = Bench::new(1, 1, config());
    bench.commit();
    bench.tell(Input::Answered { attempt: AttemptId(1) });
    let said = bench.tell(Input::Verdict { attempt: AttemptId(1), verdict: AmdVerdict::Machine, greeting_end: None });
    assert!(matches!(said[..], [Output::Hangup { reason: HangupReason::NotAPerson, .. }]));
    bench.end(1, Party::Us, None);
    assert_eq!((bench.record(1).outcome, bench.rate()), (Outcome::Machine, (0, 0)));
}

#[test]
fn without_detection_the_clock_starts_at_the_answer_until_the_greeting_is_heard() {
    let mut without = config();
    without.amd = AmdRules::OFF;
    let mut bench = Bench::new(1, 1, without);
    bench.commit();
    bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
    bench.tell(Input::Answered { attempt: AttemptId(1) });
    bench.pass_ms(1_000);
    bench.tell(Input::GreetingEnded { attempt: AttemptId(1), at: bench.now });
    assert!(bench.pass_ms(1_899).is_empty());
    assert!(matches!(bench.pass_ms(1)[..], [Output::PlayMessage { .. }, Output::Counted { .. }]));
}

#[test]
fn an_agent_who_vanishes_before_the_bridge_gives_the_person_to_the_next() {
    let mut bench = Bench::new(2, 9, config());
    bench.commit();
    bench.person_answers(1);
    let said = bench.tell(Input::AgentLoggedOut { agent: AgentId(1) });
    let connects = |output: &Output| matches!(output, Output::Connect { attempt: AttemptId(1), agent: AgentId(2) });
    assert!(said.iter().any(connects), "{said:?}");
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(2) });
    // And one who vanishes in mid-call ends it.
    let said = bench.tell(Input::AgentLoggedOut { agent: AgentId(2) });
    assert!(said.iter().any(|output| matches!(output, Output::Hangup { reason: HangupReason::AgentGone, .. })));
    bench.end(1, Party::Us, None);
    assert_eq!(bench.record(1).outcome, Outcome::Connected);
    let working = bench.dialer.desk().working();
    assert_eq!(working, 0);
}

#[test]
fn a_store_that_refuses_pauses_the_campaign_and_loses_nothing() {
    let mut bench = Bench::new(2, 5, config());
    let said = bench.tell(Input::IntentRefused { attempt: AttemptId(1) });
    let paused = Output::CampaignPaused { campaign: CAMPAIGN, reason: PauseReason::StoreRefused };
    assert!(said.iter().any(|output| format!("{output:?}") == format!("{paused:?}")));
    assert_eq!(bench.record(1).outcome, Outcome::Cancelled);
    bench.tell(Input::IntentRefused { attempt: AttemptId(2) });
    bench.pass_ms(120_000);
    assert_eq!(bench.dialer.open_attempts(), 0, "a paused campaign launches nothing");
    bench.tell(Input::Start { campaign: CAMPAIGN });
    bench.pass_ms(61_000);
    let snapshot = bench.dialer.snapshot(bench.now);
    assert_eq!((snapshot.campaigns[0].leads.dialling, snapshot.trunks[0].in_use), (2, 2));
    let numbers: Vec<(u64, u32)> = bench
        .said
        .iter()
        .filter_map(|output| match output {
            Output::RecordIntent(intent) => Some((intent.lead.0, intent.attempt_number)),
            _ => None,
        })
        .collect();
    let unique: BTreeSet<(u64, u32)> = numbers.iter().copied().collect();
    assert_eq!(unique.len(), numbers.len(), "(lead, attempt number) never repeats");
}

#[test]
fn a_lead_that_another_campaign_dialled_is_forgotten_and_nothing_pauses() {
    let mut bench = Bench::new(2, 5, config());
    let said = bench.tell(Input::LeadElsewhere { attempt: AttemptId(1) });
    let (lead, outcome) = (bench.record(1).lead, bench.record(1).outcome);
    assert_eq!(outcome, Outcome::Cancelled);
    assert!(said.iter().any(|output| matches!(output, Output::NumberWanted { campaign: CAMPAIGN, .. })));
    assert!(said.iter().all(|output| match output {
        Output::CampaignPaused { .. } => false,
        Output::LeadChanged { lead: other, .. } => *other != lead,
        _ => true,
    }));
    assert!(!bench.dialer.leads_held(CAMPAIGN).contains(&lead));
    // It may come again, with what the other has made of it.
    let number = bench.record(1).number;
    let back = Lead { attempts_made: 1, ..Lead::new(lead, number) };
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![back] });
    assert!(bench.dialer.leads_held(CAMPAIGN).contains(&lead));
    assert_eq!(bench.dialer.snapshot(bench.now).trunks[0].in_use as usize, bench.dialer.open_attempts());
}

#[test]
fn stop_cancels_what_rings_and_leaves_talks_alone() {
    let mut bench = Bench::new(3, 9, config());
    assert_eq!(bench.commit(), [1, 2, 3]);
    bench.person_answers(1);
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    let said = bench.tell(Input::Stop { campaign: CAMPAIGN });
    let stopped = |output: &Output| matches!(output, Output::Hangup { reason: HangupReason::Stopped, .. });
    assert_eq!(said.iter().filter(|output| stopped(output)).count(), 2);
    // One of them answers while our CANCEL is on its way.
    bench.tell(Input::Answered { attempt: AttemptId(2) });
    bench.end(2, Party::Us, None);
    bench.end(3, Party::Us, Some(487));
    assert_eq!((bench.record(2).outcome, bench.record(3).outcome), (Outcome::Cancelled, Outcome::Cancelled));
    bench.end(1, Party::Callee, None);
    assert_eq!(bench.record(1).outcome, Outcome::Connected);
    assert!(bench.pass_ms(60_000).iter().all(|output| originated(output).is_none()));
}

#[test]
fn stop_between_decision_and_commit_dials_nothing() {
    let mut bench = Bench::new(1, 2, config());
    bench.tell(Input::Stop { campaign: CAMPAIGN });
    assert!(bench.commit().is_empty());
    assert_eq!(bench.record(1).outcome, Outcome::Cancelled);
    assert_eq!((bench.dialer.open_attempts(), bench.dialer.trunks[&TRUNK].in_use()), (0, 0));
}

#[test]
fn the_trunk_binds_exactly_whatever_the_store_does() {
    let mut bench = Bench::new(30, 200, config());
    bench.tell(Input::TrunkRoom { trunk: TRUNK, channels: 30, cps: 4.0 });
    // Thirty were decided at once for the old limits; now the rate is 4 a second.
    let mut launches = Vec::new();
    bench.commit();
    for _ in 0..200 {
        bench.pass_ms(100);
        bench.commit();
    }
    for output in &bench.said {
        if let Output::Originate { attempt, .. } = output {
            launches.push(bench.dialer.attempts[attempt].times.launched.unwrap());
        }
    }
    assert_eq!(launches.len(), 30, "no channel is free beyond them");
    for (index, at) in launches.iter().enumerate() {
        let within = launches[index..].iter().filter(|later| later.since(*at) < Duration::from_secs(1)).count();
        assert!(within <= 4, "{within} launches in a second");
    }
}

#[test]
fn do_not_call_and_unknown_things_are_refused_one_by_one() {
    let mut bench = Bench::new(1, 2, config());
    bench.tell(Input::DoNotCall { number: lead(2).number });
    bench.commit();
    bench.end(1, Party::Callee, Some(486));
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(2)), Some(LeadState::Blocked));
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Waiting));
    let attempt = AttemptId(77);
    let unknown = CampaignId(9);
    for input in [
        Input::Answered { attempt },
        Input::Progress { attempt: AttemptId(1), early_media: true },
        Input::IntentDurable { attempt },
        Input::Connected { attempt, agent: AgentId(1) },
        Input::MessageEnded { attempt },
        Input::Start { campaign: unknown },
        Input::AddLeads { campaign: unknown, leads: vec![lead(5)] },
        Input::AgentReady { agent: AgentId(5) },
        Input::AddAgent { agent: AgentId(1), name: "again".into(), skills: Skills::new() },
        Input::AddLeads { campaign: CAMPAIGN, leads: vec![lead(1)] },
        Input::AddLeads { campaign: CAMPAIGN, leads: vec![Lead { timezone: Some("Mars/Base".into()), ..lead(6) }] },
        Input::AddCampaign { campaign: CAMPAIGN, config: Box::new(config()) },
        Input::AddCampaign {
            campaign: unknown,
            config: Box::new(CampaignConfig { mode: every_mode()[1], ..config() }),
        },
        Input::AddCampaign { campaign: unknown, config: Box::new(CampaignConfig { timezone: "X".into(), ..config() }) },
    ] {
        let shown = format!("{input:?}");
        let said = bench.tell(input);
        assert_eq!(refusals(&said), 1, "{shown}: {said:?}");
    }
}

#[test]
fn outside_calling_hours_leads_wait_for_the_morning() {
    let mut closed = config();
    closed.profile.hours = Profile::us_ftc().hours;
    // The bench begins at 9:00 in New York, 14:00 UTC: 6:00 in Los Angeles.
    let mut bench = Bench::new(1, 0, closed);
    let west = Lead { timezone: Some("America/Los_Angeles".into()), ..lead(1) };
    let said = bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![west] });
    let waits = said.iter().find_map(|output| match output {
        Output::LeadChanged { state: LeadState::Waiting, next_at, .. } => *next_at,
        _ => None,
    });
    assert_eq!(waits.map(WallTime::as_unix_s), Some(1_772_892_000 + 2 * 3_600));
    assert!(bench.pass_ms(2 * 3_600_000 - 1).iter().all(|output| !matches!(output, Output::RecordIntent(_))));
    assert!(bench.pass_ms(1_000).iter().any(|output| matches!(output, Output::RecordIntent(_))));
}

#[test]
fn nothing_is_launched_near_the_planned_end() {
    let mut bench = Bench::new(0, 9, config());
    let end = bench.now + Duration::from_secs(60);
    bench.tell(Input::PlannedEnd { campaign: CAMPAIGN, at: Some(end) });
    bench.pass_ms(30_001);
    bench.tell(Input::AddAgent { agent: AgentId(1), name: "late".into(), skills: Skills::new() });
    bench.tell(Input::AgentReady { agent: AgentId(1) });
    bench.pass_ms(5_000);
    assert_eq!(bench.dialer.open_attempts(), 0);
    assert_eq!(bench.dialer.snapshot(bench.now).campaigns[0].why, Reason::ShiftEnds.text());
}

#[test]
fn a_lead_is_tried_again_after_its_gap_and_never_inside_it() {
    let mut again = config();
    again.retry = RetryRules::default();
    let mut bench = Bench::new(1, 1, again);
    bench.commit();
    bench.end(1, Party::Callee, Some(486));
    assert!(bench.pass_ms(599_900).iter().all(|output| !matches!(output, Output::RecordIntent(_))));
    bench.pass_ms(2_000);
    assert_eq!(bench.commit(), [2]);
    // The carrier fails and asks for twenty minutes; the rule alone would wait fifteen.
    let cause = EndCause { whose: Party::Carrier, code: Some(503), retry_after_s: Some(1_200) };
    bench.tell(Input::Ended { attempt: AttemptId(2), cause });
    assert!(bench.pass_ms(1_199_900).iter().all(|output| !matches!(output, Output::RecordIntent(_))));
    bench.pass_ms(2_000);
    assert_eq!(bench.commit(), [3]);
}

#[test]
fn a_lead_whose_attempts_were_made_before_a_restart_is_not_dialled_again() {
    let mut bench = Bench::new(1, 0, config());
    let most = bench.dialer.campaigns[&CAMPAIGN].config.retry.attempts_max;
    let spent = Lead { attempts_made: most, ..lead(1) };
    let open = Lead { attempts_made: most - 1, ..lead(2) };
    let said = bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![spent.clone(), open, spent] });
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Done));
    assert_eq!(refusals(&said), 1, "a second time it is a duplicate");
    let dialled: Vec<u32> = said
        .iter()
        .filter_map(|output| match output {
            Output::RecordIntent(intent) => Some(intent.attempt_number),
            _ => None,
        })
        .collect();
    assert_eq!(dialled, [most]);
}

#[test]
fn a_campaign_is_not_finished_while_its_supplier_may_still_answer() {
    let mut config = config();
    config.profile.consent_required = true;
    // The gate closes all three in the very decision that asks for more.
    let mut bench = Bench::new(1, 3, config);
    let finished =
        |bench: &Bench| bench.said.iter().filter(|output| matches!(output, Output::CampaignFinished { .. })).count();
    assert_eq!(bench.dialer.snapshot(bench.now).campaigns[0].leads.blocked, 3);
    assert!(bench.said.iter().any(|output| matches!(output, Output::LeadsWanted { .. })));
    bench.pass_ms(10);
    assert_eq!(finished(&bench), 0);
    let more = vec![Lead { consent: Some("form 7".to_owned()), ..lead(4) }];
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: more });
    assert_eq!(bench.commit(), [1]);
    bench.pass_ms(5_000);
    bench.end(1, Party::Carrier, Some(404));
    assert_eq!(finished(&bench), 1);
}

#[test]
fn a_dialer_may_move_to_another_thread() {
    fn moves<T: Send>() {}
    moves::<Dialer>();
}
