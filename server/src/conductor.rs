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
mod amd;
mod calls;
mod figures;
mod picture;
mod placed;
mod preview;
mod requests;
mod rows;
mod trace;

#[cfg(test)]
mod tests;

pub use figures::{Figures, Spread};
pub use placed::{InboundAction, InboundRoute};
pub(crate) use preview::REASON_BYTES_MAX;
pub use requests::Answer;

use crate::amd::Listening;
use base::{AgentId, AttemptId, CallId, CampaignId, Duration, Instant, LegId, ShardId, TrunkId, WallAnchor};
use call::{Command, Event};
use codecs::g711::Law;
use detect::print::{Learner, Recordings};
use dialer::{Dialer, Input, Number};
use media::playout::Prompt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use store::TenantId;
use trace::What;

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
    /// Audio goes to where its own comes from.
    pub nat: bool,
    /// We register with it, with its credentials, so that it sends us calls.
    pub register: bool,
    /// How often we ask whether it is there; zero: never.
    pub ping: Duration,
}

/// A trunk with what is known of it.
struct TrunkEntry {
    trunk: Trunk,
    /// It answers our questions; `None` while nobody knows.
    up: Option<bool>,
    /// It took our registration; `None` without one.
    registered: Option<bool>,
    /// Calls that the API placed over it in the last second.
    placed_at: VecDeque<Instant>,
}

impl std::ops::Deref for TrunkEntry {
    type Target = Trunk;
    fn deref(&self) -> &Trunk {
        &self.trunk
    }
}

/// Where an agent's phone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentPhone {
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
    pub detection: Listening,
    /// Safe-harbour messages, and messages of campaigns without agents, by name.
    pub messages: BTreeMap<String, Arc<Prompt>>,
    /// Fixed recordings that were learnt before the start.
    pub recordings: Recordings,
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
    /// A campaign is dialled from this source from now on.
    Supply(CampaignId, Box<crate::feeder::Source>),
    /// Leads of this number may be dialled again.
    FeedNumber(CampaignId, Number),
    /// A campaign is gone, and needs no leads.
    Unsupply(CampaignId),
    /// The list of a campaign has new leads.
    ListGrew(CampaignId),
    /// How long a drain may take from now on.
    DrainLimit(Duration),
    /// A campaign could take `room` more leads from its list.
    LeadsWanted(CampaignId, usize),
    /// The campaign has nothing left to dial and no call under way.
    Finished(CampaignId),
    /// Something that an operator should read.
    Notice(String),
    /// Something that those who watch should know: what, and the thing as the API shows it.
    Tell(&'static str, serde_json::Value),
}

/// How long a registration is asked for: an hour is what RFC 3261 section 10.2.1.1 suggests.
const REGISTRATION_S: u32 = 3_600;

/// What a leg is for.
#[derive(Clone, Copy, Debug)]
enum Role {
    Customer(AttemptId),
    Agent(AgentId),
    Placed(CallId),
}

/// See the module's head.
pub struct Conductor {
    config: ConductorConfig,
    anchor: WallAnchor,
    /// Does not follow the wall clock when it is set: the ledger's line, as in the dialer.
    steady: WallAnchor,
    dialer: Dialer,
    trunks: BTreeMap<TrunkId, TrunkEntry>,
    routes: Vec<InboundRoute>,
    phones: BTreeMap<AgentId, agents::Phone>,
    /// Skills as configured, without those that campaigns' teams add.
    agent_skills: BTreeMap<AgentId, BTreeSet<String>>,
    campaigns: BTreeMap<CampaignId, requests::Campaign>,
    calls: BTreeMap<AttemptId, calls::Live>,
    /// The attempt of each call in `calls`.
    attempt_of: BTreeMap<CallId, AttemptId>,
    placed: BTreeMap<CallId, placed::Placed>,
    legs: BTreeMap<LegId, Role>,
    /// Leads that agents look at.
    offers: BTreeMap<AgentId, crate::control::views::OfferView>,
    /// How the latest of each agent ended; one for each agent at most.
    offer_ends: BTreeMap<AgentId, dialer::OfferEnd>,
    /// Of the skip under way.
    skip_reason: Option<String>,
    /// Calls of a process before this one that get a BYE, by Call-ID; with their CDR, if they have one.
    orphans: BTreeMap<String, Option<CallId>>,
    /// Intents on their way to the disk, by the token of their op.
    recording: BTreeMap<u64, AttemptId>,
    /// Campaign of each attempt from its intent to its close.
    attempt_campaigns: BTreeMap<AttemptId, CampaignId>,
    /// Fixed recordings that answered, in all campaigns.
    openings: Learner,
    /// Consents, lifted suppressions and promises to call back on their way to the disk, by the token of their op.
    revived: BTreeMap<u64, Number>,
    /// Attempts whose intent was refused: they never were, and leave no row.
    refused: BTreeSet<AttemptId>,
    next_token: u64,
    next_call: u64,
    draining: bool,
    held: bool,
    outputs: VecDeque<Output>,
    figures: Figures,
}

