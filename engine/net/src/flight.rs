//! The flight record: whom to hang up when this process is killed between the ACK of a call and the commit of its CDR.
//!
//! ```text
//!  flight-K.bin of shard K:  [slot 0][slot 1] … [slot 8191], each 2 KiB
//!  slot: magic 4 · generation 4 · leg 8 · length 2 · DialogIdentity, `length` bytes · CRC-32 of all that 4
//! ```
//!
//! Each shard writes one slot when a leg is answered, before the ACK leaves, and empties it when the leg has ended. The
//! bytes go to the page cache by one `pwrite` and are never synced: what is written survives the death of the process (the
//! pages belong to the kernel), not that of the machine, and then the calls' far ends have lost us as well.
//!
//! **Invariants.** A slot never crosses a page, so a killed process leaves it old or new; the CRC sorts out what a dying
//! machine leaves in between. A full file or a fault of the disk is counted, logged once, and stops no call. Reading trusts
//! nothing: a foreign, torn or empty slot is passed over. The files hold telephone numbers and are readable by their owner
//! only. Absent: audio, CDRs, anything that is not needed to send a BYE.

use base::LegId;
use base::limits::LEGS_PER_SHARD_MAX;
use sip::DialogIdentity;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes of a slot: the identity's 1,920, a head of 18 and a CRC of 4 fit twice over into a page.
const SLOT_BYTES: usize = 2_048;
/// Slots of a file: one for each leg a shard can have; 8,192 × 2 KiB = 16 MiB, of which only used pages exist.
const SLOTS: usize = LEGS_PER_SHARD_MAX;
const MAGIC: [u8; 4] = *b"OFR1";
const HEAD_BYTES: usize = 18;
const CRC_BYTES: usize = 4;

const _: () = assert!(HEAD_BYTES + DialogIdentity::BYTES_MAX + CRC_BYTES <= SLOT_BYTES);

/// A call that was up when its process died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlightEntry {
    /// Its leg in the engine that died.
    pub leg: LegId,
    /// What a BYE needs.
    pub dialog: DialogIdentity,
}

/// The calls that were up when the last engine with this directory died, by leg; none where there is no record. To be read
/// before the next engine starts, which begins the record anew.
///
/// # Errors
/// What the system says when the directory or a record in it cannot be read; it names the file.
pub fn read(dir: &Path) -> io::Result<Vec<FlightEntry>> {
    let mut newest: BTreeMap<LegId, (u32, DialogIdentity)> = BTreeMap::new();
    for path in records(dir)? {
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let bytes = fs::read(&path).map_err(at)?;
        for slot in bytes.chunks_exact(SLOT_BYTES) {
            let Some((generation, entry)) = parse(slot) else { continue };
            // A leg stands in one slot at a time; two mean that emptying the first one failed.
            if newest.get(&entry.leg).is_none_or(|(known, _)| *known <= generation) {
                newest.insert(entry.leg, (generation, entry.dialog));
            }
        }
    }
    Ok(newest.into_iter().map(|(leg, (_, dialog))| FlightEntry { leg, dialog }).collect())
}

/// Removes the records of an earlier engine and makes the directory if there is none.
pub(crate) fn begin_anew(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    for path in records(dir)? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// The records in a directory, whatever number of shards wrote them.
fn records(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("flight-")?.strip_suffix(".bin"));
        if number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())) {
            found.push(dir.join(&name));
        }
    }
    found.sort();
    Ok(found)
}

fn parse(slot: &[u8]) -> Option<(u32, FlightEntry)> {
    if slot.first_chunk() != Some(&MAGIC) {
        return None;
    }
    let generation = u32::from_le_bytes(*slot.get(4..)?.first_chunk()?);
    let leg = LegId(u64::from_le_bytes(*slot.get(8..)?.first_chunk()?));
    let length = usize::from(u16::from_le_bytes(*slot.get(16..)?.first_chunk()?));
    let end = HEAD_BYTES + length;
    let crc = u32::from_le_bytes(*slot.get(end..)?.first_chunk()?);
    if crc32fast::hash(slot.get(..end)?) != crc {
        return None;
    }
    let dialog = DialogIdentity::from_bytes(slot.get(HEAD_BYTES..end)?).ok()?;
    Some((generation, FlightEntry { leg, dialog }))
}

