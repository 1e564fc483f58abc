//! The driver ticked by hand: real sockets on loopback, no thread, no sleep.

use super::*;
use crate::poll::PollIo;
use crate::ring::RingIo;
use crate::runtime::Wake;
use crate::sockets::{PortRange, bind_sip};
use crate::stats::Counters;
use base::limits::MEDIA_PACKET_BYTES_MAX;
use base::queue::{Receiver, bounded};
use base::{Instant, LegId, Seed};
use call::{Command, Frame, ShardConfig};
use codecs::g711::Law;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::AtomicBool;

#[global_allocator]
static ALLOCATOR: count::Counting<std::alloc::System> = count::Counting(std::alloc::System);

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Shard 0 of `shards`, whose siblings are only queues.
struct Rig<I> {
    driver: Driver<I>,
    sip: SocketAddr,
    events: Receiver<(ShardId, Event)>,
    commands: Sender<Command>,
    peers: Vec<Receiver<PeerItem>>,
    stranger: UdpSocket,
}

/// A way to the sockets that the tests can make.
trait Made: Io {
    /// The most packets of one flooded socket that a tick reads.
    const FLOOD_MAX: u64;
    fn made(front: Arc<UdpSocket>) -> Self;
}
impl Made for PollIo {
    const FLOOD_MAX: u64 = LOOKS_PER_TICK as u64;
    fn made(front: Arc<UdpSocket>) -> PollIo {
        PollIo::new(Some(front)).unwrap()
    }
}
impl Made for RingIo {
    // A socket's receive buffer holds no more than this of the smallest packets (768 bytes of kernel memory each).
    const FLOOD_MAX: u64 = 64 * 1024 / 768;
    fn made(front: Arc<UdpSocket>) -> RingIo {
        RingIo::new(Some(front)).unwrap()
    }
}

