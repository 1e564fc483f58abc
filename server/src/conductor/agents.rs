//! Agents' phones: one leg each, called when the agent logs in and kept up (nailed up); calls come and go on it.

use super::trace::What;
use super::{AgentPhone, Conductor, Output, Role};
use crate::control::api::{AgentWish, Refusal, Reply};
use base::{AgentId, AttemptId, Duration, Instant, LegId, ShardId};
use call::{Command, Event, Originate};
use codecs::g711::Law;
use desk::{AgentState, Skills};
use dialer::Input;

/// A phone that did not answer, or whose leg was lost, is called again after this time.
const CALL_AGAIN: Duration = Duration::from_secs(5);
/// How long an agent's phone may ring.
const RING_LIMIT: Duration = Duration::from_secs(30);
/// Legs of agents: this bit, the agent's id and a count of that agent's legs.
const AGENT_BIT: u64 = 1 << 62;

/// One agent's phone.
pub(super) struct Phone {
    pub(super) name: String,
    /// Where it is called; an agent without one cannot log in.
    line: Option<AgentPhone>,
    /// What the agent wants to be; the phone is kept up unless that is logged out.
    pub(super) wish: AgentWish,
    pub(super) shard: ShardId,
    /// The leg under way or up.
    pub(super) leg: Option<LegId>,
    /// The leg is up.
    pub(super) up: bool,
    legs_made: u64,
    call_at: Option<Instant>,
    /// The attempt whose customer the leg is bridged with.
    pub(super) with: Option<AttemptId>,
    /// When the agent last became free, for the bridge's own delay.
    pub(super) ready_at: Instant,
}

impl Conductor {
    /// Adds an agent, logged out.
    pub fn add_agent(&mut self, now: Instant, agent: AgentId, name: &str, line: Option<AgentPhone>, skills: Skills) {
        let phone = Phone {
            name: name.to_owned(),
            line,
            wish: AgentWish::LoggedOut,
            shard: ShardId(agent.0 % self.config.shards),
            leg: None,
            up: false,
            legs_made: 0,
            call_at: None,
            with: None,
            ready_at: now,
        };
        self.phones.insert(agent, phone);
        self.handle_input(now, Input::AddAgent { agent, name: name.to_owned(), skills });
    }

    /// What an agent wants to be. Logging in calls the phone; the wish is granted when it answers.
    ///
    /// # Errors
    /// No such agent, or one without a phone.
    pub fn set_agent(&mut self, now: Instant, agent: AgentId, wish: AgentWish) -> Result<Reply, Refusal> {
        let Some(phone) = self.phones.get_mut(&agent) else {
            return Err(Refusal::NotFound { what: format!("agent {agent}") });
        };
        if phone.line.is_none() && wish != AgentWish::LoggedOut {
            return Err(Refusal::Conflict {
                what: format!("agent {:?} has no phone", phone.name),
                mend: "give the agent a sip address".to_owned(),
            });
        }
        phone.wish = wish;
        match (wish, phone.up) {
            (AgentWish::LoggedOut, _) => {
                phone.call_at = None;
                let ringing = phone.leg.filter(|_| !phone.up);
                let shard = phone.shard;
                if let Some(leg) = ringing {
                    self.command(shard, Command::Hangup { leg, reason: "logged out" });
                }
                self.dialer.handle_input(now, Input::AgentLeaves { agent });
            }
            (_, false) if phone.leg.is_none() => phone.call_at = Some(now),
            (_, false) => {} // it rings already
            (AgentWish::Ready, true) => self.dialer.handle_input(now, Input::AgentReady { agent }),
            (AgentWish::OnBreak, true) => self.dialer.handle_input(now, Input::AgentBreak { agent, announced: true }),
        }
        self.drain_dialer(now);
        self.hang_up_if_gone(agent);
        self.call_phones_due(now);
        self.tell_agent(now, agent);
        self.agent_reply(now, agent)
    }

    /// Logs all agents out and hangs their phones up; for the end of a run.
    pub fn log_all_out(&mut self, now: Instant) {
        let agents: Vec<AgentId> = self.phones.keys().copied().collect();
        for agent in agents {
            if let Some(phone) = self.phones.get_mut(&agent) {
                phone.call_at = None;
                phone.wish = AgentWish::LoggedOut;
                let (shard, leg) = (phone.shard, phone.leg);
                if let Some(leg) = leg {
                    self.command(shard, Command::Hangup { leg, reason: "logged out" });
                }
            }
            self.handle_input(now, Input::AgentLoggedOut { agent });
        }
    }

    /// Agents whose phone is up.
    pub fn agents_up(&self) -> usize {
        self.phones.values().filter(|phone| phone.up).count()
    }

