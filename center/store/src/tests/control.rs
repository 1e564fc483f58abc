//! What the control plane keeps.

use super::*;

fn a_campaign_is_made_changed_and_deleted_only_without_records(on: Backend) {
    let f = fixture(on, 1);
    let new = |config: &str, list| NewCampaign {
        name: "autumn".to_owned(),
        config: config.to_owned(),
        config_hash: format!("hash of {config}"),
        list,
    };
    let autumn = f.store.put_campaign(TENANT, &new("{\"a\":1}", None), at(1)).unwrap();
    let state = CampaignStateRow { tenant: TENANT, campaign: autumn, state: "running".to_owned(), at: at(2) };
    write(&f, Op::CampaignState(state)).unwrap();
    assert_eq!(f.store.put_campaign(TENANT, &new("{\"a\":2}", Some(f.list)), at(3)).unwrap(), autumn);
    let rows = f.store.campaigns(TENANT).unwrap();
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["spring", "autumn"]);
    assert_eq!((rows[0].config.as_str(), rows[0].config_hash.as_str(), rows[0].list), ("{}", "", None));
    let row = &rows[1];
    assert_eq!((row.state.as_str(), row.state_changed_at), ("running", at(2)), "settings leave the state alone");
    assert_eq!((row.config.as_str(), row.list), ("{\"a\":2}", Some(f.list)));
    let nowhere = f.store.put_campaign(TENANT, &new("{}", Some(ListId(99))), at(3)).unwrap_err();
    assert_eq!(nowhere.kind, ErrorKind::Rule);

    assert_eq!(f.store.delete_list(TENANT, f.list).unwrap_err().kind, ErrorKind::Rule, "a campaign dials it");
    f.store.delete_campaign(TENANT, autumn).unwrap();
    assert_eq!(f.store.delete_campaign(TENANT, autumn).unwrap_err().kind, ErrorKind::NotFound);
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    assert_eq!(f.store.delete_campaign(TENANT, f.campaign).unwrap_err().kind, ErrorKind::Rule);
    assert!(f.store.campaigns(TenantId(2)).unwrap().is_empty());
}

fn an_agent_keeps_its_id_through_deletion_and_return(on: Backend) {
    let f = fixture(on, 0);
    let new = |name: &str| NewAgent { name: name.to_owned(), config: "{}".to_owned(), config_hash: "h".to_owned() };
    let anna = f.store.put_agent(TENANT, &new("anna"), at(1)).unwrap();
    let ben = f.store.put_agent(TENANT, &new("ben"), at(2)).unwrap();
    f.store.delete_agent(TENANT, anna, at(3)).unwrap();
    assert_eq!(f.store.delete_agent(TENANT, anna, at(4)).unwrap_err().kind, ErrorKind::NotFound);
    let names = |after| f.store.agents(TENANT, after, 0).unwrap().into_iter().map(|row| row.name).collect::<Vec<_>>();
    assert_eq!(names(None), ["ben"]);
    assert_eq!(f.store.put_agent(TENANT, &new("anna"), at(5)).unwrap(), anna);
    assert_eq!(names(None), ["anna", "ben"]);
    assert_eq!(names(Some(anna)), ["ben"]);
    let row = f.store.agents(TENANT, Some(anna), 1).unwrap().remove(0);
    assert_eq!((row.agent, row.created_at, row.config_hash.as_str()), (ben, at(2), "h"));
}

