//! The `poll` driver: one shard on one thread with epoll, recvmmsg and sendmmsg, ticking once a millisecond.
//!
//! ```text
//!  sleep to the next whole millisecond ─> timers ─> send media ─> requests, peers, commands, SIP ─> read media ─┐
//!        ^                                 (after each step: drain outputs, send SIP and media)                  │
//!        └───────────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```

use crate::Clock;
mod send;

use crate::front::{Door, shard_of};
use crate::runtime::{Inbox, PeerDoor, PeerItem};
use crate::sched::{Sched, prepare_thread};
use crate::sockets::MediaPorts;
use crate::stats::ShardStats;
use crate::sys::{self, BATCH_MAX, ReadyList, ReceiveBatch};
use base::limits::{DATAGRAM_BYTES_MAX, LEGS_PER_SHARD_MAX, MEDIA_PACKET_BYTES_MAX};
use base::queue::{Sender, TrySendError};
use base::{Duration, Instant, ShardId};
use call::{Event, Output, Packet, PeerMessage, Shard};
use send::{Meter, send_all};
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;

/// The tick of a shard with legs: the grid of all sends, and the most that reading on a tick delays a packet.
const TICK_NS: u64 = 1_000_000;

/// The longest sleep of a shard without legs: 100 wake-ups a second of about 20 µs each are 0.2 % of a core, and a first
/// INVITE waits 5 ms on average, which is nothing against ringing.
const IDLE_TICK: Duration = Duration::from_ms(10);

/// Commands taken in one tick: the control plane's peak is 10 a millisecond (see `SHARD_QUEUE_MAX`); 64 work off a
/// stall quickly and, at about 20 µs for an INVITE, take 1.3 ms at worst.
const COMMANDS_PER_TICK: usize = 64;

/// recvmmsg calls on the SIP socket in one tick: 4 × 64 datagrams a millisecond = 256,000 a second, 35 times what 1,000
/// calls a second need, so a flood costs at most about 1 ms a tick.
const SIP_BATCHES_PER_TICK: usize = 4;

/// Media packets read in one tick: 2,700 legs bring 135 a tick; 2,048 work off a stall of 15 ticks at once and take
/// 3.5 ms at worst (1.7 µs each), after which due packets go first again.
const RECEIVES_PER_TICK: usize = 2_048;

/// Looks at the ready list in one tick. Each look reads one packet per socket, so a single flooded socket gets 8 packets
/// a millisecond, 160 times its due. The last look of a normal tick finds nothing, and spares the next tick that.
const LOOKS_PER_TICK: usize = 8;

/// Answers of one look; more sockets than that are ready only after a stall, and the next look has them.
const READY_MAX: usize = 512;

/// Peer items taken in one tick: 2,000 cross-shard legs bring 100 frames a tick; ten times that.
const PEERS_PER_TICK: usize = 1_024;

/// Events that wait for room in the control plane's queue before new work is refused: 8,192 legs × 8 events of a call.
/// Beyond it only the legs that exist can add events, so it can at most double.
const EVENTS_WAITING_MAX: usize = LEGS_PER_SHARD_MAX * 8;

/// Key presses that wait for room in another shard's queue: 2,000 cross-shard legs, each pressing 10 keys a second during
/// a stall of 50 ms.
const DIGITS_WAITING_MAX: usize = 1_024;

/// Pairs bound ahead of need. A burst takes them at one per command or INVITE, and each of those looks first.
const PORTS_READY_MIN: usize = 16;
/// Pairs bound at one go: about 20 µs each, so a third of a tick.
const PORTS_STEP: usize = 16;
/// Pairs of one shard: its legs, and those that rest for 2 s after use at 1,000 calls a second.
const PORTS_MAX: usize = LEGS_PER_SHARD_MAX + 2_048;
/// Ports rest in the shard for 2 s after a leg's end; whole seconds are counted here, so three cover it.
const REST_S: u64 = 3;
/// Pause between looks for free ports when the range was found exhausted.
const PORTS_RETRY: Duration = Duration::from_secs(1);

/// One shard and all that connects it to the world.
pub(crate) struct Driver {
    id: ShardId,
    clock: Clock,
    shard: Shard,
    sip: Arc<UdpSocket>,
    /// Buffers of the front door; only shard 0 has them.
    front: Option<ReceiveBatch>,
    media: MediaPorts,
    ready: ReadyList,
    inbox: Inbox,
    peers: Vec<PeerDoor>,
    events: Sender<(ShardId, Event)>,
    events_waiting: VecDeque<Event>,
    digits_waiting: VecDeque<(ShardId, PeerMessage)>,
    sip_out: Vec<(SocketAddr, Vec<u8>)>,
    /// Legs that ended, by second: (second, count), the latest last. Their ports rest.
    ended: VecDeque<(u64, usize)>,
    ports_retry_at: Instant,
    new_ports: Vec<u16>,
    sched: Sched,
    meter: Meter,
}

