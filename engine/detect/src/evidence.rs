//! What is kept of a call that was listened to: enough to see why it was judged so, and to learn from it without its sound.
//!
//! ```text
//!  each 20 ms   24 bands, purity and length of a tone, speech and counts of tones ──> 27 bytes ─┐
//!  each 40 ms   seven probabilities ──> 7 bytes ────────────────────────────────────────────────┴─> Tape ──> Evidence
//!  another net, if one listens beside the acting detector ──> Witness ──> Evidence
//!  the sound, where the campaign allows it, as 8 bits µ-law ──> Evidence
//! ```
//!
//! **Invariants.** Everything ends with the verdict and at 8 s at the latest. All room is taken at the answer; listening
//! takes none. [`replay`] gives back the frames that the net was given: turns of speech exactly, numbers to 0.015.
//! Absent: which tone it was (a call with such tones teaches nothing about speech), what came before the answer but for
//! its talk that went on, and what came after the verdict.
//!
//! **Units.** Bytes: a second of audio is 1,350 of features and 175 of trace; 8 s are 12,200. Sound is 8,000 a second.

use crate::decide::{Decider, Look, Tuning};
use crate::early::Across;
use crate::front::{BANDS, FEATURES, FRAME_MS, Frame, TONE_FEATURES};
use crate::model::{CLASSES, FRAMES_A_STEP, Net, Posterior};
use crate::timing::{TIMING_FEATURES, Timing};
use crate::vad::Gate;
use crate::{Decision, Detector, DetectorConfig, Listener};
use codecs::tones::Signal;
use std::sync::Arc;

/// What is kept at most, in milliseconds since the answer.
pub const KEPT_MS: u32 = 8_000;
/// Frames that are kept at most: 400.
pub const FRAMES_MAX: usize = (KEPT_MS / FRAME_MS) as usize;
/// Bytes of a frame: bands, two numbers of the tone bank, one byte of speech and counts.
pub const FRAME_BYTES: usize = BANDS + 3;
/// Bytes of one step of the trace.
pub const STEP_BYTES: usize = CLASSES;
/// Samples of sound that are kept at most.
const SAMPLES_MAX: usize = KEPT_MS as usize * 8;

/// Numbers of the front end lie between -3 and 4.65: bands are held to 3, logarithms of 8 s end at 3.7.
const LEAST: f32 = -3.0;
const STEP: f32 = 0.03;

fn pressed(value: f32) -> u8 {
    // A cast holds what is outside to 0 and 255.
    ((value - LEAST) / STEP + 0.5) as u8
}

fn drawn(byte: u8) -> f32 {
    LEAST + f32::from(byte) * STEP
}

/// What to keep of the calls that are listened to.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Trace and features.
    pub tape: bool,
    /// Sound.
    pub sound: bool,
    /// This net listens beside the acting detector and is written down; it never acts.
    pub witness: Option<Arc<(Arc<Net>, Tuning)>>,
}

/// Who listens to a call, and what is kept of it.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Whose word counts.
    pub detector: DetectorConfig,
    /// What is kept.
    pub keep: Keep,
}

impl From<DetectorConfig> for Listen {
    fn from(detector: DetectorConfig) -> Listen {
        Listen { detector, keep: Keep::default() }
    }
}

/// What was kept of a call until its verdict.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// [`STEP_BYTES`] each 40 ms: probabilities in the order of [`crate::Verdict::ALL`], 255 is certain.
    pub trace: Vec<u8>,
    /// [`FRAME_BYTES`] each 20 ms; see [`replay`].
    pub features: Vec<u8>,
    /// µ-law; empty where sound is not kept.
    pub sound: Vec<u8>,
    /// What the witness said, if it had decided; outside `None`: nobody listened beside.
    pub witness: Option<Option<Decision>>,
}

/// Bytes while a call is listened to.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    trace: Vec<u8>,
    features: Vec<u8>,
}

