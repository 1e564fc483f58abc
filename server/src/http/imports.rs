//! Imports over the API: the file is kept, answered with 202, and worked on in the background by the one importer.
//!
//! ```text
//!  POST (text/csv or multipart) ──> nameless file in data_dir ──202──> worker thread: import_csv ──> JobSink
//!                                                      leads ──> store        rejected rows, progress ──> store
//! ```

use super::csv::{self, Rows};
use super::extract::{Id, Name, Query};
use super::limits::{IMPORTS_MAX, UPLOAD_BYTES_MAX};
use super::page::{Page, id_cursor, rows};
use super::problem::Problem;
use super::{Service, lists, upload, wall_now};
use crate::control::Request;
use crate::failure::Failure;
use crate::import::{self, Field, ImportOptions, ImportReport, LeadSink, Rejected};
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest, Multipart, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base::{ListId, WallTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;
use store::{ImportId, ImportProgress, ImportRow, Imported, NewLead, REJECTS_BATCH_MAX, Reject, Store, TenantId};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

/// Places for imports.
pub(super) struct Running(Arc<Semaphore>);

impl Default for Running {
    fn default() -> Self {
        Running(Arc::new(Semaphore::new(IMPORTS_MAX)))
    }
}

/// How to read the file.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportQuery {
    /// Columns of the file for fields, `FIELD=COLUMN` with commas between: `phone=Telefon,first_name=Vorname`. Fields
    /// are `phone`, `first_name`, `last_name`, `timezone`, `external_id`.
    map: Option<String>,
    /// Country of numbers without a country code, two letters; `US` unless said otherwise.
    #[param(min_length = 2, max_length = 2)]
    region: Option<String>,
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
    /// `running`, `done` or `failed`.
    state: String,
    /// Rows read.
    rows: u64,
    /// Leads that are new on the list.
    accepted: u64,
    /// Rows that hold no lead; see `rejected.csv`.
    rejected: u64,
    /// Rows whose number was there before.
    duplicates: u64,
    /// When it began, in microseconds since the Unix epoch.
    started_us: i64,
    /// When it ended.
    ended_us: Option<i64>,
    /// Why it failed.
    error: Option<String>,
}

