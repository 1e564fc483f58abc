//! Floor 3: one leg's media. RTP timeline and statistics, jitter buffer, prompts, digits.
//!
//! ```text
//!  datagram ──> session::RtpSession::receive ──> Received ──┬─ telephone-event ──> dtmf::DtmfReceiver ──> digit
//!               (source lock, statistics)                   └─ audio ──> jitter::JitterBuffer::insert
//!  every PTIME: jitter pop ──> (answer detection listens here) ──> law to law ──> the other leg's write_audio
//!               Player / other leg / silence / DtmfSender ──> RtpSession::write_* ──> bytes to send
//! ```
//!
//! **Invariants.** A leg's outgoing timeline (SSRC, sequence, timestamp) never breaks, whatever feeds it. After
//! construction nothing on the packet path allocates (`tests/no_alloc.rs` counts). Only the address that signalling
//! named is heard. No sockets, clocks, threads or OS randomness: `now` and a `base::Stream` come in. Not here yet:
//! loss concealment (a missing frame is played as silence), mixing, recording, SRTP, any codec but G.711.
//!
//! **Units.** One frame is 20 ms = 160 samples at 8 kHz = 160 payload bytes; RTP timestamps count samples.

pub mod dtmf;
pub mod jitter;
pub mod playout;
pub mod session;

use base::Duration;

/// How often every leg sends and plays a packet.
pub const PTIME: Duration = Duration::from_ms(20);

/// Samples, and with G.711 payload bytes, of one frame.
pub const FRAME_SAMPLES: usize = 160;

/// RTP clock of everything here, in Hz (RFC 3551 §4.5.14 for G.711, RFC 4733 §2.1 for events beside it).
pub const CLOCK_HZ: u32 = 8_000;

pub use codecs::g711::Law;
