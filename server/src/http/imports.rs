//! Imports over the API: the file is kept, answered with 202, and worked on in the background by the one importer.
//!
//! ```text
//!  POST (text/csv or multipart) ──> file in data_dir/imports ──202──> worker thread: import_rest ──> JobSink
//!                        next process ──────────^                     leads, rejected rows, progress ──> store
//! ```
//!
//! A paused import keeps its place, its file and its thread, and goes on where it stood. One that its process has left is
//! gone on with by the next one, behind the last part that was written down (`imports/job.rs`).

mod job;

pub(super) use job::{Running, mend};

use super::csv::{self, Rows};
use super::extract::{Id, Name, Query};
use super::limits::UPLOAD_BYTES_MAX;
use super::page::{Page, id_cursor, rows};
use super::problem::Problem;
use super::upload::{self, Keeper};
use super::{Service, lists};
use crate::import::{self, Field, ImportOptions};
use axum::extract::OriginalUri;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::WallTime;
use job::Wish;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{ImportId, ImportProgress, ImportRow, NewImport, Reject, Store, TenantId};
use utoipa::{IntoParams, ToSchema};

/// How to read the file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportQuery {
    /// Columns of the file for fields, `FIELD=COLUMN` with commas between: `phone=Telefon,first_name=Vorname`. Fields
    /// are `phone`, `phone2`, `phone3`, `phone4` (further numbers of the person), `first_name`, `last_name`, `timezone`, `external_id`, `segment`, `region`, `priority`; one that is not
    /// named stands in the column of its own name, one without a column (`timezone=`) in none.
    map: Option<String>,
    /// Country of numbers without a country code, two letters; `US` unless said otherwise.
    #[param(min_length = 2, max_length = 2)]
    region: Option<String>,
    /// What the file is saved in, such as `utf-8`, `utf-16le`, `windows-1251`; found out unless said.
    encoding: Option<String>,
    /// True: count everything and write nothing to the list.
    dry_run: Option<bool>,
    /// Name of the file, for people.
    #[param(max_length = 200)]
    file_name: Option<String>,
}

/// An import with its progress.
#[derive(Serialize, ToSchema)]
pub(super) struct Import {
    /// Id.
    id: u64,
    /// Name of the list.
    list: Option<String>,
    /// Name of the file.
    file_name: String,
    /// `running`, `paused`, `done`, `failed` or `cancelled`.
    state: String,
    /// A rehearsal: everything is counted, nothing goes on the list.
    dry_run: bool,
    /// Bytes of the file that are read.
    bytes: u64,
    /// Size of the file.
    bytes_total: u64,
    /// Rows read.
    rows: u64,
    /// Leads that are new on the list.
    accepted: u64,
    /// Rows that hold no lead; see `rejected`.
    rejected: u64,
    /// Rows whose number was there before.
    duplicates: u64,
    /// Rejected rows by reason.
    reasons: BTreeMap<String, u64>,
    /// When it began, in microseconds since the Unix epoch.
    started_us: i64,
    /// When it ended.
    ended_us: Option<i64>,
    /// Why it failed.
    error: Option<String>,
}

impl Import {
    fn of(row: ImportRow, lists: &BTreeMap<u64, String>) -> Import {
        let ImportRow { import, new, started_at, progress } = row;
        Import {
            id: import.0,
            list: lists.get(&new.list.0).cloned(),
            file_name: new.file_name,
            state: progress.state,
            dry_run: new.dry_run,
            bytes: progress.bytes,
            bytes_total: new.bytes_total,
            rows: progress.lines,
            accepted: progress.accepted,
            rejected: progress.rejected,
            duplicates: progress.duplicates,
            reasons: serde_json::from_str(&progress.reasons).unwrap_or_default(),
            started_us: started_at.as_unix_us(),
            ended_us: progress.ended_at.map(WallTime::as_unix_us),
            error: progress.error,
        }
    }
}

/// An import that has begun.
#[derive(Serialize, ToSchema)]
pub(super) struct Begun {
    /// Its id; see `GET /api/v1/imports/{id}`.
    import: u64,
}

