//! Deciding and launching: ticks, pictures for the pacers, the gate, intents.

use base::{AgentId, AttemptId, CampaignId, Duration, Instant, WallTime};
use desk::AgentState;

use super::pool::{Said, Turn};
use super::{Dialer, RunState};
use crate::attempt::{Attempt, Phase, Taker, Times};
use crate::campaign::Mode;
use crate::compliance::{ConsentDecision, DO_NOT_CALL, GateAnswer, Profile, Query};
use crate::io::{AttemptIntent, CountedAs, Output};
use crate::lead::{LeadState, Number};
use crate::list::LEADS_LOW;
use crate::pacing::{AgentView, Decision, DecisionRecord, Marks, Observation, Reason, Room, Snapshot};

/// Leads looked at for one launch before the rest waits for the next decision: bounds a decision's time when the
/// gate holds many back (each look is about 1 µs).
const LOOKS_MAX: usize = 200;
/// Leads ahead whose groups the pacer sees: more than it launches at once, as a rule.
const NEXT_MARKS: usize = 16;
/// A second lead with a number that is being dialled is looked at again after this time.
const SAME_NUMBER_US: i64 = 60_000_000;
/// A lead in doubt is asked for, and looked at again after this time: a page of it takes milliseconds.
const DOUBT_US: i64 = 60_000_000;
const DAY_US: i64 = 86_400_000_000;
/// Answer and detection after the last ring: nothing is launched so near to the agents' planned end.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// What a decision's record cannot take from the views.
struct DecisionSeen {
    launched: u32,
    reason: Reason,
    waiting: u32,
    room: Room,
    turn: Turn,
}

/// A lead that may be dialled.
pub(super) struct Lawful {
    pub(super) lead: base::LeadId,
    pub(super) number: Number,
    /// What allowed it.
    pub(super) consent: ConsentDecision,
    /// Only with this agent reserved.
    pub(super) agent: Option<AgentId>,
}

/// What an attempt begins with.
pub(super) struct Launch {
    pub(super) attempt: AttemptId,
    pub(super) taker: Taker,
    pub(super) reason: Reason,
    pub(super) forecast_person: f64,
    pub(super) forecast_no_agent: f64,
    /// It goes out with an agent for it.
    pub(super) promised: bool,
}

impl Dialer {
    pub(super) fn tick(&mut self, now: Instant) {
        let now_us = self.steady_us(now);
        self.reckon_reserves(now);
        let ids: Vec<CampaignId> = self.campaigns.keys().copied().collect();
        for id in ids {
            self.roll_ledger(now, id);
            let Some(campaign) = self.campaigns.get_mut(&id) else { continue };
            let woken = campaign.list.wake(now_us);
            let changed = |lead| Output::LeadChanged { lead, state: LeadState::Ready, next_at: None, number: None };
            self.outputs.extend(woken.into_iter().map(changed));
        }
        self.decide(now);
        self.finish_campaigns(now);
    }

    /// One decision of a campaign whose turn it is.
    pub(super) fn decide_for(&mut self, now: Instant, turn: Turn) -> Said {
        let id = turn.campaign;
        let turn = Turn { withheld: turn.withheld + self.reserve_of(id), ..turn };
        self.want_leads(now, id);
        self.view_agents(now, id);
        let (room, blocked) = match self.room(now, id) {
            Ok(room) => (room, None),
            Err(reason) => (Room::default(), Some(reason)),
        };
        self.view_calls(now, id);
        let started = self.clock.as_ref().map(|clock| clock());
        let mut said = Said { launched: 0, too_dear: false, price: None, bears: None };
        let Some(campaign) = self.campaigns.get_mut(&id) else { return said };
        campaign.ledger.views(now, self.steady, &mut self.ledger_views);
        let counts = campaign.list.counts();
        self.next_marks.clear();
        if campaign.pacer.wants_next() {
            let trunk = campaign.config.trunk;
            self.next_marks.extend(campaign.list.ahead(NEXT_MARKS).map(|entry| entry.marks(trunk)));
        }
        let snapshot = Snapshot {
            now,
            agents: &self.agent_views,
            calls: &self.call_views,
            others: &self.outlooks,
            waiting: self.waiting_here,
            next: &self.next_marks,
            room: room.calls.min(turn.most),
            owed: turn.owed,
            withheld: turn.withheld,
            ceiling: turn.ceiling,
            others_bear: turn.others_bear,
            leads_left: campaign.supply_over(now).then_some(counts.ready + counts.waiting + counts.dialling),
            ledgers: &self.ledger_views,
            plan_left: campaign.planned_end.map(|end| end.since(now)),
        };
        // Also without room: the pacer learns from what rings meanwhile.
        let decision = campaign.pacer.decide(&snapshot, &mut campaign.stream);
        let reason = blocked.unwrap_or(decision.reason);
        let news = campaign.why != reason;
        campaign.why = reason;
        self.decisions += 1;
        if let (Some(started), Some(clock)) = (started, &self.clock) {
            let ns = clock().saturating_sub(started);
            self.decided_in(ns);
        }
        let waiting = self.waiting_here;
        said.launched = self.launch(now, id, &decision);
        if said.launched > 0 || news {
            let launched = said.launched;
            self.keep_decision(now, id, &decision, DecisionSeen { launched, reason, waiting, room, turn });
        }
        said.too_dear = blocked.is_none() && decision.launch == 0;
        said.bears = decision.bears;
        said.price = matches!(decision.reason, Reason::Price | Reason::Yields).then_some(decision.forecast.price);
        let lines_short = blocked == Some(Reason::NoTrunkRoom)
            || (room.calls > 0 && said.launched == room.calls && room.calls < room.leads);
        self.took_turn(now, id, said, lines_short);
        said
    }

