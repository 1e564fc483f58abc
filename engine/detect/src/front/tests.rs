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
    assert!(!frames[40].gate.speech && frames[55].gate.speech && !last.gate.speech);
    assert!(last.rest_ms >= 1_080);
}

#[test]
fn a_quieter_line_gives_nearly_the_same_features() {
    let (loud, quiet) = (frames(&talk(3_000, 12_000.0), 160), frames(&talk(3_000, 1_200.0), 160));
    let same = loud.iter().zip(&quiet).filter(|(a, b)| a.gate.speech == b.gate.speech).count();
    assert!(same >= loud.len() * 97 / 100, "{same} of {}", loud.len());
    let far = |(a, b): (&Frame, &Frame)| (0..BANDS).any(|n| (a.features[n] - b.features[n]).abs() > 0.5);
    let spoken = loud.iter().zip(&quiet).filter(|(a, _)| a.gate.speech && a.rest_ms == 0);
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
    let spoken = frames(&noise, 160).iter().filter(|frame| frame.gate.speech).count();
    assert!(spoken <= 10, "{spoken} of 300");
}

/// What a call that begins in the midst of a word of `ms` shows in the end.
fn cut_in(ms: u32) -> Frame {
    let word = &talk(300, 9_000.0)[..ms as usize * 8];
    // The rests of talk are 50 dB quieter.
    let rest = talk(500, 9_000.0)[2_400..].repeat(20);
    let call = [word, &rest].concat();
    *frames(&call, 160).last().unwrap()
}

#[test]
fn a_word_that_the_call_begins_in_is_known_when_it_is_over() {
    let last = cut_in(260);
    assert!(last.speech_ms < 120, "the gate stays shut: {last:?}");
    assert!(last.cut_in_end_ms.abs_diff(260) <= 60, "{last:?}");
    assert_eq!(cut_in(10).cut_in_end_ms, 0, "a click");
    // Who begins after the answer is heard by the gate.
    let late = frames(&[vec![0; 4_000], talk(2_000, 9_000.0), vec![0; 8_000]].concat(), 160);
    assert!(late.iter().all(|frame| frame.cut_in_end_ms == 0));
}

#[test]
fn a_lull_is_over_when_somebody_speaks_as_loud_again() {
    // A word, a second of something 20 dB quieter that never rests, the word again.
    let behind: Vec<i16> = talk(5_000, 900.0).into_iter().map(|sample| sample * 2).collect();
    let mut call = [vec![0; 4_000], talk(300, 9_000.0)].concat();
    call.extend(&behind[..8_000]);
    call.extend(talk(300, 9_000.0));
    let frames = frames(&call, 160);
    assert!(frames[..40].iter().all(|frame| frame.lull_ms == 0), "before and while somebody speaks");
    let longest = frames.iter().map(|frame| frame.lull_ms).max().unwrap();
    assert!((900..=1_000).contains(&longest), "{longest}");
    assert!(frames[88].rest_ms < 600, "the gate takes it for speech");
    assert_eq!(frames.last().unwrap().lull_ms, 0);
}

#[test]
fn wideband_is_heard_as_its_lower_half() {
    let narrow = talk(3_000, 9_000.0);
    let wide = codecs::resample::resample(&narrow, 8_000, 16_000).unwrap();
    let hear = |portion: usize| {
        let (mut front, mut frames) = (Front::new().wide(), Vec::new());
        for portion in wide.chunks(portion) {
            front.push(portion, |heard| {
                if let Heard::Frame(frame) = heard {
                    frames.push(*frame);
                }
            });
        }
        frames
    };
    let (heard, plain) = (hear(320), frames(&narrow, 160));
    assert_eq!(heard, hear(77), "portions do not matter");
    assert!(heard.len() + 1 >= plain.len(), "the last samples are not known yet");
    let same = heard.iter().zip(&plain).filter(|(a, b)| a.gate.speech == b.gate.speech).count();
    // White noise loses what lies at the band's edge.
    assert!(same * 100 >= plain.len() * 95, "{same} of {}", plain.len());
}
