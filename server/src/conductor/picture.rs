//! The conductor's state as others see it.

use super::{Conductor, rows};
use crate::control::decisions::{DecisionView, DecisionsView};
use crate::control::views::{
    AgentCounts, AgentView, AmdLost, CallDetail, CallView, CampaignView, Snapshot, StoreView, TrunkView, WindowView,
};
use base::{AgentId, CallId, CampaignId, Duration, Instant, TrunkId, WallTime};
use dialer::CampaignSnapshot;
use dialer::pacing::DecisionRecord;

impl Conductor {
    /// Everything live at `now`; the store's part is the caller's.
    pub fn picture(&self, now: Instant, store: StoreView) -> Snapshot {
        let dialer = self.dialer.snapshot(now);
        let campaigns = dialer.campaigns.into_iter();
        let campaigns = campaigns.filter_map(|view| Some((view.campaign, self.campaign_picture(view)?))).collect();
        let agents = self.phones.keys().filter_map(|id| Some((id.0, self.agent_view(now, *id)?))).collect();
        let of_campaigns = self.calls.values().map(|live| live.call);
        let calls = of_campaigns.chain(self.placed.keys().copied());
        let trunks = self.trunks.keys().filter_map(|id| self.trunk_view(*id)).map(|view| (view.name.clone(), view));
        Snapshot {
            at_us: self.anchor.wall_at(now).as_unix_us(),
            ready: !self.draining,
            draining: self.draining,
            calls: calls.filter_map(|id| Some((id.0, self.call_view(id)?))).collect(),
            calls_begun: self.next_call - self.config.first_call,
            campaigns,
            agents,
            trunks: trunks.collect(),
            store,
        }
    }

    pub(super) fn trunk_view(&self, id: TrunkId) -> Option<TrunkView> {
        let trunk = self.trunks.get(&id)?;
        Some(TrunkView {
            name: trunk.name.clone(),
            host: trunk.remote.to_string(),
            up: trunk.up,
            registered: trunk.registered,
            channels: self.channels_in_use(id),
            channels_max: trunk.max_channels,
            cps_max: trunk.max_cps,
        })
    }

    pub(super) fn call_view(&self, id: CallId) -> Option<CallView> {
        let wall_us = |at: Instant| self.anchor.wall_at(at).as_unix_us();
        let agent_name = |agent: AgentId| self.phones.get(&agent).map(|phone| phone.name.clone());
        if let Some(placed) = self.placed.get(&id) {
            return Some(CallView {
                id: id.0,
                direction: if placed.inbound { "inbound" } else { "outbound" },
                state: state_of(placed.ringing, placed.answered.is_some(), placed.connected.is_some()),
                from: placed.from.clone(),
                to: placed.to.clone(),
                trunk: placed.trunk.and_then(|id| self.trunks.get(&id)).map(|trunk| trunk.name.clone()),
                campaign: None,
                attempt: None,
                agent: placed.agent().and_then(agent_name),
                began_us: wall_us(placed.began),
                answered_us: placed.answered.map(wall_us),
                connected_us: placed.connected.map(wall_us),
                codec: placed.trace.codec(),
                quality: placed.trace.quality(),
                verdict: None,
            });
        }
        let attempt = *self.attempt_of.get(&id)?;
        let live = self.calls.get(&attempt)?;
        Some(CallView {
            id: id.0,
            direction: "outbound",
            state: state_of(live.ringing, live.answered_at.is_some(), live.connected_at.is_some()),
            from: live.caller_id.clone(),
            to: live.number.clone(),
            trunk: self.trunks.get(&live.trunk).map(|trunk| trunk.name.clone()),
            campaign: self.campaigns.get(&live.campaign).map(|campaign| campaign.name.clone()),
            attempt: Some(attempt.0),
            agent: live.agent.and_then(agent_name),
            began_us: wall_us(live.began),
            answered_us: live.answered_at.map(wall_us),
            connected_us: live.connected_at.map(wall_us),
            codec: live.trace.codec(),
            quality: live.trace.quality(),
            verdict: live.verdict.map(rows::verdict_name),
        })
    }

    /// A call with what happened in it.
    pub(super) fn call_detail(&self, id: CallId) -> Option<CallDetail> {
        let placed = self.placed.get(&id).map(|placed| &placed.trace);
        let of_campaign = || self.attempt_of.get(&id).and_then(|attempt| self.calls.get(attempt));
        let trace = placed.or_else(|| of_campaign().map(|live| &live.trace))?;
        Some(CallDetail { call: self.call_view(id)?, timeline: trace.entries(&self.anchor) })
    }

