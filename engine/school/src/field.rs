//! Learning from the operator's own calls, without their sound: what was kept of verdicts, with labels, instead of
//! recordings.
//!
//! ```text
//!  kept calls ──by called number──┬─ 6 of 10 ──> clips ──> train, from the weights that are there
//!                                 ├─ 2 of 10 ──> thresholds, and when to stop
//!                                 └─ 2 of 10 ──> old net against new
//! ```
//!
//! **Invariants.** A number is in one part only, so that nobody's own greeting is learnt and then examined. What was kept
//! ends with the verdict of the detector that acted: a net that waits longer is judged by what there is, and has a person
//! where it has not decided.

use crate::exam::{self, Heard};
use crate::labels::Labelled;
use crate::lesson::{self, Epoch};
use crate::{Fault, on_all_cores, report};
use detect::decide::Tuning;
use detect::evidence;
use detect::model::Net;
use detect::train::{self, Clip, Recipe};
use detect::{Decision, Verdict};
use std::path::PathBuf;

/// One kept call with what answered.
#[derive(Clone, Debug)]
pub struct Call {
    /// The called number.
    pub number: String,
    /// What answered.
    pub label: Verdict,
    /// How many calls it stands for.
    pub weight: f64,
    /// Where the speech ended, as the detector heard it.
    pub utterance_end_ms: Option<u32>,
    /// See [`detect::evidence`].
    pub features: Vec<u8>,
}

/// Kept calls for the three purposes.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// To learn from.
    pub learn: Vec<Call>,
    /// To find thresholds.
    pub calibrate: Vec<Call>,
    /// To compare.
    pub held_out: Vec<Call>,
}

/// Deals calls by their number: FNV-1a of it, with its bits mixed, so that neighbours do not stay together.
pub fn split(calls: Vec<Call>) -> Parts {
    let mut parts = Parts::default();
    for call in calls {
        let hash = call
            .number
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        let part = match ((hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 10 {
            0..6 => &mut parts.learn,
            6..8 => &mut parts.calibrate,
            _ => &mut parts.held_out,
        };
        part.push(call);
    }
    parts
}

/// Clips for training.
pub fn clips(calls: &[Call]) -> Vec<Clip> {
    let clip = |call: &Call| Clip {
        features: evidence::replay(&call.features).flat_map(|kept| kept.frame.features.map(train::quantise)).collect(),
        label: Verdict::ALL.iter().position(|verdict| *verdict == call.label).unwrap_or_default(),
        weight: call.weight.sqrt() as f32,
    };
    calls.iter().map(clip).filter(|clip| !clip.features.is_empty()).collect()
}

/// As the reports want them.
pub fn labelled(calls: &[Call]) -> Vec<Labelled> {
    let one = |call: &Call| Labelled {
        answer_s: 0.0,
        path: PathBuf::new(),
        label: call.label,
        kind: String::new(),
        first_utterance_end_s: call.utterance_end_ms.map(|ms| f64::from(ms) / 1_000.0),
        beep_s: None,
        greeting_start_s: None,
        greeting_end_s: None,
        person_s: None,
        recording: None,
        words: None,
        voice: Some(call.number.clone()),
        weight: call.weight,
    };
    calls.iter().map(one).collect()
}

/// What a net makes of them.
pub fn heard(calls: &[Call], net: &Net, tuning: Tuning) -> Vec<Heard> {
    on_all_cores(calls, |call| {
        let looks = evidence::looks(net, &call.features);
        Heard { decision: exam::decide(&looks, tuning), tones: Vec::new(), cost: (looks.len() as u32, 0.0), looks }
    })
}

/// How a net does on calls, as a line of a table.
pub fn line(name: &str, calls: &[Call], net: &Net, tuning: Tuning) -> String {
    let decisions: Vec<Decision> = heard(calls, net, tuning).iter().map(|heard| heard.decision).collect();
    let figures = report::figures(&labelled(calls), &decisions);
    let (low, high) = figures.human_as_machine_95;
    let percent = [figures.human_as_machine, low, high, figures.caught(4_000), figures.caught(6_000)];
    let [lost, low, high, by_4, by_6] = percent.map(|share| share * 100.0);
    format!(
        "{name:<18} {} people taken for machines {lost:.2} % ({low:.2} to {high:.2}), machines caught within 4 / 6 s \
         {by_4:.1} / {by_6:.1} %",
        net.hash()
    )
}

/// The net trained on from `start`, member by member, and stopped where other numbers' calls are judged best; the start
/// itself where nothing was better.
///
/// # Errors
/// When a parameter leaves the numbers.
pub fn train(
    start: &Net,
    parts: &Parts,
    recipe: Recipe,
    seed: u64,
    mut told: impl FnMut(u64, Epoch),
) -> Result<Net, Fault> {
    let (learn, check) = (clips(&parts.learn), clips(&parts.calibrate));
    let mut nets = Vec::new();
    for (seed, member) in (seed..).zip(start.apart()) {
        nets.push(lesson::train_on(Some(member), &learn, &check, recipe, seed, |epoch| told(seed, epoch))?);
    }
    // Kept calls tell what answered, not what was said: words stay as they are.
    let net = Net::mean_of(&nets).map_err(|reject| Fault(format!("the mean of the nets {reject}")))?;
    Ok(net.with_words(start.words().cloned()))
}

/// The net with thresholds found on kept calls, and its card.
///
/// # Errors
/// No thresholds that keep a share.
pub fn calibrated(net: Net, calls: &[Call], made: &str) -> Result<Net, Fault> {
    let heard = heard(calls, &net, Tuning::with(2.0, 2.0));
    lesson::calibrated_by(net, &labelled(calls), &heard, made, "calls of other numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_in_one_part_and_the_parts_have_their_sizes() {
        let call = |n: u32| Call {
            number: format!("+1212555{:04}", n % 3_000),
            label: Verdict::Human,
            weight: 1.0,
            utterance_end_ms: None,
            features: Vec::new(),
        };
        let parts = split((0..6_000).map(call).collect());
        let numbers =
            |calls: &[Call]| calls.iter().map(|call| call.number.clone()).collect::<std::collections::BTreeSet<_>>();
        let [learn, calibrate, held_out] = [&parts.learn, &parts.calibrate, &parts.held_out].map(|part| numbers(part));
        assert_eq!(learn.len() + calibrate.len() + held_out.len(), 3_000, "no number is in two parts");
        assert!((1_700..1_900).contains(&learn.len()) && (520..680).contains(&calibrate.len()), "{}", learn.len());
    }
}
