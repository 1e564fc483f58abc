//! A campaign's leads: who may be dialled now, who waits, who is done. Each lead is in exactly one state and has at
//! most one live attempt.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::{AgentId, AttemptId, LeadId, WallTime};

use crate::attempt::Outcome;
use crate::campaign::{RetryRule, RetryRules};
use crate::compliance::zone_of;
use crate::lead::{Callback, Lead, LeadState, Number};

mod entry;

pub(crate) use entry::Fate;
use entry::{Entry, Outlook, few, last_outcome, settled};

/// Open leads of one campaign in memory: a lead is about 250 bytes, so 50 MB, and twice that where each brings
/// [`NEXT_NUMBERS_MAX`](crate::lead::NEXT_NUMBERS_MAX) further numbers; at 20 launches a second it is
/// 2.7 hours of dialling, and more are asked for long before.
pub const LEADS_MAX: usize = 200_000;
/// Blocked leads that are kept whole, so that they can come back: as many as open ones. Of further ones only the id is
/// kept, and they stay blocked until the campaign is loaded anew.
const BLOCKED_MAX: usize = LEADS_MAX;
/// Below so many leads that could be dialled, more are asked for: 100 seconds at 20 launches a second.
pub(crate) const LEADS_LOW: usize = 2_000;

/// How many leads are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LeadCounts {
    /// May be dialled now.
    pub ready: usize,
    /// Wait for a moment.
    pub waiting: usize,
    /// Are shown to an agent.
    pub offered: usize,
    /// Have a live attempt.
    pub dialling: usize,
    /// Will not be dialled again.
    pub done: usize,
    /// May not be dialled.
    pub blocked: usize,
}

