//! `outpace demo`: the whole system with nothing to configure. A simulated carrier and the agents' phones speak real SIP
//! and RTP over loopback; the product in the middle is the one that `serve` runs.

mod arguments;
mod progress;
mod summary;

pub use arguments::DemoArgs;

use crate::conductor::{AgentPhone, Conductor, ConductorConfig, Trunk};
use crate::control::api::AgentWish;
use crate::control::{Control, Journal, Refusal};
use crate::failure::Failure;
use crate::import;
use crate::runtime::Runtime;
use base::{AgentId, CampaignId, Duration, Instant, Seed, TrunkId};
use codecs::g711::Law;
use dialer::{CampaignConfig, Dialer, DialerConfig, Input, Profile, RetryRules};
use loadtest::runner::Actor;
use loadtest::speech::Source;
use loadtest::{AgentPhones, Carrier, Crowd, SpeechBank};
use media::amd::{ClassicConfig, DetectorConfig};
use net::{Clock, Engine, EngineConfig};
use progress::Progress;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Store, TenantId};
use summary::Summary;

/// Channels and calls a second of the demo's trunk: 20 lines an agent are never needed, 50 calls a second never met.
const CHANNELS_PER_AGENT: u32 = 20;
const CALLS_PER_SECOND: f64 = 50.0;
/// No call is launched so near to the end, so that those under way can end by themselves: a talk is rarely longer.
const LAST_CALLS: Duration = Duration::from_secs(30);
/// Agents' phones have this long to answer before the demo gives up.
const PHONES_LIMIT: Duration = Duration::from_secs(20);
/// After the last campaign event: calls end by themselves within a talk and a message, then they are hung up.
const DRAIN_LIMIT: Duration = Duration::from_secs(45);
/// After the hang-up of all legs: BYEs are answered at once on loopback; a lost one is sent again for up to 8 s.
const HANG_UP_LIMIT: Duration = Duration::from_secs(10);
/// Media ports of the three engines; each takes what is free in the range.
const PORTS: std::ops::RangeInclusive<u16> = 20_000..=29_999;

const CAMPAIGN_NAME: &str = "demo";
const MESSAGE: &str = "safe-harbour";
const CALLER_ID: &str = "+12125550199";

/// Runs the demo and prints its summary.
pub fn run(arguments: &DemoArgs) -> Result<(), Failure> {
    arguments.check()?;
    if let Some(path) = &arguments.json {
        // Now and not after six minutes of dialling.
        std::fs::write(path, "").map_err(|e| Failure::io(&path.display().to_string(), e))?;
    }
    let folder = tempfile::tempdir().map_err(|e| Failure::io("a temporary folder", e))?;
    let seed = Seed::from_u64(arguments.seed());
    let bank = Arc::new(SpeechBank::load(&Source::usual()).map_err(|e| Failure::failed(e.to_string()))?);

    let outside = Outside::start(arguments, &bank, seed)?;
    let mut product = Product::start(arguments, &outside, &bank, seed, folder.path())?;
    let progress = Progress::new(product.leads, arguments);
    progress.opening(&product, &bank);

    let began = product.runtime.now();
    product.dial(arguments, &progress)?;
    let wall = product.runtime.now().since(began);
    let occupancy = product.occupancy();
    product.put_down()?;
    progress.end();

    let attempts = product.attempts()?;
    let figures = product.runtime.conductor().figures().clone();
    let leads = product.leads;
    let stats = product.runtime.shutdown()?;
    let (ledger, talks) = outside.stop();
    let summary = Summary::new(arguments, leads, wall, occupancy, &figures, &stats, &ledger, &attempts, talks);
    summary.print();
    if let Some(path) = &arguments.json {
        summary.write(path)?;
    }
    match summary.fault() {
        Some(fault) => Err(Failure::failed(fault)),
        None => Ok(()),
    }
}

/// The world outside: a carrier and the agents' phones, each with an engine of its own.
struct Outside {
    carrier: Actor<Carrier>,
    phones: Actor<AgentPhones>,
    names: Vec<String>,
}

