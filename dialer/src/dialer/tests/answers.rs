//! What is done with machines, menus, assistants, silence, faxes and tones.

use super::*;
use crate::policies::*;
use crate::{DeadlineFrom, Speech};

fn recording_of(name: &str) -> Recording {
    Recording { message: name.into(), max: Duration::from_secs(20) }
}

fn on_machine(after: MessageAfter) -> OnMachine {
    OnMachine::Message { recording: recording_of("left"), after, wait: Duration::from_secs(30) }
}

fn identify() -> OnScreening {
    OnScreening::Identify { recording: recording_of("who"), wait: Duration::from_secs(40) }
}

fn hello(then: HelloThen) -> OnSilence {
    OnSilence::Hello { recording: recording_of("hello"), wait: Duration::from_secs(3), then }
}

/// One call with this verdict, two seconds after its answer; one agent waits.
fn answered_by(verdict: AmdVerdict, policies: Policies) -> Bench {
    let mut config = config();
    config.policies = policies;
    answered_under(verdict, config)
}

fn answered_under(verdict: AmdVerdict, config: CampaignConfig) -> Bench {
    let mut bench = Bench::new(1, 1, config);
    assert_eq!(bench.commit(), [1]);
    bench.pass_ms(700);
    bench.tell(Input::Answered { attempt: AttemptId(1) });
    bench.pass_ms(2_000);
    bench.said.clear();
    bench.tell(Input::Verdict { attempt: AttemptId(1), verdict, greeting_end: None });
    bench
}

fn revise(bench: &mut Bench, revision: Revision) -> Vec<Output> {
    let at = bench.now.before(Duration::from_ms(60));
    bench.tell(Input::Revised { attempt: AttemptId(1), revision, at })
}

/// The media says that a message has begun, and after so long that it is over.
fn plays(bench: &mut Bench, ms: u64) -> Vec<Output> {
    let (attempt, at) = (AttemptId(1), bench.now);
    let mut said = bench.tell(Input::MessageBegan { attempt, at });
    said.extend(bench.pass_ms(ms));
    said.extend(bench.tell(Input::MessageEnded { attempt }));
    said
}

fn told(said: &[Output]) -> Vec<&str> {
    let word = |output: &Output| match output {
        Output::PlayMessage { speech: Speech::Left, .. } => Some("leave"),
        Output::PlayMessage { speech: Speech::Identification, .. } => Some("identify"),
        Output::PlayMessage { speech: Speech::Hello, .. } => Some("hello"),
        Output::PlayMessage { .. } => Some("message"),
        Output::Hangup { .. } => Some("hang up"),
        Output::Connect { .. } => Some("connect"),
        Output::Mark { .. } => Some("mark"),
        Output::Counted { .. } => Some("count"),
        _ => None,
    };
    said.iter().filter_map(word).collect()
}

#[test]
fn a_message_waits_for_the_beep_and_not_for_the_greetings_end() {
    let machine = on_machine(MessageAfter::Beep);
    let mut bench = answered_by(AmdVerdict::Machine, Policies { machine, ..Policies::default() });
    assert!(bench.said.is_empty(), "{:?}", bench.said);
    bench.pass_ms(4_000);
    assert!(told(&revise(&mut bench, Revision::GreetingEnd)).is_empty());
    bench.pass_ms(1_000);
    let beep_at = bench.now.before(Duration::from_ms(60));
    let said = revise(&mut bench, Revision::BeepEnd);
    assert!(matches!(&said[..], [Output::PlayMessage { message, opt_out: true, .. }] if message == "left"), "{said:?}");
    assert_eq!(bench.dialer.snapshot(bench.now).campaigns[0].in_message, 1);
    bench.pass_ms(20);
    let began = bench.now;
    assert_eq!(told(&plays(&mut bench, 5_000)), ["hang up"]);
    bench.end(1, Party::Us, None);
    let record = bench.record(1);
    assert_eq!((record.outcome, record.verdict), (Outcome::MessageLeft, Some(AmdVerdict::Machine)));
    assert_eq!((record.counted_as, record.message_played), (CountedAs::Nothing, true));
    let times = record.times;
    assert_eq!((times.beep, times.greeting_over), (Some(beep_at), Some(beep_at)));
    assert_eq!((times.message, times.message_ended), (Some(began), Some(began + Duration::from_secs(5))));
    assert_eq!(bench.dialer.lead_state(CAMPAIGN, LeadId(1)), Some(LeadState::Done), "it has the message");
}

