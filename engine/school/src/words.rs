//! Teaching words: clips of which is known what they say, and what each family of phrases is worth.

use crate::labels::Labelled;
use crate::lesson::{Course, Epoch, features};
use crate::{Fault, exam, on_all_cores};
use base::{Seed, Stream};
use detect::Verdict;
use detect::decide::Tuning;
use detect::front::{BANDS, FEATURES, FRAME_MS};
use detect::model::{Net, Posterior};
use detect::train::{Gradient, Trainer, Turned, WordClip, WordDraw, WordRecipe, accumulate_words};
use detect::words::{FAMILIES, Heard, SHAPE, Words, weigh};
use std::sync::Arc;

/// Length of a clip in frames: until the deadline of decisions, after which no phrase is of use.
const FRAMES: usize = (UNTIL_MS / FRAME_MS) as usize;

/// Clips of the recordings of which is known what they say; those of lines without speech teach as well.
///
/// # Errors
/// The first recording that cannot be read; none that is known.
pub fn clips(labelled: &[Labelled]) -> Result<Vec<WordClip>, Fault> {
    let known: Vec<&Labelled> = labelled.iter().filter(|one| one.words.is_some()).collect();
    if known.is_empty() {
        return Err(Fault("no recording says in the column words what is said, make a set with amd-data".to_owned()));
    }
    let clip = |one: &&Labelled| {
        let features = features(&one.answered()?);
        let frames = features.as_chunks::<FEATURES>().0.iter().take(FRAMES);
        let bands = frames.flat_map(|frame| &frame[..BANDS]).copied().collect();
        let frame = |end_s: &f64| (end_s * 1_000.0) as u32 / FRAME_MS;
        let words = one.words.iter().flatten().map(|(family, end_s)| (*family, frame(end_s)));
        Ok(WordClip { bands, words: words.filter(|(_, frame)| *frame < FRAMES as u32).collect() })
    };
    on_all_cores(&known, clip).into_iter().collect()
}

/// Trains a recogniser and keeps the state with the least loss on `check`; its families weigh nothing yet.
///
/// # Errors
/// When a parameter leaves the numbers.
pub fn train(
    clips: &[WordClip],
    check: &[WordClip],
    recipe: WordRecipe,
    seed: u64,
    told: impl FnMut(Epoch),
) -> Result<Words, Fault> {
    let mut random = Seed::from_u64(seed).stream("words", 0);
    let steps = (clips.len() / recipe.batch).max(1) * recipe.epochs;
    let trainer = Trainer::new(SHAPE, steps, recipe.rate, recipe.decay, &mut random);
    let course = Course {
        lessons: clips.len(),
        batch: recipe.batch,
        epochs: recipe.epochs,
        draw: |random: &mut Stream| WordDraw::new(&recipe, random),
        learn: |p: &[f32], turned: &Turned, clip: usize, draw: &WordDraw, gradient: &mut Gradient| {
            accumulate_words(p, turned, &clips[clip], draw, &recipe, gradient);
        },
        checks: check.len(),
        check: |p: &[f32], turned: &Turned, clip: usize, gradient: &mut Gradient| {
            accumulate_words(p, turned, &check[clip], &WordDraw::none(), &recipe, gradient);
        },
    };
    let mut best = course.pass(trainer, false, &mut random, told)?;
    // That phrases counted more is taken back, so that probabilities are such.
    let odds = recipe.phrase_weight.ln();
    best.iter_mut().rev().take(FAMILIES).for_each(|bias| *bias -= odds);
    Words::new(best, [0.0; FAMILIES]).ok_or_else(|| Fault("the training left the numbers, lower its rate".to_owned()))
}

/// How well a recogniser spots one family, of recordings of which is known what they say.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct Spotting {
    /// Recordings in which a phrase of it is said.
    pub said: usize,
    /// Of these, those in which it is heard (see [`HEARD_LEAST`]).
    pub heard: usize,
    /// Recordings in which none is said.
    pub not_said: usize,
    /// Of these, those in which one is heard.
    pub false_heard: usize,
}

