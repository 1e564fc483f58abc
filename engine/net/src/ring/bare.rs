//! The ring with nothing above it, for the minimal loop that the engine is measured against (`bench/floor`). It makes the
//! same calls as [`super::RingIo`] with the same buffers and slots, so what the two cost apart is not the kernel's.

use super::SUBMIT_MAX;
use super::uring::{Completion, Group, Lent, MEDIA_BUFFERS, Uring};
use base::Duration;
use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

/// One io_uring that sends, and forgets what it receives. The thread that makes the first call but `new` is its own.
pub struct BareRing {
    uring: Uring,
    lent: Vec<Lent>,
    ended: Vec<u32>,
    queued: usize,
    sent: u64,
    received: u64,
}

impl BareRing {
    /// A ring without sockets.
    ///
    /// # Errors
    /// What the system says when io_uring, or a part of it that is needed, is not to be had.
    pub fn new() -> io::Result<BareRing> {
        let lent = Vec::with_capacity(usize::from(MEDIA_BUFFERS));
        Ok(BareRing { uring: Uring::new(false)?, lent, ended: Vec::new(), queued: 0, sent: 0, received: 0 })
    }

    /// Makes the calling thread the ring's own. Once, and before any other call.
    ///
    /// # Errors
    /// What the system says.
    pub fn enable(&mut self) -> io::Result<()> {
        self.uring.enable()
    }

    /// Receives on `socket` until `ended` names its token.
    ///
    /// # Errors
    /// `WouldBlock` when the queue is full even after a submission.
    pub fn watch(&mut self, socket: BorrowedFd<'_>, token: u32) -> io::Result<()> {
        self.uring.arm(socket, Group::Media, token)
    }

    /// Queues a packet, and submits when enough are queued. False when it was not taken.
    pub fn send(&mut self, socket: BorrowedFd<'_>, to: SocketAddr, bytes: &[u8]) -> bool {
        let taken = self.uring.send(socket, to, bytes, None).unwrap_or(false);
        self.queued += usize::from(taken);
        if self.queued == SUBMIT_MAX {
            self.flush();
        }
        taken
    }

    /// Submits what is queued.
    pub fn flush(&mut self) {
        if self.queued > 0 {
            self.queued = 0;
            // What was not taken leaves with the next submission.
            let _ = self.uring.submit();
            self.reap();
        }
    }

    /// Waits for `span`, then takes all that has come in and hands its buffers back.
    pub fn rest(&mut self, span: Duration) {
        if self.uring.wait(usize::from(MEDIA_BUFFERS), span).is_err() {
            std::thread::sleep(std::time::Duration::from_nanos(span.as_ns()));
        }
        self.reap();
        for lent in self.lent.drain(..) {
            self.uring.give_back(lent);
        }
        self.uring.publish(Group::Media);
    }

    /// A socket on which nothing is received any more: watch it again.
    pub fn ended(&mut self) -> Option<u32> {
        self.ended.pop()
    }

    /// Packets sent and received since the start.
    pub fn counts(&self) -> (u64, u64) {
        (self.sent, self.received)
    }

    fn reap(&mut self) {
        while let Some(completion) = self.uring.next_completion() {
            match completion {
                Completion::Sent { result, .. } => self.sent += u64::from(result.is_ok()),
                Completion::Datagram { token, lent, more } => {
                    self.received += 1;
                    self.lent.push(lent);
                    if !more {
                        self.ended.push(token);
                    }
                }
                Completion::Ended { token, .. } => self.ended.push(token),
                Completion::Woken { .. } => {}
            }
        }
    }
}
