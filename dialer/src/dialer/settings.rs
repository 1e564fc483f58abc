//! What comes from people and from the store: campaigns, leads, ledgers, agents.

use base::{AgentId, AttemptId, CallId, CampaignId, Duration, Instant, LeadId, WallTime};
use desk::{Skills, Wanted};

use super::pool::Share;
use super::{CAMPAIGNS_MAX, Campaign, Dialer, RunState};
use crate::amd::{AmdMeasured, AuditDraw};
use crate::campaign::{CampaignConfig, ConfigError, Flow, Mode};
use crate::compliance::Known;
use crate::io::{LedgerEntry, OfferEnd, OutcomeCounts, Output};
use crate::lead::{Lead, LeadState};
use crate::ledger::Ledger;
use crate::list::{AddError, List};
use crate::pacing::{Calibration, Pacer, Reason, pacer};
use crate::reject::Reject;

impl Dialer {
    /// Everything that can be wrong with settings; gives the zone and a pacer of the mode.
    fn check(&mut self, id: CampaignId, config: &CampaignConfig) -> Result<(u32, Box<dyn Pacer>), Reject> {
        config.validate().map_err(|error| Reject::Config(id, error))?;
        let Some(zone) = self.zones.index(&config.timezone) else {
            return Err(Reject::Config(id, ConfigError::UnknownZone(config.timezone.clone())));
        };
        Ok((zone, pacer(config.mode)))
    }

    pub(super) fn add_campaign(&mut self, now: Instant, id: CampaignId, config: CampaignConfig) -> Result<(), Reject> {
        if self.campaigns.contains_key(&id) {
            return Err(Reject::DuplicateCampaign(id));
        }
        if self.campaigns.len() >= CAMPAIGNS_MAX {
            return Err(Reject::Full);
        }
        let (zone, pacer) = self.check(id, &config)?;
        let campaign = Campaign {
            zone,
            state: RunState::Stopped,
            since: now,
            list: List::default(),
            ledger: Ledger::new(config.terms(zone, None)),
            pacer,
            stream: self.seed.stream("pacing", id.0),
            audit: AuditDraw::new(self.seed.stream("amd audit", id.0)),
            amd_measured: None,
            why: Reason::NotStarted,
            planned_end: None,
            wanted: None,
            supply_away: false,
            attempts: 0,
            open_attempts: 0,
            outcomes: OutcomeCounts::new(),
            calibration: Calibration::default(),
            share: Share::new(now),
            next_call: now,
            call_due: None,
            config,
        };
        self.campaigns.insert(id, campaign);
        Ok(())
    }

    pub(super) fn configure(&mut self, now: Instant, id: CampaignId, config: CampaignConfig) -> Result<(), Reject> {
        self.campaign_mut(id)?;
        let (zone, fresh_pacer) = self.check(id, &config)?;
        let now_us = self.steady_us(now);
        let Some(campaign) = self.campaigns.get_mut(&id) else { return Err(Reject::UnknownCampaign(id)) };
        if !campaign.pacer.retune(config.mode) {
            campaign.pacer = fresh_pacer;
        }
        let terms = config.terms(zone, campaign.amd_measured.as_ref());
        campaign.ledger.configure(terms, now_us, &self.zones);
        let other_gate = zone != campaign.zone || config.profile != campaign.config.profile;
        campaign.list.set_zone(zone);
        campaign.zone = zone;
        let other_mode = campaign.config.mode != config.mode;
        let was_agentless = campaign.config.mode.is_agentless();
        campaign.config = config;
        campaign.call_due = None;
        if let Mode::Agentless(Flow { calls_per_s: Some(per_s), .. }) = campaign.config.mode {
            campaign.next_call = campaign.next_call.min(now + Duration::from_secs_f64(1.0 / per_s));
        }
        if other_mode {
            // The next decision shows leads again, if it still does.
            self.withdraw_offers(now, id);
        }
        let Some(campaign) = self.campaigns.get_mut(&id) else { return Err(Reject::UnknownCampaign(id)) };
        if was_agentless != campaign.config.mode.is_agentless() {
            // Recordings need consents that calls of agents do not.
            self.reconsider(now, id)?;
        } else if other_gate || other_mode {
            let again = campaign.list.look_again();
            self.ready_again(again);
        }
        self.dirty = true;
        Ok(())
    }

