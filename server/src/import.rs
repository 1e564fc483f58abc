//! Leads from a CSV file: columns mapped, numbers made E.164, duplicates and rubbish told apart and said.
//!
//! ```text
//!  thread "csv": CSV ──row──> columns ──> number, zone, texts ──> duplicate in the file? ──> part
//!                               └── what is wrong ─────────────────────┴── Rejected ───────────┤
//!  the caller:                                            LeadSink (store, error file) <── queue of 2 parts
//! ```
//!
//! **Invariants.** Every row is counted in exactly one of added, already_on_list, duplicates, rejected. The first row of
//! a number counts. What is wrong with one row never stops the others; only the file, its header and the store can.

mod cells;
mod command;
mod encoding;
mod numbers;
mod phone;
mod preview;
mod suggest;

pub(crate) use cells::is_zone;

pub(crate) use command::harmless;
pub use command::{ImportArgs, run};
pub use encoding::named as encoding_named;
pub(crate) use numbers::{Lines, NUMBERS_MAX, NumbersFault, Sorted, gather};
pub use phone::{PhoneFault, Region, normalise};
pub use preview::{Preview, PreviewColumn, PreviewFault, PreviewRow, preview};

use crate::failure::Failure;
use base::{ListId, WallTime};
use cells::Columns;
use encoding_rs::Encoding;
use serde::Serialize;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::rc::Rc;
use std::sync::mpsc;
use store::{Imported, NewLead, Store};

/// Rows of one file: each takes 24 bytes of memory to find its duplicates, so 10 million take 240 MB.
pub const ROWS_MAX: u64 = 10_000_000;

/// Rows given to the sink at once: as many leads as the store takes in one call, and some progress reports a second.
const PART_ROWS: usize = store::IMPORT_BATCH_MAX;

/// Parts read ahead of the sink: with the two in hand some 40,000 rows of 250 bytes, 10 MB.
const PARTS_AHEAD: usize = 2;

/// How to read a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportOptions {
    /// The country whose notation numbers without a country code follow (ISO 3166, two letters).
    pub region: String,
    /// Which column of the file holds a field, where its name is not the field's own; an empty name: none does.
    pub map: BTreeMap<Field, String>,
    /// What the file is saved in; `None`: as its beginning looks.
    pub encoding: Option<&'static Encoding>,
}

impl Default for ImportOptions {
    /// Columns by their own names, numbers as in the United States.
    fn default() -> Self {
        ImportOptions { region: "US".to_owned(), map: BTreeMap::new(), encoding: None }
    }
}

/// A field of a lead.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Field {
    /// Telephone number; the only one that must be there.
    Phone,
    /// The person's second number.
    Phone2,
    /// The third.
    Phone3,
    /// The fourth.
    Phone4,
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// IANA name of the zone that the person lives in.
    Timezone,
    /// The lead's id in the system it came from.
    ExternalId,
    /// The group of leads that it belongs to.
    Segment,
    /// Where the person lives: a state, a county.
    Region,
    /// A whole number; larger ones come first.
    Priority,
}

impl Field {
    /// Further numbers, in the order in which they are dialled.
    pub const FURTHER: [Field; 3] = [Field::Phone2, Field::Phone3, Field::Phone4];

    /// All of them, in the order in which they are named.
    pub const ALL: [Field; 11] = [
        Field::Phone,
        Field::Phone2,
        Field::Phone3,
        Field::Phone4,
        Field::FirstName,
        Field::LastName,
        Field::Timezone,
        Field::ExternalId,
        Field::Segment,
        Field::Region,
        Field::Priority,
    ];

