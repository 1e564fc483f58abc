//! The smallest product there can be, for tests: dials every number once and joins persons with agents.

use crate::controller::{Controller, earlier};
use base::{CallId, Duration, Instant, LegId, ShardId};
use call::{Command, Event, Originate};
use codecs::g711::Law;
use detect::{ClassicConfig, DetectorConfig, EarlySound, Verdict};
use media::playout::Prompt;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

/// What to do with a person.
#[derive(Clone)]
pub(crate) enum Plan {
    /// Bridge them.
    Connect,
    /// Play this and hang up.
    PlayMessage(Arc<Prompt>),
}

/// The smallest dialer there can be: agents' legs first, then every number once as fast as `gap` allows. A person gets
/// the agent who has waited longest; machines are hung up.
pub(crate) struct Driver {
    shards: u64,
    plan: Plan,
    carrier: SocketAddr,
    to_dial: VecDeque<String>,
    gap: Duration,
    next: Instant,
    numbers: BTreeMap<LegId, String>,
    idle_agents: VecDeque<LegId>,
    /// Agents in wrap-up and when they are free again; all wrap-ups are equally long, so this is in order.
    wrapping_up: VecDeque<(Instant, LegId)>,
    waiting: VecDeque<LegId>,
    pairs: BTreeMap<LegId, LegId>,
    commands: VecDeque<(ShardId, Command)>,
    /// By number: the cause's code, and whether the call was answered.
    pub(crate) ends: BTreeMap<String, (Option<u16>, bool)>,
    pub(crate) verdicts: BTreeMap<String, Verdict>,
    pub(crate) early_media: u32,
    pub(crate) ringback_heard: u32,
    /// What was received from each number, when it is wanted.
    pub(crate) heard: Option<BTreeMap<String, Recording>>,
}

pub(crate) const AGENT_LEGS: u64 = 1_000_000;
/// Longer than the phones need to notice that a customer is gone.
const WRAP_UP: Duration = Duration::from_secs(1);

impl Driver {
    pub(crate) fn new(
        shards: u64,
        agents: u64,
        numbers: &[String],
        plan: Plan,
        carrier: SocketAddr,
        phones: SocketAddr,
    ) -> Self {
        let mut driver = Driver {
            shards,
            plan,
            carrier,
            to_dial: numbers.iter().cloned().collect(),
            gap: Duration::from_ms(250),
            next: Instant::ZERO + Duration::from_secs(2),
            numbers: BTreeMap::new(),
            idle_agents: VecDeque::new(),
            wrapping_up: VecDeque::new(),
            waiting: VecDeque::new(),
            pairs: BTreeMap::new(),
            commands: VecDeque::new(),
            ends: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            early_media: 0,
            ringback_heard: 0,
            heard: None,
        };
        for agent in 0..agents {
            let leg = LegId(AGENT_LEGS + agent);
            driver.originate(leg, &format!("agent{agent}"), phones, None);
        }
        driver
    }

    /// Customers and agents are dealt to different shards where there are several.
    pub(crate) fn shard_of(&self, leg: LegId) -> ShardId {
        ShardId(if leg.0 >= AGENT_LEGS { (leg.0 + 1) % self.shards } else { leg.0 % self.shards })
    }

    fn command(&mut self, leg: LegId, command: Command) {
        self.commands.push_back((self.shard_of(leg), command));
    }

    fn originate(&mut self, leg: LegId, user: &str, remote: SocketAddr, analyse: Option<DetectorConfig>) {
        let originate = Originate {
            leg,
            to_uri: format!("sip:{user}@{remote}"),
            remote,
            from_uri: "sip:+15550000000@10.0.0.1".to_owned(),
            from_display: None,
            credentials: None,
            ring_timeout: Duration::from_secs(10),
            analyse: analyse.map(Into::into),
            laws: vec![Law::Mu, Law::A],
            learn: false,
        };
        self.command(leg, Command::Originate(Box::new(originate)));
    }

