//! The same script on both drivers: the same events, the same audio, no packet lost on the way.

mod common;

use base::{CallId, LegId, ShardId};
use call::{Command, Event};
use codecs::g711::Law;
use common::*;
use media::playout::Prompt;
use net::{DriverChoice, Engine};
use std::collections::{BTreeMap, BTreeSet};

const ZERO: ShardId = ShardId(0);
const LEGS: u64 = 50;
/// Frames that each far end speaks.
const FRAMES: usize = 40;

/// What one run shows. Times and the number of silent packets depend on the machine; nothing in here does.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// What happened to each leg of the house, in its order.
    events: BTreeMap<LegId, Vec<String>>,
    /// Which of the partner's frames each far end heard, by leg of the house.
    heard: BTreeMap<LegId, BTreeSet<usize>>,
    /// Packets, and SIP datagrams, sent by one side and not read by the other, both ways.
    missing: [i64; 4],
    /// Packets that the house's legs counted as lost, foreign or malformed.
    damaged: u64,
}

fn voice(leg: u64) -> std::sync::Arc<Prompt> {
    prompt(1_000 + leg, FRAMES)
}

fn run(driver: DriverChoice) -> Outcome {
    let house = engine(driver, "house", 1, 7);
    let world = engine(DriverChoice::Poll, "world", 1, 8);
    let mut events: BTreeMap<LegId, Vec<String>> = BTreeMap::new();
    let mut damaged = 0;
    let mut far = BTreeMap::new(); // leg of the house → leg of the world
    for leg in 1..=LEGS {
        order(&house, ZERO, originate(leg, &world));
        let (there, _) = incoming(&world);
        order(&world, ZERO, Command::Ring { leg: there, early_media: false });
        order(&world, ZERO, Command::Answer { leg: there, learn: false });
        order(&world, ZERO, Command::Tap { leg: there, on: true });
        far.insert(LegId(leg), there);
    }
    let mut note = |event: &Event| {
        let (leg, text) = match event {
            Event::Progress { leg, code, early_media } => (leg, format!("progress {code} {early_media}")),
            Event::Answered { leg, .. } => (leg, "answered".to_owned()),
            Event::BridgeAudio { leg, with, .. } => (leg, format!("hears {with}")),
            Event::Digit { leg, digit } => (leg, format!("digit {digit}")),
            Event::Ended { leg, cause, answered, media } => {
                let media = media.as_ref().expect("an answered leg had media");
                damaged += media.lost + media.foreign + media.malformed + media.duplicates;
                (leg, format!("ended {cause:?} {answered}"))
            }
            other => panic!("{other:?}"),
        };
        events.entry(*leg).or_default().push(text);
        matches!(event, Event::Answered { .. } | Event::BridgeAudio { .. } | Event::Digit { .. })
    };
    let mut until = |count: u64, what: &str| {
        let mut seen = 0;
        while seen < count {
            let (_, event) = next(&house);
            let name = format!("{event:?}");
            seen += u64::from(note(&event) && name.starts_with(what));
        }
    };
    until(LEGS, "Answered");
    for leg in 1..=LEGS {
        let with = if leg % 2 == 1 { leg + 1 } else { leg - 1 };
        let (call, leg, with) = (CallId(leg.div_ceil(2)), LegId(leg), LegId(with));
        order(&house, ZERO, Command::Bridge { call, leg, with, with_shard: ZERO });
    }
    // A key first, so that each direction is known to be joined before the words begin.
    for there in far.values() {
        order(&world, ZERO, Command::SendDigits { leg: *there, digits: "5".to_owned() });
    }
    until(LEGS, "Digit");
    std::thread::sleep(std::time::Duration::from_millis(500)); // the keys take the place of audio until they are released
    for (leg, there) in &far {
        order(&world, ZERO, Command::Play { leg: *there, play: base::PlayId(0), prompt: voice(leg.0), repeat: false });
    }
    let heard = listen(&world, &far);
    for leg in 1..=LEGS {
        order(&house, ZERO, Command::Hangup { leg: LegId(leg), reason: "test over" });
    }
    let mut over = 0;
    while over < LEGS {
        let (_, event) = next(&house);
        over += u64::from(matches!(event, Event::Ended { .. }));
        note(&event);
    }
    for _ in 0..LEGS {
        wait(&world, |_, event| matches!(event, Event::Ended { answered: true, .. }).then_some(()));
    }
    all_given_back(&house);
    all_given_back(&world);
    for happened in events.values_mut() {
        // Whether the first frame or the key is told first is a matter of the grids of two legs.
        happened.sort();
    }
    let (ours, theirs) = settle(&house, &world);
    let gap = |sent: u64, read: u64| sent as i64 - read as i64;
    let missing = [
        gap(ours.media_sent, theirs.media_received),
        gap(theirs.media_sent, ours.media_received),
        gap(ours.sip_sent, theirs.sip_received),
        gap(theirs.sip_sent, ours.sip_received),
    ];
    let clean = ours.send_dropped_would_block + ours.send_dropped_other + ours.send_dropped_no_socket;
    assert_eq!((clean, ours.receive_errors, ours.submit_errors, ours.panics_caught), (0, 0, 0, 0), "{ours:?}");
    Outcome { events, heard, missing, damaged }
}

