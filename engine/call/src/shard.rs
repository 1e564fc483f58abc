//! One core's whole world: its legs, its SIP endpoint, its timers. Inputs and outputs; the work itself stands in
//! `shard/commands.rs`, `shard/signalling.rs` and `shard/audio.rs`.

mod abandon;
mod arrivals;
mod audio;
mod commands;
#[cfg(any(test, feature = "fault-injection"))]
mod fault;
mod signalling;
mod trunks;

pub(crate) use arrivals::Arrivals;
pub(crate) use audio::Concealer;
#[cfg(any(test, feature = "fault-injection"))]
pub use fault::{Fault, FaultPoint};

use crate::api::{Counts, Event, Frame, Output, PeerMessage};
use crate::leg::{Leg, LegKey, Partner};
use crate::packets::PacketBatch;
use crate::ports::Ports;
use abandon::AtWork;
use base::limits::LEGS_PER_SHARD_MAX;
use base::{Duration, Instant, LegId, Seed, ShardId, TimerWheel, TrunkId, WallAnchor};
use sip::{DialogId, DialogIdentity, Endpoint};
use slotmap::{SecondaryMap, SlotMap};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use trunks::Trunks;

/// Settings of one shard.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// Which shard this is; shards are numbered from 0.
    pub shard: ShardId,
    /// Address of the SIP socket as peers reach it.
    pub sip: SocketAddr,
    /// Address put into SDP.
    pub media_advertise: IpAddr,
    /// User-Agent and Server header.
    pub user_agent: String,
    /// An answered leg that hears nothing for so long is hung up (unless it is on hold); zero never does.
    pub media_timeout: Duration,
    /// A panic to come.
    #[cfg(any(test, feature = "fault-injection"))]
    pub fault: Option<Fault>,
}

impl ShardConfig {
    /// Answered legs end after 20 s without a packet: within the promise "media time-out + 5 s" for zombie calls, and
    /// four times the longest pause (5 s) that a phone without comfort noise was seen to make.
    pub const MEDIA_TIMEOUT: Duration = Duration::from_secs(20);

    /// A shard at these addresses, with `MEDIA_TIMEOUT`.
    pub fn new(shard: ShardId, sip: SocketAddr, media_advertise: IpAddr, user_agent: impl Into<String>) -> Self {
        ShardConfig {
            shard,
            sip,
            media_advertise,
            user_agent: user_agent.into(),
            media_timeout: ShardConfig::MEDIA_TIMEOUT,
            #[cfg(any(test, feature = "fault-injection"))]
            fault: None,
        }
    }
}

/// What a timer of the shard is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Timer {
    /// A leg's next outgoing frame.
    Tick(LegKey),
    /// A leg's next RTCP report, and the watch over silence.
    Report(LegKey),
    /// The next look at what is heard of a watched leg.
    Quality(LegKey),
    /// A trunk's next ping.
    Ping(TrunkId),
}

/// One core's whole world. See the crate's front page for its contract.
pub struct Shard {
    config: ShardConfig,
    anchor: WallAnchor,
    seed: Seed,
    endpoint: Endpoint,
    legs: SlotMap<LegKey, Leg>,
    by_id: BTreeMap<LegId, LegKey>,
    by_dialog: SecondaryMap<DialogId, LegKey>,
    /// Leg of each RTP port pair, by port ÷ 2: the lookup of the packet path.
    by_port: Box<[Option<LegKey>]>,
    ports: Ports,
    /// Legs with a partner.
    joined: usize,
    trunks: Trunks,
    /// Calls of a process before this one that wait for a place to be ended in; the oldest first.
    orphans_waiting: VecDeque<Box<DialogIdentity>>,
    timers: TimerWheel<Timer>,
    packets: PacketBatch,
    outputs: VecDeque<Output>,
    incoming_count: u64,
    /// Frames cut from the packet at hand; kept to spare an allocation per packet.
    frames: Vec<Frame>,
    at_work: AtWork,
}