    /// A new name or phone; a phone that is up stays until it is hung up.
    pub(super) fn change_line(&mut self, agent: AgentId, name: String, line: Option<AgentPhone>) {
        if let Some(phone) = self.phones.get_mut(&agent) {
            phone.name = name;
            phone.line = line;
        }
    }

    pub(super) fn forget_phone(&mut self, agent: AgentId) {
        if let Some(phone) = self.phones.remove(&agent)
            && let Some(leg) = phone.leg
        {
            self.legs.remove(&leg);
            self.command(phone.shard, Command::Hangup { leg, reason: "logged out" });
        }
    }

    pub(super) fn agent_changed(&mut self, now: Instant, agent: AgentId, state: AgentState) {
        if state == AgentState::Ready
            && let Some(phone) = self.phones.get_mut(&agent)
        {
            phone.ready_at = now;
        }
        if state == AgentState::LoggedOut {
            self.hang_up_if_gone(agent);
        }
        self.tell_agent(now, agent);
    }

    /// The phone of an agent who has logged out is hung up, once nothing is in hand.
    fn hang_up_if_gone(&mut self, agent: AgentId) {
        let Some(phone) = self.phones.get(&agent) else { return };
        let away = self.dialer.desk().agent(agent).is_some_and(|entry| entry.state() == AgentState::LoggedOut);
        if phone.wish == AgentWish::LoggedOut
            && away
            && let Some(leg) = phone.leg.filter(|_| phone.up)
        {
            self.command(phone.shard, Command::Hangup { leg, reason: "logged out" });
        }
    }

    fn tell_agent(&mut self, now: Instant, agent: AgentId) {
        if let Some(view) = self.agent_view(now, agent) {
            self.tell("agent.state", &view);
        }
    }

    pub(super) fn next_phone_call(&self) -> Option<Instant> {
        self.phones.values().filter_map(|phone| phone.call_at).min()
    }

    pub(super) fn call_phones_due(&mut self, now: Instant) {
        let due: Vec<AgentId> = self
            .phones
            .iter()
            .filter(|(_, phone)| phone.call_at.is_some_and(|at| at <= now))
            .map(|(agent, _)| *agent)
            .collect();
        for agent in due {
            let from_uri = format!("sip:outpace@{}", self.config.domain);
            let Some(phone) = self.phones.get_mut(&agent) else { continue };
            phone.call_at = None;
            let Some(line) = phone.line.clone() else { continue };
            phone.legs_made += 1;
            let leg = LegId(AGENT_BIT | agent.0 << 24 | phone.legs_made);
            phone.leg = Some(leg);
            let originate = Originate {
                leg,
                to_uri: line.uri,
                remote: line.remote,
                from_uri,
                from_display: Some("Outpace".to_owned()),
                credentials: None,
                ring_timeout: RING_LIMIT,
                analyse: None,
                laws: vec![Law::Mu, Law::A],
                learn: false,
            };
            let shard = phone.shard;
            self.legs.insert(leg, Role::Agent(agent));
            self.command(shard, Command::Originate(Box::new(originate)));
        }
    }

    pub(super) fn agent_event(&mut self, now: Instant, agent: AgentId, event: Event) {
        let Some(phone) = self.phones.get_mut(&agent) else { return };
        match event {
            Event::Answered { .. } => {
                phone.up = true;
                match phone.wish {
                    AgentWish::Ready => self.dialer.handle_input(now, Input::AgentReady { agent }),
                    AgentWish::OnBreak => {
                        self.dialer.handle_input(now, Input::AgentBreak { agent, announced: false });
                    }
                    AgentWish::LoggedOut => self.hang_up_if_gone(agent),
                }
                self.tell_agent(now, agent);
            }
            Event::Ended { leg, cause, .. } => {
                let was_up = phone.up;
                phone.up = false;
                phone.leg = None;
                let with = phone.with.take();
                if phone.wish != AgentWish::LoggedOut {
                    phone.call_at = Some(now + CALL_AGAIN);
                    let (name, after_s) = (&phone.name, CALL_AGAIN.as_ms() / 1_000);
                    let what = if was_up { "was lost" } else { "did not answer" };
                    let text = format!("the phone of {name} {what} ({}), calling again in {after_s} s", cause.reason);
                    self.outputs.push_back(Output::Notice(text));
                }
                self.legs.remove(&leg);
                if let Some(live) = with.and_then(|attempt| self.calls.get_mut(&attempt)) {
                    live.trace.note(now, What::Unbridged);
                }
                if was_up {
                    self.dialer.handle_input(now, Input::AgentLoggedOut { agent });
                }
                self.tell_agent(now, agent);
            }
            _ => {}
        }
    }
}
