//! From configuration and store to live state: trunks, routes, agents, campaigns with their ledgers.

use super::recovery::Recovered;
use crate::conductor::{InboundRoute, Trunk};
use crate::config::{self, Config, Known};
use crate::control::Request;
use crate::failure::Failure;
use crate::office::{self, NamedBy, Prompts};
use crate::runtime::Runtime;
use base::{CampaignId, TrunkId, WallTime};
use dialer::{CountedAs, Input, LedgerEntry, Window};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use store::{NewAgent, NewCampaign, Store, StoreError, TenantId};

/// Brings everything to where the process before this one stopped, or begins.
pub(super) fn bring_up(
    runtime: &mut Runtime,
    config: &Config,
    ids: &BTreeMap<String, TrunkId>,
    prompts: &Prompts,
    recovered: Recovered,
) -> Result<(), Failure> {
    runtime.set_drain_limit(config.server.drain);
    let front = runtime.engine().front();
    let orphans = recovered.orphans.into_iter().map(|orphan| (orphan.call, orphan.dialog)).collect();
    let by = |call_id: &str| front.shard_of_call(call_id.as_bytes());
    runtime.with_conductor(|conductor, _| conductor.end_orphans(orphans, by))?;
    for (id, trunk) in trunks(runtime.store(), runtime.tenant(), config, ids)? {
        runtime.with_conductor(|conductor, now| conductor.put_trunk(now, id, trunk))?;
    }
    let routes = routes(config, prompts, ids)?;
    runtime.with_conductor(|conductor, _| conductor.set_routes(routes))?;
    runtime.load_do_not_call()?;
    for request in agents(runtime.store(), runtime.tenant(), config, wall(runtime))? {
        runtime.ask(request)?;
    }
    let campaigns = campaigns(runtime.store(), runtime.tenant(), config, prompts, wall(runtime))?;
    for Loaded { request, campaign, state, began, windows, of_api } in campaigns {
        match runtime.ask(request) {
            Ok(_) => {}
            // A start must not fail for what somebody left behind over the API: a trunk that stays out, for example.
            Err(refusal) if of_api => {
                tracing::error!("a campaign of the store stays out until the next start: {refusal}");
                continue;
            }
            Err(refusal) => return Err(refusal),
        }
        restore_ledger(runtime, campaign, began, &windows)?;
        // Before the first call, not with the first look at the labels some minutes later.
        let measured = crate::amd::measured::load(runtime.store(), runtime.tenant(), campaign)?;
        runtime.with_conductor(|conductor, now| {
            conductor.handle_input(now, Input::AmdMeasured { campaign, measured });
        })?;
        runtime.with_conductor(|conductor, now| conductor.resume_campaign(now, campaign, &state))?;
    }
    Ok(())
}

fn wall(runtime: &Runtime) -> WallTime {
    runtime.conductor().anchor().wall_at(runtime.now())
}

