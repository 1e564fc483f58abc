//! Rows go in and come out as they were; the database's own rules hold.

use base::Duration;

use super::*;

fn many_ops_share_few_commits_and_keep_their_order(on: Backend) {
    let f = fixture(on, 900);
    for (n, lead) in f.leads.iter().enumerate() {
        f.store.submit(n as u64, Op::Intent(intent(f.campaign, *lead, n as u64 + 1, 1))).unwrap();
    }
    f.store.flush().unwrap();
    let tokens: Vec<u64> = f.acks.try_iter().map(|ack| ack.result.map(|()| ack.token).unwrap()).collect();
    assert_eq!(tokens, (0..900).collect::<Vec<u64>>());
    let stats = f.store.stats();
    assert_eq!((stats.ops_written, stats.ops_failed, stats.ops_waiting), (900, 0, 0));
    // 900 ops are at least four batches of 256; each commit must carry many, or there is no grouping.
    assert!((4..=45).contains(&stats.commits), "{} commits for 900 ops", stats.commits);
}

fn an_attempt_is_read_back_as_it_was_written(on: Backend) {
    let f = fixture(on, 2);
    let first = intent(f.campaign, f.leads[0], 10, 1);
    write(&f, Op::Intent(first.clone())).unwrap();
    let found = f.store.attempts(TENANT, Filter { open_only: true, ..Filter::default() }).unwrap();
    assert_eq!(found, vec![AttemptRow { intent: first.clone(), close: None, counted: None }]);
    write(&f, Op::Event(EventRow { tenant: TENANT, attempt: AttemptId(10), at: at(9), body: "[1]".into() })).unwrap();
    // What it means for the lead comes with it, or not at all.
    let done = |lead| LeadStateRow {
        tenant: TENANT,
        lead,
        state: "done".to_owned(),
        next_at: None,
        last_outcome: Some("human".to_owned()),
        dial_number: None,
    };
    let lead = || f.store.leads(TENANT, f.list, None, 0).unwrap().remove(0);
    let nobody = Op::AttemptClose(close(10, 99_000_000), Some(done(LeadId(9_999))));
    assert_eq!(write(&f, nobody).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(lead().state, "dialling");
    write(&f, Op::AttemptClose(close(10, 99_000_000), Some(done(f.leads[0])))).unwrap();
    assert_eq!((lead().state.as_str(), lead().last_outcome.as_deref()), ("done", Some("human")));
    let filter = Filter { number: Some(number(0)), outcome: Some("human".to_owned()), ..Filter::default() };
    let found = f.store.attempts(TENANT, filter).unwrap();
    assert_eq!(found, vec![AttemptRow { intent: first, close: Some(close(10, 99_000_000)), counted: None }]);
    assert!(f.store.attempts(TENANT, Filter { open_only: true, ..Filter::default() }).unwrap().is_empty());
    assert_eq!(f.store.events(TENANT, AttemptId(10)).unwrap()[0].body, "[1]");
    // A second close would change what was recorded.
    assert_eq!(write(&f, Op::AttemptClose(close(10, 5), None)).unwrap_err().kind, ErrorKind::NotFound);
    for sql in ["UPDATE attempt SET outcome = 'machine'", "UPDATE attempt SET closed_us = NULL"] {
        assert!(outside(&f, sql).unwrap_err().contains("a closed attempt"), "{sql}");
    }
    assert_eq!(f.store.high_water().unwrap(), HighWater { attempt: 10, call: 0, lead: f.leads[1].0 });
}

fn an_intent_moves_its_lead_in_the_same_commit(on: Backend) {
    let f = fixture(on, 1);
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    let lead = &f.store.leads(TENANT, f.list, None, 0).unwrap()[0];
    assert_eq!((lead.state.as_str(), lead.attempt_number, lead.last_attempt_at), ("dialling", 1, Some(at(1_000_000))));
    let state = LeadStateRow {
        tenant: TENANT,
        lead: lead.lead,
        state: "waiting".to_owned(),
        next_at: Some(at(60)),
        last_outcome: Some("busy".to_owned()),
        dial_number: None,
    };
    write(&f, Op::LeadState(state)).unwrap();
    let lead = &f.store.leads(TENANT, f.list, None, 0).unwrap()[0];
    assert_eq!((lead.state.as_str(), lead.next_at, lead.attempt_number), ("waiting", Some(at(60)), 1));
    let counts = f.store.counts(TENANT, f.list).unwrap();
    assert_eq!(counts, LeadCounts { total: 1, by_state: vec![("waiting".to_owned(), 1)] });
}

fn a_store_of_another_schema_is_not_changed_by_a_look(on: Backend) {
    let f = fixture(on, 1);
    let look = || Store::open_with(&f.home.url(), OpenOptions { as_it_is: true, ..OpenOptions::default() });
    let (seen, _acks) = look().unwrap();
    assert_eq!(seen.leads(TENANT, f.list, None, 0).unwrap().len(), 1);
    seen.close().unwrap();
    outside(&f, "DELETE FROM _sqlx_migrations WHERE version > 12").unwrap();
    let error = look().err().unwrap();
    assert_eq!(error.kind, ErrorKind::Schema);
    assert!(error.what.contains("schema version 12"), "{error}");
    outside(&f, "DELETE FROM _sqlx_migrations").unwrap();
    assert!(look().err().unwrap().what.contains("no store"));
}

fn a_lead_keeps_the_number_that_it_has_come_to(on: Backend) {
    let f = fixture(on, 2);
    let state = |dial_number: Option<String>| {
        let (lead, state) = (f.leads[0], "waiting".to_owned());
        Op::LeadState(LeadStateRow { tenant: TENANT, lead, state, next_at: None, last_outcome: None, dial_number })
    };
    let query = ContactQuery { search: Some(number(0)), ..ContactQuery::default() };
    let contact = f.store.contacts(TENANT, query, at(0)).unwrap().contacts[0].contact;
    for n in [8, 7] {
        f.store.add_contact_number(TENANT, contact, &number(n)).unwrap();
    }
    let numbers = [number(0), number(1), number(9)];
    let beside = f.store.numbers_beside(TENANT, &numbers).unwrap();
    assert_eq!(beside, std::collections::BTreeMap::from([(number(0), vec![number(8), number(7)])]));
    assert_eq!(f.store.numbers_on(TENANT, &[f.list], &numbers).unwrap().len(), 2);
    assert!(f.store.numbers_on(TENANT, &[], &numbers).unwrap().is_empty());
    write(&f, state(Some(number(8)))).unwrap();
    // News of its state alone leaves it there.
    write(&f, state(None)).unwrap();
    let lead = f.store.leads(TENANT, f.list, None, 0).unwrap().remove(0);
    assert_eq!((lead.number, lead.dial_number), (number(0), Some(number(8))));
}

fn a_bad_op_fails_alone_and_its_neighbours_are_written(on: Backend) {
    let f = fixture(on, 5);
    f.store.submit(1, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    f.store.submit(2, Op::Intent(intent(f.campaign, f.leads[0], 2, 1))).unwrap(); // the same attempt number again
    f.store.submit(3, Op::Intent(intent(f.campaign, f.leads[1], 1, 1))).unwrap(); // the same attempt id again
    f.store.submit(4, Op::Intent(intent(CampaignId(999), f.leads[2], 4, 1))).unwrap(); // no such campaign
    f.store.submit(5, Op::Intent(intent(f.campaign, LeadId(999), 5, 1))).unwrap(); // no such lead
    let long =
        Op::Event(EventRow { tenant: TENANT, attempt: AttemptId(1), at: at(0), body: "x".repeat(TEXT_BYTES_MAX + 1) });
    f.store.submit(6, long).unwrap();
    f.store.submit(7, Op::Intent(intent(f.campaign, f.leads[3], 7, 1))).unwrap();
    f.store.submit(8, Op::Intent(intent(f.campaign, f.leads[4], u64::MAX, 1))).unwrap();
    f.store.flush().unwrap();
    let kinds: Vec<_> = f.acks.try_iter().map(|ack| ack.result.map_err(|error| error.kind)).collect();
    let wanted = [
        Ok(()),
        Err(ErrorKind::NotFound),
        Err(ErrorKind::Rule),
        Err(ErrorKind::Rule),
        Err(ErrorKind::NotFound),
        Err(ErrorKind::Value),
        Ok(()),
        Err(ErrorKind::Value),
    ];
    assert_eq!(kinds, wanted);
    let ids: Vec<u64> =
        f.store.attempts(TENANT, Filter::default()).unwrap().iter().map(|row| row.intent.attempt.0).collect();
    assert_eq!(ids, [1, 7]);
    // The refused intents left no trace on their leads either.
    let dialled: Vec<u32> =
        f.store.leads(TENANT, f.list, None, 0).unwrap().iter().map(|lead| lead.attempt_number).collect();
    assert_eq!(dialled, [1, 0, 0, 1, 0]);
}

fn the_schema_refuses_a_second_attempt_of_the_same_number_by_itself(on: Backend) {
    let f = fixture(on, 1);
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    let error = outside(
        &f,
        "INSERT INTO attempt (attempt_id, tenant_id, campaign_id, lead_id, attempt_number, number, trunk, intent_us, \
         consent_allowed, consent_rule, why) SELECT 2, tenant_id, campaign_id, lead_id, attempt_number, number, trunk, \
         intent_us, consent_allowed, consent_rule, why FROM attempt",
    )
    .unwrap_err();
    assert!(error.to_lowercase().contains("unique"), "{error}");
}

fn records_that_are_proof_cannot_be_changed_or_deleted(on: Backend) {
    let f = fixture(on, 1);
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    let consent = ConsentRow {
        tenant: TENANT,
        number: number(0),
        action: Action::Add,
        scope: "marketing".to_owned(),
        source: "form".to_owned(),
        proof: Some("blob:4".to_owned()),
        at: at(1),
    };
    write(&f, Op::Consent(consent.clone())).unwrap();
    let suppress = SuppressRow {
        tenant: TENANT,
        number: number(0),
        action: Action::Add,
        campaign: None,
        reason: "asked".to_owned(),
        source: "agent".to_owned(),
        at: at(1),
        until: None,
    };
    write(&f, Op::Suppress(suppress)).unwrap();
    for (sql, word) in [
        ("UPDATE consent SET action = 'lift'", "append-only"),
        ("DELETE FROM consent", "append-only"),
        ("UPDATE suppression SET until_us = 1", "append-only"),
        ("DELETE FROM suppression", "append-only"),
        ("DELETE FROM attempt", "not deleted"),
        ("UPDATE attempt SET why = '{}'", "not changed"),
        ("UPDATE lead SET attempt_number = 0", "only grows"),
    ] {
        let error = outside(&f, sql).unwrap_err();
        assert!(error.contains(word), "{sql}: {error}");
    }
    let ways_round: [(&str, &str); 3] = match on {
        Backend::Sqlite => [
            ("INSERT OR REPLACE INTO consent SELECT * FROM consent", "append-only"),
            ("REPLACE INTO suppression SELECT * FROM suppression", "append-only"),
            ("REPLACE INTO attempt SELECT * FROM attempt", "not replaced"),
        ],
        Backend::Postgres => [
            ("TRUNCATE consent", "append-only"),
            ("TRUNCATE suppression", "append-only"),
            ("TRUNCATE attempt CASCADE", "not deleted"),
        ],
    };
    for (sql, word) in ways_round {
        let error = outside(&f, sql).unwrap_err();
        assert!(error.contains(word), "{sql}: {error}");
    }
    let withdrawn = ConsentRow { action: Action::Lift, at: at(2), ..consent.clone() };
    assert_eq!(f.store.consent(TENANT, &number(0), "marketing").unwrap().unwrap().1, consent);
    write(&f, Op::Consent(withdrawn.clone())).unwrap();
    assert_eq!(f.store.consent(TENANT, &number(0), "marketing").unwrap().unwrap(), (2, withdrawn));
    assert_eq!(f.store.consent(TENANT, &number(1), "marketing").unwrap(), None);
}

fn the_latest_suppression_row_of_a_number_decides(on: Backend) {
    let f = fixture(on, 0);
    let row = |n: usize, action, campaign, at_us, until: Option<i64>| SuppressRow {
        tenant: TENANT,
        number: number(n),
        action,
        campaign,
        reason: "asked".to_owned(),
        source: "test".to_owned(),
        at: at(at_us),
        until: until.map(at),
    };
    let campaign = Some(f.campaign);
    for row in [
        row(1, Action::Add, None, 1, None),
        row(2, Action::Add, None, 1, None),
        row(2, Action::Lift, None, 2, None),
        row(3, Action::Add, None, 1, Some(10)),
        row(4, Action::Add, campaign, 1, None),
        row(4, Action::Add, None, 1, None),
    ] {
        write(&f, Op::Suppress(row)).unwrap();
    }
    let all = |moment, after, limit| f.store.suppressed(TENANT, at(moment), after, limit).unwrap();
    assert_eq!(all(5, None, 0), [(number(1), None), (number(3), None), (number(4), None), (number(4), campaign)]);
    assert_eq!(all(20, None, 0), [(number(1), None), (number(4), None), (number(4), campaign)]);
    assert_eq!(all(5, None, 2), [(number(1), None), (number(3), None)]);
    let rest = all(5, Some(&number(3)), 2);
    assert_eq!(rest, [(number(4), None), (number(4), campaign)]);
}

fn a_cdr_keeps_what_a_bye_needs(on: Backend) {
    let f = fixture(on, 1);
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    write(&f, Op::CdrOpen(cdr(8, Some(1)))).unwrap();
    write(&f, Op::CdrOpen(cdr(9, None))).unwrap();
    assert_eq!(write(&f, Op::CdrOpen(cdr(9, None))).unwrap_err().kind, ErrorKind::Rule);
    let end = CdrCloseRow {
        tenant: TENANT,
        call: CallId(9),
        agent: Some(AgentId(2)),
        connected_at: Some(at(6)),
        ended_at: at(7),
        cause_whose: "us".to_owned(),
        cause_code: None,
        media: Some("{}".to_owned()),
        timeline: Some("[]".to_owned()),
    };
    write(&f, Op::CdrClose(end.clone())).unwrap();
    assert_eq!(write(&f, Op::CdrClose(end.clone())).unwrap_err().kind, ErrorKind::NotFound);
    let open = f.store.cdrs(TENANT, Filter { open_only: true, ..Filter::default() }).unwrap();
    assert_eq!(open, vec![CdrRow { open: cdr(8, Some(1)), close: None, rebuilt: false }]);
    let filter = Filter { number: Some(number(1)), after: Some(8), ..Filter::default() };
    assert_eq!(
        f.store.cdrs(TENANT, filter).unwrap(),
        vec![CdrRow { open: cdr(9, None), close: Some(end), rebuilt: false }]
    );
}

fn pages_continue_where_they_ended_and_filters_hold(on: Backend) {
    let f = fixture(on, 30);
    for (n, lead) in f.leads.iter().enumerate() {
        f.store.submit(0, Op::Intent(intent(f.campaign, *lead, n as u64 + 1, 1))).unwrap();
    }
    f.store.flush().unwrap();
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let page = f.store.attempts(TENANT, Filter { after, limit: 7, ..Filter::default() }).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.intent.attempt.0);
        ids.extend(page.iter().map(|row| row.intent.attempt.0));
    }
    assert_eq!(ids, (1..=30).collect::<Vec<u64>>());
    let window = Filter { from: Some(at(5_000_000)), to: Some(at(8_000_000)), ..Filter::default() };
    assert_eq!(f.store.attempts(TENANT, window).unwrap().len(), 3);
    let other = Filter { campaign: Some(CampaignId(f.campaign.0 + 1)), ..Filter::default() };
    assert!(f.store.attempts(TENANT, other).unwrap().is_empty());
    assert!(f.store.attempts(TenantId(2), Filter::default()).unwrap().is_empty());
    assert_eq!(f.store.leads(TENANT, f.list, Some(f.leads[27]), 0).unwrap().len(), 2);
}

