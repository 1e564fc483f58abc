//! A process that is killed leaves the names of the calls that were up.

mod common;

use base::{LegId, ShardId};
use call::{Command, Event};
use common::*;
use net::{DriverChoice, Engine, EngineConfig};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

/// Set for the child: the directory, the driver and the address to call.
const CHILD: &str = "OUTPACE_FLIGHT_CHILD";

over_both! {
    the_calls_of_a_killed_process_are_read_back,
}

/// The child: calls until it is killed, and tells each answered leg on its own line.
fn child(order_line: &str) -> ! {
    let [dir, driver, remote] = order_line.split('|').collect::<Vec<_>>().try_into().unwrap();
    let config = EngineConfig {
        shards: 2,
        driver: driver.parse().unwrap(),
        ports: PORTS,
        flight_dir: Some(Path::new(dir).to_owned()),
        ..EngineConfig::default()
    };
    let engine = Engine::start(config).unwrap();
    let remote = remote.parse().unwrap();
    for leg in 1.. {
        let shard = ShardId(leg % 2);
        let Command::Originate(mut originate) = originate(leg, &engine) else { unreachable!() };
        originate.remote = remote;
        order(&engine, shard, Command::Originate(originate));
        answered(&engine, LegId(leg));
        if leg % 3 == 0 {
            order(&engine, shard, Command::Hangup { leg: LegId(leg), reason: "done" });
            ended(&engine, LegId(leg));
        } else {
            println!("up {leg}");
        }
    }
    unreachable!()
}

fn spawn(dir: &Path, driver: DriverChoice, remote: std::net::SocketAddr) -> Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child", "--nocapture"])
        .env(CHILD, format!("{}|{driver}|{remote}", dir.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test by itself: what the other tests start as a process of its own.
#[test]
fn the_child() {
    if let Ok(order_line) = std::env::var(CHILD) {
        child(&order_line);
    }
}

fn the_calls_of_a_killed_process_are_read_back(driver: DriverChoice) {
    let world = engine(DriverChoice::Poll, "world", 1, 50);
    let dir = tempfile::tempdir().unwrap();
    let mut process = spawn(dir.path(), driver, world.sip_addr());
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut up = BTreeSet::new();
    let mut acknowledged = BTreeSet::new();
    std::thread::scope(|scope| {
        let answers = scope.spawn(|| {
            // The world's own view: a leg is up here when its ACK came in.
            let mut acknowledged = BTreeSet::new();
            let mut dead = BTreeSet::new();
            while let Ok((shard, event)) = world.events.recv_timeout(std::time::Duration::from_secs(5)) {
                match event {
                    Event::Incoming { leg, .. } => order(&world, shard, Command::Answer { leg, learn: false }),
                    Event::Answered { leg, dialog, .. } => drop(acknowledged.insert((leg, dialog.call_id.clone()))),
                    Event::Ended { leg, .. } => drop(dead.insert(leg)),
                    _ => {}
                }
                if acknowledged.len() - dead.len() > 40 && dead.len() > 10 {
                    break;
                }
            }
            let alive = acknowledged.into_iter().filter(|(leg, _)| !dead.contains(leg));
            alive.map(|(_, call_id)| call_id).collect::<BTreeSet<_>>()
        });
        while up.len() < 30 {
            let line = lines.next().expect("the child goes on").unwrap();
            if let Some(leg) = line.strip_prefix("up ") {
                up.insert(leg.parse::<u64>().unwrap());
            }
        }
        acknowledged = answers.join().unwrap();
        process.kill().unwrap(); // SIGKILL
        process.wait().unwrap();
    });
    let entries = net::flight::read(dir.path()).unwrap();
    let found: BTreeSet<String> = entries.iter().map(|entry| entry.dialog.call_id.clone()).collect();
    // Between our look at the world and the kill, one call may have been ended by the child, which is then rightly gone.
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.len() <= 1, "acknowledged, but not on record: {lost:?}");
    let legs: BTreeSet<u64> = entries.iter().map(|entry| entry.leg.0).collect();
    assert!(up.is_subset(&legs), "told as up, but not on record: {:?}", up.difference(&legs));
    for entry in &entries {
        assert_eq!(entry.dialog.peer, world.sip_addr());
        assert!(!entry.dialog.remote_tag.is_empty() && !entry.dialog.local_tag.is_empty());
    }

    // A start that fails leaves the record as it is.
    let taken = EngineConfig {
        driver,
        sip: world.sip_addr(),
        flight_dir: Some(dir.path().to_owned()),
        ..EngineConfig::default()
    };
    assert!(Engine::start(taken).is_err());
    assert_eq!(net::flight::read(dir.path()).unwrap(), entries);

    // The next engine, with another number of shards, begins anew and calls as before.
    let config =
        EngineConfig { driver, ports: PORTS, flight_dir: Some(dir.path().to_owned()), ..EngineConfig::default() };
    let next = Engine::start(config.clone()).unwrap();
    assert_eq!(net::flight::read(dir.path()).unwrap(), []);
    assert!(!dir.path().join("flight-1.bin").exists());
    drop(next);
    let nowhere = EngineConfig { flight_dir: Some("/proc/nowhere".into()), ..config };
    let fault = Engine::start(nowhere).map(|_| ()).unwrap_err().to_string();
    assert!(fault.contains("/proc/nowhere"), "{fault}");
}
