//! The detector `default`: front end, net and decision together.

use crate::after::After;
use crate::decide::{Decider, Look, RECORDING, Tuning};
use crate::early::{Across, Early, TALK_REST_MS};
use crate::evidence::{Tape, Taped};
use crate::front::{FEATURES, FRAME_MS, Frame, Front};
use crate::model::{CLASSES, FRAMES_A_STEP, INPUTS, Net, Posterior, State};
use crate::print::{Opening, Printer, Recordings, Search, is_recording};
use crate::words::{self, FAMILIES, Spotted};
use crate::{Detector, EarlySound, Revision, Told};
use codecs::tones::Signal;
use std::sync::Arc;

/// How much a new posterior counts against the smoothed one, for each frame of 20 ms.
const SMOOTHING: f32 = 0.35;

/// Samples to looks: everything of a call that a decision may use. [`Default`] decides on them at once, a report keeps
/// them.
#[derive(Clone)]
pub struct Listener {
    front: Front,
    net: Arc<Net>,
    ear: Ear,
    known: Arc<Recordings>,
    printer: Printer,
    search: Search,
    tape: Option<Box<Tape>>,
    early: Early,
    across: Option<Across>,
}

/// What changes with each frame.
#[derive(Clone)]
pub(crate) struct Ear {
    inputs: [f32; INPUTS],
    frames: usize,
    state: State,
    posterior: Posterior,
    smoothed: Posterior,
    /// `None` after the verdict, which is what words are for: what is heard then is judged without them.
    spotted: Option<Spotted>,
    /// A tone that was told, and where it ended.
    tone: Option<(Signal, u32)>,
}

impl Ear {
    pub(crate) fn new() -> Ear {
        let even = [1.0 / CLASSES as f32; CLASSES];
        Ear {
            inputs: [0.0; INPUTS],
            frames: 0,
            state: State::default(),
            posterior: even,
            smoothed: even,
            spotted: Some(Spotted::default()),
            tone: None,
        }
    }

    /// Of two tones within 20 ms the surer one: a beep gives way.
    pub(crate) fn tone(&mut self, signal: Signal, end_ms: u32) {
        if self.tone.is_none_or(|(tone, _)| tone == Signal::Beep) {
            self.tone = Some((signal, end_ms));
        }
    }

    /// The next 20 ms.
    pub(crate) fn frame(&mut self, net: &Net, features: &[f32; FEATURES]) {
        let half = self.frames % FRAMES_A_STEP * FEATURES;
        self.inputs[half..half + FEATURES].copy_from_slice(features);
        self.frames += 1;
        if self.frames.is_multiple_of(FRAMES_A_STEP) {
            self.posterior = net.step(&self.inputs, &mut self.state);
            if let Some((words, spotted)) = net.words().zip(self.spotted.as_mut()) {
                words.step(&self.inputs, spotted);
            }
        }
        for (smoothed, new) in self.smoothed.iter_mut().zip(self.posterior) {
            *smoothed += SMOOTHING * (new - *smoothed);
        }
    }

    /// What is known after `frame`; its tone is told once.
    pub(crate) fn look(&mut self, net: &Net, frame: &Frame) -> Look {
        let tone = self.tone.take();
        let heard = self.spotted.as_ref().map_or([0.0; FAMILIES], |spotted| spotted.heard);
        Look {
            posterior: net.words().map_or(self.smoothed, |words| words.weigh(&self.smoothed, &heard)),
            heard,
            wordless: self.smoothed,
            phrase: net.words().and_then(|words| words::loudest(&heard, &words.weights())),
            speech_ms: frame.speech_ms,
            rest_ms: frame.rest_ms,
            lull_ms: frame.lull_ms,
            cut_in_end_ms: frame.cut_in_end_ms,
            speech_end_ms: frame.speech_end_ms,
            tone: tone.map(|(signal, _)| signal),
            tone_end_ms: tone.map_or(0, |(_, end_ms)| end_ms),
            recording: None,
            across: None,
            at_ms: frame.at_ms,
        }
    }
}

impl Listener {
    /// At the answer.
    pub fn new(net: Arc<Net>) -> Listener {
        Listener::knowing(net, Arc::default())
    }

    /// The same, with recordings to recognise.
    pub fn knowing(net: Arc<Net>, known: Arc<Recordings>) -> Listener {
        let (printer, search) = (Printer::new(), Search::new());
        let (early, across) = (Early::default(), None);
        Listener { front: Front::new(), net, ear: Ear::new(), known, printer, search, tape: None, early, across }
    }

    /// The same for samples at 16 kHz, at the first one.
    #[must_use]
    pub fn wide(self) -> Listener {
        Listener { front: self.front.wide(), ..self }
    }

