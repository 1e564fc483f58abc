//! Who logs in: accounts with a password (of which a slow hash is kept), and logins, each the right of one browser to
//! act for a token or an account.
//!
//! **Invariants.** A login opens nothing once its token is revoked or its account is disabled or deleted; a change of an
//! account's role, password or being disabled deletes its logins in the same transaction. The id of a deleted account
//! is never given to another name.

use base::WallTime;

use crate::db::{Connection, Row, Sql};
use crate::lanes::in_transaction;
use crate::ops::{id, maybe_id, maybe_text, text};
use crate::read::{foreign, maybe_unsigned, maybe_wall, page_rows, unsigned, wall};
use crate::rows::TenantId;
use crate::tokens::TokenId;
use crate::{ErrorKind, Store, StoreError};

/// Logins that one token or account may have open: more tabs, machines and forgotten browsers than one person has.
/// With one more the one that was used longest ago ends.
pub const LOGINS_MAX: u32 = 100;

/// An account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AccountId(pub u64);

/// A login.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LoginId(pub u64);

/// An account to be made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewAccount {
    /// Unique for the tenant.
    pub name: String,
    /// What its holder may do.
    pub role: String,
    /// Slow hash of the password (PHC string).
    pub password: String,
    /// The agent who logs in with it.
    pub agent: Option<String>,
}

/// What is to be changed of an account; `None` stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccountChange {
    /// What its holder may do.
    pub role: Option<String>,
    /// Slow hash of the password (PHC string).
    pub password: Option<String>,
    /// Whether it opens nothing for now.
    pub disabled: Option<bool>,
}

/// An account as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountRow {
    /// The account.
    pub account: AccountId,
    /// Unique for the tenant.
    pub name: String,
    /// What its holder may do.
    pub role: String,
    /// Slow hash of the password (PHC string).
    pub password: String,
    /// The agent who logs in with it.
    pub agent: Option<String>,
    /// It opens nothing for now.
    pub disabled: bool,
    /// When it was made.
    pub created_at: WallTime,
    /// When somebody logged in with it last.
    pub last_login_at: Option<WallTime>,
}

/// Whom a login acts for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LoginOf {
    /// A token's holder.
    Token(TokenId),
    /// An account's holder.
    Account(AccountId),
}

impl LoginOf {
    fn columns(self) -> (Option<u64>, Option<u64>) {
        match self {
            LoginOf::Token(token) => (Some(token.0), None),
            LoginOf::Account(account) => (None, Some(account.0)),
        }
    }
}

/// A login to be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewLogin {
    /// Whom it acts for.
    pub of: LoginOf,
    /// Of an account: the hash that the password was checked against. The login is kept only if that still is the
    /// account's, which is neither disabled nor deleted.
    pub password: Option<String>,
    /// SHA-256 of its secret, hexadecimal.
    pub hash: String,
    /// What the browser calls itself.
    pub client: String,
}

/// A login as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginRow {
    /// The login.
    pub login: LoginId,
    /// Owner of the rows that it opens.
    pub tenant: TenantId,
    /// Whom it acts for.
    pub of: LoginOf,
    /// Name of the token or account.
    pub name: String,
    /// What its holder may do.
    pub role: String,
    /// The agent whom the account is bound to.
    pub agent: Option<String>,
    /// What the browser calls itself.
    pub client: String,
    /// When it began.
    pub created_at: WallTime,
    /// When it was used last, as far as it was written down.
    pub last_used_at: WallTime,
}

/// Logins with those they act for; only those that open something.
const OPEN_LOGINS: &str = "SELECT l.*, COALESCE(t.name, a.name) AS name, COALESCE(t.role, a.role) AS role, a.agent AS agent \
     FROM login l LEFT JOIN api_token t ON t.token_id = l.token_id LEFT JOIN account a ON a.account_id = l.account_id \
     WHERE ((t.token_id IS NOT NULL AND t.revoked_us IS NULL) \
     OR (a.account_id IS NOT NULL AND a.disabled = 0 AND a.deleted_us IS NULL))";

