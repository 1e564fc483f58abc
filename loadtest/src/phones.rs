//! The agents' telephones. Each answers the engine's call to its agent (the nailed-up leg), sends the noise of its room
//! all the time, and talks with whomever it hears.

use crate::controller::{Agenda, Controller, Talker, earlier};
use crate::ear::{Ear, Noticed, Sound, listen_to};
use crate::room::{Noise, ROOMS};
use crate::speech::SpeechBank;
use base::{Duration, Instant, LegId, Seed, ShardId, Stream};
use call::{Command, Event};
use codecs::g711::Law;
use media::playout::Prompt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Nothing but silence for so long: the customer is gone. Longer than the worst burst of lost packets that a jitter
/// buffer of 200 ms bridges, shorter than any wrap-up.
const GONE_AFTER: Duration = Duration::from_ms(400);
/// The agent greets so long after the customer is heard.
const AGENT_OPENS: Duration = Duration::from_ms(300);
/// Lines prepared for each phone, laid over its room's noise: six lines of 9 s in two laws are 0.9 MB; 100 phones 90 MB.
const LINES_PER_PHONE: usize = 6;
/// Talks kept: ten agents for a day of 8 h with a talk every 15 s are 19,200.
pub const TALKS_MAX: usize = 100_000;

/// One customer as the agent's telephone heard them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    /// Which telephone.
    pub agent: String,
    /// First packet that was not an idle leg's silence.
    pub began: Instant,
    /// Last such packet.
    pub ended: Instant,
    /// Packets with a voice in them.
    pub voice_frames: u64,
    /// Another agent's room was heard: the bridge joined the wrong legs.
    pub other_room: Option<usize>,
}

/// What a telephone is doing.
enum State {
    /// Waits for a call of the engine.
    OnHook,
    /// Answered; hears only an idle leg.
    Idle,
    /// Somebody is on the line.
    Talking { talker: Talker, talk: Talk },
}

struct Phone {
    name: String,
    room: usize,
    noise: Arc<Prompt>,
    lines: Vec<Arc<Prompt>>,
    random: Stream,
}

struct Line {
    phone: usize,
    state: State,
    ear: Ear,
    armed: Option<Instant>,
}

impl Line {
    fn due(&self) -> Option<Instant> {
        match &self.state {
            State::OnHook | State::Idle => None,
            State::Talking { talker, talk } => earlier(talker.turn_at(), Some(talk.ended + GONE_AFTER)),
        }
    }
}

/// All telephones of the agents. A controller of one shard; see the module's head.
pub struct AgentPhones {
    phones: Vec<Phone>,
    by_name: BTreeMap<String, usize>,
    lines: BTreeMap<LegId, Line>,
    agenda: Agenda,
    commands: VecDeque<Command>,
    talks: Vec<Talk>,
    answered: u64,
    unknown: u64,
}

impl AgentPhones {
    /// One telephone for each name; the engine calls it by the user part of the request-URI.
    pub fn new(names: &[String], bank: &SpeechBank, seed: Seed) -> Self {
        let phone = |(index, name): (usize, &String)| {
            let mut random = seed.stream("agent phone", index as u64);
            let noise = Noise::room(index, &mut random);
            let line = |_| Arc::new(Prompt::from_samples(&noise.under(&bank.agent_line(&mut random).samples)));
            let lines = (0..LINES_PER_PHONE).map(line).collect();
            let prompt = Arc::new(Prompt::from_samples(noise.samples()));
            Phone { name: name.clone(), room: index % ROOMS, noise: prompt, lines, random }
        };
        AgentPhones {
            phones: names.iter().enumerate().map(phone).collect(),
            by_name: names.iter().cloned().zip(0..).collect(),
            lines: BTreeMap::new(),
            agenda: Agenda::default(),
            commands: VecDeque::new(),
            talks: Vec::new(),
            answered: 0,
            unknown: 0,
        }
    }

    /// Talks that are over, in the order of their ends; the first [`TALKS_MAX`].
    pub fn talks(&self) -> &[Talk] {
        &self.talks
    }

    /// Telephones that are off the hook now.
    pub fn off_hook(&self) -> usize {
        self.lines.values().filter(|line| !matches!(line.state, State::OnHook)).count()
    }

    /// Calls taken, and calls for names that have no telephone here.
    pub fn calls(&self) -> (u64, u64) {
        (self.answered, self.unknown)
    }

