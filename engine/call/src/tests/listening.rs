//! Answer detection on a leg: what it tells, when, and that it stops when nobody needs it any more.

use super::*;
use detect::{ClassicConfig, DetectorConfig, Sign, Verdict};

/// Three seconds of syllables, a second of rest, a beep of 400 ms, two seconds of rest.
fn mailbox() -> Arc<Prompt> {
    let beep = |n: usize| ((n as f64 * std::f64::consts::TAU * 1_000.0 / 8_000.0).sin() * 4_000.0) as i16;
    let samples: Vec<i16> = (0..51_200)
        .map(|n| match n {
            0..24_000 if n % 4_000 < 2_800 => (n * 7_919 % 4_001) as i16 - 2_000,
            32_000..35_200 => beep(n),
            _ => 0,
        })
        .collect();
    Arc::new(Prompt::from_samples(&samples))
}

/// Host 0 calls host 1, whose mailbox answers; the leg is analysed. Gives the moment at which the mailbox began.
fn call(wire: &mut Wire) -> Instant {
    let Command::Originate(mut command) = originate(1, 1) else { panic!("an Originate") };
    command.analyse = Some(DetectorConfig::Classic(ClassicConfig::default()));
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
