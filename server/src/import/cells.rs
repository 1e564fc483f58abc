//! The file as rows and columns: separator, header, limits. The wrapped library is `csv`.

use super::phone::{Region, normalise};
use super::{Field, Rejected};
use crate::failure::Failure;
use csv::{ByteRecord, ReaderBuilder};
use jiff::tz::TimeZoneDatabase;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io::{Chain, Cursor, Read};
use std::rc::Rc;
use store::NewLead;

/// Longest row: a few hundred columns of free text. A quote that is never closed would else swallow the whole file.
const ROW_BYTES_MAX: usize = 1 << 20;
/// Longest text that is kept of a cell: the longest names and zones have about 60 bytes.
const CELL_BYTES_MAX: usize = 256;
/// How much of the file is looked at for its separator: a header of hundreds of columns.
const BEGINNING_BYTES: u64 = 64 * 1024;
/// Largest priority, and with a minus sign the smallest: finer grades than anybody tells apart.
const PRIORITY_MAX: i64 = 1_000_000;
/// How much of a bad value is said.
const SAID_CHARS_MAX: usize = 60;

/// The rows of a file.
pub(super) struct Rows<R: Read> {
    reader: csv::Reader<Watched<Chain<Cursor<Vec<u8>>, R>>>,
    read: Rc<RefCell<BeingRead>>,
    header: Vec<String>,
    record: ByteRecord,
    delimiter: u8,
}

/// One row.
pub(super) struct Row<'a> {
    /// The line that it begins on, from 1.
    pub(super) line: u64,
    /// What it holds.
    pub(super) cells: &'a ByteRecord,
}

impl<R: Read> Rows<R> {
    /// Reads the header and finds the separator by it.
    pub(super) fn open(mut input: R) -> Result<Self, Failure> {
        // A decoder may give a few bytes at a time.
        let mut beginning = Vec::new();
        input.by_ref().take(BEGINNING_BYTES).read_to_end(&mut beginning).map_err(|e| Failure::io("the CSV file", e))?;
        let delimiter = separator(&beginning);
        let input = Cursor::new(beginning).chain(input);
        let read = Rc::new(RefCell::new(BeingRead::default()));
        let watched = Watched { input, read: Rc::clone(&read) };
        let mut reader =
            ReaderBuilder::new().delimiter(delimiter).flexible(true).buffer_capacity(64 * 1024).from_reader(watched);
        let header = reader.byte_headers().map_err(|e| fault(&e))?;
        // The csv library takes a byte order mark off by itself.
        let header = header.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        Ok(Rows { reader, read, header, record: ByteRecord::new(), delimiter })
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// What separates the columns.
    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The next row that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, Failure> {
        loop {
            self.read.borrow_mut().since_row = 0;
            if !self.reader.read_byte_record(&mut self.record).map_err(|e| fault(&e))? {
                return Ok(None);
            }
            if self.record.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                break;
            }
        }
        let begins = self.record.position().map_or(0, csv::Position::byte);
        let line = self.read.borrow_mut().line_at(begins);
        Ok(Some(Row { line, cells: &self.record }))
    }
}

fn fault(error: &csv::Error) -> Failure {
    let place = error.position().map_or_else(|| "the CSV file".to_owned(), |place| format!("line {}", place.line()));
    Failure::failed(format!("{error}, {place}, mend the file and import it again"))
}

/// The separator that the header line has most of, outside quotes: spreadsheets write semicolons where the comma is the
/// decimal point.
fn separator(beginning: &[u8]) -> u8 {
    let (mut quoted, mut counts) = (false, [(b',', 0), (b';', 0), (b'\t', 0)]);
    for byte in beginning {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'\n' | b'\r' => break,
            byte => counts.iter_mut().filter(|(separator, _)| separator == byte).for_each(|(_, count)| *count += 1),
        }
    }
    // The first of equals: a header of one column has none and is read with commas.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| separator)
}

