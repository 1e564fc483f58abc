//! Flight records of this process and of those before it: a folder for each run, kept until every call in it has had its
//! BYE. A process that is killed while it starts has hung up nothing yet, and its successor needs both.

use crate::failure::Failure;
use net::flight::{self, FlightEntry};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// See the module's head.
pub(super) struct Flights {
    /// Where this run keeps its record.
    pub(super) current: PathBuf,
    /// Those of earlier runs with calls in them.
    before: Vec<PathBuf>,
}

impl Flights {
    /// Reads what earlier runs left in `folder`; `run` names the one that begins. Records without calls are removed.
    ///
    /// # Errors
    /// A record that cannot be read, with its name.
    pub(super) fn read(folder: &Path, run: u64) -> Result<(Flights, Vec<FlightEntry>), Failure> {
        let told = |error: std::io::Error| Failure::io(&folder.display().to_string(), error);
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            entries => Some(entries.map_err(told)?),
        };
        let (mut before, mut calls) = (Vec::new(), Vec::new());
        for entry in entries.into_iter().flatten() {
            let path = entry.map_err(told)?.path();
            if !path.is_dir() {
                continue;
            }
            let left = flight::read(&path).map_err(|error| Failure::failed(format!("flight record: {error}")))?;
            if left.is_empty() {
                remove(&path);
            } else {
                calls.extend(left);
                before.push(path);
            }
        }
        // A wall clock that was set back may give a number again.
        let current = (run..).map(|run| folder.join(run.to_string())).find(|path| !path.exists());
        Ok((Flights { current: current.unwrap_or_else(|| folder.join("run")), before }, calls))
    }

    /// All calls of earlier runs have been hung up.
    pub(super) fn forget(&mut self) {
        for path in self.before.drain(..) {
            remove(&path);
        }
    }
}

/// What stays costs the next start a read and its calls a second BYE, no more.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_dir_all(path) {
        tracing::warn!("the flight record {} stays: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_all_earlier_runs_are_there_until_they_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let flights = folder.path().join("flight");
        let (first, calls) = Flights::read(&flights, 7).unwrap();
        assert!(calls.is_empty());
        std::fs::create_dir_all(&first.current).unwrap();
        // Without a call in it the record goes, and the name can be used again.
        let (second, _) = Flights::read(&flights, 7).unwrap();
        assert_eq!((second.current, second.before.len()), (first.current.clone(), 0));
        assert!(!first.current.exists());
    }
}
