//! One seed, one world: a campaign over a simulated network comes out the same on 1, 2 and 4 shards. The product's own
//! conductor, dialer and shards, the carrier and the phones of `loadtest`, every SIP and RTP byte; no sockets and no
//! waiting.

use base::{AgentId, CampaignId, Duration, Instant, LeadId, Seed, ShardId, TrunkId, WallAnchor, WallTime};
use call::{Command, Event};
use codecs::g711::Law;
use detect::{ClassicConfig, DetectorConfig};
use dialer::sim::callee::CalleeModel;
use dialer::{CampaignConfig, Dialer, DialerConfig, Input, Lead, Number, Profile, RetryRules};
use loadtest::speech::Source;
use loadtest::{AgentPhones, Carrier, Controller, Crowd, LinkConfig, Nature, NodeConfig, NodeId, SpeechBank, World};
use server::conductor::{AgentPhone, Conductor, ConductorConfig, Output, Trunk};
use server::control::api::AgentWish;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use store::{Op, TenantId};

const LEADS: u64 = 60;
const AGENTS: u64 = 5;
/// What the store of this world takes for a commit: the middle of a group commit's 2 to 5 ms.
const COMMIT: Duration = Duration::from_ms(3);
/// The list is dialled and every call over well before.
const LIMIT: Duration = Duration::from_secs(900);

const CLASSIC: DetectorConfig = DetectorConfig::Classic(ClassicConfig {
    initial_silence_ms: 2_500,
    greeting_ms: 1_500,
    after_greeting_silence_ms: 800,
    total_analysis_time_ms: 5_000,
    min_word_length_ms: 100,
    between_words_silence_ms: 50,
    maximum_number_of_words: 2,
    maximum_word_length_ms: 5_000,
    silence_threshold: 256,
});

const SCENARIO: &str = r#"
[dial]
hour_shape = [1.0]
day_sd = 0.0
drift_sd = 0.0
human = 0.4
ring_timeout_s = 8
post_dial_s = { dist = "uniform", min = 0.2, max = 1.0 }
human_ring_s = { dist = "uniform", min = 2, max = 6 }
machine_ring_s = { dist = "uniform", min = 2, max = 6 }
[agent]
talk_s = { dist = "lognormal", mean = 6, cv = 0.5 }
wrap_s = { dist = "constant", value = 2 }
"#;

/// The product's control loop as a node of the simulated world. Its store is a ledger in memory that takes `COMMIT`.
struct Product {
    conductor: Conductor,
    commands: VecDeque<(ShardId, Command)>,
    commits: VecDeque<(Instant, u64)>,
    rows: Vec<Op>,
    finished: bool,
}

impl Product {
    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.conductor.poll_output() {
            match output {
                Output::Command(shard, command) => self.commands.push_back((shard, command)),
                Output::Store(token, op) => {
                    self.rows.push(*op);
                    self.commits.push_back((now + COMMIT, token));
                }
                Output::Finished(_) => self.finished = true,
                // Leads come from the test itself, and nobody watches.
                Output::LeadsWanted(..)
                | Output::Supply(..)
                | Output::FeedNumber(..)
                | Output::Unsupply(_)
                | Output::ListGrew(_)
                | Output::DrainLimit(_)
                | Output::Tell(..) => {}
                Output::Notice(text) => panic!("the operator would read: {text}"),
            }
        }
    }

    fn with(&mut self, now: Instant, f: impl FnOnce(&mut Conductor)) {
        f(&mut self.conductor);
        self.drain(now);
    }
}

impl Controller for Product {
    fn handle_event(&mut self, now: Instant, shard: ShardId, event: Event) {
        self.with(now, |conductor| conductor.handle_event(now, shard, event));
    }
    fn handle_timeout(&mut self, now: Instant) {
        while self.commits.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, token)) = self.commits.pop_front() {
                self.with(now, |conductor| conductor.handle_ack(now, token, Ok(())));
            }
        }
        self.with(now, |conductor| conductor.handle_timeout(now));
    }
    fn poll_timeout(&self) -> Option<Instant> {
        let commit = self.commits.front().map(|(at, _)| *at);
        [commit, self.conductor.poll_timeout()].into_iter().flatten().min()
    }
    fn poll_command(&mut self) -> Option<(ShardId, Command)> {
        self.commands.pop_front()
    }
}

fn voices() -> &'static Arc<SpeechBank> {
    static VOICES: OnceLock<Arc<SpeechBank>> = OnceLock::new();
    VOICES.get_or_init(|| Arc::new(SpeechBank::load(&Source::usual()).expect("voices: run scripts/setup")))
}

