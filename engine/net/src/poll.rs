//! The `poll` driver's way to its sockets: epoll and one `recv` per ready socket, `recvmmsg` for SIP, one send call per
//! packet, all on the millisecond. Works on every kernel and wherever io_uring is forbidden.

use crate::drive::send_all;
use crate::io::{Arrival, Io, sleep_until};
use crate::meter::Meter;
use crate::runtime::Wake;
use crate::sockets::{MediaPorts, Pair};
use crate::sys::{BATCH_MAX, Epoll, ReadyList, ReceiveBatch};
use base::Instant;
use base::limits::{DATAGRAM_BYTES_MAX, MEDIA_PACKET_BYTES_MAX};
use call::{Packet, PacketBatch};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// Answers of one look at the media sockets; more of them are ready only after a stall, and the next look has them.
const READY_MAX: usize = 512;

/// The front door's socket and its buffers; only shard 0 has them.
struct Front {
    socket: Arc<UdpSocket>,
    batch: ReceiveBatch,
}

/// Sockets by epoll.
pub(crate) struct PollIo {
    front: Option<Front>,
    epoll: Epoll,
    ready: ReadyList,
    /// One byte more than a packet may have tells an oversized one from a full one.
    buffer: [u8; MEDIA_PACKET_BYTES_MAX + 1],
}

impl PollIo {
    /// `front`: the SIP socket, where this shard reads it.
    pub(crate) fn new(front: Option<Arc<UdpSocket>>) -> io::Result<PollIo> {
        Ok(PollIo {
            front: front.map(|socket| Front { socket, batch: ReceiveBatch::new(DATAGRAM_BYTES_MAX) }),
            epoll: Epoll::new()?,
            ready: ReadyList::new(READY_MAX),
            buffer: [0; MEDIA_PACKET_BYTES_MAX + 1],
        })
    }
}

impl Io for PollIo {
    fn begin(&mut self, _event: BorrowedFd<'_>) -> io::Result<()> {
        Ok(())
    }

    fn watch(&mut self, index: usize, pair: &Pair) -> io::Result<()> {
        // Closing a socket takes it out of the set.
        self.epoll.add(pair.rtp.as_fd(), MediaPorts::token(index, false))?;
        self.epoll.add(pair.rtcp.as_fd(), MediaPorts::token(index, true))
    }

    fn rest(
        &mut self,
        _media: &MediaPorts,
        wake: &Wake,
        until: Instant,
        _soonest: Instant,
        nothing_to_do: Option<impl FnOnce() -> bool>,
        meter: &mut Meter,
    ) -> bool {
        wake.sleep(nothing_to_do, |event| sleep_until(event, until, meter))
    }

    fn collect(&mut self, _media: &MediaPorts, _meter: &mut Meter) {}

    fn look_sip(&mut self, meter: &mut Meter) -> usize {
        let Some(front) = &mut self.front else { return 0 };
        meter.counters.system_calls += 1;
        match front.batch.receive(front.socket.as_fd()) {
            Ok(count) => count,
            Err(error) => {
                meter.counters.receive_errors += u64::from(error.kind() != io::ErrorKind::WouldBlock);
                0
            }
        }
    }

    fn sip(&self, place: usize) -> Option<(SocketAddr, &[u8])> {
        self.front.as_ref()?.batch.datagram(place)
    }

    fn look_media(&mut self, meter: &mut Meter) -> usize {
        meter.counters.system_calls += 1;
        self.epoll.ready(&mut self.ready).unwrap_or_else(|_| {
            meter.counters.receive_errors += 1;
            0
        })
    }

    fn media<'a>(&'a mut self, media: &MediaPorts, place: usize, meter: &mut Meter) -> Option<Arrival<'a>> {
        let (socket, port, rtcp) = media.by_token(self.ready.token(place))?;
        meter.counters.system_calls += 1;
        match socket.recv_from(&mut self.buffer) {
            Ok((length, _)) if length > MEDIA_PACKET_BYTES_MAX => meter.counters.receive_dropped_oversize += 1,
            Ok((length, source)) => return Some(Arrival { port, rtcp, source, bytes: &self.buffer[..length] }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => meter.counters.receive_errors += 1,
        }
        None
    }

    /// Packets that follow each other on one socket (catching up after a stall, the three ends of a key press) leave in one
    /// call. They are not gathered from further apart: that would put one leg's later packet before another's earlier one,
    /// for the 10–25 % that a saved call is worth.
    fn send_media(&mut self, media: &MediaPorts, packets: &PacketBatch, meter: &mut Meter) {
        let mut rest = packets.iter().peekable();
        while let Some(first) = rest.next() {
            let Some(pair) = media.by_port(first.port) else {
                meter.counters.send_dropped_no_socket += 1;
                continue;
            };
            let socket = if first.rtcp { &pair.rtcp } else { &pair.rtp };
            let on_sent = |meter: &mut Meter, dues: &[Option<Instant>]| {
                let now = meter.clock.now();
                dues.iter().for_each(|due| meter.media_sent(now, *due));
            };
            let same_socket = |next: &Packet<'_>| next.port == first.port && next.rtcp == first.rtcp;
            if !rest.peek().is_some_and(same_socket) {
                send_all(socket, &[(first.to, first.bytes)], meter, |meter, _| on_sent(meter, &[first.due]));
                continue;
            }
            let mut run = [(first.to, first.bytes); BATCH_MAX];
            let mut dues = [first.due; BATCH_MAX];
            let mut length = 1;
            while length < BATCH_MAX
                && let Some(next) = rest.next_if(same_socket)
            {
                run[length] = (next.to, next.bytes);
                dues[length] = next.due;
                length += 1;
            }
            send_all(socket, &run[..length], meter, |meter, sent| on_sent(meter, &dues[sent]));
        }
    }
}
