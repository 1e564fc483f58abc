//! The compliance profiles as they are in force here.

use super::Service;
use super::page::Page;
use axum::extract::State;
use dialer::{FieldView, Sheet};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A compliance profile. Engineering notes, not legal advice.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileInfo {
    /// Name in the settings of campaigns.
    name: String,
    /// Rises with every change.
    version: u32,
    /// What it is about.
    title: String,
    /// What it is not.
    notice: String,
    /// The operator's own file that it was read from; of a shipped one `null`.
    file: Option<String>,
    /// All fields, in the same order for each profile.
    fields: Vec<ProfileField>,
}

/// One field of a profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileField {
    /// Name.
    field: String,
    /// What it means.
    doc: String,
    /// The value in force.
    value: String,
    /// The profile's own value, where the strict one is in force because nobody has verified it.
    own: Option<String>,
    /// Where the profile's own value stands.
    source: String,
    /// Somebody has read it there.
    verified: bool,
    /// Which operator answers for it.
    confirmed_by: Option<String>,
    /// The day of that (`2026-11-23`).
    confirmed_on: Option<String>,
}

impl ProfileInfo {
    /// As it is shown, over the API and by `outpace compliance show --json`.
    pub(crate) fn of(name: &str, sheet: &Sheet) -> ProfileInfo {
        ProfileInfo {
            name: name.to_owned(),
            version: sheet.in_force().version,
            title: sheet.title.clone(),
            notice: sheet.notice.clone(),
            file: sheet.file.clone(),
            fields: sheet.fields().map(ProfileField::of).collect(),
        }
    }
}

impl ProfileField {
    fn of(view: FieldView) -> ProfileField {
        let FieldView { key, doc, value, own, source, verified, confirmed } = view;
        let (confirmed_by, confirmed_on) = confirmed.map(|word| (word.by, word.on)).unzip();
        ProfileField {
            field: key.to_owned(),
            doc: doc.to_owned(),
            own: (own != value).then_some(own),
            value,
            source,
            verified,
            confirmed_by,
            confirmed_on,
        }
    }
}

/// All compliance profiles, those of the installation's own among them: every field with the value in force, its source, and whether somebody has verified it. They
/// are engineering notes, not legal advice.
#[utoipa::path(get, path = "/api/v1/profiles", tag = "campaigns", responses((status = 200, body = Page<ProfileInfo>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> axum::Json<Page<ProfileInfo>> {
    let profiles = service.config.load().profiles.clone();
    axum::Json(Page::whole(profiles.iter().map(|(name, sheet)| ProfileInfo::of(name, sheet)).collect()))
}
