//! Agentless and preview, agents kept for one call, and switching between all modes while running.

use super::*;
use crate::campaign::{CallbackRule, CallbackThen, RetryRule};
use crate::io::{OfferEnd, Speech};
use crate::lead::Callback;
use crate::pacing::Reason;

fn agentless(channels: Option<u32>, calls_per_s: Option<f64>) -> CampaignConfig {
    CampaignConfig {
        mode: Mode::Agentless(Flow { channels, calls_per_s }),
        recording: Some(recording()),
        retry: RetryRules::none(),
        ..config()
    }
}

fn preview(then: PreviewEnd) -> CampaignConfig {
    CampaignConfig { mode: Mode::Preview(Preview { timer: Duration::from_secs(20), then }), ..config() }
}

fn offers(said: &[Output]) -> Vec<(u64, u64)> {
    let pick = |output: &Output| match output {
        Output::Offered { agent, lead, .. } => Some((agent.0, lead.0)),
        _ => None,
    };
    said.iter().filter_map(pick).collect()
}

fn over(said: &[Output]) -> Vec<(u64, OfferEnd)> {
    let pick = |output: &Output| match output {
        Output::OfferOver { lead, how, .. } => Some((lead.0, *how)),
        _ => None,
    };
    said.iter().filter_map(pick).collect()
}

fn intents(said: &[Output]) -> Vec<u64> {
    let pick = |output: &Output| match output {
        Output::RecordIntent(intent) => Some(intent.lead.0),
        _ => None,
    };
    said.iter().filter_map(pick).collect()
}

fn accept(agent: u64, lead: u64) -> Input {
    Input::PreviewAccept { agent: AgentId(agent), lead: LeadId(lead) }
}

fn skip(agent: u64, lead: u64) -> Input {
    Input::PreviewSkip { agent: AgentId(agent), lead: LeadId(lead) }
}

fn state_of(bench: &Bench, agent: u64) -> AgentState {
    bench.dialer.desk().agent(AgentId(agent)).unwrap().state()
}

fn why(bench: &Bench) -> Reason {
    bench.dialer.campaigns[&CAMPAIGN].why
}

fn configure(bench: &mut Bench, config: CampaignConfig) -> Vec<Output> {
    bench.tell(Input::Configure { campaign: CAMPAIGN, config: Box::new(config) })
}

#[test]
fn without_agents_the_channels_are_filled_and_a_person_hears_the_recording() {
    let mut bench = Bench::new(0, 10, agentless(Some(3), None));
    assert_eq!((bench.commit(), why(&bench)), (vec![1, 2, 3], Reason::Channels));
    let said = bench.person_answers(1);
    let Some(Output::PlayMessage { message, speech: Speech::Recording, opt_out, .. }) = said.first() else {
        panic!("{said:?}");
    };
    assert_eq!((message.as_str(), *opt_out), ("notice", bench.dialer.campaigns[&CAMPAIGN].config.profile.opt_out_key));
    // Nobody was promised an agent: the ledger stays empty however long the message takes.
    bench.pass_ms(20_000);
    let at = bench.now;
    bench.tell(Input::MessageBegan { attempt: AttemptId(1), at });
    let said = bench.tell(Input::MessageEnded { attempt: AttemptId(1) });
    assert!(matches!(said[..], [Output::Hangup { reason: HangupReason::MessageOver, .. }]), "{said:?}");
    assert!(intents(&bench.end(1, Party::Us, None)) == [4], "the channel is free for the next");
    let record = bench.record(1);
    assert_eq!((record.outcome, record.counted_as), (Outcome::Message, CountedAs::Nothing));
    assert!(record.message_played && record.agent.is_none() && record.clock.is_none());
    assert_eq!((bench.rate(), bench.dialer.lead_state(CAMPAIGN, LeadId(1))), ((0, 0), Some(LeadState::Done)));
    // Whoever hangs up in the middle has heard the beginning; a message that never ends is ended.
    bench.person_answers(2);
    bench.end(2, Party::Callee, None);
    assert_eq!((bench.record(2).outcome, bench.record(2).message_played), (Outcome::Message, false));
    bench.person_answers(3);
    let said = bench.pass_ms(60_000);
    assert!(said.iter().any(|output| matches!(output, Output::Hangup { attempt: AttemptId(3), .. })), "{said:?}");
    // A machine is hung up.
    bench.commit();
    bench.tell(Input::Answered { attempt: AttemptId(4) });
    bench.tell(Input::Verdict { attempt: AttemptId(4), verdict: AmdVerdict::Machine, greeting_end: None });
    bench.end(4, Party::Us, None);
    assert_eq!(bench.record(4).outcome, Outcome::Machine);
}

