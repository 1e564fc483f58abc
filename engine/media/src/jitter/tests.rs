use super::*;
use base::{Duration, Seed, Stream};
use proptest::prelude::*;

const PTIME: Duration = crate::PTIME;

fn payload_of(sequence: u16) -> [u8; FRAME_SAMPLES] {
    [sequence as u8; FRAME_SAMPLES]
}

/// What a pop gave, short enough to print.
#[derive(Debug, PartialEq, Clone, Copy)]
enum Gave {
    Frame(u16),
    Missing,
    Empty,
}

fn pop(buffer: &mut JitterBuffer) -> Gave {
    match buffer.pop() {
        Pop::Frame { sequence, payload, .. } => {
            assert_eq!(payload, payload_of(sequence), "the payload belongs to its sequence number");
            Gave::Frame(sequence)
        }
        Pop::Missing => Gave::Missing,
        Pop::Empty => Gave::Empty,
    }
}

#[test]
fn arrivals_of_the_file() {
    let mut scenarios = 0;
    for line in include_str!("arrivals.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, steps) = line.split_once('|').expect("a bar between name and steps");
        let (mut buffer, mut now) = (JitterBuffer::new(), Instant::from_ns(1_000_000_000));
        for step in steps.split_whitespace() {
            if let Some(rest) = step.strip_prefix('=') {
                let (what, times) = rest.split_once('*').unwrap_or((rest, "1"));
                for _ in 0..times.parse().expect("a count") {
                    now += PTIME;
                    let expected = match what {
                        "?" => Gave::Missing,
                        "_" => Gave::Empty,
                        number => Gave::Frame(number.parse().expect("a sequence number")),
                    };
                    assert_eq!(pop(&mut buffer), expected, "{name}: at {step}");
                }
            } else {
                arrive(&mut buffer, now, step, name);
            }
        }
        scenarios += 1;
    }
    assert!(scenarios >= 24);
}

fn arrive(buffer: &mut JitterBuffer, now: Instant, step: &str, name: &str) {
    let (rest, verdict) = step[1..].split_once(':').unwrap_or((&step[1..], "ok"));
    let verdict = match verdict {
        "ok" => Insert::Ok,
        "late" => Insert::Late,
        "dup" => Insert::Duplicate,
        "far" => Insert::TooFar,
        "reset" => Insert::Reset,
        other => panic!("{name}: no verdict {other}"),
    };
    let (rest, marker) = rest.strip_suffix('!').map_or((rest, false), |rest| (rest, true));
    let (numbers, frame) = rest.split_once('@').map_or((rest, None), |(numbers, frame)| (numbers, Some(frame)));
    let (first, last) = numbers.split_once("..").unwrap_or((numbers, numbers));
    for sequence in first.parse::<u16>().unwrap()..=last.parse().unwrap() {
        let frame = frame.map_or(u32::from(sequence), |frame| frame.parse().unwrap());
        let timestamp = frame.wrapping_mul(FRAME_SAMPLES as u32);
        let given = buffer.insert(now, sequence, timestamp, marker, 0, &payload_of(sequence));
        assert_eq!(given, verdict, "{name}: {sequence} at {step}");
    }
}

/// A network in a bottle: packets (sequence, arrival) go in by arrival, pops happen each ptime of our clock.
fn play(mut packets: Vec<(u16, Instant)>, pops: u64, phase: Duration) -> (Vec<Gave>, JitterBuffer) {
    packets.sort_by_key(|(_, at)| *at);
    let mut buffer = JitterBuffer::new();
    let mut coming = packets.into_iter().peekable();
    let mut given = Vec::new();
    for tick in 0..pops {
        let now = Instant::ZERO + phase + PTIME * tick;
        while let Some((sequence, at)) = coming.next_if(|(_, at)| *at <= now) {
            buffer.insert(at, sequence, u32::from(sequence) * 160, false, 0, &payload_of(sequence));
        }
        given.push(pop(&mut buffer));
    }
    (given, buffer)
}

/// `count` packets, one each `period_ns`, delayed by what `delay` draws.
fn stream(count: u16, period_ns: u64, mut delay: impl FnMut(u16) -> Option<Duration>) -> Vec<(u16, Instant)> {
    (0..count).filter_map(|n| Some((n, Instant::from_ns(u64::from(n) * period_ns) + delay(n)?))).collect()
}

fn random() -> Stream {
    Seed::from_u64(11).stream("jitter", 0)
}

