//! Is the process alive, can it work, and what should somebody look at? The wrapped library for the disk is `rustix`.

use super::Service;
use super::engine::Taken;
use crate::control::Snapshot;
use crate::control::api::AgentWish;
use crate::control::views::StoreView;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use store::{ScreenKind, ScreenRow};
use utoipa::ToSchema;

/// The process is alive.
#[derive(Serialize, ToSchema)]
pub(super) struct Alive {
    /// Always true.
    alive: bool,
    /// Version of the program.
    version: &'static str,
}

/// Whether the process can take calls.
#[derive(Serialize, ToSchema)]
pub(super) struct Ready {
    /// It can.
    ready: bool,
    /// Why not; empty when it can.
    reasons: Vec<String>,
}

/// Alive: the process runs and answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Alive)))]
pub(super) async fn healthz() -> Json<Alive> {
    Json(Alive { alive: true, version: env!("CARGO_PKG_VERSION") })
}

/// Ready: calls can be taken and placed. 503 with the reasons while not.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, body = Ready), (status = 503, body = Ready, description = "Not ready, with the reasons")
))]
pub(super) async fn readyz(State(service): State<Arc<Service>>) -> (StatusCode, Json<Ready>) {
    let reasons = reasons(&service.control.snapshot());
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready: reasons.is_empty(), reasons }))
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CheckState {
    /// As it should be.
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Check {
    /// `store`, `spool`, `trunks`, `shards`, `disk`, `phones`, `clock`, `number_lists`.
    name: &'static str,
    /// How it is.
    state: CheckState,
    /// What was seen, in words.
    what: String,
    /// What to do; `null` when there is nothing to do.
    mend: Option<&'static str>,
}

impl Check {
    fn ok(name: &'static str, what: impl Into<String>) -> Check {
        Check { name, state: CheckState::Ok, what: what.into(), mend: None }
    }

    fn not_ok(name: &'static str, state: CheckState, what: impl Into<String>, mend: &'static str) -> Check {
        Check { name, state, what: what.into(), mend: Some(mend) }
    }
}

/// Everything that was looked at.
#[derive(Serialize, ToSchema)]
pub(super) struct Checks {
    /// Calls can be taken and placed, as `/readyz` says.
    ready: bool,
    /// One for each thing, always all of them.
    checks: Vec<Check>,
}

/// Free space below which somebody should look, and below which nothing more may fit: a day of 100,000 attempts writes
/// some 200 MB.
const DISK_WARN_BYTES: u64 = 1 << 30;
const DISK_FAIL_BYTES: u64 = 100 << 20;
/// Half of what the spool takes.
const SPOOL_WARN_ROWS: u64 = store::SPOOL_OPS_MAX / 2;
/// Packets should leave within 1 ms (99 of 100), and none may be a whole frame late.
const LATE_WARN_US: u64 = 1_000;
const LATE_FAIL_US: u64 = 20_000;
/// A picture is 100 ms old at most; beyond this its thread stands still, or the clock was set.
const PICTURE_WARN_US: u64 = 2_000_000;
/// Names of things that are at fault are listed up to so many.
const NAMED_MAX: usize = 5;

/// What somebody who looks after the server should know: each part with what to do about it.
#[utoipa::path(get, path = "/api/v1/health", tag = "health", responses((status = 200, body = Checks)))]
pub(super) async fn checks(State(service): State<Arc<Service>>) -> Json<Checks> {
    let snapshot = service.control.snapshot();
    let folder = service.config.load().server.data_dir.clone();
    let free = tokio::task::spawn_blocking(move || free_bytes(&folder)).await;
    let shards = service.shards.ask(service.engine.as_ref()).await;
    let (missing, oldest) = lists_of_numbers(&service, &snapshot).await;
    let age_us = service.wall_now().as_unix_us() - snapshot.at_us;
    let checks = vec![
        of_store(&snapshot.store),
        of_spool(&snapshot.store),
        of_trunks(&snapshot),
        of_shards(shards.as_deref()),
        of_disk(free.ok().and_then(Result::ok)),
        of_phones(&snapshot),
        of_clock(age_us),
        of_number_lists(&snapshot, &missing, &oldest),
        of_detection(&snapshot),
    ];
    Json(Checks { ready: reasons(&snapshot).is_empty(), checks })
}

fn of_store(store: &StoreView) -> Check {
    let fault = || store.fault.clone().unwrap_or_else(|| "no more rows can be kept".to_owned());
    match store.state {
        "ok" => Check::ok("store", format!("{} keeps every row", store.kind)),
        "away" => {
            let mend = "see the database and the network; rows are kept on the disk meanwhile and calls go on";
            Check::not_ok("store", CheckState::Warn, fault(), mend)
        }
        _ => Check::not_ok("store", CheckState::Fail, fault(), "make room on the disk, or bring the database back"),
    }
}

fn of_spool(store: &StoreView) -> Check {
    let what = format!("{} rows wait for the store", store.waiting_rows);
    if store.waiting_rows < SPOOL_WARN_ROWS {
        return Check::ok("spool", what);
    }
    Check::not_ok(
        "spool",
        CheckState::Warn,
        what,
        "bring the database back before the spool is full: dialling pauses then",
    )
}

fn of_trunks(snapshot: &Snapshot) -> Check {
    if snapshot.trunks.is_empty() {
        return Check::not_ok("trunks", CheckState::Warn, "there is none", "add one: without it nobody can be called");
    }
    let silent = named(snapshot.trunks.values().filter(|trunk| trunk.up == Some(false)).map(|trunk| &trunk.name));
    if let Some(names) = silent {
        let mend = "see whether the host is right and reachable, and whether the carrier has a fault";
        return Check::not_ok("trunks", CheckState::Fail, format!("no answer from {names}"), mend);
    }
    let strange = snapshot.trunks.values().filter(|trunk| trunk.registered == Some(false));
    if let Some(names) = named(strange.map(|trunk| &trunk.name)) {
        let what = format!("our registration is not accepted by {names}");
        return Check::not_ok(
            "trunks",
            CheckState::Fail,
            what,
            "check name and password; the log has the carrier's words",
        );
    }
    // Without pings nobody knows, and right after the start or a change nobody knows yet.
    let unasked = snapshot.trunks.values().filter(|trunk| trunk.up.is_none()).count();
    Check::ok("trunks", format!("{} answer, {unasked} have not been heard of", snapshot.trunks.len() - unasked))
}

fn of_shards(taken: Option<&Taken>) -> Check {
    let Some(taken) = taken else {
        return Check::not_ok(
            "shards",
            CheckState::Fail,
            "they do not answer",
            "see the log; start anew if they stay silent",
        );
    };
    if let Some((shard, why)) = taken.stats.failed.first() {
        let what = format!("shard {shard} has ended: {why}");
        return Check::not_ok("shards", CheckState::Fail, what, "report it with the log and start anew");
    }
    let late_us = taken.lately_us.at(0.99);
    let what = format!("99 of 100 packets left within {late_us} µs lately");
    match late_us {
        LATE_FAIL_US.. => {
            Check::not_ok("shards", CheckState::Fail, what, "callers hear gaps: take load off this machine")
        }
        LATE_WARN_US.. => Check::not_ok(
            "shards",
            CheckState::Warn,
            what,
            "see what else runs here, and that threads may have real-time class",
        ),
        _ => Check::ok("shards", what),
    }
}

fn of_disk(free: Option<u64>) -> Check {
    let Some(free) = free else {
        let mend = "see whether data_dir is there and readable";
        return Check::not_ok("disk", CheckState::Fail, "the space of data_dir cannot be read", mend);
    };
    let what = format!("{:.1} GiB are free for data_dir", free as f64 / (1_u64 << 30) as f64);
    match free {
        0..DISK_FAIL_BYTES => {
            Check::not_ok("disk", CheckState::Fail, what, "make room now: a full disk pauses dialling")
        }
        DISK_FAIL_BYTES..DISK_WARN_BYTES => Check::not_ok("disk", CheckState::Warn, what, "make room"),
        _ => Check::ok("disk", what),
    }
}

fn of_phones(snapshot: &Snapshot) -> Check {
    // Whoever wants to work is logged in only when the phone has answered, so the state says nothing of a silent phone.
    let wanted = || snapshot.agents.values().filter(|agent| agent.wish != AgentWish::LoggedOut);
    match named(wanted().filter(|agent| !agent.phone_up).map(|agent| &agent.name)) {
        Some(names) => {
            let mend = "see whether the phones are on and their addresses right; they are called again every 5 s";
            Check::not_ok("phones", CheckState::Warn, format!("not on the line: {names}"), mend)
        }
        None => Check::ok("phones", format!("{} on the line", wanted().count())),
    }
}

/// Campaigns at work whose profile asks for a list of numbers of a kind that nobody has loaded, and the oldest list of
/// each kind: the one that holds campaigns up. A store that does not answer is told by its own check.
async fn lists_of_numbers(service: &Service, snapshot: &Snapshot) -> (Vec<String>, Vec<ScreenRow>) {
    let tenant = service.tenant;
    let loaded = service.store(move |store| store.screens(tenant)).await.unwrap_or_default();
    let of_kind = |kind| loaded.iter().filter(move |row| row.kind == kind).min_by_key(|row| row.as_of);
    let oldest = ScreenKind::ALL.into_iter().filter_map(of_kind).cloned().collect();
    let is_loaded = |kind: ScreenKind| loaded.iter().any(|row| row.kind == kind);
    let (do_not_call, reassigned) = (is_loaded(ScreenKind::DoNotCall), is_loaded(ScreenKind::Reassigned));
    let config = service.config.load();
    let running = snapshot.campaigns.values().filter(|campaign| campaign.state == "running");
    let asks = running.filter(|campaign| {
        config.profiles.get(&campaign.profile).is_some_and(|sheet| {
            let profile = sheet.in_force();
            (profile.dnc_max_age_d.is_some() && !do_not_call) || (profile.reassigned_max_age_d.is_some() && !reassigned)
        })
    });
    (asks.map(|campaign| campaign.name.clone()).collect(), oldest)
}

/// Campaigns stand still whose profile asks for a list of numbers that is too old; one that was never loaded is told.
fn of_number_lists(snapshot: &Snapshot, missing: &[String], oldest: &[ScreenRow]) -> Check {
    let old = |why: &str| why.starts_with("no_fresh_");
    let still = snapshot.campaigns.values().filter(|campaign| campaign.state == "running" && old(&campaign.why_code));
    let names: Vec<&str> = still.map(|campaign| campaign.name.as_str()).collect();
    if names.is_empty() && !missing.is_empty() {
        let named = missing.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        let what = format!("{named} dial by a profile that asks for a do-not-call list or list of reassigned numbers");
        let mend = "load them with POST /api/v1/number-lists, unless leads are held against them before they come here";
        return Check::not_ok("number_lists", CheckState::Warn, what, mend);
    }
    if names.is_empty() {
        return Check::ok("number_lists", "no campaign waits for a list of numbers");
    }
    let named = names.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let day = |row: &ScreenRow| match jiff::Timestamp::from_microsecond(row.as_of.as_unix_us()) {
        Ok(at) => at.strftime("%F").to_string(),
        Err(_) => "an unknown day".to_owned(),
    };
    let lists = oldest.iter().map(|row| format!("{} of {:?} is of {}", row.kind.name(), row.source, day(row)));
    let lists = lists.collect::<Vec<_>>().join(", ");
    let what = format!(
        "{named} stand still without a fresh do-not-call list or list of reassigned numbers; the oldest: {lists}"
    );
    let mend = "load it anew with POST /api/v1/number-lists, with its day; a source that is in use no more goes with \
                DELETE /api/v1/number-lists/KIND/SOURCE";
    Check::not_ok("number_lists", CheckState::Fail, what, mend)
}

fn of_detection(snapshot: &Snapshot) -> Check {
    let moved = snapshot.campaigns.values().filter(|campaign| !campaign.amd_drift.is_empty());
    match named(moved.map(|campaign| &campaign.name)) {
        None => Check::ok("detection", "answer detection hears what it heard last week"),
        Some(names) => {
            let what = format!("answer detection of {names} is unlike its last week");
            let mend =
                "see whether a trunk, a codec or a list was changed; GET /api/v1/campaigns/{name}/amd has the figures";
            Check::not_ok("detection", CheckState::Warn, what, mend)
        }
    }
}

fn of_clock(picture_age_us: i64) -> Check {
    if picture_age_us.unsigned_abs() < PICTURE_WARN_US {
        return Check::ok("clock", "wall clock and control thread agree");
    }
    let what = format!("the last picture is {:.1} s away from the wall clock", picture_age_us as f64 / 1e6);
    Check::not_ok(
        "clock",
        CheckState::Warn,
        what,
        "see whether the clock was set (is NTP running?) and whether the machine is overloaded",
    )
}

/// Some names with commas between; `None` without any.
fn named<'n>(names: impl Iterator<Item = &'n String>) -> Option<String> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED_MAX);
    let shown = names.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(shown),
        (false, more) => Some(format!("{shown} and {more} more")),
    }
}

