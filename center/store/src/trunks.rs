//! Trunks and settings as the control plane keeps them.

use base::{TrunkId, WallTime};

use crate::db::Sql;
use crate::ops::{id, text, text_of};
use crate::read::{page_rows, unsigned};
use crate::rows::TenantId;
use crate::{Store, StoreError};

/// Longest value of one setting: a thousand routes of 250 bytes.
pub const SETTING_BYTES_MAX: usize = 256 * 1024;

/// A trunk to be made or changed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewTrunk {
    /// Unique for the tenant.
    pub name: String,
    /// Its settings, JSON as given, without the password.
    pub config: String,
    /// The hash of the settings that the caller compares by; empty: not of the file.
    pub config_hash: String,
    /// The sealed password, see [`BlobKey::seal`](crate::BlobKey::seal); empty: none.
    pub secret: Vec<u8>,
}

/// A trunk as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrunkRow {
    /// The trunk.
    pub trunk: TrunkId,
    /// Unique for the tenant.
    pub name: String,
    /// Its settings, JSON as given, without the password.
    pub config: String,
    /// The hash of the settings; empty: not of the file.
    pub config_hash: String,
    /// The sealed password; empty: none.
    pub secret: Vec<u8>,
}

/// Something that was set instead of what the file says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingRow {
    /// JSON as given.
    pub value: String,
    /// What the file said when it was set, as a hash that the caller compares by.
    pub file_hash: String,
}

impl Store {
    /// Makes a trunk, or gives the one of this name new settings.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for settings that are too long.
    pub fn put_trunk(&self, tenant: TenantId, trunk: &NewTrunk, at: WallTime) -> Result<TrunkId, StoreError> {
        let insert = Sql::new(
            "INSERT INTO trunk (tenant_id, name, config, config_hash, secret, created_us) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (tenant_id, name) DO UPDATE SET config = excluded.config, \
             config_hash = excluded.config_hash, secret = excluded.secret RETURNING trunk_id",
        );
        let insert = insert
            .with(id(tenant.0)?)
            .with(text(&trunk.name)?)
            .with(text(&trunk.config)?)
            .with(text(&trunk.config_hash)?)
            .with(trunk.secret.clone())
            .with(at.as_unix_us());
        self.made(format!("trunk {:?}", trunk.name), insert, "trunk_id").map(TrunkId)
    }

    /// The trunks of a tenant, oldest first; at most [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn trunks(&self, tenant: TenantId) -> Result<Vec<TrunkRow>, StoreError> {
        let query = Sql::new("SELECT * FROM trunk WHERE tenant_id = $1 ORDER BY trunk_id LIMIT $2");
        self.page("trunks", query.with(id(tenant.0)?).with(page_rows(0)), |row| {
            Ok(TrunkRow {
                trunk: TrunkId(unsigned(row, "trunk_id")?),
                name: row.get("name")?,
                config: row.get("config")?,
                config_hash: row.get("config_hash")?,
                secret: row.get("secret")?,
            })
        })
    }

    /// Deletes a trunk.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for an unknown one.
    pub fn delete_trunk(&self, tenant: TenantId, trunk: TrunkId) -> Result<(), StoreError> {
        let delete = Sql::new("DELETE FROM trunk WHERE tenant_id = $1 AND trunk_id = $2");
        let delete = delete.with(id(tenant.0)?).with(id(trunk.0)?);
        self.change(format!("trunk {trunk}"), "no such trunk", delete)
    }

    /// What was set under a name, if anything was.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn setting(&self, tenant: TenantId, name: &str) -> Result<Option<SettingRow>, StoreError> {
        let query = Sql::new("SELECT value, file_hash FROM setting WHERE tenant_id = $1 AND name = $2");
        let found = self.page("settings", query.with(id(tenant.0)?).with(text(name)?), |row| {
            Ok(SettingRow { value: row.get("value")?, file_hash: row.get("file_hash")? })
        })?;
        Ok(found.into_iter().next())
    }

    /// Sets something under a name.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for a value that is too long.
    pub fn put_setting(
        &self,
        tenant: TenantId,
        name: &str,
        setting: &SettingRow,
        at: WallTime,
    ) -> Result<(), StoreError> {
        let insert = Sql::new(
            "INSERT INTO setting (tenant_id, name, value, file_hash, changed_us) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value, file_hash = excluded.file_hash, \
             changed_us = excluded.changed_us",
        );
        let insert = insert
            .with(id(tenant.0)?)
            .with(text(name)?)
            .with(text_of(&setting.value, SETTING_BYTES_MAX)?)
            .with(text(&setting.file_hash)?)
            .with(at.as_unix_us());
        self.change(format!("setting {name:?}"), "no row was made", insert)
    }

    /// Takes away what was set under a name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when nothing was.
    pub fn delete_setting(&self, tenant: TenantId, name: &str) -> Result<(), StoreError> {
        let delete = Sql::new("DELETE FROM setting WHERE tenant_id = $1 AND name = $2");
        self.change(format!("setting {name:?}"), "nothing is set", delete.with(id(tenant.0)?).with(text(name)?))
    }
}
