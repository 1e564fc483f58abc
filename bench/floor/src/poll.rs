//! The loop with epoll.

use crate::Share;
use crate::streams::Streams;
use net::sched::prepare_thread;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// Answers of one look: as many as the driver takes.
const READY_MAX: usize = 512;

/// One thread's loop.
pub(crate) struct Loop {
    share: Share,
    epoll: Epoll,
}

impl Loop {
    pub(crate) fn new(share: Share) -> io::Result<Loop> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (index, socket) in share.sockets.iter().enumerate() {
            epoll.add(socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        }
        Ok(Loop { share, epoll })
    }

    pub(crate) fn run(self) {
        prepare_thread(None);
        let Loop { share, epoll } = self;
        let (mut sent, mut received) = (0, 0);
        let mut ready = vec![EpollEvent::empty(); READY_MAX];
        let mut buffer = [0; 2_048];
        let mut streams = Streams::new(&share);
        while !share.stopped() {
            streams.send_due(|index, to, packet| {
                sent += u64::from(share.sockets[index].send_to(packet, to).is_ok());
            });
            loop {
                let count = epoll.wait(&mut ready, EpollTimeout::ZERO).unwrap_or(0);
                for event in &ready[..count] {
                    received += u64::from(share.sockets[event.data() as usize].recv_from(&mut buffer).is_ok());
                }
                if count < ready.len() {
                    break;
                }
            }
            share.tell(sent, received);
            std::thread::sleep(Duration::from_nanos(share.until_next_tick_ns()));
        }
    }
}
