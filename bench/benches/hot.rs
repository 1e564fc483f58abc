//! What the functions cost that run for every packet, every timer and every decision. What stands beside a room's own
//! criterion benches (`engine/wire/benches`, `engine/media/benches`) is here: whole shards, timers, pacing, codecs.

use base::{Duration, Instant, LegId, Seed, ShardId, TimerWheel, WallAnchor, WallTime};
use call::{Command, Event, Originate, Output, Shard, ShardConfig};
use codecs::g711::Law;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use desk::AgentState;
use dialer::pacing::{AgentView, CallView, LedgerView, Marks, Pacer, Predictive, Snapshot};
use media::playout::Prompt;
use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

const LEGS: u64 = 1_000;
/// Pairs of 1,000 legs from port 10,000 on.
const FIRST_PORT: u16 = 10_000;

fn sip(index: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::from([192, 0, 2, index + 1]), 5060)
}

fn shard(index: u8) -> Shard {
    let anchor = WallAnchor { instant: Instant::ZERO, wall: WallTime::from_unix_us(1_700_000_000_000_000) };
    let mut config = ShardConfig::new(ShardId(0), sip(index), sip(index).ip(), "bench");
    config.media_timeout = Duration::ZERO; // nobody talks to these legs
    let mut shard = Shard::new(config, Seed::from_u64(u64::from(index)), anchor);
    shard.add_ports(&(0..LEGS as u16).map(|pair| FIRST_PORT + 2 * pair).collect::<Vec<u16>>());
    shard
}

/// Carries SIP between the two until nothing moves; media is thrown away. The far end answers everything.
fn settle(now: Instant, shards: &mut [Shard; 2]) {
    loop {
        let mut moved = false;
        for index in 0..2 {
            shards[index].packets().clear();
            while let Some(output) = shards[index].poll_output() {
                moved = true;
                match output {
                    Output::Sip { bytes, .. } => shards[1 - index].handle_sip(now, sip(index as u8), &bytes),
                    Output::Event(Event::Incoming { leg, .. }) => {
                        shards[index].handle_command(now, Command::Answer { leg, learn: false });
                    }
                    Output::Event(_) | Output::Peer { .. } => {}
                }
            }
        }
        if !moved {
            return;
        }
    }
}

/// A shard with 1,000 legs that play a prompt, and the moment.
fn playing() -> (Shard, Instant) {
    let mut shards = [shard(0), shard(1)];
    let mut now = Instant::ZERO + Duration::from_secs(1);
    let prompt = Arc::new(Prompt::from_samples(&[1_000; 80_000]));
    for number in 0..LEGS {
        let leg = LegId(number);
        let originate = Originate {
            leg,
            to_uri: format!("sip:{number}@{}", sip(1)),
            remote: sip(1),
            from_uri: "sip:bench@outpace.invalid".into(),
            from_display: None,
            credentials: None,
            ring_timeout: Duration::from_secs(20),
            analyse: None,
            laws: vec![Law::Mu],
            learn: false,
        };
        shards[0].handle_command(now, Command::Originate(Box::new(originate)));
        settle(now, &mut shards);
        shards[0].handle_command(
            now,
            Command::Play { leg, play: base::PlayId(0), prompt: Arc::clone(&prompt), repeat: true },
        );
    }
    let [mut ours, _] = shards;
    for _ in 0..2_000 {
        now += Duration::from_ms(1); // tables and buffers take the room they keep
        ours.handle_timeout(now);
        ours.packets().clear();
        while ours.poll_output().is_some() {}
    }
    assert_eq!(ours.counts().legs as u64, LEGS);
    (ours, now)
}

fn shards(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shard");
    let (mut shard, mut now) = playing();
    group.bench_function("20 ms of 1,000 playing legs", |bencher| {
        bencher.iter(|| {
            let mut packets = 0;
            for _ in 0..20 {
                now += Duration::from_ms(1);
                shard.handle_timeout(now);
                packets += shard.packets().len();
                shard.packets().clear();
            }
            assert!(packets >= LEGS as usize, "{packets} packets");
        });
    });
    group.finish();
}

fn timers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wheel");
    let mut wheel = TimerWheel::new();
    let mut now = Instant::ZERO;
    for leg in 0..LEGS {
        wheel.insert(now + Duration::from_us(20 * leg), leg);
    }
    group.bench_function("fire 1,000 timers and set them anew", |bencher| {
        bencher.iter(|| {
            for _ in 0..20 {
                now += Duration::from_ms(1);
                while let Some((at, leg)) = wheel.pop_expired(now) {
                    wheel.insert(at + Duration::from_ms(20), leg);
                }
            }
            black_box(wheel.len())
        });
    });
    group.bench_function("set and cancel", |bencher| {
        bencher.iter(|| {
            let key = wheel.insert(black_box(now + Duration::from_secs(32)), 0);
            wheel.cancel(key)
        });
    });
    group.finish();
}

fn pacing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pacing");
    for (name, agents, calls) in [("100 agents, 150 calls", 100, 150), ("1,000 agents, 1,500 calls", 1_000, 1_500)] {
        let states = [AgentState::Talking, AgentState::Talking, AgentState::WrapUp, AgentState::Ready];
        let agents: Vec<AgentView> = (0..agents)
            .map(|agent| AgentView { state: states[agent % 4], age_s: (agent % 97) as f64, leaving: false })
            .collect();
        let calls: Vec<CallView> = (0..calls)
            .map(|call| CallView {
                age_s: (call % 23) as f64,
                answered_at_s: None,
                certain: false,
                forecast_no_agent: 0.01,
                foretold: None,
                marks: Marks::default(),
                early: None,
            })
            .collect();
        let ledgers = [LedgerView { limit: 0.03, answered: 10_000.0, abandoned_upper: 100.0, left: None }];
        let mut random = Seed::from_u64(1).stream("bench", 0);
        let mut now = Instant::ZERO + Duration::from_secs(1);
        group.bench_function(format!("decide, {name}"), |bencher| {
            bencher.iter_batched_ref(
                Predictive::new,
                |pacer| {
                    now += Duration::from_ms(10);
                    let snapshot = Snapshot {
                        now,
                        agents: &agents,
                        calls: &calls,
                        others: &[],
                        owed: 0,
                        withheld: 0,
                        ceiling: f64::INFINITY,
                        others_bear: u32::MAX,
                        waiting: 1,
                        room: 1_000,
                        leads_left: None,
                        ledgers: &ledgers,
                        next: &[],
                        plan_left: None,
                    };
                    pacer.decide(black_box(&snapshot), &mut random)
                },
                BatchSize::NumIterations(1_000),
            );
        });
    }
    group.finish();
}

fn laws(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("g711, 20 ms");
    let samples: [i16; 160] = std::array::from_fn(|index| (index as i16 - 80) * 397);
    let (mut codes, mut back) = ([0; 160], [0; 160]);
    group.bench_function("encode", |bencher| bencher.iter(|| Law::Mu.encode_slice(black_box(&samples), &mut codes)));
    group.bench_function("decode", |bencher| bencher.iter(|| Law::Mu.decode_slice(black_box(&codes), &mut back)));
    group.finish();
}

criterion_group!(benches, shards, timers, pacing, laws);
criterion_main!(benches);