impl Conductor {
    /// A conductor for `dialer`, without trunks and agents.
    pub fn new(mut config: ConductorConfig, dialer: Dialer, anchor: WallAnchor) -> Self {
        let known = std::mem::take(&mut config.recordings);
        config.detection.know(Arc::new(known.clone()));
        Conductor {
            next_call: config.first_call,
            config,
            anchor,
            steady: anchor,
            dialer,
            trunks: BTreeMap::new(),
            routes: Vec::new(),
            phones: BTreeMap::new(),
            agent_skills: BTreeMap::new(),
            campaigns: BTreeMap::new(),
            calls: BTreeMap::new(),
            attempt_of: BTreeMap::new(),
            placed: BTreeMap::new(),
            legs: BTreeMap::new(),
            offers: BTreeMap::new(),
            offer_ends: BTreeMap::new(),
            skip_reason: None,
            orphans: BTreeMap::new(),
            recording: BTreeMap::new(),
            attempt_campaigns: BTreeMap::new(),
            openings: Learner::new(known),
            revived: BTreeMap::new(),
            refused: BTreeSet::new(),
            next_token: 1,
            draining: false,
            held: false,
            outputs: VecDeque::new(),
            figures: Figures::default(),
        }
    }

    /// Adds a trunk, or changes it, and tells the dialer what it takes.
    pub fn put_trunk(&mut self, now: Instant, id: TrunkId, trunk: Trunk) {
        let shard = ShardId(id.0 % self.config.shards);
        let before = self.trunks.remove(&id);
        if before.as_ref().is_some_and(|before| before.register && !trunk.register) {
            self.command(shard, Command::Unregister { trunk: id });
        }
        if let (true, Some(credentials)) = (trunk.register, trunk.credentials.clone()) {
            let register = call::Register {
                trunk: id,
                registrar: trunk.remote,
                aor: format!("sip:{}@{}", credentials.username, trunk.domain),
                contact_user: credentials.username.clone(),
                credentials,
                expires_s: REGISTRATION_S,
            };
            self.command(shard, Command::Register(Box::new(register)));
        }
        let pinged = before.as_ref().is_some_and(|before| !before.ping.is_zero());
        if pinged || !trunk.ping.is_zero() {
            self.command(shard, Command::Ping { trunk: id, remote: trunk.remote, every: trunk.ping });
        }
        let known = before.filter(|before| before.remote == trunk.remote);
        let (up, registered, placed_at) =
            known.map_or((None, None, VecDeque::new()), |known| (known.up, known.registered, known.placed_at));
        let registered = if trunk.register { Some(registered.unwrap_or(false)) } else { None };
        self.trunks.insert(id, TrunkEntry { trunk, up, registered, placed_at });
        self.trunk_changed(now, id);
        self.drain_dialer(now);
    }

