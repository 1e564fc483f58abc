//! Shards talking to each other over a wire that delivers at once; time goes by in milliseconds.

use crate::{Command, Counts, Event, Originate, Output, Shard, ShardConfig};
use base::{CallId, Duration, Instant, LegId, Seed, ShardId, WallAnchor, WallTime};
use codecs::g711::Law;
use media::playout::Prompt;
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

mod abandon;
mod inbound;
mod listening;
mod trunks;

/// Shards by host number: host n is 192.0.2.n. Shards of one host share its SIP address.
struct Wire {
    now: Instant,
    hosts: Vec<Vec<Shard>>,
    events: Vec<(usize, Event)>,
    /// A host whose media is lost on the way.
    mute: Option<usize>,
    /// A host whose SIP is lost on the way.
    mute_sip_from: Option<usize>,
    /// A host with one leg whose media comes from, and can only be reached at, another address, and the leg's own port.
    natted: Option<(usize, SocketAddr, u16)>,
    /// Panics caught, by host, and the leg that each one cost.
    panics: Vec<(usize, Option<LegId>)>,
    /// Ports of one shard.
    ports: u16,
    /// RTP payloads seen on the wire, by the port they left from.
    sent: Vec<(usize, u16, Vec<u8>)>,
}

fn address(host: usize) -> IpAddr {
    IpAddr::from([192, 0, 2, host as u8 + 1])
}

fn sip(host: usize) -> SocketAddr {
    SocketAddr::new(address(host), 5060)
}

enum Datagram {
    Sip { to: SocketAddr, from: SocketAddr, bytes: Vec<u8> },
    Media { to: SocketAddr, from: SocketAddr, bytes: Vec<u8> },
}

impl Wire {
    /// `shards[n]` shards on host n, each with 50 port pairs.
    fn new(shards: &[usize]) -> Self {
        Wire::with_ports(shards, 100)
    }

    /// As many ports for each shard; half as many pairs.
    fn with_ports(shards: &[usize], ports: u16) -> Self {
        let anchor = WallAnchor { instant: Instant::ZERO, wall: WallTime::from_unix_us(1_700_000_000_000_000) };
        let hosts = shards.iter().enumerate().map(|(host, count)| {
            let shard = |index: usize| {
                let config = ShardConfig::new(ShardId(index as u64), sip(host), address(host), "test");
                let mut shard = Shard::new(config, Seed::from_u64(host as u64), anchor);
                let first = 20_000 + ports * index as u16;
                shard.add_ports(&(first..first + ports).step_by(2).collect::<Vec<u16>>());
                shard
            };
            (0..*count).map(shard).collect()
        });
        let now = Instant::ZERO + Duration::from_secs(10);
        Wire {
            now,
            hosts: hosts.collect(),
            events: Vec::new(),
            mute: None,
            mute_sip_from: None,
            natted: None,
            panics: Vec::new(),
            ports,
            sent: Vec::new(),
        }
    }