impl Driver {
    #[allow(clippy::too_many_arguments)] // one caller, which has them as separate things
    pub(crate) fn new(
        id: ShardId,
        clock: Clock,
        shard: Shard,
        sip: Arc<UdpSocket>,
        media: MediaPorts,
        inbox: Inbox,
        peers: Vec<PeerDoor>,
        events: Sender<(ShardId, Event)>,
    ) -> Driver {
        Driver {
            id,
            clock,
            shard,
            sip,
            front: (id.0 == 0).then(|| ReceiveBatch::new(DATAGRAM_BYTES_MAX)),
            media,
            ready: ReadyList::new(READY_MAX),
            inbox,
            peers,
            events,
            events_waiting: VecDeque::new(),
            digits_waiting: VecDeque::new(),
            sip_out: Vec::with_capacity(BATCH_MAX),
            ended: VecDeque::with_capacity(REST_S as usize + 1),
            ports_retry_at: Instant::ZERO,
            new_ports: Vec::with_capacity(PORTS_STEP),
            sched: Sched::Other,
            meter: Meter::default(),
        }
    }

    /// Binds the first pairs; returns how many.
    pub(crate) fn bind_first_ports(&mut self) -> usize {
        self.top_up_ports(self.clock.now());
        self.media.bound()
    }

    /// Why the last pair could not be bound.
    pub(crate) fn take_bind_error(&mut self) -> Option<io::Error> {
        self.media.take_error()
    }

    /// Runs until the engine is stopped; returns the last measurements.
    pub(crate) fn run(mut self, pin: Option<usize>) -> ShardStats {
        self.sched = prepare_thread(pin);
        while !self.inbox.stopped() {
            let now = self.clock.now();
            self.tick(now);
            self.sleep();
        }
        // What the control plane may still want to know; who has stopped reading does not.
        self.flush_events();
        self.stats()
    }

    fn tick(&mut self, now: Instant) {
        self.meter.counters.ticks += 1;
        self.shard.handle_timeout(now);
        self.send_media(); // what is due leaves before anything else is looked at
        self.drain();
        self.flush_events();
        self.flush_digits();
        self.answer_requests();
        self.take_peers(now);
        if self.events_waiting.len() < EVENTS_WAITING_MAX {
            self.take_commands(now);
            self.read_sip(now);
        } else {
            self.meter.counters.stalled_ticks += 1;
        }
        self.read_media();
        self.top_up_ports(now);
    }

    fn sleep(&mut self) {
        let now = self.clock.now();
        let next_tick = Instant::from_ns((now.as_ns() / TICK_NS + 1) * TICK_NS);
        // All bound ports at home means that no leg has media to keep in time.
        let idle = self.shard.ports_free() >= self.media.bound()
            && self.events_waiting.is_empty()
            && self.digits_waiting.is_empty();
        let (until, woken) = if idle {
            let timer = self.shard.poll_timeout().unwrap_or(Instant::MAX);
            let until = timer.min(now + IDLE_TICK).max(next_tick);
            let inbox = &self.inbox;
            (until, inbox.wake.sleep(until.since(now), Some(|| inbox.is_empty())))
        } else {
            (next_tick, self.inbox.wake.sleep(next_tick.since(now), None::<fn() -> bool>))
        };
        if !woken {
            self.meter.loop_lag_us.record(self.clock.now().since(until).as_us());
        }
    }

    fn answer_requests(&mut self) {
        while let Ok(answer) = self.inbox.requests.try_recv() {
            // Who no longer waits for the answer does not need it.
            let _ = answer.try_send(self.stats());
        }
    }

    fn stats(&self) -> ShardStats {
        ShardStats {
            shard: self.id,
            at: self.clock.now(),
            sched: self.sched,
            counts: self.shard.counts(),
            pairs_bound: self.media.bound(),
            events_waiting: self.events_waiting.len(),
            cpu_ns: sys::thread_cpu_ns(),
            send_lateness_us: self.meter.send_lateness_us.clone(),
            loop_lag_us: self.meter.loop_lag_us.clone(),
            receive_batch: self.meter.receive_batch.clone(),
            send_batch: self.meter.send_batch.clone(),
            counters: self.meter.counters,
        }
    }

    fn take_peers(&mut self, now: Instant) {
        for _ in 0..PEERS_PER_TICK {
            match self.inbox.peers.try_recv() {
                Ok(PeerItem::Message(message)) => self.shard.handle_peer(now, message),
                // New work, which the front door of this shard's own thread would leave in the socket.
                Ok(PeerItem::Sip { .. }) if self.events_waiting.len() >= EVENTS_WAITING_MAX => {
                    self.meter.counters.sip_dropped_stalled += 1;
                }
                Ok(PeerItem::Sip { source, bytes }) => {
                    self.top_up_ports(now);
                    self.shard.handle_sip(now, source, &bytes);
                }
                Err(_) => break,
            }
            self.drain();
        }
        self.send_media();
    }

