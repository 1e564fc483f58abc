use super::*;
use crate::campaign::RetryRule;
use crate::lead::NextNumber;
use base::{Duration, WallTime};

const SECOND: i64 = 1_000_000;

fn lead(id: u64) -> Lead {
    Lead::new(LeadId(id), Number::parse(&format!("1555000{id:04}")).unwrap())
}

fn list_of(count: u64) -> List {
    let mut list = List::default();
    for id in 1..=count {
        list.add(lead(id), 0, &RetryRules::default(), 0).unwrap();
    }
    list
}

fn rules(outcome: Outcome, gap_s: u64, times: u32, attempts_max: u32) -> RetryRules {
    let rule = RetryRule { gap: Duration::from_secs(gap_s), times };
    RetryRules { attempts_max, rules: [(outcome, rule)].into_iter().collect(), ..RetryRules::none() }
}

fn next(list: &List) -> Option<u64> {
    list.next().map(|(id, _)| id.0)
}

#[test]
fn leads_and_numbers_are_there_once() {
    let mut list = list_of(1);
    assert_eq!(list.add(lead(1), 0, &RetryRules::default(), 0), Err(AddError::Duplicate));
    let same_number = Lead { lead: LeadId(2), ..lead(1) };
    assert_eq!(list.add(same_number.clone(), 0, &RetryRules::default(), 0), Err(AddError::Duplicate));
    // Also when the first one is long done.
    list.dial(LeadId(1), AttemptId(1), 0);
    list.finish(LeadId(1), Outcome::Connected, &RetryRules::default(), 0, 0);
    assert_eq!(list.add(lead(1), 0, &RetryRules::default(), 0), Err(AddError::Duplicate));
    assert_eq!(list.add(same_number, 0, &RetryRules::default(), 0), Err(AddError::Duplicate));
}

#[test]
fn a_retry_comes_after_its_gap_and_before_fresh_leads() {
    let mut list = list_of(3);
    let rules = rules(Outcome::Busy, 600, 2, 9);
    assert_eq!(list.dial(LeadId(1), AttemptId(1), 0), 1);
    assert_eq!(list.state(LeadId(1)), Some(LeadState::Dialling(AttemptId(1))));
    let Fate { state, next_us: at, .. } = list.finish(LeadId(1), Outcome::Busy, &rules, 50 * SECOND, 0);
    assert_eq!((state, at), (LeadState::Waiting, 650 * SECOND));
    assert_eq!(next(&list), Some(2));
    assert!(list.wake(650 * SECOND - 1).is_empty());
    assert_eq!(list.wake(650 * SECOND), [LeadId(1)]);
    assert_eq!(next(&list), Some(1));
    assert_eq!(list.dial(LeadId(1), AttemptId(2), 0), 2);
    // The carrier asked for more patience than the rule.
    let fate = list.finish(LeadId(1), Outcome::Busy, &rules, 700 * SECOND, 9_000 * SECOND);
    assert_eq!(fate.next_us, 9_000 * SECOND);
    list.wake(9_000 * SECOND);
    list.dial(LeadId(1), AttemptId(3), 0);
    // Twice again was the rule.
    assert_eq!(list.finish(LeadId(1), Outcome::Busy, &rules, 9_100 * SECOND, 0).state, LeadState::Done);
}

#[test]
fn the_attempts_of_all_outcomes_together_are_limited() {
    let mut list = list_of(1);
    let rules = rules(Outcome::NoAnswer, 1, 99, 3);
    for attempt in 1..=3 {
        list.wake(i64::MAX);
        assert_eq!(list.dial(LeadId(1), AttemptId(attempt), 0), attempt as u32);
        let state = list.finish(LeadId(1), Outcome::NoAnswer, &rules, 0, 0).state;
        assert_eq!(state == LeadState::Done, attempt == 3);
    }
    assert_eq!(next(&list), None);
}

