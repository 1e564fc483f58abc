//! Inputs of people and of the store: settings that change, what comes back after a restart, calls placed by hand.

use super::*;
use crate::campaign::RetryRule;
use crate::compliance::Window;
use crate::io::LedgerEntry;
use base::CallId;

const OTHER_TRUNK: TrunkId = TrunkId(2);

fn configure(bench: &mut Bench, change: impl FnOnce(&mut CampaignConfig)) -> Vec<Output> {
    let mut config = bench.dialer.campaigns[&CAMPAIGN].config.clone();
    change(&mut config);
    bench.tell(Input::Configure { campaign: CAMPAIGN, config: Box::new(config) })
}

fn intents(said: &[Output]) -> Vec<u64> {
    let pick = |output: &Output| match output {
        Output::RecordIntent(intent) => Some(intent.lead.0),
        _ => None,
    };
    said.iter().filter_map(pick).collect()
}

/// The call is connected and over after a talk of a second.
fn talk(bench: &mut Bench, attempt: u64, agent: u64) {
    bench.person_answers(attempt);
    bench.tell(Input::Connected { attempt: AttemptId(attempt), agent: AgentId(agent) });
    bench.pass_ms(1_000);
    bench.end(attempt, Party::Callee, None);
}

fn snapshot(bench: &Bench) -> crate::CampaignSnapshot {
    bench.dialer.campaign_snapshot(bench.now, CAMPAIGN).expect("the bench's campaign")
}

#[test]
fn calls_under_way_keep_what_their_intents_say_when_the_settings_change() {
    let mut bench = Bench::new(2, 9, config());
    bench.tell(Input::TrunkRoom { trunk: OTHER_TRUNK, channels: 10, cps: 10.0 });
    // Attempts 1 and 2 are being recorded. The first is dialled before the change, the second after it.
    let attempt = AttemptId(1);
    bench.tell(Input::IntentDurable { attempt });
    configure(&mut bench, |config| {
        config.trunk = OTHER_TRUNK;
        config.caller_id = "+15559999999".into();
        config.amd = AmdRules::OFF;
    });
    let said = bench.tell(Input::IntentDurable { attempt: AttemptId(2) });
    let Some(Output::Originate { trunk: TRUNK, caller_id, amd: false, .. }) = said.first() else { panic!("{said:?}") };
    assert_eq!(caller_id, "+15550000000");
    // Detection listens to the first, so its answer is no verdict; the second is a person at once.
    assert!(bench.tell(Input::Answered { attempt }).is_empty());
    let said = bench.tell(Input::Answered { attempt: AttemptId(2) });
    assert!(said.iter().any(|output| matches!(output, Output::Connect { .. })), "{said:?}");
    bench.end(1, Party::Callee, None);
    bench.end(2, Party::Callee, None);
    let in_use = |bench: &Bench, trunk| bench.dialer.trunks[&trunk].in_use();
    assert_eq!(in_use(&bench, TRUNK), 0);
    bench.pass_ms(10_000);
    let dialled = bench.commit();
    assert_eq!((dialled.len() as u32, in_use(&bench, TRUNK)), (in_use(&bench, OTHER_TRUNK), 0));
    assert!(!dialled.is_empty());
}

#[test]
fn settings_that_are_refused_change_nothing_and_unknown_campaigns_have_none() {
    let mut bench = Bench::new(1, 3, config());
    let before = bench.dialer.campaigns[&CAMPAIGN].config.clone();
    for change in [
        |config: &mut CampaignConfig| config.mode = every_mode()[1],
        |config: &mut CampaignConfig| config.timezone = "Mars/Base".into(),
        |config: &mut CampaignConfig| config.limit = Some(3.0),
        |config: &mut CampaignConfig| config.windows = Some(Vec::new()),
    ] {
        let said = configure(&mut bench, |config| {
            config.caller_id = "+1".into();
            change(config);
        });
        assert!(matches!(said[..], [Output::Refused(crate::Reject::Config(CAMPAIGN, _))]), "{said:?}");
        assert_eq!(bench.dialer.campaigns[&CAMPAIGN].config, before);
    }
    let said = bench.tell(Input::Configure { campaign: CampaignId(9), config: Box::new(before) });
    assert_eq!(refusals(&said), 1);
}

