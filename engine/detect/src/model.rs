//! The net: a running posterior over what answered, every 40 ms.
//!
//! ```text
//!  two frames of features (80) ─┬─> dense 32, rectified ──> GRU 48 ──> dense 7 ──> softmax ─┬─> mean ──> smoothed ─┐
//!                               ├─> a second and third member of the same shape ───────────┘                     ├─>
//!                               └─> words, where the net knows any (see the module) ────────────> their weight ──┘
//! ```
//!
//! Members are trained from different seeds; where they err differently their mean is right more often than each.
//!
//! **Invariants.** Inference allocates nothing, and the same features and weights give the same bits on every machine (see
//! the module `gru`).

use crate::decide::Tuning;
use crate::front::FEATURES;
use crate::gru::Shape;
use crate::words::{FAMILIES, WORD_PARAMETERS, Words};
use codecs::maths::exp;

/// Frames that one step of the net takes: 40 ms.
pub const FRAMES_A_STEP: usize = 2;
/// Inputs of one step.
pub const INPUTS: usize = FEATURES * FRAMES_A_STEP;
/// Classes, in the order of [`crate::Verdict::ALL`].
pub const CLASSES: usize = 7;
/// One member.
pub const MEMBER: Shape = Shape { inputs: INPUTS, dense: 32, units: 48, outputs: CLASSES };
/// Numbers that training finds for one member: 14,743.
pub const PARAMETERS: usize = MEMBER.parameters();
/// Most members: three cost about 6 us a frame, and 576 bytes a call.
pub const MEMBERS_MAX: usize = 3;
/// Most settings in a file.
pub const SETTINGS_MAX: usize = 64;

/// A posterior: probabilities of the classes.
pub type Posterior = [f32; CLASSES];

/// First line of a weights file; a change of the net's shape or of the features needs a new one.
const MAGIC: &str = "outpace answer detection 3";

