//! SDP (RFC 8866) as trunks use it for offers and answers (RFC 3264): parse, look, print. Deciding is `call`'s work.
//!
//! ```text
//!  v= o= s= [c=] t= [a=…]            ──> Sdp { origin, connection, attributes }
//!  m=audio 4000 RTP/AVP 0 8 101 …    ──> Media { port, formats, rtpmap, fmtp, ptime, direction, … }
//! ```
//! Kept: everything a media plan needs, other attributes word for word. Not kept: `i= u= e= p= b= k= r= z=`, the time.
//! Text that is no UTF-8 is taken with replacement characters. Line ends may be CR LF or LF.

use crate::Reject;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

mod parse;
mod print;

#[cfg(test)]
mod tests;

/// Longest session description: WebRTC offers reach about 10 kB; the rest of a datagram stays for the head.
pub const SDP_BYTES_MAX: usize = 60_000;

/// Media lines: a trunk offers 1 to 3 (audio, video, image); five times that.
pub const MEDIA_MAX: usize = 16;

/// Attributes of one level that are kept: an ICE offer has about 30 candidates; four times that.
pub const ATTRIBUTES_MAX: usize = 128;

/// Formats of one media line: RTP payload types have 7 bits (RFC 3550 §5.1).
pub const FORMATS_MAX: usize = 128;

/// A session description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sdp {
    /// `o=`.
    pub origin: Origin,
    /// `s=`; printed as `-` when empty.
    pub name: String,
    /// Session-level `c=`.
    pub connection: Option<Host>,
    /// Session-level attributes other than direction, as `name` or `name:value`.
    pub attributes: Vec<String>,
    /// Media lines in order; the order is the key between offer and answer.
    pub media: Vec<Media>,
}

/// `o=`: who made this description, and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// User name, `-` when none.
    pub user: String,
    /// Names the session; numbers beyond 64 bits are read as the largest.
    pub sess_id: u64,
    /// Grows by one with each change (RFC 3264 §8).
    pub sess_version: u64,
    /// Address of the maker; never used as a destination.
    pub addr: Host,
}

/// An address as SDP writes it: numeric, or a name, which we keep but never look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A numeric address.
    Ip(IpAddr),
    /// A name.
    Name(String),
}

impl Host {
    /// The numeric address; `None` for a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Ip(ip) => Some(*ip),
            Host::Name(_) => None,
        }
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Host {
        Host::Ip(ip)
    }
}

/// The `<media>` word of a media line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaKind {
    /// `audio`.
    Audio,
    /// Anything else, as written.
    Other(String),
}

/// Who sends (RFC 3264 §5.1), seen from the maker of the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways; meant when nothing is said.
    #[default]
    SendRecv,
    /// The maker only sends: the other side is on hold.
    SendOnly,
    /// The maker only listens.
    RecvOnly,
    /// Nothing flows.
    Inactive,
}

impl Direction {
    /// The attribute's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// `None` when `name` is no direction.
    pub fn parse(name: &str) -> Option<Direction> {
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
            .into_iter()
            .find(|d| d.as_str() == name)
    }

    /// The same flow seen from the other side.
    #[must_use]
    pub const fn reversed(self) -> Direction {
        match self {
            Direction::SendOnly => Direction::RecvOnly,
            Direction::RecvOnly => Direction::SendOnly,
            same => same,
        }
    }
}

/// `a=rtpmap`: what a payload type means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpMap {
    /// Encoding name as written; compare without regard to case.
    pub encoding: String,
    /// RTP clock in Hz.
    pub clock: u32,
    /// Audio channels, 1 when not said.
    pub channels: u8,
}

/// One media line with its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Audio or something else.
    pub kind: MediaKind,
    /// RTP port; 0 refuses or ends the stream.
    pub port: u16,
    /// Transport, such as `RTP/AVP`.
    pub proto: String,
    /// RTP payload types in order of preference; empty when the formats are no payload types.
    pub formats: Vec<u8>,
    /// The formats as written when they are no RTP payload types (`t38`), to be repeated in a refusal; else `None`.
    pub other_formats: Option<String>,
    /// Media-level `c=`.
    pub connection: Option<Host>,
    /// What the payload types mean.
    pub rtpmap: BTreeMap<u8, RtpMap>,
    /// Format parameters by payload type.
    pub fmtp: BTreeMap<u8, String>,
    /// Packet time in ms (a fraction is cut off).
    pub ptime: Option<u32>,
    /// The stream's own direction, else the session's, else both ways.
    pub direction: Direction,
    /// `a=rtcp` port when it is not RTP's plus one (RFC 3605).
    pub rtcp_port: Option<u16>,
    /// RTP and RTCP on one port (RFC 5761).
    pub rtcp_mux: bool,
    /// All other attributes in order, as `name` or `name:value`.
    pub attributes: Vec<String>,
}

