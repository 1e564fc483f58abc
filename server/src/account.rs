//! Accounts of people: `outpace account create`, and the accounts that agents' passwords in the configuration make.

use crate::config::{Config, check_name};
use crate::failure::Failure;
use crate::password;
use crate::secrets::Key;
use crate::token::Role;
use base::WallTime;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use store::{AccountChange, AccountRow, NewAccount, SettingRow, Store, TenantId};

/// Make accounts for people who log in with a password
#[derive(Args, Clone, Debug)]
pub struct AccountArgs {
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum AccountCommand {
    Create(CreateArgs),
}

/// Make an account; the password is asked for, or read from stdin, and never an argument
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace account create --config outpace.toml --name ann --role supervisor\n\n\
    Works beside a running outpace serve.")]
struct CreateArgs {
    /// Configuration with the store
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Name to log in with
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What the person may do
    #[arg(long, value_enum)]
    role: Role,
    /// The agent whom the person works as
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Wrong use; a store that cannot be opened or refuses.
pub fn run(arguments: &AccountArgs) -> Result<(), Failure> {
    let AccountCommand::Create(create) = &arguments.command;
    let config = Config::load(&create.config)?;
    for (flag, name) in [("--name", Some(&create.name)), ("--agent", create.agent.as_ref())] {
        if let Some((name, mend)) = name.and_then(|name| Some((name, check_name(name).err()?))) {
            return Err(Failure::usage(&format!("{flag} {name:?}"), "is no name", mend));
        }
    }
    let new = NewAccount {
        name: create.name.clone(),
        role: create.role.name().to_owned(),
        password: password::hash(&password::ask()?)?,
        agent: create.agent.clone(),
    };
    let (store, _acks) = Store::open(&config.store_url())?;
    let at = WallTime::from_unix_us(jiff::Timestamp::now().as_microsecond());
    store.create_account(TenantId::DEFAULT, &new, at)?;
    store.close()?;
    Ok(())
}

/// What a password of an agent did to the agent's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// It is there, made or changed.
    Kept(store::AccountId),
    /// The name belongs to an account of another kind, which is left alone.
    Taken,
}

/// Makes the account of an agent, or gives it this password (as [`password::hash`] made it).
pub(crate) fn put_of_agent(
    store: &Store,
    tenant: TenantId,
    agent: &str,
    kept: String,
    at: WallTime,
) -> Result<Done, store::StoreError> {
    let Some(row) = store.account(tenant, agent)? else {
        let new = NewAccount {
            name: agent.to_owned(),
            role: Role::Agent.name().to_owned(),
            password: kept,
            agent: Some(agent.to_owned()),
        };
        return store.create_account(tenant, &new, at).map(Done::Kept);
    };
    if !is_of_agent(&row, agent) {
        return Ok(Done::Taken);
    }
    let change = AccountChange { password: Some(kept), ..AccountChange::default() };
    store.change_account(tenant, row.account, &change).map(|()| Done::Kept(row.account))
}

/// Whether an account is the one that an agent's password makes.
pub(crate) fn is_of_agent(row: &AccountRow, agent: &str) -> bool {
    row.agent.as_deref() == Some(agent) && row.role == Role::Agent.name()
}

/// Brings the accounts of the configuration's agents to the passwords that stand there, and deletes those of agents who
/// stand there no more; gives how many it changed. Each takes some 20 ms, so this is for a thread of its own. Faults are
/// logged: a start does not fail for them.
pub(crate) fn of_file(store: &Store, tenant: TenantId, config: &Config, at: WallTime) -> usize {
    let mut changed = match of_those_gone(store, tenant, config, at) {
        Ok(deleted) => deleted,
        Err(error) => {
            tracing::error!("accounts of agents who are no longer in the configuration stay: {error}");
            0
        }
    };
    if config.agents.iter().all(|agent| agent.password.is_none()) {
        return changed;
    }
    let key = match Key::of(&config.server.data_dir) {
        Ok(key) => key,
        Err(failure) => {
            tracing::error!("agents' passwords stay as they were: {failure}");
            return changed;
        }
    };
    for agent in &config.agents {
        let Some(secret) = &agent.password else { continue };
        if let Err(what) = password::check(secret.reveal()) {
            tracing::warn!("agent {:?} cannot log in: the password {what}, {}", agent.name, password::MEND);
            continue;
        }
        match of_agent(store, tenant, &key, &agent.name, secret.reveal(), at) {
            Ok(Some(Done::Kept(_))) => changed += 1,
            Ok(Some(Done::Taken)) => {
                tracing::warn!("agent {:?} cannot log in: the account of this name is another's", agent.name);
            }
            Ok(None) => {}
            Err(failure) => tracing::error!("agent {:?} cannot log in: {failure}", agent.name),
        }
    }
    changed
}

/// Who was taken out of the file works here no more, and logs in no more.
fn of_those_gone(store: &Store, tenant: TenantId, config: &Config, at: WallTime) -> Result<usize, store::StoreError> {
    let (mut after, mut deleted) = (None, 0);
    loop {
        let page = store.agents(tenant, after, 0)?;
        let Some(last) = page.last() else { return Ok(deleted) };
        after = Some(last.agent);
        let gone = |row: &&store::AgentRow| {
            !row.config_hash.is_empty() && !config.agents.iter().any(|agent| agent.name == row.name)
        };
        for agent in page.iter().filter(gone) {
            if let Some(row) = store.account(tenant, &agent.name)?.filter(|row| is_of_agent(row, &agent.name)) {
                store.delete_account(tenant, row.account, at)?;
                deleted += 1;
            }
        }
    }
}

/// `None`: the file said this password before. What the agent has changed it to since then holds, or a password that
/// leaked and was changed would open again with the next start.
fn of_agent(
    store: &Store,
    tenant: TenantId,
    key: &Key,
    agent: &str,
    password: &str,
    at: WallTime,
) -> Result<Option<Done>, Failure> {
    let setting = format!("agent.{agent}.password");
    let mark = key.mark(&format!("{setting}\n{password}"));
    let row = store.account(tenant, agent)?;
    let said = store.setting(tenant, &setting)?.is_some_and(|row| row.file_hash == mark);
    if said && row.is_some_and(|row| is_of_agent(&row, agent)) {
        return Ok(None);
    }
    let done = put_of_agent(store, tenant, agent, password::hash(password)?, at)?;
    if done != Done::Taken {
        store.put_setting(tenant, &setting, &SettingRow { value: String::new(), file_hash: mark }, at)?;
    }
    Ok(Some(done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_the_file_make_accounts_and_are_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let text = |password: &str| {
            format!(
                "[server]\ndata_dir = {:?}\n[[agent]]\nname = \"ann\"\npassword = {password:?}\n\
                 [[agent]]\nname = \"bob\"\n[[agent]]\nname = \"eve\"\npassword = \"short\"\n",
                folder.path().display().to_string()
            )
        };
        let config = |password: &str| Config::parse(text(password).as_bytes(), "outpace.toml").unwrap();
        let (store, _acks) = Store::open(&config("correct horse").store_url()).unwrap();
        let (tenant, at) = (TenantId::DEFAULT, WallTime::from_unix_us(1));
        assert_eq!(of_file(&store, tenant, &config("correct horse"), at), 1);
        let row = store.account(tenant, "ann").unwrap().unwrap();
        assert!(is_of_agent(&row, "ann") && password::fits("correct horse", &row.password));
        assert!(store.account(tenant, "bob").unwrap().is_none() && store.account(tenant, "eve").unwrap().is_none());
        assert_eq!(of_file(&store, tenant, &config("correct horse"), at), 0);
        // What ann changes it to outlives starts.
        let own = AccountChange { password: Some("her own".to_owned()), ..AccountChange::default() };
        store.change_account(tenant, row.account, &own).unwrap();
        assert_eq!(of_file(&store, tenant, &config("correct horse"), at), 0);
        assert_eq!(store.account(tenant, "ann").unwrap().unwrap().password, "her own");
        assert_eq!(of_file(&store, tenant, &config("another horse"), at), 1);
        assert!(password::fits("another horse", &store.account(tenant, "ann").unwrap().unwrap().password));
        // An account of another kind is nobody's to change from there.
        let admin = AccountChange { role: Some("admin".to_owned()), ..AccountChange::default() };
        store.change_account(tenant, row.account, &admin).unwrap();
        assert_eq!(of_file(&store, tenant, &config("a third horse"), at), 0);
        assert!(password::fits("another horse", &store.account(tenant, "ann").unwrap().unwrap().password));
        // Agents whom the file names no more log in no more; those of the API are none of its business.
        for (name, config_hash) in [("of-file", "h"), ("of-api", "")] {
            let (name, config, config_hash) = (name.to_owned(), "{}".to_owned(), config_hash.to_owned());
            put_of_agent(&store, tenant, &name, "kept".to_owned(), at).unwrap();
            store.put_agent(tenant, &store::NewAgent { name, config, config_hash }, at).unwrap();
        }
        assert_eq!(of_file(&store, tenant, &config("a third horse"), at), 1);
        assert!(
            store.account(tenant, "of-file").unwrap().is_none() && store.account(tenant, "of-api").unwrap().is_some()
        );
    }
}
