//! The net: a running posterior over what answered, every 40 ms.
//!
//! ```text
//!  two frames of features (80) ─┬─> dense 32, rectified ──> GRU 48 ──> dense 7 ──> softmax ─┬─> mean
//!                               └─> a second and third member of the same shape ───────────┘
//! ```
//!
//! Members are trained from different seeds; where they err differently their mean is right more often than each.
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
/// Numbers that training finds for one member: 14,743.
pub const PARAMETERS: usize = part::OUT_B.end;
/// Most members: three cost about 6 us a frame, and 576 bytes a call.
pub const MEMBERS_MAX: usize = 3;
/// Most settings in a file.
pub const SETTINGS_MAX: usize = 64;

/// A posterior: probabilities of the classes.
pub type Posterior = [f32; CLASSES];

/// First line of a weights file; a change of the net's shape or of the features needs a new one.
const MAGIC: &str = "outpace answer detection 2";

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

/// What calibration found for one value of the operator's knob.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Setting {
    /// At most this share of people is taken for machines, on the recordings for calibration.
    pub share: f64,
    /// θh, see [`Tuning::human`].
    pub human: f32,
    /// θm, see [`Tuning::machine`].
    pub machine: f32,
}

/// The weights and what is known about them.
#[derive(Clone, PartialEq, Debug)]
pub struct Net {
    /// Those of each member, one after another.
    pub(crate) parameters: Vec<f32>,
    /// By rising share.
    settings: Vec<Setting>,
    card: String,
}

/// out += w · x, where `w` holds for each input the weights to all outputs. Sixteen outputs at a time stay in registers
/// while all inputs pass; each output is summed in the inputs' order all the same.
pub(crate) fn add_product(weights: &[f32], inputs: &[f32], out: &mut [f32]) {
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

pub(crate) fn softmax(values: &mut Posterior) {
    let most = values.iter().fold(f32::MIN, |most, value| most.max(*value));
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = exp(*value - most);
        sum += *value;
    }
    values.iter_mut().for_each(|value| *value /= sum);
}

/// The knob where nobody turned it: at most 1 % of people.
pub const SHARE_DEFAULT: f64 = 0.01;

impl Net {
    /// A net of the parameters of one to [`MEMBERS_MAX`] members.
    ///
    /// # Errors
    /// `Length` or `Number`.
    pub fn new(parameters: Vec<f32>, card: String) -> Result<Net, Reject> {
        let members = parameters.len() / PARAMETERS;
        if !(1..=MEMBERS_MAX).contains(&members) || members * PARAMETERS != parameters.len() {
            return Err(Reject::Length);
        }
        if parameters.iter().any(|parameter| !parameter.is_finite()) {
            return Err(Reject::Number);
        }
        Ok(Net { parameters, settings: Vec::new(), card })
    }

    /// The net that gives the mean of others.
    ///
    /// # Errors
    /// `Length` for none or too many.
    pub fn mean_of(nets: &[Net]) -> Result<Net, Reject> {
        let parameters = nets.iter().flat_map(|net| net.parameters.iter().copied()).collect();
        Net::new(parameters, String::new())
    }

    /// Its members, each a net of its own.
    pub fn apart(&self) -> impl Iterator<Item = Net> + '_ {
        self.parameters.chunks_exact(PARAMETERS).map(|parameters| Net {
            parameters: parameters.to_vec(),
            settings: Vec::new(),
            card: String::new(),
        })
    }

    /// How many members it has.
    pub fn members(&self) -> usize {
        self.parameters.len() / PARAMETERS
    }

    /// The same net with what it was calibrated to, by rising share, and its card.
    pub fn calibrated(self, settings: Vec<Setting>, card: String) -> Net {
        Net { settings, card, ..self }
    }

    /// What it was calibrated to, by rising share.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// The decision's settings for at most this share of people taken for machines: those of the greatest share that is
    /// no greater. `None` when the net was not calibrated so low.
    pub fn tuning(&self, share: f64) -> Option<Tuning> {
        let setting = self.settings.iter().rev().find(|setting| setting.share <= share)?;
        Some(Tuning::with(setting.human, setting.machine))
    }

    /// What the net was trained on and what it reached, for people.
    pub fn card(&self) -> &str {
        &self.card
    }

    /// Hash of the parameters and settings (FNV-1a, 64 bits), as sixteen hexadecimal digits: which net decided.
    pub fn hash(&self) -> String {
        let settings = self.settings_line();
        let bytes = self.parameters.iter().flat_map(|parameter| parameter.to_le_bytes()).chain(settings.bytes());
        let fnv =
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        format!("{fnv:016x}")
    }

    fn settings_line(&self) -> String {
        let each = |setting: &Setting| format!(" {}/{}/{}", setting.share, setting.human, setting.machine);
        self.settings.iter().map(each).collect()
    }

    /// The file: a line with its kind, one with the hash, one with the settings, each `SHARE/HUMAN/MACHINE`, the card, an
    /// empty line, the parameters as little-endian `f32`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let card: String = self.card.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
        let mut bytes = format!("{MAGIC}\n{}\nsettings{}\n{card}\n", self.hash(), self.settings_line()).into_bytes();
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
        let (hash, settings, card) = (lines.next(), lines.next(), lines.next().unwrap_or(""));
        let settings = settings.and_then(|line| line.strip_prefix("settings")).ok_or(Reject::Kind)?;
        let settings: Option<Vec<Setting>> = settings.split_whitespace().map(setting).collect();
        let settings = settings.filter(|all| all.len() <= SETTINGS_MAX).ok_or(Reject::Kind)?;
        if !settings.is_sorted_by(|a, b| a.share < b.share) {
            return Err(Reject::Kind);
        }
        let (parts, left) = rest[end + 2..].as_chunks::<4>();
        if !left.is_empty() {
            return Err(Reject::Length);
        }
        let net = Net::new(parts.iter().map(|part| f32::from_le_bytes(*part)).collect(), String::new())?;
        let net = net.calibrated(settings, card.to_owned());
        if Some(net.hash().as_str()) != hash { Err(Reject::Hash) } else { Ok(net) }
    }

    /// One step of 40 ms: `state` goes on, the posterior comes out.
    pub fn step(&self, inputs: &[f32; INPUTS], state: &mut State) -> Posterior {
        let mut mean = [0.0; CLASSES];
        for (parameters, units) in self.parameters.chunks_exact(PARAMETERS).zip(&mut state.units) {
            let posterior = member(parameters, inputs, units);
            mean.iter_mut().zip(posterior).for_each(|(mean, p)| *mean += p);
        }
        let members = self.members() as f32;
        mean.map(|sum| sum / members)
    }
}

