//! The sockets of an engine: one for SIP, and RTP/RTCP pairs out of a port range.

use crate::NetError;
use crate::sys;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::os::fd::AsFd;

/// Receive buffer asked for the SIP socket. A message of 500–1,500 bytes takes about 2,304 bytes of kernel memory, 1,000
/// calls a second make about 7 each: 7,000 × 2,304 = 16 MB a second; 4 MiB, which the kernel doubles to 8, bridge a
/// stall of half a second, the first resend of every SIP timer.
const SIP_RECEIVE_BYTES: usize = 4 * 1024 * 1024;

/// Receive buffer asked for an RTP socket. A packet of 172 bytes takes 768–1,280 bytes of kernel memory, 50 a second:
/// 64 KB a second; 32 KiB doubled by the kernel bridge one second, after which old audio is worthless. It is also the
/// most that a flood can hold: 8,192 legs × 64 KiB = 512 MiB.
const RTP_RECEIVE_BYTES: usize = 32 * 1024;

/// Receive buffer asked for an RTCP socket: a report every 5 s (RFC 3550 §6.2); 8 KiB doubled hold more than ten.
const RTCP_RECEIVE_BYTES: usize = 8 * 1024;

/// Binds the SIP socket; port 0 means any free port.
pub(crate) fn bind_sip(addr: SocketAddr) -> Result<(UdpSocket, SocketAddr), NetError> {
    let fault = |error| NetError::Bind { what: "SIP", addr, error };
    let socket = bind(addr, SIP_RECEIVE_BYTES).map_err(fault)?;
    let local = socket.local_addr().map_err(fault)?;
    Ok((socket, local))
}

/// A non-blocking UDP socket without SO_REUSEADDR (the standard library does not set it for UDP), so that a port in use
/// is refused and never shared.
fn bind(addr: SocketAddr, receive_bytes: usize) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(addr)?;
    socket.set_nonblocking(true)?;
    sys::set_receive_buffer(socket.as_fd(), receive_bytes)?;
    Ok(socket)
}

/// RTP on an even port, RTCP on the next (RFC 3550 §11).
pub(crate) struct Pair {
    pub(crate) rtp: UdpSocket,
    pub(crate) rtcp: UdpSocket,
}

/// The even ports of a configured range whose odd neighbour lies in the range too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PortRange {
    first: u16,
    pairs: usize,
}

impl PortRange {
    /// `None` when not even one pair fits.
    pub(crate) fn new(ports: &RangeInclusive<u16>) -> Option<PortRange> {
        let (start, end) = (u32::from(*ports.start()).max(2), u32::from(*ports.end()));
        let first = start.next_multiple_of(2);
        // Pairs are first, first+1 up to `end`; nothing when the range is shorter than a pair.
        let pairs = (end + 1).saturating_sub(first) / 2;
        (pairs > 0).then_some(PortRange { first: first as u16, pairs: pairs as usize })
    }
    /// Number of pairs.
    pub(crate) fn pairs(self) -> usize {
        self.pairs
    }
    /// RTP port of a pair.
    pub(crate) fn port(self, index: usize) -> u16 {
        self.first + (index * 2) as u16
    }
    /// Pair of an RTP port; `None` outside the range or when odd.
    pub(crate) fn index(self, port: u16) -> Option<usize> {
        let offset = usize::from(port.checked_sub(self.first)?);
        (offset % 2 == 0 && offset / 2 < self.pairs).then_some(offset / 2)
    }
}

/// The pairs that one shard has bound. Shard k of n walks the pairs k, k+n, k+2n … of the range, so shards never try
/// each other's ports; ports that others hold (another engine, another program) are skipped.
pub(crate) struct MediaPorts {
    ip: IpAddr,
    range: PortRange,
    step: usize,
    start: usize,
    next: usize,
    bound: usize,
    /// By pair index; `None` for pairs of other shards and not yet bound ones.
    pairs: Vec<Option<Pair>>,
    /// What the system said at the last try that failed.
    last_error: Option<io::Error>,
}

impl MediaPorts {
    pub(crate) fn new(ip: IpAddr, range: PortRange, shard: usize, shards: usize) -> MediaPorts {
        let pairs = std::iter::repeat_with(|| None).take(range.pairs()).collect();
        MediaPorts { ip, range, step: shards, start: shard, next: shard, bound: 0, pairs, last_error: None }
    }

    /// Binds up to `count` more pairs, has `watch` see each (with its number in the range) and writes their RTP ports to
    /// `ports`; fewer when the end of the range is reached. A later call then begins at the start of the range again, in
    /// case others have let ports go.
    pub(crate) fn bind_more(
        &mut self,
        count: usize,
        ports: &mut Vec<u16>,
        mut watch: impl FnMut(usize, &Pair) -> io::Result<()>,
    ) {
        let wanted = ports.len() + count;
        while ports.len() < wanted {
            if self.next >= self.range.pairs() {
                self.next = self.start;
                return;
            }
            let index = self.next;
            if self.pairs[index].is_none() {
                match self.bind_pair(index).and_then(|pair| watch(index, &pair).map(|()| pair)) {
                    Ok(pair) => {
                        self.pairs[index] = Some(pair);
                        self.bound += 1;
                        ports.push(self.range.port(index));
                    }
                    Err(error) => {
                        let taken = error.kind() == io::ErrorKind::AddrInUse;
                        self.last_error = Some(error);
                        if !taken {
                            // Out of file descriptors or memory, or the address is gone: the next port would say the same.
                            return;
                        }
                    }
                }
            }
            self.next += self.step;
        }
    }

    fn bind_pair(&self, index: usize) -> io::Result<Pair> {
        let port = self.range.port(index);
        let rtp = bind(SocketAddr::new(self.ip, port), RTP_RECEIVE_BYTES)?;
        let rtcp = bind(SocketAddr::new(self.ip, port + 1), RTCP_RECEIVE_BYTES)?;
        Ok(Pair { rtp, rtcp })
    }

    /// The number by which a driver knows a socket: the pair's index and a bit for RTCP.
    pub(crate) fn token(index: usize, rtcp: bool) -> u64 {
        index as u64 * 2 + u64::from(rtcp)
    }

    /// The socket of a token: with the RTP port of its pair, and true for RTCP.
    pub(crate) fn by_token(&self, token: u64) -> Option<(&UdpSocket, u16, bool)> {
        let index = (token / 2) as usize;
        let pair = self.pairs.get(index)?.as_ref()?;
        let rtcp = token % 2 == 1;
        Some((if rtcp { &pair.rtcp } else { &pair.rtp }, self.range.port(index), rtcp))
    }

    /// Number of pairs bound.
    pub(crate) fn bound(&self) -> usize {
        self.bound
    }

    /// The pair of an RTP port, if this shard has bound it.
    pub(crate) fn by_port(&self, port: u16) -> Option<&Pair> {
        self.pairs[self.range.index(port)?].as_ref()
    }

    /// Takes the reason why the last pair could not be bound.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.last_error.take()
    }
}

#[cfg(test)]
mod tests;