    fn command(&mut self, host: usize, shard: usize, command: Command) {
        self.guarded(host, shard, |shard, now| shard.handle_command(now, command));
        self.settle();
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += Duration::from_ms(1);
            for host in 0..self.hosts.len() {
                for shard in 0..self.hosts[host].len() {
                    self.guarded(host, shard, |shard, now| shard.handle_timeout(now));
                }
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        loop {
            let mut datagrams = VecDeque::new();
            let mut peers = Vec::new();
            for (host, shards) in self.hosts.iter_mut().enumerate() {
                for shard in shards {
                    for packet in shard.packets().iter() {
                        if self.mute == Some(host) {
                            continue;
                        }
                        let port = packet.port + u16::from(packet.rtcp);
                        let inside = SocketAddr::new(address(host), port);
                        let from = match &mut self.natted {
                            Some((natted, outside, known)) if *natted == host => {
                                *known = packet.port;
                                SocketAddr::new(outside.ip(), outside.port() + u16::from(packet.rtcp))
                            }
                            _ => inside,
                        };
                        if !packet.rtcp {
                            self.sent.push((host, packet.port, packet.bytes[12..].to_vec()));
                        }
                        datagrams.push_back(Datagram::Media { to: packet.to, from, bytes: packet.bytes.to_vec() });
                    }
                    shard.packets().clear();
                    while let Some(output) = shard.poll_output() {
                        match output {
                            Output::Sip { .. } if self.mute_sip_from == Some(host) => {}
                            Output::Sip { to, bytes } => {
                                datagrams.push_back(Datagram::Sip { to, from: sip(host), bytes });
                            }
                            Output::Event(event) => self.events.push((host, event)),
                            Output::Peer { shard, message } => peers.push((host, shard, message)),
                        }
                    }
                }
            }
            if datagrams.is_empty() && peers.is_empty() {
                return;
            }
            for (host, shard, message) in peers {
                self.guarded(host, shard.0 as usize, |shard, now| shard.handle_peer(now, message));
            }
            for datagram in datagrams {
                self.deliver(datagram);
            }
        }
    }

    fn deliver(&mut self, datagram: Datagram) {
        match datagram {
            Datagram::Sip { to, from, bytes } => {
                let host = (0..self.hosts.len()).find(|host| sip(*host) == to).expect("a known host");
                let id = wire::sip::peek_call_id(&bytes).expect("a Call-ID");
                let own = id.first() == Some(&b's') && id.get(2) == Some(&b'-') && host == 0;
                let shard = if own { usize::from(id[1] - b'0') } else { 0 };
                self.guarded(host, shard, |shard, now| shard.handle_sip(now, from, &bytes));
            }
            Datagram::Media { mut to, from, bytes } => {
                if let Some((host, outside, inside)) = self.natted {
                    match to.port().checked_sub(outside.port()) {
                        Some(rtcp) if to.ip() == outside.ip() => to = SocketAddr::new(address(host), inside + rtcp),
                        _ if to.ip() == address(host) => return,
                        _ => {}
                    }
                }
                let host = (0..self.hosts.len()).find(|host| address(*host) == to.ip()).expect("a known host");
                let shard = usize::from((to.port() - 20_000) / self.ports);
                self.guarded(host, shard, |shard, now| {
                    if to.port().is_multiple_of(2) {
                        shard.handle_rtp(now, to.port(), from, &bytes);
                    } else {
                        shard.handle_rtcp(now, to.port() - 1, from, &bytes);
                    }
                });
            }
        }
    }

    /// One input of one shard, as the driver gives it: a panic costs what it belongs to.
    fn guarded(&mut self, host: usize, shard: usize, input: impl FnOnce(&mut Shard, Instant)) {
        let now = self.now;
        let world = &mut self.hosts[host][shard];
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| input(world, now))) {
            let planted = panic.downcast_ref::<String>().is_some_and(|text| text.starts_with("planted fault"));
            let planted = planted || panic.downcast_ref::<&str>().is_some_and(|text| text.starts_with("planted fault"));
            if !planted {
                resume_unwind(panic);
            }
            let leg = world.abandon_current(now);
            self.panics.push((host, leg));
        }
    }

    fn counts(&self) -> Vec<Counts> {
        self.hosts.iter().flatten().map(Shard::counts).collect()
    }

    fn incoming(&self, host: usize) -> LegId {
        let found = self.events.iter().rev().find_map(|(at, event)| match event {
            Event::Incoming { leg, .. } if *at == host => Some(*leg),
            _ => None,
        });
        found.expect("a call came in")
    }

    fn ended(&self, host: usize) -> Vec<&str> {
        let ended = self.events.iter().filter_map(|(at, event)| match event {
            Event::Ended { cause, .. } if *at == host => Some(cause.reason.as_str()),
            _ => None,
        });
        ended.collect()
    }
}

fn originate(leg: u64, host: usize) -> Command {
    Command::Originate(Box::new(Originate {
        leg: LegId(leg),
        to_uri: format!("sip:+15551234567@{}", sip(host)),
        remote: sip(host),
        from_uri: "sip:outpace@192.0.2.1".into(),
        from_display: None,
        credentials: None,
        ring_timeout: Duration::from_secs(20),
        analyse: None,
        laws: vec![Law::Mu, Law::A],
        learn: false,
    }))
}

