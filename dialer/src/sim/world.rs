//! The world that the dialer cannot see into: callees with their fates, agents with their habits, the carrier.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use base::{AgentId, AttemptId, CallId, CampaignId, Duration, Instant, LeadId, Seed, Stream, WallAnchor};
use desk::{AgentState, Skills};

use super::callee::{CalleeFate, FateKind};
use super::callers::Callers;
use super::market::Market;
use super::run::TRUNK;
use crate::io::{AmdVerdict, EndCause, HangupReason, Input, Output, Party};
use crate::pacing::Foretold;
use crate::report::InboundReport;
use crate::scenario::{Scenario, ScenarioError};

/// Length of the safe-harbour message.
const MESSAGE: Duration = Duration::from_secs(8);

/// The course of a day is told in parts of so many hours: twenty answers of a small group, and 96 parts of the longest day.
const SLOT_H: f64 = 0.25;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    DayStart(u32),
    DayEnd(u32),
    SlotEnd(usize),
    LogIn(usize),
    ShiftEnd(usize),
    /// The agent leaves until a moment.
    Leave(usize, Instant, bool),
    /// The agent comes back from a break or pause that began as number `.1`.
    Back(usize, u32),
    WrapOver(usize, u32),
    Stage(usize),
    ClockStep(usize),
    Progress(AttemptId),
    Answer(AttemptId),
    GreetingEnd(AttemptId),
    Verdict(AttemptId),
    HangUp(AttemptId),
    TalkOver(AttemptId),
    MessageOver(AttemptId),
    Fail(AttemptId, u16),
    /// An inbound call of this kind arrives.
    Arrive(usize),
    CallerLeaves(CallId),
    CallerTalkOver(CallId),
}

struct CallInWorld {
    market: usize,
    lead: LeadId,
    attempt_number: u32,
    fate: Option<CalleeFate>,
    answered: Option<Instant>,
    agent: Option<usize>,
    talking_since: Option<Instant>,
    retry_after_s: Option<u32>,
    detect: bool,
    end: Foretold,
}

#[derive(Clone, Copy, Debug)]
struct Worker {
    at_work: bool,
    state: AgentState,
    /// Leaves when the wrap-up is over, until then.
    leave_until: Option<Instant>,
    going_home: bool,
    /// Counts breaks and wrap-ups, so that an old event does not end a new one.
    round: u32,
    wrap: Duration,
    pause: Option<Duration>,
}

/// What a finished call was in truth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Truth {
    pub(super) person: bool,
    pub(super) answered: bool,
    pub(super) talk: Duration,
}

/// See the module's page.
pub(super) struct World {
    scenario: Scenario,
    /// By campaign.
    markets: Vec<Market>,
    callers: Callers,
    stage: usize,
    seed: Seed,
    anchor: WallAnchor,
    day: u32,
    day_starts: Vec<Instant>,
    agent_stream: Stream,
    queue: BinaryHeap<Reverse<(Instant, u64, Event)>>,
    sequence: u64,
    calls: BTreeMap<AttemptId, Box<CallInWorld>>,
    workers: Vec<Worker>,
    ended_day: Option<u32>,
    ended_slot: Option<usize>,
    truths: BTreeMap<AttemptId, Truth>,
}

impl World {
    pub(super) fn new(scenario: &Scenario, seed: Seed, anchor: WallAnchor, days: u32) -> Result<World, ScenarioError> {
        let parts = scenario.parts();
        let markets = parts.iter().enumerate().map(|(index, part)| Market::new(index, part, seed));
        let markets = markets.collect::<Result<Vec<_>, _>>()?;
        let mut day_starts = Vec::with_capacity(days as usize);
        for day in 0..days {
            let ahead_us = scenario.opening(day)?.as_unix_us() - anchor.wall.as_unix_us();
            day_starts.push(anchor.instant + Duration::from_us(ahead_us.max(0) as u64));
        }
        let count = scenario.shifts().iter().map(|shift| shift.agents as usize).sum();
        let worker = Worker {
            at_work: false,
            state: AgentState::LoggedOut,
            leave_until: None,
            going_home: false,
            round: 0,
            wrap: Duration::ZERO,
            pause: None,
        };
        Ok(World {
            scenario: scenario.clone(),
            markets,
            callers: Callers::new(scenario, seed),
            stage: 0,
            seed,
            anchor,
            day: 0,
            day_starts,
            agent_stream: seed.stream("agents", 0),
            queue: BinaryHeap::new(),
            sequence: 0,
            calls: BTreeMap::new(),
            workers: vec![worker; count],
            ended_day: None,
            ended_slot: None,
            truths: BTreeMap::new(),
        })
    }

