//! Several campaigns on the same agents and lines.
//!
//! ```text
//!  agents at work ──fits──> pool of A ∩ pool of B ──share──> B's calls as A must reckon with them
//!                                                             (chances from B's own pacer)
//!  least cost so far ÷ weight ──> asked first, for a few calls ──> asked again ──> … until all decline
//!  declines for long while under its least share ──> the others leave it agents, up to that share
//! ```
//!
//! One supply of agents, demand summed, each ledger and price its own. A call costs what it takes of what is scarce:
//! answers (agents' time) and, at the trunk's shadow price, seconds of a line. Campaigns take turns so that their
//! costs stand as their weights: where agents are scarce their answers do, where lines are scarce their seconds of
//! lines do, and those bring a warm list more answers than a cold one.
//!
//! Turns alone would starve whoever has the lowest price: the others keep the chance of no agent near their own, which
//! is always too dear for it, and a young or exhausted ledger allows no chance at all. So a campaign under its least share
//! is owed agents: the others reckon without them, and it may dial one call for each. Nothing here knows a lead or a
//! number.

use std::collections::{BTreeMap, BTreeSet};

use base::{CampaignId, Duration, Instant};
use desk::{AgentState, Skills};

use super::{Dialer, RunState};
use crate::attempt::{Attempt, Phase, Taker};
use crate::campaign::{Flow, Mode, Preview};
use crate::io::CountedAs;
use crate::pacing::{CallView, MOMENTS_S};
use crate::policies::{HelloThen, OnSilence};

/// Costs are forgotten over this time: shares are those of the last quarter of an hour.
const MEMORY_S: f64 = 900.0;
/// A campaign that wants to dial and finds every call too dear for so long is owed agents.
const STARVED: Duration = Duration::from_secs(10);
/// The least share: this part of what the weights give. More would make a campaign with an exhausted ledger keep more
/// agents waiting beside it than its calls are worth.
const LEAST: f64 = 0.25;
/// A later call of another campaign may raise a ringing call's chance of no agent to so many times its own campaign's
/// price: who waits first is served first, whose ledger it may be. What is more is on the calibration.
const BEARS: f64 = 2.0;
/// What is known of a call's cost before any: answers, and seconds of a line.
const PRIOR: (f64, f64) = (0.25, 20.0);
/// Means are over so many calls.
const CALLS: f64 = 200.0;

/// What a campaign takes of the pool.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// Cost of the calls launched lately.
    spent: f64,
    at: Instant,
    /// Persons and seconds of a line that a call brings on average.
    persons: f64,
    line_s: f64,
    /// Since when it has wanted to dial and found every call too dear.
    hungry: Option<Instant>,
    /// It has been hungry too long, and is under its least share since.
    owed: bool,
    /// The highest chance of no agent at which it dials; `None`: its calls go out with an agent for each.
    price: Option<f64>,
    /// Persons whom its ledger could bear to lose at once.
    bears: Option<u32>,
}

impl Share {
    pub(crate) fn new(now: Instant) -> Share {
        Share {
            spent: 0.0,
            at: now,
            persons: PRIOR.0,
            line_s: PRIOR.1,
            hungry: None,
            owed: false,
            price: None,
            bears: None,
        }
    }

    /// Cost so far, as much as is remembered.
    fn spent(&self, now: Instant) -> f64 {
        self.spent * (-now.since(self.at).as_secs_f64() / MEMORY_S).exp()
    }

    /// So many calls were launched while a line's second was worth so many answers.
    fn launched(&mut self, now: Instant, calls: u32, line_price: f64) {
        let call = self.persons + line_price * self.line_s;
        (self.spent, self.at) = (self.spent(now) + f64::from(calls) * call, now);
        self.hungry = None;
    }

    /// A call of its is over.
    pub(crate) fn closed(&mut self, line: Duration, counted: CountedAs) {
        let person = f64::from(u8::from(counted != CountedAs::Nothing));
        self.persons += (person - self.persons) / CALLS;
        self.line_s += (line.as_secs_f64() - self.line_s) / CALLS;
    }
}