#[test]
fn without_agents_the_rate_holds_in_every_second() {
    for (per_s, seconds) in [(4.0, 10), (0.5, 20), (25.0, 3)] {
        let mut bench = Bench::new(0, 200, agentless(None, Some(per_s)));
        let from = bench.said.len();
        bench.pass_ms(seconds * 1_000 - 1);
        let made = intents(&bench.said).len();
        assert_eq!(made as f64, per_s * seconds as f64, "{per_s}");
        // Nothing but ticks of a second and the calls themselves: no turning on the spot.
        assert!(bench.said.len() - from <= 3 * made + 60, "{} outputs", bench.said.len() - from);
        assert_eq!(why(&bench), Reason::Rate);
        let moments: Vec<i64> = bench
            .said
            .iter()
            .filter_map(|output| match output {
                Output::RecordIntent(intent) => Some(intent.at.as_unix_us()),
                _ => None,
            })
            .collect();
        let gap_us = (1e6 / per_s) as i64;
        assert!(moments.windows(2).all(|pair| pair[1] - pair[0] >= gap_us), "{per_s}");
    }
    // Somebody who comes 7 ms late each time costs nothing of the rate.
    let mut bench = Bench::new(0, 400, agentless(None, Some(50.0)));
    let end = bench.now + Duration::from_ms(1_500);
    while let Some(at) = bench.dialer.poll_timeout().filter(|at| *at < end) {
        bench.now = at + Duration::from_ms(7);
        bench.dialer.handle_timeout(bench.now);
        bench.drain();
    }
    let made = intents(&bench.said).len();
    assert!((74..=76).contains(&made), "{made}");
    // A long sleep is not made up for.
    bench.now += Duration::from_secs(5);
    bench.dialer.handle_timeout(bench.now);
    assert!(intents(&bench.drain()).len() <= 2);
    // Both at once: the channels are full after four calls, and one goes out for each that ends.
    let mut bench = Bench::new(0, 20, agentless(Some(4), Some(2.0)));
    bench.pass_ms(10_000);
    assert_eq!((bench.commit().len(), why(&bench)), (4, Reason::Channels));
    assert_eq!(intents(&bench.end(1, Party::Callee, Some(486))), [5]);
}

#[test]
fn recordings_need_the_profiles_leave_and_a_consent() {
    let mut strict = agentless(Some(2), None);
    strict.profile.agentless_allowed = false;
    let mut bench = Bench::new(0, 4, config());
    assert_eq!(refusals(&configure(&mut bench, strict)), 1);
    let mut silent = agentless(Some(2), None);
    silent.recording = None;
    assert_eq!(refusals(&configure(&mut bench, silent)), 1);
    assert_eq!(refusals(&configure(&mut bench, agentless(None, None))), 1);
    let mut asks = agentless(Some(9), None);
    (asks.profile.consent_required, asks.profile.agentless_consent) = (false, true);
    configure(&mut bench, asks);
    let given = Lead { consent: Some("form 7".into()), ..lead(9) };
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![given] });
    assert_eq!(intents(&bench.said), [9]);
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Blocked));
    // Agents may call them: the leads come back with the mode.
    bench.tell(Input::AddAgent { agent: AgentId(1), name: "ann".into(), skills: Skills::new() });
    bench.tell(Input::AgentReady { agent: AgentId(1) });
    let said = configure(&mut bench, config());
    assert_eq!(intents(&said), [1]);
}

