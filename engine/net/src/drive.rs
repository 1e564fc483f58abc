//! The loop of a shard's thread: one [`Shard`], ticking once a millisecond, over either way to the sockets.
//!
//! ```text
//!  rest to the next whole millisecond ─> timers ─> send media ─> requests, peers, commands, SIP ─> read media ─┐
//!        ^                                 (after each step: drain outputs, send SIP and media)                 │
//!        └──────────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! **Panics.** Each input of the shard (a datagram, a command, a peer's message, the timers) is handled under
//! `catch_unwind`: what panics costs one leg (`panics.rs`, ADR-0006).

mod panics;
mod send;

pub(crate) use panics::{redacted, text_of};
pub(crate) use send::send_all;

use crate::Clock;
use crate::flight::FlightFile;
use crate::front::{Door, Front};
use crate::io::Io;
use crate::meter::Meter;
use crate::runtime::{Inbox, PeerDoor, PeerItem};
use crate::sched::{Sched, prepare_thread};
use crate::sockets::MediaPorts;
use crate::stats::ShardStats;
use crate::sys::{self, BATCH_MAX};
use base::limits::LEGS_PER_SHARD_MAX;
use base::queue::{Sender, TrySendError};
use base::{Duration, Instant, ShardId};
use call::{Event, Output, PeerMessage, Shard};
use panics::Budget;
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

/// The tick of a shard with legs: the grid of all sends, and the most that reading on a tick delays a packet.
const TICK_NS: u64 = 1_000_000;

/// The longest sleep of a shard without legs: 100 wake-ups a second of about 20 µs each are 0.2 % of a core, and a first
/// INVITE waits 5 ms on average, which is nothing against ringing.
const IDLE_TICK: Duration = Duration::from_ms(10);

/// Commands taken in one tick: the control plane's peak is 10 a millisecond (see `SHARD_QUEUE_MAX`); 64 work off a
/// stall quickly and, at about 20 µs for an INVITE, take 1.3 ms at worst.
const COMMANDS_PER_TICK: usize = 64;

/// Looks at the SIP socket in one tick: 4 × 64 datagrams a millisecond = 256,000 a second, 35 times what 1,000 calls a
/// second need, so a flood costs at most about 1 ms a tick.
const SIP_LOOKS_PER_TICK: usize = 4;

/// Media packets read in one tick: 2,700 legs bring 135 a tick; 2,048 work off a stall of 15 ticks at once and take
/// 3.5 ms at worst (1.7 µs each), after which due packets go first again.
const RECEIVES_PER_TICK: usize = 2_048;

/// Looks at the media sockets in one tick. Under `poll` each look reads one packet per socket, so a single flooded socket
/// gets 8 packets a millisecond, 160 times its due, and the last look of a normal tick finds nothing, which spares the
/// next tick that. Under `ring` the first look has all that came since the last tick, at most its buffers.
pub(crate) const LOOKS_PER_TICK: usize = 8;

/// Peer items taken in one tick: 2,000 cross-shard legs bring 100 frames a tick; ten times that.
const PEERS_PER_TICK: usize = 1_024;

/// Events that wait for room in the control plane's queue before new work is refused: 8,192 legs × 8 events of a call.
/// Beyond it only the legs that exist can add events, so it can at most double.
const EVENTS_WAITING_MAX: usize = LEGS_PER_SHARD_MAX * 8;

/// Key presses that wait for room in another shard's queue: 2,000 cross-shard legs, each pressing 10 keys a second during
/// a stall of 50 ms.
const DIGITS_WAITING_MAX: usize = 1_024;

/// Words that wait there in all. Above the key presses there is room to part every leg from its partner, once each; and a
/// shard ends after 16 such faults in 10 s, so a `Parted` always finds room.
const PEER_WORDS_WAITING_MAX: usize = DIGITS_WAITING_MAX + LEGS_PER_SHARD_MAX;

