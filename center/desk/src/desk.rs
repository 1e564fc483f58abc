//! The desk machine: routing by longest idle agent and earliest deadline.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use base::{AgentId, CallId, Duration, Instant};

use crate::Skills;
use crate::agent::{Agent, AgentState, StateTimes};

/// Agents of one desk: a large centre has 5,000 seats; twice that. About 300 bytes each: 3 MB.
pub const AGENTS_MAX: usize = 10_000;
/// Items waiting at one desk: 1,000 answers a second × 2 s until the deadline = 2,000; ten times that for slow queues.
pub const ITEMS_MAX: usize = 20_000;
/// Skills of one agent or item: routing looks at each; nobody keeps more than a few dozen apart.
pub const SKILLS_MAX: usize = 64;

/// Settings of a desk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeskConfig {
    /// Wrap-up ends by itself after this time; `None`: only the agent ends it.
    pub wrap_up_limit: Option<Duration>,
}

/// Something an agent shall do: a call now, a message later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkItem {
    /// Name of the item, unique while it is at the desk.
    pub id: CallId,
    /// Skills the agent must have, all of them.
    pub skills: Skills,
    /// From this moment on it is too late to assign it.
    pub deadline: Instant,
}

/// The state an agent asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Ready for items; ends a wrap-up, takes back an announced leave.
    Ready,
    /// A break. During an item it begins after it (and after its wrap-up when announced).
    OnBreak {
        /// "After this item and its wrap-up"; otherwise a running wrap-up is cut short.
        announced: bool,
    },
    /// Home. Unannounced means that the phone is gone: an item in hand is lost at once.
    LoggedOut {
        /// "After this item and its wrap-up".
        announced: bool,
    },
}

/// What the desk decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The agent is reserved for the item: connect them.
    Assigned {
        /// The item, no longer in the queue.
        item: CallId,
        /// Its agent, now `Reserved`.
        agent: AgentId,
    },
    /// No agent came free before the item's deadline; it has left the queue.
    Expired {
        /// The item.
        item: CallId,
    },
    /// The agent went away with the item in hand; the desk has forgotten the item.
    Lost {
        /// The item.
        item: CallId,
        /// The agent who left.
        agent: AgentId,
    },
    /// An agent's state changed.
    AgentChanged {
        /// Whose.
        agent: AgentId,
        /// The new state.
        state: AgentState,
    },
}

/// Why the desk refused an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// No such agent.
    UnknownAgent,
    /// The agent is there already.
    DuplicateAgent,
    /// An item of this name is at the desk already.
    DuplicateItem,
    /// A limit of this module is reached.
    Full,
    /// The agent's state does not allow it.
    WrongState,
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reject::UnknownAgent => "no agent of this id",
            Reject::DuplicateAgent => "an agent of this id exists already",
            Reject::DuplicateItem => "an item of this id is at the desk already",
            Reject::Full => "a limit of the desk is reached",
            Reject::WrongState => "the agent's state does not allow it",
        })
    }
}

struct Waiting {
    item: WorkItem,
    sequence: u64,
}

/// Agents and the items that wait for them. See the crate's page for the picture.
pub struct Desk {
    config: DeskConfig,
    agents: BTreeMap<AgentId, Agent>,
    /// Ready agents, longest idle first; the id breaks ties.
    ready: BTreeSet<(Instant, AgentId)>,
    waiting: BTreeMap<CallId, Waiting>,
    /// Waiting items, earliest deadline first; order of arrival breaks ties.
    queue: BTreeSet<(Instant, u64, CallId)>,
    /// Ends of running wrap-ups.
    wraps: BTreeSet<(Instant, AgentId)>,
    outputs: VecDeque<Output>,
    sequence: u64,
    /// Agents who are at work; asked for with every input of the dialer.
    working: usize,
    /// Times of agents that were removed: the desk's sums never shrink.
    gone: StateTimes,
}

impl Desk {
    /// An empty desk.
    pub fn new(config: DeskConfig) -> Self {
        Desk {
            config,
            agents: BTreeMap::new(),
            ready: BTreeSet::new(),
            waiting: BTreeMap::new(),
            queue: BTreeSet::new(),
            wraps: BTreeSet::new(),
            outputs: VecDeque::new(),
            sequence: 0,
            working: 0,
            gone: StateTimes::default(),
        }
    }

