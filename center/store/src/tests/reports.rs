//! What came of a campaign, counted by the database.

use super::*;

const HOUR_US: i64 = 3_600_000_000;

fn span(campaign: CampaignId) -> ReportSpan {
    ReportSpan { campaign, from: None, to: None }
}

fn a_report_counts_every_table(on: Backend) {
    let f = fixture(on, 4);
    let brought = "timezone = 'Europe/Berlin', segment = 'gold', region = 'BE'";
    outside(&f, &format!("UPDATE lead SET {brought} WHERE lead_id = 2")).unwrap();
    let hour = |n: i64| at(n * HOUR_US).as_unix_us() / HOUR_US * HOUR_US;
    // Attempts 1 and 2 in one hour, 3 in the next, 4 open.
    for (n, hours) in [(1, 0), (2, 0), (3, 1), (4, 1)] {
        let row = AttemptIntentRow {
            at: at(hours * HOUR_US),
            trunk: if n == 2 { "other".to_owned() } else { "carrier".to_owned() },
            ..intent(f.campaign, f.leads[n as usize - 1], n, 1)
        };
        write(&f, Op::Intent(row)).unwrap();
    }
    let ended = |n: u64, outcome: &str, counted_as: &str, talk_s: Option<i64>| AttemptCloseRow {
        outcome: outcome.to_owned(),
        counted_as: counted_as.to_owned(),
        agent: talk_s.map(|_| AgentId(3)),
        answered_at: (outcome != "busy").then(|| at(1)),
        connected_at: talk_s.map(|_| at(5)),
        ended_at: at(5 + talk_s.unwrap_or(0) * 1_000_000 + 999_999),
        ..close(n, 9)
    };
    write(&f, Op::AttemptClose(ended(1, "connected", "connected", Some(61)), None)).unwrap();
    write(&f, Op::AttemptClose(ended(2, "machine", "nothing", None), None)).unwrap();
    write(&f, Op::AttemptClose(ended(3, "busy", "nothing", None), None)).unwrap();
    for code in ["sale", "sale", "callback"] {
        let row = DispositionRow {
            tenant: TENANT,
            attempt: Some(AttemptId(1)),
            call: None,
            agent: None,
            code: code.to_owned(),
            person: None,
            note: None,
            at: at(1),
        };
        write(&f, Op::Disposition(row)).unwrap();
    }
    let report = f.store.report(TENANT, span(f.campaign), &[]).unwrap();
    let all = Tallies { attempts: 4, open: 1, answered: 2, connected: 1, abandoned: 0, machines: 1, talk_s: 61 };
    assert_eq!(report.total, all);
    let outcomes = [("busy".to_owned(), 1), ("connected".to_owned(), 1), ("machine".to_owned(), 1)];
    assert_eq!(report.outcomes, outcomes);
    let hours: Vec<_> = report.hours.iter().map(|(at, sums)| (at.as_unix_us(), sums.attempts, sums.talk_s)).collect();
    assert_eq!(hours, [(hour(0), 2, 61), (hour(1), 2, 0)]);
    let counts =
        |table: &[(String, Tallies)]| table.iter().map(|(key, sums)| (key.clone(), sums.attempts)).collect::<Vec<_>>();
    assert_eq!(counts(&report.by_trunk), [("carrier".to_owned(), 3), ("other".to_owned(), 1)]);
    assert_eq!(report.by_attempt_number, [(1, all)]);
    for (table, said) in
        [(&report.by_timezone, "Europe/Berlin"), (&report.by_segment, "gold"), (&report.by_region, "BE")]
    {
        let parts: Vec<_> = table.iter().map(|(part, sums)| (part.as_deref(), sums.attempts)).collect();
        assert_eq!(parts, [(None, 3), (Some(said), 1)]);
    }
    assert_eq!(report.by_list, [(f.list, all)]);
    assert_eq!(report.by_agent.iter().map(|(agent, sums)| (agent.0, sums.talk_s)).collect::<Vec<_>>(), [(3, 61)]);
    assert_eq!(report.dispositions, [("callback".to_owned(), 1), ("sale".to_owned(), 2)]);

    let later = ReportSpan { from: Some(at(HOUR_US)), ..span(f.campaign) };
    assert_eq!(f.store.report(TENANT, later, &[]).unwrap().total.attempts, 2);
    let earlier = ReportSpan { to: Some(at(HOUR_US)), ..span(f.campaign) };
    assert_eq!(f.store.report(TENANT, earlier, &[]).unwrap().total.attempts, 2);
    assert_eq!(f.store.report(TenantId(2), span(f.campaign), &[]).unwrap(), ReportRows::default());
    assert_eq!(f.store.report(TENANT, span(CampaignId(99)), &[]).unwrap(), ReportRows::default());
}