    /// Why a campaign whose mode needs no forecast launches what it launches; kept when it changes.
    pub(super) fn explain(&mut self, now: Instant, id: CampaignId, reason: Reason, room: Room) {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        if campaign.why == reason {
            return;
        }
        campaign.why = reason;
        campaign.ledger.views(now, self.steady, &mut self.ledger_views);
        self.view_agents(now, id);
        self.view_calls(now, id);
        let turn = Turn {
            campaign: id,
            most: room.calls,
            owed: 0,
            withheld: 0,
            ceiling: f64::INFINITY,
            others_bear: u32::MAX,
            again: false,
        };
        let seen = DecisionSeen { launched: 0, reason, waiting: self.waiting_here, room, turn };
        self.keep_decision(now, id, &Decision::default(), seen);
    }

    /// What the views still show, and what was made of it.
    fn keep_decision(&mut self, now: Instant, id: CampaignId, decision: &Decision, seen: DecisionSeen) {
        let DecisionSeen { launched, reason, waiting, room, turn } = seen;
        let agents = |states: &[AgentState]| {
            self.agent_views.iter().filter(|agent| states.contains(&agent.state)).count() as u32
        };
        let answered = self.call_views.iter().filter(|call| call.answered_at_s.is_some()).count() as u32;
        let chances = &decision.forecast_no_agent;
        let last = (launched as usize).checked_sub(1).and_then(|last| chances.get(last));
        let record = DecisionRecord {
            campaign: id,
            at: now,
            launched,
            reason,
            idle: agents(&[AgentState::Ready]),
            talking: agents(&[AgentState::Talking, AgentState::Reserved]),
            wrap_up: agents(&[AgentState::WrapUp]),
            ringing: self.call_views.len() as u32 - answered,
            answered,
            waiting,
            others: self.outlooks.len() as u32,
            withheld: turn.withheld,
            room,
            forecast_person: decision.forecast_person,
            no_agent: chances.first().copied().zip(last.copied()),
            forecast: decision.forecast,
            ledgers: self.ledger_views.clone(),
        };
        self.records.keep(record, turn.again);
    }

    /// Asks for leads while there is time.
    pub(super) fn want_leads(&mut self, now: Instant, id: CampaignId) {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        let counts = campaign.list.counts();
        let held = counts.ready + if campaign.config.paged { 0 } else { counts.waiting };
        if campaign.wanted.is_none() && held < LEADS_LOW && campaign.list.room() > 0 {
            campaign.wanted = Some(now);
            self.outputs.push_back(Output::LeadsWanted { campaign: id, room: campaign.list.room() });
        }
    }

