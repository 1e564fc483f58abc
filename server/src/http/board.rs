//! The wallboard: what matters now, in one object; asked for, or once a second in an event stream.
//!
//! ```text
//!  Snapshot, History, shards ──> Board ──once a second while somebody listens──> the latest board (one place)
//!                                                              each stream takes it when its reader has room ──> SSE
//! ```
//!
//! **Invariants.** A board is never queued: a reader who is slow gets the latest one when it reads again. A board has no
//! id, so that a resumed stream goes on after the last numbered event. It holds no telephone number.

use super::Service;
use crate::control::Snapshot;
use crate::control::views::{AgentCounts, CampaignView, StoreView, TrunkView, WindowView};
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use utoipa::ToSchema;

/// How often a board is drawn while somebody listens.
const EVERY: Duration = Duration::from_secs(1);

/// What matters now.
#[derive(Serialize, ToSchema)]
pub(super) struct Board {
    /// When, in microseconds since the Unix epoch.
    at_us: i64,
    /// Campaigns by id.
    campaigns: Vec<BoardCampaign>,
    /// All agents by state.
    agents: AgentCounts,
    /// Calls under way.
    calls: u64,
    /// Calls begun a second, over the last ten seconds.
    calls_per_s: f64,
    /// Trunks by name.
    trunks: Vec<TrunkView>,
    /// The engine.
    engine: BoardEngine,
    /// The store.
    store: StoreView,
}

/// A campaign on the board; each member as in the campaign itself.
#[derive(Serialize, ToSchema)]
pub(super) struct BoardCampaign {
    id: u64,
    name: String,
    state: String,
    why: String,
    why_code: String,
    attempts: u64,
    ringing: u64,
    answered: u64,
    waiting: u64,
    talking: u64,
    in_message: u64,
    connected: u64,
    abandoned: u64,
    ledger: Vec<WindowView>,
    agents: AgentCounts,
    occupancy: f64,
    outcomes: BTreeMap<String, u64>,
    leads: BTreeMap<String, u64>,
}

impl BoardCampaign {
    fn of(view: &CampaignView) -> BoardCampaign {
        BoardCampaign {
            id: view.id,
            name: view.name.clone(),
            state: view.state.clone(),
            why: view.why.clone(),
            why_code: view.why_code.clone(),
            attempts: view.attempts,
            ringing: view.ringing,
            answered: view.answered,
            waiting: view.waiting,
            talking: view.talking,
            in_message: view.in_message,
            connected: view.connected,
            abandoned: view.abandoned,
            ledger: view.ledger.clone(),
            agents: view.agents,
            occupancy: view.occupancy,
            outcomes: view.outcomes.clone(),
            leads: view.leads.clone(),
        }
    }
}

/// The engine on the board.
#[derive(Serialize, ToSchema)]
pub(super) struct BoardEngine {
    /// Packets that left later than 1 ms after their moment, since the start.
    late_over_1ms: u64,
    /// How late packets left in the last half minute to minute.
    send_lateness_us: BoardLateness,
    /// Legs in any state, agents' phones among them.
    legs: u64,
}

/// How late media packets left lately, in microseconds.
#[derive(Serialize, ToSchema)]
pub(super) struct BoardLateness {
    /// Half of them left not later than this.
    p50: u64,
    /// 99 % of them.
    p99: u64,
    /// All of them.
    max: u64,
}

/// The latest board as JSON; `None` while nobody listens.
pub(super) type Latest = Option<Arc<str>>;

/// The board for all streams.
pub(super) struct Boards {
    latest: watch::Sender<Latest>,
    /// A task draws boards.
    drawn: Mutex<bool>,
}

impl Default for Boards {
    fn default() -> Self {
        Boards { latest: watch::Sender::new(None), drawn: Mutex::new(false) }
    }
}

/// The board from now on, for one stream. Must be called on the runtime.
pub(super) fn listen(service: &Arc<Service>) -> watch::Receiver<Latest> {
    let boards = &service.boards;
    let mut drawn = boards.drawn.lock().unwrap_or_else(PoisonError::into_inner);
    // Under the lock: the task either sees this listener, or has said that it ends.
    let listener = boards.latest.subscribe();
    if !*drawn {
        *drawn = true;
        tokio::spawn(draw_on(service.clone()));
    }
    listener
}

/// Draws a board each second until nobody listens.
async fn draw_on(service: Arc<Service>) {
    let mut each = tokio::time::interval(EVERY);
    each.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        each.tick().await;
        let boards = &service.boards;
        {
            let mut drawn = boards.drawn.lock().unwrap_or_else(PoisonError::into_inner);
            if boards.latest.receiver_count() == 0 {
                // The next listener must not be shown what is long past.
                boards.latest.send_replace(None);
                *drawn = false;
                return;
            }
        }
        match serde_json::to_string(&draw(&service).await) {
            Ok(text) => drop(boards.latest.send_replace(Some(text.into()))),
            Err(error) => tracing::error!(%error, "a board could not be written as JSON"),
        }
    }
}

async fn draw(service: &Service) -> Board {
    let engine = service.shards.ask(service.engine.as_ref()).await;
    let engine = engine.as_ref().map(|taken| (&taken.stats, &taken.lately_us));
    let at = |quantile| engine.map_or(0, |(_, lately)| lately.at(quantile));
    let engine = BoardEngine {
        late_over_1ms: engine.map_or(0, |(stats, _)| stats.counters().late_over_1ms),
        send_lateness_us: BoardLateness {
            p50: at(0.5),
            p99: at(0.99),
            max: engine.map_or(0, |(_, lately)| lately.max()),
        },
        legs: engine.map_or(0, |(stats, _)| stats.counts().legs as u64),
    };
    let picture = service.control.snapshot();
    let Snapshot { at_us, calls, campaigns, agents, trunks, store, .. } = picture.as_ref();
    Board {
        at_us: *at_us,
        campaigns: campaigns.values().map(BoardCampaign::of).collect(),
        agents: AgentCounts::of(|state| agents.values().filter(|agent| agent.state == state.name()).count() as u64),
        calls: calls.len() as u64,
        calls_per_s: service.control.calls_per_s(),
        trunks: trunks.values().cloned().collect(),
        engine,
        store: store.clone(),
    }
}

/// What matters now: campaigns, agents, trunks, engine, store. The same comes once a second as event `board` (see
/// `/api/v1/events`).
#[utoipa::path(get, path = "/api/v1/board", tag = "campaigns", responses((status = 200, body = Board)))]
pub(super) async fn show(State(service): State<Arc<Service>>) -> axum::Json<Board> {
    axum::Json(draw(&service).await)
}
