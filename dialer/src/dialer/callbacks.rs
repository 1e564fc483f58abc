//! Promises to call back that name an agent: the call waits for that agent, for a bounded time.
//!
//! ```text
//!  moment comes ──> the agent is claimed: no pacer counts on them after the present call
//!                     └─ free ──gate──> reserved and dialled (or shown, in preview)
//!  wait over ──> anybody may call, or later again: as the campaign says
//! ```

use std::collections::BTreeSet;

use base::{AgentId, CampaignId, Duration, Instant, LeadId};
use desk::AgentState;

use super::launch::{Launch, Lawful};
use super::{Dialer, RunState};
use crate::attempt::Taker;
use crate::campaign::{CallbackThen, Mode};
use crate::compliance::GateAnswer;
use crate::io::Output;
use crate::lead::LeadState;
use crate::pacing::Reason;

impl Dialer {
    /// Calls back whose agents are free, in all running campaigns.
    pub(super) fn decide_callbacks(&mut self, now: Instant) {
        let running = self.campaigns.iter().filter(|(_, campaign)| campaign.state == RunState::Running);
        let with: Vec<CampaignId> =
            running.filter(|(_, campaign)| campaign.list.has_owned()).map(|(id, _)| *id).collect();
        for id in with {
            self.owners_were_away(now, id);
            let Some(campaign) = self.campaigns.get(&id) else { continue };
            for (lead, agent, due_us) in campaign.list.owned() {
                if self.may_launch(now, id).and_then(|()| self.trunk_takes(now, id)).is_err() {
                    break;
                }
                if self.is_free_for(now, id, agent, due_us) {
                    self.call_back(now, id, lead, agent);
                }
            }
        }
    }

    /// The agent waits for a call, fits, and is either spare or has come free since the moment of the promise, from
    /// which on nobody counted on that agent.
    fn is_free_for(&self, now: Instant, id: CampaignId, agent: AgentId, due_us: i64) -> bool {
        let Some(campaign) = self.campaigns.get(&id) else { return false };
        let Some(entry) = self.desk.agent(agent) else { return false };
        let fits = entry.state() == AgentState::Ready && campaign.config.skills.is_subset(&entry.skills);
        let free_us = self.steady_us(now) - now.since(entry.since()).as_us() as i64;
        fits && (free_us > due_us || self.spare_agents(id).contains(&agent))
    }

    fn call_back(&mut self, now: Instant, id: CampaignId, lead: LeadId, agent: AgentId) {
        let Some(campaign) = self.campaigns.get(&id) else { return };
        let Some(number) = campaign.list.entry(lead).map(|entry| entry.lead.number) else { return };
        if self.live_numbers.contains(&number) {
            return;
        }
        let mode = campaign.config.mode;
        let look = if let Mode::Preview(preview) = mode { preview.timer } else { Duration::ZERO };
        match self.ask_gate(now, id, lead, look, true) {
            None => {}
            Some(GateAnswer::Allowed(consent)) => {
                if let Mode::Preview(preview) = mode {
                    self.show(now, id, lead, agent, preview);
                    return;
                }
                let attempt = self.new_attempt();
                self.reserve_for(now, agent, attempt);
                let found = Lawful { lead, number, consent, agent: Some(agent) };
                let (taker, reason) = (Taker::Agent(agent), Reason::Callback);
                let launch =
                    Launch { attempt, taker, reason, forecast_person: 0.0, forecast_no_agent: 0.0, promised: true };
                self.record(now, id, &found, launch);
            }
            Some(answer) => self.hold_back(now, id, lead, &answer),
        }
    }

    /// Whose agents did not come in time: what the campaign says.
    fn owners_were_away(&mut self, now: Instant, id: CampaignId) {
        let now_us = self.steady_us(now);
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        let rule = campaign.config.callback;
        let over = campaign.list.owners_away(now_us, rule.wait);
        for lead in over {
            let Some(campaign) = self.campaigns.get_mut(&id) else { return };
            let (state, until_us) = match rule.then {
                CallbackThen::Anybody => {
                    campaign.list.give_to_anybody(lead);
                    (LeadState::Ready, 0)
                }
                CallbackThen::Later(gap) => {
                    let until_us = now_us + gap.as_us() as i64;
                    campaign.list.wait_again(lead, until_us);
                    (LeadState::Waiting, until_us)
                }
            };
            let next_at = (state == LeadState::Waiting).then(|| self.wall_of_steady(now, until_us));
            self.outputs.push_back(Output::LeadChanged { lead, state, next_at, number: None });
        }
    }

    /// Agents for whom a call back waits: who is done with the present call is wanted for that one.
    pub(super) fn claimed(&self) -> BTreeSet<AgentId> {
        let running = self.campaigns.values().filter(|campaign| campaign.state == RunState::Running);
        running.flat_map(|campaign| campaign.list.owned()).map(|(_, agent, _)| agent).collect()
    }
}