fn frames(given: &[Gave]) -> Vec<u16> {
    given.iter().filter_map(|gave| if let Gave::Frame(sequence) = gave { Some(*sequence) } else { None }).collect()
}

#[test]
fn a_steady_stream_is_played_whole_and_stays_at_two_frames() {
    for phase_ms in [0, 1, 10, 19] {
        let mut noise = random();
        let packets = stream(3_000, PTIME.as_ns(), |_| Some(Duration::from_us(noise.below(900))));
        let (given, buffer) = play(packets, 3_010, Duration::from_ms(phase_ms));
        assert_eq!(frames(&given), (0..3_000).collect::<Vec<_>>(), "phase {phase_ms}");
        let stats = buffer.stats();
        assert_eq!((stats.late, stats.missing, stats.skipped, stats.held), (0, 0, 0, 0), "phase {phase_ms}");
        assert_eq!(buffer.target_depth(), 2);
    }
}

#[test]
fn jitter_deepens_the_buffer_and_calm_makes_it_shallow_again() {
    let mut noise = random();
    let packets = stream(6_000, PTIME.as_ns(), |n| {
        let spread_ms = if (1_000..3_000).contains(&n) { 55 } else { 1 };
        Some(Duration::from_us(noise.below(spread_ms * 1_000)))
    });
    let (given, _) = play(packets.clone(), 2_990, Duration::from_ms(7));
    let (rough, buffer) = play(packets.clone(), 2_990, Duration::from_ms(7));
    assert_eq!(given, rough, "the same arrivals give the same play");
    assert_eq!(buffer.target_depth(), 4, "55 ms of jitter need three frames besides the one that plays");
    let stats = buffer.stats();
    assert!(stats.late <= 20, "late {} of 2,000 jittered packets", stats.late);
    let (given, buffer) = play(packets, 6_010, Duration::from_ms(7));
    assert_eq!(buffer.target_depth(), 2);
    let last = frames(&given);
    assert!(last.windows(2).all(|pair| pair[0] < pair[1]), "in order and none twice");
    assert!(last.len() > 5_950, "{}", last.len());
    // The delay is gone as well: the last packet was sent at 119.98 s and is played two frames later, not four.
    let position = given.iter().position(|gave| *gave == Gave::Frame(5_999)).expect("the last is played");
    assert!((6_000..=6_002).contains(&position), "{position}");
}

#[test]
fn drifting_clocks_cost_a_frame_now_and_then_and_nothing_else() {
    // 300 ppm over 10 minutes are 180 ms, nine frames; real clocks drift by less than 100 ppm.
    for (period_ns, fast) in [(19_994_000, true), (20_006_000, false)] {
        let packets = stream(30_000, period_ns, |_| Some(Duration::ZERO));
        let (given, buffer) = play(packets, 30_000, Duration::from_ms(3));
        let stats = buffer.stats();
        let heard = frames(&given);
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(buffer.level() <= 3, "level {}", buffer.level());
        assert_eq!((stats.late, stats.resets), (0, 0), "{fast}");
        if fast {
            assert!((7..=10).contains(&stats.skipped), "skipped {}", stats.skipped);
        } else {
            assert_eq!(stats.skipped, 0);
            let pauses = given[2..].iter().filter(|gave| !matches!(gave, Gave::Frame(_))).count();
            assert!((7..=11).contains(&pauses), "pauses {pauses}");
            assert!(heard.windows(2).all(|pair| pair[1] == pair[0] + 1), "nothing is lost to a slow sender");
        }
    }
}

#[test]
fn burst_losses_come_out_as_missing_frames_of_the_same_number() {
    let mut noise = random();
    let (mut bad, mut lost) = (false, 0);
    // Gilbert's two states: 2 % of packets begin a burst, bursts are 3.3 packets long on average.
    let packets = stream(5_000, PTIME.as_ns(), |n| {
        bad = if bad { noise.chance(0.7) } else { noise.chance(0.02) };
        if bad && n > 0 && n < 4_990 {
            lost += 1;
            return None;
        }
        Some(Duration::from_us(noise.below(1_000)))
    });
    assert!(lost > 200, "{lost}");
    let (given, buffer) = play(packets, 5_010, Duration::from_ms(5));
    assert_eq!(frames(&given).len(), 5_000 - lost, "every packet that came is played");
    // Each lost frame's time passes once, as missing or (when the ring was dry) empty; the rest are start and end.
    let silent = given.len() - frames(&given).len();
    assert!((lost..=lost + 12).contains(&silent), "{silent} silent pops for {lost} losses");
    assert_eq!(buffer.stats().late, 0);
}

