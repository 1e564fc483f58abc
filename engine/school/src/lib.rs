//! Floor 5: where detectors are taught and examined: labelled folders, threads, reports. What they are stands in
//! `detect`.
//!
//! ```text
//!  LABELS.csv and recordings ──> labels ──┬─> exam: verdicts of a detector ──> report (figures, curve, intervals)
//!                                         ├─> later: revisions, fingerprints of recordings
//!                                         ├─> stress: the same disturbed
//!                                         ├─> explain: one recording as a timeline
//!                                         ├─> words: phrases ──> detect::train over all cores ──> Words, their weights
//!                                         └─> lesson: features ──> detect::train over all cores ──> Net
//!  kept calls with labels ──> field ──> lesson, exam, report, without recordings
//! ```
//!
//! **Invariants.** Results do not depend on the number of threads. A recording that cannot be read is a fault with its
//! name, never left out silently. Nothing here runs in a live system.
//!
//! **Units.** Times in milliseconds since the answer unless a column says `_s`; rates as shares from 0 to 1.

pub mod exam;
pub mod explain;
pub mod field;
pub mod labels;
pub mod later;
pub mod lesson;
pub mod report;
pub mod stress;
pub mod words;

/// What went wrong, where, and how to mend it, on one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault(pub String);

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// Applies `work` to every item on all cores; results in the items' order.
pub(crate) fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> =
            items.chunks(share).map(|part| scope.spawn(|| part.iter().map(&work).collect::<Vec<R>>())).collect();
        let join = |part: std::thread::ScopedJoinHandle<'_, Vec<R>>| match part.join() {
            Ok(results) => results,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        parts.into_iter().flat_map(join).collect()
    })
}
