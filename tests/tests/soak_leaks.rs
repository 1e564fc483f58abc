//! Nothing stays behind: a campaign dials as fast as its trunk allows, with agents' phones that stay up all the time, and
//! then every call, leg, port, timer, dialog, transaction and file descriptor must be back.
//!
//! ```text
//!  store ─ Runtime (Conductor, Dialer) ─ net::Engine ──SIP, RTP over loopback──> Carrier, AgentPhones
//! ```
//!
//! `make test` runs the short one; `make soak` the long one: 1,000 phones, 200 calls a second, five minutes.

use base::{AgentId, Duration, Instant, Seed, TrunkId};
use call::Counts;
use codecs::g711::Law;
use detect::{ClassicConfig, DetectorConfig};
use dialer::sim::callee::CalleeModel;
use dialer::{CampaignConfig, Dialer, DialerConfig, Input, Profile, RetryRules};
use loadtest::runner::Actor;
use loadtest::speech::Source;
use loadtest::{AgentPhones, Carrier, Crowd, SpeechBank};
use net::{Clock, Engine, EngineConfig};
use server::conductor::{AgentPhone, Conductor, ConductorConfig, Trunk};
use server::control::api::AgentWish;
use server::control::{Control, Journal};
use server::import;
use server::runtime::Runtime;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Store, TenantId};

/// Quick callees: most calls are over within a second, so that many end while the soak runs and one call for each free
/// agent is fast enough. None fails by the network: a 503 would make the dialer slow its trunk down, as it should.
const QUICK: &str = r#"
name = "soak"
ledger = "run"
[dial]
human = 0.20
machine = 0.15
busy = 0.60
fail = 0
hour_shape = [1.0]
day_sd = 0.0
drift_sd = 0.0
ring_timeout_s = 2
post_dial_s = { dist = "uniform", min = 0.02, max = 0.05 }
human_ring_s = { dist = "uniform", min = 0.1, max = 0.3 }
machine_ring_s = { dist = "uniform", min = 0.1, max = 0.3 }
[agent]
talk_s = { dist = "uniform", min = 1, max = 3 }
wrap_s = { dist = "constant", value = 1 }
"#;

/// Below the ports that the system lends; each engine skips what others hold. 9,000 pairs: an idle phone takes two (the
/// product's and its own), a call takes two, and each rests for 2 s.
const PORTS: std::ops::RangeInclusive<u16> = 12_000..=29_999;

/// After the last call its transactions stay for up to 32 s (64 × T1, RFC 3261), those of a repeated BYE as long again.
const EMPTY_LIMIT: Duration = Duration::from_secs(75);
/// The phones answer within this time, or the machine is too busy for the soak.
const PHONES_LIMIT: Duration = Duration::from_secs(60);

struct Plan {
    phones: u32,
    calls_per_second: f64,
    seconds: u64,
}

#[test]
fn a_busy_campaign_leaves_nothing_behind() {
    let attempts = soak(&Plan { phones: 200, calls_per_second: 100.0, seconds: 10 });
    assert!(attempts >= 300, "{attempts} attempts are no load");
}

#[test]
#[ignore = "make soak"]
fn soak_leaks() {
    let plan = Plan { phones: 1_000, calls_per_second: 200.0, seconds: 300 };
    let attempts = soak(&plan);
    let planned = plan.calls_per_second * plan.seconds as f64;
    assert!(attempts as f64 >= 0.9 * planned, "{attempts} attempts of {planned}: the machine could not keep up");
}

fn engine(names: &str) -> EngineConfig {
    EngineConfig { ports: PORTS, names: names.to_owned(), user_agent: names.to_owned(), ..EngineConfig::default() }
}

