//! The dialer machine: inputs in, decisions and outputs out. `calls` follows attempts, `answers` acts on what detection
//! finds, `launch` decides and launches, `pool` lets campaigns share agents and lines,
//! `settings` adds, changes, restores and removes campaigns and agents.

mod agentless;
mod answers;
mod blend;
mod callbacks;
mod calls;
mod launch;
mod pool;
mod preview;
mod settings;
mod simulated;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::{
    AgentId, AttemptId, CallId, CampaignId, Duration, Instant, LeadId, Seed, Stream, TrunkId, WallAnchor, WallTime,
};
use desk::{AgentState, Desk, DeskConfig, Wanted};

use crate::amd::{AmdHandled, AmdMeasured, AuditDraw};
use crate::attempt::{Attempt, Phase};
use crate::campaign::CampaignConfig;
use crate::compliance::{Gate, Known, Zones, zone_of};
use crate::inbound::Inbound;
use crate::io::{HangupReason, Input, OfferEnd, OutcomeCounts, Output};
use crate::lead::{Lead, LeadState, Number};
use crate::ledger::{ClosedWindow, Ledger, LedgerView};
use crate::list::{Fate, List};
use crate::pacing::{AgentView, Calibration, CallView, DecisionRecord, Decisions, Observation, Outlook, Pacer, Reason};
use crate::reject::Reject;
use crate::trunk::Trunk;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunState {
    Stopped,
    Running,
    Paused,
    Finished,
}

impl RunState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            RunState::Stopped => "stopped",
            RunState::Running => "running",
            RunState::Paused => "paused",
            RunState::Finished => "finished",
        }
    }
}

pub(crate) struct Campaign {
    pub(crate) config: CampaignConfig,
    pub(crate) zone: u32,
    pub(crate) state: RunState,
    /// When the state began.
    pub(crate) since: Instant,
    pub(crate) list: List,
    pub(crate) ledger: Ledger,
    pub(crate) pacer: Box<dyn Pacer>,
    pub(crate) stream: Stream,
    pub(crate) audit: AuditDraw,
    /// Takes the place of the profile's estimate of persons lost to detection.
    pub(crate) amd_measured: Option<AmdMeasured>,
    pub(crate) why: Reason,
    pub(crate) planned_end: Option<Instant>,
    /// Since when `LeadsWanted` is out and not answered.
    pub(crate) wanted: Option<Instant>,
    /// The supplier cannot answer now.
    pub(crate) supply_away: bool,
    pub(crate) attempts: u64,
    pub(crate) open_attempts: u32,
    pub(crate) outcomes: OutcomeCounts,
    pub(crate) calibration: Calibration,
    share: pool::Share,
    /// Without agents, by rate: no new call before.
    pub(crate) next_call: Instant,
    /// And one is wanted then.
    pub(crate) call_due: Option<Instant>,
}

impl Campaign {
    /// Changes the state; the same again is no change.
    pub(crate) fn enter(&mut self, now: Instant, state: RunState) {
        if self.state != state {
            (self.state, self.since) = (state, now);
        }
    }

