//! The front end: samples in any portions to one vector of features every 20 ms, and the tones between.
//!
//! ```text
//!  samples ──> 80 at a time ──> codecs::spectrum ──┬─> codecs::tones::bank ──> Heard::Tone
//!                                                  └─> every second hop: level ──> vad ──> timing ─┐
//!                                                      24 log-mel bands relative to the peak ──────┴─> Heard::Frame
//! ```
//!
//! **Invariants.** The same code runs at training and at run time. No allocation after construction. Bands are relative
//! to the line's own recent peak, so that a quieter line gives the same features. Portions do not matter: 10, 20 or
//! 30 ms packets give the same bits.

use crate::timing::{TIMING_FEATURES, Timing};
use crate::vad::{CUT_IN_REST_MS, Gate, Vad};
use codecs::halve::Halver;
use codecs::maths::{decibels, ln_1p};
use codecs::spectrum::{Analyser, BIN_HZ, BINS, HOP_SAMPLES, Power};
use codecs::tones::Signal;
use codecs::tones::bank::{ToneBank, ToneEvent};
use std::sync::LazyLock;

/// Mel bands from 120 to 3,800 Hz.
pub const BANDS: usize = 24;
/// Of the tone bank: purity, how long a tone sounds, beeps so far, other tones so far.
pub(crate) const TONE_FEATURES: usize = 4;
/// Numbers in one vector of features.
pub const FEATURES: usize = BANDS + TIMING_FEATURES + TONE_FEATURES;
/// Time between two vectors.
pub const FRAME_MS: u32 = 20;
/// Time between two spectra.
const HOP_MS: u32 = FRAME_MS / 2;

/// Triangles on the mel scale, as first bin and weights.
struct Band {
    first: usize,
    weights: Vec<f32>,
}

static MEL: LazyLock<Vec<Band>> = LazyLock::new(|| {
    let mel = |hz: f64| 2_595.0 * (1.0 + hz / 700.0).log10();
    let hz = |mel: f64| 700.0 * (10_f64.powf(mel / 2_595.0) - 1.0);
    let (low, high) = (mel(120.0), mel(3_800.0));
    let edge = |n: usize| hz(low + (high - low) * n as f64 / (BANDS + 1) as f64);
    (0..BANDS)
        .map(|band| {
            let (from, peak, to) = (edge(band), edge(band + 1), edge(band + 2));
            let weight = |bin: usize| {
                let at = bin as f64 * f64::from(BIN_HZ);
                ((at - from) / (peak - from)).min((to - at) / (to - peak)).max(0.0)
            };
            // The lowest triangles are narrower than two bins; the nearest bin stands for an empty one.
            let nearest = (peak / f64::from(BIN_HZ)).round() as usize;
            let bins: Vec<usize> = (0..BINS).filter(|bin| weight(*bin) > 0.0).collect();
            match (bins.first(), bins.last()) {
                (Some(&first), Some(&last)) => {
                    Band { first, weights: (first..=last).map(|bin| weight(bin) as f32).collect() }
                }
                _ => Band { first: nearest, weights: vec![1.0] },
            }
        })
        .collect()
});

/// One vector, and what rules look at beside it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Frame {
    /// Input of the model.
    pub features: [f32; FEATURES],
    /// What the gate says.
    pub(crate) gate: Gate,
    /// Speech so far in this turn.
    pub speech_ms: u32,
    /// Rest that lasts until now, since the turn began at most.
    pub rest_ms: u32,
    /// How long nobody has spoken as loud as before; 0 before an utterance.
    pub lull_ms: u32,
    /// Where words ended that had begun before the first sample, in milliseconds since the start; 0 when there were none,
    /// or the gate heard them as speech.
    pub cut_in_end_ms: u32,
    /// Where the turn's last speech ended, in milliseconds since the start; 0 when there was none.
    pub speech_end_ms: u32,
    /// The end of this frame in milliseconds since the start.
    pub at_ms: u32,
}