#[test]
fn a_pacer_keeps_what_it_has_learnt_unless_the_kind_of_mode_changes() {
    use crate::pacing::{Pacer, Predictive, Progressive, Ratio};
    assert!(Predictive::new().retune(Mode::Predictive) && !Predictive::new().retune(Mode::Progressive));
    assert!(Progressive.retune(Mode::Progressive) && !Progressive.retune(Mode::Power(2.0)));
    assert!(Ratio::new(1.5).retune(Mode::Power(2.0)) && !Ratio::new(1.5).retune(Mode::Predictive));
    // And the campaign paces by the new mode at once: the ledger of a lab run is closed, so 1:1 for a reason of its own.
    let mut bench = Bench::new(2, 9, config());
    assert_eq!(snapshot(&bench).why, Reason::OneToOne.text());
    configure(&mut bench, |config| config.mode = Mode::Power(3.0));
    assert_eq!(snapshot(&bench).why, Reason::LedgerGuard.text());
}

#[test]
fn other_hours_or_another_zone_let_leads_go_that_waited_for_the_morning() {
    let mut closed = config();
    closed.profile.hours = Profile::us_ftc().hours;
    closed.timezone = "America/Los_Angeles".into();
    // 6:00 in Los Angeles; the third lead's own zone is not the campaign's.
    let mut bench = Bench::new(3, 2, closed);
    let own = Lead { timezone: Some("America/Los_Angeles".into()), ..lead(3) };
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![own] });
    assert_eq!(snapshot(&bench).leads.waiting, 3);
    let said = configure(&mut bench, |config| config.timezone = "America/New_York".into());
    assert_eq!(intents(&said), [1, 2]);
    let said = configure(&mut bench, |config| config.profile = Profile::lab());
    assert_eq!(intents(&said), [3]);
}

#[test]
fn a_tighter_rule_ends_leads_that_have_had_their_attempts() {
    let mut again = config();
    again.retry = RetryRules::default();
    let mut bench = Bench::new(1, 1, again);
    bench.commit();
    bench.end(1, Party::Callee, Some(486));
    configure(&mut bench, |config| config.retry.attempts_max = 1);
    bench.pass_ms(601_000);
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Done));
    assert_eq!(bench.dialer.open_attempts(), 0);
}

#[test]
fn a_campaign_is_removed_only_at_rest() {
    let mut bench = Bench::new(1, 3, config());
    let remove = Input::RemoveCampaign { campaign: CAMPAIGN };
    let restore = Input::RestoreLedger { campaign: CAMPAIGN, began: WallTime::from_unix_us(0), entries: Vec::new() };
    let busy = |said: Vec<Output>| matches!(said[..], [Output::Refused(crate::Reject::CampaignBusy(CAMPAIGN))]);
    bench.commit();
    assert!(busy(bench.tell(remove.clone())) && busy(bench.tell(restore.clone())));
    bench.tell(Input::Pause { campaign: CAMPAIGN });
    assert!(busy(bench.tell(remove.clone())) && busy(bench.tell(restore)));
    bench.end(1, Party::Callee, None);
    assert_eq!(refusals(&bench.tell(remove.clone())), 0);
    assert_eq!((refusals(&bench.tell(remove)), bench.dialer.campaign_snapshot(bench.now, CAMPAIGN)), (1, None));
    bench.pass_ms(60_000);
    // Its numbers are free for another campaign.
    bench.tell(Input::AddCampaign { campaign: CAMPAIGN, config: Box::new(config()) });
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![lead(1)] });
    assert_eq!(intents(&bench.tell(Input::Start { campaign: CAMPAIGN })), [1]);
}

