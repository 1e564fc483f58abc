//! Handling audio allocates nothing: a bridge between two shards, and an echo, under an allocator that counts.

use base::{CallId, Duration, Instant, LegId, Seed, ShardId, WallAnchor, WallTime};
use call::{Command, Event, Originate, Output, Shard, ShardConfig};
use codecs::g711::Law;
use media::playout::Prompt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: count::Counting<std::alloc::System> = count::Counting(std::alloc::System);

/// Shards 0 and 1 are ours, 2 is the far end of both legs.
const FAR: usize = 2;

fn sip(shard: usize) -> SocketAddr {
    SocketAddr::new(IpAddr::from([192, 0, 2, shard as u8 + 1]), 5060)
}

fn shard(index: usize) -> Shard {
    let anchor = WallAnchor { instant: Instant::ZERO, wall: WallTime::from_unix_us(1_700_000_000_000_000) };
    let config = ShardConfig::new(ShardId(index as u64), sip(index), sip(index).ip(), "test");
    let mut shard = Shard::new(config, Seed::from_u64(1), anchor);
    shard.add_ports(&[20_000, 20_002]);
    shard
}

/// Delivers signalling, frames between shards and media; the allocations of our shards at media, received RTCP excepted.
fn settle(now: Instant, shards: &mut [Shard; 3], far_legs: &mut Vec<LegId>) -> (u64, u64) {
    let (mut allocations, mut packets) = (0, 0);
    loop {
        let mut moved = false;
        for index in 0..shards.len() {
            let sent: Vec<(SocketAddr, u16, bool, Vec<u8>)> =
                shards[index].packets().iter().map(|p| (p.to, p.port, p.rtcp, p.bytes.to_vec())).collect();
            shards[index].packets().clear();
            for (to, port, rtcp, bytes) in sent {
                moved = true;
                let target = (0..shards.len()).find(|other| sip(*other).ip() == to.ip()).expect("a known host");
                let source = SocketAddr::new(sip(index).ip(), port + u16::from(rtcp));
                if rtcp {
                    shards[target].handle_rtcp(now, to.port() - 1, source, &bytes);
                    continue;
                }
                let count = count::during(|| shards[target].handle_rtp(now, to.port(), source, &bytes));
                if target != FAR {
                    (allocations, packets) = (allocations + count, packets + 1);
                }
            }
            while let Some(output) = shards[index].poll_output() {
                moved = true;
                match output {
                    Output::Sip { to, bytes } => {
                        let target = (0..shards.len()).find(|other| sip(*other) == to).expect("a known host");
                        shards[target].handle_sip(now, sip(index), &bytes);
                    }
                    Output::Peer { shard, message } => {
                        let target = shard.0 as usize;
                        allocations += count::during(|| shards[target].handle_peer(now, message));
                    }
                    Output::Event(Event::Incoming { leg, .. }) => far_legs.push(leg),
                    Output::Event(_) => {}
                }
            }
        }
        if !moved {
            return (allocations, packets);
        }
    }
}

#[test]
fn a_bridge_between_two_shards_allocates_nothing_per_packet() {
    let bridge =
        |leg, with| Command::Bridge { call: CallId(1), leg: LegId(leg), with: LegId(with), with_shard: ShardId(with) };
    nothing_is_allocated([bridge(0, 1), bridge(1, 0)]);
}

#[test]
fn an_echo_allocates_nothing_per_packet() {
    nothing_is_allocated([0, 1].map(|leg| Command::Echo { leg: LegId(leg), on: true }));
}

/// Two legs that are spoken to, on a shard each, and an order for each of them.
fn nothing_is_allocated(orders: [Command; 2]) {
    let mut now = Instant::ZERO + Duration::from_secs(1);
    let mut shards = [shard(0), shard(1), shard(FAR)];
    let mut far_legs = Vec::new();
    for ours in 0..2 {
        let originate = Originate {
            leg: LegId(ours),
            to_uri: "sip:far@192.0.2.3".into(),
            remote: sip(FAR),
            from_uri: "sip:outpace@192.0.2.1".into(),
            from_display: None,
            credentials: None,
            ring_timeout: Duration::from_secs(20),
            analyse: None,
            // Different laws, so that the bridge has to convert, too.
            laws: vec![if ours == 0 { Law::Mu } else { Law::A }],
            learn: false,
        };
        shards[ours as usize].handle_command(now, Command::Originate(Box::new(originate)));
        settle(now, &mut shards, &mut far_legs);
        let leg = *far_legs.last().expect("the far end was called");
        let prompt = Arc::new(Prompt::from_samples(&[1_000; 8_000]));
        shards[FAR].handle_command(now, Command::Answer { leg, learn: false });
        shards[FAR].handle_command(now, Command::Play { leg, play: base::PlayId(0), prompt, repeat: true });
        settle(now, &mut shards, &mut far_legs);
        shards[ours as usize].handle_command(now, Command::Watch { leg: LegId(ours) });
    }
    for (shard, order) in shards.iter_mut().zip(orders) {
        shard.handle_command(now, order);
    }
    let (mut allocations, mut packets) = (0, 0);
    for millisecond in 0..12_000 {
        now += Duration::from_ms(1);
        let mut here = 0;
        for ours in &mut shards[..FAR] {
            here += count::during(|| ours.handle_timeout(now)); // reports and looks at the quality included
        }
        shards[FAR].handle_timeout(now);
        let (more, heard) = settle(now, &mut shards, &mut far_legs);
        // In the first two seconds the tables take the room that they keep.
        if millisecond >= 2_000 {
            (allocations, packets) = (allocations + here + more, packets + heard);
        }
    }
    assert_eq!(allocations, 0);
    assert_eq!(packets, 1_000, "ten seconds of two legs");
}
