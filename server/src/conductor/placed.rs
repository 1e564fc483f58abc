//! Calls that no campaign placed: those that the API asks for, and those that come in. Each has one customer's leg and
//! one wish: an agent, a prompt, or an echo.

use super::trace::{Trace, What};
use super::{Conductor, Output, Role, rows};
use crate::config::CalledPattern;
use crate::control::api::{BUSY_RETRY_S, Connect, NewCall};
use crate::control::{Refusal, Reply};
use base::{AgentId, CallId, Duration, Instant, LegId, ShardId, TrunkId};
use call::{Command, Event, Originate};
use dialer::Input;
use media::playout::Prompt;
use std::net::SocketAddr;
use std::sync::Arc;

/// Calls that were not placed by campaigns, at once: as many as media ports of one address allow (2 a leg, 10,000 in the
/// usual range leave 5,000 legs).
pub(super) const PLACED_MAX: usize = 5_000;
/// How long such a call may ring.
const RING_LIMIT: Duration = Duration::from_secs(60);
/// Legs of calls placed by the API, and their items at the desk: this bit and the call's id. Items of campaigns are
/// attempts' ids, which count from 1.
const PLACED_BIT: u64 = 1 << 61;
/// Longest name or number kept from the wire: an E.164 number has 15 digits, a SIP user rarely 64 letters.
const NAME_BYTES_MAX: usize = 128;

/// What an inbound call gets.
#[derive(Clone, Debug)]
pub struct InboundRoute {
    /// Whom it must call.
    pub to: CalledPattern,
    /// Only over this trunk.
    pub from_trunk: Option<TrunkId>,
    /// What is done.
    pub action: InboundAction,
}

/// See [`InboundRoute`].
#[derive(Clone, Debug)]
pub enum InboundAction {
    /// Its own voice.
    Echo,
    /// A prompt; the call ends with it.
    Play(Arc<Prompt>),
    /// A refusal with this SIP code.
    Reject(u16),
}

/// What the customer's leg is joined to when it is up.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Echo,
    Play(Arc<Prompt>),
    Agent(AgentId),
}

/// One such call.
pub(super) struct Placed {
    pub(super) leg: LegId,
    pub(super) shard: ShardId,
    pub(super) inbound: bool,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) trunk: Option<TrunkId>,
    pub(super) wish: Wish,
    pub(super) began: Instant,
    pub(super) ringing: bool,
    pub(super) answered: Option<Instant>,
    pub(super) connected: Option<Instant>,
    /// The agent's leg it was bridged with.
    pub(super) agent_leg: Option<LegId>,
    pub(super) trace: Trace,
}

impl Placed {
    pub(super) fn agent(&self) -> Option<AgentId> {
        match self.wish {
            Wish::Agent(agent) => Some(agent),
            Wish::Echo | Wish::Play(_) => None,
        }
    }
}

impl Conductor {
    /// Inbound calls are matched against these, the first that fits is taken.
    pub fn set_routes(&mut self, routes: Vec<InboundRoute>) {
        self.routes = routes;
    }

