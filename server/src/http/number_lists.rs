//! Lists of numbers from outside, with the day of their source: do-not-call lists, reassigned numbers.
//!
//! ```text
//!  POST ──body, part by part──> thread "numbers": lines ──sorted (import/numbers.rs)──> blocks ──> store, whole at its end
//!                                      └── Progress ──> GET …/loads
//! ```
//!
//! **Invariants.** A body of any length takes the memory of one part. Nothing is written to the store before the body has
//! ended well, and nothing counts before all of it is written. One load is under way at a time.

use super::Service;
use super::extract::Query;
use super::limits::PART_WAIT;
use super::page::Page;
use super::problem::Problem;
use super::upload;
use crate::import::{Lines, NUMBERS_MAX, NumbersFault, Region, Sorted, gather};
use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use base::WallTime;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use store::{ScreenKind, ScreenPacker, ScreenRow, Store, TenantId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_stream::StreamExt;
use utoipa::{IntoParams, ToSchema};

/// Parts of a body that wait to be read: of some 16 KB each.
const PARTS_AHEAD: usize = 8;

/// One line in so many may be without a number: an export has a title or a note here and there, and a list of which more
/// cannot be read would leave numbers callable that stand on it.
const LINES_PER_REJECTED: u64 = 1_000;

/// Part of a body that is passed on; `None` is the body's end. Without that mark nobody could tell a whole body from one
/// whose sender was stopped.
type Part = std::io::Result<Option<Bytes>>;

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
    /// Loads also what looks wrong: a file without numbers, or with more than one line in 1,000 without one beside the
    /// first, which may be a header.
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

/// A load that is under way.
#[derive(Serialize, ToSchema)]
pub(super) struct NumberLoad {
    /// `do_not_call` or `reassigned`.
    kind: &'static str,
    /// Whose list it is.
    source: String,
    /// The day that the source says, in microseconds since the Unix epoch.
    as_of_us: i64,
    /// `receiving` (the file comes in and is sorted) or `storing`.
    state: &'static str,
    /// Bytes of the file that have come.
    bytes: u64,
    /// Size of the file, where its sender said it.
    bytes_total: Option<u64>,
    /// Lines read.
    lines: u64,
    /// Of them with a number.
    numbers: u64,
    /// Different numbers that are stored; the list counts when all of them are.
    stored: u64,
}

/// How far a load is.
struct Progress {
    kind: ScreenKind,
    source: String,
    as_of: WallTime,
    bytes_total: Option<u64>,
    bytes: AtomicU64,
    lines: AtomicU64,
    numbers: AtomicU64,
    stored: AtomicU64,
    storing: AtomicBool,
}

/// The load under way.
pub(super) struct Loads {
    place: Arc<Semaphore>,
    now: Mutex<Option<Arc<Progress>>>,
}

impl Default for Loads {
    fn default() -> Loads {
        Loads { place: Arc::new(Semaphore::new(1)), now: Mutex::new(None) }
    }
}

impl Loads {
    fn set(&self, now: Option<Arc<Progress>>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

/// The one place; free again with this, however the load ends.
struct Place {
    service: Arc<Service>,
    _turn: OwnedSemaphorePermit,
}

impl Place {
    fn take(service: &Arc<Service>, progress: &Arc<Progress>) -> Result<Place, Problem> {
        let turn = service.number_loads.place.clone().try_acquire_owned();
        let turn =
            turn.map_err(|_| Problem::too_many("another list of numbers is loaded now, wait for its end", 10))?;
        service.number_loads.set(Some(Arc::clone(progress)));
        Ok(Place { service: Arc::clone(service), _turn: turn })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.service.number_loads.set(None);
    }
}

/// Lists of numbers in force, by kind and source.
#[utoipa::path(get, path = "/api/v1/number-lists", tag = "compliance", responses((status = 200, body = Page<NumberList>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<axum::Json<Page<NumberList>>, Problem> {
    let tenant = service.tenant;
    let rows = service.store(move |store| store.screens(tenant)).await?;
    Ok(axum::Json(Page::whole(rows.into_iter().map(NumberList::from).collect())))
}

/// How far the load is that is under way; an empty page without one.
#[utoipa::path(get, path = "/api/v1/number-lists/loads", tag = "compliance", responses((status = 200, body = Page<NumberLoad>)))]
pub(super) async fn loads(State(service): State<Arc<Service>>) -> axum::Json<Page<NumberLoad>> {
    let now = service.number_loads.now.lock().unwrap_or_else(PoisonError::into_inner).clone();
    axum::Json(Page::whole(now.iter().map(|progress| progress.shown()).collect()))
}

impl Progress {
    fn shown(&self) -> NumberLoad {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        NumberLoad {
            kind: self.kind.name(),
            source: self.source.clone(),
            as_of_us: self.as_of.as_unix_us(),
            state: if self.storing.load(Ordering::Relaxed) { "storing" } else { "receiving" },
            bytes: of(&self.bytes),
            bytes_total: self.bytes_total,
            lines: of(&self.lines),
            numbers: of(&self.numbers),
            stored: of(&self.stored),
        }
    }
}

/// Loads a list of numbers, one a line (what stands behind a comma, semicolon or tab is left), in any order, up to a
/// billion. The body may be of any length and is worked on as it comes; one of which no part comes for a minute is given up.
/// It counts when it is whole, and then instead of the one before of the same source, which holds until then. A file without
/// numbers, or with more than one line in 1,000 without one (a header in the first line apart), is refused unless `force`
/// says otherwise. One list is loaded at a time; `GET /api/v1/number-lists/loads` tells how far it is. Campaigns whose
/// profile says how old a list may be do not dial with an older one. An `Idempotency-Key` stands for kind, source and day: the body is not compared.
#[utoipa::path(post, path = "/api/v1/number-lists", tag = "compliance", params(LoadQuery),
    request_body(content((String = "text/csv", example = json!("+12125550100\n+12125550101\n")))),
    responses((status = 200, body = Loaded)))]
