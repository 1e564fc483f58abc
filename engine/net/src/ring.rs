//! The `ring` driver's way to its sockets: one io_uring per shard. Every socket has a receive armed that goes on by itself
//! (multishot) and takes its buffers from a ring that the kernel and we share; sends are queued and submitted together;
//! what has come in is collected once a tick, after due packets have left (only an idle shard waits in the ring itself).
//!
//! ```text
//!  rest:     arm what must be armed ─> wait for the millisecond
//!  collect:  let the kernel work, sort completions: datagrams to `sip` and `media`, freed send slots back,
//!              ended receives to `to_arm` and, so many times, armed again at once
//!  look:     hand the buffers of the last look back, offer what was sorted
//! ```
//!
//! **An empty datagram ends a multishot receive**, and anybody can send one. The front door opens again at once, as often
//! as there are buffers; the media sockets [`REARMS_PER_TICK`] times a tick.
//!
//! **Sockets never close under the ring.** Media sockets live as long as their driver (ADR-0002), so a completion can
//! not be that of an earlier socket with the same token. At the end the ring cancels everything, waits for the last
//! completion, and only then are buffers freed and sockets closed (`uring::Uring::drop`; the order of `Driver`'s fields).

mod bare;
// io_uring shares memory with the kernel; like `sys`, one module does so and offers safe functions to the rest.
#[allow(unsafe_code)]
mod uring;

pub use bare::BareRing;

use crate::drive::LOOKS_PER_TICK;
use crate::io::{Arrival, Io, sleep_until};
use crate::meter::Meter;
use crate::runtime::Wake;
use crate::sockets::{MediaPorts, Pair};
use base::Instant;
use base::limits::MEDIA_PACKET_BYTES_MAX;
use call::PacketBatch;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use uring::{Completion, Group, Lent, MEDIA_BUFFERS, Uring};

/// Packets of one submission. All are measured as leaving when the call returns, so the first seems up to 16 × 3.5 µs =
/// 56 µs later than it was; a call costs a tenth of a packet, so larger batches would save less than one part in 150.
const SUBMIT_MAX: usize = 16;

/// How often the sockets whose receives have ended are armed again within a tick: so many empty packets of one socket a tick
/// hold up nobody's audio, as many as `poll` reads of one socket. Each costs about two calls.
const REARMS_PER_TICK: usize = LOOKS_PER_TICK;

/// The token of the SIP socket; pairs have their index, twice, and a bit for RTCP.
const SIP_TOKEN: u32 = u32::MAX;

/// The kernel's switch for io_uring: 0 on, 1 for the privileged only, 2 off.
const SWITCH: &str = "/proc/sys/kernel/io_uring_disabled";

/// Why a ring could not be made, in words for an operator.
pub(crate) fn cannot(error: &io::Error) -> String {
    why_not(error, &fs::read_to_string(SWITCH).unwrap_or_default())
}

fn why_not(error: &io::Error, disabled: &str) -> String {
    match (error.raw_os_error(), disabled.trim()) {
        (Some(libc::EPERM), level @ ("1" | "2")) => {
            format!("io_uring is switched off: kernel.io_uring_disabled is {level}; set it to 0 (sysctl)")
        }
        (Some(libc::EPERM), _) => {
            "io_uring is refused (EPERM): a seccomp profile or container forbids io_uring_setup; allow it there"
                .to_owned()
        }
        (Some(libc::ENOSYS), _) => "the kernel has no io_uring, or a seccomp profile hides it (ENOSYS)".to_owned(),
        (Some(libc::EINVAL), _) => "the kernel's io_uring lacks DEFER_TASKRUN; Linux 6.1 or later has it".to_owned(),
        (Some(libc::ENOMEM), _) => "no memory for io_uring: raise the limit of locked memory (ulimit -l)".to_owned(),
        _ => format!("io_uring cannot be set up: {error}"),
    }
}

/// Sockets by io_uring.
pub(crate) struct RingIo {
    uring: Uring,
    /// The SIP socket, where this shard is the front door.
    front: Option<Arc<UdpSocket>>,
    event: Option<OwnedFd>,
    /// Tokens of sockets on which no receive is armed.
    to_arm: VecDeque<u32>,
    wake_armed: bool,
    /// Come in since the last look, and what the last look found: (token, buffer).
    media_new: Vec<(u32, Lent)>,
    media_seen: Vec<(u32, Lent)>,
    sip_new: VecDeque<Lent>,
    sip_seen: Vec<Lent>,
}

