//! How attempts end: cancelled, hung up, without their agent, closed.

use base::{AgentId, AttemptId, CallId, Duration, Instant};
use desk::WorkItem;

use super::{Dialer, RunState};
use crate::attempt::{Outcome, Phase, Taker};
use crate::io::{CountedAs, EndCause, HangupReason, Output, Party};
use crate::lead::LeadState;
use crate::list::Fate;
use crate::pacing::RingEnd;
use crate::reject::Reject;

impl Dialer {
    pub(super) fn hang_up(&mut self, id: AttemptId, reason: HangupReason) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        if attempt.phase != Phase::Ending {
            attempt.phase = Phase::Ending;
            self.outputs.push_back(Output::Hangup { attempt: id, reason });
        }
    }

    /// Ends a call that nobody has answered: at once, or as soon as it has rung as long as it must. Whoever answers before
    /// is served as anybody.
    pub(super) fn cancel(&mut self, now: Instant, id: AttemptId, reason: HangupReason) {
        self.never_cancelled(id);
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let campaign = self.campaigns.get(&attempt.campaign);
        let min_ring = campaign.map_or(Duration::ZERO, |campaign| campaign.config.profile.min_ring);
        // Before the callee's side has said that it rings, from the call's beginning on.
        let at = attempt.times.ringing.or(attempt.times.launched).unwrap_or(now) + min_ring;
        if at > now {
            attempt.cancel = Some((at, reason));
            self.cancels.insert((at, id));
        } else {
            attempt.stopped = true;
            self.hang_up(id, reason);
        }
    }

    pub(super) fn never_cancelled(&mut self, id: AttemptId) {
        if let Some((at, _)) = self.attempts.get_mut(&id).and_then(|attempt| attempt.cancel.take()) {
            self.cancels.remove(&(at, id));
        }
    }

    /// Calls that have rung long enough to be cancelled; one whose campaign goes on rings on.
    pub(super) fn cancels_due(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.cancels.first().filter(|(at, _)| *at <= now) {
            self.cancels.remove(&(at, id));
            let Some(attempt) = self.attempts.get_mut(&id) else { continue };
            let Some((_, reason)) = attempt.cancel.take() else { continue };
            let campaign = self.campaigns.get(&attempt.campaign);
            let goes_on = campaign.is_some_and(|campaign| campaign.state == RunState::Running);
            if reason != HangupReason::Stopped || !goes_on {
                self.cancel(now, id, reason);
            }
        }
    }

    /// The agent's phone is gone with this call in hand: a person who has not heard the agent yet is offered again,
    /// the others are ended. A call that nobody has answered was dialled for this agent, and rings for others only as long
    /// as it must.
    pub(super) fn agent_lost(&mut self, now: Instant, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        match attempt.phase {
            Phase::Recording => attempt.stopped = true,
            Phase::Held => self.never_dialled(now, id),
            Phase::Dialling => {
                (attempt.taker, attempt.agent) = (Taker::Anybody, None);
                self.cancel(now, id, HangupReason::AgentGone);
            }
            // Detection listens: whoever is found there goes to whoever is free.
            Phase::Answered | Phase::Machine | Phase::Screening | Phase::Asked => {
                (attempt.taker, attempt.agent) = (Taker::Anybody, None);
            }
            Phase::Connecting => self.offer_again(now, id),
            Phase::Waiting | Phase::Talking | Phase::Message | Phase::Ending => {
                self.hang_up(id, HangupReason::AgentGone);
            }
        }
    }

    fn offer_again(&mut self, now: Instant, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        attempt.phase = Phase::Waiting;
        attempt.agent = None;
        attempt.taker = Taker::Anybody;
        let Some(campaign) = self.campaigns.get(&attempt.campaign) else { return };
        let deadline = attempt.deadline.unwrap_or(now).before(campaign.config.connect_margin);
        let item = WorkItem { id: CallId(id.0), skills: campaign.config.skills.clone(), deadline };
        if self.desk.offer(now, item).is_err() {
            self.expired(now, id);
        }
    }

    pub(super) fn ended(&mut self, now: Instant, id: AttemptId, cause: EndCause) -> Result<(), Reject> {
        let attempt = self.attempts.get_mut(&id).ok_or(Reject::UnknownAttempt(id))?;
        if attempt.times.launched.is_none() {
            return Err(Reject::UnexpectedEvent(id, "an end before the call was dialled"));
        }
        attempt.times.ended = Some(now);
        let (phase, agent) = (attempt.phase, attempt.agent);
        let late = attempt.deadline.is_some_and(|deadline| now > deadline);
        let outcome = match phase {
            Phase::Waiting | Phase::Connecting if late => Outcome::Abandoned,
            Phase::Waiting | Phase::Connecting => Outcome::HungUpWaiting,
            Phase::Answered | Phase::Asked if cause.whose != Party::Us => Outcome::HungUpEarly,
            // Answered while our CANCEL was on its way: nobody was kept, nothing was said.
            _ if attempt.times.answered.is_some() => attempt.outcome.unwrap_or(Outcome::Cancelled),
            _ => attempt.outcome.unwrap_or(Outcome::of_unanswered(cause, attempt.stopped)),
        };
        match outcome {
            Outcome::Abandoned => self.count(now, id, CountedAs::Abandoned),
            Outcome::HungUpWaiting => self.count(now, id, CountedAs::Lost),
            // Detection had found no machine, and somebody may have been there: as where we hang up.
            Outcome::HungUpEarly if phase == Phase::Asked => self.count(now, id, CountedAs::Lost),
            _ => {}
        }
        match phase {
            Phase::Waiting => {
                self.desk.withdraw(CallId(id.0));
            }
            Phase::Dialling => self.ring_over(now, id, RingEnd::Other),
            Phase::Answered => self.ring_over(now, id, RingEnd::Machine),
            Phase::Screening | Phase::Machine | Phase::Asked => {}
            Phase::Recording | Phase::Held | Phase::Connecting | Phase::Talking | Phase::Message | Phase::Ending => {}
        }
        self.free_agent(now, id, agent);
        self.close(now, id, outcome, cause);
        Ok(())
    }

    /// Gives the agent back, if this call is still the agent's.
    pub(super) fn free_agent(&mut self, now: Instant, id: AttemptId, agent: Option<AgentId>) {
        if let Some(agent) = agent
            && !self.by_hand.contains_key(&agent)
            && self.desk.agent(agent).is_some_and(|entry| entry.item() == Some(CallId(id.0)))
        {
            // The item is the agent's, so the state is Reserved or Talking and the desk cannot refuse.
            let finished = self.desk.finished(now, agent);
            debug_assert_eq!(finished, Ok(()));
        }
    }

    /// A message's own limit does not hold any more.
    pub(super) fn message_no_more(&mut self, id: AttemptId) {
        if let Some(ends) = self.message_ends.iter().find(|(_, other)| *other == id).copied() {
            self.message_ends.remove(&ends);
        }
    }

    fn close(&mut self, now: Instant, id: AttemptId, outcome: Outcome, cause: EndCause) {
        self.never_cancelled(id);
        self.wait_no_more(id);
        self.message_no_more(id);
        let Some(attempt) = self.attempts.remove(&id) else { return };
        self.live_numbers.remove(&attempt.number);
        let now_us = self.steady_us(now);
        if let Some(at) = outcome.no_person_at(attempt.times.verdict) {
            let at_us = self.steady_us(at);
            self.gate.machine(attempt.number, at_us);
        }
        let earliest_us = match (cause.whose, cause.retry_after_s) {
            (Party::Carrier | Party::Callee, Some(seconds)) => now_us + i64::from(seconds) * 1_000_000,
            _ => now_us,
        };
        let mut lead = Fate { state: LeadState::Done, next_us: 0, number: None };
        if let Some(campaign) = self.campaigns.get_mut(&attempt.campaign) {
            campaign.open_attempts -= 1;
            let begun = attempt.times.launched.unwrap_or(now);
            campaign.share.closed(now.since(begun), attempt.counted_as);
            *campaign.outcomes.entry(outcome).or_insert(0) += 1;
            lead = campaign.list.finish(attempt.lead, outcome, &campaign.config.retry, now_us, earliest_us);
            campaign.went_on(&mut self.zones, &mut self.gate, attempt.lead, lead.number);
        }
        let mut not_dialled = std::collections::VecDeque::new();
        if let Some(trunk) = self.trunks.get_mut(&attempt.trunk) {
            trunk.ended();
            match cause {
                EndCause { whose: Party::Carrier, code: Some(503), retry_after_s } => {
                    not_dialled = trunk.refused(now, retry_after_s);
                }
                _ => trunk.served(),
            }
        }
        self.outputs.push_back(Output::AttemptClosed(Box::new(attempt.record(id, outcome, Some(cause)))));
        self.tell_lead(now, attempt.lead, lead);
        not_dialled.into_iter().for_each(|id| self.never_dialled(now, id));
        self.dirty = true;
    }
}
