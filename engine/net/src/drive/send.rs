//! Sending on one socket without waiting; several datagrams in a call.

use crate::meter::Meter;
use crate::sys;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;

/// Sends datagrams on one socket, several in a call, never waiting. `sent` is told each range of `items` that left, at
/// once; the rest is counted by cause.
pub(crate) fn send_all<B: AsRef<[u8]>>(
    socket: &UdpSocket,
    items: &[(SocketAddr, B)],
    meter: &mut Meter,
    mut sent: impl FnMut(&mut Meter, std::ops::Range<usize>),
) {
    let mut next = 0;
    while next < items.len() {
        meter.counters.system_calls += 1;
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
                meter.send_failed(&error);
                next += 1; // an error is that of the first datagram
            }
        }
    }
}
