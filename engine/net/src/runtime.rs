//! Engines: the shard threads, the queues between them and to the control plane, their start and their end.

use crate::drive::{Doors, Driver, Parts, redacted, text_of};
use crate::driver::{DriverChoice, DriverKind};
use crate::flight::{self, FlightFile};
use crate::front::Front;
use crate::io::Io;
use crate::poll::PollIo;
use crate::ring::{self, RingIo};
use crate::sockets::{MediaPorts, PortRange, bind_sip};
use crate::stats::{EngineStats, ShardStats};
use crate::{Clock, NetError, entropy, sys};
use base::limits::{PEER_QUEUE_MAX, SHARD_QUEUE_MAX};
use base::queue::{Receiver, Sender, TrySendError, bounded};
use base::{Duration, Seed, ShardId};
use call::{Command, Event, PeerMessage, Shard, ShardConfig};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::{Deref, RangeInclusive};
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// Shards of one engine: one per core, and the largest machine this is meant for has 64 cores.
pub const SHARDS_MAX: usize = 64;

/// Requests for statistics waiting at one shard: a scrape, a console and a report at once is 3; a shard answers within
/// a tick, so 16 are only ever seen when it stands still.
const REQUESTS_MAX: usize = 16;

/// File descriptors besides media sockets for which room is made: 3 a shard (64 × 3), other engines of the process, the
/// store, HTTP connections.
const FILES_BESIDES: u64 = 2_048;

/// How long `stats` waits for all shards: 500 ticks, so who does not answer stands still.
const STATS_WAIT: std::time::Duration = std::time::Duration::from_millis(500);

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Shard threads, 1 to [`SHARDS_MAX`].
    pub shards: usize,
    /// Where the one SIP socket listens (UDP); port 0 takes any free one.
    pub sip: SocketAddr,
    /// Address that media sockets are bound to.
    pub media_ip: IpAddr,
    /// Address put into SDP, and into SIP when `sip` is bound to all addresses.
    pub media_advertise: IpAddr,
    /// Ports for RTP/RTCP pairs, bound as they are needed; those in use by others are skipped.
    pub ports: RangeInclusive<u16>,
    /// The run's seed; `None` takes one from the system.
    pub seed: Option<Seed>,
    /// User-Agent and Server header.
    pub user_agent: String,
    /// Ties each shard thread to a processor of its own.
    pub pin: bool,
    /// Threads are called by this and the shard's number: `shard` gives `shard-0` (Linux shows 15 bytes).
    pub names: String,
    /// An answered leg that hears nothing for so long is hung up; zero never does.
    pub media_timeout: Duration,
    /// The way to the sockets.
    pub driver: DriverChoice,
    /// Where the shards keep their flight records; `None` keeps none. Read an earlier engine's record (see
    /// [`flight::read`]) before the start, which begins it anew.
    pub flight_dir: Option<PathBuf>,
}

impl Default for EngineConfig {
    /// One unpinned shard on loopback, any SIP port, the better driver that is to be had, no flight record.
    fn default() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        EngineConfig {
            shards: 1,
            sip: SocketAddr::new(loopback, 0),
            media_ip: loopback,
            media_advertise: loopback,
            ports: 20_000..=29_999,
            seed: None,
            user_agent: "outpace".to_owned(),
            pin: false,
            names: "shard".to_owned(),
            media_timeout: ShardConfig::MEDIA_TIMEOUT,
            driver: DriverChoice::Auto,
            flight_dir: None,
        }
    }
}

/// A command that was not taken; nothing of it happened.
#[derive(Clone, Debug)]
pub struct Full {
    /// The command, to try again or to give up.
    pub command: Box<Command>,
    /// Why.
    pub cause: FullCause,
}

/// Why a command was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FullCause {
    /// `SHARD_QUEUE_MAX` commands wait already: the shard is overloaded, or it holds its work back because its events
    /// are not taken.
    QueueFull,
    /// The shard's thread has ended.
    ShardGone,
    /// The engine has no such shard.
    NoSuchShard,
}

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.cause {
            FullCause::QueueFull => "the shard's command queue is full",
            FullCause::ShardGone => "the shard has ended",
            FullCause::NoSuchShard => "there is no such shard",
        })
    }
}

impl std::error::Error for Full {}

/// What comes to a shard from its siblings, by value.
pub(crate) enum PeerItem {
    /// From the other shard's brain.
    Message(PeerMessage),
    /// From the front door: a SIP datagram of a dialog that lives here.
    Sip {
        /// Its sender.
        source: SocketAddr,
        /// As it came.
        bytes: Vec<u8>,
    },
}

/// Ends a shard's long sleep. Nothing is written while the shard ticks: within a millisecond it looks by itself.
pub(crate) struct Wake {
    event: File,
    asleep: AtomicBool,
}

