//! All settings of the process as people read them, and the few that can change while it runs.

use super::Service;
use super::campaigns::field_errors;
use super::extract::Json;
use super::inbound::keep_and_ask;
use super::page::Page;
use super::problem::Problem;
use crate::config::{Config, Editable, SettingInfo};
use crate::control::Request;
use crate::serve::kept::instead_of;
use axum::extract::State;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Every setting of the sections that stand once: the value in force, the default, what it means, whether it can be
/// changed here. Secrets are hidden.
#[utoipa::path(get, path = "/api/v1/settings", tag = "audit", responses((status = 200, body = Page<SettingInfo>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> axum::Json<Page<SettingInfo>> {
    axum::Json(Page::whole(service.config.load().settings()))
}

/// Changes settings at once: `wrap_up_s` for wrap-ups that begin, `drain_s` for the next shutdown. A changed file wins again.
#[utoipa::path(patch, path = "/api/v1/settings", tag = "audit",
    request_body(content = Object, description = "`wrap_up_s`, `drain_s`", example = json!({ "wrap_up_s": 20 })),
    responses((status = 200, body = Page<SettingInfo>)))]
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Json(changes): Json<Map<String, Value>>,
) -> Result<axum::Json<Page<SettingInfo>>, Problem> {
    let _turn = service.settings.lock().await;
    let wanted = Editable::from_json(&changes).map_err(field_errors)?;
    let at = service.wall_now();
    for (editable, value) in wanted {
        let row = instead_of(&service.config.load().file_says(editable.key()), value.to_string());
        let mut config = Config::clone(&service.config.load());
        editable.set(&mut config, value);
        let request = Request::SetLimits { wrap_up: config.desk.wrap_up, drain: config.server.drain };
        keep_and_ask(&service, editable.key(), row, at, request).await?;
        service.change_config(|config| editable.set(config, value));
    }
    Ok(list(State(service.clone())).await)
}