/// What a process without privileges may still write to the file system of a folder.
fn free_bytes(folder: &Path) -> std::io::Result<u64> {
    let of = rustix::fs::statvfs(folder)?;
    Ok(of.f_bavail.saturating_mul(of.f_frsize))
}

/// What stands against taking calls. A store that is away is not among it: calls go on and rows are spooled.
fn reasons(snapshot: &Snapshot) -> Vec<String> {
    let mut reasons = Vec::new();
    if !snapshot.ready {
        reasons.push("the server is starting".to_owned());
    }
    if snapshot.draining {
        reasons.push("the server is shutting down".to_owned());
    }
    if snapshot.store.state == "full" {
        let fault = snapshot.store.fault.as_deref().unwrap_or("no more rows can be kept");
        reasons.push(format!("the store takes no rows: {fault}"));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_says_what_to_do() {
        let mut snapshot = Snapshot::default();
        snapshot.store.state = "ok";
        let trunk = |name: &str, up, registered| crate::control::views::TrunkView {
            name: name.to_owned(),
            host: String::new(),
            up,
            registered,
            channels: 0,
            channels_max: 1,
            cps_max: 1.0,
        };
        assert_eq!(of_trunks(&snapshot).state, CheckState::Warn);
        for (up, registered, state) in [
            (None, None, CheckState::Ok),
            (Some(true), Some(true), CheckState::Ok),
            (Some(true), Some(false), CheckState::Fail),
            (Some(false), None, CheckState::Fail),
        ] {
            snapshot.trunks.insert("carrier".to_owned(), trunk("carrier", up, registered));
            let check = of_trunks(&snapshot);
            assert_eq!((check.state, check.mend.is_some()), (state, state != CheckState::Ok), "{check:?}");
        }
        assert_eq!(of_store(&snapshot.store).state, CheckState::Ok);
        for (word, state) in [("away", CheckState::Warn), ("full", CheckState::Fail)] {
            snapshot.store.state = word;
            assert_eq!(of_store(&snapshot.store).state, state);
        }
        snapshot.store.waiting_rows = SPOOL_WARN_ROWS;
        assert_eq!(of_spool(&snapshot.store).state, CheckState::Warn);
        for (free, state) in
            [(None, CheckState::Fail), (Some(1), CheckState::Fail), (Some(DISK_FAIL_BYTES), CheckState::Warn)]
        {
            assert_eq!(of_disk(free).state, state);
        }
        assert_eq!(of_disk(Some(u64::MAX)).state, CheckState::Ok);
        for (age_us, state) in
            [(100_000, CheckState::Ok), (-3_000_000, CheckState::Warn), (9_000_000, CheckState::Warn)]
        {
            assert_eq!(of_clock(age_us).state, state);
        }
        assert_eq!(of_shards(None).state, CheckState::Fail);
        assert_eq!(of_phones(&snapshot).state, CheckState::Ok);
        let agent = |wish, phone_up| crate::control::views::AgentView {
            id: 1,
            name: "ann".to_owned(),
            state: "logged_out".to_owned(),
            since_us: 0,
            wish,
            phone_up,
            skills: Vec::new(),
            call: None,
            offer: None,
            occupancy: 0.0,
        };
        for (wish, phone_up, state) in [
            (AgentWish::LoggedOut, false, CheckState::Ok),
            (AgentWish::Ready, true, CheckState::Ok),
            (AgentWish::Ready, false, CheckState::Warn),
            (AgentWish::OnBreak, false, CheckState::Warn),
        ] {
            snapshot.agents.insert(1, agent(wish, phone_up));
            let check = of_phones(&snapshot);
            assert_eq!((check.state, check.what.contains("ann")), (state, state == CheckState::Warn), "{check:?}");
        }
        assert!(free_bytes(Path::new("/")).is_ok() && free_bytes(Path::new("/nowhere")).is_err());
        let names: Vec<String> = (0..7).map(|n| n.to_string()).collect();
        assert_eq!(named(names.iter()).unwrap(), "0, 1, 2, 3, 4 and 2 more");
    }

    #[test]
    fn each_reason_is_said() {
        let mut snapshot = Snapshot::default();
        assert_eq!(reasons(&snapshot).len(), 1);
        snapshot.ready = true;
        assert!(reasons(&snapshot).is_empty());
        snapshot.store.state = "away";
        assert!(reasons(&snapshot).is_empty());
        snapshot.store.state = "full";
        snapshot.draining = true;
        assert_eq!(reasons(&snapshot).len(), 2);
    }
}
