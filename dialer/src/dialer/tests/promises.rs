//! Promises made at odd moments, and leads that stay in memory while lists of numbers change.

use super::*;
use crate::campaign::RetryRule;
use crate::io::OfferEnd;
use crate::lead::{Callback, Screened};
use base::WallTime;

const AGENT: AgentId = AgentId(1);
const LEAD: LeadId = LeadId(1);

fn preview(then: PreviewEnd) -> CampaignConfig {
    let skipped = RetryRule { gap: Duration::from_secs(300), times: 0 };
    let mode = Mode::Preview(Preview { timer: Duration::from_secs(20), then });
    CampaignConfig { mode, skipped, retry: RetryRules::none(), ..config() }
}

/// One agent, one lead that is shown.
fn shown() -> Bench {
    let bench = Bench::new(1, 1, preview(PreviewEnd::Skip));
    assert_eq!(state(&bench), LeadState::Offered);
    bench
}

fn state(bench: &Bench) -> LeadState {
    bench.dialer.lead_state(CAMPAIGN, LEAD).unwrap()
}

/// The first lead is promised a call in so many seconds.
fn promise(bench: &mut Bench, in_s: u64, agent: Option<u64>) {
    let at = WallTime::from_unix_us(bench.dialer.wall_at(bench.now).as_unix_us() + in_s as i64 * 1_000_000);
    let callback = Some(Callback { at, agent: agent.map(AgentId) });
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![Lead { callback, ..lead(1) }] });
}

/// Attempts decided, leads shown, promises kept.
fn calls(said: &[Output]) -> usize {
    let call = |output: &&Output| matches!(output, Output::RecordIntent(_) | Output::Offered { .. });
    said.iter().filter(call).count()
}

fn kept(said: &[Output]) -> usize {
    said.iter().filter(|output| matches!(output, Output::CallbackKept { .. })).count()
}

/// The lead is left alone until its moment, an hour after the promise, and comes then.
fn comes_in_an_hour(bench: &mut Bench) {
    assert_eq!(calls(&bench.pass_ms(3_590_000)), 0);
    assert_eq!(state(bench), LeadState::Waiting);
    assert_eq!(calls(&bench.pass_ms(15_000)), 1);
}

#[test]
fn a_promise_made_while_a_lead_is_shown_waits_for_its_moment() {
    for agent in [None, Some(1)] {
        // Skipped: beyond the times of the rule, which never closes what is promised.
        let mut bench = shown();
        promise(&mut bench, 3_600, agent);
        bench.tell(Input::PreviewSkip { agent: AGENT, lead: LEAD });
        comes_in_an_hour(&mut bench);
        // And the promised call itself is skipped: it is owed.
        let said = bench.tell(Input::PreviewSkip { agent: AGENT, lead: LEAD });
        assert!(said.iter().any(|output| matches!(output, Output::OfferOver { how: OfferEnd::Skipped, .. })));
        assert_eq!((state(&bench), calls(&bench.pass_ms(320_000))), (LeadState::Waiting, 1));
        // Withdrawn.
        let mut bench = shown();
        promise(&mut bench, 3_600, agent);
        let said = bench.tell(Input::AgentBreak { agent: AGENT, announced: false });
        let waits = |output: &Output| {
            matches!(output, Output::LeadChanged { lead: LEAD, state: LeadState::Waiting, next_at: Some(_), .. })
        };
        assert!(said.iter().any(waits), "{said:?}");
        bench.tell(Input::AgentReady { agent: AGENT });
        comes_in_an_hour(&mut bench);
        // Accepted: that call is another one.
        let mut bench = shown();
        promise(&mut bench, 3_600, agent);
        bench.tell(Input::PreviewAccept { agent: AGENT, lead: LEAD });
        let attempt = bench.commit()[0];
        assert_eq!(kept(&bench.said), 0);
        bench.end(attempt, Party::Callee, Some(486));
        comes_in_an_hour(&mut bench);
        bench.tell(Input::PreviewAccept { agent: AGENT, lead: LEAD });
        assert_eq!((bench.commit().len(), kept(&bench.said)), (1, 1));
    }
}

#[test]
fn a_promise_made_before_an_attempt_is_stored_waits_for_its_moment() {
    let mut bench = Bench::new(1, 1, config());
    promise(&mut bench, 3_600, None);
    let said = bench.tell(Input::IntentDeferred { attempt: AttemptId(1) });
    let hour = bench.dialer.wall_at(bench.now).as_unix_us() + 3_600_000_000;
    let next_at = said.iter().find_map(|output| match output {
        Output::LeadChanged { next_at, .. } => next_at.map(WallTime::as_unix_us),
        _ => None,
    });
    assert_eq!(next_at, Some(hour));
    comes_in_an_hour(&mut bench);
}