#[test]
fn an_agent_looks_accepts_and_gets_the_person() {
    let mut bench = Bench::new(2, 5, preview(PreviewEnd::Skip));
    assert_eq!(offers(&bench.said), [(1, 1), (2, 2)]);
    assert!(intents(&bench.said).is_empty());
    assert_eq!((state_of(&bench, 1), why(&bench)), (AgentState::Reserved, Reason::Preview));
    let counts = bench.dialer.snapshot(bench.now).campaigns[0].leads;
    assert_eq!((counts.offered, counts.ready, counts.dialling), (2, 3, 0));
    // A late click on another lead, or of another agent, meets nothing.
    for late in [accept(1, 2), skip(2, 1), accept(7, 1)] {
        assert_eq!(refusals(&bench.tell(late)), 1);
    }
    bench.pass_ms(5_000);
    let said = bench.tell(accept(1, 1));
    assert_eq!((intents(&said), over(&said)), (vec![1], vec![(1, OfferEnd::Accepted)]));
    assert_eq!(bench.commit().len(), 1);
    let attempt = bench.dialer.attempts.keys().next().unwrap().0;
    let said = bench.person_answers(attempt);
    assert!(matches!(said[..], [Output::Connect { agent: AgentId(1), .. }]), "{said:?}");
    bench.tell(Input::Connected { attempt: AttemptId(attempt), agent: AgentId(1) });
    assert_eq!((bench.rate(), state_of(&bench, 1)), ((1, 0), AgentState::Talking));
    bench.end(attempt, Party::Callee, None);
    assert_eq!(bench.record(attempt).agent, Some(AgentId(1)));
    // After the wrap-up the next lead is shown.
    let said = bench.pass_ms(3_000);
    assert_eq!(offers(&said), [(1, 3)]);
    // Nobody answers: the agent is free at once, and looks at the next.
    bench.tell(accept(1, 3));
    bench.commit();
    let attempt = bench.dialer.attempts.keys().next().unwrap().0;
    let said = bench.end(attempt, Party::Callee, Some(486));
    assert_eq!((offers(&said), bench.record(attempt).outcome), (vec![(1, 4)], Outcome::Busy));
}

#[test]
fn a_skipped_lead_comes_again_so_often_and_the_timer_does_what_the_campaign_says() {
    let mut skips = preview(PreviewEnd::Skip);
    skips.skipped = RetryRule { gap: Duration::from_secs(600), times: 1 };
    let mut bench = Bench::new(1, 2, skips);
    let said = bench.tell(skip(1, 1));
    assert_eq!((over(&said), offers(&said)), (vec![(1, OfferEnd::Skipped)], vec![(1, 2)]));
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Waiting));
    // The timer skips the second.
    assert!(over(&bench.pass_ms(19_999)).is_empty());
    assert_eq!(over(&bench.pass_ms(1)), [(2, OfferEnd::TimedOut)]);
    assert_eq!(state_of(&bench, 1), AgentState::Ready);
    let said = bench.pass_ms(590_000);
    assert_eq!((offers(&said), bench.dialer.open_attempts()), (vec![(1, 1)], 0));
    bench.tell(skip(1, 1));
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Done));
    // And the other way: it dials.
    let mut bench = Bench::new(1, 2, preview(PreviewEnd::Dial));
    let said = bench.pass_ms(20_000);
    assert_eq!((intents(&said), over(&said)), (vec![1], vec![(1, OfferEnd::Accepted)]));
    assert_eq!(bench.commit().len(), 1);
}