/// Pairs bound ahead of need. A burst takes them at one per command or INVITE, and each of those looks first.
const PORTS_READY_MIN: usize = 16;
/// Pairs bound at one go: about 20 µs each, so a third of a tick.
const PORTS_STEP: usize = 16;
/// Pairs of one shard: its legs, and those that rest for 2 s after use at 1,000 calls a second.
const PORTS_MAX: usize = LEGS_PER_SHARD_MAX + 2_048;
/// Pause between looks for free ports when the range was found exhausted.
const PORTS_RETRY: Duration = Duration::from_secs(1);

/// What connects a shard to its siblings and to the control plane.
pub(crate) struct Doors {
    pub(crate) inbox: Inbox,
    /// By shard.
    pub(crate) peers: Vec<PeerDoor>,
    pub(crate) events: Sender<(ShardId, Event)>,
    pub(crate) front: Front,
}

/// One shard and all that connects it to the world.
pub(crate) struct Driver<I> {
    // Before the sockets: an io_uring lets go of them first.
    io: I,
    media: MediaPorts,
    core: Core,
    ports_retry_at: Instant,
    new_ports: Vec<u16>,
}

/// The part of a driver that knows nothing of sockets, but for sending SIP.
struct Core {
    id: ShardId,
    shard: Shard,
    sip: Arc<UdpSocket>,
    doors: Doors,
    events_waiting: VecDeque<Event>,
    /// Key presses and partings.
    peer_words_waiting: VecDeque<(ShardId, PeerMessage)>,
    sip_out: Vec<(SocketAddr, Vec<u8>)>,
    flight: Option<FlightFile>,
    panics: Budget,
    sched: Sched,
    meter: Meter,
}

/// All that a driver is made of besides its way to the sockets.
pub(crate) struct Parts {
    pub(crate) id: ShardId,
    pub(crate) clock: Clock,
    pub(crate) shard: Shard,
    pub(crate) sip: Arc<UdpSocket>,
    pub(crate) media: MediaPorts,
    pub(crate) doors: Doors,
}

impl<I: Io> Driver<I> {
    pub(crate) fn new(io: I, parts: Parts) -> Driver<I> {
        let Parts { id, clock, shard, sip, media, doors } = parts;
        let core = Core {
            id,
            shard,
            sip,
            doors,
            events_waiting: VecDeque::new(),
            peer_words_waiting: VecDeque::new(),
            sip_out: Vec::with_capacity(BATCH_MAX),
            flight: None,
            panics: Budget::default(),
            sched: Sched::Other,
            meter: Meter::new(clock),
        };
        Driver { io, media, core, ports_retry_at: Instant::ZERO, new_ports: Vec::with_capacity(PORTS_STEP) }
    }

    /// Binds the first pairs; returns how many.
    pub(crate) fn bind_first_ports(&mut self) -> usize {
        self.top_up_ports(self.core.meter.clock.now());
        self.media.bound()
    }

    /// Why the last pair could not be bound.
    pub(crate) fn take_bind_error(&mut self) -> Option<io::Error> {
        self.media.take_error()
    }

    /// Runs until the engine is stopped, noting answered legs in `flight`; returns the last measurements.
    ///
    /// # Errors
    /// What the system says when the way to the sockets cannot be opened on this thread.
    pub(crate) fn run(mut self, pin: Option<usize>, flight: Option<FlightFile>) -> io::Result<ShardStats> {
        self.core.flight = flight;
        self.core.sched = prepare_thread(pin);
        panics::watch_this_thread();
        self.begin()?;
        while !self.core.doors.inbox.stopped() {
            let now = self.core.meter.clock.now();
            self.tick(now);
            self.rest();
        }
        // What the control plane may still want to know; who has stopped reading does not.
        self.core.flush_events();
        Ok(self.stats())
    }

    fn begin(&mut self) -> io::Result<()> {
        self.io.begin(self.core.doors.inbox.wake.event())
    }