#[test]
fn a_lead_given_back_keeps_its_attempt_number_used_but_not_its_rule() {
    let mut list = list_of(1);
    let rules = rules(Outcome::Busy, 1, 1, 9);
    assert_eq!(list.dial(LeadId(1), AttemptId(1), 0), 1);
    list.give_back(LeadId(1), 5 * SECOND);
    assert_eq!(list.counts().waiting, 1);
    list.wake(5 * SECOND);
    assert_eq!(list.dial(LeadId(1), AttemptId(2), 0), 2);
    assert_eq!(list.finish(LeadId(1), Outcome::Busy, &rules, 0, 0).state, LeadState::Waiting);
}

#[test]
fn every_lead_is_in_one_state() {
    let mut list = list_of(5);
    let later = Lead { next_at: Some(WallTime::from_unix_us(9 * SECOND)), ..lead(6) };
    list.add(later, 0, &RetryRules::default(), 0).unwrap();
    list.dial(LeadId(1), AttemptId(1), 0);
    list.defer(LeadId(2), 100);
    list.block(LeadId(3));
    list.dial(LeadId(4), AttemptId(2), 0);
    list.finish(LeadId(4), Outcome::BadNumber, &RetryRules::default(), 0, 0);
    let counts = list.counts();
    assert_eq!(counts, LeadCounts { ready: 1, waiting: 2, offered: 0, dialling: 1, done: 0, blocked: 2 });
    assert_eq!(list.state(LeadId(99)), None);
}

#[test]
fn what_waits_long_and_what_is_over_is_let_go_and_comes_again() {
    let mut list = list_of(5);
    let rules = rules(Outcome::Busy, 600, 2, 9);
    for (id, outcome) in [(1, Outcome::Busy), (2, Outcome::Connected), (3, Outcome::Busy)] {
        list.dial(LeadId(id), AttemptId(id), 0);
        list.finish(LeadId(id), outcome, &rules, id as i64 * 100 * SECOND, 0);
    }
    list.dial(LeadId(4), AttemptId(4), 0);
    // 1 waits until 700 s, 3 until 900 s.
    list.let_go(Some(800 * SECOND));
    assert_eq!(list.held().map(|lead| lead.0).collect::<Vec<_>>(), [1, 4, 5]);
    let LeadCounts { ready, waiting, dialling, done, .. } = list.counts();
    assert_eq!((ready, waiting, dialling, done), (1, 1, 1, 1), "what was done stays counted");
    // Brought again with what came of it before: the second busy was its last.
    let again = Lead {
        attempts_made: 2,
        last_attempt: Some(WallTime::from_unix_us(0)),
        last_outcome: Some(Outcome::Busy),
        outcomes: vec![(Outcome::Busy, 2)],
        next_at: Some(WallTime::from_unix_us(900 * SECOND)),
        ..lead(3)
    };
    assert_eq!(list.add(again, 0, &rules, 850 * SECOND), Ok((LeadState::Waiting, 900 * SECOND)));
    list.wake(900 * SECOND);
    list.dial(LeadId(1), AttemptId(11), 0);
    assert_eq!(list.dial(LeadId(3), AttemptId(12), 0), 3);
    assert_eq!(list.finish(LeadId(3), Outcome::Busy, &rules, 1_000 * SECOND, 0).state, LeadState::Done);
    list.let_go(None);
    assert_eq!(list.held().map(|lead| lead.0).collect::<Vec<_>>(), [1, 4], "calls under way go on");
    assert_eq!((next(&list), list.counts().done), (None, 2));
    assert_eq!(list.add(lead(5), 0, &rules, 0), Ok((LeadState::Ready, 0)));
}

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

/// Lead 1 with further numbers.
fn with_next(numbers: &[&str]) -> Lead {
    let next = |text: &&str| NextNumber { number: number(text), consent: Some("form".into()), screened: None };
    Lead { next: numbers.iter().map(next).collect(), ..lead(1) }
}

