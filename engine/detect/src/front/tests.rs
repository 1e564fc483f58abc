use super::*;

/// Voice-like noise in bursts of 300 ms with rests of 200 ms between.
fn talk(ms: u32, level: f64) -> Vec<i16> {
    let mut state = 1_u32;
    (0..ms * 8)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from((state >> 16) as i16) / 32_768.0;
            let loud = if n % 4_000 < 2_400 { level } else { level / 300.0 };
            (noise * loud) as i16
        })
        .collect()
}

fn frames(samples: &[i16], portion: usize) -> Vec<Frame> {
    let (mut front, mut frames) = (Front::new(), Vec::new());
    for portion in samples.chunks(portion) {
        front.push(portion, |heard| {
            if let Heard::Frame(frame) = heard {
                frames.push(*frame);
            }
        });
    }
    frames
}

#[test]
fn portions_do_not_matter() {
    let samples = talk(3_000, 9_000.0);
    let whole = frames(&samples, samples.len());
    assert_eq!(whole.len(), 150);
    for portion in [1, 7, 80, 160, 240, 333] {
        assert_eq!(frames(&samples, portion), whole, "{portion}");
    }
}

#[test]
fn turns_are_counted() {
    let samples = [vec![0_i16; 8_000], talk(3_000, 9_000.0), vec![0_i16; 8_000]].concat();
    let frames = frames(&samples, 160);
    let last = frames.last().unwrap();
    // Six bursts of 300 ms; each is held 60 to 80 ms longer, and smoothing over three frames adds up to 40.
    assert!((1_800..=2_520).contains(&last.speech_ms), "{}", last.speech_ms);
    assert!(last.speech_end_ms.abs_diff(3_800) <= 120, "{}", last.speech_end_ms);
    assert!(!frames[40].speech && frames[55].speech && !last.speech);
    assert!(last.rest_ms >= 1_080);
}

#[test]
fn a_quieter_line_gives_nearly_the_same_features() {
    let (loud, quiet) = (frames(&talk(3_000, 12_000.0), 160), frames(&talk(3_000, 1_200.0), 160));
    let same = loud.iter().zip(&quiet).filter(|(a, b)| a.speech == b.speech).count();
    assert!(same >= loud.len() * 97 / 100, "{same} of {}", loud.len());
    let far = |(a, b): (&Frame, &Frame)| (0..BANDS).any(|n| (a.features[n] - b.features[n]).abs() > 0.5);
    let spoken = loud.iter().zip(&quiet).filter(|(a, _)| a.speech && a.rest_ms == 0);
    assert!(spoken.clone().filter(|pair| far(*pair)).count() * 10 <= spoken.count());
}

#[test]
fn noise_that_never_rests_is_no_speech_for_long() {
    let mut state = 3_u32;
    let noise: Vec<i16> = (0..48_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) as i16) / 64
        })
        .collect();
    let spoken = frames(&noise, 160).iter().filter(|frame| frame.speech).count();
    assert!(spoken <= 10, "{spoken} of 300");
}
