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
        f.store.amd_queue(TENANT, &filter).unwrap().rows.iter().map(|found| found.row.attempt.0).collect()
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
    assert_eq!(whole(2).unwrap().row.number, "", "the number goes with them");
    assert_eq!(f.store.amd_purge(at(30 * DAY_US)).unwrap(), AmdPurged::default());
    assert_eq!(f.store.amd_counts(TENANT, f.campaign, None, None).unwrap().len(), counts.len(), "counts stay");
}

fn of_agent(attempt: u64, answered: Option<&str>) -> Op {
    let Op::AmdLabel(row) = label(attempt, answered) else { unreachable!("a label") };
    Op::AmdLabel(AmdLabelRow { source: "agent".to_owned(), who: "ann".to_owned(), ..row })
}

/// An attempt that is over, with this outcome.
fn attempt_of(f: &Fixture, attempt: u64, outcome: &str) {
    write(f, Op::Intent(intent(f.campaign, f.leads[attempt as usize], attempt, 1))).unwrap();
    let close = AttemptCloseRow { outcome: outcome.to_owned(), ..close(attempt, 400) };
    write(f, Op::AttemptClose(close, None)).unwrap();
}

fn counts_know_whom_routing_chose_and_whom_an_agent_had(on: Backend) {
    let f = fixture(on, 8);
    for (attempt, handling, outcome) in [
        (1, "acted", "machine"),
        (2, "acted", "connected"),
        (3, "audited", "connected"),
        (4, "acted", "hung_up_waiting"),
    ] {
        attempt_of(&f, attempt, outcome);
        write(&f, Op::AmdEvidence(Box::new(evidence(&f, attempt, "machine", handling)))).unwrap();
    }
    // One that is still on, and one of which no attempt is known.
    write(&f, Op::AmdEvidence(Box::new(evidence(&f, 5, "machine", "acted")))).unwrap();
    for op in
        [label(1, Some("machine")), of_agent(2, Some("person")), of_agent(3, Some("machine")), label(3, Some("person"))]
    {
        write(&f, op).unwrap();
    }
    write(&f, of_agent(4, Some("person"))).unwrap();
    write(&f, of_agent(4, None)).unwrap();
    let counts = f.store.amd_counts(TENANT, f.campaign, None, None).unwrap();
    assert_eq!(counts.iter().map(|count| count.calls).sum::<u64>(), 5);
    let of = |answered: Option<&str>, routed, reached| {
        let same =
            |count: &&AmdCount| (count.answered.as_deref(), count.routed, count.reached) == (answered, routed, reached);
        counts.iter().filter(same).map(|count| count.calls).sum::<u64>()
    };
    assert_eq!(of(Some("machine"), false, false), 1, "somebody listened to a recording");
    assert_eq!(of(Some("person"), true, true), 1);
    assert_eq!(of(Some("person"), true, false), 1, "an audit whose word was corrected stays routing's");
    assert_eq!(of(None, true, true), 1, "taken back");
    assert_eq!(of(None, false, false), 1);
}

fn a_page_of_the_queue_looks_at_so_many_rows_and_says_where_to_go_on(on: Backend) {
    let f = fixture(on, 3);
    // Beyond what a page looks at; the only one with a human's verdict is the oldest.
    let all = 10_050;
    for part in (1..=all).collect::<Vec<u64>>().chunks(1_000) {
        for attempt in part {
            let verdict = if *attempt == 1 { "human" } else { "machine" };
            let small =
                AmdEvidenceRow { trace: Vec::new(), features: Vec::new(), ..evidence(&f, *attempt, verdict, "acted") };
            f.store.submit(*attempt, Op::AmdEvidence(Box::new(small))).unwrap();
        }
        f.store.flush().unwrap();
    }
    for campaign in [None, Some(f.campaign)] {
        let human =
            AmdFilter { campaign, verdict: Some("human".into()), labelled: Some(false), ..AmdFilter::default() };
        let first = f.store.amd_queue(TENANT, &human).unwrap();
        assert_eq!((first.rows.len(), first.next), (0, Some(AttemptId(51))), "it has looked at 10,000");
        let second = AmdFilter { before: first.next.map(|next| next.0), ..human };
        let second = f.store.amd_queue(TENANT, &second).unwrap();
        assert_eq!((second.rows[0].row.attempt, second.next), (AttemptId(1), None));
    }
    let page = f.store.amd_queue(TENANT, &AmdFilter { limit: 2, ..AmdFilter::default() }).unwrap();
    assert_eq!(page.next, Some(AttemptId(all - 1)));
}

fn marks_hold_until_they_are_lifted_and_the_last_word_counts(on: Backend) {
    let f = fixture(on, 3);
    let mark = |n: usize, reason: &str, attempt: u64| {
        let (number, reason, attempt) = (number(n), reason.to_owned(), AttemptId(attempt));
        NumberMarkRow { tenant: TENANT, number, reason, campaign: f.campaign, attempt, at: at(attempt.0 as i64) }
    };
    for row in [mark(2, "fax", 1), mark(1, "vacant", 2), mark(2, "intercept", 3)] {
        write(&f, Op::MarkNumber(row)).unwrap();
    }
    let (one, two) = (mark(1, "vacant", 2), mark(2, "intercept", 3));
    let in_order =
        if one.number < two.number { vec![one.clone(), two.clone()] } else { vec![two.clone(), one.clone()] };
    assert_eq!(f.store.number_marks(TENANT, None, 0).unwrap(), in_order);
    assert_eq!(f.store.number_marks(TENANT, Some(&in_order[0].number), 1).unwrap(), in_order[1..]);
    assert_eq!(f.store.marks_of(TENANT, &[number(0), two.number.clone()]).unwrap(), std::slice::from_ref(&two));
    assert_eq!(f.store.marks_of(TENANT, &[]).unwrap(), []);
    let lift = || Op::UnmarkNumber(TENANT, two.number.clone());
    write(&f, lift()).unwrap();
    assert_eq!(write(&f, lift()).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(f.store.number_marks(TENANT, None, 0).unwrap(), [one]);
    assert_eq!(f.store.suppressions_of(TENANT, &number(1), at(9)).unwrap(), [], "nobody has asked for it");
}

on_both! {
    what_was_heard_is_read_back_labelled_counted_and_emptied
    counts_know_whom_routing_chose_and_whom_an_agent_had
    a_page_of_the_queue_looks_at_so_many_rows_and_says_where_to_go_on
    marks_hold_until_they_are_lifted_and_the_last_word_counts
}