impl Wake {
    pub(crate) fn new() -> std::io::Result<Wake> {
        Ok(Wake { event: sys::eventfd()?, asleep: AtomicBool::new(false) })
    }

    /// Called after something was put into a queue of the shard.
    pub(crate) fn wake(&self) {
        // Pairs with the fence in `sleep`: either the sleeper sees what was queued, or we see that it sleeps.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) && self.asleep.swap(false, Ordering::SeqCst) {
            // It can only fail when the counter would pass 2⁶⁴, and then it can be read, which is all we want.
            let _ = (&self.event).write(&1u64.to_ne_bytes());
        }
    }

    /// The descriptor that is written to.
    pub(crate) fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Lets `rest` sleep, which is given the descriptor and answers whether its sleep was cut short. With `nothing_to_do`
    /// `wake` writes to the descriptor, and the sleep does not begin when that answers false. True when it was cut short.
    pub(crate) fn sleep(
        &self,
        nothing_to_do: Option<impl FnOnce() -> bool>,
        rest: impl FnOnce(BorrowedFd<'_>) -> bool,
    ) -> bool {
        if let Some(nothing_to_do) = nothing_to_do {
            self.asleep.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if !nothing_to_do() {
                self.asleep.store(false, Ordering::SeqCst);
                return true;
            }
        }
        let cut_short = rest(self.event());
        self.asleep.store(false, Ordering::SeqCst);
        if cut_short {
            // Empties the counter. It may be empty again already, or be filled again: both only cost one look too many.
            let _ = (&self.event).read(&mut [0; 8]);
        }
        cut_short
    }
}

/// The near ends of a shard's queues.
pub(crate) struct Inbox {
    pub(crate) commands: Receiver<Command>,
    pub(crate) peers: Receiver<PeerItem>,
    pub(crate) requests: Receiver<Sender<ShardStats>>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) wake: Arc<Wake>,
}

impl Inbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.peers.is_empty() && self.requests.is_empty() && !self.stopped()
    }
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// Where a shard's siblings put things for it.
#[derive(Clone)]
pub(crate) struct PeerDoor {
    pub(crate) queue: Sender<PeerItem>,
    pub(crate) wake: Arc<Wake>,
}

/// The far ends of a shard's queues, for the control plane.
struct ShardDoor {
    commands: Sender<Command>,
    requests: Sender<Sender<ShardStats>>,
    wake: Arc<Wake>,
    /// Set when the thread ended by a panic.
    failed: OnceLock<String>,
}

/// The control plane's grip on a running engine; copies share the engine. It does not keep the engine running.
#[derive(Clone)]
pub struct EngineHandle {
    /// What happens in the engine. Several readers share the events, each event goes to one of them. Must be read: an
    /// engine whose events are not taken stops taking commands and calls.
    pub events: Receiver<(ShardId, Event)>,
    shards: Arc<[ShardDoor]>,
    stop: Arc<AtomicBool>,
    sip: SocketAddr,
    driver: DriverKind,
    /// Why `auto` did not become `ring`.
    fallback: Option<Arc<str>>,
}

impl EngineHandle {
    /// Gives a command to a shard; never waits.
    pub fn command(&self, shard: ShardId, command: Command) -> Result<(), Full> {
        let refused = |command, cause| Err(Full { command: Box::new(command), cause });
        let Some(door) = usize::try_from(shard.0).ok().and_then(|index| self.shards.get(index)) else {
            return refused(command, FullCause::NoSuchShard);
        };
        match door.commands.try_send(command) {
            Ok(()) => {
                door.wake.wake();
                Ok(())
            }
            Err(TrySendError::Full(command)) => refused(command, FullCause::QueueFull),
            Err(TrySendError::Disconnected(command)) => refused(command, FullCause::ShardGone),
        }
    }

    /// Asks every shard for its measurements and waits for the answers, half a second at most. Blocks its thread: from
    /// async code call it where blocking is allowed.
    pub fn stats(&self) -> EngineStats {
        let answers: Vec<Option<Receiver<ShardStats>>> = self
            .shards
            .iter()
            .map(|door| {
                let (answer, reader) = bounded(1);
                door.requests.try_send(answer).ok()?;
                door.wake.wake();
                Some(reader)
            })
            .collect();
        let deadline = std::time::Instant::now() + STATS_WAIT;
        let shards = answers.into_iter().map(|reader| reader?.recv_deadline(deadline).ok()).collect();
        self.gather(shards)
    }