#[test]
fn a_message_of_which_no_packet_left_was_not_played() {
    let machine = on_machine(MessageAfter::GreetingEnd);
    let policies = || Policies { machine: machine.clone(), ..Policies::default() };
    // It cannot be played.
    let mut bench = answered_by(AmdVerdict::Machine, policies());
    assert_eq!(told(&revise(&mut bench, Revision::GreetingEnd)), ["leave"]);
    assert_eq!(told(&bench.tell(Input::MessageEnded { attempt: AttemptId(1) })), ["hang up"]);
    bench.end(1, Party::Us, None);
    let record = bench.record(1);
    assert_eq!((record.outcome, record.message_played, record.times.message_ended), (Outcome::Machine, false, None));
    // The one that began was given up for one that never did.
    let mut bench = answered_by(AmdVerdict::Machine, policies());
    revise(&mut bench, Revision::GreetingEnd);
    let at = bench.now;
    bench.tell(Input::MessageBegan { attempt: AttemptId(1), at });
    bench.pass_ms(900);
    assert_eq!(told(&revise(&mut bench, Revision::BeepEnd)), ["leave"]);
    bench.tell(Input::MessageEnded { attempt: AttemptId(1) });
    bench.end(1, Party::Us, None);
    assert_eq!((bench.record(1).outcome, bench.record(1).message_played), (Outcome::Machine, false));
}

#[test]
fn a_message_that_somebody_cuts_short_was_not_played_to_its_end() {
    let mut bench = asked(DeadlineFrom::Answer, HelloThen::Agent);
    bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
    assert!(told(&bench.tell(Input::MessageCut { attempt: AttemptId(1) })).is_empty(), "it is no message yet");
    plays(&mut bench, 700);
    bench.pass_ms(4_900);
    let at = bench.now;
    bench.tell(Input::MessageBegan { attempt: AttemptId(1), at });
    bench.pass_ms(500);
    assert_eq!(told(&bench.tell(Input::MessageCut { attempt: AttemptId(1) })), ["hang up"]);
    bench.end(1, Party::Us, None);
    let record = bench.record(1);
    assert_eq!((record.outcome, record.message_played), (Outcome::Abandoned, false));
    assert_eq!((record.times.message, record.times.message_ended), (Some(at), None));
}

/// What a restart makes of a call: a dialer that is told of it by its record alone, as a store gives it back.
fn after_a_restart(bench: &Bench) -> Option<i64> {
    let record = bench.record(1);
    let wall = |at: Instant| bench.dialer.wall_at(at);
    let machine = record.outcome.no_person_at(record.times.verdict.map(wall));
    let mut other = Bench::new(0, 0, config());
    other.tell(Input::History { number: record.number, attempts: vec![record.at], abandoned: None, machine });
    other.dialer.gate.machine_at(record.number)
}

