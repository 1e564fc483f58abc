//! `outpace serve`: the product. One control thread owns all live state; HTTP and signals ask it.
//!
//! ```text
//!  configuration ─┐
//!  store, spool ──┼─> recovery ─> engine ─> conductor + dialer ─> trunks, agents, campaigns ─> HTTP: ready
//!  flight record ─┘   (rows of what a killed process left)                                       │
//!       SIGTERM, SIGINT: drain, then hang up ── SIGHUP: read the configuration anew <────────────┘
//! ```
//!
//! **Invariants.** HTTP answers only after everything live is as the store says. One process at a time works on a data
//! folder. What cannot change while running says so at SIGHUP and stays as it was.

mod boot;
mod flights;
mod lock;
mod recovery;
mod reload;

use crate::account;
use crate::conductor::{Conductor, ConductorConfig};
use crate::config::Config;
use crate::control::{Control, Journal, Refusal, Request};
use crate::failure::Failure;
use crate::http;
use crate::office::Prompts;
use crate::runtime::Runtime;
use arc_swap::ArcSwap;
use base::{Duration, WallTime};
use clap::Args;
use dialer::{Dialer, DialerConfig};
use flights::Flights;
use media::amd::{ClassicConfig, DetectorConfig};
use net::{Clock, DriverChoice, Engine, EngineConfig};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::{OpenOptions, Store, TenantId};

/// After the drain limit: BYEs are answered at once by healthy peers; a lost one is sent again for up to 8 s.
const HANG_UP_LIMIT: Duration = Duration::from_secs(10);
/// Rows that are on their way when the last call has ended get so long to reach the disk.
const ROWS_LIMIT: Duration = Duration::from_secs(10);
/// Threads of the HTTP side: it waits for the store and the control thread, and computes little.
const HTTP_THREADS: usize = 2;

/// Serve calls, campaigns and the API as the configuration says
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace serve --config outpace.toml\n\n\
    Ready when GET /healthz answers 200. SIGTERM lets running calls end and starts none; a second one ends them.\n\
    SIGHUP reads the configuration anew.")]
