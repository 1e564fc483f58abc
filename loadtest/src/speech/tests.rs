use super::*;
use crate::room::room_of;
use std::sync::OnceLock;

/// Every source that this machine has, loaded once.
fn banks() -> &'static [SpeechBank] {
    static BANKS: OnceLock<Vec<SpeechBank>> = OnceLock::new();
    BANKS.get_or_init(|| {
        let mut banks = Vec::new();
        for source in Source::usual().into_iter().chain([Source::Babble]) {
            match SpeechBank::load(std::slice::from_ref(&source)) {
                Ok(bank) => banks.push(bank),
                Err(error) => println!("not checked: {error}"),
            }
        }
        banks
    })
}

#[test]
fn every_source_gives_clips_of_every_kind_within_their_lengths() {
    for bank in banks() {
        println!("{}: {:?}", bank.origin(), bank.counts());
        assert!(bank.counts().iter().all(|count| (1..=CLIPS_PER_KIND_MAX).contains(count)));
        let [hellos, sentences, lines, greetings, announcements] = bank.all();
        assert!(hellos.iter().all(|clip| (HELLO_MIN..=HELLO_MAX).contains(&clip.duration())));
        for clip in sentences.iter().chain(lines) {
            assert!(clip.duration() > HELLO_MAX && clip.duration() <= SENTENCE_MAX);
        }
        let beep = tones::VOICEMAIL_BEEP.render();
        for greeting in greetings {
            let speech = greeting.duration() - duration_of(beep.len());
            assert!(speech >= GREETING_MIN && speech <= GREETING_MAX, "{speech:?}");
            assert!(greeting.samples.ends_with(&beep));
        }
        for announcement in announcements {
            let shares = announcement.samples.chunks_exact(FRAME_SAMPLES).take(12);
            let high =
                shares.filter(|frame| [913.8, 985.2, 950.0].iter().any(|hz| tones::tone_share(frame, *hz) > 0.5));
            assert!(high.count() >= 11, "begins with the first tone of a SIT");
        }
    }
}

#[test]
fn clips_are_loud_enough_and_no_voice_passes_for_a_room() {
    for bank in banks() {
        let mut random = Seed::from_u64(1).stream("pick", 0);
        for _ in 0..40 {
            let clips = [bank.hello(&mut random), bank.sentence(&mut random), bank.agent_line(&mut random)];
            for clip in clips {
                let frames: Vec<&[i16]> = clip.samples.chunks_exact(FRAME_SAMPLES).collect();
                let voiced = frames.iter().filter(|frame| mean_absolute(frame) >= 256).count();
                assert!(voiced >= 5 && voiced * 8 >= frames.len(), "{voiced} of {} frames", frames.len());
                let rooms: Vec<_> = frames.iter().map(|frame| room_of(frame)).collect();
                assert!(rooms.windows(2).all(|pair| pair[0].is_none() || pair[0] != pair[1]));
            }
        }
    }
}

#[test]
fn picking_depends_on_the_stream_alone() {
    for bank in banks() {
        let first = |id| Arc::as_ptr(&bank.greeting(&mut Seed::from_u64(9).stream("callee", id)).prompt);
        assert_eq!(first(15_550_100), first(15_550_100));
        if bank.counts()[3] > 10 {
            assert!((0..20).any(|id| first(id) != first(15_550_100)));
        }
    }
}

#[test]
fn trimming_keeps_the_speech_and_levels_it() {
    let mut samples = vec![3_i16; 8_000];
    samples.extend((0..4_000).map(|n| ((f64::from(n) * 0.4).sin() * 400.0) as i16));
    samples.extend([-3; 16_000]);
    let speech = trimmed_and_levelled(&samples).expect("there is a tone");
    assert!((4_000..=4_000 + 4 * FRAME_SAMPLES).contains(&speech.len()), "{}", speech.len());
    assert!((rms(&speech[500..3_500]) / SPEECH_RMS - 1.0).abs() < 0.05);
    assert_eq!(trimmed_and_levelled(&[0; 8_000]), None);
    assert_eq!(trimmed_and_levelled(&[]), None);
}

#[test]
fn no_source_names_the_packages() {
    let nowhere = Source::Folder("/nonexistent/speech".into());
    let Err(error) = SpeechBank::load(&[nowhere, Source::Prompts("/nonexistent/prompts".into())]) else {
        panic!("there is nothing to load");
    };
    let text = error.to_string();
    assert!(text.contains("asterisk-core-sounds-en-wav") && text.contains("flite") && text.contains("espeak-ng"));
    assert!(text.contains("/nonexistent/speech") && text.contains("/nonexistent/prompts"), "{text}");
}
