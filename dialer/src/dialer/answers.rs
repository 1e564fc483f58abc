//! What is done with a verdict, and with what detection hears after it: see [`crate::Policies`].

use base::{AttemptId, Instant};

use super::Dialer;
use crate::attempt::{Attempt, Outcome, Phase, Taker};
use crate::io::{AmdVerdict, CountedAs, HangupReason, Output, Speech};
use crate::pacing::RingEnd;
use crate::policies::{
    HelloThen, IDENTIFY_LATEST, Mark, MessageAfter, OnIvr, OnMachine, OnScreening, OnSilence, Policies, Revision,
};
use crate::recording::Recording;
use crate::reject::Reject;

impl Dialer {
    fn policies_of(&self, id: AttemptId) -> Result<(&Attempt, Policies), Reject> {
        let attempt = self.attempts.get(&id).ok_or(Reject::UnknownAttempt(id))?;
        let campaign = self.campaigns.get(&attempt.campaign).ok_or(Reject::UnknownCampaign(attempt.campaign))?;
        Ok((attempt, campaign.config.policies.clone()))
    }

    /// Does what the campaign's settings say now of such an answer.
    pub(super) fn act_on(&mut self, now: Instant, id: AttemptId, verdict: AmdVerdict) -> Result<(), Reject> {
        let (_, policies) = self.policies_of(id)?;
        match verdict {
            AmdVerdict::Human => return self.live(now, id),
            AmdVerdict::Silence => match policies.silence {
                OnSilence::Agent => return self.live(now, id),
                OnSilence::Hello { recording, wait, then } => {
                    let ring = if then == HelloThen::Agent { RingEnd::Person } else { RingEnd::Machine };
                    self.enter(now, id, Phase::Asked, ring);
                    self.prompt(id, Speech::Hello, &recording);
                    self.wait_until(id, now + recording.max + wait);
                }
            },
            AmdVerdict::Ivr if policies.ivr == OnIvr::Agent => return self.live(now, id),
            AmdVerdict::Ivr => self.no_person(now, id, Outcome::Ivr),
            AmdVerdict::Machine => match policies.machine {
                OnMachine::Message { wait, .. } if self.may_leave_message(id) => {
                    self.enter(now, id, Phase::Machine, RingEnd::Machine);
                    self.settle_outcome(id, Outcome::Machine);
                    self.let_agent_go(now, id);
                    self.wait_until(id, now + wait);
                }
                _ => self.no_person(now, id, Outcome::Machine),
            },
            AmdVerdict::Screening => match policies.screening {
                OnScreening::HangUp => self.no_person(now, id, Outcome::Screening),
                OnScreening::Identify { .. } => {
                    self.enter(now, id, Phase::Screening, RingEnd::Machine);
                    self.settle_outcome(id, Outcome::Screening);
                    self.wait_until(id, now + IDENTIFY_LATEST);
                }
            },
            AmdVerdict::Fax => {
                if policies.fax_marks {
                    self.mark(id, Mark::Fax);
                }
                self.no_person(now, id, Outcome::Fax);
            }
            AmdVerdict::Sit(meaning) if policies.sit_by_meaning => {
                if let Some(why) = meaning.mark() {
                    self.mark(id, why);
                }
                self.no_person(now, id, meaning.outcome());
            }
            AmdVerdict::Sit(_) => self.no_person(now, id, Outcome::Sit),
        }
        self.dirty = true;
        Ok(())
    }