    /// Decisions of a campaign around `at`: half of them at it or before, half after.
    pub(super) fn decisions(
        &self,
        now: Instant,
        campaign: CampaignId,
        at: WallTime,
        limit: usize,
    ) -> Option<DecisionsView> {
        let windows: Vec<_> =
            self.dialer.campaign_snapshot(now, campaign)?.ledger.into_iter().map(|window| window.window).collect();
        // Moments are told in whole microseconds: the one that was told finds its decision.
        let at = self.anchor.instant_at(at) + Duration::from_ns(999);
        let all = |from, to| self.dialer.decisions_between(campaign, from, to);
        let wall_us = |record: &DecisionRecord| self.anchor.wall_at(record.at).as_unix_us();
        let after = at + Duration::from_ns(1);
        let mut items: Vec<_> = all(Instant::ZERO, at).rev().take(limit.div_ceil(2)).collect();
        items.reverse();
        let room = limit - items.len();
        items.extend(all(after, Instant::MAX).take(room));
        Some(DecisionsView {
            items: items.into_iter().map(|record| DecisionView::of(record, wall_us(record), &windows)).collect(),
            oldest_us: all(Instant::ZERO, Instant::MAX).next().map(wall_us),
            newest_us: all(Instant::ZERO, Instant::MAX).next_back().map(wall_us),
        })
    }

    pub(super) fn campaign_view(&self, now: Instant, id: CampaignId) -> Option<CampaignView> {
        self.campaign_picture(self.dialer.campaign_snapshot(now, id)?)
    }

    fn campaign_picture(&self, view: CampaignSnapshot) -> Option<CampaignView> {
        let campaign = self.campaigns.get(&CampaignId(view.campaign))?;
        let leads = serde_json::to_value(view.leads).ok()?;
        let ledger = view.ledger.into_iter().map(|window| WindowView {
            window: window.window.into_owned(),
            connected: window.connected,
            abandoned: window.abandoned,
            machines: window.machines,
            lost: window.lost,
            abandon_rate: window.rate,
            strict_rate: window.strict_rate,
            limit: view.limit,
            budget_left: window.budget_left,
        });
        Some(CampaignView {
            id: view.campaign,
            name: view.name,
            list: campaign.settings.list.clone(),
            state: view.state.to_owned(),
            since_us: view.since_unix_us,
            profile: campaign.settings.profile.clone(),
            why: view.why.to_owned(),
            why_code: view.why_code.to_owned(),
            settings: campaign.settings.to_json().into(),
            leads: serde_json::from_value(leads).ok()?,
            attempts: view.attempts,
            attempts_open: (view.ringing + view.answered + view.waiting + view.talking + view.in_message) as u64,
            ringing: view.ringing as u64,
            answered: view.answered as u64,
            waiting: view.waiting as u64,
            talking: view.talking as u64,
            in_message: view.in_message as u64,
            connected: view.connected,
            abandoned: view.abandoned,
            outcomes: view.outcomes.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            ledger: ledger.collect(),
            agents: AgentCounts::of(|state| view.agents.get(state.name()).map_or(0, |count| *count as u64)),
            occupancy: view.occupancy,
            amd_drift: campaign.amd_drift.clone(),
            amd_lost: self.amd_lost(CampaignId(view.campaign), &campaign.settings),
        })
    }

    /// Persons lost to detection, by what is known of them.
    fn amd_lost(&self, id: CampaignId, settings: &crate::config::Campaign) -> AmdLost {
        let denominator = &settings.rules.denominator;
        let (counted, measured) = (denominator.add_amd_false_positives, self.dialer.amd_measured_of(id));
        let (rate, source) = match measured {
            Some(measured) => (Some(measured.rate), Some(measured.evidence.clone())),
            None => (denominator.amd_false_positive_rate, denominator.amd_evidence.clone()),
        };
        match settings.amd_rules().acts() {
            true => AmdLost { rate, source, measured: measured.is_some(), counted },
            false => AmdLost { counted, ..AmdLost::default() },
        }
    }

    pub(super) fn agent_view(&self, now: Instant, id: AgentId) -> Option<AgentView> {
        let entry = self.dialer.desk().agent(id)?;
        let phone = self.phones.get(&id)?;
        let of_attempt = |item: CallId| self.calls.get(&base::AttemptId(item.0)).map(|live| live.call);
        let call = entry.item().and_then(|item| super::placed::call_of(item).or_else(|| of_attempt(item)));
        Some(AgentView {
            id: id.0,
            name: phone.name.clone(),
            state: entry.state().name().to_owned(),
            since_us: self.anchor.wall_at(entry.since()).as_unix_us(),
            wish: phone.wish,
            phone_up: phone.up,
            skills: self.agent_skills.get(&id).map(|skills| skills.iter().cloned().collect()).unwrap_or_default(),
            call: call.map(|call| call.0),
            offer: self.offers.get(&id).cloned(),
            occupancy: entry.times(now).occupancy(),
        })
    }
}

const fn state_of(ringing: bool, answered: bool, connected: bool) -> &'static str {
    match (ringing, answered, connected) {
        (_, _, true) => "connected",
        (_, true, _) => "answered",
        (true, ..) => "ringing",
        _ => "dialling",
    }
}