fn setting(text: &str) -> Option<Setting> {
    let mut parts = text.split('/');
    let share = parts.next()?.parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
    let mut threshold = || parts.next()?.parse().ok().filter(|value: &f32| value.is_finite());
    Some(Setting { share, human: threshold()?, machine: threshold()? })
}

/// One member's step.
fn member(p: &[f32], inputs: &[f32; INPUTS], units: &mut [f32; UNITS]) -> Posterior {
    let mut dense = [0.0; DENSE];
    dense.copy_from_slice(&p[part::IN_B]);
    add_product(&p[part::IN_W], inputs, &mut dense);
    dense.iter_mut().for_each(|value| *value = value.max(0.0));
    let (mut x, mut h) = ([0.0; GATES], [0.0; GATES]);
    x.copy_from_slice(&p[part::X_B]);
    h.copy_from_slice(&p[part::H_B]);
    add_product(&p[part::X_W], &dense, &mut x);
    add_product(&p[part::H_W], &units[..], &mut h);
    // Gates in the order reset, update, candidate; the reset gate scales the candidate's recurrent part.
    for unit in 0..UNITS {
        let reset = sigmoid(x[unit] + h[unit]);
        let update = sigmoid(x[UNITS + unit] + h[UNITS + unit]);
        let candidate = tanh(x[2 * UNITS + unit] + reset * h[2 * UNITS + unit]);
        units[unit] = candidate + update * (units[unit] - candidate);
    }
    let mut out = [0.0; CLASSES];
    out.copy_from_slice(&p[part::OUT_B]);
    add_product(&p[part::OUT_W], &units[..], &mut out);
    softmax(&mut out);
    out
}

/// What the net remembers of one call.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    units: [[f32; UNITS]; MEMBERS_MAX],
}

impl Default for State {
    fn default() -> Self {
        State { units: [[0.0; UNITS]; MEMBERS_MAX] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net() -> Net {
        let parameters = (0..PARAMETERS).map(|n| ((n * 7_919 % 1_001) as f32 - 500.0) / 2_500.0).collect();
        let card = "trained on: nothing\nfor: tests".to_owned();
        let settings =
            vec![Setting { share: 0.01, human: 0.7, machine: 0.95 }, Setting { share: 0.05, human: 0.8, machine: 0.7 }];
        Net::new(parameters, String::new()).unwrap().calibrated(settings, card)
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
        assert_eq!(Net::new(Vec::new(), String::new()), Err(Reject::Length));
        let text = String::from_utf8_lossy(&bytes[..100]).into_owned();
        let (from, to) = (text.find("0.01/").unwrap(), "0.02/");
        let mut turned = bytes.clone();
        turned[from..from + to.len()].copy_from_slice(to.as_bytes());
        assert_eq!(Net::from_bytes(&turned), Err(Reject::Hash), "settings are part of what decides");
        turned[from..from + to.len()].copy_from_slice(b"0.09/");
        assert_eq!(Net::from_bytes(&turned), Err(Reject::Kind), "they rise");
    }

    #[test]
    fn the_knob_takes_the_setting_below_it() {
        let thresholds = |share| net().tuning(share).map(|tuning| (tuning.human, tuning.machine));
        assert_eq!(thresholds(0.009), None);
        assert_eq!(thresholds(SHARE_DEFAULT), Some((0.7, 0.95)));
        assert_eq!(thresholds(0.049), Some((0.7, 0.95)));
        assert_eq!(thresholds(0.5), Some((0.8, 0.7)));
    }

    #[test]
    fn members_give_their_mean() {
        let other = Net::new(net().parameters.iter().map(|p| p * 0.5).collect(), String::new()).unwrap();
        let both = Net::mean_of(&[net(), other.clone()]).unwrap();
        assert_eq!(both.members(), 2);
        let (mut a, mut b, mut c) = (State::default(), State::default(), State::default());
        for n in 0..10 {
            let inputs = std::array::from_fn(|k| ((n * 31 + k * 17) % 11) as f32 / 5.0 - 1.0);
            let (one, two, mean) =
                (net().step(&inputs, &mut a), other.step(&inputs, &mut b), both.step(&inputs, &mut c));
            assert!((0..CLASSES).all(|k| ((one[k] + two[k]) / 2.0 - mean[k]).abs() < 1e-6));
        }
        assert_eq!(Net::mean_of(&[]), Err(Reject::Length));
        assert_eq!(Net::mean_of(&[both.clone(), both]), Err(Reject::Length));
    }

    #[test]
    fn the_net_that_ships_can_be_read_and_is_calibrated() {
        let net = crate::shipped();
        let tuning = net.tuning(SHARE_DEFAULT).unwrap();
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
