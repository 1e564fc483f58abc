//! SIGHUP: the configuration is read anew. What can change does; the rest is named and stays.

use super::product::{self, Product};
use super::{boot, kept};
use crate::config::{self, Config};
use crate::control::{Control, Refusal, Request};
use crate::failure::Failure;
use crate::office::Prompts;
use arc_swap::ArcSwap;
use base::WallTime;
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
        let read = tokio::task::spawn_blocking(move || read(&file, &old, &store, &prompts)).await;
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

fn read(
    file: &std::path::Path,
    old: &Config,
    store: &Store,
    prompts: &Prompts,
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
    for loaded in boot::campaigns(store, tenant, &new, prompts, now)? {
        requests.push(loaded.request);
    }
    // What the file named before and names no more.
    let gone = |name: &str| !new.campaigns.iter().any(|campaign| campaign.name == name);
    let taken_out = old.campaigns.iter().filter(|campaign| gone(&campaign.name));
    let rows = store.campaigns(tenant)?;
    // Its ledger must not begin anew if it is put back, so it stays, stopped, until the next start.
    for campaign in taken_out.filter_map(|campaign| rows.iter().find(|row| row.name == campaign.name)) {
        requests.push(Request::StopCampaign(campaign.campaign));
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
