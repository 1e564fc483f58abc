use super::*;
use base::AttemptId;
use store::{Action, ConsentRow, ContactQuery, LeadRow, NewLead, Op, ScreenKind};

fn source(list: ListId) -> Source {
    Source {
        list,
        mix: Vec::new(),
        filter: None,
        order: LeadOrder::Oldest,
        next_numbers: false,
        scope: None,
        zone: "America/New_York".to_owned(),
        profile: Profile::lab(),
    }
}

fn with_store<T>(work: impl FnOnce(&Store, TenantId) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let (store, _acks) = Store::open(&format!("sqlite:{}", folder.path().join("a.db").display())).unwrap();
    work(&store, TenantId::DEFAULT)
}

fn number(n: usize) -> String {
    format!("+1212{:07}", 5_550_000 + n)
}

fn fill(store: &Store, tenant: TenantId, name: &str, leads: impl Iterator<Item = NewLead>) -> ListId {
    let list = store.create_list(tenant, name, AT).unwrap();
    store.import_leads(tenant, list, leads.collect(), AT).unwrap();
    list
}

/// Noon in New York in March.
const AT: WallTime = WallTime::from_unix_us(1_772_643_600_000_000);

/// Asks until `count` leads are there or nothing comes; what was brought is held.
fn ask(walks: &mut Walks, store: &Store, source: &Source, held: &mut Vec<LeadId>, limit: u32) -> (Vec<LeadRow>, Left) {
    let question = Question {
        campaign: CampaignId(1),
        generation: 1,
        source: Arc::new(source.clone()),
        limit,
        at: AT,
        held: held.clone(),
        number: None,
    };
    let (rows, left) = walks.next(store, TenantId::DEFAULT, &question).unwrap();
    held.extend(rows.iter().map(|row| row.lead));
    held.sort_unstable();
    (rows, left)
}