/// Whose turn it is, and on what terms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) campaign: CampaignId,
    /// Calls that it may launch before the next one is asked.
    pub(super) most: u32,
    /// Agents whom the others leave it.
    pub(super) owed: u32,
    /// Agents whom it leaves others.
    pub(super) withheld: u32,
    /// No call with a greater chance of no agent.
    pub(super) ceiling: f64,
    /// No clump of more persons without an agent.
    pub(super) others_bear: u32,
    /// It has had a turn at this moment already, and launched.
    pub(super) again: bool,
}

/// What a campaign said when it was asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) launched: u32,
    /// It could have launched, but every call was too dear.
    pub(super) too_dear: bool,
    /// The price it went by, if it has one.
    pub(super) price: Option<f64>,
    /// Persons whom its ledger could bear to lose at once.
    pub(super) bears: Option<u32>,
}

impl Dialer {
    /// Decisions of all running campaigns, in turns.
    pub(super) fn decide(&mut self, now: Instant) {
        self.decide_callbacks(now);
        let mut asked: Vec<CampaignId> = Vec::new();
        // Those that keep an agent for each call, the one with the fewest first.
        let mut shown: Vec<(u32, CampaignId, Preview)> = Vec::new();
        let mut flows: Vec<(CampaignId, Flow)> = Vec::new();
        for (id, campaign) in self.campaigns.iter().filter(|(_, campaign)| campaign.state == RunState::Running) {
            match campaign.config.mode {
                Mode::Agentless(flow) => flows.push((*id, flow)),
                Mode::Preview(preview) => {
                    shown.push((campaign.open_attempts + campaign.list.counts().offered as u32, *id, preview));
                }
                Mode::Progressive | Mode::Power(_) | Mode::Predictive => asked.push(*id),
            }
        }
        flows.into_iter().for_each(|(id, flow)| self.decide_flow(now, id, flow));
        shown.sort_unstable_by_key(|(calls, id, _)| (*calls, *id));
        let fewest = asked.iter().filter_map(|id| Some(self.campaigns.get(id)?.open_attempts)).min();
        let (first, last): (Vec<_>, Vec<_>) =
            shown.into_iter().partition(|(calls, ..)| fewest.is_none_or(|fewest| *calls < fewest));
        first.into_iter().for_each(|(_, id, preview)| self.decide_preview(now, id, preview));
        self.take_turns(now, asked);
        last.into_iter().for_each(|(_, id, preview)| self.decide_preview(now, id, preview));
    }

    /// Decisions of campaigns that pace by forecasts and ledgers.
    fn take_turns(&mut self, now: Instant, mut asked: Vec<CampaignId>) {
        if let [alone] = asked[..] {
            let (most, ceiling, others_bear) = (u32::MAX, f64::INFINITY, u32::MAX);
            self.decide_for(
                now,
                Turn { campaign: alone, most, owed: 0, withheld: 0, ceiling, others_bear, again: false },
            );
            return;
        }
        // A few calls at a time: one, or of a large group that has just come several.
        let ready = self.desk.agents().filter(|(_, agent)| agent.state() == AgentState::Ready).count() as u32;
        let most = 1 + ready / 16;
        let debts = self.debts(now, &asked);
        let mut had = BTreeSet::new();
        while !asked.is_empty() {
            let costs = asked.iter().map(|id| self.cost(now, *id)).enumerate();
            let Some((place, _)) = costs.min_by(|a, b| a.1.total_cmp(&b.1)) else { return };
            let campaign = asked[place];
            let owed = debts.get(&campaign).copied().unwrap_or(0);
            let withheld = debts.iter().filter(|(id, _)| **id != campaign && self.meet(campaign, **id));
            let withheld = withheld.map(|(_, agents)| agents).sum();
            let ((ceiling, others_bear), again) = (self.limits(campaign), had.contains(&campaign));
            let said = self.decide_for(now, Turn { campaign, most, owed, withheld, ceiling, others_bear, again });
            if said.launched == 0 {
                asked.remove(place);
            } else {
                had.insert(campaign);
            }
        }
    }

    /// What a campaign has cost lately, by its weight.
    fn cost(&self, now: Instant, id: CampaignId) -> f64 {
        let campaign = self.campaigns.get(&id);
        campaign.map_or(0.0, |campaign| campaign.share.spent(now) / campaign.config.weight)
    }

