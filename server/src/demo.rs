//! `outpace demo`: the whole system with nothing to configure. A simulated carrier and the agents' phones speak real SIP
//! and RTP over loopback; the product in the middle is booted as `serve` boots it, from a configuration that the demo
//! writes, and shows its console.
//!
//! ```text
//!  setting.rs: folder, configuration, list, token ──> Product (as in serve) ──> console, Ctrl-C
//!                     outside.rs: carrier, phones <── SIP, RTP ──┘
//!                     summary.rs: what the product says, next to what the carrier's own ledger saw
//! ```
//!
//! **Invariants.** Nothing leaves loopback and nothing stays behind: the folder goes with the process. Whatever somebody
//! does in the console meanwhile, the summary counts the demo's own campaign.

mod arguments;
mod browser;
mod outside;
mod progress;
mod setting;
mod summary;

pub use arguments::DemoArgs;

use crate::control::Request;
use crate::failure::Failure;
use crate::http;
use crate::serve::{Product, Web};
use base::{CampaignId, Duration, Seed};
use dialer::Input;
use loadtest::SpeechBank;
use loadtest::speech::Source;
use outside::Outside;
use progress::Progress;
use setting::{CAMPAIGN_NAME, Setting};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::TenantId;
use summary::{Run, Summary};

/// No call is launched so near to the end, so that those under way can end by themselves: a talk is rarely longer.
const LAST_CALLS: Duration = Duration::from_secs(30);
/// Agents' phones have this long to answer before the demo gives up.
const PHONES_LIMIT: Duration = Duration::from_secs(20);
/// After the last campaign event: calls end by themselves within a talk and a message, then they are hung up.
const DRAIN_LIMIT: Duration = Duration::from_secs(45);
/// Where the console is, unless something else is there or `--http` says otherwise.
const CONSOLE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Runs the demo and prints its summary.
///
/// # Errors
/// Wrong use; an address, folder or thread that cannot be had; books that do not balance.
pub fn run(arguments: &DemoArgs) -> Result<(), Failure> {
    arguments.check()?;
    if let Some(path) = &arguments.json {
        // Now and not after six minutes of dialling.
        std::fs::write(path, "").map_err(|e| Failure::io(&path.display().to_string(), e))?;
    }
    let seed = Seed::from_u64(arguments.seed());
    let bank = Arc::new(SpeechBank::load(&Source::usual()).map_err(|e| Failure::failed(e.to_string()))?);
    let outside = Outside::start(arguments, &bank, seed)?;
    let setting = Setting::make(arguments, &outside, &bank, seed)?;
    let mut demo = Demo::start(arguments, &setting, seed)?;
    let progress = Progress::new(setting.leads, arguments);
    progress.opening(arguments, &demo.product, &setting, &bank);
    let mut web = Web::start()?;
    demo.heed_signals(&web);
    if let Some(addresses) = arguments.console() {
        let outfit = http::Outfit { demo: true, ..http::Outfit::default() };
        let address = web.serve(&demo.product, &addresses, outfit)?;
        let url = format!("http://{address}/#token={}", setting.token.reveal());
        println!("Console: {url}");
        if !arguments.headless {
            browser::open(&url, setting.folder());
        }
    }

    let run = demo.run(arguments, &progress);
    progress.end();
    web.stop();
    let run = run?;
    let attempts = demo.attempts()?;
    let stats = demo.product.shutdown()?;
    let (ledger, talks) = outside.stop();
    let summary = Summary::new(arguments, setting.leads, demo.campaign, &run, &stats, &ledger, &attempts, talks);
    summary.print();
    if let Some(path) = &arguments.json {
        summary.write(path)?;
    }
    match summary.fault() {
        Some(fault) => Err(Failure::failed(fault)),
        None => Ok(()),
    }
}

/// The product with the demo's campaign.
struct Demo {
    product: Product,
    campaign: CampaignId,
    agents: usize,
    /// Somebody pressed Ctrl-C: stop, and when pressed again, hang up.
    stop: Arc<AtomicBool>,
    hurry: Arc<AtomicBool>,
}

impl Demo {
    fn start(arguments: &DemoArgs, setting: &Setting, seed: Seed) -> Result<Demo, Failure> {
        let product = Product::boot(setting.config()?, seed)?;
        let campaigns = product.store.campaigns(TenantId::DEFAULT)?;
        let campaign = campaigns.iter().find(|row| row.name == CAMPAIGN_NAME).map(|row| row.campaign);
        let campaign = campaign.ok_or_else(|| Failure::failed("the demo's campaign was not made; see the log"))?;
        Ok(Demo { product, campaign, agents: arguments.agents, stop: Arc::default(), hurry: Arc::default() })
    }