/// Loads leads onto a list: CSV with a header (comma, semicolon or tab), as the body or as the first file of a form.
/// Answers as soon as the file is here; `GET /api/v1/imports/{id}` and events `import.state` tell how far it is.
#[utoipa::path(post, path = "/api/v1/lists/{name}/import", tag = "lists",
    params(("name" = String, Path, description = "Name of the list"), ImportQuery),
    request_body(content((String = "text/csv", example = json!("phone,first_name\n+12125550100,Ann\n")), (Vec<u8> = "multipart/form-data"))),
    responses((status = 202, body = Begun, headers(("Location" = String, description = "Address of the import")))))]
pub(super) async fn begin(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    Query(wanted): Query<ImportQuery>,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let options = options(wanted.region, wanted.map.as_deref(), wanted.encoding.as_deref())?;
    let list = lists::id(&service, &name).await?;
    let Ok(place) = service.imports.places.clone().try_acquire_owned() else {
        return Err(Problem::too_many(
            "as many imports as may be under way are running or paused, wait for one or cancel one",
            10,
        ));
    };
    let (file, given_name) = receive(&service, request).await?;
    let (file, path) = file.finish_named(&service).await?;
    let file_name: String = wanted.file_name.or(given_name).unwrap_or_default();
    let file_name: String = file_name.chars().filter(|c| !c.is_control()).take(200).collect();
    let bytes_total = file.metadata().map_or(0, |about| about.len());
    let (dry_run, kept) = (wanted.dry_run.unwrap_or(false), Some(job::kept(&options)));
    let new = NewImport { list, file_name, bytes_total, dry_run, options: kept };
    let (tenant, at, row) = (service.tenant, service.wall_now(), new.clone());
    let import = service.store(move |store| store.put_import(tenant, &row, at)).await?;
    let row = ImportRow { import, new, started_at: at, progress: ImportProgress::default() };
    if let Some(path) = path {
        // Without its name the import goes on here, and ends with this process.
        if let Err(error) = path.persist(job::path(&service, import)) {
            tracing::warn!(%error, "an import will not outlive this process");
        }
    }
    job::start(&service, place, row, name, file, options);
    let place = format!("{}/api/v1/imports/{}", service.base_path, import.0);
    let mut response = (StatusCode::ACCEPTED, axum::Json(Begun { import: import.0 })).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// How a file is read, as a query says it.
pub(super) fn options(
    region: Option<String>,
    map: Option<&str>,
    encoding: Option<&str>,
) -> Result<ImportOptions, Problem> {
    let region = region.unwrap_or_else(|| "US".to_owned());
    if import::Region::named(&region).is_none() {
        let mend = "give two letters such as US, GB, DE";
        return Err(Problem::field("region", format!("{region:?} is no country"), mend));
    }
    let unknown = |name: &str| {
        let mend = "write utf-8, utf-16le, windows-1250, windows-1251 or windows-1252";
        Problem::field("encoding", format!("{name:?} is not known"), mend)
    };
    let encoding = encoding.map(|name| import::encoding_named(name).ok_or_else(|| unknown(name))).transpose()?;
    Ok(ImportOptions { region, map: parse_map(map)?, encoding })
}

fn parse_map(text: Option<&str>) -> Result<BTreeMap<Field, String>, Problem> {
    let mut entries: Vec<String> = Vec::new();
    for piece in text.unwrap_or_default().split(',').filter(|piece| !piece.is_empty()) {
        match entries.last_mut() {
            // A column's own name has a comma.
            Some(entry) if !piece.contains('=') => entry.extend([",", piece]),
            _ => entries.push(piece.to_owned()),
        }
    }
    let mut map = BTreeMap::new();
    for entry in entries {
        let fields = Field::ALL.map(Field::name).join(", ");
        let pair = entry.split_once('=').and_then(|(field, column)| Some((Field::named(field.trim())?, column)));
        let Some((field, column)) = pair else {
            let mend = format!("write FIELD=COLUMN, FIELD one of {fields}");
            return Err(Problem::field("map", format!("{entry:?} maps nothing"), mend));
        };
        if map.insert(field, column.to_owned()).is_some() {
            return Err(Problem::field("map", format!("{:?} is mapped twice", field.name()), "leave one out"));
        }
    }
    Ok(map)
}

/// The file of a request, and its name in a form.
async fn receive(service: &Service, request: axum::extract::Request) -> Result<(Keeper, Option<String>), Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/csv" => {
            let file = Keeper::named(service, job::FOLDER)?;
            Ok((upload::fill(file, request.into_body(), |_| ()).await?, None))
        }
        "multipart/form-data" => {
            let form = Multipart::from_request(request, &()).await;
            let mut form = form.map_err(|error| Problem::malformed(format!("the form cannot be read ({error})")))?;
            while let Some(mut part) = form.next_field().await.map_err(|error| broken(&error))? {
                let Some(name) = part.file_name().map(str::to_owned) else { continue };
                let mut file = Keeper::named(service, job::FOLDER)?;
                while let Some(bytes) = part.chunk().await.map_err(|error| broken(&error))? {
                    file.write(&bytes)?;
                }
                return Ok((file, Some(name)));
            }
            Err(Problem::malformed("the form has no file, send the CSV as a part with a file name"))
        }
        _ => Err(Problem::media_type("text/csv")),
    }
}