/// What has been read of the file, ahead of its rows.
#[derive(Default)]
struct BeingRead {
    /// Bytes since the last row began.
    since_row: usize,
    /// Bytes in all.
    bytes: u64,
    /// The last of them was a CR.
    was_cr: bool,
    /// Where the lines end that no row has passed yet, and with how many bytes (LF, CR, CR LF). At most what is read
    /// ahead: a row of [`ROW_BYTES_MAX`] bytes and a buffer.
    ends: VecDeque<(u64, u8)>,
    /// Lines that rows have passed.
    passed: u64,
}

impl BeingRead {
    fn hear(&mut self, bytes: &[u8]) {
        for (at, byte) in (self.bytes..).zip(bytes) {
            match byte {
                b'\n' if self.was_cr => {
                    if let Some(end) = self.ends.back_mut().filter(|(cr, _)| cr + 1 == at) {
                        end.1 = 2;
                    }
                }
                b'\n' | b'\r' => self.ends.push_back((at, 1)),
                _ => {}
            }
            self.was_cr = *byte == b'\r';
        }
        self.bytes += bytes.len() as u64;
        self.since_row += bytes.len();
    }

    /// The line, from 1, of a row that begins at this byte or after the blank lines that stand there. The csv library
    /// counts no line that a CR alone ends, and says that a row begins before the LF of the row before it.
    fn line_at(&mut self, mut begins: u64) -> u64 {
        while let Some((at, length)) = self.ends.front().copied().filter(|(at, _)| *at <= begins) {
            self.ends.pop_front();
            self.passed += 1;
            begins = begins.max(at + u64::from(length));
        }
        self.passed + 1
    }
}

/// Tells what is read, and refuses to read on when one row has no end.
struct Watched<R> {
    input: R,
    read: Rc<RefCell<BeingRead>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read.borrow().since_row > ROW_BYTES_MAX {
            let what = format!("a row of more than {ROW_BYTES_MAX} bytes: a quote that is never closed?");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
        }
        let read = self.input.read(buffer)?;
        self.read.borrow_mut().hear(&buffer[..read]);
        Ok(read)
    }
}

/// Which column holds which field, and the zones that were asked for.
pub(super) struct Columns {
    places: BTreeMap<Field, usize>,
    zones: &'static TimeZoneDatabase,
}

impl Columns {
    /// Finds the fields' columns in a header.
    pub(super) fn find(header: &[String], map: &BTreeMap<Field, String>) -> Result<Self, Failure> {
        let places = Self::places(header, map)?;
        if !places.contains_key(&Field::Phone) {
            return Err(missing(
                header,
                Field::Phone,
                map.get(&Field::Phone).map_or(Field::Phone.name(), String::as_str),
            ));
        }
        Ok(Columns::at(places))
    }

    /// Fields at these places.
    pub(super) fn at(places: BTreeMap<Field, usize>) -> Self {
        Columns { places, zones: zones() }
    }

    /// Where the fields of a header stand: as mapped, else by their own names.
    pub(super) fn places(header: &[String], map: &BTreeMap<Field, String>) -> Result<BTreeMap<Field, usize>, Failure> {
        let mut places = BTreeMap::new();
        for field in Field::ALL {
            let wanted = map.get(&field).map_or(field.name(), String::as_str).trim();
            if wanted.is_empty() {
                continue;
            }
            let mut found = (0..header.len()).filter(|&place| header[place].eq_ignore_ascii_case(wanted));
            match (found.next(), found.next()) {
                (Some(place), None) => {
                    places.insert(field, place);
                }
                (Some(_), Some(_)) => {
                    let place = format!("column {wanted:?}");
                    return Err(Failure::usage(&place, "stands twice in the header", "rename one of them"));
                }
                (None, _) if map.contains_key(&field) => return Err(missing(header, field, wanted)),
                (None, _) => {}
            }
        }
        Ok(places)
    }

    /// A row whose number stood before.
    pub(super) fn repeated(&self, row: &Row<'_>, first_line: u64) -> Rejected {
        let value = self.text(row, Field::Phone).unwrap_or_default().to_owned();
        Rejected { duplicate: true, ..rejected(row, Field::Phone, value, &format!("same number as line {first_line}")) }
    }