#[test]
fn what_the_gate_puts_off_or_blocks_is_not_called_before_the_promised_moment() {
    let mut bench = Bench::new(1, 1, preview(PreviewEnd::Skip));
    promise(&mut bench, 3_600, None);
    bench.tell(Input::DoNotCall { number: lead(1).number });
    bench.tell(Input::PreviewAccept { agent: AGENT, lead: LEAD });
    assert_eq!(state(&bench), LeadState::Blocked);
    bench.tell(Input::LiftDoNotCall { number: lead(1).number });
    bench.tell(Input::Reconsider { campaign: CAMPAIGN });
    comes_in_an_hour(&mut bench);
}

#[test]
fn a_promise_that_is_told_again_changes_nothing() {
    let mut bench = Bench::new(1, 0, config());
    promise(&mut bench, 10, Some(1));
    let again = bench.dialer.wall_at(bench.now);
    bench.pass_ms(12_000);
    let at = WallTime::from_unix_us(again.as_unix_us() + 10_000_000);
    let callback = Some(Callback { at, agent: Some(AGENT) });
    // It is read from a store that does not know yet that the call is under way.
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![Lead { callback, ..lead(1) }] });
    let attempt = bench.commit()[0];
    assert_eq!(kept(&bench.said), 1);
    bench.end(attempt, Party::Callee, Some(404));
    assert_eq!(calls(&bench.pass_ms(600_000)), 0, "one promise, one call");
}

fn numbers_wanted(said: &[Output]) -> usize {
    said.iter().filter(|output| matches!(output, Output::NumberWanted { campaign: CAMPAIGN, .. })).count()
}

#[test]
fn a_lead_under_way_when_lists_change_is_dialled_again_only_when_it_was_brought_again() {
    let retry =
        RetryRules { attempts_max: 9, rules: [(Outcome::Busy, busy())].into_iter().collect(), ..RetryRules::none() };
    for listed in [None, Some(Screened::DoNotCall)] {
        let mut bench = Bench::new(1, 1, CampaignConfig { retry: retry.clone(), ..config() });
        bench.commit();
        bench.tell(Input::LetGo { campaign: CAMPAIGN, until: None });
        bench.end(1, Party::Callee, Some(486));
        let said = bench.pass_ms(610_000);
        assert_eq!((calls(&said), numbers_wanted(&said)), (0, 1), "asked for, not dialled");
        let said = bench.pass_ms(61_000);
        assert_eq!((calls(&said), numbers_wanted(&said)), (0, 1), "and again while nobody answers");
        bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![Lead { screened: listed, ..lead(1) }] });
        assert_eq!(calls(&bench.pass_ms(61_000)), usize::from(listed.is_none()), "{listed:?}");
        assert_eq!(state(&bench) == LeadState::Blocked, listed.is_some());
    }
}

fn busy() -> RetryRule {
    RetryRule { gap: Duration::from_secs(600), times: 3 }
}

#[test]
fn a_promised_lead_and_one_that_is_shown_are_judged_by_the_newest_lists() {
    // Promised: the promise is told again with each change of the source.
    let mut bench = Bench::new(1, 0, config());
    promise(&mut bench, 60, None);
    bench.tell(Input::LetGo { campaign: CAMPAIGN, until: None });
    let at = WallTime::from_unix_us(bench.dialer.wall_at(bench.now).as_unix_us() + 60_000_000);
    let listed = Some(Screened::DoNotCall);
    let callback = Some(Callback { at, agent: None });
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![Lead { callback, screened: listed, ..lead(1) }] });
    assert_eq!((calls(&bench.pass_ms(70_000)), state(&bench)), (0, LeadState::Blocked));
    // Shown: it is taken off the screen and asked for.
    let mut bench = shown();
    bench.tell(Input::LetGo { campaign: CAMPAIGN, until: None });
    let said = bench.tell(Input::PreviewAccept { agent: AGENT, lead: LEAD });
    assert_eq!((calls(&said), numbers_wanted(&said), state(&bench)), (0, 1, LeadState::Waiting));
    bench.tell(Input::AddLeads { campaign: CAMPAIGN, leads: vec![lead(1)] });
    assert_eq!(calls(&bench.pass_ms(61_000)), 1);
}
