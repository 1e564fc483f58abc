//! Leads that agents look at before they are dialled, and agents who are kept free for one call.
//!
//! ```text
//!  ready agent, spare ──reserve──> Offered ─┬─ accept, or the time is over (dial) ──gate again──> RecordIntent
//!                                           ├─ skip, or the time is over (skip) ──> lead waits, agent ready
//!                                           └─ pause, break, phone lost, gate ────> lead is next again or put off
//! ```
//!
//! **Invariants.** An agent who looks, or whose call rings, is `Reserved` at the desk, so no other campaign counts on
//! that agent. No agent is taken whom a call under way may need. A person who answers has that agent, so nobody is
//! abandoned unless the agent's phone is lost at that very moment.

use base::{AgentId, AttemptId, CallId, CampaignId, Duration, Instant, LeadId};
use desk::AgentState;

use super::Dialer;
use super::launch::{Launch, Lawful};
use crate::attempt::{Phase, Taker};
use crate::campaign::{Preview, PreviewEnd};
use crate::compliance::GateAnswer;
use crate::io::{OfferEnd, Output};
use crate::lead::{LeadState, Number};
use crate::pacing::{Reason, Room};
use crate::reject::Reject;

/// A lead that an agent looks at.
pub(crate) struct Offer {
    pub(crate) campaign: CampaignId,
    pub(crate) lead: LeadId,
    number: Number,
    attempt: AttemptId,
    pub(crate) until: Instant,
    then: PreviewEnd,
}

impl Dialer {
    /// Shows a lead to each agent who has nothing to do.
    pub(super) fn decide_preview(&mut self, now: Instant, id: CampaignId, preview: Preview) {
        self.want_leads(now, id);
        self.view_agents(now, id);
        let (room, why) = match self.room(now, id) {
            Ok(room) => (room, Reason::Preview),
            Err(reason) => (Room::default(), reason),
        };
        self.decisions += 1;
        self.explain(now, id, why, room);
        for _ in 0..room.calls {
            let Some(agent) = self.spare_agent(id) else { return };
            let Some(found) = self.next_lawful(now, id, preview.timer, true) else { return };
            self.show(now, id, found.lead, agent, preview);
        }
    }

    /// Shows a lead to a ready agent.
    pub(super) fn show(&mut self, now: Instant, id: CampaignId, lead: LeadId, agent: AgentId, preview: Preview) {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        let Some(number) = campaign.list.entry(lead).map(|entry| entry.lead.number) else { return };
        campaign.list.offer(lead);
        self.live_numbers.insert(number);
        let attempt = self.new_attempt();
        self.reserve_for(now, agent, attempt);
        let (until, then) = (now + preview.timer, preview.then);
        self.offers.insert(agent, Offer { campaign: id, lead, number, attempt, until, then });
        self.outputs.push_back(Output::Offered { agent, campaign: id, lead, number, attempt, until, then });
    }

    /// The agent who has waited longest, of those who fit a campaign, whom no call under way may need and whom no inbound
    /// call is left.
    pub(super) fn spare_agent(&self, id: CampaignId) -> Option<AgentId> {
        self.spare_agents(id).first().copied()
    }

    /// All such agents, in that order.
    pub(super) fn spare_agents(&self, id: CampaignId) -> Vec<AgentId> {
        let fits = |campaign: CampaignId, agent: AgentId| {
            let needed = self.campaigns.get(&campaign).map(|campaign| &campaign.config.skills);
            self.desk.agent(agent).zip(needed).is_some_and(|(entry, needed)| needed.is_subset(&entry.skills))
        };
        let ready: Vec<(Instant, AgentId)> = self
            .desk
            .agents()
            .filter(|(_, agent)| agent.state() == AgentState::Ready)
            .map(|(name, agent)| (agent.since(), name))
            .collect();
        // Calls of each campaign that will want whoever is free, and the ready agents who could take them.
        let mut demand: std::collections::BTreeMap<CampaignId, usize> = Default::default();
        for attempt in self.attempts.values().filter(|attempt| attempt.taker == Taker::Anybody) {
            if matches!(
                attempt.phase,
                Phase::Recording | Phase::Held | Phase::Dialling | Phase::Answered | Phase::Waiting
            ) {
                *demand.entry(attempt.campaign).or_default() += 1;
            }
        }
        // Once for each campaign: whether its calls will want all the ready agents who fit it.
        demand.retain(|campaign, calls| ready.iter().filter(|(_, agent)| fits(*campaign, *agent)).count() <= *calls);
        let needed = |agent: AgentId| demand.keys().any(|campaign| fits(*campaign, agent));
        let free = ready.iter().filter(|(_, agent)| fits(id, *agent));
        if free.clone().count() as u32 <= self.reserve_of(id) {
            return Vec::new();
        }
        let mut spare: Vec<(Instant, AgentId)> = free.filter(|(_, agent)| !needed(*agent)).copied().collect();
        spare.sort_unstable();
        spare.into_iter().map(|(_, agent)| agent).collect()
    }

