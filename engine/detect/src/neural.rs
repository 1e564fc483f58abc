//! The detector `default`: front end, net and decision together.

use crate::decide::{Decider, Look, Tuning};
use crate::front::{FEATURES, Front, Heard};
use crate::model::{CLASSES, FRAMES_A_STEP, INPUTS, Net, Posterior, State};
use crate::{Decision, Detector, Verdict};
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
}

/// What changes with each frame.
#[derive(Clone)]
struct Ear {
    inputs: [f32; INPUTS],
    frames: usize,
    state: State,
    posterior: Posterior,
    smoothed: Posterior,
    tone: Option<Signal>,
}

impl Listener {
    /// At the answer.
    pub fn new(net: Arc<Net>) -> Listener {
        let even = [1.0 / CLASSES as f32; CLASSES];
        Listener {
            front: Front::new(),
            net,
            ear: Ear {
                inputs: [0.0; INPUTS],
                frames: 0,
                state: State::default(),
                posterior: even,
                smoothed: even,
                tone: None,
            },
        }
    }

    /// More samples; `looked` is given a look for every 20 ms of them.
    pub fn push(&mut self, samples: &[i16], mut looked: impl FnMut(&Look)) {
        let Listener { front, net, ear } = self;
        front.push(samples, |heard| match heard {
            Heard::Tone(event) => {
                // Of two tones within 20 ms the surer one: a beep gives way.
                if ear.tone.is_none_or(|tone| tone == Signal::Beep) {
                    ear.tone = Some(event.signal);
                }
            }
            Heard::Frame(frame) => {
                let half = ear.frames % FRAMES_A_STEP * FEATURES;
                ear.inputs[half..half + FEATURES].copy_from_slice(&frame.features);
                ear.frames += 1;
                if ear.frames.is_multiple_of(FRAMES_A_STEP) {
                    ear.posterior = net.step(&ear.inputs, &mut ear.state);
                }
                for (smoothed, new) in ear.smoothed.iter_mut().zip(ear.posterior) {
                    *smoothed += SMOOTHING * (new - *smoothed);
                }
                looked(&Look {
                    posterior: ear.smoothed,
                    speech_ms: frame.speech_ms,
                    rest_ms: frame.rest_ms,
                    speech_end_ms: frame.speech_end_ms,
                    tone: ear.tone.take(),
                    at_ms: frame.at_ms,
                });
            }
        });
    }
}

/// The detector `default`.
#[derive(Clone)]
pub struct Neural {
    listener: Listener,
    decider: Decider,
    decision: Option<Decision>,
    last: Option<Look>,
}

impl Neural {
    /// At the answer.
    pub fn new(net: Arc<Net>, tuning: Tuning) -> Neural {
        Neural { listener: Listener::new(net), decider: Decider::new(tuning), decision: None, last: None }
    }
}

impl Detector for Neural {
    fn push_frame(&mut self, samples: &[i16]) -> Option<Decision> {
        if self.decision.is_some() {
            return None;
        }
        let Neural { listener, decider, decision, last } = self;
        listener.push(samples, |look| {
            if decision.is_none() {
                *decision = decider.look(look);
            }
            *last = Some(*look);
        });
        *decision
    }

    fn name(&self) -> &'static str {
        "default"
    }

    fn at_deadline(&mut self) -> Decision {
        let decision = self.decision.unwrap_or_else(|| {
            let spoke = self.last.filter(|look| look.speech_ms > 0);
            let at_ms = self.last.map_or(0, |look| look.at_ms);
            Decision {
                verdict: Verdict::Human,
                cause: "TOOLONG",
                at_ms,
                utterance_end_ms: spoke.map(|l| l.speech_end_ms),
            }
        });
        *self.decision.insert(decision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codecs::spectrum::Analyser;

    #[test]
    fn a_call_takes_less_than_8_kib() {
        let beside = Analyser::new().size_bytes() - size_of::<Analyser>();
        assert!(size_of::<Neural>() + beside <= 8 * 1_024, "{} and {beside} bytes", size_of::<Neural>());
    }

    #[test]
    fn no_audio_is_no_machine() {
        let tuning = crate::shipped().tuning(crate::model::SHARE_DEFAULT).unwrap();
        let mut detector = Neural::new(crate::shipped(), tuning);
        let decision = detector.at_deadline();
        assert_eq!((decision.verdict, decision.cause, decision.at_ms), (Verdict::Human, "TOOLONG", 0));
        assert_eq!(detector.push_frame(&[0; 160]), None, "the first decision stands");
        let mut silent = Neural::new(crate::shipped(), tuning);
        let decision = (0..500).find_map(|_| silent.push_frame(&[0; 160])).unwrap();
        assert_eq!((decision.verdict, decision.at_ms), (Verdict::Silence, 6_000));
    }
}
