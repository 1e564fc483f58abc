//! Campaigns without agents: as many calls at once, or as many new calls a second, as are set.

use base::{CampaignId, Duration, Instant};

use super::launch::Launch;
use super::{Dialer, RunState};
use crate::attempt::Taker;
use crate::campaign::{Flow, Mode};
use crate::pacing::{Reason, Room};

impl Dialer {
    /// One decision for a running campaign without agents.
    pub(super) fn decide_flow(&mut self, now: Instant, id: CampaignId, flow: Flow) {
        self.want_leads(now, id);
        let (room, blocked) = match self.room(now, id) {
            Ok(room) => (room, None),
            Err(reason) => (Room::default(), Some(reason)),
        };
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        self.decisions += 1;
        // When it waits for that moment and is woken late, the pace holds all the same.
        let due = campaign.call_due.take().filter(|at| *at <= now);
        let mut from = due.unwrap_or(now);
        let free = flow.channels.map_or(u32::MAX, |channels| channels.saturating_sub(campaign.open_attempts));
        let flows = if free == 0 || flow.calls_per_s.is_none() { Reason::Channels } else { Reason::Rate };
        let why = blocked.unwrap_or(flows);
        let Some(recording) = campaign.config.recording.clone() else { return };
        self.explain(now, id, why, room);
        for _ in 0..room.calls.min(free) {
            let Some(campaign) = self.campaigns.get_mut(&id) else { return };
            if flow.calls_per_s.is_some() && now < campaign.next_call {
                // Somebody must come back then, as a call is wanted and nothing else holds it up.
                campaign.call_due = Some(campaign.next_call);
                return;
            }
            if let Some(per_s) = flow.calls_per_s {
                let between = Duration::from_secs_f64(1.0 / per_s);
                // A long sleep is not made up for: one call more than the rate at most.
                campaign.next_call = from.max(now.before(between)) + between;
                from = now;
            }
            let Some(found) = self.next_lawful(now, id, Duration::ZERO, false) else { return };
            let attempt = self.new_attempt();
            let taker = Taker::Recording(recording.clone());
            let launch =
                Launch { attempt, taker, reason: why, forecast_person: 0.0, forecast_no_agent: 0.0, promised: false };
            self.record(now, id, &found, launch);
        }
    }

    /// Campaigns whose rate allows the next call.
    pub(super) fn calls_due(&mut self, now: Instant) {
        let due = |campaign: &super::Campaign| campaign.call_due.is_some_and(|at| at <= now);
        let ids: Vec<CampaignId> =
            self.campaigns.iter().filter(|(_, campaign)| due(campaign)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(campaign) = self.campaigns.get_mut(&id) else { continue };
            if let (RunState::Running, Mode::Agentless(flow)) = (campaign.state, campaign.config.mode) {
                self.decide_flow(now, id, flow);
            } else {
                campaign.call_due = None;
            }
        }
    }
}
