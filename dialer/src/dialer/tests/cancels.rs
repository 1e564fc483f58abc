//! Calls that nobody has answered ring as long as the law says before they are cancelled.

use super::*;

/// A profile with 15 seconds; previews that dial when their time is over.
fn rings_for_long(mode: Mode) -> CampaignConfig {
    let mut config = CampaignConfig { mode, retry: RetryRules::none(), ..config() };
    config.profile.min_ring = Duration::from_secs(15);
    config
}

fn preview() -> CampaignConfig {
    rings_for_long(Mode::Preview(Preview { timer: Duration::from_secs(20), then: PreviewEnd::Dial }))
}

/// A lead was accepted and rings for 2 seconds.
fn rings_for(agents: u64) -> Bench {
    let mut bench = Bench::new(agents, 1, preview());
    bench.tell(Input::PreviewAccept { agent: AgentId(1), lead: LeadId(1) });
    assert_eq!(bench.commit().len(), 1);
    bench.pass_ms(3_000);
    bench.tell(Input::Progress { attempt: AttemptId(1), early_media: false });
    bench.pass_ms(2_000);
    bench
}

fn hung_up(said: &[Output]) -> Vec<HangupReason> {
    let reason = |output: &Output| match output {
        Output::Hangup { reason, .. } => Some(*reason),
        _ => None,
    };
    said.iter().filter_map(reason).collect()
}

#[test]
fn a_call_whose_agent_is_lost_rings_as_long_as_it_must() {
    let mut bench = rings_for(1);
    assert_eq!(hung_up(&bench.tell(Input::AgentLoggedOut { agent: AgentId(1) })), []);
    assert_eq!(hung_up(&bench.pass_ms(12_999)), []);
    assert_eq!(hung_up(&bench.pass_ms(1)), [HangupReason::AgentGone]);
    bench.end(1, Party::Us, Some(487));
    assert_eq!((bench.record(1).outcome, bench.record(1).agent), (Outcome::Cancelled, None));
    // After the fifteen seconds: at once.
    let mut bench = rings_for(1);
    bench.pass_ms(14_000);
    assert_eq!(hung_up(&bench.tell(Input::AgentLoggedOut { agent: AgentId(1) })), [HangupReason::AgentGone]);
    // Busy meanwhile: there is nothing to cancel.
    let mut bench = rings_for(1);
    bench.tell(Input::AgentLoggedOut { agent: AgentId(1) });
    bench.end(1, Party::Callee, Some(486));
    assert_eq!(bench.record(1).outcome, Outcome::Busy);
    assert_eq!(hung_up(&bench.pass_ms(60_000)), []);
}

#[test]
fn who_answers_a_call_whose_agent_is_lost_gets_whoever_is_free() {
    let mut bench = rings_for(2);
    bench.tell(Input::AgentLoggedOut { agent: AgentId(1) });
    let said = bench.person_answers(1);
    let connects = |output: &Output| matches!(output, Output::Connect { agent: AgentId(2), .. });
    assert!(said.iter().any(connects), "{said:?}");
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(2) });
    assert_eq!((hung_up(&bench.pass_ms(60_000)), bench.rate()), (vec![], (1, 0)));
}

#[test]
fn the_time_counts_from_the_first_ring() {
    let mut bench = Bench::new(1, 1, preview());
    bench.tell(Input::PreviewAccept { agent: AgentId(1), lead: LeadId(1) });
    bench.commit();
    bench.pass_ms(4_000);
    bench.tell(Input::AgentLoggedOut { agent: AgentId(1) });
    bench.pass_ms(5_000);
    bench.tell(Input::Progress { attempt: AttemptId(1), early_media: false });
    assert_eq!(hung_up(&bench.pass_ms(14_999)), []);
    assert_eq!(hung_up(&bench.pass_ms(1)), [HangupReason::AgentGone]);
}

#[test]
fn a_stop_cancels_what_rings_after_as_long_as_it_must() {
    let mut bench = Bench::new(2, 9, rings_for_long(Mode::Progressive));
    assert_eq!(bench.commit(), [1, 2]);
    bench.tell(Input::Progress { attempt: AttemptId(1), early_media: false });
    bench.pass_ms(2_000);
    bench.tell(Input::Progress { attempt: AttemptId(2), early_media: false });
    assert_eq!(hung_up(&bench.tell(Input::Stop { campaign: CAMPAIGN })), []);
    // Whoever answers meanwhile is connected.
    let said = bench.person_answers(1);
    assert!(said.iter().any(|output| matches!(output, Output::Connect { attempt: AttemptId(1), .. })), "{said:?}");
    assert_eq!(hung_up(&bench.pass_ms(20_000)), [HangupReason::Stopped]);
    bench.end(2, Party::Us, Some(487));
    assert_eq!(bench.record(2).outcome, Outcome::Cancelled);
    // Started again before: it rings on.
    let mut bench = Bench::new(1, 9, rings_for_long(Mode::Progressive));
    bench.commit();
    bench.tell(Input::Stop { campaign: CAMPAIGN });
    bench.pass_ms(10_000);
    bench.tell(Input::Start { campaign: CAMPAIGN });
    assert_eq!(hung_up(&bench.pass_ms(30_000)), []);
}