/// Trunks with their ids, as they live. One of the API whose host cannot be found stays out: a start must not fail for what
/// somebody left behind there.
pub(super) fn trunks(
    store: &Store,
    tenant: TenantId,
    config: &Config,
    ids: &BTreeMap<String, TrunkId>,
) -> Result<Vec<(TrunkId, Trunk)>, Failure> {
    let of_api: BTreeSet<String> =
        store.trunks(tenant)?.into_iter().filter(|row| row.config_hash.is_empty()).map(|row| row.name).collect();
    let mut live = Vec::new();
    for settings in &config.trunks {
        let Some(id) = ids.get(&settings.name) else { continue };
        match office::trunk(settings, &format!("trunk.{}.host", settings.name)) {
            Ok(trunk) => live.push((*id, trunk)),
            Err(refusal) if of_api.contains(&settings.name) => {
                tracing::error!("trunk {:?} of the store stays out: {refusal}", settings.name);
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(live)
}

/// Routes with their prompts loaded. Those that were made over the API stay out when one of them cannot be used any more.
pub(super) fn routes(
    config: &Config,
    prompts: &Prompts,
    ids: &BTreeMap<String, TrunkId>,
) -> Result<Vec<InboundRoute>, Failure> {
    let named_by = if config.routes_over_api { NamedBy::Request } else { NamedBy::Configuration };
    match office::routes(prompts, &config.routes, named_by, |name| ids.get(name).copied()) {
        Err(refusal) if config.routes_over_api => {
            tracing::error!("the routes of the store stay out, inbound calls get 404: {refusal}");
            Ok(Vec::new())
        }
        routes => Ok(routes?),
    }
}

/// Agents of the file and of the API, as requests.
pub(super) fn agents(store: &Store, tenant: TenantId, config: &Config, now: WallTime) -> Result<Vec<Request>, Failure> {
    let mut requests = Vec::new();
    let mut of_file = BTreeSet::new();
    let stored = stored_agents(store, tenant)?;
    for settings in &config.agents {
        let (json, hash) = hashed(&serde_json::Value::Object(settings.to_json()));
        let same = stored.iter().find(|row| row.name == settings.name && row.config_hash == hash);
        let (id, settings) = match same {
            // What was tuned over the API holds until the section changes.
            Some(row) => (row.agent, tuned(row).unwrap_or_else(|| settings.clone())),
            None => {
                let row = NewAgent { name: settings.name.clone(), config: json, config_hash: hash };
                (store.put_agent(tenant, &row, now)?, settings.clone())
            }
        };
        of_file.insert(id);
        requests.push(office::put_agent(id, settings)?);
    }
    for row in stored.into_iter().filter(|row| !of_file.contains(&row.agent)) {
        if !row.config_hash.is_empty() {
            tracing::warn!("agent {:?} is no longer in the configuration and stays out", row.name);
            continue;
        }
        match parsed(&row.config, |settings| config::Agent::from_json(settings, &Known::default())) {
            Ok(settings) => match office::put_agent(row.agent, settings) {
                Ok(request) => requests.push(request),
                Err(refusal) => tracing::error!("agent {:?} of the store stays out: {refusal}", row.name),
            },
            Err(why) => tracing::error!("agent {:?} of the store stays out: {why}", row.name),
        }
    }
    Ok(requests)
}

/// The settings of an agent of the file as the store has them; `None`, with a line in the log, when they cannot be read.
fn tuned(row: &store::AgentRow) -> Option<config::Agent> {
    let mut settings: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&row.config).ok()?;
    // Of an agent of the file it says that there is one.
    settings.remove("password");
    match config::Agent::from_json(&settings, &Known::default()) {
        Ok(settings) => Some(settings),
        Err(_) => {
            tracing::error!("what was changed of agent {:?} cannot be read, the file holds", row.name);
            None
        }
    }
}

/// A campaign to bring up.
pub(super) struct Loaded {
    pub(super) request: Request,
    pub(super) campaign: CampaignId,
    pub(super) state: String,
    /// When it was first started.
    pub(super) began: Option<WallTime>,
    /// Over which its ledger is kept.
    pub(super) windows: Vec<Window>,
    /// It was made over the API and stands in no file.
    pub(super) of_api: bool,
}

/// Campaigns of the file and of the API. A campaign of the file takes its settings from there whenever its section has
/// changed; what was tuned over the API stays until then.
pub(super) fn campaigns(
    store: &Store,
    tenant: TenantId,
    config: &Config,
    prompts: &Prompts,
    now: WallTime,
) -> Result<Vec<Loaded>, Failure> {
    let known = known(store, tenant, config)?;
    let mut of_file: BTreeMap<&str, (String, String)> = BTreeMap::new();
    for settings in &config.campaigns {
        of_file.insert(&settings.name, hashed(&serde_json::Value::Object(settings.to_json())));
    }
    let stored: BTreeMap<String, String> =
        store.campaigns(tenant)?.into_iter().map(|row| (row.name, row.config_hash)).collect();
    for settings in &config.campaigns {
        let (json, hash) = &of_file[settings.name.as_str()];
        if stored.get(&settings.name) != Some(hash) {
            let list = list_of(store, tenant, &settings.list, now)?;
            let row = NewCampaign {
                name: settings.name.clone(),
                config: json.clone(),
                config_hash: hash.clone(),
                list: Some(list),
            };
            store.put_campaign(tenant, &row, now)?;
        }
    }
    let mut loaded = Vec::new();
    for row in store.campaigns(tenant)? {
        if !row.config_hash.is_empty() && !of_file.contains_key(row.name.as_str()) {
            tracing::warn!("campaign {:?} is no longer in the configuration and stays out", row.name);
            continue;
        }
        let settings = match parsed(&row.config, |settings| config::Campaign::from_json(settings, &known)) {
            Ok(settings) => settings,
            Err(why) => {
                tracing::error!("campaign {:?} of the store stays out: {why}", row.name);
                continue;
            }
        };
        let list = list_of(store, tenant, &settings.list, now)?;
        let dialled = settings.dialer_config(TrunkId(1)).map(|config| config.ledger_windows().to_vec());
        let windows = dialled.unwrap_or_default();
        let request = match office::put_campaign(prompts, row.campaign, list, settings, NamedBy::Configuration) {
            Ok(request) => request,
            // A start must not fail for what somebody left behind over the API; the file is the operator's own word.
            Err(refusal) if row.config_hash.is_empty() => {
                tracing::error!("campaign {:?} of the store stays out: {refusal}", row.name);
                continue;
            }
            Err(refusal) => return Err(refusal.into()),
        };
        let (campaign, state, began) = (row.campaign, row.state, row.first_started_at);
        loaded.push(Loaded { request, campaign, state, began, windows, of_api: row.config_hash.is_empty() });
    }
    Ok(loaded)
}

/// Names that settings may refer to.
fn known(store: &Store, tenant: TenantId, config: &Config) -> Result<Known, StoreError> {
    let mut agents: BTreeSet<String> = config.agents.iter().map(|agent| agent.name.clone()).collect();
    let mut skills: BTreeSet<String> = config.agents.iter().flat_map(|agent| agent.skills.clone()).collect();
    for row in stored_agents(store, tenant)? {
        agents.insert(row.name);
        if let Ok(settings) = parsed(&row.config, |settings| config::Agent::from_json(settings, &Known::default())) {
            skills.extend(settings.skills);
        }
    }
    let trunks = config.trunks.iter().map(|trunk| trunk.name.clone()).collect();
    Ok(Known { trunks, agents, skills, profiles: config.profiles.clone() })
}

/// All agents of the store.
pub(super) fn stored_agents(store: &Store, tenant: TenantId) -> Result<Vec<store::AgentRow>, StoreError> {
    let mut rows: Vec<store::AgentRow> = Vec::new();
    loop {
        let page = store.agents(tenant, rows.last().map(|row| row.agent), store::PAGE_ROWS_MAX)?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}

/// The list of this name, made empty if there is none: leads can be imported later.
fn list_of(store: &Store, tenant: TenantId, name: &str, now: WallTime) -> Result<base::ListId, StoreError> {
    match store.find_list(tenant, name)? {
        Some(list) => Ok(list),
        None => {
            tracing::warn!("list {name:?} is not in the store yet; load it with outpace import --list {name}");
            store.create_list(tenant, name, now)
        }
    }
}

/// The earliest moment that an open window still counts.
fn oldest_counted(windows: &[Window], began: WallTime, now: WallTime) -> WallTime {
    let day_us = 86_400_000_000_i64;
    let since_us = windows.iter().map(|window| match window {
        Window::Run => began.as_unix_us(),
        // A local day has 25 hours when the clocks go back.
        Window::LocalDay => now.as_unix_us() - day_us - day_us / 24,
        Window::Month => now.as_unix_us() - 31 * day_us - day_us / 24,
        // And the minute that is just leaving.
        Window::Rolling(hours) => now.as_unix_us() - i64::from(*hours) * day_us / 24 - 60_000_000,
        Window::Days(days) => {
            let length_us = i64::from((*days).max(1)) * day_us;
            let over = (now.as_unix_us() - began.as_unix_us()).max(0) / length_us;
            began.as_unix_us() + over * length_us
        }
    });
    WallTime::from_unix_us(since_us.min().unwrap_or(began.as_unix_us()).max(began.as_unix_us()))
}

/// Brings a campaign's open windows to what they were. Windows that are over stand in the reports of the store, and are
/// not counted again here: a start must not take longer with each year.
fn restore_ledger(
    runtime: &mut Runtime,
    campaign: CampaignId,
    began: Option<WallTime>,
    windows: &[Window],
) -> Result<(), Failure> {
    let Some(began) = began else { return Ok(()) };
    let since = oldest_counted(windows, began, wall(runtime));
    let rows = runtime.store().ledger(runtime.tenant(), campaign, since)?;
    let entries = rows.into_iter().filter_map(|row| {
        let counted_as = CountedAs::named(&row.counted_as)?;
        let (at, person, rang) = (row.counted_at, row.disposition_person, row.rang);
        Some(LedgerEntry { attempt: row.attempt, at, counted_as, person, rang })
    });
    let entries = entries.collect();
    runtime.with_conductor(|conductor, now| {
        conductor.handle_input(now, Input::RestoreLedger { campaign, began, entries });
    })
}

/// Settings as they are kept, and what tells whether they changed.
fn hashed(settings: &serde_json::Value) -> (String, String) {
    let json = settings.to_string();
    let hash = Sha256::digest(json.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    (json, hash)
}

fn parsed<T>(
    json: &str,
    read: impl FnOnce(&serde_json::Map<String, serde_json::Value>) -> Result<T, Vec<config::KeyFault>>,
) -> Result<T, String> {
    let settings: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).map_err(|e| e.to_string())?;
    read(&settings).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_open_windows_count_is_read() {
        let day = 86_400_000_000;
        let (began, now) = (WallTime::from_unix_us(10 * day), WallTime::from_unix_us(75 * day + 5));
        let since = |windows: &[Window]| oldest_counted(windows, began, now).as_unix_us();
        assert_eq!(since(&[Window::Days(30)]), 70 * day);
        assert_eq!(since(&[Window::Run, Window::Days(30)]), 10 * day);
        assert_eq!(since(&[Window::LocalDay]), now.as_unix_us() - day - day / 24);
        assert_eq!(oldest_counted(&[Window::LocalDay], now, now), now);
    }

    #[test]
    fn what_was_measured_of_lost_people_holds_from_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[server]\ndata_dir = {:?}\nshards = 1\n[store]\nurl = \"sqlite:outpace.db\"\n[sip]\nudp = \"127.0.0.1:0\"\n\
             [[trunk]]\nname = \"t\"\nhost = \"127.0.0.1\"\n[[agent]]\nname = \"ann\"\n\
             [[campaign]]\nname = \"c\"\nlist = \"l\"\ntrunk = \"t\"\ncaller_id = \"+12125550100\"\namd = true\n",
            folder.path().display().to_string()
        );
        // Nobody looks at the labels here: what the dialer knows it has from the start.
        let start = || {
            let config = Config::parse(text.as_bytes(), "outpace.toml").unwrap();
            let product = super::super::product::Product::boot(config, base::Seed::from_u64(1)).unwrap();
            let (store, tenant) = (std::sync::Arc::clone(&product.store), product.runtime.tenant());
            let campaign = store.campaigns(tenant).unwrap()[0].campaign;
            let known = product.runtime.conductor().dialer().amd_measured_of(campaign).cloned();
            (product, known, campaign)
        };
        let (product, known, campaign) = start();
        assert_eq!(known, None);
        let measured = dialer::AmdMeasured { rate: 0.0125, evidence: "upper bound of 400 labelled audits".to_owned() };
        let (tenant, now) = (product.runtime.tenant(), wall(&product.runtime));
        crate::amd::measured::keep(&product.store, tenant, campaign, Some(&measured), now).unwrap();
        product.shutdown().unwrap();
        let (product, known, _) = start();
        assert_eq!(known, Some(measured));
        product.shutdown().unwrap();
    }
}