/// A prompt whose frames can be told apart: frame n is full of one loud value.
fn ladder(frames: usize) -> Arc<Prompt> {
    let samples: Vec<i16> = (0..frames * 160).map(|index| 1_000 + 500 * (index / 160 % 40) as i16).collect();
    Arc::new(Prompt::from_samples(&samples))
}

fn heard(wire: &Wire, host: usize) -> Vec<u8> {
    let audio = wire.events.iter().filter_map(|(at, event)| match event {
        Event::Audio { payload, .. } if *at == host => Some(payload[0]),
        _ => None,
    });
    audio.collect()
}

fn all_gone(wire: &mut Wire) {
    wire.run(Duration::from_secs(40));
    assert!(wire.counts().iter().all(|counts| *counts == Counts::default()), "{:?}", wire.counts());
}

#[test]
fn a_prompt_is_heard_in_order_and_everything_is_given_back() {
    let mut wire = Wire::new(&[1, 1]);
    wire.command(0, 0, originate(1, 1));
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Ring { leg: callee, early_media: false });
    wire.command(1, 0, Command::Tap { leg: callee, on: true });
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    assert!(wire.events.iter().any(|(host, event)| *host == 0 && matches!(event, Event::Answered { .. })));
    wire.command(0, 0, Command::Play { leg: LegId(1), play: base::PlayId(0), prompt: ladder(30), repeat: false });
    wire.run(Duration::from_secs(1));
    assert!(wire.events.iter().any(|(host, event)| *host == 0 && matches!(event, Event::PlayEnded { .. })));
    let prompt: Vec<u8> = heard(&wire, 1).into_iter().filter(|byte| *byte != Law::Mu.silence()).collect();
    let expected: Vec<u8> = (0..30).map(|frame| ladder(30).frame(Law::Mu, frame).unwrap()[0]).collect();
    assert_eq!(prompt, expected);
    wire.command(0, 0, Command::SendDigits { leg: LegId(1), digits: "1#".into() });
    wire.run(Duration::from_secs(1));
    let digits: String = wire
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Digit { digit, .. } => Some(*digit),
            _ => None,
        })
        .collect();
    assert_eq!(digits, "1#");
    wire.command(1, 0, Command::Hangup { leg: callee, reason: "done" });
    all_gone(&mut wire);
    assert_eq!((wire.ended(0).len(), wire.ended(1).len()), (1, 1));
}

/// Moments since the start at which host 0 told the quality of what it hears, with the figures.
fn qualities(wire: &mut Wire, span: Duration) -> Vec<(u64, Law, media::session::Stats)> {
    let (start, mut told) = (wire.now, Vec::new());
    while wire.now.since(start) < span {
        wire.events.clear();
        wire.run(Duration::from_ms(1));
        told.extend(wire.events.iter().filter_map(|(_, event)| match event {
            Event::Quality { leg: LegId(1), law, media } => Some((wire.now.since(start).as_ms(), *law, *media)),
            _ => None,
        }));
    }
    told
}

#[test]
fn an_answered_leg_that_is_watched_tells_its_quality_after_a_second_and_then_every_five() {
    let mut wire = Wire::new(&[1, 1]);
    wire.command(0, 0, originate(1, 1));
    let callee = wire.incoming(1);
    // Who is not answered has nothing to tell, and the wish is forgotten.
    wire.command(0, 0, Command::Watch { leg: LegId(1) });
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    assert!(wire.events.iter().any(|(_, event)| matches!(event, Event::Answered { leg: LegId(1), law: Law::Mu, .. })));
    assert_eq!(qualities(&mut wire, Duration::from_secs(2)), []);
    for _ in 0..2 {
        wire.command(0, 0, Command::Watch { leg: LegId(1) });
    }
    let told = qualities(&mut wire, Duration::from_secs(12));
    let when: Vec<u64> = told.iter().map(|(at_ms, ..)| *at_ms).collect();
    assert_eq!(when, [1_000, 6_000, 11_000]);
    for (at_ms, law, media) in &told {
        let packets = 100 + at_ms / 20;
        assert!(media.packets_received.abs_diff(packets) <= 2, "{} after {at_ms} ms", media.packets_received);
        assert!(*law == Law::Mu && media.loss == 0.0 && media.mos > 4.0, "{media:?}");
    }
    // Half of what is sent from now on is lost on the way.
    wire.mute = Some(1);
    assert_eq!(qualities(&mut wire, Duration::from_secs(5)).len(), 1);
    wire.mute = None;
    let worse = qualities(&mut wire, Duration::from_secs(5));
    let [(_, _, media)] = worse[..] else { panic!("{worse:?}") };
    assert!(media.loss > 0.2 && media.mos < 2.0, "{media:?}");
    wire.command(0, 0, Command::Hangup { leg: LegId(1), reason: "done" });
    assert_eq!(qualities(&mut wire, Duration::from_secs(6)), []);
    all_gone(&mut wire);
}

