//! What was measured of people lost to detection, kept with the settings so that `compliance verify` reckons with it too.

use base::{CampaignId, WallTime};
use dialer::AmdMeasured;
use serde::{Deserialize, Serialize};
use store::{SettingRow, Store, StoreError, TenantId};

#[derive(Serialize, Deserialize)]
struct Kept {
    rate: f64,
    evidence: String,
}

fn name(campaign: CampaignId) -> String {
    format!("amd.measured.{}", campaign.0)
}

/// What was kept of a campaign last.
///
/// # Errors
/// Only what the database says.
pub(crate) fn load(store: &Store, tenant: TenantId, campaign: CampaignId) -> Result<Option<AmdMeasured>, StoreError> {
    let row = store.setting(tenant, &name(campaign))?;
    let kept = row.and_then(|row| serde_json::from_str::<Kept>(&row.value).ok());
    Ok(kept.map(|Kept { rate, evidence }| AmdMeasured { rate, evidence }))
}

/// Keeps it; `None`: nothing is measured any more.
///
/// # Errors
/// Only what the database says.
pub(crate) fn keep(
    store: &Store,
    tenant: TenantId,
    campaign: CampaignId,
    measured: Option<&AmdMeasured>,
    at: WallTime,
) -> Result<(), StoreError> {
    let name = name(campaign);
    match measured {
        Some(AmdMeasured { rate, evidence }) => {
            let kept = Kept { rate: *rate, evidence: evidence.clone() };
            let value = serde_json::json!(kept).to_string();
            store.put_setting(tenant, &name, &SettingRow { value, file_hash: String::new() }, at)
        }
        None => match store.setting(tenant, &name)? {
            Some(_) => store.delete_setting(tenant, &name),
            None => Ok(()),
        },
    }
}