/// Stands in the file behind the count of members where words follow them.
const WORDS: &str = " words";

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
    /// At most this share of people is taken for machines: what four of five samples of other voices than the calibration's
    /// stay below.
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
    words: Option<Words>,
    /// By rising share.
    settings: Vec<Setting>,
    card: String,
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
        Ok(Net { parameters, words: None, settings: Vec::new(), card })
    }

    /// The same net with a recogniser of words, or without.
    #[must_use]
    pub fn with_words(self, words: Option<Words>) -> Net {
        Net { words, ..self }
    }

    /// Its recogniser of words.
    pub fn words(&self) -> Option<&Words> {
        self.words.as_ref()
    }

    /// The net that gives the mean of others.
    ///
    /// # Errors
    /// `Length` for none or too many.
    pub fn mean_of(nets: &[Net]) -> Result<Net, Reject> {
        let parameters = nets.iter().flat_map(|net| net.parameters.iter().copied()).collect();
        Net::new(parameters, String::new())
    }

    /// Its members, each a net of its own that knows no words.
    pub fn apart(&self) -> impl Iterator<Item = Net> + '_ {
        self.parameters.chunks_exact(PARAMETERS).map(|parameters| Net {
            parameters: parameters.to_vec(),
            words: None,
            settings: Vec::new(),
            card: String::new(),
        })
    }

    /// The numbers of its members, one member after another.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
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

    /// The card's lines on how it was trained, without those on calibration and without words it no longer has.
    pub fn made(&self) -> String {
        let lines = self.card().lines().take_while(|line| !line.starts_with("calibrated on"));
        let lines = lines.filter(|line| self.words.is_some() || !line.starts_with("words trained on"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What the net was trained on and what it reached, for people.
    pub fn card(&self) -> &str {
        &self.card
    }

    /// All numbers: those of the members, those of the recogniser of words, what each family of phrases weighs.
    fn numbers(&self) -> impl Iterator<Item = f32> + '_ {
        let words = self.words.iter().flat_map(|words| words.parameters.iter().chain(&words.weights));
        self.parameters.iter().chain(words).copied()
    }

    /// Hash of the numbers and settings (FNV-1a, 64 bits), as sixteen hexadecimal digits: which net decided.
    pub fn hash(&self) -> String {
        let settings = self.settings_line();
        let bytes = self.numbers().flat_map(f32::to_le_bytes).chain(settings.bytes());
        let fnv =
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        format!("{fnv:016x}")
    }

    fn settings_line(&self) -> String {
        let each = |setting: &Setting| format!(" {}/{}/{}", setting.share, setting.human, setting.machine);
        self.settings.iter().map(each).collect()
    }

    /// The file: a line with its kind, one with the hash, one with the settings, each `SHARE/HUMAN/MACHINE`, one with the
    /// count of its members and `words` where it knows any, the card, an empty line, all numbers as little-endian `f32`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let card: String = self.card.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
        let parts = format!("{}{}", self.members(), if self.words.is_some() { WORDS } else { "" });
        let mut bytes =
            format!("{MAGIC}\n{}\nsettings{}\nmembers {parts}\n{card}\n", self.hash(), self.settings_line())
                .into_bytes();
        bytes.extend(self.numbers().flat_map(f32::to_le_bytes));
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
        let mut lines = head.splitn(4, '\n');
        let (hash, settings, parts, card) = (lines.next(), lines.next(), lines.next(), lines.next().unwrap_or(""));
        let settings = settings.and_then(|line| line.strip_prefix("settings")).ok_or(Reject::Kind)?;
        let settings: Option<Vec<Setting>> = settings.split_whitespace().map(setting).collect();
        let settings = settings.filter(|all| all.len() <= SETTINGS_MAX).ok_or(Reject::Kind)?;
        if !settings.is_sorted_by(|a, b| a.share < b.share) {
            return Err(Reject::Kind);
        }
        let parts = parts.and_then(|line| line.strip_prefix("members ")).ok_or(Reject::Kind)?;
        let (members, with_words) = parts.strip_suffix(WORDS).map_or((parts, false), |members| (members, true));
        let members: usize = members.parse().map_err(|_| Reject::Kind)?;
        let (numbers, left) = rest[end + 2..].as_chunks::<4>();
        let expected = members.min(MEMBERS_MAX) * PARAMETERS + if with_words { WORD_PARAMETERS + FAMILIES } else { 0 };
        if !left.is_empty() || numbers.len() != expected {
            return Err(Reject::Length);
        }
        let mut numbers = numbers.iter().map(|number| f32::from_le_bytes(*number));
        let net = Net::new(numbers.by_ref().take(members.min(MEMBERS_MAX) * PARAMETERS).collect(), String::new())?;
        let words = if with_words {
            let parameters = numbers.by_ref().take(WORD_PARAMETERS).collect();
            let mut weights = [0.0; FAMILIES];
            weights.iter_mut().zip(numbers).for_each(|(weight, number)| *weight = number);
            Some(Words::new(parameters, weights).ok_or(Reject::Number)?)
        } else {
            None
        };
        let net = net.with_words(words);
        let net = net.calibrated(settings, card.to_owned());
        if Some(net.hash().as_str()) != hash { Err(Reject::Hash) } else { Ok(net) }
    }

    /// One step of 40 ms: `state` goes on, the members' posterior comes out.
    pub fn step(&self, inputs: &[f32; INPUTS], state: &mut State) -> Posterior {
        let mut mean = [0.0; CLASSES];
        for (parameters, units) in self.parameters.chunks_exact(PARAMETERS).zip(&mut state.units) {
            let mut posterior = [0.0; CLASSES];
            MEMBER.step(parameters, inputs, units, &mut posterior);
            softmax(&mut posterior);
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

/// What the net remembers of one call.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    units: [[f32; MEMBER.units]; MEMBERS_MAX],
}

impl Default for State {
    fn default() -> Self {
        State { units: [[0.0; MEMBER.units]; MEMBERS_MAX] }
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
        assert_eq!(Net::from_bytes(&bytes), Ok(net.clone()));
        let mut damaged = bytes.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(Net::from_bytes(&damaged), Err(Reject::Hash));
        assert_eq!(Net::from_bytes(&bytes[..bytes.len() - 4]), Err(Reject::Length));
        assert_eq!(Net::from_bytes(&bytes[..bytes.len() - 1]), Err(Reject::Length));
        assert_eq!(Net::from_bytes(&bytes[1..]), Err(Reject::Kind));
        assert_eq!(Net::from_bytes(b""), Err(Reject::Kind));
        assert_eq!(Net::new(vec![f32::NAN; PARAMETERS], String::new()), Err(Reject::Number));
        assert_eq!(Net::new(Vec::new(), String::new()), Err(Reject::Length));
        let knows = net.clone().with_words(Words::new(vec![0.25; WORD_PARAMETERS], [1.5; FAMILIES]));
        assert_eq!(Net::from_bytes(&knows.to_bytes()), Ok(knows.clone()));
        assert_ne!(knows.hash(), net.hash(), "words are part of what decides");
        let cut = knows.to_bytes();
        assert_eq!(Net::from_bytes(&cut[..cut.len() - 4 * FAMILIES]), Err(Reject::Length));
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