#[test]
fn what_is_known_of_a_number_is_the_same_after_a_restart() {
    let leaves = || Policies {
        machine: on_machine(MessageAfter::Beep),
        screening: identify(),
        silence: hello(HelloThen::HangUp),
        ..Policies::default()
    };
    let verdicts = [
        AmdVerdict::Human,
        AmdVerdict::Machine,
        AmdVerdict::Ivr,
        AmdVerdict::Screening,
        AmdVerdict::Silence,
        AmdVerdict::Fax,
        AmdVerdict::Sit(SitMeaning::Vacant),
        AmdVerdict::Sit(SitMeaning::Network),
        AmdVerdict::Sit(SitMeaning::Other),
    ];
    let revisions = [None, Some(Revision::Person), Some(Revision::BeepEnd), Some(Revision::GreetingEnd)];
    let (mut known, mut unknown) = (0, 0);
    for (mode, audit_share) in [(crate::AmdMode::On, 0.0), (crate::AmdMode::On, 1.0), (crate::AmdMode::Shadow, 0.0)] {
        for policies in [Policies::default(), leaves()] {
            for verdict in verdicts {
                for revision in revisions {
                    let config =
                        CampaignConfig { amd: AmdRules { mode, audit_share }, policies: policies.clone(), ..config() };
                    let mut bench = answered_under(verdict, config);
                    let verdict_at = bench.now;
                    bench.pass_ms(300);
                    revision.into_iter().for_each(|revision| drop(revise(&mut bench, revision)));
                    if let Some(agent) = bench.dialer.attempts[&AttemptId(1)].agent {
                        bench.tell(Input::Connected { attempt: AttemptId(1), agent });
                    }
                    bench.end(1, Party::Callee, None);
                    let number = bench.record(1).number;
                    let lived = bench.dialer.gate.machine_at(number);
                    let told = format!("{mode:?} {audit_share} {verdict:?} {revision:?}");
                    assert_eq!(lived, after_a_restart(&bench), "{told}");
                    assert!(lived.is_none_or(|at| at == bench.dialer.steady_us(verdict_at)), "{told}");
                    *if lived.is_some() { &mut known } else { &mut unknown } += 1;
                }
            }
        }
    }
    assert!(known > 30 && unknown > 60, "{known} and {unknown}");
}

#[test]
fn a_message_after_the_greeting_begins_anew_at_the_beep_once() {
    let machine = on_machine(MessageAfter::GreetingEnd);
    let mut bench = answered_by(AmdVerdict::Machine, Policies { machine, ..Policies::default() });
    assert_eq!(told(&revise(&mut bench, Revision::GreetingEnd)), ["leave"]);
    bench.pass_ms(900);
    assert!(told(&revise(&mut bench, Revision::GreetingEnd)).is_empty());
    assert!(told(&revise(&mut bench, Revision::Person)).is_empty(), "the machine's own voice");
    assert_eq!(told(&revise(&mut bench, Revision::BeepEnd)), ["leave"]);
    assert!(told(&revise(&mut bench, Revision::BeepEnd)).is_empty());
    // The far end hangs up in the middle: it has no whole message.
    let at = bench.now;
    bench.tell(Input::MessageBegan { attempt: AttemptId(1), at });
    bench.end(1, Party::Callee, None);
    assert_eq!((bench.record(1).outcome, bench.record(1).message_played), (Outcome::Machine, false));
    assert_eq!(
        bench.dialer.poll_timeout().map(|at| at <= bench.now + Duration::from_secs(1)),
        Some(true),
        "ticks only"
    );
}

#[test]
fn a_machine_that_never_beeps_is_hung_up_and_its_agent_is_free_before() {
    let machine = on_machine(MessageAfter::Beep);
    let mut config = config();
    config.policies.machine = machine;
    config.mode = Mode::Preview(Preview { timer: Duration::from_secs(3), then: PreviewEnd::Dial });
    let mut bench = Bench::new(1, 1, config);
    bench.pass_ms(3_000);
    assert_eq!(bench.commit(), [1]);
    bench.tell(Input::Answered { attempt: AttemptId(1) });
    bench.tell(Input::Verdict { attempt: AttemptId(1), verdict: AmdVerdict::Machine, greeting_end: None });
    let agent = bench.dialer.desk().agent(AgentId(1)).expect("there");
    assert_ne!(agent.state(), AgentState::Reserved);
    assert!(told(&bench.pass_ms(29_999)).is_empty());
    assert_eq!(told(&bench.pass_ms(1)), ["hang up"]);
    bench.end(1, Party::Us, None);
    assert_eq!((bench.record(1).outcome, bench.record(1).agent), (Outcome::Machine, None));
}

#[test]
fn no_message_is_left_where_the_law_lets_none() {
    // The profile asks for a consent, and this lead has none.
    let mut config = config();
    config.policies.machine = on_machine(MessageAfter::Beep);
    config.profile.agentless_consent = true;
    let bench = answered_under(AmdVerdict::Machine, config.clone());
    assert_eq!(told(&bench.said), ["hang up"]);
    config.profile.agentless_allowed = false;
    assert_eq!(config.validate(), Err(crate::ConfigError::NoMachineMessage("lab".into())));
}