#[test]
fn a_dialer_that_takes_over_has_the_ledger_of_the_one_that_died() {
    let windows = vec![Window::Run, Window::LocalDay, Window::Days(2)];
    let config = || CampaignConfig { windows: Some(windows.clone()), ..config() };
    let mut bench = Bench::new(1, 30, config());
    let began = bench.dialer.wall_at(bench.now);
    for attempt in 1..=12 {
        bench.pass_ms(5_000_000); // 83 minutes
        assert_eq!(bench.commit(), [attempt]);
        if attempt % 4 == 0 {
            bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
            bench.person_answers(attempt);
            bench.pass_ms(40_000);
            bench.end(attempt, Party::Us, None);
            bench.tell(Input::AgentReady { agent: AgentId(1) });
        } else {
            talk(&mut bench, attempt, 1);
        }
    }
    for _ in 0..2 {
        let person = false;
        bench.tell(Input::Disposition { campaign: CAMPAIGN, attempt: AttemptId(6), person });
    }
    bench.tell(Input::Disposition { campaign: CAMPAIGN, attempt: AttemptId(7), person: true });
    let entries: Vec<LedgerEntry> = bench
        .said
        .iter()
        .filter_map(|output| match output {
            Output::Counted { attempt, as_what, at, rang } => Some(LedgerEntry {
                attempt: *attempt,
                at: bench.dialer.wall_at(*at),
                counted_as: *as_what,
                person: match attempt.0 {
                    6 => Some(false),
                    7 => Some(true),
                    _ => None,
                },
                rang: *rang,
            }),
            _ => None,
        })
        .collect();
    assert_eq!(entries.len(), 12);
    assert!(entries.iter().all(|entry| entry.rang.is_some()));
    // Another process: its clock begins at some other moment.
    let mut after = Bench::new(0, 0, config());
    let anchor = WallAnchor { instant: Instant::from_ns(77_000_000_000), wall: bench.dialer.wall_at(bench.now) };
    after.dialer = Dialer::new(DialerConfig::default(), Seed::from_u64(2), anchor);
    after.now = anchor.instant;
    after.tell(Input::AddCampaign { campaign: CAMPAIGN, config: Box::new(config()) });
    after.tell(Input::RestoreLedger { campaign: CAMPAIGN, began, entries });
    after.tell(Input::Start { campaign: CAMPAIGN });
    let (lived, back) = (snapshot(&bench), snapshot(&after));
    assert_eq!((&lived.ledger, lived.began_unix_us), (&back.ledger, back.began_unix_us));
    assert_eq!(lived.ledger.iter().map(|window| window.machines).max(), Some(1));
    assert_eq!(bench.dialer.closed_windows(CAMPAIGN), after.dialer.closed_windows(CAMPAIGN));
    assert!(!after.dialer.closed_windows(CAMPAIGN).is_empty());
    // What agents record later still finds its call.
    for bench in [&mut bench, &mut after] {
        let said = bench.tell(Input::Disposition { campaign: CAMPAIGN, attempt: AttemptId(6), person: true });
        assert_eq!(refusals(&said), 0);
        assert!(snapshot(bench).ledger.iter().all(|window| window.machines == 0));
    }
    let early = vec![LedgerEntry {
        attempt: AttemptId(1),
        at: WallTime::from_unix_us(-1),
        counted_as: CountedAs::Connected,
        person: None,
        rang: None,
    }];
    after.tell(Input::Pause { campaign: CAMPAIGN });
    let said = after.tell(Input::RestoreLedger { campaign: CAMPAIGN, began, entries: early });
    assert!(matches!(said[..], [Output::Refused(crate::Reject::LedgerMoment(CAMPAIGN))]));
    assert_eq!(snapshot(&after).ledger, snapshot(&bench).ledger);
}