    fn tick(&mut self, now: Instant) {
        self.core.meter.counters.ticks += 1;
        self.core.handle_timeout(now);
        self.send_media(); // what is due leaves before anything else is looked at
        self.core.drain();
        self.core.flush_events();
        self.core.flush_peer_words();
        self.answer_requests();
        self.take_peers(now);
        self.io.collect(&self.media, &mut self.core.meter);
        if self.core.events_waiting.len() < EVENTS_WAITING_MAX {
            self.take_commands(now);
            self.read_sip(now);
        } else {
            self.core.meter.counters.stalled_ticks += 1;
        }
        self.read_media();
        self.top_up_ports(now);
    }

    fn rest(&mut self) {
        let Driver { io, media, core, .. } = self;
        let now = core.meter.clock.now();
        let next_tick = Instant::from_ns((now.as_ns() / TICK_NS + 1) * TICK_NS);
        // All bound ports at home means that no leg has media to keep in time.
        let idle = core.shard.ports_free() >= media.bound()
            && core.events_waiting.is_empty()
            && core.peer_words_waiting.is_empty();
        let until = if idle {
            core.shard.poll_timeout().unwrap_or(Instant::MAX).min(now + IDLE_TICK).max(next_tick)
        } else {
            next_tick
        };
        let inbox = &core.doors.inbox;
        let nothing_to_do = idle.then_some(|| inbox.is_empty());
        let cut_short = io.rest(media, &inbox.wake, until, next_tick, nothing_to_do, &mut core.meter);
        if !cut_short {
            let lag = core.meter.clock.now().since(until);
            core.meter.loop_lag_us.record(lag.as_us());
        }
    }

    fn answer_requests(&mut self) {
        while let Ok(answer) = self.core.doors.inbox.requests.try_recv() {
            // Who no longer waits for the answer does not need it.
            let _ = answer.try_send(self.stats());
        }
    }

    fn stats(&self) -> ShardStats {
        let meter = &self.core.meter;
        ShardStats {
            shard: self.core.id,
            at: meter.clock.now(),
            sched: self.core.sched,
            counts: self.core.shard.counts(),
            pairs_bound: self.media.bound(),
            events_waiting: self.core.events_waiting.len(),
            cpu_ns: sys::thread_cpu_ns(),
            send_lateness_us: meter.send_lateness_us.clone(),
            loop_lag_us: meter.loop_lag_us.clone(),
            receive_batch: meter.receive_batch.clone(),
            send_batch: meter.send_batch.clone(),
            counters: meter.counters,
        }
    }

    fn take_peers(&mut self, now: Instant) {
        for _ in 0..PEERS_PER_TICK {
            match self.core.doors.inbox.peers.try_recv() {
                Ok(PeerItem::Message(message)) => {
                    self.core.guarded(now, |shard| shard.handle_peer(now, message));
                }
                // New work, which the front door of this shard's own thread would leave in the socket.
                Ok(PeerItem::Sip { .. }) if self.core.events_waiting.len() >= EVENTS_WAITING_MAX => {
                    self.core.meter.counters.sip_dropped_stalled += 1;
                }
                Ok(PeerItem::Sip { source, bytes }) => {
                    self.top_up_ports(now);
                    self.core.guarded(now, |shard| shard.handle_sip(now, source, &bytes));
                }
                Err(_) => break,
            }
            self.core.drain_into_batch();
        }
        self.core.drain();
        self.send_media();
    }

    fn take_commands(&mut self, now: Instant) {
        for _ in 0..COMMANDS_PER_TICK {
            let Ok(command) = self.core.doors.inbox.commands.try_recv() else { break };
            self.core.meter.counters.commands += 1;
            self.top_up_ports(now);
            self.core.guarded(now, |shard| shard.handle_command(now, command));
            self.core.drain_into_batch();
        }
        self.core.drain();
        self.send_media();
    }