impl Shard {
    /// A shard without legs. `seed` is the run's seed: what a leg draws depends on the leg and not on the shard.
    pub fn new(config: ShardConfig, seed: Seed, anchor: WallAnchor) -> Shard {
        let mut sip_config = sip::Config::new(config.sip);
        sip_config.user_agent.clone_from(&config.user_agent);
        let id = config.shard.0;
        let endpoint = Endpoint::new(sip_config, seed.stream("shard-sip", id), config.shard);
        Shard {
            anchor,
            seed,
            endpoint,
            legs: SlotMap::with_capacity_and_key(256),
            by_id: BTreeMap::new(),
            by_dialog: SecondaryMap::new(),
            by_port: vec![None; 1 << 15].into_boxed_slice(),
            ports: Ports::default(),
            joined: 0,
            trunks: Trunks::new(seed.stream("shard-trunks", id)),
            orphans_waiting: VecDeque::new(),
            timers: TimerWheel::new(),
            packets: PacketBatch::default(),
            outputs: VecDeque::with_capacity(256),
            incoming_count: 0,
            at_work: AtWork::default(),
            frames: Vec::with_capacity(base::limits::MEDIA_PACKET_BYTES_MAX / media::FRAME_SAMPLES + 1),
            config,
        }
    }

    /// Port pairs that the driver has bound for this shard, by their even RTP port. They stay bound and are lent to
    /// legs in turn.
    pub fn add_ports(&mut self, rtp_ports: &[u16]) {
        self.ports.add(rtp_ports);
    }
    /// Ports not held by a leg, those at rest after use included.
    pub fn ports_free(&self) -> usize {
        self.ports.free()
    }
    /// Ports that could be lent at `now`: neither held by a leg nor at rest after use.
    pub fn ports_ready(&self, now: Instant) -> usize {
        self.ports.ready(now)
    }

    /// A datagram from the SIP socket.
    pub fn handle_sip(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        self.work_on(None);
        self.endpoint.handle_datagram(now, source, bytes);
        self.drain_endpoint(now);
    }

    /// Fires what is due by `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, timer)) = self.timers.pop_expired(now) {
            self.work_on(None);
            match timer {
                Timer::Tick(key) => self.tick(now, key),
                Timer::Report(key) => self.report(now, key),
                Timer::Quality(key) => self.tell_quality(now, key),
                Timer::Ping(trunk) => self.ping_now(now, trunk),
            }
        }
        self.work_on(None);
        if self.endpoint.poll_timeout().is_some_and(|at| at <= now) {
            self.endpoint.handle_timeout(now);
        }
        // Also when no SIP timer was due: a leg hung up for its silence has left a BYE here.
        self.drain_endpoint(now);
    }

    /// When to call `handle_timeout`.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.endpoint.has_output() {
            // What a leg that was abandoned has left to say.
            return Some(Instant::ZERO);
        }
        match (self.timers.poll_timeout(), self.endpoint.poll_timeout()) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        }
    }

    /// Media packets written since the driver last cleared them.
    pub fn packets(&mut self) -> &mut PacketBatch {
        &mut self.packets
    }

    /// The next thing to do or to tell; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What is held now.
    pub fn counts(&self) -> Counts {
        let sip = self.endpoint.counts();
        Counts {
            calls: self.joined,
            legs: self.legs.len(),
            ports_in_use: self.ports.in_use(),
            timers: self.timers.len(),
            dialogs: sip.dialogs,
            transactions: sip.transactions,
        }
    }

    fn event(&mut self, event: Event) {
        if matches!(event, Event::Ended { .. }) {
            // Nothing more is owed to this leg.
            self.at_work = AtWork::default();
        }
        self.outputs.push_back(Output::Event(event));
    }

    fn peer(&mut self, shard: ShardId, message: PeerMessage) {
        self.outputs.push_back(Output::Peer { shard, message });
    }

    fn leg_mut(&mut self, id: LegId) -> Option<(LegKey, &mut Leg)> {
        let key = *self.by_id.get(&id)?;
        self.legs.get_mut(key).map(|leg| (key, leg))
    }

    /// Gives a leg another partner, or none.
    fn set_partner(&mut self, key: LegKey, partner: Option<Partner>) {
        let Some(leg) = self.legs.get_mut(key) else { return };
        self.joined += usize::from(partner.is_some());
        self.joined -= usize::from(std::mem::replace(&mut leg.partner, partner).is_some());
    }

    fn full(&self) -> bool {
        self.legs.len() >= LEGS_PER_SHARD_MAX
    }
}
