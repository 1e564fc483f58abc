//! How the net learns: gradients by backpropagation through time, steps by Adam.
//!
//! ```text
//!  clips ──> gradient of each group (the caller may spread groups over threads) ──> sum in order ──> Adam ──> Net
//! ```
//!
//! **Invariants.** Pure functions of their inputs: the same clips, order and seeds give the same net, however many
//! threads computed the groups, because sums are taken in the groups' order. The forward pass is that of
//! [`crate::model`], so what is learnt is what will run.

use crate::front::{BANDS, FEATURES, TONE_FEATURES};
use crate::model::{CLASSES, DENSE, GATES, INPUTS, Net, PARAMETERS, Posterior, UNITS, part};
use crate::model::{Reject, add_product, softmax};
use base::Stream;
use codecs::maths::{log2, sigmoid, tanh};

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

/// What is drawn for one clip of one step.
#[derive(Clone, Debug)]
pub struct Draw {
    shift: [f32; BANDS],
    /// Bands that are at the middle of their range throughout.
    masked: std::ops::Range<usize>,
    without_tones: bool,
    /// What each output of the dense layer is multiplied by: nothing, or what makes up for those that are silent.
    dense: [f32; DENSE],
}

impl Draw {
    /// Nothing changed: for validation.
    pub const fn none() -> Draw {
        Draw { shift: [0.0; BANDS], masked: 0..0, without_tones: false, dense: [1.0; DENSE] }
    }