/// Host 0 is the product with `shards` shards; hosts 1 and 2 are customer and agent.
fn bridged(shards: usize) -> (Wire, LegId, LegId) {
    let mut wire = Wire::new(&[shards, 1, 1]);
    let (customer_shard, agent_shard) = (0, shards - 1);
    wire.command(0, customer_shard, originate(1, 1));
    let customer = wire.incoming(1);
    wire.command(1, 0, Command::Answer { leg: customer, learn: false });
    wire.command(0, agent_shard, originate(2, 2));
    let agent = wire.incoming(2);
    wire.command(2, 0, Command::Answer { leg: agent, learn: false });
    for (host, leg) in [(1, customer), (2, agent)] {
        wire.command(host, 0, Command::Tap { leg, on: true });
    }
    let shard_of = |index: usize| ShardId(index as u64);
    let bridge =
        |leg, with, with_shard| Command::Bridge { call: CallId(9), leg: LegId(leg), with: LegId(with), with_shard };
    wire.command(0, customer_shard, bridge(1, 2, shard_of(agent_shard)));
    wire.command(0, agent_shard, bridge(2, 1, shard_of(customer_shard)));
    (wire, customer, agent)
}

#[test]
fn a_bridge_carries_both_ways_also_across_shards() {
    for shards in [1, 2] {
        let (mut wire, customer, agent) = bridged(shards);
        wire.command(1, 0, Command::Play { leg: customer, play: base::PlayId(0), prompt: ladder(40), repeat: false });
        wire.command(2, 0, Command::Play { leg: agent, play: base::PlayId(0), prompt: ladder(40), repeat: false });
        wire.run(Duration::from_secs(2));
        let expected: Vec<u8> = (0..40).map(|frame| ladder(40).frame(Law::Mu, frame).unwrap()[0]).collect();
        for host in [1, 2] {
            let heard: Vec<u8> = heard(&wire, host).into_iter().filter(|byte| *byte != Law::Mu.silence()).collect();
            assert_eq!(heard, expected, "host {host} with {shards} shards");
        }
        let joined =
            wire.events.iter().filter(|(host, event)| *host == 0 && matches!(event, Event::BridgeAudio { .. }));
        assert_eq!(joined.count(), 2);
        wire.command(2, 0, Command::SendDigits { leg: agent, digits: "5".into() });
        wire.run(Duration::from_ms(500));
        assert!(wire.events.iter().any(|(host, event)| *host == 1 && matches!(event, Event::Digit { digit: '5', .. })));
        wire.command(1, 0, Command::Hangup { leg: customer, reason: "done" });
        wire.command(2, 0, Command::Hangup { leg: agent, reason: "done" });
        all_gone(&mut wire);
    }
}

#[test]
fn a_busy_shard_without_ports_refuses_and_recovers() {
    let mut wire = Wire::new(&[1, 1]);
    for leg in 0..60 {
        wire.command(0, 0, originate(leg, 1));
    }
    assert_eq!(wire.ended(0), ["no-media-port"; 10]);
    assert_eq!(wire.hosts[1][0].counts().ports_in_use, 50);
    for leg in 0..60 {
        wire.command(0, 0, Command::Hangup { leg: LegId(leg), reason: "enough" });
    }
    all_gone(&mut wire);
    assert_eq!(wire.ended(0).len(), 60);
}

