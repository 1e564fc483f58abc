//! The ring alone: real sockets on loopback, no shard.

use super::uring::{SEND_SLOTS, SIP_BUFFERS};
use super::*;
use crate::Clock;
use crate::sockets::{PortRange, bind_sip};
use base::Duration;
use std::net::{IpAddr, Ipv4Addr};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Rig {
    // As in `Driver`: before the sockets.
    io: RingIo,
    media: MediaPorts,
    ports: Vec<u16>,
    wake: Wake,
    meter: Meter,
    sip: SocketAddr,
}

impl Rig {
    fn new(first: u16, pairs: usize) -> Rig {
        let (socket, sip) = bind_sip(SocketAddr::new(LOOPBACK, 0)).unwrap();
        let mut io = RingIo::new(Some(Arc::new(socket))).unwrap();
        let range = PortRange::new(&(first..=first + pairs as u16 * 4)).unwrap();
        let mut media = MediaPorts::new(LOOPBACK, range, 0, 1);
        let mut ports = Vec::new();
        media.bind_more(pairs, &mut ports, |index, pair| io.watch(index, pair));
        assert_eq!(ports.len(), pairs);
        let wake = Wake::new().unwrap();
        io.begin(wake.event()).unwrap();
        let mut rig = Rig { io, media, ports, wake, meter: Meter::new(Clock::new()), sip };
        rig.rest(); // arms
        rig
    }

    /// One tick's wait.
    fn rest(&mut self) {
        let until = self.meter.clock.now() + Duration::from_ms(1);
        self.io.rest(&self.media, &self.wake, until, until, None::<fn() -> bool>, &mut self.meter);
        self.io.collect(&self.media, &mut self.meter);
    }

    /// All packets that have come in: (port, payload), and their number of looks.
    fn read(&mut self) -> Vec<(u16, Vec<u8>)> {
        let mut all = Vec::new();
        loop {
            let count = self.io.look_media(&mut self.meter);
            if count == 0 {
                return all;
            }
            for place in 0..count {
                if let Some(arrival) = self.io.media(&self.media, place, &mut self.meter) {
                    all.push((arrival.port + u16::from(arrival.rtcp), arrival.bytes.to_vec()));
                }
            }
        }
    }

    /// The kernel has every buffer, every slot, and one receive for each socket.
    fn assert_whole(&mut self) {
        for _ in 0..3 {
            self.rest();
            self.read();
            while self.io.look_sip(&mut self.meter) > 0 {}
        }
        assert_eq!(self.io.uring.in_flight(), self.ports.len() * 2 + 2, "pairs, SIP and wake-up");
        assert_eq!((self.io.uring.lent(Group::Media), self.io.uring.lent(Group::Sip)), (0, 0));
        assert!(self.io.to_arm.is_empty());
    }
}

fn stranger() -> UdpSocket {
    UdpSocket::bind(SocketAddr::new(LOOPBACK, 0)).unwrap()
}

#[test]
fn a_flood_beyond_all_buffers_loses_nothing_that_a_socket_can_hold() {
    // 20,000 packets on 400 sockets: 50 each, which fit into an RTP socket's receive buffer, and 20 times our buffers.
    let mut rig = Rig::new(28_000, 400);
    let from = stranger();
    for number in 0..50u8 {
        for port in &rig.ports {
            from.send_to(&[number; 20], (LOOPBACK, *port)).unwrap();
        }
    }
    let mut next = std::collections::BTreeMap::<u16, u8>::new();
    let mut ticks = 0;
    while next.len() < 400 || next.values().any(|next| *next < 50) {
        rig.rest();
        let packets = rig.read();
        assert!(packets.len() <= usize::from(MEDIA_BUFFERS));
        for (port, bytes) in packets {
            let next = next.entry(port).or_default();
            assert_eq!(bytes, [*next; 20], "in order, on the right port, none twice");
            *next += 1;
        }
        ticks += 1;
        assert!(ticks < 10_000, "{:?}", rig.meter.counters);
    }
    assert!(rig.meter.counters.receive_buffers_exhausted > 0, "it was a flood");
    assert_eq!(rig.meter.counters.receive_errors, 0);
    rig.assert_whole();
}

