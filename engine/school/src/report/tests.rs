use super::*;
use std::path::PathBuf;

fn one(label: Verdict, weight: f64) -> Labelled {
    let first_utterance_end_s = (label == Verdict::Human).then_some(1.0);
    Labelled {
        answer_s: 0.0,
        path: PathBuf::new(),
        label,
        kind: "word".to_owned(),
        first_utterance_end_s,
        beep_s: None,
        greeting_start_s: None,
        greeting_end_s: None,
        person_s: None,
        recording: None,
        words: None,
        voice: None,
        weight,
    }
}

fn decision(verdict: Verdict, at_ms: u32) -> Decision {
    Decision { verdict, cause: "NET", at_ms, utterance_end_ms: None }
}

#[test]
fn wilsons_interval_is_the_textbooks() {
    // No error in 300 calls: under 1.27 %; 3 in 775 as well: the figures that a field trial needs.
    let (low, high) = wilson(0.0, 300.0);
    assert!(low == 0.0 && (high - 0.01264).abs() < 1e-4, "{high}");
    assert!((wilson(50.0, 100.0).0 - 0.4038).abs() < 1e-3);
    assert_eq!(wilson(0.0, 0.0), (0.0, 1.0));
}

#[test]
fn recordings_of_few_voices_promise_less_than_recordings_of_many() {
    // 4 of 200 people are lost: each somebody of his own, spread over twenty voices, or all by one of them.
    let decided = |n: usize| decision(if n < 4 { Verdict::Machine } else { Verdict::Human }, 1_000);
    let most = |voice: &dyn Fn(usize) -> Option<String>| {
        let labelled: Vec<Labelled> =
            (0..200).map(|n| Labelled { voice: voice(n), ..one(Verdict::Human, 1.0) }).collect();
        let figures = figures(&labelled, &(0..200).map(decided).collect::<Vec<_>>());
        assert_eq!(figures.human_as_machine, 0.02);
        figures.human_as_machine_most
    };
    let own = most(&|_| None);
    // Wilson's upper end at 0.8416 deviations: (0.02 + z²/400 + z √(0.0196/200 + z²/160,000)) / (1 + z²/200).
    assert!((own - 0.03023).abs() < 1e-4, "{own}");
    let spread = most(&|n| Some((n % 20).to_string()));
    assert!((spread - own).abs() < 1e-3, "{spread}");
    let one_of_them = most(&|n| Some((n / 10).to_string()));
    assert!(one_of_them > 0.038, "{one_of_them}");
    assert_eq!(most(&|_| Some(String::new())), 1.0, "one voice promises nothing");
}

#[test]
fn rates_are_weighted_and_silence_takes_nobody_away() {
    let labelled = [
        one(Verdict::Human, 3.0),
        one(Verdict::Human, 1.0),
        one(Verdict::Human, 4.0),
        one(Verdict::Machine, 1.0),
        one(Verdict::Screening, 1.0),
        one(Verdict::Ivr, 2.0),
        one(Verdict::Fax, 9.0),
    ];
    let decisions = [
        decision(Verdict::Human, 1_200),
        decision(Verdict::Sit, 900),
        decision(Verdict::Silence, 6_000),
        decision(Verdict::Ivr, 3_900),
        decision(Verdict::Human, 6_000),
        decision(Verdict::Machine, 5_000),
        decision(Verdict::Human, 6_000),
    ];
    let figures = figures(&labelled, &decisions);
    assert_eq!(figures.human_as_machine, 1.0 / 8.0);
    assert_eq!([2_000, 4_000, 6_000].map(|ms| figures.caught(ms)), [0.0, 0.25, 0.75]);
    assert_eq!(figures.machine_as_human, 0.25);
    assert_eq!((figures.after_utterance_p50_ms, figures.over_2000_share), (200.0, 0.0));
}

#[test]
fn the_object_has_the_contracts_names() {
    let labelled = [one(Verdict::Human, 1.0), one(Verdict::Machine, 1.0)];
    let heard: Vec<Heard> = [decision(Verdict::Machine, 900), decision(Verdict::Machine, 4_100)]
        .map(|decision| Heard { decision, tones: vec![(Signal::Beep, 700)], looks: Vec::new(), cost: (10, 50.0) })
        .to_vec();
    let json = json(&labelled, &heard, &[], Some("00"));
    assert_eq!(json["files"], 2);
    assert_eq!(json["confusion"]["human"]["machine"], 1);
    assert_eq!(json["human_as_machine_rate"], 1.0);
    assert_eq!(json["human_as_machine_by_kind"]["word"], 1.0);
    assert_eq!(json["machines_caught_within"]["6000"], 1.0);
    assert_eq!(json["beep"]["false_alone"], 1.0);
    assert_eq!(json["decision_ms"]["machine"]["p50"], 4_100.0);
    assert_eq!(json["cpu_us_per_frame"], 5.0);
    assert!(json["sit"]["recall"].is_null());
    let point = Point { share: 0.02, human_as_machine: 0.01, human_as_machine_most: 0.015, caught: [0.3, 0.5, 0.6] };
    let picture = svg(&[point], "a curve");
    assert!(picture.starts_with("<svg") && picture.contains("<polyline points=\"267.4,257.0"), "{picture}");
}