impl Outside {
    fn start(arguments: &DemoArgs, bank: &Arc<SpeechBank>, seed: Seed) -> Result<Outside, Failure> {
        let names: Vec<String> = (1..=arguments.agents).map(|number| format!("agent-{number:02}")).collect();
        let engine = |user_agent: &str, names: &str| EngineConfig {
            ports: PORTS,
            user_agent: user_agent.to_owned(),
            names: names.to_owned(),
            ..EngineConfig::default()
        };
        let carrier = Carrier::new(Crowd::new(arguments.callees()?), Arc::clone(bank), seed);
        let carrier = Actor::start(engine("Simulated carrier", "carrier"), carrier)?;
        let phones = AgentPhones::new(&names, bank, seed);
        let phones = Actor::start(engine("Simulated phone", "phones"), phones)?;
        Ok(Outside { carrier, phones, names })
    }

    fn stop(self) -> (loadtest::Ledger, usize) {
        let phones = self.phones.stop();
        let carrier = self.carrier.stop();
        (carrier.ledger().clone(), phones.talks().len())
    }
}

/// The product: engine, store and conductor, with one campaign.
struct Product {
    runtime: Runtime,
    campaign: CampaignId,
    agents: usize,
    leads: usize,
}

impl Product {
    fn start(
        arguments: &DemoArgs,
        outside: &Outside,
        bank: &SpeechBank,
        seed: Seed,
        folder: &std::path::Path,
    ) -> Result<Product, Failure> {
        let clock = Clock::new();
        let anchor = clock.anchor();
        let tenant = TenantId::DEFAULT;
        let (store, acks) = Store::open(&format!("sqlite:{}", folder.join("outpace.db").display()))?;

        // The list comes the way a customer's list comes: a CSV file in mixed notation, with duplicates and rubbish.
        let wall = anchor.wall_at(clock.now());
        let list = store.create_list(tenant, CAMPAIGN_NAME, wall)?;
        let planted = loadtest::leads::leads(arguments.leads, seed);
        let imported = import::import_csv(
            planted.csv.as_bytes(),
            &import::ImportOptions::default(),
            &mut import::StoreSink::new(&store, list, wall),
        )?;
        let campaign = store.ensure_campaign(tenant, CAMPAIGN_NAME, wall)?;
        let high_water = store.high_water()?;

        let engine = Engine::start(EngineConfig {
            shards: arguments.shards,
            ports: PORTS,
            seed: None,
            driver: arguments.driver,
            user_agent: concat!("Outpace/", env!("CARGO_PKG_VERSION")).to_owned(),
            ..EngineConfig::default()
        })?;
        let message = bank.announcement(&mut seed.stream("demo-message", 0));
        let config = ConductorConfig {
            tenant,
            shards: arguments.shards as u64,
            domain: engine.sip_addr().to_string(),
            detection: DetectorConfig::Classic(ClassicConfig::default()),
            messages: BTreeMap::from([(MESSAGE.to_owned(), Arc::clone(&message.prompt))]),
            first_call: high_water.call + 1,
        };
        let callees = arguments.callees()?;
        let scenario = callees.scenario();
        let dialer_config = DialerConfig {
            wrap_up_limit: Some(Duration::from_secs_f64(scenario.agent.wrap_s.mean())),
            first_attempt: high_water.attempt + 1,
            ..DialerConfig::default()
        };
        let ring_timeout = Duration::from_secs_f64(scenario.dial.ring_timeout_s);
        let conductor = Conductor::new(config, Dialer::new(dialer_config, seed, anchor), anchor);
        let (_, end) = Control::new(Journal::new(0));
        let mut runtime = Runtime::new(clock, conductor, engine, Arc::new(store), acks, tenant, end)?;
        runtime.supply(campaign, list, None);

        let trunk = TrunkId(1);
        let carrier = outside.carrier.sip_addr();
        let phones = outside.phones.sip_addr();
        let channels = CHANNELS_PER_AGENT * arguments.agents as u32;
        runtime.with_conductor(|conductor, now| {
            let route = Trunk {
                name: "simulated-carrier".to_owned(),
                remote: carrier,
                domain: carrier.to_string(),
                credentials: None,
                laws: vec![Law::Mu, Law::A],
                max_channels: channels,
                max_cps: CALLS_PER_SECOND,
                nat: false,
                register: false,
                ping: Duration::ZERO,
            };
            conductor.put_trunk(now, trunk, route);
            conductor.handle_input(
                now,
                Input::AddCampaign { campaign, config: Box::new(campaign_config(trunk, ring_timeout)) },
            );
            for (number, name) in (1..).zip(&outside.names) {
                let line = AgentPhone { uri: format!("sip:{name}@{phones}"), remote: phones };
                let agent = AgentId(number);
                conductor.add_agent(now, agent, name, Some(line), desk::Skills::new());
                conductor.set_agent(now, agent, AgentWish::Ready)?;
            }
            Ok::<(), Refusal>(())
        })??;
        let agents = outside.names.len();
        Ok(Product { runtime, campaign, agents, leads: imported.added as usize })
    }

