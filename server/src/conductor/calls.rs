//! Customers' calls: from the dialer's wish to the leg's last event.

use super::trace::{Trace, What};
use super::{Conductor, Output, Role, rows};
use base::{AgentId, AttemptId, CallId, Instant, LegId, PlayId, ShardId, TrunkId};
use call::{Command, Event, Originate};
use codecs::g711::Law;
use codecs::tones::SitReason;
use detect::{EarlySound, Sign, Verdict};
use dialer::{
    AmdVerdict, AttemptIntent, AttemptRecord, EarlyClass, EndCause, HangupReason, Input, Party, Revision, SitMeaning,
    Speech,
};

/// A customer's call under way.
pub(super) struct Live {
    pub(super) leg: LegId,
    pub(super) shard: ShardId,
    pub(super) trunk: TrunkId,
    pub(super) campaign: base::CampaignId,
    pub(super) number: String,
    pub(super) caller_id: String,
    pub(super) call: CallId,
    pub(super) began: Instant,
    pub(super) ringing: bool,
    /// The CDR is opened then.
    pub(super) answered_at: Option<Instant>,
    pub(super) agent: Option<AgentId>,
    /// The agent's leg that this call was bridged with.
    pub(super) agent_leg: Option<LegId>,
    /// The later of verdict and agent free: the bridge's own clock starts here.
    pub(super) verdict_at: Instant,
    pub(super) verdict: Option<AmdVerdict>,
    /// A known recording that speaks in it was counted.
    pub(super) recording_met: bool,
    /// What the sound came in.
    pub(super) law: Option<Law>,
    pub(super) connected_at: Option<Instant>,
    /// The newest message that was ordered: what is told of an older one is too late to mean anything.
    pub(super) play: PlayId,
    /// The message plays in which a key asks never to be called again.
    pub(super) may_opt_out: bool,
    pub(super) trace: Trace,
}