impl Store {
    /// Makes an account.
    ///
    /// # Errors
    /// [`ErrorKind::Rule`] for a name that is taken.
    pub fn create_account(
        &self,
        tenant: TenantId,
        account: &NewAccount,
        at: WallTime,
    ) -> Result<AccountId, StoreError> {
        let insert = Sql::new(
            "INSERT INTO account (tenant_id, name, role, password, agent, created_us) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (tenant_id, name) DO UPDATE SET role = excluded.role, password = excluded.password, \
             agent = excluded.agent, created_us = excluded.created_us, disabled = 0, last_login_us = NULL, \
             deleted_us = NULL WHERE account.deleted_us IS NOT NULL RETURNING account_id",
        );
        let insert = insert
            .with(id(tenant.0)?)
            .with(text(&account.name)?)
            .with(text(&account.role)?)
            .with(text(&account.password)?)
            .with(maybe_text(account.agent.as_deref())?)
            .with(at.as_unix_us());
        let place = format!("account {:?}", account.name);
        self.edits.call(async move |connection| {
            let made = in_transaction(connection, async |connection: &mut Connection| {
                connection.fetch_one(insert, &place).await
            });
            match made.await? {
                Some(row) => unsigned(&row, "account_id").map(AccountId),
                None => {
                    let mend = "change it, or take another name";
                    Err(StoreError::new(ErrorKind::Rule, "the account exists", &place, mend))
                }
            }
        })
    }

