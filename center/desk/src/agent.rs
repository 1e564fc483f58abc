//! One agent: state, skills, and the time spent in each state.

use base::{CallId, Duration, Instant};

use crate::Skills;
use crate::desk::Wanted;

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentState {
    /// Not at work.
    LoggedOut,
    /// At work, on a break.
    OnBreak,
    /// Waiting for an item.
    Ready,
    /// Chosen for an item that is not connected yet.
    Reserved,
    /// With a customer.
    Talking,
    /// Finishing the paperwork of the last item.
    WrapUp,
}

impl AgentState {
    /// Every state, in the order of declaration.
    pub const ALL: [AgentState; 6] = [
        AgentState::LoggedOut,
        AgentState::OnBreak,
        AgentState::Ready,
        AgentState::Reserved,
        AgentState::Talking,
        AgentState::WrapUp,
    ];

    /// The name used in files and on the API: `logged_out`, `on_break`, `ready`, `reserved`, `talking`, `wrap_up`.
    pub const fn name(self) -> &'static str {
        match self {
            AgentState::LoggedOut => "logged_out",
            AgentState::OnBreak => "on_break",
            AgentState::Ready => "ready",
            AgentState::Reserved => "reserved",
            AgentState::Talking => "talking",
            AgentState::WrapUp => "wrap_up",
        }
    }
}

impl std::fmt::Display for AgentState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Time spent in each state since the agent was added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateTimes {
    spent: [Duration; 6],
}

impl StateTimes {
    /// Time in one state.
    pub fn in_state(&self, state: AgentState) -> Duration {
        self.spent[state as usize]
    }

    /// Time in all states together.
    pub fn total(&self) -> Duration {
        self.spent.iter().copied().sum()
    }

    /// Logged in and not on break: the denominator of occupancy.
    pub fn worked(&self) -> Duration {
        self.total() - self.in_state(AgentState::LoggedOut) - self.in_state(AgentState::OnBreak)
    }

    /// Talk and wrap-up: the numerator of occupancy.
    pub fn busy(&self) -> Duration {
        self.in_state(AgentState::Talking) + self.in_state(AgentState::WrapUp)
    }

    /// (talk + wrap-up) ÷ logged-in time not on break; 0 before any work.
    pub fn occupancy(&self) -> f64 {
        let worked = self.worked().as_secs_f64();
        if worked > 0.0 { self.busy().as_secs_f64() / worked } else { 0.0 }
    }

    /// These times and `other`'s together.
    pub fn plus(&self, other: &StateTimes) -> StateTimes {
        let mut sum = *self;
        for (mine, theirs) in sum.spent.iter_mut().zip(other.spent) {
            *mine += theirs;
        }
        sum
    }

    pub(crate) fn add(&mut self, state: AgentState, span: Duration) {
        self.spent[state as usize] += span;
    }
}

/// An agent as the desk keeps it.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Name for people.
    pub name: String,
    /// What the agent can do.
    pub skills: Skills,
    pub(crate) state: AgentState,
    pub(crate) since: Instant,
    /// Start of the present idle time; kept through a reservation that comes to nothing.
    pub(crate) idle_since: Instant,
    pub(crate) item: Option<CallId>,
    pub(crate) after: Option<Wanted>,
    pub(crate) wrap_ends: Option<Instant>,
    pub(crate) times: StateTimes,
}

impl Agent {
    /// Present state.
    pub fn state(&self) -> AgentState {
        self.state
    }
    /// When the present state began.
    pub fn since(&self) -> Instant {
        self.since
    }
    /// The item the agent is reserved for or talks to.
    pub fn item(&self) -> Option<CallId> {
        self.item
    }
    /// True when the agent has asked to leave after the present item.
    pub fn leaving(&self) -> bool {
        self.after.is_some()
    }
    /// Times in each state up to `now`, the running state included.
    pub fn times(&self, now: Instant) -> StateTimes {
        let mut times = self.times;
        times.add(self.state, now.since(self.since));
        times
    }
}