impl Import {
    fn of(row: ImportRow, lists: &BTreeMap<u64, String>) -> Import {
        let ImportRow { import, list, file_name, started_at, progress } = row;
        Import {
            id: import.0,
            list: lists.get(&list.0).cloned(),
            file_name,
            state: progress.state,
            rows: progress.lines,
            accepted: progress.accepted,
            rejected: progress.rejected,
            duplicates: progress.duplicates,
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

/// Loads leads onto a list: CSV with a header (comma, semicolon or tab, UTF-8), as the body or as the first file of a
/// form. Answers as soon as the file is here; `GET /api/v1/imports/{id}` tells how far it is.
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
    let region = wanted.region.unwrap_or_else(|| "US".to_owned());
    if import::Region::named(&region).is_none() {
        return Err(Problem::field(
            "region",
            format!("{region:?} is no country"),
            "give two letters such as US, GB, DE",
        ));
    }
    let map = parse_map(wanted.map.as_deref())?;
    let list = lists::id(&service, &name).await?;
    let Ok(place) = service.imports.0.clone().try_acquire_owned() else {
        return Err(Problem::busy("as many imports as may run at once are running", 10));
    };
    let (file, given_name) = receive(&service, request).await?;
    let file_name: String = wanted.file_name.or(given_name).unwrap_or_default();
    let file_name: String = file_name.chars().filter(|c| !c.is_control()).take(200).collect();
    let (tenant, at) = (service.tenant, service.wall_now());
    let import = service.store(move |store| store.put_import(tenant, list, &file_name, at)).await?;
    let worker = service.clone();
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        work(&worker.store, tenant, list, import, file, &ImportOptions { region, map });
        // Campaigns over the list look again; one that is gone cannot.
        if let Err(refusal) = runtime.block_on(worker.control.ask(Request::ListGrew(list))) {
            tracing::warn!(%refusal, "campaigns were not told that their list has grown");
        }
    });
    let place = format!("{}/api/v1/imports/{}", service.base_path, import.0);
    let mut response = (StatusCode::ACCEPTED, axum::Json(Begun { import: import.0 })).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

fn parse_map(text: Option<&str>) -> Result<BTreeMap<Field, String>, Problem> {
    let mut map = BTreeMap::new();
    for entry in text.unwrap_or_default().split(',').filter(|entry| !entry.is_empty()) {
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
async fn receive(service: &Service, request: axum::extract::Request) -> Result<(File, Option<String>), Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "text/csv" => Ok((upload::keep(service, request.into_body(), |_| ()).await?, None)),
        "multipart/form-data" => {
            let form = Multipart::from_request(request, &()).await;
            let mut form = form.map_err(|error| Problem::malformed(format!("the form cannot be read ({error})")))?;
            while let Some(mut part) = form.next_field().await.map_err(|error| broken(&error))? {
                let Some(name) = part.file_name().map(str::to_owned) else { continue };
                let mut file = upload::Keeper::new(service)?;
                while let Some(bytes) = part.chunk().await.map_err(|error| broken(&error))? {
                    file.write(&bytes)?;
                }
                return Ok((file.finish()?, Some(name)));
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

/// Imports a file and writes down how it goes, to its end.
fn work(store: &Store, tenant: TenantId, list: ListId, import: ImportId, file: File, options: &ImportOptions) {
    let mut sink =
        JobSink { store, tenant, list, import, at: wall_now(), seen: ImportProgress::default(), rejects: Vec::new() };
    let result = import::import_csv(BufReader::new(file), options, &mut sink).and_then(|report| {
        sink.keep_rejects()?;
        store.analyze()?;
        Ok(report)
    });
    let mut progress = ImportProgress { ended_at: Some(wall_now()), ..sink.seen };
    match result {
        Ok(report) => {
            let ImportReport { rows, added, already_on_list, duplicates, rejected, .. } = report;
            progress = ImportProgress {
                state: "done".to_owned(),
                lines: rows,
                accepted: added,
                rejected,
                duplicates: duplicates + already_on_list,
                ..progress
            };
        }
        Err(failure) => {
            let line = failure.to_string();
            progress.state = "failed".to_owned();
            progress.error = Some(line.strip_prefix("error: ").unwrap_or(&line).to_owned());
        }
    }
    if let Err(error) = store.update_import(tenant, import, &progress) {
        tracing::error!(%error, "the end of an import could not be written down");
    }
}

/// Says of imports that an earlier process did not end what became of them.
pub(super) async fn mend(service: &Service) {
    let (tenant, at) = (service.tenant, service.wall_now());
    let mended = service.store(move |store| {
        // The latest page: at most IMPORTS_MAX of them can have been running.
        for row in store.imports(tenant, None, 0)?.into_iter().filter(|row| row.progress.state == "running") {
            let error =
                Some("the server stopped before its end, import the file again: what is there stays".to_owned());
            let progress = ImportProgress { state: "failed".to_owned(), ended_at: Some(at), error, ..row.progress };
            store.update_import(tenant, row.import, &progress)?;
        }
        Ok(())
    });
    if let Err(problem) = mended.await {
        tracing::warn!(problem = problem.detail, "imports of an earlier process could not be ended");
    }
}

/// Leads and rejected rows into the store, with progress after every batch.
struct JobSink<'a> {
    store: &'a Store,
    tenant: TenantId,
    list: ListId,
    import: ImportId,
    at: WallTime,
    seen: ImportProgress,
    rejects: Vec<Reject>,
}

impl JobSink<'_> {
    fn keep_rejects(&mut self) -> Result<(), Failure> {
        if !self.rejects.is_empty() {
            self.store.put_rejects(self.tenant, self.import, &std::mem::take(&mut self.rejects))?;
        }
        Ok(())
    }
}

impl LeadSink for JobSink<'_> {
    fn add(&mut self, batch: Vec<NewLead>) -> Result<Imported, Failure> {
        self.seen.lines += batch.len() as u64;
        let imported = self.store.import_leads(self.tenant, self.list, batch, self.at)?;
        self.seen.accepted += imported.added;
        self.seen.duplicates += imported.already_there;
        self.seen.state = "running".to_owned();
        self.store.update_import(self.tenant, self.import, &self.seen)?;
        Ok(imported)
    }

    fn reject(&mut self, row: &Rejected) -> Result<(), Failure> {
        self.seen.lines += 1;
        if row.duplicate {
            self.seen.duplicates += 1;
        } else {
            self.seen.rejected += 1;
        }
        let reason = format!("{}: {}", row.field, row.reason);
        self.rejects.push(Reject { line: row.line, reason, raw: row.value.clone() });
        if self.rejects.len() >= REJECTS_BATCH_MAX { self.keep_rejects() } else { Ok(()) }
    }
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
    uri: Uri,
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

/// Rows that an import would not take, with the reason, as CSV; the first 100,000.
#[utoipa::path(get, path = "/api/v1/imports/{id}/rejected.csv", tag = "lists", params(("id" = u64, Path, description = "Id of the import")),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub(super) async fn rejected(State(service): State<Arc<Service>>, Id(id): Id) -> Result<Response, Problem> {
    let tenant = service.tenant;
    let found = service.store(move |store| store.import(tenant, ImportId(id))).await?;
    found.ok_or_else(|| no_import(id))?;
    let name = format!("import-{id}-rejected");
    csv::file(&service, &name, &["line", "reason", "value"], move |store, cursor: Option<u64>| {
        let page = store.rejects(tenant, ImportId(id), cursor.unwrap_or(0), 0)?;
        let next = page.last().filter(|_| page.len() >= store::PAGE_ROWS_MAX as usize).map(|row| row.line);
        let rows = page.into_iter().map(|row| vec![row.line.to_string(), row.reason, row.raw]).collect();
        Ok::<Rows<u64>, _>((rows, next))
    })
    .await
}
