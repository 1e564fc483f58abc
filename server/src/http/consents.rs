//! Consents: who allowed what, and who took it back. Append-only.

use super::Service;
use super::auth::Holder;
use super::extract::{Json, Query, moment, phone};
use super::page::{Page, rows};
use super::problem::Problem;
use crate::control::Request;
use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::{Action, ConsentRow};
use utoipa::{IntoParams, ToSchema};

/// Longest scope, source.
const WORD_CHARS_MAX: usize = 64;
/// Longest proof: a paragraph, or the address of a document.
const PROOF_CHARS_MAX: usize = 4_000;

/// Given or withdrawn.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Given {
    /// The person allows it.
    Given,
    /// The person takes it back.
    Withdrawn,
}

/// A consent to be written down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "number": "+12125550100", "action": "given", "scope": "marketing", "source": "web form", "proof": "form 4711 of 2026-03-02" }))]
pub(super) struct NewConsent {
    /// Whose, E.164.
    #[schema(pattern = "^\\+[1-9][0-9]{2,14}$")]
    number: String,
    /// Given or withdrawn.
    action: Given,
    /// For what: `marketing`, `service`, or a campaign's name.
    #[schema(min_length = 1, max_length = 64)]
    scope: String,
    /// Where it comes from.
    #[schema(min_length = 1, max_length = 64)]
    source: String,
    /// What proves it.
    #[schema(max_length = 4000)]
    proof: Option<String>,
    /// When it was given: RFC 3339 or microseconds since the Unix epoch; now unless said otherwise.
    at: Option<String>,
}

/// A consent as it stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Consent {
    /// Id of the row.
    id: u64,
    /// Whose, E.164.
    number: String,
    /// Given or withdrawn.
    action: Given,
    /// For what.
    scope: String,
    /// Where it comes from.
    source: String,
    /// What proves it.
    proof: Option<String>,
    /// When, in microseconds since the Unix epoch.
    at_us: i64,
}

impl Consent {
    pub(super) fn of((id, row): (u64, ConsentRow)) -> Consent {
        Consent {
            id,
            number: row.number,
            action: match row.action {
                Action::Add => Given::Given,
                Action::Lift => Given::Withdrawn,
            },
            scope: row.scope,
            source: row.source,
            proof: row.proof,
            at_us: row.at.as_unix_us(),
        }
    }
}

/// Which consents.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ConsentQuery {
    /// For what; `marketing` unless said otherwise.
    scope: Option<String>,
    /// Exact number, such as `+12125550100` (percent-encode the plus sign).
    number: Option<String>,
    /// Rows of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on; from `next`.
    cursor: Option<String>,
}

/// The latest consent or withdrawal of each number for one scope, by number.
#[utoipa::path(get, path = "/api/v1/consents", tag = "compliance", params(ConsentQuery), responses((status = 200, body = Page<Consent>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<ConsentQuery>,
) -> Result<axum::Json<Page<Consent>>, Problem> {
    let (tenant, limit) = (service.tenant, rows(wanted.limit)?);
    let scope = wanted.scope.unwrap_or_else(|| "marketing".to_owned());
    if let Some(number) = wanted.number {
        let number = phone("number", &number)?;
        let found = service.store(move |store| store.consent(tenant, &number, &scope)).await?;
        return Ok(axum::Json(Page::whole(found.into_iter().map(Consent::of).collect())));
    }
    let after = wanted.cursor;
    let page = service.store(move |store| store.consents(tenant, &scope, after.as_deref(), limit)).await?;
    let consents = page.into_iter().map(Consent::of).collect();
    Ok(axum::Json(Page::of(consents, limit, &uri, |consent: &Consent| consent.number.clone())))
}

/// Writes down that a person gave or withdrew a consent.
#[utoipa::path(post, path = "/api/v1/consents", tag = "compliance", request_body = NewConsent,
    responses((status = 204, description = "It is written down")))]
pub(super) async fn add(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Json(wanted): Json<NewConsent>,
) -> Result<StatusCode, Problem> {
    let at = match &wanted.at {
        None => service.wall_now(),
        Some(text) => moment("at", text).map_err(|error| Problem::invalid(vec![error]))?,
    };
    let row = ConsentRow {
        tenant: service.tenant,
        number: phone("number", &wanted.number)?,
        action: match wanted.action {
            Given::Given => Action::Add,
            Given::Withdrawn => Action::Lift,
        },
        scope: word("scope", &wanted.scope)?,
        source: format!("{} (by {})", word("source", &wanted.source)?, holder.name),
        proof: wanted.proof.map(|proof| paragraph("proof", &proof)).transpose()?,
        at,
    };
    service.ask(Request::Consent(Box::new(row))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A short text on one line.
pub(super) fn word(field: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if (1..=WORD_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Problem::field(field, "is no word", format!("write 1 to {WORD_CHARS_MAX} characters on one line")))
}

fn paragraph(field: &str, text: &str) -> Result<String, Problem> {
    if text.chars().count() <= PROOF_CHARS_MAX && !text.contains('\0') {
        return Ok(text.to_owned());
    }
    Err(Problem::field(field, "is too long", format!("write at most {PROOF_CHARS_MAX} characters")))
}
