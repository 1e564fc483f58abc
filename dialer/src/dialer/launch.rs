//! Deciding and launching: ticks, pictures for the pacers, the gate, intents.

use base::{AttemptId, CampaignId, Duration, Instant};
use desk::AgentState;

use super::pool::{Said, Turn};
use super::{Dialer, RunState};
use crate::attempt::{Attempt, Phase, Times};
use crate::compliance::{ConsentDecision, GateAnswer, Query};
use crate::io::{AttemptIntent, CountedAs, Output};
use crate::lead::LeadState;
use crate::list::LEADS_LOW;
use crate::pacing::{AgentView, Decision, DecisionRecord, Observation, Reason, Room, Snapshot};

/// Leads looked at for one launch before the rest waits for the next decision: bounds a decision's time when the
/// gate holds many back (each look is about 1 µs).
const LOOKS_MAX: usize = 200;
/// A second lead with a number that is being dialled is looked at again after this time.
const SAME_NUMBER_US: i64 = 60_000_000;
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

impl Dialer {
    pub(super) fn tick(&mut self, now: Instant) {
        let now_us = self.steady_us(now);
        let ids: Vec<CampaignId> = self.campaigns.keys().copied().collect();
        for id in ids {
            self.roll_ledger(now, id);
            let Some(campaign) = self.campaigns.get_mut(&id) else { continue };
            let woken = campaign.list.wake(now_us);
            let changed = |lead| Output::LeadChanged { lead, state: LeadState::Ready, next_at: None };
            self.outputs.extend(woken.into_iter().map(changed));
        }
        self.decide(now);
        self.finish_campaigns(now);
    }

