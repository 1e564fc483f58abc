//! Figures for Prometheus. The wrapped library is `prometheus-client`. Shards, store and snapshot are asked at each
//! scrape; only the HTTP side counts as it goes.
//!
//! Labels come from closed sets: trunks and campaigns of the configuration, states, templates of paths. None holds a
//! person's data.

use super::Service;
use super::engine::Taken;
use crate::control::Snapshot;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, Method};
use axum::middleware::Next;
use axum::response::Response;
use net::EngineStats;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use store::Stats;

/// The text format of OpenMetrics 1.0, which Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Answers are expected within milliseconds; the last bound is the limit of a request.
const DURATION_BOUNDS_S: [f64; 9] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 5.0, 30.0];

/// Operation and status: less than a hundred operations and some dozen statuses.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: String,
    path: String,
    status: u16,
}

/// What the HTTP side counts.
pub(super) struct Figures {
    answers: Family<Answered, Counter>,
    duration: Histogram,
    refused_connections: Counter,
}

impl Default for Figures {
    fn default() -> Self {
        Figures {
            answers: Family::default(),
            duration: Histogram::new(DURATION_BOUNDS_S),
            refused_connections: Counter::default(),
        }
    }
}

impl Figures {
    pub(super) fn refused_connection(&self) {
        self.refused_connections.inc();
    }

    fn answered(&self, method: &Method, path: String, status: u16, began: Instant) {
        // Anybody can invent a method.
        let known =
            [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method);
        let method = if known { method.as_str() } else { "other" }.to_owned();
        self.answers.get_or_create(&Answered { method, path, status }).inc();
        self.duration.observe(began.elapsed().as_secs_f64());
    }
}

/// Counts every answer.
pub(super) async fn count(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = matched.map_or_else(|| "none".to_owned(), |path| service.below_base(&path).to_owned());
    let response = next.run(request).await;
    service.figures.answered(&method, path, response.status().as_u16(), began);
    response
}

/// Figures for Prometheus, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn metrics(State(service): State<Arc<Service>>) -> ([(HeaderName, &'static str); 1], String) {
    let engine = service.shards.ask(service.engine.as_ref()).await;
    let mut registry = Registry::with_prefix("outpace");
    let figures = &service.figures;
    registry.register("http_answers", "Answers by operation and status", figures.answers.clone());
    registry.register("http_duration_seconds", "Time from request to answer", figures.duration.clone());
    registry.register(
        "http_refused_connections",
        "Connections closed at once because there was no place",
        figures.refused_connections.clone(),
    );
    registry.register_collector(Box::new(Scrape {
        snapshot: service.control.snapshot(),
        engine,
        store: service.store.stats(),
        streams: (super::EVENT_STREAMS_MAX - service.streams.available_permits()) as u64,
    }));
    let mut text = String::new();
    if let Err(error) = encode(&mut text, &registry) {
        tracing::error!(%error, "the figures could not be written");
    }
    ([(CONTENT_TYPE, OPEN_METRICS)], text)
}

/// What is asked at a scrape.
#[derive(Debug)]
struct Scrape {
    snapshot: Arc<Snapshot>,
    engine: Option<Arc<Taken>>,
    store: Stats,
    streams: u64,
}

/// Writes families of figures.
struct Sheet<'a>(DescriptorEncoder<'a>);

type Labels<'a> = Vec<(&'static str, &'a str)>;

impl Sheet<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let gauge = ConstGauge::new(value);
        gauge.encode(self.0.encode_descriptor(name, help, None, gauge.metric_type())?)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, counter.metric_type())?)
    }

    fn gauges<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) -> fmt::Result {
        let metric_type = ConstGauge::new(0.0).metric_type();
        let mut family = self.0.encode_descriptor(name, help, None, metric_type)?;
        for (labels, value) in values {
            ConstGauge::new(value).encode(family.encode_family(&labels.as_slice())?)?;
        }
        Ok(())
    }

    fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels<'l>, u64)>,
    ) -> fmt::Result {
        let metric_type = ConstCounter::new(0_u64).metric_type();
        let mut family = self.0.encode_descriptor(name, help, None, metric_type)?;
        for (labels, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&labels.as_slice())?)?;
        }
        Ok(())
    }
}