impl Tape {
    pub(crate) fn new() -> Tape {
        Tape {
            trace: Vec::with_capacity(FRAMES_MAX / FRAMES_A_STEP * STEP_BYTES),
            features: Vec::with_capacity(FRAMES_MAX * FRAME_BYTES),
        }
    }

    pub(crate) fn frame(&mut self, frame: &Frame, across: bool) {
        if self.features.len() >= FRAMES_MAX * FRAME_BYTES {
            return;
        }
        let (bands, rest) = frame.features.split_at(BANDS);
        let [purity, sounding, beeps, others] = *rest.last_chunk::<TONE_FEATURES>().unwrap_or(&[0.0; TONE_FEATURES]);
        self.features.extend(bands.iter().chain([&purity, &sounding]).map(|value| pressed(*value)));
        let Gate { speech, lull, cut_in } = frame.gate;
        let gate = u8::from(speech) | u8::from(lull) << 5 | u8::from(cut_in) << 6 | u8::from(across) << 7;
        self.features.push(gate | (beeps as u8) << 1 | (others as u8) << 3);
    }

    pub(crate) fn step(&mut self, posterior: &Posterior) {
        if self.trace.len() < FRAMES_MAX / FRAMES_A_STEP * STEP_BYTES {
            self.trace.extend(posterior.iter().map(|p| (p * 255.0 + 0.5) as u8));
        }
    }
}

/// A net that listens beside the acting detector.
#[derive(Clone)]
struct Witness {
    listener: Listener,
    decider: Decider,
    decision: Option<Decision>,
}

/// Keeps what [`Keep`] asks for while a detector listens.
#[derive(Clone)]
pub struct Keeper {
    witness: Option<Witness>,
    sound: Option<Vec<u8>>,
}

impl Keeper {
    /// At the answer; tells the detector to keep what only it knows. `None` where nothing is kept.
    pub fn new(keep: &Keep, detector: &mut dyn Detector) -> Option<Keeper> {
        let taped = keep.tape && detector.keep_tape();
        let witness = keep.witness.as_deref().map(|(net, tuning)| {
            let mut listener = Listener::new(Arc::clone(net));
            if keep.tape && !taped {
                listener.keep_tape();
            }
            Witness { listener, decider: Decider::new(*tuning), decision: None }
        });
        let sound = keep.sound.then(|| Vec::with_capacity(SAMPLES_MAX));
        (taped || witness.is_some() || sound.is_some()).then_some(Keeper { witness, sound })
    }

    /// The same samples that the detector is given.
    pub fn push_frame(&mut self, samples: &[i16]) {
        if let Some(Witness { listener, decider, decision }) = &mut self.witness {
            listener.push(samples, |look| {
                if decision.is_none() {
                    *decision = decider.look(look);
                }
            });
        }
        if let Some(sound) = &mut self.sound {
            let room = SAMPLES_MAX - sound.len();
            sound.extend(samples.iter().take(room).map(|sample| codecs::g711::pcmu::encode(*sample)));
        }
    }

    /// After the verdict of `detector`: what was kept.
    pub fn finish(mut self, detector: &mut dyn Detector) -> Evidence {
        let heard = self.witness.as_mut().and_then(|witness| witness.listener.take_tape());
        let tape = detector.take_tape().or(heard);
        let (trace, features) = tape.map_or((Vec::new(), Vec::new()), |tape| (tape.0.trace, tape.0.features));
        Evidence {
            trace,
            features,
            sound: self.sound.unwrap_or_default(),
            witness: self.witness.map(|witness| witness.decision),
        }
    }
}

/// A tape on its way out of a detector.
#[derive(Clone, Debug)]
pub struct Taped(pub(crate) Box<Tape>);

/// One kept frame.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Kept {
    /// As the net was given it.
    pub frame: Frame,
    /// A beep was told in it.
    pub beep: bool,
    /// Talk that had begun before the answer was going on.
    pub across: bool,
}

