//! What must not be lost while the database is away: an append-only file of ops, synced like a commit.
//!
//! ```text
//!  head:   "OUTPACE-SPOOL 1\n" · writer id (8, LE) · CRC-32 of both (4, LE)
//!  record: length (4, LE) · CRC-32 of the body (4, LE) · body: JSON {seq, place, steps: [[name, values], …]}
//! ```
//!
//! A record is acknowledged after its sync. What a kill leaves torn at the end was never acknowledged; it is cut off and
//! put beside (`….torn`). An op that the database refuses when it is replayed goes to `….refused`, one JSON line each.
//! The numbers (`seq`) grow for ever; the database keeps the last one that it holds (table `writer`), so replaying
//! again what is there already writes nothing. The file holds what the rows hold, and only its owner may read it (0600).

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore;
use serde::{Deserialize, Serialize};

use crate::db::Value;
use crate::ops::{self, Step, Write};
use crate::{ErrorKind, StoreError};

/// Ops that are kept at most. A call makes some 8 of them, so all 8,000 calls that the rest of the engine may hold can
/// end; a campaign of 100 agents (5 attempts a second) fills it in 27 minutes.
pub const SPOOL_OPS_MAX: u64 = 65_536;

/// Bytes that are kept at most: 65,536 ops of about 600 bytes, one in seven (a CDR's end with its timeline) of 1,500,
/// are 48 MB.
pub const SPOOL_BYTES_MAX: u64 = 64 << 20;

/// Intents are refused above this share, 3 of 4: the 16,384 places that are left hold the ends of 2,000 calls of 7 ops.
const INTENTS_OF: (u64, u64) = (3, 4);

/// Longest body: 18 texts of 16 KiB, each byte escaped as six.
const BODY_BYTES_MAX: usize = 2 << 20;

/// How long to wait for another holder of the file, and how often to look.
const LOCK_WAIT: Duration = Duration::from_secs(1);
const LOCK_LOOK: Duration = Duration::from_millis(10);

const MAGIC: &[u8; 16] = b"OUTPACE-SPOOL 1\n";
const HEAD_BYTES: u64 = 28;
const FRAME_BYTES: u64 = 8;

/// An op with its place in the order of its writer.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Item {
    pub(crate) seq: i64,
    pub(crate) write: Write,
}

#[derive(Serialize, Deserialize)]
struct Body {
    seq: i64,
    place: String,
    steps: Vec<(String, Vec<Value>)>,
}

/// How full a spool is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Level {
    pub(crate) ops: u64,
    pub(crate) intents_refused: bool,
    pub(crate) full: bool,
}

/// The open file, locked for this process.
pub(crate) struct Spool {
    file: File,
    path: PathBuf,
    /// The name under which the database knows this writer.
    pub(crate) writer: i64,
    ops_max: u64,
    /// Where the next record goes.
    end: u64,
    /// Where the oldest record that is not replayed yet begins.
    cursor: u64,
    /// Records in the file, replayed ones included.
    records: u64,
    /// Records that are replayed already.
    replayed: u64,
    /// The largest number in the file.
    pub(crate) last_seq: Option<i64>,
}

impl Spool {
    /// Opens or makes the spool of `folder`, for at most `ops_max` ops. Makes the folder, but not its parents.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when another process has it, [`ErrorKind::Schema`] for a file that is no spool, and what
    /// the disk says.
    pub(crate) fn open(folder: &Path, ops_max: u64) -> Result<Self, StoreError> {
        let path = folder.join("outpace.spool");
        let fault = |e: std::io::Error| disk(&path, &e);
        // One that is there is right, and what is wrong with any other shows when the file is opened.
        let _ = std::fs::create_dir(folder);
        let mut file = private().read(true).open(&path).map_err(fault)?;
        lock(&file, &path)?;
        let length = file.metadata().map_err(fault)?.len();
        let writer = if length < HEAD_BYTES {
            // New, or its maker was killed before any record could be.
            make_head(&mut file, folder).map_err(fault)?
        } else {
            read_head(&mut file, &path)?
        };
        let mut spool = Spool {
            file,
            path,
            writer,
            ops_max,
            end: HEAD_BYTES,
            cursor: HEAD_BYTES,
            records: 0,
            replayed: 0,
            last_seq: None,
        };
        spool.scan(length)?;
        Ok(spool)
    }

