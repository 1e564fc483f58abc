//! A small simulated network: endpoints, hand-driven peers, and a link that delays, loses, doubles and reorders by seed.

use crate::{Config, Counts, DialogId, Endpoint, Event, Invite, Output};
use base::{Duration, Instant, Seed, ShardId, Stream};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use wire::sip::{Builder, HeaderName, Message};

pub(super) const OFFER: &[u8] =
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
pub(super) const ANSWER: &[u8] =
    b"v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n";

/// What the link does to a datagram.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) delay: Duration,
    /// Added to `delay`, uniform from zero: reorders.
    pub(super) jitter: Duration,
    pub(super) loss: f64,
    pub(super) duplicate: f64,
}

impl Link {
    pub(super) const CLEAN: Link =
        Link { delay: Duration::from_ms(5), jitter: Duration::ZERO, loss: 0.0, duplicate: 0.0 };
}

#[derive(Clone)]
pub(super) struct Packet {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

impl Packet {
    pub(super) fn message(&self) -> Message {
        Message::parse_datagram(&self.bytes).expect("endpoints send readable messages")
    }
    /// `INVITE`, or `200 INVITE`.
    pub(super) fn label(&self) -> String {
        let message = self.message();
        match message.code() {
            Some(code) => format!("{code} {}", message.cseq().expect("CSeq").1),
            None => message.method().expect("method").to_string(),
        }
    }
}

/// Decides about each datagram as it is sent; false loses it.
type Filter = Box<dyn FnMut(&Packet) -> bool>;

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) ends: Vec<Endpoint>,
    pub(super) link: Link,
    pub(super) stream: Stream,
    pub(super) filter: Option<Filter>,
    /// Every event with its endpoint.
    pub(super) events: Vec<(Instant, usize, Event)>,
    /// Every datagram as it was sent, lost ones too.
    pub(super) sent: Vec<(Instant, Packet)>,
    flying: BTreeMap<(Instant, u64), Packet>,
    /// BYEs that arrived, with their destination.
    heard: BTreeSet<(SocketAddr, Vec<u8>)>,
    sequence: u64,
    /// What reached addresses without an endpoint.
    pub(super) inbox: Vec<Packet>,
}

pub(super) fn address(index: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, index as u8 + 1], 5060))
}

/// The address of a hand-driven peer.
pub(super) fn stranger(index: u8) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, index], 5080))
}

impl World {
    pub(super) fn new(ends: usize, seed: u64, link: Link) -> World {
        let seed = Seed::from_u64(seed);
        let make = |index: usize| {
            let config = Config { dialogs_max: 64, ..Config::new(address(index)) };
            Endpoint::new(config, seed.stream("endpoint", index as u64), ShardId(index as u64))
        };
        World {
            now: Instant::from_ns(1_000_000_000),
            ends: (0..ends).map(make).collect(),
            link,
            stream: seed.stream("link", 0),
            filter: None,
            events: Vec::new(),
            sent: Vec::new(),
            flying: BTreeMap::new(),
            heard: BTreeSet::new(),
            sequence: 0,
            inbox: Vec::new(),
        }
    }

    /// A call from endpoint `from` to endpoint `to`, with a ring limit of 60 s.
    pub(super) fn call(&mut self, from: usize, to: usize) -> DialogId {
        self.call_with(from, invite_to(address(to)))
    }

    pub(super) fn call_with(&mut self, from: usize, invite: Invite) -> DialogId {
        let now = self.now;
        let dialog = self.ends[from].invite(now, invite).expect("invite");
        self.drain();
        dialog
    }

    /// Something that is done to one endpoint now; its outputs are collected.
    pub(super) fn on<T>(&mut self, index: usize, act: impl FnOnce(&mut Endpoint, Instant) -> T) -> T {
        let now = self.now;
        let result = act(&mut self.ends[index], now);
        self.drain();
        result
    }

    /// A datagram of a hand-driven peer, over the link.
    pub(super) fn send(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.launch(Packet { from, to, bytes });
    }

    fn launch(&mut self, packet: Packet) {
        self.sent.push((self.now, packet.clone()));
        if self.filter.as_mut().is_some_and(|filter| !filter(&packet)) || self.stream.chance(self.link.loss) {
            return;
        }
        let copies = 1 + usize::from(self.stream.chance(self.link.duplicate));
        for _ in 0..copies {
            let jitter = Duration::from_ns(self.stream.below(self.link.jitter.as_ns()));
            self.sequence += 1;
            self.flying.insert((self.now + self.link.delay + jitter, self.sequence), packet.clone());
        }
    }

    fn drain(&mut self) {
        for index in 0..self.ends.len() {
            while let Some(output) = self.ends[index].poll_output() {
                match output {
                    Output::Datagram { to, bytes } => self.launch(Packet { from: address(index), to, bytes }),
                    Output::Event(event) => self.events.push((self.now, index, event)),
                }
            }
        }
    }

    /// Goes to the next arrival or timer up to `limit`. False when there is none.
    fn step(&mut self, limit: Instant) -> bool {
        let arrival = self.flying.keys().next().map(|(at, _)| *at);
        let timer = self.ends.iter().filter_map(Endpoint::poll_timeout).min();
        let Some(next) = arrival.into_iter().chain(timer).min().filter(|next| *next <= limit) else { return false };
        self.now = next.max(self.now);
        let now = self.now;
        if arrival.is_some_and(|at| at <= now) {
            let (_, packet) = self.flying.pop_first().expect("an arrival");
            if packet.bytes.starts_with(b"BYE ") {
                self.heard.insert((packet.to, packet.bytes.clone()));
            }
            match (0..self.ends.len()).find(|index| address(*index) == packet.to) {
                Some(index) => self.ends[index].handle_datagram(now, packet.from, &packet.bytes),
                None => self.inbox.push(packet),
            }
        } else {
            for end in &mut self.ends {
                end.handle_timeout(now);
            }
        }
        self.drain();
        true
    }

