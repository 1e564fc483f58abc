//! What the store keeps of trunks, routes and settings, laid over what the file says.
//!
//! A trunk of the file takes its settings from there whenever its section has changed; what was tuned over the API holds
//! until then. Routes and settings made over the API hold until the file says something else than it said when they were
//! made. So the file always has the last word of whoever wrote in it, and a restart changes nothing by itself.

use crate::config::{self, Config, Editable, Known};
use crate::failure::Failure;
use crate::office::trunk_purpose;
use crate::secrets::Key;
use crate::token::hex;
use base::{TrunkId, WallTime};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use store::{NewTrunk, SettingRow, Store, StoreError, TenantId, TrunkRow};

/// Under this name, that of their section, the store keeps the routes that were made over the API.
pub(crate) const ROUTES: &str = "route";

/// Changes `config` to what is in force; gives the ids of its trunks by name.
///
/// # Errors
/// The key, or the store.
pub(super) fn lay_over(
    config: &mut Config,
    store: &Store,
    tenant: TenantId,
    now: WallTime,
) -> Result<BTreeMap<String, TrunkId>, Failure> {
    let key = Key::of(&config.server.data_dir)?;
    let ids = trunks(config, store, tenant, &key, now)?;
    routes(config, store, tenant, now)?;
    for editable in Editable::ALL {
        let Some(row) = over_api(store, tenant, editable.key(), &config.file_says(editable.key()), now)? else {
            continue;
        };
        match serde_json::from_str::<u64>(&row.value) {
            Ok(value) => editable.set(config, value),
            Err(error) => tracing::error!("setting {} of the store is passed over: {error}", editable.key()),
        }
    }
    Ok(ids)
}

fn trunks(
    config: &mut Config,
    store: &Store,
    tenant: TenantId,
    key: &Key,
    now: WallTime,
) -> Result<BTreeMap<String, TrunkId>, Failure> {
    let before: BTreeMap<String, String> =
        store.trunks(tenant)?.into_iter().map(|row| (row.name, row.config_hash)).collect();
    let of_file: Vec<String> = config.trunks.iter().map(|trunk| trunk.name.clone()).collect();
    for trunk in &config.trunks {
        let settings = Value::Object(trunk.to_json()).to_string();
        let password = trunk.password.as_ref().map(config::Secret::reveal);
        let mark = key.mark(&format!("{settings}\n{}", password.unwrap_or_default()));
        if before.get(&trunk.name) != Some(&mark) {
            store.put_trunk(tenant, &row_of(key, tenant, trunk, mark)?, now)?;
        }
    }
    let (mut live, mut ids) = (Vec::new(), BTreeMap::new());
    for row in store.trunks(tenant)? {
        if !row.config_hash.is_empty() && !of_file.contains(&row.name) {
            tracing::warn!("trunk {:?} is no longer in the configuration and stays out", row.name);
            continue;
        }
        match settings_of(key, tenant, &row) {
            Ok(settings) => {
                ids.insert(row.name, row.trunk);
                live.push(settings);
            }
            Err(why) => tracing::error!("trunk {:?} of the store stays out: {why}", row.name),
        }
    }
    config.show_trunks(live);
    Ok(ids)
}

/// A trunk as it is stored.
pub(crate) fn row_of(
    key: &Key,
    tenant: TenantId,
    trunk: &config::Trunk,
    config_hash: String,
) -> Result<NewTrunk, StoreError> {
    let secret = match &trunk.password {
        Some(password) => key.seal(tenant, &trunk_purpose(&trunk.name), password.reveal())?,
        None => Vec::new(),
    };
    let config = Value::Object(trunk.to_json()).to_string();
    Ok(NewTrunk { name: trunk.name.clone(), config, config_hash, secret })
}