    /// What the campaign's own calls say of persons lost to detection; none: the profile's estimate counts again.
    pub(super) fn amd_measured(
        &mut self,
        now: Instant,
        id: CampaignId,
        measured: Option<AmdMeasured>,
    ) -> Result<(), Reject> {
        let now_us = self.steady_us(now);
        let Some(campaign) = self.campaigns.get_mut(&id) else { return Err(Reject::UnknownCampaign(id)) };
        if campaign.amd_measured != measured {
            campaign.amd_measured = measured;
            let terms = campaign.config.terms(campaign.zone, campaign.amd_measured.as_ref());
            campaign.ledger.configure(terms, now_us, &self.zones);
            self.dirty = true;
        }
        Ok(())
    }

    fn ready_again(&mut self, leads: Vec<LeadId>) {
        let changed = |lead| Output::LeadChanged { lead, state: LeadState::Ready, next_at: None, number: None };
        self.outputs.extend(leads.into_iter().map(changed));
    }

    /// The campaign, if it neither runs nor has attempts under way.
    fn resting(&mut self, id: CampaignId) -> Result<&mut Campaign, Reject> {
        let campaign = self.campaign_mut(id)?;
        let busy = campaign.state == RunState::Running || campaign.open_attempts > 0;
        if busy { Err(Reject::CampaignBusy(id)) } else { Ok(campaign) }
    }

    pub(super) fn remove_campaign(&mut self, id: CampaignId) -> Result<(), Reject> {
        self.resting(id)?;
        self.campaigns.remove(&id);
        Ok(())
    }

    pub(super) fn restore_ledger(
        &mut self,
        now: Instant,
        id: CampaignId,
        began: WallTime,
        entries: Vec<LedgerEntry>,
    ) -> Result<(), Reject> {
        self.resting(id)?;
        // Windows are opened one by one from the first moment on: one in the year -290,000 would take forever.
        let moments = entries.iter().map(|entry| entry.at).chain([began]);
        if moments.min().is_some_and(|first| first < WallTime::from_unix_us(0)) {
            return Err(Reject::LedgerMoment(id));
        }
        let now_us = self.steady_us(now);
        if let Some(campaign) = self.campaigns.get_mut(&id) {
            campaign.ledger.restore(began, entries, now_us, &self.zones);
        }
        Ok(())
    }

    pub(super) fn reconsider(&mut self, now: Instant, id: CampaignId) -> Result<(), Reject> {
        let campaign = self.campaign_mut(id)?;
        let again = campaign.list.reconsider();
        if campaign.state == RunState::Finished && !again.is_empty() {
            campaign.enter(now, RunState::Running);
        }
        self.ready_again(again);
        self.dirty = true;
        Ok(())
    }

    pub(super) fn let_go(&mut self, now: Instant, id: CampaignId, until: Option<WallTime>) -> Result<(), Reject> {
        // A wall moment on the steady line: as far from now as it is on the clock.
        let (steady_us, wall) = (self.steady_us(now), self.wall_at(now));
        let until_us = until.map(|until| steady_us.saturating_add(until.as_unix_us() - wall.as_unix_us()));
        let campaign = self.campaign_mut(id)?;
        campaign.list.let_go(until_us);
        if until.is_none() {
            campaign.wanted = None;
        }
        self.dirty = true;
        Ok(())
    }

    pub(super) fn add_leads(&mut self, now: Instant, id: CampaignId, leads: Vec<Lead>) -> Result<(), Reject> {
        let now_us = self.steady_us(now);
        let campaign = self.campaign_mut(id)?;
        campaign.wanted = None;
        campaign.supply_away = false;
        for lead in leads {
            let name = lead.lead;
            let Some(campaign) = self.campaigns.get_mut(&id) else { break };
            let zone = match campaign.zone_name(&lead) {
                None => Some(campaign.zone),
                Some(zone) => self.zones.callee(zone),
            };
            let Some(zone) = zone else {
                let zone = lead.timezone.unwrap_or_default();
                self.outputs.push_back(Output::Refused(Reject::UnknownZone(name, zone)));
                continue;
            };
            // What detection heard there comes with `History`, which knows when.
            let known = Known { attempts: lead.last_attempt.as_slice(), abandoned: lead.abandoned_at, machine: None };
            self.gate.history(lead.number, &known, now_us);
            let told = lead.next_at;
            let came_back = campaign.list.state(name).is_some();
            match campaign.list.add(lead, zone, &campaign.config.retry, now_us) {
                Err(AddError::Duplicate) => self.outputs.push_back(Output::Refused(Reject::DuplicateLead(name))),
                Err(AddError::Full) => self.outputs.push_back(Output::Refused(Reject::ListFull(name))),
                Ok((LeadState::Ready, _)) if !came_back => {}
                // A promise that was made meanwhile is kept in mind.
                Ok((LeadState::Dialling(_) | LeadState::Offered, _)) => {}
                Ok((LeadState::Waiting, _)) if told.is_some() && !came_back => {}
                // What whoever added it cannot know: settled, or waits because of a rule.
                Ok((state, until_us)) => {
                    let next_at = (state == LeadState::Waiting).then(|| self.wall_of_steady(now, until_us));
                    self.outputs.push_back(Output::LeadChanged { lead: name, state, next_at, number: None });
                }
            }
        }
        let campaign = self.campaign_mut(id)?;
        if campaign.state == RunState::Finished {
            campaign.enter(now, RunState::Running);
        }
        self.dirty = true;
        Ok(())
    }

