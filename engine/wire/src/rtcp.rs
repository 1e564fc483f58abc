//! RTCP compounds (RFC 3550 §6). The library `rtcp-types` reads the packets; the walk over the compound is ours, so a type
//! we do not use is stepped over without being parsed. Its writers allocate, so the three packets we send are written here.
//!
//! Reading may allocate: a peer's RTCP comes once in about 5 s on a leg, beside 50 RTP packets a second. Writing never does:
//! it runs inside the tick that paces the audio.

use crate::Reject;
use rtcp_types::prelude::*;
use rtcp_types::{Bye, ReceiverReport, Sdes, SdesItem, SenderReport};

/// Report blocks of one packet: the count field has 5 bits (RFC 3550 §6.4.1).
pub const BLOCKS_MAX: usize = 31;

/// Longest CNAME: its length is one byte (RFC 3550 §6.5).
pub const CNAME_BYTES_MAX: usize = 255;

/// What one source tells about another's packets (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// Whose packets are reported on.
    pub ssrc: u32,
    /// Loss since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the start; duplicates make it negative. On the wire 24 bits: written clamped.
    pub cumulative_lost: i32,
    /// Highest sequence number received, with the count of wraps in the upper half.
    pub extended_highest_seq: u32,
    /// Interarrival jitter in RTP ticks.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last SR received from that source; 0 when none was.
    pub last_sr: u32,
    /// Time from that SR to this report in 1/65,536 s; 0 when none was.
    pub delay_since_last_sr: u32,
}

/// What a sender tells about its own packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// NTP time (32.32 fixed point seconds since 1900) of this report.
    pub ntp: u64,
    /// The same moment in RTP ticks.
    pub rtp_timestamp: u32,
    /// Packets sent; wraps.
    pub packets: u32,
    /// Payload bytes sent; wraps.
    pub octets: u32,
}

/// One thing that a compound says. Other packet types (APP, feedback, XR) and other SDES items are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// SR.
    SenderReport {
        /// Who reports.
        ssrc: u32,
        /// Its own sending.
        info: SenderInfo,
        /// Its receiving, at most [`BLOCKS_MAX`].
        blocks: Vec<ReportBlock>,
    },
    /// RR.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// Its receiving, at most [`BLOCKS_MAX`].
        blocks: Vec<ReportBlock>,
    },
    /// The CNAME of a source.
    Cname {
        /// Whose.
        ssrc: u32,
        /// The name's bytes.
        cname: Vec<u8>,
    },
    /// These sources have left.
    Bye {
        /// At most 31.
        ssrcs: Vec<u32>,
    },
}

/// Parses a compound. Each packet costs at least four bytes, so the items are bounded by the datagram.
///
/// The first packet need not be a report: some peers send a lone BYE, and RFC 5506 allows it. An SDES that the library
/// cannot read is left out, because it carries no media facts.
///
/// # Errors
/// `TooLong` above `base::limits::MEDIA_PACKET_BYTES_MAX`; `Version`; `Truncated` when empty or lengths do not add up;
/// `Rtcp` for a report or BYE that contradicts its own length.
pub fn parse(bytes: &[u8]) -> Result<Vec<Item>, Reject> {
    if bytes.len() > base::limits::MEDIA_PACKET_BYTES_MAX {
        return Err(Reject::TooLong);
    }
    let mut items = Vec::new();
    let mut rest = bytes;
    loop {
        let header = rest.first_chunk::<4>().ok_or(Reject::Truncated)?;
        if header[0] >> 6 != 2 {
            return Err(Reject::Version);
        }
        let length = 4 * (usize::from(u16::from_be_bytes([header[2], header[3]])) + 1);
        let (packet, left) = rest.split_at_checked(length).ok_or(Reject::Truncated)?;
        read_packet(header[1], packet, &mut items)?;
        if left.is_empty() {
            return Ok(items);
        }
        rest = left;
    }
}

fn read_packet(kind: u8, packet: &[u8], items: &mut Vec<Item>) -> Result<(), Reject> {
    match kind {
        SenderReport::PACKET_TYPE => {
            let report = SenderReport::parse(packet).map_err(|_| Reject::Rtcp)?;
            let info = SenderInfo {
                ntp: report.ntp_timestamp(),
                rtp_timestamp: report.rtp_timestamp(),
                packets: report.packet_count(),
                octets: report.octet_count(),
            };
            let blocks = report.report_blocks().map(read_block).collect();
            items.push(Item::SenderReport { ssrc: report.ssrc(), info, blocks });
        }
        ReceiverReport::PACKET_TYPE => {
            let report = ReceiverReport::parse(packet).map_err(|_| Reject::Rtcp)?;
            let blocks = report.report_blocks().map(read_block).collect();
            items.push(Item::ReceiverReport { ssrc: report.ssrc(), blocks });
        }
        Sdes::PACKET_TYPE => {
            if let Ok(sdes) = Sdes::parse(packet) {
                for chunk in sdes.chunks() {
                    // Only CNAME is asked for its value: the library's PRIV trusts an inner length.
                    for item in chunk.items().filter(|item| item.type_() == SdesItem::CNAME) {
                        items.push(Item::Cname { ssrc: chunk.ssrc(), cname: item.value().to_vec() });
                    }
                }
            }
        }
        Bye::PACKET_TYPE => {
            let bye = Bye::parse(packet).map_err(|_| Reject::Rtcp)?;
            items.push(Item::Bye { ssrcs: bye.ssrcs().collect() });
        }
        _ => {}
    }
    Ok(())
}

