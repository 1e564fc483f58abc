//! SIGHUP: the configuration is read anew. What can change does; the rest is named and stays.

use super::product::{self, Product};
use super::{boot, kept};
use crate::config::{self, Config};
use crate::control::{Control, Refusal, Request};
use crate::failure::Failure;
use crate::office::Prompts;
use arc_swap::ArcSwap;
use base::WallTime;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use store::{Store, TenantId};

/// What a reload needs.
pub(super) struct Reload {
    file: PathBuf,
    config: Arc<ArcSwap<Config>>,
    control: Control,
    store: Arc<Store>,
    prompts: Prompts,
    /// One change of settings at a time, over the API or by a reload.
    settings: Arc<tokio::sync::Mutex<()>>,
}

impl Reload {
    pub(super) fn new(file: PathBuf, product: &Product) -> Arc<Reload> {
        Arc::new(Reload {
            file,
            config: Arc::clone(&product.config),
            control: product.control.clone(),
            store: Arc::clone(&product.store),
            prompts: product.prompts.clone(),
            settings: Arc::clone(&product.settings),
        })
    }

    /// Reads and applies; a faulty file changes nothing.
    pub(super) async fn run(&self) {
        let _turn = self.settings.lock().await;
        let (file, old, store, prompts) =
            (self.file.clone(), self.config.load_full(), Arc::clone(&self.store), self.prompts.clone());
        let live: BTreeSet<u64> = self.control.snapshot().campaigns.keys().copied().collect();
        let read = tokio::task::spawn_blocking(move || read(&file, &old, &store, &prompts, &live)).await;
        let (config, requests) = match read {
            Ok(Ok(read)) => read,
            Ok(Err(failure)) => {
                tracing::error!("the configuration stays as it was: {failure}");
                return;
            }
            Err(fault) => {
                tracing::error!("the configuration stays as it was: {fault}");
                return;
            }
        };
        for request in requests {
            match self.control.ask(request).await {
                Ok(_) => {}
                Err(refusal @ Refusal::Draining) => {
                    tracing::error!("the configuration stays as it was: {refusal}");
                    return;
                }
                Err(refusal) => tracing::error!("reload: {refusal}"),
            }
        }
        let config = Arc::new(config);
        self.config.store(Arc::clone(&config));
        if let Err(failure) = product::keep_accounts(Arc::clone(&self.store), TenantId::DEFAULT, config) {
            tracing::error!("agents' passwords stay as they were: {failure}");
        }
        tracing::info!("the configuration was read anew");
    }
}

