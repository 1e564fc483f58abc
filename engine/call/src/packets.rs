//! The outgoing media packets of one drain: one flat buffer and a list of where each packet lies in it.

use base::Instant;
use std::net::SocketAddr;

/// Packets of one millisecond slot: 2,700 legs ÷ 20 slots = 135, and as much again for a late tick; the buffer starts
/// with room for 512 packets of 172 bytes and grows when a stall makes it, never after.
const PACKETS_EXPECTED: usize = 512;
const BYTES_EXPECTED: usize = PACKETS_EXPECTED * 172;

#[derive(Clone, Copy)]
struct Meta {
    port: u16,
    rtcp: bool,
    to: SocketAddr,
    due: Option<Instant>,
    start: u32,
    end: u32,
}

/// One packet to send.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// RTP port of the local pair.
    pub port: u16,
    /// Sent from the pair's RTCP port (`port` + 1).
    pub rtcp: bool,
    /// Destination.
    pub to: SocketAddr,
    /// The packet.
    pub bytes: &'a [u8],
    /// The moment of the leg's own 20 ms grid; lateness is measured against it. None for RTCP.
    pub due: Option<Instant>,
}

/// Media packets written since the last `clear`. Reused, so that sending allocates nothing.
pub struct PacketBatch {
    bytes: Vec<u8>,
    metas: Vec<Meta>,
}

impl Default for PacketBatch {
    fn default() -> Self {
        PacketBatch { bytes: Vec::with_capacity(BYTES_EXPECTED), metas: Vec::with_capacity(PACKETS_EXPECTED) }
    }
}

impl PacketBatch {
    /// Number of packets waiting.
    pub fn len(&self) -> usize {
        self.metas.len()
    }
    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.metas.is_empty()
    }
    /// Forgets all packets, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.metas.clear();
    }
    /// The packets in the order in which they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Packet<'_>> {
        self.metas.iter().map(|meta| Packet {
            port: meta.port,
            rtcp: meta.rtcp,
            to: meta.to,
            bytes: &self.bytes[meta.start as usize..meta.end as usize],
            due: meta.due,
        })
    }
    /// Adds a packet that `write` puts into the slice it is given, answering its length; 0 adds nothing.
    pub(crate) fn push_with(
        &mut self,
        port: u16,
        rtcp: bool,
        to: SocketAddr,
        due: Option<Instant>,
        write: impl FnOnce(&mut [u8]) -> usize,
    ) {
        let start = self.bytes.len();
        self.bytes.resize(start + base::limits::MEDIA_PACKET_BYTES_MAX, 0);
        let length = write(&mut self.bytes[start..]);
        self.bytes.truncate(start + length);
        if length > 0 {
            self.metas.push(Meta { port, rtcp, to, due, start: start as u32, end: (start + length) as u32 });
        }
    }
}
