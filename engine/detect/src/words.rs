//! Words: phrases that give a machine away, spotted in English while they are said.
//!
//! ```text
//!  24 bands, twice (48) ──> dense 40, rectified ──> GRU 64 ──> a probability for each family of phrases, every 40 ms
//!    ──> the highest so far, of each family ──> Σ weight · highest ──> added to the log odds of machine, menu, assistant
//! ```
//!
//! **Invariants.** A phrase is evidence, no proof: people say "you have reached the front desk" too, so each family has a
//! weight, found on other voices than the net was trained on. Other languages give no phrase, and change nothing. What has
//! been heard stays heard until the verdict; who speaks after it is judged without words, since "this is Anna" is what both say.

use crate::front::{BANDS, FEATURES};
use crate::gru::Shape;
use crate::model::{FRAMES_A_STEP, INPUTS, Posterior};
use codecs::maths::{exp, sigmoid};

/// Families of phrases that mean the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// "You have reached", "the voicemail of".
    Reached,
    /// "Is not available", "can't take your call", "can't come to the phone".
    Away,
    /// "Leave a message", "leave your name", "record your message".
    Leave,
    /// "The tone", "the beep".
    Tone,
    /// "State your name", "the reason for your call".
    Name,
    /// "Press one", "stay on the line", "may be recorded".
    Menu,
}

/// How many families there are.
pub const FAMILIES: usize = 6;

impl Family {
    /// All of them, in the order of the net's outputs.
    pub const ALL: [Family; FAMILIES] =
        [Family::Reached, Family::Away, Family::Leave, Family::Tone, Family::Name, Family::Menu];

    /// As the column `words` of LABELS.csv names it.
    pub const fn name(self) -> &'static str {
        match self {
            Family::Reached => "reached",
            Family::Away => "away",
            Family::Leave => "leave",
            Family::Tone => "tone",
            Family::Name => "name",
            Family::Menu => "menu",
        }
    }

    /// For people: a wording of it.
    pub const fn wording(self) -> &'static str {
        match self {
            Family::Reached => "you have reached",
            Family::Away => "is not available",
            Family::Leave => "leave a message",
            Family::Tone => "at the tone",
            Family::Name => "your name and reason",
            Family::Menu => "press one",
        }
    }

    /// The rule's name where it tips the scale.
    pub const fn cause(self) -> &'static str {
        match self {
            Family::Reached => "WORDS-REACHED",
            Family::Away => "WORDS-AWAY",
            Family::Leave => "WORDS-LEAVE",
            Family::Tone => "WORDS-TONE",
            Family::Name => "WORDS-NAME",
            Family::Menu => "WORDS-MENU",
        }
    }

    /// The family of this name.
    pub fn named(name: &str) -> Option<Family> {
        Family::ALL.into_iter().find(|family| family.name() == name)
    }

    /// Whose phrase it is, of machine, menu and assistant: the whole weight or half of it.
    const fn share(self) -> [f32; 3] {
        match self {
            Family::Reached => [1.0, 1.0, 0.5],
            Family::Away | Family::Leave => [1.0, 0.5, 0.5],
            Family::Tone => [1.0, 0.5, 1.0],
            Family::Name => [0.5, 0.5, 1.0],
            Family::Menu => [0.5, 1.0, 0.5],
        }
    }
}

/// The highest probability of each family so far.
pub type Heard = [f32; FAMILIES];

/// Inputs of one step: the bands of two frames.
pub(crate) const WORD_INPUTS: usize = BANDS * FRAMES_A_STEP;
/// The net.
pub const SHAPE: Shape = Shape { inputs: WORD_INPUTS, dense: 40, units: 64, outputs: FAMILIES };
/// Numbers that training finds: 22,698.
pub const WORD_PARAMETERS: usize = SHAPE.parameters();

/// The recogniser: its parameters, and what each family weighs.
#[derive(Clone, PartialEq, Debug)]
pub struct Words {
    pub(crate) parameters: Vec<f32>,
    /// In nats of log odds; see [`Words::weigh`].
    pub(crate) weights: [f32; FAMILIES],
}

impl Words {
    /// Of [`WORD_PARAMETERS`] numbers and what each family weighs; `None` for another count or where one is no number.
    pub fn new(parameters: Vec<f32>, weights: [f32; FAMILIES]) -> Option<Words> {
        let right = parameters.len() == WORD_PARAMETERS;
        (right && parameters.iter().chain(&weights).all(|p| p.is_finite())).then_some(Words { parameters, weights })
    }