/// Each test runs over both ways to the sockets; `$ports` tells where the ports of each run lie.
macro_rules! over_both {
    ($($name:ident($ports:expr);)+) => {
        mod poll {
            $(#[test] fn $name() { super::$name::<super::PollIo>($ports); })+
        }
        mod ring {
            $(#[test] fn $name() { super::$name::<super::RingIo>($ports + 200); })+
        }
    };
}

over_both! {
    events_wait_in_order_and_only_audio_and_quality_are_dropped(13_000);
    unread_events_stop_new_work_and_reading_starts_it_again(13_400);
    a_full_peer_queue_drops_frames_and_keeps_digits(13_800);
    the_front_door_forwards_by_call_id_and_drops_when_the_other_is_full(14_200);
    a_flood_of_junk_costs_a_bounded_share_of_a_tick_and_changes_nothing(14_600);
    an_oversized_packet_is_dropped_and_the_next_one_read(9_000);
    ports_are_bound_ahead_of_need_and_resting_ones_do_not_count(9_400);
    media_in_both_directions_allocates_nothing(9_800);
    an_answer_is_in_the_flight_record_until_the_leg_has_ended(10_600);
    a_storm_of_panics_ends_the_shard(12_600);
    one_of_a_thousand_legs_panics_and_the_others_lose_no_packet(20_000);
}

impl<I: Made> Rig<I> {
    fn new(ports: u16, shards: usize, events_max: usize, peers_max: usize) -> Rig<I> {
        Rig::with(ports..=ports + 199, shards, events_max, peers_max, |_| {})
    }

    fn with(
        ports: std::ops::RangeInclusive<u16>,
        shards: usize,
        events_max: usize,
        peers_max: usize,
        change: impl FnOnce(&mut ShardConfig),
    ) -> Rig<I> {
        let clock = Clock::new();
        let (socket, sip) = bind_sip(SocketAddr::new(LOOPBACK, 0)).unwrap();
        let range = PortRange::new(&ports).unwrap();
        let media = MediaPorts::new(LOOPBACK, range, 0, shards);
        let (events_in, events) = bounded(events_max);
        let (commands, commands_out) = bounded(8);
        let (_, requests) = bounded(1);
        let mut doors = Vec::new();
        let mut peers = Vec::new();
        for _ in 0..shards {
            let (queue, receiver) = bounded(peers_max);
            doors.push(PeerDoor { queue, wake: Arc::new(Wake::new().unwrap()) });
            peers.push(receiver);
        }
        let inbox = Inbox {
            commands: commands_out,
            peers: peers[0].clone(),
            requests,
            stop: Arc::new(AtomicBool::new(false)),
            wake: Arc::clone(&doors[0].wake),
        };
        let mut config = ShardConfig::new(ShardId(0), sip, LOOPBACK, "test");
        change(&mut config);
        let shard = Shard::new(config, Seed::from_u64(1), clock.anchor());
        let socket = Arc::new(socket);
        let io = I::made(Arc::clone(&socket));
        let front = Front::new(sip, shards as u64);
        let doors = Doors { inbox, peers: doors, events: events_in, front };
        let mut driver = Driver::new(io, Parts { id: ShardId(0), clock, shard, sip: socket, media, doors });
        assert!(driver.bind_first_ports() > 0);
        driver.begin().unwrap();
        let stranger = UdpSocket::bind(SocketAddr::new(LOOPBACK, 0)).unwrap();
        stranger.set_nonblocking(true).unwrap();
        Rig { driver, sip, events, commands, peers, stranger }
    }

    fn tick(&mut self) -> Counters {
        // Without legs the wait ends with the first arrival or, with a command queued, does not begin; then it takes to the
        // next millisecond. Datagrams on loopback have arrived when `send_to` returns, so one wait finds them all.
        self.driver.rest();
        let now = self.driver.core.meter.clock.now();
        self.driver.tick(now);
        self.driver.core.meter.counters
    }

    /// RTP port of the first pair bound.
    fn first_port(&self) -> u16 {
        (0..=u16::MAX).step_by(2).find(|port| self.driver.media.by_port(*port).is_some()).unwrap()
    }

    fn events(&self) -> Vec<u64> {
        let leg = |(_, event)| match event {
            Event::PlayEnded { leg, .. } => leg.0,
            other => panic!("{other:?}"),
        };
        self.events.try_iter().map(leg).collect()
    }
}

fn fact(number: u64) -> Event {
    Event::PlayEnded { leg: LegId(number), play: base::PlayId(0), at: Instant::ZERO }
}

fn audio() -> Event {
    Event::Audio { leg: LegId(99), at: Instant::ZERO, timestamp: 0, law: Law::Mu, payload: Box::new([0; 160]) }
}

fn quality() -> Event {
    Event::Quality { leg: LegId(99), law: Law::Mu, media: media::session::Stats::default() }
}

fn options(call_id: &str) -> String {
    format!(
        "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK-{call_id}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:b@x>;tag=1\r\nTo: <sip:a@x>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

fn events_wait_in_order_and_only_audio_and_quality_are_dropped<I: Made>(ports: u16) {
    let mut rig = Rig::<I>::new(ports, 1, 2, 1);
    for number in 0..5 {
        rig.driver.core.tell(fact(number));
        rig.driver.core.tell(audio());
        rig.driver.core.tell(quality());
    }
    // The queue held event 0 and one packet of audio; the rest waited or was dropped.
    let counters = rig.driver.core.meter.counters;
    assert_eq!((counters.audio_events_dropped, counters.quality_events_dropped), (4, 5));
    assert!(matches!(rig.events.try_recv(), Ok((_, Event::PlayEnded { leg: LegId(0), .. }))));
    assert!(matches!(rig.events.try_recv(), Ok((_, Event::Audio { .. }))));
    let mut seen = Vec::new();
    for _ in 0..3 {
        rig.driver.core.flush_events();
        seen.extend(rig.events());
    }
    assert_eq!(seen, [1, 2, 3, 4]);
    assert_eq!(rig.driver.core.meter.counters.events, 6);
    rig.driver.core.tell(fact(5));
    assert_eq!(rig.events(), [5], "afterwards events go straight again");
}

fn unread_events_stop_new_work_and_reading_starts_it_again<I: Made>(ports: u16) {
    let mut rig = Rig::<I>::new(ports, 1, 1, 1);
    for number in 0..=EVENTS_WAITING_MAX as u64 {
        rig.driver.core.tell(fact(number));
    }
    rig.commands.try_send(Command::StopPlay { leg: LegId(1) }).unwrap();
    rig.stranger.send_to(options("x").as_bytes(), rig.sip).unwrap();
    let source = rig.stranger.local_addr().unwrap();
    let forwarded = PeerItem::Sip { source, bytes: options("y").into_bytes() };
    assert!(rig.driver.core.doors.peers[0].queue.try_send(forwarded).is_ok());
    let counters = rig.tick();
    assert_eq!((counters.commands, counters.sip_received, counters.stalled_ticks), (0, 0, 1));
    assert_eq!((counters.sip_dropped_stalled, counters.sip_sent), (1, 0));
    assert_eq!(rig.events(), [0]);
    let counters = rig.tick(); // one event found room, so one place is free
    assert_eq!((counters.commands, counters.sip_received, counters.stalled_ticks), (1, 1, 1));
    assert_eq!(rig.events(), [1], "nothing was lost on the way");
}

fn a_full_peer_queue_drops_frames_and_keeps_digits<I: Made>(ports: u16) {
    let mut rig = Rig::<I>::new(ports, 2, 4, 2);
    let frame = Frame { index: 0, marker: false, law: Law::Mu, payload: [0; 160] };
    let frame = PeerMessage::Frame { from: LegId(1), to: LegId(2), frame };
    let digit = |digit| PeerMessage::Digit { from: LegId(1), to: LegId(2), digit };
    for _ in 0..5 {
        rig.driver.core.tell_peer(ShardId(1), frame);
    }
    rig.driver.core.tell_peer(ShardId(1), digit('1'));
    rig.driver.core.tell_peer(ShardId(1), digit('2'));
    rig.driver.core.tell_peer(ShardId(7), frame); // no such shard
    let counters = rig.driver.core.meter.counters;
    assert_eq!((counters.peer_frames_sent, counters.peer_frames_dropped), (2, 3));
    let mut digits = String::new();
    for _ in 0..3 {
        for item in rig.peers[1].try_iter() {
            if let PeerItem::Message(PeerMessage::Digit { digit, .. }) = item {
                digits.push(digit);
            }
        }
        rig.driver.core.flush_peer_words();
    }
    assert_eq!(digits, "12");

    for _ in 0..DIGITS_WAITING_MAX + 10 {
        rig.driver.core.tell_peer(ShardId(1), digit('3'));
    }
    assert_eq!(rig.driver.core.peer_words_waiting.len(), DIGITS_WAITING_MAX);
    assert_eq!(rig.driver.core.meter.counters.peer_digits_dropped, 8, "two found room in the queue");
    // That a leg is gone is told however many key presses wait.
    for leg in 0..100 {
        rig.driver.core.tell_peer(ShardId(1), PeerMessage::Parted { from: LegId(leg), to: LegId(1_000 + leg) });
    }
    assert_eq!(rig.driver.core.peer_words_waiting.len(), DIGITS_WAITING_MAX + 100);
    rig.driver.core.tell_peer(ShardId(1), digit('4'));
    assert_eq!(rig.driver.core.meter.counters.peer_digits_dropped, 9);
    let mut parted = Vec::new();
    while !(rig.peers[1].is_empty() && rig.driver.core.peer_words_waiting.is_empty()) {
        for item in rig.peers[1].try_iter() {
            if let PeerItem::Message(PeerMessage::Parted { from, .. }) = item {
                parted.push(from.0);
            }
        }
        rig.driver.core.flush_peer_words();
    }
    assert_eq!(parted, (0..100).collect::<Vec<u64>>());

    for _ in 0..3 {
        rig.driver.core.tell_peer(ShardId(1), digit('5'));
    }
    assert_eq!(rig.driver.core.peer_words_waiting.len(), 1);
    rig.peers.remove(1);
    rig.driver.core.flush_peer_words();
    assert!(rig.driver.core.peer_words_waiting.is_empty(), "nothing waits for a shard that has ended");
}

fn the_front_door_forwards_by_call_id_and_drops_when_the_other_is_full<I: Made>(ports: u16) {
    let mut rig = Rig::<I>::new(ports, 2, 64, 3);
    let mint = sip::Mint::of(rig.sip);
    rig.stranger.send_to(options(&mint.prefix(ShardId(0))).as_bytes(), rig.sip).unwrap();
    rig.stranger.send_to(b"\r\n\r\n", rig.sip).unwrap();
    for number in 0..5 {
        rig.stranger.send_to(options(&format!("{}{number}", mint.prefix(ShardId(1)))).as_bytes(), rig.sip).unwrap();
    }
    let counters = rig.tick();
    assert_eq!((counters.sip_received, counters.sip_keep_alives), (7, 1));
    assert_eq!((counters.sip_forwarded, counters.sip_dropped_queue_full), (3, 2));
    assert_eq!(counters.sip_sent, 1, "our own is answered: 200 to OPTIONS");
    for (number, item) in rig.peers[1].try_iter().enumerate() {
        let PeerItem::Sip { source, bytes } = item else { panic!("not SIP") };
        assert_eq!(source, rig.stranger.local_addr().unwrap());
        assert_eq!(bytes, options(&format!("{}{number}", mint.prefix(ShardId(1)))).as_bytes());
    }
    let mut answer = [0; 2_000];
    let length = rig.stranger.recv(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"SIP/2.0 200"), "{}", String::from_utf8_lossy(&answer[..length]));
}

fn a_flood_of_junk_costs_a_bounded_share_of_a_tick_and_changes_nothing<I: Made>(ports: u16) {
    let mut rig = Rig::<I>::new(ports, 1, 64, 8);
    let port = rig.first_port();
    let mut random = Seed::from_u64(3).stream("junk", 0);
    for round in 0..40 {
        for number in 0..50 {
            let length = random.below(400) as usize;
            let mut junk: Vec<u8> = (0..length).map(|_| random.next_u32() as u8).collect();
            if number % 5 == 0 {
                junk.splice(0..0, *b"INVITE sip:x SIP/2.0\r\nCall-ID: ");
            }
            rig.stranger.send_to(&junk, rig.sip).unwrap();
            rig.stranger.send_to(&junk, (LOOPBACK, port + (number & 1))).unwrap();
        }
        let before = rig.driver.core.meter.counters.media_received;
        let read = rig.tick().media_received - before;
        // RTP and RTCP socket of the pair.
        assert!((1..=2 * I::FLOOD_MAX).contains(&read), "{read} in round {round}");
    }
    let counters = rig.tick();
    assert_eq!(counters.sip_received, 40 * 50);
    let counts = rig.driver.core.shard.counts();
    assert_eq!((counts.legs, counts.dialogs, counts.ports_in_use), (0, 0, 0), "{counts:?}");
    assert!(rig.events.is_empty());
    assert_eq!(counters.media_sent, 0, "nobody is answered with media");
}

fn an_oversized_packet_is_dropped_and_the_next_one_read<I: Made>(ports: u16) {
    let mut rig = Rig::<I>::new(ports, 1, 4, 1);
    let port = rig.first_port();
    rig.stranger.send_to(&[0x80; MEDIA_PACKET_BYTES_MAX + 1], (LOOPBACK, port)).unwrap();
    rig.stranger.send_to(&[0x80; MEDIA_PACKET_BYTES_MAX], (LOOPBACK, port)).unwrap();
    rig.stranger.send_to(&[], (LOOPBACK, port)).unwrap();
    let counters = rig.tick();
    assert_eq!((counters.receive_dropped_oversize, counters.media_received), (1, 2));
}

#[test]
fn sends_that_fail_are_counted_and_do_not_hold_up_the_others() {
    let socket = UdpSocket::bind(SocketAddr::new(LOOPBACK, 0)).unwrap();
    let good = socket.local_addr().unwrap();
    let nowhere = SocketAddr::new(LOOPBACK, 0);
    let other_family: SocketAddr = "[::1]:9".parse().unwrap();
    let mut meter = Meter::new(Clock::new());
    let mut left = Vec::new();
    let items = [(nowhere, [0u8]), (good, [1]), (good, [2]), (other_family, [3]), (good, [4]), (nowhere, [5])];
    send_all(&socket, &items, &mut meter, |_, range| left.extend(range));
    assert_eq!(left, [1, 2, 4]);
    assert_eq!(meter.counters.send_dropped_other, 3, "{:?}", meter.counters);
}

fn ports_are_bound_ahead_of_need_and_resting_ones_do_not_count<I: Made>(ports: u16) {
    let mut rig = Rig::<I>::new(ports, 1, 4, 1);
    let now = rig.driver.core.meter.clock.now();
    let first = rig.driver.media.bound();
    rig.driver.top_up_ports(now);
    assert_eq!(rig.driver.media.bound(), first, "enough is ready");
    // Refused for its URI: a call that takes a port and gives it back at once, to rest.
    let refused = |rig: &mut Rig<I>, leg: u64| {
        let Command::Originate(mut call) = originate(leg, rig.sip) else { unreachable!() };
        call.to_uri = "no uri".to_owned();
        assert!(rig.driver.core.guarded(now, |shard| shard.handle_command(now, Command::Originate(call))));
    };
    for leg in 0..first as u64 {
        refused(&mut rig, leg);
    }
    assert_eq!(rig.driver.core.shard.ports_ready(now), 0);
    // These find no port, so none rests for them.
    for leg in 100..200 {
        refused(&mut rig, leg);
    }
    rig.driver.top_up_ports(now);
    assert_eq!(rig.driver.media.bound(), first + PORTS_STEP, "those at rest cannot be lent");
    rig.driver.top_up_ports(now);
    assert_eq!(rig.driver.media.bound(), first + PORTS_STEP, "calls that had no port leave none at rest");
    // A range that is used up is not walked again at once.
    for leg in 200..400 {
        refused(&mut rig, leg);
        rig.driver.top_up_ports(now);
    }
    assert!(rig.driver.ports_retry_at > now);
    assert_eq!(rig.driver.core.shard.ports_free(), rig.driver.media.bound());
}

/// Two drivers that call each other, `legs` times, ticked in turn by this thread.
fn calls<I: Made>(ports: u16, legs: u64) -> (Rig<I>, Rig<I>, Vec<LegId>) {
    let (mut caller, mut callee) = (Rig::<I>::new(ports, 1, 64, 1), Rig::<I>::new(ports + 400, 1, 64, 1));
    let (mut up, mut taken) = (0, Vec::new());
    for leg in 1..=legs {
        caller.commands.try_send(originate(leg, callee.sip)).unwrap();
        while up < 2 * leg {
            caller.tick();
            callee.tick();
            for (_, event) in caller.events.try_iter().chain(callee.events.try_iter()) {
                match event {
                    Event::Incoming { leg, .. } => {
                        callee.commands.try_send(Command::Answer { leg, learn: false }).unwrap();
                        taken.push(leg);
                    }
                    Event::Answered { .. } => up += 1,
                    Event::Ended { cause, .. } => panic!("{cause:?}"),
                    _ => {}
                }
            }
        }
    }
    (caller, callee, taken)
}

fn originate(leg: u64, remote: SocketAddr) -> Command {
    Command::Originate(Box::new(call::Originate {
        leg: LegId(leg),
        to_uri: format!("sip:callee{leg}@{remote}"),
        remote,
        from_uri: "sip:caller@outpace.example".to_owned(),
        from_display: None,
        credentials: None,
        ring_timeout: Duration::from_secs(60),
        analyse: None,
        laws: vec![Law::Mu],
        learn: false,
    }))
}

fn media_in_both_directions_allocates_nothing<I: Made>(ports: u16) {
    let (mut caller, mut callee, taken) = calls::<I>(ports, 8);
    let samples: Vec<i16> = (0..160 * 50).map(|number| (number % 977) as i16 * 30).collect();
    let prompt = Arc::new(media::playout::Prompt::from_samples(&samples));
    for (number, leg) in taken.into_iter().enumerate() {
        callee.commands.try_send(Command::Echo { leg, on: true }).unwrap();
        let play = Command::Play {
            leg: LegId(number as u64 + 1),
            play: base::PlayId(0),
            prompt: Arc::clone(&prompt),
            repeat: true,
        };
        caller.commands.try_send(play).unwrap();
        callee.tick();
        caller.tick();
    }
    let run = |rigs: &mut [&mut Rig<I>; 2], packets: u64| {
        let start = rigs.each_ref().map(|rig| rig.driver.core.meter.counters);
        let mut allocations = 0;
        while rigs.iter().zip(start).any(|(rig, start)| {
            let counters = rig.driver.core.meter.counters;
            counters.media_sent < start.media_sent + packets || counters.media_received < start.media_received + packets
        }) {
            for rig in rigs.iter_mut() {
                allocations += count::during(|| {
                    rig.tick();
                });
            }
        }
        allocations
    };
    let mut rigs = [&mut caller, &mut callee];
    run(&mut rigs, 100); // buffers that grow once have grown
    assert_eq!(run(&mut rigs, 400), 0);
}

fn an_answer_is_in_the_flight_record_until_the_leg_has_ended<I: Made>(ports: u16) {
    let dir = tempfile::tempdir().unwrap();
    let (mut caller, mut callee) = (Rig::<I>::new(ports, 1, 64, 1), Rig::<I>::new(ports + 400, 1, 64, 1));
    caller.driver.core.flight = Some(FlightFile::create(dir.path(), 0).unwrap());
    caller.commands.try_send(originate(1, callee.sip)).unwrap();
    let mut dialogs = Vec::new();
    let mut ended = 0;
    while ended < 2 {
        assert!(dialogs.len() < 2);
        caller.tick();
        callee.tick();
        for (_, event) in callee.events.try_iter() {
            match event {
                Event::Incoming { leg, .. } => callee.commands.try_send(Command::Answer { leg, learn: false }).unwrap(),
                Event::Ended { .. } => ended += 1,
                _ => {}
            }
        }
        for (_, event) in caller.events.try_iter() {
            match event {
                Event::Answered { leg, dialog, .. } => {
                    let written = crate::flight::read(dir.path()).unwrap();
                    assert_eq!(written, [crate::flight::FlightEntry { leg, dialog: (*dialog).clone() }]);
                    dialogs.push(dialog);
                    caller.commands.try_send(Command::Hangup { leg, reason: "test over" }).unwrap();
                }
                Event::Ended { .. } => {
                    assert_eq!(crate::flight::read(dir.path()).unwrap(), []);
                    ended += 1;
                }
                _ => {}
            }
        }
    }
    assert_eq!(dialogs.len(), 1);
    assert_eq!(caller.driver.core.meter.counters.flight_errors, 0);

    // A record that cannot be written stops no call: it is counted.
    let mut full = FlightFile::create(dir.path(), 1).unwrap();
    full.fill_up();
    caller.driver.core.flight = Some(full);
    caller.driver.core.note(&Event::Answered {
        leg: LegId(2),
        at: Instant::ZERO,
        law: Law::Mu,
        dialog: dialogs.remove(0),
    });
    assert_eq!(caller.driver.core.meter.counters.flight_errors, 1);
}

fn a_storm_of_panics_ends_the_shard<I: Made>(ports: u16) {
    let mut rig = Rig::<I>::new(ports, 1, 64, 1);
    let core = &mut rig.driver.core;
    let now = core.meter.clock.now();
    for number in 0..16 {
        assert!(!core.guarded(now, |_| panic!("junk from +15551230000")), "panic {number}");
        assert!(core.guarded(now, |_| {}), "the next input is handled as ever");
    }
    assert_eq!(core.meter.counters.panics_caught, 16);
    let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        core.guarded(now, |_| panic!("one more"));
    }));
    let end = end.unwrap_err();
    let text = text_of(&*end);
    assert!(text.starts_with("one more at ") && text.contains("more than 16 panics"), "{text}");
}

