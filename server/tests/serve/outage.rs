//! The database goes away in the middle of a campaign and comes back.

use crate::harness::{Api, Database, wait_for};
use crate::stage::Stage;
use dialer::Outcome;
use loadtest::ledger::Side;
use std::time::{Duration, Instant};
use store::testing::Postgres;

const AGENTS: usize = 10;
const LEADS: usize = 5_000;
/// Packets that must have come of those that were due: the two ends of a call on a crowded machine.
const PACKETS_LEAST: f64 = 0.9;

/// Persons only: a call that is connected is ended by the callee and by nobody else.
const CALLEES: &str = r#"
[dial]
human = 0.75
machine = 0
busy = 0.05
fail = 0.05
post_dial_s = { dist = "uniform", min = 0.05, max = 0.3 }
human_ring_s = { dist = "uniform", min = 0.2, max = 2 }
[agent]
talk_s = { dist = "uniform", min = 1, max = 8 }
"#;

/// How the server goes away.
#[derive(Clone, Copy)]
enum Fault {
    /// It takes connections and answers nothing.
    Frozen,
    /// It is gone, and comes back by recovery.
    Killed,
}

#[test]
fn a_frozen_database_disturbs_no_call_and_loses_nothing() {
    away(Fault::Frozen, Duration::from_secs(12), 5, false);
}

#[test]
fn a_killed_database_disturbs_no_call_and_loses_nothing() {
    away(Fault::Killed, Duration::from_secs(6), 6, false);
}

#[test]
#[ignore = "a free machine: make soak"]
fn soak_a_database_is_frozen_for_30_s() {
    away(Fault::Frozen, Duration::from_secs(30), 7, true);
}

fn away(fault: Fault, span: Duration, seed: u64, soak: bool) {
    let mut stage = Stage::set(Database::Postgres(Postgres::start()), CALLEES, AGENTS, LEADS, seed);
    let mut product = stage.run(AGENTS / 2);
    assert!(store_is_ok(&stage.api));

    let began = Instant::now();
    match fault {
        Fault::Frozen => stage.site.database.postgres().sigstop(),
        Fault::Killed => stage.site.database.postgres().kill(),
    }
    wait_for("the API to say that the store is away", || (!store_is_ok(&stage.api)).then_some(()));
    let noticed = began.elapsed();
    let invites = stage.invites();
    let mut slowest = Duration::ZERO;
    let mut asked = 0;
    while began.elapsed() < span {
        for path in ["/api/v1/cdrs", "/api/v1/leads", "/api/v1/lists"] {
            let asks = Instant::now();
            let (status, problem) = stage.api.get(path);
            slowest = slowest.max(asks.elapsed());
            asked += 1;
            assert_eq!(status, 503, "{path} while the database is away: {problem}");
            assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        }
        // What is live is told from memory.
        assert_eq!(stage.api.campaign()["state"], "running");
        assert!(stage.api.see("/api/v1/agents")["items"].as_array().is_some_and(|agents| agents.len() == AGENTS));
        for probe in ["/healthz", "/readyz"] {
            assert_eq!(stage.api.get(probe).0, 200, "{probe}: calls go on");
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    let dialled = stage.invites() - invites;

    let back = Instant::now();
    match fault {
        Fault::Frozen => stage.site.database.postgres().sigcont(),
        Fault::Killed => stage.site.database.postgres().restart(),
    }
    wait_for("the store to have caught up", || store_is_ok(&stage.api).then_some(()));
    let caught_up = back.elapsed();
    wait_for("reads to be answered", || (stage.api.get("/api/v1/cdrs").0 == 200).then_some(()));
    let invites = stage.invites();
    wait_for("dialling to go on", || (stage.invites() > invites).then_some(()));

    product.signal("TERM");
    assert!(product.ended().success(), "{}", product.log());
    let ended = stage.end();
    let hung_up: Vec<_> = ended
        .carrier
        .ledger()
        .records()
        .iter()
        .filter(|r| r.agent_heard.is_some() && r.ended_by != Some(Side::Callee))
        .collect();
    let heard = ended.calls.iter().filter(|call| call.acked.is_some());
    let gap = heard.clone().map(|call| call.gap_max).max().unwrap_or_default();
    let shares: Vec<f64> = heard.filter_map(crate::witness::Seen::packet_share).collect();
    let share = shares.iter().copied().fold(1.0, f64::min);
    println!(
        "away for {span:?}: noticed after {noticed:?}, {dialled} INVITEs meanwhile, {asked} questions answered within \
         {slowest:?}, caught up after {caught_up:?}; {} calls, {} connected, longest gap of audio {} ms, least share of \
         packets {share:.3}",
        shares.len(),
        ended.books.outcome(Outcome::Connected),
        gap.as_ms(),
    );
    ended.fits();
    assert!(hung_up.is_empty(), "connected calls that we ended: {hung_up:?}");
    assert!(dialled > 0, "dialling goes on with the leads at hand");
    assert!(share > PACKETS_LEAST, "calls lost packets");
    assert_eq!(ended.books.outcome(Outcome::Unknown), 0);
    if soak {
        assert!(gap <= base::Duration::from_ms(40), "a gap of {} ms", gap.as_ms());
        assert!(slowest < Duration::from_secs(1), "an answer took {slowest:?}");
    }
}

/// What the API says of the store.
fn store_is_ok(api: &Api) -> bool {
    let metrics = api.text("/metrics");
    let line = metrics.lines().find(|line| !line.starts_with('#') && line.contains("store_ok "));
    let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    value.unwrap_or_else(|| panic!("no store_ok in {metrics}")) == 1.0
}