    fn take_commands(&mut self, now: Instant) {
        for _ in 0..COMMANDS_PER_TICK {
            let Ok(command) = self.inbox.commands.try_recv() else { break };
            self.meter.counters.commands += 1;
            self.top_up_ports(now);
            self.shard.handle_command(now, command);
            self.drain();
        }
        self.send_media();
    }

    /// The front door: shard 0 reads the SIP socket for all.
    fn read_sip(&mut self, now: Instant) {
        let Some(mut batch) = self.front.take() else { return };
        for _ in 0..SIP_BATCHES_PER_TICK {
            let count = match batch.receive(self.sip.as_fd()) {
                Ok(count) => count,
                Err(error) => {
                    if error.kind() != io::ErrorKind::WouldBlock {
                        self.meter.counters.receive_errors += 1;
                    }
                    break;
                }
            };
            for index in 0..count {
                if let Some((source, bytes)) = batch.datagram(index) {
                    self.at_the_door(now, source, bytes);
                }
            }
            if count < BATCH_MAX {
                break;
            }
        }
        self.front = Some(batch);
        self.send_media();
    }

    fn at_the_door(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        self.meter.counters.sip_received += 1;
        let shard = match shard_of(bytes, self.peers.len() as u64) {
            Door::KeepAlive => {
                self.meter.counters.sip_keep_alives += 1;
                return;
            }
            Door::Shard(shard) => shard,
        };
        if shard == self.id {
            self.top_up_ports(now);
            self.shard.handle_sip(now, source, bytes);
            self.drain();
            return;
        }
        let Some(peer) = self.peers.get(shard.0 as usize) else { return };
        match peer.queue.try_send(PeerItem::Sip { source, bytes: bytes.to_vec() }) {
            Ok(()) => {
                self.meter.counters.sip_forwarded += 1;
                peer.wake.wake();
            }
            Err(_) => self.meter.counters.sip_dropped_queue_full += 1,
        }
    }

    fn read_media(&mut self) {
        // One byte more than a packet may have tells an oversized one from a full one.
        let mut buffer = [0; MEDIA_PACKET_BYTES_MAX + 1];
        let mut read = 0;
        for _ in 0..LOOKS_PER_TICK {
            let now = self.clock.now();
            let Ok(ready) = self.media.ready(&mut self.ready) else {
                self.meter.counters.receive_errors += 1;
                break;
            };
            for place in 0..ready {
                let Some((socket, port, rtcp)) = self.media.arrived(&self.ready, place) else { continue };
                match socket.recv_from(&mut buffer) {
                    Ok((length, _)) if length > MEDIA_PACKET_BYTES_MAX => {
                        self.meter.counters.receive_dropped_oversize += 1;
                    }
                    Ok((length, source)) => {
                        self.meter.counters.media_received += 1;
                        if rtcp {
                            self.shard.handle_rtcp(now, port, source, &buffer[..length]);
                        } else {
                            self.shard.handle_rtp(now, port, source, &buffer[..length]);
                        }
                        self.drain();
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => self.meter.counters.receive_errors += 1,
                }
            }
            self.send_media(); // what a bridge passes on at once
            read += ready;
            if ready == 0 || read >= RECEIVES_PER_TICK {
                break;
            }
        }
        if read > 0 {
            self.meter.receive_batch.record(read as u64);
        }
    }

    /// Carries out what the shard asks for, and sends the SIP messages among it.
    fn drain(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            match output {
                Output::Sip { to, bytes } => self.sip_out.push((to, bytes)),
                Output::Event(event) => {
                    if matches!(event, Event::Ended { .. }) {
                        self.note_ended();
                    }
                    self.tell(event);
                }
                Output::Peer { shard, message } => self.tell_peer(shard, message),
            }
        }
        if !self.sip_out.is_empty() {
            send_all(&self.sip, &self.sip_out, &mut self.meter, |meter, range| {
                meter.counters.sip_sent += range.len() as u64;
            });
            self.sip_out.clear();
        }
    }

