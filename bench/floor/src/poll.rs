//! The loop with epoll.

use crate::{FRAME_BYTES, Share};
use net::sched::prepare_thread;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering;
use std::time::Duration;
use wire::rtp::{HEADER_BYTES, RtpHeader};

const TICK_NS: u64 = 1_000_000;
/// Slots of a 20 ms period.
const SLOTS: u64 = 20;
/// Missed slots that are sent at once after a stall; older ones are skipped. Ten periods, as in the engine.
const CATCH_UP_TICKS: u64 = 10 * SLOTS;
/// Answers of one look: as many as the driver takes.
const READY_MAX: usize = 512;

/// One stream's place.
#[derive(Clone, Copy)]
struct Stream {
    header: RtpHeader,
    frame: usize,
}

/// One thread's loop.
pub(crate) struct Loop {
    share: Share,
    epoll: Epoll,
    streams: Vec<Stream>,
}

impl Loop {
    pub(crate) fn new(share: Share) -> io::Result<Loop> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (index, socket) in share.sockets.iter().enumerate() {
            epoll.add(socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        }
        let stream = |index: usize| Stream {
            header: RtpHeader { payload_type: 0, marker: false, sequence: 0, timestamp: 0, ssrc: index as u32 },
            frame: 0,
        };
        let streams = (0..share.sockets.len()).map(stream).collect();
        Ok(Loop { share, epoll, streams })
    }

    pub(crate) fn run(mut self) {
        prepare_thread(None);
        let (mut sent, mut received) = (0, 0);
        let mut ready = vec![EpollEvent::empty(); READY_MAX];
        let mut done = self.share.clock.now().as_ns() / TICK_NS;
        while !self.share.stop.load(Ordering::Acquire) {
            let now = self.share.clock.now().as_ns();
            let tick = now / TICK_NS;
            for slot in (done + 1).max(tick.saturating_sub(CATCH_UP_TICKS))..=tick {
                sent += self.send_slot((slot % SLOTS) as usize);
            }
            done = tick;
            received += self.reap(&mut ready);
            self.share.told.sent.store(sent, Ordering::Relaxed);
            self.share.told.received.store(received, Ordering::Relaxed);
            let now = self.share.clock.now().as_ns();
            std::thread::sleep(Duration::from_nanos((now / TICK_NS + 1) * TICK_NS - now));
        }
    }

    fn send_slot(&mut self, slot: usize) -> u64 {
        let mut sent = 0;
        let mut packet = [0; HEADER_BYTES + FRAME_BYTES];
        for index in (slot..self.streams.len()).step_by(SLOTS as usize) {
            let Stream { header, frame } = &mut self.streams[index];
            header.write(&mut packet);
            packet[HEADER_BYTES..].copy_from_slice(&self.share.prompt[*frame..*frame + FRAME_BYTES]);
            header.sequence = header.sequence.wrapping_add(1);
            header.timestamp = header.timestamp.wrapping_add(FRAME_BYTES as u32);
            *frame = (*frame + FRAME_BYTES) % self.share.prompt.len();
            sent += u64::from(self.share.sockets[index].send_to(&packet, self.share.to[index]).is_ok());
        }
        sent
    }

    fn reap(&self, ready: &mut [EpollEvent]) -> u64 {
        let mut received = 0;
        let mut buffer = [0; 2_048];
        loop {
            let count = self.epoll.wait(ready, EpollTimeout::ZERO).unwrap_or(0);
            for event in &ready[..count] {
                let socket = &self.share.sockets[event.data() as usize];
                received += u64::from(socket.recv_from(&mut buffer).is_ok());
            }
            if count < ready.len() {
                return received;
            }
        }
    }
}
