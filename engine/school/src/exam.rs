//! Hearing labelled recordings with a detector, and choosing thresholds.

use crate::labels::{self, Labelled};
use crate::{Fault, on_all_cores, report};
use codecs::tones::Signal;
use detect::decide::{Decider, Look, Tuning};
use detect::model::Net;
use detect::{Classic, ClassicConfig, Decision, Detector, Listener, Verdict};
use std::sync::Arc;
use std::time::Instant;

/// One packet of audio.
const FRAME_SAMPLES: usize = 160;

/// What a detector made of one recording.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its first verdict.
    pub decision: Decision,
    /// Tones with the time at which they were told; a detector without a tone bank has none.
    pub tones: Vec<(Signal, u32)>,
    /// All that the decision saw, to try thresholds on; empty for rules.
    pub looks: Vec<Look>,
    /// Frames heard and processor time spent on them in microseconds.
    pub cost: (u32, f64),
}

/// The decision that a recording would have got with other thresholds.
pub fn decide(looks: &[Look], tuning: Tuning) -> Decision {
    let mut decider = Decider::new(tuning);
    looks.iter().find_map(|look| decider.look(look)).unwrap_or_else(|| {
        let last = looks.last();
        Decision {
            verdict: Verdict::Human,
            cause: "TOOLONG",
            at_ms: last.map_or(0, |look| look.at_ms),
            utterance_end_ms: last.filter(|look| look.speech_ms > 0).map(|look| look.speech_end_ms),
        }
    })
}

/// Hears all recordings with the rules of `classic`.
///
/// # Errors
/// The first recording that cannot be read.
pub fn classic(labelled: &[Labelled], config: ClassicConfig) -> Result<Vec<Heard>, Fault> {
    let hear = |one: &Labelled| {
        let samples = labels::samples(&one.path)?;
        let mut detector = Classic::new(config);
        let begun = Instant::now();
        let mut frames = 0;
        let decision = samples.chunks_exact(FRAME_SAMPLES).find_map(|frame| {
            frames += 1;
            detector.push_frame(frame)
        });
        let decision = decision.unwrap_or_else(|| detector.at_deadline());
        let cost = (frames, begun.elapsed().as_secs_f64() * 1e6);
        Ok(Heard { decision, tones: Vec::new(), looks: Vec::new(), cost })
    };
    on_all_cores(labelled, hear).into_iter().collect()
}

/// Hears all recordings to their end with the net.
///
/// # Errors
/// The first recording that cannot be read.
pub fn neural(labelled: &[Labelled], net: &Arc<Net>, tuning: Tuning) -> Result<Vec<Heard>, Fault> {
    let hear = |one: &Labelled| {
        let samples = labels::samples(&one.path)?;
        let mut listener = Listener::new(Arc::clone(net));
        let (mut looks, mut tones) = (Vec::with_capacity(samples.len() / FRAME_SAMPLES), Vec::new());
        let begun = Instant::now();
        for frame in samples.chunks_exact(FRAME_SAMPLES) {
            listener.push(frame, |look| looks.push(*look));
        }
        let cost = (looks.len() as u32, begun.elapsed().as_secs_f64() * 1e6);
        tones.extend(looks.iter().filter_map(|look| look.tone.map(|tone| (tone, look.at_ms))));
        Ok(Heard { decision: decide(&looks, tuning), tones, looks, cost })
    };
    on_all_cores(labelled, hear).into_iter().collect()
}

/// The thresholds that catch the most machines while at most `share` of the people are taken for machines and half of
/// them have their verdict half a second after their first utterance. Weights count.
///
/// # Errors
/// When no thresholds do.
pub fn calibrate(labelled: &[Labelled], heard: &[Heard], share: f64) -> Result<Tuning, Fault> {
    let pairs: Vec<(f32, f32)> = [0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
        .into_iter()
        .flat_map(|human| report::MACHINE_THRESHOLDS.into_iter().map(move |machine| (human, machine)))
        .collect();
    let scores = on_all_cores(&pairs, |(human, machine)| {
        let tuning = Tuning::with(*human, *machine);
        let decided: Vec<Decision> = heard.iter().map(|one| decide(&one.looks, tuning)).collect();
        let figures = report::figures(labelled, &decided);
        let ok = figures.human_as_machine <= share && figures.after_utterance_p50_ms <= 500.0;
        ok.then_some((figures.caught(4_000) + figures.caught(6_000), tuning))
    });
    let best = scores.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0));
    best.map(|(_, tuning)| tuning).ok_or_else(|| {
        Fault(format!("no thresholds keep the people taken for machines under {share}, train with more recordings"))
    })
}
