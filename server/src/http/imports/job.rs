//! Imports at work: the worker of each, what holds it, and how one that its process has left goes on.
//!
//! ```text
//!  file in data_dir/imports/ID.csv, options in its row ──> import_rest ──> JobSink ──> leads · rejected rows · progress
//!         ^── mend: what is running or paused when a process starts ──> behind the rows of the last progress
//! ```
//!
//! **Invariants.** A part is written in this order: its leads, its rejected rows, its progress. What a kill cuts off
//! between them is done again: leads that are there stay one (and count as duplicates), rejected rows behind the last
//! progress are forgotten first. The file goes when the import is over; at most [`IMPORTS_MAX`] are there, and what is
//! coming in.

use super::super::limits::IMPORTS_MAX;
use super::super::problem::Problem;
use super::super::{Service, wall_now};
use super::{Import, list_names};
use crate::control::{Journal, Request};
use crate::failure::Failure;
use crate::import::{self, Field, ImportOptions, LeadSink, Rejected};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::{
    ImportId, ImportProgress, ImportRow, Imported, NewLead, REJECTS_BATCH_MAX, Reject, Store, StoreError, TenantId,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where files of imports are, in `data_dir`.
pub(super) const FOLDER: &str = "imports";

/// How often events tell how far an import is: a bar that moves, and no flood.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Imports under way, and places for them.
pub(in crate::http) struct Running {
    pub(super) places: Arc<Semaphore>,
    /// What is wanted of each. At most [`IMPORTS_MAX`].
    reins: Mutex<BTreeMap<u64, Arc<Rein>>>,
}

/// What people want of an import under way.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Wish {
    #[default]
    GoOn,
    Pause,
    Cancel,
}

/// By which an import is held; it looks before each part.
#[derive(Default)]
pub(super) struct Rein {
    wish: Mutex<Wish>,
    changed: Condvar,
}

impl Rein {
    pub(super) fn wish(&self) -> Wish {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is to end ends, whatever is wanted later.
    pub(super) fn set(&self, wanted: Wish) {
        let mut wish = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
        if *wish != Wish::Cancel {
            *wish = wanted;
        }
        self.changed.notify_all();
    }

    /// Until it is to go on or to end.
    fn wait(&self) {
        let wish = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(wish, |wish| *wish == Wish::Pause));
    }
}

impl Default for Running {
    fn default() -> Self {
        Running { places: Arc::new(Semaphore::new(IMPORTS_MAX)), reins: Mutex::default() }
    }
}