    /// Gives an event to the control plane. Where its queue is full the event waits here, in order; only tapped audio,
    /// which is worthless when old, is dropped.
    fn tell(&mut self, event: Event) {
        let refused = if self.events_waiting.is_empty() {
            match self.events.try_send((self.id, event)) {
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
        if matches!(refused, Event::Audio { .. }) {
            self.meter.counters.audio_events_dropped += 1;
        } else {
            self.events_waiting.push_back(refused);
        }
    }

    fn flush_events(&mut self) {
        while let Some(event) = self.events_waiting.pop_front() {
            match self.events.try_send((self.id, event)) {
                Ok(()) => self.meter.counters.events += 1,
                Err(TrySendError::Full((_, event))) => {
                    self.events_waiting.push_front(event);
                    break;
                }
                Err(TrySendError::Disconnected(_)) => self.events_waiting.clear(),
            }
        }
    }

    /// Gives a message to another shard. Where its queue is full a frame is dropped; a key press waits.
    fn tell_peer(&mut self, shard: ShardId, message: PeerMessage) {
        let Some(peer) = self.peers.get(shard.0 as usize) else { return };
        let frame = matches!(message, PeerMessage::Frame { .. });
        match peer.queue.try_send(PeerItem::Message(message)) {
            Ok(()) => {
                self.meter.counters.peer_frames_sent += u64::from(frame);
                peer.wake.wake();
            }
            Err(_) if frame => self.meter.counters.peer_frames_dropped += 1,
            Err(TrySendError::Full(_)) if self.digits_waiting.len() < DIGITS_WAITING_MAX => {
                self.digits_waiting.push_back((shard, message));
            }
            Err(_) => self.meter.counters.peer_digits_dropped += 1, // no room here either, or the other shard has ended
        }
    }

    /// Tries the waiting key presses once more, each once.
    fn flush_digits(&mut self) {
        for _ in 0..self.digits_waiting.len() {
            if let Some((shard, message)) = self.digits_waiting.pop_front() {
                self.tell_peer(shard, message);
            }
        }
    }

    /// Sends the media packets that the shard has written, in its order.
    ///
    /// Packets that follow each other on one socket (catching up after a stall, the three ends of a key press) leave in one
    /// call. They are not gathered from further apart: that would put one leg's later packet before another's earlier one,
    /// for the 10–25 % that a saved call is worth.
    fn send_media(&mut self) {
        let Driver { shard, media, meter, clock, .. } = self;
        let packets = shard.packets();
        if packets.is_empty() {
            return;
        }
        meter.send_batch.record(packets.len() as u64);
        let mut rest = packets.iter().peekable();
        while let Some(first) = rest.next() {
            let Some(pair) = media.by_port(first.port) else {
                meter.counters.send_dropped_no_socket += 1;
                continue;
            };
            let socket = if first.rtcp { &pair.rtcp } else { &pair.rtp };
            let on_sent = |meter: &mut Meter, dues: &[Option<Instant>]| {
                meter.counters.media_sent += dues.len() as u64;
                let now = clock.now();
                dues.iter().flatten().for_each(|due| meter.late(now.since(*due)));
            };
            let same_socket = |next: &Packet<'_>| next.port == first.port && next.rtcp == first.rtcp;
            if !rest.peek().is_some_and(same_socket) {
                send_all(socket, &[(first.to, first.bytes)], meter, |meter, _| on_sent(meter, &[first.due]));
                continue;
            }
            let mut run = [(first.to, first.bytes); BATCH_MAX];
            let mut dues = [first.due; BATCH_MAX];
            let mut length = 1;
            while length < BATCH_MAX
                && let Some(next) = rest.next_if(same_socket)
            {
                run[length] = (next.to, next.bytes);
                dues[length] = next.due;
                length += 1;
            }
            send_all(socket, &run[..length], meter, |meter, sent| on_sent(meter, &dues[sent]));
        }
        drop(rest);
        packets.clear();
    }

    fn note_ended(&mut self) {
        let second = self.clock.now().as_ms() / 1_000;
        match self.ended.back_mut() {
            Some((latest, count)) if *latest == second => *count += 1,
            _ => self.ended.push_back((second, 1)),
        }
        while self.ended.front().is_some_and(|(old, _)| old + REST_S < second) {
            self.ended.pop_front();
        }
    }

    /// Keeps some ports ready: binds more pairs when those that do not rest run short.
    fn top_up_ports(&mut self, now: Instant) {
        let second = now.as_ms() / 1_000;
        let resting: usize =
            self.ended.iter().filter(|(ended, _)| ended + REST_S >= second).map(|(_, count)| *count).sum();
        let ready = self.shard.ports_free().saturating_sub(resting);
        if ready >= PORTS_READY_MIN || self.media.bound() >= PORTS_MAX || now < self.ports_retry_at {
            return;
        }
        self.new_ports.clear();
        self.media.bind_more(PORTS_STEP, &mut self.new_ports);
        if self.new_ports.len() < PORTS_STEP {
            self.ports_retry_at = now + PORTS_RETRY;
        }
        self.shard.add_ports(&self.new_ports);
    }
}

#[cfg(test)]
mod tests;
