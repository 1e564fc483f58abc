//! Leads that agents look at before they are dialled: what the dialer shows, and what the agents say.

use super::{Conductor, Output};
use crate::control::api::{PreviewChoice, Refusal, Reply};
use crate::control::views::OfferView;
use base::{AgentId, CampaignId, Instant, LeadId};
use dialer::{Input, OfferEnd, PreviewEnd};

/// Longest reason for a skip, in bytes: a sentence. It goes out in an event and into the audit log.
pub(crate) const REASON_BYTES_MAX: usize = 200;

impl Conductor {
    pub(super) fn offered(
        &mut self,
        now: Instant,
        agent: AgentId,
        campaign: CampaignId,
        lead: LeadId,
        until: Instant,
        then: PreviewEnd,
    ) {
        let offer = OfferView {
            campaign: self.campaigns.get(&campaign).map_or_else(String::new, |campaign| campaign.name.clone()),
            lead: lead.0,
            until_us: self.anchor.wall_at(until).as_unix_us(),
            then: match then {
                PreviewEnd::Dial => "dial",
                PreviewEnd::Skip => "skip",
            },
        };
        self.offers.insert(agent, offer);
        if let Some(view) = self.agent_view(now, agent) {
            self.tell("agent.offer", &view);
        }
    }

    pub(super) fn offer_over(&mut self, now: Instant, agent: AgentId, lead: LeadId, how: OfferEnd) {
        let Some(offer) = self.offers.remove(&agent) else { return };
        self.offer_ends.insert(agent, how);
        let name = self.phones.get(&agent).map(|phone| phone.name.clone());
        let reason = self.skip_reason.take();
        let told = serde_json::json!({
            "agent": name, "campaign": offer.campaign, "lead": lead.0, "how": how.name(), "reason": reason,
            "at_us": self.anchor.wall_at(now).as_unix_us(),
        });
        self.outputs.push_back(Output::Tell("agent.offer_over", told));
    }

    /// What an agent decides of the lead that is shown.
    pub(super) fn preview(
        &mut self,
        now: Instant,
        agent: AgentId,
        lead: LeadId,
        choice: PreviewChoice,
    ) -> Result<Reply, Refusal> {
        if !self.phones.contains_key(&agent) {
            return Err(Refusal::NotFound { what: format!("agent {agent}") });
        }
        if self.offers.get(&agent).is_none_or(|offer| offer.lead != lead.0) {
            return Err(Refusal::Conflict {
                what: format!("lead {lead} is not shown to this agent any more"),
                mend: "look at the one that is".to_owned(),
            });
        }
        self.offer_ends.remove(&agent);
        let input = match choice {
            PreviewChoice::Accept => Input::PreviewAccept { agent, lead },
            PreviewChoice::Skip(reason) => {
                self.skip_reason = Some(reason);
                Input::PreviewSkip { agent, lead }
            }
        };
        self.dialer.handle_input(now, input);
        self.drain_dialer(now);
        self.skip_reason = None;
        let Some(how) = self.offer_ends.remove(&agent) else {
            return Err(Refusal::Conflict {
                what: "this lead cannot be dialled now: no room on the trunk, or dialling is on hold".to_owned(),
                mend: "try again in a moment".to_owned(),
            });
        };
        let view = self.agent_view(now, agent).ok_or(Refusal::Gone)?;
        Ok(Reply::Preview(how, Box::new(view)))
    }
}