    /// Samples of early media, before the answer; `told` is given what a tone in them says, once a call.
    pub fn push_early(&mut self, mut samples: &[i16], mut told: impl FnMut(EarlySound)) {
        let Listener { front, early, .. } = self;
        while let Some(hop) = front.step(&mut samples) {
            if let Some(event) = hop.tone {
                early.tone(event.signal, front.frame().speech_ms).into_iter().for_each(&mut told);
            }
            if hop.frame {
                early.frame(front.frame().gate.speech && front.tone_ms() < LONG_TONE_MS);
            }
        }
    }

    /// The call is answered, `quiet_ms` after the last sample that came; what is pushed from now on is the callee's, and
    /// times count from here.
    pub fn answered(&mut self, quiet_ms: u32) {
        self.across = self.early.answered(quiet_ms);
        self.front.answered(self.across.is_some());
    }

    /// The verdict is known: words are spotted no more.
    pub(crate) fn leave_words(&mut self) {
        self.ear.spotted = None;
    }

    pub(crate) fn keep_tape(&mut self) {
        self.tape = Some(Box::new(Tape::new()));
    }

    pub(crate) fn take_tape(&mut self) -> Option<Taped> {
        self.tape.take().map(Taped)
    }

    /// More samples; `looked` is given a look for every 20 ms of them.
    pub fn push(&mut self, samples: &[i16], mut looked: impl FnMut(&Look)) {
        self.push_turns(samples, |look, _, _| {
            looked(look);
            false
        });
    }

    /// The fingerprint of what was said first, once there are 3.2 s of it.
    pub fn opening(&self) -> Option<Opening> {
        self.printer.opening()
    }

    /// Like `push`, with what was said first, and whether that is complete since these 20 ms; where `looked` gives true, another
    /// turn of the talk begins, which is judged as if the call had just been answered.
    pub(crate) fn push_turns(&mut self, mut samples: &[i16], mut looked: impl FnMut(&Look, &Printer, bool) -> bool) {
        let Listener { front, net, ear, known, printer, search, tape, across, .. } = self;
        while let Some(hop) = front.step(&mut samples) {
            if let Some(event) = hop.tone {
                ear.tone(event.signal, event.end_ms);
            }
            printer.hop(front.power(), hop.frame);
            if !hop.frame {
                continue;
            }
            let frame = front.frame();
            // A ringing tone after the answer is the same everywhere and no recording of anybody's greeting.
            let words = frame.gate.speech && front.peak_db() >= WORDS_LEAST_DB;
            let complete = printer.frame(words && front.tone_ms() < LONG_TONE_MS);
            let recording = search.step(printer, known);
            ear.frame(net, &frame.features);
            let talked = across.is_some();
            *across = across.filter(|_| frame.rest_ms <= TALK_REST_MS).map(|it| Across { ms: frame.at_ms, ..it });
            let look = Look { recording, across: *across, ..ear.look(net, frame) };
            if let Some(tape) = tape {
                tape.frame(frame, across.is_some());
                if frame.at_ms.is_multiple_of(FRAMES_A_STEP as u32 * FRAME_MS) {
                    tape.step(&look.posterior);
                }
            }
            if look.across.is_none() && talked {
                front.forget_line();
            }
            let anew = looked(&look, printer, complete);
            if anew {
                front.turn();
                let spotted = ear.spotted.as_ref().map(|_| Spotted::default());
                *ear = Ear { spotted, ..Ear::new() };
            }
        }
    }
}

/// A tone that sounds for longer is none of the short ones that a voice has.
const LONG_TONE_MS: u32 = 100;
/// A line that is nowhere louder than this, in dBov, hisses: no words are so quiet, and no hiss is a recording.
const WORDS_LEAST_DB: f32 = -62.0;

/// The detector `default`.
#[derive(Clone)]
pub struct Neural {
    listener: Listener,
    tuning: Tuning,
    decider: Decider,
    likely: bool,
    /// A known recording was told.
    met: bool,
    after: Option<After>,
}

impl Neural {
    /// At the answer.
    pub fn new(net: Arc<Net>, tuning: Tuning) -> Neural {
        Neural::knowing(net, tuning, Arc::default())
    }

    /// The same, with recordings to recognise.
    pub fn knowing(net: Arc<Net>, tuning: Tuning, known: Arc<Recordings>) -> Neural {
        let (listener, decider) = (Listener::knowing(net, known), Decider::new(tuning));
        Neural { listener, tuning, decider, likely: false, met: false, after: None }
    }
}

