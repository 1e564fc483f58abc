//! The recurrent net that members and words have in common: one step of 40 ms, and its way back for training.
//!
//! ```text
//!  inputs ──> dense, rectified ──> gated recurrent units ──> dense ──> one number for each output
//! ```
//!
//! **Invariants.** A step allocates nothing and calls no float function of the platform: the same inputs and weights give
//! the same bits on every machine. Weights are stored input by input, so that each input adds its column to all outputs at
//! once, which a compiler turns into vector code without reordering a sum.

use codecs::maths::{sigmoid, tanh};
use std::ops::Range;

/// Sizes of one net.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    pub(crate) inputs: usize,
    pub(crate) dense: usize,
    pub(crate) units: usize,
    pub(crate) outputs: usize,
}

/// The largest sizes of any shape, for the room on the stack.
pub(crate) const INPUTS_MAX: usize = 80;
pub(crate) const DENSE_MAX: usize = 40;
pub(crate) const UNITS_MAX: usize = 64;
pub(crate) const OUTPUTS_MAX: usize = 7;
const GATES_MAX: usize = 3 * UNITS_MAX;

/// Where each part lies in the list of parameters.
pub(crate) struct Parts {
    pub(crate) in_w: Range<usize>,
    pub(crate) in_b: Range<usize>,
    pub(crate) x_w: Range<usize>,
    pub(crate) x_b: Range<usize>,
    pub(crate) h_w: Range<usize>,
    pub(crate) h_b: Range<usize>,
    pub(crate) out_w: Range<usize>,
    pub(crate) out_b: Range<usize>,
}

impl Shape {
    pub(crate) const fn gates(&self) -> usize {
        3 * self.units
    }

    pub(crate) const fn parts(&self) -> Parts {
        let in_w = 0..self.inputs * self.dense;
        let in_b = in_w.end..in_w.end + self.dense;
        let x_w = in_b.end..in_b.end + self.dense * self.gates();
        let x_b = x_w.end..x_w.end + self.gates();
        let h_w = x_b.end..x_b.end + self.units * self.gates();
        let h_b = h_w.end..h_w.end + self.gates();
        let out_w = h_b.end..h_b.end + self.units * self.outputs;
        let out_b = out_w.end..out_w.end + self.outputs;
        Parts { in_w, in_b, x_w, x_b, h_w, h_b, out_w, out_b }
    }

    /// Numbers that training finds.
    pub(crate) const fn parameters(&self) -> usize {
        self.parts().out_b.end
    }

    /// One step: `units` go on, `out` is filled.
    pub(crate) fn step(&self, p: &[f32], inputs: &[f32], units: &mut [f32], out: &mut [f32]) {
        let at = self.parts();
        let (mut dense, mut x, mut h) = ([0.0; DENSE_MAX], [0.0; GATES_MAX], [0.0; GATES_MAX]);
        let (dense, x, h) = (&mut dense[..self.dense], &mut x[..self.gates()], &mut h[..self.gates()]);
        dense.copy_from_slice(&p[at.in_b]);
        add_product(&p[at.in_w], inputs, dense);
        dense.iter_mut().for_each(|value| *value = value.max(0.0));
        x.copy_from_slice(&p[at.x_b]);
        h.copy_from_slice(&p[at.h_b]);
        add_product(&p[at.x_w], dense, x);
        add_product(&p[at.h_w], units, h);
        // Gates in the order reset, update, candidate; the reset gate scales the candidate's recurrent part.
        let n = self.units;
        for (unit, state) in units.iter_mut().enumerate() {
            let reset = sigmoid(x[unit] + h[unit]);
            let update = sigmoid(x[n + unit] + h[n + unit]);
            let candidate = tanh(x[2 * n + unit] + reset * h[2 * n + unit]);
            *state = candidate + update * (*state - candidate);
        }
        out.copy_from_slice(&p[at.out_b]);
        add_product(&p[at.out_w], units, out);
    }
}

/// out += w · x, where `w` holds for each input the weights to all outputs. Sixteen outputs at a time stay in registers
/// while all inputs pass; each output is summed in the inputs' order all the same.
fn add_product(weights: &[f32], inputs: &[f32], out: &mut [f32]) {
    let outputs = out.len();
    let (blocks, rest) = out.as_chunks_mut::<16>();
    for (index, block) in blocks.iter_mut().enumerate() {
        let mut sums = *block;
        for (column, input) in weights.chunks_exact(outputs).zip(inputs) {
            let Some(column) = column[16 * index..].first_chunk::<16>() else { continue };
            for (sum, weight) in sums.iter_mut().zip(column) {
                *sum += weight * input;
            }
        }
        *block = sums;
    }
    let done = outputs - rest.len();
    for (column, input) in weights.chunks_exact(outputs).zip(inputs) {
        for (out, weight) in rest.iter_mut().zip(&column[done..]) {
            *out += weight * input;
        }
    }
}

