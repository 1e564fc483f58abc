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
    wire.command(1, 0, Command::Play { leg: callee, play: base::PlayId(0), prompt: mailbox(), repeat: false });
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
    let place = |is: fn(&Event) -> bool| wire.events.iter().position(|(_, event)| is(event));
    let recognised = place(|event| matches!(event, Event::Recognised { .. }));
    assert!(recognised.is_some() && recognised < place(|event| matches!(event, Event::Verdict { .. })));
    let known = wire.events.iter().find_map(|(_, event)| match event {
        Event::Recognised { known, .. } => Some(known.id()),
        _ => None,
    });
    assert_eq!(known, learner.known().last().map(detect::print::Recording::id));
}

/// Ten seconds of a line on which nobody speaks, with the hiss that a live line has.
fn hiss(ms: usize) -> Vec<i16> {
    let mut state = 1_u32;
    let mut sample = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16 / 2_048
    };
    (0..8 * ms).map(|_| sample()).collect()
}

/// A voice of so many milliseconds, 8,000 at its loudest, in syllables whose pitch changes.
fn words(ms: usize) -> Vec<i16> {
    let voice = |n: usize| {
        let period = 40 + n / 400 * 29 % 47;
        (n % period * 16_000 / period) as i16 - 8_000
    };
    (0..8 * ms).map(|n| if n % 2_400 < 1_600 { voice(n) } else { 0 }).collect()
}

/// A silent line is asked; what comes back of the question is this much of it, a tenth of a second later. Then somebody
/// answers, or nobody. Gives what was told of it after the verdict.
fn asked(echo: Option<(i16, i16)>, answer: bool) -> (Vec<Sign>, usize) {
    let mut wire = Wire::new(&[1, 1]);
    let Command::Originate(mut command) = originate(1, 1) else { panic!("an Originate") };
    // Decides at the end of the talk only, and then for a person.
    command.analyse = Some(DetectorConfig::Default(detect::decide::Tuning::with(2.0, 2.0), Arc::default()).into());
    wire.command(0, 0, Command::Originate(command));
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    let says = |samples: &[i16]| Command::Play {
        leg: callee,
        play: base::PlayId(1),
        prompt: Arc::new(Prompt::from_samples(samples)),
        repeat: false,
    };
    wire.command(1, 0, says(&hiss(20_000)));
    wire.run(Duration::from_secs(7));
    assert_eq!(verdict(&wire), Some(Verdict::Silence));
    let hello = words(1_200);
    let prompt = Arc::new(Prompt::from_samples(&hello));
    wire.command(0, 0, Command::Play { leg: LegId(1), play: base::PlayId(1), prompt, repeat: false });
    wire.run(Duration::from_ms(100));
    let returned = |(part, of): (i16, i16)| hello.iter().map(|sample| sample / of * part).collect::<Vec<_>>();
    let mut comes = echo.map_or_else(|| hiss(1_200), returned);
    comes.iter_mut().zip(hiss(1_200)).for_each(|(sample, hiss)| *sample += hiss);
    // Whoever answers takes a while to begin.
    comes.extend(hiss(if answer { 600 } else { 3_000 }));
    if answer {
        comes.extend(words(900).iter().map(|sample| sample / 4));
    }
    comes.extend(hiss(9_000));
    wire.command(1, 0, says(&comes));
    wire.run(Duration::from_secs(6));
    let openings = wire.events.iter().filter(|(_, event)| matches!(event, Event::Opening { .. })).count();
    (revisions(&wire).into_iter().map(|(sign, ..)| sign).collect(), openings)
}

#[test]
fn our_own_question_that_comes_back_is_nobody() {
    for echo in [None, Some((1, 8)), Some((1, 3))] {
        assert_eq!(asked(echo, false), (vec![], 0), "{echo:?}");
        // And whoever answers then is heard.
        assert_eq!(asked(echo, true).0.first(), Some(&Sign::Person), "{echo:?}");
    }
    // Louder than an echo can be: a voice.
    assert_eq!(asked(Some((1, 1)), false).0.first(), Some(&Sign::Person));
}

/// Words for ten seconds, as an announcement speaks them.
fn announcement() -> Arc<Prompt> {
    let voice = |n: usize| {
        let period = 40 + n / 400 * 29 % 47;
        (n % period * 4_000 / period) as i16 - 2_000
    };
    let samples: Vec<i16> = (0..80_000).map(|n| if n % 4_000 < 3_200 { voice(n) } else { 0 }).collect();
    Arc::new(Prompt::from_samples(&samples))
}

fn announce(leg: LegId) -> Command {
    Command::Play { leg, play: base::PlayId(1), prompt: announcement(), repeat: true }
}

/// What is decided of a call that speaks on; where `early`, it had begun two seconds before the answer.
fn decided(early: bool) -> detect::Decision {
    let mut wire = Wire::new(&[1, 1]);
    let Command::Originate(mut command) = originate(1, 1) else { panic!("an Originate") };
    // The net alone never decides, so that the phase does.
    let patient = detect::decide::Tuning::with(2.0, 2.0);
    command.analyse = Some(DetectorConfig::Default(patient, Arc::default()).into());
    wire.command(0, 0, Command::Originate(command));
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Ring { leg: callee, early_media: true });
    if early {
        wire.command(1, 0, announce(callee));
    }
    wire.run(Duration::from_secs(2));
    assert_eq!(verdict(&wire), None, "nothing is decided before the answer");
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    if !early {
        wire.command(1, 0, announce(callee));
    }
    wire.run(Duration::from_secs(8));
    let found = wire.events.iter().find_map(|(host, event)| match event {
        Event::Verdict { decision, .. } if *host == 0 => Some(*decision),
        _ => None,
    });
    found.expect("a verdict")
}

#[test]
fn who_speaks_before_the_answer_and_on_is_no_person() {
    let (early, late) = (decided(true), decided(false));
    assert_eq!(early.cause, "ACROSS", "{early:?}");
    assert!(matches!(early.verdict, Verdict::Machine | Verdict::Ivr | Verdict::Screening), "{early:?}");
    assert!((1_000..=6_000).contains(&early.at_ms), "times count from the answer: {early:?}");
    assert_eq!((late.verdict, late.cause), (Verdict::Human, "DEADLINE"), "the same words after the answer");
}