    /// One decision of a campaign whose turn it is.
    pub(super) fn decide_for(&mut self, now: Instant, turn: Turn) -> Said {
        let id = turn.campaign;
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
        let snapshot = Snapshot {
            now,
            agents: &self.agent_views,
            calls: &self.call_views,
            others: &self.outlooks,
            waiting: self.waiting_here,
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
    fn want_leads(&mut self, now: Instant, id: CampaignId) {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        let counts = campaign.list.counts();
        let held = counts.ready + if campaign.config.paged { 0 } else { counts.waiting };
        if campaign.wanted.is_none() && held < LEADS_LOW && campaign.list.room() > 0 {
            campaign.wanted = Some(now);
            self.outputs.push_back(Output::LeadsWanted { campaign: id, room: campaign.list.room() });
        }
    }

    /// How many calls trunk, list and shift allow now; the reason when none.
    fn room(&mut self, now: Instant, id: CampaignId) -> Result<Room, Reason> {
        let Some(campaign) = self.campaigns.get_mut(&id) else { return Err(Reason::NotRunning) };
        if self.on_hold {
            return Err(Reason::OnHold);
        }
        if now < self.store_rests_until {
            return Err(Reason::StoreAway);
        }
        if self.agent_views.is_empty() {
            return Err(Reason::NoAgents);
        }
        if campaign.planned_end.is_some_and(|end| now + campaign.config.ring_timeout + ANSWER_MARGIN > end) {
            return Err(Reason::ShiftEnds);
        }
        let ready = campaign.list.counts().ready.min(u32::MAX as usize) as u32;
        if ready == 0 {
            return Err(Reason::NoLeads);
        }
        let trunk = self.trunks.get_mut(&campaign.config.trunk);
        if trunk.as_ref().is_some_and(|trunk| trunk.is_closed(now)) {
            return Err(Reason::TrunkRefuses);
        }
        let (channels, rate) = trunk.map_or((0, 0), |trunk| trunk.room(now));
        let calls = channels.min(rate).min(ready);
        if calls == 0 { Err(Reason::NoTrunkRoom) } else { Ok(Room { calls, channels, rate, leads: ready }) }
    }

    /// Agents at work who fit the campaign.
    fn view_agents(&mut self, now: Instant, id: CampaignId) {
        self.agent_views.clear();
        let Some(campaign) = self.campaigns.get(&id) else { return };
        let skills = &campaign.config.skills;
        for (_, agent) in self.desk.agents() {
            let state = agent.state();
            if matches!(state, AgentState::LoggedOut | AgentState::OnBreak) || !skills.is_subset(&agent.skills) {
                continue;
            }
            let age_s = now.since(agent.since()).as_secs_f64();
            self.agent_views.push(AgentView { state, age_s, leaving: agent.leaving() });
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
        let (steady_us, wall) = (self.steady_us(now), self.wall_at(now));
        for _ in 0..LOOKS_MAX {
            let Some(campaign) = self.campaigns.get_mut(&id) else { return false };
            let Some((lead, entry)) = campaign.list.next() else { return false };
            if entry.made() >= campaign.config.retry.attempts_max {
                // The rule was tightened while it waited.
                campaign.list.spent(lead);
                self.outputs.push_back(Output::LeadChanged { lead, state: LeadState::Done, next_at: None });
                continue;
            }
            let number = entry.lead.number;
            let margin = campaign.config.ring_timeout + ANSWER_MARGIN;
            let query = Query {
                lead: &entry.lead,
                zone: entry.zone,
                profile: &campaign.config.profile,
                steady_us,
                wall,
                margin_us: margin.as_us() as i64,
            };
            let answer = if self.live_numbers.contains(&number) {
                GateAnswer::Later { rule: "number-in-use", at_us: steady_us + SAME_NUMBER_US }
            } else {
                self.gate.check(&self.zones, &query)
            };
            match answer {
                GateAnswer::Allowed(consent) => {
                    self.record(now, id, lead, decision, forecast_no_agent, consent);
                    return true;
                }
                GateAnswer::Later { at_us, .. } => {
                    campaign.list.defer(lead, at_us);
                    let next_at = Some(self.wall_of_steady(now, at_us));
                    self.outputs.push_back(Output::LeadChanged { lead, state: LeadState::Waiting, next_at });
                }
                GateAnswer::Never { .. } => {
                    campaign.list.block(lead);
                    self.outputs.push_back(Output::LeadChanged { lead, state: LeadState::Blocked, next_at: None });
                }
            }
        }
        // The next decision looks on: at the latest at the next tick.
        false
    }

    fn record(
        &mut self,
        now: Instant,
        id: CampaignId,
        lead: base::LeadId,
        decision: &Decision,
        forecast_no_agent: f64,
        consent: ConsentDecision,
    ) {
        let (at, steady_us) = (self.wall_at(now), self.steady_us(now));
        let Some(campaign) = self.campaigns.get_mut(&id) else { return };
        let Some(number) = campaign.list.next().map(|(_, entry)| entry.lead.number) else { return };
        let attempt = AttemptId(self.next_attempt);
        self.next_attempt += 1;
        let attempt_number = campaign.list.dial(lead, attempt);
        campaign.attempts += 1;
        campaign.open_attempts += 1;
        campaign.pacer.observe(now, Observation::Launched { forecast_no_agent });
        let (trunk, caller_id) = (campaign.config.trunk, campaign.config.caller_id.clone());
        if let Some(trunk) = self.trunks.get_mut(&trunk) {
            trunk.reserve();
        }
        let amd = campaign.config.amd;
        self.live_numbers.insert(number);
        self.gate.attempted(number, steady_us);
        self.attempts.insert(
            attempt,
            Attempt {
                campaign: id,
                lead,
                number,
                attempt_number,
                at,
                decided: now,
                trunk,
                caller_id: caller_id.clone(),
                amd,
                phase: Phase::Recording,
                times: Times::default(),
                deadline: None,
                clock: None,
                verdict: None,
                agent: None,
                outcome: None,
                counted_as: CountedAs::Nothing,
                counted_at: None,
                message_played: false,
                stopped: false,
                forecast_no_agent,
                promised: decision.promised,
                foretold: None,
                early: None,
            },
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
            consent,
            why: decision.reason.text().into(),
            forecast_person: decision.forecast_person,
            forecast_no_agent,
        }));
        self.outputs.push_back(Output::LeadChanged { lead, state: LeadState::Dialling(attempt), next_at: None });
    }

    /// Campaigns with nothing left to dial and nothing under way are finished.
    pub(super) fn finish_campaigns(&mut self, now: Instant) {
        for (id, campaign) in &mut self.campaigns {
            let counts = campaign.list.counts();
            let empty = counts.ready + counts.waiting + counts.dialling == 0 && campaign.open_attempts == 0;
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