#[test]
fn lists_are_mixed_by_their_weights_and_one_that_ends_leaves_its_share() {
    with_store(|store, tenant| {
        let lead = |n| NewLead { number: number(n), ..NewLead::default() };
        let one = fill(store, tenant, "one", (0..3_000).map(lead));
        let gold = fill(store, tenant, "gold", (3_000..3_600).map(lead));
        // Also on the other list, where it was dialled.
        store.import_leads(tenant, gold, vec![lead(7)], AT).unwrap();
        let mix = vec![("gold".to_owned(), 3), ("nobody".to_owned(), 5)];
        let (mut walks, mut held) = (Walks::default(), Vec::new());
        let source = Source { mix, ..source(one) };
        let (rows, left) = ask(&mut walks, store, &source, &mut held, 400);
        assert_eq!((rows.len(), left), (400, Left::More));
        for part in rows.chunks(4) {
            assert_eq!(part.iter().filter(|row| row.list == gold).count(), 3);
        }
        // The rest: each lead once, to the end.
        let mut all: Vec<LeadId> = rows.iter().map(|row| row.lead).collect();
        let mut last = left;
        for _ in 0..20 {
            let (rows, left) = ask(&mut walks, store, &source, &mut held, 1_000);
            all.extend(rows.iter().map(|row| row.lead));
            last = left;
            if rows.is_empty() {
                break;
            }
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((count, all.len(), last), (3_601, 3_601, Left::Nothing));
    });
}

/// A question of a campaign that holds these.
fn question(campaign: u64, source: &Source, held: &[LeadId], limit: u32) -> Question {
    let (source, held) = (Arc::new(source.clone()), held.to_vec());
    Question { campaign: CampaignId(campaign), generation: 1, source, limit, at: AT, held, number: None }
}

fn ids(rows: &[LeadRow]) -> Vec<LeadId> {
    rows.iter().map(|row| row.lead).collect()
}

#[test]
fn of_campaigns_on_one_list_each_lead_is_in_one_hand() {
    with_store(|store, tenant| {
        let lead = |n| NewLead { number: number(n), ..NewLead::default() };
        let source = source(fill(store, tenant, "one", (0..150).map(lead)));
        let mut walks = Walks::default();
        let mut next = |campaign, held: &[LeadId]| {
            let (rows, left) = walks.next(store, tenant, &question(campaign, &source, held, 100)).unwrap();
            (ids(&rows), left)
        };
        let (first, _) = next(1, &[]);
        let (second, left) = next(2, &[]);
        assert_eq!((first.len(), second.len(), left), (100, 50, Left::Later), "the first may let go of some");
        assert!(second.iter().all(|lead| !first.contains(lead)));
        walks.forget(CampaignId(1));
        let (rows, _) = walks.next(store, tenant, &question(2, &source, &second, 200)).unwrap();
        assert_eq!(ids(&rows), first, "whoever is stopped holds nothing");
    });
}

#[test]
fn what_did_not_arrive_is_brought_again() {
    with_store(|store, tenant| {
        let lead = |n| NewLead { number: number(n), ..NewLead::default() };
        let source = source(fill(store, tenant, "one", (0..300).map(lead)));
        let mut walks = Walks::default();
        let next = |walks: &mut Walks| ids(&walks.next(store, tenant, &question(1, &source, &[], 100)).unwrap().0);
        let (begin, first) = (walks.place(CampaignId(1)), next(&mut walks));
        walks.back_to(CampaignId(1), begin);
        assert_eq!(next(&mut walks), first);
        let (place, second) = (walks.place(CampaignId(1)), next(&mut walks));
        walks.back_to(CampaignId(1), place);
        assert_eq!(next(&mut walks), second);
        assert_ne!(first, second);
    });
}

#[test]
fn a_filter_that_means_few_finds_them_behind_any_number_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("outpace.db").display());
    let store = Store::open(&url).unwrap().0;
    let lead = |n| NewLead { number: number(n), ..NewLead::default() };
    let list = fill(&store, TenantId::DEFAULT, "one", (0..3).map(lead));
    // A random walk looks into blocks of neighbours: far apart they are more than one question looks into.
    store::testing::execute(&url, "UPDATE lead SET lead_id = lead_id * 2000000").unwrap();
    let filter = LeadExpression::parse(&format!("number = \"{}\"", number(1))).unwrap();
    let source = Source { filter: Some(filter), order: LeadOrder::Random(1), ..source(list) };
    let (mut walks, mut held, mut found, mut questions) = (Walks::default(), Vec::new(), 0, 0);
    loop {
        let (rows, left) = ask(&mut walks, &store, &source, &mut held, 100);
        (found, questions) = (found + rows.len(), questions + 1);
        if left != Left::More {
            break;
        }
    }
    assert!(found == 1 && questions > 2, "{found} in {questions}");
}

#[test]
fn what_this_process_dials_is_nobodys_left_over() {
    with_store(|store, tenant| {
        let lead = |n| NewLead { number: number(n), ..NewLead::default() };
        let list = fill(store, tenant, "one", (0..2).map(lead));
        let campaign = store.ensure_campaign(tenant, "spring", AT).unwrap();
        for (n, apart_us) in [(1, -1), (2, 1)] {
            let intent = store::AttemptIntentRow {
                tenant,
                attempt: base::AttemptId(n),
                campaign,
                lead: LeadId(n),
                attempt_number: 1,
                number: number(n as usize - 1),
                trunk: "carrier".to_owned(),
                caller_id: None,
                at: WallTime::from_unix_us(AT.as_unix_us() + apart_us),
                consent_allowed: true,
                consent_rule: "none".to_owned(),
                consent_proof: None,
                why: "{}".to_owned(),
            };
            store.submit(n, Op::Intent(intent)).unwrap();
        }
        store.flush().unwrap();
        let (rows, _) = ask(&mut Walks::default(), store, &source(list), &mut Vec::new(), 10);
        assert_eq!(ids(&rows), [LeadId(1)], "a process before left it");
    });
}

#[test]
fn a_list_of_the_mix_that_is_made_later_is_dialled_too() {
    with_store(|store, tenant| {
        let lead = |n| NewLead { number: number(n), ..NewLead::default() };
        let list = fill(store, tenant, "one", (0..2).map(lead));
        let source = Source { mix: vec![("gold".to_owned(), 2)], ..source(list) };
        let (mut walks, mut held) = (Walks::default(), Vec::new());
        assert_eq!(ask(&mut walks, store, &source, &mut held, 10).0.len(), 2);
        fill(store, tenant, "gold", (2..5).map(lead));
        assert_eq!(ask(&mut walks, store, &source, &mut held, 10).0.len(), 3);
    });
}