    /// Places a call for the API.
    pub(super) fn place(&mut self, now: Instant, call: NewCall) -> Result<Reply, Refusal> {
        let named = |trunk: &super::Trunk| trunk.name == call.trunk;
        let Some((&trunk_id, trunk)) = self.trunks.iter().find(|(_, trunk)| named(trunk)) else {
            return Err(Refusal::NotFound { what: format!("trunk {:?}", call.trunk) });
        };
        let (remote, domain, laws) = (trunk.remote, trunk.domain.clone(), trunk.laws.clone());
        let (credentials, learn) = (trunk.credentials.clone(), trunk.nat);
        let busy = |what: String| Refusal::Busy { what, retry_after_s: BUSY_RETRY_S };
        let refuses = |number| self.dialer.is_do_not_call(number);
        if !call.despite_do_not_call && dialer::Number::parse(&call.to).is_ok_and(refuses) {
            return Err(Refusal::Conflict {
                what: "this number is on the do-not-call set".to_owned(),
                mend: "leave it, or let a supervisor send despite_do_not_call: true".to_owned(),
            });
        }
        if self.held {
            return Err(busy("the store takes no more rows".to_owned()));
        }
        if self.placed.len() >= PLACED_MAX {
            return Err(busy(format!("{PLACED_MAX} calls are placed already")));
        }
        if self.trunk_free(trunk_id) == 0 {
            return Err(busy(format!("all channels of trunk {:?} are in use", call.trunk)));
        }
        if !self.take_cps(now, trunk_id) {
            return Err(busy(format!("trunk {:?} takes no more calls this second", call.trunk)));
        }
        let id = self.new_call_id();
        let mut trace = Trace::begun(now, "outbound");
        let wish = match call.connect {
            Connect::Echo => Wish::Echo,
            Connect::Prompt(prompt) => Wish::Play(prompt),
            Connect::Agent(agent) => {
                let name = self.reserve(now, agent, id)?;
                trace.note_why(now, What::AgentReserved, name);
                Wish::Agent(agent)
            }
        };
        let leg = LegId(PLACED_BIT | id.0);
        // The agent's own shard, so that the bridge needs no crossing.
        let shard = match wish {
            Wish::Agent(agent) => self.phones.get(&agent).map_or(ShardId(0), |phone| phone.shard),
            Wish::Echo | Wish::Play(_) => ShardId(id.0 % self.config.shards),
        };
        let from = call.caller_id.unwrap_or_default();
        let from_user = if from.is_empty() { "anonymous" } else { &from };
        let originate = Originate {
            leg,
            to_uri: format!("sip:{}@{domain}", call.to),
            remote,
            from_uri: format!("sip:{from_user}@{}", self.config.domain),
            from_display: None,
            credentials,
            ring_timeout: RING_LIMIT,
            analyse: None,
            laws,
            learn,
        };
        let placed = Placed {
            leg,
            shard,
            inbound: false,
            from,
            to: call.to,
            trunk: Some(trunk_id),
            wish,
            began: now,
            ringing: false,
            answered: None,
            connected: None,
            agent_leg: None,
            trace,
        };
        self.placed.insert(id, placed);
        self.legs.insert(leg, Role::Placed(id));
        self.command(shard, Command::Originate(Box::new(originate)));
        self.trunk_changed(now, trunk_id);
        self.tell_call("call.dialling", id);
        self.drain_dialer(now);
        self.call_view(id).map(|view| Reply::Call(Box::new(view))).ok_or(Refusal::Gone)
    }

    /// Takes the agent out of the pool for this call; the agent's name.
    fn reserve(&mut self, now: Instant, agent: AgentId, call: CallId) -> Result<String, Refusal> {
        let Some(phone) = self.phones.get(&agent) else {
            return Err(Refusal::NotFound { what: format!("agent {agent}") });
        };
        let name = phone.name.clone();
        self.dialer.handle_input(now, Input::ReserveAgent { agent, item: item_of(call) });
        if !self.holds(agent, call) {
            // The refusal stands in the dialer's outputs as well, and is said here instead.
            return Err(Refusal::Conflict {
                what: format!("agent {name:?} is not ready"),
                mend: "set the state to ready, or name another agent".to_owned(),
            });
        }
        Ok(name)
    }

    /// A call comes in: the first route that fits says what happens; a stranger whom none fits is refused.
    pub(super) fn incoming(
        &mut self,
        now: Instant,
        shard: ShardId,
        leg: LegId,
        from_user: String,
        to_user: String,
        source: SocketAddr,
    ) {
        let refuse = |code, retry_after_s| Command::Reject { leg, code, retry_after_s };
        if self.draining || self.held || self.placed.len() >= PLACED_MAX {
            self.command(shard, refuse(503, Some(BUSY_RETRY_S)));
            return;
        }
        let trunk = self.trunk_of(source);
        let fits = |route: &&InboundRoute| {
            (route.from_trunk.is_none() || route.from_trunk == trunk) && route.to.fits(&to_user)
        };
        let wish = match self.routes.iter().find(fits).map(|route| route.action.clone()) {
            None => {
                self.command(shard, refuse(404, None));
                return;
            }
            Some(InboundAction::Reject(code)) => {
                self.command(shard, refuse(code, None));
                return;
            }
            Some(InboundAction::Echo) => Wish::Echo,
            Some(InboundAction::Play(prompt)) => Wish::Play(prompt),
        };
        if trunk.is_some_and(|trunk| self.trunk_free(trunk) == 0) {
            self.command(shard, refuse(503, Some(BUSY_RETRY_S)));
            return;
        }
        let learn = trunk.and_then(|trunk| self.trunks.get(&trunk)).is_some_and(|trunk| trunk.nat);
        let id = self.new_call_id();
        let placed = Placed {
            leg,
            shard,
            inbound: true,
            from: bounded(from_user),
            to: bounded(to_user),
            trunk,
            wish,
            began: now,
            ringing: false,
            answered: None,
            connected: None,
            agent_leg: None,
            trace: Trace::begun(now, "inbound"),
        };
        self.placed.insert(id, placed);
        self.legs.insert(leg, Role::Placed(id));
        self.command(shard, Command::Answer { leg, learn });
        if let Some(trunk) = trunk {
            self.trunk_changed(now, trunk);
        }
        self.tell_call("call.incoming", id);
    }