/// Dials for so long, puts everything down and checks that nothing is held; the number of attempts.
fn soak(plan: &Plan) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    // Libraries keep a few descriptors for the life of the process (tokio: a socket pair for signals).
    let (store, _) = Store::open(&format!("sqlite:{}", folder.path().join("first.db").display())).expect("a store");
    store.close().expect("it closes");
    let files = open_files();
    let seed = Seed::from_u64(3);
    let bank = Arc::new(SpeechBank::load(&[Source::Babble]).expect("babble is always there"));
    let crowd = Crowd::new(CalleeModel::parse(QUICK).expect("a scenario"));
    let names: Vec<String> = (0..plan.phones).map(|phone| format!("phone-{phone}")).collect();
    let carrier = Actor::start(engine("carrier"), Carrier::new(crowd, Arc::clone(&bank), seed)).expect("a carrier");
    let phones = Actor::start(engine("phones"), AgentPhones::new(&names, &bank, seed)).expect("phones");

    let mut product = Product::start(plan, folder.path(), &carrier, &phones, &names, &bank, seed);
    let mut memory = Memory::default();
    product.dial(plan, &mut memory);
    product.put_down();
    let attempts = product.runtime.conductor().figures().attempts;
    let ours = empty("the product", product.runtime.engine());
    let theirs = [empty("the carrier", carrier.engine()), empty("the phones", phones.engine())];
    println!(
        "{attempts} attempts in {} s; memory grew by {:.0} bytes a call over the last 80 %, {:.1} -> {:.1} MB",
        plan.seconds,
        memory.bytes_per_call(),
        memory.samples.first().map_or(0.0, |(_, bytes)| bytes / 1e6),
        memory.samples.last().map_or(0.0, |(_, bytes)| bytes / 1e6),
    );
    assert_eq!((ours, theirs), (Counts::default(), [Counts::default(); 2]));
    let stats = product.runtime.shutdown().expect("the store closes");
    assert!(stats.failed.is_empty(), "{:?}", stats.failed);
    let (carrier, phones) = (carrier.stop(), phones.stop());
    assert_eq!((carrier.calls_open(), phones.off_hook()), (0, 0));
    assert_eq!(carrier.ledger().summary().double_dialled, 0);
    drop(folder);
    assert_eq!(open_files(), files, "file descriptors");
    attempts
}