fn broken(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::too_large(UPLOAD_BYTES_MAX);
    }
    Problem::malformed("the form is broken or ended before its end, send it again")
}

/// Which imports.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportsQuery {
    /// Rows of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on; from `next`.
    cursor: Option<String>,
}

/// Imports, the latest first.
#[utoipa::path(get, path = "/api/v1/imports", tag = "lists", params(ImportsQuery), responses((status = 200, body = Page<Import>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<ImportsQuery>,
) -> Result<axum::Json<Page<Import>>, Problem> {
    let (tenant, limit) = (service.tenant, rows(wanted.limit)?);
    let before = id_cursor(wanted.cursor.as_deref())?.map(ImportId);
    let imports = service
        .store(move |store| {
            let lists = list_names(store, tenant)?;
            let page = store.imports(tenant, before, limit)?;
            Ok(page.into_iter().map(|row| Import::of(row, &lists)).collect::<Vec<_>>())
        })
        .await?;
    Ok(axum::Json(Page::of(imports, limit, &uri, |import| import.id.to_string())))
}

fn list_names(store: &Store, tenant: TenantId) -> Result<BTreeMap<u64, String>, store::StoreError> {
    Ok(store.list_names(tenant)?.into_iter().map(|(list, name)| (list.0, name)).collect())
}

/// One import with its progress.
#[utoipa::path(get, path = "/api/v1/imports/{id}", tag = "lists", params(("id" = u64, Path, description = "Id of the import")),
    responses((status = 200, body = Import)))]
pub(super) async fn show(State(service): State<Arc<Service>>, Id(id): Id) -> Result<axum::Json<Import>, Problem> {
    let tenant = service.tenant;
    let found = service
        .store(move |store| {
            let lists = list_names(store, tenant)?;
            Ok(store.import(tenant, ImportId(id))?.map(|row| Import::of(row, &lists)))
        })
        .await?;
    found.map(axum::Json).ok_or_else(|| no_import(id))
}

fn no_import(id: u64) -> Problem {
    Problem::not_found(format!("import {id}"))
}

/// Ends an import that runs; what is on the list by then stays.
#[utoipa::path(delete, path = "/api/v1/imports/{id}", tag = "lists", params(("id" = u64, Path, description = "Id of the import")),
    responses((status = 204, description = "It ends with its next rows")))]
pub(super) async fn cancel(State(service): State<Arc<Service>>, Id(id): Id) -> Result<StatusCode, Problem> {
    steer(&service, id, Wish::Cancel, "cancel").await
}

/// Lets an import that runs wait; what is on the list by then is there, and nothing of the file is lost.
#[utoipa::path(post, path = "/api/v1/imports/{id}/pause", tag = "lists", params(("id" = u64, Path, description = "Id of the import")),
    responses((status = 204, description = "It waits from its next rows on, in state `paused`")))]
pub(super) async fn pause(State(service): State<Arc<Service>>, Id(id): Id) -> Result<StatusCode, Problem> {
    steer(&service, id, Wish::Pause, "pause").await
}

/// Lets a paused import go on where it stood.
#[utoipa::path(post, path = "/api/v1/imports/{id}/resume", tag = "lists", params(("id" = u64, Path, description = "Id of the import")),
    responses((status = 204, description = "It goes on")))]
pub(super) async fn resume(State(service): State<Arc<Service>>, Id(id): Id) -> Result<StatusCode, Problem> {
    steer(&service, id, Wish::GoOn, "resume").await
}