#[test]
fn the_gate_is_asked_again_when_the_agent_accepts() {
    let mut bench = Bench::new(1, 3, preview(PreviewEnd::Skip));
    bench.tell(Input::DoNotCall { number: lead(1).number });
    let said = bench.tell(accept(1, 1));
    assert_eq!((intents(&said), over(&said)), (vec![], vec![(1, OfferEnd::Withdrawn)]));
    assert_eq!((offers(&said), state_of(&bench, 1)), (vec![(1, 2)], AgentState::Reserved));
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Blocked));
    // What cannot be dialled this moment is shown on; its time over, it is the next one again.
    bench.tell(Input::TrunkRoom { trunk: TRUNK, channels: 0, cps: 10.0 });
    let said = bench.tell(accept(1, 2));
    assert!(matches!(said[..], [Output::Refused(Reject::NotNow(AgentId(1), Reason::NoTrunkRoom))]), "{said:?}");
    assert_eq!(over(&bench.pass_ms(20_000)), [(2, OfferEnd::TimedOut)]);
    assert!(offers(&bench.pass_ms(5_000)).is_empty(), "nothing is shown that could not be dialled");
}

#[test]
fn whoever_looks_may_go_and_nobody_is_called_for_an_agent_who_has_gone() {
    let mut bench = Bench::new(2, 9, preview(PreviewEnd::Dial));
    let said = bench.tell(Input::AgentBreak { agent: AgentId(1), announced: true });
    assert_eq!((over(&said), state_of(&bench, 1)), (vec![(1, OfferEnd::Withdrawn)], AgentState::OnBreak));
    // Lead 1 is the next one again.
    let said = bench.tell(skip(2, 2));
    assert_eq!(offers(&said), [(2, 1)]);
    bench.tell(accept(2, 1));
    bench.commit();
    let attempt = *bench.dialer.attempts.keys().next().unwrap();
    // The phone is lost while it rings: the call is cancelled, and nobody can be abandoned by it.
    let said = bench.tell(Input::AgentLoggedOut { agent: AgentId(2) });
    assert!(said.iter().any(|output| matches!(output, Output::Hangup { reason: HangupReason::AgentGone, .. })));
    bench.end(attempt.0, Party::Us, Some(487));
    assert_eq!(bench.record(attempt.0).outcome, Outcome::Cancelled);
    // Lost while the intent is on its way to the disk: never dialled.
    bench.tell(Input::AgentReady { agent: AgentId(2) });
    let shown = offers(&bench.said).last().copied().unwrap().1;
    bench.tell(accept(2, shown));
    bench.tell(Input::AgentLoggedOut { agent: AgentId(2) });
    assert!(bench.commit().is_empty());
    assert_eq!(bench.dialer.open_attempts(), 0);
    // Lost while detection listens: the person goes to whoever is free.
    bench.tell(Input::AgentReady { agent: AgentId(2) });
    let shown = offers(&bench.said).last().copied().unwrap().1;
    bench.tell(accept(2, shown));
    bench.commit();
    let attempt = *bench.dialer.attempts.keys().next().unwrap();
    bench.tell(Input::Answered { attempt });
    bench.tell(Input::AgentLoggedOut { agent: AgentId(2) });
    configure(&mut bench, config());
    bench.tell(Input::AgentReady { agent: AgentId(1) });
    let said = bench.tell(Input::Verdict { attempt, verdict: AmdVerdict::Human, greeting_end: None });
    assert!(said.iter().any(|output| matches!(output, Output::Connect { agent: AgentId(1), .. })), "{said:?}");
}

#[test]
fn a_pause_a_stop_and_a_drain_take_leads_off_the_screens() {
    for order in [Input::Pause { campaign: CAMPAIGN }, Input::Stop { campaign: CAMPAIGN }] {
        let mut bench = Bench::new(2, 9, preview(PreviewEnd::Dial));
        assert_eq!(over(&bench.tell(order)).len(), 2);
        assert!(bench.dialer.offers.is_empty() && state_of(&bench, 1) == AgentState::Ready);
        assert_eq!(offers(&bench.tell(Input::Start { campaign: CAMPAIGN })).len(), 2);
    }
    let mut bench = Bench::new(1, 9, preview(PreviewEnd::Dial));
    bench.tell(Input::Hold { on: true });
    assert_eq!(refusals(&bench.tell(accept(1, 1))), 1);
    assert_eq!(over(&bench.pass_ms(60_000)), [(1, OfferEnd::Withdrawn)]);
    assert_eq!(offers(&bench.tell(Input::Hold { on: false })), [(1, 1)]);
}