    /// Adds an agent, logged out.
    pub fn add_agent(&mut self, now: Instant, agent: AgentId, name: String, skills: Skills) -> Result<(), Reject> {
        if self.agents.contains_key(&agent) {
            return Err(Reject::DuplicateAgent);
        }
        if self.agents.len() >= AGENTS_MAX || skills.len() > SKILLS_MAX {
            return Err(Reject::Full);
        }
        let entry = Agent {
            name,
            skills,
            state: AgentState::LoggedOut,
            since: now,
            idle_since: now,
            item: None,
            after: None,
            wrap_ends: None,
            times: StateTimes::default(),
        };
        self.agents.insert(agent, entry);
        Ok(())
    }

    /// Gives an agent other skills. An item in hand stays; items that wait may now fit.
    pub fn set_skills(&mut self, now: Instant, agent: AgentId, skills: Skills) -> Result<(), Reject> {
        let entry = self.agents.get_mut(&agent).ok_or(Reject::UnknownAgent)?;
        if skills.len() > SKILLS_MAX {
            return Err(Reject::Full);
        }
        entry.skills = skills;
        self.route(now);
        Ok(())
    }

    /// Takes an agent off the desk, logged out first. Refused during an item.
    pub fn remove_agent(&mut self, now: Instant, agent: AgentId) -> Result<(), Reject> {
        let entry = self.agents.get(&agent).ok_or(Reject::UnknownAgent)?;
        if entry.item.is_some() {
            return Err(Reject::WrongState);
        }
        if entry.state != AgentState::LoggedOut {
            self.change(now, agent, AgentState::LoggedOut);
        }
        if let Some(entry) = self.agents.remove(&agent) {
            self.gone = self.gone.plus(&entry.times(now));
        }
        Ok(())
    }

    /// Reserves a ready agent for an item that was never offered (a call the agent placed by hand). From here on it is
    /// an item as any other: `connected`, `finished`, or `Lost`.
    pub fn reserve(&mut self, now: Instant, agent: AgentId, item: CallId) -> Result<(), Reject> {
        let in_hand = |entry: &Agent| entry.item == Some(item);
        if self.waiting.contains_key(&item) || self.agents.values().any(in_hand) {
            return Err(Reject::DuplicateItem);
        }
        let entry = self.agents.get_mut(&agent).ok_or(Reject::UnknownAgent)?;
        if entry.state != AgentState::Ready {
            return Err(Reject::WrongState);
        }
        entry.item = Some(item);
        self.change(now, agent, AgentState::Reserved);
        Ok(())
    }

    /// An agent asks for a state; see [`Wanted`] for what happens during an item.
    pub fn set_state(&mut self, now: Instant, agent: AgentId, wanted: Wanted) -> Result<(), Reject> {
        let entry = self.agents.get_mut(&agent).ok_or(Reject::UnknownAgent)?;
        let state = entry.state;
        let with_item = matches!(state, AgentState::Reserved | AgentState::Talking);
        match wanted {
            Wanted::Ready => {
                entry.after = None;
                if matches!(state, AgentState::LoggedOut | AgentState::OnBreak | AgentState::WrapUp) {
                    self.change(now, agent, AgentState::Ready);
                }
            }
            Wanted::OnBreak { announced } => {
                if with_item || (announced && state == AgentState::WrapUp) {
                    entry.after = Some(wanted);
                } else if state != AgentState::OnBreak {
                    self.change(now, agent, AgentState::OnBreak);
                }
            }
            Wanted::LoggedOut { announced } => {
                if announced && (with_item || state == AgentState::WrapUp) {
                    entry.after = Some(wanted);
                } else {
                    let lost = entry.item.take();
                    if state != AgentState::LoggedOut {
                        self.change(now, agent, AgentState::LoggedOut);
                    }
                    if let Some(item) = lost {
                        self.outputs.push_back(Output::Lost { item, agent });
                    }
                }
            }
        }
        self.route(now);
        Ok(())
    }