    /// Agents whom each campaign is owed.
    fn debts(&mut self, now: Instant, running: &[CampaignId]) -> BTreeMap<CampaignId, u32> {
        let mut debts = BTreeMap::new();
        for id in running {
            let Some(campaign) = self.campaigns.get(id) else { continue };
            let starved = campaign.share.hungry.is_some_and(|since| now.since(since) >= STARVED);
            if !starved && !campaign.share.owed {
                continue;
            }
            let rivals = running.iter().filter(|other| self.meet(*id, **other));
            let weights: f64 = rivals.filter_map(|other| Some(self.campaigns.get(other)?.config.weight)).sum();
            let part = campaign.config.weight / weights.max(campaign.config.weight);
            let least = (LEAST * part * f64::from(self.crew(&campaign.config.skills))).max(1.0);
            let debt = (least - self.uses(*id, campaign.share.persons)).ceil().max(0.0) as u32;
            if debt > 0 {
                debts.insert(*id, debt);
            }
            if let Some(campaign) = self.campaigns.get_mut(id) {
                campaign.share.owed = debt > 0;
            }
        }
        debts
    }

    /// What the calls of others that are under way can bear: the highest chance of no agent, and the largest clump.
    fn limits(&self, id: CampaignId) -> (f64, u32) {
        let others = self.campaigns.iter().filter(|(other, campaign)| **other != id && campaign.open_attempts > 0);
        let (mut ceiling, mut bear) = (f64::INFINITY, u32::MAX);
        for (_, other) in others.filter(|(other, _)| self.meet(id, **other)) {
            ceiling = ceiling.min(other.share.price.map_or(f64::INFINITY, |price| BEARS * price));
            bear = bear.min(other.share.bears.unwrap_or(u32::MAX));
        }
        (ceiling, bear)
    }

    /// Agents that a campaign keeps busy or is about to.
    fn uses(&self, id: CampaignId, persons: f64) -> f64 {
        let mine = self.attempts.values().filter(|attempt| attempt.campaign == id);
        mine.map(|attempt| match attempt.phase {
            Phase::Recording | Phase::Held | Phase::Dialling | Phase::Answered
                if !attempt.promised && attempt.taker == Taker::Anybody =>
            {
                persons
            }
            Phase::Recording | Phase::Held | Phase::Dialling | Phase::Answered => 1.0,
            Phase::Waiting | Phase::Connecting | Phase::Talking => 1.0,
            Phase::Asked if self.gets_agent(attempt) => 1.0,
            // Nobody may come; an agent who is kept for it is busy all the same.
            Phase::Machine | Phase::Screening | Phase::Asked if matches!(attempt.taker, Taker::Agent(_)) => 1.0,
            Phase::Machine | Phase::Screening | Phase::Asked | Phase::Message | Phase::Ending => 0.0,
        })
        .sum()
    }

    /// A silent line that is asked whether somebody is there, and gets an agent whoever speaks.
    fn gets_agent(&self, attempt: &Attempt) -> bool {
        let silence = self.campaigns.get(&attempt.campaign).map(|campaign| &campaign.config.policies.silence);
        attempt.phase == Phase::Asked
            && silence.is_some_and(|on| !matches!(on, OnSilence::Hello { then: HelloThen::HangUp, .. }))
    }

    /// Agents at work with these skills.
    pub(super) fn crew(&self, skills: &Skills) -> u32 {
        let at_work = |state| !matches!(state, AgentState::LoggedOut | AgentState::OnBreak);
        let crew = self.desk.agents().filter(|(_, agent)| at_work(agent.state()) && skills.is_subset(&agent.skills));
        crew.count() as u32
    }

    /// Whether two campaigns have agents in common.
    fn meet(&self, one: CampaignId, other: CampaignId) -> bool {
        let skills = |id| self.campaigns.get(&id).map(|campaign| &campaign.config.skills);
        skills(one).zip(skills(other)).is_some_and(|(one, other)| self.common(one, other) > 0.0)
    }