/// An agent whom a ringing call may need is not taken away to look at leads.
#[test]
fn a_preview_beside_a_progressive_campaign_abandons_nobody() {
    let other = CampaignId(2);
    let mut bench = Bench::new(2, 1, config());
    // One call rings for the two agents.
    assert_eq!(bench.commit(), [1]);
    bench.tell(Input::AddCampaign { campaign: other, config: Box::new(preview(PreviewEnd::Dial)) });
    let leads = (11..=15).map(lead).collect();
    bench.tell(Input::AddLeads { campaign: other, leads });
    let said = bench.tell(Input::Start { campaign: other });
    assert_eq!(offers(&said).len(), 1, "one of the two is spare");
    bench.person_answers(1);
    bench.pass_ms(100);
    let agent = bench.dialer.attempts[&AttemptId(1)].agent.expect("an agent was there");
    bench.tell(Input::Connected { attempt: AttemptId(1), agent });
    assert_eq!(bench.rate(), (1, 0));
}

#[test]
fn an_abandoned_number_is_called_again_early_only_with_an_agent_reserved() {
    let abandoned = |bench: &Bench| {
        let at = WallTime::from_unix_us(bench.dialer.wall_at(bench.now).as_unix_us() - 3_600_000_000);
        Input::History { number: lead(1).number, attempts: vec![at], abandoned: Some(at), machine: None }
    };
    for (mode, with_agent, calls) in [
        (Mode::Predictive, true, false),
        (Mode::Power(3.0), true, false),
        (Mode::Progressive, true, true),
        (Mode::Progressive, false, false),
        (every_mode()[0], true, true),
        (every_mode()[0], false, false),
    ] {
        let mut rules = config();
        rules.profile.recall_after_abandon_h = 72;
        rules.profile.recall_with_agent = with_agent;
        rules.mode = mode;
        let mut bench = Bench::new(1, 0, rules);
        bench.tell(abandoned(&bench));
        bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![lead(1)] });
        bench.pass_ms(21_000);
        assert_eq!(!intents(&bench.said).is_empty(), calls, "{mode:?} {with_agent}");
        if calls {
            assert_eq!(state_of(&bench, 1), AgentState::Reserved, "{mode:?}");
            bench.commit();
            let attempt = *bench.dialer.attempts.keys().next().unwrap();
            let said = bench.person_answers(attempt.0);
            assert!(matches!(said[..], [Output::Connect { agent: AgentId(1), .. }]), "{mode:?}: {said:?}");
        } else {
            assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Waiting), "{mode:?}");
        }
    }
}

fn promised(lead_id: u64, in_s: u64, bench: &Bench, agent: Option<u64>) -> Input {
    let at = WallTime::from_unix_us(bench.dialer.wall_at(bench.now).as_unix_us() + in_s as i64 * 1_000_000);
    let callback = Some(Callback { at, agent: agent.map(AgentId) });
    Input::AddLeads { campaign: CAMPAIGN, leads: vec![Lead { callback, ..lead(lead_id) }] }
}

fn kept(said: &[Output]) -> Vec<u64> {
    let pick = |output: &Output| match output {
        Output::CallbackKept { lead, .. } => Some(lead.0),
        _ => None,
    };
    said.iter().filter_map(pick).collect()
}

