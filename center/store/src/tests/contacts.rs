//! Persons: made by imports, found by whatever people type, changed by hand.

use super::*;

fn person(number: &str, first: &str, last: &str, id: &str) -> NewLead {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let number = number.to_owned();
    NewLead { number, first_name: some(first), last_name: some(last), external_id: some(id), ..NewLead::default() }
}

fn import(f: &Fixture, list: ListId, people: Vec<NewLead>) {
    f.store.import_leads(TENANT, list, people, at(1)).unwrap();
}

/// The contacts that a search finds, page by page of so many.
fn pages(f: &Fixture, search: &str, list: Option<ListId>, limit: u32) -> Vec<u64> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let query = ContactQuery { search: Some(search.to_owned()), list, cursor, limit };
        let page = f.store.contacts(TENANT, query, at(9)).unwrap();
        assert!(page.contacts.len() <= limit as usize);
        assert!(page.total_estimate >= page.contacts.len() as u64);
        found.extend(page.contacts.iter().map(|row| row.contact.0));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

fn card(f: &Fixture, contact: u64) -> ContactCard {
    f.store.contact_card(TENANT, ContactId(contact), at(9)).unwrap().unwrap()
}

fn a_number_has_one_contact_and_imports_fill_what_it_lacks(on: Backend) {
    let f = fixture(on, 0);
    let second = f.store.create_list(TENANT, "more", at(0)).unwrap();
    import(&f, f.list, vec![person("+12125550100", "", "", ""), person("+12125550101", "Bob", "", "")]);
    import(&f, second, vec![person("+12125550100", "Ann", "Smith", "7"), person("+12125550101", "Rob", "Jones", "")]);
    let all = f.store.contacts(TENANT, ContactQuery::default(), at(9)).unwrap();
    assert_eq!((all.contacts.len(), all.next, all.total_estimate, all.more_than_counted), (2, None, 2, false));
    let names: Vec<_> = all.contacts.iter().map(|row| (row.first_name.as_deref(), row.last_name.as_deref())).collect();
    assert_eq!(names, [(Some("Ann"), Some("Smith")), (Some("Bob"), Some("Jones"))], "what is there stays");
    assert_eq!(all.contacts[0].lists, [f.list, second]);
    assert_eq!(pages(&f, "jones", None, 9), [2], "what was filled in is found");
    assert_eq!(pages(&f, "rob", None, 9), [] as [u64; 0]);
    assert!(f.store.contacts(TenantId(2), ContactQuery::default(), at(9)).unwrap().contacts.is_empty());
}

fn people_are_found_by_numbers_names_and_ids(on: Backend) {
    let f = fixture(on, 0);
    import(
        &f,
        f.list,
        vec![
            person("+12125550100", "Anna-Maria", "Müller", "CRM-4711"),
            person("+12125550101", "Ann", "Smith", ""),
            person("+4915155501007", "Łukasz", "Żółć", ""),
            person("+79161234567", "Артём", "Smith", "900"),
        ],
    );
    for (search, found) in [
        ("+1 212", vec![1, 2]),
        ("1212555", vec![1, 2]),
        ("0049 151", vec![3]),
        ("0100", vec![1]),
        ("0151 555 01007", vec![3]),
        ("555-0101", vec![2]),
        ("900", vec![4]),
        ("ann", vec![2, 1]),
        ("MULLER", vec![1]),
        ("maria m", vec![1]),
        ("smith ann", vec![2]),
        ("smith", vec![2, 4]),
        ("артем", vec![4]),
        ("zolc", vec![3]),
        ("crm-47", vec![1]),
        ("crm4711", vec![1]),
        ("ann smith jones", vec![]),
        ("%", vec![]),
        ("", vec![1, 2, 3, 4]),
    ] {
        assert_eq!(pages(&f, search, None, 100), found, "{search:?}");
        assert_eq!(pages(&f, search, None, 1), found, "{search:?} one by one");
    }
}

