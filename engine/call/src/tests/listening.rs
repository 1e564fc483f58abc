//! Answer detection on a leg: what it tells, when, and that it stops when nobody needs it any more.

use super::*;
use detect::{ClassicConfig, DetectorConfig, Sign, Verdict};

/// Three seconds of syllables, a second of rest, a beep of 400 ms, two seconds of rest.
fn mailbox() -> Arc<Prompt> {
    let beep = |n: usize| ((n as f64 * std::f64::consts::TAU * 1_000.0 / 8_000.0).sin() * 4_000.0) as i16;
    // The pitch changes 20 times a second, as if it were words.
    let voice = |n: usize| {
        let period = 40 + n / 400 * 29 % 47;
        (n % period * 4_000 / period) as i16 - 2_000
    };
    let samples: Vec<i16> = (0..51_200)
        .map(|n| match n {
            0..24_000 if n % 4_000 < 3_200 => voice(n),
            32_000..35_200 => beep(n),
            _ => 0,
        })
        .collect();
    Arc::new(Prompt::from_samples(&samples))
}

/// Host 0 calls host 1, whose mailbox answers; the leg is analysed. Gives the moment at which the mailbox began.
fn call(wire: &mut Wire) -> Instant {
    call_with(wire, DetectorConfig::Classic(ClassicConfig::default()))
}

fn call_with(wire: &mut Wire, detector: DetectorConfig) -> Instant {
    let Command::Originate(mut command) = originate(1, 1) else { panic!("an Originate") };
    command.analyse = Some(detector.into());
    wire.command(0, 0, Command::Originate(command));
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    wire.command(1, 0, Command::Play { leg: callee, prompt: mailbox(), repeat: false });
    wire.run(Duration::from_secs(2));
    let began = wire.events.iter().find_map(|(host, event)| match event {
        Event::PlayBegan { at, .. } if *host == 1 => Some(*at),
        _ => None,
    });
    began.expect("the mailbox speaks")
}

fn verdict(wire: &Wire) -> Option<Verdict> {
    wire.events.iter().find_map(|(_, event)| match event {
        Event::Verdict { decision, .. } => Some(decision.verdict),
        _ => None,
    })
}

fn revisions(wire: &Wire) -> Vec<(Sign, Option<Instant>, Instant)> {
    let revisions = wire.events.iter().filter_map(|(_, event)| match event {
        Event::Revision { leg, revision, since, at } if *leg == LegId(1) => Some((revision.sign, *since, *at)),
        _ => None,
    });
    revisions.collect()
}

#[test]
fn a_mailbox_beeps_after_its_verdict() {
    let mut wire = Wire::new(&[1, 1]);
    let began = call(&mut wire);
    assert_eq!(verdict(&wire), Some(Verdict::Machine));
    assert_eq!(revisions(&wire), []);
    wire.run(Duration::from_secs(6));
    let all = revisions(&wire);
    let (Sign::Beep, Some(since), at) = all[0] else { panic!("{all:?}") };
    let end = began + Duration::from_ms(4_400);
    let near = Duration::from_ms(60);
    assert!(since + near >= end && since <= end + near, "{since:?}, and it ended at {end:?}");
    assert!(at.since(since) <= Duration::from_ms(160), "told {:?} later", at.since(since));
    wire.command(0, 0, Command::Hangup { leg: LegId(1), reason: "done" });
    all_gone(&mut wire);
}

#[test]
fn nobody_listens_to_a_leg_that_is_bridged() {
    let mut wire = Wire::new(&[1, 1, 1]);
    call(&mut wire);
    assert_eq!(verdict(&wire), Some(Verdict::Machine));
    wire.command(0, 0, originate(2, 2));
    let agent = wire.incoming(2);
    wire.command(2, 0, Command::Answer { leg: agent, learn: false });
    for (leg, with) in [(1, 2), (2, 1)] {
        let bridge = Command::Bridge { call: CallId(1), leg: LegId(leg), with: LegId(with), with_shard: ShardId(0) };
        wire.command(0, 0, bridge);
    }
    wire.run(Duration::from_secs(6));
    assert_eq!(revisions(&wire), []);
}

#[test]
fn a_recording_that_is_known_is_recognised_on_the_next_call() {
    let opening = |wire: &Wire| {
        let openings: Vec<_> = wire.events.iter().filter(|(_, event)| matches!(event, Event::Opening { .. })).collect();
        let [(_, Event::Opening { opening, .. })] = openings[..] else { panic!("once a call: {openings:?}") };
        opening.clone()
    };
    // Decides at the end of the talk only, so that the opening is complete.
    let patient = detect::decide::Tuning::with(2.0, 2.0);
    let mut learner = detect::print::Learner::default();
    for number in ["1", "2", "3"] {
        let mut wire = Wire::new(&[1, 1]);
        call_with(&mut wire, DetectorConfig::Default(patient, Arc::default()));
        wire.run(Duration::from_secs(4));
        assert_eq!(learner.heard(number, &opening(&wire), Some(Verdict::Screening)), number == "3");
    }
    let mut wire = Wire::new(&[1, 1]);
    let began = call_with(&mut wire, DetectorConfig::Default(patient, Arc::new(learner.known().clone())));
    wire.run(Duration::from_secs(4));
    assert_eq!(verdict(&wire), Some(Verdict::Screening));
    let at = wire.events.iter().find_map(|(_, event)| match event {
        Event::Verdict { at, decision, .. } if decision.cause == "RECORDING" => Some(*at),
        _ => None,
    });
    assert!(at.unwrap().since(began) <= Duration::from_secs(2));
}
