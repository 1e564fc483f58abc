//! `outpace simulate --replay STORE`: which day of which campaign, read from where it was written.
//!
//! ```text
//!  outpace.toml | sqlite:… | postgres:… ──> campaign's settings + attempts of the day ──> Replay, and how it was paced
//! ```

use super::replay::{HOURS_MAX, Known, Observed, Replay, policy_of};
use crate::config::{self, Config};
use crate::failure::Failure;
use base::WallTime;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;
use store::{CampaignRow, Store, TenantId};

/// What is replayed.
pub(super) struct Wanted<'a> {
    /// A configuration (`….toml`), or a store's address or file.
    pub(super) store: &'a str,
    /// By name; the only one when left out.
    pub(super) campaign: Option<&'a str>,
    /// A date, `yesterday`, `today`; the last 24 hours when left out.
    pub(super) day: Option<&'a str>,
}

/// A day, the policy that paced it, and the profiles that its campaign may name.
pub(super) struct Past {
    pub(super) replay: Replay,
    pub(super) profiles: Arc<dialer::Profiles>,
    pub(super) policy: String,
}

/// Reads it.
///
/// # Errors
/// No such store, campaign or day (wrong use); too few attempts; a store that cannot be read.
pub(super) fn read(wanted: &Wanted<'_>, now: Timestamp) -> Result<Past, Failure> {
    let is_config = Path::new(wanted.store).extension().is_some_and(|ending| ending == "toml");
    let (config, url) = if is_config {
        let config = Config::load(Path::new(wanted.store))?;
        let url = config.store_url();
        (config, url)
    } else {
        let plain = Config::parse(b"", "").map_err(config::Faults::into_failure)?;
        (plain, address(wanted.store)?)
    };
    // Yesterday is read out of a store that another process, perhaps an older one, is working on.
    let options = store::OpenOptions { as_it_is: true, ..store::OpenOptions::default() };
    let (store, _acks) = Store::open_with(&url, options)?;
    let past = from_store(wanted, &config, &store, now);
    store.close()?;
    past
}

/// A store's address; a bare path is that of a SQLite file, which must be there: opening would make it.
fn address(said: &str) -> Result<String, Failure> {
    if said.starts_with("postgres:") || said.starts_with("postgresql:") {
        return Ok(said.to_owned());
    }
    let path = said.strip_prefix("sqlite:").unwrap_or(said);
    let path = path.strip_prefix("//").unwrap_or(path);
    std::fs::metadata(path).map_err(|error| Failure::io(&format!("--replay {said}"), error))?;
    Ok(format!("sqlite:{path}"))
}

fn from_store(wanted: &Wanted<'_>, config: &Config, store: &Store, now: Timestamp) -> Result<Past, Failure> {
    let tenant = TenantId::DEFAULT;
    let row = chosen(store.campaigns(tenant)?, wanted)?;
    let settings = settings_of(&row, config)?;
    let stored = store.trunks(tenant)?.into_iter().find(|trunk| trunk.name == settings.trunk);
    let stored = stored.and_then(|row| {
        let settings: Map<String, Value> = serde_json::from_str(&row.config).ok()?;
        config::Trunk::from_json(&settings, &config::Known::default()).ok()
    });
    let trunk = config.trunks.iter().find(|trunk| trunk.name == settings.trunk).or(stored.as_ref());
    let (from, to) = span(wanted.day, &settings.timezone, now)?;
    let wall = |at: Timestamp| WallTime::from_unix_us(at.as_microsecond());
    let read = Observed::read(store, tenant, row.campaign, (wall(from), wall(to)), &|| true)?;
    let observed =
        read.ok_or_else(|| Failure::failed("the store stopped answering, --replay, try again".to_owned()))?;
    let known = Known::of(&settings, trunk, config.desk.wrap_up);
    let replay = observed.replay(&known).map_err(|little| {
        Failure::failed(format!("{little}, {} from {from} to {to}, choose a busier day with --day", row.name))
    })?;
    Ok(Past { replay, profiles: Arc::clone(&config.profiles), policy: policy_of(settings.mode) })
}

fn chosen(mut rows: Vec<CampaignRow>, wanted: &Wanted<'_>) -> Result<CampaignRow, Failure> {
    let names = rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>().join(", ");
    let place = format!("--replay {}", store::redact(wanted.store));
    match wanted.campaign {
        Some(name) => rows
            .into_iter()
            .find(|row| row.name == name)
            .ok_or_else(|| Failure::misuse(format!("no campaign {name:?}, {place}, known: {names}"))),
        None if rows.len() == 1 => Ok(rows.remove(0)),
        None if rows.is_empty() => Err(Failure::misuse(format!("no campaign is there, {place}, name another store"))),
        None => Err(Failure::misuse(format!("several campaigns, {place}, choose with --campaign: {names}"))),
    }
}

/// A campaign's settings. The names that they refer to were checked when they were made.
fn settings_of(row: &CampaignRow, config: &Config) -> Result<config::Campaign, Failure> {
    let settings: Map<String, Value> = serde_json::from_str(&row.config).unwrap_or_default();
    let names = |key: &str| -> Vec<String> {
        let values = settings.get(key).and_then(Value::as_array).into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let known = config::Known {
        trunks: settings.get("trunk").and_then(Value::as_str).map(str::to_owned).into_iter().collect(),
        agents: names("agents").into_iter().collect(),
        skills: names("skills").into_iter().collect(),
        profiles: config.profiles.clone(),
    };
    config::Campaign::from_json(&settings, &known).map_err(|faults| {
        let faults = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Failure::failed(format!("{faults}, settings of {} in the store, name the configuration instead", row.name))
    })
}

/// From midnight to midnight where the campaign is at home; the last 24 hours without a day.
fn span(day: Option<&str>, timezone: &str, now: Timestamp) -> Result<(Timestamp, Timestamp), Failure> {
    let hours = i64::try_from(HOURS_MAX).unwrap_or(24).hours();
    let fault = |what: &str| {
        let place = format!("--day {}", day.unwrap_or_default());
        Failure::usage(&place, what, "write a date as 2026-03-02, yesterday or today")
    };
    let Some(said) = day else {
        return Ok((now.checked_sub(hours).map_err(|_| fault("is out of range"))?, now));
    };
    let zone = TimeZone::get(timezone).map_err(|_| fault("stands in a zone that is not known"))?;
    let today = Zoned::new(now, zone.clone()).date();
    let date = match said {
        "today" => Some(today),
        "yesterday" => today.yesterday().ok(),
        date => date.parse::<Date>().ok(),
    };
    let from = date.and_then(|date| date.to_zoned(zone).ok()).ok_or_else(|| fault("is no date"))?.timestamp();
    // A day of 25 hours loses its last one.
    let to = from.checked_add(hours).map_err(|_| fault("is out of range"))?.min(now);
    if to <= from { Err(fault("has not begun")) } else { Ok((from, to)) }
}

#[cfg(test)]
mod tests;