#[test]
fn sip_datagrams_of_any_length_come_in_and_wait_where_nobody_looks() {
    let mut rig = Rig::new(31_000, 1);
    let from = stranger();
    let long = vec![b'x'; 65_507];
    from.send_to(&long, rig.sip).unwrap();
    from.send_to(b"", rig.sip).unwrap();
    rig.rest();
    assert_eq!(rig.io.look_sip(&mut rig.meter), 2);
    assert_eq!(rig.io.sip(0), Some((from.local_addr().unwrap(), long.as_slice())));
    assert_eq!(rig.io.sip(1).map(|(_, bytes)| bytes.len()), Some(0));
    assert_eq!(rig.io.sip(2), None);
    assert_eq!(rig.io.look_sip(&mut rig.meter), 0);
    // A shard that may not look: all buffers fill, the rest stays in the socket, nothing spins.
    let count = usize::from(SIP_BUFFERS) + 100;
    for number in 0..count {
        from.send_to(&(number as u32).to_be_bytes(), rig.sip).unwrap();
    }
    (0..5).for_each(|_| rig.rest());
    let calls = rig.meter.counters.system_calls;
    for _ in 0..20 {
        rig.rest();
    }
    assert_eq!(rig.meter.counters.system_calls, calls + 20);
    let mut seen = 0u32;
    while (seen as usize) < count {
        let found = rig.io.look_sip(&mut rig.meter);
        for place in 0..found {
            assert_eq!(rig.io.sip(place).map(|(_, bytes)| bytes.to_vec()), Some(seen.to_be_bytes().to_vec()));
            seen += 1;
        }
        if found == 0 {
            rig.rest();
        }
    }
    rig.assert_whole();
}

#[test]
fn empty_datagrams_hold_up_nobody() {
    let mut rig = Rig::new(31_500, 1);
    let from = stranger();
    let port = rig.ports[0];
    // At the front door all are seen in one tick.
    for _ in 0..100 {
        from.send_to(b"", rig.sip).unwrap();
    }
    from.send_to(b"real", rig.sip).unwrap();
    rig.rest();
    let mut seen = Vec::new();
    loop {
        let found = rig.io.look_sip(&mut rig.meter);
        seen.extend((0..found).map(|place| rig.io.sip(place).expect("from an IP address").1.to_vec()));
        if found == 0 {
            break;
        }
    }
    assert_eq!((seen.len(), seen.iter().filter(|bytes| bytes.is_empty()).count()), (101, 100));
    assert_eq!(seen.last().map(Vec::as_slice), Some(&b"real"[..]));

    // One a tick on a media socket does not put off what comes after it.
    for number in 0..50u8 {
        from.send_to(b"", (LOOPBACK, port)).unwrap();
        from.send_to(&[number], (LOOPBACK, port)).unwrap();
        rig.rest();
        assert_eq!(rig.read(), [(port, vec![]), (port, vec![number])], "tick {number}");
    }
    // A flood of them gets no more of a tick than under `poll` (and the receive that was armed already), and is got over.
    // So many that the socket can hold them (768 bytes of kernel memory each in 64 KiB).
    for _ in 0..60 {
        from.send_to(b"", (LOOPBACK, port)).unwrap();
    }
    from.send_to(b"real", (LOOPBACK, port)).unwrap();
    let (mut read, mut ticks) = (Vec::new(), 0);
    while read.len() < 61 {
        rig.rest();
        let now = rig.read();
        assert!((1..=REARMS_PER_TICK + 1).contains(&now.len()), "{} in tick {ticks}", now.len());
        read.extend(now);
        ticks += 1;
    }
    assert!(ticks <= 61 / REARMS_PER_TICK + 1, "{ticks}");
    assert_eq!(read.last(), Some(&(port, b"real".to_vec())));
    rig.assert_whole();
}

#[test]
fn sends_beyond_the_slots_are_refused_and_faults_come_back_by_cause() {
    let mut rig = Rig::new(31_100, 2);
    let to = stranger();
    let there = to.local_addr().unwrap();
    let port = rig.ports[0];
    let Rig { io, media, meter, .. } = &mut rig;
    let socket = media.by_port(port).unwrap().rtp.as_fd();
    for _ in 0..SEND_SLOTS {
        assert!(io.uring.send(socket, there, b"x", None).unwrap());
    }
    assert!(!io.uring.send(socket, there, b"x", None).unwrap(), "every slot is taken");
    io.submit(meter);
    assert_eq!(meter.counters.media_sent, u64::from(SEND_SLOTS));
    assert!(io.uring.send(socket, there, &[0; MEDIA_PACKET_BYTES_MAX + 1], None).is_err());
    // Port 0 and another family are refused by the kernel, each alone.
    for to in ["127.0.0.1:0".parse().unwrap(), there, "[::1]:9".parse().unwrap(), there] {
        assert!(io.uring.send(socket, to, b"y", Some(Instant::ZERO)).unwrap());
    }
    io.submit(meter);
    assert_eq!((meter.counters.media_sent, meter.counters.send_dropped_other), (u64::from(SEND_SLOTS) + 2, 2));
    assert_eq!(meter.send_lateness_us.count(), 2, "only what left has a lateness");
    rig.assert_whole();
}