fn a_number_dialled_twice_too_soon_is_found(on: Backend) {
    let f = fixture(on, 2);
    let second_list = f.store.create_list(TENANT, "again", at(0)).unwrap();
    f.store.import_leads(TENANT, second_list, new_leads(0..1), at(0)).unwrap();
    let same_number = f.store.leads(TENANT, second_list, None, 0).unwrap()[0].lead;
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    write(&f, Op::Intent(intent(f.campaign, f.leads[1], 2, 1))).unwrap();
    assert!(f.store.double_dials(TENANT, Duration::from_secs(3_600)).unwrap().is_empty());
    write(&f, Op::AttemptClose(close(1, 3_500_000), None)).unwrap();
    // Decided at 3 s, while the first attempt still ran (until 3.5 s).
    let again = AttemptIntentRow { number: number(0), ..intent(f.campaign, same_number, 3, 1) };
    write(&f, Op::Intent(again)).unwrap();
    let pair = DoubleDial { number: number(0), first: AttemptId(1), second: AttemptId(3), gap_us: 2_000_000 };
    assert_eq!(f.store.double_dials(TENANT, Duration::from_secs(3_600)).unwrap(), vec![pair.clone()]);
    assert_eq!(f.store.double_dials(TENANT, Duration::ZERO).unwrap(), vec![pair]);
}