/// The frames of kept features; a torn last one is left out.
pub fn replay(features: &[u8]) -> impl Iterator<Item = Kept> + '_ {
    let (mut timing, mut beeps_before) = (Timing::default(), 0);
    features.as_chunks::<FRAME_BYTES>().0.iter().take(FRAMES_MAX).enumerate().map(move |(n, bytes)| {
        let [.., purity, sounding, flags] = *bytes;
        let (beeps, others) = (flags >> 1 & 3, flags >> 3 & 3);
        let gate = Gate { speech: flags & 1 == 1, lull: flags >> 5 & 1 == 1, cut_in: flags >> 6 & 1 == 1 };
        timing.frame(gate);
        let mut features = [0.0; FEATURES];
        for (out, byte) in features.iter_mut().zip(&bytes[..BANDS]) {
            *out = drawn(*byte);
        }
        let (_, rest) = features.split_at_mut(BANDS);
        let (of_timing, of_tones) = rest.split_at_mut(TIMING_FEATURES);
        if let Ok(of_timing) = of_timing.try_into() {
            timing.features(of_timing);
        }
        of_tones.copy_from_slice(&[drawn(purity), drawn(sounding), f32::from(beeps), f32::from(others)]);
        let beep = beeps > std::mem::replace(&mut beeps_before, beeps);
        let mut frame = Frame { features, at_ms: (n as u32 + 1) * FRAME_MS, ..Frame::START };
        frame.hear(gate, &timing, 0);
        Kept { frame, beep, across: flags >> 7 == 1 }
    })
}

/// What a net looks at when it hears a kept call: as [`Listener`] gives it, but for tones that are no beep.
pub fn looks(net: &Net, features: &[u8]) -> Vec<Look> {
    let mut ear = crate::neural::Ear::new();
    replay(features)
        .map(|kept| {
            ear.frame(net, &kept.frame.features);
            if kept.beep {
                ear.tone(Signal::Beep, kept.frame.at_ms);
            }
            let across = kept.across.then_some(Across { ms: kept.frame.at_ms, sit: None });
            Look { across, ..ear.look(net, &kept.frame) }
        })
        .collect()
}

