//! The conductor stands between two brains that never import each other: the dialer, which decides, and the shards,
//! which carry the calls. It translates: what the dialer wants becomes commands and rows to store, what the shards and
//! the store tell becomes inputs of the dialer.
//!
//! ```text
//!   dialer ──Output──> Conductor ──Command──> shard        (by value, over bounded queues)
//!      ^                  │  ^ └───Op─────> store
//!      └──────Input───────┘  └── Event, Ack
//! ```
//!
//! Sans-IO, in the one shape of every machine, so that the same conductor runs over sockets in `runtime.rs` and over a
//! simulated network in the tests.

mod agents;
mod calls;
mod figures;
mod rows;

#[cfg(test)]
mod tests;

pub use figures::{Figures, Spread};

use base::{AgentId, AttemptId, CampaignId, Instant, LegId, ShardId, TrunkId, WallAnchor};
use call::{Command, Event};
use codecs::g711::Law;
use dialer::{Dialer, Input};
use media::amd::DetectorConfig;
use media::playout::Prompt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use store::TenantId;

/// Where calls of a trunk go.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// Name in the configuration and in the rows.
    pub name: String,
    /// Next hop.
    pub remote: SocketAddr,
    /// Host part of Request-URI and To.
    pub domain: String,
    /// Answers to the trunk's challenges.
    pub credentials: Option<sip::Credentials>,
    /// In order of preference.
    pub laws: Vec<Law>,
    /// Concurrent calls.
    pub max_channels: u32,
    /// New calls a second.
    pub max_cps: f64,
}

/// Where an agent's phone is.
#[derive(Clone, Debug)]
pub struct AgentPhone {
    /// Name in the configuration.
    pub name: String,
    /// Request-URI of the phone.
    pub uri: String,
    /// Next hop.
    pub remote: SocketAddr,
}

/// Settings of a run.
#[derive(Clone, Debug)]
pub struct ConductorConfig {
    /// Owner of all rows written.
    pub tenant: TenantId,
    /// Legs are spread over so many shards.
    pub shards: u64,
    /// Host part of our own URIs.
    pub domain: String,
    /// Answer detection of outgoing calls.
    pub detection: DetectorConfig,
    /// Safe-harbour messages by name.
    pub messages: BTreeMap<String, Arc<Prompt>>,
    /// First call id that the store has not used.
    pub first_call: u64,
}

/// What the conductor wants done.
#[derive(Debug)]
pub enum Output {
    /// For a shard.
    Command(ShardId, Command),
    /// For the store; the token comes back in the acknowledgement.
    Store(u64, Box<store::Op>),
    /// A campaign could take `room` more leads from its list.
    LeadsWanted(CampaignId, usize),
    /// The campaign has nothing left to dial and no call under way.
    Finished(CampaignId),
    /// Something that an operator should read.
    Notice(String),
}

/// What a leg is for.
#[derive(Clone, Copy, Debug)]
enum Role {
    Customer(AttemptId),
    Agent(AgentId),
}

/// See the module's head.
pub struct Conductor {
    config: ConductorConfig,
    anchor: WallAnchor,
    dialer: Dialer,
    trunks: BTreeMap<TrunkId, Trunk>,
    phones: BTreeMap<AgentId, agents::Phone>,
    calls: BTreeMap<AttemptId, calls::Live>,
    legs: BTreeMap<LegId, Role>,
    /// Intents on their way to the disk, by the token of their op.
    recording: BTreeMap<u64, AttemptId>,
    /// Campaign of each attempt from its intent to its close.
    campaigns: BTreeMap<AttemptId, CampaignId>,
    /// Attempts whose intent was refused: they never were, and leave no row.
    refused: BTreeSet<AttemptId>,
    next_token: u64,
    next_call: u64,
    outputs: VecDeque<Output>,
    figures: Figures,
}