impl RingIo {
    /// `front`: the SIP socket, where this shard reads it.
    ///
    /// # Errors
    /// What the system says when io_uring, or a part of it that is needed, is not to be had.
    pub(crate) fn new(front: Option<Arc<UdpSocket>>) -> io::Result<RingIo> {
        let uring = Uring::new(front.is_some())?;
        let to_arm = front.iter().map(|_| SIP_TOKEN).collect();
        Ok(RingIo {
            uring,
            front,
            event: None,
            to_arm,
            wake_armed: false,
            media_new: Vec::with_capacity(usize::from(MEDIA_BUFFERS)),
            media_seen: Vec::with_capacity(usize::from(MEDIA_BUFFERS)),
            sip_new: VecDeque::with_capacity(usize::from(uring::SIP_BUFFERS)),
            sip_seen: Vec::with_capacity(SIP_LOOK_MAX),
        })
    }

    /// Arms a receive on each socket that has none, unless there is no buffer for it; true when it has armed any.
    fn arm(&mut self, media: &MediaPorts) -> bool {
        let mut any = false;
        if !self.wake_armed
            && let Some(event) = &self.event
        {
            self.wake_armed = self.uring.arm_wake(event.as_fd()).is_ok();
        }
        for _ in 0..self.to_arm.len() {
            let Some(token) = self.to_arm.pop_front() else { break };
            let (socket, group) = match &self.front {
                Some(socket) if token == SIP_TOKEN => (&**socket, Group::Sip),
                _ => match media.by_token(u64::from(token)) {
                    Some((socket, _, _)) => (socket, Group::Media),
                    None => continue,
                },
            };
            if self.uring.has_room(group) && self.uring.arm(socket.as_fd(), group, token).is_ok() {
                any = true;
            } else {
                self.to_arm.push_back(token);
            }
        }
        any
    }

    /// Has the kernel work until there is nothing left to do.
    fn work(&mut self, meter: &mut Meter) {
        while self.uring.has_work() {
            meter.counters.system_calls += 1;
            if self.uring.work().is_err() {
                meter.counters.receive_errors += 1;
                return;
            }
            if self.reap(meter) == 0 {
                return;
            }
        }
    }

    /// Submits, and waits for an arrival, a wake-up, or the moment.
    fn wait(&mut self, until: Instant, meter: &mut Meter) {
        meter.counters.system_calls += 1;
        if self.uring.wait(1, until.since(meter.clock.now())).is_err() {
            // Nothing that is known to happen; the pace is kept all the same.
            meter.counters.receive_errors += 1;
            std::thread::sleep(std::time::Duration::from_nanos(until.since(meter.clock.now()).as_ns()));
        }
    }

    /// Sorts what the kernel has done; answers how much it was.
    fn reap(&mut self, meter: &mut Meter) -> usize {
        let (mut now, mut count) = (None, 0);
        while let Some(completion) = self.uring.next_completion() {
            count += 1;
            match completion {
                Completion::Sent { due, result: Ok(()) } => {
                    let now = *now.get_or_insert_with(|| meter.clock.now());
                    meter.media_sent(now, due);
                }
                Completion::Sent { result: Err(error), .. } => meter.send_failed(&error),
                Completion::Datagram { token, lent, more } => {
                    if token == SIP_TOKEN {
                        self.sip_new.push_back(lent);
                    } else {
                        self.media_new.push((token, lent));
                    }
                    // After an empty one: a pause after each would let a trickle of them shut out everybody.
                    let again = !more && token == SIP_TOKEN && self.uring.has_room(Group::Sip);
                    let socket = self.front.as_ref().filter(|_| again);
                    let armed = socket.is_some_and(|it| self.uring.arm(it.as_fd(), Group::Sip, token).is_ok());
                    if !more && !armed {
                        self.to_arm.push_back(token);
                    }
                }
                Completion::Ended { token, error } => {
                    if error.raw_os_error() == Some(libc::ENOBUFS) {
                        meter.counters.receive_buffers_exhausted += 1;
                    } else {
                        meter.counters.receive_errors += 1;
                    }
                    self.to_arm.push_back(token);
                }
                Completion::Woken { more } => self.wake_armed = more,
            }
        }
        count
    }

    /// Submits what is queued and sorts what came of it.
    fn submit(&mut self, meter: &mut Meter) {
        meter.counters.system_calls += 1;
        // What was not taken stays queued and leaves with the next submission.
        meter.counters.submit_errors += u64::from(self.uring.submit().is_err());
        self.reap(meter);
    }
}