    pub(super) fn placed_event(&mut self, now: Instant, id: CallId, event: Event) {
        let Some(placed) = self.placed.get_mut(&id) else { return };
        let (leg, shard) = (placed.leg, placed.shard);
        placed.trace.hear(now, &event);
        match event {
            Event::Progress { .. } if !placed.ringing => {
                placed.ringing = true;
                self.tell_call("call.ringing", id);
            }
            Event::Answered { at, dialog, .. } => {
                placed.answered = Some(at);
                let wish = placed.wish.clone();
                match wish {
                    Wish::Echo => placed.trace.note(at, What::Echo),
                    Wish::Play(_) => placed.trace.note(at, What::Message),
                    Wish::Agent(_) => {}
                }
                let row = rows::placed_open(self.config.tenant, &self.anchor, at, id, placed, *dialog, &self.trunks);
                self.store(store::Op::CdrOpen(row));
                self.command(shard, Command::Watch { leg });
                match wish {
                    Wish::Echo => self.command(shard, Command::Echo { leg, on: true }),
                    Wish::Play(prompt) => {
                        self.command(shard, Command::Play { leg, play: base::PlayId(1), prompt, repeat: false })
                    }
                    Wish::Agent(agent) => self.join(now, id, agent),
                }
                self.tell_call("call.answered", id);
            }
            Event::PlayEnded { .. } => self.end_leg(now, leg, shard, "prompt over"),
            Event::BridgeAudio { with, at, .. } if placed.agent_leg == Some(with) && placed.connected.is_none() => {
                placed.connected = Some(at);
                placed.trace.note(at, What::Bridged);
                if let Some(agent) = placed.agent() {
                    self.dialer.handle_input(now, Input::ItemConnected { agent });
                }
                self.tell_call("call.connected", id);
            }
            Event::Ended { cause, answered, media, .. } => {
                let cause = super::calls::end_cause(&cause, answered);
                placed.trace.end(now, cause);
                // With its timeline: a call that nobody answered leaves no record that says why.
                if let Some(detail) = self.call_detail(id) {
                    self.tell("call.ended", &detail);
                }
                let Some(placed) = self.placed.remove(&id) else { return };
                self.legs.remove(&leg);
                if let Some(agent) = placed.agent() {
                    self.part(now, id, agent);
                }
                if placed.answered.is_some() {
                    let row =
                        rows::placed_close(self.config.tenant, &self.anchor, now, id, &placed, cause, media.as_ref());
                    self.store(store::Op::CdrClose(row));
                }
                if let Some(trunk) = placed.trunk {
                    self.trunk_changed(now, trunk);
                }
            }
            _ => {}
        }
    }

    /// Bridges an answered call with the agent who was reserved for it.
    fn join(&mut self, now: Instant, id: CallId, agent: AgentId) {
        let Some(placed) = self.placed.get_mut(&id) else { return };
        let (leg, shard) = (placed.leg, placed.shard);
        let up = self.phones.get(&agent).filter(|phone| phone.up).and_then(|phone| Some((phone.leg?, phone.shard)));
        let Some((agent_leg, agent_shard)) = up else {
            self.end_leg(now, leg, shard, "agent gone");
            return;
        };
        placed.agent_leg = Some(agent_leg);
        self.command(shard, Command::Bridge { call: id, leg, with: agent_leg, with_shard: agent_shard });
        self.command(agent_shard, Command::Bridge { call: id, leg: agent_leg, with: leg, with_shard: shard });
    }

    /// Gives the agent back at a call's end.
    fn part(&mut self, now: Instant, id: CallId, agent: AgentId) {
        if !self.holds(agent, id) {
            return;
        }
        if let Some(phone) = self.phones.get(&agent)
            && let Some(leg) = phone.leg
        {
            let shard = phone.shard;
            self.command(shard, Command::Unbridge { leg });
        }
        self.dialer.handle_input(now, Input::ItemFinished { agent });
    }

