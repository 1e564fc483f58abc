//! A campaign's leads: who may be dialled now, who waits, who is done. Each lead is in exactly one state and has at
//! most one live attempt.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::{AttemptId, LeadId};

use crate::attempt::Outcome;
use crate::campaign::RetryRules;
use crate::lead::{Lead, LeadState, Number};

/// Open leads of one campaign in memory: a lead is about 250 bytes, so 50 MB; at 20 launches a second it is
/// 2.7 hours of dialling, and more are asked for long before.
pub const LEADS_MAX: usize = 200_000;
/// Below so many leads that could be dialled, more are asked for: 100 seconds at 20 launches a second.
pub(crate) const LEADS_LOW: usize = 2_000;

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) lead: Lead,
    pub(crate) zone: u32,
    pub(crate) state: LeadState,
    pub(crate) attempts: u32,
    /// How often each outcome came, for the retry rule.
    outcomes: BTreeMap<Outcome, u32>,
    /// Steady moment of a waiting lead.
    next_us: i64,
}

/// How many leads are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LeadCounts {
    /// May be dialled now.
    pub ready: usize,
    /// Wait for a moment.
    pub waiting: usize,
    /// Have a live attempt.
    pub dialling: usize,
    /// Will not be dialled again.
    pub done: usize,
    /// May not be dialled.
    pub blocked: usize,
}

#[derive(Default)]
pub(crate) struct List {
    open: BTreeMap<LeadId, Entry>,
    /// Never dialled, in the order given.
    fresh: VecDeque<LeadId>,
    /// Waited and may go now; before the fresh ones, because their moment was promised.
    due: VecDeque<LeadId>,
    /// Waiting, by steady moment.
    later: BTreeSet<(i64, LeadId)>,
    /// Closed leads; what is left of them is their last state.
    closed: BTreeMap<LeadId, LeadState>,
    numbers: BTreeSet<Number>,
    dialling: usize,
    blocked: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddError {
    Duplicate,
    Full,
}

impl List {
    fn knows(&self, lead: &Lead) -> bool {
        let id = &lead.lead;
        self.open.contains_key(id) || self.closed.contains_key(id) || self.numbers.contains(&lead.number)
    }

    /// Adds a lead whose attempts were all made before, so that it is counted and never dialled.
    pub(crate) fn add_done(&mut self, lead: &Lead) -> Result<(), AddError> {
        if self.knows(lead) {
            return Err(AddError::Duplicate);
        }
        self.numbers.insert(lead.number);
        self.close(lead.lead, LeadState::Done);
        Ok(())
    }

    /// Adds a lead that may be dialled from `next_us` on.
    pub(crate) fn add(&mut self, lead: Lead, zone: u32, now_us: i64, next_us: i64) -> Result<(), AddError> {
        if self.knows(&lead) {
            return Err(AddError::Duplicate);
        }
        if self.open.len() >= LEADS_MAX {
            return Err(AddError::Full);
        }
        self.numbers.insert(lead.number);
        let id = lead.lead;
        let attempts = lead.attempts_made;
        let entry = Entry { lead, zone, state: LeadState::Ready, attempts, outcomes: BTreeMap::new(), next_us };
        self.open.insert(id, entry);
        if next_us > now_us {
            self.wait(id, next_us);
        } else {
            self.fresh.push_back(id);
        }
        Ok(())
    }

    /// Moves leads whose moment has come to the ready ones.
    pub(crate) fn wake(&mut self, now_us: i64) -> Vec<LeadId> {
        let mut woken = Vec::new();
        while let Some(&(at, lead)) = self.later.first() {
            if at > now_us {
                break;
            }
            self.later.remove(&(at, lead));
            if let Some(entry) = self.open.get_mut(&lead) {
                entry.state = LeadState::Ready;
                self.due.push_back(lead);
                woken.push(lead);
            }
        }
        woken
    }