/// The codecs of the skeleton, by their static payload types (RFC 3551 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
}

impl Codec {
    /// All codecs.
    pub const ALL: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];

    /// 0 or 8.
    pub const fn payload_type(self) -> u8 {
        match self {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
        }
    }

    /// The name in `a=rtpmap`.
    pub const fn encoding(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    /// RTP clock in Hz, which is the sample rate of G.711.
    pub const fn clock(self) -> u32 {
        8_000
    }

    /// The codec of a static payload type.
    pub fn of_payload_type(payload_type: u8) -> Option<Codec> {
        Codec::ALL.into_iter().find(|c| c.payload_type() == payload_type)
    }
}

impl Sdp {
    /// # Errors
    /// `TooLong`, `TooManyItems` beyond the limits of this module; `Version` unless the first line is `v=0`; `Sdp(letter)`
    /// for a line that breaks its grammar; `Truncated` when `o=` is missing.
    pub fn parse(bytes: &[u8]) -> Result<Sdp, Reject> {
        parse::parse(bytes)
    }

    /// Prints the description with CR LF line ends. Line ends and NULs inside values are left out, so no value can add a
    /// line.
    pub fn to_bytes(&self) -> Vec<u8> {
        print::print(self)
    }

    /// The first audio line.
    pub fn audio(&self) -> Option<&Media> {
        self.media.iter().find(|m| m.kind == MediaKind::Audio)
    }
}

impl Media {
    /// An audio line over `RTP/AVP` with nothing in it yet but its port.
    pub fn audio(port: u16) -> Media {
        Media {
            kind: MediaKind::Audio,
            port,
            proto: "RTP/AVP".into(),
            formats: Vec::new(),
            other_formats: None,
            connection: None,
            rtpmap: BTreeMap::new(),
            fmtp: BTreeMap::new(),
            ptime: None,
            direction: Direction::default(),
            rtcp_port: None,
            rtcp_mux: false,
            attributes: Vec::new(),
        }
    }

    /// Adds a codec under its static payload type, with its rtpmap.
    pub fn add_codec(&mut self, codec: Codec) {
        self.add_format(codec.payload_type(), codec.encoding(), codec.clock());
    }

    /// Adds telephone-event for the digits 0–15 under a dynamic payload type.
    pub fn add_telephone_event(&mut self, payload_type: u8) {
        self.add_format(payload_type, "telephone-event", 8_000);
        self.fmtp.insert(payload_type, "0-15".into());
    }

    fn add_format(&mut self, payload_type: u8, encoding: &str, clock: u32) {
        self.formats.push(payload_type);
        self.rtpmap.insert(payload_type, RtpMap { encoding: encoding.into(), clock, channels: 1 });
    }

    /// Where RTP goes: the line's own connection, else the session's. `None` when there is none or it is a name.
    /// `0.0.0.0` is the old way to put a call on hold (RFC 3264 §8.4).
    pub fn addr(&self, session: &Sdp) -> Option<IpAddr> {
        self.connection.as_ref().or(session.connection.as_ref())?.ip()
    }

    /// True when the other side must not be sent media: by direction, by `0.0.0.0` or `::`, or because the port is 0.
    pub fn is_hold(&self, session: &Sdp) -> bool {
        matches!(self.direction, Direction::SendOnly | Direction::Inactive)
            || self.port == 0
            || self.addr(session).is_some_and(|address| address.is_unspecified())
    }

    /// What a payload type means here: its rtpmap, else its static meaning.
    pub fn codec_of(&self, payload_type: u8) -> Option<Codec> {
        match self.rtpmap.get(&payload_type) {
            Some(map) => Codec::ALL.into_iter().find(|c| {
                map.encoding.eq_ignore_ascii_case(c.encoding()) && map.clock == c.clock() && map.channels == 1
            }),
            None => Codec::of_payload_type(payload_type),
        }
    }

    /// The codecs on offer with their payload types, in the line's order.
    pub fn codecs(&self) -> impl Iterator<Item = (u8, Codec)> {
        self.formats.iter().filter_map(|pt| Some((*pt, self.codec_of(*pt)?)))
    }

    /// The payload type of telephone-event at 8 kHz.
    pub fn telephone_event(&self) -> Option<u8> {
        self.formats.iter().copied().find(|pt| {
            self.rtpmap.get(pt).is_some_and(|m| m.encoding.eq_ignore_ascii_case("telephone-event") && m.clock == 8_000)
        })
    }
}

impl fmt::Display for Sdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}
