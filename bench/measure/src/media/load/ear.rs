//! Hears every packet that comes back: was it the right audio, was one missing, when did it come.

use crate::media::voice::{Stamper, prompt};
use crate::media::{Mode, voice};
use ::wire::rtp::RtpView;
use codecs::g711::Law;
use net::stats::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const PTIME_NS: i64 = 20_000_000;
/// One port number may belong to one leg.
const PORTS: usize = 1 << 16;

/// What was heard in a window, in frames of 20 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audio {
    /// The audio that was due.
    pub right: u64,
    /// Something else: never lawful.
    pub wrong: u64,
    /// Relayed frames that never came: skipped by a jitter buffer that shortened its delay, or lost on the way in.
    pub missing: u64,
    /// The last frame once more, in place of one that was late or lost.
    pub concealed: u64,
    /// Digital silence where audio was due.
    pub silent: u64,
}

/// One leg's ear.
#[derive(Clone, Default)]
struct Ear {
    /// Sequence number, carried on past its wraps; `None` before the first packet.
    sequence: Option<u64>,
    /// The stream's grid: least (arrival − number × 20 ms) seen, in ns.
    anchor_ns: i64,
    /// `sequence` where the window began.
    began: u64,
    /// Play: sequence number of the prompt's first frame, modulo its length.
    prompt_start: Option<u64>,
    /// Relay: number of the last frame.
    number: Option<u32>,
}

/// All ears.
pub(super) struct Ears {
    mode: Mode,
    legs: Vec<Ear>,
    /// Leg of each sender's port.
    by_port: Vec<Option<u32>>,
    /// The prompt's frames, and each one's place by its first eight bytes.
    prompt: Vec<voice::Payload>,
    places: HashMap<[u8; 8], usize>,
    received: u64,
    audio: Audio,
    arrival_us: Histogram,
    delay_us: Histogram,
}

impl Ears {
    pub(super) fn new(mode: Mode, legs: usize) -> Ears {
        let whole = prompt();
        let prompt: Vec<voice::Payload> =
            (0..whole.frames()).filter_map(|index| whole.frame(Law::Mu, index).copied()).collect();
        let places = prompt.iter().enumerate().map(|(place, frame)| (head(frame), place)).collect();
        Ears {
            mode,
            legs: vec![Ear::default(); legs],
            by_port: vec![None; PORTS],
            prompt,
            places,
            received: 0,
            audio: Audio::default(),
            arrival_us: Histogram::default(),
            delay_us: Histogram::default(),
        }
    }

    /// A leg whose packets come from `port`.
    pub(super) fn expect(&mut self, leg: usize, port: u16) {
        self.legs[leg] = Ear::default();
        self.by_port[usize::from(port)] = Some(leg as u32);
    }

    /// Nobody is expected any more.
    pub(super) fn clear(&mut self) {
        self.by_port.fill(None);
        self.legs.fill(Ear::default());
    }

    /// The window begins.
    pub(super) fn begin(&mut self) {
        self.received = 0;
        self.audio = Audio::default();
        self.arrival_us = Histogram::default();
        self.delay_us = Histogram::default();
        for ear in &mut self.legs {
            ear.began = ear.sequence.unwrap_or(0);
        }
    }

    /// The window ends: packets lost on the way here, what was heard, arrival lateness and relay delay in µs.
    pub(super) fn end(&mut self) -> (u64, Audio, Histogram, Histogram) {
        let sent: u64 = self.legs.iter().filter_map(|ear| Some(ear.sequence? - ear.began)).sum();
        let histograms = (std::mem::take(&mut self.arrival_us), std::mem::take(&mut self.delay_us));
        (sent.saturating_sub(self.received), self.audio, histograms.0, histograms.1)
    }

    /// A packet came from `port` at `arrived_ns` (CLOCK_REALTIME).
    pub(super) fn hear(&mut self, stamper: &Stamper, port: u16, arrived_ns: u64, bytes: &[u8]) {
        let Some(leg) = self.by_port[usize::from(port)] else { return };
        let Ok(packet) = RtpView::parse(bytes) else {
            self.audio.wrong += 1;
            return;
        };
        self.received += 1;
        let ear = &mut self.legs[leg as usize];
        let sequence = extend(ear.sequence, packet.sequence());
        let place_ns = arrived_ns as i64 - sequence as i64 * PTIME_NS;
        if ear.sequence.is_none() {
            ear.anchor_ns = place_ns;
            ear.began = sequence;
        }
        ear.sequence = ear.sequence.max(Some(sequence));
        ear.anchor_ns = ear.anchor_ns.min(place_ns);
        self.arrival_us.record((place_ns - ear.anchor_ns) as u64 / 1_000);

        let payload = packet.payload();
        let silent = payload.iter().all(|byte| *byte == Law::Mu.silence());
        match self.mode {
            Mode::Detect => *if silent { &mut self.audio.right } else { &mut self.audio.wrong } += 1,
            Mode::Play => self.hear_prompt(leg, sequence, payload, silent),
            Mode::Echo => self.hear_relayed(stamper, leg, leg, arrived_ns, payload, silent),
            Mode::Bridge => self.hear_relayed(stamper, leg, leg ^ 1, arrived_ns, payload, silent),
        }
    }

    fn hear_prompt(&mut self, leg: u32, sequence: u64, payload: &[u8], silent: bool) {
        let length = self.prompt.len() as u64;
        let ear = &mut self.legs[leg as usize];
        if silent && ear.prompt_start.is_none() {
            self.audio.silent += 1; // the prompt has not begun
            return;
        }
        if ear.prompt_start.is_none() {
            let place = payload.first_chunk().and_then(|head| self.places.get(head));
            ear.prompt_start = place.map(|place| (sequence + length - *place as u64) % length);
        }
        let due = ear.prompt_start.map(|start| &self.prompt[((sequence + length - start) % length) as usize]);
        if due.is_some_and(|due| due == payload) {
            self.audio.right += 1;
        } else {
            self.audio.wrong += 1;
            ear.prompt_start = None; // look for the place again, so that one slip is one fault
        }
    }