impl Conductor {
    pub(super) fn drain_dialer(&mut self, now: Instant) {
        // A close waits for the change of its lead, which follows at once: the two are one row to write.
        let mut closed: Option<Box<AttemptRecord>> = None;
        while let Some(output) = self.dialer.poll_output() {
            match output {
                dialer::Output::RecordIntent(intent) => self.record(intent),
                dialer::Output::Originate { attempt, number, trunk, caller_id, ring_timeout, amd } => {
                    self.originate(now, attempt, number.to_string(), trunk, caller_id, ring_timeout, amd);
                }
                dialer::Output::Connect { attempt, agent } => self.connect(now, attempt, agent),
                dialer::Output::PlayMessage { attempt, message, speech, opt_out } => {
                    self.play_message(now, attempt, &message, speech, opt_out);
                }
                dialer::Output::Mark { attempt, campaign, number, why } => {
                    let row = store::NumberMarkRow {
                        tenant: self.config.tenant,
                        number: number.to_string(),
                        reason: why.name().to_owned(),
                        campaign,
                        attempt,
                        at: self.anchor.wall_at(now),
                    };
                    self.store(store::Op::MarkNumber(row));
                }
                dialer::Output::Offered { agent, campaign, lead, until, then, .. } => {
                    self.offered(now, agent, campaign, lead, until, then);
                }
                dialer::Output::CallbackKept { lead, .. } => {
                    let (tenant, at) = (self.config.tenant, self.anchor.wall_at(now));
                    self.store(store::Op::CallbackDone(store::CallbackDoneRow { tenant, lead, at }));
                }
                dialer::Output::ConnectInbound { .. } | dialer::Output::InboundGivenUp { .. } => {
                    // No inbound call is offered to the dialer yet: routes answer them.
                }
                dialer::Output::OfferOver { agent, lead, how, .. } => self.offer_over(now, agent, lead, how),
                dialer::Output::Hangup { attempt, reason } => self.hang_up(now, attempt, reason),
                dialer::Output::ItemLost { item, .. } => self.item_lost(now, item),
                dialer::Output::AgentChanged { agent, state } => {
                    self.agent_changed(now, agent, state);
                }
                dialer::Output::Counted { attempt, as_what, at, rang } => {
                    let row = store::CountedRow {
                        tenant: self.config.tenant,
                        attempt,
                        counted_as: as_what.name().to_owned(),
                        at: self.steady.wall_at(at),
                        rang,
                    };
                    self.store(store::Op::Counted(row));
                }
                dialer::Output::AttemptClosed(record) => {
                    self.attempt_campaigns.remove(&record.attempt);
                    if self.refused.remove(&record.attempt) {
                        continue;
                    }
                    self.figures.closed(&record);
                    if let Some(before) = closed.replace(record) {
                        self.write_close(now, &before, None);
                    }
                }
                dialer::Output::LeadChanged { lead, state, next_at, number } => {
                    let of_close = closed.take_if(|record| record.lead == lead);
                    let outcome = of_close.as_ref().map(|record| record.outcome);
                    let row = rows::lead_state(self.config.tenant, lead, state, next_at, outcome, number);
                    match of_close {
                        Some(record) => self.write_close(now, &record, Some(row)),
                        None => {
                            self.store(store::Op::LeadState(row));
                        }
                    }
                }
                dialer::Output::LeadsWanted { campaign, room } => {
                    self.outputs.push_back(Output::LeadsWanted(campaign, room));
                }
                dialer::Output::NumberWanted { campaign, number } => {
                    self.outputs.push_back(Output::FeedNumber(campaign, number));
                }
                dialer::Output::CampaignPaused { campaign, reason } => {
                    self.outputs.push_back(Output::Notice(format!("campaign {campaign} paused itself: {reason:?}")));
                    let row = rows::campaign_state(self.config.tenant, &self.anchor, now, campaign, "paused");
                    self.store(store::Op::CampaignState(row));
                    self.tell_campaign(now, "campaign.state", campaign);
                }
                dialer::Output::CampaignFinished { campaign } => {
                    let row = rows::campaign_state(self.config.tenant, &self.anchor, now, campaign, "finished");
                    self.store(store::Op::CampaignState(row));
                    self.tell_campaign(now, "campaign.state", campaign);
                    self.outputs.push_back(Output::Finished(campaign));
                }
                dialer::Output::Refused(reject) => {
                    // Late news of an attempt that has just ended is normal in a world of messages, and so is a number that
                    // stands on two lists of a campaign. What cannot be done with a lead that is shown is said to whoever asked.
                    use dialer::Reject::{DuplicateLead, NoOffer, NotNow, UnknownAttempt};
                    if !matches!(reject, UnknownAttempt(_) | DuplicateLead(_) | NoOffer(_) | NotNow(..)) {
                        self.outputs.push_back(Output::Notice(reject.to_string()));
                    }
                }
            }
        }
        if let Some(record) = closed {
            self.write_close(now, &record, None);
        }
    }

    /// An attempt's end with its timeline, and what it means for its lead.
    fn write_close(&mut self, now: Instant, record: &AttemptRecord, lead: Option<store::LeadStateRow>) {
        let tenant = self.config.tenant;
        self.store(store::Op::AttemptClose(rows::attempt_close(tenant, &self.anchor, now, record), lead));
        self.store(store::Op::Event(rows::timeline(tenant, &self.anchor, now, record)));
    }