#[test]
fn when_a_number_has_no_more_the_lead_goes_on_to_the_persons_next() {
    let mut rules = rules(Outcome::Busy, 600, 1, 9);
    rules.next = [(Outcome::Busy, Duration::from_secs(60)), (Outcome::BadNumber, Duration::ZERO)].into();
    let mut list = List::default();
    list.add(with_next(&["15550010", "15550020", "15550030"]), 0, &rules, 0).unwrap();
    // The second number is another lead's.
    list.add(Lead::new(LeadId(2), number("15550020")), 0, &rules, 0).unwrap();
    let busy = |list: &mut List, attempt| {
        list.wake(i64::MAX);
        list.dial(LeadId(1), AttemptId(attempt), 0);
        list.finish(LeadId(1), Outcome::Busy, &rules, 0, 0)
    };
    let again = Fate { state: LeadState::Waiting, next_us: 600 * SECOND, number: None };
    let on = |text| Fate { state: LeadState::Waiting, next_us: 60 * SECOND, number: Some(number(text)) };
    assert_eq!(busy(&mut list, 1), again);
    assert_eq!(busy(&mut list, 2), on("15550010"));
    let entry = list.entry(LeadId(1)).unwrap();
    assert_eq!((entry.lead.number, entry.lead.listed()), (number("15550010"), lead(1).number));
    assert_eq!((entry.lead.consent.as_deref(), entry.made()), (Some("form"), 2));
    // Each number has the rule to itself.
    assert_eq!(busy(&mut list, 3), again);
    assert_eq!(busy(&mut list, 4), on("15550030"));
    assert_eq!(busy(&mut list, 5), again);
    assert_eq!(busy(&mut list, 6).state, LeadState::Done, "there is no other number");
    // What it has left is free for another lead, what it stands at is not.
    let other = |id, text| Lead::new(LeadId(id), number(text));
    assert!(list.add(other(3, "15550010"), 0, &rules, 0).is_ok());
    assert_eq!(list.add(other(4, "15550030"), 0, &rules, 0), Err(AddError::Duplicate));
}

#[test]
fn all_attempts_of_a_lead_count_together_whatever_the_number() {
    let mut rules = rules(Outcome::NoAnswer, 1, 9, 2);
    rules.next = [(Outcome::BadNumber, Duration::ZERO)].into();
    let mut list = List::default();
    list.add(with_next(&["15550010", "15550020"]), 0, &rules, 0).unwrap();
    list.dial(LeadId(1), AttemptId(1), 0);
    assert_eq!(list.finish(LeadId(1), Outcome::BadNumber, &rules, 0, 0).number, Some(number("15550010")));
    list.wake(0);
    list.dial(LeadId(1), AttemptId(2), 0);
    assert_eq!(list.finish(LeadId(1), Outcome::BadNumber, &rules, 0, 0).state, LeadState::Blocked);
}

#[test]
fn a_lead_that_is_brought_again_at_another_number_stays_in_doubt() {
    let rules = RetryRules::default();
    let mut list = List::default();
    list.add(with_next(&["15550010"]), 0, &rules, 0).unwrap();
    list.dial(LeadId(1), AttemptId(1), 0);
    list.let_go(None);
    let moved = Lead { number: number("15550010"), listed: Some(lead(1).number), ..lead(1) };
    assert_eq!(list.add(moved, 0, &rules, 0), Err(AddError::Duplicate));
    assert!(list.entry(LeadId(1)).unwrap().is_doubtful());
    let screened =
        NextNumber { screened: Some(crate::lead::Screened::DoNotCall), ..with_next(&["15550010"]).next.remove(0) };
    assert_eq!(list.add(Lead { next: vec![screened.clone()], ..lead(1) }, 0, &rules, 0), Err(AddError::Duplicate));
    let entry = list.entry(LeadId(1)).unwrap();
    assert!(!entry.is_doubtful());
    assert_eq!(entry.lead.next, [screened]);
}
