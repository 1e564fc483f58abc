//! What the two sides say to each other, so that each knows what it ought to hear.

use base::{Seed, Stream};
use codecs::g711::Law;
use media::FRAME_SAMPLES;
use media::playout::Prompt;
use std::sync::Arc;

/// One frame's payload.
pub(crate) type Payload = [u8; FRAME_SAMPLES];

/// The engine's prompt: 4 s of loud noise, so that no two frames are alike and any shift or mix-up shows.
const PROMPT_FRAMES: usize = 200;
/// Speech for detection: 20 s, so that legs at different places of it are busy with different things.
const SPEECH_FRAMES: usize = 1_000;
/// Loudness of speech, mean absolute sample: six times what counts as voice.
const SPEECH_LEVEL: f64 = 1_600.0;
/// Loudness of the pauses: a line is never quite still.
const PAUSE_LEVEL: f64 = 20.0;

fn stream(label: &str) -> Stream {
    Seed::from_u64(1).stream(label, 0)
}

/// The prompt; the same in every process.
pub(crate) fn prompt() -> Arc<Prompt> {
    let mut random = stream("bench prompt");
    let samples: Vec<i16> = (0..PROMPT_FRAMES * FRAME_SAMPLES).map(|_| (random.next_u32() as i16) / 2).collect();
    Arc::new(Prompt::from_samples(&samples))
}

/// Syllables of noise with pauses, µ-law: nobody's words, with the rhythm of speech. Pauses stay below the 800 ms after
/// which a greeting is over.
pub(crate) fn speech() -> Vec<Payload> {
    let mut random = stream("bench speech");
    let mut frames = Vec::with_capacity(SPEECH_FRAMES);
    while frames.len() < SPEECH_FRAMES {
        for (level, shortest, spread) in [(SPEECH_LEVEL, 5, 12), (PAUSE_LEVEL, 3, 10)] {
            for _ in 0..shortest + random.below(spread) {
                let sample = |random: &mut Stream| random.range_f64(-2.0 * level, 2.0 * level) as i16;
                let samples: [i16; FRAME_SAMPLES] = std::array::from_fn(|_| sample(&mut random));
                let mut frame = [0; FRAME_SAMPLES];
                Law::Mu.encode_slice(&samples, &mut frame);
                frames.push(frame);
            }
        }
    }
    frames.truncate(SPEECH_FRAMES);
    frames
}

/// What a stamped frame says: who sent it, which one it is, and when it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The leg that sent it.
    pub(crate) leg: u32,
    /// Its number on that leg.
    pub(crate) number: u32,
    /// CLOCK_REALTIME in nanoseconds, which is what the kernel stamps arrivals with.
    pub(crate) sent_ns: u64,
}

/// Bytes of a stamp: its three fields and their check.
const STAMP_BYTES: usize = 24;
const FILL_BYTES: usize = FRAME_SAMPLES - STAMP_BYTES;

/// Writes and reads stamped frames. The rest of a frame is filled by a pattern that depends on its number, so that a
/// frame pieced together from two is seen.
pub(crate) struct Stamper {
    pattern: Vec<u8>,
}

impl Stamper {
    pub(crate) fn new() -> Stamper {
        let mut random = stream("bench fill");
        Stamper { pattern: (0..256 + FILL_BYTES).map(|_| random.next_u32() as u8).collect() }
    }

    fn fill(&self, number: u32) -> &[u8] {
        let start = (number % 256) as usize;
        &self.pattern[start..start + FILL_BYTES]
    }

    pub(crate) fn write(&self, stamp: Stamp, out: &mut [u8]) {
        out[0..4].copy_from_slice(&stamp.leg.to_be_bytes());
        out[4..8].copy_from_slice(&stamp.number.to_be_bytes());
        out[8..16].copy_from_slice(&stamp.sent_ns.to_be_bytes());
        out[16..24].copy_from_slice(&check(stamp).to_be_bytes());
        out[STAMP_BYTES..FRAME_SAMPLES].copy_from_slice(self.fill(stamp.number));
    }

    /// `None` when any byte of the frame is not what its stamp demands.
    pub(crate) fn read(&self, frame: &[u8]) -> Option<Stamp> {
        let (&head, fill) = frame.split_first_chunk::<STAMP_BYTES>()?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
        let stamp = Stamp { leg: word(0), number: word(4), sent_ns: long(8) };
        (long(16) == check(stamp) && fill == self.fill(stamp.number)).then_some(stamp)
    }
}

/// Mixes the fields so that no two differ in one place only (multiplication by an odd constant is one-to-one).
fn check(stamp: Stamp) -> u64 {
    let fields = u64::from(stamp.leg) << 32 | u64::from(stamp.number);
    (fields ^ stamp.sent_ns.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use detect::{Classic, ClassicConfig, DetectorConfig};

    #[test]
    fn a_stamped_frame_is_read_back_and_any_changed_byte_is_seen() {
        let stamper = Stamper::new();
        let stamp = Stamp { leg: 7, number: 1_000, sent_ns: 1_700_000_000_123_456_789 };
        let mut frame = [0; FRAME_SAMPLES];
        stamper.write(stamp, &mut frame);
        assert_eq!(stamper.read(&frame), Some(stamp));
        for place in 0..FRAME_SAMPLES {
            let mut broken = frame;
            broken[place] ^= 0x10;
            assert_eq!(stamper.read(&broken), None, "byte {place}");
        }
        assert_eq!(stamper.read(&frame[..FRAME_SAMPLES - 1]), None);
        assert_eq!(stamper.read(&[0xff; FRAME_SAMPLES]), None, "silence");
    }

    #[test]
    fn prompts_repeat_and_no_two_frames_are_alike() {
        let (one, other) = (prompt(), prompt());
        let frames: std::collections::BTreeSet<_> =
            (0..one.frames()).map(|index| one.frame(Law::Mu, index).unwrap()).collect();
        assert_eq!(frames.len(), PROMPT_FRAMES);
        assert!((0..one.frames()).all(|index| one.frame(Law::Mu, index) == other.frame(Law::Mu, index)));
    }

    #[test]
    fn speech_is_words_to_the_classic_detector() {
        let frames = speech();
        assert_eq!(frames.len(), SPEECH_FRAMES);
        let mut detector = Classic::new(ClassicConfig::default());
        let mut samples = [0; FRAME_SAMPLES];
        let decision = frames.iter().find_map(|frame| {
            Law::Mu.decode_slice(frame, &mut samples);
            detector.push_frame(&samples)
        });
        assert_eq!(decision.unwrap().verdict, detect::Verdict::Machine, "it talks on and on");
        let mut patient = Classic::new(super::super::engine::PATIENT);
        let decided = frames.iter().cycle().take(10 * SPEECH_FRAMES).any(|frame| {
            Law::Mu.decode_slice(frame, &mut samples);
            patient.push_frame(&samples).is_some()
        });
        assert!(!decided);
        let mut patient = DetectorConfig::Default(super::super::engine::PATIENT_TUNING, Arc::default()).build();
        let decided = frames.iter().cycle().take(2 * SPEECH_FRAMES).any(|frame| {
            Law::Mu.decode_slice(frame, &mut samples);
            let mut told = false;
            patient.push_frame(&samples, &mut |what| told |= matches!(what, detect::Told::Verdict(_)));
            told
        });
        assert!(!decided, "no tone is in it");
    }
}
