//! Sending without waiting, and the measurements of a driver.

use crate::stats::{Counters, Histogram};
use crate::sys;
use base::Duration;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

/// What the driver measures.
#[derive(Default)]
pub(super) struct Meter {
    pub(super) counters: Counters,
    pub(super) send_lateness_us: Histogram,
    pub(super) loop_lag_us: Histogram,
    pub(super) receive_batch: Histogram,
    pub(super) send_batch: Histogram,
}

impl Meter {
    /// Notes how late one packet left.
    pub(super) fn late(&mut self, late: Duration) {
        self.send_lateness_us.record(late.as_us());
        self.counters.late_over_1ms += u64::from(late > Duration::from_ms(1));
        self.counters.late_over_20ms += u64::from(late > Duration::from_ms(20));
    }
}

/// Sends datagrams on one socket, several in a call, never waiting. `sent` is told each range of `items` that left, at
/// once; the rest is counted by cause.
pub(super) fn send_all<B: AsRef<[u8]>>(
    socket: &UdpSocket,
    items: &[(SocketAddr, B)],
    meter: &mut Meter,
    mut sent: impl FnMut(&mut Meter, std::ops::Range<usize>),
) {
    let mut next = 0;
    while next < items.len() {
        let result = if let [(to, bytes)] = &items[next..] {
            socket.send_to(bytes.as_ref(), *to).map(|_| 1)
        } else {
            sys::send_batch(socket.as_fd(), &items[next..])
        };
        match result {
            Ok(count) => {
                sent(meter, next..next + count);
                next += count;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // The socket's buffer is full, so the rest would be told the same.
                meter.counters.send_dropped_would_block += (items.len() - next) as u64;
                return;
            }
            Err(error) => {
                *cause(&mut meter.counters, &error) += 1;
                next += 1; // an error is that of the first datagram
            }
        }
    }
}

/// The counter of a send error.
pub(super) fn cause<'a>(counters: &'a mut Counters, error: &io::Error) -> &'a mut u64 {
    match error.raw_os_error() {
        Some(libc::ENOBUFS | libc::ENOMEM) => &mut counters.send_dropped_no_buffers,
        Some(libc::ECONNREFUSED | libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN | libc::ENETDOWN) => {
            &mut counters.send_dropped_unreachable
        }
        _ => &mut counters.send_dropped_other,
    }
}