fn calls_are_billed_as_their_trunk_counts(on: Backend) {
    let f = fixture(on, 1);
    let call = |n: u64, trunk: Option<&str>, length_us: Option<i64>| {
        let open = CdrOpenRow { campaign: Some(f.campaign), trunk: trunk.map(str::to_owned), ..cdr(n, None) };
        write(&f, Op::CdrOpen(open)).unwrap();
        if let Some(length_us) = length_us {
            let close = CdrCloseRow {
                tenant: TENANT,
                call: CallId(n),
                agent: None,
                connected_at: None,
                ended_at: at(5 + length_us),
                cause_whose: "callee".to_owned(),
                cause_code: None,
                media: None,
                timeline: None,
            };
            write(&f, Op::CdrClose(close)).unwrap();
        }
    };
    let second = 1_000_000;
    // 30/6: 30, 30, 36, 42; whole minutes: 60, 120; by the second: 1, 1.
    for (n, length_us) in [(1, second), (2, 30 * second), (3, 30 * second + 1), (4, 37 * second)] {
        call(n, Some("thirty"), Some(length_us));
    }
    call(5, Some("minutes"), Some(0));
    call(6, Some("minutes"), Some(61 * second));
    call(7, Some("plain"), Some(1));
    call(8, None, Some(second));
    call(9, Some("plain"), None);
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    let lost = CdrRebuildRow {
        tenant: TENANT,
        call: CallId(10),
        attempt: AttemptId(1),
        campaign: f.campaign,
        caller: String::new(),
        callee: number(0),
        trunk: "plain".to_owned(),
        at: at(5),
    };
    write(&f, Op::RebuildCdr(lost)).unwrap();
    let rules = [
        ("minutes".to_owned(), Billing { first_s: 60, step_s: 60 }),
        ("thirty".to_owned(), Billing { first_s: 30, step_s: 6 }),
    ];
    let mut billed = f.store.report(TENANT, span(f.campaign), &rules).unwrap().calls;
    billed.sort_by(|a, b| a.trunk.cmp(&b.trunk));
    let of = |trunk: Option<&str>, calls, billed_s, unknown| BilledCalls {
        trunk: trunk.map(str::to_owned),
        calls,
        billed_s,
        unknown,
    };
    assert_eq!(
        billed,
        [of(None, 1, 1, 0), of(Some("minutes"), 2, 180, 0), of(Some("plain"), 1, 1, 1), of(Some("thirty"), 4, 138, 0)]
    );
    let none = ReportSpan { from: Some(at(6)), ..span(f.campaign) };
    assert!(f.store.report(TENANT, none, &[]).unwrap().calls.is_empty());
}

fn records_are_filtered_by_front_and_trunk(on: Backend) {
    let f = fixture(on, 4);
    for n in 0..4 {
        let trunk = if n % 2 == 0 { "even" } else { "odd" };
        let row = AttemptIntentRow { trunk: trunk.to_owned(), ..intent(f.campaign, f.leads[n], n as u64 + 1, 1) };
        write(&f, Op::Intent(row)).unwrap();
        let open = CdrOpenRow { trunk: Some(trunk.to_owned()), callee: number(n), ..cdr(n as u64 + 11, None) };
        write(&f, Op::CdrOpen(open)).unwrap();
    }
    let attempts =
        |filter| f.store.attempts(TENANT, filter).unwrap().iter().map(|row| row.intent.attempt.0).collect::<Vec<_>>();
    let cdrs = |filter| f.store.cdrs(TENANT, filter).unwrap().iter().map(|row| row.open.call.0).collect::<Vec<_>>();
    let by_number = |front: &str| Filter { number: Some(front.to_owned()), newest_first: true, ..Filter::default() };
    for (front, found) in
        [("+1", 4), ("+1555", 4), ("+1555000000", 4), ("+15550000002", 1), ("+2", 0), ("+155500000021", 0)]
    {
        assert_eq!(attempts(by_number(front)).len(), found, "{front}");
    }
    assert_eq!(attempts(by_number("+1555")), [4, 3, 2, 1]);
    assert_eq!(cdrs(by_number("+15550000002")), [13]);
    assert_eq!(cdrs(by_number("+1555000000")).len(), 4, "as caller");
    let odd = Filter { trunk: Some("odd".to_owned()), ..Filter::default() };
    assert_eq!((attempts(odd.clone()), cdrs(odd)), (vec![2, 4], vec![12, 14]));
}

on_both! {
    a_report_counts_every_table
    calls_are_billed_as_their_trunk_counts
    records_are_filtered_by_front_and_trunk
}