#[test]
fn a_person_behind_a_machines_verdict_gets_an_agent() {
    let machine = on_machine(MessageAfter::Beep);
    let mut bench = answered_by(AmdVerdict::Machine, Policies { machine, ..Policies::default() });
    bench.pass_ms(1_000);
    let live = bench.now.before(Duration::from_ms(60));
    assert_eq!(told(&revise(&mut bench, Revision::Person)), ["connect"]);
    bench.pass_ms(40);
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    bench.end(1, Party::Callee, None);
    let record = bench.record(1);
    assert_eq!((record.outcome, record.counted_as), (Outcome::Connected, CountedAs::Connected));
    assert_eq!((record.times.live, record.deadline), (Some(live), Some(live + Duration::from_secs(2))));
}

#[test]
fn an_assistant_is_told_who_calls_and_the_person_who_picks_up_is_connected() {
    let mut bench = answered_by(AmdVerdict::Screening, Policies { screening: identify(), ..Policies::default() });
    assert!(bench.said.is_empty(), "it still speaks");
    bench.pass_ms(800);
    assert_eq!(told(&revise(&mut bench, Revision::GreetingEnd)), ["identify"]);
    let began = bench.now;
    assert!(told(&plays(&mut bench, 3_000)).is_empty(), "it is listened on");
    bench.pass_ms(9_000);
    let live = bench.now.before(Duration::from_ms(60));
    assert_eq!(told(&revise(&mut bench, Revision::Person)), ["connect"]);
    bench.pass_ms(40);
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    assert_eq!(bench.rate(), (1, 0));
    bench.end(1, Party::Callee, None);
    let record = bench.record(1);
    assert_eq!((record.outcome, record.verdict), (Outcome::Connected, Some(AmdVerdict::Screening)));
    let times = record.times;
    assert_eq!((times.prompt, times.prompt_ended), (Some(began), Some(began + Duration::from_secs(3))));
    assert_eq!(record.deadline, Some(live + Duration::from_secs(2)), "the clock runs from the live voice");
}

#[test]
fn an_assistant_whose_sentence_has_no_end_is_told_all_the_same_and_given_up_in_the_end() {
    let mut bench = answered_by(AmdVerdict::Screening, Policies { screening: identify(), ..Policies::default() });
    assert_eq!(told(&bench.pass_ms(4_000)), ["identify"]);
    plays(&mut bench, 3_000);
    // The limit runs from the verdict on.
    assert!(told(&bench.pass_ms(40_000 - 7_001)).is_empty());
    assert_eq!(told(&bench.pass_ms(1)), ["hang up"]);
    bench.end(1, Party::Us, None);
    assert_eq!(bench.record(1).outcome, Outcome::Screening);
    // What cannot be played leaves nobody unidentified on the line.
    let mut bench = answered_by(AmdVerdict::Screening, Policies { screening: identify(), ..Policies::default() });
    bench.pass_ms(4_000);
    assert_eq!(told(&bench.tell(Input::MessageEnded { attempt: AttemptId(1) })), ["hang up"]);
}

#[test]
fn nobody_free_for_a_screened_person_is_an_abandoned_call() {
    let mut bench = answered_by(AmdVerdict::Screening, Policies { screening: identify(), ..Policies::default() });
    bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
    revise(&mut bench, Revision::GreetingEnd);
    plays(&mut bench, 2_000);
    assert!(told(&revise(&mut bench, Revision::Person)).is_empty());
    // 2 s from the live voice, 60 ms of them gone, 0.1 s kept for bridging.
    assert!(told(&bench.pass_ms(1_839)).is_empty());
    assert_eq!(told(&bench.pass_ms(1)), ["message", "count"]);
    assert_eq!(bench.rate(), (0, 1));
}

#[test]
fn an_assistants_mailbox_gets_the_message_where_one_is_left() {
    let policies = Policies { screening: identify(), machine: on_machine(MessageAfter::Beep), ..Policies::default() };
    let mut bench = answered_by(AmdVerdict::Screening, policies);
    // The blip behind its sentence is no mailbox.
    assert_eq!(told(&revise(&mut bench, Revision::BeepEnd)), ["identify"]);
    plays(&mut bench, 2_000);
    assert_eq!(told(&revise(&mut bench, Revision::BeepEnd)), ["leave"]);
    assert_eq!(told(&plays(&mut bench, 2_000)), ["hang up"]);
    bench.end(1, Party::Us, None);
    assert_eq!(bench.record(1).outcome, Outcome::MessageLeft);
}

