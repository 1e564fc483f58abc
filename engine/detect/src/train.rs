//! How the net learns: gradients by backpropagation through time, steps by Adam.
//!
//! ```text
//!  clips ──> gradient of each group (the caller may spread groups over threads) ──> sum in order ──> Adam ──> Net
//! ```
//!
//! **Invariants.** Pure functions of their inputs: the same clips, order and seeds give the same net, however many
//! threads computed the groups, because sums are taken in the groups' order. The forward pass is that of the module `gru`,
//! so what is learnt is what will run.

use crate::front::{BANDS, FEATURES, TONE_FEATURES};
use crate::gru::{INPUTS_MAX, OUTPUTS_MAX, Shape, Step};
use crate::model::{CLASSES, INPUTS, MEMBER, Posterior, softmax};
use base::Stream;
use codecs::maths::log2;

mod words;

pub use crate::gru::Turned;
pub use words::{WordClip, WordDraw, WordRecipe, accumulate_words};

/// One labelled clip as features, so that training works where recordings must not be kept.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Vectors of 20 ms, one after another; see [`quantise`].
    pub features: Vec<u8>,
    /// Place of the label in [`crate::Verdict::ALL`].
    pub label: usize,
    /// How much it counts.
    pub weight: f32,
}

/// One byte for a feature: -3 to 5.5 in thirtieths, more than the net can tell apart.
pub fn quantise(feature: f32) -> u8 {
    ((feature + 3.0) * 30.0 + 0.5) as u8
}

fn feature(byte: u8) -> f32 {
    f32::from(byte) / 30.0 - 3.0
}

/// Every number that shapes the training.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// Passes over all clips.
    pub epochs: usize,
    /// Clips of one step of Adam.
    pub batch: usize,
    /// Highest rate, reached after a tenth of all steps; it falls to nothing as half a cosine.
    pub rate: f32,
    /// Share of each parameter that a step at rate 1 takes away (as in AdamW).
    pub decay: f32,
    /// A lost person costs more than a machine passed on.
    pub human_weight: f32,
    /// Share of the target that is spread over all classes.
    pub smoothing: f32,
    /// Standard deviation of the shift of all bands of a clip, and of each band: other levels, other telephones.
    pub level_shift: f32,
    /// See `level_shift`.
    pub band_shift: f32,
    /// Share of the dense layer's outputs that is silent throughout a clip, so that no output is relied on alone.
    pub dropout: f32,
    /// Most neighbouring bands that a clip lacks: none to this many, each as likely.
    pub masked_bands: usize,
    /// Share of clips that hear nothing of the tone features.
    pub masked_tones: f32,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            epochs: 13,
            batch: 64,
            rate: 5e-3,
            decay: 3e-2,
            human_weight: 1.5,
            smoothing: 0.02,
            level_shift: 0.15,
            band_shift: 0.2,
            dropout: 0.25,
            masked_bands: 10,
            masked_tones: 0.1,
        }
    }
}

/// Twelve uniform draws less six are near enough to normal.
fn normal(random: &mut Stream) -> f32 {
    (0..12).map(|_| random.unit()).sum::<f64>() as f32 - 6.0
}

/// What is drawn for one clip of one step.
#[derive(Clone, Debug)]
pub struct Draw {
    shift: [f32; BANDS],
    /// Bands that are at the middle of their range throughout.
    masked: std::ops::Range<usize>,
    without_tones: bool,
    /// What each output of the dense layer is multiplied by: nothing, or what makes up for those that are silent.
    dense: [f32; MEMBER.dense],
}

impl Draw {
    /// Nothing changed: for validation.
    pub const fn none() -> Draw {
        Draw { shift: [0.0; BANDS], masked: 0..0, without_tones: false, dense: [1.0; MEMBER.dense] }
    }

    /// Draws for training.
    pub fn new(recipe: &Recipe, random: &mut Stream) -> Draw {
        let all = recipe.level_shift * normal(random);
        let shift = std::array::from_fn(|_| all + recipe.band_shift * normal(random));
        let count = random.below(recipe.masked_bands.min(BANDS) as u64 + 1) as usize;
        let first = random.below((BANDS - count) as u64 + 1) as usize;
        let without_tones = random.chance(f64::from(recipe.masked_tones));
        let left = 1.0 / (1.0 - recipe.dropout);
        let dense = std::array::from_fn(|_| if random.chance(f64::from(recipe.dropout)) { 0.0 } else { left });
        Draw { shift, masked: first..first + count, without_tones, dense }
    }

    /// A feature of a frame as this draw has it.
    fn feature(&self, place: usize, byte: u8) -> f32 {
        match place {
            band if self.masked.contains(&band) => 0.0,
            band if band < BANDS => feature(byte) + self.shift[band],
            tone if tone >= FEATURES - TONE_FEATURES && self.without_tones => 0.0,
            _ => feature(byte),
        }
    }
}

/// Gradient of some clips' loss, the loss itself, and how many steps it is a sum over.
#[derive(Clone, Debug)]
pub struct Gradient {
    values: Vec<f32>,
    /// Sum of the weighted losses.
    pub loss: f64,
    /// Sum of the weights.
    pub weight: f64,
}

impl Gradient {
    /// Of nothing.
    pub fn zero(shape: Shape) -> Gradient {
        Gradient { values: vec![0.0; shape.parameters()], loss: 0.0, weight: 0.0 }
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Gradient) {
        self.values.iter_mut().zip(&other.values).for_each(|(sum, value)| *sum += value);
        self.loss += other.loss;
        self.weight += other.weight;
    }
}

