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
use store::{SCREEN_BATCH_MAX, ScreenKind, ScreenRow, StoreError};
use utoipa::{IntoParams, ToSchema};

/// What is read of a line of a file of numbers: one number, and perhaps a date behind it.
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
    /// Loads also what looks wrong: a file without numbers, or with more lines without one than with one.
    #[serde(default)]
    force: bool,
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
/// and then instead of the one before of the same source. A file without numbers, or with more lines without one than with
/// one, is refused unless `force` says otherwise. Where two loads of one source run at once, the one that began first is
/// refused. Campaigns whose profile says how old a list may be do not dial with an older one.
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
    let (tenant, source, force) = (service.tenant, wanted.source, wanted.force);
    let loaded: Result<Loaded, Problem> = service
        .store(move |store| {
            let screen = store.begin_screen(tenant, kind, &source, as_of, at)?;
            let put = |numbers| store.put_screen_numbers(screen, numbers);
            let lines = read(&mut BufReader::new(file), region, put);
            let lines = if force { lines } else { lines.and_then(Lines::plausible) };
            match lines {
                Ok(Lines { rejected, first_rejected, .. }) => {
                    Ok(Ok(Loaded { numbers: store.end_screen(tenant, screen)?, rejected, first_rejected }))
                }
                Err(problem) => {
                    // What cannot be deleted now goes with the next load of the source.
                    let _ = store.give_up_screen(tenant, screen);
                    Ok(Err(problem))
                }
            }
        })
        .await?;
    loaded.map(axum::Json)
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

/// What the lines of a file were.
#[derive(Debug, Default, PartialEq)]
struct Lines {
    /// Lines that hold a number.
    taken: u64,
    rejected: u64,
    first_rejected: Option<u64>,
}

impl Lines {
    /// A wrong column or a wrong region must not take the place of a list that counts.
    fn plausible(self) -> Result<Lines, Problem> {
        if self.taken > 0 && self.rejected <= self.taken {
            return Ok(self);
        }
        let what = match self.first_rejected {
            None => "holds no number".to_owned(),
            Some(first) => format!(
                "holds {} numbers and {} lines without one, line {first} is the first of these",
                self.taken, self.rejected
            ),
        };
        let mend = "put the numbers first in their lines and see whether region fits, or load it as it is with force=true; \
                    the list that was loaded before counts on";
        Err(Problem::field("file", what, mend))
    }
}

/// Reads the numbers of a file to its end, and puts them somewhere batch by batch.
fn read(
    file: &mut impl BufRead,
    region: Region,
    mut put: impl FnMut(Vec<String>) -> Result<(), StoreError>,
) -> Result<Lines, Problem> {
    let (mut lines, mut line) = (Lines::default(), 0);
    let mut batch = Vec::new();
    let mut bytes = Vec::new();
    while next_line(file, &mut bytes).map_err(unreadable)? {
        line += 1;
        let text = String::from_utf8_lossy(&bytes);
        let first = text.split([',', ';', '\t']).next().unwrap_or_default().trim().trim_matches('"');
        match normalise(first, region) {
            Ok(number) => {
                lines.taken += 1;
                batch.push(number);
            }
            Err(_) if first.is_empty() => {}
            Err(_) => {
                lines.rejected += 1;
                lines.first_rejected.get_or_insert(line);
            }
        }
        if batch.len() >= SCREEN_BATCH_MAX {
            put(std::mem::take(&mut batch))?;
        }
    }
    put(batch)?;
    Ok(lines)
}

/// The beginning of the next line; what is longer is passed over. False at the file's end.
fn next_line(file: &mut impl BufRead, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    bytes.clear();
    let read = std::io::Read::take(&mut *file, LINE_BYTES_MAX as u64).read_until(b'\n', bytes)?;
    if read == LINE_BYTES_MAX && bytes.last() != Some(&b'\n') {
        file.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

fn unreadable(error: std::io::Error) -> Problem {
    tracing::error!(%error, "a list of numbers cannot be read back from data_dir");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, ErrorKind, Read};

    fn us() -> Region {
        Region::named("US").unwrap()
    }

    fn numbers(file: &str) -> (Vec<String>, Lines) {
        let mut found = Vec::new();
        let lines = read(&mut Cursor::new(file), us(), |numbers| {
            found.extend(numbers);
            Ok(())
        });
        (found, lines.unwrap())
    }

    #[test]
    fn the_rest_of_a_long_line_is_no_line() {
        // Cut at 256 bytes, the second half of this one would begin with a number.
        let long = format!("no number{}2125550111,x\n2125550100,{}\n", " ".repeat(247), "y".repeat(1_000));
        let (found, lines) = numbers(&format!("{long}+12125550101"));
        assert_eq!(found, ["+12125550100", "+12125550101"]);
        assert_eq!(lines, Lines { taken: 2, rejected: 1, first_rejected: Some(1) });
        // A line that is exactly as long as may be.
        let exact = format!("2125550100,{}\n2125550101\n", "z".repeat(LINE_BYTES_MAX - 12));
        assert_eq!(numbers(&exact).0, ["+12125550100", "+12125550101"]);
    }

    #[test]
    fn a_file_with_few_numbers_or_none_is_refused() {
        let plausible = |file: &str| numbers(file).1.plausible().map_err(|problem| problem.detail);
        for empty in ["", "\n\n"] {
            assert!(plausible(empty).unwrap_err().contains("holds no number"));
        }
        let wrong = plausible("name,phone\nAnn,2125550100\nBob,2125550101\n").unwrap_err();
        assert!(wrong.contains("0 numbers and 3 lines without one, line 1 is the first"), "{wrong}");
        assert!(plausible("phone\nx\n2125550100\n").is_err());
        assert_eq!(plausible("phone\n2125550100\n").unwrap().taken, 1, "a header is no fault");
    }

    #[test]
    fn a_file_that_cannot_be_read_to_its_end_is_no_list() {
        struct Breaks;
        impl Read for Breaks {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(ErrorKind::Other.into())
            }
        }
        let mut file = BufReader::new(Cursor::new("2125550100\n").chain(Breaks));
        assert!(read(&mut file, us(), |_| Ok(())).is_err());
    }
}
