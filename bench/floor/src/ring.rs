//! The loop with io_uring.

use crate::Share;
use crate::streams::Streams;
use net::BareRing;
use net::sched::prepare_thread;
use std::io;
use std::os::fd::AsFd;

/// One thread's loop.
pub(crate) struct Loop {
    share: Share,
    ring: BareRing,
}

impl Loop {
    pub(crate) fn new(share: Share) -> io::Result<Loop> {
        Ok(Loop { share, ring: BareRing::new()? })
    }

    pub(crate) fn run(self) {
        prepare_thread(None);
        let Loop { share, mut ring } = self;
        if ring.enable().is_err() {
            return; // the counts stay at zero, which every reader notices
        }
        let mut to_watch: Vec<u32> = (0..share.sockets.len() as u32).collect();
        let mut streams = Streams::new(&share);
        while !share.stopped() {
            to_watch.retain(|token| ring.watch(share.sockets[*token as usize].as_fd(), *token).is_err());
            streams.send_due(|index, to, packet| {
                ring.send(share.sockets[index].as_fd(), to, packet);
            });
            ring.flush();
            let (sent, received) = ring.counts();
            share.tell(sent, received);
            ring.rest(base::Duration::from_ns(share.until_next_tick_ns()));
            to_watch.extend(std::iter::from_fn(|| ring.ended()));
        }
    }
}