fn a_contact_stands_once_whatever_leads_to_it(on: Backend) {
    let f = fixture(on, 0);
    let second = f.store.create_list(TENANT, "more", at(0)).unwrap();
    let people = |range: std::ops::Range<usize>| {
        range.map(|n| person(&number(n), "Anna", &format!("Ansel{n}"), &format!("A{n}"))).collect::<Vec<_>>()
    };
    import(&f, f.list, people(0..30));
    import(&f, second, people(25..35));
    for n in [3, 7] {
        f.store.add_contact_number(TENANT, ContactId(n), &number(1_000 + n as usize)).unwrap();
        import(&f, f.list, vec![person(&number(1_000 + n as usize), "", "", "")]);
    }
    let sorted = |mut found: Vec<u64>| {
        found.sort_unstable();
        found
    };
    let expected: Vec<u64> = (1..=35).collect();
    for search in ["an", "anna an", "+1555", "a", "anna ansel", ""] {
        for limit in [1, 4, 50] {
            assert_eq!(sorted(pages(&f, search, None, limit)), expected, "{search:?} by {limit}");
        }
    }
    for (list, expected) in [(f.list, (1..=30).collect::<Vec<u64>>()), (second, (26..=35).collect())] {
        for search in ["", "an", "anna a", "+1555", "1555"] {
            assert_eq!(sorted(pages(&f, search, Some(list), 3)), expected, "{search:?} on {list}");
        }
    }
}

fn the_shorter_of_list_and_numbers_is_walked(on: Backend) {
    let f = fixture(on, 40);
    let small = f.store.create_list(TENANT, "small", at(0)).unwrap();
    import(&f, small, vec![person(&number(3), "", "", ""), person(&number(17), "", "", "")]);
    f.store.add_contact_number(TENANT, ContactId(4), "+15559999999").unwrap();
    for limit in [1, 9] {
        assert_eq!(pages(&f, "+1555", Some(small), limit), [4, 18], "the list is shorter");
        assert_eq!(pages(&f, &number(17), Some(f.list), limit), [18], "the numbers are fewer");
        assert_eq!(pages(&f, "9999", Some(small), limit), [4], "by the number that the list does not dial");
        assert_eq!(pages(&f, "+1666", Some(small), limit), [] as [u64; 0]);
        assert_eq!(pages(&f, "+15550000030", Some(small), limit), [] as [u64; 0]);
    }
}

fn cursors_of_another_search_are_refused(on: Backend) {
    let f = fixture(on, 9);
    let ask = |search: Option<&str>, cursor: &str| {
        let cursor = Some(cursor.to_owned());
        f.store.contacts(
            TENANT,
            ContactQuery { search: search.map(str::to_owned), list: None, cursor, limit: 2 },
            at(9),
        )
    };
    assert!(ask(None, "0a3").is_ok());
    for (search, cursor) in [
        (None, ""),
        (None, "0"),
        (None, "0l3"),
        (Some("+1555"), "0l3"),
        (None, "9a3"),
        (None, "0aé"),
        (None, "é"),
        (Some("ann"), "0a3"),
        (Some("ann"), "0w0.bob.1"),
        (Some("ann"), "0w7.ann.1"),
        (Some("ann"), "0w0.ann\0.1"),
        (Some("+1555"), "0n+1666"),
    ] {
        assert_eq!(ask(search, cursor).unwrap_err().kind, ErrorKind::Value, "{search:?} {cursor:?}");
    }
}