impl Conductor {
    /// A conductor for `dialer`, without trunks and agents.
    pub fn new(config: ConductorConfig, dialer: Dialer, anchor: WallAnchor) -> Self {
        Conductor {
            next_call: config.first_call,
            config,
            anchor,
            dialer,
            trunks: BTreeMap::new(),
            phones: BTreeMap::new(),
            calls: BTreeMap::new(),
            legs: BTreeMap::new(),
            recording: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            refused: BTreeSet::new(),
            next_token: 1,
            outputs: VecDeque::new(),
            figures: Figures::default(),
        }
    }

    /// Adds a trunk and tells the dialer what it takes.
    pub fn add_trunk(&mut self, now: Instant, id: TrunkId, trunk: Trunk) {
        let room = Input::TrunkRoom { trunk: id, channels_free: trunk.max_channels, cps: trunk.max_cps };
        self.trunks.insert(id, trunk);
        self.handle_input(now, room);
    }

    /// Anything the dialer should know that comes neither from a shard nor from the store.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        self.dialer.handle_input(now, input);
        self.drain_dialer(now);
    }

    /// What a shard tells.
    pub fn handle_event(&mut self, now: Instant, shard: ShardId, event: Event) {
        let leg = match &event {
            Event::Incoming { leg, .. }
            | Event::Progress { leg, .. }
            | Event::Answered { leg, .. }
            | Event::Verdict { leg, .. }
            | Event::PlayEnded { leg, .. }
            | Event::Digit { leg, .. }
            | Event::Audio { leg, .. }
            | Event::BridgeAudio { leg, .. }
            | Event::Held { leg, .. }
            | Event::Ended { leg, .. } => *leg,
            Event::OrphanEnded { .. }
            | Event::Registered { .. }
            | Event::RegistrationFailed { .. }
            | Event::Unregistered { .. }
            | Event::TrunkUp { .. } => return,
        };
        match self.legs.get(&leg).copied() {
            Some(Role::Customer(attempt)) => self.customer_event(now, attempt, event),
            Some(Role::Agent(agent)) => self.agent_event(now, agent, event),
            None => self.stranger_event(shard, event),
        }
        self.drain_dialer(now);
    }

    /// What the store says of an op.
    pub fn handle_ack(&mut self, now: Instant, token: u64, result: Result<(), store::StoreError>) {
        if let Err(error) = &result {
            self.outputs.push_back(Output::Notice(error.to_string()));
        }
        let Some(attempt) = self.recording.remove(&token) else { return };
        let input = match result {
            Ok(()) => Input::IntentDurable { attempt },
            Err(_) => {
                self.refused.insert(attempt);
                Input::IntentRefused { attempt }
            }
        };
        self.handle_input(now, input);
    }

    /// Fires what is due by `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.call_phones_due(now);
        if self.dialer.poll_timeout().is_some_and(|at| at <= now) {
            self.dialer.handle_timeout(now);
        }
        self.drain_dialer(now);
    }

    /// When to call `handle_timeout`.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match (self.dialer.poll_timeout(), self.next_phone_call()) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        }
    }

    /// The next thing to do; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What the run has shown so far.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The deciding half, to look at.
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Legs that have not had their last event, agents' phones included.
    pub fn legs_live(&self) -> usize {
        self.legs.len()
    }

    /// Customers' calls under way.
    pub fn calls_live(&self) -> usize {
        self.calls.len()
    }

    fn command(&mut self, shard: ShardId, command: Command) {
        self.outputs.push_back(Output::Command(shard, command));
    }

    fn store(&mut self, op: store::Op) -> u64 {
        let token = self.next_token;
        self.next_token += 1;
        self.outputs.push_back(Output::Store(token, Box::new(op)));
        token
    }

    /// Inbound routes come with the API; until then a stranger is refused (default deny).
    fn stranger_event(&mut self, shard: ShardId, event: Event) {
        if let Event::Incoming { leg, .. } = event {
            self.command(shard, Command::Reject { leg, code: 403, retry_after_s: None });
        }
    }
}