    /// A fact of the telephones' shard.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Incoming { leg, to_user, .. } => self.incoming(leg, &to_user),
            Event::Answered { leg, .. } => {
                if let Some(line) = self.lines.get_mut(&leg) {
                    line.state = State::Idle;
                    self.answered += 1;
                }
            }
            Event::Audio { leg, at, law, payload, .. } => self.hear(leg, at, law, &payload),
            Event::PlayEnded { leg, .. } => {
                let Some(line) = self.lines.get_mut(&leg) else { return };
                if let State::Talking { talker, .. } = &mut line.state {
                    talker.has_spoken(now);
                }
                let prompt = Arc::clone(&self.phones[line.phone].noise);
                self.commands.push_back(Command::Play { leg, play: base::PlayId(0), prompt, repeat: true });
                self.arm(leg);
            }
            Event::Ended { leg, .. } => {
                if let Some(Line { state: State::Talking { talk, .. }, .. }) = self.lines.remove(&leg) {
                    self.keep(talk);
                }
            }
            Event::Progress { .. }
            | Event::EarlySound { .. }
            | Event::Verdict { .. }
            | Event::LikelyPerson { .. }
            | Event::Revision { .. }
            | Event::Recognised { .. }
            | Event::Opening { .. }
            | Event::Digit { .. }
            | Event::BridgeAudio { .. }
            | Event::Held { .. }
            | Event::Quality { .. }
            | Event::OrphanEnded { .. }
            | Event::Registered { .. }
            | Event::PlayBegan { .. }
            | Event::RegistrationFailed { .. }
            | Event::Unregistered { .. }
            | Event::TrunkUp { .. } => {}
        }
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(leg) = self.agenda.pop(now) {
            if let Some(line) = self.lines.get_mut(&leg) {
                line.armed = None;
                self.act(now, leg);
                self.arm(leg);
            }
        }
    }

    /// When to call `handle_timeout`.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.agenda.poll_timeout()
    }

    /// The next command for the telephones' shard.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    fn arm(&mut self, leg: LegId) {
        if let Some(line) = self.lines.get_mut(&leg) {
            let due = line.due();
            self.agenda.arm(leg, &mut line.armed, due);
        }
    }

    fn keep(&mut self, talk: Talk) {
        if self.talks.len() < TALKS_MAX {
            self.talks.push(talk);
        }
    }

    fn incoming(&mut self, leg: LegId, name: &str) {
        let Some(phone) = self.by_name.get(name).copied() else {
            self.unknown += 1;
            self.commands.push_back(Command::Reject { leg, code: 404, retry_after_s: None });
            return;
        };
        self.lines.insert(leg, Line { phone, state: State::OnHook, ear: Ear::default(), armed: None });
        let prompt = Arc::clone(&self.phones[phone].noise);
        self.commands.push_back(Command::Tap { leg, on: true });
        self.commands.push_back(Command::Play { leg, play: base::PlayId(0), prompt, repeat: true });
        self.commands.push_back(Command::Answer { leg, learn: false });
    }

    fn hear(&mut self, leg: LegId, at: Instant, law: Law, payload: &[u8]) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let sound = listen_to(law, payload);
        let noticed = line.ear.hear(at, sound);
        if sound == Sound::Silence {
            return;
        }
        let phone = &self.phones[line.phone];
        if matches!(line.state, State::Idle) {
            line.state = State::Talking {
                talker: Talker::new(at + AGENT_OPENS),
                talk: Talk { agent: phone.name.clone(), began: at, ended: at, voice_frames: 0, other_room: None },
            };
        }
        if let State::Talking { talker, talk } = &mut line.state {
            talk.ended = at;
            match noticed {
                Noticed::Voice(_) => {
                    talk.voice_frames += 1;
                    talker.hear_voice(at);
                }
                Noticed::Room(room) if room != phone.room => talk.other_room = Some(room),
                Noticed::Room(_) | Noticed::Nothing => {}
            }
        }
        self.arm(leg);
    }

    fn act(&mut self, now: Instant, leg: LegId) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let phone = &mut self.phones[line.phone];
        let State::Talking { talker, talk } = &mut line.state else { return };
        if talk.ended + GONE_AFTER <= now {
            let talk = talk.clone();
            line.state = State::Idle;
            let prompt = Arc::clone(&phone.noise);
            self.commands.push_back(Command::Play { leg, play: base::PlayId(0), prompt, repeat: true });
            self.keep(talk);
        } else if talker.turn_at().is_some_and(|turn| turn <= now) {
            talker.speaks();
            let prompt = Arc::clone(&phone.lines[phone.random.below(LINES_PER_PHONE as u64) as usize]);
            self.commands.push_back(Command::Play { leg, play: base::PlayId(0), prompt, repeat: false });
        }
    }
}

impl Controller for AgentPhones {
    fn handle_event(&mut self, now: Instant, _shard: ShardId, event: Event) {
        AgentPhones::handle_event(self, now, event);
    }
    fn handle_timeout(&mut self, now: Instant) {
        AgentPhones::handle_timeout(self, now);
    }
    fn poll_timeout(&self) -> Option<Instant> {
        AgentPhones::poll_timeout(self)
    }
    fn poll_command(&mut self) -> Option<(ShardId, Command)> {
        AgentPhones::poll_command(self).map(|command| (ShardId(0), command))
    }
}