    /// Draws for training.
    pub fn new(recipe: &Recipe, random: &mut Stream) -> Draw {
        // Twelve uniform draws less six are near enough to normal.
        let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() as f32 - 6.0;
        let all = recipe.level_shift * normal();
        let shift = std::array::from_fn(|_| all + recipe.band_shift * normal());
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
    pub fn zero() -> Gradient {
        Gradient { values: vec![0.0; PARAMETERS], loss: 0.0, weight: 0.0 }
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Gradient) {
        self.values.iter_mut().zip(&other.values).for_each(|(sum, value)| *sum += value);
        self.loss += other.loss;
        self.weight += other.weight;
    }
}

/// Everything of one step that the way back needs.
#[derive(Clone)]
struct Step {
    inputs: [f32; INPUTS],
    dense: [f32; DENSE],
    before: [f32; UNITS],
    reset: [f32; UNITS],
    update: [f32; UNITS],
    candidate: [f32; UNITS],
    recurrent_candidate: [f32; UNITS],
    after: [f32; UNITS],
    posterior: Posterior,
}

/// Weights turned round: for each output the weights from all inputs, for the way back.
#[derive(Clone, Debug)]
pub struct Turned {
    x: Vec<f32>,
    h: Vec<f32>,
    out: Vec<f32>,
}

fn turned(weights: &[f32], outputs: usize) -> Vec<f32> {
    let inputs = weights.len() / outputs;
    (0..outputs).flat_map(|o| (0..inputs).map(move |i| (i, o))).map(|(i, o)| weights[i * outputs + o]).collect()
}

impl Turned {
    /// Of a net, once for each step of Adam.
    pub fn of(net: &Net) -> Turned {
        let p = &net.parameters;
        Turned {
            x: turned(&p[part::X_W], GATES),
            h: turned(&p[part::H_W], GATES),
            out: turned(&p[part::OUT_W], CLASSES),
        }
    }
}

/// Adds outer products: for each input its share of the gradient of the weights to all outputs.
fn add_outer(gradient: &mut [f32], inputs: &[f32], outputs: &[f32]) {
    for (column, input) in gradient.chunks_exact_mut(outputs.len()).zip(inputs) {
        for (sum, output) in column.iter_mut().zip(outputs) {
            *sum += input * output;
        }
    }
}

fn add(sum: &mut [f32], values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// Weight of a step: the first 0.8 s know little and count less.
fn step_weight(step: usize) -> f32 {
    (step as f32 / 20.0).clamp(0.05, 1.0)
}

fn forward(net: &Net, clip: &Clip, draw: &Draw) -> Vec<Step> {
    let p = &net.parameters;
    let mut state = [0.0; UNITS];
    let (vectors, _) = clip.features.as_chunks::<INPUTS>();
    let run = |bytes: &[u8; INPUTS]| {
        let mut inputs = [0.0; INPUTS];
        for (n, (input, byte)) in inputs.iter_mut().zip(bytes).enumerate() {
            *input = draw.feature(n % FEATURES, *byte);
        }
        let mut dense = [0.0; DENSE];
        dense.copy_from_slice(&p[part::IN_B]);
        add_product(&p[part::IN_W], &inputs, &mut dense);
        dense.iter_mut().zip(&draw.dense).for_each(|(value, kept)| *value = value.max(0.0) * kept);
        let (mut x, mut h) = ([0.0; GATES], [0.0; GATES]);
        x.copy_from_slice(&p[part::X_B]);
        h.copy_from_slice(&p[part::H_B]);
        add_product(&p[part::X_W], &dense, &mut x);
        add_product(&p[part::H_W], &state, &mut h);
        let before = state;
        let (mut reset, mut update, mut candidate) = ([0.0; UNITS], [0.0; UNITS], [0.0; UNITS]);
        let mut recurrent_candidate = [0.0; UNITS];
        for unit in 0..UNITS {
            reset[unit] = sigmoid(x[unit] + h[unit]);
            update[unit] = sigmoid(x[UNITS + unit] + h[UNITS + unit]);
            recurrent_candidate[unit] = h[2 * UNITS + unit];
            candidate[unit] = tanh(x[2 * UNITS + unit] + reset[unit] * h[2 * UNITS + unit]);
            state[unit] = candidate[unit] + update[unit] * (before[unit] - candidate[unit]);
        }
        let mut posterior = [0.0; CLASSES];
        posterior.copy_from_slice(&p[part::OUT_B]);
        add_product(&p[part::OUT_W], &state, &mut posterior);
        softmax(&mut posterior);
        Step { inputs, dense, before, reset, update, candidate, recurrent_candidate, after: state, posterior }
    };
    vectors.iter().map(run).collect()
}

/// The posteriors of a clip, every 40 ms, to compare with those of [`Net::step`].
#[cfg(test)]
fn posteriors(net: &Net, clip: &Clip) -> Vec<Posterior> {
    forward(net, clip, &Draw::none()).into_iter().map(|step| step.posterior).collect()
}

/// Adds one clip's gradient and loss.
pub fn accumulate(net: &Net, turned: &Turned, clip: &Clip, draw: &Draw, recipe: &Recipe, gradient: &mut Gradient) {
    let steps = forward(net, clip, draw);
    let weight = clip.weight * if clip.label == 0 { recipe.human_weight } else { 1.0 };
    let target = |class: usize| {
        let spread = recipe.smoothing / CLASSES as f32;
        if class == clip.label { 1.0 - recipe.smoothing + spread } else { spread }
    };
    let g = &mut gradient.values;
    let mut back = [0.0; UNITS];
    for (index, step) in steps.iter().enumerate().rev() {
        let weight = weight * step_weight(index);
        let mut out = [0.0; CLASSES];
        for (class, (out, p)) in out.iter_mut().zip(step.posterior).enumerate() {
            *out = weight * (p - target(class));
            let log = std::f32::consts::LN_2 * log2(p.max(1e-9));
            gradient.loss -= f64::from(weight * target(class) * log);
        }
        gradient.weight += f64::from(weight);
        add_outer(&mut g[part::OUT_W], &step.after, &out);
        add(&mut g[part::OUT_B], &out);
        add_product(&turned.out, &out, &mut back);
        let (mut x, mut h, mut before) = ([0.0; GATES], [0.0; GATES], [0.0; UNITS]);
        for unit in 0..UNITS {
            let (reset, update, candidate) = (step.reset[unit], step.update[unit], step.candidate[unit]);
            let d = back[unit];
            before[unit] = d * update;
            let d_candidate = d * (1.0 - update) * (1.0 - candidate * candidate);
            let d_update = d * (step.before[unit] - candidate) * update * (1.0 - update);
            let d_reset = d_candidate * step.recurrent_candidate[unit] * reset * (1.0 - reset);
            (x[unit], h[unit]) = (d_reset, d_reset);
            (x[UNITS + unit], h[UNITS + unit]) = (d_update, d_update);
            (x[2 * UNITS + unit], h[2 * UNITS + unit]) = (d_candidate, d_candidate * reset);
        }
        add_outer(&mut g[part::X_W], &step.dense, &x);
        add(&mut g[part::X_B], &x);
        add_outer(&mut g[part::H_W], &step.before, &h);
        add(&mut g[part::H_B], &h);
        add_product(&turned.h, &h, &mut before);
        back = before;
        let mut dense = [0.0; DENSE];
        add_product(&turned.x, &x, &mut dense);
        for ((d, value), kept) in dense.iter_mut().zip(&step.dense).zip(&draw.dense) {
            *d = if *value > 0.0 { *d * kept } else { 0.0 };
        }
        add_outer(&mut g[part::IN_W], &step.inputs, &dense);
        add(&mut g[part::IN_B], &dense);
    }
}

/// Adam's memory and the parameters under way.
#[derive(Clone, Debug)]
pub struct Trainer {
    net: Net,
    mean: Vec<f32>,
    square: Vec<f32>,
    step: usize,
    steps: usize,
    recipe: Recipe,
}

impl Trainer {
    /// Random weights: uniform, with the spread that keeps signals at their size (Glorot).
    pub fn new(recipe: Recipe, clips: usize, random: &mut Stream) -> Result<Trainer, Reject> {
        let mut parameters = vec![0.0_f32; PARAMETERS];
        for (range, inputs, outputs) in [
            (part::IN_W, INPUTS, DENSE),
            (part::X_W, DENSE, UNITS),
            (part::H_W, UNITS, UNITS),
            (part::OUT_W, UNITS, CLASSES),
        ] {
            let spread = (6.0 / (inputs + outputs) as f64).sqrt();
            parameters[range].iter_mut().for_each(|parameter| *parameter = random.range_f64(-spread, spread) as f32);
        }
        Ok(Trainer::on(recipe, clips, Net::new(parameters, String::new())?))
    }

    /// On from a net of one member.
    pub fn on(recipe: Recipe, clips: usize, net: Net) -> Trainer {
        let steps = (clips / recipe.batch).max(1) * recipe.epochs;
        Trainer { net, mean: vec![0.0; PARAMETERS], square: vec![0.0; PARAMETERS], step: 0, steps, recipe }
    }

    /// The net as it is now.
    pub fn net(&self) -> &Net {
        &self.net
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
        let rate = self.recipe.rate * shape;
        let (fade_mean, fade_square) = (1.0 - 0.9_f32.powi(self.step as i32), 1.0 - 0.999_f32.powi(self.step as i32));
        for (((parameter, mean), square), value) in
            self.net.parameters.iter_mut().zip(&mut self.mean).zip(&mut self.square).zip(&gradient.values)
        {
            let value = value * scale;
            *mean += 0.1 * (value - *mean);
            *square += 0.001 * (value * value - *square);
            let step = (*mean / fade_mean) / ((*square / fade_square).sqrt() + 1e-8);
            *parameter -= rate * (step + self.recipe.decay * *parameter);
        }
    }
}

#[cfg(test)]
mod tests;