#[test]
fn what_is_no_frame_is_refused() {
    let mut buffer = JitterBuffer::new();
    assert_eq!(buffer.insert(Instant::ZERO, 0, 0, false, 0, &[]), Insert::TooFar);
    assert_eq!(buffer.insert(Instant::ZERO, 0, 0, false, 0, &[0; 161]), Insert::TooFar);
    assert_eq!(buffer.stats().too_far, 2);
    assert_eq!(buffer.pop(), Pop::Empty);
    assert_eq!(buffer.insert(Instant::ZERO, 0, 0, true, 8, &[3; 80]), Insert::Ok);
    assert_eq!(buffer.pop(), Pop::Empty);
    let expected = Pop::Frame { payload: &[3; 80], payload_type: 8, marker: true, sequence: 0, timestamp: 0 };
    assert_eq!(buffer.pop(), expected, "a short frame comes out as it went in");
}

#[test]
fn timestamps_off_the_grid_keep_their_place() {
    // A sender whose timestamps shift by a few samples (it resamples): frames stay one per cell.
    let mut buffer = JitterBuffer::new();
    for n in 0..20_u16 {
        let timestamp = u32::from(n) * 160 + u32::from(n % 3) * 30;
        assert_eq!(buffer.insert(Instant::ZERO, n, timestamp, false, 0, &payload_of(n)), Insert::Ok);
        let gave = pop(&mut buffer);
        assert_eq!(gave, if n == 0 { Gave::Empty } else { Gave::Frame(n - 1) });
    }
}

#[test]
fn reset_starts_afresh_and_keeps_the_counts() {
    let mut buffer = JitterBuffer::new();
    buffer.insert(Instant::ZERO, 5, 800, false, 0, &payload_of(5));
    pop(&mut buffer);
    assert_eq!(pop(&mut buffer), Gave::Frame(5));
    buffer.insert(Instant::ZERO, 6, 960, false, 0, &payload_of(6));
    buffer.reset();
    assert_eq!((pop(&mut buffer), buffer.level()), (Gave::Empty, 0));
    assert_eq!(buffer.insert(Instant::ZERO, 60_000, 77, false, 0, &payload_of(60_000)), Insert::Ok);
    assert_eq!((pop(&mut buffer), pop(&mut buffer)), (Gave::Empty, Gave::Frame(60_000)));
    assert_eq!(buffer.stats().played, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Whatever arrives: no panic, no frame twice, never more than the ring holds, and counts that add up.
    #[test]
    fn anything_may_arrive(
        steps in proptest::collection::vec((any::<u16>(), any::<u32>(), 0..8_u8, 0..40_u64), 0..400)
    ) {
        let mut buffer = JitterBuffer::new();
        let (mut now, mut sequence, mut frame) = (Instant::ZERO, 0_u16, 0_u32);
        let (mut taken, mut refused, mut played) = (0_u64, 0_u64, 0_u64);
        for (any_sequence, any_timestamp, kind, ms) in steps {
            now += Duration::from_ms(ms);
            match kind {
                0..=2 => {
                    if let Pop::Frame { .. } = buffer.pop() {
                        played += 1;
                    }
                }
                3 => {
                    // Rubbish.
                    let verdict = buffer.insert(now, any_sequence, any_timestamp, ms == 3, 0, &payload_of(any_sequence));
                    if matches!(verdict, Insert::Ok | Insert::Reset) { taken += 1 } else { refused += 1 }
                }
                _ => {
                    // Mostly sensible: steps of -2..=5 frames.
                    let step = u32::from(any_sequence % 8).wrapping_sub(2);
                    sequence = sequence.wrapping_add(step as u16);
                    frame = frame.wrapping_add(step);
                    let verdict =
                        buffer.insert(now, sequence, frame.wrapping_mul(160), false, 0, &payload_of(sequence));
                    if matches!(verdict, Insert::Ok | Insert::Reset) { taken += 1 } else { refused += 1 }
                }
            }
            prop_assert!(buffer.level() <= CELLS);
            prop_assert!((1..=DEPTH_MAX).contains(&buffer.target_depth()));
            prop_assert!(played <= taken);
        }
        let stats = buffer.stats();
        prop_assert_eq!(stats.played, played);
        prop_assert_eq!(stats.late + stats.duplicates + stats.too_far, refused);
    }
}