fn call_backs_are_due_until_they_are_done(on: Backend) {
    let f = fixture(on, 2);
    let row = |due| CallbackRow {
        tenant: TENANT,
        lead: f.leads[0],
        campaign: f.campaign,
        agent: Some(AgentId(1)),
        due_at: at(due),
        note: None,
        at: at(0),
    };
    write(&f, Op::Callback(row(50))).unwrap();
    write(&f, Op::Callback(row(40))).unwrap();
    let due = f.store.callbacks_due(TENANT, at(60), 0).unwrap();
    assert_eq!(due.iter().map(|callback| callback.due_at).collect::<Vec<_>>(), [at(40), at(50)]);
    let promised = |campaign, leads: &[LeadId]| f.store.promises(TENANT, campaign, leads).unwrap().len();
    assert_eq!(promised(f.campaign, &[]), 2);
    assert_eq!((promised(f.campaign, &f.leads[..1]), promised(f.campaign, &f.leads[1..2])), (2, 0));
    assert_eq!(promised(CampaignId(99), &[]), 0);
    // A call keeps everything that was promised to its lead.
    let other = CallbackRow { lead: f.leads[1], ..row(45) };
    write(&f, Op::Callback(other)).unwrap();
    write(&f, Op::CallbackDone(CallbackDoneRow { tenant: TENANT, lead: f.leads[0], at: at(61) })).unwrap();
    let left = f.store.callbacks_due(TENANT, at(60), 0).unwrap();
    assert_eq!(left.iter().map(|callback| callback.due_at).collect::<Vec<_>>(), [at(45)]);
    let state = |campaign| CampaignStateRow { tenant: TENANT, campaign, state: "running".to_owned(), at: at(1) };
    write(&f, Op::CampaignState(state(f.campaign))).unwrap();
    assert_eq!(write(&f, Op::CampaignState(state(CampaignId(44)))).unwrap_err().kind, ErrorKind::NotFound);
    let note = DispositionRow {
        tenant: TENANT,
        attempt: None,
        call: Some(CallId(1)),
        agent: Some(AgentId(1)),
        code: "sale".to_owned(),
        person: Some(true),
        note: None,
        at: at(1),
    };
    write(&f, Op::Disposition(note)).unwrap();
}

