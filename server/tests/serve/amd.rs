//! What is done with what answers, as the called side hears it: persons, a mailbox, a screening assistant, a fax, the
//! network. Voices are synthetic, and real where `OUTPACE_SPEECH_DIR` has them.
//!
//! ```text
//!   engine ──INVITE──> Answerer: each number plays its part ──RTP──> detection ──> policy ──> agent | message | hang up
//!                          └── Heard: moments of the first sounds that came back, on its own clock
//! ```

use crate::harness::{Api, CAMPAIGN, Database, Site, TENANT, number, wait_for};
use crate::witness;
use base::{Duration, Instant, LegId, ShardId};
use call::{Command, Event};
use codecs::tones::{FAX_CED, SIT_NO_CIRCUIT, SIT_VACANT_CODE, VOICEMAIL_BEEP};
use loadtest::Controller;
use loadtest::ear::{Sound, listen_to};
use loadtest::runner::Actor;
use media::playout::Prompt;
use net::EngineConfig;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::process::{Command as Program, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// So long after the end of the first words an agent must be heard (16 CFR 310.4(b)(4)(ii)).
const DEADLINE: Duration = Duration::from_secs(2);
/// So long after the beep the message must have begun.
const MESSAGE_LATE: Duration = Duration::from_ms(500);
/// The telephone rings for so long, and whoever answers speaks so long after that.
const RINGS: Duration = Duration::from_ms(100);
const SPEAKS: Duration = Duration::from_ms(300);
/// An assistant that has heard so much of a voice, and then so long nothing, rings its owner, who is there after a while.
const NAMED_FRAMES: u32 = 15;
const NAMED_PAUSE: Duration = Duration::from_ms(600);
const OWNER_COMES: Duration = Duration::from_ms(1_500);
/// A person talks so long with the agent.
const TALKS: Duration = Duration::from_ms(1_200);
/// Real voices that answer, where there are any.
const REAL_MAX: usize = 6;

/// Who answers a number.
#[derive(Clone)]
enum Part {
    /// Says this and waits for an agent.
    Person(Vec<i16>),
    /// Says this, beeps and records until the caller hangs up.
    Mailbox(Vec<i16>),
    /// Says the first, and when it has been told who calls, its owner says the second.
    Assistant(Vec<i16>, Vec<i16>),
    /// Nothing but this.
    Tones(Vec<i16>),
}

/// What one callee lived through.
#[derive(Clone, Debug, Default)]
struct Heard {
    /// The last packet of the (last) words or of the beep was sent.
    said: Option<Instant>,
    /// An assistant's sentence was over.
    asked: Option<Instant>,
    /// The first sound that came at all, and the first after `said`.
    first: Option<Instant>,
    answer: Option<Instant>,
    /// An agent's room was heard.
    agent: Option<Instant>,
    /// Frames with a voice, before an agent was heard.
    voice_frames: u32,
    ended: bool,
}

struct Line {
    number: String,
    part: Part,
    state: State,
    due: Option<Instant>,
    /// The room that the last packet named, and when: two in a row are an agent.
    room: Option<(usize, Instant)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Rings,
    PickedUp,
    Speaks,
    /// An assistant listens for a name.
    Asks,
    OwnerSpeaks,
    Listens,
}

/// All callees.
struct Answerer {
    parts: BTreeMap<String, Part>,
    lines: BTreeMap<LegId, Line>,
    commands: VecDeque<Command>,
    noise: Arc<Prompt>,
    heard: Arc<Mutex<BTreeMap<String, Heard>>>,
}

impl Answerer {
    fn note(&self, leg: LegId, note: impl FnOnce(&mut Heard)) {
        if let Some(line) = self.lines.get(&leg) {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            note(heard.entry(line.number.clone()).or_default());
        }
    }

    fn say(&mut self, leg: LegId, samples: &[i16]) {
        let prompt = Arc::new(Prompt::from_samples(samples));
        self.commands.push_back(Command::Play { leg, play: base::PlayId(0), prompt, repeat: false });
    }

    /// A live line is never digitally silent.
    fn rest(&mut self, leg: LegId) {
        self.commands.push_back(Command::Play {
            leg,
            play: base::PlayId(0),
            prompt: Arc::clone(&self.noise),
            repeat: true,
        });
    }

    fn spoke(&mut self, leg: LegId, at: Instant) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        match (line.state, &line.part) {
            (State::Speaks, Part::Assistant(..)) => {
                line.state = State::Asks;
                self.note(leg, |heard| heard.asked = Some(at));
            }
            _ => {
                line.state = State::Listens;
                self.note(leg, |heard| heard.said = Some(at));
            }
        }
        self.rest(leg);
    }

    fn hear(&mut self, leg: LegId, at: Instant, sound: Sound) {
        if sound == Sound::Silence {
            return;
        }
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let before = line.room.take();
        line.room = if let Sound::Room(room) = sound { Some((room, at)) } else { None };
        let agent = before.zip(line.room).filter(|(before, now)| before.0 == now.0).map(|(before, _)| before.1);
        let mut voice_frames = 0;
        self.note(leg, |heard| {
            heard.first.get_or_insert(at);
            if heard.said.is_some_and(|said| said <= at) {
                heard.answer.get_or_insert(at);
            }
            heard.agent = heard.agent.or(agent);
            heard.voice_frames += u32::from(sound == Sound::Voice && heard.agent.is_none());
            voice_frames = heard.voice_frames;
        });
        let Some(line) = self.lines.get_mut(&leg) else { return };
        match line.state {
            // Whoever has been named pauses; then the owner is called.
            State::Asks if sound == Sound::Voice && voice_frames >= NAMED_FRAMES => {
                line.due = Some(at + NAMED_PAUSE + OWNER_COMES);
            }
            State::Listens if agent.is_some() && line.due.is_none() => line.due = Some(at + TALKS),
            _ => {}
        }
    }
}

