//! The next leads of a list come in their order, each once, and without a walk through the list.

use super::*;

/// Leads with zones, priorities and segments: lead n (from 1) has zone, priority and segment by the remainders of n - 1.
fn mixed_leads(on: Backend, count: usize) -> Fixture {
    let f = fixture(on, 0);
    let zones = [None, Some("America/New_York"), Some("Europe/Berlin")];
    let leads = (0..count).map(|n| NewLead {
        number: number(n),
        timezone: zones[n % 3].map(str::to_owned),
        priority: (n / 3 % 2) as i64 * 5,
        segment: Some(if n % 20 < 6 { "gold" } else { "trial" }.to_owned()),
        ..NewLead::default()
    });
    f.store.import_leads(TENANT, f.list, leads.collect(), at(0)).unwrap();
    f
}

/// Everything that a walk comes to, with how many questions it took.
fn walked(f: &Fixture, zone: Option<&str>, order: LeadOrder, filter: Option<&str>, limit: u32) -> Vec<LeadRow> {
    let filter = filter.map(|text| LeadExpression::parse(text).unwrap());
    let wanted = Fresh { list: f.list, zone, order, filter: filter.as_ref(), at: at(0) };
    let (mut walk, mut all) = (Walk::default(), Vec::new());
    for _ in 0..10_000 {
        let (leads, on) = f.store.fresh(TENANT, &wanted, walk, limit).unwrap();
        all.extend(leads);
        walk = on;
        if walk.has_ended() {
            return all;
        }
    }
    panic!("the walk has no end");
}

fn ids(leads: &[LeadRow]) -> Vec<u64> {
    leads.iter().map(|lead| lead.lead.0).collect()
}

fn a_walk_comes_to_every_lead_once_in_its_order(on: Backend) {
    let f = mixed_leads(on, 1_200);
    let zones = f.store.fresh_zones(TENANT, f.list).unwrap();
    assert_eq!(zones, [None, Some("America/New_York".to_owned()), Some("Europe/Berlin".to_owned())]);
    for zone in [None, Some("America/New_York"), Some("Europe/Berlin")] {
        let oldest = walked(&f, zone, LeadOrder::Oldest, None, 7);
        assert_eq!(oldest.len(), 400, "{zone:?}");
        assert!(oldest.iter().all(|lead| lead.timezone.as_deref() == zone));
        let keys = |leads: &[LeadRow]| leads.iter().map(|lead| (-lead.priority, lead.lead.0)).collect::<Vec<_>>();
        assert!(keys(&oldest).is_sorted(), "{zone:?}");
        let newest: Vec<(i64, i64)> = walked(&f, zone, LeadOrder::Newest, None, 100)
            .iter()
            .map(|lead| (-lead.priority, -lead.lead.0.cast_signed()))
            .collect();
        assert!(newest.len() == 400 && newest.is_sorted(), "{zone:?}");
        let random = walked(&f, zone, LeadOrder::Random(7), None, 50);
        assert_ne!(ids(&random), ids(&oldest));
        assert_ne!(ids(&random), ids(&walked(&f, zone, LeadOrder::Random(8), None, 50)));
        assert_eq!(ids(&random), ids(&walked(&f, zone, LeadOrder::Random(7), None, 90)), "the seed's own order");
        assert!(random.iter().map(|lead| -lead.priority).is_sorted(), "priority first");
        let sorted = |leads: &[LeadRow]| {
            let mut ids = ids(leads);
            ids.sort_unstable();
            ids
        };
        assert_eq!(sorted(&random), sorted(&oldest));
        for order in [LeadOrder::Oldest, LeadOrder::Newest, LeadOrder::Random(3)] {
            let gold = walked(&f, zone, order, Some("segment = \"gold\""), 11);
            let by_hand = oldest.iter().filter(|lead| lead.segment.as_deref() == Some("gold")).count();
            assert_eq!(gold.len(), by_hand, "{zone:?} {order:?}");
            assert!(gold.iter().all(|lead| lead.segment.as_deref() == Some("gold")));
        }
    }
    assert_eq!(walked(&f, Some("Asia/Tokyo"), LeadOrder::Oldest, None, 7), []);
}

fn a_filter_that_means_few_ends_its_question_in_time(on: Backend) {
    let f = fixture(on, 0);
    for from in [0, 10_000] {
        f.store.import_leads(TENANT, f.list, new_leads(from..from + 10_000), at(0)).unwrap();
    }
    f.store.import_leads(TENANT, f.list, new_leads(20_000..25_000), at(0)).unwrap();
    let filter = LeadExpression::parse("external_id = \"one\"").unwrap();
    outside(&f, "UPDATE lead SET external_id = 'one' WHERE lead_id = 24000").unwrap();
    let wanted = Fresh { list: f.list, zone: None, order: LeadOrder::Oldest, filter: Some(&filter), at: at(0) };
    let (mut walk, mut questions, mut found) = (Walk::default(), 0, Vec::new());
    while !walk.has_ended() {
        let (leads, on) = f.store.fresh(TENANT, &wanted, walk, 100).unwrap();
        found.extend(ids(&leads));
        (walk, questions) = (on, questions + 1);
        assert!(questions < 9);
    }
    assert!(questions >= 3, "{questions}");
    assert_eq!(found, [24_000]);
}

