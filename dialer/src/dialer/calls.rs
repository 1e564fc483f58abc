//! What happens to an attempt between its intent and its end.

use base::{AgentId, AttemptId, CallId, Duration, Instant};
use desk::WorkItem;

use super::{Dialer, RunState};
use crate::amd::{AmdHandling, AmdMode};
use crate::attempt::{Attempt, Clock, Outcome, Phase, Taker};
use crate::compliance::DeadlineFrom;
use crate::io::{AmdVerdict, CountedAs, EarlyClass, Output, PauseReason, Speech};
use crate::lead::LeadState;
use crate::pacing::{Observation, RingEnd};
use crate::recording::SafeHarbour;
use crate::reject::Reject;

/// An attempt that was never dialled gives its lead back after this time, so that a store in trouble is not asked
/// for the same lead a thousand times a second.
const GIVE_BACK_US: i64 = 60_000_000;

/// A store that cannot take an intent is asked again with the next tick after this time. With a thousand campaigns
/// waiting that is one burst of decisions a second, not one for each refusal.
const STORE_RESTS: Duration = Duration::from_secs(1);

impl Dialer {
    fn attempt_in(&mut self, id: AttemptId, phases: &[Phase], event: &'static str) -> Result<&mut Attempt, Reject> {
        let attempt = self.attempts.get_mut(&id).ok_or(Reject::UnknownAttempt(id))?;
        if phases.contains(&attempt.phase) { Ok(attempt) } else { Err(Reject::UnexpectedEvent(id, event)) }
    }

    pub(super) fn intent_durable(&mut self, now: Instant, id: AttemptId) -> Result<(), Reject> {
        let attempt = self.attempt_in(id, &[Phase::Recording], "an intent's commit")?;
        if attempt.stopped {
            self.never_dialled(now, id);
            return Ok(());
        }
        attempt.phase = Phase::Held;
        let trunk = attempt.trunk;
        let Some(trunk) = self.trunks.get_mut(&trunk) else { return Ok(()) };
        if trunk.is_closed(now) {
            // It has asked for patience since the decision: the lead need not wait here.
            self.never_dialled(now, id);
        } else if trunk.launch_or_hold(now, id) {
            self.originate(now, id);
        }
        Ok(())
    }

    pub(super) fn intent_refused(&mut self, now: Instant, id: AttemptId) -> Result<(), Reject> {
        let campaign = self.attempt_in(id, &[Phase::Recording], "an intent's refusal")?.campaign;
        self.never_dialled(now, id);
        if let Some(entry) = self.campaigns.get_mut(&campaign).filter(|entry| entry.state == RunState::Running) {
            entry.enter(now, RunState::Paused);
            self.withdraw_offers(now, campaign);
            self.outputs.push_back(Output::CampaignPaused { campaign, reason: PauseReason::StoreRefused });
        }
        Ok(())
    }

    pub(super) fn intent_deferred(&mut self, now: Instant, id: AttemptId) -> Result<(), Reject> {
        self.attempt_in(id, &[Phase::Recording], "an intent's deferral")?;
        self.store_rests_until = now + STORE_RESTS;
        self.never_dialled(now, id);
        Ok(())
    }

    pub(super) fn lead_elsewhere(&mut self, now: Instant, id: AttemptId) -> Result<(), Reject> {
        self.attempt_in(id, &[Phase::Recording], "an intent's refusal")?;
        // Nothing is said of the lead: its state is the other campaign's to say.
        if let Some(attempt) = self.let_drop(now, id)
            && let Some(campaign) = self.campaigns.get_mut(&attempt.campaign)
        {
            let listed = campaign.list.entry(attempt.lead).map(|entry| entry.lead.listed());
            campaign.list.forget(attempt.lead);
            self.outputs.push_back(Output::AttemptClosed(Box::new(attempt.record(id, Outcome::Cancelled, None))));
            // It comes back as it stands now, with what was promised to it.
            let number = listed.unwrap_or(attempt.number);
            self.outputs.push_back(Output::NumberWanted { campaign: attempt.campaign, number });
        }
        Ok(())
    }

    /// Closes an attempt that was decided and not dialled; its lead goes back, its number stays used.
    pub(super) fn never_dialled(&mut self, now: Instant, id: AttemptId) {
        let mut until_us = self.steady_us(now) + GIVE_BACK_US;
        let Some(attempt) = self.let_drop(now, id) else { return };
        if let Some(campaign) = self.campaigns.get_mut(&attempt.campaign) {
            until_us = campaign.list.give_back(attempt.lead, until_us);
        }
        let next_at = Some(self.wall_of_steady(now, until_us));
        self.outputs.push_back(Output::AttemptClosed(Box::new(attempt.record(id, Outcome::Cancelled, None))));
        self.outputs.push_back(Output::LeadChanged {
            lead: attempt.lead,
            state: LeadState::Waiting,
            next_at,
            number: None,
        });
    }