#[test]
fn only_counted_calls_can_be_recorded_as_machines() {
    let mut bench = Bench::new(1, 2, config());
    bench.commit();
    let disposition = |attempt| Input::Disposition { campaign: CAMPAIGN, attempt: AttemptId(attempt), person: false };
    assert_eq!(refusals(&bench.tell(disposition(1))), 1, "nobody has answered");
    talk(&mut bench, 1, 1);
    for _ in 0..3 {
        assert_eq!(refusals(&bench.tell(disposition(1))), 0);
    }
    assert_eq!(snapshot(&bench).ledger[0].machines, 1);
    assert_eq!(refusals(&bench.tell(disposition(99))), 1);
}

#[test]
fn skills_change_and_agents_go() {
    let mut skilled = config();
    skilled.skills = ["french".to_string()].into_iter().collect();
    let mut bench = Bench::new(1, 3, skilled.clone());
    assert_eq!(snapshot(&bench).why, Reason::NoAgents.text());
    let said = bench.tell(Input::SetSkills { agent: AgentId(1), skills: skilled.skills });
    assert_eq!(intents(&said), [1]);
    bench.commit();
    bench.person_answers(1);
    assert_eq!(refusals(&bench.tell(Input::RemoveAgent { agent: AgentId(1) })), 1);
    bench.end(1, Party::Callee, None);
    let said = bench.tell(Input::RemoveAgent { agent: AgentId(1) });
    let gone = |output: &Output| matches!(output, Output::AgentChanged { state: AgentState::LoggedOut, .. });
    assert!(said.iter().any(gone), "{said:?}");
    assert!(bench.dialer.snapshot(bench.now).each_agent.is_empty() && bench.dialer.spells.is_empty());
    assert_eq!(refusals(&bench.tell(Input::AgentReady { agent: AgentId(1) })), 1);
    assert_eq!(refusals(&bench.tell(Input::SetSkills { agent: AgentId(1), skills: Skills::new() })), 1);
}

#[test]
fn a_call_placed_by_hand_keeps_its_agent_from_the_campaign() {
    let mut bench = Bench::new(1, 3, config());
    bench.tell(Input::Pause { campaign: CAMPAIGN });
    bench.commit();
    let (agent, item) = (AgentId(1), CallId(1 << 40));
    // Attempt 1 rings: its number is no name for another item.
    assert_eq!(refusals(&bench.tell(Input::ReserveAgent { agent, item: CallId(1) })), 1);
    assert_eq!(refusals(&bench.tell(Input::ItemConnected { agent })), 1);
    let said = bench.tell(Input::ReserveAgent { agent, item });
    assert!(matches!(said[..], [Output::AgentChanged { state: AgentState::Reserved, .. }]), "{said:?}");
    assert_eq!(refusals(&bench.tell(Input::ReserveAgent { agent, item: CallId(1 << 41) })), 1);
    // The person who answers meanwhile finds no agent, however the call by hand goes on.
    assert!(bench.person_answers(1).is_empty());
    bench.tell(Input::ItemConnected { agent });
    let shown = bench.dialer.snapshot(bench.now).each_agent[0];
    assert_eq!((shown.state, shown.item, shown.by_hand), ("talking", Some(item.0), true));
    assert!(bench.pass_ms(1_400).iter().any(|output| matches!(output, Output::PlayMessage { .. })));
    bench.end(1, Party::Callee, None);
    bench.tell(Input::ItemFinished { agent });
    assert_eq!(bench.dialer.desk().agent(agent).unwrap().state(), AgentState::WrapUp);
    assert_eq!(refusals(&bench.tell(Input::ItemFinished { agent })), 1);
    assert_eq!(refusals(&bench.tell(Input::ItemFinished { agent: AgentId(9) })), 1);
    bench.pass_ms(3_000);
    // Another one, and the agent's phone goes away with it.
    bench.tell(Input::ReserveAgent { agent, item });
    let said = bench.tell(Input::AgentLoggedOut { agent });
    assert!(said.iter().any(|output| matches!(output, Output::ItemLost { item: lost, .. } if *lost == item)));
    assert_eq!(refusals(&bench.tell(Input::ItemFinished { agent })), 1);
}