    /// Registrations and questions whether trunks are there end; for the end of a run.
    pub fn let_trunks_go(&mut self) {
        let of = |(id, entry): (&TrunkId, &TrunkEntry)| (*id, entry.remote, entry.register, !entry.ping.is_zero());
        for (trunk, remote, registered, pinged) in self.trunks.iter().map(of).collect::<Vec<_>>() {
            self.let_trunk_go(trunk, remote, registered, pinged);
        }
    }

    fn let_trunk_go(&mut self, trunk: TrunkId, remote: SocketAddr, registered: bool, pinged: bool) {
        let shard = ShardId(trunk.0 % self.config.shards);
        if registered {
            self.command(shard, Command::Unregister { trunk });
        }
        if pinged {
            self.command(shard, Command::Ping { trunk, remote, every: Duration::ZERO });
        }
    }

    /// Something that a shard tells of a trunk.
    fn trunk_event(&mut self, id: TrunkId, up: Option<bool>, registered: Option<bool>) {
        let Some(entry) = self.trunks.get_mut(&id) else { return };
        entry.up = up.or(entry.up);
        entry.registered = registered.or(entry.registered);
        let told = serde_json::json!({ "name": entry.name, "up": entry.up, "registered": entry.registered });
        self.outputs.push_back(Output::Tell("trunk.state", told));
    }

    /// Hangs up what a process before this one left; `by` chooses the shard that the answers come to.
    pub fn end_orphans(&mut self, orphans: Vec<(Option<CallId>, sip::DialogIdentity)>, by: impl Fn(&str) -> ShardId) {
        for (call, dialog) in orphans {
            let shard = by(&dialog.call_id);
            self.orphans.insert(dialog.call_id.clone(), call);
            self.command(shard, Command::EndOrphan { dialog: Box::new(dialog) });
        }
    }

    /// Calls of a process before this one whose end is not known yet.
    pub fn orphans(&self) -> usize {
        self.orphans.len()
    }