/// Waits until an engine holds nothing, or long enough; what it holds then.
fn empty(who: &str, engine: &Engine) -> Counts {
    let clock = Clock::new();
    let limit = clock.now() + EMPTY_LIMIT;
    loop {
        let stats = engine.stats();
        assert!(stats.failed.is_empty(), "{who}: {:?}", stats.failed);
        let counts = stats.counts();
        if stats.silent.is_empty() && (counts == Counts::default() || clock.now() > limit) {
            return counts;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

struct Product {
    runtime: Runtime,
    campaign: base::CampaignId,
    phones: usize,
}

impl Product {
    fn start(
        plan: &Plan,
        folder: &std::path::Path,
        carrier: &Actor<Carrier>,
        phones: &Actor<AgentPhones>,
        names: &[String],
        bank: &SpeechBank,
        seed: Seed,
    ) -> Product {
        let clock = Clock::new();
        let anchor = clock.anchor();
        let tenant = TenantId::DEFAULT;
        let database = format!("sqlite:{}", folder.join("soak.db").display());
        let (store, acks) = Store::open(&database).expect("a store");
        let wall = anchor.wall_at(clock.now());
        let list = store.create_list(tenant, "soak", wall).expect("a list");
        // A fifth more than can be dialled, so that the list never ends.
        let leads = (plan.calls_per_second * plan.seconds as f64 * 1.2) as usize;
        let csv = loadtest::leads::leads_csv(leads, seed);
        let options = import::ImportOptions::default();
        import::import_csv(csv.as_bytes(), &options, &mut import::StoreSink::new(&store, list, wall)).expect("leads");
        let campaign = store.ensure_campaign(tenant, "soak", wall).expect("a campaign");

        let engine = Engine::start(engine("product")).expect("an engine");
        let message = bank.announcement(&mut seed.stream("message", 0));
        let config = ConductorConfig {
            tenant,
            shards: 1,
            domain: engine.sip_addr().to_string(),
            detection: DetectorConfig::Classic(ClassicConfig::default()).into(),
            recordings: Default::default(),
            messages: BTreeMap::from([("safe-harbour".to_owned(), Arc::clone(&message.prompt))]),
            first_call: 1,
        };
        let dialer = DialerConfig { wrap_up_limit: Some(Duration::from_secs(1)), ..DialerConfig::default() };
        let conductor = Conductor::new(config, Dialer::new(dialer, seed, anchor), anchor);
        let (_, end) = Control::new(Journal::new(0));
        let mut runtime =
            Runtime::new(clock, conductor, engine, Arc::new(store), acks, tenant, end).expect("a runtime");
        let source = server::feeder::Source {
            list,
            mix: Vec::new(),
            filter: None,
            order: store::LeadOrder::Oldest,
            next_numbers: false,
            scope: None,
            zone: "America/New_York".to_owned(),
            profile: dialer::Profile::lab(),
        };
        runtime.supply(campaign, source);
        let trunk = TrunkId(1);
        let (carrier, phones) = (carrier.sip_addr(), phones.sip_addr());
        let route = Trunk {
            name: "carrier".to_owned(),
            remote: carrier,
            domain: carrier.to_string(),
            credentials: None,
            laws: vec![Law::Mu],
            max_channels: 5_000,
            max_cps: plan.calls_per_second,
            nat: false,
            register: false,
            ping: Duration::ZERO,
        };
        let campaign_config = CampaignConfig {
            profile: Profile::lab(), // a closed test network: nobody real is called
            ring_timeout: Duration::from_secs(2),
            retry: RetryRules::none(),
            ..CampaignConfig::new("soak", trunk, "+12125550199")
        };
        let wishes = runtime.with_conductor(|conductor, now| {
            conductor.put_trunk(now, trunk, route);
            conductor.handle_input(now, Input::AddCampaign { campaign, config: Box::new(campaign_config) });
            for (number, name) in (1..).zip(names) {
                let line = AgentPhone { uri: format!("sip:{name}@{phones}"), remote: phones };
                conductor.add_agent(now, AgentId(number), name, Some(line), desk::Skills::new());
                conductor.set_agent(now, AgentId(number), AgentWish::Ready)?;
            }
            Ok::<(), server::control::Refusal>(())
        });
        wishes.expect("the conductor").expect("agents are taken");
        Product { runtime, campaign, phones: names.len() }
    }

    fn step_until(&mut self, limit: Instant, done: impl Fn(&Conductor) -> bool) -> bool {
        while !done(self.runtime.conductor()) {
            if self.runtime.now() > limit {
                return false;
            }
            self.runtime.step().expect("the product runs");
        }
        true
    }

    fn dial(&mut self, plan: &Plan, memory: &mut Memory) {
        let phones = self.phones;
        let limit = self.runtime.now() + PHONES_LIMIT;
        assert!(self.step_until(limit, |conductor| conductor.agents_up() == phones), "all phones answer");
        let campaign = self.campaign;
        self.runtime
            .with_conductor(|conductor, now| conductor.handle_input(now, Input::Start { campaign }))
            .expect("the campaign starts");
        for _ in 0..plan.seconds {
            let second = self.runtime.now() + Duration::from_secs(1);
            self.step_until(second, |_| false);
            memory.sample(self.runtime.conductor().figures().attempts);
        }
        self.runtime
            .with_conductor(|conductor, now| conductor.handle_input(now, Input::Stop { campaign }))
            .expect("the campaign stops");
        let limit = self.runtime.now() + Duration::from_secs(60);
        assert!(self.step_until(limit, |conductor| conductor.calls_live() == 0), "calls under way come to their end");
    }

    fn put_down(&mut self) {
        self.runtime.with_conductor(|conductor, now| conductor.log_all_out(now)).expect("agents log out");
        let limit = self.runtime.now() + Duration::from_secs(40);
        assert!(self.step_until(limit, |conductor| conductor.legs_live() == 0), "every leg ends");
        self.runtime.store().flush().expect("all rows are written");
    }
}

/// Resident memory of this process (product, carrier and phones together) by calls placed.
#[derive(Default)]
struct Memory {
    samples: Vec<(f64, f64)>,
}

impl Memory {
    fn sample(&mut self, calls: u64) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kb: f64 = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0);
        self.samples.push((calls as f64, kb * 1_024.0));
    }

    /// Slope of the straight line through the last 80 % of the samples (least squares).
    fn bytes_per_call(&self) -> f64 {
        let late = &self.samples[self.samples.len() / 5..];
        let count = late.len() as f64;
        let mean = |pick: fn(&(f64, f64)) -> f64| late.iter().map(pick).sum::<f64>() / count;
        let (calls, bytes) = (mean(|sample| sample.0), mean(|sample| sample.1));
        let spread: f64 = late.iter().map(|sample| (sample.0 - calls).powi(2)).sum();
        let common: f64 = late.iter().map(|sample| (sample.0 - calls) * (sample.1 - bytes)).sum();
        if spread > 0.0 { common / spread } else { 0.0 }
    }
}

/// What the process has open, by number: a socket's inode, a file's path.
fn open_files() -> BTreeMap<String, String> {
    let entries = std::fs::read_dir("/proc/self/fd").expect("this is Linux");
    let named = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let target = std::fs::read_link(entry.path()).ok()?;
        Some((entry.file_name().to_string_lossy().into_owned(), target.display().to_string()))
    });
    // The directory itself is open while it is read.
    named.filter(|(_, target)| !target.ends_with("/fd")).collect()
}