#[test]
fn what_the_store_remembers_of_a_number_binds_and_counts_once() {
    let mut capped = config();
    capped.profile.attempts = vec![crate::AttemptCap { max: 3, hours: 24 }];
    let mut bench = Bench::new(0, 0, capped);
    let now_us = bench.dialer.wall_at(bench.now).as_unix_us();
    let hours_ago = |hours: i64| WallTime::from_unix_us(now_us - hours * 3_600_000_000);
    // Two attempts within a day; the lead and two stories of the store tell the same.
    for _ in 0..2 {
        let attempts = vec![hours_ago(30), hours_ago(20), hours_ago(5)];
        bench.tell(Input::History { number: lead(1).number, attempts, abandoned: None, machine: None });
    }
    let brought = Lead { attempts_made: 1, last_attempt: Some(hours_ago(5)), next_at: Some(hours_ago(1)), ..lead(1) };
    // Of the second number three are known.
    let attempts = vec![hours_ago(20), hours_ago(6), hours_ago(5)];
    bench.tell(Input::History { number: lead(2).number, attempts, abandoned: None, machine: None });
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![brought, lead(2)] });
    for agent in [AgentId(1), AgentId(2)] {
        bench.tell(Input::AddAgent { agent, name: "late".into(), skills: Skills::new() });
        bench.tell(Input::AgentReady { agent });
    }
    assert_eq!(intents(&bench.said), [1]);
    bench.pass_ms(4 * 3_600_000 - 5_000);
    assert_eq!(intents(&bench.said), [1]);
    bench.pass_ms(10_000);
    assert_eq!(intents(&bench.said), [1, 2], "a day after the first of the three");
    // A person who was abandoned yesterday is left alone for the profile's time.
    let mut spared = CampaignConfig { mode: Mode::Predictive, ..config() };
    spared.profile.recall_after_abandon_h = 72;
    let mut bench = Bench::new(1, 0, spared);
    bench.tell(Input::History {
        number: lead(1).number,
        attempts: Vec::new(),
        abandoned: Some(hours_ago(24)),
        machine: None,
    });
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![lead(1)] });
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Waiting));
}

#[test]
fn blocked_leads_come_back_when_the_reason_is_gone() {
    let mut strict = config();
    strict.profile.consent_required = true;
    let with_consent = |id| Lead { consent: Some("form 7".into()), ..lead(id) };
    let mut bench = Bench::new(5, 1, strict);
    bench.tell(Input::DoNotCall { number: lead(2).number });
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![with_consent(2), with_consent(3)] });
    bench.commit();
    bench.end(1, Party::Carrier, Some(404));
    let blocked = |bench: &Bench, id| bench.dialer.lead_state(CAMPAIGN, LeadId(id)) == Some(LeadState::Blocked);
    assert!((1..=3).all(|id| blocked(&bench, id)));
    assert_eq!(snapshot(&bench).leads.blocked, 3);
    // Nothing has changed: the gate says the same again.
    bench.tell(Input::Reconsider { campaign: CAMPAIGN });
    assert!((1..=3).all(|id| blocked(&bench, id)));
    // The number may be called again.
    bench.tell(Input::LiftDoNotCall { number: lead(2).number });
    assert!(blocked(&bench, 2));
    assert_eq!(intents(&bench.tell(Input::Reconsider { campaign: CAMPAIGN })), [2]);
    // The consent was given after all.
    let said = bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![with_consent(1)] });
    assert_eq!((intents(&said), refusals(&said)), (vec![1], 0));
    // A number that does not exist stays blocked, until another one is known.
    let said = bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![with_consent(3)] });
    assert_eq!((refusals(&said), blocked(&bench, 3)), (1, true));
    let taken = Lead { number: lead(2).number, ..with_consent(3) };
    assert_eq!(refusals(&bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![taken] })), 1);
    let corrected = Lead { number: lead(33).number, ..with_consent(3) };
    assert_eq!(intents(&bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![corrected] })), [3]);
    assert_eq!(snapshot(&bench).leads.blocked, 0);
    assert_eq!(refusals(&bench.tell(Input::Reconsider { campaign: CampaignId(9) })), 1);
}