    /// The text of a field, if it is UTF-8 and there.
    pub(super) fn text<'r>(&self, row: &Row<'r>, field: Field) -> Option<&'r str> {
        let cell = row.cells.get(*self.places.get(&field)?)?;
        std::str::from_utf8(cell).ok().map(str::trim)
    }

    /// The lead of a row, or what is wrong with it.
    pub(super) fn lead(&self, row: &Row<'_>, region: Region) -> Result<NewLead, Rejected> {
        let e164 = |field, text: &str| {
            normalise(text, region).map_err(|fault| rejected(row, field, text.to_owned(), fault.reason()))
        };
        let number = e164(Field::Phone, self.cell(row, Field::Phone)?.unwrap_or_default())?;
        let mut further = Vec::new();
        for field in Field::FURTHER {
            let Some(text) = self.cell(row, field)? else { continue };
            let another = e164(field, text)?;
            if another != number && !further.contains(&another) {
                further.push(another);
            }
        }
        let timezone = self.cell(row, Field::Timezone)?;
        if let Some(zone) = timezone
            && self.zones.get(zone).is_err()
        {
            let reason = "no such time zone: write a name like America/New_York";
            return Err(rejected(row, Field::Timezone, zone.to_owned(), reason));
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(NewLead {
            number,
            further,
            first_name: owned(self.cell(row, Field::FirstName)?),
            last_name: owned(self.cell(row, Field::LastName)?),
            timezone: owned(timezone),
            external_id: owned(self.cell(row, Field::ExternalId)?),
            segment: owned(self.cell(row, Field::Segment)?),
            region: owned(self.cell(row, Field::Region)?),
            priority: self.priority(row)?,
        })
    }

    fn priority(&self, row: &Row<'_>) -> Result<i64, Rejected> {
        let Some(text) = self.cell(row, Field::Priority)? else { return Ok(0) };
        let value = text.parse().ok().filter(|value: &i64| value.abs() <= PRIORITY_MAX);
        value.ok_or_else(|| {
            rejected(row, Field::Priority, text.to_owned(), "no whole number from -1,000,000 to 1,000,000")
        })
    }

    /// A field that is there and not empty.
    fn cell<'r>(&self, row: &Row<'r>, field: Field) -> Result<Option<&'r str>, Rejected> {
        let Some(&place) = self.places.get(&field) else { return Ok(None) };
        let Some(cell) = row.cells.get(place) else {
            // A short row lacks its last columns; only the number is needed.
            let missing = "the row ends before this column";
            let needed = field == Field::Phone;
            return if needed { Err(rejected(row, field, String::new(), missing)) } else { Ok(None) };
        };
        let Ok(text) = std::str::from_utf8(cell) else {
            let value = String::from_utf8_lossy(cell).into_owned();
            return Err(rejected(row, field, value, "not UTF-8: save the file as UTF-8"));
        };
        let text = bare(text.trim());
        if text.contains('\0') {
            return Err(rejected(
                row,
                field,
                text.to_owned(),
                "a NUL character: the file is damaged or of another encoding",
            ));
        }
        if text.len() > CELL_BYTES_MAX {
            return Err(rejected(row, field, text.to_owned(), "longer than 256 bytes"));
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

fn missing(header: &[String], field: Field, wanted: &str) -> Failure {
    let said = header.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let what = format!("is not in the header ({said})");
    Failure::usage(&format!("column {wanted:?}"), &what, &format!("map a column: {}=COLUMN", field.name()))
}

/// Without the apostrophe that exports put before what a spreadsheet would take for a formula.
fn bare(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => text,
    }
}

fn rejected(row: &Row<'_>, field: Field, value: String, reason: &str) -> Rejected {
    let value = value.chars().take(SAID_CHARS_MAX).collect();
    Rejected { line: row.line, field: field.name(), value, reason: reason.to_owned(), duplicate: false }
}

/// Whether a zone has this name.
pub(crate) fn is_zone(name: &str) -> bool {
    zones().get(name).is_ok()
}

/// The zones that are compiled in, the same ones that the dialer judges calling hours by.
fn zones() -> &'static TimeZoneDatabase {
    static ZONES: std::sync::OnceLock<TimeZoneDatabase> = std::sync::OnceLock::new();
    ZONES.get_or_init(TimeZoneDatabase::bundled)
}
