//! Teaching the net: features of labelled recordings, then gradients over all cores.

use crate::labels::Labelled;
use crate::{Fault, exam, on_all_cores, report};
use base::{Seed, Stream};
use detect::Verdict;
use detect::decide::Tuning;
use detect::front::{FEATURES, Front, Heard};
use detect::model::{MEMBER, Net};
use detect::train::{self, Clip, Draw, Gradient, Recipe, Trainer, Turned};
use std::sync::Arc;

/// Clips whose gradients are summed by one thread before they are added in order: a fixed number, so that the sum does
/// not depend on the machine's cores.
const GROUP: usize = 4;
/// Length of the features of one clip: 8 s, which is more than a decision takes.
const FRAMES: usize = 400;

/// The features of a recording as bytes; shorter recordings are silent to the end.
pub fn features(samples: &[i16]) -> Vec<u8> {
    let (mut front, mut bytes) = (Front::new(), Vec::with_capacity(FRAMES * FEATURES));
    let mut take = |heard: Heard<'_>| {
        if let Heard::Frame(frame) = heard {
            bytes.extend(frame.features.map(train::quantise));
        }
    };
    front.push(&samples[..samples.len().min(FRAMES * 160)], &mut take);
    front.push(&vec![0; (FRAMES * 160).saturating_sub(samples.len())], &mut take);
    bytes
}

/// Clips for training of labelled recordings.
///
/// # Errors
/// The first recording that cannot be read.
pub fn clips(labelled: &[Labelled]) -> Result<Vec<Clip>, Fault> {
    let read = |one: &Labelled| {
        let samples = one.answered()?;
        let label = Verdict::ALL.iter().position(|verdict| *verdict == one.label).unwrap_or_default();
        // The root: the mix of consumers counts, rare kinds are not forgotten.
        Ok(Clip { features: features(&samples), label, weight: one.weight.sqrt() as f32 })
    };
    on_all_cores(labelled, read).into_iter().collect()
}

/// What one pass over the clips came to.
#[derive(Clone, Copy, Debug)]
pub struct Epoch {
    /// Its number, from 1.
    pub number: usize,
    /// Mean loss of the training clips, as they were learnt from.
    pub train_loss: f64,
    /// Mean loss of the clips for calibration.
    pub check_loss: f64,
}

/// Trains a net and keeps the state with the least loss on `check`.
///
/// # Errors
/// When a parameter leaves the numbers.
pub fn train(clips: &[Clip], check: &[Clip], recipe: Recipe, seed: u64, told: impl FnMut(Epoch)) -> Result<Net, Fault> {
    train_on(None, clips, check, recipe, seed, told)
}

/// The same from a net of one member; it is kept itself where no epoch is better on `check`.
///
/// # Errors
/// When a parameter leaves the numbers.
pub fn train_on(
    start: Option<Net>,
    clips: &[Clip],
    check: &[Clip],
    recipe: Recipe,
    seed: u64,
    told: impl FnMut(Epoch),
) -> Result<Net, Fault> {
    let mut random = Seed::from_u64(seed).stream("answer detection", 0);
    let steps = (clips.len() / recipe.batch).max(1) * recipe.epochs;
    let trainer = match &start {
        Some(net) => Trainer::on(MEMBER, steps, recipe.rate, recipe.decay, net.parameters().to_vec()),
        None => Trainer::new(MEMBER, steps, recipe.rate, recipe.decay, &mut random),
    };
    let course = Course {
        lessons: clips.len(),
        batch: recipe.batch,
        epochs: recipe.epochs,
        draw: |random: &mut Stream| Draw::new(&recipe, random),
        learn: |p: &[f32], turned: &Turned, clip: usize, draw: &Draw, gradient: &mut Gradient| {
            train::accumulate(p, turned, &clips[clip], draw, &recipe, gradient);
        },
        checks: check.len(),
        check: |p: &[f32], turned: &Turned, clip: usize, gradient: &mut Gradient| {
            train::accumulate(p, turned, &check[clip], &Draw::none(), &recipe, gradient);
        },
    };
    let best = course.pass(trainer, start.is_some(), &mut random, told)?;
    Net::new(best, String::new()).map_err(|_| diverged())
}

fn diverged() -> Fault {
    Fault("the training left the numbers, lower its rate".to_owned())
}

/// What is learnt from what: clips are known by their numbers, `draw` is made in their order before they are spread over
/// the cores.
pub(crate) struct Course<D, L, C> {
    /// Clips to learn from.
    pub(crate) lessons: usize,
    pub(crate) batch: usize,
    pub(crate) epochs: usize,
    pub(crate) draw: D,
    pub(crate) learn: L,
    /// Clips to stop by.
    pub(crate) checks: usize,
    pub(crate) check: C,
}