    /// Finds the end of the good records and cuts off what follows.
    fn scan(&mut self, length: u64) -> Result<(), StoreError> {
        let fault = |e: std::io::Error| disk(&self.path, &e);
        self.file.seek(SeekFrom::Start(HEAD_BYTES)).map_err(fault)?;
        let mut reader = BufReader::new(&self.file);
        let (mut end, mut records, mut last_seq) = (HEAD_BYTES, 0, None);
        while let Some((item, bytes)) = read_record(&mut reader, &self.path)? {
            end += bytes;
            records += 1;
            last_seq = Some(item.seq);
        }
        (self.end, self.records, self.last_seq) = (end, records, last_seq);
        if end < length {
            let mut torn = Vec::new();
            self.file.seek(SeekFrom::Start(end)).map_err(fault)?;
            (&self.file).take(SPOOL_BYTES_MAX).read_to_end(&mut torn).map_err(fault)?;
            private()
                .truncate(true)
                .open(beside(&self.path, "torn"))
                .map_err(fault)?
                .write_all(&torn)
                .map_err(fault)?;
            self.file.set_len(end).map_err(fault)?;
            self.file.sync_data().map_err(fault)?;
        }
        Ok(())
    }

    /// True when everything has been replayed.
    pub(crate) fn is_empty(&self) -> bool {
        self.records == self.replayed
    }

    pub(crate) fn level(&self) -> Level {
        let (intents_refused, full) = self.fills(0, 0);
        Level { ops: self.records - self.replayed, intents_refused, full }
    }

    /// Whether intents, and whether anything at all, would be too much after so many more records and bytes.
    pub(crate) fn fills(&self, records: u64, bytes: u64) -> (bool, bool) {
        let (records, bytes) = (self.records + records, self.end + bytes);
        let above = |of: u64, parts: u64| records * parts >= self.ops_max * of || bytes * parts >= SPOOL_BYTES_MAX * of;
        (above(INTENTS_OF.0, INTENTS_OF.1), above(1, 1))
    }

    /// The bytes of a record, or why it cannot be one.
    pub(crate) fn encode(item: &Item) -> Result<Vec<u8>, StoreError> {
        let steps = item.write.steps.iter().map(|step| (step.statement.name.to_owned(), step.values.clone()));
        let body = Body { seq: item.seq, place: item.write.place.clone(), steps: steps.collect() };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        if body.is_empty() || body.len() > BODY_BYTES_MAX {
            let what = format!("an op of {} bytes cannot be kept", body.len());
            return Err(StoreError::new(ErrorKind::Value, what, item.write.place.clone(), "shorten its texts"));
        }
        let mut record = Vec::with_capacity(FRAME_BYTES as usize + body.len());
        record.extend_from_slice(&(body.len() as u32).to_le_bytes());
        record.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        record.extend_from_slice(&body);
        Ok(record)
    }

    /// Appends encoded records and waits until they are on the disk. What fails leaves the file as it was.
    pub(crate) fn append(&mut self, records: &[Vec<u8>], last_seq: i64) -> Result<(), StoreError> {
        let bytes: Vec<u8> = records.concat();
        let done = self.file.seek(SeekFrom::Start(self.end)).and_then(|_| self.file.write_all(&bytes));
        if let Err(e) = done.and_then(|()| self.file.sync_data()) {
            // If not even this works, the next append overwrites the torn end, or the next open cuts it off.
            let _ = self.file.set_len(self.end);
            return Err(disk(&self.path, &e));
        }
        self.end += bytes.len() as u64;
        self.records += records.len() as u64;
        self.last_seq = Some(last_seq);
        Ok(())
    }

    /// The oldest records that are not replayed, at most `limit`, and where the next one begins.
    pub(crate) fn oldest(&mut self, limit: usize) -> Result<(Vec<Item>, u64), StoreError> {
        let fault = |e: std::io::Error| disk(&self.path, &e);
        self.file.seek(SeekFrom::Start(self.cursor)).map_err(fault)?;
        let mut reader = BufReader::new(&self.file);
        let (mut items, mut next) = (Vec::new(), self.cursor);
        while items.len() < limit && next < self.end {
            let Some((item, bytes)) = read_record(&mut reader, &self.path)? else {
                let what = format!("the record at byte {next} is damaged");
                let mend = "check the disk; move the file away to start without what it holds";
                return Err(StoreError::new(ErrorKind::Io, what, self.path.display().to_string(), mend));
            };
            next += bytes;
            items.push(item);
        }
        Ok((items, next))
    }

    /// These records are in the database. The file is emptied when all are.
    pub(crate) fn advance(&mut self, records: usize, next: u64) -> Result<(), StoreError> {
        (self.cursor, self.replayed) = (next, self.replayed + records as u64);
        if !self.is_empty() {
            return Ok(());
        }
        let done = self.file.set_len(HEAD_BYTES).and_then(|()| self.file.sync_data());
        done.map_err(|e| disk(&self.path, &e))?;
        (self.end, self.cursor, self.records, self.replayed, self.last_seq) = (HEAD_BYTES, HEAD_BYTES, 0, 0, None);
        Ok(())
    }