    /// Whether the agent has this placed call in hand.
    fn holds(&self, agent: AgentId, call: CallId) -> bool {
        self.dialer.desk().agent(agent).is_some_and(|entry| entry.item() == Some(item_of(call)))
    }

    /// The agent of a placed call is gone: nobody is left to talk with.
    pub(super) fn item_lost(&mut self, now: Instant, item: CallId) {
        if let Some(placed) = call_of(item).and_then(|call| self.placed.get(&call)) {
            let (leg, shard) = (placed.leg, placed.shard);
            self.end_leg(now, leg, shard, "agent gone");
        }
    }

    /// Ends a call by its id, whoever placed it.
    pub(super) fn end_call(&mut self, now: Instant, id: CallId) -> Result<Reply, Refusal> {
        let placed = self.placed.get(&id).map(|placed| (placed.leg, placed.shard));
        let of_campaign = || self.calls.values().find(|live| live.call == id).map(|live| (live.leg, live.shard));
        let Some((leg, shard)) = placed.or_else(of_campaign) else {
            return Err(Refusal::NotFound { what: format!("call {id}") });
        };
        self.end_leg(now, leg, shard, "ended over the API");
        Ok(Reply::Done)
    }

    /// The trunk that a source address belongs to: the very address and port, else the address alone.
    fn trunk_of(&self, source: SocketAddr) -> Option<TrunkId> {
        let exact = self.trunks.iter().find(|(_, trunk)| trunk.remote == source);
        let host = || self.trunks.iter().find(|(_, trunk)| trunk.remote.ip() == source.ip());
        exact.or_else(host).map(|(id, _)| *id)
    }

    /// Channels of a trunk that nobody holds.
    pub(super) fn trunk_free(&self, id: TrunkId) -> u32 {
        let Some(trunk) = self.trunks.get(&id) else { return 0 };
        trunk.max_channels.saturating_sub(self.channels_in_use(id))
    }

    /// Channels of a trunk that campaigns and placed calls hold.
    pub(super) fn channels_in_use(&self, id: TrunkId) -> u32 {
        self.dialer.trunk_in_use(id).saturating_add(self.placed_over(id))
    }

    fn placed_over(&self, id: TrunkId) -> u32 {
        self.placed.values().filter(|placed| placed.trunk == Some(id)).count() as u32
    }

    /// Tells the dialer how many channels placed calls leave to it.
    pub(super) fn trunk_changed(&mut self, now: Instant, id: TrunkId) {
        let Some(trunk) = self.trunks.get(&id) else { return };
        let channels = trunk.max_channels.saturating_sub(self.placed_over(id));
        let cps = trunk.max_cps;
        self.dialer.handle_input(now, Input::TrunkRoom { trunk: id, channels, cps });
    }

    /// One of the placed calls that a trunk takes in any second.
    fn take_cps(&mut self, now: Instant, id: TrunkId) -> bool {
        let Some(trunk) = self.trunks.get_mut(&id) else { return false };
        while trunk.placed_at.front().is_some_and(|at| *at + Duration::from_secs(1) <= now) {
            trunk.placed_at.pop_front();
        }
        let room = trunk.placed_at.len() < (trunk.max_cps.ceil() as usize).max(1);
        if room {
            trunk.placed_at.push_back(now);
        }
        room
    }

    pub(super) fn new_call_id(&mut self) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        id
    }

    pub(super) fn tell_call(&mut self, kind: &'static str, id: CallId) {
        if let Some(view) = self.call_view(id) {
            self.tell(kind, &view);
        }
    }

    pub(super) fn tell(&mut self, kind: &'static str, what: &impl serde::Serialize) {
        // A view has no key that is not a text, so it always becomes JSON.
        if let Ok(data) = serde_json::to_value(what) {
            self.outputs.push_back(Output::Tell(kind, data));
        }
    }
}

fn item_of(call: CallId) -> CallId {
    CallId(PLACED_BIT | call.0)
}

/// The placed call that an item of the desk stands for; `None` for an attempt.
pub(super) fn call_of(item: CallId) -> Option<CallId> {
    (item.0 & PLACED_BIT != 0).then_some(CallId(item.0 & !PLACED_BIT))
}

/// A text from the wire, cut at a letter's border.
fn bounded(mut text: String) -> String {
    let mut end = NAME_BYTES_MAX.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
