//! What an expression means is the same in memory and in both databases.

use super::*;
use crate::expression::tests::{Dice, any};

/// Leads of every kind that an expression can tell apart.
fn leads_of_all_kinds(f: &Fixture) -> Vec<LeadRow> {
    let texts =
        [None, Some(""), Some("gold"), Some("trial"), Some("CA"), Some("Ann"), Some("ä€"), Some("a\"b"), Some("%_")];
    let text = |n: usize| texts[n % texts.len()].map(str::to_owned);
    let leads = (0..180).map(|n| NewLead {
        number: number(n),
        further: Vec::new(),
        first_name: text(n / 3),
        last_name: text(n / 5),
        timezone: text(n / 7),
        external_id: text(n / 11),
        segment: text(n),
        region: text(n / 2),
        priority: n as i64 % 7 - 3,
    });
    f.store.import_leads(TENANT, f.list, leads.collect(), at(-5_000_000)).unwrap();
    for (what, which) in [
        ("state = 'waiting', next_at_us = imported_us + 3600000000", "lead_id % 3 = 0"),
        ("state = 'done'", "lead_id % 7 = 0"),
        ("attempt_number = lead_id % 5", "lead_id % 5 > 0"),
        ("last_attempt_us = imported_us - lead_id * 3600000000", "lead_id % 5 > 0"),
        ("last_outcome = 'busy'", "lead_id % 10 = 1"),
    ] {
        outside(f, &format!("UPDATE lead SET {what} WHERE {which}")).unwrap();
    }
    f.store.leads(TENANT, f.list, None, 0).unwrap()
}

fn an_expression_means_the_same_leads_everywhere(on: Backend) {
    let f = fixture(on, 0);
    let leads = leads_of_all_kinds(&f);
    let (mut all, mut none) = (0, 0);
    for seed in 0..400 {
        let text = any(&mut Dice::new(seed), 3);
        let expression = LeadExpression::parse(&text).unwrap();
        let here: Vec<LeadId> =
            leads.iter().filter(|lead| expression.holds(lead, at(0))).map(|lead| lead.lead).collect();
        let found = f.store.matching(TENANT, f.list, &expression, at(0), 0).unwrap();
        let there: Vec<LeadId> = found.leads.iter().map(|lead| lead.lead).collect();
        assert_eq!((here.len() as u64, &here), (found.total, &there), "{seed}: {text}");
        all += usize::from(here.len() == leads.len());
        none += usize::from(here.is_empty());
    }
    assert!(all < 200 && none < 200, "the expressions tell leads apart: {all} mean all, {none} nobody");
}

fn what_a_person_writes_is_never_a_statement(on: Backend) {
    let f = fixture(on, 3);
    let expression = LeadExpression::parse("segment = \"x'; DROP TABLE lead; --\" or number starts \"+1555\"").unwrap();
    let found = f.store.matching(TENANT, f.list, &expression, at(0), 2).unwrap();
    assert_eq!((found.total, found.leads.len()), (3, 2));
    assert_eq!(f.store.counts(TENANT, f.list).unwrap().total, 3);
}

on_both! {
    an_expression_means_the_same_leads_everywhere
    what_a_person_writes_is_never_a_statement
}