    /// Offers an item: it is assigned at once, or waits until an agent or its deadline comes. One that comes too late is
    /// assigned if an agent is free at that moment: better late than not at all.
    pub fn offer(&mut self, now: Instant, item: WorkItem) -> Result<(), Reject> {
        if self.waiting.contains_key(&item.id) {
            return Err(Reject::DuplicateItem);
        }
        if self.waiting.len() >= ITEMS_MAX || item.skills.len() > SKILLS_MAX {
            return Err(Reject::Full);
        }
        self.sequence += 1;
        self.queue.insert((item.deadline, self.sequence, item.id));
        self.waiting.insert(item.id, Waiting { item, sequence: self.sequence });
        // What waited before found no agent among those who are ready, so the new item alone can get one.
        self.route(now);
        self.expire(now);
        Ok(())
    }

    /// Moves the deadline of a waiting item; false when it does not wait.
    pub fn set_deadline(&mut self, now: Instant, item: CallId, deadline: Instant) -> bool {
        let Some(entry) = self.waiting.get_mut(&item) else { return false };
        self.queue.remove(&(entry.item.deadline, entry.sequence, item));
        entry.item.deadline = deadline;
        self.queue.insert((deadline, entry.sequence, item));
        self.expire(now);
        true
    }

    /// Takes a waiting item back (the customer hung up); false when it does not wait.
    pub fn withdraw(&mut self, item: CallId) -> bool {
        let Some(entry) = self.waiting.remove(&item) else { return false };
        self.queue.remove(&(entry.item.deadline, entry.sequence, item));
        true
    }

    /// The reserved agent now talks with the customer.
    pub fn connected(&mut self, now: Instant, agent: AgentId) -> Result<(), Reject> {
        match self.agents.get(&agent).ok_or(Reject::UnknownAgent)?.state {
            AgentState::Reserved => {
                self.change(now, agent, AgentState::Talking);
                Ok(())
            }
            _ => Err(Reject::WrongState),
        }
    }

    /// The item in hand is over. Talking agents go to wrap-up; a reserved one, whose customer never came, becomes
    /// ready again with the idle time it had.
    pub fn finished(&mut self, now: Instant, agent: AgentId) -> Result<(), Reject> {
        let entry = self.agents.get_mut(&agent).ok_or(Reject::UnknownAgent)?;
        match entry.state {
            AgentState::Talking => {
                entry.item = None;
                if self.config.wrap_up_limit.is_some_and(|limit| limit.is_zero()) {
                    self.after_item(now, agent);
                } else {
                    self.change(now, agent, AgentState::WrapUp);
                }
            }
            AgentState::Reserved => {
                entry.item = None;
                let idle_since = entry.idle_since;
                if entry.after.is_some() {
                    self.after_item(now, agent);
                } else {
                    self.change(now, agent, AgentState::Ready);
                    self.restore_idle(agent, idle_since);
                }
            }
            _ => return Err(Reject::WrongState),
        }
        self.route(now);
        Ok(())
    }

