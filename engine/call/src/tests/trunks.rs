//! Registrations, pings and orphans of one shard, against a peer made by hand.

use super::*;
use crate::Register;
use base::TrunkId;
use wire::sip::{Builder, HeaderName, Message};

/// A shard alone, and what it sent and told.
struct Lone {
    now: Instant,
    shard: Shard,
    sent: Vec<(SocketAddr, Message)>,
    told: Vec<Event>,
}

fn peer() -> SocketAddr {
    "198.51.100.1:5080".parse().unwrap()
}

impl Lone {
    fn new(index: u64) -> Lone {
        let anchor = WallAnchor { instant: Instant::ZERO, wall: WallTime::from_unix_us(1_700_000_000_000_000) };
        let config = ShardConfig::new(ShardId(index), sip(0), address(0), "test");
        let mut shard = Shard::new(config, Seed::from_u64(5), anchor);
        shard.add_ports(&[20_000, 20_002]);
        Lone { now: Instant::ZERO + Duration::from_secs(10), shard, sent: Vec::new(), told: Vec::new() }
    }
    fn drain(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Sip { to, bytes } => self.sent.push((to, Message::parse_datagram(&bytes).expect("readable"))),
                Output::Event(event) => self.told.push(event),
                Output::Peer { .. } => panic!("there is one shard"),
            }
        }
    }
    fn command(&mut self, command: Command) {
        self.shard.handle_command(self.now, command);
        self.drain();
    }
    /// Goes from timer to timer, so a forgotten one would show.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.shard.poll_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.shard.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }
    /// Answers the last request.
    fn answer(&mut self, code: u16, extra: &[(&str, &str)]) {
        let (_, request) = self.sent.last().expect("a request");
        let mut builder = Builder::response(code, "");
        for name in ["Via", "From", "Call-ID", "CSeq"] {
            builder = builder.header(name, request.header_named(name).expect("a header"));
        }
        let to = request.header(HeaderName::To).expect("To").to_vec();
        let tagged = request.to().is_ok_and(|to| to.tag().is_some());
        builder = builder.header("To", if tagged { to } else { [&to[..], b";tag=peer"].concat() });
        for (name, value) in extra {
            builder = builder.header(name, value);
        }
        self.receive(&builder.finish());
    }
    fn receive(&mut self, bytes: &[u8]) {
        self.shard.handle_sip(self.now, peer(), bytes);
        self.drain();
    }
    /// Goes on until the next request leaves; how long that took, in milliseconds.
    fn until_next(&mut self, method: &str) -> u64 {
        let (before, since) = (self.count(method), self.now);
        while self.count(method) == before {
            assert!(self.now.since(since) < Duration::from_secs(4_000), "no {method}");
            self.run(Duration::from_ms(10));
        }
        self.now.since(since).as_ms()
    }
    fn count(&self, method: &str) -> usize {
        self.sent.iter().filter(|(_, m)| m.method().is_some_and(|found| found.as_str() == method)).count()
    }
}

fn register(user: &str) -> Command {
    let credentials = sip::Credentials { username: "alice".into(), password: "wonder".into(), realm: None };
    Command::Register(Box::new(Register {
        trunk: TrunkId(4),
        registrar: peer(),
        aor: "sip:alice@registrar.example".into(),
        contact_user: user.into(),
        credentials,
        expires_s: 3_600,
    }))
}