    /// From now on Ctrl-C ends the demo in order.
    fn heed_signals(&self, web: &Web) {
        let (stop, hurry) = (Arc::clone(&self.stop), Arc::clone(&self.hurry));
        web.handle().spawn(async move {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
                tracing::error!("signals cannot be watched; the demo ends by itself or when it is killed");
                return;
            };
            for flag in [stop, hurry] {
                tokio::select! {
                    _ = int.recv() => {}
                    _ = term.recv() => {}
                }
                flag.store(true, Ordering::Relaxed);
            }
        });
    }

    /// Waits for the phones, then dials until the list is done, the time is up or somebody has enough; then puts
    /// everything down.
    fn run(&mut self, arguments: &DemoArgs, progress: &Progress) -> Result<Run, Failure> {
        self.phones_up()?;
        let began = self.product.runtime.now();
        let campaign = self.campaign;
        let time = Duration::from_secs(arguments.seconds);
        let until = began + time;
        if !arguments.stay {
            let last_calls = LAST_CALLS.min(Duration::from_secs(arguments.seconds / 4));
            let at = Some(until.before(last_calls));
            self.product.runtime.with_conductor(|conductor, now| {
                conductor.handle_input(now, Input::PlannedEnd { campaign, at });
            })?;
        }
        self.product.runtime.ask(Request::StartCampaign(campaign))?;
        let mut over = None;
        while !self.stop.load(Ordering::Relaxed) {
            self.step(progress)?;
            let now = self.product.runtime.now();
            if over.is_none() && self.product.runtime.finished().contains(&campaign) {
                over = Some(self.measured(began));
            }
            if !arguments.stay && (over.is_some() || now >= until) {
                break;
            }
        }
        if over.is_none() {
            self.product.runtime.ask(Request::StopCampaign(campaign))?;
        }
        // Calls under way may end; other campaigns, which somebody made meanwhile, launch no more.
        self.product.runtime.ask(Request::Drain)?;
        let limit = self.product.runtime.now() + DRAIN_LIMIT;
        while self.product.runtime.conductor().calls_live() > 0
            && self.product.runtime.now() < limit
            && !self.hurry.load(Ordering::Relaxed)
        {
            self.step(progress)?;
        }
        let run = over.unwrap_or_else(|| self.measured(began));
        self.product.put_down()?;
        self.product.store.flush()?;
        let bridge_delay = self.product.runtime.conductor().figures().bridge_delay.clone();
        Ok(Run { bridge_delay, ..run })
    }

    fn step(&mut self, progress: &Progress) -> Result<(), Failure> {
        self.product.step()?;
        progress.show(self.product.runtime.conductor(), self.product.runtime.now());
        Ok(())
    }

    fn phones_up(&mut self) -> Result<(), Failure> {
        let limit = self.product.runtime.now() + PHONES_LIMIT;
        while self.product.runtime.conductor().agents_up() < self.agents && !self.stop.load(Ordering::Relaxed) {
            self.product.step()?;
            if self.product.runtime.now() > limit {
                return Err(Failure::failed(format!(
                    "{} of {} agents' phones answered within {} s; is something else using the processor?",
                    self.product.runtime.conductor().agents_up(),
                    self.agents,
                    PHONES_LIMIT.as_ms() / 1_000
                )));
            }
        }
        Ok(())
    }

    /// How long it took, and how busy the agents were.
    fn measured(&self, began: base::Instant) -> Run {
        let now = self.product.runtime.now();
        let occupancy = self.product.runtime.conductor().dialer().desk().times(now).occupancy();
        Run { wall: now.since(began), occupancy, ..Run::default() }
    }

    /// All attempts as they are stored, of whichever campaign.
    fn attempts(&self) -> Result<Vec<store::AttemptRow>, Failure> {
        let mut rows = Vec::new();
        loop {
            let after = rows.last().map(|row: &store::AttemptRow| row.intent.attempt.0);
            let filter = store::Filter { after, ..store::Filter::default() };
            let page = self.product.store.attempts(TenantId::DEFAULT, filter)?;
            if page.is_empty() {
                return Ok(rows);
            }
            rows.extend(page);
        }
    }
}