    /// The account of this name, if there is one.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn account(&self, tenant: TenantId, name: &str) -> Result<Option<AccountRow>, StoreError> {
        let query = Sql::new("SELECT * FROM account WHERE tenant_id = $1 AND name = $2 AND deleted_us IS NULL");
        let found = self.page("accounts", query.with(id(tenant.0)?).with(text(name)?), account_row)?;
        Ok(found.into_iter().next())
    }

    /// The accounts of a tenant after `after`, oldest first; `limit` 0 means [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn accounts(
        &self,
        tenant: TenantId,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountRow>, StoreError> {
        let query = Sql::new(
            "SELECT * FROM account WHERE tenant_id = $1 AND deleted_us IS NULL AND account_id > $2 \
             ORDER BY account_id LIMIT $3",
        );
        let after = id(after.map_or(0, |account| account.0))?;
        self.page("accounts", query.with(id(tenant.0)?).with(after).with(page_rows(limit)), account_row)
    }

    /// Ways in with `role`: tokens that are not revoked and accounts that are not disabled, without the one of `but`.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn ways_in(&self, tenant: TenantId, role: &str, but: LoginOf) -> Result<u64, StoreError> {
        let query = Sql::new(
            "SELECT (SELECT COUNT(*) FROM api_token WHERE tenant_id = $1 AND role = $2 AND revoked_us IS NULL \
             AND token_id <> $3) + (SELECT COUNT(*) FROM account WHERE tenant_id = $1 AND role = $2 AND disabled = 0 \
             AND deleted_us IS NULL AND account_id <> $4) AS ways",
        );
        let (token, account) = but.columns();
        let query = query.with(id(tenant.0)?).with(text(role)?);
        // No row has the id 0.
        let query = query.with(id(token.unwrap_or(0))?).with(id(account.unwrap_or(0))?);
        Ok(self.page("ways in", query, |row| unsigned(row, "ways"))?.into_iter().next().unwrap_or(0))
    }

    /// Changes an account and ends its logins.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown or deleted account.
    pub fn change_account(
        &self,
        tenant: TenantId,
        account: AccountId,
        change: &AccountChange,
    ) -> Result<(), StoreError> {
        let update = Sql::new(
            "UPDATE account SET role = COALESCE($1, role), password = COALESCE($2, password), \
             disabled = COALESCE($3, disabled) WHERE tenant_id = $4 AND account_id = $5 AND deleted_us IS NULL",
        );
        let update = update
            .with(maybe_text(change.role.as_deref())?)
            .with(maybe_text(change.password.as_deref())?)
            .with(change.disabled.map(i64::from))
            .with(id(tenant.0)?)
            .with(id(account.0)?);
        self.account_and_logins(tenant, account, update)
    }

    /// Deletes an account and ends its logins; its name can be taken again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown or deleted account.
    pub fn delete_account(&self, tenant: TenantId, account: AccountId, at: WallTime) -> Result<(), StoreError> {
        let delete = Sql::new(
            "UPDATE account SET deleted_us = $1, password = '' \
             WHERE tenant_id = $2 AND account_id = $3 AND deleted_us IS NULL",
        );
        let delete = delete.with(at.as_unix_us()).with(id(tenant.0)?).with(id(account.0)?);
        self.account_and_logins(tenant, account, delete)
    }

    /// A change of an account that no login of it may outlive.
    fn account_and_logins(&self, tenant: TenantId, account: AccountId, change: Sql) -> Result<(), StoreError> {
        let end = Sql::new("DELETE FROM login WHERE tenant_id = $1 AND account_id = $2");
        let end = end.with(id(tenant.0)?).with(id(account.0)?);
        let place = format!("account {}", account.0);
        self.edits.call(async move |connection| {
            in_transaction(connection, async |connection| {
                if connection.execute(change, &place).await? == 0 {
                    return Err(StoreError::not_found("no such account", &place));
                }
                connection.execute(end, &place).await.map(drop)
            })
            .await
        })
    }

    /// Keeps a login; beyond [`LOGINS_MAX`] of one holder those end that were used longest ago.
    ///
    /// # Errors
    /// [`ErrorKind::Rule`] for a hash that is there already, or an unknown holder; [`ErrorKind::NotFound`] for an account
    /// that has another password by now or is closed.
    pub fn put_login(&self, tenant: TenantId, login: &NewLogin, at: WallTime) -> Result<LoginId, StoreError> {
        let (token, account) = login.of.columns();
        let insert = Sql::new(
            "INSERT INTO login (tenant_id, hash, token_id, account_id, client, created_us, last_used_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING login_id",
        );
        let insert = insert
            .with(id(tenant.0)?)
            .with(text(&login.hash)?)
            .with(maybe_id(token)?)
            .with(maybe_id(account)?)
            .with(text(&login.client)?)
            .with(at.as_unix_us());
        let [oldest, note] = match login.of {
            LoginOf::Token(_) => [
                "DELETE FROM login WHERE tenant_id = $1 AND token_id = $2 AND login_id NOT IN (SELECT login_id FROM login \
                 WHERE tenant_id = $1 AND token_id = $2 ORDER BY last_used_us DESC, login_id DESC LIMIT $3)",
                "UPDATE api_token SET last_used_us = $1 WHERE tenant_id = $2 AND token_id = $3",
            ],
            LoginOf::Account(_) => [
                "DELETE FROM login WHERE tenant_id = $1 AND account_id = $2 AND login_id NOT IN (SELECT login_id FROM login \
                 WHERE tenant_id = $1 AND account_id = $2 ORDER BY last_used_us DESC, login_id DESC LIMIT $3)",
                "UPDATE account SET last_login_us = $1 WHERE tenant_id = $2 AND account_id = $3",
            ],
        };
        let holder = id(token.or(account).unwrap_or(0))?;
        let still = match &login.password {
            None => None,
            Some(password) => {
                let query = Sql::new(
                    "SELECT account_id FROM account WHERE tenant_id = $1 AND account_id = $2 AND password = $3 \
                     AND disabled = 0 AND deleted_us IS NULL",
                );
                Some(query.with(id(tenant.0)?).with(holder).with(text(password)?))
            }
        };
        let oldest = Sql::new(oldest).with(id(tenant.0)?).with(holder).with(i64::from(LOGINS_MAX));
        let note = Sql::new(note).with(at.as_unix_us()).with(id(tenant.0)?).with(holder);
        self.edits.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| {
                if let Some(still) = still
                    && connection.fetch_one(still, "logins").await?.is_none()
                {
                    return Err(StoreError::not_found("the account has changed meanwhile", "logins"));
                }
                let made = connection.fetch_one(insert, "logins").await?;
                connection.execute(oldest, "logins").await?;
                connection.execute(note, "logins").await?;
                match made {
                    Some(row) => unsigned(&row, "login_id").map(LoginId),
                    None => Err(StoreError::not_found("no row was made", "logins")),
                }
            })
            .await
        })
    }

    /// The login with this hash, if there is one that opens something.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn login_by_hash(&self, hash: &str) -> Result<Option<LoginRow>, StoreError> {
        let mut query = Sql::new(OPEN_LOGINS);
        query.push(" AND l.hash = ").bind(text(hash)?);
        Ok(self.page("logins", query, login_row)?.into_iter().next())
    }

    /// The open logins of one holder, newest first.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn logins(&self, tenant: TenantId, of: LoginOf) -> Result<Vec<LoginRow>, StoreError> {
        let (token, account) = of.columns();
        let mut query = Sql::new(OPEN_LOGINS);
        query.push(" AND l.tenant_id = ").bind(id(tenant.0)?);
        query.and(" AND l.token_id = ", maybe_id(token)?).and(" AND l.account_id = ", maybe_id(account)?);
        query.push(" ORDER BY l.login_id DESC LIMIT ").bind(i64::from(LOGINS_MAX));
        self.page("logins", query, login_row)
    }

    /// Writes down that a login was used; once a minute is often enough.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown login.
    pub fn touch_login(&self, tenant: TenantId, login: LoginId, at: WallTime) -> Result<(), StoreError> {
        let touch = Sql::new("UPDATE login SET last_used_us = $1 WHERE tenant_id = $2 AND login_id = $3");
        let touch = touch.with(at.as_unix_us()).with(id(tenant.0)?).with(id(login.0)?);
        self.change(format!("login {}", login.0), "no such login", touch)
    }

    /// Ends a login of this holder.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for one that is unknown or another's.
    pub fn end_login(&self, tenant: TenantId, of: LoginOf, login: LoginId) -> Result<(), StoreError> {
        match self.end_logins_where(tenant, of, Some(login))? {
            0 => Err(StoreError::not_found("no such login", &format!("login {}", login.0))),
            _ => Ok(()),
        }
    }

    /// Ends all logins of this holder; gives how many.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn end_logins(&self, tenant: TenantId, of: LoginOf) -> Result<u64, StoreError> {
        self.end_logins_where(tenant, of, None)
    }

    fn end_logins_where(&self, tenant: TenantId, of: LoginOf, login: Option<LoginId>) -> Result<u64, StoreError> {
        let (token, account) = of.columns();
        let mut end = Sql::new("DELETE FROM login WHERE tenant_id = ");
        end.bind(id(tenant.0)?);
        end.and(" AND token_id = ", maybe_id(token)?).and(" AND account_id = ", maybe_id(account)?);
        end.and(" AND login_id = ", maybe_id(login.map(|login| login.0))?);
        self.changed("logins".to_owned(), end)
    }

    /// Ends logins of all tenants that began before `began` or were used last before `used`; gives how many.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn sweep_logins(&self, began: WallTime, used: WallTime) -> Result<u64, StoreError> {
        let sweep = Sql::new("DELETE FROM login WHERE created_us < $1 OR last_used_us < $2");
        let sweep = sweep.with(began.as_unix_us()).with(used.as_unix_us());
        self.changed("logins".to_owned(), sweep)
    }
}