#[test]
fn a_trunk_registers_refreshes_and_leaves() {
    let mut lone = Lone::new(0);
    lone.command(register("alice"));
    let (to, first) = lone.sent.last().unwrap();
    assert_eq!((*to, first.request_uri()), (peer(), Some(&b"sip:registrar.example"[..])));
    assert_eq!(first.header(HeaderName::Contact), Some(&b"<sip:alice@192.0.2.1:5060>;expires=3600"[..]));
    lone.answer(401, &[("WWW-Authenticate", "Digest realm=\"r\", nonce=\"n1\", qop=\"auth\"")]);
    assert!(lone.sent.last().unwrap().1.header(HeaderName::Authorization).is_some());
    lone.answer(200, &[("Expires", "1000")]);
    assert!(matches!(lone.told[..], [Event::Registered { trunk: TrunkId(4), expires_s: 1_000 }]));
    // The same wish again changes nothing.
    lone.command(register("alice"));
    let pause_ms = lone.until_next("REGISTER");
    assert!((800_000..=900_010).contains(&pause_ms), "{pause_ms}");
    // Refused: the reason is told, and when it is tried again.
    lone.answer(503, &[("Retry-After", "77")]);
    let Some(Event::RegistrationFailed { trunk, code, retry_after_s, reason }) = lone.told.last() else { panic!() };
    assert_eq!((*trunk, *code, *retry_after_s, reason.as_str()), (TrunkId(4), 503, Some(77), "Service Unavailable"));
    let pause_ms = lone.until_next("REGISTER");
    assert!((77_000..=77_010).contains(&pause_ms), "{pause_ms}");
    lone.answer(200, &[("Expires", "1000")]);
    lone.command(Command::Unregister { trunk: TrunkId(4) });
    assert_eq!(lone.sent.last().unwrap().1.header(HeaderName::Expires), Some(&b"0"[..]));
    lone.answer(200, &[]);
    assert!(matches!(lone.told.last(), Some(Event::Unregistered { trunk: TrunkId(4) })));
    lone.command(Command::Unregister { trunk: TrunkId(4) });
    assert_eq!(lone.told.iter().filter(|event| matches!(event, Event::Unregistered { .. })).count(), 2);
    lone.run(Duration::from_secs(7_200));
    assert_eq!(lone.shard.counts(), Counts::default());
    assert_eq!(lone.shard.poll_timeout(), None);
}

#[test]
fn a_changed_registration_waits_for_the_end_of_the_old_one() {
    let mut lone = Lone::new(0);
    lone.command(register("alice"));
    lone.answer(200, &[]);
    lone.command(register("bob"));
    let leaving = &lone.sent.last().unwrap().1;
    assert_eq!(leaving.header(HeaderName::Expires), Some(&b"0"[..]));
    assert_eq!(lone.count("REGISTER"), 2);
    lone.answer(200, &[]);
    let contact = lone.sent.last().unwrap().1.header(HeaderName::Contact).unwrap().to_vec();
    assert_eq!(contact, b"<sip:bob@192.0.2.1:5060>;expires=3600");
    assert!(!lone.told.iter().any(|event| matches!(event, Event::Unregistered { .. })));
    // A wish that makes no message is refused for good.
    let Command::Register(wish) = register("alice") else { unreachable!() };
    lone.command(Command::Register(Box::new(Register { aor: "alice".into(), trunk: TrunkId(5), ..*wish })));
    let Some(Event::RegistrationFailed { trunk: TrunkId(5), code: 0, retry_after_s: None, reason }) = lone.told.last()
    else {
        panic!("{:?}", lone.told);
    };
    assert_eq!(reason, "not a legal aor");
}

fn ping(every_s: u64) -> Command {
    Command::Ping { trunk: TrunkId(4), remote: peer(), every: Duration::from_secs(every_s) }
}

fn ups(lone: &Lone) -> Vec<bool> {
    let ups = lone.told.iter().filter_map(|event| match event {
        Event::TrunkUp { trunk: TrunkId(4), up, .. } => Some(*up),
        _ => None,
    });
    ups.collect()
}

#[test]
fn pings_tell_only_what_changes() {
    let mut lone = Lone::new(0);
    lone.command(ping(30));
    assert_eq!((lone.count("OPTIONS"), ups(&lone)), (1, vec![]));
    lone.now += Duration::from_ms(40);
    lone.answer(404, &[]);
    let Some(Event::TrunkUp { up: true, rtt: Some(rtt), .. }) = lone.told.last() else { panic!("{:?}", lone.told) };
    assert_eq!(*rtt, Duration::from_ms(40));
    for _ in 0..3 {
        let pause_ms = lone.until_next("OPTIONS");
        assert!((27_000..=30_010).contains(&pause_ms), "{pause_ms}");
        lone.answer(200, &[]);
    }
    assert_eq!(ups(&lone), [true]);
    lone.until_next("OPTIONS");
    lone.answer(503, &[]);
    assert_eq!(ups(&lone), [true, false]);
    lone.until_next("OPTIONS");
    lone.answer(200, &[]);
    assert_eq!(ups(&lone), [true, false, true]);
    // Nobody answers for 32 s.
    lone.until_next("OPTIONS");
    lone.run(Duration::from_ms(31_900));
    assert_eq!(ups(&lone).last(), Some(&true));
    lone.run(Duration::from_secs(1));
    assert_eq!(ups(&lone), [true, false, true, false]);
    lone.command(ping(0));
    lone.run(Duration::from_secs(300));
    assert_eq!(lone.shard.counts(), Counts::default());
    assert_eq!(ups(&lone).len(), 4);
    // Switched on and off again while the ping is under way: its answer is nobody's.
    lone.command(ping(30));
    lone.command(ping(0));
    lone.answer(200, &[]);
    assert_eq!(ups(&lone).len(), 4);
}

