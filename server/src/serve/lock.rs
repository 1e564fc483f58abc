//! One process at a time works on a data folder: two would dial the same leads.

use crate::failure::Failure;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// Holds the folder until it is dropped or the process ends, however it ends.
pub(super) struct Lock(#[allow(dead_code, reason = "the lock lives as long as the file is open")] File);

/// Takes the folder.
pub(super) fn take(folder: &Path) -> Result<Lock, Failure> {
    let path = folder.join("outpace.lock");
    let said = path.display().to_string();
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(|e| Failure::io(&said, e))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Failure::failed(format!(
            "another outpace serves this data folder, {said}, stop it or use another data_dir"
        ))),
        Err(TryLockError::Error(e)) => Err(Failure::io(&said, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_refused_until_the_first_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let first = take(folder.path()).unwrap();
        let refused = take(folder.path()).err().map(|failure| failure.to_string());
        assert!(refused.is_some_and(|text| text.contains("another outpace")));
        drop(first);
        assert!(take(folder.path()).is_ok());
    }
}