    /// Fires wrap-up limits and item deadlines that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        // Wrap-ups first: an agent who comes free at the very moment of a deadline is not in time, because the
        // deadline itself is too late (see `WorkItem::deadline`), but must not miss a later item of the same moment.
        while let Some(&(at, agent)) = self.wraps.first() {
            if at > now {
                break;
            }
            self.after_item(now, agent);
        }
        self.expire(now);
        self.route(now);
    }

    /// When `handle_timeout` has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let wrap = self.wraps.first().map(|(at, _)| *at);
        let deadline = self.queue.first().map(|(at, _, _)| *at);
        match (wrap, deadline) {
            (Some(wrap), Some(deadline)) => Some(wrap.min(deadline)),
            (wrap, deadline) => wrap.or(deadline),
        }
    }

    /// The next decision, in order; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// One agent.
    pub fn agent(&self, agent: AgentId) -> Option<&Agent> {
        self.agents.get(&agent)
    }

    /// All agents in order of id.
    pub fn agents(&self) -> impl ExactSizeIterator<Item = (AgentId, &Agent)> {
        self.agents.iter().map(|(id, agent)| (*id, agent))
    }

    /// Items that wait for an agent.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Agents in the state `Ready`.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Agents who are logged in and not on break, in whatever state of work.
    pub fn working(&self) -> usize {
        self.working
    }

    /// Times of all agents together up to `now`, of those that were removed too.
    pub fn times(&self, now: Instant) -> StateTimes {
        self.agents.values().fold(self.gone, |sum, agent| sum.plus(&agent.times(now)))
    }

    /// What follows an item and its wrap-up: the leave asked for, or ready.
    fn after_item(&mut self, now: Instant, agent: AgentId) {
        let after = self.agents.get_mut(&agent).and_then(|entry| entry.after.take());
        let state = match after {
            None | Some(Wanted::Ready) => AgentState::Ready,
            Some(Wanted::OnBreak { .. }) => AgentState::OnBreak,
            Some(Wanted::LoggedOut { .. }) => AgentState::LoggedOut,
        };
        self.change(now, agent, state);
    }

    fn restore_idle(&mut self, agent: AgentId, idle_since: Instant) {
        if let Some(entry) = self.agents.get_mut(&agent) {
            self.ready.remove(&(entry.idle_since, agent));
            entry.idle_since = idle_since;
            self.ready.insert((idle_since, agent));
        }
    }

    /// The one place where a state changes: keeps the index sets, the times and the outputs in step.
    fn change(&mut self, now: Instant, agent: AgentId, state: AgentState) {
        let Some(entry) = self.agents.get_mut(&agent) else { return };
        entry.times.add(entry.state, now.since(entry.since));
        if entry.state == AgentState::Ready {
            self.ready.remove(&(entry.idle_since, agent));
        }
        if let Some(at) = entry.wrap_ends.take() {
            self.wraps.remove(&(at, agent));
        }
        let at_work = |state| usize::from(!matches!(state, AgentState::LoggedOut | AgentState::OnBreak));
        self.working = self.working + at_work(state) - at_work(entry.state);
        entry.state = state;
        entry.since = now;
        match state {
            AgentState::Ready => {
                entry.idle_since = now;
                self.ready.insert((now, agent));
            }
            AgentState::WrapUp => {
                if let Some(limit) = self.config.wrap_up_limit {
                    entry.wrap_ends = Some(now + limit);
                    self.wraps.insert((now + limit, agent));
                }
            }
            AgentState::LoggedOut | AgentState::OnBreak => entry.after = None,
            AgentState::Reserved | AgentState::Talking => {}
        }
        self.outputs.push_back(Output::AgentChanged { agent, state });
    }

    /// Wrap-ups that begin from now on end by themselves after this time; those under way keep theirs.
    pub fn set_wrap_up_limit(&mut self, limit: Option<Duration>) {
        self.config.wrap_up_limit = limit;
    }

    fn expire(&mut self, now: Instant) {
        while let Some(&(deadline, sequence, item)) = self.queue.first() {
            if deadline > now {
                break;
            }
            self.queue.remove(&(deadline, sequence, item));
            self.waiting.remove(&item);
            self.outputs.push_back(Output::Expired { item });
        }
    }

    /// Gives waiting items to ready agents: items by deadline, agents by idle time.
    fn route(&mut self, now: Instant) {
        let mut passed_over: Option<(Instant, u64, CallId)> = None;
        while !self.ready.is_empty() {
            let next = match passed_over {
                None => self.queue.first(),
                Some(key) => self.queue.range((std::ops::Bound::Excluded(key), std::ops::Bound::Unbounded)).next(),
            };
            let Some(&key) = next else { return };
            let (_, _, item) = key;
            let skills = &self.waiting[&item].item.skills;
            let fits = |(_, agent): &&(Instant, AgentId)| skills.is_subset(&self.agents[agent].skills);
            let Some(&(_, agent)) = self.ready.iter().find(fits) else {
                passed_over = Some(key);
                continue;
            };
            self.queue.remove(&key);
            self.waiting.remove(&item);
            if let Some(entry) = self.agents.get_mut(&agent) {
                entry.item = Some(item);
            }
            self.change(now, agent, AgentState::Reserved);
            self.outputs.push_back(Output::Assigned { item, agent });
        }
    }
}

#[cfg(test)]
mod tests;