fn lists_are_counted_and_deleted_when_empty(on: Backend) {
    let f = fixture(on, 3);
    let empty = f.store.create_list(TENANT, "empty", at(9)).unwrap();
    write(&f, Op::Intent(intent(f.campaign, f.leads[1], 1, 1))).unwrap();
    let rows = f.store.lists(TENANT).unwrap();
    assert_eq!(rows.iter().map(|row| (row.list, row.counts.total)).collect::<Vec<_>>(), [(f.list, 3), (empty, 0)]);
    assert_eq!(rows[0].counts.by_state, [("dialling".to_owned(), 1), ("new".to_owned(), 2)]);
    assert_eq!((rows[1].name.as_str(), rows[1].created_at), ("empty", at(9)));
    let import = f.store.put_import(TENANT, &new_import(empty), at(1)).unwrap();
    let reject = Reject { line: 2, field: "phone".into(), reason: "r".into(), raw: "x".into() };
    f.store.put_rejects(TENANT, import, &[reject]).unwrap();
    f.store.delete_list(TENANT, empty).unwrap();
    assert_eq!(f.store.import(TENANT, import).unwrap(), None);
    assert_eq!(f.store.delete_list(TENANT, empty).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(f.store.delete_list(TENANT, f.list).unwrap_err().kind, ErrorKind::Rule);
    assert_eq!(f.store.delete_list(TenantId(2), f.list).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(f.store.counts(TENANT, f.list).unwrap().total, 3);
}

fn new_import(list: ListId) -> NewImport {
    let options = Some("{}".to_owned());
    NewImport { list, file_name: "leads.csv".to_owned(), bytes_total: 99, dry_run: true, options }
}

fn leads_are_filtered(on: Backend) {
    let f = fixture(on, 5);
    write(&f, Op::Intent(intent(f.campaign, f.leads[1], 1, 1))).unwrap();
    let ids = |filter| f.store.leads_page(TENANT, filter).unwrap().iter().map(|row| row.lead).collect::<Vec<_>>();
    assert_eq!(ids(LeadFilter::default()), f.leads);
    assert_eq!(ids(LeadFilter { state: Some("dialling".to_owned()), ..LeadFilter::default() }), [f.leads[1]]);
    assert_eq!(ids(LeadFilter { number: Some(number(2)), list: Some(f.list), ..LeadFilter::default() }), [f.leads[2]]);
    assert_eq!(ids(LeadFilter { after: Some(f.leads[2]), limit: 1, ..LeadFilter::default() }), [f.leads[3]]);
    assert!(ids(LeadFilter { list: Some(ListId(99)), ..LeadFilter::default() }).is_empty());
    assert!(f.store.leads(TenantId(2), f.list, None, 0).unwrap().is_empty(), "another tenant's list");
    let foreign = f.store.import_leads(TenantId(2), f.list, new_leads(7..8), at(0)).unwrap_err();
    assert_eq!(foreign.kind, ErrorKind::NotFound);
}

fn attempts_and_cdrs_are_filtered_both_ways_round(on: Backend) {
    let f = fixture(on, 4);
    for n in 0..4 {
        write(&f, Op::Intent(intent(f.campaign, f.leads[n], n as u64 + 1, 1))).unwrap();
        write(&f, Op::CdrOpen(CdrOpenRow { campaign: Some(f.campaign), ..cdr(n as u64 + 11, Some(n as u64 + 1)) }))
            .unwrap();
    }
    write(&f, Op::AttemptClose(close(2, 9), None)).unwrap();
    let second_list = f.store.create_list(TENANT, "again", at(0)).unwrap();
    let attempts =
        |filter| f.store.attempts(TENANT, filter).unwrap().iter().map(|row| row.intent.attempt.0).collect::<Vec<_>>();
    let cdrs = |filter| f.store.cdrs(TENANT, filter).unwrap().iter().map(|row| row.open.call.0).collect::<Vec<_>>();
    let newest = Filter { newest_first: true, limit: 2, ..Filter::default() };
    assert_eq!(attempts(newest.clone()), [4, 3]);
    assert_eq!(attempts(Filter { after: Some(3), ..newest.clone() }), [2, 1]);
    assert_eq!(cdrs(Filter { after: Some(13), ..newest }), [12, 11]);
    let human = Filter { outcome: Some("human".to_owned()), ..Filter::default() };
    assert_eq!((attempts(human.clone()), cdrs(human)), (vec![2], vec![12]));
    let agent = Filter { agent: Some(AgentId(3)), ..Filter::default() };
    assert_eq!((attempts(agent.clone()), cdrs(agent)), (vec![2], vec![]), "a CDR knows its agent at its close");
    let lead = Filter { lead: Some(f.leads[2]), ..Filter::default() };
    assert_eq!((attempts(lead.clone()), cdrs(lead)), (vec![3], vec![13]));
    for (list, found) in [(f.list, 4), (second_list, 0)] {
        let filter = Filter { list: Some(list), campaign: Some(f.campaign), ..Filter::default() };
        assert_eq!((attempts(filter.clone()).len(), cdrs(filter).len()), (found, found));
    }
}

fn a_token_opens_until_it_is_revoked(on: Backend) {
    let f = fixture(on, 0);
    let new = NewToken { name: "ci".to_owned(), role: "admin".to_owned(), hash: "ab".repeat(32) };
    let token = f.store.put_token(TENANT, &new, at(1)).unwrap();
    assert_eq!(f.store.put_token(TENANT, &new, at(1)).unwrap_err().kind, ErrorKind::Rule, "the hash is unique");
    let row = f.store.token_by_hash(&new.hash).unwrap().unwrap();
    assert_eq!((row.token, row.tenant, row.role.as_str(), row.last_used_at), (token, TENANT, "admin", None));
    assert_eq!(f.store.token_by_hash("cd").unwrap(), None);
    f.store.touch_token(TENANT, token, at(2)).unwrap();
    f.store.revoke_token(TENANT, token, at(3)).unwrap();
    assert_eq!(f.store.revoke_token(TENANT, token, at(4)).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(f.store.token_by_hash(&new.hash).unwrap(), None);
    let rows = f.store.tokens(TENANT).unwrap();
    assert_eq!((rows[0].last_used_at, rows[0].revoked_at), (Some(at(2)), Some(at(3))));
}

fn an_idempotent_request_gets_its_first_answer(on: Backend) {
    let f = fixture(on, 0);
    let answer = |body: &str, us| IdempotentAnswer {
        request_hash: "r".to_owned(),
        status: 201,
        body: body.to_owned(),
        created_at: at(us),
    };
    let token = TokenId(7);
    assert_eq!(f.store.idempotency_get(TENANT, token, "k").unwrap(), None);
    assert!(f.store.idempotency_put(TENANT, token, "k", &answer("one", 1)).unwrap());
    assert!(!f.store.idempotency_put(TENANT, token, "k", &answer("two", 2)).unwrap());
    assert!(f.store.idempotency_put(TENANT, TokenId(8), "k", &answer("other", 5)).unwrap());
    assert_eq!(f.store.idempotency_get(TENANT, token, "k").unwrap(), Some(answer("one", 1)));
    let long = answer(&"x".repeat(IDEMPOTENT_BODY_BYTES_MAX + 1), 1);
    assert_eq!(f.store.idempotency_put(TENANT, token, "l", &long).unwrap_err().kind, ErrorKind::Value);
    assert_eq!(f.store.idempotency_sweep(at(5)).unwrap(), 1);
    assert_eq!(f.store.idempotency_get(TENANT, token, "k").unwrap(), None);
    assert!(f.store.idempotency_get(TENANT, TokenId(8), "k").unwrap().is_some());
}

fn an_import_shows_its_progress_and_keeps_a_bounded_number_of_rejects(on: Backend) {
    let f = fixture(on, 0);
    let import = f.store.put_import(TENANT, &new_import(f.list), at(1)).unwrap();
    let row = f.store.import(TENANT, import).unwrap().unwrap();
    assert_eq!((row.progress, row.new, row.started_at), (ImportProgress::default(), new_import(f.list), at(1)));
    let done = ImportProgress {
        state: "done".to_owned(),
        bytes: 99,
        reasons: "{\"no number\":1}".to_owned(),
        lines: 5,
        accepted: 3,
        rejected: 1,
        duplicates: 1,
        ended_at: Some(at(2)),
        error: None,
    };
    f.store.update_import(TENANT, import, &done).unwrap();
    assert_eq!(f.store.import(TENANT, import).unwrap().unwrap().progress, done);
    assert_eq!(f.store.update_import(TENANT, ImportId(99), &done).unwrap_err().kind, ErrorKind::NotFound);
    let second = f.store.put_import(TENANT, &new_import(f.list), at(3)).unwrap();
    let names =
        |before| f.store.imports(TENANT, before, 0).unwrap().into_iter().map(|row| row.import).collect::<Vec<_>>();
    assert_eq!((names(None), names(Some(second))), (vec![second, import], vec![import]));

    let raw = format!("{}\0é", "x".repeat(REJECT_RAW_BYTES_MAX - 2));
    let line = |line| Reject { line, field: "phone".to_owned(), reason: "no number".to_owned(), raw: raw.clone() };
    assert_eq!(f.store.put_rejects(TENANT, import, &[]).unwrap(), 0);
    assert_eq!(f.store.put_rejects(TENANT, import, &[line(2), line(3)]).unwrap(), 2);
    let kept = f.store.rejects(TENANT, import, (2, u64::MAX >> 1), 0).unwrap();
    assert_eq!((kept.len(), kept[0].1.line), (1, 3));
    assert!(kept[0].1.raw.ends_with("x\u{fffd}"), "cut before the é, without NUL");
    // A file can hold several rows that begin on one line.
    let crowded = f.store.put_import(TENANT, &new_import(f.list), at(4)).unwrap();
    f.store.put_rejects(TENANT, crowded, &[line(1), line(1), line(1)]).unwrap();
    let (mut pages, mut after) = (Vec::new(), (0, 0));
    while let Some((id, reject)) = f.store.rejects(TENANT, crowded, after, 1).unwrap().pop() {
        after = (reject.line, id);
        pages.push(after);
    }
    assert_eq!(pages.len(), 3, "{pages:?}");
    // All but three places are taken.
    let fill = format!(
        "INSERT INTO import_reject (tenant_id, import_id, line, reason, raw) \
         WITH RECURSIVE n (line) AS (SELECT 10 UNION ALL SELECT line + 1 FROM n WHERE line < {REJECTS_MAX} + 4) \
         SELECT 1, {}, line, 'r', '' FROM n",
        import.0
    );
    outside(&f, &fill).unwrap();
    let lines: Vec<Reject> = (0..REJECTS_BATCH_MAX as u64).map(|n| line(REJECTS_MAX + 10 + n)).collect();
    assert_eq!(f.store.put_rejects(TENANT, import, &lines).unwrap(), 3);
    assert_eq!(f.store.put_rejects(TENANT, import, &lines).unwrap(), 0);
    let last = f.store.rejects(TENANT, import, (REJECTS_MAX, 0), 0).unwrap();
    assert_eq!(last.last().unwrap().1.line, REJECTS_MAX + 12);
    let too_many = vec![line(1); REJECTS_BATCH_MAX + 1];
    assert_eq!(f.store.put_rejects(TENANT, import, &too_many).unwrap_err().kind, ErrorKind::Value);
}

fn a_trunk_keeps_its_id_and_its_password_sealed(on: Backend) {
    let f = fixture(on, 0);
    let key = BlobKey::new("k", &[7; 32]);
    let secret = key.seal(TENANT, "trunk carrier", b"s3cret").unwrap();
    assert!(!secret.windows(6).any(|part| part == b"s3cret"));
    let new = |config: &str, secret: &[u8]| NewTrunk {
        name: "carrier".to_owned(),
        config: config.to_owned(),
        config_hash: String::new(),
        secret: secret.to_vec(),
    };
    let trunk = f.store.put_trunk(TENANT, &new("{}", &secret), at(1)).unwrap();
    let row = f.store.trunks(TENANT).unwrap().remove(0);
    assert_eq!((row.trunk, row.name.as_str()), (trunk, "carrier"));
    assert_eq!(key.open(TENANT, "trunk carrier", &row.secret).unwrap(), b"s3cret");
    for (key, tenant, kind) in [
        (BlobKey::new("k", &[8; 32]), TENANT, "trunk carrier"),
        (key.clone(), TenantId(2), "trunk carrier"),
        (key.clone(), TENANT, "trunk other"),
    ] {
        assert_eq!(key.open(tenant, kind, &row.secret).unwrap_err().kind, ErrorKind::Sealed);
    }
    assert_eq!(key.open(TENANT, "trunk carrier", b"short").unwrap_err().kind, ErrorKind::Sealed);
    assert_eq!(f.store.put_trunk(TENANT, &new("{\"a\":1}", b""), at(2)).unwrap(), trunk);
    assert!(f.store.trunks(TENANT).unwrap()[0].secret.is_empty() && f.store.trunks(TenantId(2)).unwrap().is_empty());
    f.store.delete_trunk(TENANT, trunk).unwrap();
    assert_eq!(f.store.delete_trunk(TENANT, trunk).unwrap_err().kind, ErrorKind::NotFound);
}

fn a_setting_is_what_was_set_last(on: Backend) {
    let f = fixture(on, 0);
    let setting = |value: &str| SettingRow { value: value.to_owned(), file_hash: "h".to_owned() };
    assert_eq!(f.store.setting(TENANT, "routes").unwrap(), None);
    for value in ["[]", "[1]"] {
        f.store.put_setting(TENANT, "routes", &setting(value), at(1)).unwrap();
        assert_eq!(f.store.setting(TENANT, "routes").unwrap(), Some(setting(value)));
    }
    assert_eq!(f.store.setting(TenantId(2), "routes").unwrap(), None);
}

fn the_audit_log_only_grows(on: Backend) {
    let f = fixture(on, 0);
    let entry = |action: &str| AuditRow {
        tenant: TENANT,
        at: at(1),
        who: "token ci".to_owned(),
        action: action.to_owned(),
        target: "spring".to_owned(),
        detail: "{}".to_owned(),
    };
    write(&f, Op::Audit(entry("campaign.start"))).unwrap();
    write(&f, Op::Audit(entry("campaign.stop"))).unwrap();
    let page = f.store.audit(TENANT, &AuditFilter::default()).unwrap();
    assert_eq!(page, [(1, entry("campaign.start")), (2, entry("campaign.stop"))]);
    assert_eq!(f.store.audit(TENANT, &AuditFilter { after: Some(1), ..AuditFilter::default() }).unwrap(), page[1..]);
    for sql in ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"] {
        assert!(outside(&f, sql).unwrap_err().contains("append-only"), "{sql}");
    }
}

fn the_audit_log_is_filtered_and_turned_round(on: Backend) {
    let f = fixture(on, 0);
    let rows = [
        ("ann", "/api/v1/campaigns/Spring_1", 10),
        ("bob", "/api/v1/campaigns/spring-2", 20),
        ("ann", "/api/v1/agents/50%", 30),
    ];
    for (who, target, us) in rows {
        let row = AuditRow {
            tenant: TENANT,
            at: at(us),
            who: who.to_owned(),
            action: "PATCH".to_owned(),
            target: target.to_owned(),
            detail: "{}".to_owned(),
        };
        write(&f, Op::Audit(row)).unwrap();
    }
    let text = |text: &str| Some(text.to_owned());
    let ids = |filter: AuditFilter| -> Vec<u64> {
        f.store.audit(TENANT, &filter).unwrap().into_iter().map(|(id, _)| id).collect()
    };
    let all = AuditFilter { newest_first: true, ..AuditFilter::default() };
    assert_eq!(ids(all.clone()), [3, 2, 1]);
    assert_eq!(ids(AuditFilter { after: Some(3), limit: 1, ..all.clone() }), [2]);
    assert_eq!(ids(AuditFilter { who: text("An"), ..all.clone() }), [3, 1]);
    assert_eq!(ids(AuditFilter { target: text("SPRING"), ..AuditFilter::default() }), [1, 2]);
    // The signs of patterns stand for themselves.
    for (part, found) in [("g_1", vec![1]), ("g_2", vec![]), ("0%", vec![3]), ("%", vec![3]), ("\\", vec![])] {
        assert_eq!(ids(AuditFilter { target: text(part), ..all.clone() }), found, "{part}");
    }
    assert_eq!(ids(AuditFilter { from: Some(at(20)), to: Some(at(30)), ..all }), [2]);
}

fn the_latest_consent_of_each_number_is_given_in_pages(on: Backend) {
    let f = fixture(on, 0);
    let row = |n, action, scope: &str, us| ConsentRow {
        tenant: TENANT,
        number: number(n),
        action,
        scope: scope.to_owned(),
        source: "form".to_owned(),
        proof: None,
        at: at(us),
    };
    for row in [
        row(2, Action::Add, "marketing", 1),
        row(1, Action::Add, "marketing", 2),
        row(1, Action::Lift, "marketing", 3),
        row(3, Action::Add, "service", 4),
        row(4, Action::Add, "marketing", 5),
    ] {
        write(&f, Op::Consent(row)).unwrap();
    }
    let page = |after: Option<String>, limit| {
        let rows = f.store.consents(TENANT, "marketing", after.as_deref(), limit).unwrap();
        rows.into_iter().map(|(id, row)| (id, row.number, row.action)).collect::<Vec<_>>()
    };
    let all = [(3, number(1), Action::Lift), (1, number(2), Action::Add), (5, number(4), Action::Add)];
    assert_eq!(page(None, 0), all);
    assert_eq!(page(None, 2), all[..2]);
    assert_eq!(page(Some(number(2)), 2), all[2..]);
}

fn texts_that_one_of_the_databases_cannot_hold_are_refused_by_both(on: Backend) {
    let f = fixture(on, 1);
    let row = AttemptIntentRow { why: "a\0b".to_owned(), ..intent(f.campaign, f.leads[0], 1, 1) };
    assert_eq!(write(&f, Op::Intent(row)).unwrap_err().kind, ErrorKind::Value);
    assert_eq!(f.store.create_list(TENANT, "nul\0", at(0)).unwrap_err().kind, ErrorKind::Value);
}

fn a_login_waits_neither_for_imports_nor_for_reports(on: Backend) {
    let f = fixture(on, 0);
    let token = NewToken { name: "ci".to_owned(), role: "admin".to_owned(), hash: "h".to_owned() };
    let token = f.store.put_token(TENANT, &token, at(1)).unwrap();
    std::thread::scope(|scope| {
        let mut ends = Vec::new();
        for lane in [&f.store.imports, &f.store.reports] {
            let (begun, has_begun) = std::sync::mpsc::channel();
            let (end, ended) = tokio::sync::oneshot::channel::<()>();
            let work = scope.spawn(move || {
                lane.call(async move |_| {
                    begun.send(()).unwrap();
                    // Whoever waits for this lane is found out when its patience ends.
                    Ok(tokio::time::timeout(std::time::Duration::from_secs(30), ended).await.is_ok())
                })
            });
            has_begun.recv().unwrap();
            ends.push((end, work));
        }
        let login = NewLogin { of: LoginOf::Token(token), password: None, hash: "l".to_owned(), client: String::new() };
        let login = f.store.put_login(TENANT, &login, at(2)).unwrap();
        f.store.touch_login(TENANT, login, at(3)).unwrap();
        f.store.touch_token(TENANT, token, at(3)).unwrap();
        assert_eq!(f.store.login_by_hash("l").unwrap().unwrap().login, login);
        for (end, work) in ends {
            assert!(end.send(()).is_ok(), "the login waited");
            assert!(work.join().unwrap().unwrap());
        }
    });
}

fn the_planners_figures_are_taken_after_large_imports_alone(on: Backend) {
    let f = fixture(on, 10);
    let taken = match on {
        Backend::Sqlite => "SELECT * FROM sqlite_stat1",
        Backend::Postgres => {
            "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_stats WHERE tablename = 'lead') \
             THEN RAISE EXCEPTION 'none'; END IF; END $$"
        }
    };
    f.store.end_import(TENANT).unwrap();
    assert!(outside(&f, taken).is_err());
    f.store.import_leads(TENANT, f.list, new_leads(10..1_010), at(0)).unwrap();
    f.store.end_import(TENANT).unwrap();
    outside(&f, taken).unwrap();
}

fn a_campaign_may_name_two_thousand_agents(on: Backend) {
    let f = fixture(on, 0);
    let agents: Vec<String> = (0..2_000).map(|n| format!("{n:064}")).collect();
    let campaign = |config: String| NewCampaign { name: "large".to_owned(), config, ..NewCampaign::default() };
    let config = serde_json::json!({ "agents": agents }).to_string();
    f.store.put_campaign(TENANT, &campaign(config.clone()), at(1)).unwrap();
    let kept = f.store.campaigns(TENANT).unwrap().into_iter().find(|row| row.name == "large").unwrap();
    assert_eq!(kept.config, config);
    let endless = campaign("x".repeat(CAMPAIGN_CONFIG_BYTES_MAX + 1));
    assert_eq!(f.store.put_campaign(TENANT, &endless, at(1)).unwrap_err().kind, ErrorKind::Value);
}

on_both! {
    a_login_waits_neither_for_imports_nor_for_reports
    the_planners_figures_are_taken_after_large_imports_alone
    a_campaign_may_name_two_thousand_agents
    a_campaign_is_made_changed_and_deleted_only_without_records
    an_agent_keeps_its_id_through_deletion_and_return
    lists_are_counted_and_deleted_when_empty
    leads_are_filtered
    attempts_and_cdrs_are_filtered_both_ways_round
    a_token_opens_until_it_is_revoked
    an_idempotent_request_gets_its_first_answer
    an_import_shows_its_progress_and_keeps_a_bounded_number_of_rejects
    a_trunk_keeps_its_id_and_its_password_sealed
    a_setting_is_what_was_set_last
    the_audit_log_only_grows
    the_audit_log_is_filtered_and_turned_round
    the_latest_consent_of_each_number_is_given_in_pages
    texts_that_one_of_the_databases_cannot_hold_are_refused_by_both
}