impl Frame {
    /// Does anybody speak?
    pub fn speech(&self) -> bool {
        self.gate.speech
    }

    /// Before the first sample.
    pub(crate) const START: Frame = Frame {
        features: [0.0; FEATURES],
        gate: Gate { speech: false, lull: false, cut_in: false },
        speech_ms: 0,
        rest_ms: 0,
        lull_ms: 0,
        cut_in_end_ms: 0,
        speech_end_ms: 0,
        at_ms: 0,
    };

    /// What the gate and the counts of a turn that began at `turned_ms` say.
    pub(crate) fn hear(&mut self, gate: Gate, timing: &Timing, turned_ms: u32) {
        let moment = |frames: u32, back_ms: u32| if frames == 0 { 0 } else { turned_ms + frames * FRAME_MS - back_ms };
        self.gate = gate;
        self.speech_ms = timing.speech_frames() * FRAME_MS;
        self.rest_ms = timing.rest_frames() * FRAME_MS;
        self.lull_ms = timing.lull_frames() * FRAME_MS;
        self.cut_in_end_ms = moment(timing.cut_in(), CUT_IN_REST_MS);
        self.speech_end_ms = moment(timing.speech_end(), 0);
    }
}

/// What the front end has to say.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// A tone.
    Tone(ToneEvent),
    /// 20 ms more.
    Frame(&'a Frame),
}

/// What 10 ms gave: a tone that was told in them, and whether they ended a frame.
pub(crate) struct Hop {
    pub(crate) tone: Option<ToneEvent>,
    pub(crate) frame: bool,
}

/// Samples at 8 kHz, or at 16 kHz where it was made [`Front::wide`], to features.
#[derive(Clone)]
pub struct Front {
    pending: [i16; HOP_SAMPLES],
    filled: usize,
    /// Where 16,000 samples a second come in.
    halver: Option<Halver>,
    analyser: Analyser,
    tones: ToneBank,
    vad: Vad,
    timing: Timing,
    hops: u32,
    first_hop_power: f32,
    beeps: u32,
    other_tones: u32,
    /// When the turn began that lengths and counts are about.
    turned_ms: u32,
    /// When the call was answered, on the clock of the tone bank, which hears on.
    answered_ms: u32,
    frame: Frame,
}

impl Default for Front {
    fn default() -> Self {
        Self::new()
    }
}

impl Front {
    /// At the first sample.
    pub fn new() -> Front {
        LazyLock::force(&MEL);
        Front {
            pending: [0; HOP_SAMPLES],
            filled: 0,
            halver: None,
            analyser: Analyser::new(),
            tones: ToneBank::new(),
            vad: Vad::new(),
            timing: Timing::default(),
            hops: 0,
            first_hop_power: 0.0,
            beeps: 0,
            other_tones: 0,
            turned_ms: 0,
            answered_ms: 0,
            frame: Frame::START,
        }
    }

    /// The same for samples at 16 kHz, at the first one.
    #[must_use]
    pub fn wide(self) -> Front {
        Front { halver: Some(Halver::default()), ..self }
    }

