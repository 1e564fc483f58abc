//! Lists of numbers from outside, with the day of their source: do-not-call lists, reassigned numbers.

use super::Service;
use super::extract::Query;
use super::page::Page;
use super::problem::Problem;
use super::upload;
use crate::import::{Region, normalise};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use base::WallTime;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use store::{SCREEN_BATCH_MAX, ScreenKind, ScreenRow, Store, TenantId};
use utoipa::{IntoParams, ToSchema};

/// Longest line of a file of numbers: one number, and perhaps a date behind it.
const LINE_BYTES_MAX: usize = 256;

/// A list of numbers that is in force.
#[derive(Serialize, ToSchema)]
pub(super) struct NumberList {
    /// `do_not_call` or `reassigned`.
    kind: &'static str,
    /// Whose list it is, as its loader named it.
    source: String,
    /// The day that the source says, in microseconds since the Unix epoch.
    as_of_us: i64,
    /// When it was loaded.
    loaded_us: i64,
    /// Numbers on it.
    numbers: u64,
}

impl From<ScreenRow> for NumberList {
    fn from(row: ScreenRow) -> Self {
        NumberList {
            kind: row.kind.name(),
            source: row.source,
            as_of_us: row.as_of.as_unix_us(),
            loaded_us: row.loaded_at.as_unix_us(),
            numbers: row.numbers,
        }
    }
}

/// What is loaded.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LoadQuery {
    /// `do_not_call` or `reassigned`.
    kind: String,
    /// Whose list it is, such as `ftc`; the load before of the same source is replaced.
    #[param(min_length = 1, max_length = 64)]
    source: String,
    /// The day that the source says, such as `2026-11-20`. A profile says how old it may be.
    as_of: String,
    /// Country of numbers without a country code, two letters; `US` unless said otherwise.
    #[param(min_length = 2, max_length = 2)]
    region: Option<String>,
}

/// What became of a file of numbers.
#[derive(Serialize, ToSchema)]
pub(super) struct Loaded {
    /// Different numbers on the list.
    numbers: u64,
    /// Lines that hold no number.
    rejected: u64,
    /// The first such line, from 1; a header is one.
    first_rejected: Option<u64>,
}

/// Lists of numbers in force, by kind and source.
#[utoipa::path(get, path = "/api/v1/number-lists", tag = "compliance", responses((status = 200, body = Page<NumberList>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<axum::Json<Page<NumberList>>, Problem> {
    let tenant = service.tenant;
    let rows = service.store(move |store| store.screens(tenant)).await?;
    Ok(axum::Json(Page::whole(rows.into_iter().map(NumberList::from).collect())))
}

/// Loads a list of numbers, one a line (what stands behind a comma, semicolon or tab is left). It counts when it is whole,
/// and then instead of the one before of the same source. Campaigns whose profile says how old a list may be do not
/// dial with an older one.
#[utoipa::path(post, path = "/api/v1/number-lists", tag = "compliance", params(LoadQuery),
    request_body(content((String = "text/csv", example = json!("+12125550100\n+12125550101\n")))),
    responses((status = 200, body = Loaded)))]
pub(super) async fn load(
    State(service): State<Arc<Service>>,
    Query(wanted): Query<LoadQuery>,
    request: axum::extract::Request,
) -> Result<axum::Json<Loaded>, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/csv") {
        return Err(Problem::media_type("text/csv"));
    }
    let at = service.wall_now();
    let (kind, as_of, region) = checked(&wanted, at)?;
    let file = upload::keep(&service, request.into_body(), |_| ()).await?;
    let (tenant, source) = (service.tenant, wanted.source);
    let loaded = service
        .store(move |store| {
            let screen = store.begin_screen(tenant, kind, &source, as_of, at)?;
            read(store, tenant, screen, BufReader::new(file), region)
        })
        .await?;
    Ok(axum::Json(loaded))
}

fn checked(wanted: &LoadQuery, at: WallTime) -> Result<(ScreenKind, WallTime, Region), Problem> {
    let kind = ScreenKind::named(&wanted.kind).ok_or_else(|| {
        Problem::field("kind", format!("{:?} is no kind", wanted.kind), "write do_not_call or reassigned")
    })?;
    if wanted.source.is_empty() || wanted.source.chars().count() > 64 {
        return Err(Problem::field("source", "has no use", "name whose list it is in 1 to 64 characters"));
    }
    let day = wanted.as_of.parse::<Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    let as_of = day.map(|day| WallTime::from_unix_us(day.timestamp().as_microsecond()));
    let as_of = as_of.filter(|as_of| as_of.as_unix_us() <= at.as_unix_us()).ok_or_else(|| {
        Problem::field("as_of", format!("{:?} is no day that has come", wanted.as_of), "write it like 2026-11-20")
    })?;
    let region = wanted.region.as_deref().unwrap_or("US");
    let region = Region::named(region)
        .ok_or_else(|| Problem::field("region", format!("{region:?} is no country"), "give two letters such as US"))?;
    Ok((kind, as_of, region))
}

/// Puts the numbers of a file on a load, to its end.
fn read(
    store: &Store,
    tenant: TenantId,
    screen: u64,
    mut file: impl BufRead,
    region: Region,
) -> Result<Loaded, store::StoreError> {
    let (mut rejected, mut first_rejected, mut line) = (0, None, 0);
    let mut batch = Vec::new();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        // A line without an end is cut: the rest of it is no number either.
        let read = std::io::Read::take(&mut file, LINE_BYTES_MAX as u64).read_until(b'\n', &mut bytes);
        if read.unwrap_or(0) == 0 {
            break;
        }
        line += 1;
        let text = String::from_utf8_lossy(&bytes);
        let first = text.split([',', ';', '\t']).next().unwrap_or_default().trim().trim_matches('"');
        match normalise(first, region) {
            Ok(number) => batch.push(number),
            Err(_) if first.is_empty() => {}
            Err(_) => {
                rejected += 1;
                first_rejected.get_or_insert(line);
            }
        }
        if batch.len() >= SCREEN_BATCH_MAX {
            store.put_screen_numbers(screen, std::mem::take(&mut batch))?;
        }
    }
    store.put_screen_numbers(screen, batch)?;
    Ok(Loaded { numbers: store.end_screen(tenant, screen)?, rejected, first_rejected })
}