/// A phrase counts as heard from this probability on.
pub const HEARD_LEAST: f32 = 0.5;

/// Counts what is spotted, by family in the order of [`detect::words::Family::ALL`].
pub fn spotting(labelled: &[Labelled], heard: &[exam::Heard]) -> [Spotting; FAMILIES] {
    let mut all = [Spotting::default(); FAMILIES];
    for (one, heard) in labelled.iter().zip(heard) {
        let (Some(words), Some(last)) = (&one.words, heard.looks.last()) else { continue };
        let until_s = f64::from(last.at_ms) / 1_000.0;
        for (family, (spotting, p)) in all.iter_mut().zip(last.heard).enumerate() {
            let said = words.iter().any(|(known, end_s)| *known as usize == family && *end_s < until_s);
            let is_heard = usize::from(p >= HEARD_LEAST);
            if said {
                spotting.said += 1;
                spotting.heard += is_heard;
            } else {
                spotting.not_said += 1;
                spotting.false_heard += is_heard;
            }
        }
    }
    all
}

/// Times at which phrases are weighed: every 0.2 s from the first word to the deadline, as decisions might fall.
const EVERY_LOOKS: usize = 10;
const UNTIL_MS: u32 = 6_000;
/// Weights that are tried, in nats, and rounds over all families. None is worth more than odds of 55: people say such
/// phrases too, more often than recordings of them show.
const WEIGHTS: [f32; 11] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0];
const ROUNDS: usize = 3;

/// The net with its words weighed: for each family the weight with which machines and people are told apart best (the mean
/// logarithm of the probability of what it was) on recordings of other voices. Weights of recordings count.
///
/// # Errors
/// A recording that cannot be read; a net that knows no words.
pub fn weighed(net: Net, check: &[Labelled]) -> Result<Net, Fault> {
    let words = net.words().cloned().and_then(|words| words.weighing([0.0; FAMILIES]));
    let words = words.ok_or_else(|| Fault("the net knows no words to weigh, train it with some".to_owned()))?;
    let net = Arc::new(net.with_words(Some(words)));
    let moments: Vec<(Posterior, Heard, bool, f64)> = exam::neural(check, &net, Tuning::with(2.0, 2.0))?
        .iter()
        .zip(check)
        .filter(|(_, one)| matches!(one.label, Verdict::Human | Verdict::Machine | Verdict::Ivr | Verdict::Screening))
        .flat_map(|(heard, one)| {
            let looks = heard.looks.iter().filter(|look| look.speech_ms > 0 && look.at_ms <= UNTIL_MS);
            looks.step_by(EVERY_LOOKS).map(|look| (look.posterior, look.heard, one.label == Verdict::Human, one.weight))
        })
        .collect();
    let cost = |weights: [f32; FAMILIES]| -> f64 {
        let one = |(posterior, heard, person, weight): &(Posterior, Heard, bool, f64)| {
            let [human, machine, ivr, screening, ..] = weigh(posterior, heard, &weights);
            let p = if *person { human } else { machine + ivr + screening };
            -weight * f64::from(p.max(1e-6)).ln()
        };
        moments.iter().map(one).sum()
    };
    let mut weights = [0.0; FAMILIES];
    for family in (0..ROUNDS).flat_map(|_| 0..FAMILIES) {
        let costs = on_all_cores(&WEIGHTS, |weight| {
            let mut weights = weights;
            weights[family] = *weight;
            cost(weights)
        });
        let least = costs.iter().zip(WEIGHTS).min_by(|a, b| a.0.total_cmp(b.0));
        weights[family] = least.map_or(0.0, |(_, weight)| weight);
    }
    let words = net.words().cloned().and_then(|words| words.weighing(weights));
    Ok(Arc::unwrap_or_clone(net).with_words(words))
}
