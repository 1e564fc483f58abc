//! Files of numbers of any size, one number a line, as lists of numbers from outside come: sorted, each once, in the memory
//! of one part.
//!
//! ```text
//!  lines ──normalise──> part of PART_NUMBERS ──full: sorted──> a file without a name in data_dir ─┐
//!                                                 the last one stays in memory ───────────────────┴─merge──> ascending
//! ```
//!
//! **Invariants.** Nothing is given out before the whole file was read. A file whose end did not come is none. Absent: where
//! the numbers go.

use super::phone::{Region, normalise};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Numbers of a part: 8 bytes each are 32 MB of memory, and 250 million numbers are 60 parts.
const PART_NUMBERS: usize = 4 << 20;
/// Numbers of a list: the largest that is known, the national registry of the United States, has 250 million. Four of
/// them are 8 GB of parts while they are sorted, 2 to 3 GB in the store, and some quarter of an hour of one core.
pub(crate) const NUMBERS_MAX: u64 = 1_000_000_000;
/// Lines of a file: as many again without a number, so that no file goes on for ever.
const LINES_MAX: u64 = 2 * NUMBERS_MAX;
/// What is read of a line: one number, and perhaps a date behind it.
const LINE_BYTES_MAX: usize = 256;
/// What some programs write in front of UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// What stays free on the disk of the parts: with less the product itself stops dialling (see health).
const ROOM_BYTES_MIN: u64 = 1 << 30;
/// Lines between two looks at how far it is.
const LOOK_LINES: u64 = 10_000;

/// Why there are no numbers.
#[derive(Debug)]
pub(crate) enum NumbersFault {
    /// The file ended before its end.
    Broken(std::io::Error),
    /// The parts cannot be kept.
    Room(std::io::Error),
    /// More than [`NUMBERS_MAX`] numbers, or twice as many lines.
    TooMany,
}

/// What the lines of a file were.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lines {
    /// Lines read.
    pub(crate) lines: u64,
    /// Lines that hold a number.
    pub(crate) taken: u64,
    /// Lines with something else.
    pub(crate) rejected: u64,
    /// The first of these, from 1.
    pub(crate) first_rejected: Option<u64>,
}

/// The numbers of a file, ascending, each once, as the digits of their E.164.
pub(crate) struct Sorted {
    parts: Vec<Part>,
    /// The next number of each part that has one, and which it is.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    last: Option<u64>,
}

enum Part {
    Memory(std::vec::IntoIter<u64>),
    File(BufReader<File>),
}

/// Reads a file to its end. Parts are kept in `folder`; `look` gets how far it is, now and then.
///
/// # Errors
/// [`NumbersFault`].
pub(crate) fn gather(
    file: &mut impl BufRead,
    region: Region,
    folder: &Path,
    look: impl FnMut(&Lines),
) -> Result<(Lines, Sorted), NumbersFault> {
    Gatherer { folder: folder.to_owned(), part_numbers: PART_NUMBERS, part: Vec::new(), files: Vec::new() }
        .read(file, region, look)
}

struct Gatherer {
    folder: PathBuf,
    part_numbers: usize,
    part: Vec<u64>,
    files: Vec<BufReader<File>>,
}

impl Gatherer {
    fn read(
        mut self,
        file: &mut impl BufRead,
        region: Region,
        mut look: impl FnMut(&Lines),
    ) -> Result<(Lines, Sorted), NumbersFault> {
        let mut lines = Lines::default();
        let mut bytes = Vec::new();
        while next_line(file, &mut bytes).map_err(NumbersFault::Broken)? {
            lines.lines += 1;
            let text = String::from_utf8_lossy(&bytes);
            let mark = if lines.lines == 1 { BYTE_ORDER_MARK } else { "" };
            let text = text.strip_prefix(mark).unwrap_or(&text);
            let first = text.split([',', ';', '\t']).next().unwrap_or_default().trim().trim_matches('"');
            match normalise(first, region).ok().and_then(|e164| e164.strip_prefix('+')?.parse().ok()) {
                Some(number) => {
                    lines.taken += 1;
                    self.part.push(number);
                }
                None if first.is_empty() => {}
                None => {
                    lines.rejected += 1;
                    lines.first_rejected.get_or_insert(lines.lines);
                }
            }
            if lines.taken > NUMBERS_MAX || lines.lines > LINES_MAX {
                return Err(NumbersFault::TooMany);
            }
            if self.part.len() >= self.part_numbers {
                self.put_away().map_err(NumbersFault::Room)?;
            }
            if lines.lines.is_multiple_of(LOOK_LINES) {
                look(&lines);
            }
        }
        look(&lines);
        self.part.sort_unstable();
        let last = Part::Memory(self.part.into_iter());
        let parts = self.files.into_iter().map(Part::File).chain([last]).collect();
        Ok((lines, Sorted::of(parts).map_err(NumbersFault::Room)?))
    }

    /// The part, sorted, goes into a file that leaves nothing behind.
    fn put_away(&mut self) -> std::io::Result<()> {
        let room = rustix::fs::statvfs(&self.folder)?;
        if room.f_bavail.saturating_mul(room.f_frsize) < ROOM_BYTES_MIN + 8 * self.part.len() as u64 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.part.sort_unstable();
        self.part.dedup();
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.folder)?);
        for number in self.part.drain(..) {
            file.write_all(&number.to_le_bytes())?;
        }
        let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        self.files.push(BufReader::with_capacity(64 << 10, file));
        Ok(())
    }
}

