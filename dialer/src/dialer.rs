//! The dialer machine: inputs in (`inputs` shows them their way), decisions and outputs out. `calls` follows attempts,
//! `answers` acts on what detection finds, `ends` ends and closes calls, `launch` decides and launches, `pool` lets campaigns share agents and lines,
//! `settings` adds, changes, restores and removes campaigns and agents.

mod agentless;
mod answers;
mod blend;
mod callbacks;
mod calls;
mod ends;
mod inputs;
mod launch;
mod pool;
mod preview;
mod running;
mod settings;
mod simulated;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::{AgentId, AttemptId, CallId, CampaignId, Duration, Instant, LeadId, Seed, TrunkId, WallAnchor, WallTime};
use desk::{AgentState, Desk, DeskConfig};

use crate::amd::{AmdHandled, AmdMeasured};
use crate::attempt::{Attempt, Phase};
use crate::compliance::{Gate, Zones};
use crate::inbound::Inbound;
use crate::io::{HangupReason, Input, OfferEnd, Output};
use crate::lead::{LeadState, Number};
use crate::ledger::{ClosedWindow, LedgerView};
use crate::list::Fate;
use crate::pacing::{AgentView, Calibration, CallView, DecisionRecord, Decisions, Marks, Observation, Outlook};
use crate::reject::Reject;
use crate::trunk::Trunk;

pub(crate) use running::{Campaign, RunState};

/// Campaigns of one dialer: each costs a decision a second, about 10 µs; 1,000 are one hundredth of a core.
pub const CAMPAIGNS_MAX: usize = 1_000;
/// Trunks of one dialer: a carrier has a handful of gateways, a site a handful of carriers.
pub const TRUNKS_MAX: usize = 1_000;
/// Decisions are made at least this often while a campaign runs and agents work.
const TICK: Duration = Duration::from_secs(1);

/// Wrap-ups before any was seen, in seconds.
const WRAP_S: f64 = 25.0;

/// A supplier of leads answers within this time if it has any: a page from the store takes milliseconds.
const SUPPLY_ANSWERS: Duration = Duration::from_secs(1);

/// Settings of a dialer.
#[derive(Clone, Debug)]
pub struct DialerConfig {
    /// Trunks that are known from the start; [`Input::TrunkRoom`] adds and changes them later.
    pub trunks: Vec<TrunkConfig>,
    /// Wrap-up ends by itself after this time; `None`: only the agent ends it.
    pub wrap_up_limit: Option<Duration>,
    /// Decide only so often, instead of at each event and once a second. For comparisons.
    pub decide_every: Option<Duration>,
    /// The first attempt's id: one above the highest in the store.
    pub first_attempt: u64,
}

impl Default for DialerConfig {
    fn default() -> Self {
        DialerConfig { trunks: Vec::new(), wrap_up_limit: None, decide_every: None, first_attempt: 1 }
    }
}

/// A trunk's limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrunkConfig {
    /// Which.
    pub trunk: TrunkId,
    /// Calls at once.
    pub max_channels: u32,
    /// Call attempts in any second.
    pub max_cps: f64,
}

/// A clock for measuring decisions, in nanoseconds; floors 1 to 4 have none of their own.
pub type DecisionClock = std::sync::Arc<dyn Fn() -> u64 + Send + Sync>;