    /// How many calls trunk, list and shift allow now; the reason when none.
    pub(super) fn room(&mut self, now: Instant, id: CampaignId) -> Result<Room, Reason> {
        self.may_launch(now, id)?;
        let Some(campaign) = self.campaigns.get(&id) else { return Err(Reason::NotRunning) };
        if !campaign.config.mode.is_agentless() && self.agent_views.is_empty() {
            return Err(Reason::NoAgents);
        }
        let counts = campaign.list.counts();
        let (ready, offered) = (counts.ready.min(u32::MAX as usize) as u32, counts.offered as u32);
        if ready == 0 {
            return Err(Reason::NoLeads);
        }
        let (channels, rate) = self.trunk_takes(now, id)?;
        // What agents look at will want its channel.
        let calls = channels.min(rate).saturating_sub(offered).min(ready);
        if calls == 0 { Err(Reason::NoTrunkRoom) } else { Ok(Room { calls, channels, rate, leads: ready }) }
    }

    /// Whether a campaign may launch at all; the reason when not.
    pub(super) fn may_launch(&self, now: Instant, id: CampaignId) -> Result<(), Reason> {
        let running = self.campaigns.get(&id).filter(|campaign| campaign.state == RunState::Running);
        let campaign = running.ok_or(Reason::NotRunning)?;
        if self.on_hold {
            return Err(Reason::OnHold);
        }
        if now < self.store_rests_until {
            return Err(Reason::StoreAway);
        }
        let end = now + campaign.config.ring_timeout + ANSWER_MARGIN;
        if campaign.planned_end.is_some_and(|planned| end > planned) {
            return Err(Reason::ShiftEnds);
        }
        match stale(&campaign.config.profile, self.screens, self.wall_at(now)) {
            Some(reason) => Err(reason),
            None => Ok(()),
        }
    }

    /// Channels and new calls a second that a campaign's trunk has left; an error when either is none.
    pub(super) fn trunk_takes(&mut self, now: Instant, id: CampaignId) -> Result<(u32, u32), Reason> {
        let Some(campaign) = self.campaigns.get(&id) else { return Err(Reason::NotRunning) };
        let trunk = self.trunks.get_mut(&campaign.config.trunk);
        if trunk.as_ref().is_some_and(|trunk| trunk.is_closed(now)) {
            return Err(Reason::TrunkRefuses);
        }
        let (channels, rate) = trunk.map_or((0, 0), |trunk| trunk.room(now));
        if channels.min(rate) == 0 { Err(Reason::NoTrunkRoom) } else { Ok((channels, rate)) }
    }

    /// Agents at work who fit the campaign.
    pub(super) fn view_agents(&mut self, now: Instant, id: CampaignId) {
        self.agent_views.clear();
        let Some(campaign) = self.campaigns.get(&id) else { return };
        let skills = &campaign.config.skills;
        let claimed = self.claimed();
        for (id, agent) in self.desk.agents() {
            let state = agent.state();
            if matches!(state, AgentState::LoggedOut | AgentState::OnBreak) || !skills.is_subset(&agent.skills) {
                continue;
            }
            let age_s = now.since(agent.since()).as_secs_f64();
            // Who has promised to call back is wanted for that after the present call.
            let leaving = agent.leaving() || claimed.contains(&id);
            self.agent_views.push(AgentView { state, age_s, leaving });
        }
    }

    /// Launches what was decided, and says how much of it there were leads for.
    fn launch(&mut self, now: Instant, id: CampaignId, decision: &Decision) -> u32 {
        let mut launched = 0;
        for forecast_no_agent in decision.forecast_no_agent.iter().take(decision.launch as usize) {
            if !self.launch_one(now, id, decision, *forecast_no_agent) {
                break;
            }
            launched += 1;
        }
        launched
    }

    /// Takes the next lead that the gate lets through and records the intent to dial it; false when there is none.
    fn launch_one(&mut self, now: Instant, id: CampaignId, decision: &Decision, forecast_no_agent: f64) -> bool {
        let Some(found) = self.next_lawful(now, id, Duration::ZERO, false) else { return false };
        let taker = match found.agent {
            Some(agent) => Taker::Agent(agent),
            None => Taker::Anybody,
        };
        let attempt = self.new_attempt();
        if let Taker::Agent(agent) = taker {
            self.reserve_for(now, agent, attempt);
        }
        let (reason, forecast_person, promised) = (decision.reason, decision.forecast_person, decision.promised);
        self.record(now, id, &found, Launch { attempt, taker, reason, forecast_person, forecast_no_agent, promised });
        true
    }