    /// The lead to look at next; it stays ready until told otherwise.
    pub(crate) fn next(&self) -> Option<(LeadId, &Entry)> {
        let id = *self.due.front().or(self.fresh.front())?;
        self.open.get(&id).map(|entry| (id, entry))
    }

    fn take_next(&mut self, lead: LeadId) {
        if self.due.front() == Some(&lead) {
            self.due.pop_front();
        } else if self.fresh.front() == Some(&lead) {
            self.fresh.pop_front();
        }
    }

    /// The next lead is being dialled; gives its attempt number.
    pub(crate) fn dial(&mut self, lead: LeadId, attempt: AttemptId) -> u32 {
        self.take_next(lead);
        let Some(entry) = self.open.get_mut(&lead) else { return 0 };
        entry.state = LeadState::Dialling(attempt);
        entry.attempts += 1;
        self.dialling += 1;
        entry.attempts
    }

    /// The next lead has to wait until a steady moment.
    pub(crate) fn defer(&mut self, lead: LeadId, until_us: i64) {
        self.take_next(lead);
        self.wait(lead, until_us);
    }

    /// The next lead may not be dialled at all.
    pub(crate) fn block(&mut self, lead: LeadId) {
        self.take_next(lead);
        self.close(lead, LeadState::Blocked);
    }

    fn wait(&mut self, lead: LeadId, until_us: i64) {
        if let Some(entry) = self.open.get_mut(&lead) {
            entry.state = LeadState::Waiting;
            entry.next_us = until_us;
            self.later.insert((until_us, lead));
        }
    }

    fn close(&mut self, lead: LeadId, state: LeadState) {
        self.open.remove(&lead);
        self.blocked += usize::from(state == LeadState::Blocked);
        self.closed.insert(lead, state);
    }

    /// The lead's attempt is over. `earliest_us`: whatever the rule says, not before (the carrier's Retry-After).
    /// Gives the new state and the moment of a waiting lead.
    pub(crate) fn finish(
        &mut self,
        lead: LeadId,
        outcome: Outcome,
        rules: &RetryRules,
        now_us: i64,
        earliest_us: i64,
    ) -> (LeadState, i64) {
        let Some(entry) = self.open.get_mut(&lead) else { return (LeadState::Done, 0) };
        self.dialling = self.dialling.saturating_sub(1);
        let times = entry.outcomes.entry(outcome).or_insert(0);
        *times += 1;
        let again = rules.rules.get(&outcome).filter(|rule| *times <= rule.times);
        match again {
            Some(rule) if entry.attempts < rules.attempts_max => {
                let until_us = (now_us + rule.gap.as_us() as i64).max(earliest_us);
                self.wait(lead, until_us);
                (LeadState::Waiting, until_us)
            }
            _ => {
                let state = if outcome == Outcome::BadNumber { LeadState::Blocked } else { LeadState::Done };
                self.close(lead, state);
                (state, 0)
            }
        }
    }

    /// The attempt was never made: the lead waits a little and its retry rule has not counted it.
    pub(crate) fn give_back(&mut self, lead: LeadId, until_us: i64) {
        if self.open.contains_key(&lead) {
            self.dialling = self.dialling.saturating_sub(1);
            self.wait(lead, until_us);
        }
    }

    pub(crate) fn state(&self, lead: LeadId) -> Option<LeadState> {
        self.open.get(&lead).map(|entry| entry.state).or_else(|| self.closed.get(&lead).copied())
    }

    pub(crate) fn counts(&self) -> LeadCounts {
        LeadCounts {
            ready: self.fresh.len() + self.due.len(),
            waiting: self.later.len(),
            dialling: self.dialling,
            done: self.closed.len() - self.blocked,
            blocked: self.blocked,
        }
    }

    pub(crate) fn room(&self) -> usize {
        LEADS_MAX - self.open.len()
    }
}

#[cfg(test)]
mod tests;