pub(super) async fn load(
    State(service): State<Arc<Service>>,
    Query(wanted): Query<LoadQuery>,
    request: axum::extract::Request,
) -> Result<axum::Json<Loaded>, Problem> {
    let bytes_total = {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let media = header(CONTENT_TYPE).unwrap_or_default();
        if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/csv") {
            return Err(Problem::media_type("text/csv"));
        }
        header(CONTENT_LENGTH).and_then(|length| length.parse().ok())
    };
    let at = service.wall_now();
    let (kind, as_of, region) = checked(&wanted, at)?;
    let progress = Arc::new(Progress {
        kind,
        source: wanted.source,
        as_of,
        bytes_total,
        bytes: AtomicU64::new(0),
        lines: AtomicU64::new(0),
        numbers: AtomicU64::new(0),
        stored: AtomicU64::new(0),
        storing: AtomicBool::new(false),
    });
    let place = Place::take(&service, &progress)?;
    let (parts, file) = mpsc::channel(PARTS_AHEAD);
    let (answer, answered) = oneshot::channel();
    let work = Work { place, progress: Arc::clone(&progress), region, force: wanted.force, at };
    let thread = std::thread::Builder::new().name("numbers".to_owned()).spawn(move || {
        net::be_background();
        // Nobody may wait for the answer any more; the list is loaded all the same.
        let _ = answer.send(work.run(Received { parts: file, part: Bytes::new(), ended: false }));
    });
    if let Err(error) = thread {
        tracing::error!(%error, "no thread for a list of numbers");
        return Err(Problem::busy("the system gives no thread", 10));
    }
    pass_on(request.into_body(), &parts, &progress).await;
    drop(parts);
    answered.await.unwrap_or_else(|_| Err(Problem::internal())).map(axum::Json)
}

/// Gives the parts of a body to who reads them; a body that breaks off, or of which nothing comes, ends in an error there.
async fn pass_on(body: Body, parts: &mpsc::Sender<Part>, progress: &Progress) {
    let mut body = body.into_data_stream();
    loop {
        let part = match tokio::time::timeout(PART_WAIT, body.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(part))) => Ok(Some(part)),
            Ok(Some(Err(error))) => Err(std::io::Error::other(error)),
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        };
        let bytes = part.as_ref().ok().and_then(Option::as_ref).map(Bytes::len);
        progress.bytes.fetch_add(bytes.unwrap_or_default() as u64, Ordering::Relaxed);
        // Who does not read any more has an answer already.
        if parts.send(part).await.is_err() || bytes.is_none() {
            return;
        }
    }
}

/// A body as a file.
struct Received {
    parts: mpsc::Receiver<Part>,
    part: Bytes,
    ended: bool,
}

