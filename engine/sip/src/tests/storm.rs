//! Many random calls on a bad link with random behaviour above: whatever happens, everything ends once and nothing stays.

use super::world::*;
use crate::{DialogId, Event};
use base::{Duration, Seed, Stream};

/// Acts on the events that came since `seen`, as a random application would.
fn behave(world: &mut World, seen: usize, chance: &mut Stream) {
    let fresh: Vec<(usize, Event)> = world.events[seen..].iter().map(|(_, end, event)| (*end, event.clone())).collect();
    for (end, event) in fresh {
        match event {
            Event::Incoming { dialog, .. } => match chance.below(8) {
                0 => drop(world.on(end, |e, now| e.reject(now, dialog, 486, None))),
                1 => world.on(end, |e, now| e.hangup(now, dialog, None)),
                2 => {} // never handled
                3 => drop(world.on(end, |e, now| e.progress(now, dialog, 183, Some(ANSWER.to_vec())))),
                _ => {
                    let _ = world.on(end, |e, now| e.progress(now, dialog, 180, None));
                    let _ = world.on(end, |e, now| e.answer(now, dialog, ANSWER.to_vec()));
                    if chance.chance(0.2) {
                        world.on(end, |e, now| e.hangup(now, dialog, None));
                    }
                }
            },
            Event::Answered { dialog, .. } | Event::Confirmed { dialog, .. } if chance.chance(0.4) => {
                let _ = world.on(end, |e, now| e.reoffer(now, dialog, OFFER.to_vec()));
            }
            Event::ReOffered { dialog, .. } => match chance.below(4) {
                0 => drop(world.on(end, |e, now| e.reject_reoffer(now, dialog, 488))),
                1 => {} // never answered
                _ => drop(world.on(end, |e, now| e.answer_reoffer(now, dialog, ANSWER.to_vec()))),
            },
            _ => {}
        }
    }
}

fn storm(seed: u64) -> Vec<String> {
    let mut chance = Seed::from_u64(seed).stream("storm", 0);
    let link = Link {
        delay: Duration::from_ms(1 + chance.below(100)),
        jitter: Duration::from_ms(chance.below(800)),
        loss: chance.range_f64(0.0, 0.5),
        duplicate: chance.range_f64(0.0, 0.3),
    };
    let mut world = World::new(3, seed, link);
    let mut dialogs: Vec<(usize, DialogId)> = Vec::new();
    let mut seen = 0;
    for _ in 0..400 {
        if dialogs.len() < 20 && chance.chance(0.2) {
            let from = chance.below(3) as usize;
            let to = (from + 1 + chance.below(2) as usize) % 3;
            let answer_timeout = Duration::from_ms(chance.below(20_000));
            let invite = crate::Invite { answer_timeout, ..invite_to(address(to)) };
            let dialog = world.call_with(from, invite);
            dialogs.push((from, dialog));
        }
        if chance.chance(0.05) && !dialogs.is_empty() {
            let (end, dialog) = dialogs[chance.below(dialogs.len() as u64) as usize];
            world.on(end, |e, now| e.hangup(now, dialog, None));
        }
        world.run(Duration::from_ms(chance.below(300)));
        let until = world.events.len();
        behave(&mut world, seen, &mut chance);
        seen = until;
    }
    // Everybody goes home; what nobody handles runs into its limits.
    for (end, dialog) in dialogs {
        world.on(end, |e, now| e.hangup(now, dialog, None));
    }
    world.run(Duration::from_secs(400));
    // An answered call of whose eleven BYEs each one got lost still stands until its age ends it (at the worst loss 0.5^11),
    // and so may one that was answered when its caller had given up, and of whose few BYEs none arrived (`orphan.rs`). Each
    // of them ends when it hears one; nothing else may be left.
    world.repeat_lost_byes();
    world.run(Duration::from_secs(40));
    let left: usize = world.counts().iter().map(|counts| counts.dialogs).sum();
    assert_eq!(left, 0, "seed {seed}");
    // No run_out here: that would fire, and so hide, timers that ended calls have left behind.
    world.assert_clean();
    world.events.iter().map(|(at, end, event)| format!("{at:?} {end} {event:?}")).collect()
}

#[test]
fn every_dialog_ends_once_and_nothing_stays_over_many_seeds() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..320 {
        for line in storm(seed) {
            let kind = line.split_whitespace().nth(2).unwrap_or_default().to_string();
            kinds.insert(kind);
        }
    }
    let expected = [
        "Answered",
        "Confirmed",
        "Ended",
        "Failed",
        "Incoming",
        "OrphanEnded",
        "Progress",
        "ReAnswered",
        "ReConfirmed",
        "ReOffered",
        "ReRejected",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected, "the storm reaches every event");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    assert_eq!(storm(7), storm(7));
}
