//! Floor 6: the least that a process must do to play N streams and hear N streams, and nothing else. What the engine
//! costs is divided by what this costs, in the same minute on the same machine: a figure that travels.
//!
//! ```text
//!  thread k:  sleep to the next whole millisecond
//!             ├─> 5 % of its streams are due: header, 160 bytes of prompt, send     (20 slots of 1 ms)
//!             └─> whatever has arrived is read and forgotten
//! ```
//!
//! **The same socket mode as the driver in use.** `poll`: one unconnected UDP socket a stream, level-triggered epoll, one
//! `sendto` and one `recvfrom` a packet. `ring`: the driver's own io_uring with nothing above it ([`net::BareRing`]). Both do
//! everything on a tick of a millisecond, in a thread of the same scheduling class.
//!
//! **Invariants.** Allocates nothing once it runs. Streams leave on their own 20 ms grid; after a stall the missed slots
//! are sent at once, as the engine does. Absent: SIP, RTCP, jitter buffers, statistics, checks of any kind.
//!
//! **Units.** Packets of 172 bytes (12 + 160 of G.711), 50 a second each way; ports are UDP ports.

mod poll;
mod ring;
mod streams;

use net::Clock;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// Bytes of a frame: 20 ms at 8 kHz, one byte a sample.
pub const FRAME_BYTES: usize = 160;

/// Most streams: one UDP port each, of the 28,000 that a system lends by default.
pub const STREAMS_MAX: usize = 20_000;

/// How sockets are driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// epoll, `sendto`, `recvfrom`.
    Poll,
    /// io_uring: multishot receive, batched sends, one wait that paces and reaps.
    Ring,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Config {
    /// How sockets are driven.
    pub mode: Mode,
    /// Threads; each drives its share of the streams.
    pub threads: usize,
    /// Streams, 1 to [`STREAMS_MAX`].
    pub streams: usize,
    /// Address to bind to.
    pub ip: IpAddr,
    /// Where stream i is sent: `to[i % to.len()]`; not empty.
    pub to: Vec<SocketAddr>,
    /// What is sent, over and over: payload of whole frames, at least one.
    pub prompt: Vec<u8>,
}

/// Packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Handed to the kernel.
    pub sent: u64,
    /// Read.
    pub received: u64,
}

/// What one thread tells the others; written once a tick.
#[derive(Default)]
struct Told {
    sent: AtomicU64,
    received: AtomicU64,
}

/// One thread's streams.
struct Share {
    sockets: Vec<UdpSocket>,
    to: Vec<SocketAddr>,
    prompt: Arc<[u8]>,
    told: Arc<Told>,
    stop: Arc<AtomicBool>,
    clock: Clock,
}

impl Share {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn tell(&self, sent: u64, received: u64) {
        self.told.sent.store(sent, Ordering::Relaxed);
        self.told.received.store(received, Ordering::Relaxed);
    }

    fn until_next_tick_ns(&self) -> u64 {
        let now = self.clock.now().as_ns();
        (now / streams::TICK_NS + 1) * streams::TICK_NS - now
    }
}

/// Loops at work. Dropping it ends them.
pub struct Floor {
    ports: Vec<u16>,
    told: Vec<Arc<Told>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Floor {
    /// Binds the sockets and starts sending.
    ///
    /// # Errors
    /// `InvalidInput` for a configuration without streams, threads, targets or frames; what the system says when
    /// sockets or threads cannot be had.
    pub fn start(config: &Config) -> io::Result<Floor> {
        let sound = (1..=STREAMS_MAX).contains(&config.streams)
            && (1..=config.streams).contains(&config.threads)
            && !config.to.is_empty()
            && config.prompt.len() >= FRAME_BYTES
            && config.prompt.len().is_multiple_of(FRAME_BYTES);
        if !sound {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "the floor loop needs 1 to {STREAMS_MAX} streams, no more threads than streams, a target and whole frames; got {} streams, {} threads, {} targets, {} prompt bytes",
                    config.streams,
                    config.threads,
                    config.to.len(),
                    config.prompt.len()
                ),
            ));
        }
        let prompt: Arc<[u8]> = config.prompt.as_slice().into();
        let stop = Arc::new(AtomicBool::new(false));
        let mut shares: Vec<Share> = (0..config.threads)
            .map(|_| Share {
                sockets: Vec::new(),
                to: Vec::new(),
                prompt: Arc::clone(&prompt),
                told: Arc::default(),
                stop: Arc::clone(&stop),
                clock: Clock::new(),
            })
            .collect();
        let mut ports = Vec::with_capacity(config.streams);
        for stream in 0..config.streams {
            let socket = UdpSocket::bind(SocketAddr::new(config.ip, 0))?;
            socket.set_nonblocking(true)?;
            ports.push(socket.local_addr()?.port());
            let share = &mut shares[stream % config.threads];
            share.sockets.push(socket);
            share.to.push(config.to[stream % config.to.len()]);
        }
        let told = shares.iter().map(|share| Arc::clone(&share.told)).collect();
        let mut floor = Floor { ports, told, stop, threads: Vec::with_capacity(config.threads) };
        for (index, share) in shares.into_iter().enumerate() {
            let thread = std::thread::Builder::new().name(format!("floor-{index}"));
            // On a fault the drop ends those that run.
            floor.threads.push(match config.mode {
                Mode::Poll => {
                    let body = poll::Loop::new(share)?;
                    thread.spawn(move || body.run())?
                }
                Mode::Ring => {
                    let body = ring::Loop::new(share)?;
                    thread.spawn(move || body.run())?
                }
            });
        }
        Ok(floor)
    }

    /// The port of each stream, in order.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Packets so far, all threads together; up to a millisecond old.
    pub fn counts(&self) -> Counts {
        self.told.iter().fold(Counts::default(), |sum, told| Counts {
            sent: sum.sent + told.sent.load(Ordering::Relaxed),
            received: sum.received + told.received.load(Ordering::Relaxed),
        })
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            // A loop has nothing that could panic; if it did, its message is on stderr already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
