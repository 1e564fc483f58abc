//! Two engines on loopback and the little control plane that a test needs.

#![allow(dead_code)] // each test file uses its own part

use base::{Duration, LegId, Seed, ShardId};
use call::{Command, Event, Originate};
use codecs::g711::Law;
use media::playout::Prompt;
use net::{DriverChoice, Engine, EngineConfig, EngineHandle};
use std::sync::Arc;

/// One range for all engines of all tests, on purpose: each skips what others hold. Below the ports that the system lends.
pub(crate) const PORTS: std::ops::RangeInclusive<u16> = 15_000..=17_999;

/// Runs each named test over both drivers: `name(driver)`.
#[macro_export]
macro_rules! over_both {
    ($($name:ident,)+) => {
        mod poll {
            $(#[test] fn $name() { super::$name(net::DriverChoice::Poll); })+
        }
        mod ring {
            $(#[test] fn $name() { super::$name(net::DriverChoice::Ring); })+
        }
    };
}

/// An engine with a fixed seed on loopback.
pub(crate) fn engine(driver: DriverChoice, name: &str, shards: usize, seed: u64) -> Engine {
    let ports = PORTS;
    let config = EngineConfig {
        driver,
        shards,
        ports,
        seed: Some(Seed::from_u64(seed)),
        names: name.to_owned(),
        user_agent: name.to_owned(),
        ..EngineConfig::default()
    };
    Engine::start(config).unwrap()
}

/// Places a call to `to`.
pub(crate) fn originate(leg: u64, to: &EngineHandle) -> Command {
    Command::Originate(Box::new(Originate {
        leg: LegId(leg),
        to_uri: format!("sip:callee{leg}@{}", to.sip_addr()),
        remote: to.sip_addr(),
        from_uri: "sip:caller@outpace.example".to_owned(),
        from_display: None,
        credentials: None,
        ring_timeout: Duration::from_secs(60),
        analyse: None,
        laws: vec![Law::Mu],
        learn: false,
    }))
}

/// A prompt of `frames` frames that are all different, loud, and told apart by `voice`.
pub(crate) fn prompt(voice: u64, frames: usize) -> Arc<Prompt> {
    let mut random = Seed::from_u64(voice).stream("test voice", voice);
    let samples: Vec<i16> = (0..frames * media::FRAME_SAMPLES).map(|_| random.next_u32() as i16 / 2).collect();
    Arc::new(Prompt::from_samples(&samples))
}

/// The next event that is not audio. It fails the test when nothing happens for a minute: the engines are stuck.
pub(crate) fn next(engine: &EngineHandle) -> (ShardId, Event) {
    loop {
        match engine.events.recv_timeout(std::time::Duration::from_secs(60)) {
            Ok((_, Event::Audio { .. })) => {}
            Ok(other) => return other,
            Err(error) => panic!("no event: {error}"),
        }
    }
}

/// Waits for an event that `pick` accepts; others are passed over.
pub(crate) fn wait<T>(engine: &EngineHandle, mut pick: impl FnMut(ShardId, &Event) -> Option<T>) -> T {
    loop {
        let (shard, event) = next(engine);
        if let Some(found) = pick(shard, &event) {
            return found;
        }
    }
}

/// Waits until an incoming call is there; answers its leg and shard.
pub(crate) fn incoming(engine: &EngineHandle) -> (LegId, ShardId) {
    wait(engine, |shard, event| match event {
        Event::Incoming { leg, .. } => Some((*leg, shard)),
        _ => None,
    })
}

/// Waits until `leg` is answered.
pub(crate) fn answered(engine: &EngineHandle, leg: LegId) {
    wait(engine, |_, event| match event {
        Event::Answered { leg: which, .. } if *which == leg => Some(()),
        Event::Ended { leg: which, cause, .. } if *which == leg => panic!("{leg} ended: {cause:?}"),
        _ => None,
    });
}

/// Waits for the end of `leg`.
pub(crate) fn ended(engine: &EngineHandle, leg: LegId) {
    wait(engine, |_, event| matches!(event, Event::Ended { leg: which, .. } if *which == leg).then_some(()));
}

/// Sends a command that must be taken.
pub(crate) fn order(engine: &EngineHandle, shard: ShardId, command: Command) {
    engine.command(shard, command).unwrap();
}

/// Waits until `leg` has heard at least `frames` different frames of the prompt, each as it was encoded, and in order.
/// Loopback loses nothing that is read in time; on a crowded machine a frame may be lost, so gaps are allowed.
pub(crate) fn hears(engine: &EngineHandle, leg: LegId, prompt: &Prompt, frames: usize) {
    let find = |payload: &[u8], from: usize| {
        (from..prompt.frames()).find(|index| prompt.frame(Law::Mu, *index).is_some_and(|frame| frame[..] == *payload))
    };
    let mut heard = 0;
    let mut place = 0;
    while heard < frames {
        let (_, event) = match engine.events.recv_timeout(std::time::Duration::from_secs(60)) {
            Ok(event) => event,
            Err(error) => panic!("no event: {error}"),
        };
        if let Event::Audio { leg: which, payload, .. } = event
            && which == leg
            && let Some(index) = find(&payload, place)
        {
            heard += 1;
            place = index + 1;
        }
    }
}

/// Waits until no leg holds anything any more: ports, legs and their timers are back.
pub(crate) fn all_given_back(engine: &EngineHandle) {
    loop {
        let stats = engine.stats();
        assert!(stats.failed.is_empty(), "{:?}", stats.failed);
        let counts = stats.counts();
        if stats.silent.is_empty() && counts.legs == 0 && counts.ports_in_use == 0 && counts.timers == 0 {
            assert_eq!(counts.calls, 0);
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