/// SIP datagrams of one look: as many as one recvmmsg call of the poll driver brings.
const SIP_LOOK_MAX: usize = crate::sys::BATCH_MAX;

impl Io for RingIo {
    fn begin(&mut self, event: BorrowedFd<'_>) -> io::Result<()> {
        self.event = Some(event.try_clone_to_owned()?);
        self.uring.enable()
    }

    fn watch(&mut self, index: usize, _pair: &Pair) -> io::Result<()> {
        // Fits: a range has at most 32,767 pairs.
        self.to_arm.extend([false, true].map(|rtcp| MediaPorts::token(index, rtcp) as u32));
        Ok(())
    }

    fn rest(
        &mut self,
        media: &MediaPorts,
        wake: &Wake,
        until: Instant,
        soonest: Instant,
        nothing_to_do: Option<impl FnOnce() -> bool>,
        meter: &mut Meter,
    ) -> bool {
        self.arm(media);
        meter.counters.receive_arms_delayed += self.to_arm.len() as u64;
        if nothing_to_do.is_none() {
            // Paced by the descriptor and not by the ring: a wait in the ring would work on all arrivals before it returns,
            // and every packet that is due would leave so much later (0.1 ms with 1,000 legs).
            return wake.sleep(nothing_to_do, |event| sleep_until(event, until, meter));
        }
        let cut_short = wake.sleep(nothing_to_do, |_| {
            self.wait(until, meter);
            meter.clock.now() < until
        });
        if cut_short && meter.clock.now() < soonest {
            sleep_until(wake.event(), soonest, meter);
        }
        cut_short
    }

    fn collect(&mut self, media: &MediaPorts, meter: &mut Meter) {
        self.reap(meter);
        self.work(meter);
        for _ in 0..REARMS_PER_TICK {
            if self.to_arm.is_empty() || !self.arm(media) {
                return;
            }
            self.work(meter);
        }
    }

    fn look_sip(&mut self, _meter: &mut Meter) -> usize {
        if self.front.is_none() {
            return 0;
        }
        for lent in self.sip_seen.drain(..) {
            self.uring.give_back(lent);
        }
        self.uring.publish(Group::Sip);
        let count = self.sip_new.len().min(SIP_LOOK_MAX);
        self.sip_seen.extend(self.sip_new.drain(..count));
        count
    }

    fn sip(&self, place: usize) -> Option<(SocketAddr, &[u8])> {
        let (source, bytes, _) = self.uring.datagram(self.sip_seen.get(place)?)?;
        Some((source, bytes))
    }

    fn look_media(&mut self, _meter: &mut Meter) -> usize {
        for (_, lent) in self.media_seen.drain(..) {
            self.uring.give_back(lent);
        }
        self.uring.publish(Group::Media);
        std::mem::swap(&mut self.media_new, &mut self.media_seen);
        self.media_seen.len()
    }

    fn media<'a>(&'a mut self, media: &MediaPorts, place: usize, meter: &mut Meter) -> Option<Arrival<'a>> {
        let (token, lent) = self.media_seen.get(place)?;
        let (_, port, rtcp) = media.by_token(u64::from(*token))?;
        let (source, bytes, cut) = self.uring.datagram(lent)?;
        if cut || bytes.len() > MEDIA_PACKET_BYTES_MAX {
            meter.counters.receive_dropped_oversize += 1;
            return None;
        }
        Some(Arrival { port, rtcp, source, bytes })
    }

    fn send_media(&mut self, media: &MediaPorts, packets: &PacketBatch, meter: &mut Meter) {
        let mut queued = 0;
        for packet in packets.iter() {
            let Some(pair) = media.by_port(packet.port) else {
                meter.counters.send_dropped_no_socket += 1;
                continue;
            };
            let socket = if packet.rtcp { &pair.rtcp } else { &pair.rtp };
            match self.uring.send(socket.as_fd(), packet.to, packet.bytes, packet.due) {
                Ok(true) => queued += 1,
                // Every slot is on its way: the kernel is slower than we are, as when a socket says EAGAIN.
                Ok(false) => meter.counters.send_dropped_would_block += 1,
                Err(error) => meter.send_failed(&error),
            }
            if queued == SUBMIT_MAX {
                self.submit(meter);
                queued = 0;
            }
        }
        if queued > 0 {
            self.submit(meter);
        }
    }
}

#[cfg(test)]
mod tests;
