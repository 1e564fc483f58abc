//! How the recogniser of words learns: where a phrase ends one output of its family must rise, nowhere else.

use super::{Gradient, feature, normal};
use crate::front::BANDS;
use crate::gru::{DENSE_MAX, INPUTS_MAX, OUTPUTS_MAX, Step, Turned};
use crate::model::FRAMES_A_STEP;
use crate::words::{FAMILIES, Family, SHAPE};
use base::Stream;
use codecs::maths::{exp, ln_1p, sigmoid};

/// A recording of which is known what it says.
#[derive(Clone, Debug)]
pub struct WordClip {
    /// The bands of each 20 ms, one after another; see [`super::quantise`].
    pub bands: Vec<u8>,
    /// Phrases, with the frame in which they end.
    pub words: Vec<(Family, u32)>,
}

/// Every number that shapes the training.
#[derive(Clone, Copy, Debug)]
pub struct WordRecipe {
    /// Passes over all clips.
    pub epochs: usize,
    /// Clips of one step of Adam.
    pub batch: usize,
    /// Highest rate; see [`super::Recipe::rate`].
    pub rate: f32,
    /// See [`super::Recipe::decay`].
    pub decay: f32,
    /// How much a phrase counts against a step of 40 ms without one.
    pub phrase_weight: f32,
    /// Deviation of the shift of all bands of a clip, and of each band: other levels, other telephones.
    pub level_shift: f32,
    /// See `level_shift`.
    pub band_shift: f32,
    /// Bands are moved up or down by at most so much of their number: shorter and longer throats.
    pub warp: f32,
    /// A clip is heard faster or slower by at most this share.
    pub pace: f32,
    /// Share of the dense layer's outputs that is silent throughout a clip.
    pub dropout: f32,
    /// Most neighbouring bands that a clip lacks.
    pub masked_bands: usize,
}

impl Default for WordRecipe {
    fn default() -> Self {
        WordRecipe {
            epochs: 16,
            batch: 32,
            rate: 5e-3,
            decay: 1e-2,
            phrase_weight: 8.0,
            level_shift: 0.15,
            band_shift: 0.2,
            warp: 0.12,
            pace: 0.15,
            dropout: 0.1,
            masked_bands: 4,
        }
    }
}

/// A phrase may end so many frames before the place that its letters say, or after it; its output may rise until then.
const BEFORE_FRAMES: i64 = 15;
const AFTER_FRAMES: i64 = 25;

/// What is drawn for one clip of one step.
#[derive(Clone, Debug)]
pub struct WordDraw {
    shift: [f32; BANDS],
    masked: std::ops::Range<usize>,
    warp: f32,
    pace: f32,
    dense: [f32; DENSE_MAX],
}

impl WordDraw {
    /// Nothing changed: for validation.
    pub const fn none() -> WordDraw {
        WordDraw { shift: [0.0; BANDS], masked: 0..0, warp: 0.0, pace: 1.0, dense: [1.0; DENSE_MAX] }
    }

    /// Draws for training.
    pub fn new(recipe: &WordRecipe, random: &mut Stream) -> WordDraw {
        let all = recipe.level_shift * normal(random);
        let shift = std::array::from_fn(|_| all + recipe.band_shift * normal(random));
        let count = random.below(recipe.masked_bands as u64 + 1) as usize;
        let first = random.below((BANDS - count) as u64 + 1) as usize;
        let warp = random.range_f64(f64::from(-recipe.warp), f64::from(recipe.warp)) as f32;
        let pace = 1.0 + random.range_f64(f64::from(-recipe.pace), f64::from(recipe.pace)) as f32;
        let left = 1.0 / (1.0 - recipe.dropout);
        let dense = std::array::from_fn(|_| if random.chance(f64::from(recipe.dropout)) { 0.0 } else { left });
        WordDraw { shift, masked: first..first + count, warp, pace, dense }
    }

    /// A frame of a clip as this draw has it.
    fn frame(&self, frame: &[u8; BANDS], out: &mut [f32]) {
        for (band, out) in out.iter_mut().enumerate() {
            if self.masked.contains(&band) {
                continue;
            }
            let place = (band as f32 * (1.0 + self.warp)).clamp(0.0, (BANDS - 1) as f32);
            let (low, part) = (place as usize, place.fract());
            let high = (low + 1).min(BANDS - 1);
            *out = feature(frame[low]) * (1.0 - part) + feature(frame[high]) * part + self.shift[band];
        }
    }
}

/// The logarithm of 1 + e^x.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + ln_1p(exp(-x.abs()))
}

/// Adds one clip's gradient and loss.
pub fn accumulate_words(
    parameters: &[f32],
    turned: &Turned,
    clip: &WordClip,
    draw: &WordDraw,
    recipe: &WordRecipe,
    gradient: &mut Gradient,
) {
    let frames = clip.bands.as_chunks::<BANDS>().0;
    let steps = (frames.len() as f32 / draw.pace) as usize / FRAMES_A_STEP;
    let inputs = (0..steps).map(|step| {
        let mut inputs = [0.0; INPUTS_MAX];
        for (half, out) in inputs.chunks_exact_mut(BANDS).take(FRAMES_A_STEP).enumerate() {
            let at = ((step * FRAMES_A_STEP + half) as f32 * draw.pace) as usize;
            draw.frame(&frames[at.min(frames.len() - 1)], out);
        }
        inputs
    });
    let steps = SHAPE.forward(parameters, inputs, &draw.dense);
    // Within a phrase's window the step that is surest counts for it, and the others count for nothing.
    let mut counts = vec![[Some(false); FAMILIES]; steps.len()];
    for (family, frame) in &clip.words {
        let place = |shift: i64| {
            let frame = ((i64::from(*frame) + shift) as f32 / draw.pace) as i64;
            (frame.max(0) as usize / FRAMES_A_STEP).min(steps.len())
        };
        let (family, window) = (*family as usize, place(-BEFORE_FRAMES)..place(AFTER_FRAMES));
        let surest = window.clone().max_by(|a, b| steps[*a].out[family].total_cmp(&steps[*b].out[family]));
        window.for_each(|step| {
            if counts[step][family] != Some(true) {
                counts[step][family] = None;
            }
        });
        if let Some(surest) = surest {
            counts[surest][family] = Some(true);
        }
    }
    let (mut loss, mut weight) = (0.0, 0.0);
    let slope = |index: usize, step: &Step| {
        let mut slope = [0.0; OUTPUTS_MAX];
        for ((slope, z), is) in slope.iter_mut().zip(step.out).zip(counts[index]) {
            let (counts, sign) = match is {
                Some(true) => (recipe.phrase_weight, -1.0),
                Some(false) => (1.0, 1.0),
                None => continue,
            };
            *slope = counts * sign * sigmoid(sign * z);
            loss += f64::from(counts * softplus(sign * z));
        }
        weight += 1.0;
        slope
    };
    SHAPE.backward(turned, &steps, &draw.dense, slope, &mut gradient.values);
    gradient.loss += loss;
    gradient.weight += weight;
}
