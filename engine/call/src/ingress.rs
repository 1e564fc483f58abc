//! From packets of any length to 20 ms frames with a number on the sender's timeline.
//!
//! RFC 3551 §4.2 lets a sender choose its packet time, so 10, 30 and 40 ms packets must be taken although we send
//! 20 ms. The number comes from the RTP timestamp and not from the sequence number: a pause of the sender (DTX) then
//! shows as missing frames of the right length.

use crate::api::Frame;
use codecs::g711::Law;
use media::FRAME_SAMPLES;

const FRAME: u32 = FRAME_SAMPLES as u32;

/// Cuts a stream of payloads into frames. One per leg.
#[derive(Default)]
pub(crate) struct Reframer {
    /// Timestamp that counts as frame 0; set by the first packet.
    base: Option<u32>,
    pending: Pending,
}

struct Pending {
    index: u32,
    filled: usize,
    payload: [u8; FRAME_SAMPLES],
}

impl Default for Pending {
    fn default() -> Self {
        Pending { index: 0, filled: 0, payload: [0; FRAME_SAMPLES] }
    }
}

impl Reframer {
    /// Forgets the timeline: the sender has started a new one.
    pub(crate) fn restart(&mut self) {
        *self = Reframer::default();
    }

    /// Takes one payload and hands each whole frame to `emit`.
    pub(crate) fn push(&mut self, timestamp: u32, marker: bool, law: Law, payload: &[u8], mut emit: impl FnMut(Frame)) {
        // Half the number space below frame 0 stays free, so packets that overtook the first one are still in order.
        let base = *self.base.get_or_insert(timestamp.wrapping_sub(FRAME << 16));
        let offset = timestamp.wrapping_sub(base);
        let (mut index, mut within) = (offset / FRAME, (offset % FRAME) as usize);
        if payload.len() == FRAME_SAMPLES && (within == 0 || self.pending.filled == 0) {
            // The usual case, and senders whose timestamps are not multiples of a frame: one packet is one frame.
            let mut frame = Frame { index, marker, law, payload: [0; FRAME_SAMPLES] };
            frame.payload.copy_from_slice(payload);
            emit(frame);
            return;
        }
        let mut rest = payload;
        let mut marker = marker;
        while !rest.is_empty() {
            if self.pending.index != index || self.pending.filled != within {
                // A gap or an overtaking packet: the half frame is lost, the new one begins with silence.
                self.pending.index = index;
                self.pending.payload[..within].fill(law.silence());
                self.pending.filled = within;
            }
            let take = rest.len().min(FRAME_SAMPLES - within);
            self.pending.payload[within..within + take].copy_from_slice(&rest[..take]);
            rest = &rest[take..];
            self.pending.filled = within + take;
            if self.pending.filled == FRAME_SAMPLES {
                emit(Frame { index, marker, law, payload: self.pending.payload });
                marker = false;
                index = index.wrapping_add(1);
                within = 0;
                self.pending.index = index;
                self.pending.filled = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(packets: &[(u32, usize, u8)]) -> Vec<(u32, u8, u8)> {
        let mut reframer = Reframer::default();
        let mut out = Vec::new();
        for (timestamp, length, byte) in packets {
            reframer.push(*timestamp, false, Law::Mu, &vec![*byte; *length], |frame| {
                out.push((frame.index, frame.payload[0], frame.payload[159]));
            });
        }
        let first = out.first().map_or(0, |frame| frame.0);
        out.iter().map(|(index, a, b)| (index.wrapping_sub(first), *a, *b)).collect()
    }

    #[test]
    fn twenty_ms_packets_pass_one_to_one() {
        assert_eq!(frames(&[(7, 160, 1), (167, 160, 2), (487, 160, 3)]), [(0, 1, 1), (1, 2, 2), (3, 3, 3)]);
    }

    #[test]
    fn other_packet_times_are_cut_and_joined() {
        assert_eq!(frames(&[(0, 80, 1), (80, 80, 2), (160, 80, 3), (240, 80, 4)]), [(0, 1, 2), (1, 3, 4)]);
        assert_eq!(frames(&[(0, 240, 1), (240, 240, 2)]), [(0, 1, 1), (1, 1, 2), (2, 2, 2)]);
        assert_eq!(frames(&[(0, 320, 1)]), [(0, 1, 1), (1, 1, 1)]);
    }

    #[test]
    fn a_lost_half_frame_is_silence_and_not_a_shift() {
        assert_eq!(frames(&[(0, 80, 1), (80, 80, 2), (240, 80, 4)]), [(0, 1, 2), (1, Law::Mu.silence(), 4)]);
    }
}