/// The counters of both sides once nothing is on its way any more.
fn settle(house: &Engine, world: &Engine) -> (net::stats::Counters, net::stats::Counters) {
    let mut before = None;
    loop {
        let (ours, theirs) = (house.stats().counters(), world.stats().counters());
        let key = [&ours, &theirs].map(|side| (side.media_sent, side.media_received, side.sip_sent, side.sip_received));
        if before == Some(key) {
            return (ours, theirs);
        }
        before = Some(key);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// Which frames of the partner's voice each far end hears, until all have come or (a frame that a jitter buffer gave up,
/// on a crowded machine) the voices have been over for a second.
fn listen(world: &Engine, far: &BTreeMap<LegId, LegId>) -> BTreeMap<LegId, BTreeSet<usize>> {
    let near: BTreeMap<LegId, LegId> = far.iter().map(|(leg, there)| (*there, *leg)).collect();
    let voices: BTreeMap<LegId, _> = far.keys().map(|leg| (*leg, voice(leg.0))).collect();
    let mut heard: BTreeMap<LegId, BTreeSet<usize>> = far.keys().map(|leg| (*leg, BTreeSet::new())).collect();
    let mut spoken = 0;
    let mut silent = 0;
    while heard.values().any(|frames| frames.len() < FRAMES) && silent < 50 * LEGS {
        let Ok((_, event)) = world.events.recv_timeout(std::time::Duration::from_secs(60)) else { panic!("no event") };
        match event {
            Event::Audio { leg, payload, .. } => {
                let leg = near[&leg];
                let partner = LegId(if leg.0 % 2 == 1 { leg.0 + 1 } else { leg.0 - 1 });
                let words = &voices[&partner];
                match (0..FRAMES).find(|at| words.frame(Law::Mu, *at).is_some_and(|frame| frame[..] == *payload)) {
                    Some(at) => drop(heard.get_mut(&leg).map(|frames| frames.insert(at))),
                    None => {
                        let foreign = voices.iter().filter(|(who, _)| **who != partner).any(|(_, words)| {
                            (0..FRAMES).any(|at| words.frame(Law::Mu, at).is_some_and(|frame| frame[..] == *payload))
                        });
                        assert!(!foreign, "{leg} hears somebody else's call");
                        silent += u64::from(spoken == LEGS);
                    }
                }
            }
            Event::PlayEnded { .. } => spoken += 1,
            _ => {}
        }
    }
    heard
}

#[test]
fn both_drivers_do_the_same() {
    let poll = run(DriverChoice::Poll);
    let ring = run(DriverChoice::Ring);
    assert_eq!(poll.events, ring.events);
    for outcome in [&poll, &ring] {
        assert_eq!((outcome.missing, outcome.damaged), ([0; 4], 0));
    }
    let frames = |outcome: &Outcome| outcome.heard.values().map(BTreeSet::len).sum::<usize>();
    println!("frames heard of {}: poll {}, ring {}", LEGS as usize * FRAMES, frames(&poll), frames(&ring));
    // The jitter buffers between may give up a frame when a thread of this machine stands still; never one in ten.
    for outcome in [&poll, &ring] {
        let heard = frames(outcome);
        assert!(heard * 10 >= LEGS as usize * FRAMES * 9, "{heard} of {}", LEGS as usize * FRAMES);
    }
}