    /// More samples; `heard` is told what they hold, in order.
    pub fn push(&mut self, mut samples: &[i16], mut heard: impl FnMut(Heard<'_>)) {
        while let Some(hop) = self.step(&mut samples) {
            if let Some(tone) = hop.tone {
                heard(Heard::Tone(tone));
            }
            if hop.frame {
                heard(Heard::Frame(&self.frame));
            }
        }
    }

    /// Takes samples up to the end of the next 10 ms and says what they gave; `None` when they are used up before.
    pub(crate) fn step(&mut self, samples: &mut &[i16]) -> Option<Hop> {
        if let Some(halver) = &mut self.halver {
            while self.filled < HOP_SAMPLES {
                let (sample, rest) = samples.split_first()?;
                *samples = rest;
                if let Some(half) = halver.push(*sample) {
                    self.pending[self.filled] = half;
                    self.filled += 1;
                }
            }
        } else {
            let count = (HOP_SAMPLES - self.filled).min(samples.len());
            self.pending[self.filled..self.filled + count].copy_from_slice(&samples[..count]);
            self.filled += count;
            *samples = &samples[count..];
        }
        if self.filled < HOP_SAMPLES {
            return None;
        }
        self.filled = 0;
        Some(self.hop())
    }

    /// The frame of the last step that gave one.
    pub(crate) fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The spectrum of the last step.
    pub(crate) fn power(&self) -> &Power {
        self.analyser.power()
    }

    /// The line's recent peak, in dBov.
    pub(crate) fn peak_db(&self) -> f32 {
        self.vad.peak_db()
    }

    /// How long a tone has been sounding.
    pub(crate) fn tone_ms(&self) -> u32 {
        self.tones.sounding_ms()
    }

    /// What comes is another turn of the talk, to be judged as if the call had been answered now: lengths and counts begin
    /// anew, the line's floor and peak stay known.
    pub(crate) fn turn(&mut self) {
        self.timing = Timing::default();
        self.turned_ms = self.frame.at_ms;
        (self.beeps, self.other_tones) = (0, 0);
    }

    /// The call is answered: times, lengths and counts begin, and a tone that sounds is heard on. Where `talks`, somebody
    /// speaks on, whose peak and floor stay known.
    pub(crate) fn answered(&mut self, talks: bool) {
        self.answered_ms += self.hops * HOP_MS;
        (self.hops, self.filled, self.turned_ms) = (0, 0, 0);
        (self.beeps, self.other_tones) = (0, 0);
        self.timing = Timing::default();
        self.frame = Frame::START;
        if !talks {
            self.forget_line();
        }
    }

    /// What was loud and quiet so far says nothing about what comes: the line's floor and peak begin anew.
    pub(crate) fn forget_line(&mut self) {
        self.vad = Vad::new();
    }

    fn hop(&mut self) -> Hop {
        let power = self.analyser.hop(&self.pending);
        self.hops += 1;
        let since_answer = |tone: ToneEvent| ToneEvent { end_ms: tone.end_ms.saturating_sub(self.answered_ms), ..tone };
        let tone = self.tones.hop(power).map(since_answer);
        match tone.map(|tone| tone.signal) {
            Some(Signal::Beep) => self.beeps += 1,
            Some(_) => self.other_tones += 1,
            None => {}
        }
        let total: f32 = power.iter().sum();
        if !self.hops.is_multiple_of(2) {
            self.first_hop_power = total;
            return Hop { tone, frame: false };
        }
        let gate = self.vad.frame(decibels((self.first_hop_power + total) / 2.0 + 1e-9));
        self.timing.frame(gate);
        let frame = &mut self.frame;
        let (bands, rest) = frame.features.split_at_mut(BANDS);
        mel(power, self.vad.peak_db(), bands);
        let (timing, tones) = rest.split_at_mut(TIMING_FEATURES);
        if let Ok(timing) = timing.try_into() {
            self.timing.features(timing);
        }
        tones.copy_from_slice(&[
            self.tones.purity(),
            ln_1p(self.tones.sounding_ms() as f32 / 200.0),
            self.beeps.min(2) as f32,
            self.other_tones.min(2) as f32,
        ]);
        frame.hear(gate, &self.timing, self.turned_ms);
        frame.at_ms = self.hops / 2 * FRAME_MS;
        Hop { tone, frame: true }
    }
}

/// Bands in units of 12 dB around 25 dB under the peak.
fn mel(power: &Power, peak_db: f32, out: &mut [f32]) {
    for (out, band) in out.iter_mut().zip(MEL.iter()) {
        let sum: f32 = band.weights.iter().zip(&power[band.first..]).map(|(weight, power)| weight * power).sum();
        *out = ((decibels(sum + 1e-10) - peak_db + 25.0) / 12.0).clamp(-3.0, 3.0);
    }
}

#[cfg(test)]
mod tests;