fn read_block(block: rtcp_types::ReportBlock<'_>) -> ReportBlock {
    ReportBlock {
        ssrc: block.ssrc(),
        fraction_lost: block.fraction_lost(),
        // 24 bits, signed: move the sign to bit 31 and back.
        cumulative_lost: (block.cumulative_lost() << 8).cast_signed() >> 8,
        extended_highest_seq: block.extended_sequence_number(),
        jitter: block.interarrival_jitter(),
        last_sr: block.last_sender_report_timestamp(),
        delay_since_last_sr: block.delay_since_last_sender_report_timestamp(),
    }
}

/// Writes SR (with `sender`) or RR (without), then SDES with the CNAME, as one compound (RFC 3550 §6.1). Returns its
/// length in bytes.
///
/// # Errors
/// `TooManyItems` above [`BLOCKS_MAX`] blocks; `TooLong` for a CNAME above [`CNAME_BYTES_MAX`]; `NoRoom` when `out` is
/// too small.
pub fn write_report(
    out: &mut [u8],
    sender: Option<SenderInfo>,
    ssrc: u32,
    blocks: &[ReportBlock],
    cname: &str,
) -> Result<usize, Reject> {
    if blocks.len() > BLOCKS_MAX {
        return Err(Reject::TooManyItems);
    }
    if cname.len() > CNAME_BYTES_MAX {
        return Err(Reject::TooLong);
    }
    let mut page = Page { bytes: out, written: 0 };
    let (kind, sender_words) = match sender {
        Some(_) => (SenderReport::PACKET_TYPE, 5),
        None => (ReceiverReport::PACKET_TYPE, 0),
    };
    page.head(blocks.len() as u32, kind, 1 + sender_words + 6 * blocks.len())?;
    page.word(ssrc)?;
    if let Some(info) = sender {
        let words = [(info.ntp >> 32) as u32, info.ntp as u32, info.rtp_timestamp, info.packets, info.octets];
        words.into_iter().try_for_each(|word| page.word(word))?;
    }
    for block in blocks {
        let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff).cast_unsigned() & 0xff_ffff;
        let words = [
            block.ssrc,
            u32::from(block.fraction_lost) << 24 | lost,
            block.extended_highest_seq,
            block.jitter,
            block.last_sr,
            block.delay_since_last_sr,
        ];
        words.into_iter().try_for_each(|word| page.word(word))?;
    }
    page.cname(ssrc, cname.as_bytes())?;
    Ok(page.written)
}

/// Writes an empty RR, SDES and BYE for `ssrc` as one compound: RFC 3550 §6.1 wants the first two in front of any BYE.
/// Returns its length in bytes.
///
/// # Errors
/// `TooLong` for a CNAME above [`CNAME_BYTES_MAX`]; `NoRoom` when `out` is too small.
pub fn write_bye(out: &mut [u8], ssrc: u32, cname: &str) -> Result<usize, Reject> {
    let written = write_report(out, None, ssrc, &[], cname)?;
    let mut page = Page { bytes: out, written };
    page.head(1, Bye::PACKET_TYPE, 1)?;
    page.word(ssrc)?;
    Ok(page.written)
}

/// A buffer that is filled from the front.
struct Page<'a> {
    bytes: &'a mut [u8],
    written: usize,
}

impl Page<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Reject> {
        let end = self.written + bytes.len();
        self.bytes.get_mut(self.written..end).ok_or(Reject::NoRoom)?.copy_from_slice(bytes);
        self.written = end;
        Ok(())
    }

    fn word(&mut self, word: u32) -> Result<(), Reject> {
        self.put(&word.to_be_bytes())
    }

    /// Version 2, no padding, a count of 5 bits; `words` of 32 bits follow this one (RFC 3550 §6.4.1).
    fn head(&mut self, count: u32, kind: u8, words: usize) -> Result<(), Reject> {
        self.word(2 << 30 | count << 24 | u32::from(kind) << 16 | words as u32)
    }

    /// SDES with one chunk of one item; nulls end the chunk and fill its last word, at least one (RFC 3550 §6.5).
    fn cname(&mut self, ssrc: u32, cname: &[u8]) -> Result<(), Reject> {
        const NULLS: [u8; 4] = [0; 4];
        let item_bytes = (2 + cname.len() + 1).next_multiple_of(4);
        self.head(1, Sdes::PACKET_TYPE, 1 + item_bytes / 4)?;
        self.word(ssrc)?;
        self.put(&[SdesItem::CNAME, cname.len() as u8])?;
        self.put(cname)?;
        self.put(&NULLS[..item_bytes - 2 - cname.len()])
    }
}

#[cfg(test)]
mod tests;
