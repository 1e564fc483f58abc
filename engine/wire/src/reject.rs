//! Why bytes were refused: one small enum for every format of this room.

use crate::sip::HeaderName;
use std::fmt;

/// Why a parser of this room refused its input. Small, `Copy`, and never carries bytes of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reject {
    /// Only line ends or NULs: a keep-alive (RFC 5626 §3.5.1 and habit); nothing to answer.
    Keepalive,
    /// Larger than the format's limit.
    TooLong,
    /// Ended before it was complete (also: Content-Length beyond the datagram).
    Truncated,
    /// The first line is neither a request line nor a status line.
    StartLine,
    /// The SIP version is not 2.0 (answer 505), or the RTP/RTCP/SDP version is unknown.
    Version,
    /// A status code outside 100..=699.
    StatusCode,
    /// A method that is no token or longer than [`crate::sip::METHOD_BYTES_MAX`].
    Method,
    /// More header lines than [`crate::sip::HEADERS_MAX`].
    TooManyHeaders,
    /// More Via values than [`crate::sip::VIAS_MAX`].
    TooManyVias,
    /// More parameters than [`crate::sip::PARAMS_MAX`], or more items than the format's limit.
    TooManyItems,
    /// One header longer than [`crate::sip::HEADER_BYTES_MAX`].
    HeaderTooLong,
    /// Content-Length is no number, or given twice with different values.
    ContentLength,
    /// A header that the message needs is absent.
    Missing(HeaderName),
    /// A header that may stand once stands more often.
    Duplicate(HeaderName),
    /// A header whose value does not follow its grammar.
    Malformed(HeaderName),
    /// CSeq names another method than the request line (RFC 3261 §8.1.1.5).
    MethodMismatch,
    /// Not a usable URI.
    Uri,
    /// Not a usable name-addr or addr-spec.
    NameAddr,
    /// Not a usable Via value.
    Via,
    /// Not a digest challenge or credentials that we understand.
    Digest,
    /// SDP that is not understood; the byte is the type letter of the line at fault.
    Sdp(u8),
    /// RTP padding or header fields that do not fit the packet.
    Rtp,
    /// An RTCP compound whose lengths or types do not fit.
    Rtcp,
    /// A telephone-event payload that is not four bytes long.
    Dtmf,
    /// The output buffer is too small for what is to be written.
    NoRoom,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reject::Keepalive => f.write_str("keep-alive, no message"),
            Reject::TooLong => f.write_str("longer than the limit"),
            Reject::Truncated => f.write_str("ends too early"),
            Reject::StartLine => f.write_str("neither a request line nor a status line"),
            Reject::Version => f.write_str("unsupported version"),
            Reject::StatusCode => f.write_str("status code outside 100..=699"),
            Reject::Method => f.write_str("method is no token or too long"),
            Reject::TooManyHeaders => f.write_str("too many header lines"),
            Reject::TooManyVias => f.write_str("too many Via values"),
            Reject::TooManyItems => f.write_str("too many items"),
            Reject::HeaderTooLong => f.write_str("header too long"),
            Reject::ContentLength => f.write_str("Content-Length is no number or contradicts itself"),
            Reject::Missing(name) => write!(f, "{} is missing", name.as_str()),
            Reject::Duplicate(name) => write!(f, "{} stands more than once", name.as_str()),
            Reject::Malformed(name) => write!(f, "{} is malformed", name.as_str()),
            Reject::MethodMismatch => f.write_str("CSeq names another method than the request line"),
            Reject::Uri => f.write_str("malformed URI"),
            Reject::NameAddr => f.write_str("malformed address"),
            Reject::Via => f.write_str("malformed Via"),
            Reject::Digest => f.write_str("malformed digest header"),
            Reject::Sdp(line) => write!(f, "malformed SDP line {}=", char::from(*line).escape_default()),
            Reject::Rtp => f.write_str("malformed RTP packet"),
            Reject::Rtcp => f.write_str("malformed RTCP compound"),
            Reject::Dtmf => f.write_str("malformed telephone event"),
            Reject::NoRoom => f.write_str("output buffer too small"),
        }
    }
}

impl std::error::Error for Reject {}
