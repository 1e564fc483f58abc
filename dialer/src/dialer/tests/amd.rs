//! What a verdict may do in each mode, and what the budget makes of measured losses.

use super::*;
use crate::amd::{AmdHandling, AmdMeasured, AmdMode};

fn verdict(bench: &mut Bench, attempt: u64, verdict: AmdVerdict) -> Vec<Output> {
    let attempt = AttemptId(attempt);
    bench.tell(Input::Answered { attempt });
    let greeting_end = Some(bench.now);
    bench.pass_ms(500);
    bench.tell(Input::Verdict { attempt, verdict, greeting_end })
}

fn bench(mode: AmdMode, audit_share: f64) -> Bench {
    let mut config = config();
    config.amd = AmdRules { mode, audit_share };
    let mut bench = Bench::new(1, 1, config);
    bench.commit();
    bench
}

#[test]
fn in_the_shadow_everybody_gets_an_agent_and_the_record_says_what_it_was() {
    let mut bench = bench(AmdMode::Shadow, 0.0);
    let said = verdict(&mut bench, 1, AmdVerdict::Machine);
    assert!(said.iter().any(|output| matches!(output, Output::Connect { .. })), "{said:?}");
    let handled = bench.dialer.amd_handled(AttemptId(1)).unwrap();
    assert_eq!((handled.mode, handled.handling, handled.share), (AmdMode::Shadow, AmdHandling::Shadow, 1.0));
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    bench.end(1, Party::Callee, None);
    let record = bench.record(1);
    assert_eq!((record.outcome, record.counted_as), (Outcome::Connected, CountedAs::Connected));
    assert_eq!(record.verdict, Some(AmdVerdict::Machine));
    // It may have been a person, whose time ran from the end of the words: 2 s, of which detection took half a second.
    let greeting_end = record.times.greeting_end.unwrap();
    assert_eq!(record.deadline, Some(greeting_end + Duration::from_secs(2)));
}

#[test]
fn an_audited_machine_gets_an_agent_and_the_others_are_hung_up() {
    let mut all = bench(AmdMode::Sample, 1.0);
    let said = verdict(&mut all, 1, AmdVerdict::Screening);
    assert!(said.iter().any(|output| matches!(output, Output::Connect { .. })), "{said:?}");
    assert_eq!(all.dialer.amd_handled(AttemptId(1)).unwrap().handling, AmdHandling::Audited);
    let mut none = bench(AmdMode::On, 0.0);
    let said = verdict(&mut none, 1, AmdVerdict::Screening);
    assert!(said.iter().any(|output| matches!(output, Output::Hangup { .. })), "{said:?}");
    assert_eq!(none.dialer.amd_handled(AttemptId(1)).unwrap().handling, AmdHandling::Acted);
}

#[test]
fn an_audit_whose_verdict_was_late_waits_for_an_agent_as_any() {
    // The words ended three seconds before the verdict: the time that the law gives was over with it.
    let late = |agents: u64| {
        let mut config = config();
        config.amd = AmdRules { mode: AmdMode::Sample, audit_share: 1.0 };
        let mut bench = Bench::new(1, 1, config);
        bench.commit();
        let attempt = AttemptId(1);
        bench.tell(Input::Answered { attempt });
        if agents == 0 {
            bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
        }
        let greeting_end = Some(bench.now);
        bench.pass_ms(3_000);
        let said = bench.tell(Input::Verdict { attempt, verdict: AmdVerdict::Machine, greeting_end });
        (bench, said)
    };
    let (mut bench, said) = late(1);
    assert!(said.iter().any(|output| matches!(output, Output::Connect { .. })), "{said:?}");
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    bench.end(1, Party::Callee, None);
    // Late by the law's clock, and counted so.
    assert_eq!((bench.record(1).outcome, bench.record(1).counted_as), (Outcome::Connected, CountedAs::Abandoned));
    let (mut bench, said) = late(0);
    assert!(said.is_empty(), "{said:?}");
    assert!(bench.pass_ms(1_899).is_empty());
    let said = bench.pass_ms(1);
    assert!(matches!(said[..], [Output::PlayMessage { .. }, Output::Counted { .. }]), "{said:?}");
}

#[test]
fn a_person_who_is_known_late_gets_who_is_free_at_once_or_hears_the_message_at_once() {
    let late = |free: bool, after_ms: u64| {
        let mut bench = bench(AmdMode::On, 0.0);
        let attempt = AttemptId(1);
        bench.tell(Input::Answered { attempt });
        if !free {
            bench.tell(Input::AgentBreak { agent: AgentId(1), announced: false });
        }
        let greeting_end = Some(bench.now);
        bench.pass_ms(after_ms);
        let said = bench.tell(Input::Verdict { attempt, verdict: AmdVerdict::Human, greeting_end });
        (bench, said)
    };
    // 2 s, of which 0.1 s are kept for bridging: at 1.95 s an agent may still be heard in time.
    for (after_ms, connected_ms, as_what) in
        [(1_950, 40, CountedAs::Connected), (1_950, 60, CountedAs::Abandoned), (3_000, 10, CountedAs::Abandoned)]
    {
        let (mut bench, said) = late(true, after_ms);
        assert!(matches!(said[..], [Output::AgentChanged { .. }, Output::Connect { .. }]), "{after_ms}: {said:?}");
        bench.pass_ms(connected_ms);
        bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
        bench.end(1, Party::Callee, None);
        let record = bench.record(1);
        assert_eq!((record.outcome, record.counted_as), (Outcome::Connected, as_what), "{after_ms} {connected_ms}");
    }
    let (_, said) = late(false, 3_000);
    assert!(matches!(said[..], [Output::PlayMessage { .. }, Output::Counted { .. }]), "{said:?}");
}

#[test]
fn a_measured_rate_takes_the_place_of_the_profiles_and_goes_again() {
    let mut config = config();
    config.profile.denominator.add_amd_false_positives = true;
    config.profile.denominator.amd_false_positive_rate = Some(0.02);
    config.profile.denominator.amd_evidence = Some("somewhere".into());
    let mut bench = Bench::new(1, 1, config);
    bench.commit();
    bench.person_answers(1);
    bench.tell(Input::Connected { attempt: AttemptId(1), agent: AgentId(1) });
    let rate = |bench: &Bench| bench.dialer.campaign_snapshot(bench.now, CAMPAIGN).unwrap().ledger[0].rate;
    let estimated = rate(&bench);
    assert!((estimated - 0.02).abs() < 1e-9, "of people 2 % are lost, and nobody else: {estimated}");
    let measured = AmdMeasured { rate: 0.05, evidence: "412 audits until 3 May".into() };
    bench.tell(Input::AmdMeasured { campaign: CAMPAIGN, measured: Some(measured.clone()) });
    assert!((rate(&bench) - 0.05).abs() < 1e-9, "{}", rate(&bench));
    assert_eq!(bench.dialer.amd_measured_of(CAMPAIGN), Some(&measured));
    bench.tell(Input::AmdMeasured { campaign: CAMPAIGN, measured: None });
    assert!((rate(&bench) - estimated).abs() < 1e-12);
    let said = bench.tell(Input::AmdMeasured { campaign: CampaignId(9), measured: None });
    assert!(matches!(said[..], [Output::Refused(Reject::UnknownCampaign(CampaignId(9)))]), "{said:?}");
}
