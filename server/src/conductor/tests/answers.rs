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
    bench.event(Event::PlayBegan { leg, play: base::PlayId(1), at: bench.now });
    bench.wait(2);
    bench.event(Event::PlayEnded { leg, play: base::PlayId(1), at: bench.now });
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
fn what_is_told_of_an_older_message_means_nothing() {
    let recording = dialer::Recording { message: "test:machine_message".into(), max: Duration::from_secs(60) };
    let after = dialer::MessageAfter::GreetingEnd;
    let machine = dialer::OnMachine::Message { recording, after, wait: Duration::from_secs(30) };
    let (mut bench, leg) = ringing(dialer::Policies { machine, ..dialer::Policies::default() });
    let samples = media::playout::Prompt::from_samples(&[0; 16_000]);
    bench.conductor.config.messages.insert("test:machine_message".into(), std::sync::Arc::new(samples));
    verdict(&mut bench, leg, detect::Verdict::Machine, "NET");
    let heard = |sign| detect::Revision { sign, at_ms: 5_000, since_ms: 4_900 };
    for sign in [detect::Sign::GreetingEnd, detect::Sign::Beep] {
        bench.event(Event::Revision { leg, revision: heard(sign), since: None, at: bench.now });
        bench.wait(1);
    }
    let plays: Vec<PlayId> = bench
        .commands
        .iter()
        .filter_map(|command| if let Command::Play { play, .. } = command { Some(*play) } else { None })
        .collect();
    assert_eq!(plays, [PlayId(1), PlayId(2)], "the beep begins it anew");
    let hung_up = |bench: &Bench| bench.commands.iter().any(|command| matches!(command, Command::Hangup { .. }));
    // The end of the first was on its way when the second was ordered.
    bench.event(Event::PlayBegan { leg, play: PlayId(1), at: bench.now });
    bench.event(Event::PlayEnded { leg, play: PlayId(1), at: bench.now });
    assert!(!hung_up(&bench));
    bench.event(Event::PlayBegan { leg, play: PlayId(2), at: bench.now });
    let began = bench.conductor.anchor().wall_at(bench.now).as_unix_us();
    bench.wait(2);
    bench.event(Event::PlayEnded { leg, play: PlayId(2), at: bench.now });
    assert!(hung_up(&bench));
    bench.ended(leg);
    assert_eq!((&timeline(&bench)["message_us"], &timeline(&bench)["message_played"]), (&began.into(), &true.into()));
}

#[test]
fn a_recording_that_was_learnt_is_kept_met_and_forgotten() {
    // Bits as different as can be, so that only itself is like it.
    let bits = |seed: u64| {
        let mut state = seed;
        let mut word = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 48) as u16
        };
        let line: String = (0..160).map(|_| format!("{:04x}ffff", word())).collect();
        detect::print::Recording::from_line(&format!("machine {line}")).expect("a line")
    };
    let known = bits(7);
    let opening = || Box::new(*known.opening());
    let kept = |bench: &Bench| {
        let of = |row: &store::Op| match row {
            store::Op::AmdRecording(row) => Some(("learnt", row.recording.clone())),
            store::Op::AmdRecordingMet(_, id, _) => Some(("met", id.clone())),
            store::Op::AmdRecordingGone(_, id) => Some(("gone", id.clone())),
            _ => None,
        };
        bench.rows.iter().filter_map(of).collect::<Vec<_>>()
    };
    let (mut bench, leg) = ringing(dialer::Policies::default());
    verdict(&mut bench, leg, detect::Verdict::Human, "REST");
    for number in ["+12125550177", "+12125550178"] {
        bench.conductor.openings.heard(number, &opening(), Some(detect::Verdict::Machine));
    }
    bench.event(Event::Opening { leg, opening: opening() });
    let id = known.id();
    assert_eq!(kept(&bench), [("learnt", id.clone())], "the third number");
    bench.event(Event::Recognised { leg, known: known.met() });
    bench.event(Event::Opening { leg, opening: opening() });
    assert_eq!(kept(&bench)[1..], [("met", id.clone())], "once a call, at once");
    // The next process begins with it.
    let mut config = bench.conductor.config.clone();
    config.recordings = detect::Recordings::of([known.clone()]);
    let dialer = Dialer::new(DialerConfig::default(), Seed::from_u64(1), bench.conductor.anchor());
    let next = Conductor::new(config, dialer, bench.conductor.anchor());
    assert_eq!(next.openings.known().last().map(detect::print::Recording::id), Some(id.clone()));
    bench.conductor.handle_request(bench.now, Request::ForgetRecording(id.clone()));
    bench.drain();
    assert_eq!(kept(&bench)[2..], [("gone", id.clone())]);
    assert!(bench.conductor.openings.known().is_empty());
}