    fn record(&mut self, intent: AttemptIntent) {
        let trunk = self.trunks.get(&intent.trunk).map_or_else(String::new, |trunk| trunk.name.clone());
        let attempt = intent.attempt;
        self.attempt_campaigns.insert(attempt, intent.campaign);
        let token = self.store(store::Op::Intent(rows::intent(self.config.tenant, intent, trunk)));
        self.recording.insert(token, attempt);
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one output, taken apart by the match above")]
    fn originate(
        &mut self,
        now: Instant,
        attempt: AttemptId,
        number: String,
        trunk_id: TrunkId,
        caller_id: String,
        ring_timeout: base::Duration,
        amd: bool,
    ) {
        // An intent that was on its way to the disk when the drain began is not dialled any more.
        let Some(trunk) = self.trunks.get(&trunk_id).filter(|_| !self.draining) else {
            let cause = EndCause { whose: Party::Us, code: None, retry_after_s: None };
            self.dialer.handle_input(now, Input::Ended { attempt, cause });
            return;
        };
        // The leg's id is the attempt's: what the leg draws and its place on the 20 ms grid are then the same on any
        // number of shards.
        let leg = LegId(attempt.0);
        let shard = ShardId(attempt.0 % self.config.shards);
        let Some(campaign) = self.attempt_campaigns.get(&attempt).copied() else { return };
        let sound = self.campaigns.get(&campaign).is_some_and(|campaign| campaign.settings.amd_audio);
        let from_user = if caller_id.is_empty() { "anonymous" } else { &caller_id };
        let originate = Originate {
            leg,
            to_uri: format!("sip:{number}@{}", trunk.domain),
            remote: trunk.remote,
            from_uri: format!("sip:{from_user}@{}", self.config.domain),
            from_display: None,
            credentials: trunk.credentials.clone(),
            ring_timeout,
            analyse: amd.then(|| self.config.detection.listen(sound)),
            laws: trunk.laws.clone(),
            learn: trunk.nat,
        };
        let call = self.new_call_id();
        let live = Live {
            leg,
            shard,
            trunk: trunk_id,
            campaign,
            number,
            caller_id,
            call,
            began: now,
            ringing: false,
            answered_at: None,
            agent: None,
            agent_leg: None,
            verdict_at: now,
            verdict: None,
            recording_met: false,
            law: None,
            connected_at: None,
            play: PlayId(0),
            may_opt_out: false,
            trace: Trace::begun(now, "outbound"),
        };
        self.calls.insert(attempt, live);
        self.attempt_of.insert(call, attempt);
        self.legs.insert(leg, Role::Customer(attempt));
        self.command(shard, Command::Originate(Box::new(originate)));
        self.tell_call("call.dialling", call);
    }

    fn connect(&mut self, now: Instant, attempt: AttemptId, agent: AgentId) {
        let phone = self
            .phones
            .get(&agent)
            .and_then(|phone| Some((phone.leg.filter(|_| phone.up)?, phone.shard, phone.ready_at, phone.name.clone())));
        let (Some(live), Some((agent_leg, agent_shard, ready_at, name))) = (self.calls.get_mut(&attempt), phone) else {
            // The phone went away in this very moment: the desk learns it and the dialer looks for another agent.
            self.dialer.handle_input(now, Input::AgentLoggedOut { agent });
            return;
        };
        live.trace.note_why(now, What::AgentReserved, name);
        live.agent = Some(agent);
        live.agent_leg = Some(agent_leg);
        live.verdict_at = live.verdict_at.max(ready_at);
        let call = live.call;
        let (leg, shard) = (live.leg, live.shard);
        if let Some(phone) = self.phones.get_mut(&agent) {
            phone.with = Some(attempt);
        }
        self.command(shard, Command::Bridge { call, leg, with: agent_leg, with_shard: agent_shard });
        self.command(agent_shard, Command::Bridge { call, leg: agent_leg, with: leg, with_shard: shard });
    }

    fn play_message(&mut self, now: Instant, attempt: AttemptId, message: &str, speech: Speech, opt_out: bool) {
        let Some(live) = self.calls.get_mut(&attempt) else { return };
        let (leg, shard) = (live.leg, live.shard);
        live.may_opt_out = opt_out;
        live.play = PlayId(live.play.0 + 1);
        let play = live.play;
        let what = match speech {
            Speech::SafeHarbour => "safe harbour",
            Speech::Recording => "recording",
            Speech::Left => "left on the machine",
            Speech::Identification => "identification",
            Speech::Hello => "hello",
        };
        live.trace.note_why(now, What::Message, what);
        match self.config.messages.get(message).cloned() {
            Some(prompt) => self.command(shard, Command::Play { leg, play, prompt, repeat: false }),
            // The campaign names none (`outpace check` says so): the call is ended at once.
            None => self.dialer.handle_input(now, Input::MessageEnded { attempt }),
        }
    }

    fn hang_up(&mut self, now: Instant, attempt: AttemptId, reason: HangupReason) {
        let reason = match reason {
            HangupReason::NotAPerson => "not a person",
            HangupReason::MessageOver => "message over",
            HangupReason::AgentGone => "agent gone",
            HangupReason::Stopped => "campaign stopped",
        };
        if let Some(live) = self.calls.get(&attempt) {
            let (leg, shard) = (live.leg, live.shard);
            self.end_leg(now, leg, shard, reason);
        }
    }

    pub(super) fn customer_event(&mut self, now: Instant, attempt: AttemptId, event: Event) {
        let Some(live) = self.calls.get_mut(&attempt) else { return };
        live.trace.hear(now, &event);
        match event {
            Event::Progress { early_media, .. } => {
                let (first, call) = (!live.ringing, live.call);
                live.ringing = true;
                if first {
                    self.tell_call("call.ringing", call);
                }
                self.dialer.handle_input(now, Input::Progress { attempt, early_media });
            }
            Event::EarlySound { sound, .. } => {
                let class = match sound {
                    EarlySound::Ringback => EarlyClass::Ringback,
                    EarlySound::Network => EarlyClass::Announcement,
                    EarlySound::Voicemail => EarlyClass::Voicemail,
                };
                self.dialer.handle_input(now, Input::Heard { attempt, class });
            }
            Event::Answered { at, dialog, law, .. } => {
                let call = live.call;
                live.law = Some(law);
                live.answered_at = Some(at);
                live.verdict_at = at;
                let row =
                    rows::cdr_open(self.config.tenant, &self.anchor, at, call, attempt, live, *dialog, &self.trunks);
                let (leg, shard) = (live.leg, live.shard);
                self.store(store::Op::CdrOpen(row));
                self.command(shard, Command::Watch { leg });
                self.tell_call("call.answered", call);
                self.dialer.handle_input(now, Input::Answered { attempt });
            }
            Event::Verdict { decision, utterance_end, at, evidence, line, .. } => {
                live.verdict_at = at;
                let verdict = match decision.verdict {
                    Verdict::Human => AmdVerdict::Human,
                    Verdict::Machine => AmdVerdict::Machine,
                    Verdict::Ivr => AmdVerdict::Ivr,
                    Verdict::Screening => AmdVerdict::Screening,
                    Verdict::Silence => AmdVerdict::Silence,
                    Verdict::Fax => AmdVerdict::Fax,
                    Verdict::Sit => {
                        let reason = detect::decide::sit_reason(decision.cause);
                        AmdVerdict::Sit(reason.map_or(SitMeaning::Other, sit_meaning))
                    }
                };
                live.verdict = Some(verdict);
                self.dialer.handle_input(now, Input::Verdict { attempt, verdict, greeting_end: utterance_end });
                self.keep_evidence(attempt, at, decision, evidence, line);
            }
            Event::Revision { revision, since, at, .. } => {
                let (revision, at) = (revision_of(revision.sign), since.unwrap_or(at));
                self.dialer.handle_input(now, Input::Revised { attempt, revision, at });
            }
            Event::Recognised { known, .. } => self.recording_met(now, attempt, known.id()),
            Event::Opening { opening, .. } => self.opening_heard(now, attempt, &opening),
            // 47 CFR 64.1200(a)(7)(i)(B): the number is recorded and the call ends at once.
            Event::Digit { .. } if live.may_opt_out => {
                live.may_opt_out = false;
                live.trace.note_why(now, What::Message, "opted out");
                let number = live.number.clone();
                self.do_not_call(now, &number, None, "opted out".to_owned(), "key during the message".to_owned());
                self.dialer.handle_input(now, Input::MessageCut { attempt });
            }
            Event::PlayBegan { play, at, .. } if play == live.play => {
                self.dialer.handle_input(now, Input::MessageBegan { attempt, at });
            }
            Event::PlayEnded { play, .. } if play == live.play => {
                self.dialer.handle_input(now, Input::MessageEnded { attempt });
            }
            // A packet of an agent who was lost meanwhile may still have been on its way.
            Event::BridgeAudio { with, at, .. } if live.agent_leg == Some(with) && live.connected_at.is_none() => {
                live.connected_at = Some(at);
                live.trace.note(at, What::Bridged);
                self.figures.bridged(at.since(live.verdict_at));
                let (agent, call) = (live.agent, live.call);
                if let Some(agent) = agent {
                    self.dialer.handle_input(now, Input::Connected { attempt, agent });
                }
                self.tell_call("call.connected", call);
            }
            Event::Ended { leg, cause, answered, media } => {
                let call = live.call;
                let cause = end_cause(&cause, answered);
                live.trace.end(now, cause);
                self.tell_call("call.ended", call);
                let Some(live) = self.calls.remove(&attempt) else { return };
                self.attempt_of.remove(&call);
                self.legs.remove(&leg);
                // Only if the agent has not been given to somebody else, after a lost phone for example.
                if let Some(phone) = live.agent.and_then(|agent| self.phones.get_mut(&agent))
                    && phone.with == Some(attempt)
                    && let Some(agent_leg) = phone.leg
                {
                    phone.with = None;
                    let shard = phone.shard;
                    self.command(shard, Command::Unbridge { leg: agent_leg });
                }
                if live.answered_at.is_some() {
                    let row =
                        rows::cdr_close(self.config.tenant, &self.anchor, now, call, &live, cause, media.as_ref());
                    self.store(store::Op::CdrClose(row));
                }
                self.dialer.handle_input(now, Input::Ended { attempt, cause });
            }
            Event::BridgeAudio { .. }
            | Event::PlayBegan { .. }
            | Event::PlayEnded { .. }
            | Event::LikelyPerson { .. }
            | Event::Incoming { .. }
            | Event::Digit { .. }
            | Event::Audio { .. }
            | Event::Held { .. }
            | Event::Quality { .. }
            | Event::OrphanEnded { .. }
            | Event::Registered { .. }
            | Event::RegistrationFailed { .. }
            | Event::Unregistered { .. }
            | Event::TrunkUp { .. } => {}
        }
    }
}

/// What special information tones say, in the dialer's words.
const fn sit_meaning(reason: SitReason) -> SitMeaning {
    match reason {
        SitReason::Intercept => SitMeaning::Intercept,
        SitReason::VacantCode => SitMeaning::Vacant,
        SitReason::Reorder | SitReason::NoCircuit => SitMeaning::Network,
        SitReason::Ineffective | SitReason::Reserved | SitReason::Information => SitMeaning::Other,
    }
}

/// What detection heard later, in the dialer's words.
const fn revision_of(sign: Sign) -> Revision {
    match sign {
        Sign::GreetingEnd => Revision::GreetingEnd,
        Sign::Beep => Revision::BeepEnd,
        Sign::Person => Revision::Person,
        Sign::Machine => Revision::Machine,
        Sign::Fax => Revision::Fax,
        Sign::Sit(reason) => Revision::Sit(sit_meaning(reason)),
    }
}

/// Whose doing an end was, in the dialer's words.
pub(super) fn end_cause(cause: &sip::Cause, answered: bool) -> EndCause {
    let whose = match (cause.whose, answered, cause.code) {
        (sip::Whose::Us, ..) => Party::Us,
        (sip::Whose::Network, ..) => Party::Carrier,
        (sip::Whose::Peer, true, _) => Party::Callee,
        // RFC 3261 §21: busy, decline and "nowhere else" are the callee's words, the rest the network's.
        (sip::Whose::Peer, false, Some(480 | 486 | 487 | 600 | 603)) => Party::Callee,
        (sip::Whose::Peer, false, _) => Party::Carrier,
    };
    EndCause { whose, code: cause.code, retry_after_s: cause.retry_after_s }
}