    /// Waits for the phones, then dials until the list is done or the time is up.
    fn dial(&mut self, arguments: &DemoArgs, progress: &Progress) -> Result<(), Failure> {
        let limit = self.runtime.now() + PHONES_LIMIT;
        while self.runtime.conductor().agents_up() < self.agents {
            self.runtime.step()?;
            if self.runtime.now() > limit {
                return Err(Failure::failed(format!(
                    "{} of {} agents' phones answered within {} s; is something else using the processor?",
                    self.runtime.conductor().agents_up(),
                    self.agents,
                    PHONES_LIMIT.as_ms() / 1_000
                )));
            }
        }
        let campaign = self.campaign;
        let until = self.runtime.now() + Duration::from_secs(arguments.seconds);
        let last_calls = LAST_CALLS.min(Duration::from_secs(arguments.seconds / 4));
        self.runtime.with_conductor(|conductor, now| {
            conductor.handle_input(now, Input::PlannedEnd { campaign, at: Some(until.before(last_calls)) });
            conductor.handle_input(now, Input::Start { campaign });
        })?;
        while self.runtime.finished().is_empty() && self.runtime.now() < until {
            self.runtime.step()?;
            progress.show(self.runtime.conductor(), self.runtime.now());
        }
        if self.runtime.finished().is_empty() {
            self.runtime.with_conductor(|conductor, now| conductor.handle_input(now, Input::Stop { campaign }))?;
            let limit = self.runtime.now() + DRAIN_LIMIT;
            self.run_until(limit, progress, |conductor| conductor.calls_live() == 0)?;
        }
        Ok(())
    }

    fn run_until(
        &mut self,
        limit: Instant,
        progress: &Progress,
        done: impl Fn(&Conductor) -> bool,
    ) -> Result<bool, Failure> {
        while !done(self.runtime.conductor()) {
            if self.runtime.now() > limit {
                return Ok(false);
            }
            self.runtime.step()?;
            progress.show(self.runtime.conductor(), self.runtime.now());
        }
        Ok(true)
    }

    fn occupancy(&self) -> f64 {
        self.runtime.conductor().dialer().desk().times(self.runtime.now()).occupancy()
    }

    /// Hangs up what is still up and waits until the last leg is gone.
    fn put_down(&mut self) -> Result<(), Failure> {
        self.runtime.with_conductor(|conductor, now| conductor.log_all_out(now))?;
        let limit = self.runtime.now() + HANG_UP_LIMIT;
        while self.runtime.conductor().legs_live() > 0 && self.runtime.now() < limit {
            self.runtime.step()?;
        }
        self.runtime.store().flush()?;
        Ok(())
    }

    /// All attempts as they are stored.
    fn attempts(&self) -> Result<Vec<store::AttemptRow>, Failure> {
        let mut rows = Vec::new();
        loop {
            let after = rows.last().map(|row: &store::AttemptRow| row.intent.attempt.0);
            let filter = store::Filter { after, ..store::Filter::default() };
            let page = self.runtime.store().attempts(self.runtime.tenant(), filter)?;
            if page.is_empty() {
                return Ok(rows);
            }
            rows.extend(page);
        }
    }
}

fn campaign_config(trunk: TrunkId, ring_timeout: Duration) -> CampaignConfig {
    CampaignConfig {
        // A closed test network: nobody real is called, so no calling hours; the limit of the law holds for the run.
        profile: Profile::lab(),
        ring_timeout,
        retry: RetryRules::none(),
        ..CampaignConfig::new(CAMPAIGN_NAME, trunk, CALLER_ID)
    }
}