#[test]
fn a_promise_is_kept_to_the_second_by_the_agent_who_gave_it() {
    for mode in [Mode::Progressive, Mode::Predictive, Mode::Power(3.0)] {
        let mut bench = Bench::new(2, 0, CampaignConfig { mode, ..config() });
        bench.tell(promised(1, 60, &bench, Some(2)));
        bench.tell(promised(2, 90, &bench, None));
        assert!(intents(&bench.pass_ms(59_000)).is_empty(), "{mode:?}");
        let said = bench.pass_ms(2_000);
        assert_eq!((intents(&said), state_of(&bench, 2)), (vec![1], AgentState::Reserved), "{mode:?}");
        bench.commit();
        assert_eq!(kept(&bench.said), [1]);
        let attempt = *bench.dialer.attempts.keys().next().unwrap();
        let said = bench.person_answers(attempt.0);
        assert!(matches!(said[..], [Output::Connect { agent: AgentId(2), .. }]), "{mode:?}: {said:?}");
        assert!(intents(&bench.pass_ms(26_000)).is_empty());
        assert_eq!(intents(&bench.pass_ms(2_000)), [2], "{mode:?}");
    }
    // In preview the agent looks first.
    let mut bench = Bench::new(2, 0, preview(PreviewEnd::Skip));
    bench.tell(promised(1, 60, &bench, Some(2)));
    assert_eq!(offers(&bench.pass_ms(62_000)), [(2, 1)]);
}

#[test]
fn an_agent_who_is_busy_is_wanted_next_and_one_who_is_away_is_waited_for_so_long() {
    // Busy: the only call under way is agent 1's, and nobody counts on agent 1 after it.
    let mut bench = Bench::new(1, 3, config());
    bench.commit();
    bench.person_answers(1);
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    bench.tell(promised(9, 5, &bench, Some(1)));
    bench.pass_ms(20_000);
    bench.end(1, Party::Callee, None);
    assert_eq!(intents(&bench.pass_ms(3_000)), [9], "before the leads that were there");
    // Away: after the campaign's time anybody calls.
    let mut bench = Bench::new(2, 0, config());
    bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
    bench.tell(promised(1, 10, &bench, Some(1)));
    assert!(intents(&bench.pass_ms(605_000)).is_empty());
    assert_eq!(intents(&bench.pass_ms(10_000)), [1]);
    bench.commit();
    assert_eq!(kept(&bench.said), [1]);
    // Or it is tried again later, with the same agent.
    let later = CallbackThen::Later(Duration::from_secs(1_800));
    let rule = CallbackRule { wait: Duration::from_secs(600), then: later };
    let mut bench = Bench::new(2, 0, CampaignConfig { callback: rule, ..config() });
    bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
    bench.tell(promised(1, 10, &bench, Some(1)));
    assert!(intents(&bench.pass_ms(615_000)).is_empty());
    bench.tell(Input::AgentReady { agent: AgentId(1) });
    assert!(intents(&bench.pass_ms(1_000_000)).is_empty());
    assert_eq!((intents(&bench.pass_ms(1_000_000)), state_of(&bench, 1)), (vec![1], AgentState::Reserved));
}

#[test]
fn a_promise_overrules_retries_and_never_the_gate() {
    let mut bench = Bench::new(1, 1, CampaignConfig { retry: RetryRules::none(), ..config() });
    bench.commit();
    // Promised while they talk: the lead is not done when the talk is over.
    bench.person_answers(1);
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    bench.tell(promised(1, 100, &bench, Some(1)));
    bench.end(1, Party::Callee, None);
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Waiting));
    assert_eq!(intents(&bench.pass_ms(110_000)), [1]);
    bench.commit();
    let attempt = *bench.dialer.attempts.keys().next().unwrap();
    bench.end(attempt.0, Party::Callee, Some(486));
    // Busy, and there are no retries: done. A promise opens it again, and do-not-call closes it.
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Done));
    bench.tell(promised(1, 100, &bench, Some(1)));
    bench.tell(Input::DoNotCall { number: lead(1).number });
    assert!(intents(&bench.pass_ms(700_000)).is_empty());
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Blocked));
    // An attempt that could not be stored has kept nothing: the agent tries again.
    let mut bench = Bench::new(1, 0, config());
    bench.tell(promised(1, 10, &bench, Some(1)));
    bench.pass_ms(12_000);
    let attempt = *bench.dialer.attempts.keys().next().unwrap();
    bench.tell(Input::IntentDeferred { attempt });
    assert!(kept(&bench.said).is_empty());
    assert_eq!((intents(&bench.pass_ms(70_000)), state_of(&bench, 1)), (vec![1], AgentState::Reserved));
}