    fn hear_relayed(&mut self, stamper: &Stamper, leg: u32, from: u32, now_ns: u64, payload: &[u8], silent: bool) {
        if silent {
            self.audio.silent += 1;
            return;
        }
        let ear = &mut self.legs[leg as usize];
        let Some(stamp) = stamper.read(payload).filter(|stamp| stamp.leg == from) else {
            self.audio.wrong += 1;
            return;
        };
        match ear.number.map(|last| stamp.number.wrapping_sub(last)) {
            Some(0) => {
                self.audio.concealed += 1;
                return;
            }
            Some(step) if step > u32::MAX / 2 => {
                self.audio.wrong += 1; // an older frame after a newer one
                return;
            }
            Some(step) => self.audio.missing += u64::from(step - 1),
            None => {}
        }
        ear.number = Some(stamp.number);
        self.audio.right += 1;
        self.delay_us.record(now_ns.saturating_sub(stamp.sent_ns) / 1_000);
    }
}

fn head(frame: &voice::Payload) -> [u8; 8] {
    std::array::from_fn(|index| frame[index])
}

/// Carries a sequence number on past its wraps, from the last one.
fn extend(last: Option<u64>, sequence: u16) -> u64 {
    let Some(last) = last else { return (1 << 16) + u64::from(sequence) };
    let step = sequence.wrapping_sub(last as u16).cast_signed();
    last.saturating_add_signed(i64::from(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::voice::Stamp;
    use ::wire::rtp::{HEADER_BYTES, RtpHeader};

    const START_NS: u64 = 1_700_000_000_000_000_000;

    fn packet(sequence: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        RtpHeader { payload_type: 0, marker: false, sequence, timestamp: 0, ssrc: 1 }.write(&mut bytes);
        bytes.extend_from_slice(payload);
        bytes
    }

    fn ears(mode: Mode) -> (Ears, Stamper) {
        let mut ears = Ears::new(mode, 2);
        ears.expect(0, 1_000);
        ears.expect(1, 1_002);
        ears.begin();
        (ears, Stamper::new())
    }

    #[test]
    fn a_prompt_is_followed_over_wraps_and_any_other_audio_is_wrong() {
        let (mut ears, stamper) = ears(Mode::Play);
        let frames = ears.prompt.clone();
        let silence = [Law::Mu.silence(); 160];
        ears.hear(&stamper, 1_000, START_NS, &packet(65_400, &silence));
        ears.begin();
        for step in 1..=500_u64 {
            let sequence = (65_400 + step) as u16;
            let frame = &frames[(step as usize + 3) % frames.len()];
            ears.hear(&stamper, 1_000, START_NS + step * 20_000_000, &packet(sequence, frame));
        }
        ears.hear(&stamper, 1_000, START_NS, &packet(501_u16.wrapping_add(65_400), &frames[0])); // out of place
        let (lost, audio, ..) = ears.end();
        assert_eq!((lost, audio), (0, Audio { right: 500, wrong: 1, ..Audio::default() }));
    }

    #[test]
    fn relayed_frames_are_told_apart_and_timed() {
        let (mut ears, stamper) = ears(Mode::Bridge);
        let frame = |leg, number| {
            let mut payload = [0; 160];
            stamper.write(Stamp { leg, number, sent_ns: START_NS }, &mut payload);
            payload
        };
        // Right, right, repeated, two skipped, older than the last, somebody else's.
        let heard = [frame(1, 1), frame(1, 2), frame(1, 2), frame(1, 5), frame(1, 4), frame(0, 6)];
        for (sequence, payload) in (0..).zip(&heard) {
            ears.hear(&stamper, 1_000, START_NS + 30_000_000, &packet(sequence, payload));
        }
        let (_, audio, _, delay) = ears.end();
        assert_eq!(audio, Audio { right: 3, wrong: 2, missing: 2, concealed: 1, silent: 0 });
        assert_eq!((delay.count(), delay.at(0.5) / 1_000), (3, 30));
    }

    #[test]
    fn lost_packets_and_late_arrivals_show_on_the_stream_s_own_grid() {
        let (mut ears, stamper) = ears(Mode::Detect);
        let silence = packet(0, &[Law::Mu.silence(); 160]);
        let at = |sequence: u16, late_us: u64| {
            let mut bytes = silence.clone();
            bytes[2..4].copy_from_slice(&sequence.to_be_bytes());
            (bytes, START_NS + u64::from(sequence) * 20_000_000 + late_us * 1_000)
        };
        for (sequence, late_us) in [(10, 50), (11, 0)] {
            let (bytes, arrived) = at(sequence, late_us);
            ears.hear(&stamper, 1_000, arrived, &bytes); // settling: the second one is the anchor
        }
        ears.begin();
        for (sequence, late_us) in [(12, 0), (13, 100), (16, 5_000)] {
            let (bytes, arrived) = at(sequence, late_us);
            ears.hear(&stamper, 1_000, arrived, &bytes);
        }
        ears.hear(&stamper, 9, 0, &silence); // nobody
        let (lost, audio, arrival, _) = ears.end();
        assert_eq!((lost, audio.right, arrival.count()), (2, 3, 3));
        assert!((4_950..=5_050).contains(&arrival.max()) && arrival.at(0.5) / 10 == 10, "{arrival:?}");
    }
}
