//! One lead of a list: its state, what its attempts came to, and what they say about its future.

use std::collections::BTreeMap;

use base::{AgentId, TrunkId};

use crate::attempt::Outcome;
use crate::campaign::RetryRules;
use crate::lead::{Lead, LeadState, NEXT_NUMBERS_MAX, NextNumber, Number};
use crate::pacing::Marks;

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) lead: Lead,
    pub(crate) zone: u32,
    pub(crate) state: LeadState,
    /// The number of the latest attempt.
    pub(crate) attempts: u32,
    /// Of them: decided here and never dialled, so that no rule counts them.
    pub(super) given_back: u32,
    /// How often each outcome came at this number, for the retry rule.
    pub(super) outcomes: BTreeMap<Outcome, u32>,
    /// Steady moment of a waiting lead.
    pub(super) next_us: i64,
    /// It waits because the gate said "later", not because of a retry rule.
    pub(super) put_off: bool,
    /// When it was promised to call back, on the steady line, and by whom.
    pub(super) callback: Option<(i64, Option<AgentId>)>,
    /// The promise that the attempt under way keeps.
    pub(super) kept: Option<(i64, Option<AgentId>)>,
    /// How often an agent has looked at it and not wanted it, since it was added.
    pub(super) skips: u32,
    /// Lists of numbers or consents may say otherwise of it by now: it is not dialled before it was brought again.
    pub(super) doubtful: bool,
}

impl Entry {
    /// It has to be brought again before it is dialled.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// Takes what lists of numbers and consents say of a lead that is brought while it is here.
    pub(super) fn refresh(&mut self, lead: &Lead) {
        if self.lead.number == lead.number {
            self.lead.screened = lead.screened;
            self.lead.consent.clone_from(&lead.consent);
            self.lead.next = few(lead.next.clone());
            self.doubtful = false;
        }
    }

    /// Attempts that count against the most there may be.
    pub(crate) fn made(&self) -> u32 {
        self.attempts.saturating_sub(self.given_back)
    }

    /// The groups of its next attempt.
    pub(crate) fn marks(&self, trunk: TrunkId) -> Marks {
        Marks::new(self.attempts + 1, self.lead.number, trunk, self.lead.segment)
    }

    /// Somebody was promised to be called back, which is owed whatever the rules of retries say.
    pub(crate) fn is_promised(&self) -> bool {
        self.callback.is_some()
    }
}

/// At most as many further numbers as are kept.
pub(super) fn few(mut numbers: Vec<NextNumber>) -> Vec<NextNumber> {
    numbers.truncate(NEXT_NUMBERS_MAX);
    numbers
}

/// What becomes of a lead after an attempt, or after its number was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) state: LeadState,
    /// Steady moment of a waiting lead.
    pub(crate) next_us: i64,
    /// It goes on to this number, whose zone is still to be said ([`super::List::set_zone_of`]).
    pub(crate) number: Option<Number>,
}

impl Fate {
    pub(super) fn of((state, next_us): (LeadState, i64)) -> Fate {
        Fate { state, next_us, number: None }
    }
}

/// What a lead's past says about its future.
pub(super) enum Outlook {
    Settled(LeadState),
    /// May be dialled from this steady moment on.
    From(i64),
}

impl Outlook {
    pub(super) fn of(lead: &Lead, rules: &RetryRules) -> Outlook {
        if lead.attempts_made >= rules.attempts_max {
            return Outlook::Settled(LeadState::Done);
        }
        if let Some(at) = lead.next_at {
            return Outlook::From(at.as_unix_us());
        }
        let Some(outcome) = last_outcome(lead) else { return Outlook::From(i64::MIN) };
        match rules.rules.get(&outcome).filter(|rule| rule.times > 0) {
            Some(rule) => {
                let gap_us = rule.gap.as_us() as i64;
                Outlook::From(lead.last_attempt.map_or(i64::MIN, |at| at.as_unix_us().saturating_add(gap_us)))
            }
            None => Outlook::Settled(settled(outcome)),
        }
    }
}

/// What came of a lead's last attempt before it was added, if one is known of.
pub(super) fn last_outcome(lead: &Lead) -> Option<Outcome> {
    let died_under_way = lead.attempts_made > 0 && lead.last_attempt.is_some();
    lead.last_outcome.or(died_under_way.then_some(Outcome::Unknown))
}

/// The state of a lead that is not dialled again after this outcome.
pub(super) fn settled(outcome: Outcome) -> LeadState {
    if outcome == Outcome::BadNumber { LeadState::Blocked } else { LeadState::Done }
}
