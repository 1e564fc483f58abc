//! SIP messages (RFC 3261 §7, §25): bytes kept, offsets stored, views parsed on demand.
//!
//! [`Message::parse_datagram`] finds lines and headers in one walk and stores `u16` offsets; what a header *means* is
//! parsed when asked for ([`NameAddr`], [`Via`], [`Uri`], [`Challenge`]). So a header nobody reads costs its bytes, and a
//! broken one hurts only who reads it. Faults that a request should be told about (400, 505) are found by
//! [`Message::validate`]; a message too broken to parse at all can still be answered with [`Message::parse_for_refusal`].
//!
//! Tolerated on purpose: bytes that are no UTF-8, a missing Content-Length, folded lines, compact names, bare LF, line
//! ends before the start line, blanks before the colon, blanks around the start line's parts, lines without a colon
//! (skipped and counted), unknown methods and schemes, `sip/2.0` in any case. A bare CR is an ordinary byte.

mod addr;
mod auth;
mod builder;
mod header;
mod message;
mod method;
mod params;
mod reason;
mod text;
mod via;

pub use addr::{NameAddr, Uri};
pub use auth::{Algorithm, Challenge, Credentials, QopSet};
pub use builder::Builder;
pub use header::HeaderName;
pub use message::{Message, peek_call_id};
pub use method::{Method, MethodName};
pub use params::Params;
pub use reason::reason_phrase;
pub use text::{quoted, split_commas, unescape, unfold};
pub use via::Via;

#[cfg(test)]
mod tests;

/// Longest message: a whole datagram. Offsets are `u16`, which 65,507 fits.
pub const MESSAGE_BYTES_MAX: usize = base::limits::DATAGRAM_BYTES_MAX;
const _: () = assert!(MESSAGE_BYTES_MAX <= u16::MAX as usize);

/// Header lines of one message: 10 hops × (Via + Record-Route) = 20, an INVITE's own 20, a trunk's private ones 20:
/// 60; twice that, rounded up. 128 × 10 bytes of offsets = 1.3 kB.
pub const HEADERS_MAX: usize = 128;

/// One header with its folds: a signed Identity (RFC 8224) with its certificate URL is under 2 kB; four times that.
pub const HEADER_BYTES_MAX: usize = 8_192;

/// Via values of one message: a request starts with Max-Forwards 70 (RFC 3261 §8.1.1.6), each hop adds one, plus ours.
pub const VIAS_MAX: usize = 71;

/// Parameters of one address, URI or Via: RFC 3261 defines 12 in all, IMS adds about 20; twice that.
pub const PARAMS_MAX: usize = 64;

/// Longest method name: the longest registered is SUBSCRIBE (9), the longest in RFC 4475 has 43.
pub const METHOD_BYTES_MAX: usize = 48;