    /// What detection has heard after its verdict; it matters only while something waits for it.
    pub(super) fn revised(
        &mut self,
        now: Instant,
        id: AttemptId,
        revision: Revision,
        at: Instant,
    ) -> Result<(), Reject> {
        let (attempt, policies) = self.policies_of(id)?;
        let Some(verdict_at) = attempt.times.verdict else { return Ok(()) };
        let at = at.min(now).max(verdict_at);
        let (phase, beep_before) = (attempt.phase, attempt.times.beep.is_some());
        let left = phase == Phase::Message && attempt.outcome == Some(Outcome::Machine);
        let listens = matches!(phase, Phase::Machine | Phase::Screening | Phase::Asked);
        if !listens && !left {
            return Ok(());
        }
        match revision {
            Revision::Fax if listens => return self.act_on(now, id, AmdVerdict::Fax),
            Revision::Sit(meaning) if listens => return self.act_on(now, id, AmdVerdict::Sit(meaning)),
            Revision::Person if listens => return self.came_alive(now, id, at),
            Revision::Machine if phase == Phase::Asked => return self.act_on(now, id, AmdVerdict::Machine),
            // A voice behind a message that is being left is the machine's own.
            Revision::Fax | Revision::Sit(_) | Revision::Person | Revision::Machine => return Ok(()),
            Revision::BeepEnd | Revision::GreetingEnd => {}
        }
        let beep = revision == Revision::BeepEnd;
        let Some(attempt) = self.attempts.get_mut(&id) else { return Ok(()) };
        attempt.times.greeting_over = Some(at);
        if beep {
            attempt.times.beep = Some(at);
        }
        match phase {
            Phase::Screening if !attempt.prompted => self.identify(now, id),
            // Nobody has come, and the assistant's mailbox records.
            Phase::Screening if beep && attempt.times.prompt_ended.is_some() => self.leave_message(now, id, &policies),
            Phase::Machine if beep => self.leave_message(now, id, &policies),
            Phase::Machine | Phase::Message => {
                let by_greeting =
                    matches!(policies.machine, OnMachine::Message { after: MessageAfter::GreetingEnd, .. });
                // A message that began with the greeting's end begins anew when the beep comes: only now is it recorded.
                if by_greeting && (phase == Phase::Machine || (beep && !beep_before)) {
                    self.leave_message(now, id, &policies);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What was waited for after a verdict has not come.
    pub(super) fn waits_due(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.waits.first().filter(|(at, _)| *at <= now) {
            self.waits.remove(&(at, id));
            let Some(attempt) = self.attempts.get_mut(&id) else { continue };
            attempt.wait = None;
            match attempt.phase {
                Phase::Screening if !attempt.prompted => self.identify(now, id),
                Phase::Screening => self.no_person(now, id, Outcome::Screening),
                Phase::Machine => self.no_person(now, id, Outcome::Machine),
                Phase::Asked => self.nobody_spoke(now, id),
                _ => {}
            }
            self.dirty = true;
        }
    }

    pub(super) fn wait_until(&mut self, id: AttemptId, at: Instant) {
        self.wait_no_more(id);
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.wait = Some(at);
            self.waits.insert((at, id));
        }
    }

    pub(super) fn wait_no_more(&mut self, id: AttemptId) {
        if let Some(at) = self.attempts.get_mut(&id).and_then(|attempt| attempt.wait.take()) {
            self.waits.remove(&(at, id));
        }
    }

    /// Detection goes on listening; the pacer knows what the ringing call has become.
    fn enter(&mut self, now: Instant, id: AttemptId, phase: Phase, ring: RingEnd) {
        if self.attempts.get(&id).is_some_and(|attempt| attempt.phase == Phase::Answered) {
            self.ring_over(now, id, ring);
        }
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.phase = phase;
        }
    }

    /// What the call's end will say, unless something else happens.
    fn settle_outcome(&mut self, id: AttemptId, outcome: Outcome) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.outcome = Some(outcome);
        }
    }

    /// No person answered, or none came: the call ends.
    fn no_person(&mut self, now: Instant, id: AttemptId, outcome: Outcome) {
        self.settle_outcome(id, outcome);
        self.enter(now, id, Phase::Machine, RingEnd::Machine);
        self.wait_no_more(id);
        self.hang_up(id, HangupReason::NotAPerson);
    }

    /// The agent who was kept for this call is not needed for a machine.
    fn let_agent_go(&mut self, now: Instant, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let agent = attempt.agent.take();
        if matches!(attempt.taker, Taker::Agent(_)) {
            attempt.taker = Taker::Anybody;
        }
        self.free_agent(now, id, agent);
    }

    /// The law lets a recorded message be left at this number.
    fn may_leave_message(&self, id: AttemptId) -> bool {
        self.attempts.get(&id).is_some_and(|attempt| {
            let campaign = self.campaigns.get(&attempt.campaign);
            campaign.is_some_and(|campaign| {
                let profile = &campaign.config.profile;
                profile.agentless_allowed && (!profile.agentless_consent || attempt.has_consent)
            })
        })
    }

    fn leave_message(&mut self, now: Instant, id: AttemptId, policies: &Policies) {
        let OnMachine::Message { recording, .. } = &policies.machine else { return };
        if !self.may_leave_message(id) {
            return;
        }
        self.wait_no_more(id);
        self.settle_outcome(id, Outcome::Machine);
        self.let_agent_go(now, id);
        self.message_no_more(id);
        self.play(now, id, Speech::Left, recording.message.clone(), recording.max);
    }

