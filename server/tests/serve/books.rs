//! The product's rows beside what the carrier saw.

use crate::harness::{Site, TENANT};
use crate::witness::Seen;
use base::{AttemptId, Duration, LeadId, ListId};
use dialer::{Outcome, RetryRules};
use std::collections::{BTreeMap, BTreeSet};
use store::{AttemptRow, CdrRow, DoubleDial, Filter, LeadCounts, LeadRow, PAGE_ROWS_MAX, Store};

/// All rows of an installation whose process has ended.
pub(crate) struct Books {
    pub(crate) attempts: Vec<AttemptRow>,
    pub(crate) cdrs: Vec<CdrRow>,
    /// Leads that were dialled at least once.
    leads: BTreeMap<LeadId, LeadRow>,
    counts: LeadCounts,
    double_dials: Vec<DoubleDial>,
}

impl Books {
    /// Reads everything.
    pub(crate) fn read(site: &Site, list: ListId) -> Books {
        site.with_store(|store| Books {
            attempts: attempts(store),
            cdrs: cdrs(store),
            leads: leads(store, list).into_iter().filter(|lead| lead.attempt_number > 0).map(|l| (l.lead, l)).collect(),
            counts: store.counts(TENANT, list).expect("counts"),
            double_dials: store.double_dials(TENANT, least_gap()).expect("double dials"),
        })
    }

    /// Everything that does not fit, in words; empty when all is well. `calls` are all INVITEs that the carrier got,
    /// `leads` the length of the list.
    pub(crate) fn faults(&self, leads: usize, calls: &[Seen]) -> Vec<String> {
        let mut faults = Vec::new();
        self.list(leads, &mut faults);
        self.attempts(&mut faults);
        self.invites(calls, &mut faults);
        self.records(calls, &mut faults);
        let never: BTreeSet<AttemptId> =
            self.attempts.iter().filter(|row| never_dialled(row)).map(|row| row.intent.attempt).collect();
        let twice = self.double_dials.iter().filter(|double| !never.contains(&double.first));
        faults.extend(twice.map(|double| format!("dialled twice: {double:?}")));
        faults
    }

    /// CDRs that were written after a crash from the attempt alone.
    pub(crate) fn rebuilt(&self) -> usize {
        self.cdrs.iter().filter(|cdr| cdr.rebuilt).count()
    }

    /// Attempts with this outcome.
    pub(crate) fn outcome(&self, outcome: Outcome) -> usize {
        let closes = self.attempts.iter().filter_map(|attempt| attempt.close.as_ref());
        closes.filter(|close| close.outcome == outcome.name()).count()
    }

    /// Each lead stands on the list once, in a state that has no call under way.
    fn list(&self, leads: usize, faults: &mut Vec<String>) {
        let settled = ["new", "ready", "waiting", "done", "blocked"];
        let sum: u64 = self.counts.by_state.iter().map(|(_, count)| count).sum();
        if self.counts.total != leads as u64 || sum != self.counts.total {
            faults.push(format!("{leads} leads were loaded, the list has {:?}", self.counts));
        }
        let stuck = self.counts.by_state.iter().filter(|(state, _)| !settled.contains(&state.as_str()));
        faults.extend(stuck.map(|(state, count)| format!("{count} leads are {state} and nothing runs")));
    }