fn account_row(row: &Row) -> Result<AccountRow, StoreError> {
    Ok(AccountRow {
        account: AccountId(unsigned(row, "account_id")?),
        name: row.get("name")?,
        role: row.get("role")?,
        password: row.get("password")?,
        agent: row.get("agent")?,
        disabled: row.get::<i64>("disabled")? != 0,
        created_at: wall(row, "created_us")?,
        last_login_at: maybe_wall(row, "last_login_us")?,
    })
}

fn login_row(row: &Row) -> Result<LoginRow, StoreError> {
    let of = match (maybe_unsigned(row, "token_id")?, maybe_unsigned(row, "account_id")?) {
        (Some(token), None) => LoginOf::Token(TokenId(token)),
        (None, Some(account)) => LoginOf::Account(AccountId(account)),
        _ => return Err(foreign("account_id", "a login of nobody or of two")),
    };
    Ok(LoginRow {
        login: LoginId(unsigned(row, "login_id")?),
        tenant: TenantId(unsigned(row, "tenant_id")?),
        of,
        name: row.get("name")?,
        role: row.get("role")?,
        agent: row.get("agent")?,
        client: row.get("client")?,
        created_at: wall(row, "created_us")?,
        last_used_at: wall(row, "last_used_us")?,
    })
}
