//! Calls that end while packets arrive, ports that are lent again, peers that vanish, floods: nothing leaks, nothing goes to
//! the wrong leg.

mod common;

use base::{LegId, Seed, ShardId};
use call::{Command, Event};
use codecs::g711::Law;
use common::*;
use net::{DriverChoice, Engine, EngineConfig};
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};

over_both! {
    legs_end_in_a_flood_and_their_ports_serve_others,
    a_world_that_vanishes_and_a_house_that_falls_leave_every_port_free,
}

const ZERO: ShardId = ShardId(0);

/// An engine with ports of its own, `pairs` of them.
fn narrow(driver: DriverChoice, first: u16, pairs: u16, seed: u64) -> Engine {
    Engine::start(EngineConfig {
        driver,
        ports: first..=first + pairs * 2 - 1,
        seed: Some(Seed::from_u64(seed)),
        names: "house".to_owned(),
        ..EngineConfig::default()
    })
    .unwrap()
}

fn first_port(driver: DriverChoice) -> u16 {
    if driver == DriverChoice::Ring { 18_400 } else { 18_000 }
}

/// `legs` calls from the house to the world, numbered from `first`; the world plays `voice` to each.
fn connect(
    house: &Engine,
    world: &Engine,
    legs: std::ops::Range<u64>,
    voice: &std::sync::Arc<media::playout::Prompt>,
) -> Vec<LegId> {
    let mut far = Vec::new();
    for leg in legs {
        order(house, ZERO, originate(leg, world));
        let (there, _) = incoming(world);
        order(world, ZERO, Command::Answer { leg: there, learn: false });
        let prompt = std::sync::Arc::clone(voice);
        order(world, ZERO, Command::Play { leg: there, play: base::PlayId(0), prompt, repeat: true });
        answered(house, LegId(leg));
        far.push(there);
    }
    far
}

fn legs_end_in_a_flood_and_their_ports_serve_others(driver: DriverChoice) {
    const LEGS: u64 = 100;
    let first = first_port(driver);
    // As many pairs as legs: the second wave gets the very ports of the first, as soon as they have rested.
    let house = narrow(driver, first, LEGS as u16, 21);
    let world = engine(DriverChoice::Poll, "world", 1, 22);
    let voice = prompt(5, 100);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Lawful RTP from a stranger, to every port in turn, as fast as it goes (about 100,000 a second).
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let mut packet = [0x55u8; 172];
            packet[..2].copy_from_slice(&[0x80, 0]);
            for number in 0u64.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
                let _ = socket.send_to(&packet, ("127.0.0.1", first + (number % (LEGS * 2)) as u16));
                if number % 64 == 0 {
                    std::thread::sleep(std::time::Duration::from_micros(500));
                }
            }
        });
        for wave in 0..2 {
            let legs = wave * LEGS + 1..wave * LEGS + 1 + LEGS;
            connect(&house, &world, legs.clone(), &voice);
            for leg in legs.clone() {
                order(&house, ZERO, Command::Tap { leg: LegId(leg), on: true });
            }
            // Each leg hears its own far end and nobody else.
            let mut heard = std::collections::BTreeMap::<LegId, u32>::new();
            while heard.len() < LEGS as usize || heard.values().any(|count| *count < 10) {
                let Ok((_, event)) = house.events.recv_timeout(std::time::Duration::from_secs(60)) else {
                    panic!("no event: {heard:?}")
                };
                if let Event::Audio { leg, payload, .. } = event {
                    let ours = (0..voice.frames())
                        .any(|at| voice.frame(Law::Mu, at).is_some_and(|frame| frame[..] == *payload));
                    assert!(ours || payload.iter().all(|byte| *byte == Law::Mu.silence()), "{leg}: {payload:?}");
                    *heard.entry(leg).or_default() += u32::from(ours);
                }
            }
            for leg in legs {
                order(&house, ZERO, Command::Hangup { leg: LegId(leg), reason: "test over" });
            }
            let mut foreign = 0;
            for _ in 0..LEGS {
                foreign += wait(&house, |_, event| match event {
                    Event::Ended { media, cause, answered, .. } => {
                        assert!(*answered, "{cause:?}");
                        Some(media.as_ref().map_or(0, |media| media.foreign))
                    }
                    _ => None,
                });
                wait(&world, |_, event| matches!(event, Event::Ended { .. }).then_some(()));
            }
            assert!(foreign > 0, "the stranger was heard and refused");
            all_given_back(&house);
            // The last packets of this wave rest with their ports.
            std::thread::sleep(std::time::Duration::from_millis(2_100));
        }
        stop.store(true, Ordering::Relaxed);
    });
    all_given_back(&world);
    let stats = house.shutdown();
    let counters = stats.counters();
    println!("{}: {counters:?}", stats.driver);
    assert_eq!((counters.receive_errors, counters.panics_caught), (0, 0));
    assert_eq!(stats.shards[0].pairs_bound, LEGS as usize);
}

fn a_world_that_vanishes_and_a_house_that_falls_leave_every_port_free(driver: DriverChoice) {
    const LEGS: u64 = 200;
    // Past those of the flood, and below 20,000, where a server on this machine may have its own.
    let first = first_port(driver) + 800;
    let voice = prompt(6, 100);
    for round in 0..2 {
        // The second round binds every port of the first, at once.
        let house = narrow(driver, first, LEGS as u16, 30 + round);
        let world = engine(DriverChoice::Poll, "world", 1, 40 + round);
        connect(&house, &world, 1..LEGS + 1, &voice);
        for leg in 1..=LEGS {
            order(
                &house,
                ZERO,
                Command::Play { leg: LegId(leg), play: base::PlayId(0), prompt: voice.clone(), repeat: true },
            );
        }
        let sent = |house: &Engine| house.stats().counters().media_sent;
        let start = sent(&house);
        drop(world); // its sockets close: every packet of ours now brings an ICMP port unreachable back
        while sent(&house) < start + 20 * LEGS {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let stats = house.stats();
        assert_eq!((stats.counts().legs, stats.shards[0].pairs_bound), (LEGS as usize, LEGS as usize));
        assert!(stats.failed.is_empty() && stats.counters().panics_caught == 0);
        // Dropped with all legs up, their receives armed and packets on their way.
    }
}