    /// Every attempt is closed; a lead's attempts are as many as it says, numbered, as far apart as the rules ask, and
    /// the last one is what it remembers.
    fn attempts(&self, faults: &mut Vec<String>) {
        let rules = RetryRules::default().rules;
        let mut by_lead: BTreeMap<LeadId, Vec<&AttemptRow>> = BTreeMap::new();
        for attempt in &self.attempts {
            by_lead.entry(attempt.intent.lead).or_default().push(attempt);
        }
        for lead in self.leads.keys().filter(|lead| !by_lead.contains_key(lead)) {
            faults.push(format!("lead {lead} counts attempts that have no row"));
        }
        for (lead, attempts) in by_lead {
            let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.intent.attempt_number).collect();
            let row = self.leads.get(&lead);
            if !numbers.iter().copied().eq(1..=attempts.len() as u32)
                || row.map(|row| row.attempt_number) != numbers.last().copied()
            {
                faults.push(format!("lead {lead}: attempts {numbers:?}, the lead says {row:?}"));
            }
            let Some(closes) = attempts.iter().map(|attempt| attempt.close.as_ref()).collect::<Option<Vec<_>>>() else {
                faults.push(format!("lead {lead}: an attempt is open"));
                continue;
            };
            let last = closes.last().map(|close| close.outcome.as_str());
            if row.and_then(|row| row.last_outcome.as_deref()) != last {
                faults.push(format!("lead {lead}: its last attempt ended as {last:?}, the lead says {row:?}"));
            }
            for ((before, close), next) in attempts.iter().zip(closes).zip(attempts.iter().skip(1)) {
                if never_dialled(before) {
                    continue; // there was no call that another could follow too soon
                }
                let rule = rules.iter().find(|(outcome, _)| outcome.name() == close.outcome);
                let gap_us = next.intent.at.as_unix_us() - close.ended_at.as_unix_us();
                if rule.is_none_or(|(_, rule)| gap_us < rule.gap.as_us() as i64) {
                    faults.push(format!("lead {lead}: dialled {gap_us} us after {:?}", close.outcome));
                }
            }
        }
    }

    /// No INVITE without an attempt, and none to a number within the shortest gap of its last one.
    fn invites(&self, calls: &[Seen], faults: &mut Vec<String>) {
        let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
        for attempt in &self.attempts {
            *rows.entry(&attempt.intent.number).or_default() += 1;
        }
        let mut by_number: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
        for call in calls {
            by_number.entry(&call.number).or_default().push(call);
        }
        for (number, calls) in by_number {
            let recorded = rows.get(number).copied().unwrap_or_default();
            if calls.len() > recorded {
                faults.push(format!("{number}: {} INVITEs, {recorded} attempts", calls.len()));
            }
            for pair in calls.windows(2) {
                let gap = pair[1].invited.since(pair[0].invited);
                if gap < least_gap() {
                    faults.push(format!("{number}: dialled again after {} ms", gap.as_ms()));
                }
            }
        }
    }

    /// Every acknowledged call has exactly one CDR: the one with its Call-ID, or one rebuilt for its number. An attempt
    /// has one at most, and none is open.
    fn records(&self, calls: &[Seen], faults: &mut Vec<String>) {
        let mut by_call_id: BTreeMap<&str, usize> = BTreeMap::new();
        let mut rebuilt: BTreeMap<&str, usize> = BTreeMap::new();
        let mut attempts: BTreeSet<AttemptId> = BTreeSet::new();
        for cdr in &self.cdrs {
            if cdr.close.is_none() {
                faults.push(format!("CDR {} is open", cdr.open.call));
            }
            if let Some(attempt) = cdr.open.attempt.filter(|attempt| !attempts.insert(*attempt)) {
                faults.push(format!("attempt {attempt} has two CDRs"));
            }
            if cdr.rebuilt {
                *rebuilt.entry(&cdr.open.callee).or_default() += 1;
            } else {
                *by_call_id.entry(&cdr.open.sip_call_id).or_default() += 1;
            }
        }
        for (call_id, count) in by_call_id.iter().filter(|(_, count)| **count > 1) {
            faults.push(format!("call {call_id} has {count} CDRs"));
        }
        for call in calls.iter().filter(|call| call.acked.is_some()) {
            if by_call_id.contains_key(call.call_id.as_str()) {
                continue;
            }
            match rebuilt.get_mut(call.number.as_str()).filter(|left| **left > 0) {
                Some(left) => *left -= 1,
                None => faults.push(format!("an acknowledged call has no CDR: {call:?}")),
            }
        }
    }
}

/// Decided and given back before its INVITE: stopped or drained in the moment between. An INVITE that was cancelled has
/// the code of its end.
fn never_dialled(row: &AttemptRow) -> bool {
    row.close.as_ref().is_some_and(|close| close.outcome == Outcome::Cancelled.name() && close.cause_code.is_none())
}

/// The shortest of the gaps that the retry rules ask for.
fn least_gap() -> Duration {
    RetryRules::default().rules.values().map(|rule| rule.gap).min().expect("there are rules")
}

fn attempts(store: &Store) -> Vec<AttemptRow> {
    let mut all: Vec<AttemptRow> = Vec::new();
    loop {
        let after = all.last().map(|attempt| attempt.intent.attempt.0);
        let page = store.attempts(TENANT, Filter { after, limit: PAGE_ROWS_MAX, ..Filter::default() });
        let page = page.expect("attempts");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn cdrs(store: &Store) -> Vec<CdrRow> {
    let mut all: Vec<CdrRow> = Vec::new();
    loop {
        let after = all.last().map(|cdr| cdr.open.call.0);
        let page = store.cdrs(TENANT, Filter { after, limit: PAGE_ROWS_MAX, ..Filter::default() }).expect("CDRs");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn leads(store: &Store, list: ListId) -> Vec<LeadRow> {
    let mut all: Vec<LeadRow> = Vec::new();
    loop {
        let after = all.last().map(|lead| lead.lead);
        let page = store.leads(TENANT, list, after, PAGE_ROWS_MAX).expect("leads");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}
