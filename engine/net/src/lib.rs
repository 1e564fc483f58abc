//! Floor 5: the operating system's side of the engine. Sockets, the clock, entropy, threads, and the loop that carries a
//! [`call::Shard`] through real time, over either of two ways to the sockets: `ring` (io_uring) and `poll` (epoll).
//!
//! ```text
//!  control plane ── Command ──> [queue] ──> shard-0 thread: Shard + drive + (ring | poll) ──> RTP/RTCP socket pairs
//!        ^                                     ^   |  reads the one SIP socket, forwards by Call-ID
//!        |                                     |   v  peer queues (frames, SIP datagrams)
//!        └──────── (ShardId, Event) <────── shard-1 … shard-N: same loop, own ports, send on the same SIP socket
//!                                              └──> flight-N.bin: whom to hang up if this process is killed
//! ```
//!
//! **The tick.** A shard with legs wakes once a millisecond, on whole milliseconds of [`base::Instant`], and then does
//! everything: due media leaves first, then queues and sockets are read. Not waking for each arrival halves the cost of
//! receiving; a media grid laid on whole milliseconds is met to the wake-up latency of the thread. A shard without legs
//! stretches the tick to its next timer, 10 ms at most; a command, a peer message or a request wakes it at once, under
//! `ring` also an arrival.
//!
//! **Two drivers, one loop** (ADR-0005). `drive` holds all that is not input or output: due media, queues, timers,
//! statistics, the front door. `io::Io` is what it asks of the kernel. The same tests run over both. Which one runs is
//! [`EngineConfig::driver`]'s to say; `auto` takes `poll` where `ring` is not to be had and keeps the reason in
//! [`EngineStats::fallback`].
//!
//! **Invariants.** A shard thread never blocks but in its one sleep. Every queue is bounded ([`base::limits`] and the
//! constants of [`runtime`], `drive` and `ring`): a full command queue refuses the sender, a full event queue holds the
//! shard's events back and then stops new work, a full peer queue drops audio and SIP datagrams (which are resent) and
//! counts them. Nothing a peer sends can stop the loop. A panic in the brain costs the leg that was worked on
//! (ADR-0006). Handling media allocates nothing. A leg's answer is in the flight record before its ACK leaves. All
//! `unsafe` of the room stands in the modules `sys` and `ring::uring`, each block with its proof. Absent: TCP, TLS,
//! GSO/GRO, connected sockets, SEND_ZC, SQPOLL, registered files.
//!
//! **Units.** `_us` microseconds, `_ns` nanoseconds, `_bytes` bytes; lateness is the return of the send or submit call
//! minus the packet's own due moment.

pub mod clock;
mod drive;
pub mod driver;
pub mod entropy;
pub mod flight;
pub mod front;
mod io;
mod meter;
mod poll;
mod ring;
pub mod runtime;
pub mod sched;
mod sockets;
pub mod stats;
// Sockets in batches, epoll, the clock and scheduling have no safe wrapper in the dependency set, so one module makes the
// calls and offers safe functions to the rest; elsewhere in the room `unsafe` is denied as in the whole workspace.
#[allow(unsafe_code)]
mod sys;

mod error;

pub use clock::Clock;
pub use driver::{DriverChoice, DriverKind};
pub use error::NetError;
pub use ring::BareRing;
pub use runtime::{Engine, EngineConfig, EngineHandle, Full, FullCause};
pub use sched::{Sched, be_background};
pub use stats::{EngineStats, ShardStats};
