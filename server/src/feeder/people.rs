//! Leads made ready to be judged: at which number each is, what else its person is to be reached by, and what is known of
//! these numbers.
//!
//! ```text
//!  rows ──their contacts──> number of now · numbers not tried yet ──histories, screens, consents──> FedLead
//! ```
//!
//! **Invariants.** A few questions a page, whatever is on it, but for consents. A number that is a lead of its own on one
//! of the campaign's lists is no further number of another. Whoever was abandoned at one number is spared at all.

use super::Question;
use base::{Duration, LeadId, ListId, WallTime};
use dialer::{CountedAs, Mark, NEXT_NUMBERS_MAX, Outcome, Screened};
use std::collections::{BTreeMap, BTreeSet};
use store::{Action, LeadRow, OutcomeCount, ScreenKind, Store, StoreError, TenantId};

/// The scope of a consent that holds for every campaign.
pub(super) const CONSENT_FOR_ALL: &str = "marketing";
/// How far the caps look back.
const HISTORY: Duration = Duration::from_secs(31 * 86_400);

/// What a store remembers of a number, over all lists and campaigns.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Moments of its recent attempts.
    pub attempts: Vec<WallTime>,
    /// When the person was last abandoned, at this number or another of theirs.
    pub abandoned: Option<WallTime>,
    /// When detection last heard no person there.
    pub machine: Option<WallTime>,
}

/// A number with what is needed to judge it.
#[derive(Clone, Debug)]
pub struct FedNumber {
    /// E.164.
    pub number: String,
    /// What happened there.
    pub history: History,
    /// Something that is known of it forbids it.
    pub screened: Option<Screened>,
    /// Proof of consent, if one is wanted and there.
    pub consent: Option<String>,
}

/// A lead with what is needed to judge it.
#[derive(Clone, Debug)]
pub struct FedLead {
    /// As stored.
    pub row: LeadRow,
    /// The number that is dialled now.
    pub now: FedNumber,
    /// It was dialled for this lead, or is the lead's own.
    pub was_tried: bool,
    /// How often each outcome came of it at this number.
    pub outcomes: Vec<(String, u32)>,
    /// Where else the person may be reached, in order.
    pub next: Vec<FedNumber>,
    /// What was promised to this person and is not kept yet.
    pub callback: Option<dialer::Callback>,
}

/// Leads with what is needed to judge them; `lists` are those of the campaign.
pub(super) fn complete(
    store: &Store,
    tenant: TenantId,
    question: &Question,
    lists: &[ListId],
    rows: Vec<LeadRow>,
    promises: &BTreeMap<LeadId, dialer::Callback>,
) -> Result<Vec<FedLead>, StoreError> {
    let beside = beside(store, tenant, question, lists, &rows)?;
    let own = rows.iter().map(|row| row.number.clone());
    let numbers: BTreeSet<String> = own.chain(beside.values().flatten().cloned()).collect();
    let numbers: Vec<String> = numbers.into_iter().collect();
    let histories = histories(store, tenant, question.at, &numbers)?;
    let dialled: Vec<LeadId> = rows.iter().filter(|row| row.attempt_number > 0).map(|row| row.lead).collect();
    let mut outcomes: BTreeMap<LeadId, Vec<OutcomeCount>> = BTreeMap::new();
    for count in store.outcomes_of(tenant, &dialled)? {
        outcomes.entry(count.lead).or_default().push(count);
    }
    // A do-not-call list counts more: it comes first. Then other lists, then what calls have shown.
    let mut screened: BTreeMap<String, Screened> = BTreeMap::new();
    for (number, kind) in store.screened(tenant, &numbers)? {
        screened.entry(number).or_insert(match kind {
            ScreenKind::DoNotCall => Screened::DoNotCall,
            ScreenKind::Reassigned => Screened::Reassigned,
        });
    }
    for row in store.marks_of(tenant, &numbers)? {
        if let Some(mark) = Mark::named(&row.reason) {
            screened.entry(row.number).or_insert(Screened::Marked(mark));
        }
    }
    let mut fed = Vec::with_capacity(rows.len());
    for row in rows {
        let outcomes = outcomes.remove(&row.lead).unwrap_or_default();
        let others = beside.get(&row.number).map_or(&[][..], Vec::as_slice);
        let (now, next) = stands_at(&row, others, &outcomes, question.source.next_numbers);
        let all = std::iter::once(&row.number).chain(others);
        let abandoned = all.filter_map(|number| histories.get(number)?.abandoned).max();
        let known_of = |number: &str| {
            let consent = match &question.source.scope {
                None => None,
                Some(scope) => consent_of(store, tenant, number, scope)?,
            };
            let history = histories.get(number).cloned().unwrap_or_default();
            let (history, screened) = (History { abandoned, ..history }, screened.get(number).copied());
            Ok::<_, StoreError>(FedNumber { number: number.to_owned(), history, screened, consent })
        };
        let was_tried = now == row.number || outcomes.iter().any(|count| count.number == now);
        let here = outcomes.iter().filter(|count| count.number == now);
        fed.push(FedLead {
            was_tried,
            outcomes: here.map(|count| (count.outcome.clone(), count.times)).collect(),
            next: next.into_iter().map(&known_of).collect::<Result<_, _>>()?,
            now: known_of(now)?,
            callback: promises.get(&row.lead).copied(),
            row,
        });
    }
    Ok(fed)
}