/// At the far side no sequence number is missing, but for the leg that panicked, which is ended on both sides.
fn one_of_a_thousand_legs_panics_and_the_others_lose_no_packet<I: Made>(ports: u16) {
    const LEGS: u64 = 1_000;
    const DOOMED: LegId = LegId(500);
    // One run at a time, and in the class of a shard's thread: a thousand calls need half a processor on each side.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    prepare_thread(None);
    // In the thirtieth packet: the call has been up for about half a second, and the others are in full flow.
    let fault = call::Fault { leg: DOOMED, when: call::FaultPoint::Rtp(30) };
    // Wide enough for both runs at once, and for others of this machine.
    let range = ports..=ports + 6 * LEGS as u16;
    let mut rig = Rig::<I>::with(range.clone(), 1, 4_096, 1, |config| config.fault = Some(fault));
    let config = crate::EngineConfig { driver: crate::DriverChoice::Poll, ports: range, ..Default::default() };
    let world = crate::Engine::start(crate::EngineConfig { ports: ports + 6_100..=ports + 12_100, ..config }).unwrap();

    let (mut placed, mut up, mut doomed, mut together) = (0, 0, None, None);
    let mut world_ended = 0;
    let mut lost = Vec::new();
    let mut hung_up = false;
    let mut ended = 0;
    while ended < LEGS || world_ended < LEGS {
        while placed < LEGS && rig.commands.try_send(originate(placed + 1, world.sip_addr())).is_ok() {
            placed += 1;
        }
        rig.tick();
        for (_, event) in rig.events.try_iter() {
            match event {
                Event::Answered { .. } => up += 1,
                Event::Ended { leg: DOOMED, cause, answered, .. } => {
                    assert!(doomed.is_none() && answered, "{cause:?}");
                    doomed = Some(cause);
                    ended += 1;
                }
                Event::Ended { cause, .. } => {
                    assert!(hung_up, "another leg ended: {cause:?}");
                    ended += 1;
                }
                _ => {}
            }
        }
        for (shard, event) in world.events.try_iter() {
            match event {
                Event::Incoming { leg, .. } => world.command(shard, Command::Answer { leg, learn: false }).unwrap(),
                Event::Ended { media, answered, .. } => {
                    let media = media.expect("an answered call");
                    assert!(answered && media.packets_received > 10);
                    world_ended += 1;
                    lost.push(media.lost + media.late);
                    assert!(hung_up || world_ended == 1, "only the far end of the doomed leg");
                }
                _ => {}
            }
        }
        // Half a second of all the others after the panic, with every call up.
        let sent = rig.driver.core.meter.counters.media_sent;
        if doomed.is_some() && up == LEGS && !hung_up && sent >= *together.get_or_insert(sent) + 25 * LEGS {
            hung_up = true;
            let now = rig.driver.core.meter.clock.now();
            for leg in (1..=LEGS).map(LegId).filter(|leg| *leg != DOOMED) {
                rig.driver.core.guarded(now, |shard| {
                    shard.handle_command(now, Command::Hangup { leg, reason: "test over" });
                });
            }
        }
    }
    let cause = doomed.unwrap();
    assert!(format!("{cause:?}").contains("internal fault"), "{cause:?}");
    assert_eq!(rig.driver.core.meter.counters.panics_caught, 1);
    assert_eq!(lost.iter().sum::<u64>(), 0, "{lost:?}");
    let counts = rig.driver.core.shard.counts();
    assert_eq!((counts.legs, counts.ports_in_use, counts.timers, counts.dialogs), (0, 0, 0, 0), "{counts:?}");
    assert_eq!(rig.driver.core.shard.ports_free(), rig.driver.media.bound());
}