    /// Takes an attempt away that was decided and not dialled: from campaign, agent and trunk.
    fn let_drop(&mut self, now: Instant, id: AttemptId) -> Option<Box<Attempt>> {
        let attempt = self.attempts.remove(&id)?;
        self.live_numbers.remove(&attempt.number);
        if let Some(campaign) = self.campaigns.get_mut(&attempt.campaign) {
            campaign.open_attempts -= 1;
            let begun = attempt.times.launched.unwrap_or(now);
            campaign.share.closed(now.since(begun), attempt.counted_as);
            *campaign.outcomes.entry(Outcome::Cancelled).or_insert(0) += 1;
        }
        self.free_agent(now, id, attempt.agent);
        if let Some(trunk) = self.trunks.get_mut(&attempt.trunk) {
            trunk.cancel(id);
        }
        self.dirty = true;
        Some(attempt)
    }

    pub(super) fn originate(&mut self, now: Instant, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let Some(campaign) = self.campaigns.get(&attempt.campaign) else { return };
        attempt.phase = Phase::Dialling;
        attempt.times.launched = Some(now);
        attempt.amd = campaign.config.amd.listens();
        if campaign.list.keeps_promise(attempt.lead) {
            self.outputs.push_back(Output::CallbackKept { lead: attempt.lead, attempt: id });
        }
        self.outputs.push_back(Output::Originate {
            attempt: id,
            number: attempt.number,
            trunk: attempt.trunk,
            caller_id: attempt.caller_id.clone(),
            ring_timeout: campaign.config.ring_timeout,
            amd: attempt.amd,
        });
    }

    pub(super) fn progress(&mut self, now: Instant, id: AttemptId, early_media: bool) -> Result<(), Reject> {
        let attempt = self.attempts.get_mut(&id).ok_or(Reject::UnknownAttempt(id))?;
        // A late or repeated 18x is normal on the wire.
        if attempt.phase == Phase::Dialling {
            if attempt.times.ringing.is_none() {
                let after_s = now.since(attempt.times.launched.unwrap_or(now)).as_secs_f64();
                attempt.marks.progressed(early_media, after_s);
            }
            attempt.times.ringing.get_or_insert(now);
            attempt.early.get_or_insert((EarlyClass::Unheard, now));
        }
        Ok(())
    }

