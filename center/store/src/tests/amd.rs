//! Evidence of answer detection, its labels, counts and end.

use super::*;

const DAY_US: i64 = 86_400_000_000;

fn evidence(f: &Fixture, attempt: u64, verdict: &str, handling: &str) -> AmdEvidenceRow {
    AmdEvidenceRow {
        tenant: TENANT,
        attempt: AttemptId(attempt),
        campaign: f.campaign,
        number: number(attempt as usize % 3),
        at: at(attempt as i64 * DAY_US / 4),
        mode: "on".to_owned(),
        handling: handling.to_owned(),
        share_ppm: 10_000,
        verdict: verdict.to_owned(),
        cause: "NET".to_owned(),
        verdict_ms: 1_000 + attempt as u32,
        utterance_end_ms: attempt.is_multiple_of(2).then_some(900),
        detector: "default".to_owned(),
        model: Some("0123456789abcdef".to_owned()),
        rules: r#"{"share":0.01}"#.to_owned(),
        codec: "PCMU".to_owned(),
        packets: 50,
        lost: 1,
        person_ppm: Some(250_000),
        shadow: (attempt == 1).then(|| AmdShadow {
            model: "feed".to_owned(),
            verdict: Some("human".to_owned()),
            at_ms: Some(640),
        }),
        trace: vec![0, 255, 7, 1, 2, 3, attempt as u8],
        features: vec![9; 80],
        kept_until: Some(at(20 * DAY_US)),
        audio: if attempt == 2 { vec![200; 900] } else { Vec::new() },
        audio_until: (attempt == 2).then(|| at(10 * DAY_US)),
    }
}

fn label(attempt: u64, answered: Option<&str>) -> Op {
    Op::AmdLabel(AmdLabelRow {
        tenant: TENANT,
        attempt: AttemptId(attempt),
        answered: answered.map(str::to_owned),
        source: "listener".to_owned(),
        who: "eva".to_owned(),
        at: at(attempt as i64),
    })
}

fn what_was_heard_is_read_back_labelled_counted_and_emptied(on: Backend) {
    let f = fixture(on, 3);
    let rows: Vec<AmdEvidenceRow> = [
        (1, "human", "person"),
        (2, "machine", "audited"),
        (3, "machine", "acted"),
        (4, "machine", "audited"),
        (5, "machine", "acted"),
    ]
    .into_iter()
    .map(|(attempt, verdict, handling)| evidence(&f, attempt, verdict, handling))
    .collect();
    for row in &rows {
        write(&f, Op::AmdEvidence(Box::new(row.clone()))).unwrap();
    }
    assert!(write(&f, Op::AmdEvidence(Box::new(rows[0].clone()))).is_err(), "one row an attempt");
    let large = AmdEvidenceRow { attempt: AttemptId(9), trace: vec![0; AMD_TRACE_BYTES_MAX + 1], ..rows[0].clone() };
    assert_eq!(write(&f, Op::AmdEvidence(Box::new(large))).unwrap_err().kind, ErrorKind::Value);

    let whole = |attempt| f.store.amd_evidence(TENANT, AttemptId(attempt)).unwrap();
    assert_eq!(whole(1).unwrap().row, rows[0]);
    assert_eq!((whole(2).unwrap().row, whole(2).unwrap().has_audio), (rows[1].clone(), true));
    assert_eq!(whole(6), None);

    for op in [label(2, Some("person")), label(2, Some("machine")), label(4, Some("person")), label(4, None)] {
        write(&f, op).unwrap();
    }
    write(&f, label(77, Some("fax"))).unwrap();
    assert_eq!(whole(2).unwrap().label.unwrap().answered, "machine");
    assert_eq!(whole(4).unwrap().label, None, "taken back");
    let said: Vec<_> = f.store.amd_labels(TENANT, AttemptId(4)).unwrap().into_iter().map(|l| l.answered).collect();
    assert_eq!(said, [Some("person".to_owned()), None], "every word stays");

    let queue = |filter: AmdFilter| -> Vec<u64> {
        f.store.amd_queue(TENANT, &filter).unwrap().iter().map(|found| found.row.attempt.0).collect()
    };
    assert_eq!(queue(AmdFilter::default()), [5, 4, 3, 2, 1]);
    assert_eq!(queue(AmdFilter { before: Some(4), limit: 2, ..AmdFilter::default() }), [3, 2]);
    assert_eq!(queue(AmdFilter { to_agents: Some(true), labelled: Some(false), ..AmdFilter::default() }), [4]);
    assert_eq!(queue(AmdFilter { labelled: Some(true), ..AmdFilter::default() }), [2]);
    assert_eq!(queue(AmdFilter { to_agents: Some(false), ..AmdFilter::default() }), [5, 3, 1]);
    assert_eq!(queue(AmdFilter { audio_only: true, ..AmdFilter::default() }), [2]);
    assert_eq!(queue(AmdFilter { verdict: Some("human".into()), ..AmdFilter::default() }), [1]);
    assert_eq!(queue(AmdFilter { campaign: Some(CampaignId(99)), ..AmdFilter::default() }), [0; 0]);

    let counts = f.store.amd_counts(TENANT, f.campaign, None, None).unwrap();
    assert_eq!(counts.iter().map(|count| count.calls).sum::<u64>(), 5);
    let of = |answered: Option<&str>, handling: &str| {
        let same = |count: &&AmdCount| count.answered.as_deref() == answered && count.handling == handling;
        counts.iter().filter(same).cloned().collect::<Vec<_>>()
    };
    let [audited] = &of(Some("machine"), "audited")[..] else { panic!("{counts:?}") };
    assert_eq!((audited.calls, audited.verdict_ms, audited.verdict_ms2), (1, 1_002, 1_002 * 1_002));
    assert_eq!(audited.person, (1, 250_000, 62_500));
    let later = f.store.amd_counts(TENANT, f.campaign, Some(rows[2].at), Some(rows[3].at)).unwrap();
    assert_eq!(later.iter().map(|count| count.calls).sum::<u64>(), 1);

    let lessons = f.store.amd_lessons(TENANT, f.campaign, None, 0).unwrap();
    assert_eq!(lessons.len(), 1);
    assert_eq!((lessons[0].attempt.0, lessons[0].answered.as_str()), (2, "machine"));
    assert_eq!((&lessons[0].features, &lessons[0].number), (&rows[1].features, &rows[1].number));

    assert_eq!(f.store.amd_purge(at(5 * DAY_US)).unwrap(), AmdPurged::default());
    assert_eq!(f.store.amd_purge(at(10 * DAY_US)).unwrap(), AmdPurged { audio: 1, traces: 0 });
    let without = whole(2).unwrap();
    assert!(!without.has_audio && without.row.audio.is_empty() && without.row.trace == rows[1].trace);
    assert_eq!(f.store.amd_purge(at(30 * DAY_US)).unwrap(), AmdPurged { audio: 0, traces: 5 });
    assert!(whole(2).unwrap().row.features.is_empty());
    assert_eq!(f.store.amd_purge(at(30 * DAY_US)).unwrap(), AmdPurged::default());
    assert_eq!(f.store.amd_counts(TENANT, f.campaign, None, None).unwrap().len(), counts.len(), "counts stay");
}

on_both! { what_was_heard_is_read_back_labelled_counted_and_emptied }
