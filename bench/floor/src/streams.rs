//! What leaves, and when: the same for every loop.

use crate::{FRAME_BYTES, Share};
use std::net::SocketAddr;
use wire::rtp::{HEADER_BYTES, RtpHeader};

pub(crate) const TICK_NS: u64 = 1_000_000;
/// Slots of a 20 ms period.
const SLOTS: usize = 20;
/// Missed slots that are sent at once after a stall; older ones are skipped. Ten periods, as in the engine.
const CATCH_UP_TICKS: u64 = 200;

/// One thread's streams, spread over the slots.
pub(crate) struct Streams<'a> {
    share: &'a Share,
    /// Header of the next packet, and where its frame begins in the prompt.
    next: Vec<(RtpHeader, usize)>,
    /// The last tick whose slot was sent.
    done: u64,
}

impl<'a> Streams<'a> {
    pub(crate) fn new(share: &'a Share) -> Streams<'a> {
        let header =
            |index: usize| RtpHeader { payload_type: 0, marker: false, sequence: 0, timestamp: 0, ssrc: index as u32 };
        let next = (0..share.sockets.len()).map(|index| (header(index), 0)).collect();
        Streams { share, next, done: share.clock.now().as_ns() / TICK_NS }
    }

    /// Hands every packet that is due to `send`: its stream, where to, and its bytes.
    pub(crate) fn send_due(&mut self, mut send: impl FnMut(usize, SocketAddr, &[u8])) {
        let tick = self.share.clock.now().as_ns() / TICK_NS;
        let prompt = &*self.share.prompt;
        let mut packet = [0; HEADER_BYTES + FRAME_BYTES];
        for due in (self.done + 1).max(tick.saturating_sub(CATCH_UP_TICKS))..=tick {
            for index in ((due % SLOTS as u64) as usize..self.next.len()).step_by(SLOTS) {
                let (header, frame) = &mut self.next[index];
                header.write(&mut packet);
                packet[HEADER_BYTES..].copy_from_slice(&prompt[*frame..*frame + FRAME_BYTES]);
                header.sequence = header.sequence.wrapping_add(1);
                header.timestamp = header.timestamp.wrapping_add(FRAME_BYTES as u32);
                *frame = (*frame + FRAME_BYTES) % prompt.len();
                send(index, self.share.to[index], &packet);
            }
        }
        self.done = tick;
    }
}