/// What is stored of a trunk as settings, its password opened.
fn settings_of(key: &Key, tenant: TenantId, row: &TrunkRow) -> Result<config::Trunk, String> {
    let mut settings: Map<String, Value> = serde_json::from_str(&row.config).map_err(|error| error.to_string())?;
    let opened = key.open(tenant, &trunk_purpose(&row.name), &row.secret);
    if let Some(password) = opened.map_err(|error| format!("its password: {error}"))? {
        settings.insert("password".to_owned(), Value::String(password));
    }
    let read = config::Trunk::from_json(&settings, &Known::default());
    read.map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

fn routes(config: &mut Config, store: &Store, tenant: TenantId, now: WallTime) -> Result<(), StoreError> {
    let Some(row) = over_api(store, tenant, ROUTES, &config.file_says(ROUTES), now)? else { return Ok(()) };
    let known = Known { trunks: config.trunks.iter().map(|trunk| trunk.name.clone()).collect(), ..Known::default() };
    let items: Vec<Map<String, Value>> = serde_json::from_str(&row.value).unwrap_or_default();
    match config::Route::list_from_json(&items, &known) {
        Ok(routes) => config.show_routes(routes, items),
        Err(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            tracing::error!("the routes of the store are passed over, those of the file hold: {}", faults.join("; "));
        }
    }
    Ok(())
}

/// What was set over the API and still holds. When the file says something else than it said then, that is written down
/// instead, so that what was set before does not come back when the file is changed back.
fn over_api(
    store: &Store,
    tenant: TenantId,
    name: &str,
    file_says: &str,
    now: WallTime,
) -> Result<Option<SettingRow>, StoreError> {
    let Some(row) = store.setting(tenant, name)? else { return Ok(None) };
    if row.file_hash != hash(file_says) {
        store.put_setting(tenant, name, &instead_of(file_says, file_says.to_owned()), now)?;
        return Ok(None);
    }
    Ok(Some(row).filter(|row| row.value != file_says))
}

/// What is kept with something that was set instead of what the file says.
pub(crate) fn instead_of(file_says: &str, value: String) -> SettingRow {
    SettingRow { value, file_hash: hash(file_says) }
}

fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An installation with a store, and a file that says different things.
    struct Site {
        folder: tempfile::TempDir,
        store: Store,
    }

    impl Site {
        fn new() -> Site {
            let folder = tempfile::tempdir().unwrap();
            let (store, _acks) =
                Store::open(&format!("sqlite:{}", folder.path().join("outpace.db").display())).unwrap();
            Site { folder, store }
        }

        fn file(&self, more: &str) -> Config {
            let text = format!("[server]\ndata_dir = {:?}\n{more}", self.folder.path().display().to_string());
            Config::parse(text.as_bytes(), "outpace.toml").unwrap()
        }

        fn boot(&self, more: &str) -> (Config, BTreeMap<String, TrunkId>) {
            let mut config = self.file(more);
            let ids = lay_over(&mut config, &self.store, TenantId::DEFAULT, WallTime::from_unix_us(1)).unwrap();
            (config, ids)
        }
    }

    const TRUNK: &str =
        "[[trunk]]\nname = \"carrier\"\nhost = \"192.0.2.1\"\nusername = \"u\"\npassword = \"s3cret\"\n";

    #[test]
    fn a_tuned_trunk_holds_until_its_section_changes() {
        let site = Site::new();
        let (config, first) = site.boot(TRUNK);
        assert_eq!(config.trunks[0].password.as_ref().unwrap().reveal(), "s3cret");
        let row = site.store.trunks(TenantId::DEFAULT).unwrap().remove(0);
        assert!(!row.config.contains("s3cret") && !row.secret.is_empty() && !row.config_hash.is_empty());

        let key = Key::of(site.folder.path()).unwrap();
        let tuned = config::Trunk { max_channels: 7, ..config.trunks[0].clone() };
        let new = row_of(&key, TenantId::DEFAULT, &tuned, row.config_hash).unwrap();
        site.store.put_trunk(TenantId::DEFAULT, &new, WallTime::from_unix_us(2)).unwrap();
        let (config, ids) = site.boot(TRUNK);
        assert_eq!((config.trunks[0].max_channels, &ids), (7, &first));
        assert_eq!(config.shown["trunk"][0]["max_channels"], 7);
        // The password alone is a change, too.
        let (config, ids) = site.boot(&TRUNK.replace("s3cret", "s4cret"));
        assert_eq!((config.trunks[0].max_channels, &ids), (100, &first));
        assert_eq!(config.trunks[0].password.as_ref().unwrap().reveal(), "s4cret");

        // One of the API stays whatever the file says; one of the file goes with it.
        let own = config::Trunk { name: "own".to_owned(), ..tuned };
        let new = row_of(&key, TenantId::DEFAULT, &own, String::new()).unwrap();
        site.store.put_trunk(TenantId::DEFAULT, &new, WallTime::from_unix_us(2)).unwrap();
        let (config, ids) = site.boot("");
        assert_eq!(ids.keys().collect::<Vec<_>>(), ["own"]);
        assert_eq!(config.trunks[0].password.as_ref().unwrap().reveal(), "s3cret");
        // With another key a password cannot be opened, and the trunk says so instead of registering without one.
        std::fs::remove_file(site.folder.path().join("secret.key")).unwrap();
        assert!(site.boot("").0.trunks.is_empty());
    }

    #[test]
    fn routes_and_settings_hold_until_the_file_says_something_else() {
        let site = Site::new();
        let file = "[desk]\nwrap_up_s = 20\n[[route]]\nto = \"echo\"\naction = \"echo\"\n";
        let (config, _) = site.boot(file);
        let put = |name: &str, says: &str, value: &str| {
            let row = instead_of(says, value.to_owned());
            site.store.put_setting(TenantId::DEFAULT, name, &row, WallTime::from_unix_us(1)).unwrap();
        };
        put(ROUTES, &config.file_says(ROUTES), r#"[{"to":"42","action":"reject:486"}]"#);
        put("desk.wrap_up_s", "20", "7");
        let (config, _) = site.boot(file);
        assert!(config.routes_over_api && matches!(config.routes[0].action, config::Action::Reject(486)));
        assert_eq!(config.desk.wrap_up, base::Duration::from_secs(7));
        assert_eq!((&config.shown["desk"]["wrap_up_s"], &config.shown["route"][0]["to"]), (&7.into(), &"42".into()));
        let (config, _) = site.boot(&file.replace("20", "30").replace("\"echo\"\naction", "\"echo2\"\naction"));
        assert!(!config.routes_over_api && matches!(config.routes[0].action, config::Action::Echo));
        assert_eq!(config.desk.wrap_up, base::Duration::from_secs(30));
        // Changed back, the file still has the last word.
        let (config, _) = site.boot(file);
        assert!(!config.routes_over_api && config.desk.wrap_up == base::Duration::from_secs(20));
        // What cannot be used is passed over.
        put(ROUTES, &site.file(file).file_says(ROUTES), r#"[{"to":"42","action":"queue:sales"}]"#);
        assert!(!site.boot(file).0.routes_over_api);
    }
}