impl Read for Received {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.part.is_empty() && !self.ended {
            // A sender that goes without the end was stopped, with the process or its connection.
            match self.parts.blocking_recv().ok_or(std::io::ErrorKind::UnexpectedEof)?? {
                Some(part) => self.part = part,
                None => self.ended = true,
            }
        }
        let part = self.part.split_to(into.len().min(self.part.len()));
        into[..part.len()].copy_from_slice(&part);
        Ok(part.len())
    }
}

/// A list that is to be loaded.
struct Work {
    place: Place,
    progress: Arc<Progress>,
    region: Region,
    force: bool,
    at: WallTime,
}

impl Work {
    fn run(self, file: impl Read) -> Result<Loaded, Problem> {
        let Work { place, progress, region, force, at } = self;
        let service = &place.service;
        let folder = service.config.load().server.data_dir.clone();
        let mut file = BufReader::with_capacity(1 << 16, file);
        let (lines, numbers) = sorted(&mut file, region, &folder, force, &progress)?;
        progress.storing.store(true, Ordering::Relaxed);
        let numbers = stored(&service.store, service.tenant, &progress, at, numbers)?;
        Ok(Loaded { numbers, rejected: lines.rejected, first_rejected: lines.first_rejected })
    }
}

/// What is in the file, if it looks like a list of numbers.
fn sorted(
    file: &mut impl BufRead,
    region: Region,
    folder: &std::path::Path,
    force: bool,
    progress: &Progress,
) -> Result<(Lines, Sorted), Problem> {
    let look = |lines: &Lines| {
        progress.lines.store(lines.lines, Ordering::Relaxed);
        progress.numbers.store(lines.taken, Ordering::Relaxed);
    };
    let (lines, numbers) = gather(file, region, folder, look).map_err(refused)?;
    if !force {
        plausible(&lines)?;
    }
    Ok((lines, numbers))
}

fn refused(fault: NumbersFault) -> Problem {
    match fault {
        NumbersFault::Broken(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            Problem::malformed(format!("nothing of the body came for {} s, send it again", PART_WAIT.as_secs()))
        }
        NumbersFault::Broken(_) => Problem::malformed("the body ended before its end, send it again"),
        NumbersFault::Room(error) => upload::no_room(error),
        NumbersFault::TooMany => Problem::field(
            "file",
            format!("holds more than {NUMBERS_MAX} numbers"),
            "split it into lists of several sources",
        ),
    }
}

/// Writes a load and lets it count; gives its numbers. One that cannot be written to its end is given up.
fn stored(store: &Store, tenant: TenantId, progress: &Progress, at: WallTime, numbers: Sorted) -> Result<u64, Problem> {
    let screen = store.begin_screen(tenant, progress.kind, &progress.source, progress.as_of, at)?;
    let put = |blocks: Vec<store::ScreenBlock>| {
        let count = blocks.iter().map(store::ScreenBlock::numbers).sum::<u64>();
        store.put_screen_blocks(screen, blocks)?;
        progress.stored.fetch_add(count, Ordering::Relaxed);
        Ok::<(), Problem>(())
    };
    let all = || -> Result<u64, Problem> {
        let mut packer = ScreenPacker::default();
        for number in numbers {
            if let Some(blocks) = packer.push(number.map_err(upload::no_room)?)? {
                put(blocks)?;
            }
        }
        put(packer.finish())?;
        Ok(store.end_screen(tenant, screen)?)
    };
    let numbers = all().inspect_err(|_| {
        // What cannot be deleted now goes with the next load of the source.
        let _ = store.give_up_screen(tenant, screen);
    })?;
    sweep(store, tenant);
    Ok(numbers)
}

/// Deletes what counts no more. Whether that can be done now is nothing to who has loaded or removed a list.
fn sweep(store: &Store, tenant: TenantId) {
    if let Err(error) = store.sweep_screens(tenant) {
        tracing::warn!(%error, "lists of numbers that count no more are deleted with the next load");
    }
}

/// Takes a list out of force: what stands on it alone may be dialled again, and its age holds no campaign up any more. For
/// a source that is not loaded any more, or was misnamed.
#[utoipa::path(delete, path = "/api/v1/number-lists/{kind}/{source}", tag = "compliance",
    params(("kind" = String, Path, description = "`do_not_call` or `reassigned`"),
        ("source" = String, Path, description = "Whose list it is, as its loader named it")),
    responses((status = 204, description = "It counts no more")))]