/// Weight of a step: the first 0.8 s know little and count less.
fn step_weight(step: usize) -> f32 {
    (step as f32 / 20.0).clamp(0.05, 1.0)
}

fn forward(parameters: &[f32], clip: &Clip, draw: &Draw) -> Vec<Step> {
    let inputs = clip.features.as_chunks::<INPUTS>().0.iter().map(|bytes| {
        let mut inputs = [0.0; INPUTS_MAX];
        for (n, (input, byte)) in inputs.iter_mut().zip(bytes).enumerate() {
            *input = draw.feature(n % FEATURES, *byte);
        }
        inputs
    });
    MEMBER.forward(parameters, inputs, &draw.dense)
}

fn posterior(step: &Step) -> Posterior {
    let mut posterior = step.out;
    softmax(&mut posterior);
    posterior
}

/// The posteriors of a clip, every 40 ms, to compare with those of a net.
#[cfg(test)]
fn posteriors(parameters: &[f32], clip: &Clip) -> Vec<Posterior> {
    forward(parameters, clip, &Draw::none()).iter().map(posterior).collect()
}

/// Adds one clip's gradient and loss.
pub fn accumulate(
    parameters: &[f32],
    turned: &Turned,
    clip: &Clip,
    draw: &Draw,
    recipe: &Recipe,
    gradient: &mut Gradient,
) {
    let steps = forward(parameters, clip, draw);
    let weight = clip.weight * if clip.label == 0 { recipe.human_weight } else { 1.0 };
    let target = |class: usize| {
        let spread = recipe.smoothing / CLASSES as f32;
        if class == clip.label { 1.0 - recipe.smoothing + spread } else { spread }
    };
    let (mut loss, mut weights) = (0.0, 0.0);
    let slope = |index: usize, step: &Step| {
        let weight = weight * step_weight(index);
        let mut out = [0.0; OUTPUTS_MAX];
        for (class, (out, p)) in out.iter_mut().zip(posterior(step)).enumerate() {
            *out = weight * (p - target(class));
            let log = std::f32::consts::LN_2 * log2(p.max(1e-9));
            loss -= f64::from(weight * target(class) * log);
        }
        weights += f64::from(weight);
        out
    };
    MEMBER.backward(turned, &steps, &draw.dense, slope, &mut gradient.values);
    gradient.loss += loss;
    gradient.weight += weights;
}

/// Adam's memory and the parameters under way.
#[derive(Clone, Debug)]
pub struct Trainer {
    shape: Shape,
    parameters: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
    step: usize,
    steps: usize,
    rate: f32,
    decay: f32,
}

impl Trainer {
    /// Random weights: uniform, with the spread that keeps signals at their size (Glorot). `steps` is how many there will be,
    /// `rate` and `decay` are those of [`Recipe`].
    pub fn new(shape: Shape, steps: usize, rate: f32, decay: f32, random: &mut Stream) -> Trainer {
        let (mut parameters, at) = (vec![0.0_f32; shape.parameters()], shape.parts());
        for (range, inputs, outputs) in [
            (at.in_w, shape.inputs, shape.dense),
            (at.x_w, shape.dense, shape.units),
            (at.h_w, shape.units, shape.units),
            (at.out_w, shape.units, shape.outputs),
        ] {
            let spread = (6.0 / (inputs + outputs) as f64).sqrt();
            parameters[range].iter_mut().for_each(|parameter| *parameter = random.range_f64(-spread, spread) as f32);
        }
        Trainer::on(shape, steps, rate, decay, parameters)
    }

    /// On from parameters of this shape.
    pub fn on(shape: Shape, steps: usize, rate: f32, decay: f32, parameters: Vec<f32>) -> Trainer {
        let zero = vec![0.0; shape.parameters()];
        Trainer { shape, parameters, mean: zero.clone(), square: zero, step: 0, steps, rate, decay }
    }

    /// The parameters as they are now.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// The same, turned round for the way back.
    pub fn turned(&self) -> Turned {
        self.shape.turned(&self.parameters)
    }

    /// Of which shape they are.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// One step of Adam along the mean of a gradient that is no longer than 1.
    pub fn learn(&mut self, gradient: &Gradient) {
        let scale = 1.0 / gradient.weight.max(1e-6) as f32;
        let length = gradient.values.iter().map(|value| value * value).sum::<f32>().sqrt() * scale;
        let scale = scale / length.max(1.0);
        self.step += 1;
        let done = self.step as f32 / self.steps as f32;
        let shape = if done < 0.1 {
            done / 0.1
        } else {
            0.5 + 0.5 * (std::f32::consts::PI * (done.min(1.0) - 0.1) / 0.9).cos()
        };
        let rate = self.rate * shape;
        let (fade_mean, fade_square) = (1.0 - 0.9_f32.powi(self.step as i32), 1.0 - 0.999_f32.powi(self.step as i32));
        for (((parameter, mean), square), value) in
            self.parameters.iter_mut().zip(&mut self.mean).zip(&mut self.square).zip(&gradient.values)
        {
            let value = value * scale;
            *mean += 0.1 * (value - *mean);
            *square += 0.001 * (value * value - *square);
            let step = (*mean / fade_mean) / ((*square / fade_square).sqrt() + 1e-8);
            *parameter -= rate * (step + self.decay * *parameter);
        }
    }
}

#[cfg(test)]
mod tests;