    /// Tells a screening assistant who calls.
    fn identify(&mut self, now: Instant, id: AttemptId) {
        let Ok((attempt, policies)) = self.policies_of(id) else { return };
        let since = attempt.times.verdict.unwrap_or(now);
        match policies.screening {
            OnScreening::Identify { recording, wait } => {
                self.prompt(id, Speech::Identification, &recording);
                self.wait_until(id, since + wait);
            }
            // The campaign was changed meanwhile.
            OnScreening::HangUp => self.no_person(now, id, Outcome::Screening),
        }
    }

    /// Somebody is told something and nothing else changes.
    fn prompt(&mut self, id: AttemptId, speech: Speech, recording: &Recording) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        attempt.prompted = true;
        attempt.play_began = false;
        let message = recording.message.clone();
        self.outputs.push_back(Output::PlayMessage { attempt: id, message, speech, opt_out: false });
    }

    /// A person is there after all: from here on as any other.
    fn came_alive(&mut self, now: Instant, id: AttemptId, at: Instant) -> Result<(), Reject> {
        self.wait_no_more(id);
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.times.live = Some(at);
            attempt.outcome = None;
        }
        self.live(now, id)
    }

    /// Nobody has answered the "hello?".
    fn nobody_spoke(&mut self, now: Instant, id: AttemptId) {
        let Ok((_, policies)) = self.policies_of(id) else { return };
        if matches!(policies.silence, OnSilence::Hello { then: HelloThen::HangUp, .. }) {
            self.settle_outcome(id, Outcome::Silent);
            // There may have been a person all the same.
            self.count(now, id, CountedAs::Lost);
            self.hang_up(id, HangupReason::NotAPerson);
        } else {
            // Nobody has come: the time that has run since the answer or the verdict goes on. Attempt and campaign are there.
            let _ = self.live(now, id);
        }
    }

    /// From here on no campaign calls this number.
    fn mark(&mut self, id: AttemptId, why: Mark) {
        if let Some(attempt) = self.attempts.get(&id) {
            let (campaign, number) = (attempt.campaign, attempt.number);
            self.gate.mark(number, why);
            self.outputs.push_back(Output::Mark { attempt: id, campaign, number, why });
        }
    }

    pub(super) fn message_began(&mut self, now: Instant, id: AttemptId, at: Instant) -> Result<(), Reject> {
        let attempt = self.attempts.get_mut(&id).ok_or(Reject::UnknownAttempt(id))?;
        match attempt.phase {
            Phase::Message => attempt.times.message = Some(at.min(now)),
            Phase::Screening | Phase::Asked => attempt.times.prompt = Some(at.min(now)),
            // Somebody came while it was on its way.
            _ if attempt.prompted => {}
            _ => return Err(Reject::UnexpectedEvent(id, "a message's first packet")),
        }
        attempt.play_began = true;
        Ok(())
    }

    pub(super) fn message_ended(&mut self, now: Instant, id: AttemptId) -> Result<(), Reject> {
        let (attempt, policies) = self.policies_of(id)?;
        let (phase, begun) = (attempt.phase, attempt.play_began);
        let Some(attempt) = self.attempts.get_mut(&id) else { return Ok(()) };
        match phase {
            Phase::Message => {
                if begun {
                    attempt.message_played = true;
                    attempt.times.message_ended = Some(now);
                    if attempt.outcome == Some(Outcome::Machine) {
                        attempt.outcome = Some(Outcome::MessageLeft);
                    }
                }
                self.hang_up(id, HangupReason::MessageOver);
            }
            Phase::Screening | Phase::Asked => {
                attempt.times.prompt_ended = begun.then_some(now);
                match policies.silence {
                    OnSilence::Hello { wait, .. } if phase == Phase::Asked => self.wait_until(id, now + wait),
                    // It cannot be played: nobody is left unidentified on the line.
                    _ if phase == Phase::Screening && !begun => self.no_person(now, id, Outcome::Screening),
                    _ => {}
                }
            }
            _ if attempt.prompted => {}
            _ => return Err(Reject::UnexpectedEvent(id, "a message's end")),
        }
        Ok(())
    }

    pub(super) fn message_cut(&mut self, id: AttemptId) -> Result<(), Reject> {
        let attempt = self.attempts.get(&id).ok_or(Reject::UnknownAttempt(id))?;
        if attempt.phase == Phase::Message {
            self.hang_up(id, HangupReason::MessageOver);
        }
        Ok(())
    }
}
