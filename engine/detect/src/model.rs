//! The net: a running posterior over what answered, every 40 ms.
//!
//! ```text
//!  two frames of features (80) ──> dense 32, rectified ──> GRU 48 ──> dense 7 ──> softmax
//! ```
//!
//! **Invariants.** Inference allocates nothing and calls no float function of the platform: the same features and the
//! same weights give the same bits on every machine. Weights are stored input by input, so that each input adds its
//! column to all outputs at once, which a compiler turns into vector code without reordering a sum.

use crate::decide::Tuning;
use crate::front::FEATURES;
use codecs::maths::{exp, sigmoid, tanh};

/// Frames that one step of the net takes: 40 ms.
pub const FRAMES_A_STEP: usize = 2;
/// Inputs of one step.
pub const INPUTS: usize = FEATURES * FRAMES_A_STEP;
pub(crate) const DENSE: usize = 32;
pub(crate) const UNITS: usize = 48;
pub(crate) const GATES: usize = 3 * UNITS;
/// Classes, in the order of [`crate::Verdict::ALL`].
pub const CLASSES: usize = 7;

/// Where each part lies in the list of parameters: offset and length.
pub(crate) mod part {
    use super::{CLASSES, DENSE, GATES, INPUTS, UNITS};
    use std::ops::Range;
    pub(crate) const IN_W: Range<usize> = 0..INPUTS * DENSE;
    pub(crate) const IN_B: Range<usize> = IN_W.end..IN_W.end + DENSE;
    pub(crate) const X_W: Range<usize> = IN_B.end..IN_B.end + DENSE * GATES;
    pub(crate) const X_B: Range<usize> = X_W.end..X_W.end + GATES;
    pub(crate) const H_W: Range<usize> = X_B.end..X_B.end + UNITS * GATES;
    pub(crate) const H_B: Range<usize> = H_W.end..H_W.end + GATES;
    pub(crate) const OUT_W: Range<usize> = H_B.end..H_B.end + UNITS * CLASSES;
    pub(crate) const OUT_B: Range<usize> = OUT_W.end..OUT_W.end + CLASSES;
}
/// Numbers that training finds: 14,743.
pub const PARAMETERS: usize = part::OUT_B.end;

/// A posterior: probabilities of the classes.
pub type Posterior = [f32; CLASSES];

/// First line of a weights file; a change of the net's shape or of the features needs a new one.
const MAGIC: &str = "outpace answer detection 1";

/// Why a weights file was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reject {
    /// It does not begin as such a file does, or is of another version.
    Kind,
    /// It has another number of parameters.
    Length,
    /// Its parameters do not give the hash that it names.
    Hash,
    /// A parameter is not a number.
    Number,
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reject::Kind => "is no weights file of this version, train again",
            Reject::Length => "has another number of parameters, it was cut short or is of another version",
            Reject::Hash => "is damaged: its parameters do not match its hash",
            Reject::Number => "holds a parameter that is no number",
        })
    }
}

impl std::error::Error for Reject {}

/// The weights and what is known about them.
#[derive(Clone, PartialEq, Debug)]
pub struct Net {
    pub(crate) parameters: Vec<f32>,
    thresholds: (f32, f32),
    card: String,
}

/// out += w · x, where `w` holds for each input the weights to all outputs.
pub(crate) fn add_product(weights: &[f32], inputs: &[f32], out: &mut [f32]) {
    for (column, input) in weights.chunks_exact(out.len()).zip(inputs) {
        for (out, weight) in out.iter_mut().zip(column) {
            *out += weight * input;
        }
    }
}

pub(crate) fn softmax(values: &mut Posterior) {
    let most = values.iter().fold(f32::MIN, |most, value| most.max(*value));
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = exp(*value - most);
        sum += *value;
    }
    values.iter_mut().for_each(|value| *value /= sum);
}

impl Net {
    /// A net of these parameters.
    ///
    /// # Errors
    /// `Length` or `Number`.
    pub fn new(parameters: Vec<f32>, card: String) -> Result<Net, Reject> {
        if parameters.len() != PARAMETERS {
            return Err(Reject::Length);
        }
        if parameters.iter().any(|parameter| !parameter.is_finite()) {
            return Err(Reject::Number);
        }
        Ok(Net { parameters, thresholds: (2.0, 2.0), card })
    }

    /// The same net with the thresholds θh and θm that it was calibrated to, and its card.
    pub fn calibrated(self, human: f32, machine: f32, card: String) -> Net {
        Net { thresholds: (human, machine), card, ..self }
    }

    /// The decision's settings with this net's thresholds; a net that was never calibrated never decides by itself.
    pub fn tuning(&self) -> Tuning {
        Tuning::with(self.thresholds.0, self.thresholds.1)
    }

    /// What the net was trained on and what it reached, for people.
    pub fn card(&self) -> &str {
        &self.card
    }

    /// Hash of the parameters (FNV-1a, 64 bits), as sixteen hexadecimal digits: which net decided.
    pub fn hash(&self) -> String {
        format!("{:016x}", fnv(&self.parameters))
    }

