//! The product as a whole, brought up from a configuration: what `serve` runs, and what stands in the middle of the demo.
//!
//! ```text
//!  configuration ─┐
//!  store, spool ──┼─> recovery ─> engine ─> conductor + dialer ─> trunks, agents, campaigns ─> Product
//!  flight record ─┘   (rows of what a killed process left)
//! ```

use super::{boot, flights::Flights, kept, lock, recovery};
use crate::account;
use crate::conductor::{Conductor, ConductorConfig};
use crate::config::Config;
use crate::control::{Control, Journal};
use crate::failure::Failure;
use crate::office::Prompts;
use crate::runtime::Runtime;
use crate::secrets::Key;
use arc_swap::ArcSwap;
use base::{Duration, Seed, WallTime};
use dialer::{Dialer, DialerConfig};
use net::{Clock, DriverChoice, Engine, EngineConfig, EngineHandle, EngineStats};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use store::{OpenOptions, Store, TenantId};

/// After the drain: BYEs are answered at once by healthy peers; a lost one is sent again for up to 8 s.
const HANG_UP_LIMIT: Duration = Duration::from_secs(10);
/// Rows that are on their way when the last call has ended get so long to reach the disk.
const ROWS_LIMIT: Duration = Duration::from_secs(10);

/// See the module's head.
pub(crate) struct Product {
    /// The control thread's work.
    pub(crate) runtime: Runtime,
    /// The configuration in force.
    pub(crate) config: Arc<ArcSwap<Config>>,
    /// The way to ask.
    pub(crate) control: Control,
    /// All rows.
    pub(crate) store: Arc<Store>,
    /// Prompt files of `data_dir`.
    pub(crate) prompts: Prompts,
    /// Held by whoever changes settings.
    pub(crate) settings: Arc<tokio::sync::Mutex<()>>,
    /// The shards' figures.
    pub(crate) engine: EngineHandle,
    flights: Flights,
    _lock: lock::Lock,
}

impl Product {
    /// Brings everything up to where the process before this one stopped. What is drawn comes from `seed`.
    ///
    /// # Errors
    /// A folder, store, address or thread that cannot be had; settings of the file that cannot be used.
    pub(crate) fn boot(mut config: Config, seed: Seed) -> Result<Product, Failure> {
        std::fs::create_dir_all(&config.server.data_dir)
            .map_err(|e| Failure::io(&config.server.data_dir.display().to_string(), e))?;
        let lock = lock::take(&config.server.data_dir)?;
        let clock = Clock::new();
        let tenant = TenantId::DEFAULT;
        let spool = OpenOptions { spool_dir: Some(config.server.data_dir.join("spool")), ..OpenOptions::default() };
        let (store, acks) = Store::open_with(&config.store_url(), spool)?;
        let store = Arc::new(store);
        let prompts = Prompts::new(&config.server.data_dir);

        let anchor = clock.anchor();
        let trunks = kept::lay_over(&mut config, &store, tenant, anchor.wall_at(clock.now()))?;
        let run_number = anchor.wall.as_unix_us() as u64;
        let (flights, flight) = Flights::read(&config.server.data_dir.join("flight"), run_number)?;
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
            detection: crate::amd::Listening::of(
                &config.amd,
                &config.server.data_dir,
                Some(Key::of(&config.server.data_dir)?),
            )?,
            messages: BTreeMap::new(),
            recordings: crate::amd::recordings::load(&store, tenant)?,
            first_call: high_water.call + 1,
        };
        let conductor = Conductor::new(conductor_config, Dialer::new(dialer_config, seed, anchor), anchor);
        let (control, end) = Control::new(Journal::new(run_number));
        let handle = engine.handle();
        let mut runtime = Runtime::new(clock, conductor, engine, Arc::clone(&store), acks, tenant, end)?;

        runtime.name_store(if config.store.url.starts_with("postgres") { "postgres" } else { "sqlite" });
        boot::bring_up(&mut runtime, &config, &trunks, &prompts, recovered)?;
        runtime.step()?;

        let config = Arc::new(ArcSwap::from_pointee(config));
        keep_accounts(Arc::clone(&store), tenant, config.load_full())?;
        let settings = Arc::default();
        Ok(Product { runtime, config, control, store, prompts, settings, engine: handle, flights, _lock: lock })
    }

    /// One step of the control thread.
    ///
    /// # Errors
    /// A shard that ended by a fault.
    pub(crate) fn step(&mut self) -> Result<(), Failure> {
        self.runtime.step()?;
        if self.runtime.conductor().orphans() == 0 {
            self.flights.forget();
        }
        Ok(())
    }

    /// Hangs up what is still up, lets trunks go, and waits until the last leg is gone and the last row is on the disk.
    ///
    /// # Errors
    /// A shard that ended by a fault; rows that do not reach the store in time.
    pub(crate) fn put_down(&mut self) -> Result<(), Failure> {
        self.runtime.with_conductor(|conductor, now| {
            conductor.hang_up_all(now);
            conductor.log_all_out(now);
            conductor.let_trunks_go();
        })?;
        let limit = self.runtime.now() + HANG_UP_LIMIT;
        while self.runtime.conductor().legs_live() > 0 && self.runtime.now() < limit {
            self.runtime.step()?;
        }
        let limit = self.runtime.now() + ROWS_LIMIT;
        while self.runtime.rows_waiting() > 0 && self.runtime.now() < limit {
            self.runtime.step()?;
        }
        match self.runtime.rows_waiting() {
            0 => Ok(()),
            rows => Err(Failure::failed(format!("{rows} rows did not reach the store before the end; see the log"))),
        }
    }

    /// Ends the engine and the store; gives the engine's last measurements.
    ///
    /// # Errors
    /// What the disk says at the end.
    pub(crate) fn shutdown(self) -> Result<EngineStats, Failure> {
        Ok(self.runtime.shutdown()?)
    }
}

/// Brings agents' accounts to the passwords of the file, beside everything else: nobody waits for so many slow hashes.
///
/// # Errors
/// The system gives no thread.
pub(super) fn keep_accounts(store: Arc<Store>, tenant: TenantId, config: Arc<Config>) -> Result<(), Failure> {
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