impl Running {
    pub(super) fn reins(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Rein>>> {
        self.reins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Imports a file and writes down how it goes, to its end. False: its end could not be written down, so for the next process
/// it is still under way.
fn work(mut sink: JobSink<'_>, file: impl Read + Send, options: &ImportOptions) -> bool {
    // A fault of ours ends this import, and not without a word: nobody else would end it before the next start.
    let taken = sink.row.progress.lines;
    let result = catch_unwind(AssertUnwindSafe(|| {
        if taken == 0 {
            // Rows of a process that ended before it wrote down that it had begun.
            sink.goes_on(0)?;
        }
        import::import_rest(file, options, taken, &mut sink)
    }));
    let result = result.unwrap_or_else(|_| {
        tracing::error!(import = sink.row.import.0, "an import ended by a panic");
        Err(Failure::failed("the server met a fault of its own, the log of the same moment says more"))
    });
    // What was refused is kept, however it ended.
    let kept = sink.keep_rejects();
    let result = result.and_then(|_| {
        kept?;
        if sink.row.new.dry_run { Ok(()) } else { sink.store.end_import(sink.tenant).map_err(said) }
    });
    let was_cancelled = sink.rein.wish() == Wish::Cancel;
    let progress = &mut sink.row.progress;
    progress.ended_at = Some(wall_now());
    match result {
        Ok(()) => {
            progress.state = "done".to_owned();
            progress.bytes = sink.row.new.bytes_total;
        }
        Err(_) if was_cancelled => progress.state = "cancelled".to_owned(),
        Err(failure) => {
            let line = failure.to_string();
            progress.state = "failed".to_owned();
            progress.error = Some(line.strip_prefix("error: ").unwrap_or(&line).to_owned());
        }
    }
    if let Err(failure) = sink.write_down() {
        tracing::error!(%failure, "the end of an import could not be written down; the next start goes on with it");
        return false;
    }
    sink.tell();
    true
}

/// Goes on with imports that an earlier process did not end, each behind the last part that was written down; one whose
/// file is gone has failed. Files of no import are deleted.
pub(in crate::http) async fn mend(service: &Arc<Service>) {
    let tenant = service.tenant;
    // The latest page: at most IMPORTS_MAX of them can have been running.
    let left = service.store(move |store| {
        let mut left = store.imports(tenant, None, 0)?;
        left.retain(|row| matches!(row.progress.state.as_str(), "running" | "paused"));
        Ok((left, list_names(store, tenant)?))
    });
    let (left, lists) = match left.await {
        Ok(left) => left,
        Err(problem) => {
            tracing::warn!(problem = problem.detail, "imports of an earlier process could not be looked for");
            return;
        }
    };
    clear(service, &left);
    // In the order in which they were begun.
    for row in left.into_iter().rev() {
        let found = File::open(path(service, row.import)).ok().zip(row.new.options.as_deref().and_then(options_of));
        let place = service.imports.places.clone().try_acquire_owned();
        if let (Some((file, options)), Ok(place)) = (found, place) {
            let name = lists.get(&row.new.list.0).cloned().unwrap_or_default();
            tracing::info!(import = row.import.0, "an import goes on behind row {}", row.progress.lines);
            start(service, place, row, name, file, options);
            continue;
        }
        let at = service.wall_now();
        let error = "the server stopped before its end and its file is gone or cannot be read as it was, import it again: \
                     what is there stays";
        let error = Some(error.to_owned());
        let progress = ImportProgress { state: "failed".to_owned(), ended_at: Some(at), error, ..row.progress };
        if let Err(problem) = service.store(move |store| store.update_import(tenant, row.import, &progress)).await {
            tracing::warn!(problem = problem.detail, "an import of an earlier process could not be ended");
        }
    }
}

/// Deletes files of imports that are over.
fn clear(service: &Service, left: &[ImportRow]) {
    let folder = service.config.load().server.data_dir.join(FOLDER);
    let Ok(files) = std::fs::read_dir(folder) else { return };
    let wanted: Vec<PathBuf> = left.iter().map(|row| path(service, row.import)).collect();
    for file in files.flatten().map(|file| file.path()).filter(|file| !wanted.contains(file)) {
        if let Err(error) = std::fs::remove_file(&file) {
            tracing::warn!(%error, file = %file.display(), "the file of an import that is over could not be deleted");
        }
    }
}

/// Works on an import in the background, from where it stands; `place` is its place among those under way.
pub(super) fn start(
    service: &Arc<Service>,
    place: OwnedSemaphorePermit,
    row: ImportRow,
    list_name: String,
    file: File,
    options: ImportOptions,
) {
    let (import, list, rehearsal) = (row.import, row.new.list, row.new.dry_run);
    let rein = Arc::new(Rein::default());
    if row.progress.state == "paused" {
        rein.set(Wish::Pause);
    }
    service.imports.reins().insert(import.0, rein.clone());
    let worker = service.clone();
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let lists = BTreeMap::from([(list.0, list_name)]);
        let journal = worker.control.journal().clone();
        let sink = JobSink::new(&worker.store, worker.tenant, journal, row, lists, rein);
        let ended = work(sink, BufReader::new(file), &options);
        worker.imports.reins().remove(&import.0);
        // A process that stops closes the store under its imports: the next one needs the file.
        if ended && let Err(error) = std::fs::remove_file(path(&worker, import)) {
            tracing::warn!(%error, "the file of an import that is over could not be deleted");
        }
        // Campaigns over the list look again; one that is gone cannot.
        if !rehearsal && let Err(refusal) = runtime.block_on(worker.control.ask(Request::ListGrew(list))) {
            tracing::warn!(%refusal, "campaigns were not told that their list has grown");
        }
    });
}

/// Where the file of an import is until its end.
pub(super) fn path(service: &Service, import: ImportId) -> PathBuf {
    service.config.load().server.data_dir.join(FOLDER).join(format!("{}.csv", import.0))
}

/// How a file is read, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    region: String,
    map: BTreeMap<String, String>,
    encoding: Option<String>,
}