    fn match_up(&mut self) {
        while let Some(leg) = self.waiting.front().copied() {
            if let Plan::PlayMessage(message) = &self.plan {
                let prompt = Arc::clone(message);
                self.waiting.pop_front();
                self.command(leg, Command::Play { leg, play: base::PlayId(0), prompt, repeat: false });
                continue;
            }
            let Some(agent) = self.idle_agents.pop_front() else { return };
            self.waiting.pop_front();
            self.pairs.insert(leg, agent);
            for (one, other) in [(leg, agent), (agent, leg)] {
                let with_shard = self.shard_of(other);
                self.command(one, Command::Bridge { call: CallId(leg.0), leg: one, with: other, with_shard });
            }
        }
    }
}

/// First RTP timestamp, and linear samples from there on.
pub(crate) type Recording = (u32, Vec<i16>);

/// Puts a packet at its place on the sender's timeline, so that losses are gaps and overtaking does not matter.
fn record((first, samples): &mut Recording, timestamp: u32, packet: impl ExactSizeIterator<Item = i16>) {
    const LONGEST: usize = 120 * 8_000;
    let start = timestamp.wrapping_sub(*first) as usize;
    let end = start.saturating_add(packet.len());
    if end < LONGEST {
        samples.resize(samples.len().max(end), 0);
        samples[start..end].iter_mut().zip(packet).for_each(|(sample, received)| *sample = received);
    }
}

impl Controller for Driver {
    fn handle_event(&mut self, now: Instant, shard: ShardId, event: Event) {
        match event {
            Event::Answered { leg, .. } => {
                assert_eq!(shard, self.shard_of(leg));
                if leg.0 >= AGENT_LEGS {
                    self.idle_agents.push_back(leg);
                }
            }
            Event::Progress { early_media, .. } => self.early_media += u32::from(early_media),
            Event::EarlySound { sound, .. } => self.ringback_heard += u32::from(sound == EarlySound::Ringback),
            Event::Verdict { leg, decision, .. } => {
                if let Some(number) = self.numbers.get(&leg) {
                    self.verdicts.insert(number.clone(), decision.verdict);
                }
                if decision.verdict == Verdict::Human {
                    self.waiting.push_back(leg);
                } else {
                    self.command(leg, Command::Hangup { leg, reason: "machine" });
                }
            }
            Event::PlayEnded { leg, .. } => self.command(leg, Command::Hangup { leg, reason: "message played" }),
            Event::Ended { leg, cause, answered, .. } => {
                self.waiting.retain(|waiting| *waiting != leg);
                if let Some(number) = self.numbers.get(&leg) {
                    assert!(
                        self.ends.insert(number.clone(), (cause.code, answered)).is_none(),
                        "one end for each call"
                    );
                }
                if let Some(agent) = self.pairs.remove(&leg) {
                    self.command(agent, Command::Unbridge { leg: agent });
                    self.wrapping_up.push_back((now + WRAP_UP, agent));
                }
            }
            Event::Audio { leg, timestamp, law, payload, .. } => {
                if let (Some(heard), Some(number)) = (&mut self.heard, self.numbers.get(&leg)) {
                    let recording = heard.entry(number.clone()).or_insert((timestamp, Vec::new()));
                    record(recording, timestamp, payload.iter().map(|code| law.decode(*code)));
                }
            }
            _ => {}
        }
        self.match_up();
    }

    fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, agent)) = self.wrapping_up.pop_front_if(|(until, _)| *until <= now) {
            self.idle_agents.push_back(agent);
        }
        self.match_up();
        while self.next <= now
            && let Some(number) = self.to_dial.pop_front()
        {
            let leg = LegId(1 + self.numbers.len() as u64);
            self.originate(leg, &number, self.carrier, Some(DetectorConfig::Classic(ClassicConfig::default())));
            self.numbers.insert(leg, number);
            if self.heard.is_some() {
                self.command(leg, Command::Tap { leg, on: true });
            }
            self.next += self.gap;
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let wrapped_up = self.wrapping_up.front().map(|(until, _)| *until);
        earlier(wrapped_up, (!self.to_dial.is_empty()).then_some(self.next))
    }

    fn poll_command(&mut self) -> Option<(ShardId, Command)> {
        self.commands.pop_front()
    }
}
