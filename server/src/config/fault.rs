//! A fault and its place.

use crate::failure::Failure;
use std::fmt;
use std::ops::Range;

/// A fault before its place is known as line and column.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    /// Bytes of the text that are at fault.
    pub(super) span: Range<usize>,
    /// Key path, may be empty.
    pub(super) key: String,
    /// What is wrong.
    pub(super) what: String,
    /// How to mend it.
    pub(super) mend: String,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Name of the file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// Key path such as `trunk[2].max_cps`; empty for a fault of the whole text.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { file, line, column, key, what, mend } = self;
        let space = if key.is_empty() { "" } else { " " };
        write!(f, "{what}, {file}:{line}:{column}{space}{key}, {mend}")
    }
}

/// All faults of a text, in its order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Works out lines and columns.
    pub(super) fn place(mut raw: Vec<Raw>, text: &str, file: &str) -> Faults {
        raw.sort_by_key(|fault| fault.span.start);
        let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let place = |raw: Raw| {
            let before = text.get(..raw.span.start).unwrap_or(text);
            let line_start = before.rfind('\n').map_or(0, |end| end + 1);
            Fault {
                file: file.to_owned(),
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                key: raw.key,
                what: one_line(raw.what),
                mend: one_line(raw.mend),
            }
        };
        Faults(raw.into_iter().map(place).collect())
    }

    /// The faults.
    pub fn all(&self) -> &[Fault] {
        &self.0
    }

    /// As the end of a command that needed the configuration: the first fault, and how many more there are.
    pub fn into_failure(self) -> Failure {
        let first = self.0.first().map(Fault::to_string).unwrap_or_default();
        match self.0.len() {
            0 | 1 => Failure::misuse(first),
            more => Failure::misuse(format!("{first} ({} more: see outpace check)", more - 1)),
        }
    }
}