impl<A, D, L, C> Course<D, L, C>
where
    A: Sync,
    D: Fn(&mut Stream) -> A + Sync,
    L: Fn(&[f32], &Turned, usize, &A, &mut Gradient) + Sync,
    C: Fn(&[f32], &Turned, usize, &mut Gradient) + Sync,
{
    /// All epochs; the parameters with the least loss on the checks, with those of the start among them where it `stands`.
    pub(crate) fn pass(
        &self,
        mut trainer: Trainer,
        stands: bool,
        random: &mut Stream,
        mut told: impl FnMut(Epoch),
    ) -> Result<Vec<f32>, Fault> {
        let mut best = stands.then(|| (self.loss(&trainer), trainer.parameters().to_vec()));
        let mut order: Vec<usize> = (0..self.lessons).collect();
        for number in 1..=self.epochs {
            for last in (1..order.len()).rev() {
                order.swap(last, random.below(last as u64 + 1) as usize);
            }
            let mut sum = (0.0, 0.0);
            for batch in order.chunks_exact(self.batch.min(order.len())) {
                let drawn: Vec<(usize, A)> = batch.iter().map(|clip| (*clip, (self.draw)(random))).collect();
                let groups: Vec<&[(usize, A)]> = drawn.chunks(GROUP).collect();
                let turned = trainer.turned();
                let parts = on_all_cores(&groups, |group| {
                    let mut gradient = Gradient::zero(trainer.shape());
                    for (clip, draw) in *group {
                        (self.learn)(trainer.parameters(), &turned, *clip, draw, &mut gradient);
                    }
                    gradient
                });
                let mut gradient = Gradient::zero(trainer.shape());
                parts.iter().for_each(|part| gradient.add(part));
                sum = (sum.0 + gradient.loss, sum.1 + gradient.weight);
                trainer.learn(&gradient);
            }
            let check_loss = self.loss(&trainer);
            if !check_loss.is_finite() {
                return Err(diverged());
            }
            told(Epoch { number, train_loss: sum.0 / sum.1, check_loss });
            if best.as_ref().is_none_or(|(least, _)| check_loss < *least) {
                best = Some((check_loss, trainer.parameters().to_vec()));
            }
        }
        best.map(|(_, parameters)| parameters).ok_or_else(|| Fault("no epochs, nothing was learnt".to_owned()))
    }

    fn loss(&self, trainer: &Trainer) -> f64 {
        let (turned, all) = (trainer.turned(), (0..self.checks).collect::<Vec<_>>());
        let groups: Vec<&[usize]> = all.chunks(GROUP * 4).collect();
        let parts = on_all_cores(&groups, |group| {
            let mut gradient = Gradient::zero(trainer.shape());
            group.iter().for_each(|clip| (self.check)(trainer.parameters(), &turned, *clip, &mut gradient));
            (gradient.loss, gradient.weight)
        });
        let (sum, weight) = parts.into_iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        sum / weight
    }
}

/// The net with what calibration found on recordings of other voices, and its card, which begins with `made`.
///
/// # Errors
/// A recording that cannot be read; no thresholds that keep a share.
pub fn calibrated(net: Net, check: &[Labelled], made: &str) -> Result<Net, Fault> {
    let net = Arc::new(net);
    let heard = exam::neural(check, &net, Tuning::with(2.0, 2.0))?;
    calibrated_by(Arc::unwrap_or_clone(net), check, &heard, made, "recordings of other voices")
}

/// The same where they have been heard; `of` says what they are.
///
/// # Errors
/// No thresholds that keep a share.
pub fn calibrated_by(net: Net, check: &[Labelled], heard: &[exam::Heard], made: &str, of: &str) -> Result<Net, Fault> {
    let settings = exam::calibrate(check, heard)?;
    let mut card = format!(
        "{made}\ncalibrated on {} {of}; there, with the knob at: people taken for machines, what four of five samples of other voices \
         stay below, machines caught within 4 s and 6 s\n",
        check.len()
    );
    for point in report::curve(check, heard, &settings) {
        let shares =
            [point.share, point.human_as_machine, point.human_as_machine_most, point.caught[0], point.caught[1]];
        let [share, people, most, by_4, by_6] = shares.map(|share| share * 100.0);
        card += &format!("{share:.2} %: {people:.2} %, {most:.2} %, {by_4:.1} %, {by_6:.1} %\n");
    }
    Ok(net.calibrated(settings, card))
}
