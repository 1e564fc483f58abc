//! The simulated carrier: a trunk with a whole country behind it. It takes the engine's INVITEs, lets each number behave
//! as its nature is, and keeps a record of its own of what every callee lived through.
//!
//! ```text
//!  INVITE ─> post-dial delay ─┬─> 486 / 5xx / 503
//!                             ├─> 183 + SIT + announcement ─> 404 / 503, or answered with it
//!                             ├─> 180 (or 183 + ringback) … until CANCEL
//!                             └─> 180 … 200 ─┬─> hello ─> waits ─> talks with the agent ─> BYE
//!                                            └─> greeting, beep ─> records ─> BYE
//! ```

use crate::callee::{Callee, Crowd, Nature};
use crate::controller::{Agenda, Controller, Talker, earlier};
use crate::ear::{Ear, Noticed, listen_to};
use crate::ledger::{CalleeRecord, Ledger, Side};
use crate::room::Noise;
use crate::speech::SpeechBank;
use base::{Duration, Instant, LegId, Seed, ShardId, Stream};
use call::{Command, Event};
use codecs::g711::Law;
use media::playout::Prompt;
use sip::Whose;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Voice frames from which a sound without an agent's room is a played message: 300 ms. A person takes that long to
/// notice that a machine speaks.
const MESSAGE_FRAMES: u32 = 15;
/// After its last word an announcement's call is ended so much later.
const ANNOUNCEMENT_END: Duration = Duration::from_ms(500);
/// The person speaks after the agent's first words; alone only after a while.
const PERSON_OPENS: Duration = Duration::from_secs(3);

/// What a call is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The network looks for the callee.
    PostDial,
    /// The callee's telephone rings.
    Ringing,
    /// An announcement runs before the answer.
    AnnouncedEarly,
    /// 200 is out, the ACK is awaited.
    Answering,
    /// Off the hook, about to speak.
    PickedUp,
    /// The first words, the machine's greeting or the announcement of an answered call.
    Greeting,
    /// First words are over and nobody is there.
    Waiting,
    /// A played message is heard.
    Listening,
    /// With an agent; `speaking` while the callee's own sentence runs.
    Talking,
    /// The machine records.
    Recording,
    /// Refused or hung up; the end is awaited.
    Leaving,
}

/// One callee's line.
struct Line {
    record: CalleeRecord,
    callee: Callee,
    random: Stream,
    stage: Stage,
    /// End of the stage.
    deadline: Option<Instant>,
    /// End of the talk.
    talk_until: Option<Instant>,
    talker: Option<Talker>,
    ear: Ear,
    armed: Option<Instant>,
}

impl Line {
    fn due(&self) -> Option<Instant> {
        let turn = self.talker.as_ref().filter(|_| self.stage == Stage::Talking).and_then(Talker::turn_at);
        earlier(earlier(self.deadline, self.talk_until), turn)
    }

    fn enter(&mut self, stage: Stage, deadline: Option<Instant>) {
        self.stage = stage;
        self.deadline = deadline;
    }
}

/// The carrier. A controller of one shard; see the module's head.
pub struct Carrier {
    seed: Seed,
    crowd: Crowd,
    bank: Arc<SpeechBank>,
    line_noise: Arc<Prompt>,
    lines: BTreeMap<LegId, Line>,
    agenda: Agenda,
    commands: VecDeque<Command>,
    ledger: Ledger,
}

impl Carrier {
    /// A carrier whose callees are drawn from `crowd` by `seed` and number.
    pub fn new(crowd: Crowd, bank: Arc<SpeechBank>, seed: Seed) -> Self {
        let noise = Noise::home(&mut seed.stream("carrier noise", 0));
        Carrier {
            seed,
            crowd,
            bank,
            line_noise: Arc::new(Prompt::from_samples(noise.samples())),
            lines: BTreeMap::new(),
            agenda: Agenda::default(),
            commands: VecDeque::new(),
            ledger: Ledger::default(),
        }
    }

    /// From which a callee's clips are drawn in the order in which they are played; the first is the hello or greeting.
    pub fn voice_stream(seed: &Seed, number: &str, attempt: u32) -> Stream {
        seed.stream(&format!("callee voice {number}"), u64::from(attempt))
    }

    /// The record of the calls that are over.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Calls that are not over.
    pub fn calls_open(&self) -> usize {
        self.lines.len()
    }

