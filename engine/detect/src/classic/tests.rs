use super::*;

/// Pieces of a call: `v` voice or `q` quiet, each with its length in milliseconds.
fn samples(pieces: &str) -> Vec<i16> {
    let mut samples = Vec::new();
    for piece in pieces.split_whitespace() {
        let (kind, ms) = piece.split_at(1);
        let count = ms.parse::<usize>().expect("milliseconds") * 8;
        let level = if kind == "v" { 1_000 } else { 20 };
        samples.extend((0..count).map(|n| if n % 2 == 0 { level } else { -level }));
    }
    samples
}

fn decide_with(config: ClassicConfig, pieces: &str, frame: usize) -> Decision {
    let mut detector = Classic::new(config);
    let decision = samples(pieces).chunks(frame).find_map(|frame| detector.push_frame(frame));
    decision.unwrap_or_else(|| detector.at_deadline())
}

/// Name, what is heard, verdict, cause, when, end of the greeting.
type Case = (&'static str, &'static str, Verdict, &'static str, u32, Option<u32>);

const CASES: &[Case] = &[
    ("hello", "q300 v400 q2000", Verdict::Human, "HUMAN", 1_500, Some(700)),
    ("hello, cut in", "v400 q2000", Verdict::Human, "HUMAN", 1_200, Some(400)),
    ("two words", "q300 v300 q100 v300 q2000", Verdict::Human, "HUMAN", 1_800, Some(1_000)),
    ("three words", "q200 v200 q100 v200 q100 v200", Verdict::Machine, "MAXWORDS", 900, Some(900)),
    (
        "the first of four has no quiet before it",
        "v200 q100 v200 q100 v200 q100 v200",
        Verdict::Machine,
        "MAXWORDS",
        1_000,
        Some(1_000),
    ),
    ("a gap too short to part words", "q200 v200 q40 v200 q40 v200 q2000", Verdict::Human, "HUMAN", 1_680, Some(880)),
    ("long greeting in one go", "q200 v3000", Verdict::Machine, "LONGGREETING", 1_700, Some(1_700)),
    ("long greeting in two", "q200 v800 q300 v800", Verdict::Machine, "LONGGREETING", 2_000, Some(2_000)),
    ("nobody speaks", "q6000", Verdict::Machine, "INITIALSILENCE", 2_500, None),
    ("clicks are no words", "q300 v60 q300 v60 q300 v60 q300 v60 q2400", Verdict::Human, "TOOLONG", 3_840, None),
    ("quiet after clicks", "v60 q3000", Verdict::Machine, "INITIALSILENCE", 2_560, None),
    (
        "never at rest",
        "q200 v300 q700 v300 q700 v40 q700 v40 q700 v40 q700 v40 q2000",
        Verdict::Human,
        "TOOLONG",
        5_000,
        Some(4_460),
    ),
    ("the call ends before", "q300 v400 q100", Verdict::Human, "TOOLONG", 800, Some(700)),
];

#[test]
fn table_of_openings() {
    for (name, pieces, verdict, cause, at_ms, utterance_end_ms) in CASES {
        let expected = Decision { verdict: *verdict, cause, at_ms: *at_ms, utterance_end_ms: *utterance_end_ms };
        assert_eq!(decide_with(ClassicConfig::default(), pieces, 160), expected, "{name}");
    }
}

#[test]
fn frames_of_another_length_decide_alike() {
    for (name, pieces, verdict, cause, at_ms, _) in CASES {
        let decision = decide_with(ClassicConfig::default(), pieces, 80);
        assert_eq!((decision.verdict, decision.cause), (*verdict, *cause), "{name}");
        assert!(decision.at_ms.abs_diff(*at_ms) <= 20, "{name}: {}", decision.at_ms);
    }
}

#[test]
fn each_parameter_has_its_effect() {
    let defaults = ClassicConfig::default();
    let cause = |config, pieces| {
        let decision = decide_with(config, pieces, 160);
        (decision.cause, decision.at_ms)
    };
    assert_eq!(cause(ClassicConfig { initial_silence_ms: 1_000, ..defaults }, "q6000"), ("INITIALSILENCE", 1_000));
    assert_eq!(cause(ClassicConfig { greeting_ms: 2_000, ..defaults }, "q200 v3000"), ("LONGGREETING", 2_200));
    let config = ClassicConfig { after_greeting_silence_ms: 400, ..defaults };
    assert_eq!(cause(config, "q300 v400 q2000"), ("HUMAN", 1_100));
    let config = ClassicConfig { total_analysis_time_ms: 1_000, ..defaults };
    assert_eq!(cause(config, "q300 v400 q2000"), ("TOOLONG", 1_000));
    let config = ClassicConfig { min_word_length_ms: 300, ..defaults };
    assert_eq!(cause(config, "q200 v200 q100 v200 q100 v200 q4000").0, "INITIALSILENCE");
    let config = ClassicConfig { between_words_silence_ms: 120, ..defaults };
    assert_eq!(cause(config, "q200 v200 q100 v200 q100 v200 q2000").0, "HUMAN");
    let config = ClassicConfig { maximum_number_of_words: 1, ..defaults };
    assert_eq!(cause(config, "q300 v300 q100 v300 q2000"), ("MAXWORDS", 800));
    let config = ClassicConfig { maximum_word_length_ms: 1_000, ..defaults };
    assert_eq!(cause(config, "q200 v3000"), ("MAXWORDLENGTH", 1_200));
    let config = ClassicConfig { silence_threshold: 2_000, ..defaults };
    assert_eq!(cause(config, "q300 v400 q3000"), ("INITIALSILENCE", 2_500));
}

#[test]
fn the_threshold_itself_is_voice() {
    let mut detector = Classic::new(ClassicConfig { total_analysis_time_ms: 10_000, ..ClassicConfig::default() });
    let loud = (0..2_000 / 20).find_map(|_| detector.push_frame(&[256; 160]));
    assert_eq!(loud.map(|decision| decision.cause), Some("LONGGREETING"));
    let mut detector = Classic::new(ClassicConfig::default());
    let quiet = (0..3_000 / 20).find_map(|_| detector.push_frame(&[255; 160]));
    assert_eq!(quiet.map(|decision| decision.cause), Some("INITIALSILENCE"));
}

#[test]
fn only_the_first_decision_counts_and_no_audio_is_a_person() {
    let mut detector = Classic::new(ClassicConfig::default());
    let first =
        samples("q300 v400 q2000").chunks(160).filter_map(|frame| detector.push_frame(frame)).collect::<Vec<_>>();
    assert_eq!(first.len(), 1);
    assert_eq!(detector.push_frame(&[0; 160]), None);
    assert_eq!(detector.at_deadline(), first[0]);
    let nothing = Classic::new(ClassicConfig::default()).at_deadline();
    let expected = Decision { verdict: Verdict::Human, cause: "NOAUDIODATA", at_ms: 0, utterance_end_ms: None };
    assert_eq!(nothing, expected);
}

#[test]
fn verdicts_have_the_contracts_names() {
    use Verdict::*;
    let names = [Human, Machine, Ivr, Screening, Silence, Fax, Sit].map(Verdict::name);
    assert_eq!(names, ["human", "machine", "ivr", "screening", "silence", "fax", "sit"]);
}