    /// Keeps what a campaign's turn came to.
    pub(super) fn took_turn(&mut self, now: Instant, id: CampaignId, said: Said, lines_short: bool) {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        let price = self.trunks.get_mut(&campaign.config.trunk).map_or(0.0, |trunk| trunk.price(now, lines_short));
        (campaign.share.price, campaign.share.bears) = (said.price, said.bears);
        if said.launched > 0 {
            campaign.share.launched(now, said.launched, price);
        } else if said.too_dear {
            campaign.share.hungry.get_or_insert(now);
        } else {
            (campaign.share.hungry, campaign.share.owed) = (None, false);
        }
    }

    /// Calls as a campaign must reckon with them: its own to look at, those of others that may take the same agents as
    /// their pacers see them, and persons who wait for the same agents.
    pub(super) fn view_calls(&mut self, now: Instant, id: CampaignId) {
        self.call_views.clear();
        self.outlooks.clear();
        let shares = self.shares(id);
        let mut elsewhere = self.view_inbound(now, id);
        // Whom an agent is kept for, or nobody, competes with none.
        for attempt in self.attempts.values().filter(|attempt| attempt.taker == Taker::Anybody) {
            let mine = attempt.campaign == id;
            let share = if mine { 1.0 } else { shares.get(&attempt.campaign).copied().unwrap_or(0.0) };
            let launched = attempt.times.launched.unwrap_or(attempt.decided);
            let age = |at: Instant| at.since(launched).as_secs_f64();
            let answered_at_s = match attempt.phase {
                Phase::Recording | Phase::Held | Phase::Dialling => None,
                Phase::Answered => attempt.times.answered.map(age),
                Phase::Asked if self.gets_agent(attempt) => attempt.times.answered.map(age),
                Phase::Waiting => {
                    elsewhere += 1.0 - share;
                    continue;
                }
                _ => continue,
            };
            let forecast_no_agent = attempt.forecast_no_agent;
            let (age_s, foretold) = (age(now), attempt.foretold);
            let early = attempt.early.map(|(class, _)| class);
            let certain = attempt.phase == Phase::Asked;
            let marks = attempt.marks;
            let view = CallView { age_s, answered_at_s, certain, forecast_no_agent, foretold, marks, early };
            if mine {
                self.call_views.push(view);
            } else if share > 0.0
                && let Some(owner) = self.campaigns.get(&attempt.campaign)
            {
                // What was promised an agent has one, whatever becomes of it.
                let outlook = if attempt.promised { [1.0; MOMENTS_S.len()] } else { owner.pacer.outlook(now, &view) };
                self.outlooks.push(outlook.map(|chance| chance * share));
            }
        }
        self.waiting_here = (self.desk.waiting() as f64 - elsewhere).ceil().max(0.0) as u32;
    }

    /// Of other campaigns with calls under way: which part of the agents who would take them are this one's too.
    fn shares(&self, id: CampaignId) -> BTreeMap<CampaignId, f64> {
        let Some(mine) = self.campaigns.get(&id).map(|campaign| &campaign.config.skills) else {
            return BTreeMap::new();
        };
        let mut known: BTreeMap<&Skills, f64> = BTreeMap::new();
        let mut shares = BTreeMap::new();
        for (other, campaign) in &self.campaigns {
            if *other != id && campaign.open_attempts > 0 {
                let skills = &campaign.config.skills;
                shares.insert(*other, *known.entry(skills).or_insert_with(|| self.common(mine, skills)));
            }
        }
        shares
    }

    /// The part of the agents at work with the skills `theirs` who have the skills `mine` too.
    pub(super) fn common(&self, mine: &Skills, theirs: &Skills) -> f64 {
        if mine == theirs {
            return 1.0;
        }
        let (mut fit, mut both) = (0_u32, 0_u32);
        for (_, agent) in self.desk.agents() {
            if !matches!(agent.state(), AgentState::LoggedOut | AgentState::OnBreak) && theirs.is_subset(&agent.skills)
            {
                fit += 1;
                both += u32::from(mine.is_subset(&agent.skills));
            }
        }
        if fit == 0 { 0.0 } else { f64::from(both) / f64::from(fit) }
    }
}
