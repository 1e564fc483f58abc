use super::*;
use crate::callee::{Crowd, Nature};
use crate::carrier::Carrier;
use crate::correlate;
use crate::driver::{AGENT_LEGS, Driver, Plan};
use crate::ledger::{CalleeRecord, Side};
use crate::phones::{AgentPhones, Talk};
use crate::speech::{Source, SpeechBank};
use base::{LegId, WallTime};
use detect::Verdict;
use dialer::sim::callee::CalleeModel;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

fn bank() -> Arc<SpeechBank> {
    static BANK: OnceLock<Arc<SpeechBank>> = OnceLock::new();
    Arc::clone(BANK.get_or_init(|| Arc::new(SpeechBank::load(&[Source::Babble]).expect("babble is always there"))))
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn engine_sip() -> SocketAddr {
    address("10.0.0.1:5060")
}
fn carrier_sip() -> SocketAddr {
    address("10.0.0.2:5060")
}
fn phones_sip() -> SocketAddr {
    address("10.0.0.3:5060")
}

struct Run {
    world: World,
    engine: NodeId,
    carrier: NodeId,
    phones: NodeId,
}

const SCENARIO: &str = r#"
[dial]
human = 0.5
machine = 0.2
busy = 0.08
fail = 0.15
post_dial_s = { dist = "uniform", min = 0.2, max = 1.0 }
human_ring_s = { dist = "uniform", min = 1, max = 3 }
machine_ring_s = { dist = "uniform", min = 1, max = 3 }
[agent]
talk_s = { dist = "uniform", min = 5, max = 15 }
"#;

fn numbers(count: u64) -> Vec<String> {
    (0..count).map(|n| format!("+1212555{n:04}")).collect()
}

fn crowd() -> Crowd {
    Crowd::new(CalleeModel::parse(SCENARIO).expect("a scenario"))
}

fn run(shards: usize, agents: u64, numbers: &[String], plan: Plan, link: LinkConfig, seed: u64) -> Run {
    let seed = Seed::from_u64(seed);
    let anchor = WallAnchor { instant: Instant::ZERO, wall: WallTime::from_unix_us(1_772_470_800_000_000) };
    let mut world = World::new(link, seed, anchor);
    let names: Vec<String> = (0..agents).map(|agent| format!("agent{agent}")).collect();
    let mut driver = Driver::new(shards as u64, agents, numbers, plan, carrier_sip(), phones_sip());
    driver.heard = Some(BTreeMap::new());
    let engine = world.add(NodeConfig { shards, ..NodeConfig::new(engine_sip(), seed) }, driver);
    let carrier = world.add(NodeConfig::new(carrier_sip(), seed), Carrier::new(crowd(), bank(), seed));
    let phones = world.add(NodeConfig::new(phones_sip(), seed), AgentPhones::new(&names, &bank(), seed));
    let wanted = numbers.len();
    let over = |world: &World| world.controller::<Driver>(engine).is_some_and(|driver| driver.ends.len() == wanted);
    let in_time = world.run_while(Instant::ZERO + Duration::from_secs(900), |world| !over(world));
    assert!(in_time, "calls are still up after 15 minutes");
    // The last calls' transactions, and the carrier's side of their ends.
    let end = world.now() + Duration::from_secs(40);
    world.run_until(end);
    Run { world, engine, carrier, phones }
}

impl Run {
    fn driver(&self) -> &Driver {
        self.world.controller(self.engine).expect("the driver")
    }
    fn carrier(&self) -> &Carrier {
        self.world.controller(self.carrier).expect("the carrier")
    }
    fn phones(&self) -> &AgentPhones {
        self.world.controller(self.phones).expect("the phones")
    }
    fn records(&self) -> &[CalleeRecord] {
        self.carrier().ledger().records()
    }
    /// What became of each number, without times.
    fn outcomes(&self) -> BTreeMap<String, (Nature, bool, bool, Option<Side>)> {
        let outcome = |record: &CalleeRecord| {
            let facts = (record.nature, record.answered.is_some(), record.agent_heard.is_some(), record.ended_by);
            (record.number.clone(), facts)
        };
        self.records().iter().map(outcome).collect()
    }
}

/// The agent speaks first, 5 s at most; after 8 s the customer has had a turn.
fn customers_are_heard(talks: &[Talk]) {
    let long = talks.iter().filter(|talk| talk.ended.since(talk.began) > Duration::from_secs(8));
    assert!(long.clone().count() >= 3, "{talks:?}");
    assert!(long.clone().all(|talk| talk.voice_frames > 20), "{talks:?}");
}

#[test]
fn whole_calls_in_virtual_time_and_a_true_ledger() {
    let numbers = numbers(60);
    let run = run(1, 6, &numbers, Plan::Connect, LinkConfig::LAN, 7);
    let summary = run.carrier().ledger().summary();
    assert_eq!((summary.calls, summary.double_dialled, run.carrier().calls_open()), (60, 0, 0));
    assert!(summary.connected >= 15, "{summary:?}");
    assert_eq!((summary.agents_lost_to_machines, summary.messages), (0, 0), "{summary:?}");
    assert!(run.driver().early_media > 0);
    assert!(run.driver().ringback_heard > 0, "what rings in early media is heard");
    let (seed, crowd) = (Seed::from_u64(7), crowd());
    let mut natures = BTreeMap::new();
    for record in run.records() {
        *natures.entry(format!("{:?}", record.nature)).or_insert(0) += 1;
        let callee = crowd.draw(&seed, &record.number, 1);
        assert_eq!(record.nature, callee.nature);
        let (code, answered) = run.driver().ends[&record.number];
        assert_eq!(answered, record.answered.is_some());
        match record.nature {
            Nature::Busy | Nature::Refused { .. } | Nature::EarlyAnnouncement { .. } => {
                assert_eq!((code, answered), (Some(callee.refusal().0), false), "{record:?}");
                assert_eq!(record.ended_by, Some(Side::Callee));
            }
            Nature::NoAnswer => {
                assert!(!answered && record.rang.is_some());
                assert_eq!(record.ended_by, Some(Side::Caller), "the caller cancels");
            }
            Nature::AnsweredAnnouncement => assert!(answered),
            Nature::Machine => {
                assert_eq!(run.driver().verdicts.get(&record.number), Some(&Verdict::Machine), "{record:?}");
                assert_eq!(record.ended_by, Some(Side::Caller));
            }
            Nature::Person => {
                let (rang, answered) = (record.rang.expect("rang"), record.answered.expect("answered"));
                let ring = answered.since(rang);
                assert!(ring >= callee.fate.ring && ring < callee.fate.ring + Duration::from_ms(20), "{ring:?}");
                let Some(heard) = record.agent_heard else { continue };
                let delay = record.connect_delay().expect("said hello");
                // Classic detection waits 800 ms of silence; then there is a free agent, or one soon.
                assert!(delay >= Duration::from_ms(700), "{delay:?}");
                assert_eq!(record.hearing.rooms.count_ones(), 1, "one agent and no other");
                assert!(record.hearing.voice_frames > 20, "the agent speaks: {record:?}");
                // The customer hangs up first, when the talk is over.
                let talked = record.ended.expect("ended").since(heard);
                assert_eq!(record.ended_by, Some(Side::Callee));
                let wanted = callee.fate.talk;
                assert!(talked >= wanted && talked < wanted + Duration::from_ms(100), "{talked:?} {wanted:?}");
            }
        }
    }
    assert!(natures.len() >= 7, "every kind of callee takes part: {natures:?}");
    let talks = run.phones().talks();
    assert_eq!(talks.len(), summary.connected);
    assert!(talks.iter().all(|talk| talk.other_room.is_none()), "{talks:?}");
    customers_are_heard(talks);
    assert_eq!(run.phones().off_hook(), 6);
    assert_eq!(run.world.unreachable(), 0);
    let counts = run.world.counts(run.carrier)[0];
    assert_eq!(counts, Counts::default(), "nothing is left at the carrier");
    let engine = run.world.counts(run.engine)[0];
    assert_eq!((engine.legs, engine.dialogs, engine.calls), (6, 6, 0), "the agents' legs are left");
}

#[test]
fn the_same_seed_gives_the_same_ledger_and_another_one_another() {
    let numbers = numbers(25);
    let ledger = |seed| run(1, 4, &numbers, Plan::Connect, LinkConfig::BAD_DAY, seed).carrier().ledger().clone();
    assert_eq!(ledger(3), ledger(3));
    assert_ne!(ledger(3), ledger(4));
}

#[test]
fn one_two_and_four_shards_give_the_same_outcomes_with_speech_both_ways() {
    let numbers = numbers(30);
    let one = run(1, 8, &numbers, Plan::Connect, LinkConfig::LAN, 5);
    for shards in [2, 4] {
        let many = run(shards, 8, &numbers, Plan::Connect, LinkConfig::LAN, 5);
        assert_eq!(many.outcomes(), one.outcomes(), "{shards} shards");
        let spread = many.world.counts(many.engine).iter().filter(|counts| counts.legs > 0).count();
        assert_eq!(spread, shards, "agents' legs on every shard");
        customers_are_heard(many.phones().talks());
        let connected = many.records().iter().filter(|record| record.agent_heard.is_some());
        assert!(connected.clone().count() >= 8 && connected.clone().all(|record| record.hearing.voice_frames > 20));
        let (customer, agent) = (LegId(1), LegId(AGENT_LEGS));
        assert_ne!(many.driver().shard_of(customer), many.driver().shard_of(LegId(agent.0 + 1)));
    }
}

#[test]
fn a_played_message_is_told_from_an_agent() {
    let numbers = numbers(30);
    let mut random = Seed::from_u64(1).stream("message", 0);
    let message = Plan::PlayMessage(Arc::clone(&bank().sentence(&mut random).prompt));
    let run = run(1, 2, &numbers, message, LinkConfig::LAN, 11);
    let summary = run.carrier().ledger().summary();
    assert_eq!((summary.connected, summary.agents_lost_to_machines), (0, 0));
    assert!(summary.messages >= 8, "{summary:?}");
    for record in run.records().iter().filter(|record| record.message_heard.is_some()) {
        assert_eq!(record.hearing.rooms, 0);
        assert!(record.message_heard > record.greeting_end);
    }
    assert!(run.phones().talks().is_empty());
}

#[test]
fn calls_survive_a_bad_network() {
    let numbers = numbers(40);
    let link = LinkConfig { loss: crate::netsim::BurstLoss { share: 0.08, mean_burst: 2.0 }, ..LinkConfig::BAD_DAY };
    let mut run = run(2, 6, &numbers, Plan::Connect, link, 13);
    let summary = run.carrier().ledger().summary();
    assert_eq!((summary.calls, summary.double_dialled), (40, 0));
    assert!(summary.connected >= 8, "{summary:?}");
    assert_eq!(run.world.counts(run.carrier)[0], Counts::default());
    let lost = run.world.network().counts();
    assert!(lost.lost > 1_000 && lost.reordered > 0 && lost.duplicated > 0, "{lost:?}");
}

#[test]
fn what_callees_play_is_found_in_what_the_engine_received() {
    let numbers = numbers(30);
    let run = run(1, 4, &numbers, Plan::Connect, LinkConfig::BAD_DAY, 17);
    let (mut greetings, mut hellos) = (0, 0);
    for record in run.records().iter().filter(|record| record.greeting_end.is_some()) {
        let (_, heard) = &run.driver().heard.as_ref().expect("wanted")[&record.number];
        let mut random = Carrier::voice_stream(&Seed::from_u64(17), &record.number, 1);
        let clip = match record.nature {
            Nature::Machine => bank().greeting(&mut random).clone(),
            Nature::Person => bank().hello(&mut random).clone(),
            _ => continue,
        };
        let found = correlate::find(&clip.samples, heard).expect("long enough");
        assert!(found.score > correlate::SCORE_SAME, "{found:?} {record:?}");
        let other = correlate::find(&bank().announcement(&mut random).samples, heard).expect("long enough");
        assert!(other.score < correlate::SCORE_SAME, "{other:?}");
        greetings += u32::from(record.nature == Nature::Machine);
        hellos += u32::from(record.nature == Nature::Person);
    }
    // Most machines are hung up in the middle of their greeting.
    assert!(hellos >= 8, "{hellos} {greetings}");
}