    /// The name in the default header and in a map.
    pub fn name(self) -> &'static str {
        match self {
            Field::Phone => "phone",
            Field::Phone2 => "phone2",
            Field::Phone3 => "phone3",
            Field::Phone4 => "phone4",
            Field::FirstName => "first_name",
            Field::LastName => "last_name",
            Field::Timezone => "timezone",
            Field::ExternalId => "external_id",
            Field::Segment => "segment",
            Field::Region => "region",
            Field::Priority => "priority",
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// A row that was not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its line in the file, from 1 (the header is line 1).
    pub line: u64,
    /// The column that is at fault.
    pub field: &'static str,
    /// What stood there.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
    /// It is a second row of a number, not rubbish.
    pub duplicate: bool,
}

/// Where leads go.
pub trait LeadSink {
    /// A part of the file comes next: the place to wait or to end, with everything before it told.
    ///
    /// # Errors
    /// Ends the import.
    fn part(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Takes leads with different E.164 numbers.
    ///
    /// # Errors
    /// Ends the import.
    fn add(&mut self, batch: Vec<NewLead>) -> Result<Imported, Failure>;

    /// Hears of a row that is not imported.
    ///
    /// # Errors
    /// Ends the import.
    fn reject(&mut self, _row: &Rejected) -> Result<(), Failure> {
        Ok(())
    }

    /// Hears where an import that goes on has come to what is new: behind this line of the file.
    ///
    /// # Errors
    /// Ends the import.
    fn goes_on(&mut self, _line: u64) -> Result<(), Failure> {
        Ok(())
    }

    /// Hears how many bytes of the file have been read.
    ///
    /// # Errors
    /// Ends the import.
    fn progress(&mut self, _bytes: u64) -> Result<(), Failure> {
        Ok(())
    }
}

/// Puts leads on a list of a store; rejected rows are only counted.
pub struct StoreSink<'a> {
    store: &'a Store,
    /// `None`: a rehearsal for a list that is not there yet.
    list: Option<ListId>,
    /// As imported at this moment; `None`: a rehearsal.
    at: Option<WallTime>,
}

impl<'a> StoreSink<'a> {
    /// Onto `list`, as imported at `at`.
    pub fn new(store: &'a Store, list: ListId, at: WallTime) -> Self {
        StoreSink { store, list: Some(list), at: Some(at) }
    }

    /// Counts what would go onto `list`, or onto one that would be made; writes nothing.
    pub fn rehearsal(store: &'a Store, list: Option<ListId>) -> Self {
        StoreSink { store, list, at: None }
    }
}

impl LeadSink for StoreSink<'_> {
    fn add(&mut self, batch: Vec<NewLead>) -> Result<Imported, Failure> {
        let tenant = store::TenantId::DEFAULT;
        Ok(match (self.list, self.at) {
            (Some(list), Some(at)) => self.store.import_leads(tenant, list, batch, at)?,
            (Some(list), None) => self.store.rehearse_leads(tenant, list, batch)?,
            (None, _) => Imported { added: batch.len() as u64, already_there: 0 },
        })
    }
}

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Rows below the header that are not blank.
    pub rows: u64,
    /// New on the list.
    pub added: u64,
    /// The number was on the list before; the old lead stands.
    pub already_on_list: u64,
    /// Second rows of a number in the same file.
    pub duplicates: u64,
    /// Rubbish.
    pub rejected: u64,
    /// Rejected rows by reason.
    pub reasons: BTreeMap<String, u64>,
}

/// Reads a CSV file with a header (comma, semicolon or tab) and gives its leads to `sink`.
///
/// # Errors
/// A header without the wanted columns or an unknown region (wrong use); a file that cannot be read, more than
/// [`ROWS_MAX`] rows, whatever the sink refuses.
pub fn import_csv(
    input: impl Read + Send,
    options: &ImportOptions,
    sink: &mut impl LeadSink,
) -> Result<ImportReport, Failure> {
    import_rest(input, options, 0, sink)
}

/// As [`import_csv`], of what stands behind the first `taken` rows: these are only read for the numbers that they have.
/// The report is of the others.
///
/// # Errors
/// As [`import_csv`].
pub fn import_rest(
    input: impl Read + Send,
    options: &ImportOptions,
    taken: u64,
    sink: &mut impl LeadSink,
) -> Result<ImportReport, Failure> {
    let region = region_of(options)?;
    std::thread::scope(|scope| {
        let (parts, read) = mpsc::sync_channel(PARTS_AHEAD);
        let reader = std::thread::Builder::new().name("csv".to_owned());
        let reader = reader
            .spawn_scoped(scope, move || read_parts(input, options, region, taken, &parts))
            .map_err(|e| Failure::io("a thread for the CSV file", e))?;
        let mut report = ImportReport::default();
        let taken = read.iter().try_for_each(|part| take_part(part, &mut report, sink));
        // A reader whose parts nobody takes any more ends.
        drop(read);
        let ended = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        taken.and(ended).map(|()| report)
    })
}

/// What has been read of the file since the part before.
#[derive(Default)]
struct Part {
    leads: Vec<NewLead>,
    rejected: Vec<Rejected>,
    /// The line of the last row that was taken before.
    goes_on: Option<u64>,
    /// Bytes of the file up to here.
    bytes: u64,
}