#[test]
fn a_peer_that_is_gone_disturbs_nobody() {
    let mut rig = Rig::new(31_200, 2);
    let gone = stranger().local_addr().unwrap(); // closed at once
    let here = stranger();
    let port = rig.ports[0];
    for _ in 0..50 {
        let Rig { io, media, meter, .. } = &mut rig;
        let pair = media.by_port(port).unwrap();
        for to in [gone, here.local_addr().unwrap()] {
            assert!(io.uring.send(pair.rtp.as_fd(), to, b"x", None).unwrap());
        }
        io.submit(meter);
        rig.rest();
    }
    here.send_to(b"still here", (LOOPBACK, port)).unwrap();
    rig.rest();
    assert_eq!(rig.read(), [(port, b"still here".to_vec())]);
    rig.assert_whole();
}

#[test]
fn a_ring_killed_in_mid_flight_gives_everything_back() {
    let ports = Rig::new(31_300, 100).ports; // those that are free
    let flood: Vec<UdpSocket> = (0..4).map(|_| stranger()).collect();
    for round in 0..20 {
        let mut rig = Rig::new(31_300, 100);
        assert_eq!(rig.ports, ports, "all sockets of round {round} were closed");
        for (number, port) in ports.iter().enumerate() {
            flood[number % 4].send_to(&[round; 100], (LOOPBACK, *port)).unwrap();
        }
        if round % 2 == 0 {
            rig.rest(); // completions lie in the queue unread
        }
        let Rig { io, media, .. } = &mut rig;
        for port in ports.iter().take(usize::from(SEND_SLOTS)) {
            let socket = media.by_port(*port).unwrap().rtp.as_fd();
            assert!(io.uring.send(socket, flood[0].local_addr().unwrap(), &[round; 100], None).unwrap());
        }
        // Dropped with sends queued, receives armed and packets arriving.
    }
}

#[test]
fn only_an_idle_wait_is_cut_short_and_only_down_to_the_tick() {
    let mut rig = Rig::new(31_800, 1);
    let port = rig.ports[0];
    let clock = rig.meter.clock;
    let mut wait = |idle: bool, span_ms: u64, act: &dyn Fn(&Wake)| {
        let Rig { io, media, wake, meter, .. } = &mut rig;
        act(wake);
        let start = clock.now();
        let (until, soonest) = (start + Duration::from_ms(span_ms), start + Duration::from_ms(2));
        let cut = io.rest(media, wake, until, soonest, idle.then_some(|| true), meter);
        (cut, clock.now() >= soonest, clock.now() >= until)
    };
    let from = stranger();
    let arrive = |_: &Wake| assert_eq!(from.send_to(b"x", (LOOPBACK, port)).unwrap(), 1);
    assert_eq!(wait(false, 5, &arrive), (false, true, true), "with legs an arrival wakes nobody");
    // An hour, cut short by an arrival; a lost one would hang the test here.
    assert_eq!(wait(true, 3_600_000, &arrive), (true, true, false));
    rig.io.collect(&rig.media, &mut rig.meter);
    assert_eq!(rig.read().len(), 2);

    // The same by a wake-up from another thread, many times.
    let Rig { io, media, wake, meter, .. } = &mut rig;
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (wake, done) = (&*wake, &done);
        scope.spawn(move || {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                wake.wake();
                std::thread::yield_now();
            }
        });
        for _ in 0..200 {
            let until = meter.clock.now() + Duration::from_secs(3_600);
            assert!(io.rest(media, wake, until, Instant::ZERO, Some(|| true), meter));
            io.collect(media, meter);
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    rig.assert_whole();
}

#[test]
fn why_there_is_no_ring_is_said_with_its_cure() {
    for (code, words) in [
        (libc::EPERM, "allow it"),
        (libc::ENOSYS, "no io_uring"),
        (libc::EINVAL, "6.1"),
        (libc::ENOMEM, "ulimit -l"),
        (libc::EMFILE, "cannot be set up"),
    ] {
        let text = why_not(&io::Error::from_raw_os_error(code), "0");
        assert!(text.contains(words), "{code}: {text}");
    }
    let text = why_not(&io::Error::from_raw_os_error(libc::EPERM), "2\n");
    assert!(text.contains("kernel.io_uring_disabled is 2"), "{text}");
}