    fn orphan_ended(&mut self, now: Instant, call_id: &str, code: Option<u16>) {
        let Some(Some(call)) = self.orphans.remove(call_id) else { return };
        let row = rows::orphan_close(self.config.tenant, &self.anchor, now, call, code);
        self.store(store::Op::CdrClose(row));
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
            | Event::EarlySound { leg, .. }
            | Event::Answered { leg, .. }
            | Event::Verdict { leg, .. }
            | Event::LikelyPerson { leg, .. }
            | Event::Revision { leg, .. }
            | Event::Recognised { leg, .. }
            | Event::Opening { leg, .. }
            | Event::PlayBegan { leg, .. }
            | Event::PlayEnded { leg, .. }
            | Event::Digit { leg, .. }
            | Event::Audio { leg, .. }
            | Event::BridgeAudio { leg, .. }
            | Event::Held { leg, .. }
            | Event::Quality { leg, .. }
            | Event::Ended { leg, .. } => *leg,
            Event::OrphanEnded { call_id, code } => return self.orphan_ended(now, call_id, *code),
            Event::Registered { trunk, .. } => return self.trunk_event(*trunk, None, Some(true)),
            Event::Unregistered { trunk } => return self.trunk_event(*trunk, None, Some(false)),
            Event::RegistrationFailed { trunk, code, retry_after_s, reason } => {
                let name = self.trunks.get(trunk).map_or("?", |entry| entry.name.as_str());
                let again = retry_after_s.map_or("not tried again".to_owned(), |s| format!("tried again in {s} s"));
                let text = format!("trunk {name:?} refused our registration ({code} {reason}), {again}");
                self.outputs.push_back(Output::Notice(text));
                return self.trunk_event(*trunk, None, Some(false));
            }
            Event::TrunkUp { trunk, up, .. } => return self.trunk_event(*trunk, Some(*up), None),
        };
        match self.legs.get(&leg).copied() {
            Some(Role::Customer(attempt)) => self.customer_event(now, attempt, event),
            Some(Role::Agent(agent)) => self.agent_event(now, agent, event),
            Some(Role::Placed(call)) => self.placed_event(now, call, event),
            None => {
                if let Event::Incoming { leg, from_user, to_user, source, .. } = event {
                    self.incoming(now, shard, leg, from_user, to_user, source);
                }
            }
        }
        self.drain_dialer(now);
    }

    /// What the store says of an op.
    pub fn handle_ack(&mut self, now: Instant, token: u64, result: Result<(), store::StoreError>) {
        let attempt = self.recording.remove(&token);
        if let (Some(number), true) = (self.revived.remove(&token), result.is_ok()) {
            self.outputs.extend(self.campaigns.keys().map(|campaign| Output::FeedNumber(*campaign, number)));
        }
        let later = result.as_ref().is_err_and(|error| error.kind.is_passing());
        // The lead has more attempts than this campaign knows of: another one that dials its list had it first.
        let elsewhere =
            attempt.is_some() && result.as_ref().is_err_and(|error| error.kind == store::ErrorKind::NotFound);
        // That the store is away or full is said once, by whoever watches it.
        if let (Err(error), false) = (&result, later || elsewhere) {
            self.outputs.push_back(Output::Notice(error.to_string()));
        }
        let Some(attempt) = attempt else { return };
        let input = match result {
            Ok(()) => Input::IntentDurable { attempt },
            Err(_) => {
                self.refused.insert(attempt);
                match (later, elsewhere) {
                    (true, _) => Input::IntentDeferred { attempt },
                    (false, true) => Input::LeadElsewhere { attempt },
                    (false, false) => Input::IntentRefused { attempt },
                }
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

    fn token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token - 1
    }

    /// While the store takes no more, nothing new begins: no attempt, no call of the API, no inbound call.
    pub fn hold(&mut self, now: Instant, on: bool) {
        self.held = on;
        if !self.draining {
            self.handle_input(now, Input::Hold { on });
        }
    }

    /// Ties instants to the wall.
    pub fn anchor(&self) -> WallAnchor {
        self.anchor
    }

    /// The wall clock was set.
    pub fn set_wall(&mut self, now: Instant, anchor: WallAnchor) {
        self.anchor = anchor;
        self.handle_input(now, Input::WallClock { anchor });
    }

    /// What the run has shown so far.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The deciding half, to look at.
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Leads that the dialer holds for a campaign, by their ids.
    pub fn leads_held(&self, campaign: CampaignId) -> Vec<base::LeadId> {
        self.dialer.leads_held(campaign)
    }

    /// Legs that have not had their last event, agents' phones included.
    pub fn legs_live(&self) -> usize {
        self.legs.len()
    }

    /// Customers' calls under way, also those that are only decided.
    pub fn calls_live(&self) -> usize {
        self.attempt_campaigns.len() + self.placed.len()
    }

    /// Ends every customer's call; for the end of a run.
    pub fn hang_up_all(&mut self, now: Instant) {
        let of_campaigns = self.calls.values().map(|live| (live.leg, live.shard));
        let all: Vec<(LegId, ShardId)> =
            of_campaigns.chain(self.placed.values().map(|placed| (placed.leg, placed.shard))).collect();
        for (leg, shard) in all {
            self.end_leg(now, leg, shard, "server stops");
        }
    }

    /// Hangs a customer's leg up, and notes that it was us.
    fn end_leg(&mut self, now: Instant, leg: LegId, shard: ShardId, reason: &'static str) {
        let trace = match self.legs.get(&leg) {
            Some(Role::Customer(attempt)) => self.calls.get_mut(attempt).map(|live| &mut live.trace),
            Some(Role::Placed(call)) => self.placed.get_mut(call).map(|placed| &mut placed.trace),
            Some(Role::Agent(_)) | None => None,
        };
        if let Some(trace) = trace {
            trace.note_why(now, What::HangUp, reason);
        }
        self.command(shard, Command::Hangup { leg, reason });
    }

    fn command(&mut self, shard: ShardId, command: Command) {
        self.outputs.push_back(Output::Command(shard, command));
    }

    fn store(&mut self, op: store::Op) -> u64 {
        let token = self.token();
        self.outputs.push_back(Output::Store(token, Box::new(op)));
        token
    }
}