fn a_card_has_all_that_is_known(on: Backend) {
    let f = fixture(on, 2);
    write(&f, Op::Intent(intent(f.campaign, f.leads[0], 1, 1))).unwrap();
    let state = LeadStateRow {
        tenant: TENANT,
        lead: f.leads[0],
        state: "waiting".to_owned(),
        next_at: Some(at(7)),
        last_outcome: Some("busy".to_owned()),
        dial_number: None,
    };
    write(&f, Op::AttemptClose(close(1, 9), Some(state))).unwrap();
    let disposition = DispositionRow {
        tenant: TENANT,
        attempt: Some(AttemptId(1)),
        call: None,
        agent: Some(AgentId(3)),
        code: "sale".to_owned(),
        person: Some(true),
        note: None,
        at: at(5),
    };
    write(&f, Op::Disposition(disposition.clone())).unwrap();
    let consent = ConsentRow {
        tenant: TENANT,
        number: number(0),
        action: Action::Add,
        scope: "marketing".to_owned(),
        source: "form".to_owned(),
        proof: None,
        at: at(1),
    };
    write(&f, Op::Consent(consent.clone())).unwrap();
    let suppress = |action, us| SuppressRow {
        tenant: TENANT,
        number: number(0),
        action,
        campaign: None,
        reason: "asked".to_owned(),
        source: "call".to_owned(),
        at: at(us),
        until: None,
    };
    write(&f, Op::Suppress(suppress(Action::Add, 2))).unwrap();
    let known = card(&f, 1);
    assert_eq!((known.row.numbers.clone(), known.row.do_not_call), (vec![number(0)], true));
    assert_eq!(known.row.last_attempt_at, Some(at(1_000_000)));
    assert_eq!(known.consents, [(1, consent)]);
    assert_eq!((known.suppressions[0].reason.as_str(), known.suppressions.len()), ("asked", 1));
    assert_eq!((known.leads[0].state.as_str(), known.leads[0].next_at), ("waiting", Some(at(7))));
    assert_eq!((known.attempts.len(), known.attempts[0].intent.why.as_str()), (1, r#"{"price":0.5}"#));
    assert_eq!(known.dispositions, [disposition]);
    write(&f, Op::Suppress(suppress(Action::Lift, 3))).unwrap();
    let known = card(&f, 1);
    assert_eq!((known.row.do_not_call, known.suppressions.len()), (false, 2), "lifted");
    assert!(card(&f, 2).attempts.is_empty());
    assert_eq!(f.store.contact_card(TENANT, ContactId(3), at(9)).unwrap(), None);
    assert_eq!(f.store.contact_card(TenantId(2), ContactId(1), at(9)).unwrap(), None);
}

fn contacts_are_changed_and_numbers_belong_to_one(on: Backend) {
    let f = fixture(on, 0);
    import(&f, f.list, vec![person(&number(0), "Ann", "Smith", "7"), person(&number(1), "Bob", "", "")]);
    let change = ContactChange {
        first_name: Some(Some("Maria".to_owned())),
        external_id: Some(None),
        ..ContactChange::default()
    };
    f.store.change_contact(TENANT, ContactId(1), change.clone()).unwrap();
    let row = card(&f, 1).row;
    assert_eq!(
        (row.first_name.as_deref(), row.last_name.as_deref(), row.external_id),
        (Some("Maria"), Some("Smith"), None)
    );
    assert_eq!(
        (pages(&f, "maria", None, 9), pages(&f, "ann", None, 9), pages(&f, "7", None, 9)),
        (vec![1], vec![], vec![])
    );
    let refused = |result: Result<(), StoreError>| result.unwrap_err().kind;
    assert_eq!(refused(f.store.change_contact(TENANT, ContactId(9), change.clone())), ErrorKind::NotFound);
    assert_eq!(refused(f.store.change_contact(TenantId(2), ContactId(1), change)), ErrorKind::NotFound);

    let (one, two) = (ContactId(1), ContactId(2));
    f.store.add_contact_number(TENANT, one, "+442071838750").unwrap();
    assert_eq!(pages(&f, "8750", None, 9), [1]);
    assert_eq!(refused(f.store.add_contact_number(TENANT, two, "+442071838750")), ErrorKind::Rule);
    assert_eq!(refused(f.store.add_contact_number(TENANT, one, &number(1))), ErrorKind::Rule);
    assert_eq!(refused(f.store.add_contact_number(TENANT, ContactId(9), "+442071838751")), ErrorKind::NotFound);
    assert!(outside(&f, "INSERT INTO contact_number VALUES (1, '+442071838750', 2, '')").is_err(), "unique by itself");
    // An import finds the person by the second number too.
    import(&f, f.list, vec![person("+442071838750", "Other", "", "K9")]);
    let row = card(&f, 1).row;
    assert_eq!((row.first_name.as_deref(), row.external_id.as_deref()), (Some("Maria"), Some("K9")));
    assert_eq!(card(&f, 1).leads.len(), 2);
    assert_eq!(refused(f.store.remove_contact_number(TENANT, one, "+442071838750")), ErrorKind::Rule, "it is dialled");
    assert_eq!(refused(f.store.remove_contact_number(TENANT, two, "+442071838750")), ErrorKind::NotFound);
    f.store.add_contact_number(TENANT, two, "+442071838759").unwrap();
    f.store.remove_contact_number(TENANT, two, "+442071838759").unwrap();
    assert_eq!(pages(&f, "8759", None, 9), [] as [u64; 0]);
    for n in 0..CONTACT_NUMBERS_MAX - 1 {
        f.store.add_contact_number(TENANT, two, &number(100 + n)).unwrap();
    }
    assert_eq!(refused(f.store.add_contact_number(TENANT, two, &number(999))), ErrorKind::Rule);
}

fn leads_of_an_older_store_get_their_contacts_once(on: Backend) {
    let f = fixture(on, 2_500);
    // As the migration leaves a store that is older than contacts.
    for sql in [
        "DELETE FROM contact_word",
        "DELETE FROM contact_tail",
        "DELETE FROM contact_number",
        "DELETE FROM contact",
        "UPDATE contact_tally SET made = 0, indexed = 0, leads_done = 0, leads_end = (SELECT MAX(lead_id) FROM lead)",
    ] {
        outside(&f, sql).unwrap();
    }
    let first = f.store.make_contacts(TENANT, at(1)).unwrap();
    assert_eq!((first.done, first.end), (2_000, 2_500));
    // Meanwhile a new import brings somebody who is still to be made, and somebody new.
    import(&f, f.list, vec![person(&number(2_400), "Ann", "", ""), person("+442071838750", "Bob", "", "")]);
    while f.store.make_contacts(TENANT, at(1)).unwrap() != (Filled { done: 2_500, end: 2_500 }) {}
    f.store.index_contacts(TENANT).unwrap();
    let page = f.store.contacts(TENANT, ContactQuery { limit: 1, ..ContactQuery::default() }, at(9)).unwrap();
    assert_eq!((page.total_estimate, page.more_than_counted), (2_501, false));
    assert_eq!(pages(&f, &number(2_400), None, 9), pages(&f, "ann", None, 9));
    assert_eq!(f.store.make_contacts(TenantId(2), at(1)).unwrap(), Filled { done: 0, end: 0 });
}

/// Between import and index people and other imports change what will be indexed, and a pass was cut off before.
fn many_contacts_are_found_after_their_import_as_they_are_then(on: Backend) {
    let f = fixture(on, 0);
    let people = |range: std::ops::Range<usize>, last: &str| {
        range.map(|n| person(&number(n), &format!("Given{n}"), last, "")).collect::<Vec<_>>()
    };
    import(&f, f.list, people(0..3_000, "Early"));
    assert_eq!(pages(&f, "given2999", None, 9), [] as [u64; 0], "not yet");
    assert_eq!(pages(&f, &number(2_999), None, 9), [3_000], "by its number at once");
    f.store.change_contact(TENANT, ContactId(1), renamed("Later")).unwrap();
    f.store.add_contact_number(TENANT, ContactId(2), "+442071838750").unwrap();
    f.store.remove_contact_number(TENANT, ContactId(2), "+442071838750").unwrap();
    f.store.add_contact_number(TENANT, ContactId(3), "+442071838760").unwrap();
    // What a pass leaves that is killed in the middle.
    outside(&f, "INSERT INTO contact_word VALUES (1, 'early', 2)").unwrap();
    f.store.end_import(TENANT).unwrap();
    assert_eq!(pages(&f, "given2999", None, 9), [3_000]);
    assert_eq!(pages(&f, "later", None, 9), [1]);
    assert_eq!(pages(&f, "early", None, 1_000).len(), 2_999);
    assert_eq!((pages(&f, "8750", None, 9).len(), pages(&f, "8760", None, 9)), (0, vec![3]));
    // A few more are found at once.
    import(&f, f.list, people(5_000..5_010, "Late"));
    assert_eq!(pages(&f, "given5009", None, 9), [3_010]);
}

fn renamed(last: &str) -> ContactChange {
    ContactChange { last_name: Some(Some(last.to_owned())), ..ContactChange::default() }
}

fn a_rehearsed_import_writes_nothing(on: Backend) {
    let f = fixture(on, 3);
    let would = f.store.rehearse_leads(TENANT, f.list, new_leads(1..9)).unwrap();
    assert_eq!(would, Imported { added: 6, already_there: 2 });
    assert_eq!(f.store.counts(TENANT, f.list).unwrap().total, 3);
    let rubbish = vec![person("123", "", "", "")];
    assert_eq!(f.store.rehearse_leads(TENANT, f.list, rubbish).unwrap_err().kind, ErrorKind::Value);
}

fn imports_bring_further_numbers_that_nobody_has(on: Backend) {
    let f = fixture(on, 0);
    let n = |n: usize| format!("+1212555{n:04}");
    let lead = |number: usize, further: &[usize]| NewLead {
        number: n(number),
        further: further.iter().map(|further| n(*further)).collect(),
        ..NewLead::default()
    };
    let beside = |number: usize| {
        let found = f.store.numbers_beside(TENANT, &[n(number)]).unwrap();
        let shorts = found.values().flatten().map(|number| number[8..].parse::<usize>().unwrap());
        shorts.collect::<Vec<_>>()
    };
    // In the order in which they stand; a first number keeps its own contact; of two that bring one the first has it.
    import(&f, f.list, vec![lead(1, &[90, 10, 2]), lead(2, &[]), lead(3, &[10, 11])]);
    assert_eq!((beside(1), beside(2), beside(3)), (vec![90, 10], vec![], vec![11]));
    assert_eq!(
        (pages(&f, "555-0010", None, 9), pages(&f, "555-0011", None, 9)),
        (vec![1], vec![3]),
        "they are found by their ends"
    );
    // Once more, and with more: what is there stays in its place, and new ones come behind.
    import(&f, f.list, vec![lead(1, &[12, 10, 90]), lead(2, &[90])]);
    assert_eq!((beside(1), beside(2)), (vec![90, 10, 12], vec![]));
    assert_eq!(pages(&f, "555-0012", None, 9), [1]);
    // A further number that comes as a lead is a lead of that person.
    import(&f, f.list, vec![lead(12, &[13])]);
    assert_eq!(beside(13), [1, 90, 10, 12]);
    assert_eq!(f.store.contacts(TENANT, ContactQuery::default(), at(9)).unwrap().contacts.len(), 3);
    // Nobody has more than a few.
    let many: Vec<usize> = (100..140).collect();
    import(&f, f.list, vec![lead(4, &many)]);
    assert_eq!(beside(4).len() + 1, CONTACT_NUMBERS_MAX);
    let wrong =
        f.store.import_leads(TENANT, f.list, vec![NewLead { further: vec!["555".to_owned()], ..lead(5, &[]) }], at(1));
    assert_eq!(wrong.unwrap_err().kind, ErrorKind::Value);
    // Of many at once they are found when the import is over, those of known contacts that wait for it as well.
    let people = (0..1_500).map(|k| lead(2_000 + 2 * k, &[2_001 + 2 * k])).collect();
    import(&f, f.list, people);
    import(&f, f.list, vec![lead(2_000, &[9_000])]);
    f.store.end_import(TENANT).unwrap();
    let owner = |number: usize| pages(&f, &n(number), None, 9);
    assert_eq!((owner(2_000).len(), owner(2_000), owner(4_999)), (1, owner(9_000), owner(4_998)));
    assert_eq!(beside(2_000), [2_001, 9_000]);
}

on_both! {
    imports_bring_further_numbers_that_nobody_has
    a_number_has_one_contact_and_imports_fill_what_it_lacks
    people_are_found_by_numbers_names_and_ids
    a_contact_stands_once_whatever_leads_to_it
    the_shorter_of_list_and_numbers_is_walked
    cursors_of_another_search_are_refused
    a_card_has_all_that_is_known
    contacts_are_changed_and_numbers_belong_to_one
    leads_of_an_older_store_get_their_contacts_once
    many_contacts_are_found_after_their_import_as_they_are_then
    a_rehearsed_import_writes_nothing
}