    pub(super) fn heard(&mut self, now: Instant, id: AttemptId, class: EarlyClass) -> Result<(), Reject> {
        let attempt = self.attempts.get(&id).ok_or(Reject::UnknownAttempt(id))?;
        let said = attempt.early.is_some_and(|(said, _)| said != EarlyClass::Unheard);
        // A word that comes after the answer, or a second one, is normal where media and signalling race.
        if attempt.phase != Phase::Dialling || said || class == EarlyClass::Unheard {
            return Ok(());
        }
        self.heard_until(now, id, None);
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.early = Some((class, now));
            self.dirty = true;
        }
        Ok(())
    }

    /// Tells the pacer what a call was under the class it has had so far.
    fn heard_until(&mut self, at: Instant, id: AttemptId, how: Option<RingEnd>) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        let (Some(launched), Some((class, since))) = (attempt.times.launched, attempt.early) else { return };
        let (from_s, to_s) = (since.since(launched).as_secs_f64(), at.since(launched).as_secs_f64());
        if let Some(campaign) = self.campaigns.get_mut(&attempt.campaign) {
            campaign.pacer.observe(at, Observation::Heard { class, from_s, to_s, how });
        }
    }

    pub(super) fn answered(&mut self, now: Instant, id: AttemptId) -> Result<(), Reject> {
        if let Some(attempt) = self.attempts.get_mut(&id)
            && attempt.phase == Phase::Ending
        {
            // The answer and our CANCEL crossed.
            attempt.times.answered = Some(now);
            return Ok(());
        }
        let attempt = self.attempt_in(id, &[Phase::Dialling], "an answer")?;
        attempt.phase = Phase::Answered;
        attempt.times.answered = Some(now);
        let amd = attempt.amd;
        self.never_cancelled(id);
        if amd { Ok(()) } else { self.live(now, id) }
    }

    pub(super) fn greeting_ended(&mut self, now: Instant, id: AttemptId, at: Instant) -> Result<(), Reject> {
        let attempt = self.attempts.get_mut(&id).ok_or(Reject::UnknownAttempt(id))?;
        let at = at.min(now);
        match attempt.phase {
            Phase::Answered => attempt.times.greeting_end = Some(at),
            // Without detection a person waits from the answer on; now the legal clock starts for good.
            Phase::Waiting | Phase::Connecting if attempt.verdict.is_none() => {
                attempt.times.greeting_end = Some(at);
                let Some(campaign) = self.campaigns.get(&attempt.campaign) else { return Ok(()) };
                let Some(clock) = attempt.clock.as_ref().filter(|clock| clock.from == DeadlineFrom::GreetingEnd) else {
                    return Ok(());
                };
                let deadline = at + clock.within;
                attempt.deadline = Some(deadline);
                self.desk.set_deadline(now, CallId(id.0), deadline.before(campaign.config.connect_margin));
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn verdict(
        &mut self,
        now: Instant,
        id: AttemptId,
        verdict: AmdVerdict,
        greeting_end: Option<Instant>,
    ) -> Result<(), Reject> {
        if self.attempts.get(&id).is_some_and(|attempt| attempt.phase == Phase::Ending) {
            return Ok(());
        }
        let attempt = self.attempt_in(id, &[Phase::Answered], "a verdict")?;
        attempt.verdict = Some(verdict);
        attempt.times.verdict = Some(now);
        if let Some(at) = greeting_end {
            attempt.times.greeting_end = Some(at.min(now));
        }
        let of = attempt.campaign;
        let campaign = self.campaigns.get_mut(&of).ok_or(Reject::UnknownCampaign(of))?;
        let handled = campaign.audit.handle(campaign.config.amd, verdict, campaign.config.policies.ivr);
        let attempt = self.attempts.get_mut(&id).ok_or(Reject::UnknownAttempt(id))?;
        attempt.handled = Some(handled);
        match (handled.mode, handled.handling) {
            (AmdMode::Off | AmdMode::Shadow, _) | (_, AmdHandling::Audited) => self.live(now, id),
            _ => self.act_on(now, id, verdict),
        }
    }

    /// A live person: the legal clock runs, and an agent is wanted.
    pub(super) fn live(&mut self, now: Instant, id: AttemptId) -> Result<(), Reject> {
        let before = self.attempts.get(&id).map(|attempt| attempt.phase);
        if before == Some(Phase::Answered) {
            self.ring_over(now, id, RingEnd::Person);
        }
        let attempt = self.attempts.get_mut(&id).ok_or(Reject::UnknownAttempt(id))?;
        let campaign_id = attempt.campaign;
        let campaign = self.campaigns.get_mut(&campaign_id).ok_or(Reject::UnknownCampaign(campaign_id))?;
        if let Taker::Recording(recording) = &attempt.taker {
            let recording = recording.clone();
            attempt.outcome = Some(Outcome::Message);
            self.play(now, id, Speech::Recording, recording.message, recording.max);
            return Ok(());
        }
        let clock = Clock::of(&campaign.config.profile);
        let answered = attempt.times.answered.unwrap_or(now);
        // Who was taken for a machine and gets an agent may be a person, whose time ran from the end of the words.
        let decided = attempt.times.verdict.unwrap_or(now);
        let verdict = attempt.verdict.map(|verdict| (decided, verdict != AmdVerdict::Silence));
        let deadline = clock.begins(answered, attempt.times.greeting_end, verdict, attempt.times.live) + clock.within;
        let mut latest = deadline.before(campaign.config.connect_margin);
        // Detection may have taken the whole time. Then an agent who is free gets the call at once, which is counted late, and
        // where none is the law's message comes at once. The question to a silent line, and detection before it took for a
        // machine what goes to an agent all the same, leave the line waiting for an agent as long as any.
        attempt.overdue = latest <= now;
        let took_time = attempt
            .handled
            .is_some_and(|handled| matches!(handled.handling, AmdHandling::Audited | AmdHandling::Shadow));
        if attempt.overdue && (before == Some(Phase::Asked) || took_time) {
            latest = (now + clock.within).before(campaign.config.connect_margin);
        }
        attempt.clock = Some(clock);
        attempt.phase = Phase::Waiting;
        attempt.deadline = Some(deadline);
        let delay_s = now.since(attempt.times.answered.unwrap_or(now)).as_secs_f64();
        let patience_s = Some(latest.since(now).as_secs_f64());
        if let Taker::Agent(agent) = attempt.taker {
            self.assigned(now, id, agent);
            return Ok(());
        }
        if before == Some(Phase::Answered) {
            campaign.pacer.observe(now, Observation::Decided { delay_s, patience_s });
        }
        let item = WorkItem { id: CallId(id.0), skills: campaign.config.skills.clone(), deadline: latest };
        if self.desk.offer(now, item).is_err() {
            // The desk is full (20,000 people wait): nobody will take this call in time.
            self.expired(now, id);
        }
        self.drain_desk(now);
        Ok(())
    }

    pub(super) fn ring_over(&mut self, now: Instant, id: AttemptId, how: RingEnd) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        let Some(launched) = attempt.times.launched else { return };
        let at = attempt.times.answered.unwrap_or(now);
        let (age_s, marks) = (at.since(launched).as_secs_f64(), attempt.marks);
        if let Some(campaign) = self.campaigns.get_mut(&attempt.campaign) {
            campaign.pacer.observe(now, Observation::RingOver { age_s, how, marks });
        }
        self.heard_until(at, id, Some(how));
    }

    pub(super) fn assigned(&mut self, now: Instant, id: AttemptId, agent: AgentId) {
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.phase = Phase::Connecting;
            attempt.agent = Some(agent);
            attempt.times.assigned = Some(now);
            self.outputs.push_back(Output::Connect { attempt: id, agent });
        }
    }

    pub(super) fn connected(&mut self, now: Instant, id: AttemptId, agent: AgentId) -> Result<(), Reject> {
        let attempt = self.attempt_in(id, &[Phase::Connecting], "a connection")?;
        if attempt.agent != Some(agent) {
            return Err(Reject::UnexpectedEvent(id, "a connection with another agent"));
        }
        attempt.phase = Phase::Talking;
        attempt.times.connected = Some(now);
        attempt.outcome = Some(Outcome::Connected);
        let in_time = attempt.deadline.is_none_or(|deadline| now <= deadline);
        self.count(now, id, if in_time { CountedAs::Connected } else { CountedAs::Abandoned });
        self.desk.connected(now, agent).map_err(|reject| Reject::Agent(agent, reject))
    }

    /// No agent in time: the person hears the safe-harbour message.
    pub(super) fn expired(&mut self, now: Instant, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        attempt.outcome = Some(Outcome::Abandoned);
        let Some(campaign) = self.campaigns.get(&attempt.campaign) else { return };
        let SafeHarbour { message, max } = campaign.config.safe_harbour.clone();
        self.play(now, id, Speech::SafeHarbour, message, max);
        self.count(now, id, CountedAs::Abandoned);
    }

    pub(super) fn play(&mut self, now: Instant, id: AttemptId, speech: Speech, message: String, max: Duration) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        attempt.phase = Phase::Message;
        attempt.play_began = false;
        let Some(campaign) = self.campaigns.get(&attempt.campaign) else { return };
        let opt_out = campaign.config.profile.opt_out_key;
        self.message_ends.insert((now + max, id));
        self.outputs.push_back(Output::PlayMessage { attempt: id, message, speech, opt_out });
    }

    /// Enters a person into the ledger, once.
    pub(super) fn count(&mut self, now: Instant, id: AttemptId, as_what: CountedAs) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        if attempt.counted_as != CountedAs::Nothing {
            return;
        }
        attempt.counted_as = as_what;
        attempt.counted_at = Some(now);
        let (number, forecast_no_agent, overdue) = (attempt.number, attempt.forecast_no_agent, attempt.overdue);
        // Whole microseconds, as a store keeps it: the ledger must come back from there the same.
        let rang = attempt.times.answered.map(|at| Duration::from_us(at.since(attempt.decided).as_us()));
        let now_us = self.steady.wall_at(now).as_unix_us();
        self.outputs.push_back(Output::Counted { attempt: id, as_what, at: now, rang });
        let Some(campaign) = self.campaigns.get_mut(&attempt.campaign) else { return };
        campaign.ledger.count(now_us, &self.zones, id, as_what, rang);
        let abandoned = as_what == CountedAs::Abandoned;
        if abandoned {
            self.gate.abandoned(number, now_us);
        }
        // Whoever hung up while waiting says nothing about the agents there were, nor does who was late before.
        if as_what != CountedAs::Lost && !overdue {
            campaign.calibration.count(forecast_no_agent, abandoned);
            campaign.pacer.observe(now, Observation::Resolved { forecast_no_agent, abandoned });
        }
    }
}