    /// The next lead that the gate lets through, still at its place in the list; those before it are put off, blocked or
    /// done. `look`: so long somebody may look at it before it is dialled, with an agent reserved (`guaranteed`).
    pub(super) fn next_lawful(
        &mut self,
        now: Instant,
        id: CampaignId,
        look: Duration,
        guaranteed: bool,
    ) -> Option<Lawful> {
        let steady_us = self.steady_us(now);
        // The same for all leads that are looked at: nobody is reserved and nothing launched meanwhile.
        let mut spare = None;
        for _ in 0..LOOKS_MAX {
            let campaign = self.campaigns.get_mut(&id)?;
            let (lead, entry) = campaign.list.next()?;
            if entry.made() >= campaign.config.retry.attempts_max && !entry.is_promised() {
                // The rule was tightened while it waited.
                campaign.list.spent(lead);
                self.outputs.push_back(Output::LeadChanged {
                    lead,
                    state: LeadState::Done,
                    next_at: None,
                    number: None,
                });
                continue;
            }
            let number = entry.lead.number;
            let mut agent = None;
            let mut answer = if self.live_numbers.contains(&number) {
                GateAnswer::Later { rule: "number-in-use", at_us: steady_us + SAME_NUMBER_US }
            } else {
                self.ask_gate(now, id, lead, look, guaranteed)?
            };
            // One call for one free agent: that agent may as well be kept for it, if this alone is in the way.
            if matches!(answer, GateAnswer::Later { rule: "recall-after-abandon" | "recall-after-machine", .. })
                && self.campaigns.get(&id).is_some_and(|campaign| campaign.config.mode == Mode::Progressive)
                && let Some(spare) = *spare.get_or_insert_with(|| self.spare_agent(id))
            {
                answer = self.ask_gate(now, id, lead, look, true)?;
                agent = Some(spare);
            }
            if let GateAnswer::Allowed(consent) = answer {
                return Some(Lawful { lead, number, consent, agent });
            }
            self.hold_back(now, id, lead, &answer);
        }
        // The next decision looks on: at the latest at the next tick.
        None
    }

    /// What the gate says of a lead now, if the campaign has it open.
    pub(super) fn ask_gate(
        &self,
        now: Instant,
        id: CampaignId,
        lead: base::LeadId,
        look: Duration,
        guaranteed: bool,
    ) -> Option<GateAnswer> {
        let campaign = self.campaigns.get(&id)?;
        let entry = campaign.list.entry(lead)?;
        if entry.is_doubtful() {
            return Some(GateAnswer::Later { rule: "in-doubt", at_us: self.steady_us(now) + DOUBT_US });
        }
        let margin = look + campaign.config.ring_timeout + ANSWER_MARGIN;
        let query = Query {
            lead: &entry.lead,
            zone: entry.zone,
            profile: &campaign.config.profile,
            steady_us: self.steady_us(now),
            wall: self.wall_at(now),
            margin_us: margin.as_us() as i64,
            guaranteed,
            recorded: campaign.config.mode.is_agentless(),
        };
        Some(self.gate.check(&self.zones, &query))
    }

    /// Puts off or blocks a lead that the gate does not let through.
    pub(super) fn hold_back(&mut self, now: Instant, id: CampaignId, lead: base::LeadId, answer: &GateAnswer) {
        let steady_us = self.steady_us(now);
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        match answer {
            GateAnswer::Allowed(_) => {}
            GateAnswer::Later { at_us, .. } => {
                let doubtful = campaign.list.entry(lead).filter(|entry| entry.is_doubtful());
                let wanted = doubtful.map(|entry| Output::NumberWanted { campaign: id, number: entry.lead.listed() });
                self.outputs.extend(wanted);
                let until_us = campaign.list.defer(lead, *at_us);
                let next_at = Some(self.wall_of_steady(now, until_us));
                self.outputs.push_back(Output::LeadChanged { lead, state: LeadState::Waiting, next_at, number: None });
            }
            GateAnswer::Never { rule } => {
                // Who has asked to be left alone is not looked for elsewhere; what else forbids a number is about that number.
                if *rule != DO_NOT_CALL
                    && !campaign.config.retry.next.is_empty()
                    && let Some(fate) = campaign.list.pass_over(lead, steady_us)
                {
                    campaign.went_on(&mut self.zones, &mut self.gate, lead, fate.number);
                    self.tell_lead(now, lead, fate);
                    return;
                }
                campaign.list.block(lead);
                self.outputs.push_back(Output::LeadChanged {
                    lead,
                    state: LeadState::Blocked,
                    next_at: None,
                    number: None,
                });
            }
        }
    }