pub(super) fn kept(options: &ImportOptions) -> String {
    let kept = Kept {
        region: options.region.clone(),
        map: options.map.iter().map(|(field, column)| (field.name().to_owned(), column.clone())).collect(),
        encoding: options.encoding.map(|encoding| encoding.name().to_owned()),
    };
    serde_json::to_string(&kept).unwrap_or_default()
}

/// `None` for what another program wrote.
fn options_of(text: &str) -> Option<ImportOptions> {
    let kept: Kept = serde_json::from_str(text).ok()?;
    let encoding = match kept.encoding {
        None => None,
        Some(name) => Some(import::encoding_named(&name)?),
    };
    let map = kept.map.into_iter().map(|(field, column)| Some((Field::named(&field)?, column)));
    Some(ImportOptions { region: kept.region, map: map.collect::<Option<_>>()?, encoding })
}

/// A fault of the store in words of the API.
fn said(error: StoreError) -> Failure {
    Failure::failed(Problem::from(error).detail)
}

/// Leads and rejected rows into the store, with progress after every batch.
struct JobSink<'a> {
    store: &'a Store,
    tenant: TenantId,
    journal: Journal,
    /// The import as it stands.
    row: ImportRow,
    /// The name of its list.
    lists: BTreeMap<u64, String>,
    reasons: BTreeMap<String, u64>,
    rejects: Vec<Reject>,
    rein: Arc<Rein>,
    told_at: Option<Instant>,
}

impl<'a> JobSink<'a> {
    fn new(
        store: &'a Store,
        tenant: TenantId,
        journal: Journal,
        row: ImportRow,
        lists: BTreeMap<u64, String>,
        rein: Arc<Rein>,
    ) -> Self {
        let (reasons, rejects) = (serde_json::from_str(&row.progress.reasons).unwrap_or_default(), Vec::new());
        JobSink { store, tenant, journal, row, lists, reasons, rejects, rein, told_at: None }
    }

    fn keep_rejects(&mut self) -> Result<(), Failure> {
        if !self.rejects.is_empty() {
            let rejects = std::mem::take(&mut self.rejects);
            self.store.put_rejects(self.tenant, self.row.import, &rejects).map_err(said)?;
        }
        Ok(())
    }

    /// Does what is wanted of it: goes on, waits, or ends.
    fn obey(&mut self) -> Result<(), Failure> {
        loop {
            match self.rein.wish() {
                Wish::Cancel => return Err(Failure::failed("cancelled")),
                Wish::GoOn => return self.say("running"),
                Wish::Pause => {
                    self.say("paused")?;
                    self.rein.wait();
                }
            }
        }
    }

    fn say(&mut self, state: &str) -> Result<(), Failure> {
        if self.row.progress.state != state {
            self.row.progress.state = state.to_owned();
            self.write_down()?;
            self.tell();
        }
        Ok(())
    }

    fn write_down(&mut self) -> Result<(), Failure> {
        self.row.progress.reasons = serde_json::to_string(&self.reasons).unwrap_or_default();
        self.store.update_import(self.tenant, self.row.import, &self.row.progress).map_err(said)
    }

