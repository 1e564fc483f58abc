//! RTP packets (RFC 3550 §5.1). The library `rtp-rs` reads; the fixed header is written here, in place.

use crate::Reject;
use rtp_rs::RtpReader;

/// Bytes of a header without contributing sources and extension.
pub const HEADER_BYTES: usize = 12;

/// A checked packet, borrowed: all lengths inside it fit.
pub struct RtpView<'a> {
    reader: RtpReader<'a>,
}

impl<'a> RtpView<'a> {
    /// Allocates nothing.
    ///
    /// # Errors
    /// `Truncated` below 12 bytes or where sources or the extension do not fit; `Version` unless 2; `Rtp` for padding
    /// that does not fit.
    pub fn parse(bytes: &'a [u8]) -> Result<RtpView<'a>, Reject> {
        use rtp_rs::RtpReaderError as E;
        RtpReader::new(bytes).map(|reader| RtpView { reader }).map_err(|error| match error {
            E::BufferTooShort(_) | E::HeadersTruncated { .. } => Reject::Truncated,
            E::UnsupportedVersion(_) => Reject::Version,
            E::PaddingLengthInvalid(_) => Reject::Rtp,
        })
    }

    /// 0..=127.
    pub fn payload_type(&self) -> u8 {
        self.reader.payload_type()
    }

    /// First packet of a talk spurt or of a telephone event (RFC 3551 §4.1, RFC 4733 §2.2).
    pub fn marker(&self) -> bool {
        self.reader.mark()
    }

    /// Wraps at 65,536.
    pub fn sequence(&self) -> u16 {
        self.reader.sequence_number().into()
    }

    /// In ticks of the payload's clock; wraps at 2³².
    pub fn timestamp(&self) -> u32 {
        self.reader.timestamp()
    }

    /// Synchronisation source.
    pub fn ssrc(&self) -> u32 {
        self.reader.ssrc()
    }

    /// What is carried: behind sources and extension, without padding. May be empty.
    pub fn payload(&self) -> &'a [u8] {
        self.reader.payload()
    }
}

/// The fixed header of a packet that we send: version 2, no padding, extension or contributing sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// 0..=127; higher bits are dropped.
    pub payload_type: u8,
    /// First packet of a talk spurt or telephone event.
    pub marker: bool,
    /// Wraps at 65,536.
    pub sequence: u16,
    /// In ticks of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl RtpHeader {
    /// Writes the 12 bytes to the front of `out` and returns 12; writes nothing and returns 0 when `out` is shorter.
    /// Allocates nothing.
    pub fn write(&self, out: &mut [u8]) -> usize {
        let Some(out) = out.first_chunk_mut::<HEADER_BYTES>() else { return 0 };
        out[0] = 2 << 6;
        out[1] = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        out[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        HEADER_BYTES
    }
}

/// True when a datagram on a port that carries both is RTCP: version 2 and packet type 192..=223 (RFC 5761 §4). RTP
/// payload types 64..=95 with the marker would look alike, so nobody may use them there.
pub fn looks_like_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [first, kind, _, _, ..] if first >> 6 == 2 && (192..=223).contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: RtpHeader =
        RtpHeader { payload_type: 101, marker: true, sequence: 65_535, timestamp: 0xfffe_0001, ssrc: 0xdead_beef };

    #[test]
    fn what_is_written_is_read() {
        let mut packet = [0x55u8; HEADER_BYTES + 160];
        assert_eq!(HEADER.write(&mut packet), HEADER_BYTES);
        let view = RtpView::parse(&packet).expect("sound packet");
        assert_eq!((view.payload_type(), view.marker(), view.sequence()), (101, true, 65_535));
        assert_eq!((view.timestamp(), view.ssrc()), (0xfffe_0001, 0xdead_beef));
        assert_eq!(view.payload(), &[0x55; 160]);
        assert!(!looks_like_rtcp(&packet));
    }

    #[test]
    fn a_short_buffer_is_left_alone() {
        let mut short = [7u8; HEADER_BYTES - 1];
        assert_eq!(HEADER.write(&mut short), 0);
        assert_eq!(short, [7; HEADER_BYTES - 1]);
    }

    #[test]
    fn sources_extension_and_padding_are_skipped() {
        let mut packet = vec![0u8; HEADER_BYTES];
        HEADER.write(&mut packet);
        packet[0] |= 0x20 | 0x10 | 2; // padding, extension, two sources
        packet.extend_from_slice(&[0; 8]);
        packet.extend_from_slice(&[0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
        packet.extend_from_slice(b"voice");
        packet.extend_from_slice(&[0, 0, 3]);
        assert_eq!(RtpView::parse(&packet).expect("sound packet").payload(), b"voice");
    }

    #[test]
    fn broken_packets_are_refused() {
        let mut packet = [0u8; HEADER_BYTES];
        HEADER.write(&mut packet);
        let reject = |bytes: &[u8]| RtpView::parse(bytes).err();
        assert_eq!(reject(&packet[..11]), Some(Reject::Truncated));
        assert_eq!(reject(&[]), Some(Reject::Truncated));
        let with = |first: u8, tail: &[u8]| {
            let mut changed = packet.to_vec();
            changed[0] = first;
            changed.extend_from_slice(tail);
            RtpView::parse(&changed).err()
        };
        assert_eq!(with(0x40, b""), Some(Reject::Version));
        assert_eq!(with(0x82, &[0; 7]), Some(Reject::Truncated), "two sources need 8 bytes");
        assert_eq!(with(0x90, &[0, 0, 0xff, 0xff]), Some(Reject::Truncated), "extension longer than the packet");
        assert_eq!(with(0xa0, b""), Some(Reject::Truncated), "no room for the padding count");
        assert_eq!(with(0xa0, &[1, 9]), Some(Reject::Rtp), "more padding than payload");
        assert_eq!(with(0xa0, &[1, 0]), Some(Reject::Rtp), "padding counts itself");
        assert_eq!(with(0x80, b""), None);
    }

    #[test]
    fn rtcp_is_told_from_rtp() {
        assert!(looks_like_rtcp(&[0x80, 200, 0, 6]));
        assert!(looks_like_rtcp(&[0x81, 207, 0, 0]));
        assert!(!looks_like_rtcp(&[0x80, 0x80, 0, 1]), "marker and PCMU");
        assert!(!looks_like_rtcp(&[0x80, 0x80 | 101, 0, 1]), "marker and telephone-event");
        assert!(!looks_like_rtcp(&[0x00, 200, 0, 6]), "STUN-like");
        assert!(!looks_like_rtcp(&[0x80, 200]));
    }
}