    /// Keeps a ready agent for an attempt; the item is the attempt's, as for any person who is given an agent.
    pub(super) fn reserve_for(&mut self, now: Instant, agent: AgentId, attempt: AttemptId) {
        // The agent is ready and ids never repeat, so the desk cannot refuse.
        let reserved = self.desk.reserve(now, agent, CallId(attempt.0));
        debug_assert_eq!(reserved, Ok(()));
        self.drain_desk(now);
    }

    pub(super) fn accept(&mut self, now: Instant, agent: AgentId, lead: LeadId) -> Result<(), Reject> {
        let shown = self.offers.get(&agent).filter(|offer| offer.lead == lead);
        let campaign = shown.ok_or(Reject::NoOffer(agent))?.campaign;
        let may = self.may_launch(now, campaign).and_then(|()| self.trunk_takes(now, campaign));
        may.map_err(|reason| Reject::NotNow(agent, reason))?;
        let Some(offer) = self.offers.remove(&agent) else { return Err(Reject::NoOffer(agent)) };
        let answer = self.ask_gate(now, campaign, lead, Duration::ZERO, true);
        let how = match answer {
            Some(GateAnswer::Allowed(consent)) => {
                let found = Lawful { lead, number: offer.number, consent, agent: Some(agent) };
                let (attempt, taker, reason) = (offer.attempt, Taker::Agent(agent), Reason::Preview);
                let launch =
                    Launch { attempt, taker, reason, forecast_person: 0.0, forecast_no_agent: 0.0, promised: true };
                self.record(now, campaign, &found, launch);
                OfferEnd::Accepted
            }
            answer => {
                if let Some(answer) = answer {
                    self.hold_back(now, campaign, lead, &answer);
                }
                self.set_free(now, agent, &offer);
                OfferEnd::Withdrawn
            }
        };
        self.outputs.push_back(Output::OfferOver { agent, campaign, lead, how });
        Ok(())
    }

    pub(super) fn skip(&mut self, now: Instant, agent: AgentId, lead: LeadId) -> Result<(), Reject> {
        self.offers.get(&agent).filter(|offer| offer.lead == lead).ok_or(Reject::NoOffer(agent))?;
        self.withdraw(now, agent, OfferEnd::Skipped);
        Ok(())
    }

    /// Takes a lead off an agent's screen without dialling it.
    pub(super) fn withdraw(&mut self, now: Instant, agent: AgentId, how: OfferEnd) {
        let Some(offer) = self.offers.remove(&agent) else { return };
        let (id, lead, now_us) = (offer.campaign, offer.lead, self.steady_us(now));
        if let Some(campaign) = self.campaigns.get_mut(&id) {
            match how {
                OfferEnd::Skipped | OfferEnd::TimedOut => {
                    let (state, until_us) = campaign.list.skip(lead, campaign.config.skipped, now_us);
                    let next_at = (state == LeadState::Waiting).then(|| self.wall_of_steady(now, until_us));
                    self.outputs.push_back(Output::LeadChanged { lead, state, next_at, number: None });
                }
                OfferEnd::Accepted | OfferEnd::Withdrawn => {
                    if let Some(until_us) = campaign.list.withdraw(lead, now_us) {
                        let next_at = Some(self.wall_of_steady(now, until_us));
                        self.outputs.push_back(Output::LeadChanged {
                            lead,
                            state: LeadState::Waiting,
                            next_at,
                            number: None,
                        });
                    }
                }
            }
        }
        self.outputs.push_back(Output::OfferOver { agent, campaign: id, lead, how });
        self.set_free(now, agent, &offer);
    }

    /// Withdraws everything that a campaign shows.
    pub(super) fn withdraw_offers(&mut self, now: Instant, id: CampaignId) {
        let shown = self.offers.iter().filter(|(_, offer)| offer.campaign == id);
        let agents: Vec<AgentId> = shown.map(|(agent, _)| *agent).collect();
        agents.into_iter().for_each(|agent| self.withdraw(now, agent, OfferEnd::Withdrawn));
    }

    /// The agent who looked is free again, and the number too.
    fn set_free(&mut self, now: Instant, agent: AgentId, offer: &Offer) {
        self.live_numbers.remove(&offer.number);
        // Gone with the phone, if the desk knows of no item.
        if self.desk.agent(agent).is_some_and(|entry| entry.item() == Some(CallId(offer.attempt.0))) {
            let finished = self.desk.finished(now, agent);
            debug_assert_eq!(finished, Ok(()));
        }
        self.drain_desk(now);
        self.dirty = true;
    }

    /// Leads that were looked at long enough.
    pub(super) fn offers_over(&mut self, now: Instant) {
        let due: Vec<(AgentId, LeadId, PreviewEnd)> = self
            .offers
            .iter()
            .filter(|(_, offer)| offer.until <= now)
            .map(|(agent, offer)| (*agent, offer.lead, offer.then))
            .collect();
        for (agent, lead, then) in due {
            match then {
                PreviewEnd::Skip => self.withdraw(now, agent, OfferEnd::TimedOut),
                PreviewEnd::Dial => {
                    // What cannot be dialled now is shown again when it can.
                    if self.accept(now, agent, lead).is_err() {
                        self.withdraw(now, agent, OfferEnd::Withdrawn);
                    }
                }
            }
        }
    }
}