fn flag(on: bool) -> f64 {
    if on { 1.0 } else { 0.0 }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut sheet = Sheet(encoder);
        sheet.gauges("info", "Version of the program", [(vec![("version", env!("CARGO_PKG_VERSION"))], 1.0)])?;
        sheet.gauge("event_streams_open", "Open event streams", self.streams as f64)?;
        self.live(&mut sheet)?;
        self.campaigns(&mut sheet)?;
        self.store(&mut sheet)?;
        self.engine.as_ref().map_or(Ok(()), |engine| shards(&engine.stats, &mut sheet))
    }
}

fn counted<'t>(words: impl Iterator<Item = &'t str>) -> BTreeMap<&'t str, u64> {
    words.fold(BTreeMap::new(), |mut counts, word| {
        *counts.entry(word).or_default() += 1;
        counts
    })
}

impl Scrape {
    fn live(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let live = &self.snapshot;
        sheet.gauge("ready", "1 when calls can be taken", flag(live.ready))?;
        sheet.gauge("draining", "1 when the process takes nothing new", flag(live.draining))?;
        let calls = counted(live.calls.values().map(|call| call.state));
        let by_state = |counts: BTreeMap<&'_ str, u64>| {
            counts.into_iter().map(|(state, count)| (state.to_owned(), count as f64)).collect::<Vec<_>>()
        };
        let calls = by_state(calls);
        sheet.gauges(
            "calls",
            "Calls under way by state",
            calls.iter().map(|(state, n)| (vec![("state", state.as_str())], *n)),
        )?;
        let agents = by_state(counted(live.agents.values().map(|agent| agent.state.as_str())));
        sheet.gauges(
            "agents",
            "Agents by state",
            agents.iter().map(|(state, n)| (vec![("state", state.as_str())], *n)),
        )?;
        let trunks = || live.trunks.values();
        sheet.gauges(
            "trunk_channels",
            "Channels in use",
            trunks().map(|trunk| (vec![("trunk", trunk.name.as_str())], f64::from(trunk.channels))),
        )?;
        sheet.gauges(
            "trunk_channels_max",
            "Channels allowed",
            trunks().map(|trunk| (vec![("trunk", trunk.name.as_str())], f64::from(trunk.channels_max))),
        )?;
        sheet.gauges(
            "trunk_up",
            "1 when the trunk answers our OPTIONS",
            trunks().filter_map(|trunk| Some((vec![("trunk", trunk.name.as_str())], flag(trunk.up?)))),
        )?;
        sheet.gauges(
            "trunk_registered",
            "1 when the trunk has accepted our registration",
            trunks().filter_map(|trunk| Some((vec![("trunk", trunk.name.as_str())], flag(trunk.registered?)))),
        )
    }

    fn campaigns(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let all = || self.snapshot.campaigns.values();
        sheet.gauges(
            "campaign_running",
            "1 when the campaign is running",
            all().map(|campaign| (vec![("campaign", campaign.name.as_str())], flag(campaign.state == "running"))),
        )?;
        sheet.counters(
            "campaign_attempts",
            "Attempts since the start of the process",
            all().map(|campaign| (vec![("campaign", campaign.name.as_str())], campaign.attempts)),
        )?;
        sheet.gauges(
            "campaign_attempts_open",
            "Attempts under way",
            all().map(|campaign| (vec![("campaign", campaign.name.as_str())], campaign.attempts_open as f64)),
        )?;
        sheet.counters(
            "campaign_outcomes",
            "Attempts that have ended, by outcome",
            all().flat_map(|campaign| {
                let name = campaign.name.as_str();
                campaign
                    .outcomes
                    .iter()
                    .map(move |(outcome, n)| (vec![("campaign", name), ("outcome", outcome.as_str())], *n))
            }),
        )?;
        sheet.gauges(
            "campaign_amd_drift_sigma",
            "Answer detection unlike its last week: deviations, by figure",
            all().flat_map(|campaign| {
                let name = campaign.name.as_str();
                let drift = campaign.amd_drift.iter();
                drift.map(move |one| (vec![("campaign", name), ("figure", one.what.as_str())], one.sigma))
            }),
        )?;
        sheet.gauges(
            "campaign_amd_lost_ratio",
            "Persons lost to answer detection, as the abandon budget reckons with them",
            all().filter_map(|campaign| Some((vec![("campaign", campaign.name.as_str())], campaign.amd_lost.rate?))),
        )?;
        sheet.gauges(
            "campaign_abandon_rate",
            "Abandoned persons of all that were abandoned or connected, by ledger window",
            all().flat_map(|campaign| {
                let name = campaign.name.as_str();
                let labels = move |window| vec![("campaign", name), ("window", window)];
                campaign.ledger.iter().map(move |window| (labels(window.window.as_str()), window.abandon_rate))
            }),
        )
    }

    fn store(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let view = &self.snapshot.store;
        sheet.gauge("store_ok", "1 when rows go where they belong, 0 when they wait", flag(view.state == "ok"))?;
        sheet.gauge("store_waiting_rows", "Rows that wait for the store", view.waiting_rows as f64)?;
        sheet.gauge("store_queued_rows", "Rows handed to the store and not answered", self.store.ops_waiting as f64)?;
        sheet.counter("store_rows_written", "Rows written", self.store.ops_written)?;
        sheet.counter("store_rows_spooled", "Of these, rows that went to the spool first", self.store.ops_spooled)?;
        sheet.counter("store_rows_failed", "Rows refused by a rule or by the disk", self.store.ops_failed)?;
        sheet.counter(
            "store_replay_refused",
            "Spooled rows that the database refused later",
            self.store.replay_refused,
        )?;
        sheet.counter("store_commits", "Transactions committed", self.store.commits)
    }
}

