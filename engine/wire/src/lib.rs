//! Floor 2: the bytes of the telephone wire. Parse and print SIP, SDP, RTP, RTCP and telephone events; no state.
//!
//! ```text
//!  datagram ──> sip::Message ──┬─> NameAddr, Uri, Via, Challenge   (borrowed views, parsed on demand)
//!                              └─> body ──> sdp::Sdp
//!  datagram ──> rtp::looks_like_rtcp ──> rtp::RtpView ──> payload ──> dtmf::TelephoneEvent
//!                              └───────> rtcp::parse ──> items
//!  sip::Builder, Sdp::to_bytes, RtpHeader::write, rtcp::write_report ──> datagram
//! ```
//!
//! **Invariants.** Bytes stay bytes: nothing here assumes UTF-8. Any input gives a value or a [`Reject`], never a panic,
//! in time linear in its length. Every count and length has a named limit. RTP and telephone events are read and
//! written without allocation; RTCP (a packet in 5 s a leg), SIP and SDP allocate. Absent: transactions, dialogs, offer/answer, jitter, timers, sockets; those are the
//! work of `sip`, `call`, `media` and `net`. `rtp-rs` is named only in [`rtp`], `rtcp-types` only in [`rtcp`].
//!
//! **Units.** Lengths and offsets are bytes; RTP times are ticks of the payload's clock (8,000 a second for G.711).

pub mod dtmf;
#[cfg(any(test, feature = "exercise"))]
pub mod exercise;
pub mod reject;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod sip;

pub use reject::Reject;