#[test]
fn a_silent_line_is_asked_and_then_an_agent_or_nobody_comes() {
    let silence = |then| Policies { silence: hello(then), ..Policies::default() };
    for then in [HelloThen::Agent, HelloThen::HangUp] {
        let mut bench = answered_by(AmdVerdict::Silence, silence(then));
        assert_eq!(told(&bench.said), ["hello"]);
        plays(&mut bench, 700);
        bench.pass_ms(1_000);
        assert_eq!(told(&revise(&mut bench, Revision::Person)), ["connect"], "somebody speaks");
    }
    let mut bench = answered_by(AmdVerdict::Silence, silence(HelloThen::Agent));
    assert_eq!(told(&revise(&mut bench, Revision::Machine)), ["hang up"], "a machine that was slow");
    let mut bench = answered_by(AmdVerdict::Silence, silence(HelloThen::Agent));
    plays(&mut bench, 700);
    assert!(told(&bench.pass_ms(2_999)).is_empty());
    assert_eq!(told(&bench.pass_ms(1)), ["connect"]);
    let mut bench = answered_by(AmdVerdict::Silence, silence(HelloThen::HangUp));
    plays(&mut bench, 700);
    assert_eq!(told(&bench.pass_ms(3_000)), ["count", "hang up"]);
    bench.end(1, Party::Us, None);
    let record = bench.record(1);
    assert_eq!((record.outcome, record.counted_as), (Outcome::Silent, CountedAs::Lost));
    // The default is as it was: an agent at once.
    assert_eq!(told(&answered_by(AmdVerdict::Silence, Policies::default()).said), ["connect"]);
}

/// A silent line that is asked, two seconds after its answer, under such a clock.
fn asked(from: DeadlineFrom, then: HelloThen) -> Bench {
    let mut config = config();
    config.policies.silence = hello(then);
    config.profile.deadline_from = from;
    answered_under(AmdVerdict::Silence, config)
}

#[test]
fn a_silent_line_gets_no_new_time_by_being_asked() {
    let s = Duration::from_secs;
    for from in [DeadlineFrom::Answer, DeadlineFrom::GreetingStart, DeadlineFrom::GreetingEnd] {
        for speaks in [false, true] {
            let mut bench = asked(from, HelloThen::Agent);
            let verdict = bench.now;
            let answered = verdict.before(s(2));
            plays(&mut bench, 700);
            let said = if speaks { revise(&mut bench, Revision::Person) } else { bench.pass_ms(3_000) };
            assert_eq!(told(&said), ["connect"], "{from:?} {speaks}");
            let live = speaks.then(|| bench.now.before(Duration::from_ms(60)));
            bench.pass_ms(40);
            bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
            bench.end(1, Party::Callee, None);
            let record = bench.record(1);
            // Its first words are a greeting; without any the time runs from the verdict as where nobody asks.
            let (begins, counted) = match (from, live) {
                (DeadlineFrom::GreetingEnd, Some(live)) => (live, CountedAs::Connected),
                (DeadlineFrom::GreetingEnd, None) => (verdict, CountedAs::Abandoned),
                _ => (answered, CountedAs::Abandoned),
            };
            assert_eq!((record.deadline, record.times.live), (Some(begins + s(2)), live), "{from:?} {speaks}");
            assert_eq!((record.outcome, record.counted_as), (Outcome::Connected, counted), "{from:?} {speaks}");
            // What verification works out from the record is the same.
            let (clock, times) = (record.clock.as_ref().expect("a clock"), record.times);
            let again = clock.begins(answered, times.greeting_end, Some((verdict, false)), times.live);
            assert_eq!(again, begins, "{from:?} {speaks}");
        }
    }
}