impl Part {
    fn next(&mut self) -> std::io::Result<Option<u64>> {
        match self {
            Part::Memory(numbers) => Ok(numbers.next()),
            Part::File(file) => {
                if file.fill_buf()?.is_empty() {
                    return Ok(None);
                }
                let mut number = [0; 8];
                file.read_exact(&mut number)?;
                Ok(Some(u64::from_le_bytes(number)))
            }
        }
    }
}

impl Sorted {
    fn of(mut parts: Vec<Part>) -> std::io::Result<Sorted> {
        let mut next = BinaryHeap::new();
        for (index, part) in parts.iter_mut().enumerate() {
            next.extend(part.next()?.map(|number| Reverse((number, index))));
        }
        Ok(Sorted { parts, next, last: None })
    }

    fn step(&mut self) -> std::io::Result<Option<u64>> {
        while let Some(Reverse((number, index))) = self.next.pop() {
            if let Some(part) = self.parts.get_mut(index) {
                self.next.extend(part.next()?.map(|number| Reverse((number, index))));
            }
            if self.last.replace(number) != Some(number) {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

impl Iterator for Sorted {
    type Item = std::io::Result<u64>;

    fn next(&mut self) -> Option<std::io::Result<u64>> {
        self.step().transpose()
    }
}

/// The beginning of the next line; what is longer is passed over. False at the file's end.
fn next_line(file: &mut impl BufRead, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    bytes.clear();
    let read = Read::take(&mut *file, LINE_BYTES_MAX as u64).read_until(b'\n', bytes)?;
    if read == LINE_BYTES_MAX && bytes.last() != Some(&b'\n') {
        file.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, ErrorKind};

    fn us() -> Region {
        Region::named("US").unwrap()
    }

    fn in_parts(of: usize, file: &mut impl BufRead) -> Result<(Lines, Vec<u64>), NumbersFault> {
        let folder = tempfile::tempdir().unwrap();
        let gatherer =
            Gatherer { folder: folder.path().to_owned(), part_numbers: of, part: Vec::new(), files: Vec::new() };
        let (lines, sorted) = gatherer.read(file, us(), |_| ())?;
        Ok((lines, sorted.collect::<std::io::Result<_>>().unwrap()))
    }

    #[test]
    fn the_rest_of_a_long_line_is_no_line() {
        // Cut at 256 bytes, the second half of this one would begin with a number.
        let long = format!("no number{}2125550111,x\n2125550100,{}\n", " ".repeat(247), "y".repeat(1_000));
        let (lines, found) = in_parts(100, &mut Cursor::new(format!("{long}+12125550101"))).unwrap();
        assert_eq!(found, [12_125_550_100, 12_125_550_101]);
        assert_eq!(lines, Lines { lines: 3, taken: 2, rejected: 1, first_rejected: Some(1) });
        // A line that is exactly as long as may be.
        let exact = format!("2125550100,{}\n2125550101\n", "z".repeat(LINE_BYTES_MAX - 12));
        assert_eq!(in_parts(100, &mut Cursor::new(exact)).unwrap().1, [12_125_550_100, 12_125_550_101]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_number() {
        let (lines, found) = in_parts(100, &mut Cursor::new("\u{feff}2125550100\r\n2125550101\r\n")).unwrap();
        assert_eq!((lines.rejected, found), (0, vec![12_125_550_100, 12_125_550_101]));
    }

    #[test]
    fn numbers_come_out_in_order_and_once_however_many_parts_they_fill() {
        // 1,000 numbers in an order that jumps about, each three times, in parts that hold some of the same.
        let number = |n: u64| 12_120_000_000 + 2_000_000 + n * 7_919 % 1_000;
        let file: String = (0..3_000).map(|n| format!("+{}\r\n", number(n))).collect();
        let wanted: Vec<u64> = (0..1_000).map(|n| 12_122_000_000 + n).collect();
        for of in [1, 7, 999, 3_000, 3_001] {
            let (lines, found) = in_parts(of, &mut Cursor::new(&file)).unwrap();
            assert_eq!((lines.taken, found == wanted), (3_000, true), "parts of {of}");
        }
    }

    #[test]
    fn a_file_that_breaks_off_gives_nothing() {
        struct Breaks;
        impl Read for Breaks {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(ErrorKind::ConnectionReset.into())
            }
        }
        for of in [1, 100] {
            let mut file = BufReader::new(Cursor::new("2125550100\n2125550101\n").chain(Breaks));
            assert!(matches!(in_parts(of, &mut file), Err(NumbersFault::Broken(_))));
        }
    }

    #[test]
    fn how_far_it_is_can_be_seen() {
        let file: String = (0..25_000).map(|n| format!("+{}\n", 12_122_000_000_u64 + n)).collect();
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Vec::new();
        let look = |lines: &Lines| seen.push(lines.lines);
        gather(&mut Cursor::new(file), us(), folder.path(), look).unwrap_or_else(|fault| panic!("{fault:?}"));
        assert_eq!(seen, [10_000, 20_000, 25_000]);
    }
}