    /// The same recogniser with other weights of its families; `None` where one is no number.
    #[must_use]
    pub fn weighing(self, weights: [f32; FAMILIES]) -> Option<Words> {
        Words::new(self.parameters, weights)
    }

    /// The numbers that training found.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// What each family weighs.
    pub fn weights(&self) -> [f32; FAMILIES] {
        self.weights
    }

    /// 40 ms more.
    pub(crate) fn step(&self, inputs: &[f32; INPUTS], state: &mut Spotted) {
        let mut bands = [0.0; WORD_INPUTS];
        for (bands, frame) in bands.as_chunks_mut::<BANDS>().0.iter_mut().zip(inputs.as_chunks::<FEATURES>().0) {
            bands.copy_from_slice(&frame[..BANDS]);
        }
        let mut out = [0.0; FAMILIES];
        SHAPE.step(&self.parameters, &bands, &mut state.units, &mut out);
        for (heard, out) in state.heard.iter_mut().zip(out) {
            *heard = heard.max(sigmoid(out));
        }
    }

    /// The posterior with what has been heard.
    pub(crate) fn weigh(&self, posterior: &Posterior, heard: &Heard) -> Posterior {
        weigh(posterior, heard, &self.weights)
    }
}

/// Each phrase multiplies the odds of machine, menu and assistant against all others by e to its weight, to the degree that
/// it was heard, and by the root of that for those of the three whose phrase it is not.
pub fn weigh(posterior: &Posterior, heard: &Heard, weights: &[f32; FAMILIES]) -> Posterior {
    let mut evidence = [0.0_f32; 3];
    for ((family, heard), weight) in Family::ALL.iter().zip(heard).zip(weights) {
        evidence.iter_mut().zip(family.share()).for_each(|(sum, share)| *sum += heard * weight * share);
    }
    let mut posterior = *posterior;
    posterior[1..4].iter_mut().zip(evidence).for_each(|(p, evidence)| *p *= exp(evidence));
    let sum: f32 = posterior.iter().sum();
    posterior.map(|p| p / sum)
}

/// The family whose phrases say most, `None` where none says anything.
pub(crate) fn loudest(heard: &Heard, weights: &[f32; FAMILIES]) -> Option<Family> {
    let says = |n: &usize| heard[*n] * weights[*n];
    let most = (0..FAMILIES).max_by(|a, b| says(a).total_cmp(&says(b)))?;
    (says(&most) > 0.0).then_some(Family::ALL[most])
}

/// What the recogniser remembers of one turn.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Spotted {
    units: [f32; SHAPE.units],
    pub(crate) heard: Heard,
}

impl Default for Spotted {
    fn default() -> Self {
        Spotted { units: [0.0; SHAPE.units], heard: [0.0; FAMILIES] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_moves_the_odds_by_its_weight() {
        let even = [0.5, 0.2, 0.1, 0.1, 0.1, 0.0, 0.0];
        let weights = [1.0, 2.0, 3.0, 0.0, 2.0, 1.0];
        assert!(weigh(&even, &[0.0; FAMILIES], &weights).iter().zip(even).all(|(a, b)| (a - b).abs() < 1e-6));
        let heard = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let moved = weigh(&even, &heard, &weights);
        let odds = |p: &Posterior, class: usize| p[class] / p[0];
        assert!((odds(&moved, 1) / odds(&even, 1) - 3.0_f32.exp()).abs() < 1e-2);
        assert!((odds(&moved, 2) / odds(&even, 2) - 1.5_f32.exp()).abs() < 1e-2);
        assert!((odds(&moved, 4) - odds(&even, 4)).abs() < 1e-6, "silence stays as likely against a person");
        assert!((moved.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(loudest(&heard, &weights), Some(Family::Leave));
        assert_eq!(loudest(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0], &weights), None, "it weighs nothing");
    }

    #[test]
    fn families_are_found_by_their_names() {
        assert!(Family::ALL.into_iter().all(|family| Family::named(family.name()) == Some(family)));
        assert_eq!(Family::named("hello"), None);
        assert_eq!(Words::new(vec![0.0; WORD_PARAMETERS - 1], [0.0; FAMILIES]), None);
        assert_eq!(Words::new(vec![f32::NAN; WORD_PARAMETERS], [0.0; FAMILIES]), None);
    }
}