    /// The zone of a lead where something says one: what the record says, else what the number says. A number that the
    /// record is not about says it first.
    fn zone_name<'a>(&self, lead: &'a Lead) -> Option<&'a str> {
        let (record, number) = (lead.timezone.as_deref(), zone_of(lead.number));
        if lead.listed() == lead.number { record.or(number) } else { number.or(record) }
    }

    /// A lead has gone on to another number: in its zone, and spared as its person is.
    fn went_on(&mut self, zones: &mut Zones, gate: &mut Gate, lead: LeadId, to: Option<Number>) {
        if let Some(number) = to
            && let Some(entry) = self.list.entry(lead)
        {
            if let Some(at) = entry.lead.abandoned_at {
                gate.abandoned(number, at.as_unix_us());
            }
            // Its record's name was known when it was added, and a number's is always.
            let zone = self.zone_name(&entry.lead).and_then(|name| zones.index(name)).unwrap_or(self.zone);
            self.list.set_zone_of(lead, zone);
        }
    }

    /// Leads were asked for, and a supplier that had any would have answered: what the list holds is all there is.
    pub(crate) fn supply_over(&self, now: Instant) -> bool {
        !self.supply_away && self.wanted.is_some_and(|since| now.since(since) >= SUPPLY_ANSWERS)
    }
}

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
    pub(crate) attempts: BTreeMap<AttemptId, Attempt>,
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

    fn take(&mut self, now: Instant, input: Input) -> Result<(), Reject> {
        match input {
            Input::AddCampaign { campaign, config } => self.add_campaign(now, campaign, *config),
            Input::Configure { campaign, config } => self.configure(now, campaign, *config),
            Input::RemoveCampaign { campaign } => self.remove_campaign(campaign),
            Input::RestoreLedger { campaign, began, entries } => self.restore_ledger(now, campaign, began, entries),
            Input::AddLeads { campaign, leads } => self.add_leads(now, campaign, leads),
            Input::Screens { do_not_call, reassigned } => {
                self.screens = (do_not_call, reassigned);
                self.dirty = true;
                Ok(())
            }
            Input::LetGo { campaign, until } => self.let_go(now, campaign, until),
            Input::SupplyAway { campaign } => {
                self.campaign_mut(campaign)?.supply_away = true;
                Ok(())
            }
            Input::Start { campaign } => {
                self.campaign_mut(campaign)?.enter(now, RunState::Running);
                self.roll_ledger(now, campaign);
                self.dirty = true;
                Ok(())
            }
            Input::Pause { campaign } => {
                self.campaign_mut(campaign)?.enter(now, RunState::Paused);
                self.withdraw_offers(now, campaign);
                Ok(())
            }
            Input::Stop { campaign } => {
                self.campaign_mut(campaign)?.enter(now, RunState::Stopped);
                self.withdraw_offers(now, campaign);
                self.cancel_unanswered(now, campaign);
                Ok(())
            }
            Input::PlannedEnd { campaign, at } => {
                self.campaign_mut(campaign)?.planned_end = at;
                Ok(())
            }
            Input::AddAgent { agent, name, skills } => self.add_agent(now, agent, name, skills),
            Input::SetSkills { agent, skills } => self.set_skills(now, agent, skills),
            Input::RemoveAgent { agent } => self.remove_agent(now, agent),
            Input::ReserveAgent { agent, item } => self.reserve_agent(now, agent, item),
            Input::ItemConnected { agent } => self.item_connected(now, agent),
            Input::ItemFinished { agent } => self.item_finished(now, agent),
            Input::PutInbound { kind, config } => self.put_inbound(now, kind, *config),
            Input::InboundArrived { kind, item } => self.inbound_arrived(now, kind, item),
            Input::InboundLeft { item } => self.inbound_left(item),
            Input::PreviewAccept { agent, lead } => self.accept(now, agent, lead),
            Input::PreviewSkip { agent, lead } => self.skip(now, agent, lead),
            Input::AgentReady { agent } => self.set_agent(now, agent, Wanted::Ready),
            Input::AgentBreak { agent, announced } => self.set_agent(now, agent, Wanted::OnBreak { announced }),
            Input::AgentLoggedOut { agent } => self.set_agent(now, agent, Wanted::LoggedOut { announced: false }),
            Input::AgentLeaves { agent } => self.set_agent(now, agent, Wanted::LoggedOut { announced: true }),
            Input::IntentDurable { attempt } => self.intent_durable(now, attempt),
            Input::IntentRefused { attempt } => self.intent_refused(now, attempt),
            Input::IntentDeferred { attempt } => self.intent_deferred(now, attempt),
            Input::LeadElsewhere { attempt } => self.lead_elsewhere(now, attempt),
            Input::Progress { attempt, early_media: _ } => self.progress(now, attempt),
            Input::Heard { attempt, class } => self.heard(now, attempt, class),
            Input::Answered { attempt } => self.answered(now, attempt),
            Input::GreetingEnded { attempt, at } => self.greeting_ended(now, attempt, at),
            Input::Verdict { attempt, verdict, greeting_end } => self.verdict(now, attempt, verdict, greeting_end),
            Input::Revised { attempt, revision, at } => self.revised(now, attempt, revision, at),
            Input::AmdMeasured { campaign, measured } => self.amd_measured(now, campaign, measured),
            Input::Connected { attempt, agent } => self.connected(now, attempt, agent),
            Input::MessageBegan { attempt, at } => self.message_began(now, attempt, at),
            Input::MessageEnded { attempt } => self.message_ended(now, attempt),
            Input::Disposition { campaign, attempt, person } => {
                let recorded = self.campaign_mut(campaign)?.ledger.record(attempt, person);
                if recorded { Ok(()) } else { Err(Reject::NotCounted(attempt)) }
            }
            Input::Ended { attempt, cause } => self.ended(now, attempt, cause),
            Input::TrunkRoom { trunk, channels, cps } => {
                if !self.trunks.contains_key(&trunk) && self.trunks.len() >= TRUNKS_MAX {
                    return Err(Reject::Full);
                }
                let entry = self.trunks.entry(trunk).or_insert_with(|| Trunk::new(0, 0.0));
                entry.set_channels(channels);
                entry.set_rate(cps);
                self.release_held(now);
                self.dirty = true;
                Ok(())
            }
            Input::RemoveTrunk { trunk } => {
                let dialled = self.campaigns.values().any(|campaign| campaign.config.trunk == trunk);
                if dialled || self.trunk_in_use(trunk) > 0 {
                    return Err(Reject::TrunkBusy(trunk));
                }
                self.trunks.remove(&trunk);
                Ok(())
            }
            Input::WrapUpLimit { limit } => {
                self.desk.set_wrap_up_limit(limit);
                Ok(())
            }
            Input::DoNotCall { number } => {
                if self.gate.do_not_call(number) {
                    Ok(())
                } else {
                    Err(Reject::Full)
                }
            }
            Input::LiftDoNotCall { number } => {
                self.gate.lift_do_not_call(number);
                Ok(())
            }
            Input::Reconsider { campaign } => self.reconsider(now, campaign),
            Input::History { number, attempts, abandoned, machine } => {
                let now_us = self.steady_us(now);
                self.gate.history(number, &Known { attempts: &attempts, abandoned, machine }, now_us);
                Ok(())
            }
            Input::Hold { on } => {
                self.on_hold = on;
                self.dirty = true;
                Ok(())
            }
            Input::WallClock { anchor } => {
                self.wall = anchor;
                Ok(())
            }
        }
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