/// Probabilities of a trace, step by step (40 ms each).
pub fn steps(trace: &[u8]) -> impl Iterator<Item = Posterior> + '_ {
    trace.as_chunks::<STEP_BYTES>().0.iter().map(|step| step.map(|byte| f32::from(byte) / 255.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClassicConfig, Front, Neural, Told, Verdict, front, shipped};

    /// 4 s: rest, "speech" of noise that swells, rest, a beep, rest.
    fn call() -> Vec<i16> {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from((state >> 16) as i16)
        };
        (0..32_000)
            .map(|n| {
                let t = f64::from(n) / 8_000.0;
                let loud = if (0.4..2.4).contains(&t) { 0.25 * (t * 25.0).sin().abs() } else { 0.000_5 };
                let beep = if (2.6..2.9).contains(&t) { 8_000.0 * (t * 6_283.2).sin() } else { 0.0 };
                (noise() * loud + beep) as i16
            })
            .collect()
    }

    fn deaf() -> Tuning {
        Tuning { rest_ms: u32::MAX, talk_ms: u32::MAX, silence_ms: u32::MAX, ..Tuning::with(2.0, 2.0) }
    }

    #[test]
    fn what_is_kept_gives_back_what_the_net_was_given() {
        let (samples, mut frames) = (call(), Vec::new());
        Front::new().push(&samples, |heard| {
            if let front::Heard::Frame(frame) = heard {
                frames.push(*frame);
            }
        });
        // Without the rule of beeps, so that the whole call is heard.
        let tuning = Tuning { speech_before_beep_ms: u32::MAX, ..deaf() };
        let mut detector = Neural::new(shipped(), tuning);
        let mut keeper = Keeper::new(&Keep { tape: true, ..Keep::default() }, &mut detector).unwrap();
        let mut expected = Vec::new();
        let mut listener = Listener::new(shipped());
        for frame in samples.chunks(160) {
            detector.push_frame(frame, &mut |_| ());
            keeper.push_frame(frame);
            listener.push(frame, |look| expected.push(*look));
        }
        let evidence = keeper.finish(&mut detector);
        assert_eq!((evidence.features.len(), evidence.trace.len()), (200 * FRAME_BYTES, 100 * STEP_BYTES));
        let kept: Vec<Kept> = replay(&evidence.features).collect();
        assert_eq!(kept.len(), frames.len());
        for (kept, frame) in kept.iter().zip(&frames) {
            let exact = |frame: &Frame| Frame { features: [0.0; FEATURES], ..*frame };
            assert_eq!(exact(&kept.frame), exact(frame));
            let off = |(a, b): (&f32, &f32)| (a - b).abs();
            let most = kept.frame.features.iter().zip(&frame.features).map(off).fold(0.0, f32::max);
            assert!(most <= 0.5 * STEP + 1e-4, "{most} off at {} ms", frame.at_ms);
        }
        assert_eq!(kept.iter().filter(|kept| kept.beep).count(), 1, "one beep");
        // And so a net that hears it again thinks nearly the same.
        let again = looks(&shipped(), &evidence.features);
        for (again, first) in again.iter().zip(&expected) {
            assert_eq!(again.tone, first.tone);
            for (a, b) in again.posterior.iter().zip(first.posterior) {
                assert!((a - b).abs() < 0.05, "{:?} and {:?}", again.posterior, first.posterior);
            }
        }
        let last = steps(&evidence.trace).last().unwrap();
        let thought = expected.last().unwrap().posterior;
        assert!(last.iter().zip(thought).all(|(a, b)| (a - b).abs() < 0.003), "{last:?} and {thought:?}");
    }

    #[test]
    fn everything_ends_at_eight_seconds_and_takes_no_more_room() {
        let mut detector = Neural::new(shipped(), deaf());
        let keep = Keep { tape: true, sound: true, witness: Some(Arc::new((shipped(), deaf()))) };
        let mut keeper = Keeper::new(&keep, &mut detector).unwrap();
        for _ in 0..500 {
            detector.push_frame(&[0; 160], &mut |_| ());
            keeper.push_frame(&[0; 160]);
        }
        let evidence = keeper.finish(&mut detector);
        let lengths = (evidence.features.len(), evidence.trace.len(), evidence.sound.len());
        assert_eq!(lengths, (10_800, 1_400, 64_000));
        assert_eq!(evidence.witness, Some(None), "it listened and had not decided");
    }

    #[test]
    fn beside_rules_a_net_is_a_witness_and_keeps_the_tape() {
        let tuning = shipped().tuning(crate::model::SHARE_DEFAULT).unwrap();
        let mut detector = DetectorConfig::Classic(ClassicConfig::default()).build();
        let keep = Keep { tape: true, sound: false, witness: Some(Arc::new((shipped(), tuning))) };
        let mut keeper = Keeper::new(&keep, detector.as_mut()).unwrap();
        let mut told = Vec::new();
        while told.is_empty() {
            keeper.push_frame(&[0; 160]);
            detector.push_frame(&[0; 160], &mut |one| told.push(one));
        }
        let [Told::Verdict(verdict)] = told[..] else { panic!("{told:?}") };
        assert_eq!((verdict.verdict, verdict.at_ms), (Verdict::Machine, 2_500), "app_amd's initial silence");
        let evidence = keeper.finish(detector.as_mut());
        assert_eq!(evidence.features.len(), 125 * FRAME_BYTES);
        assert_eq!((evidence.witness, evidence.sound.len()), (Some(None), 0));
        let nothing = Keep::default();
        assert!(Keeper::new(&nothing, &mut Neural::new(shipped(), tuning)).is_none());
    }
}