/// The new configuration and what it asks for. `live`: the campaigns that are up.
fn read(
    file: &std::path::Path,
    old: &Config,
    store: &Store,
    prompts: &Prompts,
    live: &BTreeSet<u64>,
) -> Result<(Config, Vec<Request>), Failure> {
    let mut new = Config::load(file)?;
    if new.server.data_dir != old.server.data_dir {
        let what = "names another data_dir";
        return Err(Failure::usage(&file.display().to_string(), what, "stop, move the folder, and start anew"));
    }
    let tenant = TenantId::DEFAULT;
    let now = WallTime::from_unix_us(jiff::Timestamp::now().as_microsecond());
    let ids = kept::lay_over(&mut new, store, tenant, now)?;
    let server = config::Server { drain: old.server.drain, ..new.server.clone() };
    for (what, differs) in [
        ("[server]", server != old.server),
        ("[store]", new.store != old.store),
        ("[sip]", new.sip != old.sip),
        ("[media]", new.media != old.media),
    ] {
        if differs {
            tracing::warn!("{what} has changed and holds from the next start on");
        }
    }
    for (name, sheet) in new.profiles.iter() {
        if old.profiles.get(name).is_some_and(|before| before.differs_unversioned(sheet)) {
            tracing::warn!(
                "profile {name:?} has changed and is still version {}: raise it, so that records tell them apart",
                sheet.in_force().version
            );
        }
    }
    let mut requests: Vec<Request> = vec![Request::SetLimits { wrap_up: new.desk.wrap_up, drain: new.server.drain }];
    let trunks = boot::trunks(store, tenant, &new, &ids)?;
    requests
        .extend(trunks.into_iter().map(|(trunk, settings)| Request::PutTrunk { trunk, settings: Box::new(settings) }));
    requests.push(Request::SetRoutes(boot::routes(&new, prompts, &ids)?));
    requests.extend(boot::agents(store, tenant, &new, now)?);
    let mut stay_in = BTreeSet::new();
    for loaded in boot::campaigns(store, tenant, &new, prompts, now)? {
        stay_in.insert(loaded.campaign);
        requests.push(loaded.request);
    }
    // What the file names no more, and what was made over the API and no longer fits it (its profile is gone). Its ledger
    // must not begin anew if it is put back, so it stays, stopped, until the next start.
    for row in store.campaigns(tenant)? {
        if live.contains(&row.campaign.0) && !stay_in.contains(&row.campaign) {
            requests.push(Request::StopCampaign(row.campaign));
        }
    }
    let left = |name: &str| !new.agents.iter().any(|agent| agent.name == name);
    for agent in boot::stored_agents(store, tenant)? {
        if old.agents.iter().any(|before| before.name == agent.name) && left(&agent.name) {
            requests.push(Request::RemoveAgent(agent.agent));
        }
    }
    // Last, when nothing of the new file uses them; one that is still in use stays until the next start.
    for row in store.trunks(tenant)? {
        let was_live = old.trunks.iter().any(|trunk| trunk.name == row.name);
        if was_live && !ids.contains_key(&row.name) {
            requests.push(Request::RemoveTrunk(row.trunk));
        }
    }
    Ok((new, requests))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_of_the_api_whose_profile_is_gone_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outpace.toml");
        let text = format!(
            "[server]\ndata_dir = {:?}\n[[trunk]]\nname = \"t\"\nhost = \"127.0.0.1\"\n",
            folder.path().display().to_string()
        );
        let profile = dialer::Profiles::text("lab").unwrap().replace("name = \"lab\"", "name = \"acme\"");
        std::fs::write(folder.path().join("acme.toml"), profile).unwrap();
        std::fs::write(&file, format!("{text}[[profile]]\nname = \"acme\"\nfile = \"acme.toml\"\n")).unwrap();
        let old = Config::load(&file).unwrap();
        let (store, _acks) = Store::open(&old.store_url()).unwrap();
        let (tenant, now) = (TenantId::DEFAULT, WallTime::from_unix_us(1_772_892_000_000_000));
        let made = |name: &str, profile: &str| {
            let config = serde_json::json!({
                "name": name, "list": "l", "trunk": "t", "caller_id": "+12125550100", "profile": profile, "amd": false
            });
            let new = store::NewCampaign {
                name: name.to_owned(),
                config: config.to_string(),
                config_hash: String::new(),
                list: None,
            };
            store.put_campaign(tenant, &new, now).unwrap()
        };
        let (ours, other, down) = (made("ours", "acme"), made("other", "lab"), made("down", "acme"));
        let prompts = Prompts::new(folder.path());
        let stopped = || {
            let (_, requests) = read(&file, &old, &store, &prompts, &BTreeSet::from([ours.0, other.0])).unwrap();
            let put = requests.iter().filter(|request| matches!(request, Request::PutCampaign { .. })).count();
            let stop = |request: &Request| match request {
                Request::StopCampaign(campaign) => Some(*campaign),
                _ => None,
            };
            (put, requests.iter().filter_map(stop).collect::<Vec<_>>())
        };
        assert_eq!(stopped(), (3, vec![]));
        std::fs::write(&file, &text).unwrap();
        assert_eq!(stopped(), (1, vec![ours]), "{down} is not up");
    }
}
