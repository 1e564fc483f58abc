//! Listening allocates nothing per frame: an allocator that counts watches a minute go by.

use detect::decide::Tuning;
use detect::model::{Net, PARAMETERS};
use detect::words::{FAMILIES, WORD_PARAMETERS, Words};
use detect::{Classic, ClassicConfig, Detector, Neural, Told};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: count::Counting<std::alloc::System> = count::Counting(std::alloc::System);

#[test]
fn a_minute_of_listening_allocates_nothing() {
    let parameters = (0..PARAMETERS).map(|n| ((n * 7_919 % 1_001) as f32 - 500.0) / 5_000.0).collect();
    let words = Words::new((0..WORD_PARAMETERS).map(|n| (n % 101) as f32 / 1_000.0 - 0.05).collect(), [1.0; FAMILIES]);
    let net = Net::new(parameters, String::new()).expect("as many numbers as it takes");
    let net = Arc::new(net.with_words(Some(words.expect("as many numbers as it takes"))));
    // Thresholds that are never reached, so that every frame is worked on.
    let tuning = Tuning { rest_ms: u32::MAX, talk_ms: u32::MAX, silence_ms: u32::MAX, ..Tuning::with(2.0, 2.0) };
    let mut neural = Neural::new(net, tuning);
    let mut classic = Classic::new(ClassicConfig { total_analysis_time_ms: 1_000_000, ..ClassicConfig::default() });
    let tuning = Tuning { talk_ms: u32::MAX, silence_ms: 20, rest_ms: u32::MAX, ..Tuning::with(2.0, 2.0) };
    let mut eager = Neural::new(detect::shipped(), tuning);
    let (mut state, mut frame) = (1_u32, [0_i16; 160]);
    let (mut decided, mut revised) = (false, false);
    let allocations = count::during(|| {
        for n in 0..3_000 {
            for sample in &mut frame {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample = if n % 50 < 30 { ((state >> 16) as i16) / 8 } else { 0 };
            }
            neural.push_frame(&frame, &mut |told| decided |= matches!(told, Told::Verdict(_)));
            classic.push_frame(&frame);
            // Decides at once, and then listens on for as long as anybody does.
            eager.push_frame(&frame, &mut |told| revised |= matches!(told, Told::Revision(_)));
        }
    });
    assert_eq!(allocations, 0);
    assert!(!decided);
    // And the counter does count.
    assert!(count::during(|| drop(vec![1_u8; 100])) >= 2);
}