impl Detector for Neural {
    fn push_early(&mut self, samples: &[i16], told: &mut dyn FnMut(EarlySound)) {
        self.listener.push_early(samples, told);
    }

    fn answered(&mut self, quiet_ms: u32) {
        self.listener.answered(quiet_ms);
    }

    fn push_frame(&mut self, samples: &[i16], told: &mut dyn FnMut(Told)) {
        if self.is_done() {
            return;
        }
        let Neural { listener, tuning, decider, likely, met, after } = self;
        if after.is_some() {
            listener.leave_words();
        }
        listener.push_turns(samples, |look, printer, complete| {
            if let Some(opening) = printer.opening().filter(|_| complete) {
                told(Told::Opening(opening));
            }
            if let Some(known) = look.recording.filter(|_| !*met) {
                *met = true;
                told(Told::Recognised(known));
            }
            if let Some(after) = after {
                return after.look(look, |revision| told(Told::Revision(revision)));
            }
            let decision = decider.look(look);
            if let Some(decision) = decision {
                told(Told::Verdict(decision));
                // Whoever hangs up on machines hears no more of them than this.
                let unknown = is_recording(decision.verdict) && decision.cause != RECORDING;
                if let Some(opening) = printer.so_far().filter(|_| unknown) {
                    told(Told::Opening(opening));
                }
                let (speech_ms, rest_ms) = (look.speech_ms, look.rest_ms);
                let after = after.insert(After::new(decision.verdict, look.at_ms, speech_ms, rest_ms, *tuning));
                if let Some((sign, since_ms)) = after.tone(look).filter(|_| !after.is_done()) {
                    told(Told::Revision(Revision { sign, at_ms: look.at_ms, since_ms }));
                }
            } else if !*likely && look.is_likely_person() {
                *likely = true;
                told(Told::Likely { at_ms: look.at_ms });
            }
            false
        });
    }

    fn name(&self) -> &'static str {
        "default"
    }

    fn is_done(&self) -> bool {
        self.after.as_ref().is_some_and(After::is_done)
    }

    fn keep_tape(&mut self) -> bool {
        self.listener.keep_tape();
        true
    }

    fn take_tape(&mut self) -> Option<Taped> {
        self.listener.take_tape()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decision, Sign, Verdict};
    use codecs::spectrum::Analyser;

    fn detector() -> Neural {
        Neural::new(crate::shipped(), crate::shipped().tuning(crate::model::SHARE_DEFAULT).unwrap())
    }

    fn hear(samples: &[i16]) -> Vec<Told> {
        let (mut detector, mut all) = (detector(), Vec::new());
        samples.chunks(160).for_each(|frame| detector.push_frame(frame, &mut |told| all.push(told)));
        all
    }

    #[test]
    fn a_call_takes_less_than_8_kib() {
        let beside = Analyser::new().size_bytes() - size_of::<Analyser>();
        assert!(size_of::<Neural>() + beside <= 8 * 1_024, "{} and {beside} bytes", size_of::<Neural>());
        assert!(size_of::<crate::Rules>() + beside <= 8 * 1_024, "{} and {beside} bytes", size_of::<crate::Rules>());
    }

    #[test]
    fn no_audio_is_no_machine() {
        let told = hear(&[0; 80_000]);
        let silent = Decision { verdict: Verdict::Silence, cause: "SILENCE", at_ms: 6_000, utterance_end_ms: None };
        assert_eq!(told, [Told::Verdict(silent)], "once, and nothing after it");
    }

    #[test]
    fn a_beep_that_was_the_reason_is_told_as_a_beep_too() {
        let beep = |n: usize| ((n as f64 * std::f64::consts::TAU * 1_000.0 / 8_000.0).sin() * 4_000.0) as i16;
        let voice = |n: usize| (n * 7_919 % 4_001) as i16 - 2_000;
        // Syllables for 3 s, half a second of rest, a beep of half a second, 4 s of rest.
        let samples: Vec<i16> = (0..64_000)
            .map(|n| match n {
                0..24_000 if n % 4_000 < 2_800 => voice(n),
                28_000..32_000 => beep(n),
                _ => 0,
            })
            .collect();
        let told = hear(&samples);
        let beeps = told.iter().filter_map(|told| match told {
            Told::Revision(Revision { sign: Sign::Beep, at_ms, since_ms }) => Some((*at_ms, *since_ms)),
            _ => None,
        });
        let [(at_ms, since_ms)] = beeps.collect::<Vec<_>>()[..] else { panic!("one beep: {told:?}") };
        assert!(since_ms.abs_diff(4_000) <= 20 && (since_ms..since_ms + 120).contains(&at_ms), "{told:?}");
    }
}