/// One shard's record, being written.
pub(crate) struct FlightFile {
    file: File,
    slots: BTreeMap<LegId, u32>,
    /// Emptied slots, the latest last: few pages are in use while few calls are.
    free: Vec<u32>,
    /// Slots used since the start; those beyond were never written.
    used: u32,
    generation: u32,
    complained: bool,
}

impl FlightFile {
    /// The record of shard `shard`, empty. Any earlier one must be gone (`begin_anew`).
    pub(crate) fn create(dir: &Path, shard: u64) -> io::Result<FlightFile> {
        let path = dir.join(format!("flight-{shard}.bin"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        // Its full length at once: later writes change no length, and a quota is met here and not in mid-call.
        file.set_len((SLOTS * SLOT_BYTES) as u64)?;
        Ok(FlightFile::over(file))
    }

    fn over(file: File) -> FlightFile {
        FlightFile { file, slots: BTreeMap::new(), free: Vec::new(), used: 0, generation: 0, complained: false }
    }

    /// Notes an answered leg. False when it could not be noted.
    pub(crate) fn write(&mut self, leg: LegId, dialog: &DialogIdentity) -> bool {
        let Some(identity) = dialog.to_bytes() else { return self.complain("the dialog is longer than a slot", None) };
        let place = match self.slots.get(&leg).copied().or_else(|| self.free.pop()) {
            Some(place) => place,
            None if (self.used as usize) < SLOTS => {
                self.used += 1;
                self.used - 1
            }
            None => return self.complain("the flight record is full", None),
        };
        self.generation = self.generation.wrapping_add(1);
        let mut slot = [0; SLOT_BYTES];
        let end = HEAD_BYTES + identity.len();
        slot[..4].copy_from_slice(&MAGIC);
        slot[4..8].copy_from_slice(&self.generation.to_le_bytes());
        slot[8..16].copy_from_slice(&leg.0.to_le_bytes());
        // Fits: `to_bytes` gives at most `BYTES_MAX`.
        slot[16..18].copy_from_slice(&(identity.len() as u16).to_le_bytes());
        slot[HEAD_BYTES..end].copy_from_slice(&identity);
        let crc = crc32fast::hash(&slot[..end]);
        slot[end..end + CRC_BYTES].copy_from_slice(&crc.to_le_bytes());
        if let Err(error) = self.file.write_all_at(&slot[..end + CRC_BYTES], u64::from(place) * SLOT_BYTES as u64) {
            self.slots.remove(&leg);
            self.free.push(place);
            return self.complain("the flight record cannot be written", Some(error));
        }
        self.slots.insert(leg, place);
        true
    }

    /// Empties the slot of a leg that has ended; one that has none is fine. False when the disk refused.
    pub(crate) fn clear(&mut self, leg: LegId) -> bool {
        let Some(place) = self.slots.remove(&leg) else { return true };
        self.free.push(place);
        match self.file.write_all_at(&[0; HEAD_BYTES], u64::from(place) * SLOT_BYTES as u64) {
            Ok(()) => true,
            Err(error) => self.complain("the flight record cannot be written", Some(error)),
        }
    }

    /// As if all slots were taken.
    #[cfg(test)]
    pub(crate) fn fill_up(&mut self) {
        self.used = SLOTS as u32;
    }

    /// Logs the first fault; the counter has them all.
    fn complain(&mut self, what: &'static str, error: Option<io::Error>) -> bool {
        if !self.complained {
            self.complained = true;
            let error = error.map_or_else(String::new, |error| error.to_string());
            tracing::warn!(error, "{what}; a call answered now may outlive a killed process by its session timer");
        }
        false
    }
}

#[cfg(test)]
mod tests;