pub(super) async fn remove(
    State(service): State<Arc<Service>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Ok(Path((kind, source))) = path else {
        return Err(Problem::malformed("the path is no UTF-8, percent-encode it"));
    };
    let missing = || Problem::not_found(format!("a list of the kind {kind:?} and the source {source:?}"));
    let (tenant, known) = (service.tenant, ScreenKind::named(&kind).ok_or_else(missing)?);
    let wanted = source.clone();
    let was_there = service.store(move |store| store.drop_screen(tenant, known, &wanted)).await?;
    if !was_there {
        return Err(missing());
    }
    // Part by part, which can take minutes: nobody waits for it.
    let store = Arc::clone(&service.store);
    tokio::task::spawn_blocking(move || sweep(&store, tenant));
    Ok(StatusCode::NO_CONTENT)
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

/// A wrong column, a wrong region or a file in another notation must not take the place of a list that counts.
fn plausible(lines: &Lines) -> Result<(), Problem> {
    let header = u64::from(lines.first_rejected == Some(1));
    let rejected = lines.rejected - header;
    if lines.taken > 0 && rejected.saturating_mul(LINES_PER_REJECTED) <= lines.taken {
        return Ok(());
    }
    let what = match lines.first_rejected {
        None => "holds no number".to_owned(),
        Some(first) => format!(
            "holds {} numbers and {} lines without one, line {first} is the first of these; one in {LINES_PER_REJECTED} \
             may be beside a header",
            lines.taken, lines.rejected
        ),
    };
    let mend = "put the numbers first in their lines and see whether region fits, or load it as it is with force=true; \
                the list that was loaded before counts on";
    Err(Problem::field("file", what, mend))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_file_with_few_numbers_or_none_is_refused() {
        let lines = |file: &str| {
            let folder = tempfile::tempdir().unwrap();
            let region = Region::named("US").unwrap();
            gather(&mut Cursor::new(file), region, folder.path(), |_| ()).map_err(refused).unwrap().0
        };
        let plausible = |file: &str| plausible(&lines(file)).map_err(|problem| problem.detail);
        for empty in ["", "\n\n"] {
            assert!(plausible(empty).unwrap_err().contains("holds no number"));
        }
        let wrong = plausible("name,phone\nAnn,2125550100\nBob,2125550101\n").unwrap_err();
        assert!(wrong.contains("0 numbers and 3 lines without one, line 1 is the first"), "{wrong}");
        assert!(plausible("phone\nx\n2125550100\n").is_err());
        assert_eq!(plausible("phone\n2125550100\n"), Ok(()), "a header is no fault");
        // Of a list that comes into force as fresh next to nothing may be unread.
        let file = |numbers: u64, others: &str| {
            let numbers: String = (0..numbers).map(|n| format!("+{}\n", 12_122_000_000 + n)).collect();
            format!("phone\n{numbers}{others}")
        };
        assert_eq!(plausible(&file(2_000, "x\ny\n")), Ok(()));
        let unread = plausible(&file(2_000, "x\ny\nz\n")).unwrap_err();
        assert!(unread.contains("2000 numbers and 4 lines without one, line 1 is the first"), "{unread}");
        assert!(unread.contains("one in 1000 may be beside a header"), "{unread}");
        assert!(plausible(&file(999, "x\n")).is_err());
    }

    #[test]
    fn a_body_whose_sender_is_stopped_is_not_whole() {
        let read = |end: Option<Part>| {
            let (parts, file) = mpsc::channel(PARTS_AHEAD);
            parts.blocking_send(Ok(Some(Bytes::from_static(b"+12125550100\n")))).unwrap();
            if let Some(end) = end {
                parts.blocking_send(end).unwrap();
            }
            drop(parts);
            let mut file = Received { parts: file, part: Bytes::new(), ended: false };
            let mut text = String::new();
            let first = file.read_to_string(&mut text).map_err(|error| error.kind());
            // Asked again after its end it says the same.
            assert_eq!(file.read(&mut [0; 8]).map_err(|error| error.kind()), first.map(|_| 0));
            first
        };
        assert_eq!(read(Some(Ok(None))), Ok(13));
        assert_eq!(read(None), Err(std::io::ErrorKind::UnexpectedEof));
    }
}
