//! Floor 3: the desk. Agents, their states and skills, and who gets the next work item.
//!
//! ```text
//!  offer(WorkItem) ──> queue, earliest deadline first ──┐
//!                                                       ├──> Output::Assigned{item, agent}  (longest idle, skills fit)
//!  set_state(Ready) ──> ready agents, longest idle first┘    Output::Expired{item}         (deadline passed, no agent)
//!  reserve(agent, item) ──> an item past the queue: a call that a ready agent places by hand
//! ```
//!
//! An agent's round: `Ready → Reserved → Talking → WrapUp → Ready`. A leave that was asked for during a call
//! ("break after this call") is kept and taken when the call and its wrap-up are over.
//!
//! **Invariants.** An agent has at most one item; an item is in the queue or with one agent, never both; the same
//! inputs give the same outputs in the same order. Agent time adds up: the sums of [`StateTimes`] equal the time since
//! the agent was added, until it was removed. Absent: clocks, chance, phone legs (whoever owns the leg says when the agent is ready), and
//! the meaning of an item (a call today, a message later).
//!
//! **Units.** Times are `base::Duration` (ns); occupancy is a share of 1.

mod agent;
mod desk;

pub use agent::{Agent, AgentState, StateTimes};
pub use desk::{AGENTS_MAX, Desk, DeskConfig, ITEMS_MAX, Output, Reject, SKILLS_MAX, Wanted, WorkItem};

use std::collections::BTreeSet;

/// A set of skill names; an agent fits an item when the agent's set holds every skill of the item.
pub type Skills = BTreeSet<String>;
