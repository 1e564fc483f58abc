//! Engines that call each other through real sockets.

mod common;

use base::{CallId, LegId, ShardId};
use call::{Command, Event};
use common::*;
use net::DriverChoice;

over_both! {
    a_call_carries_audio_both_ways_and_gives_everything_back,
    both_shards_behind_one_front_door_place_and_take_calls,
    a_bridge_across_shards_carries_audio_both_ways,
}

const ZERO: ShardId = ShardId(0);

fn play(leg: LegId, prompt: &std::sync::Arc<media::playout::Prompt>) -> Command {
    Command::Play { leg, play: base::PlayId(0), prompt: std::sync::Arc::clone(prompt), repeat: false }
}

fn a_call_carries_audio_both_ways_and_gives_everything_back(driver: DriverChoice) {
    let caller = engine(driver, "caller", 1, 1);
    let callee = engine(driver, "callee", 1, 2);
    order(&caller, ZERO, originate(1, &callee));
    let (there, _) = incoming(&callee);
    order(&callee, ZERO, Command::Ring { leg: there, early_media: false });
    wait(&caller, |_, event| matches!(event, Event::Progress { code: 180, .. }).then_some(()));
    order(&callee, ZERO, Command::Answer { leg: there, learn: false });
    answered(&caller, LegId(1));
    answered(&callee, there);

    let (ours, theirs) = (prompt(1, 200), prompt(2, 200));
    order(&caller, ZERO, Command::Tap { leg: LegId(1), on: true });
    order(&callee, ZERO, Command::Tap { leg: there, on: true });
    order(&caller, ZERO, play(LegId(1), &ours));
    order(&callee, ZERO, play(there, &theirs));
    hears(&callee, there, &ours, 50);
    hears(&caller, LegId(1), &theirs, 50);

    order(&caller, ZERO, Command::Hangup { leg: LegId(1), reason: "test over" });
    ended(&caller, LegId(1));
    ended(&callee, there);
    all_given_back(&caller);
    all_given_back(&callee);
    for engine in [caller, callee] {
        let stats = engine.shutdown();
        let counters = stats.counters();
        assert!(counters.media_sent >= 50 && counters.media_received >= 50, "{counters:?}");
        assert!(stats.send_lateness_us().count() >= 50, "each RTP packet's lateness is measured");
        assert_eq!(counters.send_dropped_no_socket, 0);
        println!("lateness µs {:?}, loop lag µs {:?}", stats.send_lateness_us(), stats.loop_lag_us());
    }
}

fn both_shards_behind_one_front_door_place_and_take_calls(driver: DriverChoice) {
    let caller = engine(driver, "caller", 2, 3);
    let callee = engine(driver, "callee", 2, 4);
    let mut taken_by = Vec::new();
    for number in 0..6u64 {
        let shard = ShardId(number % 2);
        order(&caller, shard, originate(number + 1, &callee));
        let (there, at) = incoming(&callee);
        order(&callee, at, Command::Answer { leg: there, learn: false });
        answered(&caller, LegId(number + 1));
        answered(&callee, there);
        taken_by.push((there, at));
    }
    assert!([0, 1].iter().all(|shard| taken_by.iter().any(|(_, at)| at.0 == *shard)), "{taken_by:?}");
    assert!(caller.stats().counters().sip_forwarded > 0, "replies for shard 1 went through the door of shard 0");
    for (there, at) in &taken_by {
        order(&callee, *at, Command::Hangup { leg: *there, reason: "test over" });
    }
    for _ in 0..6 {
        wait(&caller, |_, event| matches!(event, Event::Ended { answered: true, .. }).then_some(()));
        wait(&callee, |_, event| matches!(event, Event::Ended { answered: true, .. }).then_some(()));
    }
    all_given_back(&caller);
    all_given_back(&callee);
}

fn a_bridge_across_shards_carries_audio_both_ways(driver: DriverChoice) {
    let house = engine(driver, "house", 2, 5);
    let world = engine(driver, "world", 1, 6);
    let mut far = Vec::new();
    for (leg, shard) in [(1, ZERO), (2, ShardId(1))] {
        order(&house, shard, originate(leg, &world));
        let (there, _) = incoming(&world);
        order(&world, ZERO, Command::Answer { leg: there, learn: false });
        answered(&house, LegId(leg));
        answered(&world, there);
        order(&world, ZERO, Command::Tap { leg: there, on: true });
        far.push(there);
    }
    for (leg, with, shard, with_shard) in [(1, 2, ZERO, ShardId(1)), (2, 1, ShardId(1), ZERO)] {
        let (leg, with) = (LegId(leg), LegId(with));
        order(&house, shard, Command::Bridge { call: CallId(7), leg, with, with_shard });
    }
    for (speaker, listener) in [(0, 1), (1, 0)] {
        let words = prompt(10 + speaker as u64, 500);
        order(&world, ZERO, play(far[speaker], &words));
        hears(&world, far[listener], &words, 50);
    }
    let mut heard = [false; 2];
    while heard != [true; 2] {
        let leg = wait(&house, |_, event| match event {
            Event::BridgeAudio { leg, .. } => Some(leg.0),
            _ => None,
        });
        heard[leg as usize - 1] = true;
    }
    let counters = house.stats().counters();
    assert!(counters.peer_frames_sent >= 100, "{counters:?}");
    order(&house, ZERO, Command::Hangup { leg: LegId(1), reason: "test over" });
    order(&house, ShardId(1), Command::Hangup { leg: LegId(2), reason: "test over" });
    for _ in 0..2 {
        wait(&house, |_, event| matches!(event, Event::Ended { answered: true, .. }).then_some(()));
        wait(&world, |_, event| matches!(event, Event::Ended { answered: true, .. }).then_some(()));
    }
    all_given_back(&house);
    all_given_back(&world);
}
