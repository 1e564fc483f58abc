use super::*;
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
    let trainer = Trainer::new(recipe, 64, &mut random).unwrap();
    let (clip, draw) = (clip(2, &mut random), Draw::new(&recipe, &mut random));
    let loss = |net: &Net| {
        let mut gradient = Gradient::zero();
        accumulate(net, &Turned::of(net), &clip, &draw, &recipe, &mut gradient);
        gradient
    };
    let exact = loss(trainer.net());
    // A parameter of each part, moved a little both ways.
    for range in [part::IN_W, part::IN_B, part::X_W, part::X_B, part::H_W, part::H_B, part::OUT_W, part::OUT_B] {
        // The steepest of the part: small ones drown in the rounding of f32.
        let at = range.max_by(|a, b| exact.values[*a].abs().total_cmp(&exact.values[*b].abs())).unwrap();
        let moved = |by: f32| {
            let mut net = trainer.net().clone();
            net.parameters[at] += by;
            loss(&net).loss
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
        let mut trainer = Trainer::new(recipe, clips.len(), &mut random).unwrap();
        for _ in 0..recipe.epochs {
            for batch in clips.chunks(recipe.batch) {
                let (turned, mut gradient) = (Turned::of(trainer.net()), Gradient::zero());
                for clip in batch {
                    let draw = Draw::new(&recipe, &mut random);
                    accumulate(trainer.net(), &turned, clip, &draw, &recipe, &mut gradient);
                }
                trainer.learn(&gradient);
            }
        }
        let right = (0..70).filter(|n| {
            let clip = clip(n % CLASSES, &mut random);
            let last = *posteriors(trainer.net(), &clip).last().unwrap();
            (0..CLASSES).all(|class| class == clip.label || last[class] < last[clip.label])
        });
        (right.count(), trainer.net().hash())
    };
    let (right, hash) = run();
    assert!(right >= 66, "{right} of 70");
    assert_eq!(run(), (right, hash));
}

#[test]
fn inference_is_the_forward_pass() {
    let mut random = Seed::from_u64(3).stream("train", 0);
    let trainer = Trainer::new(Recipe::default(), 64, &mut random).unwrap();
    let clip = clip(4, &mut random);
    let mut state = crate::model::State::default();
    for (bytes, posterior) in clip.features.as_chunks::<INPUTS>().0.iter().zip(posteriors(trainer.net(), &clip)) {
        let inputs: [f32; INPUTS] = std::array::from_fn(|n| feature(bytes[n]));
        assert_eq!(trainer.net().step(&inputs, &mut state), posterior);
    }
}