#[test]
fn promises_of_a_campaign_come_with_its_first_page_whoever_promised_how_many_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (store, acks) = Store::open(&format!("sqlite:{}", folder.path().join("outpace.db").display())).unwrap();
    let tenant = TenantId::DEFAULT;
    let [mine, other] = ["mine", "other"].map(|name| store.ensure_campaign(tenant, name, AT).unwrap());
    let lead = |n| NewLead { number: number(n), ..NewLead::default() };
    let list = fill(&store, tenant, "one", (0..1_002).map(lead));
    let promise = |campaign, lead, due_us| {
        let due_at = WallTime::from_unix_us(AT.as_unix_us() + due_us);
        let lead = LeadId(lead);
        Op::Callback(store::CallbackRow { tenant, lead, campaign, agent: None, due_at, note: None, at: AT })
    };
    for n in 1..=1_001 {
        store.submit(n, promise(other, n, n as i64)).unwrap();
    }
    store.submit(2_000, promise(mine, 1_002, 1_000_000)).unwrap();
    store.flush().unwrap();
    assert!(acks.try_iter().all(|ack| ack.result.is_ok()));
    let (mut walks, mut told) = (Walks::default(), BTreeMap::new());
    let mut promised = |campaign: CampaignId, at: WallTime| {
        let question = Question { at, ..question(campaign.0, &source(list), &[], 1) };
        let (fed, left) = answer(&store, tenant, &mut walks, &mut told, &question).unwrap();
        (fed.iter().filter(|fed| fed.callback.is_some()).map(|fed| fed.row.lead.0).collect::<Vec<_>>(), left)
    };
    assert_eq!(promised(mine, AT).0, [1_002]);
    assert!(promised(mine, AT).0.is_empty(), "once for a source");
    assert_eq!(promised(other, AT).0.len(), 1_000);
    assert_eq!(promised(other, AT).0.len(), 0);
    // The others follow within a minute; those that were kept make room.
    let kept = store::CallbackDoneRow { tenant, lead: LeadId(1), at: AT };
    store.submit(3_000, Op::CallbackDone(kept)).unwrap();
    store.flush().unwrap();
    let later = WallTime::from_unix_us(AT.as_unix_us() + PROMISES_AGAIN.as_us() as i64);
    assert!(promised(other, later).0.contains(&1_001));
}

#[test]
fn leads_of_a_closed_zone_are_not_looked_at_and_those_that_wait_are_said() {
    with_store(|store, tenant| {
        let zone = |n: usize| ["Asia/Tokyo", "America/New_York"][n % 2].to_owned();
        let lead = |n: usize| NewLead { number: number(n), timezone: Some(zone(n)), ..NewLead::default() };
        let list = fill(store, tenant, "one", (0..100).map(lead));
        // Berlin's evening is past its hours only by the number, Tokyo's night by the zone.
        let berlin = NewLead { number: "+4930901821".to_owned(), ..NewLead::default() };
        store.import_leads(tenant, list, vec![berlin], AT).unwrap();
        let profile = Profile { hours: std::array::from_fn(|_| vec![(9 * 60, 17 * 60)]), ..Profile::lab() };
        let closed = Source { profile, ..source(list) };
        let (mut walks, mut held) = (Walks::default(), Vec::new());
        let (rows, left) = ask(&mut walks, store, &closed, &mut held, 1_000);
        assert_eq!((rows.len(), left), (50, Left::Later));
        assert!(rows.iter().all(|row| row.timezone.as_deref() == Some("America/New_York")));
        assert_eq!(ask(&mut walks, store, &closed, &mut held, 1_000).0, []);
        // With every hour open the others come.
        let (rows, left) = ask(&mut Walks::default(), store, &source(list), &mut held, 1_000);
        assert_eq!((rows.len(), left), (51, Left::Nothing));
    });
}