#[test]
fn a_line_that_is_late_by_being_asked_waits_for_an_agent_as_any_and_is_abandoned() {
    let mut bench = asked(DeadlineFrom::Answer, HelloThen::Agent);
    bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
    plays(&mut bench, 700);
    assert!(told(&bench.pass_ms(3_000)).is_empty(), "nobody is free");
    assert!(told(&bench.pass_ms(1_899)).is_empty());
    assert_eq!(told(&bench.pass_ms(1)), ["message", "count"]);
    assert_eq!(bench.rate(), (0, 1));
}

#[test]
fn whoever_hangs_up_while_it_is_asked_is_lost() {
    for then in [HelloThen::Agent, HelloThen::HangUp] {
        let mut bench = asked(DeadlineFrom::GreetingEnd, then);
        bench.end(1, Party::Callee, None);
        let record = bench.record(1);
        assert_eq!((record.outcome, record.counted_as), (Outcome::HungUpEarly, CountedAs::Lost));
    }
    let mut bench = Bench::new(1, 1, config());
    bench.commit();
    bench.tell(Input::Answered { attempt: AttemptId(1) });
    bench.end(1, Party::Callee, None);
    let record = bench.record(1);
    assert_eq!((record.outcome, record.counted_as), (Outcome::HungUpEarly, CountedAs::Nothing), "before the verdict");
}

#[test]
fn an_agent_is_kept_for_a_silent_line_that_gets_one() {
    for (then, dialled) in [(HelloThen::Agent, 0), (HelloThen::HangUp, 1)] {
        let mut config = config();
        config.mode = Mode::Progressive;
        config.policies.silence = hello(then);
        let mut bench = Bench::new(1, 2, config);
        assert_eq!(bench.commit(), [1]);
        bench.tell(Input::Answered { attempt: AttemptId(1) });
        bench.pass_ms(2_000);
        bench.tell(Input::Verdict { attempt: AttemptId(1), verdict: AmdVerdict::Silence, greeting_end: None });
        bench.pass_ms(1_500);
        assert_eq!(bench.commit().len(), dialled, "{then:?}");
    }
}

#[test]
fn menus_go_to_agents_where_the_campaign_says_so() {
    assert_eq!(told(&answered_by(AmdVerdict::Ivr, Policies::default()).said), ["hang up"]);
    let ivr = OnIvr::Agent;
    assert_eq!(told(&answered_by(AmdVerdict::Ivr, Policies { ivr, ..Policies::default() }).said), ["connect"]);
}