    fn gather(&self, answers: Vec<Option<ShardStats>>) -> EngineStats {
        let fallback = self.fallback.as_deref().map(str::to_owned);
        let mut stats = EngineStats { driver: self.driver, fallback, ..EngineStats::default() };
        for (index, (answer, door)) in answers.into_iter().zip(self.shards.iter()).enumerate() {
            let shard = ShardId(index as u64);
            match answer {
                Some(answer) => stats.shards.push(answer),
                None => stats.silent.push(shard),
            }
            if let Some(message) = door.failed.get() {
                stats.failed.push((shard, message.clone()));
            }
        }
        stats
    }

    /// The first shard, by number, whose thread has ended by a fault, and why (redacted); `None` while all run. Unlike
    /// [`EngineHandle::stats`] it asks no thread: one atomic load a shard, to be called as often as one likes.
    pub fn failed(&self) -> Option<(ShardId, String)> {
        let mut shards = self.shards.iter().enumerate();
        shards.find_map(|(index, door)| Some((ShardId(index as u64), door.failed.get()?.clone())))
    }

    /// Number of shards; they are numbered from 0.
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Which shard the messages of a call come to.
    pub fn front(&self) -> Front {
        Front::new(self.sip, self.shards.len() as u64)
    }

    /// The SIP address as peers reach it, with the port that was really taken.
    pub fn sip_addr(&self) -> SocketAddr {
        self.sip
    }

    /// The driver that runs.
    pub fn driver(&self) -> DriverKind {
        self.driver
    }

    /// Asks all shard threads to end; does not wait. Legs still up are dropped without a word to the far end, so hang
    /// up and wait for their `Ended` first.
    pub fn shutdown(&self) {
        self.stop.store(true, Ordering::Release);
        for door in self.shards.iter() {
            door.wake.wake();
        }
    }
}

/// A running engine. Dropping it ends its threads and closes its sockets.
pub struct Engine {
    handle: EngineHandle,
    threads: Vec<JoinHandle<Option<ShardStats>>>,
}

impl Deref for Engine {
    type Target = EngineHandle;
    fn deref(&self) -> &EngineHandle {
        &self.handle
    }
}

impl Engine {
    /// Binds the sockets and starts the shard threads. When it returns, calls can come in.
    pub fn start(config: EngineConfig) -> Result<Engine, NetError> {
        let shards = config.shards;
        if !(1..=SHARDS_MAX).contains(&shards) {
            return Err(NetError::Config(format!("{shards} shards asked for; 1 to {SHARDS_MAX} are possible")));
        }
        let (first, last) = (*config.ports.start(), *config.ports.end());
        let range = PortRange::new(&config.ports).filter(|range| range.pairs() >= shards).ok_or_else(|| {
            NetError::Config(format!("media ports {first}-{last} hold no RTP/RTCP pair for each shard"))
        })?;
        let files_allowed = sys::raise_file_limit();
        let seed = config.seed.map_or_else(entropy::seed, Ok)?;
        let clock = Clock::new();
        let anchor = clock.anchor();
        let (socket, bound) = bind_sip(config.sip)?;
        let socket = Arc::new(socket);
        // Two sockets a pair; a refusal (nothing so high is free under the limit) leaves the table to grow by steps.
        let files = (range.pairs() as u64 * 2 + FILES_BESIDES).min(files_allowed);
        let _ = sys::reserve_files(socket.as_fd(), files);
        let sip =
            if bound.ip().is_unspecified() { SocketAddr::new(config.media_advertise, bound.port()) } else { bound };
        let os = |what| move |error| NetError::Os { what, error };
        let (rings, fallback) = match config.driver {
            DriverChoice::Poll => (None, None),
            choice => match (0..shards).map(|index| RingIo::new((index == 0).then(|| Arc::clone(&socket)))).collect() {
                Ok(rings) => (Some::<Vec<RingIo>>(rings), None),
                Err(error) if choice == DriverChoice::Ring => return Err(NetError::NoRing(ring::cannot(&error))),
                Err(error) => {
                    let why = ring::cannot(&error);
                    tracing::warn!(why, "driver poll instead of ring");
                    (None, Some(why))
                }
            },
        };
        let (events_in, events) = bounded(SHARD_QUEUE_MAX * shards);
        let stop = Arc::new(AtomicBool::new(false));
        let mut inboxes = Vec::with_capacity(shards);
        let mut peers = Vec::with_capacity(shards);
        let mut doors = Vec::with_capacity(shards);
        for _ in 0..shards {
            let wake = Arc::new(Wake::new().map_err(os("eventfd"))?);
            let (commands_in, commands) = bounded(SHARD_QUEUE_MAX);
            let (peers_in, peers_out) = bounded(PEER_QUEUE_MAX);
            let (requests_in, requests) = bounded(REQUESTS_MAX);
            peers.push(PeerDoor { queue: peers_in, wake: Arc::clone(&wake) });
            doors.push(ShardDoor {
                commands: commands_in,
                requests: requests_in,
                wake: Arc::clone(&wake),
                failed: OnceLock::new(),
            });
            inboxes.push(Inbox { commands, peers: peers_out, requests, stop: Arc::clone(&stop), wake });
        }
        let driver = if rings.is_some() { DriverKind::Ring } else { DriverKind::Poll };
        let handle =
            EngineHandle { events, shards: doors.into(), stop, sip, driver, fallback: fallback.map(Arc::from) };

        let mut parts = Vec::with_capacity(shards);
        for (index, inbox) in inboxes.into_iter().enumerate() {
            let id = ShardId(index as u64);
            let mut about = ShardConfig::new(id, sip, config.media_advertise, &config.user_agent);
            about.media_timeout = config.media_timeout;
            let shard = Shard::new(about, seed, anchor);
            let media = MediaPorts::new(config.media_ip, range, index, shards);
            let front = handle.front();
            let doors = Doors { inbox, peers: peers.clone(), events: events_in.clone(), front };
            parts.push(Parts { id, clock, shard, sip: Arc::clone(&socket), media, doors });
        }
        // All sockets first, so that a fault leaves no thread behind.
        let mut bodies: Vec<Body> = Vec::with_capacity(shards);
        if let Some(rings) = rings {
            for (parts, io) in parts.into_iter().zip(rings) {
                bodies.push(drive(io, parts, (first, last))?);
            }
        } else {
            for (index, parts) in parts.into_iter().enumerate() {
                let front = (index == 0).then(|| Arc::clone(&socket));
                let io = PollIo::new(front).map_err(os("epoll_create1"))?;
                bodies.push(drive(io, parts, (first, last))?);
            }
        }
        // Last, so that a start that fails leaves the record of an earlier engine as it was.
        let flights = begin_flights(config.flight_dir.as_deref(), shards)?;
        let mut engine = Engine { handle, threads: Vec::with_capacity(shards) };
        for ((index, body), flight) in bodies.into_iter().enumerate().zip(flights) {
            let name = format!("{}-{index}", config.names);
            let pin = config.pin.then_some(index);
            let doors = Arc::clone(&engine.handle.shards);
            let body = move || guarded(&doors[index].failed, || body(pin, flight));
            let thread = std::thread::Builder::new().name(name).spawn(body);
            // On a fault the engine's drop ends the threads that started before.
            engine.threads.push(thread.map_err(os("starting a shard thread"))?);
        }
        Ok(engine)
    }

