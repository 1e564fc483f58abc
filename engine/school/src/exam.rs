//! Hearing labelled recordings with a detector, and choosing thresholds.

use crate::labels::Labelled;
use crate::{Fault, on_all_cores, report};
use codecs::tones::Signal;
use detect::decide::{Decider, Look, Tuning};
use detect::model::{Net, Setting};
use detect::{Classic, ClassicConfig, Decision, Listener, Verdict};
use std::sync::Arc;
use std::time::Instant;

/// One packet of audio.
pub(crate) const FRAME_SAMPLES: usize = 160;

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
        let samples = one.answered()?;
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

/// One that hears 8 kHz or, where `wide`, 16 kHz, and the samples of one of its packets.
pub(crate) fn listener(net: &Arc<Net>, wide: bool) -> (Listener, usize) {
    let listener = Listener::new(Arc::clone(net));
    if wide { (listener.wide(), 2 * FRAME_SAMPLES) } else { (listener, FRAME_SAMPLES) }
}

/// Hears all recordings to their end with the net.
///
/// # Errors
/// The first recording that cannot be read.
pub fn neural(labelled: &[Labelled], net: &Arc<Net>, tuning: Tuning) -> Result<Vec<Heard>, Fault> {
    let hear = |one: &Labelled| {
        let call = one.call()?;
        let (mut listener, frame_samples) = listener(net, call.wide);
        listener.push_early(&call.before, |_| {});
        listener.answered(0);
        let (mut looks, mut tones) = (Vec::with_capacity(call.after.len() / frame_samples), Vec::new());
        let begun = Instant::now();
        for frame in call.after.chunks_exact(frame_samples) {
            listener.push(frame, |look| looks.push(*look));
        }
        let cost = (looks.len() as u32, begun.elapsed().as_secs_f64() * 1e6);
        tones.extend(looks.iter().filter_map(|look| look.tone.map(|tone| (tone, look.at_ms))));
        Ok(Heard { decision: decide(&looks, tuning), tones, looks, cost })
    };
    on_all_cores(labelled, hear).into_iter().collect()
}

/// Values of the operator's knob that calibration looks for; between them the lower one holds.
const SHARES: [f64; 21] = [
    0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.025, 0.03, 0.035, 0.04, 0.045, 0.05, 0.06, 0.08, 0.1, 0.15,
    0.2, 0.25, 0.3, 0.5,
];
/// Thresholds θh and θm that calibration tries, all pairs of them.
const HUMAN: [f32; 14] = [0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.88, 0.91, 0.94, 0.96, 0.98];
const MACHINE: [f32; 33] = [
    0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.68, 0.7, 0.72, 0.74, 0.76, 0.78, 0.8, 0.82, 0.84, 0.86, 0.88, 0.9, 0.915, 0.93,
    0.94, 0.945, 0.95, 0.955, 0.96, 0.965, 0.97, 0.975, 0.98, 0.985, 0.99, 0.993, 0.996,
];
/// Nobody's wait is bought for machines: a person's verdict after the first utterance, at half and at 95 % of people,
/// and the share of people who may wait for more than 2 s. 0.5 s, 1 s and 2 % are wanted: a sample of other people has
/// others among its slowest twentieth.
const P50_MS: f64 = 400.0;
const P95_MS: f64 = 900.0;
const OVER_2000_SHARE: f64 = 0.012;
/// Who gives up more people than this wants machines caught: then 95 % of people may wait as long as leaves 0.5 s of the
/// legal two seconds, and a few more over 2 s.
const EAGER_SHARE: f64 = 0.02;
const EAGER_P95_MS: f64 = 1_500.0;
const EAGER_OVER_2000_SHARE: f64 = 0.016;

/// For each value of the knob the thresholds that catch the most machines while four of five samples of other voices lose no
/// greater share of people to them and people do not wait: "at most" is said of people who are not among these recordings.
/// Weights count. Values that cannot be kept are left out.
///
/// # Errors
/// When none can.
pub fn calibrate(labelled: &[Labelled], heard: &[Heard]) -> Result<Vec<Setting>, Fault> {
    let pairs: Vec<(f32, f32)> =
        HUMAN.into_iter().flat_map(|human| MACHINE.into_iter().map(move |machine| (human, machine))).collect();
    let tried = on_all_cores(&pairs, |(human, machine)| {
        let tuning = Tuning::with(*human, *machine);
        let decided: Vec<Decision> = heard.iter().map(|one| decide(&one.looks, tuning)).collect();
        (report::figures(labelled, &decided), *human, *machine)
    });
    let prompt = |figures: &report::Figures, share: f64| {
        let eager = share > EAGER_SHARE;
        let (p95_ms, over_2000_share) =
            if eager { (EAGER_P95_MS, EAGER_OVER_2000_SHARE) } else { (P95_MS, OVER_2000_SHARE) };
        figures.after_utterance_p50_ms <= P50_MS
            && figures.after_utterance_p95_ms <= p95_ms
            && figures.over_2000_share <= over_2000_share
    };
    let best = |share: f64| {
        let kept =
            tried.iter().filter(|(figures, ..)| figures.human_as_machine_most <= share && prompt(figures, share));
        let most = kept.max_by(|a, b| {
            let caught = |figures: &report::Figures| figures.caught(4_000) + figures.caught(6_000);
            caught(&a.0).total_cmp(&caught(&b.0))
        });
        most.map(|(_, human, machine)| Setting { share, human: *human, machine: *machine })
    };
    let settings: Vec<Setting> = SHARES.into_iter().filter_map(best).collect();
    if settings.is_empty() {
        return Err(Fault(format!(
            "no thresholds keep the people taken for machines under {} without making people wait, train with more \
             recordings",
            SHARES[SHARES.len() - 1]
        )));
    }
    Ok(settings)
}