#[test]
fn a_lead_that_a_process_died_with_waits_out_its_gap_from_the_intent_on() {
    let mut again = config();
    again.retry = RetryRules::default();
    let mut bench = Bench::new(1, 0, again);
    let now_us = bench.dialer.wall_at(bench.now).as_unix_us();
    let minutes_ago = |minutes: i64| Some(WallTime::from_unix_us(now_us - minutes * 60_000_000));
    let died = |id, minutes| Lead { attempts_made: 1, last_attempt: minutes_ago(minutes), ..lead(id) };
    let leads = vec![
        died(1, 20), // unknown: two hours
        Lead { last_outcome: Some(Outcome::Busy), ..died(2, 5) },
        Lead { last_outcome: Some(Outcome::Connected), ..died(3, 9_999) },
        Lead { last_outcome: Some(Outcome::BadNumber), ..died(4, 9_999) },
        Lead { next_at: minutes_ago(-1), ..died(5, 1) },
    ];
    let said = bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads });
    let told = |said: &[Output], id| {
        said.iter().find_map(|output| match output {
            Output::LeadChanged { lead, state, next_at, .. } if lead.0 == id => Some((*state, *next_at)),
            _ => None,
        })
    };
    assert_eq!(told(&said, 1), Some((LeadState::Waiting, minutes_ago(-100))));
    assert_eq!(told(&said, 2), Some((LeadState::Waiting, minutes_ago(-5))));
    assert_eq!(told(&said, 3), Some((LeadState::Done, None)));
    assert_eq!(told(&said, 4), Some((LeadState::Blocked, None)));
    assert_eq!(told(&said, 5), None, "the store knows");
    let mut dialled = Vec::new();
    let mut minutes = 0.0;
    while dialled.len() < 3 && minutes < 200.0 {
        let said = bench.pass_ms(15_000);
        minutes += 0.25;
        dialled.extend(intents(&said).into_iter().map(|lead| (lead, minutes)));
        for attempt in bench.commit() {
            bench.end(attempt, Party::Callee, Some(404));
        }
    }
    let on_time = |wanted: &[(u64, f64)]| {
        dialled.iter().zip(wanted).all(|(is, wanted)| is.0 == wanted.0 && (0.0..0.5).contains(&(is.1 - wanted.1)))
    };
    assert!(on_time(&[(5, 1.0), (2, 5.0), (1, 100.0)]), "{dialled:?}");
    assert_eq!(Outcome::named("unknown"), Some(Outcome::Unknown));
    assert!(Outcome::ALL.iter().all(|outcome| Outcome::named(outcome.name()) == Some(*outcome)));
}

#[test]
fn on_hold_nothing_is_decided_and_calls_go_on() {
    let mut bench = Bench::new(3, 9, config());
    assert_eq!(bench.dialer.open_attempts(), 3);
    bench.tell(Input::Hold { on: true });
    let shown = snapshot(&bench);
    assert_eq!((shown.state, shown.why), ("running", Reason::OnHold.text()));
    assert_eq!(bench.commit(), [1, 2, 3], "what was decided is dialled");
    talk(&mut bench, 1, 1);
    assert!(intents(&bench.pass_ms(60_000)).is_empty());
    assert_eq!(intents(&bench.tell(Input::Hold { on: false })), [4]);
}