#[test]
fn silence_of_the_far_end_and_hold() {
    let mut wire = Wire::new(&[1, 1]);
    wire.command(0, 0, originate(1, 1));
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    wire.run(Duration::from_ms(200));
    wire.command(0, 0, Command::Hold { leg: LegId(1), on: true });
    wire.run(Duration::from_ms(200));
    assert!(wire.events.iter().any(|(host, event)| *host == 1 && matches!(event, Event::Held { on: true, .. })));
    let before = wire.sent.iter().filter(|(host, ..)| *host == 1).count();
    wire.run(Duration::from_secs(1));
    assert_eq!(wire.sent.iter().filter(|(host, ..)| *host == 1).count(), before, "who is held does not send");
    wire.command(0, 0, Command::Hold { leg: LegId(1), on: false });
    wire.run(Duration::from_secs(1));
    assert!(wire.sent.iter().filter(|(host, ..)| *host == 1).count() > before + 40);

    // The far end dies without a word: the media watch ends the call.
    wire.hosts[1].clear();
    wire.hosts[1].push(Wire::new(&[0, 1]).hosts.remove(1).remove(0));
    wire.run(Duration::from_secs(70));
    assert_eq!(wire.ended(0), [crate::MEDIA_TIMEOUT]);
    assert_eq!(wire.counts()[0], Counts::default());
}

/// Who was held for long has been silent for long: that must not count when the hold is over.
#[test]
fn silence_counts_from_the_end_of_a_hold_and_is_noticed_at_once() {
    let mut wire = Wire::new(&[1, 1]);
    wire.command(0, 0, originate(1, 1));
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    wire.command(0, 0, Command::Hold { leg: LegId(1), on: true });
    wire.run(Duration::from_secs(60));
    wire.mute = Some(1);
    wire.command(0, 0, Command::Hold { leg: LegId(1), on: false });
    wire.run(Duration::from_ms(19_990));
    assert!(wire.ended(0).is_empty());
    wire.run(Duration::from_ms(20));
    assert_eq!(wire.ended(0), [crate::MEDIA_TIMEOUT]);
    assert_eq!(wire.ended(1), ["media timeout"], "the Reason header tells the far end");
    all_gone(&mut wire);
}

#[test]
fn only_a_ringing_leg_is_rejected() {
    let mut wire = Wire::new(&[1, 1]);
    let reject = |leg, code| Command::Reject { leg, code, retry_after_s: None };
    wire.command(0, 0, originate(1, 1));
    let callee = wire.incoming(1);
    wire.command(0, 0, reject(LegId(1), 486));
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    wire.command(1, 0, reject(callee, 486));
    wire.run(Duration::from_ms(100));
    assert!(wire.ended(0).is_empty() && wire.ended(1).is_empty());
    wire.command(1, 0, Command::Hangup { leg: callee, reason: "done" });
    wire.run(Duration::from_ms(100));
    assert_eq!(wire.ended(0), ["done"]);

    wire.command(0, 0, originate(2, 1));
    let callee = wire.incoming(1);
    wire.command(1, 0, reject(callee, 200));
    wire.command(0, 0, originate(3, 1));
    let callee = wire.incoming(1);
    wire.command(1, 0, reject(callee, 486));
    wire.run(Duration::from_ms(100));
    assert_eq!(wire.ended(0), ["done", "Decline", "Busy Here"]);
    all_gone(&mut wire);
}

#[test]
fn junk_changes_nothing() {
    let mut wire = Wire::new(&[1, 1]);
    let mut random = Seed::from_u64(3).stream("junk", 0);
    for _ in 0..2_000 {
        let bytes: Vec<u8> = (0..random.below(300)).map(|_| random.next_u32() as u8).collect();
        let now = wire.now;
        let shard = &mut wire.hosts[0][0];
        shard.handle_sip(now, sip(1), &bytes);
        shard.handle_rtp(now, random.next_u32() as u16, sip(1), &bytes);
        shard.handle_rtcp(now, random.next_u32() as u16, sip(1), &bytes);
    }
    wire.run(Duration::from_secs(40));
    assert_eq!(wire.counts()[0], Counts::default());
    assert!(wire.events.is_empty() && wire.sent.is_empty());
}

