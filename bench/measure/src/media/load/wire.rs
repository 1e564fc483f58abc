//! The load side's sockets: few, shared by all legs, with kernel receive times. `sendmmsg` and ancillary data come from
//! the crate `nix`, whose functions are safe.

use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrIn, recvmsg, sendmmsg, setsockopt, sockopt,
};
use nix::time::{ClockId, clock_gettime};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use wire::rtp::HEADER_BYTES;

/// Bytes of a packet of 20 ms.
const PACKET_BYTES: usize = HEADER_BYTES + media::FRAME_SAMPLES;
/// Messages of one `sendmmsg`; more gain nothing.
const BATCH_MAX: usize = 64;
/// Receive buffer of an RTP socket: 500 legs on each of four sockets bring 25,000 packets a second of at most 1,280
/// bytes of kernel memory; 16 MiB (doubled by the kernel) bridge a second.
const RECEIVE_BYTES: usize = 16 << 20;
/// Tries for an even port with a free odd neighbour.
const BIND_TRIES: usize = 1_000;

/// CLOCK_REALTIME, by which the kernel stamps arrivals.
pub(super) fn realtime_ns() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_REALTIME);
    time.map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// RTP/RTCP socket pairs.
pub(super) struct Sockets {
    rtp: Vec<UdpSocket>,
    rtcp: Vec<UdpSocket>,
    addresses: Vec<SocketAddr>,
}

impl Sockets {
    pub(super) fn bind(ip: IpAddr, pairs: usize) -> io::Result<Sockets> {
        let mut sockets = Sockets { rtp: Vec::new(), rtcp: Vec::new(), addresses: Vec::new() };
        for _ in 0..pairs {
            let (rtp, rtcp) = bind_pair(ip)?;
            setsockopt(&rtp, sockopt::ReceiveTimestampns, &true)?;
            if setsockopt(&rtp, sockopt::RcvBufForce, &RECEIVE_BYTES).is_err() {
                setsockopt(&rtp, sockopt::RcvBuf, &RECEIVE_BYTES)?; // cut to what the system allows
            }
            sockets.addresses.push(rtp.local_addr()?);
            sockets.rtp.push(rtp);
            sockets.rtcp.push(rtcp);
        }
        Ok(sockets)
    }

    /// Where each pair's RTP is heard.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.clone()
    }

    /// Where a leg is heard.
    pub(super) fn address(&self, leg: usize) -> SocketAddr {
        self.addresses[leg % self.addresses.len()]
    }

    /// The socket of a slot's legs: slots are 20, which the number of pairs divides.
    pub(super) fn of_slot(&self, slot: usize) -> &UdpSocket {
        &self.rtp[slot % self.rtp.len()]
    }

    /// Reads everything that has come: sender's port, kernel receive time (CLOCK_REALTIME, ns), packet.
    pub(super) fn read_rtp(&self, mut heard: impl FnMut(u16, u64, &[u8])) {
        let mut buffer = [0; 2_048];
        let mut ancillary = [0; 64]; // one timespec with its head takes 32
        for socket in &self.rtp {
            loop {
                let mut parts = [IoSliceMut::new(&mut buffer)];
                let flags = MsgFlags::MSG_DONTWAIT;
                let message = match recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut parts, Some(&mut ancillary), flags) {
                    Ok(message) => message,
                    Err(_) => break, // nothing more, or an ICMP answer, which the next tick passes over
                };
                let stamp = message.cmsgs().ok().and_then(|mut all| {
                    all.find_map(|one| match one {
                        ControlMessageOwned::ScmTimestampns(time) => {
                            Some(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
                        }
                        _ => None,
                    })
                });
                let (source, length) = (message.address.map_or(0, |address| address.port()), message.bytes);
                heard(source, stamp.unwrap_or_else(realtime_ns), &buffer[..length]);
            }
        }
    }

    /// Reads RTCP and forgets it.
    pub(super) fn drain_rtcp(&self) {
        let mut buffer = [0; 2_048];
        for socket in &self.rtcp {
            while socket.recv_from(&mut buffer).is_ok() {}
        }
    }
}

fn bind_pair(ip: IpAddr) -> io::Result<(UdpSocket, UdpSocket)> {
    for _ in 0..BIND_TRIES {
        let rtp = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        let port = rtp.local_addr()?.port();
        if !port.is_multiple_of(2) {
            continue;
        }
        if let Ok(rtcp) = UdpSocket::bind(SocketAddr::new(ip, port + 1)) {
            rtp.set_nonblocking(true)?;
            rtcp.set_nonblocking(true)?;
            return Ok((rtp, rtcp));
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, format!("no free pair of ports in {BIND_TRIES} tries")))
}

/// Gathers the packets of a slot and sends them 64 to a call.
pub(super) struct Sender {
    bytes: Vec<u8>,
    to: Vec<Option<SockaddrIn>>,
    headers: MultiHeaders<SockaddrIn>,
}

impl Sender {
    pub(super) fn new() -> Sender {
        Sender { bytes: Vec::new(), to: Vec::new(), headers: MultiHeaders::preallocate(BATCH_MAX, None) }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.to.clear();
    }

    /// Adds a packet that `write` fills.
    pub(super) fn push(&mut self, to: SocketAddrV4, write: impl FnOnce(&mut [u8])) {
        let start = self.bytes.len();
        self.bytes.resize(start + PACKET_BYTES, 0);
        write(&mut self.bytes[start..]);
        self.to.push(Some(SockaddrIn::from(to)));
    }

    /// Sends all; returns how many the kernel took.
    pub(super) fn send(&mut self, socket: &UdpSocket) -> u64 {
        let mut sent = 0;
        let packets: Vec<[IoSlice<'_>; 1]> = self.bytes.chunks_exact(PACKET_BYTES).map(|p| [IoSlice::new(p)]).collect();
        for (batch, to) in packets.chunks(BATCH_MAX).zip(self.to.chunks(BATCH_MAX)) {
            let none: [ControlMessage<'_>; 0] = [];
            let result = sendmmsg(socket.as_raw_fd(), &mut self.headers, batch, to, none, MsgFlags::MSG_DONTWAIT);
            // What the kernel does not take is not counted, and so it is missed at the other end by nobody.
            sent += result.map_or(0, |results| results.count() as u64);
        }
        sent
    }
}