    /// Agents and the first day's start.
    pub(super) fn open(&mut self, inbox: &mut VecDeque<Input>) {
        for index in 0..self.workers.len() {
            let name = format!("agent {}", index + 1);
            inbox.push_back(Input::AddAgent { agent: id_of(index), name, skills: Skills::new() });
        }
        self.callers.open(inbox);
        for day in 0..self.day_starts.len() {
            self.at(self.day_starts[day], Event::DayStart(day as u32));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse((at, _, _))| *at)
    }

    /// The day whose end was the last event.
    pub(super) fn day_that_ended(&mut self) -> Option<u32> {
        self.ended_day.take()
    }

    /// The part of the day whose end was the last event, from 0, and that end in hours.
    pub(super) fn slot_that_ended(&mut self) -> Option<(usize, f64)> {
        self.ended_slot.take().map(|slot| (slot, self.slot_end_h(slot)))
    }

    fn slot_end_h(&self, slot: usize) -> f64 {
        ((slot + 1) as f64 * SLOT_H).min(self.scenario.day_hours)
    }

    pub(super) fn day(&self) -> u32 {
        self.day
    }

    /// How a call that was dialled will end: for the oracle alone.
    pub(super) fn end_of(&self, attempt: AttemptId) -> Option<Foretold> {
        self.calls.get(&attempt).map(|call| call.end)
    }

    /// The share of calls dialled now that will be offered to agents, of each campaign.
    pub(super) fn shares(&mut self, now: Instant) -> Vec<(CampaignId, f64)> {
        let passed_s = now.since(self.day_starts[self.day as usize]).as_secs_f64();
        let stage = self.stage;
        self.markets.iter_mut().map(|market| (market.campaign(), market.share(stage, passed_s))).collect()
    }

    /// The truth about a call, until asked for after its close.
    pub(super) fn truth(&self, attempt: AttemptId) -> Option<Truth> {
        self.truths.get(&attempt).copied()
    }