    /// The front door: shard 0 reads the SIP socket for all.
    fn read_sip(&mut self, now: Instant) {
        for _ in 0..SIP_LOOKS_PER_TICK {
            let count = self.io.look_sip(&mut self.core.meter);
            for place in 0..count {
                self.top_up_ports(now);
                if let Some((source, bytes)) = self.io.sip(place) {
                    self.core.at_the_door(now, source, bytes);
                }
            }
            if count < BATCH_MAX {
                break;
            }
        }
        self.core.drain();
        self.send_media();
    }

    fn read_media(&mut self) {
        let mut looked = 0;
        let mut read = 0;
        for _ in 0..LOOKS_PER_TICK {
            let Driver { io, media, core, .. } = self;
            let now = core.meter.clock.now();
            let ready = io.look_media(&mut core.meter);
            for place in 0..ready {
                let Some(arrival) = io.media(media, place, &mut core.meter) else { continue };
                read += 1;
                core.guarded(now, |shard| {
                    let handle = if arrival.rtcp { Shard::handle_rtcp } else { Shard::handle_rtp };
                    handle(shard, now, arrival.port, arrival.source, arrival.bytes);
                });
                core.drain_into_batch();
            }
            core.drain();
            self.send_media();
            looked += ready;
            if ready == 0 || looked >= RECEIVES_PER_TICK {
                break;
            }
        }
        if read > 0 {
            self.core.meter.counters.media_received += read;
            self.core.meter.receive_batch.record(read);
        }
    }

    /// Sends the media packets that the shard has written, in its order.
    fn send_media(&mut self) {
        let packets = self.core.shard.packets();
        if packets.is_empty() {
            return;
        }
        self.core.meter.send_batch.record(packets.len() as u64);
        self.io.send_media(&self.media, packets, &mut self.core.meter);
        packets.clear();
    }

    /// Keeps some ports ready: binds more pairs when those that do not rest run short.
    fn top_up_ports(&mut self, now: Instant) {
        let Driver { io, media, core, ports_retry_at, new_ports } = self;
        if core.shard.ports_ready(now) >= PORTS_READY_MIN || media.bound() >= PORTS_MAX || now < *ports_retry_at {
            return;
        }
        new_ports.clear();
        media.bind_more(PORTS_STEP, new_ports, |index, pair| io.watch(index, pair));
        if new_ports.len() < PORTS_STEP {
            *ports_retry_at = now + PORTS_RETRY;
        }
        core.shard.add_ports(new_ports);
    }
}

impl Core {
    /// Fires what is due by `now`. What panics among it costs its leg; the rest is fired all the same.
    fn handle_timeout(&mut self, now: Instant) {
        while !self.guarded(now, |shard| shard.handle_timeout(now)) {}
    }

    fn at_the_door(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        self.meter.counters.sip_received += 1;
        let shard = match self.doors.front.shard_of(bytes) {
            Door::KeepAlive => {
                self.meter.counters.sip_keep_alives += 1;
                return;
            }
            Door::Shard(shard) => shard,
        };
        if shard == self.id {
            self.guarded(now, |shard| shard.handle_sip(now, source, bytes));
            self.drain_into_batch();
            return;
        }
        let Some(peer) = self.doors.peers.get(shard.0 as usize) else { return };
        match peer.queue.try_send(PeerItem::Sip { source, bytes: bytes.to_vec() }) {
            Ok(()) => {
                self.meter.counters.sip_forwarded += 1;
                peer.wake.wake();
            }
            Err(_) => self.meter.counters.sip_dropped_queue_full += 1,
        }
    }

    /// Carries out what the shard asks for, and sends the SIP messages among it.
    fn drain(&mut self) {
        self.take_outputs();
        self.send_sip();
    }

    /// As `drain`, but SIP messages gather until a full batch of them can leave in one call.
    fn drain_into_batch(&mut self) {
        self.take_outputs();
        if self.sip_out.len() >= BATCH_MAX {
            self.send_sip();
        }
    }