fn shards(engine: &EngineStats, sheet: &mut Sheet<'_>) -> fmt::Result {
    let counts = engine.counts();
    sheet.gauge("shards_silent", "Shards that did not answer in time or have ended", engine.silent.len() as f64)?;
    sheet.gauge("shards_failed", "Shards that ended by a fault", engine.failed.len() as f64)?;
    for (name, help, value) in [
        ("shard_calls", "Calls that the shards hold", counts.calls),
        ("shard_legs", "Legs that the shards hold", counts.legs),
        ("shard_ports_in_use", "RTP ports in use", counts.ports_in_use),
        ("shard_timers", "Timers set", counts.timers),
        ("shard_dialogs", "SIP dialogs", counts.dialogs),
        ("shard_transactions", "SIP transactions", counts.transactions),
    ] {
        sheet.gauge(name, help, value as f64)?;
    }
    sheet.gauge("shard_cpu_seconds", "Processor time of all shard threads", engine.cpu_ns() as f64 / 1e9)?;
    for (name, help, spans) in [
        ("send_lateness_seconds", "Send lateness of media packets since the start", engine.send_lateness_us()),
        ("loop_lag_seconds", "Lateness of wake-ups since the start", engine.loop_lag_us()),
    ] {
        let at = |quantile: f64| spans.at(quantile) as f64 / 1e6;
        let values = [("0.5", at(0.5)), ("0.99", at(0.99)), ("0.999", at(0.999)), ("1", spans.max() as f64 / 1e6)];
        sheet.gauges(name, help, values.map(|(quantile, value)| (vec![("quantile", quantile)], value)))?;
    }
    for (name, value) in engine.counters().named() {
        sheet.counter(&format!("engine_{name}"), "Events of the drivers, see the source of net::stats", value)?;
    }
    Ok(())
}
