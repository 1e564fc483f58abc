//! A look at a file before it is imported.

use super::Service;
use super::extract::Query;
use super::imports::options;
use super::limits::UPLOAD_BYTES_MAX;
use super::problem::Problem;
use crate::import::{self, Preview};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use serde::Deserialize;
use std::sync::Arc;
use tokio_stream::StreamExt;
use utoipa::IntoParams;

/// What is looked at of a file; the rest is read and dropped, because a browser that may not finish sending shows no
/// answer.
const LOOK_BYTES: usize = 1 << 20;

/// How to read the file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PreviewQuery {
    /// Columns of the file for fields, as for the import; without it the columns are guessed.
    map: Option<String>,
    /// Country of numbers without a country code, two letters; `US` unless said otherwise.
    #[param(min_length = 2, max_length = 2)]
    region: Option<String>,
    /// What the file is saved in; found out unless said.
    encoding: Option<String>,
}

/// Says how a CSV file would be read: what it is saved in, its columns with the fields that they seem to hold, its first
/// rows with what is wrong with them. The first MiB is looked at. Nothing is kept.
#[utoipa::path(post, path = "/api/v1/imports/preview", tag = "lists", params(PreviewQuery),
    request_body(content((String = "text/csv", example = json!("Telefon;Vorname\n0151 23456789;Ann\n")))),
    responses((status = 200, body = Preview)))]
pub(super) async fn preview(
    State(service): State<Arc<Service>>,
    Query(wanted): Query<PreviewQuery>,
    request: axum::extract::Request,
) -> Result<axum::Json<Preview>, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/csv") {
        return Err(Problem::media_type("text/csv"));
    }
    let mapped = wanted.map.is_some();
    let options = options(wanted.region, wanted.map.as_deref(), wanted.encoding.as_deref())?;
    let (mut beginning, mut bytes) = (Vec::new(), 0);
    let mut parts = request.into_body().into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Problem::malformed("the body ended before its end, send it again"))?;
        bytes += part.len();
        if bytes > UPLOAD_BYTES_MAX {
            return Err(Problem::too_large(UPLOAD_BYTES_MAX));
        }
        beginning.extend_from_slice(&part[..part.len().min(LOOK_BYTES - beginning.len())]);
    }
    let whole = bytes <= LOOK_BYTES;
    let preview = move || {
        import::preview(&beginning, whole, &options, mapped).map_err(|failure| {
            let line = failure.to_string();
            let said = line.strip_prefix("error: ").unwrap_or(&line);
            match said.split_once("; ") {
                // What the map names is not there.
                Some((what, mend)) if failure.code() == 2 => Problem::field("map", what, mend),
                _ => Problem::malformed(said),
            }
        })
    };
    service.wait(preview).await.map(axum::Json)
}
