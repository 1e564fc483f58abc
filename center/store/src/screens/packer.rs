//! Numbers of a list in rows of neighbours: two bytes for a number instead of a row.
//!
//! ```text
//!  numbers, ascending ──> block (all but the last four digits) + offsets (the last four, two bytes each) ──> batches
//! ```
//!
//! A national list of 250 million numbers is a million rows and 0.5 GB in place of 250 million rows and 7 GB, and as it
//! comes in its own order a tree only grows at its end. **Invariants.** A block is in one row. Offsets ascend.

use crate::{ErrorKind, StoreError};

/// Numbers that share a row: all that differ in their last four digits alone.
const BLOCK_NUMBERS: u64 = 10_000;
/// Bytes of an offset, the higher one first: up to 9,999.
const OFFSET_BYTES: usize = 2;
/// Rows of a batch: where each holds one number, what a transaction of some 10 ms takes.
pub(super) const BATCH_BLOCKS: usize = 2_000;
/// Bytes of a batch, beyond which it is full: 130,000 numbers, likewise.
const BATCH_BYTES: usize = 256 << 10;

/// Numbers that share all but their last four digits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScreenBlock {
    pub(super) block: i64,
    pub(super) offsets: Vec<u8>,
}

impl ScreenBlock {
    /// How many there are.
    pub fn numbers(&self) -> u64 {
        (self.offsets.len() / OFFSET_BYTES) as u64
    }
}

/// Makes rows of numbers that come one after the other.
#[derive(Default)]
pub struct ScreenPacker {
    last: Option<u64>,
    full: Vec<ScreenBlock>,
    full_bytes: usize,
    /// The one that numbers still come for.
    open: Option<ScreenBlock>,
}

impl ScreenPacker {
    /// Takes a number, the digits of its E.164, which is at least the one before; the same twice is once. Gives rows to be
    /// put when there are enough.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for a number that is less than the one before, or longer than 15 digits.
    pub fn push(&mut self, number: u64) -> Result<Option<Vec<ScreenBlock>>, StoreError> {
        if self.last == Some(number) {
            return Ok(None);
        }
        let block = i64::try_from(number / BLOCK_NUMBERS).ok().filter(|_| number < 1_000_000_000_000_000);
        let (Some(block), false) = (block, self.last > Some(number)) else {
            let what = format!("{number} after {:?}", self.last);
            return Err(StoreError::new(ErrorKind::Value, what, "list of numbers", "sort the numbers"));
        };
        self.last = Some(number);
        // Below 10,000.
        let offset = ((number % BLOCK_NUMBERS) as u16).to_be_bytes();
        match &mut self.open {
            Some(open) if open.block == block => open.offsets.extend(offset),
            _ => self.close(Some(ScreenBlock { block, offsets: offset.to_vec() })),
        }
        let enough = self.full_bytes >= BATCH_BYTES || self.full.len() >= BATCH_BLOCKS;
        self.full_bytes = if enough { 0 } else { self.full_bytes };
        Ok(enough.then(|| std::mem::take(&mut self.full)))
    }

    /// What is left.
    pub fn finish(mut self) -> Vec<ScreenBlock> {
        self.close(None);
        self.full
    }

    fn close(&mut self, next: Option<ScreenBlock>) {
        if let Some(closed) = std::mem::replace(&mut self.open, next) {
            self.full_bytes += closed.offsets.len();
            self.full.push(closed);
        }
    }
}

/// Where a number, E.164, would stand: its block and its offset in it. `None`: it is no number.
pub(super) fn place(number: &str) -> Option<(i64, u16)> {
    let digits: u64 = number.strip_prefix('+')?.parse().ok()?;
    Some((i64::try_from(digits / BLOCK_NUMBERS).ok()?, (digits % BLOCK_NUMBERS) as u16))
}

/// Whether an offset is among those of a row.
pub(super) fn holds(offsets: &[u8], offset: u16) -> bool {
    let (pairs, _) = offsets.as_chunks::<OFFSET_BYTES>();
    pairs.binary_search(&offset.to_be_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_found_where_it_was_put_and_no_other() {
        let mut packer = ScreenPacker::default();
        let mut batches = Vec::new();
        // Sparse at first (full by rows), then dense (full by bytes).
        let numbers: Vec<u64> =
            (0..5_000).map(|n| 12_120_000_000 + n * 10_001).chain((0..400_000).map(|n| 13_000_000_000 + n)).collect();
        for number in &numbers {
            batches.extend(packer.push(*number).unwrap());
            assert_eq!(packer.push(*number), Ok(None), "the same twice is once");
        }
        batches.push(packer.finish());
        let lens: Vec<usize> = batches.iter().map(Vec::len).collect();
        assert!(batches.len() > 4 && lens.iter().all(|rows| *rows <= BATCH_BLOCKS), "{lens:?}");
        let bytes = |batch: &Vec<ScreenBlock>| batch.iter().map(|row| row.offsets.len()).sum::<usize>();
        assert!(batches.iter().all(|batch| bytes(batch) < BATCH_BYTES + 20_000));
        let rows: Vec<&ScreenBlock> = batches.iter().flatten().collect();
        assert!(rows.is_sorted_by(|a, b| a.block < b.block), "a block is in one row");
        assert_eq!(rows.iter().map(|row| row.numbers()).sum::<u64>(), numbers.len() as u64);
        let found = |number: u64| {
            let (block, offset) = place(&format!("+{number}")).unwrap();
            rows.binary_search_by_key(&block, |row| row.block).is_ok_and(|at| holds(&rows[at].offsets, offset))
        };
        assert!(numbers.iter().step_by(97).all(|number| found(*number)));
        assert!(!found(12_120_000_001) && !found(13_000_400_000) && !found(12_999_999_999));
    }

    #[test]
    fn numbers_out_of_order_or_of_no_length_are_refused() {
        let mut packer = ScreenPacker::default();
        assert_eq!(packer.push(2), Ok(None));
        assert_eq!(packer.push(1).unwrap_err().kind, ErrorKind::Value);
        assert_eq!(packer.push(1_000_000_000_000_000).unwrap_err().kind, ErrorKind::Value);
        assert_eq!((place("+"), place("12"), place("+x")), (None, None, None));
    }
}