/// The other numbers of the leads' contacts, where they matter, by the leads' own.
fn beside(
    store: &Store,
    tenant: TenantId,
    question: &Question,
    lists: &[ListId],
    rows: &[LeadRow],
) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
    let asked = rows.iter().filter(|row| question.source.next_numbers || row.dial_number.is_some());
    let asked: Vec<String> = asked.map(|row| row.number.clone()).collect();
    let mut beside = store.numbers_beside(tenant, &asked)?;
    let others: Vec<String> = beside.values().flatten().cloned().collect();
    let leads: BTreeSet<String> = store.numbers_on(tenant, lists, &others)?.into_iter().collect();
    beside.values_mut().for_each(|others| others.retain(|number| !leads.contains(number)));
    Ok(beside)
}

/// The number at which a lead is, and those that it has not come to yet. A number that was taken away from the contact
/// meanwhile is left: the lead is at the next one, or at its own again.
fn stands_at<'a>(
    row: &'a LeadRow,
    others: &'a [String],
    outcomes: &[OutcomeCount],
    may_go_on: bool,
) -> (&'a str, Vec<&'a str>) {
    let is_new = |number: &&str| !outcomes.iter().any(|count| count.number == **number);
    let mut next = others.iter().map(String::as_str).filter(is_new);
    let now = match row.dial_number.as_deref() {
        None => row.number.as_str(),
        Some(number) => match others.iter().find(|other| *other == number) {
            Some(number) => number,
            None => next.next().unwrap_or(&row.number),
        },
    };
    let most = if may_go_on { NEXT_NUMBERS_MAX } else { 0 };
    (now, next.filter(|number| *number != now).take(most).collect())
}

fn histories(
    store: &Store,
    tenant: TenantId,
    at: WallTime,
    numbers: &[String],
) -> Result<BTreeMap<String, History>, StoreError> {
    let since = WallTime::from_unix_us(at.as_unix_us() - HISTORY.as_us() as i64);
    let mut histories: BTreeMap<String, History> = BTreeMap::new();
    for row in store.history(tenant, numbers, since)? {
        let history = histories.entry(row.number).or_default();
        history.attempts.push(row.at);
        if row.counted_as.as_deref() == Some(CountedAs::Abandoned.name()) {
            history.abandoned = history.abandoned.max(row.counted_at);
        }
        let outcome = row.outcome.as_deref().and_then(Outcome::named);
        history.machine = history.machine.max(outcome.and_then(|outcome| outcome.no_person_at(row.verdict_at)));
    }
    Ok(histories)
}

/// The proof of a consent in force: the campaign's own word decides, else the one for all.
fn consent_of(store: &Store, tenant: TenantId, number: &str, scope: &str) -> Result<Option<String>, StoreError> {
    let own = store.consent(tenant, number, scope)?;
    let found = match own {
        Some(own) => Some(own),
        None => store.consent(tenant, number, CONSENT_FOR_ALL)?,
    };
    let given = found.filter(|(_, row)| row.action == Action::Add);
    Ok(given.map(|(id, row)| row.proof.unwrap_or_else(|| format!("consent {id}"))))
}