fn due_of<'a>(f: &Fixture, filter: Option<&'a LeadExpression>, before: WallTime) -> Due<'a> {
    Due { list: f.list, filter, at: at(0), before, by: DueBy::Moment }
}

fn leads_that_wait_come_by_the_age_of_their_last_attempt(on: Backend) {
    let f = fixture(on, 10_000);
    f.store.import_leads(TENANT, f.list, new_leads(10_000..10_050), at(0)).unwrap();
    // 10,002 are not due and were tried before all others; of the rest the last two were never dialled.
    let due = at(0).as_unix_us();
    let sql = format!(
        "UPDATE lead SET state = 'waiting', next_at_us = CASE WHEN lead_id <= 10002 THEN {due} + 9 ELSE {due} - 1 END, \
         last_attempt_us = CASE WHEN lead_id > 10048 THEN NULL ELSE 1000 + lead_id - lead_id % 2 * 7 END"
    );
    outside(&f, &sql).unwrap();
    let wanted = Due { by: DueBy::LastAttempt, ..due_of(&f, None, at(0)) };
    let (mut after, mut found, mut questions) = (None, Vec::new(), 0);
    loop {
        let (leads, more) = f.store.due(TENANT, &wanted, after, 10).unwrap();
        found.extend(leads);
        questions += 1;
        after = more;
        if more.is_none() {
            break;
        }
    }
    let order: Vec<(Option<WallTime>, LeadId)> = found.iter().map(|lead| (lead.last_attempt_at, lead.lead)).collect();
    assert!(order.is_sorted() && order.len() == 48, "{order:?}");
    assert_eq!((ids(&found[..2]), order[2].0 > order[1].0), (vec![10_049, 10_050], true));
    assert!(questions > 5, "{questions}: what is not due was passed over, and the pages are small");
}

fn leads_that_a_filter_passes_over_hide_none_behind_them(on: Backend) {
    let f = fixture(on, 10_000);
    f.store.import_leads(TENANT, f.list, new_leads(10_000..12_001), at(0)).unwrap();
    outside(
        &f,
        &format!("UPDATE lead SET state = 'waiting', next_at_us = {} - 1 + lead_id / 12001", at(0).as_unix_us()),
    )
    .unwrap();
    let filter = LeadExpression::parse(&format!("number = \"{}\"", number(12_000))).unwrap();
    let (mut after, mut found, mut questions) = (None, Vec::new(), 0);
    loop {
        let (leads, more) = f.store.due(TENANT, &due_of(&f, Some(&filter), at(1)), after, 0).unwrap();
        found.extend(ids(&leads));
        questions += 1;
        after = more;
        if more.is_none() {
            break;
        }
    }
    assert_eq!((questions, found), (2, vec![12_001]));
}

fn leads_that_wait_come_by_their_moments(on: Backend) {
    let f = fixture(on, 50);
    outside(&f, &format!("UPDATE lead SET state = 'waiting', next_at_us = {} - lead_id % 7", at(0).as_unix_us()))
        .unwrap();
    let due = |filter: Option<&LeadExpression>, before, after, limit| {
        f.store.due(TENANT, &due_of(&f, filter, before), after, limit).unwrap().0
    };
    let all = due(None, at(1), None, 0);
    assert!(all.len() == 50 && all.iter().map(|lead| (lead.next_at, lead.lead)).is_sorted());
    let first = due(None, at(1), None, 20);
    let last = first.last().unwrap();
    let rest = due(None, at(1), Some((last.next_at.unwrap(), last.lead)), 0);
    assert_eq!([ids(&first), ids(&rest)].concat(), ids(&all));
    assert_eq!(due(None, at(-3), None, 0).len(), all.iter().filter(|lead| lead.next_at < Some(at(-3))).count());
    let filter = LeadExpression::parse("number starts \"+15550000001\" or number = \"+15550000040\"").unwrap();
    assert_eq!(due(Some(&filter), at(1), None, 0).len(), 2);
    let (page, more) = f.store.due(TENANT, &due_of(&f, None, at(1)), None, 20).unwrap();
    assert_eq!(more, page.last().map(|lead| (lead.next_at.unwrap(), lead.lead)));
    assert_eq!(f.store.due(TENANT, &due_of(&f, None, at(1)), more, 0).unwrap().1, None);
    assert_eq!(walked(&f, None, LeadOrder::Oldest, None, 9), [], "they were dialled before");
    assert_eq!(ids(&f.store.leads_in(TENANT, f.list, "waiting", Some(LeadId(45)), 3).unwrap()), [46, 47, 48]);
}

on_both! {
    a_walk_comes_to_every_lead_once_in_its_order
    a_filter_that_means_few_ends_its_question_in_time
    leads_that_wait_come_by_their_moments
    leads_that_wait_come_by_the_age_of_their_last_attempt
    leads_that_a_filter_passes_over_hide_none_behind_them
}
