//! What is heard of a callee, before the answer and after it, and what is done with it.

use super::*;

/// One lead rings, detection listens.
fn ringing(policies: dialer::Policies) -> (Bench, LegId) {
    let mut bench = Bench::new();
    let phone = bench.placed()[0];
    let config = CampaignConfig {
        mode: Mode::Progressive,
        profile: Profile::lab(),
        ring_timeout: Duration::from_secs(20),
        retry: RetryRules::none(),
        policies,
        ..CampaignConfig::new("test", TrunkId(1), "+12125550199")
    };
    bench.conductor.handle_input(bench.now, Input::Configure { campaign: CampaignId(1), config: Box::new(config) });
    bench.answered(phone);
    bench.intent(Ok(()));
    let customer = bench.placed()[0];
    bench.commands.clear();
    (bench, customer)
}

fn timeline(bench: &Bench) -> serde_json::Value {
    let event = bench.rows.iter().find_map(|row| if let store::Op::Event(row) = row { Some(&row.body) } else { None });
    serde_json::from_str(event.expect("a timeline")).expect("JSON")
}

#[test]
fn what_early_media_says_reaches_the_dialer() {
    use detect::EarlySound;
    for (sound, class) in [
        (EarlySound::Ringback, "ringback"),
        (EarlySound::Network, "announcement"),
        (EarlySound::Voicemail, "voicemail"),
    ] {
        let (mut bench, leg) = ringing(dialer::Policies::default());
        bench.event(Event::Progress { leg, code: 183, early_media: true });
        bench.event(Event::EarlySound { leg, sound });
        bench.event(Event::EarlySound { leg, sound: EarlySound::Ringback });
        let cause = sip::Cause::new(Some(486), "Busy Here", sip::Whose::Peer);
        bench.event(Event::Ended { leg, cause, answered: false, media: None });
        assert_eq!(timeline(&bench)["early_media"], class, "the first word stays");
    }
}

fn verdict(bench: &mut Bench, leg: LegId, verdict: detect::Verdict, cause: &'static str) {
    bench.answered(leg);
    bench.wait(3);
    let decision = detect::Decision { verdict, cause, at_ms: 3_000, utterance_end_ms: None };
    let line = media::session::Stats::default();
    bench.event(Event::Verdict { leg, decision, utterance_end: None, at: bench.now, evidence: None, line });
}

#[test]
fn a_beep_begins_the_message_for_machines() {
    let recording = dialer::Recording { message: "test:machine_message".into(), max: Duration::from_secs(60) };
    let machine =
        dialer::OnMachine::Message { recording, after: dialer::MessageAfter::Beep, wait: Duration::from_secs(30) };
    let (mut bench, leg) = ringing(dialer::Policies { machine, ..dialer::Policies::default() });
    let samples = media::playout::Prompt::from_samples(&[0; 16_000]);
    bench.conductor.config.messages.insert("test:machine_message".into(), std::sync::Arc::new(samples));
    verdict(&mut bench, leg, detect::Verdict::Machine, "NET");
    bench.wait(2);
    let heard = |sign| detect::Revision { sign, at_ms: 5_000, since_ms: 4_900 };
    let plays = |bench: &Bench| bench.commands.iter().filter(|command| matches!(command, Command::Play { .. })).count();
    bench.event(Event::Revision { leg, revision: heard(detect::Sign::GreetingEnd), since: None, at: bench.now });
    assert_eq!(plays(&bench), 0);
    let beep_end = bench.now.before(Duration::from_ms(80));
    bench.event(Event::Revision { leg, revision: heard(detect::Sign::Beep), since: Some(beep_end), at: bench.now });
    assert_eq!(plays(&bench), 1);
    bench.event(Event::PlayBegan { leg, at: bench.now });
    bench.wait(2);
    bench.event(Event::PlayEnded { leg, at: bench.now });
    bench.ended(leg);
    let timeline = timeline(&bench);
    let us = |at: Instant| bench.conductor.anchor().wall_at(at).as_unix_us();
    assert_eq!(timeline["beep_us"], us(beep_end));
    assert!(timeline["message_us"].as_i64() < timeline["message_ended_us"].as_i64(), "{timeline}");
    let close =
        bench.rows.iter().find_map(|row| if let store::Op::AttemptClose(row, _) = row { Some(row) } else { None });
    assert_eq!(close.map(|row| row.outcome.as_str()), Some("message_left"));
}

#[test]
fn dead_numbers_are_kept_from_the_campaign_with_the_reason() {
    for (heard, cause, reason) in [
        (detect::Verdict::Fax, "FAXTONE", Some("fax")),
        (detect::Verdict::Sit, "SIT-VACANT", Some("no such number")),
        (detect::Verdict::Sit, "SIT-INTERCEPT", Some("number changed")),
        (detect::Verdict::Sit, "SIT-REORDER", None),
    ] {
        let (mut bench, leg) = ringing(dialer::Policies::default());
        verdict(&mut bench, leg, heard, cause);
        let row = bench.rows.iter().find_map(|row| match row {
            store::Op::Suppress(row) => Some((row.reason.as_str(), row.source.as_str(), row.campaign)),
            _ => None,
        });
        assert_eq!(row, reason.map(|reason| (reason, "answer detection", Some(CampaignId(1)))), "{cause}");
        assert!(bench.commands.iter().any(|command| matches!(command, Command::Hangup { .. })));
    }
}