fn take_part(part: Part, report: &mut ImportReport, sink: &mut impl LeadSink) -> Result<(), Failure> {
    sink.part()?;
    report.rows += (part.leads.len() + part.rejected.len()) as u64;
    if let Some(line) = part.goes_on {
        sink.goes_on(line)?;
    }
    for rejected in &part.rejected {
        if rejected.duplicate {
            report.duplicates += 1;
        } else {
            report.rejected += 1;
            *report.reasons.entry(rejected.reason.clone()).or_default() += 1;
        }
        sink.reject(rejected)?;
    }
    if !part.leads.is_empty() {
        let imported = sink.add(part.leads)?;
        report.added += imported.added;
        report.already_on_list += imported.already_there;
    }
    sink.progress(part.bytes)
}

/// Reads the file to its end, or until nobody takes its parts.
fn read_parts(
    input: impl Read,
    options: &ImportOptions,
    region: Region,
    taken: u64,
    parts: &mpsc::SyncSender<Part>,
) -> Result<(), Failure> {
    let (input, _, read) = source(input, options, None)?;
    let mut rows = cells::Rows::open(input)?;
    let columns = Columns::find(rows.header(), &options.map)?;
    let mut import = Import { rows: 0, taken, seen: HashMap::new(), part: Part::default(), region };
    while let Some(row) = rows.next()? {
        import.row(&columns, &row)?;
        if import.part.leads.len() + import.part.rejected.len() >= PART_ROWS {
            import.part.bytes = read.get();
            if parts.send(std::mem::take(&mut import.part)).is_err() {
                return Ok(());
            }
        }
    }
    import.part.bytes = read.get();
    // Whoever takes no more has its own reason to say.
    let _ = parts.send(import.part);
    Ok(())
}

fn region_of(options: &ImportOptions) -> Result<Region, Failure> {
    Region::named(&options.region).ok_or_else(|| {
        let place = format!("region {:?}", options.region);
        Failure::usage(&place, "is no country", "give two letters such as US, GB, DE")
    })
}

/// A file in UTF-8, what it is saved in, and how many of its bytes have been read. `whole`: whether its beginning is all
/// of it, where that is known better than by reading.
fn source(
    mut input: impl Read,
    options: &ImportOptions,
    whole: Option<bool>,
) -> Result<(impl Read, &'static Encoding, Rc<Cell<u64>>), Failure> {
    let mut beginning = Vec::new();
    let look = input.by_ref().take(encoding::LOOK_BYTES as u64).read_to_end(&mut beginning);
    look.map_err(|e| Failure::io("the CSV file", e))?;
    let whole = whole.unwrap_or(beginning.len() < encoding::LOOK_BYTES);
    let encoding = options.encoding.unwrap_or_else(|| encoding::guess(&beginning, whole, &options.region));
    let read = Rc::new(Cell::new(0));
    let counted = Counted { input: Cursor::new(beginning).chain(input), read: Rc::clone(&read) };
    Ok((encoding::utf8(counted, encoding), encoding, read))
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// A file on its way in.
struct Import {
    rows: u64,
    /// So many of them were taken before.
    taken: u64,
    /// Digits of each number and the line that it stood on first. Only asked, never walked through.
    seen: HashMap<u64, u64>,
    part: Part,
    region: Region,
}

impl Import {
    fn row(&mut self, columns: &Columns, row: &cells::Row<'_>) -> Result<(), Failure> {
        self.rows += 1;
        if self.rows > ROWS_MAX {
            return Err(Failure::failed(format!(
                "more than {ROWS_MAX} rows, line {}, split the file and import its parts",
                row.line
            )));
        }
        if self.rows == self.taken {
            self.part.goes_on = Some(row.line);
        }
        let rejected = match columns.lead(row, self.region) {
            Ok(lead) => match self.seen.entry(digits(&lead.number)) {
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(row.line);
                    if self.rows > self.taken {
                        self.part.leads.push(lead);
                    }
                    return Ok(());
                }
                std::collections::hash_map::Entry::Occupied(first) => columns.repeated(row, *first.get()),
            },
            Err(rejected) => rejected,
        };
        if self.rows > self.taken {
            self.part.rejected.push(rejected);
        }
        Ok(())
    }
}

/// The digits of an E.164 number: at most 15, so they fit.
fn digits(e164: &str) -> u64 {
    e164.bytes().filter(u8::is_ascii_digit).fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
}

#[cfg(test)]
mod tests;