#[test]
fn a_lead_without_a_zone_waits_for_its_state_or_its_area() {
    with_store(|store, tenant| {
        let lead = |number: &str, region: Option<&str>| NewLead {
            number: number.to_owned(),
            region: region.map(str::to_owned),
            ..NewLead::default()
        };
        // By the number: New York, Los Angeles, either of two; by the state: Ohio with a number of Los Angeles, Hawaii.
        let leads = [
            lead("+12125550101", None),
            lead("+12135550102", None),
            lead("+18505550103", None),
            lead("+12135550104", Some("OH")),
            lead("+12125550105", Some("Hawaii")),
            lead("+12125550106", Some("south-2")),
        ];
        let list = fill(store, tenant, "one", leads.into_iter());
        let profile = Profile { hours: std::array::from_fn(|_| vec![(9 * 60, 17 * 60)]), ..Profile::lab() };
        let closed = Source { profile, zone: "Asia/Tokyo".to_owned(), ..source(list) };
        const HOUR_US: i64 = 3_600_000_000;
        let midnight_us = AT.as_unix_us() / (24 * HOUR_US) * 24 * HOUR_US;
        let at = |hour: i64| WallTime::from_unix_us(midnight_us + hour * HOUR_US);
        let of = |hour: i64| {
            let question = Question { at: at(hour), ..question(1, &closed, &[], 100) };
            let (fed, _) = answer(store, tenant, &mut Walks::default(), &mut BTreeMap::new(), &question).unwrap();
            let mut leads: Vec<u64> = fed.iter().map(|fed| fed.row.lead.0).collect();
            leads.sort_unstable();
            leads
        };
        // In winter the hours from 9 to 17 begin at 14:00 UTC in New York, 15 in Chicago, 17 in Los Angeles, 19 in Honolulu.
        assert_eq!(of(14), [1, 4, 6]);
        assert_eq!(of(16), [1, 3, 4, 6]);
        assert_eq!(of(18), [1, 2, 3, 4, 6]);
        assert_eq!(of(20), [1, 2, 3, 4, 5, 6]);
        assert_eq!(of(22), [2, 5], "New York is over, and with it the span");
    });
}

#[test]
fn leads_that_a_walk_came_by_while_their_place_was_closed_are_not_forgotten_at_its_end() {
    with_store(|store, tenant| {
        // At 17:00 UTC Berlin is past its hours, New York is not; Berlin's stand before.
        let lead = |n: usize| NewLead {
            number: if n < 200 { format!("+49309018{n:04}") } else { number(n) },
            ..NewLead::default()
        };
        let list = fill(store, tenant, "one", (0..400).map(lead));
        let profile = Profile { hours: std::array::from_fn(|_| vec![(9 * 60, 17 * 60)]), ..Profile::lab() };
        let closed = Source { profile, ..source(list) };
        let (mut walks, mut held) = (Walks::default(), Vec::new());
        // As it is asked for, a page at a time.
        loop {
            let (rows, left) = ask(&mut walks, store, &closed, &mut held, 100);
            assert!(rows.iter().all(|row| row.number.starts_with("+1212")), "{rows:?}");
            if left != Left::More {
                assert_eq!((held.len(), left), (200, Left::Later));
                break;
            }
        }
    });
}

#[test]
fn a_filter_and_an_order_are_kept_and_waiting_leads_come_at_their_moment() {
    with_store(|store, tenant| {
        let segment = |n: usize| Some(["gold", "trial"][n % 2].to_owned());
        let lead = |n: usize| NewLead { number: number(n), segment: segment(n), ..NewLead::default() };
        let list = fill(store, tenant, "one", (0..40).map(lead));
        let filter = Some(LeadExpression::parse("segment = \"gold\"").unwrap());
        let (mut walks, mut held) = (Walks::default(), Vec::new());
        let gold = Source { filter, order: LeadOrder::Newest, ..source(list) };
        let (rows, left) = ask(&mut walks, store, &gold, &mut held, 100);
        assert_eq!((rows.len(), left), (20, Left::Later), "the filter may mean others later");
        assert!(rows.iter().map(|row| std::cmp::Reverse(row.lead)).is_sorted());
        // One is due, one is due soon, one later.
        for (n, in_us) in [(1, -5), (2, 30_000_000), (3, 3_600_000_000)] {
            let row = store::LeadStateRow {
                tenant,
                lead: LeadId(n),
                state: "waiting".to_owned(),
                next_at: Some(WallTime::from_unix_us(AT.as_unix_us() + in_us)),
                last_outcome: Some("busy".to_owned()),
                dial_number: None,
            };
            store.submit(n, Op::LeadState(row)).unwrap();
        }
        store.flush().unwrap();
        let mut held = Vec::new();
        let (rows, left) = ask(&mut Walks::default(), store, &source(list), &mut held, 100);
        assert_eq!((rows[0].lead, rows[1].lead, rows.len(), left), (LeadId(1), LeadId(2), 39, Left::Later));
    });
}