    /// An event is told, and an answer written to the flight record, before the SIP messages of the same drain leave: the
    /// ACK of a call never overtakes the note of whom to hang up.
    fn take_outputs(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Sip { to, bytes } => self.sip_out.push((to, bytes)),
                Output::Event(event) => {
                    self.note(&event);
                    self.tell(event);
                }
                Output::Peer { shard, message } => self.tell_peer(shard, message),
            }
        }
    }

    fn send_sip(&mut self) {
        if self.sip_out.is_empty() {
            return;
        }
        send_all(&self.sip, &self.sip_out, &mut self.meter, |meter, range| {
            meter.counters.sip_sent += range.len() as u64;
        });
        self.sip_out.clear();
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Answered { leg, dialog, .. } => {
                if let Some(flight) = &mut self.flight {
                    self.meter.counters.flight_errors += u64::from(!flight.write(*leg, dialog));
                }
            }
            Event::Ended { leg, .. } => {
                if let Some(flight) = &mut self.flight {
                    self.meter.counters.flight_errors += u64::from(!flight.clear(*leg));
                }
            }
            _ => {}
        }
    }

    /// Gives an event to the control plane. Where its queue is full the event waits here, in order; only tapped audio and
    /// figures of a call's quality, which are worthless when old, are dropped.
    fn tell(&mut self, event: Event) {
        let refused = if self.events_waiting.is_empty() {
            match self.doors.events.try_send((self.id, event)) {
                Ok(()) => {
                    self.meter.counters.events += 1;
                    return;
                }
                Err(TrySendError::Full((_, event))) => event,
                // The control plane is gone, so the engine is about to end.
                Err(TrySendError::Disconnected(_)) => return,
            }
        } else {
            event
        };
        match refused {
            Event::Audio { .. } => self.meter.counters.audio_events_dropped += 1,
            Event::Quality { .. } => self.meter.counters.quality_events_dropped += 1,
            other => self.events_waiting.push_back(other),
        }
    }

    fn flush_events(&mut self) {
        while let Some(event) = self.events_waiting.pop_front() {
            match self.doors.events.try_send((self.id, event)) {
                Ok(()) => self.meter.counters.events += 1,
                Err(TrySendError::Full((_, event))) => {
                    self.events_waiting.push_front(event);
                    break;
                }
                Err(TrySendError::Disconnected(_)) => self.events_waiting.clear(),
            }
        }
    }

    /// Gives a message to another shard. Where its queue is full a frame is dropped; a key press waits, if not too many do;
    /// and the word that a leg is gone always waits, since its partner would stay linked to it for good.
    fn tell_peer(&mut self, shard: ShardId, message: PeerMessage) {
        let Some(peer) = self.doors.peers.get(shard.0 as usize) else { return };
        let (frame, digit) =
            (matches!(message, PeerMessage::Frame { .. }), matches!(message, PeerMessage::Digit { .. }));
        let room = if digit { DIGITS_WAITING_MAX } else { PEER_WORDS_WAITING_MAX };
        match peer.queue.try_send(PeerItem::Message(message)) {
            Ok(()) => {
                self.meter.counters.peer_frames_sent += u64::from(frame);
                peer.wake.wake();
            }
            Err(_) if frame => self.meter.counters.peer_frames_dropped += 1,
            Err(TrySendError::Full(_)) if self.peer_words_waiting.len() < room => {
                self.peer_words_waiting.push_back((shard, message));
            }
            // No room here either, or the other shard has ended and its legs with it.
            Err(_) => self.meter.counters.peer_digits_dropped += u64::from(digit),
        }
    }

    /// Tries the waiting words once more, each once.
    fn flush_peer_words(&mut self) {
        for _ in 0..self.peer_words_waiting.len() {
            if let Some((shard, message)) = self.peer_words_waiting.pop_front() {
                self.tell_peer(shard, message);
            }
        }
    }
}

#[cfg(test)]
mod tests;
