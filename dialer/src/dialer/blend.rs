//! Inbound calls beside campaigns: they wait at the same desk, and the pacers leave agents for those to come.

use base::{AgentId, CallId, CampaignId, Duration, Instant};
use desk::WorkItem;

use super::Dialer;
use crate::inbound::{Inbound, InboundConfig, arrivals, reserve};
use crate::io::Output;
use crate::reject::Reject;

/// Kinds of inbound calls: a centre has a few dozen queues.
const INBOUND_MAX: usize = 256;

/// An inbound call at the desk or with an agent.
pub(crate) struct InboundCall {
    kind: u32,
    /// Since when an agent has it.
    assigned: Option<Instant>,
}

impl Dialer {
    pub(super) fn put_inbound(&mut self, now: Instant, kind: u32, config: InboundConfig) -> Result<(), Reject> {
        if !config.is_valid() {
            return Err(Reject::Inbound(kind));
        }
        if !self.inbound.contains_key(&kind) && self.inbound.len() >= INBOUND_MAX {
            return Err(Reject::Full);
        }
        match self.inbound.get_mut(&kind) {
            Some(known) => known.config = config,
            None => drop(self.inbound.insert(kind, Inbound::new(now, config))),
        }
        self.reckon_reserves(now);
        self.dirty = true;
        Ok(())
    }

    pub(super) fn inbound_arrived(&mut self, now: Instant, kind: u32, item: CallId) -> Result<(), Reject> {
        let inbound = self.inbound.get_mut(&kind).ok_or(Reject::Inbound(kind))?;
        let offered =
            WorkItem { id: item, skills: inbound.config.skills.clone(), deadline: now + inbound.config.give_up };
        if self.inbound_calls.contains_key(&item) {
            return Err(Reject::InboundCall(item));
        }
        inbound.arrived(now);
        // A desk that is full (20,000 people wait) takes nobody.
        self.desk.offer(now, offered).map_err(|_| Reject::Full)?;
        self.inbound_calls.insert(item, InboundCall { kind, assigned: None });
        self.drain_desk(now);
        // One agent less, perhaps: the next decision must know.
        self.dirty = true;
        Ok(())
    }

    /// The caller has hung up before an agent had the call.
    pub(super) fn inbound_left(&mut self, item: CallId) -> Result<(), Reject> {
        if !self.desk.withdraw(item) {
            return Err(Reject::InboundCall(item));
        }
        self.inbound_calls.remove(&item);
        self.dirty = true;
        Ok(())
    }

    /// An item of the desk that is an inbound call gets its agent; false when it is none.
    pub(super) fn inbound_assigned(&mut self, now: Instant, item: CallId, agent: AgentId) -> bool {
        let Some(call) = self.inbound_calls.get_mut(&item) else { return false };
        call.assigned = Some(now);
        self.by_hand.insert(agent, item);
        self.outputs.push_back(Output::ConnectInbound { item, agent });
        true
    }

    /// Nobody came free for so long that the caller need not wait any more; false when the item is no inbound call.
    pub(super) fn inbound_expired(&mut self, item: CallId) -> bool {
        let known = self.inbound_calls.remove(&item).is_some();
        if known {
            self.outputs.push_back(Output::InboundGivenUp { item });
        }
        known
    }

    /// An agent is done with a call, or lost it: if it was inbound, how long it took is learnt. The wrap-up that follows is
    /// as long as wrap-ups are.
    pub(super) fn inbound_over(&mut self, now: Instant, item: CallId) {
        let Some(call) = self.inbound_calls.remove(&item) else { return };
        let wrap_s = self.wrap_s;
        if let (Some(inbound), Some(since)) = (self.inbound.get_mut(&call.kind), call.assigned) {
            inbound.held(now.since(since).as_secs_f64() + wrap_s);
        }
    }

    /// How many agents each campaign must leave to inbound calls that share them; looked at once a second.
    pub(super) fn reckon_reserves(&mut self, now: Instant) {
        self.reserves.clear();
        if self.inbound.is_empty() {
            return;
        }
        let ids: Vec<CampaignId> = self.campaigns.keys().copied().collect();
        for id in ids {
            let kept = self.reckon_reserve(now, id);
            if kept > 0 {
                self.reserves.insert(id, kept);
            }
        }
    }

    fn reckon_reserve(&self, now: Instant, id: CampaignId) -> u32 {
        let Some(campaign) = self.campaigns.get(&id) else { return 0 };
        let skills = &campaign.config.skills;
        let (mut fixed, mut rate, mut work) = (0, 0.0, 0.0);
        let (mut level, mut within_s) = (0.0_f64, f64::INFINITY);
        for inbound in self.inbound.values() {
            let share = self.common(skills, &inbound.config.skills);
            match inbound.config.reserve {
                _ if share <= 0.0 => {}
                Some(agents) => fixed += agents,
                None => {
                    rate += share * inbound.rate(now);
                    work += share * inbound.rate(now) * inbound.hold_s();
                    level = level.max(inbound.config.service_level);
                    within_s = within_s.min(inbound.config.within.as_secs_f64());
                }
            }
        }
        let crew = self.crew(skills);
        let asked = if rate > 0.0 { reserve(crew, rate, work / rate, level, within_s) } else { 0 };
        (fixed + asked).min(crew)
    }

    /// Agents whom a campaign leaves to inbound calls.
    pub(super) fn reserve_of(&self, id: CampaignId) -> u32 {
        self.reserves.get(&id).copied().unwrap_or(0)
    }

    /// Inbound calls to come, as demand for a campaign's agents; and how many callers who wait now want others.
    pub(super) fn view_inbound(&mut self, now: Instant, id: CampaignId) -> f64 {
        if self.inbound.is_empty() {
            return 0.0;
        }
        let Some(campaign) = self.campaigns.get(&id) else { return 0.0 };
        let skills = campaign.config.skills.clone();
        let share = |inbound: &Inbound| self.common(&skills, &inbound.config.skills);
        let rate: f64 = self.inbound.values().map(|inbound| share(inbound) * inbound.rate(now)).sum();
        let waiting = self.inbound_calls.values().filter(|call| call.assigned.is_none());
        let elsewhere =
            waiting.filter_map(|call| self.inbound.get(&call.kind)).map(|inbound| 1.0 - share(inbound)).sum();
        self.outlooks.extend(arrivals(rate));
        elsewhere
    }

    /// Wrap-ups take so long on average.
    pub(super) fn wrapped(&mut self, length: Duration) {
        self.wrap_s += (length.as_secs_f64() - self.wrap_s) / 50.0;
    }
}
