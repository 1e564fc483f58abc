//! The HTTP side: API, events, metrics, health, the web console. The wrapped libraries are `axum`, `hyper`, `utoipa`.
//!
//! ```text
//!  accept (limits.rs, listen.rs) ─> panic, time limit, counters ─> guard (auth.rs: token or login, role from routes.rs, rate)
//!     ─> changes.rs: own task, Idempotency-Key, audit row ─> handler ─┬─> Control: Request ─> Reply | Refusal
//!                                                                     ├─> Snapshot, Journal
//!                                                                     └─> store (blocking, a few at a time)
//! ```
//!
//! **Invariants.** Every operation has a role in [`ROUTES`] or is refused. Every error is a [`Problem`]. Every wait and
//! every buffer has a limit with a name (limits.rs). Whoever holds a viewer's token sees telephone numbers shortened.
//! A change that was begun is finished, whatever becomes of its sender.
//!
//! **Absent.** TLS (a proxy stands in front), CORS, HTTP/2. The address of a client is that of its connection:
//! forwarded-for headers are not believed.
//!
//! **Units.** Moments are microseconds since the Unix epoch (`_us`); spans carry their unit in the name.

mod accounts;
mod agents;
mod amd;
mod amd_recordings;
mod amd_report;
mod amd_watch;
mod attempts;
mod audit;
mod auth;
mod board;
mod callbacks;
mod calls;
mod campaigns;
mod cdrs;
mod changes;
mod consents;
mod console;
mod contacts;
mod csv;
mod decisions;
mod engine;
mod events;
mod extract;
mod health;
mod imports;
mod inbound;
mod leads;
mod limits;
mod listen;
mod lists;
mod login;
mod marks;
mod metrics;
mod not_built;
mod number_lists;
mod offers;
mod openapi;
mod page;
mod preview;
mod problem;
mod profiles;
mod records;
mod report;
mod routes;
mod settings;
mod simulations;
mod suppression;
mod tokens;
mod trunks;
mod upload;

#[cfg(test)]
mod tests;

pub use changes::UNWATCHED;
pub use limits::*;
pub use listen::serve;
pub use openapi::openapi;
pub use problem::{FieldError, Problem};
pub(crate) use profiles::ProfileInfo;
pub use routes::{Access, ROUTES, Route};

use crate::config::{Config, Known};
use crate::control::{Control, Reply, Request};
use crate::failure::Failure;
use crate::office::Prompts;
use crate::secrets::Key;
use arc_swap::ArcSwap;
use base::WallTime;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;
use store::{Store, StoreError, TenantId};
use tokio::sync::{Semaphore, watch};

/// Tells the wall clock's time.
pub type WallClock = Arc<dyn Fn() -> WallTime + Send + Sync>;

/// What a service is given that tests give otherwise.
pub struct Outfit {
    /// The console's files; those in the binary unless said otherwise.
    pub console: ::console::Console,
    /// The system's clock unless said otherwise.
    pub wall: WallClock,
    /// This is the demo, and says so.
    pub demo: bool,
    /// Held by whoever changes settings, a reload as well.
    pub settings: Arc<tokio::sync::Mutex<()>>,
}

impl Default for Outfit {
    fn default() -> Self {
        Outfit {
            console: ::console::Console::embedded(),
            wall: Arc::new(wall_now),
            demo: false,
            settings: Arc::default(),
        }
    }
}

/// What the handlers work with.
pub struct Service {
    /// The way to the control thread.
    pub control: Control,
    /// The store, for reads and for rows that the control thread need not know of.
    pub store: Arc<Store>,
    /// The configuration in force.
    pub config: Arc<ArcSwap<Config>>,
    /// For the shards' figures; without one `/metrics` lacks them.
    pub engine: Option<net::EngineHandle>,
    /// Prompt files of `data_dir`.
    pub prompts: Prompts,
    /// Whose rows these are.
    pub tenant: TenantId,
    base_path: String,
    console: ::console::Console,
    wall: WallClock,
    demo: bool,
    tokens: auth::Tokens,
    failed_logins: limits::Failures,
    failed_names: limits::Failures,
    hashing: login::Hashing,
    under_way: changes::UnderWay,
    /// Held while settings are read, changed and made live: two changes at once would lose one.
    settings: Arc<tokio::sync::Mutex<()>>,
    key: OnceLock<Key>,
    imports: imports::Running,
    number_loads: number_lists::Loads,
    reports: report::Reports,
    simulations: simulations::Simulations,
    figures: metrics::Figures,
    shards: engine::Shards,
    boards: board::Boards,
    store_calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    stream_shares: Arc<limits::Shares<store::LoginOf>>,
    exports: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    began: std::time::Instant,
}

