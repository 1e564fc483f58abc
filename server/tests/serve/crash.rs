//! `kill -9` at random moments of a running campaign, again and again: what the carrier saw and what the rows say fit.

use crate::harness::{Api, CAMPAIGN, Database, Site, TENANT};
use crate::stage::{Ended, Stage};
use crate::witness::Seen;
use base::{Duration, Instant, Seed, Stream, WallTime};
use dialer::Outcome;
use net::Clock;
use serde_json::{Value, json};
use sip::Whose;
use store::testing::Postgres;

const AGENTS: usize = 20;
const LEADS: usize = 100_000;
/// Orphans get their BYE so soon after a start.
const BYE_LIMIT: Duration = Duration::from_secs(5);
/// Ready again after this time, with all leads on the list.
const READY_LIMIT: Duration = Duration::from_secs(2);

/// Quick callees, so that a life of some seconds has calls in every state.
const CALLEES: &str = r#"
[dial]
human = 0.6
machine = 0.15
busy = 0.1
fail = 0.05
post_dial_s = { dist = "uniform", min = 0.02, max = 0.2 }
human_ring_s = { dist = "uniform", min = 0.1, max = 1.5 }
machine_ring_s = { dist = "uniform", min = 0.1, max = 1.5 }
[agent]
talk_s = { dist = "uniform", min = 0.5, max = 6 }
"#;

/// Each fifth kill comes during the start.
const START_UP_EVERY: usize = 5;

