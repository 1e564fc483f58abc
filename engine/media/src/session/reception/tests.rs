use super::*;
use base::Duration;

fn arrival(ms: u64, ssrc: u32, sequence: u16, timestamp: u32) -> Arrival {
    Arrival { now: Instant::ZERO + Duration::from_ms(ms), ssrc, sequence, timestamp, octets: 160 }
}

/// Feeds sequence numbers of one source at their proper times.
fn heard(sequences: &[u16]) -> (Reception, Vec<Sequence>) {
    let mut reception = Reception::default();
    let verdicts = sequences
        .iter()
        .map(|sequence| {
            let frame = sequence.wrapping_sub(sequences[0]);
            reception.take(arrival(1_000 + u64::from(frame) * 20, 7, *sequence, u32::from(frame) * 160))
        })
        .collect();
    (reception, verdicts)
}

#[test]
fn losses_duplicates_and_disorder_are_told_apart() {
    //                    in order  lost late dup      lost      lost
    type Row = (&'static [u16], u64, u64, u64);
    const ROWS: &[Row] = &[
        (&[1, 2, 3, 4], 0, 0, 0),
        (&[1, 2, 4, 5], 1, 0, 0),
        (&[1, 3, 2, 4], 0, 1, 0),
        (&[1, 2, 2, 3, 3], 0, 0, 2),
        (&[1, 2, 2, 4], 1, 0, 1),
        (&[5, 4, 3, 6], 0, 2, 0),
        (&[65_534, 65_535, 0, 1], 0, 0, 0),
        (&[65_534, 1], 2, 0, 0),
        (&[0, 65_535, 1], 0, 1, 0),
        (&[1, 200, 100], 197, 1, 0),
    ];
    for (sequences, lost, late, duplicates) in ROWS {
        let (reception, verdicts) = heard(sequences);
        assert!(verdicts.iter().all(|verdict| *verdict == Sequence::GoesOn), "{sequences:?}");
        let totals = reception.totals();
        let counted = (totals.lost, totals.late, totals.duplicates);
        assert_eq!(counted, (*lost, *late, *duplicates), "{sequences:?}");
        assert_eq!(totals.packets, sequences.len() as u64);
    }
}

#[test]
fn a_restart_needs_two_packets_and_keeps_the_losses() {
    let (mut reception, _) = heard(&[1, 2, 4]);
    assert_eq!(reception.take(arrival(2_000, 9, 500, 0)), Sequence::Unconfirmed);
    // The old source goes on: the intruder is forgotten.
    assert_eq!(reception.take(arrival(2_000, 7, 5, 640)), Sequence::GoesOn);
    assert_eq!(reception.take(arrival(2_020, 9, 501, 160)), Sequence::Unconfirmed);
    assert_eq!(reception.take(arrival(2_040, 9, 502, 320)), Sequence::StartsOver);
    assert_eq!(reception.take(arrival(2_060, 9, 504, 640)), Sequence::GoesOn);
    let totals = reception.totals();
    assert_eq!((totals.lost, totals.restarts, totals.packets), (2, 1, 6));
    assert_eq!(reception.ssrc(), Some(9));
    // The same for a jump in the sequence of one source.
    assert_eq!(reception.take(arrival(2_080, 9, 30_000, 0)), Sequence::Unconfirmed);
    assert_eq!(reception.take(arrival(2_100, 9, 30_001, 160)), Sequence::StartsOver);
    assert_eq!(reception.totals().restarts, 2);
}

#[test]
fn jitter_is_the_filter_of_the_rfc() {
    let (reception, _) = heard(&(0..500).collect::<Vec<_>>());
    assert_eq!(reception.totals().jitter_ms, 0.0, "a perfect stream");
    // Every second packet 10 ms late: |D| is always 80 ticks, so J tends to 80 ticks = 10 ms.
    let mut reception = Reception::default();
    for n in 0..500_u32 {
        let ms = u64::from(n * 20 + n % 2 * 10);
        reception.take(arrival(ms, 7, n as u16, n * 160));
    }
    let jitter_ms = reception.totals().jitter_ms;
    assert!((9.5..=10.0).contains(&jitter_ms), "{jitter_ms}");
    // The reports of a digit hold their timestamp and must not count.
    for n in 500..600_u32 {
        reception.take(arrival(u64::from(n * 20), 7, n as u16, 500 * 160));
    }
    assert!(reception.totals().jitter_ms <= 10.0);
}

#[test]
fn report_blocks_follow_a3() {
    let mut reception = Reception::default();
    assert_eq!(reception.report(), None);
    for sequence in (0..100_u16).filter(|sequence| sequence % 4 != 3) {
        reception.take(arrival(u64::from(sequence) * 20, 7, sequence.wrapping_add(65_500), u32::from(sequence) * 160));
    }
    // 0..=98 expected (99 was lost and nobody knows yet), 24 of them lost: 24 × 256 / 99 = 62.
    let report = reception.report().expect("a source");
    assert_eq!((report.ssrc, report.fraction_lost, report.cumulative_lost), (7, 62, 24));
    assert_eq!(report.extended_highest_sequence, 0x1_0000 + 62, "one wrap");
    let quiet = reception.report().expect("a source");
    assert_eq!((quiet.fraction_lost, quiet.cumulative_lost), (0, 24), "nothing in this interval");
    // Duplicates make the interval's loss negative: reported as none (A.3), while the total goes down.
    for _ in 0..3 {
        reception.take(arrival(2_000, 7, 62, 98 * 160));
    }
    let doubled = reception.report().expect("a source");
    assert_eq!((doubled.fraction_lost, doubled.cumulative_lost), (0, 21));
}