fn an_import_keeps_the_first_row_of_a_number_and_refuses_rubbish(on: Backend) {
    let f = fixture(on, 10);
    let mut batch = new_leads(5..20);
    batch.push(NewLead { number: number(19), first_name: Some("Late".to_owned()), ..NewLead::default() });
    let imported = f.store.import_leads(TENANT, f.list, batch, at(1)).unwrap();
    assert_eq!(imported, Imported { added: 10, already_there: 6 });
    for bad in ["5551234567", "+0551234567", "+12", "+1555123456789012", "+1555 123", ""] {
        let batch = vec![NewLead { number: bad.to_owned(), ..NewLead::default() }];
        let error = f.store.import_leads(TENANT, f.list, batch, at(1)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Value, "{bad:?}");
    }
    assert_eq!(f.store.counts(TENANT, f.list).unwrap().total, 20);
    let nowhere = f.store.import_leads(TENANT, ListId(99), new_leads(0..1), at(1)).unwrap_err();
    assert_eq!(nowhere.kind, ErrorKind::NotFound);
    assert_eq!(f.store.create_list(TENANT, "people", at(0)).unwrap_err().kind, ErrorKind::Rule);
    assert_eq!(f.store.find_list(TENANT, "people").unwrap(), Some(f.list));
    assert_eq!(f.store.find_list(TENANT, "nobody").unwrap(), None);
    let too_many = f.store.import_leads(TENANT, f.list, new_leads(0..IMPORT_BATCH_MAX + 1), at(1)).unwrap_err();
    assert_eq!(too_many.kind, ErrorKind::Value);
}