impl Service {
    /// With nothing under way.
    pub fn new(
        control: Control,
        store: Arc<Store>,
        config: Arc<ArcSwap<Config>>,
        engine: Option<net::EngineHandle>,
        outfit: Outfit,
    ) -> Arc<Service> {
        let (base_path, prompts) = {
            let config = config.load();
            (config.server.base_path.trim_end_matches('/').to_owned(), Prompts::new(&config.server.data_dir))
        };
        Arc::new(Service {
            control,
            store,
            config,
            engine,
            prompts,
            tenant: TenantId::DEFAULT,
            base_path,
            console: outfit.console,
            wall: outfit.wall,
            demo: outfit.demo,
            tokens: auth::Tokens::new(),
            failed_logins: limits::Failures::new(LOGIN_RATE),
            failed_names: limits::Failures::new(LOGIN_NAME_RATE),
            hashing: login::Hashing::new(),
            under_way: changes::UnderWay::default(),
            settings: outfit.settings,
            key: OnceLock::new(),
            imports: imports::Running::default(),
            number_loads: number_lists::Loads::default(),
            reports: report::Reports::default(),
            simulations: simulations::Simulations::default(),
            figures: metrics::Figures::default(),
            shards: engine::Shards::default(),
            boards: board::Boards::default(),
            store_calls: Arc::new(Semaphore::new(STORE_CALLS_MAX)),
            streams: Arc::new(Semaphore::new(EVENT_STREAMS_MAX)),
            stream_shares: Arc::new(limits::Shares::new(EVENT_STREAMS_PER_HOLDER_MAX)),
            exports: Arc::new(Semaphore::new(EXPORTS_MAX)),
            uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
            stopping: watch::Sender::new(false),
            began: std::time::Instant::now(),
        })
    }

    /// Asks the control thread.
    async fn ask(&self, request: Request) -> Result<Reply, Problem> {
        Ok(self.control.ask(request).await?)
    }

    /// Asks the store, on a thread that may wait; so many at a time.
    async fn store<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    {
        let turn = tokio::time::timeout(STORE_TURN_WAIT, self.store_calls.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Problem::busy("too many questions wait for the store, try again", 1));
        };
        let store = self.store.clone();
        self.wait(move || {
            let _turn = turn;
            work(&store).map_err(Problem::from)
        })
        .await
    }

    /// Does what may wait on a thread for it.
    async fn wait<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
            tracing::error!(%error, "work for a request ended by a panic");
            Err(Problem::internal())
        })
    }

    /// The names that settings may refer to now.
    fn known(&self) -> Known {
        let (config, snapshot) = (self.config.load(), self.control.snapshot());
        Known {
            trunks: config.trunks.iter().map(|trunk| trunk.name.clone()).collect(),
            agents: snapshot.agents.values().map(|agent| agent.name.clone()).collect(),
            skills: snapshot.agents.values().flat_map(|agent| agent.skills.iter().cloned()).collect(),
            profiles: config.profiles.clone(),
        }
    }

    /// The key of this installation, the same one for as long as this process lives.
    async fn key(&self) -> Result<Key, Problem> {
        if let Some(key) = self.key.get() {
            return Ok(key.clone());
        }
        let folder = self.config.load().server.data_dir.clone();
        let key = self.wait(move || Key::of(&folder).map_err(no_key)).await?;
        Ok(self.key.get_or_init(|| key).clone())
    }

    /// Puts a changed configuration in force; the caller holds `settings`.
    fn change_config(&self, change: impl FnOnce(&mut Config)) {
        let mut config = Config::clone(&self.config.load());
        change(&mut config);
        self.config.store(Arc::new(config));
    }

    /// The wall clock.
    fn wall_now(&self) -> WallTime {
        (self.wall)()
    }

    /// A matched path without `base_path`.
    fn below_base<'p>(&self, path: &'p str) -> &'p str {
        match path.strip_prefix(self.base_path.as_str()) {
            Some("") => "/",
            Some(below) => below,
            None => path,
        }
    }
}

fn no_key(failure: Failure) -> Problem {
    tracing::error!("the key of this installation cannot be had: {failure}");
    Problem::internal()
}

/// The system's wall clock.
fn wall_now() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_us(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