#[test]
fn faxes_are_marked_and_tones_mean_what_they_say() {
    let cases = [
        (AmdVerdict::Fax, Some(Mark::Fax), Outcome::Fax),
        (AmdVerdict::Sit(SitMeaning::Intercept), Some(Mark::Intercept), Outcome::BadNumber),
        (AmdVerdict::Sit(SitMeaning::Vacant), Some(Mark::Vacant), Outcome::BadNumber),
        (AmdVerdict::Sit(SitMeaning::Network), None, Outcome::Failed),
        (AmdVerdict::Sit(SitMeaning::Other), None, Outcome::Sit),
    ];
    for (verdict, mark, outcome) in cases {
        let mut bench = answered_by(verdict, Policies::default());
        let marked = bench.said.iter().find_map(|output| match output {
            Output::Mark { campaign: CAMPAIGN, why, .. } => Some(*why),
            _ => None,
        });
        assert_eq!(marked, mark, "{verdict:?}");
        assert!(told(&bench.said).contains(&"hang up"));
        bench.end(1, Party::Us, None);
        assert_eq!((bench.record(1).outcome, bench.record(1).counted_as), (outcome, CountedAs::Nothing));
        // No other campaign calls it either, until somebody takes the mark off.
        let blocked = |bench: &mut Bench, lead: Lead| {
            let (other, id) = (CampaignId(2), lead.lead);
            bench.tell(Input::AddCampaign {
                campaign: other,
                config: Box::new(CampaignConfig::new("b", TRUNK, "+15550000000")),
            });
            bench.tell(Input::Configure { campaign: other, config: Box::new(config()) });
            bench.tell(Input::AddLeads { campaign: other, leads: vec![lead] });
            bench.tell(Input::AgentReady { agent: AgentId(1) });
            bench.tell(Input::Start { campaign: other });
            bench.pass_ms(2_000);
            bench.dialer.lead_state(other, id) == Some(LeadState::Blocked)
        };
        let again = || Lead::new(LeadId(91), lead(1).number);
        assert_eq!(blocked(&mut bench, again()), mark.is_some(), "{verdict:?}");
        if let Some(mark) = mark {
            let number = lead(1).number;
            bench.tell(Input::LiftMark { number });
            let screened = Some(crate::Screened::Marked(mark));
            let brought = Lead { screened, ..Lead::new(LeadId(93), lead(9).number) };
            bench.tell(Input::AddLeads { campaign: CampaignId(2), leads: vec![brought] });
            bench.pass_ms(2_000);
            assert_eq!(
                bench.dialer.lead_state(CampaignId(2), LeadId(93)),
                Some(LeadState::Blocked),
                "by what it brings"
            );
            bench.tell(Input::Reconsider { campaign: CampaignId(2) });
            bench.pass_ms(2_000);
            assert!(matches!(bench.dialer.lead_state(CampaignId(2), LeadId(91)), Some(LeadState::Dialling(_))));
        }
        // A network that could not is asked again, as a carrier that failed.
        let waits = bench.dialer.lead_state(CAMPAIGN, LeadId(1)) == Some(LeadState::Waiting);
        assert_eq!(waits, outcome == Outcome::Failed, "{verdict:?}");
        let plain = Policies { fax_marks: false, sit_by_meaning: false, ..Policies::default() };
        let mut bench = answered_by(verdict, plain);
        assert_eq!(told(&bench.said), ["hang up"]);
        bench.end(1, Party::Us, None);
        let plain = if verdict == AmdVerdict::Fax { Outcome::Fax } else { Outcome::Sit };
        assert_eq!(bench.record(1).outcome, plain);
    }
    // A tone that comes while a greeting is waited for.
    let machine = on_machine(MessageAfter::Beep);
    let mut bench = answered_by(AmdVerdict::Machine, Policies { machine, ..Policies::default() });
    assert_eq!(told(&revise(&mut bench, Revision::Fax)), ["mark", "hang up"]);
    bench.end(1, Party::Us, None);
    assert_eq!((bench.record(1).outcome, bench.record(1).verdict), (Outcome::Fax, Some(AmdVerdict::Machine)));
}

#[test]
fn what_is_heard_of_a_call_that_waits_for_nothing_changes_nothing() {
    for revision in [Revision::BeepEnd, Revision::Person, Revision::Fax, Revision::Sit(SitMeaning::Vacant)] {
        let mut bench = answered_by(AmdVerdict::Human, Policies::default());
        assert!(revise(&mut bench, revision).is_empty());
        let mut bench = answered_by(AmdVerdict::Machine, Policies::default());
        assert!(revise(&mut bench, revision).is_empty(), "we are hanging up");
    }
}

#[test]
fn waits_and_messages_have_limits() {
    let fault = |policies: Policies| {
        let mut config = config();
        config.policies = policies;
        config.validate().err()
    };
    let s = Duration::from_secs;
    let recording = || recording_of("x");
    let after = MessageAfter::Beep;
    for wait in [s(4), s(121)] {
        let machine = OnMachine::Message { recording: recording(), after, wait };
        assert_eq!(fault(Policies { machine, ..Policies::default() }), Some(crate::ConfigError::OnMachine));
        let screening = OnScreening::Identify { recording: recording(), wait };
        assert_eq!(fault(Policies { screening, ..Policies::default() }), Some(crate::ConfigError::OnScreening));
    }
    let long = Recording { message: "x".into(), max: s(31) };
    let screening = OnScreening::Identify { recording: long, wait: s(30) };
    assert_eq!(fault(Policies { screening, ..Policies::default() }), Some(crate::ConfigError::OnScreening));
    for wait in [s(0), s(11)] {
        let silence = OnSilence::Hello { recording: recording(), wait, then: HelloThen::Agent };
        assert_eq!(fault(Policies { silence, ..Policies::default() }), Some(crate::ConfigError::OnSilence));
    }
    assert_eq!(fault(Policies::default()), None);
}
