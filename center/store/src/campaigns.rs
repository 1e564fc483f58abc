//! Campaigns and agents as the control plane keeps them: a name, settings as JSON, and for campaigns a state.

use base::{AgentId, CampaignId, ListId, WallTime};

use crate::db::Sql;
use crate::ops::{id, maybe_id, text, text_of};
use crate::read::{maybe_unsigned, maybe_wall, unsigned, wall};
use crate::rows::TenantId;
use crate::{ErrorKind, Store, StoreError};

/// Longest settings of a campaign, as JSON: 2,000 agents with names of 64 characters are 134,000 bytes.
pub const CAMPAIGN_CONFIG_BYTES_MAX: usize = 262_144;

/// A campaign to be made or changed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewCampaign {
    /// Unique for the tenant.
    pub name: String,
    /// Its settings, JSON as given; at most [`CAMPAIGN_CONFIG_BYTES_MAX`].
    pub config: String,
    /// The hash of the settings that the caller compares by.
    pub config_hash: String,
    /// The list it dials.
    pub list: Option<ListId>,
}

/// A campaign as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CampaignRow {
    /// The campaign.
    pub campaign: CampaignId,
    /// Unique for the tenant.
    pub name: String,
    /// running, paused, stopped, finished.
    pub state: String,
    /// Since when.
    pub state_changed_at: WallTime,
    /// When it was first started; `None` before.
    pub first_started_at: Option<WallTime>,
    /// Its settings, JSON as given; `{}` when it was made without any.
    pub config: String,
    /// The hash of the settings; empty when it was made without any.
    pub config_hash: String,
    /// The list it dials.
    pub list: Option<ListId>,
}

/// An agent to be made or changed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewAgent {
    /// Unique for the tenant.
    pub name: String,
    /// The settings, JSON as given.
    pub config: String,
    /// The hash of the settings that the caller compares by.
    pub config_hash: String,
}

/// An agent as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AgentRow {
    /// The agent.
    pub agent: AgentId,
    /// Unique for the tenant.
    pub name: String,
    /// The settings, JSON as given.
    pub config: String,
    /// The hash of the settings.
    pub config_hash: String,
    /// When the agent was made.
    pub created_at: WallTime,
}