/// baresip sends its first report together with its 200, and the report may win the race.
#[test]
fn a_report_that_overtakes_the_answer_comes_from_no_stranger() {
    let mut wire = Wire::new(&[1, 1]);
    wire.command(0, 0, originate(1, 1));
    let callee = wire.incoming(1);
    let report = [0x80, 201, 0, 1, 0, 0, 0, 7]; // an empty RR (RFC 3550 §6.4.2)
    let send_to_all_ports = |wire: &mut Wire, from: usize| {
        let (now, source) = (wire.now, SocketAddr::new(address(from), 20_001));
        for port in (20_000..20_100).step_by(2) {
            wire.hosts[0][0].handle_rtcp(now, port, source, &report);
        }
    };
    send_to_all_ports(&mut wire, 1);
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    wire.run(Duration::from_ms(100));
    send_to_all_ports(&mut wire, 1);
    send_to_all_ports(&mut wire, 2); // a stranger
    wire.command(0, 0, Command::Hangup { leg: LegId(1), reason: "done" });
    wire.run(Duration::from_ms(100));
    let media = wire.events.iter().find_map(|(host, event)| match event {
        Event::Ended { media, .. } if *host == 0 => *media,
        _ => None,
    });
    assert_eq!(media.expect("the leg had media").foreign, 1, "only the stranger");
}

/// Calls in: the stranger at host 1 speaks, hears itself, and no longer when the echo ends.
#[test]
fn an_echo_brings_the_far_ends_own_audio_back() {
    let mut wire = Wire::new(&[1, 1]);
    wire.command(1, 0, originate(1, 0));
    let caller = wire.incoming(0);
    wire.command(0, 0, Command::Answer { leg: caller, learn: false });
    wire.command(0, 0, Command::Echo { leg: caller, on: true });
    wire.command(1, 0, Command::Tap { leg: LegId(1), on: true });
    wire.command(1, 0, Command::Play { leg: LegId(1), play: base::PlayId(0), prompt: ladder(40), repeat: false });
    wire.run(Duration::from_secs(2));
    let expected: Vec<u8> = (0..40).map(|frame| ladder(40).frame(Law::Mu, frame).unwrap()[0]).collect();
    let loud = |wire: &Wire| heard(wire, 1).into_iter().filter(|byte| *byte != Law::Mu.silence()).collect::<Vec<u8>>();
    assert_eq!(loud(&wire), expected);
    // A bridge takes the echo's place, and a bridged leg does not begin one.
    let bridge = Command::Bridge { call: CallId(1), leg: caller, with: LegId(77), with_shard: ShardId(0) };
    wire.command(0, 0, bridge);
    wire.command(0, 0, Command::Echo { leg: caller, on: true });
    wire.command(1, 0, Command::Play { leg: LegId(1), play: base::PlayId(0), prompt: ladder(40), repeat: false });
    wire.run(Duration::from_secs(2));
    assert_eq!(loud(&wire), expected, "nothing more than before");
    wire.command(0, 0, Command::Unbridge { leg: caller });
    wire.command(0, 0, Command::Echo { leg: caller, on: true });
    wire.command(0, 0, Command::Echo { leg: caller, on: false });
    wire.command(1, 0, Command::Play { leg: LegId(1), play: base::PlayId(0), prompt: ladder(40), repeat: false });
    wire.run(Duration::from_secs(2));
    assert_eq!(loud(&wire), expected, "the echo is over");
    wire.command(1, 0, Command::Hangup { leg: LegId(1), reason: "done" });
    all_gone(&mut wire);
    let stats = wire.events.iter().find_map(|(host, event)| match event {
        Event::Ended { media, .. } if *host == 1 => *media,
        _ => None,
    });
    let stats = stats.expect("media");
    assert_eq!((stats.lost, stats.restarts), (0, 0), "one unbroken timeline under all of it");
}
