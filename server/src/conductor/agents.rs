//! Agents' phones: one leg each, called when the agent logs in and kept up (nailed up); calls come and go on it.

use super::{AgentPhone, Conductor, Output, Role};
use base::{AgentId, AttemptId, Duration, Instant, LegId, ShardId};
use call::{Command, Event, Originate};
use codecs::g711::Law;
use desk::Skills;
use dialer::Input;

/// A phone that did not answer, or whose leg was lost, is called again after this time.
const CALL_AGAIN: Duration = Duration::from_secs(5);
/// How long an agent's phone may ring.
const RING_LIMIT: Duration = Duration::from_secs(30);
/// Legs of agents: this bit, the agent's id and a count of that agent's legs.
const AGENT_BIT: u64 = 1 << 62;

/// One agent's phone.
pub(super) struct Phone {
    pub(super) phone: AgentPhone,
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
    /// Adds an agent and calls the phone; the agent is ready when it answers.
    pub fn add_agent(&mut self, now: Instant, agent: AgentId, phone: AgentPhone, skills: Skills) {
        let name = phone.name.clone();
        let shard = ShardId(agent.0 % self.config.shards);
        let phone =
            Phone { phone, shard, leg: None, up: false, with: None, legs_made: 0, call_at: Some(now), ready_at: now };
        self.phones.insert(agent, phone);
        self.handle_input(now, Input::AddAgent { agent, name, skills });
        self.call_phones_due(now);
    }

    /// Logs all agents out and hangs their phones up; for the end of a run.
    pub fn log_all_out(&mut self, now: Instant) {
        let agents: Vec<AgentId> = self.phones.keys().copied().collect();
        for agent in agents {
            if let Some(phone) = self.phones.get_mut(&agent) {
                phone.call_at = None;
                phone.legs_made = u64::MAX; // never called again
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
            phone.legs_made += 1;
            let leg = LegId(AGENT_BIT | agent.0 << 24 | phone.legs_made);
            phone.leg = Some(leg);
            let originate = Originate {
                leg,
                to_uri: phone.phone.uri.clone(),
                remote: phone.phone.remote,
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
                self.dialer.handle_input(now, Input::AgentReady { agent });
            }
            Event::Ended { leg, cause, .. } => {
                let was_up = phone.up;
                phone.up = false;
                phone.leg = None;
                phone.with = None;
                if phone.legs_made != u64::MAX {
                    phone.call_at = Some(now + CALL_AGAIN);
                    let (name, after_s) = (&phone.phone.name, CALL_AGAIN.as_ms() / 1_000);
                    let what = if was_up { "was lost" } else { "did not answer" };
                    let text = format!("the phone of {name} {what} ({}), calling again in {after_s} s", cause.reason);
                    self.outputs.push_back(Output::Notice(text));
                }
                self.legs.remove(&leg);
                if was_up {
                    self.dialer.handle_input(now, Input::AgentLoggedOut { agent });
                }
            }
            _ => {}
        }
    }
}