    fn at(&mut self, at: Instant, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence, event)));
    }

    /// The next event of the queue, which is due at `now`.
    pub(super) fn handle_timeout(&mut self, now: Instant, inbox: &mut VecDeque<Input>) {
        let Some(Reverse((_, _, event))) = self.queue.pop() else { return };
        match event {
            Event::DayStart(day) => self.day_start(now, day, inbox),
            Event::DayEnd(day) => self.ended_day = Some(day),
            Event::SlotEnd(slot) => self.ended_slot = Some(slot),
            Event::LogIn(index) => {
                self.workers[index].at_work = true;
                inbox.push_back(Input::AgentReady { agent: id_of(index) });
            }
            Event::ShiftEnd(index) => self.shift_end(index, inbox),
            Event::Leave(index, until, announced) => self.leave(index, until, announced, inbox),
            Event::Back(index, round) => {
                let worker = &mut self.workers[index];
                if worker.at_work && worker.round == round && worker.state == AgentState::OnBreak {
                    inbox.push_back(Input::AgentReady { agent: id_of(index) });
                }
            }
            Event::WrapOver(index, round) => self.wrap_over(now, index, round, inbox),
            Event::Stage(stage) => {
                self.stage = stage;
                inbox.push_back(self.trunk_room());
            }
            Event::ClockStep(step) => {
                let seconds = self.scenario.clock_step[step].seconds;
                let wall_us = self.anchor.wall_at(now).as_unix_us() + (seconds * 1e6) as i64;
                self.anchor = WallAnchor { instant: now, wall: base::WallTime::from_unix_us(wall_us) };
                inbox.push_back(Input::WallClock { anchor: self.anchor });
            }
            Event::Progress(attempt) => {
                if let Some(call) = self.calls.get(&attempt) {
                    let early = call.fate.and_then(|fate| fate.early);
                    inbox.push_back(Input::Progress { attempt, early_media: early.is_some() });
                    inbox.extend(early.map(|class| Input::Heard { attempt, class }));
                }
            }
            Event::Answer(attempt) => self.answer(now, attempt, inbox),
            Event::GreetingEnd(attempt) => {
                if self.calls.contains_key(&attempt) {
                    inbox.push_back(Input::GreetingEnded { attempt, at: now });
                }
            }
            Event::Verdict(attempt) => self.verdict(now, attempt, inbox),
            Event::HangUp(attempt) => {
                if self.calls.get(&attempt).is_some_and(|call| call.talking_since.is_none()) {
                    self.end(now, attempt, Party::Callee, None, inbox);
                }
            }
            Event::Arrive(kind) => self.call_arrives(now, kind, inbox),
            Event::CallerLeaves(item) => self.callers.leaves(item, inbox),
            Event::CallerTalkOver(item) => {
                let agent = self.callers.over(item);
                inbox.extend(agent.map(|agent| Input::ItemFinished { agent }));
            }
            Event::TalkOver(attempt) => self.end(now, attempt, Party::Callee, None, inbox),
            Event::MessageOver(attempt) => {
                if self.calls.contains_key(&attempt) {
                    inbox.push_back(Input::MessageEnded { attempt });
                }
            }
            Event::Fail(attempt, code) => {
                let whose = match code {
                    486 => Party::Callee,
                    487 => Party::Us,
                    _ => Party::Carrier,
                };
                self.end(now, attempt, whose, Some(code), inbox);
            }
        }
    }

    fn day_start(&mut self, now: Instant, day: u32, inbox: &mut VecDeque<Input>) {
        self.day = day;
        self.stage = 0;
        let mut first = 0;
        for shift in self.scenario.shifts() {
            let count = shift.agents as usize;
            for place in 0..count {
                let login_h = self.scenario.login_min / 60.0 * place as f64 / count as f64;
                self.at(Scenario::moment(now, shift.from_h + login_h), Event::LogIn(first + place));
                self.at(Scenario::moment(now, shift.to_h), Event::ShiftEnd(first + place));
            }
            first += count;
        }
        for leave in self.scenario.leave.clone() {
            self.plan_leave(now, &leave);
        }
        for (index, at_h) in self.markets[0].changes().into_iter().enumerate() {
            self.at(Scenario::moment(now, at_h), Event::Stage(index + 1));
        }
        if day > 0 {
            inbox.push_back(self.trunk_room());
        }
        for step in 0..self.scenario.clock_step.len() {
            self.at(Scenario::moment(now, self.scenario.clock_step[step].at_h), Event::ClockStep(step));
        }
        for slot in 0..(self.scenario.day_hours / SLOT_H).ceil() as usize {
            self.at(Scenario::moment(now, self.slot_end_h(slot)), Event::SlotEnd(slot));
        }
        let end = Scenario::moment(now, self.scenario.day_hours);
        // An hour later everybody has finished the last call and its wrap-up, and the day can be reckoned.
        self.at(end + Duration::from_secs(3_600), Event::DayEnd(day));
        for market in &mut self.markets {
            let campaign = market.campaign();
            inbox.push_back(Input::PlannedEnd { campaign, at: Some(end) });
            market.day_starts(day, inbox);
            inbox.push_back(Input::Start { campaign });
        }
        for (kind, at_h) in self.callers.day_starts(day) {
            self.at(Scenario::moment(now, at_h), Event::Arrive(kind));
        }
    }

    fn call_arrives(&mut self, now: Instant, kind: usize, inbox: &mut VecDeque<Input>) {
        let (item, patience) = self.callers.arrives(now, kind, inbox);
        self.at(now + patience, Event::CallerLeaves(item));
        let start = self.day_starts[self.day as usize];
        if let Some(at_h) = self.callers.next_at_h(kind, now.since(start).as_secs_f64() / 3_600.0) {
            self.at(Scenario::moment(start, at_h), Event::Arrive(kind));
        }
    }

    /// What became of inbound calls.
    pub(super) fn inbound(&self) -> Vec<InboundReport> {
        self.callers.report()
    }

    fn trunk_room(&self) -> Input {
        let trunk = &self.markets[0].model(self.stage).scenario().trunk;
        Input::TrunkRoom { trunk: TRUNK, channels: trunk.max_channels, cps: trunk.max_cps }
    }

    fn plan_leave(&mut self, now: Instant, leave: &crate::scenario::Leave) {
        let count = self.workers.len();
        let leaving = (leave.share * count as f64).round() as usize;
        // A partial Fisher-Yates shuffle picks who goes.
        let mut order: Vec<usize> = (0..count).collect();
        for place in 0..leaving.min(count) {
            let other = place + self.agent_stream.below((count - place) as u64) as usize;
            order.swap(place, other);
            let from = Scenario::moment(now, leave.at_h);
            let at = from + Duration::from_secs_f64(self.agent_stream.range_f64(0.0, leave.within_s));
            let until = from + Duration::from_secs_f64(leave.minutes * 60.0);
            self.at(at, Event::Leave(order[place], until, leave.announced));
        }
    }

    fn leave(&mut self, index: usize, until: Instant, announced: bool, inbox: &mut VecDeque<Input>) {
        let worker = &mut self.workers[index];
        if !worker.at_work || worker.state == AgentState::OnBreak || worker.state == AgentState::LoggedOut {
            return;
        }
        worker.leave_until = Some(until);
        match worker.state {
            AgentState::Ready => {
                worker.round += 1;
                worker.leave_until = None;
                let round = worker.round;
                inbox.push_back(Input::AgentBreak { agent: id_of(index), announced });
                self.at(until, Event::Back(index, round));
            }
            // In a call: those who announce it say so now; the others just go when the call is over.
            _ if announced => inbox.push_back(Input::AgentBreak { agent: id_of(index), announced }),
            _ => {}
        }
    }

    fn shift_end(&mut self, index: usize, inbox: &mut VecDeque<Input>) {
        let worker = &mut self.workers[index];
        worker.going_home = true;
        if matches!(worker.state, AgentState::Talking | AgentState::WrapUp | AgentState::Reserved) {
            inbox.push_back(Input::AgentLeaves { agent: id_of(index) });
        } else {
            inbox.push_back(Input::AgentLoggedOut { agent: id_of(index) });
        }
    }

    fn wrap_over(&mut self, now: Instant, index: usize, round: u32, inbox: &mut VecDeque<Input>) {
        let worker = &mut self.workers[index];
        if worker.state != AgentState::WrapUp || worker.round != round {
            return;
        }
        let agent = id_of(index);
        let pause_until = worker.pause.take().map(|pause| now + pause);
        if worker.going_home {
            inbox.push_back(Input::AgentLoggedOut { agent });
        } else if let Some(until) = worker.leave_until.take().or(pause_until).filter(|until| *until > now) {
            worker.round += 1;
            let round = worker.round;
            inbox.push_back(Input::AgentBreak { agent, announced: false });
            self.at(until, Event::Back(index, round));
        } else {
            inbox.push_back(Input::AgentReady { agent });
        }
    }

    fn answer(&mut self, now: Instant, attempt: AttemptId, inbox: &mut VecDeque<Input>) {
        let Some(call) = self.calls.get_mut(&attempt) else { return };
        let Some(fate) = call.fate else { return };
        call.answered = Some(now);
        inbox.push_back(Input::Answered { attempt });
        let person = fate.kind == FateKind::Person;
        if call.detect {
            self.at(now + fate.verdict_after(), Event::Verdict(attempt));
        } else {
            self.at(now + fate.greeting, Event::GreetingEnd(attempt));
            if person {
                self.at(now + fate.greeting + fate.patience, Event::HangUp(attempt));
            }
        }
    }

    fn verdict(&mut self, now: Instant, attempt: AttemptId, inbox: &mut VecDeque<Input>) {
        let Some(call) = self.calls.get(&attempt) else { return };
        let (Some(fate), Some(answered)) = (call.fate, call.answered) else { return };
        let person = fate.kind == FateKind::Person;
        let live = person != fate.misjudged;
        let verdict = if live { AmdVerdict::Human } else { AmdVerdict::Machine };
        let greeting_end = (person && live).then(|| answered + fate.greeting);
        inbox.push_back(Input::Verdict { attempt, verdict, greeting_end });
        if person && live {
            self.at(now + fate.patience, Event::HangUp(attempt));
        }
    }

    fn end(&mut self, now: Instant, attempt: AttemptId, whose: Party, code: Option<u16>, inbox: &mut VecDeque<Input>) {
        let Some(call) = self.calls.remove(&attempt) else { return };
        let person = call.fate.is_some_and(|fate| fate.kind == FateKind::Person);
        let talk = call.talking_since.map_or(Duration::ZERO, |since| now.since(since));
        self.truths.insert(attempt, Truth { person, answered: call.answered.is_some(), talk });
        if call.talking_since.is_some() {
            let campaign = self.markets[call.market].campaign();
            inbox.push_back(Input::Disposition { campaign, attempt, person });
        }
        inbox.push_back(Input::Ended { attempt, cause: EndCause { whose, code, retry_after_s: call.retry_after_s } });
    }

    /// What the dialer wants done, done.
    pub(super) fn react(&mut self, now: Instant, output: Output, inbox: &mut VecDeque<Input>) {
        match output {
            Output::RecordIntent(intent) => {
                let call = CallInWorld {
                    market: index_of_campaign(intent.campaign),
                    lead: intent.lead,
                    attempt_number: intent.attempt_number,
                    fate: None,
                    answered: None,
                    agent: None,
                    talking_since: None,
                    retry_after_s: None,
                    detect: false,
                    end: Foretold::Nobody,
                };
                self.calls.insert(intent.attempt, Box::new(call));
                inbox.push_back(Input::IntentDurable { attempt: intent.attempt });
            }
            Output::Originate { attempt, ring_timeout, amd, .. } => self.dialled(now, attempt, ring_timeout, amd),
            Output::Connect { attempt, agent } => {
                let Some(call) = self.calls.get_mut(&attempt) else { return };
                let Some(fate) = call.fate else { return };
                let index = index_of(agent);
                call.agent = Some(index);
                call.talking_since = Some(now);
                self.workers[index].wrap = fate.wrap;
                self.workers[index].pause = fate.pause;
                inbox.push_back(Input::Connected { attempt, agent });
                self.at(now + fate.talk, Event::TalkOver(attempt));
            }
            Output::ConnectInbound { item, agent } => {
                let Some((talk, wrap)) = self.callers.answered(now, item, agent) else { return };
                let worker = &mut self.workers[index_of(agent)];
                (worker.wrap, worker.pause) = (wrap, None);
                inbox.push_back(Input::ItemConnected { agent });
                self.at(now + talk, Event::CallerTalkOver(item));
            }
            Output::InboundGivenUp { item } => self.callers.gone(item),
            Output::ItemLost { item, .. } => drop(self.callers.over(item)),
            Output::PlayMessage { attempt, .. } => {
                inbox.push_back(Input::MessageBegan { attempt, at: now });
                self.at(now + MESSAGE, Event::MessageOver(attempt));
            }
            Output::Hangup { attempt, reason } => {
                let code = (reason == HangupReason::Stopped).then_some(487);
                self.end(now, attempt, Party::Us, code, inbox);
            }
            Output::AgentChanged { agent, state } => {
                let worker = &mut self.workers[index_of(agent)];
                worker.state = state;
                match state {
                    AgentState::WrapUp => {
                        worker.round += 1;
                        let (round, wrap) = (worker.round, worker.wrap);
                        self.at(now + wrap, Event::WrapOver(index_of(agent), round));
                    }
                    AgentState::LoggedOut => {
                        worker.at_work = false;
                        worker.going_home = false;
                        worker.leave_until = None;
                    }
                    _ => {}
                }
            }
            Output::LeadsWanted { campaign, .. } => self.markets[index_of_campaign(campaign)].add_leads(inbox),
            Output::AttemptClosed(record) => {
                self.truths.remove(&record.attempt);
                self.calls.remove(&record.attempt);
            }
            // No simulated supplier is told to take leads back.
            Output::NumberWanted { .. }
            | Output::LeadChanged { .. }
            | Output::CampaignPaused { .. }
            | Output::CampaignFinished { .. }
            | Output::Counted { .. }
            | Output::CallbackKept { .. }
            // No simulated callee is a fax or the network.
            | Output::Mark { .. }
            // No simulated policy shows leads to agents.
            | Output::Offered { .. }
            | Output::OfferOver { .. }
            | Output::Refused(_) => {}
        }
    }

    fn dialled(&mut self, now: Instant, attempt: AttemptId, ring_timeout: Duration, detect: bool) {
        let passed_s = now.since(self.day_starts[self.day as usize]).as_secs_f64();
        let failure = self.carrier_failure(now);
        let Some(call) = self.calls.get_mut(&attempt) else { return };
        let market = &mut self.markets[call.market];
        let factor = market.human_factor(self.stage, passed_s) * market.segment_factor(self.stage, call.lead);
        let fate = market.model(self.stage).fate(&self.seed, call.lead.0, call.attempt_number, factor);
        call.fate = Some(fate);
        call.detect = detect;
        if let Some((_, retry_after_s)) = failure.filter(|(share, _)| fate.luck < *share) {
            call.retry_after_s = retry_after_s;
            self.at(now + fate.fail_after, Event::Fail(attempt, 503));
            return;
        }
        let rings = now + fate.post_dial;
        match fate.kind {
            FateKind::Fail => self.at(now + fate.fail_after, Event::Fail(attempt, 502)),
            FateKind::Busy => self.at(rings, Event::Fail(attempt, 486)),
            FateKind::Person | FateKind::Machine if fate.ring < ring_timeout => {
                if !detect || (fate.kind == FateKind::Person) != fate.misjudged {
                    call.end = Foretold::Offered(
                        rings + fate.ring + if detect { fate.verdict_after() } else { Duration::ZERO },
                    );
                }
                self.at(rings, Event::Progress(attempt));
                self.at(rings + fate.ring, Event::Answer(attempt));
            }
            FateKind::Person | FateKind::Machine | FateKind::NoAnswer => {
                self.at(rings, Event::Progress(attempt));
                self.at(rings + ring_timeout, Event::Fail(attempt, 487));
            }
        }
    }

    fn carrier_failure(&self, now: Instant) -> Option<(f64, Option<u32>)> {
        let hour = now.since(self.day_starts[self.day as usize]).as_secs_f64() / 3_600.0;
        let failures = self.scenario.carrier_failure.iter();
        let mut now_failing = failures.filter(|failure| (failure.from_h..failure.to_h).contains(&hour));
        now_failing.next().map(|failure| (failure.share, failure.retry_after_s))
    }
}

/// Place of a campaign among the world's markets.
pub(super) fn index_of_campaign(campaign: CampaignId) -> usize {
    campaign.0 as usize - 1
}

fn id_of(index: usize) -> AgentId {
    AgentId(index as u64 + 1)
}

fn index_of(agent: AgentId) -> usize {
    agent.0 as usize - 1
}