impl Controller for Answerer {
    fn handle_event(&mut self, now: Instant, _shard: ShardId, event: Event) {
        match event {
            Event::Incoming { leg, to_user, .. } => {
                let Some(part) = self.parts.get(&to_user).cloned() else {
                    return self.commands.push_back(Command::Reject { leg, code: 404, retry_after_s: None });
                };
                let line = Line { number: to_user, part, state: State::Rings, due: Some(now + RINGS), room: None };
                self.lines.insert(leg, line);
                self.commands.push_back(Command::Ring { leg, early_media: false });
            }
            Event::Answered { leg, .. } => {
                if let Some(line) = self.lines.get_mut(&leg) {
                    (line.state, line.due) = (State::PickedUp, Some(now + SPEAKS));
                }
                self.rest(leg);
            }
            Event::PlayEnded { leg, at, .. } => self.spoke(leg, at),
            Event::Audio { leg, at, law, payload, .. } => self.hear(leg, at, listen_to(law, &payload)),
            Event::Ended { leg, .. } => {
                self.note(leg, |heard| heard.ended = true);
                self.lines.remove(&leg);
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let due: Vec<LegId> =
            self.lines.iter().filter(|(_, line)| line.due.is_some_and(|due| due <= now)).map(|(leg, _)| *leg).collect();
        for leg in due {
            let Some(line) = self.lines.get_mut(&leg) else { continue };
            line.due = None;
            match line.state {
                State::Rings => {
                    self.commands.push_back(Command::Tap { leg, on: true });
                    self.commands.push_back(Command::Answer { leg, learn: false });
                }
                State::PickedUp => {
                    line.state = State::Speaks;
                    let words = match &line.part {
                        Part::Person(words) | Part::Tones(words) | Part::Assistant(words, _) => words.clone(),
                        Part::Mailbox(words) => [words.as_slice(), &[0; 2_400], &VOICEMAIL_BEEP.render()].concat(),
                    };
                    self.say(leg, &words);
                }
                State::Asks => {
                    line.state = State::OwnerSpeaks;
                    if let Part::Assistant(_, owner) = line.part.clone() {
                        self.say(leg, &owner);
                    }
                }
                State::Listens => self.commands.push_back(Command::Hangup { leg, reason: "goodbye" }),
                State::Speaks | State::OwnerSpeaks => {}
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.lines.values().filter_map(|line| line.due).min()
    }

    fn poll_command(&mut self) -> Option<(ShardId, Command)> {
        Some((ShardId(0), self.commands.pop_front()?))
    }
}

/// A synthetic voice, at the level of a telephone line.
fn voice(program: &str, name: &str, words: &str) -> Vec<i16> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("voice.wav");
    let mut command = Program::new(program);
    match program {
        "flite" => command.args(["-voice", name, "-t", words, "-o"]).arg(&file),
        _ => command.args(["-v", name, "-w"]).arg(&file).arg(words),
    };
    let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(done.expect("flite, espeak-ng: run scripts/setup").success(), "{program} {name}");
    let samples = codecs::file::read(&std::fs::read(&file).expect("own folder")).expect("a WAV file");
    let loud = |sample: &i16| sample.unsigned_abs() > 300;
    let first = samples.iter().position(loud).expect("a voice");
    let last = samples.iter().rposition(loud).expect("a voice");
    let peak = samples.iter().map(|sample| f64::from(sample.unsigned_abs())).fold(1.0, f64::max);
    samples[first..=last].iter().map(|sample| (f64::from(*sample) * 9_000.0 / peak) as i16).collect()
}

/// Short words of real people, where there are any.
fn real_voices() -> Vec<Vec<i16>> {
    let Some(folder) = std::env::var_os("OUTPACE_SPEECH_DIR").filter(|folder| !folder.is_empty()) else {
        return Vec::new();
    };
    let bank = loadtest::SpeechBank::load(&[loadtest::speech::Source::Folder(folder.into())]);
    let bank = bank.expect("voices in OUTPACE_SPEECH_DIR");
    let mut random = base::Seed::from_u64(7).stream("who answers", 0);
    (0..REAL_MAX).map(|_| bank.hello(&mut random).samples.to_vec()).collect()
}

struct Run {
    /// By the number of the lead.
    heard: BTreeMap<String, Heard>,
    attempts: BTreeMap<String, store::AttemptRow>,
    timelines: BTreeMap<String, Value>,
    marked: Vec<String>,
}

/// Calls everybody once, with the message files in place.
fn run(parts: Vec<Part>, detector: &str, more: &str) -> Run {
    let site = Site::new(Database::Sqlite);
    let heard = Arc::new(Mutex::new(BTreeMap::new()));
    let numbers: Vec<String> = (0..parts.len()).map(number).collect();
    let mut random = base::Seed::from_u64(5).stream("line noise", 0);
    let noise = loadtest::room::Noise::home(&mut random);
    let answerer = Answerer {
        parts: numbers.iter().cloned().zip(parts).collect(),
        lines: BTreeMap::new(),
        commands: VecDeque::new(),
        noise: Arc::new(Prompt::from_samples(noise.samples())),
        heard: Arc::clone(&heard),
    };
    let config = EngineConfig { names: "answerer".to_owned(), ..EngineConfig::default() };
    let callees = Actor::start(config, answerer).unwrap_or_else(|error| panic!("{error}"));
    let phones = witness::phones(3, 5);
    for (file, words) in [
        ("left.wav", "This is the dentist. Please call us back."),
        ("who.wav", "This is the dentist, about your appointment."),
    ] {
        let wav = codecs::wav::write(&voice("flite", "rms", words)).expect("a WAV file");
        std::fs::write(site.folder().join(file), wav).expect("own folder");
    }
    let sections = witness::sections(callees.sip_addr(), phones.sip(), 3);
    let campaign = witness::campaign(&format!("mode = \"progressive\"\nattempts_max = 1\n{more}"));
    let campaign = campaign.replace("profile = \"us-ftc\"", "profile = \"lab\"");
    site.configure("drain_s = 60", &format!("[amd]\ndetector = \"{detector}\"\n{sections}{campaign}"));
    site.fill_list(numbers.len());
    let api: Api = site.api();
    let mut product = site.start();
    product.ready();
    api.drive("start");
    wait_for("every call to end", || {
        let attempts = api.see(&format!("/api/v1/attempts?campaign={CAMPAIGN}&limit=1000"));
        let items = attempts["items"].as_array()?;
        (items.len() == numbers.len() && items.iter().all(|attempt| attempt["end"].is_object())).then_some(())
    });
    let marked: Vec<String> = api.see("/api/v1/number-marks")["items"]
        .as_array()
        .expect("a page")
        .iter()
        .filter_map(|item| item["number"].as_str().map(str::to_owned))
        .collect();
    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
    phones.stop();
    callees.stop();
    // Whatever was done, the records bear it out.
    site.run(&["compliance", "verify", "--config"]);
    let (mut attempts, mut timelines) = (BTreeMap::new(), BTreeMap::new());
    site.with_store(|store| {
        for row in store.attempts(TENANT, store::Filter::default()).expect("attempts") {
            let events = store.events(TENANT, row.intent.attempt).expect("a timeline");
            let timeline = events.last().and_then(|event| serde_json::from_str(&event.body).ok()).unwrap_or_default();
            timelines.insert(row.intent.number.clone(), timeline);
            attempts.insert(row.intent.number.clone(), row);
        }
    });
    let heard = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Run { heard, attempts, timelines, marked }
}

impl Run {
    fn outcome(&self, n: usize) -> (&str, &str) {
        let close = self.attempts[&number(n)].close.as_ref().expect("over");
        (close.outcome.as_str(), close.verdict.as_deref().unwrap_or("none"))
    }

    fn told(&self, n: usize) -> String {
        let n = number(n);
        format!("{:?}\n{:?}\n{}", self.heard.get(&n), self.attempts[&n].close, self.timelines[&n])
    }

    /// An agent was heard; how long after the person's words.
    fn person_is_connected(&self, n: usize, verdict: &str) -> Duration {
        assert_eq!(self.outcome(n), ("connected", verdict), "{}", self.told(n));
        let heard = &self.heard[&number(n)];
        let (said, agent) = (heard.said.expect("words"), heard.agent.expect("an agent"));
        agent.since(said)
    }

    /// The message began when the beep was over, with no sound before, and all of it was left; how long after the beep.
    fn message_is_left(&self, n: usize) -> Duration {
        assert_eq!(self.outcome(n), ("message_left", "machine"), "{}", self.told(n));
        let heard = &self.heard[&number(n)];
        let (beep, first) = (heard.said.expect("a beep"), heard.first.expect("a message"));
        assert!(first >= beep, "it talked into the greeting: {}", self.told(n));
        assert!(heard.agent.is_none() && heard.voice_frames > 50, "{}", self.told(n));
        let at = |key: &str| self.timelines[&number(n)][key].as_i64();
        let moments = [at("verdict_us"), at("beep_us"), at("message_us"), at("message_ended_us"), at("ended_us")];
        assert!(moments.iter().all(Option::is_some) && moments.is_sorted(), "{}", self.told(n));
        first.since(beep)
    }
}

/// Prints the times; `strict`: none is over its limit. A machine that has other things to do proves nothing by the clock.
#[track_caller]
fn in_time(what: &str, spans: &[Duration], limit: Duration, strict: bool) {
    let ms: Vec<u64> = spans.iter().map(|span| span.as_ms()).collect();
    println!("{what}: {ms:?} ms");
    assert!(!strict || spans.iter().all(|span| *span <= limit), "{what}: {ms:?} ms, over {limit:?}");
}

fn hellos() -> Vec<Part> {
    let synthetic = [("flite", "slt"), ("flite", "rms"), ("espeak-ng", "en-us")];
    let mut hellos: Vec<Vec<i16>> = synthetic.iter().map(|(program, name)| voice(program, name, "Hello.")).collect();
    hellos.extend(real_voices());
    hellos.into_iter().map(Part::Person).collect()
}

const GREETING: &str = "You have reached the voicemail of Doctor Brown. I can not take your call right now. Please leave \
                        a message after the tone, and I will call you back.";

fn mailbox() -> Part {
    Part::Mailbox(voice("espeak-ng", "en-us", GREETING))
}

const LEAVE: &str = "on_machine = \"message\"\nmachine_message = \"left.wav\"\nmessage_after = \"beep\"\n";

#[test]
fn each_answer_gets_what_the_campaign_says() {
    each_answer(false);
    the_rules(false);
}

#[test]
#[ignore = "every moment, on a machine that has nothing else to do"]
fn soak_each_answer_gets_it_in_time() {
    each_answer(true);
    the_rules(true);
}

fn each_answer(strict: bool) {
    const IDENTIFY: &str = "on_screening = \"identify\"\nscreening_message = \"who.wav\"\n";
    let assistant = "Hi. If you record your name and reason for calling, I will see if this person is available.";
    let assistant =
        || Part::Assistant(voice("espeak-ng", "en-gb", assistant), voice("flite", "slt", "Hello, this is Anna."));
    let (fax, vacant, busy) =
        (Part::Tones(FAX_CED.render()), Part::Tones(SIT_VACANT_CODE.render()), Part::Tones(SIT_NO_CIRCUIT.render()));
    let mut parts = vec![mailbox(), assistant(), fax, vacant, busy];
    let first_person = parts.len();
    parts.extend(hellos());
    let people = first_person..parts.len();
    // The net hears four in five of those who pick up: of three assistants' owners one at least.
    let assistants: Vec<usize> = [1, parts.len(), parts.len() + 1].into();
    parts.extend([assistant(), assistant()]);
    let run = run(parts, "default", &format!("{LEAVE}{IDENTIFY}"));
    in_time("message after the beep", &[run.message_is_left(0)], MESSAGE_LATE, strict);
    // Each assistant was told who calls when its sentence was over, and nothing before its owner came.
    let (came, missed): (Vec<usize>, Vec<usize>) =
        assistants.into_iter().partition(|n| run.outcome(*n).0 == "connected");
    assert!(!came.is_empty(), "{}", run.told(1));
    missed.iter().for_each(|n| assert_eq!(run.outcome(*n), ("screening", "screening"), "{}", run.told(*n)));
    let mut agents = Vec::new();
    for n in came {
        agents.push(run.person_is_connected(n, "screening"));
        let heard = &run.heard[&number(n)];
        let (asked, first) = (heard.asked.expect("a sentence"), heard.first.expect("a name"));
        assert!(first >= asked, "it was talked down: {}", run.told(n));
        let timeline = &run.timelines[&number(n)];
        let at = |key: &str| timeline[key].as_i64();
        let moments = [at("verdict_us"), at("prompt_us"), at("prompt_ended_us"), at("live_us"), at("connected_us")];
        assert!(moments.iter().all(Option::is_some) && moments.is_sorted(), "{timeline}");
        assert_eq!(at("deadline_us"), at("live_us").map(|live| live + 2_000_000));
    }
    assert_eq!(run.outcome(2), ("fax", "fax"), "{}", run.told(2));
    assert_eq!(run.outcome(3), ("bad_number", "sit"), "{}", run.told(3));
    assert_eq!(run.outcome(4), ("failed", "sit"), "{}", run.told(4));
    assert_eq!(run.marked, [number(2), number(3)]);
    agents.extend(people.map(|n| run.person_is_connected(n, "human")));
    in_time("agent after the words", &agents, DEADLINE, strict);
}

/// The same with the published rules, as far as they can tell.
fn the_rules(strict: bool) {
    let mut parts = vec![mailbox()];
    parts.extend(hellos());
    let people = 1..parts.len();
    let run = run(parts, "classic", LEAVE);
    in_time("message after the beep", &[run.message_is_left(0)], MESSAGE_LATE, strict);
    // The rules take some people for machines; who is told as a person has an agent in time.
    let persons: Vec<usize> = people.clone().filter(|n| run.outcome(*n).1 == "human").collect();
    assert!(persons.len() > people.len() / 2, "{persons:?} of {people:?}");
    let agents: Vec<Duration> = persons.into_iter().map(|n| run.person_is_connected(n, "human")).collect();
    in_time("agent after the words", &agents, DEADLINE, strict);
}