/// Lets an import under way hear what is wanted of it.
async fn steer(service: &Service, id: u64, wish: Wish, verb: &str) -> Result<StatusCode, Problem> {
    if let Some(rein) = service.imports.reins().get(&id) {
        rein.set(wish);
        return Ok(StatusCode::NO_CONTENT);
    }
    let tenant = service.tenant;
    let row = service.store(move |store| store.import(tenant, ImportId(id))).await?.ok_or_else(|| no_import(id))?;
    Err(Problem::conflict(format!("import {id} is {}, nothing is left to {verb}", row.progress.state)))
}

/// A row that an import would not take.
#[derive(Serialize, ToSchema)]
pub(super) struct RejectedRow {
    #[serde(skip)]
    id: u64,
    /// Its line in the file, from 1 (the header is line 1).
    line: u64,
    /// The field that is at fault.
    field: String,
    /// What stands there.
    value: String,
    /// What is wrong with it.
    reason: String,
}

/// Rows that an import would not take, by line; the first 100,000 are kept.
#[utoipa::path(get, path = "/api/v1/imports/{id}/rejected", tag = "lists",
    params(("id" = u64, Path, description = "Id of the import"), ImportsQuery),
    responses((status = 200, body = Page<RejectedRow>)))]
pub(super) async fn rejected(
    State(service): State<Arc<Service>>,
    Id(id): Id,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<ImportsQuery>,
) -> Result<axum::Json<Page<RejectedRow>>, Problem> {
    let (tenant, limit) = (service.tenant, rows(wanted.limit)?);
    let after = reject_cursor(wanted.cursor.as_deref())?;
    let page = service
        .store(move |store| match store.import(tenant, ImportId(id))? {
            None => Ok(None),
            Some(_) => store.rejects(tenant, ImportId(id), after, limit).map(Some),
        })
        .await?;
    let page = page.ok_or_else(|| no_import(id))?.into_iter();
    let page =
        page.map(|(id, Reject { line, field, reason, raw })| RejectedRow { id, line, field, value: raw, reason });
    Ok(axum::Json(Page::of(page.collect(), limit, &uri, |row: &RejectedRow| format!("{}.{}", row.line, row.id))))
}

/// A row's line and id.
fn reject_cursor(cursor: Option<&str>) -> Result<(u64, u64), Problem> {
    let Some(text) = cursor else { return Ok((0, 0)) };
    let place = text.split_once('.').map(|(line, id)| (id_cursor(Some(line)), id_cursor(Some(id))));
    match place {
        Some((Ok(Some(line)), Ok(Some(id)))) => Ok((line, id)),
        _ => Err(Problem::field("cursor", "is no cursor", "take it from `next`")),
    }
}

/// Rows that an import would not take, with the reason, as CSV; the first 100,000.
#[utoipa::path(get, path = "/api/v1/imports/{id}/rejected.csv", tag = "lists", params(("id" = u64, Path, description = "Id of the import")),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub(super) async fn rejected_file(State(service): State<Arc<Service>>, Id(id): Id) -> Result<Response, Problem> {
    let tenant = service.tenant;
    let found = service.store(move |store| store.import(tenant, ImportId(id))).await?;
    found.ok_or_else(|| no_import(id))?;
    let name = format!("import-{id}-rejected");
    csv::file(&service, &name, &["line", "column", "value", "reason"], move |store, cursor: Option<(u64, u64)>| {
        let page = store.rejects(tenant, ImportId(id), cursor.unwrap_or((0, 0)), 0)?;
        let next = page.last().filter(|_| page.len() >= store::PAGE_ROWS_MAX as usize);
        let next = next.map(|(id, row)| (row.line, *id));
        let rows = page.into_iter().map(|(_, row)| vec![row.line.to_string(), row.field, row.raw, row.reason]);
        Ok::<Rows<(u64, u64)>, _>((rows.collect(), next))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_between_rejected_rows_is_a_line_and_an_id() {
        assert_eq!(reject_cursor(None).unwrap(), (0, 0));
        assert_eq!(reject_cursor(Some("7.12")).unwrap(), (7, 12));
        for wrong in ["", "7", "7.", ".7", "7.x", "7.1.2", "-1.2"] {
            assert!(reject_cursor(Some(wrong)).is_err(), "{wrong:?}");
        }
    }
}