/// Every switch of mode takes effect at the next decision: from each mode to each, with calls under way.
#[test]
fn every_switch_of_mode_takes_effect_at_the_next_decision() {
    for from in every_mode() {
        for to in every_mode() {
            let with = |mode| CampaignConfig { mode, recording: Some(recording()), ..config() };
            let mut bench = Bench::new(3, 40, with(from));
            bench.commit();
            let before = bench.said.len();
            configure(&mut bench, with(to));
            // No time has passed: what comes of the input is the new mode's.
            let expected = match to {
                Mode::Preview(_) => Reason::Preview,
                Mode::Agentless(_) => why(&bench),
                Mode::Progressive => Reason::OneToOne,
                // A young ledger holds both to 1:1.
                Mode::Power(_) | Mode::Predictive => Reason::LedgerGuard,
            };
            let reason = why(&bench);
            let flows = matches!(reason, Reason::Rate | Reason::Channels);
            assert!(reason == expected && flows == to.is_agentless(), "{from:?} to {to:?}: {reason:?}");
            let keeps = !bench.dialer.offers.is_empty();
            assert!(!keeps || matches!(to, Mode::Preview(_)), "{from:?} to {to:?}");
            let shown = offers(&bench.said[before..]).len();
            assert!(shown == 0 || matches!(to, Mode::Preview(_)), "{from:?} to {to:?}");
            // All calls under way end as they were begun, and the books balance.
            bench.commit();
            let under_way: Vec<AttemptId> = bench.dialer.attempts.keys().copied().collect();
            for attempt in under_way {
                if bench.dialer.attempts.get(&attempt).is_some_and(|call| call.phase == Phase::Dialling) {
                    bench.person_answers(attempt.0);
                }
                bench.end(attempt.0, Party::Callee, None);
            }
            bench.pass_ms(3_000);
            bench.tell(Input::Stop { campaign: CAMPAIGN });
            bench.commit();
            let left: Vec<AttemptId> = bench.dialer.attempts.keys().copied().collect();
            left.into_iter().for_each(|attempt| drop(bench.end(attempt.0, Party::Us, Some(487))));
            assert_eq!(bench.dialer.open_attempts() + bench.dialer.offers.len(), 0, "{from:?} to {to:?}");
            let busy = bench.dialer.desk().agents().filter(|(_, agent)| agent.item().is_some()).count();
            assert_eq!(busy, 0, "{from:?} to {to:?}");
        }
    }
}

/// Limit, agents and the other settings too.
#[test]
fn other_changes_take_effect_at_the_next_decision() {
    let mut bench = Bench::new(1, 40, CampaignConfig { mode: Mode::Progressive, ..config() });
    assert_eq!(bench.commit().len(), 1);
    bench.tell(Input::AddAgent { agent: AgentId(9), name: "late".into(), skills: Skills::new() });
    assert_eq!(intents(&bench.tell(Input::AgentReady { agent: AgentId(9) })).len(), 1);
    configure(&mut bench, CampaignConfig { limit: Some(0.01), mode: Mode::Predictive, ..config() });
    assert_eq!(bench.dialer.snapshot(bench.now).campaigns[0].ledger[0].limit, 0.01);
    assert_eq!(bench.dialer.campaigns[&CAMPAIGN].ledger.terms().limit, 0.01);
    // Fewer channels, and a slower rate, for a campaign without agents.
    let mut bench = Bench::new(0, 40, agentless(Some(5), None));
    assert_eq!(bench.commit().len(), 5);
    configure(&mut bench, agentless(Some(2), None));
    bench.end(1, Party::Callee, Some(486));
    bench.end(2, Party::Callee, Some(486));
    assert!(intents(&bench.end(3, Party::Callee, Some(486))).is_empty(), "two are under way");
    assert_eq!(intents(&bench.end(4, Party::Callee, Some(486))).len(), 1);
}