/// One or more campaigns on one pool of agents. See the crate's page for the picture.
pub struct Dialer {
    pub(crate) config: DialerConfig,
    seed: Seed,
    /// Never steps: ledgers, caps and retry gaps.
    steady: WallAnchor,
    /// As the wall clock is set: calling hours and records.
    wall: WallAnchor,
    pub(crate) desk: Desk,
    pub(crate) campaigns: BTreeMap<CampaignId, Campaign>,
    /// Boxed: they are large, and a tree moves its neighbours at every change.
    pub(crate) attempts: BTreeMap<AttemptId, Box<Attempt>>,
    pub(crate) trunks: BTreeMap<TrunkId, Trunk>,
    gate: Gate,
    zones: Zones,
    /// Numbers with a live attempt, in any campaign.
    live_numbers: BTreeSet<Number>,
    /// Safe-harbour messages that must end by then.
    message_ends: BTreeSet<(Instant, AttemptId)>,
    /// What is waited for after a verdict ends then.
    waits: BTreeSet<(Instant, AttemptId)>,
    /// Calls that are cancelled as soon as they have rung as long as they must.
    cancels: BTreeSet<(Instant, AttemptId)>,
    /// Since when an agent is in a state, to tell the pacers how long talks and wrap-ups last.
    spells: BTreeMap<AgentId, (AgentState, Instant)>,
    /// Agents whose leave after the present call was announced.
    announced: BTreeSet<AgentId>,
    /// Calls that agents placed by hand; at most one for each agent of the desk.
    pub(crate) by_hand: BTreeMap<AgentId, CallId>,
    /// Leads that agents look at; each agent is reserved for the attempt that it may become.
    offers: BTreeMap<AgentId, preview::Offer>,
    /// Kinds of inbound calls that want the same agents, and those calls from their arrival to their end.
    inbound: BTreeMap<u32, Inbound>,
    inbound_calls: BTreeMap<CallId, blend::InboundCall>,
    /// Agents whom campaigns leave to inbound calls.
    reserves: BTreeMap<CampaignId, u32>,
    /// Mean length of a wrap-up, in seconds.
    wrap_s: f64,
    /// No new attempt is decided, whatever happens.
    pub(crate) on_hold: bool,
    /// Days of the do-not-call lists and of those of reassigned numbers, where lists are kept.
    pub(crate) screens: (Option<WallTime>, Option<WallTime>),
    /// No new attempt is decided before: the store has just deferred one.
    store_rests_until: Instant,
    /// Inputs and timers that may have changed what `snapshot` shows.
    changes: u64,
    outputs: VecDeque<Output>,
    next_attempt: u64,
    next_tick: Option<Instant>,
    /// Something happened that may allow more launches.
    dirty: bool,
    pub(crate) decisions: u64,
    /// Why calls were launched.
    records: Decisions,
    clock: Option<DecisionClock>,
    decision_ns: Vec<u32>,
    /// Reused between decisions.
    agent_views: Vec<AgentView>,
    next_marks: Vec<Marks>,
    call_views: Vec<CallView>,
    outlooks: Vec<Outlook>,
    waiting_here: u32,
    ledger_views: Vec<LedgerView>,
}

impl Dialer {
    /// A dialer without campaigns and agents. `anchor` ties the clocks at the start.
    pub fn new(config: DialerConfig, seed: Seed, anchor: WallAnchor) -> Dialer {
        let trunks = config.trunks.iter().take(TRUNKS_MAX);
        let trunks = trunks.map(|trunk| (trunk.trunk, Trunk::new(trunk.max_channels, trunk.max_cps))).collect();
        let desk = Desk::new(DeskConfig { wrap_up_limit: config.wrap_up_limit });
        let next_attempt = config.first_attempt;
        Dialer {
            config,
            seed,
            steady: anchor,
            wall: anchor,
            desk,
            campaigns: BTreeMap::new(),
            attempts: BTreeMap::new(),
            trunks,
            gate: Gate::default(),
            zones: Zones::new(),
            live_numbers: BTreeSet::new(),
            message_ends: BTreeSet::new(),
            waits: BTreeSet::new(),
            cancels: BTreeSet::new(),
            spells: BTreeMap::new(),
            announced: BTreeSet::new(),
            by_hand: BTreeMap::new(),
            offers: BTreeMap::new(),
            inbound: BTreeMap::new(),
            inbound_calls: BTreeMap::new(),
            reserves: BTreeMap::new(),
            wrap_s: WRAP_S,
            on_hold: false,
            screens: (None, None),
            store_rests_until: Instant::ZERO,
            changes: 0,
            outputs: VecDeque::new(),
            next_attempt,
            next_tick: None,
            dirty: false,
            decisions: 0,
            records: Decisions::default(),
            clock: None,
            decision_ns: vec![0; DECISION_BINS],
            agent_views: Vec::new(),
            next_marks: Vec::new(),
            call_views: Vec::new(),
            outlooks: Vec::new(),
            waiting_here: 0,
            ledger_views: Vec::new(),
        }
    }

    /// Measures each pacing decision with this clock (nanoseconds, any start).
    pub fn set_decision_clock(&mut self, clock: DecisionClock) {
        self.clock = Some(clock);
    }

