use super::*;
use crate::front::BANDS;
use crate::model::Net;
use crate::words::{FAMILIES, Family, SHAPE, Spotted, Words};
use base::Seed;

/// A clip of 1 s whose class is told by which features are high in its second half.
fn clip(label: usize, random: &mut Stream) -> Clip {
    let features = (0..50 * FEATURES)
        .map(|n| {
            let (frame, feature) = (n / FEATURES, n % FEATURES);
            let sign = if frame > 20 && feature % CLASSES == label { 1.0 } else { 0.0 };
            quantise((sign + random.range_f64(-0.5, 0.5)) as f32)
        })
        .collect();
    Clip { features, label, weight: 1.0 }
}

#[test]
fn gradients_are_those_of_the_loss() {
    let mut random = Seed::from_u64(1).stream("train", 0);
    let recipe = Recipe::default();
    let trainer = Trainer::new(MEMBER, 64, recipe.rate, recipe.decay, &mut random);
    let (clip, draw) = (clip(2, &mut random), Draw::new(&recipe, &mut random));
    check(&trainer, |p, turned, gradient| accumulate(p, turned, &clip, &draw, &recipe, gradient));
}

/// Compares the gradient with what the loss does when a parameter of each part is moved a little both ways.
fn check(trainer: &Trainer, accumulate: impl Fn(&[f32], &Turned, &mut Gradient)) {
    let shape = trainer.shape();
    let loss = |parameters: &[f32]| {
        let mut gradient = Gradient::zero(shape);
        accumulate(parameters, &shape.turned(parameters), &mut gradient);
        gradient
    };
    let (exact, at) = (loss(trainer.parameters()), shape.parts());
    for range in [at.in_w, at.in_b, at.x_w, at.x_b, at.h_w, at.h_b, at.out_w, at.out_b] {
        // The steepest of the part: small ones drown in the rounding of f32.
        let at = range.max_by(|a, b| exact.values[*a].abs().total_cmp(&exact.values[*b].abs())).unwrap();
        let moved = |by: f32| {
            let mut parameters = trainer.parameters().to_vec();
            parameters[at] += by;
            loss(&parameters).loss
        };
        let slope = (moved(2e-3) - moved(-2e-3)) / 4e-3;
        let told = f64::from(exact.values[at]);
        assert!((slope - told).abs() <= 0.03 * told.abs() + 0.02, "parameter {at}: {slope} {told}");
    }
}

#[test]
fn it_learns_what_can_be_learnt_and_twice_the_same() {
    let run = || {
        let mut random = Seed::from_u64(2).stream("train", 0);
        let clips: Vec<Clip> = (0..42).map(|n| clip(n % CLASSES, &mut random)).collect();
        let recipe = Recipe { epochs: 30, batch: 14, ..Recipe::default() };
        let mut trainer = Trainer::new(MEMBER, 3 * recipe.epochs, recipe.rate, recipe.decay, &mut random);
        for _ in 0..recipe.epochs {
            for batch in clips.chunks(recipe.batch) {
                let (turned, mut gradient) = (trainer.turned(), Gradient::zero(MEMBER));
                for clip in batch {
                    let draw = Draw::new(&recipe, &mut random);
                    accumulate(trainer.parameters(), &turned, clip, &draw, &recipe, &mut gradient);
                }
                trainer.learn(&gradient);
            }
        }
        let right = (0..70).filter(|n| {
            let clip = clip(n % CLASSES, &mut random);
            let last = *posteriors(trainer.parameters(), &clip).last().unwrap();
            (0..CLASSES).all(|class| class == clip.label || last[class] < last[clip.label])
        });
        (right.count(), trainer.parameters().to_vec())
    };
    let (right, parameters) = run();
    assert!(right >= 66, "{right} of 70");
    assert_eq!(run(), (right, parameters));
}

#[test]
fn inference_is_the_forward_pass() {
    let mut random = Seed::from_u64(3).stream("train", 0);
    let trainer = Trainer::new(MEMBER, 64, 5e-3, 0.0, &mut random);
    let (clip, net) = (clip(4, &mut random), Net::new(trainer.parameters().to_vec(), String::new()).unwrap());
    let mut state = crate::model::State::default();
    for (bytes, posterior) in clip.features.as_chunks::<INPUTS>().0.iter().zip(posteriors(trainer.parameters(), &clip))
    {
        let inputs: [f32; INPUTS] = std::array::from_fn(|n| feature(bytes[n]));
        assert_eq!(net.step(&inputs, &mut state), posterior);
    }
}

/// A clip of 2 s in which a band rises for 0.3 s and falls again: a phrase that ends there.
fn phrase(family: Family, random: &mut Stream) -> WordClip {
    let end = 40 + random.below(40) as u32;
    let sound = |frame: usize, band: usize| {
        let said = band == 3 * family as usize && (end as usize - 15..end as usize).contains(&frame);
        quantise((if said { 2.0 } else { 0.0 } + random.range_f64(-0.3, 0.3)) as f32)
    };
    let mut sound = sound;
    let bands = (0..100 * BANDS).map(|n| sound(n / BANDS, n % BANDS)).collect();
    WordClip { bands, words: vec![(family, end)] }
}

#[test]
fn gradients_of_words_are_those_of_the_loss() {
    let mut random = Seed::from_u64(4).stream("words", 0);
    let recipe = WordRecipe::default();
    let trainer = Trainer::new(SHAPE, 64, recipe.rate, recipe.decay, &mut random);
    let (clip, draw) = (phrase(Family::Leave, &mut random), WordDraw::new(&recipe, &mut random));
    check(&trainer, |p, turned, gradient| accumulate_words(p, turned, &clip, &draw, &recipe, gradient));
}

#[test]
fn words_are_learnt_and_heard_where_they_end() {
    let mut random = Seed::from_u64(5).stream("words", 0);
    let recipe = WordRecipe { warp: 0.0, masked_bands: 0, ..WordRecipe::default() };
    let families = [Family::Away, Family::Leave, Family::Menu];
    let mut trainer = Trainer::new(SHAPE, 480, recipe.rate, recipe.decay, &mut random);
    for _ in 0..480 {
        let (turned, mut gradient) = (trainer.turned(), Gradient::zero(SHAPE));
        for family in families {
            let (clip, draw) = (phrase(family, &mut random), WordDraw::new(&recipe, &mut random));
            accumulate_words(trainer.parameters(), &turned, &clip, &draw, &recipe, &mut gradient);
        }
        trainer.learn(&gradient);
    }
    let words = Words::new(trainer.parameters().to_vec(), [1.0; FAMILIES]).unwrap();
    for family in families {
        let (clip, mut state) = (phrase(family, &mut random), Spotted::default());
        let mut first = None;
        for (step, frames) in clip.bands.as_chunks::<{ 2 * BANDS }>().0.iter().enumerate() {
            let mut inputs = [0.0; INPUTS];
            for (half, frame) in frames.as_chunks::<BANDS>().0.iter().enumerate() {
                (0..BANDS).for_each(|band| inputs[half * FEATURES + band] = feature(frame[band]));
            }
            words.step(&inputs, &mut state);
            first = first.or((state.heard[family as usize] >= 0.5).then_some(2 * step as u32));
        }
        let end = clip.words[0].1;
        assert!(first.is_some_and(|first| (end - 16..end + 26).contains(&first)), "{family:?} at {end}: {first:?}");
        let others = families.iter().filter(|other| **other != family);
        others.for_each(|other| assert!(state.heard[*other as usize] < 0.5, "{other:?} in {family:?}"));
    }
}