    /// An event with the import as it stands.
    fn tell(&mut self) {
        self.told_at = Some(Instant::now());
        let import = Import::of(self.row.clone(), &self.lists);
        self.journal.tell(wall_now().as_unix_us(), "import.state", serde_json::to_value(import).unwrap_or_default());
    }
}

impl LeadSink for JobSink<'_> {
    /// Here and not between the rows of a part: what is written down while it waits must be whole parts, for whoever goes
    /// on begins behind them.
    fn part(&mut self) -> Result<(), Failure> {
        self.obey()
    }

    fn add(&mut self, batch: Vec<NewLead>) -> Result<Imported, Failure> {
        let rows = batch.len() as u64;
        let list = self.row.new.list;
        let imported = match self.row.new.dry_run {
            true => self.store.rehearse_leads(self.tenant, list, batch),
            false => self.store.import_leads(self.tenant, list, batch, self.row.started_at),
        };
        let imported = imported.map_err(said)?;
        let progress = &mut self.row.progress;
        progress.lines += rows;
        progress.accepted += imported.added;
        progress.duplicates += imported.already_there;
        Ok(imported)
    }

    fn reject(&mut self, row: &Rejected) -> Result<(), Failure> {
        let progress = &mut self.row.progress;
        progress.lines += 1;
        if row.duplicate {
            progress.duplicates += 1;
        } else {
            progress.rejected += 1;
            *self.reasons.entry(row.reason.clone()).or_default() += 1;
        }
        let field = row.field.to_owned();
        self.rejects.push(Reject { line: row.line, field, reason: row.reason.clone(), raw: row.value.clone() });
        if self.rejects.len() >= REJECTS_BATCH_MAX { self.keep_rejects() } else { Ok(()) }
    }

    fn goes_on(&mut self, line: u64) -> Result<(), Failure> {
        self.store.forget_rejects(self.tenant, self.row.import, line).map_err(said)
    }

    fn progress(&mut self, bytes: u64) -> Result<(), Failure> {
        // What is counted is kept: whoever goes on begins behind it.
        self.keep_rejects()?;
        self.row.progress.bytes = bytes;
        self.write_down()?;
        if self.told_at.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            self.tell();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::NewImport;

    /// A fault of ours in the middle of a file.
    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
            panic!("a fault of the program")
        }
    }

    #[test]
    fn an_import_that_panics_has_failed() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("outpace.db").display());
        let (store, _acks) = Store::open(&url).unwrap();
        let (tenant, at) = (TenantId::DEFAULT, wall_now());
        let list = store.create_list(tenant, "leads", at).unwrap();
        let new = NewImport { list, file_name: String::new(), bytes_total: 9, dry_run: false, options: None };
        let import = store.put_import(tenant, &new, at).unwrap();
        let row = ImportRow { import, new, started_at: at, progress: ImportProgress::default() };
        let sink = JobSink::new(&store, tenant, Journal::new(7), row, BTreeMap::new(), Arc::default());
        work(sink, Broken, &ImportOptions::default());
        let progress = store.import(tenant, import).unwrap().unwrap().progress;
        assert_eq!((progress.state.as_str(), progress.ended_at.is_some()), ("failed", true));
        assert!(progress.error.unwrap().contains("fault"));
    }

    #[test]
    fn how_a_file_is_read_is_kept() {
        let map = BTreeMap::from([(Field::Phone, "Telefon, privat".to_owned()), (Field::Timezone, String::new())]);
        let options = ImportOptions { region: "DE".to_owned(), map, encoding: import::encoding_named("windows-1251") };
        assert_eq!(options_of(&kept(&options)), Some(options));
        assert_eq!(options_of(&kept(&ImportOptions::default())), Some(ImportOptions::default()));
        for other in ["", "{}", r#"{"region":"DE","map":{"colour":"x"},"encoding":null}"#] {
            assert_eq!(options_of(other), None, "{other}");
        }
    }
}