#[derive(Default)]
pub(crate) struct List {
    /// Boxed: entries are large, and a tree moves its neighbours at every change.
    open: BTreeMap<LeadId, Box<Entry>>,
    /// Never dialled, in the order given.
    fresh: VecDeque<LeadId>,
    /// Waited and may go now; before the fresh ones, because their moment was promised.
    due: VecDeque<LeadId>,
    /// Waiting, by steady moment.
    later: BTreeSet<(i64, LeadId)>,
    /// Promised calls whose moment has come and that wait for their agents.
    owned: BTreeSet<LeadId>,
    /// Closed leads; what is left of them is their last state and how many attempts there were.
    closed: BTreeMap<LeadId, (LeadState, u32)>,
    /// Leads that may not be dialled now, and whether the gate said so (else their number does not exist).
    blocked: BTreeMap<LeadId, (Box<Entry>, bool)>,
    numbers: BTreeSet<Number>,
    offered: usize,
    dialling: usize,
    /// Of the closed ones: blocked, beyond [`BLOCKED_MAX`].
    closed_blocked: usize,
    /// Leads that were let go when they were done or blocked.
    gone: (usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddError {
    Duplicate,
    Full,
}

impl List {
    /// Takes a lead out of the blocked ones when it comes back; an error when its id or number is here otherwise.
    fn admit(&mut self, lead: &Lead) -> Result<Option<Box<Entry>>, AddError> {
        let id = &lead.lead;
        let back = self.blocked.get(id).filter(|(old, by_gate)| *by_gate || old.lead.number != lead.number);
        let same_number = back.is_some_and(|(old, _)| old.lead.number == lead.number);
        let known = self.open.contains_key(id) || self.closed.contains_key(id) || self.blocked.contains_key(id);
        if (known && back.is_none()) || (self.numbers.contains(&lead.number) && !same_number) {
            return Err(AddError::Duplicate);
        }
        if self.open.len() >= LEADS_MAX {
            return Err(AddError::Full);
        }
        let old = self.blocked.remove(id).map(|(old, _)| old);
        if let Some(old) = &old {
            self.numbers.remove(&old.lead.number);
        }
        self.numbers.insert(lead.number);
        Ok(old)
    }

    /// Adds a lead; gives its state and the steady moment of a waiting one. One whose attempts were all made before is
    /// counted and never dialled. One that is open is not added again, and is judged by what was brought from here on.
    pub(crate) fn add(
        &mut self,
        mut lead: Lead,
        zone: u32,
        rules: &RetryRules,
        now_us: i64,
    ) -> Result<(LeadState, i64), AddError> {
        lead.next = few(lead.next);
        if let Some(callback) = lead.callback {
            return self.promise(lead, zone, callback);
        }
        if let Some(entry) = self.open.get_mut(&lead.lead) {
            entry.refresh(&lead);
            return Err(AddError::Duplicate);
        }
        let old = self.admit(&lead)?;
        let id = lead.lead;
        let outlook = Outlook::of(&lead, rules);
        let attempts = lead.attempts_made.max(old.as_ref().map_or(0, |old| old.attempts));
        let given_back = old.as_ref().map_or(0, |old| old.given_back);
        let outcomes = match old {
            Some(old) => old.outcomes,
            None if lead.outcomes.is_empty() => last_outcome(&lead).map(|outcome| (outcome, 1)).into_iter().collect(),
            None => lead.outcomes.iter().copied().collect(),
        };
        let state = LeadState::Ready;
        let entry = Entry {
            lead,
            zone,
            state,
            attempts,
            given_back,
            outcomes,
            next_us: now_us,
            put_off: false,
            callback: None,
            kept: None,
            skips: 0,
            doubtful: false,
        };
        self.open.insert(id, Box::new(entry));
        match outlook {
            Outlook::Settled(state) => {
                self.close(id, state, false);
                Ok((state, 0))
            }
            Outlook::From(next_us) if next_us > now_us => {
                self.wait(id, next_us, false);
                Ok((LeadState::Waiting, next_us))
            }
            Outlook::From(_) => {
                self.fresh.push_back(id);
                Ok((LeadState::Ready, 0))
            }
        }
    }

    /// A promise to call back: the lead waits for its moment, whatever became of it before.
    fn promise(&mut self, lead: Lead, zone: u32, callback: Callback) -> Result<(LeadState, i64), AddError> {
        let id = lead.lead;
        let due_us = callback.at.as_unix_us();
        let promised = Some((due_us, callback.agent));
        if let Some(entry) = self.open.get_mut(&id) {
            entry.refresh(&lead);
            if entry.kept == promised || entry.callback == promised {
                // The attempt under way is that call, or it is known.
                return Ok((entry.state, entry.next_us));
            }
            entry.callback = promised;
            if matches!(entry.state, LeadState::Dialling(_) | LeadState::Offered) {
                // Kept in mind until that is over.
                return Ok((entry.state, 0));
            }
            let next_us = entry.next_us;
            self.later.remove(&(next_us, id));
            self.owned.remove(&id);
            self.fresh.retain(|other| *other != id);
            self.due.retain(|other| *other != id);
        } else {
            let known = self.closed.remove(&id);
            self.closed_blocked -= usize::from(known.is_some_and(|(state, _)| state == LeadState::Blocked));
            let before = self.blocked.remove(&id).map(|(entry, _)| entry);
            let mine = known.is_some() || before.as_ref().is_some_and(|entry| entry.lead.number == lead.number);
            if (self.numbers.contains(&lead.number) && !mine) || self.open.len() >= LEADS_MAX {
                return Err(if mine { AddError::Full } else { AddError::Duplicate });
            }
            self.numbers.insert(lead.number);
            let made = known.map(|(_, attempts)| attempts).or(before.map(|entry| entry.attempts));
            let attempts = lead.attempts_made.max(made.unwrap_or(0));
            let entry = Entry {
                lead,
                zone,
                state: LeadState::Ready,
                attempts,
                given_back: 0,
                outcomes: BTreeMap::new(),
                next_us: due_us,
                put_off: false,
                callback: promised,
                kept: None,
                skips: 0,
                doubtful: false,
            };
            self.open.insert(id, Box::new(entry));
        }
        self.wait(id, due_us, false);
        Ok((LeadState::Waiting, due_us))
    }

    /// Whether a promised call waits for its agent.
    pub(crate) fn has_owned(&self) -> bool {
        !self.owned.is_empty()
    }

    /// Promised calls whose moment has come: lead, agent, and that moment.
    pub(crate) fn owned(&self) -> Vec<(LeadId, AgentId, i64)> {
        let of = |id: &LeadId| {
            let (due_us, agent) = self.open.get(id)?.callback?;
            Some((*id, agent?, due_us))
        };
        self.owned.iter().filter_map(of).collect()
    }

    /// Those of them that have waited so long.
    pub(crate) fn owners_away(&self, now_us: i64, wait: base::Duration) -> Vec<LeadId> {
        let over = |id: &&LeadId| self.open.get(id).is_some_and(|entry| entry.next_us + wait.as_us() as i64 <= now_us);
        self.owned.iter().filter(over).copied().collect()
    }

    /// A promised call is tried with its agent again at this moment.
    pub(crate) fn wait_again(&mut self, lead: LeadId, until_us: i64) {
        self.take_next(lead);
        self.wait(lead, until_us, false);
    }

    /// A promised call is whoever's is free.
    pub(crate) fn give_to_anybody(&mut self, lead: LeadId) {
        self.owned.remove(&lead);
        if let Some(entry) = self.open.get_mut(&lead) {
            entry.callback = entry.callback.map(|(due_us, _)| (due_us, None));
            entry.state = LeadState::Ready;
            self.due.push_back(lead);
        }
    }

    /// The attempt at this lead that has just been dialled keeps a promise.
    pub(crate) fn keeps_promise(&self, lead: LeadId) -> bool {
        self.open.get(&lead).is_some_and(|entry| entry.kept.is_some())
    }

    /// Leads that the gate has blocked or put off may be looked at again; gives those that are ready because of it.
    pub(crate) fn reconsider(&mut self) -> Vec<LeadId> {
        let mut again = self.look_again();
        let by_gate: Vec<LeadId> =
            self.blocked.iter().filter(|(_, (_, by_gate))| *by_gate).map(|(id, _)| *id).collect();
        for id in by_gate.into_iter().take(self.room()) {
            if let Some((mut entry, _)) = self.blocked.remove(&id) {
                entry.state = LeadState::Ready;
                let promised = entry.callback;
                self.open.insert(id, entry);
                if let Some((due_us, _)) = promised {
                    self.wait(id, due_us, false);
                } else {
                    self.fresh.push_back(id);
                    again.push(id);
                }
            }
        }
        again
    }

    /// The part of `reconsider` for leads that were only put off.
    pub(crate) fn look_again(&mut self) -> Vec<LeadId> {
        let put_off = |(_, id): &&(i64, LeadId)| self.open.get(id).is_some_and(|entry| entry.put_off);
        let again: Vec<(i64, LeadId)> = self.later.iter().filter(put_off).copied().collect();
        for key in &again {
            self.later.remove(key);
            if let Some(entry) = self.open.get_mut(&key.1) {
                if entry.callback.is_some_and(|(_, agent)| agent.is_some()) {
                    self.owned.insert(key.1);
                    continue;
                }
                entry.state = LeadState::Ready;
                self.due.push_back(key.1);
            }
        }
        let ready = |id: &LeadId| self.open.get(id).is_some_and(|entry| entry.state == LeadState::Ready);
        again.into_iter().map(|(_, id)| id).filter(ready).collect()
    }

    /// The campaign's own zone has changed: it is that of the leads for which nothing says another.
    pub(crate) fn set_zone(&mut self, zone: u32) {
        let entries = self.open.values_mut().chain(self.blocked.values_mut().map(|(entry, _)| entry));
        entries
            .filter(|entry| entry.lead.timezone.is_none() && zone_of(entry.lead.number).is_none())
            .for_each(|entry| entry.zone = zone);
    }

    /// The zone of a lead that has gone on to another number.
    pub(crate) fn set_zone_of(&mut self, lead: LeadId, zone: u32) {
        if let Some(entry) = self.open.get_mut(&lead) {
            entry.zone = zone;
        }
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
                if entry.callback.is_some_and(|(_, agent)| agent.is_some()) {
                    // Goes on waiting: for its agent.
                    self.owned.insert(lead);
                    continue;
                }
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
        self.open.get(&id).map(|entry| (id, &**entry))
    }

    /// The leads to look at next, at most so many.
    pub(crate) fn ahead(&self, count: usize) -> impl Iterator<Item = &Entry> {
        self.due.iter().chain(&self.fresh).take(count).filter_map(|id| self.open.get(id)).map(|entry| &**entry)
    }

    /// One open lead.
    pub(crate) fn entry(&self, lead: LeadId) -> Option<&Entry> {
        self.open.get(&lead).map(|entry| &**entry)
    }

    /// The next lead is shown to an agent.
    pub(crate) fn offer(&mut self, lead: LeadId) {
        self.take_next(lead);
        if let Some(entry) = self.open.get_mut(&lead) {
            entry.state = LeadState::Offered;
            self.offered += 1;
        }
    }

    /// A lead is shown no more and nothing came of it: it is the next one again, or waits for the moment that was promised
    /// while it was shown, which is given.
    pub(crate) fn withdraw(&mut self, lead: LeadId, now_us: i64) -> Option<i64> {
        self.take_next(lead);
        if let Some(entry) = self.open.get_mut(&lead) {
            if entry.callback.is_some_and(|(due_us, _)| due_us > now_us) {
                return Some(self.wait(lead, now_us, false));
            }
            if entry.callback.is_some_and(|(_, agent)| agent.is_some()) {
                entry.state = LeadState::Waiting;
                self.owned.insert(lead);
                return None;
            }
            entry.state = LeadState::Ready;
            self.due.push_front(lead);
        }
        None
    }

    /// An agent did not want the lead. Gives the new state and the moment of a waiting lead.
    pub(crate) fn skip(&mut self, lead: LeadId, rule: RetryRule, now_us: i64) -> (LeadState, i64) {
        self.take_next(lead);
        let Some(entry) = self.open.get_mut(&lead) else { return (LeadState::Done, 0) };
        entry.skips += 1;
        if entry.skips > rule.times && !entry.is_promised() {
            self.close(lead, LeadState::Done, false);
            return (LeadState::Done, 0);
        }
        (LeadState::Waiting, self.wait(lead, now_us + rule.gap.as_us() as i64, false))
    }

    /// Takes a lead from where it waits for its attempt: the front of a queue, or an agent's screen.
    fn take_next(&mut self, lead: LeadId) {
        if self.open.get(&lead).is_some_and(|entry| entry.state == LeadState::Offered) {
            self.offered -= 1;
            return;
        }
        if self.owned.remove(&lead) {
            return;
        }
        if self.due.front() == Some(&lead) {
            self.due.pop_front();
        } else if self.fresh.front() == Some(&lead) {
            self.fresh.pop_front();
        }
    }

    /// The next lead is being dialled; gives its attempt number. It keeps a promise whose moment has come.
    pub(crate) fn dial(&mut self, lead: LeadId, attempt: AttemptId, now_us: i64) -> u32 {
        self.take_next(lead);
        let Some(entry) = self.open.get_mut(&lead) else { return 0 };
        entry.state = LeadState::Dialling(attempt);
        entry.attempts += 1;
        entry.kept = entry.callback.take_if(|(due_us, _)| *due_us <= now_us);
        self.dialling += 1;
        entry.attempts
    }

    /// The next lead has to wait until a steady moment; gives the moment.
    pub(crate) fn defer(&mut self, lead: LeadId, until_us: i64) -> i64 {
        self.take_next(lead);
        self.wait(lead, until_us, true)
    }

    /// The next lead may not be dialled at all.
    pub(crate) fn block(&mut self, lead: LeadId) {
        self.take_next(lead);
        self.close(lead, LeadState::Blocked, true);
    }

    /// The next lead has no attempt left.
    pub(crate) fn spent(&mut self, lead: LeadId) {
        self.take_next(lead);
        self.close(lead, LeadState::Done, false);
    }

    /// Until then, or until the moment of a promise that is later; gives the moment.
    fn wait(&mut self, lead: LeadId, until_us: i64, put_off: bool) -> i64 {
        let Some(entry) = self.open.get_mut(&lead) else { return until_us };
        let promised_us = entry.callback.map_or(i64::MIN, |(due_us, _)| due_us);
        entry.state = LeadState::Waiting;
        entry.next_us = until_us.max(promised_us);
        // Whatever the gate comes to say, nobody is called before the promised moment.
        entry.put_off = put_off && promised_us <= until_us;
        self.later.insert((entry.next_us, lead));
        entry.next_us
    }

    fn close(&mut self, lead: LeadId, state: LeadState, by_gate: bool) {
        let Some(mut entry) = self.open.remove(&lead) else { return };
        if state == LeadState::Blocked && self.blocked.len() < BLOCKED_MAX {
            entry.state = state;
            self.blocked.insert(lead, (entry, by_gate));
        } else {
            self.closed_blocked += usize::from(state == LeadState::Blocked);
            self.closed.insert(lead, (state, entry.attempts));
        }
    }

    /// The lead's attempt is over. `earliest_us`: whatever the rule says, not before (the carrier's Retry-After).
    pub(crate) fn finish(
        &mut self,
        lead: LeadId,
        outcome: Outcome,
        rules: &RetryRules,
        now_us: i64,
        earliest_us: i64,
    ) -> Fate {
        let Some(entry) = self.open.get_mut(&lead) else { return Fate::of((LeadState::Done, 0)) };
        self.dialling = self.dialling.saturating_sub(1);
        entry.kept = None;
        if entry.is_promised() {
            // Promised while they talked.
            return Fate::of((LeadState::Waiting, self.wait(lead, now_us, false)));
        }
        if outcome == Outcome::Abandoned {
            entry.lead.abandoned_at = Some(WallTime::from_unix_us(now_us));
        }
        let times = entry.outcomes.entry(outcome).or_insert(0);
        *times += 1;
        let again = rules.rules.get(&outcome).filter(|rule| *times <= rule.times).map(|rule| rule.gap);
        let gap = again.or(rules.next.get(&outcome).copied()).filter(|_| entry.made() < rules.attempts_max);
        let number = if again.is_none() && gap.is_some() { self.go_on(lead) } else { None };
        match gap.filter(|_| again.is_some() || number.is_some()) {
            Some(gap) => {
                let until_us = (now_us + gap.as_us() as i64).max(earliest_us);
                Fate { state: LeadState::Waiting, next_us: self.wait(lead, until_us, false), number }
            }
            None => {
                let state = settled(outcome);
                self.close(lead, state, false);
                Fate::of((state, 0))
            }
        }
    }

    /// Puts the person's next number in the place of the lead's; `None`: there is none that no other lead has.
    fn go_on(&mut self, lead: LeadId) -> Option<Number> {
        let entry = self.open.get_mut(&lead)?;
        let at = entry.lead.next.iter().position(|next| !self.numbers.contains(&next.number))?;
        let next = entry.lead.next.drain(..=at).next_back()?;
        self.numbers.remove(&entry.lead.number);
        self.numbers.insert(next.number);
        entry.lead.go_on_to(next);
        entry.outcomes.clear();
        Some(entry.lead.number)
    }

    /// The number of the next lead may not be dialled: the lead goes on to the person's next number at once. `None` when
    /// there is none, and the lead stands where it stood.
    pub(crate) fn pass_over(&mut self, lead: LeadId, now_us: i64) -> Option<Fate> {
        let number = self.go_on(lead)?;
        self.take_next(lead);
        Some(Fate { state: LeadState::Waiting, next_us: self.wait(lead, now_us, false), number: Some(number) })
    }

    /// The attempt was never made: the lead waits a little, or until the moment that was promised meanwhile, and no rule has
    /// counted it. Gives the moment.
    pub(crate) fn give_back(&mut self, lead: LeadId, until_us: i64) -> i64 {
        let Some(entry) = self.open.get_mut(&lead) else { return until_us };
        entry.given_back += 1;
        entry.callback = entry.callback.or(entry.kept.take());
        self.dialling = self.dialling.saturating_sub(1);
        self.wait(lead, until_us, false)
    }

    /// Forgets a lead that was being dialled: whoever supplies it knows where it stands.
    pub(crate) fn forget(&mut self, lead: LeadId) {
        if let Some(entry) = self.open.remove(&lead) {
            self.dialling = self.dialling.saturating_sub(1);
            self.numbers.remove(&entry.lead.number);
        }
    }

    /// Forgets leads that wait beyond a steady moment, and those that are over: whoever supplies them knows them, and brings
    /// the waiting ones when their moment comes. `None`: all but those that are being dialled or shown, and promised ones:
    /// these are in doubt from here on, until they are brought again.
    pub(crate) fn let_go(&mut self, until_us: Option<i64>) {
        let waiting: Vec<(i64, LeadId)> = match until_us {
            Some(until_us) => self.later.range((until_us, LeadId(0))..).copied().collect(),
            None => self.later.iter().copied().collect(),
        };
        for key in waiting {
            // What was promised is known here alone.
            if self.open.get(&key.1).is_some_and(|entry| entry.is_promised()) {
                continue;
            }
            self.later.remove(&key);
            self.open.remove(&key.1);
        }
        if until_us.is_none() {
            let open = &mut self.open;
            let mut goes =
                |lead: &LeadId| !open.get(lead).is_some_and(|entry| entry.is_promised()) && open.remove(lead).is_some();
            self.fresh.retain(|lead| !goes(lead));
            self.due.retain(|lead| !goes(lead));
            self.open.values_mut().for_each(|entry| entry.doubtful = true);
        }
        let blocked = self.blocked.len() + self.closed_blocked;
        self.gone.0 += self.closed.len() - self.closed_blocked;
        self.gone.1 += blocked;
        self.closed.clear();
        self.blocked.clear();
        self.closed_blocked = 0;
        self.numbers = self.open.values().map(|entry| entry.lead.number).collect();
    }

    /// Leads that are ready, wait or are being dialled, by their ids.
    pub(crate) fn held(&self) -> impl Iterator<Item = LeadId> {
        self.open.keys().copied()
    }

    pub(crate) fn state(&self, lead: LeadId) -> Option<LeadState> {
        let entry = self.open.get(&lead).or_else(|| self.blocked.get(&lead).map(|(entry, _)| entry));
        entry.map(|entry| entry.state).or_else(|| self.closed.get(&lead).map(|(state, _)| *state))
    }

    pub(crate) fn counts(&self) -> LeadCounts {
        LeadCounts {
            ready: self.fresh.len() + self.due.len(),
            waiting: self.later.len() + self.owned.len(),
            offered: self.offered,
            dialling: self.dialling,
            done: self.closed.len() - self.closed_blocked + self.gone.0,
            blocked: self.blocked.len() + self.closed_blocked + self.gone.1,
        }
    }

    pub(crate) fn room(&self) -> usize {
        LEADS_MAX - self.open.len()
    }
}

#[cfg(test)]
mod tests;