    /// The file: a line with its kind, one with the hash, one with the thresholds, the card, an empty line, the parameters as little-endian
    /// `f32`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let card: String = self.card.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
        let (human, machine) = self.thresholds;
        let mut bytes = format!("{MAGIC}\n{}\n{human} {machine}\n{card}\n", self.hash()).into_bytes();
        bytes.extend(self.parameters.iter().flat_map(|parameter| parameter.to_le_bytes()));
        bytes
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// See [`Reject`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Net, Reject> {
        let rest =
            bytes.strip_prefix(MAGIC.as_bytes()).and_then(|rest| rest.strip_prefix(b"\n")).ok_or(Reject::Kind)?;
        let end = rest.windows(2).position(|pair| pair == b"\n\n").ok_or(Reject::Kind)?;
        let head = std::str::from_utf8(&rest[..end]).map_err(|_| Reject::Kind)?;
        let mut lines = head.splitn(3, '\n');
        let (hash, thresholds, card) = (lines.next(), lines.next(), lines.next().unwrap_or(""));
        let (human, machine) = thresholds.and_then(|both| both.split_once(' ')).ok_or(Reject::Kind)?;
        let (human, machine) = human.parse().ok().zip(machine.parse().ok()).ok_or(Reject::Kind)?;
        let (parts, left) = rest[end + 2..].as_chunks::<4>();
        if !left.is_empty() {
            return Err(Reject::Length);
        }
        let net = Net::new(parts.iter().map(|part| f32::from_le_bytes(*part)).collect(), String::new())?;
        if Some(net.hash().as_str()) != hash {
            return Err(Reject::Hash);
        }
        Ok(net.calibrated(human, machine, card.to_owned()))
    }

    /// One step of 40 ms: `state` goes on, the posterior comes out.
    pub fn step(&self, inputs: &[f32; INPUTS], state: &mut State) -> Posterior {
        let p = &self.parameters;
        let mut dense = [0.0; DENSE];
        dense.copy_from_slice(&p[part::IN_B]);
        add_product(&p[part::IN_W], inputs, &mut dense);
        dense.iter_mut().for_each(|value| *value = value.max(0.0));
        let (mut x, mut h) = ([0.0; GATES], [0.0; GATES]);
        x.copy_from_slice(&p[part::X_B]);
        h.copy_from_slice(&p[part::H_B]);
        add_product(&p[part::X_W], &dense, &mut x);
        add_product(&p[part::H_W], &state.units, &mut h);
        // Gates in the order reset, update, candidate; the reset gate scales the candidate's recurrent part.
        for unit in 0..UNITS {
            let reset = sigmoid(x[unit] + h[unit]);
            let update = sigmoid(x[UNITS + unit] + h[UNITS + unit]);
            let candidate = tanh(x[2 * UNITS + unit] + reset * h[2 * UNITS + unit]);
            state.units[unit] = candidate + update * (state.units[unit] - candidate);
        }
        let mut out = [0.0; CLASSES];
        out.copy_from_slice(&p[part::OUT_B]);
        add_product(&p[part::OUT_W], &state.units, &mut out);
        softmax(&mut out);
        out
    }
}

fn fnv(parameters: &[f32]) -> u64 {
    parameters
        .iter()
        .flat_map(|parameter| parameter.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// What the net remembers of one call.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    pub(crate) units: [f32; UNITS],
}

impl Default for State {
    fn default() -> Self {
        State { units: [0.0; UNITS] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net() -> Net {
        let parameters = (0..PARAMETERS).map(|n| ((n * 7_919 % 1_001) as f32 - 500.0) / 2_500.0).collect();
        let card = "trained on: nothing\nfor: tests".to_owned();
        Net::new(parameters, String::new()).unwrap().calibrated(0.7, 0.95, card)
    }

    #[test]
    fn a_file_is_read_back_and_damage_is_seen() {
        let (net, bytes) = (net(), net().to_bytes());
        assert_eq!(Net::from_bytes(&bytes), Ok(net));
        let mut damaged = bytes.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(Net::from_bytes(&damaged), Err(Reject::Hash));
        assert_eq!(Net::from_bytes(&bytes[..bytes.len() - 4]), Err(Reject::Length));
        assert_eq!(Net::from_bytes(&bytes[..bytes.len() - 1]), Err(Reject::Length));
        assert_eq!(Net::from_bytes(&bytes[1..]), Err(Reject::Kind));
        assert_eq!(Net::from_bytes(b""), Err(Reject::Kind));
        assert_eq!(Net::new(vec![f32::NAN; PARAMETERS], String::new()), Err(Reject::Number));
    }

    #[test]
    fn the_net_that_ships_can_be_read_and_is_calibrated() {
        let net = crate::shipped();
        let tuning = net.tuning();
        assert!((0.3..1.0).contains(&tuning.human) && (0.3..1.0).contains(&tuning.machine), "{tuning:?}");
        assert!(net.card().contains("calibrated on"));
    }

    #[test]
    fn a_step_gives_probabilities_and_moves_the_state() {
        let (net, mut state) = (net(), State::default());
        let mut last = [0.0; CLASSES];
        for n in 0..100 {
            let mut inputs = [0.0; INPUTS];
            inputs.iter_mut().enumerate().for_each(|(k, input)| *input = ((n * 31 + k * 17) % 11) as f32 / 5.0 - 1.0);
            let posterior = net.step(&inputs, &mut state);
            assert!((posterior.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(posterior.iter().all(|p| (0.0..=1.0).contains(p)));
            assert_ne!(posterior, last);
            last = posterior;
        }
    }
}