    pub(super) fn add_agent(
        &mut self,
        now: Instant,
        agent: AgentId,
        name: String,
        skills: Skills,
    ) -> Result<(), Reject> {
        self.desk.add_agent(now, agent, name, skills).map_err(|reject| Reject::Agent(agent, reject))
    }

    pub(super) fn set_skills(&mut self, now: Instant, agent: AgentId, skills: Skills) -> Result<(), Reject> {
        self.desk.set_skills(now, agent, skills).map_err(|reject| Reject::Agent(agent, reject))?;
        self.dirty = true;
        Ok(())
    }

    pub(super) fn remove_agent(&mut self, now: Instant, agent: AgentId) -> Result<(), Reject> {
        self.desk.remove_agent(now, agent).map_err(|reject| Reject::Agent(agent, reject))?;
        // The last change of state is told before the agent is forgotten.
        self.drain_desk(now);
        self.spells.remove(&agent);
        self.dirty = true;
        Ok(())
    }

    pub(super) fn reserve_agent(&mut self, now: Instant, agent: AgentId, item: CallId) -> Result<(), Reject> {
        if self.attempts.contains_key(&AttemptId(item.0)) {
            return Err(Reject::Agent(agent, desk::Reject::DuplicateItem));
        }
        self.desk.reserve(now, agent, item).map_err(|reject| Reject::Agent(agent, reject))?;
        self.by_hand.insert(agent, item);
        Ok(())
    }

    pub(super) fn item_connected(&mut self, now: Instant, agent: AgentId) -> Result<(), Reject> {
        self.with_item(agent)?;
        self.desk.connected(now, agent).map_err(|reject| Reject::Agent(agent, reject))
    }

    pub(super) fn item_finished(&mut self, now: Instant, agent: AgentId) -> Result<(), Reject> {
        self.with_item(agent)?;
        if let Some(item) = self.by_hand.remove(&agent) {
            self.inbound_over(now, item);
        }
        self.desk.finished(now, agent).map_err(|reject| Reject::Agent(agent, reject))
    }

    /// Refuses unless the agent has a call placed by hand.
    fn with_item(&self, agent: AgentId) -> Result<(), Reject> {
        match (self.by_hand.contains_key(&agent), self.desk.agent(agent)) {
            (true, _) => Ok(()),
            (false, Some(_)) => Err(Reject::Agent(agent, desk::Reject::WrongState)),
            (false, None) => Err(Reject::Agent(agent, desk::Reject::UnknownAgent)),
        }
    }

    pub(super) fn set_agent(&mut self, now: Instant, agent: AgentId, wanted: Wanted) -> Result<(), Reject> {
        // Whoever only looks at a lead has nothing in hand and may go at once.
        if wanted != Wanted::Ready && self.offers.contains_key(&agent) {
            self.withdraw(now, agent, OfferEnd::Withdrawn);
        }
        self.desk.set_state(now, agent, wanted).map_err(|reject| Reject::Agent(agent, reject))?;
        match wanted {
            Wanted::Ready => {
                self.announced.remove(&agent);
            }
            Wanted::OnBreak { announced: true } | Wanted::LoggedOut { announced: true } => {
                self.announced.insert(agent);
            }
            Wanted::OnBreak { .. } | Wanted::LoggedOut { .. } => {}
        }
        Ok(())
    }
}