    /// A grip on the engine for another thread.
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// Ends all shard threads, waits for them and returns their last measurements. See [`EngineHandle::shutdown`].
    pub fn shutdown(mut self) -> EngineStats {
        self.handle.shutdown();
        let answers = self.threads.drain(..).map(|thread| thread.join().ok().flatten()).collect();
        self.handle.gather(answers)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.handle.shutdown();
        for thread in self.threads.drain(..) {
            // A panic was caught at the thread's top and is in `failed` already.
            let _ = thread.join();
        }
    }
}

/// What a shard thread runs; it is given the processor it is tied to and its flight record.
type Body = Box<dyn FnOnce(Option<usize>, Option<FlightFile>) -> std::io::Result<ShardStats> + Send>;

/// An empty flight record for each shard, where records are kept.
fn begin_flights(dir: Option<&Path>, shards: usize) -> Result<Vec<Option<FlightFile>>, NetError> {
    let Some(dir) = dir else { return Ok((0..shards).map(|_| None).collect()) };
    let files = flight::begin_anew(dir)
        .and_then(|()| (0..shards).map(|shard| FlightFile::create(dir, shard as u64).map(Some)).collect());
    files.map_err(|error| NetError::Flight { dir: dir.to_owned(), error })
}

/// Makes the driver over `io` and binds its first ports, which lie between the two given.
fn drive<I: Io + Send + 'static>(io: I, parts: Parts, (first, last): (u16, u16)) -> Result<Body, NetError> {
    let mut driver = Driver::new(io, parts);
    if driver.bind_first_ports() == 0 {
        return Err(NetError::NoPorts { first, last, error: driver.take_bind_error() });
    }
    Ok(Box::new(move |pin, flight| driver.run(pin, flight)))
}

/// A shard thread from top to end. A panic of the loop itself (those of the brain it has taken already) ends the shard and
/// not the process: it is logged and kept for `stats`, and the shard's sockets close with what `body` owns.
fn guarded(failed: &OnceLock<String>, body: impl FnOnce() -> std::io::Result<ShardStats>) -> Option<ShardStats> {
    let why = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(stats)) => return Some(stats),
        Ok(Err(error)) => format!("the driver could not begin: {error}"),
        Err(panic) => redacted(text_of(&*panic)),
    };
    tracing::error!(why, "a shard has ended");
    // Only this thread ever sets its own cell.
    let _ = failed.set(why);
    None
}

#[cfg(test)]
mod tests;