#[test]
fn orphans_beyond_the_places_wait_and_every_one_gets_its_bye() {
    let mut lone = Lone::new(2);
    let places = base::limits::LEGS_PER_SHARD_MAX;
    for number in 0..places + 10 {
        let dialog = sip::DialogIdentity {
            call_id: format!("s2-old{number}"),
            local_uri: "sip:outpace@192.0.2.1".into(),
            local_tag: "ours".into(),
            remote_uri: "sip:callee@carrier.example".into(),
            remote_tag: "theirs".into(),
            remote_target: "sip:gw@198.51.100.1:5080".into(),
            route_set: Vec::new(),
            local_cseq: 1,
            peer: peer(),
        };
        lone.command(Command::EndOrphan { dialog: Box::new(dialog) });
    }
    assert_eq!((lone.count("BYE"), lone.told.len()), (places, 0), "the rest waits, and is not given up");
    lone.answer(200, &[]);
    assert_eq!((lone.count("BYE"), lone.told.len()), (places + 1, 1), "an answer makes room for the next");
    let call_ids = |lone: &Lone| {
        let of = |bye: &Message| bye.call_id().map(<[u8]>::to_vec);
        lone.sent.iter().filter_map(|(_, bye)| of(bye)).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(call_ids(&lone), places + 1);
    // Nobody answers: the rest have their turn when the first are given up.
    lone.run(Duration::from_secs(100));
    assert_eq!(call_ids(&lone), places + 10);
    assert_eq!(lone.told.len(), places + 10, "each is told of once");
    assert_eq!(lone.shard.counts(), Counts::default());
}

#[test]
fn orphans_are_ended_on_command_and_when_they_answer_too_late() {
    let mut lone = Lone::new(2);
    let dialog = sip::DialogIdentity {
        call_id: "s2-old".into(),
        local_uri: "sip:outpace@192.0.2.1".into(),
        local_tag: "ours".into(),
        remote_uri: "sip:callee@carrier.example".into(),
        remote_tag: "theirs".into(),
        remote_target: "sip:gw@198.51.100.1:5080".into(),
        route_set: Vec::new(),
        local_cseq: 1,
        peer: peer(),
    };
    lone.command(Command::EndOrphan { dialog: Box::new(dialog.clone()) });
    assert_eq!(lone.count("BYE"), 1);
    lone.answer(481, &[]);
    let Some(Event::OrphanEnded { call_id, code: Some(481) }) = lone.told.last() else { panic!("{:?}", lone.told) };
    assert_eq!(call_id, "s2-old");
    let broken = sip::DialogIdentity { local_tag: String::new(), ..dialog };
    lone.command(Command::EndOrphan { dialog: Box::new(broken) });
    assert!(matches!(lone.told.last(), Some(Event::OrphanEnded { code: None, .. })), "said at once");

    // Another process of this installation, with another number of shards, placed a call and died.
    let mut dead = Lone::new(7);
    dead.command(Command::Originate(match originate(1, 0) {
        Command::Originate(mut call) => {
            call.remote = peer();
            call
        }
        _ => unreachable!(),
    }));
    lone.sent.push(dead.sent.pop().expect("INVITE"));
    let sdp =
        "v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    let padding = format!("{sdp}a=padding:{}", "x".repeat(100));
    lone.answer(200, &[("Contact", "<sip:gw@198.51.100.1:5080>"), ("Subject", &padding.replace("\r\n", " "))]);
    assert_eq!((lone.count("ACK"), lone.count("BYE")), (1, 2));
    lone.answer(200, &[]);
    assert!(matches!(lone.told.last(), Some(Event::OrphanEnded { code: Some(200), .. })));
    lone.run(Duration::from_secs(60));
    assert_eq!(lone.shard.counts(), Counts::default());
}