#[test]
fn a_busy_store_defers_and_costs_the_lead_no_attempt() {
    let mut once = config();
    once.retry = RetryRules {
        attempts_max: 1,
        rules: [(Outcome::Busy, RetryRule { gap: Duration::ZERO, times: 1 })].into_iter().collect(),
        ..RetryRules::none()
    };
    let mut bench = Bench::new(1, 1, once);
    for attempt in 1..=5 {
        let said = bench.tell(Input::IntentDeferred { attempt: AttemptId(attempt) });
        assert!(!said.iter().any(|output| matches!(output, Output::CampaignPaused { .. })));
        assert_eq!(bench.record(attempt).outcome, Outcome::Cancelled);
        let shown = snapshot(&bench);
        assert_eq!((shown.state, shown.leads.waiting), ("running", 1));
        assert_eq!(intents(&bench.pass_ms(61_000)), [1], "the lead comes back");
    }
    bench.commit();
    bench.end(6, Party::Callee, Some(486));
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Done), "one attempt was made");
    // While the store rests nothing else is decided either.
    let mut bench = Bench::new(1, 5, config());
    bench.tell(Input::IntentDeferred { attempt: AttemptId(1) });
    assert_eq!(snapshot(&bench).why, Reason::StoreAway.text());
    assert!(intents(&bench.pass_ms(900)).is_empty());
    assert_eq!(intents(&bench.pass_ms(1_200)), [2]);
}

#[test]
fn a_trunk_that_asks_for_patience_gets_it() {
    let mut bench = Bench::new(6, 90, config());
    bench.tell(Input::TrunkRoom { trunk: TRUNK, channels: 56, cps: 4.0 });
    // Six are decided; the rate lets four go at once, two wait for it.
    assert_eq!(bench.commit().len(), 4);
    let refuse = |attempt| Input::Ended {
        attempt: AttemptId(attempt),
        cause: EndCause { whose: Party::Carrier, code: Some(503), retry_after_s: Some(30) },
    };
    let at = bench.now;
    bench.tell(refuse(1));
    assert_eq!((bench.record(5).outcome, bench.record(6).outcome), (Outcome::Cancelled, Outcome::Cancelled));
    assert_eq!(snapshot(&bench).why, Reason::TrunkRefuses.text());
    let shown = &bench.dialer.snapshot(bench.now).trunks[0];
    assert_eq!((shown.cps, shown.in_use, shown.closed_until_unix_us.is_some()), (2.0, 3, true));
    bench.pass_ms(500);
    for attempt in 2..=4 {
        bench.tell(refuse(attempt));
    }
    bench.said.clear();
    bench.pass_ms(30_000 - 1);
    assert!(intents(&bench.said).is_empty());
    // Half the rate when it opens, and the first second after that keeps it.
    bench.pass_ms(1_500);
    bench.commit();
    bench.pass_ms(3_000);
    bench.commit();
    let launched: Vec<Instant> = bench.dialer.attempts.values().filter_map(|attempt| attempt.times.launched).collect();
    assert!(!launched.is_empty() && launched.iter().all(|launch| launch.since(at) >= Duration::from_secs(30)));
    for (index, launch) in launched.iter().enumerate() {
        let within = launched[index..].iter().filter(|later| later.since(*launch) < Duration::from_secs(1)).count();
        assert!(within <= 2, "{within} within a second");
    }
}

