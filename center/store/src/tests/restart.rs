//! What a process finds of the one before it.

use base::Duration;

use super::*;

fn what_is_open_is_found_with_its_dialog_and_can_be_rebuilt(on: Backend) {
    let f = fixture(on, 3);
    for n in 0..3 {
        write(&f, Op::Intent(intent(f.campaign, f.leads[n], n as u64 + 1, 1))).unwrap();
    }
    write(&f, Op::CdrOpen(cdr(5, Some(1)))).unwrap();
    write(&f, Op::AttemptClose(close(2, 9), None)).unwrap();
    let open: Vec<u64> = f.store.open_attempts(TENANT).unwrap().iter().map(|row| row.intent.attempt.0).collect();
    assert_eq!(open, [1, 3]);
    assert!(f.store.open_attempts(TenantId(2)).unwrap().is_empty());
    assert_eq!(f.store.open_cdrs(TENANT).unwrap(), [CdrRow { open: cdr(5, Some(1)), close: None, rebuilt: false }]);

    let rebuild = |call, attempt| {
        Op::RebuildCdr(CdrRebuildRow {
            tenant: TENANT,
            call: CallId(call),
            attempt: AttemptId(attempt),
            campaign: f.campaign,
            caller: String::new(),
            callee: number(2),
            trunk: "carrier".to_owned(),
            at: at(7),
        })
    };
    assert_eq!(write(&f, rebuild(6, 1)).unwrap_err().kind, ErrorKind::Rule, "attempt 1 has a CDR");
    write(&f, rebuild(6, 3)).unwrap();
    assert_eq!(write(&f, rebuild(7, 3)).unwrap_err().kind, ErrorKind::Rule, "now attempt 3 has one too");
    assert_eq!(write(&f, rebuild(7, 99)).unwrap_err().kind, ErrorKind::Rule, "there is no attempt 99");
    let row = &f.store.cdrs(TENANT, Filter { after: Some(5), ..Filter::default() }).unwrap()[0];
    assert!(row.rebuilt && row.open.route_set.is_empty() && row.open.sip_call_id.is_empty());
    assert_eq!(row.open.attempt, Some(AttemptId(3)));
    assert_eq!(row.close.as_ref().map(|close| close.ended_at), Some(at(7)));
    assert_eq!(f.store.open_cdrs(TENANT).unwrap().len(), 1, "a rebuilt CDR is closed");
}

fn the_ledger_comes_in_the_order_of_counts_with_the_agents_last_word(on: Backend) {
    let f = fixture(on, 6);
    for n in 0..6 {
        write(&f, Op::Intent(intent(f.campaign, f.leads[n], n as u64 + 1, 1))).unwrap();
    }
    // Counted in another order than they were decided; 4 and 5 in the same microsecond; 6 is not counted, 1 not closed.
    let count = |attempt, us| {
        let counted_as = "connected".to_owned();
        Op::Counted(CountedRow {
            tenant: TENANT,
            attempt: AttemptId(attempt),
            counted_as,
            at: at(us),
            rang: Some(Duration::from_us(us as u64)),
        })
    };
    for (attempt, us) in [(3, 101), (1, 200), (5, 300), (4, 300), (2, 50)] {
        write(&f, count(attempt, us)).unwrap();
    }
    assert!(write(&f, count(3, 500)).is_err(), "an attempt is counted once");
    for attempt in [2, 3, 4, 5, 6] {
        write(&f, Op::AttemptClose(close(attempt, 400), None)).unwrap();
    }
    let word = |attempt, person| {
        Op::Disposition(DispositionRow {
            tenant: TENANT,
            attempt: Some(AttemptId(attempt)),
            call: None,
            agent: None,
            code: "any".to_owned(),
            person,
            note: None,
            at: at(400),
        })
    };
    for op in [word(1, Some(true)), word(1, Some(false)), word(1, None), word(3, Some(true))] {
        write(&f, op).unwrap();
    }
    let rows = f.store.ledger(TENANT, f.campaign, at(101)).unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row.attempt.0, row.disposition_person)).collect();
    assert_eq!(found, [(3, Some(true)), (1, Some(false)), (4, None), (5, None)]);
    let first = &rows[0];
    assert_eq!((first.counted_at, first.counted_as.as_str()), (at(101), "connected"));
    assert!(f.store.ledger(TENANT, CampaignId(f.campaign.0 + 1), at(0)).unwrap().is_empty());
}

fn a_ledger_of_several_parts_has_no_seam(on: Backend) {
    let f = fixture(on, 0);
    // More than one part, and whole stretches closed in the same microsecond across its border.
    let rows: usize = 4_500;
    f.store.import_leads(TENANT, f.list, new_leads(0..rows), at(0)).unwrap();
    let mut after = None;
    let mut next = 1;
    while next <= rows as u64 {
        for lead in f.store.leads(TENANT, f.list, after, 0).unwrap() {
            after = Some(lead.lead);
            let row = AttemptIntentRow { number: lead.number, ..intent(f.campaign, lead.lead, next, 1) };
            f.store.submit(next, Op::Intent(row)).unwrap();
            let (attempt, counted_as) = (AttemptId(next), "connected".to_owned());
            let row = CountedRow { tenant: TENANT, attempt, counted_as, at: at(next as i64 / 700), rang: None };
            f.store.submit(next, Op::Counted(row)).unwrap();
            next += 1;
        }
        f.store.flush().unwrap();
        assert!(f.acks.try_iter().all(|ack| ack.result.is_ok()));
    }
    let found: Vec<u64> = f.store.ledger(TENANT, f.campaign, at(0)).unwrap().iter().map(|row| row.attempt.0).collect();
    assert_eq!(found, (1..=rows as u64).collect::<Vec<_>>());
}

fn a_second_attempt_while_the_first_is_open_is_a_double_dial(on: Backend) {
    let f = fixture(on, 1);
    let second_list = f.store.create_list(TENANT, "again", at(0)).unwrap();
    f.store.import_leads(TENANT, second_list, new_leads(0..1), at(0)).unwrap();
    let same_number = f.store.leads(TENANT, second_list, None, 0).unwrap()[0].lead;
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    assert!(f.store.double_dials(TENANT, Duration::ZERO).unwrap().is_empty());
    let again = AttemptIntentRow { number: number(0), ..intent(f.campaign, same_number, 2, 1) };
    write(&f, Op::Intent(again)).unwrap();
    let pair = DoubleDial { number: number(0), first: AttemptId(1), second: AttemptId(2), gap_us: 1_000_000 };
    assert_eq!(f.store.double_dials(TENANT, Duration::ZERO).unwrap(), [pair]);
}

on_both! {
    what_is_open_is_found_with_its_dialog_and_can_be_rebuilt
    the_ledger_comes_in_the_order_of_counts_with_the_agents_last_word
    a_ledger_of_several_parts_has_no_seam
    a_second_attempt_while_the_first_is_open_is_a_double_dial
}