    /// The next attempt's id; one that is never recorded leaves a gap.
    pub(super) fn new_attempt(&mut self) -> AttemptId {
        self.next_attempt += 1;
        AttemptId(self.next_attempt - 1)
    }

    /// Records the intent to dial a lead.
    pub(super) fn record(&mut self, now: Instant, id: CampaignId, found: &Lawful, launch: Launch) {
        let Launch { attempt, taker, reason, forecast_person, forecast_no_agent, promised } = launch;
        let (at, steady_us) = (self.wall_at(now), self.steady_us(now));
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        let (lead, number) = (found.lead, found.number);
        let segment = campaign.list.entry(lead).and_then(|entry| entry.lead.segment);
        let attempt_number = campaign.list.dial(lead, attempt, steady_us);
        campaign.attempts += 1;
        campaign.open_attempts += 1;
        campaign.pacer.observe(now, Observation::Launched { forecast_no_agent });
        let (trunk, caller_id) = (campaign.config.trunk, campaign.config.caller_id.clone());
        if let Some(trunk) = self.trunks.get_mut(&trunk) {
            trunk.reserve();
        }
        let amd = campaign.config.amd.listens();
        self.live_numbers.insert(number);
        self.gate.attempted(number, steady_us);
        let agent = match taker {
            Taker::Agent(agent) => Some(agent),
            Taker::Anybody | Taker::Recording(_) => None,
        };
        self.attempts.insert(
            attempt,
            Box::new(Attempt {
                campaign: id,
                lead,
                number,
                attempt_number,
                at,
                decided: now,
                trunk,
                caller_id: caller_id.clone(),
                amd,
                taker,
                phase: Phase::Recording,
                times: Times::default(),
                deadline: None,
                overdue: false,
                clock: None,
                verdict: None,
                handled: None,
                agent,
                outcome: None,
                counted_as: CountedAs::Nothing,
                counted_at: None,
                message_played: false,
                has_consent: found.consent.proof_id.is_some(),
                prompted: false,
                play_began: false,
                wait: None,
                stopped: false,
                cancel: None,
                forecast_no_agent,
                promised,
                marks: Marks::new(attempt_number, number, trunk, segment),
                foretold: None,
                early: None,
            }),
        );
        self.outputs.push_back(Output::RecordIntent(AttemptIntent {
            attempt,
            campaign: id,
            lead,
            number,
            attempt_number,
            trunk,
            caller_id,
            at,
            consent: found.consent.clone(),
            why: reason.text().into(),
            forecast_person,
            forecast_no_agent,
        }));
        self.outputs.push_back(Output::LeadChanged {
            lead,
            state: LeadState::Dialling(attempt),
            next_at: None,
            number: None,
        });
    }

    /// Campaigns with nothing left to dial and nothing under way are finished.
    pub(super) fn finish_campaigns(&mut self, now: Instant) {
        for (id, campaign) in &mut self.campaigns {
            let counts = campaign.list.counts();
            let empty =
                counts.ready + counts.waiting + counts.offered + counts.dialling == 0 && campaign.open_attempts == 0;
            // A campaign that never had a lead waits for its first ones.
            let had_any = counts.done + counts.blocked > 0;
            if campaign.state == RunState::Running && empty && had_any && campaign.supply_over(now) {
                campaign.enter(now, RunState::Finished);
                campaign.why = Reason::NotRunning;
                self.outputs.push_back(Output::CampaignFinished { campaign: *id });
            }
        }
    }
}

/// Which list of numbers is older than the profile allows. One that was never loaded holds nobody up: leads may have been
/// held against it before they were imported; health says so.
fn stale(
    profile: &Profile,
    (do_not_call, reassigned): (Option<WallTime>, Option<WallTime>),
    wall: WallTime,
) -> Option<Reason> {
    let is_fresh = |as_of: Option<WallTime>, days: Option<u32>| {
        days.is_none_or(|days| {
            as_of.is_none_or(|as_of| wall.as_unix_us() - as_of.as_unix_us() <= i64::from(days) * DAY_US)
        })
    };
    if !is_fresh(do_not_call, profile.dnc_max_age_d) {
        return Some(Reason::NoFreshDoNotCall);
    }
    (!is_fresh(reassigned, profile.reassigned_max_age_d)).then_some(Reason::NoFreshReassigned)
}