/// What a campaign came to, in the words of the rows that were stored and of the carrier's own ledger.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// Outcome of each lead.
    leads: BTreeMap<u64, String>,
    intents: usize,
    cdrs: (usize, usize),
    /// By number: which agents' rooms the callee heard.
    rooms: BTreeMap<String, u32>,
    /// By number: connect delay in ms as the callee measured it.
    delays_ms: BTreeMap<String, u64>,
    /// Customers whose leg and whose agent's leg lived on different shards; differs with the number of shards.
    crossed: usize,
}

fn run(shards: u64, seed: u64, detection: DetectorConfig) -> Outcome {
    let seed = Seed::from_u64(seed);
    let anchor = WallAnchor { instant: Instant::ZERO, wall: WallTime::from_unix_us(1_772_460_000_000_000) };
    let address = |host: u8| SocketAddr::from(([10, 0, 0, host], 5060));
    let (product, carrier, phones) = (address(1), address(2), address(3));
    let names: Vec<String> = (1..=AGENTS).map(|agent| format!("agent-{agent:02}")).collect();

    let mut world = World::new(LinkConfig::LAN, seed, anchor);
    let callees = CalleeModel::parse(SCENARIO).expect("a sound scenario");
    let carrier_node =
        world.add(NodeConfig::new(carrier, seed), Carrier::new(Crowd::new(callees), Arc::clone(voices()), seed));
    let phones_node = world.add(NodeConfig::new(phones, seed), AgentPhones::new(&names, voices(), seed));

    let message = voices().announcement(&mut seed.stream("message", 0));
    let config = ConductorConfig {
        tenant: TenantId::DEFAULT,
        shards,
        domain: product.to_string(),
        detection: detection.into(),
        messages: BTreeMap::from([("safe-harbour".to_owned(), Arc::clone(&message.prompt))]),
        recordings: Default::default(),
        first_call: 1,
    };
    let dialer_config = DialerConfig { wrap_up_limit: Some(Duration::from_secs(2)), ..DialerConfig::default() };
    let mut product_loop = Product {
        conductor: Conductor::new(config, Dialer::new(dialer_config, seed, anchor), anchor),
        commands: VecDeque::new(),
        commits: VecDeque::new(),
        rows: Vec::new(),
        finished: false,
    };
    let campaign = CampaignId(1);
    let now = anchor.instant;
    product_loop.with(now, |conductor| {
        let trunk = Trunk {
            name: "carrier".into(),
            remote: carrier,
            domain: carrier.to_string(),
            credentials: None,
            laws: vec![Law::Mu, Law::A],
            nat: false,
            register: false,
            ping: Duration::ZERO,
            max_channels: 100,
            max_cps: 50.0,
        };
        conductor.put_trunk(now, TrunkId(1), trunk);
        let config = CampaignConfig {
            profile: Profile::lab(),
            ring_timeout: Duration::from_secs(8),
            retry: RetryRules::none(),
            ..CampaignConfig::new("test", TrunkId(1), "+12125550199")
        };
        conductor.handle_input(now, Input::AddCampaign { campaign, config: Box::new(config) });
        let lead = |id: u64| {
            let number = Number::parse(&format!("+1212555{id:04}")).expect("a number");
            Lead::new(LeadId(id), number)
        };
        conductor.handle_input(now, Input::AddLeads { campaign, leads: (1..=LEADS).map(lead).collect() });
        for (id, name) in (1..).zip(&names) {
            let line = AgentPhone { uri: format!("sip:{name}@{phones}"), remote: phones };
            conductor.add_agent(now, AgentId(id), name, Some(line), desk::Skills::new());
            conductor.set_agent(now, AgentId(id), AgentWish::Ready).expect("an agent with a phone");
        }
        conductor.handle_input(now, Input::Start { campaign });
    });
    let config = NodeConfig { shards: shards as usize, ..NodeConfig::new(product, seed) };
    let product_node = world.add(config, product_loop);

    let done = world.run_while(now + LIMIT, |world| !the_product(world, product_node).finished);
    assert!(done, "the list was not dialled within {LIMIT:?}");
    let at = world.now();
    if let Some(product) = world.controller_mut::<Product>(product_node) {
        product.with(at, |conductor| conductor.log_all_out(at));
    }
    world.run_until(at + Duration::from_secs(60));
    for node in [product_node, carrier_node, phones_node] {
        for counts in world.counts(node) {
            assert_eq!(counts, call::Counts::default(), "given back on {node:?}");
        }
    }
    assert_eq!(world.unreachable(), 0);
    outcome(&world, product_node, carrier_node, shards)
}