#[test]
fn the_picture_has_what_a_screen_shows_and_says_when_it_has_changed() {
    let mut bench = Bench::new(2, 5, config());
    bench.commit();
    talk(&mut bench, 1, 1);
    let before = bench.dialer.changes();
    let picture = bench.dialer.snapshot(bench.now);
    let campaign = &picture.campaigns[0];
    assert_eq!(Some(campaign), bench.dialer.campaign_snapshot(bench.now, CAMPAIGN).as_ref());
    assert_eq!((campaign.state, campaign.attempts, campaign.open_attempts), ("running", 2, 1));
    assert_eq!((campaign.outcomes["connected"], campaign.ledger[0].window.as_ref()), (1, "run"));
    assert_eq!((campaign.ledger[0].connected, campaign.ledger[0].limit), (1, 0.03));
    assert_eq!((campaign.connected, campaign.abandoned, campaign.ledger[0].budget_left), (1, 0, 0));
    assert_eq!((campaign.agents["wrap_up"], campaign.agents["ready"], campaign.why_code), (1, 1, "one_to_one"));
    assert!(campaign.occupancy > 0.0 && campaign.occupancy == picture.occupancy, "{campaign:?}");
    let began = campaign.since_unix_us;
    assert!(began < picture.at_unix_us);
    assert!(picture.decisions > 0 && !picture.on_hold);
    let agent = picture.each_agent[0];
    let since = bench.dialer.wall_at(bench.now).as_unix_us();
    assert_eq!((agent.agent, agent.state, agent.since_unix_us, agent.item), (1, "wrap_up", since, None));
    assert_eq!((picture.agents["wrap_up"], picture.agents["ready"], picture.agents["on_break"]), (1, 1, 0));
    // Nothing is due: the same picture.
    bench.dialer.handle_timeout(bench.now);
    assert_eq!(bench.dialer.changes(), before);
    bench.tell(Input::AgentBreak { agent: AgentId(2), announced: false });
    assert!(bench.dialer.changes() > before);
    let before = bench.dialer.changes();
    bench.pass_ms(3_000);
    assert!(bench.dialer.changes() > before, "a wrap-up ended");
}

#[test]
fn with_a_list_that_is_too_old_nothing_is_dialled_and_a_number_on_one_never() {
    let mut bench = Bench::new(2, 4, config());
    configure(&mut bench, |config| config.profile.dnc_max_age_d = Some(31));
    bench.tell(Input::Screens { do_not_call: None, reassigned: None });
    bench.pass_ms(2_000);
    assert_ne!(snapshot(&bench).why, Reason::NoFreshDoNotCall.text(), "never loaded");
    let days_old = |bench: &Bench, days: i64| {
        let now_us = bench.dialer.wall_at(bench.now).as_unix_us();
        Some(WallTime::from_unix_us(now_us - days * 86_400_000_000))
    };
    for (days, fresh) in [(32, false), (30, true)] {
        let do_not_call = days_old(&bench, days);
        bench.tell(Input::Screens { do_not_call, reassigned: None });
        bench.pass_ms(2_000);
        assert_eq!(snapshot(&bench).why != Reason::NoFreshDoNotCall.text(), fresh, "{days} days");
    }
    configure(&mut bench, |config| config.profile.reassigned_max_age_d = Some(7));
    let (do_not_call, reassigned) = (days_old(&bench, 1), days_old(&bench, 8));
    bench.tell(Input::Screens { do_not_call, reassigned });
    bench.pass_ms(2_000);
    assert_eq!(snapshot(&bench).why, Reason::NoFreshReassigned.text());
    let (do_not_call, reassigned) = (days_old(&bench, 1), days_old(&bench, 1));
    bench.tell(Input::Screens { do_not_call, reassigned });
    for (id, screened) in [(50, crate::Screened::DoNotCall), (51, crate::Screened::Reassigned)] {
        let on_it = Lead { screened: Some(screened), ..lead(id) };
        bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![on_it] });
    }
    for _ in 0..20 {
        bench.pass_ms(2_000);
        bench.commit();
        (1..20).for_each(|attempt| {
            drop(bench.tell(Input::Ended {
                attempt: AttemptId(attempt),
                cause: EndCause { whose: Party::Callee, code: None, retry_after_s: None },
            }))
        });
    }
    for id in [50, 51] {
        assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(id)), Some(LeadState::Blocked), "{id}");
    }
}