    /// Puts an op beside that the database will not have, with the reason.
    pub(crate) fn refuse(&self, item: &Item, error: &StoreError) -> Result<(), StoreError> {
        let path = beside(&self.path, "refused");
        let steps: Vec<_> = item.write.steps.iter().map(|step| (step.statement.name, &step.values)).collect();
        let line = serde_json::json!({ "seq": item.seq, "place": item.write.place, "error": error.to_string(), "steps": steps });
        let written = private().append(true).open(&path).and_then(|mut file| {
            if file.metadata()?.len() >= SPOOL_BYTES_MAX {
                return Err(std::io::Error::other("the file of refused ops is full"));
            }
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_data()
        });
        written.map_err(|e| disk(&path, &e))
    }
}

/// Waits a moment for the lock: a process that has just been killed, or a child that is being started, may hold it yet.
fn lock(file: &File, path: &Path) -> Result<(), StoreError> {
    let until = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOCK_LOOK),
            Err(std::fs::TryLockError::WouldBlock) => {
                let mend = "give each running program a folder of its own";
                let place = path.display().to_string();
                return Err(StoreError::new(ErrorKind::Busy, "another program has this spool", place, mend));
            }
            Err(std::fs::TryLockError::Error(e)) => return Err(disk(path, &e)),
        }
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

fn beside(path: &Path, what: &str) -> PathBuf {
    path.with_extension(format!("spool.{what}"))
}

fn disk(path: &Path, error: &std::io::Error) -> StoreError {
    let (kind, mend) = match error.kind() {
        std::io::ErrorKind::StorageFull => (ErrorKind::DiskFull, "free space on this disk"),
        _ => (ErrorKind::Io, "check that the folder exists, that this user may write in it, and its disk"),
    };
    StoreError::new(kind, error.to_string(), path.display().to_string(), mend)
}

fn make_head(file: &mut File, folder: &Path) -> std::io::Result<i64> {
    // 63 random bits: two spools of one database never meet.
    let writer = (OsRng.next_u64() >> 1) as i64;
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&writer.to_le_bytes());
    let crc = crc32fast::hash(&head);
    head.extend_from_slice(&crc.to_le_bytes());
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&head)?;
    file.sync_all()?;
    // The file's name must survive too.
    File::open(folder)?.sync_all()?;
    Ok(writer)
}

fn read_head(file: &mut File, path: &Path) -> Result<i64, StoreError> {
    let mut head = [0; HEAD_BYTES as usize];
    file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut head)).map_err(|e| disk(path, &e))?;
    let (known, crc) = head.split_at(24);
    let (magic, writer) = known.split_at(16);
    match (<[u8; 8]>::try_from(writer), <[u8; 4]>::try_from(crc)) {
        (Ok(writer), Ok(crc)) if magic == MAGIC && u32::from_le_bytes(crc) == crc32fast::hash(known) => {
            Ok(i64::from_le_bytes(writer))
        }
        _ => Err(StoreError::new(
            ErrorKind::Schema,
            "this file is no spool of this program",
            path.display().to_string(),
            "move it away or name another folder",
        )),
    }
}

/// The next record and its length in the file; `None` at the end and at what is no whole record.
///
/// # Errors
/// [`ErrorKind::Schema`] for a record that is whole and means nothing to this program.
fn read_record(reader: &mut impl Read, path: &Path) -> Result<Option<(Item, u64)>, StoreError> {
    let mut frame = [0; FRAME_BYTES as usize];
    if reader.read_exact(&mut frame).is_err() {
        return Ok(None);
    }
    let [a, b, c, d, crc @ ..] = frame;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length == 0 || length > BODY_BYTES_MAX {
        return Ok(None);
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() || crc32fast::hash(&body) != u32::from_le_bytes(crc) {
        return Ok(None);
    }
    let foreign = |what: String| {
        StoreError::new(
            ErrorKind::Schema,
            what,
            path.display().to_string(),
            "start the program that wrote it, so that it empties its spool",
        )
    };
    let body: Body =
        serde_json::from_slice(&body).map_err(|e| foreign(format!("a record that is none of ours: {e}")))?;
    let mut steps = Vec::with_capacity(body.steps.len());
    for (name, values) in body.steps {
        let statement =
            ops::statement(&name).ok_or_else(|| foreign(format!("a record with an unknown op {name:?}")))?;
        steps.push(Step { statement, values });
    }
    Ok(Some((Item { seq: body.seq, write: Write { place: body.place, steps } }, FRAME_BYTES + length as u64)))
}

#[cfg(test)]
mod tests;
