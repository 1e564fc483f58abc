//! The first rows of a file as an import would read them, and what its columns seem to be.

use super::cells::{Columns, Rows};
use super::phone::{Region, lost_zero, normalise};
use super::{Field, ImportOptions, Rejected, region_of, source, suggest};
use crate::failure::Failure;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use utoipa::ToSchema;

/// Rows that are shown.
const ROWS_SHOWN: usize = 20;
/// Rows that are looked at to tell what a column holds.
const ROWS_LOOKED_AT: usize = 100;
/// Samples of a column.
const SAMPLES: usize = 5;
/// Longest sample.
const SAMPLE_CHARS_MAX: usize = 60;

/// How a file would be read.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ImportPreview)]
pub struct Preview {
    /// What separates columns: a comma, a semicolon or a tab.
    pub delimiter: String,
    /// What the file is saved in, such as `UTF-8` or `windows-1251`.
    pub encoding: String,
    /// The country of numbers without a country code.
    pub region: String,
    /// Its columns, in order.
    pub columns: Vec<PreviewColumn>,
    /// Its first rows, at most 20; none while no column holds the number.
    pub rows: Vec<PreviewRow>,
    /// Fields that an import needs and that no column holds.
    pub missing: Vec<&'static str>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PreviewColumn {
    /// Its name in the header.
    pub name: String,
    /// Some of its cells that are not empty, at most 5.
    pub samples: Vec<String>,
    /// The field that it holds: as mapped, or, without a map, as it seems.
    pub field: Option<&'static str>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PreviewRow {
    /// Its line in the file, from 1 (the header is line 1).
    pub line: u64,
    /// Fields as they would be kept; of a row with a fault as they stand.
    pub fields: BTreeMap<&'static str, String>,
    /// Why it would not be imported.
    pub fault: Option<PreviewFault>,
    /// What was put right: `leading_zero`, a spreadsheet took the number's first zero off.
    pub note: Option<&'static str>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PreviewFault {
    /// The field.
    pub field: &'static str,
    /// What stands there.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Looks at the beginning of a file. Without `mapped` the fields' columns are guessed by their names and cells; with it
/// the map of `options` holds as it would for the import. `whole`: nothing follows.
///
/// # Errors
/// An unknown region, a mapped column that is not there (wrong use); a file that is no CSV.
pub fn preview(beginning: &[u8], whole: bool, options: &ImportOptions, mapped: bool) -> Result<Preview, Failure> {
    let region = region_of(options)?;
    let (input, encoding, _) = source(beginning, options, Some(whole))?;
    let mut rows = Rows::open(input)?;
    let header = rows.header().to_vec();
    let mut looked_at: Vec<(u64, csv::ByteRecord)> = Vec::new();
    let mut cut = false;
    while looked_at.len() < ROWS_LOOKED_AT {
        match rows.next() {
            Ok(Some(row)) => looked_at.push((row.line, row.cells.clone())),
            Ok(None) => {
                cut = !whole;
                break;
            }
            // The beginning ends in the middle of a row.
            Err(_) if !whole && !looked_at.is_empty() => break,
            Err(failure) => return Err(failure),
        }
    }
    if cut && looked_at.len() > 1 {
        looked_at.pop();
    }
    let places = if mapped {
        Columns::places(&header, &options.map)?
    } else {
        suggest::fields(&header, |column| numbers_in(&looked_at, column, region))
    };
    let columns = header.iter().enumerate().map(|(place, name)| PreviewColumn {
        name: name.chars().take(SAMPLE_CHARS_MAX).collect(),
        samples: samples(&looked_at, place),
        field: places.iter().find(|(_, of_it)| **of_it == place).map(|(field, _)| field.name()),
    });
    let mut preview = Preview {
        delimiter: char::from(rows.delimiter()).to_string(),
        encoding: encoding.name().to_owned(),
        region: options.region.to_ascii_uppercase(),
        columns: columns.collect(),
        rows: Vec::new(),
        missing: Vec::new(),
    };
    if !places.contains_key(&Field::Phone) {
        preview.missing.push(Field::Phone.name());
        return Ok(preview);
    }
    let columns = Columns::at(places);
    let mut seen = HashMap::new();
    for (line, cells) in looked_at.iter().take(ROWS_SHOWN) {
        let row = super::cells::Row { line: *line, cells };
        preview.rows.push(shown(&columns, &row, region, &mut seen));
    }
    Ok(preview)
}

fn shown(
    columns: &Columns,
    row: &super::cells::Row<'_>,
    region: Region,
    seen: &mut HashMap<String, u64>,
) -> PreviewRow {
    let as_they_stand = || {
        let texts =
            Field::ALL.into_iter().filter_map(|field| Some((field.name(), columns.text(row, field)?.to_owned())));
        texts.map(|(field, text)| (field, text.chars().take(SAMPLE_CHARS_MAX).collect())).collect()
    };
    let fault = |fault: Rejected| Some(PreviewFault { field: fault.field, value: fault.value, reason: fault.reason });
    let lead = match columns.lead(row, region) {
        Ok(lead) => lead,
        Err(rejected) => {
            return PreviewRow { line: row.line, fields: as_they_stand(), fault: fault(rejected), note: None };
        }
    };
    if let Some(first) = seen.get(&lead.number) {
        let rejected = columns.repeated(row, *first);
        return PreviewRow { line: row.line, fields: as_they_stand(), fault: fault(rejected), note: None };
    }
    seen.insert(lead.number.clone(), row.line);
    let stood = columns.text(row, Field::Phone).unwrap_or_default();
    let further = Field::FURTHER.into_iter().zip(lead.further).map(|(field, number)| (field.name(), number));
    let fields = [
        (Field::Phone, Some(lead.number)),
        (Field::FirstName, lead.first_name),
        (Field::LastName, lead.last_name),
        (Field::Timezone, lead.timezone),
        (Field::ExternalId, lead.external_id),
        (Field::Segment, lead.segment),
        (Field::Region, lead.region),
        (Field::Priority, Some(lead.priority).filter(|value| *value != 0).map(|value| value.to_string())),
    ];
    PreviewRow {
        line: row.line,
        fields: fields.into_iter().filter_map(|(field, value)| Some((field.name(), value?))).chain(further).collect(),
        fault: None,
        note: lost_zero(stood, region).then_some("leading_zero"),
    }
}

/// Which share of a column's cells are numbers; 0 of an empty column.
fn numbers_in(rows: &[(u64, csv::ByteRecord)], column: usize, region: Region) -> f64 {
    let cells = || rows.iter().filter_map(|(_, cells)| cells.get(column)).filter(|cell| !cell.trim_ascii().is_empty());
    let is_number = |cell: &&[u8]| {
        std::str::from_utf8(cell).is_ok_and(|text| match normalise(text, region) {
            Ok(_) | Err(super::PhoneFault::PowerOfTen) => true,
            Err(_) => false,
        })
    };
    match cells().count() {
        0 => 0.0,
        all => cells().filter(is_number).count() as f64 / all as f64,
    }
}

fn samples(rows: &[(u64, csv::ByteRecord)], column: usize) -> Vec<String> {
    let cells = rows.iter().filter_map(|(_, cells)| cells.get(column));
    let texts = cells.map(|cell| String::from_utf8_lossy(cell).trim().chars().take(SAMPLE_CHARS_MAX).collect());
    texts.filter(|text: &String| !text.is_empty()).take(SAMPLES).collect()
}