pub struct ServeArgs {
    /// Configuration to serve; see outpace check
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// A faulty configuration (wrong use); a store, address or thread that cannot be had; a shard that ended by a fault.
pub fn run(arguments: &ServeArgs) -> Result<(), Failure> {
    let config = Config::load(&arguments.config)?;
    std::fs::create_dir_all(&config.server.data_dir)
        .map_err(|e| Failure::io(&config.server.data_dir.display().to_string(), e))?;
    let _lock = lock::take(&config.server.data_dir)?;
    let clock = Clock::new();
    let tenant = TenantId::DEFAULT;
    let spool = OpenOptions { spool_dir: Some(config.server.data_dir.join("spool")), ..OpenOptions::default() };
    let (store, acks) = Store::open_with(&config.store_url(), spool)?;
    let store = Arc::new(store);
    let prompts = Prompts::new(&config.server.data_dir);

    let anchor = clock.anchor();
    let run_number = anchor.wall.as_unix_us() as u64;
    let (mut flights, flight) = Flights::read(&config.server.data_dir.join("flight"), run_number)?;
    let recovered = recovery::recover(&store, &acks, tenant, &flight, anchor.wall_at(clock.now()))?;
    recovered.report();

    let engine = Engine::start(engine_config(&config, flights.current.clone()))?;
    tracing::info!("SIP on {}, driver {}, {} shards", engine.sip_addr(), engine.driver(), engine.shards());
    let high_water = store.high_water()?;
    let dialer_config = DialerConfig {
        wrap_up_limit: Some(config.desk.wrap_up),
        first_attempt: high_water.attempt + 1,
        ..DialerConfig::default()
    };
    let conductor_config = ConductorConfig {
        tenant,
        shards: engine.shards() as u64,
        domain: config.sip.domain.clone().unwrap_or_else(|| engine.sip_addr().to_string()),
        detection: DetectorConfig::Classic(ClassicConfig::default()),
        messages: BTreeMap::new(),
        first_call: high_water.call + 1,
    };
    let seed = net::entropy::seed()?;
    let conductor = Conductor::new(conductor_config, Dialer::new(dialer_config, seed, anchor), anchor);
    let (control, end) = Control::new(Journal::new(run_number));
    let handle = engine.handle();
    let mut runtime = Runtime::new(clock, conductor, engine, Arc::clone(&store), acks, tenant, end)?;

    runtime.name_store(if config.store.url.starts_with("postgres") { "postgres" } else { "sqlite" });
    boot::bring_up(&mut runtime, &config, &prompts, recovered)?;
    runtime.step()?;

    let config = Arc::new(ArcSwap::from_pointee(config));
    keep_accounts(Arc::clone(&store), tenant, config.load_full())?;
    let service = http::Service::new(
        control.clone(),
        Arc::clone(&store),
        Arc::clone(&config),
        Some(handle),
        http::Outfit::default(),
    );
    let web = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(HTTP_THREADS)
        .thread_name("http")
        .enable_all()
        .build()
        .map_err(|e| Failure::io("the threads of HTTP", e))?;
    let hurry = Arc::new(AtomicBool::new(false));
    let (over, closed) = tokio::sync::oneshot::channel::<()>();
    let address = config.load().server.http;
    let listener = web
        .block_on(tokio::net::TcpListener::bind(address))
        .map_err(|e| Failure::io(&format!("http address {address}"), e))?;
    let reload = reload::Reload::new(arguments.config.clone(), config, control.clone(), Arc::clone(&store), prompts);
    web.spawn(signals(control, Arc::clone(&hurry), reload));
    let served = web.spawn(http::serve(listener, service, async {
        // Told, or the control thread is gone: both are the end.
        let _ = closed.await;
    }));
    tracing::info!("API on http://{address}");

    let result = until_told(&mut runtime, &mut flights, &hurry);
    // Those who watch learn that it is over; then their connections are closed. Whoever does not go in time is cut.
    drop(over);
    let _ = web.block_on(async { tokio::time::timeout(std::time::Duration::from_secs(2), served).await });
    web.shutdown_timeout(std::time::Duration::from_secs(1));
    let stats = runtime.shutdown();
    result?;
    let stats = stats?;
    tracing::info!("stopped; {} legs were dropped", stats.counts().legs);
    Ok(())
}

/// Brings agents' accounts to the passwords of the file, beside everything else: nobody waits for so many slow hashes.
fn keep_accounts(store: Arc<Store>, tenant: TenantId, config: Arc<Config>) -> Result<(), Failure> {
    let now = WallTime::from_unix_us(jiff::Timestamp::now().as_microsecond());
    let work = move || {
        account::of_file(&store, tenant, &config, now);
    };
    let thread = std::thread::Builder::new().name("accounts".to_owned()).spawn(work);
    thread.map(drop).map_err(|error| Failure::io("the thread for accounts", error))
}

fn engine_config(config: &Config, flight_dir: PathBuf) -> EngineConfig {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    EngineConfig {
        // One core is left to the control plane.
        shards: if config.server.shards == 0 { cores.saturating_sub(1).max(1) } else { config.server.shards },
        sip: config.sip.udp,
        media_ip: config.media.ip,
        media_advertise: config.media.advertise.unwrap_or(config.media.ip),
        ports: config.media.ports.clone(),
        user_agent: concat!("Outpace/", env!("CARGO_PKG_VERSION")).to_owned(),
        media_timeout: config.media.timeout,
        driver: match config.server.driver.as_str() {
            "ring" => DriverChoice::Ring,
            "poll" => DriverChoice::Poll,
            _ => DriverChoice::Auto,
        },
        flight_dir: Some(flight_dir),
        ..EngineConfig::default()
    }
}

/// The control thread's life: until everything has ended after a drain.
fn until_told(runtime: &mut Runtime, flights: &mut Flights, hurry: &AtomicBool) -> Result<(), Failure> {
    let mut limit = None;
    loop {
        runtime.step()?;
        if runtime.conductor().orphans() == 0 {
            flights.forget();
        }
        let now = runtime.now();
        if !runtime.conductor().draining() {
            continue;
        }
        let drain = runtime.drain_limit();
        let limit = *limit.get_or_insert(now + drain);
        if runtime.conductor().calls_live() == 0 || now >= limit || hurry.load(Ordering::Relaxed) {
            break;
        }
    }
    runtime.with_conductor(|conductor, now| {
        conductor.hang_up_all(now);
        conductor.log_all_out(now);
    })?;
    let limit = runtime.now() + HANG_UP_LIMIT;
    while runtime.conductor().legs_live() > 0 && runtime.now() < limit {
        runtime.step()?;
    }
    let limit = runtime.now() + ROWS_LIMIT;
    while runtime.rows_waiting() > 0 && runtime.now() < limit {
        runtime.step()?;
    }
    match runtime.rows_waiting() {
        0 => Ok(()),
        rows => Err(Failure::failed(format!("{rows} rows did not reach the store before the end; see the log"))),
    }
}

/// SIGTERM and SIGINT drain, a second one hurries; SIGHUP reads the configuration anew.
async fn signals(control: Control, hurry: Arc<AtomicBool>, reload: Arc<reload::Reload>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (term, int, hup) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) = (term, int, hup) else {
        tracing::error!("signals cannot be watched; the process ends calls only when it is killed");
        return;
    };
    let mut draining = false;
    loop {
        let end = tokio::select! {
            _ = term.recv() => true,
            _ = int.recv() => true,
            _ = hup.recv() => false,
        };
        match (end, draining) {
            (true, false) => {
                draining = true;
                tracing::info!("draining: no new calls; those under way may end");
                loop {
                    match control.ask(Request::Drain).await {
                        Ok(_) => break,
                        // The queue moves on within milliseconds, or the control thread is gone and so is the process.
                        Err(Refusal::Busy { .. }) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                        Err(refusal) => {
                            tracing::error!("{refusal}");
                            break;
                        }
                    }
                }
            }
            (true, true) => hurry.store(true, Ordering::Relaxed),
            // Beside the watch, since a resolver may take its time and SIGTERM must not wait for it.
            (false, _) => {
                let reload = Arc::clone(&reload);
                tokio::spawn(async move { reload.run().await });
            }
        }
    }
}