    /// Sends each BYE of which no copy has arrived once more, over a link that loses nothing.
    pub(super) fn repeat_lost_byes(&mut self) {
        self.link.loss = 0.0;
        let unheard = |packet: &&Packet| {
            packet.bytes.starts_with(b"BYE ") && !self.heard.contains(&(packet.to, packet.bytes.clone()))
        };
        let lost: Vec<Packet> = self.sent.iter().map(|(_, packet)| packet).filter(unheard).cloned().collect();
        for packet in lost {
            self.launch(packet);
        }
    }

    pub(super) fn run(&mut self, span: Duration) {
        let limit = self.now + span;
        while self.step(limit) {}
        self.now = limit;
    }

    /// Runs until `done`; panics when that takes more than `span`.
    pub(super) fn run_until(&mut self, span: Duration, mut done: impl FnMut(&World) -> bool) {
        let limit = self.now + span;
        while !done(self) {
            assert!(self.step(limit), "nothing more happens; so far {:#?}", self.events);
        }
    }

    /// Runs until all timers and datagrams are used up.
    pub(super) fn run_out(&mut self) {
        while self.step(Instant::MAX) {}
    }

    pub(super) fn events_of(&self, index: usize) -> Vec<&Event> {
        self.events.iter().filter(|(_, end, _)| *end == index).map(|(_, _, event)| event).collect()
    }

    /// The dialog of the latest incoming call at an endpoint, once there is one.
    pub(super) fn incoming(&self, index: usize) -> Option<DialogId> {
        self.events_of(index).into_iter().rev().find_map(|event| match event {
            Event::Incoming { dialog, .. } => Some(*dialog),
            _ => None,
        })
    }

    /// How often an endpoint sent messages with this label.
    pub(super) fn count_sent(&self, index: usize, label: &str) -> usize {
        self.sent.iter().filter(|(_, packet)| packet.from == address(index) && packet.label() == label).count()
    }

    pub(super) fn counts(&self) -> Vec<Counts> {
        self.ends.iter().map(Endpoint::counts).collect()
    }

    /// An answered and confirmed call between 0 and 1: both dialogs.
    pub(super) fn answered(&mut self) -> (DialogId, DialogId) {
        let caller = self.call(0, 1);
        self.run_until(Duration::from_secs(30), |world| world.incoming(1).is_some());
        let callee = self.incoming(1).expect("incoming");
        self.on(1, |end, now| end.answer(now, callee, ANSWER.to_vec())).expect("answer");
        self.run_until(Duration::from_secs(30), |world| {
            world.events_of(1).iter().any(|event| matches!(event, Event::Confirmed { .. }))
        });
        (caller, callee)
    }

    /// Everything is over: nothing is left, and each dialog had exactly one last event and nothing after it.
    pub(super) fn assert_clean(&self) {
        assert_eq!(self.counts(), vec![Counts::default(); self.ends.len()]);
        let mut ended: BTreeMap<(usize, DialogId), usize> = BTreeMap::new();
        for (_, end, event) in &self.events {
            let (dialog, last) = match event {
                Event::Failed { dialog, .. } | Event::Ended { dialog, .. } => (*dialog, true),
                Event::Incoming { dialog, .. }
                | Event::Progress { dialog, .. }
                | Event::Answered { dialog, .. }
                | Event::Confirmed { dialog, .. }
                | Event::ReOffered { dialog, .. }
                | Event::ReConfirmed { dialog, .. }
                | Event::ReAnswered { dialog, .. }
                | Event::ReRejected { dialog, .. } => (*dialog, false),
                _ => continue,
            };
            let seen = ended.entry((*end, dialog)).or_default();
            assert_eq!(*seen, 0, "{event:?} after the last event");
            *seen += usize::from(last);
        }
        assert!(ended.values().all(|count| *count == 1), "a dialog without an end: {:#?}", self.events);
    }
}

pub(super) fn invite_to(remote: SocketAddr) -> Invite {
    Invite {
        remote,
        to_uri: format!("sip:+15551234@{remote}"),
        from_uri: "sip:%2B15550000@192.0.2.1".to_string(),
        from_display: Some("Front \"Desk\"".to_string()),
        sdp: OFFER.to_vec(),
        credentials: None,
        headers: vec![("X-Campaign".to_string(), "7".to_string())],
        answer_timeout: Duration::from_secs(60),
    }
}

/// A hand-driven peer's response to `request`: `tag` for To, a Contact at `contact`, further headers, a body.
pub(super) fn response(
    request: &Message,
    code: u16,
    tag: &str,
    contact: SocketAddr,
    extra: &[(&str, &str)],
    sdp: &[u8],
) -> Vec<u8> {
    let mut builder = Builder::response(code, "");
    for via in request.headers(HeaderName::Via) {
        builder = builder.header("Via", via);
    }
    let to = request.header(HeaderName::To).expect("To");
    let tagged = request.to().expect("To").tag().is_some() || tag.is_empty();
    let to = if tagged { to.to_vec() } else { [to, b";tag=", tag.as_bytes()].concat() };
    builder = builder
        .header("From", request.header(HeaderName::From).expect("From"))
        .header("To", to)
        .header("Call-ID", request.call_id().expect("Call-ID"))
        .header("CSeq", request.header(HeaderName::CSeq).expect("CSeq"))
        .header("Contact", format!("<sip:peer@{contact}>"));
    for (name, value) in extra {
        builder = builder.header(name, value);
    }
    if sdp.is_empty() { builder.finish() } else { builder.body("application/sdp", sdp).finish() }
}
