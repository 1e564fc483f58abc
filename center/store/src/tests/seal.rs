//! The chain of seals: it holds for what was written, and for nothing else.

use super::*;

fn talk(f: &Fixture, attempt: u64) {
    let n = attempt as usize - 1;
    write(f, Op::Intent(intent(f.campaign, f.leads[n], attempt, 1))).unwrap();
    let counted_as = "connected".to_owned();
    write(
        f,
        Op::Counted(CountedRow {
            tenant: TENANT,
            attempt: AttemptId(attempt),
            counted_as,
            at: at(7),
            rang: Some(base::Duration::from_us(5)),
        }),
    )
    .unwrap();
    write(f, Op::AttemptClose(close(attempt, 99_000_000), None)).unwrap();
    let (attempt, body) = (AttemptId(attempt), r#"{"deadline_us":1}"#.to_owned());
    write(f, Op::Event(EventRow { tenant: TENANT, attempt, at: at(8), body })).unwrap();
    for person in [true, false] {
        write(
            f,
            Op::Disposition(DispositionRow {
                tenant: TENANT,
                attempt: Some(attempt),
                call: None,
                agent: Some(AgentId(3)),
                code: "sale".to_owned(),
                person: Some(person),
                note: None,
                at: at(9),
            }),
        )
        .unwrap();
    }
}

/// Changes rows as somebody would who has the database's own password.
fn tamper(f: &Fixture, on: Backend, sql: &str) {
    match on {
        Backend::Sqlite => {
            let guards = ["attempt_close_fixed", "attempt_intent_fixed", "attempt_no_delete", "attempt_no_replace"];
            let drops: String = guards.iter().map(|name| format!("DROP TRIGGER IF EXISTS {name};")).collect();
            outside(f, &format!("PRAGMA foreign_keys = OFF; {drops} {sql}")).unwrap();
        }
        Backend::Postgres => outside(f, &format!("SET session_replication_role = replica; {sql}")).unwrap(),
    }
}

fn what_was_written_holds_and_a_noted_head_stays_in_the_chain(on: Backend) {
    let f = fixture(on, 3);
    let empty = f.store.verify_seals(None).unwrap();
    assert_eq!((empty.sealed, empty.head.as_str(), empty.faults_total), (0, "", 0));
    (1..=2).for_each(|attempt| talk(&f, attempt));
    let noted = f.store.verify_seals(None).unwrap();
    assert_eq!((noted.sealed, noted.head.len(), noted.unsealed_to), (12, 64, AttemptId(0)), "{noted:?}");
    assert!(noted.faults.is_empty(), "{noted:?}");
    talk(&f, 3);
    let later = f.store.verify_seals(Some(&noted.head)).unwrap();
    assert!(later.noted_found && later.faults.is_empty() && later.head != noted.head, "{later:?}");
    assert!(!f.store.verify_seals(Some(&"0".repeat(64))).unwrap().noted_found);
    // An op that breaks a rule is not written, and not sealed.
    assert!(write(&f, Op::AttemptClose(close(3, 5), None)).is_err());
    let ops = [
        Op::AttemptClose(close(2, 5), None),
        Op::CallbackDone(CallbackDoneRow { tenant: TENANT, lead: LeadId(9), at: at(1) }),
    ];
    for op in ops {
        assert!(write(&f, op).is_err());
    }
    assert_eq!(f.store.verify_seals(None).unwrap(), SealReport { noted_found: false, ..later });
}

fn every_altered_record_is_found(on: Backend) {
    for (sql, attempt, words) in [
        ("UPDATE attempt SET consent_rule = 'none' WHERE attempt_id = 2", 2, "the intent is not what was written"),
        ("UPDATE attempt SET intent_us = intent_us + 1 WHERE attempt_id = 1", 1, "the intent is not what was written"),
        ("UPDATE attempt SET counted_us = counted_us + 1 WHERE attempt_id = 2", 2, "the count is not what was written"),
        ("UPDATE attempt SET connected_us = connected_us - 1 WHERE attempt_id = 2", 2, "the close is not what was"),
        ("UPDATE attempt SET greeting_end_us = NULL WHERE attempt_id = 2", 2, "the close is not what was written"),
        ("UPDATE attempt SET counted_us = NULL WHERE attempt_id = 1", 1, "the count is gone"),
        ("UPDATE attempt_event SET body = '{}' WHERE attempt_id = 2", 2, "the timeline is not what was written"),
        ("DELETE FROM attempt_event WHERE attempt_id = 2", 2, "the timeline is gone"),
        ("UPDATE disposition SET person = 0 WHERE attempt_id = 1", 1, "the disposition is not what was written"),
        ("DELETE FROM attempt WHERE attempt_id = 1", 1, "the intent is gone"),
        ("UPDATE seal SET head = (SELECT head FROM seal WHERE seq = 1) WHERE seq = 3", 1, "the close is not what was"),
        ("DELETE FROM seal WHERE seq = 2", 1, "1 seals before this one are gone"),
        ("DELETE FROM seal WHERE seq > 10", 0, "the chain ends after seal 10 of 12"),
        ("UPDATE seal_head SET seq = 11", 0, "the chain's end is not its last seal"),
        ("DELETE FROM seal_head", 0, "the chain's head is gone"),
        (
            "INSERT INTO attempt_event (tenant_id, attempt_id, at_us, body) VALUES (1, 1, 1, '{}')",
            1,
            "a timeline that was never sealed",
        ),
        ("INSERT INTO disposition (tenant_id, attempt_id, code, at_us) VALUES (1, 2, 'x', 1)", 2, "was never sealed"),
        (
            "DELETE FROM seal WHERE seq IN (7, 8, 9, 10, 11, 12); UPDATE seal_head SET seq = 6, head = (SELECT head FROM seal WHERE seq = 6)",
            2,
            "a close that was never sealed",
        ),
    ] {
        let f = fixture(on, 2);
        (1..=2).for_each(|attempt| talk(&f, attempt));
        tamper(&f, on, sql);
        let report = f.store.verify_seals(None).unwrap();
        let found = report.faults.iter().any(|fault| fault.attempt.0 == attempt && fault.what.contains(words));
        assert!(found, "{sql}: {report:?}");
    }
}

fn a_store_from_before_the_seals_says_how_far_it_has_none(on: Backend) {
    let f = fixture(on, 2);
    talk(&f, 1);
    // As its migration would have found it.
    tamper(&f, on, "DELETE FROM seal; UPDATE seal_head SET seq = 0, head = NULL, since_attempt = 1");
    talk(&f, 2);
    let report = f.store.verify_seals(None).unwrap();
    assert_eq!((report.sealed, report.unsealed_to, report.faults_total), (6, AttemptId(1), 0), "{report:?}");
}

on_both! {
    what_was_written_holds_and_a_noted_head_stays_in_the_chain
    every_altered_record_is_found
    a_store_from_before_the_seals_says_how_far_it_has_none
}