/// Both kinds of databases side by side: most of a life is waiting.
fn side_by_side(kills: usize, seed: u64, soak: bool) {
    let run =
        |database: fn() -> Database| std::thread::spawn(move || kill_again_and_again(database(), kills, seed, soak));
    let runs = [run(|| Database::Sqlite), run(|| Database::Postgres(Postgres::start()))];
    let ended: Vec<_> = runs.into_iter().map(std::thread::JoinHandle::join).collect();
    for result in ended {
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn killed_at_random_moments_nothing_is_lost_and_nobody_called_twice() {
    side_by_side(25, 3, false);
}

#[test]
#[ignore = "20 minutes and a free machine: make soak"]
fn soak_killed_at_200_random_moments() {
    side_by_side(200, 4, true);
}

/// One process, on the clock of the test.
struct Life {
    began: Instant,
    ready: Option<Instant>,
    killed: Instant,
}

/// What the API says of the ledger: connected, abandoned.
fn ledger(campaign: &Value) -> (u64, u64) {
    let window = &campaign["ledger"][0];
    let count = |key: &str| window[key].as_u64().unwrap_or_else(|| panic!("{key} in {campaign}"));
    (count("connected"), count("abandoned"))
}

/// The same, counted from the rows.
fn ledger_rows(site: &Site) -> (u64, u64) {
    site.with_store(|store| {
        let campaigns = store.campaigns(TENANT).expect("campaigns");
        let campaign = campaigns.iter().find(|row| row.name == CAMPAIGN).expect("the campaign has a row");
        let Some(began) = campaign.first_started_at else { return (0, 0) };
        let rows = store.ledger(TENANT, campaign.campaign, WallTime::from_unix_us(began.as_unix_us())).expect("ledger");
        let count = |what: &str| rows.iter().filter(|row| row.counted_as == what).count() as u64;
        (count("connected"), count("abandoned"))
    })
}

fn kill_again_and_again(database: Database, kills: usize, seed: u64, soak: bool) {
    let name = database.name();
    let stage = Stage::set(database, CALLEES, AGENTS, LEADS, seed);
    let (site, api) = (&stage.site, &stage.api);
    let clock = Clock::new();
    let mut random = Seed::from_u64(seed).stream(name, 0);
    let mut lives: Vec<Life> = Vec::new();
    let mut expected = Expected { state: "stopped".to_owned(), ..Expected::default() };

    for kill in 0..kills {
        let began = clock.now();
        let mut product = site.start();
        let mut ready = None;
        if kill % START_UP_EVERY == START_UP_EVERY - 1 {
            // Anywhere from the first instruction to a little after the usual end of the start.
            let usual = lives.iter().rev().find_map(|life| Some(life.ready?.since(life.began)));
            let usual_ms = usual.unwrap_or(Duration::from_ms(500)).as_ms();
            pause(Duration::from_ms(random.below(usual_ms * 5 / 4)));
        } else {
            product.ready();
            ready = Some(clock.now());
            live(api, &mut expected, &mut random, &clock);
        }
        product.kill();
        lives.push(Life { began, ready, killed: clock.now() });
        if ready.is_some() {
            let rows = ledger_rows(site);
            let sure = expected.sure;
            assert!(
                rows.0 >= sure.0 && rows.1 >= sure.1,
                "{name}: the API showed {sure:?} long ago, rows are {rows:?}"
            );
            // Each second time the next process, not we, is the first to open what was left.
            expected.rows = Some(rows).filter(|_| kill % 2 == 0);
        }
    }

    // The last one lives until everything has ended by itself.
    let began = clock.now();
    let mut product = site.start();
    product.ready();
    let ready = Some(clock.now());
    live(api, &mut expected, &mut random, &clock);
    product.signal("TERM");
    let status = product.ended();
    assert!(status.success(), "{name}: {status}\n{}", product.log());
    lives.push(Life { began, ready, killed: clock.now() });
    let mut ended = stage.end();
    let customers = Orphans::of("customer", &ended.calls, &lives, &mut ended.faults);
    let agents = Orphans::of("agent", &ended.agent_calls, &lives, &mut ended.faults);
    table(name, &lives, &ended, [&customers, &agents]);
    ended.fits();
    let connected = ended.books.outcome(Outcome::Connected);
    assert!(customers.up > kills && connected > kills / 4, "{name}: too little happened");
    if soak {
        assert!(customers.slowest.max(agents.slowest) < BYE_LIMIT, "{name}: a BYE came late");
        let mut ready: Vec<Duration> = ready_times(&lives);
        ready.sort_unstable();
        assert!(ready[ready.len() / 2] < READY_LIMIT, "{name}: ready after {:?}", ready[ready.len() / 2]);
    }
}

/// What the next process must show.
#[derive(Default)]
struct Expected {
    state: String,
    ring_timeout_s: Option<u64>,
    /// Figures that were shown so long ago that they must be on the disk.
    sure: (u64, u64),
    /// What the rows said after the kill, if they were looked at.
    rows: Option<(u64, u64)>,
}

/// A process that is ready: shows what it must, then works for a while; at the end something is changed, acknowledged,
/// and the process is to be killed at once.
fn live(api: &Api, expected: &mut Expected, random: &mut Stream, clock: &Clock) {
    let campaign = api.campaign();
    assert_eq!(campaign["state"], expected.state.as_str(), "{campaign}");
    if let Some(seconds) = expected.ring_timeout_s {
        assert_eq!(campaign["settings"]["ring_timeout_s"], seconds, "{campaign}");
    }
    let (connected, abandoned) = ledger(&campaign);
    if let Some(rows) = expected.rows.take() {
        // Nothing can have been counted yet, unless this machine was very slow to ask.
        let since = campaign["attempts"].as_u64().unwrap_or_default();
        assert!(connected >= rows.0 && abandoned >= rows.1, "rows {rows:?}, shown {campaign}");
        assert!(connected + abandoned <= rows.0 + rows.1 + since, "rows {rows:?}, shown {campaign}");
    }
    if expected.state != "running" {
        let campaign = api.drive("start");
        assert_eq!(campaign["state"], "running", "{campaign}");
        expected.state = "running".to_owned();
    }
    let until = clock.now() + Duration::from_ms(800 + random.below(3_700));
    let mut shown: Vec<(Instant, (u64, u64))> = Vec::new();
    while clock.now() < until {
        let campaign = api.campaign();
        assert_eq!(campaign["state"], "running", "{campaign}");
        shown.push((clock.now(), ledger(&campaign)));
        pause(Duration::from_ms(50));
    }
    // Group commit takes milliseconds; two seconds are a very busy disk.
    let old = until.before(Duration::from_secs(2));
    if let Some((_, figures)) = shown.iter().rev().find(|(at, _)| *at <= old) {
        expected.sure = *figures;
    }
    match random.below(4) {
        0 => {
            let verb = if random.chance(0.5) { "pause" } else { "stop" };
            let campaign = api.drive(verb);
            expected.state = campaign["state"].as_str().unwrap_or_default().to_owned();
            assert!(["paused", "stopped"].contains(&expected.state.as_str()), "{campaign}");
        }
        1 => {
            let seconds = 20 + random.below(20);
            let path = format!("/api/v1/campaigns/{CAMPAIGN}");
            api.change("PATCH", &path, json!({ "ring_timeout_s": seconds }));
            expected.ring_timeout_s = Some(seconds);
        }
        _ => {}
    }
}

fn pause(span: Duration) {
    std::thread::sleep(std::time::Duration::from_nanos(span.as_ns()));
}

/// Calls that outlived their process.
#[derive(Default)]
struct Orphans {
    /// Up at a kill.
    up: usize,
    /// Of these, ended by their own side before a BYE could come.
    by_themselves: usize,
    /// Answered after their process had died.
    late: usize,
    /// From the start of the next process that became ready (or from the late ACK) to the end.
    slowest: Duration,
    /// Longer than the limit.
    over_limit: usize,
}

impl Orphans {
    fn of(side: &str, calls: &[Seen], lives: &[Life], faults: &mut Vec<String>) -> Orphans {
        let mut sum = Orphans::default();
        for call in calls {
            let Some(place) = lives.iter().position(|life| call.invited < life.killed) else { continue };
            let Some(next) = lives.iter().skip(place + 1).find(|life| life.ready.is_some()) else { continue };
            let killed = lives[place].killed;
            let up = call.up_at(killed);
            let late = call.picked_up.is_some() && call.acked.is_none_or(|acked| acked > killed);
            if !up && !late {
                continue;
            }
            sum.up += usize::from(up);
            sum.late += usize::from(late);
            match &call.ended {
                None => faults.push(format!("{side}: never ended: {call:?}")),
                Some((_, Whose::Network)) => faults.push(format!("{side}: nobody ended it: {call:?}")),
                Some((_, Whose::Us)) => sum.by_themselves += 1,
                Some((ended, Whose::Peer)) => {
                    let from = if late { next.began.max(call.acked.unwrap_or(next.began)) } else { next.began };
                    let took = ended.since(from);
                    sum.slowest = sum.slowest.max(took);
                    sum.over_limit += usize::from(took > BYE_LIMIT);
                }
            }
        }
        sum
    }
}

fn ready_times(lives: &[Life]) -> Vec<Duration> {
    lives.iter().filter_map(|life| Some(life.ready?.since(life.began))).collect()
}

fn table(name: &str, lives: &[Life], ended: &Ended, orphans: [&Orphans; 2]) {
    let Ended { books, calls, .. } = ended;
    let mut ready = ready_times(lives);
    ready.sort_unstable();
    let ms = |place: usize| ready.get(place).map_or(0, |span| span.as_ms());
    println!(
        "{name}: {} kills, {} of them during the start; {LEADS} leads",
        lives.len() - 1,
        lives.len() - ready.len()
    );
    println!("  ready after          median {} ms, longest {} ms", ms(ready.len() / 2), ms(ready.len() - 1));
    let acked = calls.iter().filter(|call| call.acked.is_some()).count();
    println!("  carrier              {} INVITEs, {acked} acknowledged", calls.len());
    println!(
        "  rows                 {} attempts ({} unknown, {} connected), {} CDRs ({} rebuilt)",
        books.attempts.len(),
        books.outcome(Outcome::Unknown),
        books.outcome(Outcome::Connected),
        books.cdrs.len(),
        books.rebuilt(),
    );
    for (side, orphans) in ["customers", "agents"].into_iter().zip(orphans) {
        println!(
            "  orphans ({side:<9})  {} up at a kill, {} answered later; {} hung up themselves, slowest BYE {} ms, {} \
             beyond {} s",
            orphans.up,
            orphans.late,
            orphans.by_themselves,
            orphans.slowest.as_ms(),
            orphans.over_limit,
            BYE_LIMIT.as_ms() / 1_000,
        );
    }
}
