//! What 20 ms of listening cost, and its parts.

use codecs::spectrum::{Analyser, HOP_SAMPLES};
use codecs::tones::bank::ToneBank;
use criterion::{Criterion, criterion_group, criterion_main};
use detect::decide::Tuning;
use detect::model::{INPUTS, Net, PARAMETERS, State};
use detect::words::{FAMILIES, WORD_PARAMETERS, Words};
use detect::{Classic, ClassicConfig, Detector, Neural};
use std::hint::black_box;
use std::sync::Arc;

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("detect");
    // Made of voice and quiet by turns, so that neither decides.
    let config = ClassicConfig {
        total_analysis_time_ms: u32::MAX,
        maximum_number_of_words: u32::MAX,
        greeting_ms: u32::MAX,
        ..ClassicConfig::default()
    };
    let mut state = 1_u32;
    let mut voice = [0_i16; 160];
    for sample in &mut voice {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *sample = ((state >> 16) as i16) / 8;
    }
    let frames = [voice, [10; 160]];
    let mut turn = 0_usize;
    let mut classic = Classic::new(config);
    group.bench_function("classic push_frame", |bencher| {
        bencher.iter(|| {
            turn += 1;
            black_box(classic.push_frame(black_box(&frames[turn / 8 % 2])))
        });
    });
    let parameters = (0..PARAMETERS).map(|n| ((n * 7_919 % 1_001) as f32 - 500.0) / 5_000.0).collect();
    let words = Words::new((0..WORD_PARAMETERS).map(|n| (n % 101) as f32 / 1_000.0 - 0.05).collect(), [1.0; FAMILIES]);
    let net = Net::new(parameters, String::new()).expect("as many numbers as it takes").with_words(words);
    let net = Arc::new(net);
    let tuning = Tuning { rest_ms: u32::MAX, talk_ms: u32::MAX, silence_ms: u32::MAX, ..Tuning::with(2.0, 2.0) };
    let mut neural = Neural::new(Arc::clone(&net), tuning);
    group.bench_function("default push_frame", |bencher| {
        bencher.iter(|| {
            turn += 1;
            neural.push_frame(black_box(&frames[turn / 8 % 2]), &mut |told| {
                black_box(told);
            });
        });
    });
    let mut analyser = Analyser::new();
    let hop: &[i16; HOP_SAMPLES] = voice[..HOP_SAMPLES].try_into().expect("half a frame");
    group.bench_function("spectrum of 10 ms", |bencher| {
        bencher.iter(|| black_box(analyser.hop(black_box(hop)))[1]);
    });
    let (power, mut bank) = (*analyser.hop(hop), ToneBank::new());
    group.bench_function("tone bank of 10 ms", |bencher| bencher.iter(|| bank.hop(black_box(&power))));
    let (mut memory, inputs) = (State::default(), [0.3; INPUTS]);
    group.bench_function("net, 40 ms", |bencher| bencher.iter(|| net.step(black_box(&inputs), &mut memory)));
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
