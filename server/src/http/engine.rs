//! What the shards measured about themselves: asked for by `/metrics`, the board and people, once a second at most.

use super::Service;
use super::limits::FIGURES_LIFE;
use axum::extract::State;
use net::EngineStats;
use net::stats::{Counters, Histogram};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// "Lately" begins so long ago at least, and twice as long at most while somebody asks.
const LATELY: Duration = Duration::from_secs(30);
/// Upper edges of the buckets that lateness is shown in, in microseconds: from what a quiet machine does (some tens) over
/// the promise (1 ms) to a whole frame (20 ms).
const LATENESS_BOUNDS_US: [u64; 11] = [20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];

/// The shards' last answer.
#[derive(Default)]
pub(super) struct Shards(tokio::sync::Mutex<Option<Kept>>);

struct Kept {
    at: Instant,
    taken: Arc<Taken>,
    /// Send lateness as it stood a while ago, and a while before that: what came since is "lately".
    before: Histogram,
    next: (Instant, Histogram),
}

/// What the shards said.
#[derive(Debug)]
pub(super) struct Taken {
    /// Since the start.
    pub(super) stats: EngineStats,
    /// Send lateness of the last half minute to minute, µs.
    pub(super) lately_us: Histogram,
}

impl Shards {
    /// The figures; askers of the same second share one answer. `None` without an engine.
    pub(super) async fn ask(&self, engine: Option<&net::EngineHandle>) -> Option<Arc<Taken>> {
        let engine = engine?.clone();
        let mut kept = self.0.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.at.elapsed() < FIGURES_LIFE) {
            return Some(kept.taken.clone());
        }
        // A shard answers within milliseconds; one that stands still is waited for half a second and shown as silent.
        let stats = tokio::task::spawn_blocking(move || engine.stats()).await.ok()?;
        let (now, late_us) = (Instant::now(), stats.send_lateness_us());
        let (before, next) = match kept.take() {
            None => (Histogram::default(), (now, late_us.clone())),
            Some(Kept { next: (since, next), .. }) if since.elapsed() >= LATELY => (next, (now, late_us.clone())),
            Some(Kept { before, next, .. }) => (before, next),
        };
        let taken = Arc::new(Taken { lately_us: late_us.since(&before), stats });
        *kept = Some(Kept { at: now, taken: taken.clone(), before, next });
        Some(taken)
    }
}

/// How late media packets left.
#[derive(Serialize, ToSchema)]
pub(super) struct Lateness {
    /// Half of them left not later than this, in microseconds.
    p50: u64,
    /// 99 % of them.
    p99: u64,
    /// 99.9 % of them.
    p999: u64,
    /// All of them.
    max: u64,
    /// How many fall between each bound and the one before.
    buckets: Vec<LatenessBucket>,
}

/// Packets whose lateness lies above the bound before and not above this one.
#[derive(Serialize, ToSchema)]
pub(super) struct LatenessBucket {
    /// The bound, in microseconds; `null`: none, the last bucket.
    le_us: Option<u64>,
    /// Packets.
    count: u64,
}

impl Lateness {
    fn of(spans: &Histogram) -> Lateness {
        let bounds = LATENESS_BOUNDS_US.iter().map(|bound| Some(*bound)).chain([None]);
        let counts = spans.buckets(&LATENESS_BOUNDS_US);
        let buckets = bounds.zip(counts).map(|(le_us, count)| LatenessBucket { le_us, count }).collect();
        Lateness { p50: spans.at(0.5), p99: spans.at(0.99), p999: spans.at(0.999), max: spans.max(), buckets }
    }
}

/// One shard, or all of them together, since the start.
#[derive(Serialize, ToSchema)]
pub(super) struct ShardFigures {
    /// Legs in any state.
    legs: u64,
    /// RTP ports in use.
    ports_in_use: u64,
    /// RTP and RTCP packets handed to the kernel.
    packets_sent: u64,
    /// RTP and RTCP packets read.
    packets_received: u64,
    /// How late media packets left.
    send_lateness_us: Lateness,
    /// Packets that left later than 1 ms after their moment.
    late_over_1ms: u64,
    /// Packets that left later than 20 ms after their moment.
    late_over_20ms: u64,
    /// Scheduling class of the thread; of all together where they differ.
    sched: String,
}

impl ShardFigures {
    fn of(counts: call::Counts, counters: &Counters, lateness: &Histogram, sched: String) -> ShardFigures {
        ShardFigures {
            legs: counts.legs as u64,
            ports_in_use: counts.ports_in_use as u64,
            packets_sent: counters.media_sent,
            packets_received: counters.media_received,
            send_lateness_us: Lateness::of(lateness),
            late_over_1ms: counters.late_over_1ms,
            late_over_20ms: counters.late_over_20ms,
            sched,
        }
    }
}

/// One shard.
#[derive(Serialize, ToSchema)]
pub(super) struct ShardView {
    /// Its number, from 0.
    shard: u64,
    #[serde(flatten)]
    figures: ShardFigures,
}

/// The engine.
#[derive(Serialize, ToSchema)]
pub(super) struct EngineView {
    /// The way to the sockets: `ring` (io_uring) or `poll` (epoll).
    driver: String,
    /// Why it is not `ring`, where `auto` was asked for.
    fallback: Option<String>,
    /// Each shard that answered.
    shards: Vec<ShardView>,
    /// Shards that stand still or have ended.
    silent: Vec<u64>,
    /// All shards together.
    totals: ShardFigures,
    /// Since the server's start.
    uptime_s: u64,
    /// Version of the program.
    version: &'static str,
}

/// The engine: each shard's legs and packets, and how late its packets leave.
#[utoipa::path(get, path = "/api/v1/engine", tag = "health", responses((status = 200, body = EngineView)))]
pub(super) async fn show(State(service): State<Arc<Service>>) -> axum::Json<EngineView> {
    let taken = service.shards.ask(service.engine.as_ref()).await;
    let none = EngineStats::default();
    let stats = taken.as_ref().map_or(&none, |taken| &taken.stats);
    let shards = stats.shards.iter().map(|shard| ShardView {
        shard: shard.shard.0,
        figures: ShardFigures::of(shard.counts, &shard.counters, &shard.send_lateness_us, shard.sched.to_string()),
    });
    axum::Json(EngineView {
        driver: stats.driver.to_string(),
        fallback: stats.fallback.clone(),
        shards: shards.collect(),
        silent: stats.silent.iter().map(|shard| shard.0).collect(),
        totals: ShardFigures::of(stats.counts(), &stats.counters(), &stats.send_lateness_us(), stats.sched()),
        uptime_s: service.began.elapsed().as_secs(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