    /// A fact of the carrier's shard.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Incoming { leg, from_user, to_user, .. } => self.incoming(now, leg, from_user, to_user),
            Event::Answered { leg, at, .. } => self.answered(now, leg, at),
            Event::PlayEnded { leg, at, .. } => self.play_ended(at, leg),
            Event::Audio { leg, at, law, payload, .. } => self.hear(now, leg, at, law, &payload),
            Event::Ended { leg, cause, .. } => self.ended(now, leg, cause.whose),
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
                if line.due().is_some_and(|due| due <= now) {
                    self.act(now, leg);
                }
                self.arm(leg);
            }
        }
    }

    /// When to call `handle_timeout`.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.agenda.poll_timeout()
    }

    /// The next command for the carrier's shard.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    fn arm(&mut self, leg: LegId) {
        if let Some(line) = self.lines.get_mut(&leg) {
            let due = line.due();
            self.agenda.arm(leg, &mut line.armed, due);
        }
    }

    fn incoming(&mut self, now: Instant, leg: LegId, caller: String, number: String) {
        let attempt = self.ledger.invited(&number);
        let callee = self.crowd.draw(&self.seed, &number, attempt);
        let line = Line {
            random: Self::voice_stream(&self.seed, &number, attempt),
            record: CalleeRecord::new(leg, caller, number, callee.nature, now),
            stage: Stage::PostDial,
            deadline: Some(now + callee.post_dial()),
            talk_until: None,
            talker: None,
            ear: Ear::default(),
            armed: None,
            callee,
        };
        self.lines.insert(leg, line);
        self.arm(leg);
    }

    /// The deadline of the line's stage, the end of its talk or its turn has come.
    fn act(&mut self, now: Instant, leg: LegId) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        if line.talk_until.is_some_and(|until| until <= now) {
            line.talk_until = None;
            return self.hang_up(leg);
        }
        match line.stage {
            Stage::PostDial => self.found(now, leg),
            Stage::Ringing => {
                line.enter(Stage::Answering, None);
                self.commands.push_back(Command::StopPlay { leg });
                self.commands.push_back(Command::Tap { leg, on: true });
                self.commands.push_back(Command::Answer { leg, learn: false });
            }
            Stage::PickedUp => {
                line.enter(Stage::Greeting, None);
                let clip = match line.callee.nature {
                    Nature::Machine => self.bank.greeting(&mut line.random),
                    Nature::AnsweredAnnouncement => self.bank.announcement(&mut line.random),
                    _ => self.bank.hello(&mut line.random),
                };
                let prompt = Arc::clone(&clip.prompt);
                self.commands.push_back(Command::Play { leg, play: base::PlayId(0), prompt, repeat: false });
            }
            Stage::AnnouncedEarly => {
                line.enter(Stage::Leaving, None);
                let (code, retry_after_s) = line.callee.refusal();
                self.commands.push_back(Command::Reject { leg, code, retry_after_s });
            }
            // Out of patience, tired of a message, end of the tape, end of an announcement.
            Stage::Waiting | Stage::Listening | Stage::Recording | Stage::Greeting => self.hang_up(leg),
            Stage::Talking => {
                if let Some(talker) = &mut line.talker
                    && talker.turn_at().is_some_and(|turn| turn <= now)
                {
                    talker.speaks();
                    let prompt = Arc::clone(&self.bank.sentence(&mut line.random).prompt);
                    self.commands.push_back(Command::Play { leg, play: base::PlayId(0), prompt, repeat: false });
                }
            }
            Stage::Answering | Stage::Leaving => line.deadline = None,
        }
    }

    /// The post-dial delay is over.
    fn found(&mut self, now: Instant, leg: LegId) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        match line.callee.nature {
            Nature::Busy | Nature::Refused { .. } => {
                line.enter(Stage::Leaving, None);
                let (code, retry_after_s) = line.callee.refusal();
                self.commands.push_back(Command::Reject { leg, code, retry_after_s });
            }
            Nature::EarlyAnnouncement { .. } => {
                line.enter(Stage::AnnouncedEarly, None);
                line.record.rang = Some(now);
                self.commands.push_back(Command::Ring { leg, early_media: true });
                let prompt = Arc::clone(&self.bank.announcement(&mut line.random).prompt);
                self.commands.push_back(Command::Play { leg, play: base::PlayId(0), prompt, repeat: false });
            }
            Nature::Person | Nature::Machine | Nature::NoAnswer | Nature::AnsweredAnnouncement => {
                let answers = line.callee.nature != Nature::NoAnswer;
                let early_media = line.callee.early_media;
                line.enter(Stage::Ringing, answers.then(|| now + line.callee.fate.ring));
                line.record.rang = Some(now);
                self.commands.push_back(Command::Ring { leg, early_media });
                if early_media {
                    let prompt = Arc::clone(&self.bank.ringback.prompt);
                    self.commands.push_back(Command::Play { leg, play: base::PlayId(0), prompt, repeat: true });
                }
            }
        }
    }

    fn answered(&mut self, now: Instant, leg: LegId, at: Instant) {
        if let Some(line) = self.lines.get_mut(&leg)
            && line.stage == Stage::Answering
        {
            line.record.answered = Some(at);
            line.enter(Stage::PickedUp, Some(now + line.callee.speaks_after));
            self.play_line(leg);
            self.arm(leg);
        }
    }

    /// What a live line sends while nobody speaks: noise of the place, never digital silence.
    fn play_line(&mut self, leg: LegId) {
        self.commands.push_back(Command::Play {
            leg,
            play: base::PlayId(0),
            prompt: Arc::clone(&self.line_noise),
            repeat: true,
        });
    }

    fn play_ended(&mut self, now: Instant, leg: LegId) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        match line.stage {
            Stage::AnnouncedEarly => line.deadline = Some(now + ANNOUNCEMENT_END),
            Stage::Greeting => {
                line.record.greeting_end = Some(now);
                match line.callee.nature {
                    Nature::Machine => line.enter(Stage::Recording, Some(now + line.callee.recording)),
                    Nature::AnsweredAnnouncement => line.deadline = Some(now + ANNOUNCEMENT_END),
                    _ if line.record.agent_heard.is_some() => Self::start_talking(line, now),
                    _ => line.enter(Stage::Waiting, Some(now + line.callee.fate.patience)),
                }
                self.play_line(leg);
            }
            Stage::Talking => {
                if let Some(talker) = &mut line.talker {
                    talker.has_spoken(now);
                }
                self.play_line(leg);
            }
            _ => {}
        }
        self.arm(leg);
    }

    /// The talk counts from the agent's first packet, or from the end of the hello when the agent was there before.
    fn start_talking(line: &mut Line, now: Instant) {
        let began = line.record.agent_heard.max(line.record.greeting_end).unwrap_or(now);
        line.enter(Stage::Talking, None);
        line.talker = Some(Talker::new(now + PERSON_OPENS));
        line.talk_until = Some(began + line.callee.fate.talk);
    }

    fn hear(&mut self, now: Instant, leg: LegId, at: Instant, law: Law, payload: &[u8]) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let hearing = &mut line.record.hearing;
        hearing.packets += 1;
        match line.ear.hear(at, listen_to(law, payload)) {
            Noticed::Nothing => return,
            Noticed::Voice(frames) => {
                hearing.voice_frames += 1;
                if line.record.agent_heard.is_some() {
                    if let Some(talker) = &mut line.talker {
                        talker.hear_voice(at);
                    }
                } else if frames == MESSAGE_FRAMES {
                    line.record.message_heard = line.record.message_heard.or(line.ear.stretch_began());
                    if line.stage == Stage::Waiting {
                        line.enter(Stage::Listening, Some(now + line.callee.message_patience));
                    }
                }
            }
            Noticed::Room(room) => {
                line.record.note_room(room);
                if line.record.agent_heard.is_none() {
                    let began = line.ear.stretch_began();
                    line.record.agent_heard = began;
                    // A stretch that turns out to be an agent's was no message.
                    line.record.message_heard = line.record.message_heard.filter(|heard| Some(*heard) != began);
                    if matches!(line.stage, Stage::Waiting | Stage::Listening) {
                        Self::start_talking(line, now);
                    }
                }
            }
        }
        self.arm(leg);
    }

    fn hang_up(&mut self, leg: LegId) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.enter(Stage::Leaving, None);
            self.commands.push_back(Command::Hangup { leg, reason: "callee hung up" });
        }
    }

    fn ended(&mut self, now: Instant, leg: LegId, whose: Whose) {
        if let Some(mut line) = self.lines.remove(&leg) {
            line.record.ended = Some(now);
            line.record.ended_by = Some(match whose {
                Whose::Us => Side::Callee,
                Whose::Peer => Side::Caller,
                Whose::Network => Side::Network,
            });
            self.ledger.push(line.record);
        }
    }
}

impl Controller for Carrier {
    fn handle_event(&mut self, now: Instant, _shard: ShardId, event: Event) {
        Carrier::handle_event(self, now, event);
    }
    fn handle_timeout(&mut self, now: Instant) {
        Carrier::handle_timeout(self, now);
    }
    fn poll_timeout(&self) -> Option<Instant> {
        Carrier::poll_timeout(self)
    }
    fn poll_command(&mut self) -> Option<(ShardId, Command)> {
        Carrier::poll_command(self).map(|command| (ShardId(0), command))
    }
}