fn the_product(world: &World, node: NodeId) -> &Product {
    world.controller(node).expect("the product")
}

fn outcome(world: &World, product: NodeId, carrier: NodeId, shards: u64) -> Outcome {
    let product = the_product(world, product);
    let ledger = world.controller::<Carrier>(carrier).expect("the carrier").ledger();
    let mut lead_of = BTreeMap::new();
    let mut result = Outcome {
        leads: BTreeMap::new(),
        intents: 0,
        cdrs: (0, 0),
        rooms: BTreeMap::new(),
        delays_ms: BTreeMap::new(),
        crossed: 0,
    };
    for row in &product.rows {
        match row {
            Op::Intent(row) => {
                result.intents += 1;
                assert!(lead_of.insert(row.attempt, row.lead).is_none(), "an attempt recorded twice");
            }
            Op::AttemptClose(row, _) => {
                let lead = lead_of[&row.attempt];
                assert!(result.leads.insert(lead.0, row.outcome.clone()).is_none(), "lead {lead} closed twice");
                let crossed = row.agent.is_some_and(|agent| agent.0 % shards != row.attempt.0 % shards);
                result.crossed += usize::from(crossed && row.connected_at.is_some());
            }
            Op::CdrOpen(_) => result.cdrs.0 += 1,
            Op::CdrClose(_) => result.cdrs.1 += 1,
            _ => {}
        }
    }
    for record in ledger.records() {
        result.rooms.insert(record.number.clone(), record.hearing.rooms);
        if let Some(delay) = record.connect_delay() {
            result.delays_ms.insert(record.number.clone(), delay.as_ms());
        }
    }
    let connected = result.leads.values().filter(|outcome| *outcome == "connected").count();
    let persons_heard =
        ledger.records().iter().filter(|r| r.nature == Nature::Person && r.agent_heard.is_some()).count();
    assert_eq!(ledger.summary().double_dialled, 0);
    assert!(connected >= persons_heard && persons_heard > 0, "{connected} connected, {persons_heard} heard an agent");
    result
}

#[test]
fn the_same_seed_gives_the_same_outcomes_on_any_number_of_shards() {
    let one = run(1, 11, CLASSIC);
    assert_eq!(one.leads.len() as u64, LEADS, "every lead in exactly one outcome");
    assert_eq!(one.intents as u64, LEADS);
    assert_eq!(one.cdrs.0, one.cdrs.1, "each CDR opened is closed");
    assert_eq!(one.crossed, 0);
    for shards in [2, 4] {
        let many = run(shards, 11, CLASSIC);
        assert!(many.crossed > 0, "{shards} shards: some calls must cross");
        // Calls launched in the same instant leave their shards in another order, so the carrier numbers them otherwise
        // and they get other places on its 20 ms grid: delays may differ by that, outcomes and agents may not.
        assert_eq!(many.delays_ms.keys().collect::<Vec<_>>(), one.delays_ms.keys().collect::<Vec<_>>());
        for (number, delay_ms) in &many.delays_ms {
            let difference_ms = delay_ms.abs_diff(one.delays_ms[number]);
            assert!(difference_ms <= media::PTIME.as_ms(), "{number}: {difference_ms} ms on {shards} shards");
        }
        assert_eq!(Outcome { crossed: 0, delays_ms: one.delays_ms.clone(), ..many }, one, "{shards} shards");
    }
    assert_ne!(run(1, 12, CLASSIC).leads, one.leads, "another seed is another day");
}

/// The same with the detector `default`: the same bytes give the same verdicts wherever a call lives, people are heard by an
/// agent in time, and machines are recognised.
#[test]
fn the_default_detector_judges_a_campaign_alike_on_one_shard_and_on_two() {
    let detection = DetectorConfig::for_share(detect::model::SHARE_DEFAULT).expect("the net that ships is calibrated");
    let (one, two) = (run(1, 11, detection.clone()), run(2, 11, detection));
    assert_eq!(one.leads.len() as u64, LEADS, "every lead in exactly one outcome");
    assert_eq!((one.intents as u64, one.cdrs.0), (LEADS, one.cdrs.1));
    assert_eq!((&two.leads, &two.rooms), (&one.leads, &one.rooms));
    let slowest = one.delays_ms.values().max().expect("somebody was connected");
    assert!(*slowest <= 2_000, "{slowest} ms");
    assert!(one.leads.values().any(|outcome| outcome == "machine"), "{:?}", one.leads);
}
