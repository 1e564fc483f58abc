//! What the loop of a shard asks of the kernel; `poll` and `ring` are its two answers.

use crate::meter::Meter;
use crate::runtime::Wake;
use crate::sockets::{MediaPorts, Pair};
use crate::sys;
use base::{Duration, Instant};
use call::PacketBatch;
use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

/// A packet read from a media socket.
pub(crate) struct Arrival<'a> {
    /// RTP port of the pair.
    pub(crate) port: u16,
    /// It came to the pair's RTCP port.
    pub(crate) rtcp: bool,
    pub(crate) source: SocketAddr,
    pub(crate) bytes: &'a [u8],
}

/// Sleeps until the moment or until `event` is written to; true when that came first.
pub(crate) fn sleep_until(event: BorrowedFd<'_>, until: Instant, meter: &mut Meter) -> bool {
    meter.counters.system_calls += 1;
    let span = until.since(meter.clock.now());
    span > Duration::ZERO && sys::wait_readable(event, span.as_ns())
}

/// A shard's way to its sockets: pace, read, send. Decides nothing about what is read or sent.
///
/// Reading is done in looks: `look_sip` and `look_media` say how many have come, and each is then asked for by its place.
/// What a look has found is gone at the next look.
pub(crate) trait Io {
    /// Called once, on the thread that makes all further calls. `event` is the shard's wake-up.
    fn begin(&mut self, event: BorrowedFd<'_>) -> io::Result<()>;

    /// Reads from this pair from now on, which is number `index` of the range.
    fn watch(&mut self, index: usize, pair: &Pair) -> io::Result<()>;

    /// Sleeps until `until`, however much comes in meanwhile. With `nothing_to_do` (a shard without legs) a wake-up or an
    /// arrival ends the sleep early, though not before `soonest` where the sleeper had to look at an arrival first; and
    /// the sleep does not begin when that answers false. True when it was cut short.
    fn rest(
        &mut self,
        media: &MediaPorts,
        wake: &Wake,
        until: Instant,
        soonest: Instant,
        nothing_to_do: Option<impl FnOnce() -> bool>,
        meter: &mut Meter,
    ) -> bool;

    /// Has the kernel bring in what has arrived. Called once a tick, after due packets have left and before the looks.
    fn collect(&mut self, media: &MediaPorts, meter: &mut Meter);

    /// How many SIP datagrams have come; 0 where this shard is not the front door.
    fn look_sip(&mut self, meter: &mut Meter) -> usize;

    /// A datagram of the last `look_sip`; `None` when its sender has no IP address.
    fn sip(&self, place: usize) -> Option<(SocketAddr, &[u8])>;

    /// How many media packets may have come.
    fn look_media(&mut self, meter: &mut Meter) -> usize;

    /// A packet of the last `look_media`; `None`, counted by cause, when there is nothing to hand on after all.
    fn media<'a>(&'a mut self, media: &MediaPorts, place: usize, meter: &mut Meter) -> Option<Arrival<'a>>;

    /// Sends packets in their order, never waiting, and measures their lateness; what does not leave is counted by cause.
    fn send_media(&mut self, media: &MediaPorts, packets: &PacketBatch, meter: &mut Meter);
}