#[test]
fn a_consent_comes_with_its_lead_and_the_campaigns_own_word_decides() {
    let folder = tempfile::tempdir().unwrap();
    let (store, acks) = Store::open(&format!("sqlite:{}", folder.path().join("a.db").display())).unwrap();
    let (tenant, at) = (TenantId::DEFAULT, WallTime::from_unix_us(1));
    let list = store.create_list(tenant, "l", at).unwrap();
    let numbers = ["+12125550100", "+12125550101", "+12125550102"];
    let lead = |number: &&str| NewLead { number: (*number).to_owned(), ..NewLead::default() };
    store.import_leads(tenant, list, numbers.iter().map(lead).collect(), at).unwrap();
    let row = |number: &str, action, scope: &str, proof: Option<&str>| {
        let (number, scope, source) = (number.to_owned(), scope.to_owned(), "form".to_owned());
        Op::Consent(ConsentRow { tenant, number, action, scope, source, proof: proof.map(str::to_owned), at })
    };
    let rows = [
        row(numbers[0], Action::Add, people::CONSENT_FOR_ALL, Some("form 7")),
        row(numbers[1], Action::Add, people::CONSENT_FOR_ALL, Some("form 8")),
        row(numbers[1], Action::Lift, "spring", None),
        row(numbers[2], Action::Add, "spring", None),
    ];
    for (token, op) in rows.into_iter().enumerate() {
        store.submit(token as u64, op).unwrap();
    }
    store.flush().unwrap();
    assert!(acks.try_iter().all(|ack| ack.result.is_ok()));
    let campaign = CampaignId(1);
    let question = |scope: Option<&str>, number: Option<&str>| {
        let (scope, number) = (scope.map(str::to_owned), number.map(str::to_owned));
        let source = Arc::new(Source { scope, ..source(list) });
        let question = Question { campaign, generation: 1, source, limit: 10, at, held: Vec::new(), number };
        let (mut walks, mut told) = (Walks::default(), BTreeMap::new());
        let (found, _) = answer(&store, tenant, &mut walks, &mut told, &question).unwrap();
        found.into_iter().map(|fed| fed.now.consent).collect::<Vec<_>>()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(question(Some("spring"), None), [some("form 7"), None, some("consent 4")]);
    assert_eq!(question(None, None), [None, None, None]);
    assert_eq!(question(Some("autumn"), Some(numbers[1])), [some("form 8")]);
}

/// An attempt that ended with an abandoned person, and the number that its lead goes on to.
fn abandoned(campaign: CampaignId, attempt: u64, number: String, next: Option<String>) -> [Op; 3] {
    let (tenant, id, lead) = (TenantId::DEFAULT, AttemptId(attempt), LeadId(1));
    let intent = store::AttemptIntentRow {
        tenant,
        attempt: id,
        campaign,
        lead,
        attempt_number: attempt as u32,
        number,
        trunk: "t".to_owned(),
        caller_id: None,
        at: AT,
        consent_allowed: true,
        consent_rule: String::new(),
        consent_proof: None,
        why: String::new(),
    };
    let name = || "abandoned".to_owned();
    let close = store::AttemptCloseRow {
        tenant,
        attempt: id,
        outcome: name(),
        counted_as: name(),
        verdict: None,
        agent: None,
        cause_whose: "us".to_owned(),
        cause_code: None,
        ringing_at: None,
        answered_at: None,
        greeting_end_at: None,
        verdict_at: None,
        connected_at: None,
        ended_at: AT,
        closed_at: AT,
    };
    let state = store::LeadStateRow {
        tenant,
        lead,
        state: "waiting".to_owned(),
        next_at: Some(AT),
        last_outcome: Some(name()),
        dial_number: next,
    };
    let counted = store::CountedRow { tenant, attempt: id, counted_as: name(), at: AT, rang: None };
    [Op::Intent(intent), Op::Counted(counted), Op::AttemptClose(close, Some(state))]
}

#[test]
fn a_lead_goes_on_to_numbers_of_its_contact_that_are_nobody_elses() {
    with_store(|store, tenant| {
        let lead = |n| NewLead { number: number(n), ..NewLead::default() };
        let list = fill(store, tenant, "one", (0..2).map(lead));
        let search = ContactQuery { search: Some(number(0)), ..ContactQuery::default() };
        let contact = store.contacts(tenant, search, AT).unwrap().contacts[0].contact;
        // Not in alphabetical order; the second one comes onto the list as a lead of its own.
        for n in [9, 5, 7] {
            store.add_contact_number(tenant, contact, &number(n)).unwrap();
        }
        store.import_leads(tenant, list, vec![NewLead { number: number(5), ..NewLead::default() }], AT).unwrap();
        let fed = |next_numbers, asked: Option<usize>| {
            let source = Source { next_numbers, ..source(list) };
            let question = Question { number: asked.map(number), ..question(1, &source, &[], 10) };
            let (mut walks, mut told) = (Walks::default(), BTreeMap::new());
            let (mut found, _) = answer(store, tenant, &mut walks, &mut told, &question).unwrap();
            found.sort_by_key(|fed| fed.row.lead);
            let fed = found.remove(0);
            let next: Vec<String> = fed.next.iter().map(|next| next.number.clone()).collect();
            (fed.now.number.clone(), next, fed)
        };
        let (now, next, _) = fed(true, None);
        assert_eq!((now, next), (number(0), vec![number(9), number(7)]));
        assert_eq!(fed(false, None).1, Vec::<String>::new());
        // It was abandoned at its own number and goes on to the next, at which nothing was tried yet.
        let campaign = store.ensure_campaign(tenant, "c", AT).unwrap();
        let happens = |attempt, n, next: Option<usize>| {
            for (token, op) in abandoned(campaign, attempt, number(n), next.map(number)).into_iter().enumerate() {
                store.submit(attempt * 10 + token as u64, op).unwrap();
            }
            store.flush().unwrap();
        };
        happens(1, 0, Some(9));
        let (now, next, lead) = fed(true, None);
        assert_eq!((now, next, lead.was_tried, lead.outcomes.len()), (number(9), vec![number(7)], false, 0));
        assert_eq!(lead.now.history.attempts, []);
        assert_eq!(lead.now.history.abandoned, Some(AT), "its person is spared at every number");
        // Whatever the rules say by now it is where it is, and is found by that number.
        assert_eq!(fed(false, Some(9)).0, number(9));
        happens(2, 9, Some(7));
        let (now, next, lead) = fed(true, None);
        assert_eq!((now, next.len(), lead.was_tried, lead.row.attempt_number), (number(7), 0, false, 2));
        // A number that is taken away is dialled no more; without another one it is the lead's own turn again.
        store.remove_contact_number(tenant, contact, &number(7)).unwrap();
        let (now, _, lead) = fed(true, None);
        assert_eq!((now, lead.was_tried), (number(0), true));
        assert_eq!(lead.outcomes, [("abandoned".to_owned(), 1)], "of this number alone");
        store.add_contact_number(tenant, contact, &number(3)).unwrap();
        assert_eq!(fed(true, None).0, number(3));
    });
}

#[test]
fn by_the_last_attempt_who_was_never_dialled_comes_first() {
    with_store(|store, tenant| {
        let list = fill(store, tenant, "l", (0..4).map(|n| NewLead { number: number(n), ..NewLead::default() }));
        let waits = |lead: u64, at_us: i64| {
            let lead = LeadId(lead);
            let row = store::LeadStateRow {
                tenant,
                lead,
                state: "waiting".to_owned(),
                next_at: Some(WallTime::from_unix_us(AT.as_unix_us() - at_us)),
                last_outcome: None,
                dial_number: None,
            };
            store.submit(lead.0, Op::LeadState(row)).unwrap();
            store.flush().unwrap();
        };
        // The one that was tried first has become due last.
        let campaign = store.ensure_campaign(tenant, "c", AT).unwrap();
        for (attempt, lead) in [(1, 2), (2, 1)] {
            let [intent, ..] = abandoned(campaign, attempt, number(lead), None);
            let Op::Intent(intent) = intent else { panic!("an intent comes first") };
            let at = WallTime::from_unix_us(AT.as_unix_us() - 9_000_000 + attempt as i64);
            let intent = store::AttemptIntentRow { lead: LeadId(lead as u64), attempt_number: 1, at, ..intent };
            store.submit(100 + attempt, Op::Intent(intent)).unwrap();
        }
        waits(2, 10);
        waits(1, 20);
        let asked = |order| {
            let (rows, left) =
                ask(&mut Walks::default(), store, &Source { order, ..source(list) }, &mut Vec::new(), 100);
            assert_eq!(left, Left::Nothing);
            rows.iter().map(|row| row.lead.0).collect::<Vec<_>>()
        };
        assert_eq!(asked(LeadOrder::LastAttempt), [3, 4, 2, 1]);
        assert_eq!(asked(LeadOrder::Oldest), [1, 2, 3, 4]);
    });
}

#[test]
fn what_detection_heard_at_a_number_is_brought_as_the_dialer_knew_it() {
    let verdict_at = WallTime::from_unix_us(AT.as_unix_us() + 9_000_000);
    for (outcome, heard) in [
        ("machine", Some(verdict_at)),
        ("message_left", Some(verdict_at)),
        ("fax", Some(verdict_at)),
        // Audited, in the shadow, or picked up after all: an agent had it.
        ("connected", None),
        ("abandoned", None),
        ("hung_up_waiting", None),
    ] {
        with_store(|store, tenant| {
            let list = fill(store, tenant, "l", (0..1).map(|n| NewLead { number: number(n), ..NewLead::default() }));
            let campaign = store.ensure_campaign(tenant, "c", AT).unwrap();
            let [intent, counted, close] = abandoned(campaign, 1, number(0), None);
            let Op::AttemptClose(close, state) = close else { panic!("a close comes last") };
            let (verdict, verdict_at) = (Some("machine".to_owned()), Some(verdict_at));
            let close = store::AttemptCloseRow { outcome: outcome.to_owned(), verdict, verdict_at, ..close };
            for (token, op) in [intent, counted, Op::AttemptClose(close, state)].into_iter().enumerate() {
                store.submit(token as u64, op).unwrap();
            }
            store.flush().unwrap();
            let question = question(1, &source(list), &[], 10);
            let (found, _) = answer(store, tenant, &mut Walks::default(), &mut BTreeMap::new(), &question).unwrap();
            assert_eq!(found[0].now.history.machine, heard, "{outcome}");
        });
    }
}

#[test]
fn a_marked_number_comes_with_its_mark() {
    use dialer::{Mark, Screened};
    with_store(|store, tenant| {
        let list = fill(store, tenant, "l", (0..3).map(|n| NewLead { number: number(n), ..NewLead::default() }));
        let campaign = store.ensure_campaign(tenant, "c", AT).unwrap();
        for (n, reason) in [(0, "fax"), (1, "vacant"), (2, "of a later version")] {
            let (number, reason, attempt) = (number(n), reason.to_owned(), AttemptId(7));
            let row = store::NumberMarkRow { tenant, number, reason, campaign, attempt, at: AT };
            store.submit(n as u64, Op::MarkNumber(row)).unwrap();
        }
        store.flush().unwrap();
        // A list that a person or the law made counts more than what a call has shown.
        let screen = store.begin_screen(tenant, ScreenKind::DoNotCall, "national", AT, AT).unwrap();
        let mut packer = store::ScreenPacker::default();
        let full = packer.push(number(1)[1..].parse().unwrap()).unwrap();
        assert!(full.is_none(), "one number fills nothing");
        store.put_screen_blocks(screen, packer.finish()).unwrap();
        store.end_screen(tenant, screen).unwrap();
        let question = question(1, &source(list), &[], 10);
        let (mut found, _) = answer(store, tenant, &mut Walks::default(), &mut BTreeMap::new(), &question).unwrap();
        found.sort_by_key(|fed| fed.row.lead);
        let screened: Vec<_> = found.iter().map(|fed| fed.now.screened).collect();
        assert_eq!(screened, [Some(Screened::Marked(Mark::Fax)), Some(Screened::DoNotCall), None]);
    });
}