impl Store {
    /// The campaign of this name, made in state `stopped` and without settings if it is new.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn ensure_campaign(&self, tenant: TenantId, name: &str, at: WallTime) -> Result<CampaignId, StoreError> {
        // The update changes nothing; it makes the statement give the id of a row that was there.
        let insert = Sql::new(
            "INSERT INTO campaign (tenant_id, name, state_changed_us, created_us) VALUES ($1, $2, $3, $3) \
             ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name RETURNING campaign_id",
        );
        let insert = insert.with(id(tenant.0)?).with(text(name)?).with(at.as_unix_us());
        self.made(format!("campaign {name:?}"), insert, "campaign_id").map(CampaignId)
    }

    /// Makes a campaign in state `stopped`, or gives the one of this name new settings; its state stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Rule`] for an unknown list, [`ErrorKind::Value`] for settings that are too long.
    pub fn put_campaign(
        &self,
        tenant: TenantId,
        campaign: &NewCampaign,
        at: WallTime,
    ) -> Result<CampaignId, StoreError> {
        let insert = Sql::new(
            "INSERT INTO campaign (tenant_id, name, state_changed_us, created_us, config, config_hash, list_id) \
             VALUES ($1, $2, $3, $3, $4, $5, $6) ON CONFLICT (tenant_id, name) DO UPDATE SET \
             config = excluded.config, config_hash = excluded.config_hash, list_id = excluded.list_id \
             RETURNING campaign_id",
        );
        let insert = insert
            .with(id(tenant.0)?)
            .with(text(&campaign.name)?)
            .with(at.as_unix_us())
            .with(text_of(&campaign.config, CAMPAIGN_CONFIG_BYTES_MAX)?)
            .with(text(&campaign.config_hash)?)
            .with(maybe_id(campaign.list.map(|list| list.0))?);
        self.made(format!("campaign {:?}", campaign.name), insert, "campaign_id").map(CampaignId)
    }

    /// All campaigns of a tenant, oldest first; at most [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn campaigns(&self, tenant: TenantId) -> Result<Vec<CampaignRow>, StoreError> {
        let query = Sql::new("SELECT * FROM campaign WHERE tenant_id = $1 ORDER BY campaign_id LIMIT $2");
        self.page("campaigns", query.with(id(tenant.0)?).with(crate::read::page_rows(0)), |row| {
            Ok(CampaignRow {
                campaign: CampaignId(unsigned(row, "campaign_id")?),
                name: row.get("name")?,
                state: row.get("state")?,
                state_changed_at: wall(row, "state_changed_us")?,
                first_started_at: maybe_wall(row, "first_started_us")?,
                config: row.get("config")?,
                config_hash: row.get("config_hash")?,
                list: maybe_unsigned(row, "list_id")?.map(ListId),
            })
        })
    }

    /// Deletes a campaign that never dialled.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown campaign, [`ErrorKind::Rule`] when it has attempts or other rows.
    pub fn delete_campaign(&self, tenant: TenantId, campaign: CampaignId) -> Result<(), StoreError> {
        // Attempts, CDRs, call backs and suppressions that name it stop it (foreign keys).
        let delete = Sql::new("DELETE FROM campaign WHERE tenant_id = $1 AND campaign_id = $2");
        let delete = delete.with(id(tenant.0)?).with(id(campaign.0)?);
        self.change(format!("campaign {campaign}"), "no such campaign", delete).map_err(|error| match error.kind {
            ErrorKind::Rule => StoreError {
                what: "the campaign has records".to_owned(),
                mend: "stop it and leave it; records are kept".to_owned(),
                ..error
            },
            _ => error,
        })
    }

    /// Makes an agent, or gives the one of this name new settings, also when it was deleted.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for settings that are too long.
    pub fn put_agent(&self, tenant: TenantId, agent: &NewAgent, at: WallTime) -> Result<AgentId, StoreError> {
        let insert = Sql::new(
            "INSERT INTO agent (tenant_id, name, config, config_hash, created_us) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (tenant_id, name) DO UPDATE SET config = excluded.config, \
             config_hash = excluded.config_hash, deleted_us = NULL RETURNING agent_id",
        );
        let insert = insert
            .with(id(tenant.0)?)
            .with(text(&agent.name)?)
            .with(text(&agent.config)?)
            .with(text(&agent.config_hash)?)
            .with(at.as_unix_us());
        self.made(format!("agent {:?}", agent.name), insert, "agent_id").map(AgentId)
    }

    /// The agents of a tenant that are not deleted, after `after`, oldest first; `limit` 0 means
    /// [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn agents(&self, tenant: TenantId, after: Option<AgentId>, limit: u32) -> Result<Vec<AgentRow>, StoreError> {
        let query = Sql::new(
            "SELECT * FROM agent WHERE tenant_id = $1 AND deleted_us IS NULL AND agent_id > $2 \
             ORDER BY agent_id LIMIT $3",
        );
        let after = id(after.map_or(0, |agent| agent.0))?;
        let query = query.with(id(tenant.0)?).with(after).with(crate::read::page_rows(limit));
        self.page("agents", query, |row| {
            Ok(AgentRow {
                agent: AgentId(unsigned(row, "agent_id")?),
                name: row.get("name")?,
                config: row.get("config")?,
                config_hash: row.get("config_hash")?,
                created_at: wall(row, "created_us")?,
            })
        })
    }

    /// The names of a tenant's agents by id, deleted ones too, because records name them; at most 100,000.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn agent_names(&self, tenant: TenantId) -> Result<Vec<(AgentId, String)>, StoreError> {
        let names = Sql::new("SELECT agent_id, name FROM agent WHERE tenant_id = $1 ORDER BY agent_id LIMIT 100000");
        self.page("agents", names.with(id(tenant.0)?), |row| {
            Ok((AgentId(unsigned(row, "agent_id")?), row.get("name")?))
        })
    }

    /// Deletes an agent; the row stays for the attempts that name it, and so does the name's id.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown or deleted agent.
    pub fn delete_agent(&self, tenant: TenantId, agent: AgentId, at: WallTime) -> Result<(), StoreError> {
        let delete =
            Sql::new("UPDATE agent SET deleted_us = $1 WHERE tenant_id = $2 AND agent_id = $3 AND deleted_us IS NULL");
        let delete = delete.with(at.as_unix_us()).with(id(tenant.0)?).with(id(agent.0)?);
        self.change(format!("agent {agent}"), "no such agent", delete)
    }
}