fn a_hundred_thousand_leads_are_imported(on: Backend) {
    let f = fixture(on, 0);
    let begun = std::time::Instant::now();
    for batch in 0..10 {
        f.store.import_leads(TENANT, f.list, new_leads(batch * 10_000..(batch + 1) * 10_000), at(1)).unwrap();
    }
    f.store.end_import(TENANT).unwrap();
    println!("{on:?}: {:.0} leads a second", 100_000.0 / begun.elapsed().as_secs_f64());
    assert_eq!(f.store.counts(TENANT, f.list).unwrap().total, 100_000);
}

fn a_blob_opens_with_its_key_alone_and_leaves_no_plain_bytes_on_the_disk(on: Backend) {
    let f = fixture(on, 0);
    let plain = b"the voice of a customer, spoken in confidence".repeat(300);
    let key = BlobKey::new("2026", &[7; 32]);
    let blob = f.store.put_blob(&key, TENANT, "recording", &plain, at(0)).unwrap();
    let same = f.store.put_blob(&key, TENANT, "recording", &plain, at(0)).unwrap();
    assert_eq!(f.store.get_blob(&key, TENANT, blob).unwrap(), plain);
    let wrong = BlobKey::new("2026", &[8; 32]);
    assert_eq!(f.store.get_blob(&wrong, TENANT, blob).unwrap_err().kind, ErrorKind::Sealed);
    let renamed = BlobKey::new("2027", &[7; 32]);
    assert_eq!(f.store.get_blob(&renamed, TENANT, blob).unwrap_err().kind, ErrorKind::Sealed);
    assert_eq!(f.store.get_blob(&key, TenantId(2), blob).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(f.store.get_blob(&key, TENANT, BlobId(99)).unwrap_err().kind, ErrorKind::NotFound);
    outside(&f, "UPDATE blob SET kind = 'consent' WHERE blob_id = 2").unwrap();
    assert_eq!(f.store.get_blob(&key, TENANT, same).unwrap_err().kind, ErrorKind::Sealed);
    // The same bytes under the same key must look different: the nonce is drawn for each.
    outside(
        &f,
        match on {
            Backend::Sqlite => "CREATE UNIQUE INDEX sealed_differ ON blob (sealed)",
            Backend::Postgres => "CREATE UNIQUE INDEX sealed_differ ON blob (md5(sealed))",
        },
    )
    .unwrap();
    assert!(!format!("{key:?}").contains('7'));
    f.store.close().unwrap();
    let Home::Folder(folder) = &f.home else { return };
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(24).any(|window| window == &plain[..24]));
        files += usize::from(bytes.len() > plain.len());
    }
    assert!(files > 0, "the store's file must hold the sealed bytes");
}

on_both! {
    many_ops_share_few_commits_and_keep_their_order
    an_attempt_is_read_back_as_it_was_written
    an_intent_moves_its_lead_in_the_same_commit
    a_lead_keeps_the_number_that_it_has_come_to
    a_store_of_another_schema_is_not_changed_by_a_look
    a_bad_op_fails_alone_and_its_neighbours_are_written
    the_schema_refuses_a_second_attempt_of_the_same_number_by_itself
    records_that_are_proof_cannot_be_changed_or_deleted
    the_latest_suppression_row_of_a_number_decides
    a_cdr_keeps_what_a_bye_needs
    pages_continue_where_they_ended_and_filters_hold
    a_number_dialled_twice_too_soon_is_found
    call_backs_are_due_until_they_are_done
    an_import_keeps_the_first_row_of_a_number_and_refuses_rubbish
    a_hundred_thousand_leads_are_imported
    a_blob_opens_with_its_key_alone_and_leaves_no_plain_bytes_on_the_disk
}