/// Everything of one step that the way back needs; of each array as much as the shape has.
#[derive(Clone)]
pub(crate) struct Step {
    inputs: [f32; INPUTS_MAX],
    dense: [f32; DENSE_MAX],
    before: [f32; UNITS_MAX],
    reset: [f32; UNITS_MAX],
    update: [f32; UNITS_MAX],
    candidate: [f32; UNITS_MAX],
    recurrent_candidate: [f32; UNITS_MAX],
    after: [f32; UNITS_MAX],
    pub(crate) out: [f32; OUTPUTS_MAX],
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

impl Shape {
    /// Once for each step of training.
    pub(crate) fn turned(&self, p: &[f32]) -> Turned {
        let at = self.parts();
        Turned {
            x: turned(&p[at.x_w], self.gates()),
            h: turned(&p[at.h_w], self.gates()),
            out: turned(&p[at.out_w], self.outputs),
        }
    }

    /// A clip from its first step to its last; each output of the dense layer is multiplied by `kept`.
    pub(crate) fn forward(&self, p: &[f32], all: impl Iterator<Item = [f32; INPUTS_MAX]>, kept: &[f32]) -> Vec<Step> {
        let (at, n) = (self.parts(), self.units);
        let mut state = [0.0; UNITS_MAX];
        let run = |inputs: [f32; INPUTS_MAX]| {
            let mut dense = [0.0; DENSE_MAX];
            let layer = &mut dense[..self.dense];
            layer.copy_from_slice(&p[at.in_b.clone()]);
            add_product(&p[at.in_w.clone()], &inputs[..self.inputs], layer);
            layer.iter_mut().zip(kept).for_each(|(value, kept)| *value = value.max(0.0) * kept);
            let (mut x, mut h) = ([0.0; GATES_MAX], [0.0; GATES_MAX]);
            let (gates_x, gates_h) = (&mut x[..self.gates()], &mut h[..self.gates()]);
            gates_x.copy_from_slice(&p[at.x_b.clone()]);
            gates_h.copy_from_slice(&p[at.h_b.clone()]);
            add_product(&p[at.x_w.clone()], layer, gates_x);
            add_product(&p[at.h_w.clone()], &state[..n], gates_h);
            let before = state;
            let [mut reset, mut update, mut candidate, mut recurrent_candidate] = [[0.0; UNITS_MAX]; 4];
            for unit in 0..n {
                reset[unit] = sigmoid(x[unit] + h[unit]);
                update[unit] = sigmoid(x[n + unit] + h[n + unit]);
                recurrent_candidate[unit] = h[2 * n + unit];
                candidate[unit] = tanh(x[2 * n + unit] + reset[unit] * h[2 * n + unit]);
                state[unit] = candidate[unit] + update[unit] * (before[unit] - candidate[unit]);
            }
            let mut out = [0.0; OUTPUTS_MAX];
            out[..self.outputs].copy_from_slice(&p[at.out_b.clone()]);
            add_product(&p[at.out_w.clone()], &state[..n], &mut out[..self.outputs]);
            Step { inputs, dense, before, reset, update, candidate, recurrent_candidate, after: state, out }
        };
        all.map(run).collect()
    }

    /// Adds a clip's gradient to `g`; `slope` gives that of the loss in each output of a step, from the last step on.
    pub(crate) fn backward(
        &self,
        turned: &Turned,
        steps: &[Step],
        kept: &[f32],
        mut slope: impl FnMut(usize, &Step) -> [f32; OUTPUTS_MAX],
        g: &mut [f32],
    ) {
        let (at, n) = (self.parts(), self.units);
        let mut back = [0.0; UNITS_MAX];
        for (index, step) in steps.iter().enumerate().rev() {
            let out = slope(index, step);
            let out = &out[..self.outputs];
            add_outer(&mut g[at.out_w.clone()], &step.after[..n], out);
            add(&mut g[at.out_b.clone()], out);
            add_product(&turned.out, out, &mut back[..n]);
            let (mut x, mut h, mut before) = ([0.0; GATES_MAX], [0.0; GATES_MAX], [0.0; UNITS_MAX]);
            for unit in 0..n {
                let (reset, update, candidate) = (step.reset[unit], step.update[unit], step.candidate[unit]);
                let d = back[unit];
                before[unit] = d * update;
                let d_candidate = d * (1.0 - update) * (1.0 - candidate * candidate);
                let d_update = d * (step.before[unit] - candidate) * update * (1.0 - update);
                let d_reset = d_candidate * step.recurrent_candidate[unit] * reset * (1.0 - reset);
                (x[unit], h[unit]) = (d_reset, d_reset);
                (x[n + unit], h[n + unit]) = (d_update, d_update);
                (x[2 * n + unit], h[2 * n + unit]) = (d_candidate, d_candidate * reset);
            }
            let (x, h) = (&x[..self.gates()], &h[..self.gates()]);
            add_outer(&mut g[at.x_w.clone()], &step.dense[..self.dense], x);
            add(&mut g[at.x_b.clone()], x);
            add_outer(&mut g[at.h_w.clone()], &step.before[..n], h);
            add(&mut g[at.h_b.clone()], h);
            add_product(&turned.h, h, &mut before[..n]);
            back = before;
            let mut dense = [0.0; DENSE_MAX];
            let dense = &mut dense[..self.dense];
            add_product(&turned.x, x, dense);
            for ((d, value), kept) in dense.iter_mut().zip(&step.dense).zip(kept) {
                *d = if *value > 0.0 { *d * kept } else { 0.0 };
            }
            add_outer(&mut g[at.in_w.clone()], &step.inputs[..self.inputs], dense);
            add(&mut g[at.in_b.clone()], dense);
        }
    }
}