#[test]
fn a_mark_that_is_lifted_brings_its_leads_again() {
    let mut bench = Bench::new();
    let text = "[[trunk]]\nname = \"t\"\nhost = \"h\"\n[[agent]]\nname = \"ann\"\n[[campaign]]\nname = \"c\"\nlist = \"l\"\n\
                trunk = \"t\"\ncaller_id = \"+12125550100\"\n";
    let settings = crate::config::Config::parse(text.as_bytes(), "outpace.toml").expect("settings").campaigns.remove(0);
    let campaign = requests::Campaign { name: "c".to_owned(), list: base::ListId(1), settings, amd_drift: Vec::new() };
    bench.conductor.campaigns.insert(CampaignId(1), campaign);
    let answer = bench.conductor.handle_request(bench.now, Request::LiftMark("+12125550101".to_owned()));
    let Answer::OnDisk(token, _) = answer else { panic!("{answer:?}") };
    // Campaigns are fed the number once the row is gone, not before.
    let fed = |outputs: &[Output]| outputs.iter().any(|output| matches!(output, Output::FeedNumber(CampaignId(1), _)));
    let mut outputs: Vec<Output> = std::iter::from_fn(|| bench.conductor.poll_output()).collect();
    assert!(!fed(&outputs), "{outputs:?}");
    bench.conductor.handle_ack(bench.now, token, Ok(()));
    outputs.extend(std::iter::from_fn(|| bench.conductor.poll_output()));
    let row = outputs.iter().any(|output| {
        matches!(output, Output::Store(_, op) if matches!(&**op, store::Op::UnmarkNumber(_, number) if number == "+12125550101"))
    });
    assert!(row && fed(&outputs), "{outputs:?}");
}

#[test]
fn dead_numbers_are_marked_with_the_reason() {
    for (heard, cause, reason) in [
        (detect::Verdict::Fax, "FAXTONE", Some("fax")),
        (detect::Verdict::Sit, "SIT-VACANT", Some("vacant")),
        (detect::Verdict::Sit, "SIT-INTERCEPT", Some("intercept")),
        (detect::Verdict::Sit, "SIT-REORDER", None),
    ] {
        let (mut bench, leg) = ringing(dialer::Policies::default());
        verdict(&mut bench, leg, heard, cause);
        let row = bench.rows.iter().find_map(|row| match row {
            store::Op::MarkNumber(row) => Some((row.reason.as_str(), row.number.as_str(), row.campaign)),
            _ => None,
        });
        assert_eq!(row, reason.map(|reason| (reason, "+12125550101", CampaignId(1))), "{cause}");
        let asked_for = bench.rows.iter().any(|row| matches!(row, store::Op::Suppress(_)));
        assert!(!asked_for, "nobody has asked not to be called");
        assert!(bench.commands.iter().any(|command| matches!(command, Command::Hangup { .. })));
    }
}

#[test]
fn tones_behind_the_verdict_mean_what_they_mean_before_it() {
    use codecs::tones::SitReason;
    for (heard, reason) in [
        (SitReason::VacantCode, Some("vacant")),
        (SitReason::Intercept, Some("intercept")),
        (SitReason::NoCircuit, None),
    ] {
        // A machine that is listened to for its beep turns out to be the network.
        let recording = dialer::Recording { message: "test:machine_message".into(), max: Duration::from_secs(60) };
        let machine =
            dialer::OnMachine::Message { recording, after: dialer::MessageAfter::Beep, wait: Duration::from_secs(30) };
        let (mut bench, leg) = ringing(dialer::Policies { machine, ..dialer::Policies::default() });
        verdict(&mut bench, leg, detect::Verdict::Machine, "NET");
        let hung_up = |bench: &Bench| bench.commands.iter().any(|command| matches!(command, Command::Hangup { .. }));
        assert!(!hung_up(&bench), "it waits for the beep");
        let revision = detect::Revision { sign: detect::Sign::Sit(heard), at_ms: 5_000, since_ms: 4_900 };
        bench.event(Event::Revision { leg, revision, since: None, at: bench.now });
        let marked = bench.rows.iter().find_map(|row| match row {
            store::Op::MarkNumber(row) => Some(row.reason.as_str()),
            _ => None,
        });
        assert_eq!(marked, reason, "{heard:?}");
        assert!(hung_up(&bench), "{heard:?}");
    }
}
