//! What a verdict leaves behind.

use super::*;
use detect::{Decision, Evidence, Verdict};

fn judged(leg: LegId, at: Instant, verdict: Verdict) -> Event {
    let evidence = Evidence { trace: vec![26, 230, 0, 0, 0, 0, 0], features: vec![90; 54], ..Evidence::default() };
    Event::Verdict {
        leg,
        decision: Decision { verdict, cause: "NET", at_ms: 640, utterance_end_ms: Some(600) },
        utterance_end: Some(at),
        at,
        evidence: Some(Box::new(evidence)),
        line: media::session::Stats { packets_received: 32, lost: 1, ..media::session::Stats::default() },
    }
}

#[test]
fn a_machine_in_the_shadow_gets_an_agent_and_leaves_its_evidence() {
    let mut bench = Bench::new();
    let phone = bench.placed()[0];
    bench.answered(phone);
    let amd = dialer::AmdRules { mode: dialer::AmdMode::Shadow, audit_share: 0.0 };
    let config = CampaignConfig {
        mode: Mode::Progressive,
        amd,
        profile: Profile::lab(),
        ring_timeout: Duration::from_secs(20),
        retry: RetryRules::none(),
        ..CampaignConfig::new("test", TrunkId(1), "+12125550199")
    };
    let configure = Input::Configure { campaign: CampaignId(1), config: Box::new(config) };
    bench.conductor.handle_input(bench.now, configure);
    bench.drain();
    bench.intent(Ok(()));
    let customer = bench.placed()[0];
    bench.answered(customer);
    assert_eq!(bench.bridged(), [], "it waits for the verdict");
    bench.event(judged(customer, bench.now, Verdict::Machine));
    assert!(bench.bridged().contains(&(customer, phone)), "{:?}", bench.commands);
    let row = bench.rows.iter().find_map(|op| match op {
        store::Op::AmdEvidence(row) => Some(row.clone()),
        _ => None,
    });
    let row = row.expect("its evidence");
    assert_eq!((row.mode.as_str(), row.handling.as_str(), row.share_ppm), ("shadow", "shadow", 1_000_000));
    assert_eq!((row.verdict.as_str(), row.verdict_ms, row.utterance_end_ms), ("machine", 640, Some(600)));
    assert_eq!((row.codec.as_str(), row.packets, row.lost), ("PCMU", 32, 1));
    // The number stays as long as what else is kept, and here that is for no day.
    assert_eq!((row.number.as_str(), row.kept_until, row.detector.as_str()), ("", None, "classic"));
    // 26 of 255.
    assert_eq!((row.trace.len(), row.features.len(), row.person_ppm), (7, 54, Some(101_961)));
    assert!(row.audio.is_empty() && row.audio_until.is_none() && row.shadow.is_none());
}