    /// Takes one input; decisions that it makes possible are made at once.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        self.changes += 1;
        if let Err(reject) = self.take(now, input) {
            self.outputs.push_back(Output::Refused(reject));
        }
        self.settle(now);
    }

    /// Fires what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.changes += u64::from(self.poll_timeout().is_some_and(|at| at <= now));
        self.desk.handle_timeout(now);
        self.drain_desk(now);
        while let Some(&(at, attempt)) = self.message_ends.first() {
            if at > now {
                break;
            }
            self.message_ends.remove(&(at, attempt));
            self.hang_up(attempt, HangupReason::MessageOver);
        }
        self.cancels_due(now);
        self.waits_due(now);
        self.release_held(now);
        self.offers_over(now);
        self.calls_due(now);
        if self.next_tick.is_some_and(|at| at <= now) {
            self.next_tick = None;
            self.tick(now);
        }
        self.settle(now);
    }

    /// When `handle_timeout` has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let trunks = self.trunks.values().filter_map(Trunk::poll_timeout).min();
        let message = self.message_ends.first().map(|(at, _)| *at);
        let due = self.campaigns.values().filter_map(|campaign| campaign.call_due).min();
        let offer = self.offers.values().map(|offer| offer.until).min();
        let cancel = self.cancels.first().map(|(at, _)| *at);
        let wait = self.waits.first().map(|(at, _)| *at);
        [self.next_tick, self.desk.poll_timeout(), trunks, message, cancel, wait, due, offer]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next thing to do or to tell; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether a number is on the do-not-call set.
    pub fn is_do_not_call(&self, number: Number) -> bool {
        self.gate.is_do_not_call(number)
    }

    /// The agents' desk, for reading.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// State of a lead, if the campaign has it.
    pub fn lead_state(&self, campaign: CampaignId, lead: base::LeadId) -> Option<LeadState> {
        self.campaigns.get(&campaign)?.list.state(lead)
    }

    /// How the verdict of an attempt under way was handled; none before the verdict and after the end.
    pub fn amd_handled(&self, attempt: AttemptId) -> Option<AmdHandled> {
        self.attempts.get(&attempt)?.handled
    }

    /// The measured rate of persons lost to detection that a campaign's ledger reckons with.
    pub fn amd_measured_of(&self, campaign: CampaignId) -> Option<&AmdMeasured> {
        self.campaigns.get(&campaign)?.amd_measured.as_ref()
    }

    /// Leads of a campaign that are ready, wait or are being dialled, by their ids.
    pub fn leads_held(&self, campaign: CampaignId) -> Vec<base::LeadId> {
        self.campaigns.get(&campaign).map_or(Vec::new(), |campaign| campaign.list.held().collect())
    }

    /// Rises whenever the snapshot may differ from an earlier one in more than its times.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Attempts decided and not closed.
    pub fn open_attempts(&self) -> usize {
        self.attempts.len()
    }

    /// Ledger windows of a campaign that are over, oldest first.
    pub fn closed_windows(&self, campaign: CampaignId) -> &[ClosedWindow] {
        self.campaigns.get(&campaign).map_or(&[], |campaign| campaign.ledger.closed())
    }

    /// Decisions of a campaign in a span of time, both ends included, in order: those of the latest
    /// [`DECISIONS_MAX`](crate::pacing::DECISIONS_MAX) of all campaigns that launched something or changed the reason.
    pub fn decisions_between(
        &self,
        campaign: CampaignId,
        from: Instant,
        to: Instant,
    ) -> impl DoubleEndedIterator<Item = &DecisionRecord> {
        self.records.between(campaign, from, to)
    }

    /// A campaign's forecasts of abandonment against what happened, since it was loaded.
    pub fn calibration(&self, campaign: CampaignId) -> Option<&Calibration> {
        self.campaigns.get(&campaign).map(|campaign| &campaign.calibration)
    }

    pub(crate) fn steady_us(&self, now: Instant) -> i64 {
        self.steady.wall_at(now).as_unix_us()
    }

    pub(crate) fn wall_at(&self, now: Instant) -> WallTime {
        self.wall.wall_at(now)
    }

    /// Says what has become of a lead.
    fn tell_lead(&mut self, now: Instant, lead: LeadId, Fate { state, next_us, number }: Fate) {
        let next_at = (state == LeadState::Waiting).then(|| self.wall_of_steady(now, next_us));
        self.outputs.push_back(Output::LeadChanged { lead, state, next_at, number });
    }

    /// Wall time, as the clock is set now, of a steady moment.
    fn wall_of_steady(&self, now: Instant, steady_us: i64) -> WallTime {
        let ahead = steady_us - self.steady_us(now);
        WallTime::from_unix_us(self.wall_at(now).as_unix_us() + ahead)
    }

    fn campaign_mut(&mut self, campaign: CampaignId) -> Result<&mut Campaign, Reject> {
        self.campaigns.get_mut(&campaign).ok_or(Reject::UnknownCampaign(campaign))
    }

    /// After every input: what the desk decided, then what may be launched because of it.
    fn settle(&mut self, now: Instant) {
        self.drain_desk(now);
        if self.dirty {
            self.dirty = false;
            if self.config.decide_every.is_none() {
                self.decide(now);
            }
            self.finish_campaigns(now);
        }
        if !self.ticking() {
            self.next_tick = None;
        } else if self.next_tick.is_none() {
            self.next_tick = Some(now + self.config.decide_every.unwrap_or(TICK));
        }
    }

    /// A tick is needed while a campaign runs and somebody works, or nobody needs to; otherwise only a waiting lead's moment matters,
    /// and nobody could take the call.
    fn ticking(&self) -> bool {
        let somebody = self.desk.working() > 0;
        let launches = |campaign: &Campaign| somebody || campaign.config.mode.is_agentless();
        self.campaigns.values().any(|campaign| campaign.state == RunState::Running && launches(campaign))
    }

    fn drain_desk(&mut self, now: Instant) {
        while let Some(output) = self.desk.poll_output() {
            match output {
                desk::Output::Assigned { item, agent } => {
                    if !self.inbound_assigned(now, item, agent) {
                        self.assigned(now, AttemptId(item.0), agent);
                    }
                }
                desk::Output::Expired { item } => {
                    if !self.inbound_expired(item) {
                        self.expired(now, AttemptId(item.0));
                    }
                }
                desk::Output::Lost { item, agent } => match self.by_hand.remove(&agent) {
                    Some(item) => {
                        self.inbound_over(now, item);
                        self.outputs.push_back(Output::ItemLost { item, agent });
                    }
                    None if self.offers.contains_key(&agent) => self.withdraw(now, agent, OfferEnd::Withdrawn),
                    None => self.agent_lost(now, AttemptId(item.0)),
                },
                desk::Output::AgentChanged { agent, state } => {
                    self.agent_changed(now, agent, state);
                    self.outputs.push_back(Output::AgentChanged { agent, state });
                }
            }
        }
    }

    /// Tells the pacers how long talks and wrap-ups last; all campaigns share the pool, so all learn.
    fn agent_changed(&mut self, now: Instant, agent: AgentId, state: AgentState) {
        let before = self.spells.insert(agent, (state, now));
        if let Some((was, since)) = before {
            let length_s = now.since(since).as_secs_f64();
            match was {
                AgentState::Talking => self.observe_all(now, Observation::Talk(length_s)),
                AgentState::WrapUp => {
                    self.observe_all(now, Observation::Wrap(length_s));
                    self.wrapped(now.since(since));
                    if !self.announced.contains(&agent) {
                        self.observe_all(now, Observation::AfterWrap { stayed: state == AgentState::Ready });
                    }
                }
                _ => {}
            }
        }
        match state {
            AgentState::Ready | AgentState::WrapUp => self.dirty = true,
            AgentState::OnBreak | AgentState::LoggedOut => {
                self.announced.remove(&agent);
            }
            AgentState::Reserved | AgentState::Talking => {}
        }
    }

    fn observe_all(&mut self, now: Instant, observation: Observation) {
        self.campaigns.values_mut().for_each(|campaign| campaign.pacer.observe(now, observation));
    }

    fn roll_ledger(&mut self, now: Instant, id: CampaignId) {
        let now_us = self.steady_us(now);
        if let Some(campaign) = self.campaigns.get_mut(&id) {
            campaign.ledger.roll(now_us, &self.zones);
        }
    }

    fn release_held(&mut self, now: Instant) {
        let ids: Vec<TrunkId> = self.trunks.keys().copied().collect();
        for id in ids {
            while let Some(attempt) = self.trunks.get_mut(&id).and_then(|trunk| trunk.release(now)) {
                self.originate(now, attempt);
            }
        }
    }

    /// Measured decision times: (decisions, p50 µs, p99 µs); the times are 0 without a clock.
    pub fn decision_times(&self) -> (u64, f64, f64) {
        let total: u64 = self.decision_ns.iter().map(|count| u64::from(*count)).sum();
        let quantile = |q: f64| {
            let mut seen = 0;
            for (bin, count) in self.decision_ns.iter().enumerate() {
                seen += u64::from(*count);
                if total > 0 && seen as f64 >= q * total as f64 {
                    return bin_ns(bin) / 1_000.0;
                }
            }
            0.0
        };
        (self.decisions, quantile(0.5), quantile(0.99))
    }

    fn decided_in(&mut self, ns: u64) {
        let bin = ((ns.max(1) as f64).log2() * 8.0) as usize;
        self.decision_ns[bin.min(DECISION_BINS - 1)] += 1;
    }

    fn cancel_unanswered(&mut self, now: Instant, campaign: CampaignId) {
        let mine: Vec<(AttemptId, Phase)> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.campaign == campaign)
            .map(|(id, attempt)| (*id, attempt.phase))
            .collect();
        for (id, phase) in mine {
            match phase {
                Phase::Dialling => self.cancel(now, id, HangupReason::Stopped),
                Phase::Held => self.never_dialled(now, id),
                Phase::Recording => {
                    // Its durable intent is on the way: it is closed when that answer comes.
                    if let Some(attempt) = self.attempts.get_mut(&id) {
                        attempt.stopped = true;
                    }
                }
                _ => {}
            }
        }
    }
}

/// Decision times are kept in eighths of a power of two nanoseconds: 9 % wide bins up to 2^32 ns = 4 s.
const DECISION_BINS: usize = 256;

fn bin_ns(bin: usize) -> f64 {
    2.0_f64.powf((bin as f64 + 0.5) / 8.0)
}

#[cfg(test)]
mod tests;
