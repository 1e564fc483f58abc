//! The chain of seals: proof that what the compliance figure is made of was not altered after it was written.
//!
//! ```text
//!  intent, count, close, timeline, disposition ──values──> record
//!  head(n) = SHA-256( head(n-1) · kind · SHA-256(record) )      one row of `seal` each, in the same commit
//! ```
//!
//! **Invariants.** A seal is written in the transaction of its record, in the order of the records; whoever changes,
//! removes or adds one afterwards would have to write every later head anew, and a head that was noted elsewhere then
//! shows it. The record is made of the statement's own values, so what is read back must give the very statement that was
//! written. Absent: keys. The chain proves alteration against a head that is known outside; it does not hide anything.

use std::collections::BTreeMap;

use base::AttemptId;
use sha2::{Digest, Sha256};

use crate::contacts::disposition_row;
use crate::db::{Connection, Row, Sql, Value};
use crate::ops::{self, Step, Write};
use crate::read::unsigned;
use crate::records::attempt_row;
use crate::rows::*;
use crate::{Store, StoreError};

/// Seals of one question: with their attempts some 1 MiB.
const PART_SEALS: i64 = 1_000;

/// Faults that are told one by one; a hundred show the pattern.
const FAULTS_MAX: usize = 100;

/// What a seal is of. The numbers stand in the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    Intent = 1,
    Count = 2,
    Close = 3,
    Timeline = 4,
    Disposition = 5,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Intent, Kind::Count, Kind::Close, Kind::Timeline, Kind::Disposition];

    /// The kind of a statement, and which of its values is the attempt.
    fn of(statement: &str) -> Option<(Kind, usize)> {
        Some(match statement {
            "attempt" => (Kind::Intent, 0),
            "counted" => (Kind::Count, 4),
            "attempt_close" => (Kind::Close, 14),
            "event" => (Kind::Timeline, 1),
            "disposition" => (Kind::Disposition, 1),
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Intent => "intent",
            Kind::Count => "count",
            Kind::Close => "close",
            Kind::Timeline => "timeline",
            Kind::Disposition => "disposition",
        }
    }
}

/// The place of the ringing time among the values of a count.
const RANG: usize = 2;

type Hash = [u8; 32];
/// Reads a row as the ops that would write it.
type ReadOps = fn(&Row) -> Result<Vec<Op>, StoreError>;

/// A record on its way into the chain.
pub(crate) struct Record {
    kind: Kind,
    attempt: i64,
    hash: Hash,
}

impl Record {
    fn of(step: &Step) -> Option<Record> {
        let (kind, place) = Kind::of(step.statement.name)?;
        // A disposition of a call that no campaign placed has no attempt, and nothing to do with the figure.
        let Some(Value::Int(Some(attempt))) = step.values.get(place) else { return None };
        let mut hash = Sha256::new();
        for (place, value) in step.values.iter().enumerate() {
            // Counts from before the ringing time was kept are sealed without it.
            if kind == Kind::Count && place == RANG && matches!(value, Value::Int(None)) {
                continue;
            }
            match value {
                Value::Int(None) | Value::Text(None) => hash.update([0]),
                Value::Int(Some(number)) => {
                    hash.update([1]);
                    hash.update(number.to_le_bytes());
                }
                Value::Text(Some(text)) => {
                    hash.update([2]);
                    hash.update((text.len() as u64).to_le_bytes());
                    hash.update(text.as_bytes());
                }
                Value::Bytes(bytes) => {
                    hash.update([3]);
                    hash.update((bytes.len() as u64).to_le_bytes());
                    hash.update(bytes);
                }
            }
        }
        Some(Record { kind, attempt: *attempt, hash: hash.finalize().into() })
    }

    /// What of an op is sealed.
    pub(crate) fn all_of(write: &Write) -> impl Iterator<Item = Record> {
        write.steps.iter().filter_map(Record::of)
    }

    fn head_after(&self, head: &[u8]) -> Hash {
        let mut hash = Sha256::new();
        hash.update(head);
        hash.update([self.kind as u8]);
        hash.update(self.hash);
        hash.finalize().into()
    }
}

/// Adds records to the chain, in the transaction that is open.
pub(crate) async fn append(connection: &mut Connection, records: Vec<Record>) -> Result<(), StoreError> {
    const PLACE: &str = "seals";
    if records.is_empty() {
        return Ok(());
    }
    let count = records.len() as i64;
    // On a server this locks the head until the commit, so that two writers cannot make two chains.
    let taken = Sql::new("UPDATE seal_head SET seq = seq + $1 RETURNING seq, head").with(count);
    let Some(row) = connection.fetch_one(taken, PLACE).await? else { return Ok(()) };
    let mut head: Vec<u8> = row.get::<Option<Vec<u8>>>("head")?.unwrap_or_default();
    let first = row.get::<i64>("seq")? - count;
    let mut query = Sql::new("INSERT INTO seal (seq, kind, attempt_id, head) VALUES ");
    for (n, record) in records.iter().enumerate() {
        head = record.head_after(&head).to_vec();
        let values: [Value; 4] =
            [(first + 1 + n as i64).into(), (record.kind as i64).into(), record.attempt.into(), head.clone().into()];
        query.push(if n == 0 { "(" } else { ", (" }).list(values).push(")");
    }
    connection.execute(query, PLACE).await?;
    connection.execute(Sql::new("UPDATE seal_head SET head = $1").with(head), PLACE).await?;
    Ok(())
}

/// A record that is not what was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealFault {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// What is wrong with which record of it.
    pub what: String,
}

/// What the chain says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealReport {
    /// Records whose seals were looked at.
    pub sealed: u64,
    /// The chain's end in hexadecimal letters: note it elsewhere. Empty: nothing is sealed yet.
    pub head: String,
    /// Attempts up to this one were written before there were seals.
    pub unsealed_to: AttemptId,
    /// An earlier head that was asked for is in the chain.
    pub noted_found: bool,
    /// What is wrong; the first hundred.
    pub faults: Vec<SealFault>,
    /// And how many there are.
    pub faults_total: u64,
}

impl SealReport {
    fn fault(&mut self, attempt: i64, what: impl Into<String>) {
        self.faults_total += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(SealFault { attempt: AttemptId(attempt as u64), what: what.into() });
        }
    }
}

/// One seal as it is stored.
struct Seal {
    seq: i64,
    kind: Option<Kind>,
    attempt: i64,
    head: Vec<u8>,
}

impl Store {
    /// Goes through the whole chain and compares every record with its seal. `noted`: a head in hexadecimal letters that
    /// was noted earlier. Asks for parts, so others get their turn; takes about a second for 20,000 records.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn verify_seals(&self, noted: Option<&str>) -> Result<SealReport, StoreError> {
        let place = "seals";
        let ends = self.page(place, Sql::new("SELECT seq, head, since_attempt FROM seal_head"), |row| {
            let head: Option<Vec<u8>> = row.get("head")?;
            Ok((row.get::<i64>("seq")?, head.unwrap_or_default(), unsigned(row, "since_attempt")?))
        })?;
        let mut report = SealReport {
            sealed: 0,
            head: String::new(),
            unsealed_to: AttemptId(0),
            noted_found: false,
            faults: Vec::new(),
            faults_total: 0,
        };
        let Some((last, end, since)) = ends.into_iter().next() else {
            report.fault(0, "the chain's head is gone");
            return Ok(report);
        };
        (report.head, report.unsealed_to) = (hex(&end), AttemptId(since));
        let (mut seq, mut head) = (0, Vec::new());
        while seq < last {
            let part = self.reads.call(async move |connection| part(connection, seq, last).await)?;
            if part.seals.is_empty() {
                report.fault(0, format!("the chain ends after seal {seq} of {last}"));
                break;
            }
            for seal in part.seals {
                if seal.seq != seq + 1 {
                    report.fault(seal.attempt, format!("{} seals before this one are gone", seal.seq - seq - 1));
                }
                seq = seal.seq;
                report.sealed += 1;
                report.noted_found |= noted.is_some_and(|noted| noted.eq_ignore_ascii_case(&hex(&seal.head)));
                match seal.kind {
                    None => report.fault(seal.attempt, "a seal of no kind that this program knows"),
                    Some(kind) => {
                        let records = part.records.get(&(seal.attempt, kind)).map_or(&[][..], Vec::as_slice);
                        if records.is_empty() {
                            report.fault(seal.attempt, format!("the {} is gone", kind.name()));
                        } else if !records.iter().any(|record| record.head_after(&head)[..] == seal.head[..]) {
                            report.fault(seal.attempt, format!("the {} is not what was written", kind.name()));
                        }
                    }
                }
                head = seal.head;
            }
        }
        if head != end && report.faults_total == 0 {
            report.fault(0, "the chain's end is not its last seal");
        }
        for (kind, query) in unsealed(since) {
            for attempt in self.page(place, query, |row| row.get::<i64>("attempt_id"))? {
                report.fault(attempt, format!("a {} that was never sealed", kind.name()));
            }
        }
        Ok(report)
    }
}

/// Records that have no seal, of attempts after `since`; a row each, a hundred at most.
fn unsealed(since: u64) -> [(Kind, Sql); 5] {
    let one = |kind: Kind, text: &'static str| {
        (kind, Sql::new(text).with(since as i64).with(kind as i64).with(FAULTS_MAX as i64))
    };
    [
        one(
            Kind::Intent,
            "SELECT a.attempt_id FROM attempt a WHERE a.attempt_id > $1 AND NOT EXISTS \
             (SELECT 1 FROM seal s WHERE s.attempt_id = a.attempt_id AND s.kind = $2) LIMIT $3",
        ),
        one(
            Kind::Count,
            "SELECT a.attempt_id FROM attempt a WHERE a.attempt_id > $1 AND a.counted_us IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM seal s WHERE s.attempt_id = a.attempt_id AND s.kind = $2) LIMIT $3",
        ),
        one(
            Kind::Close,
            "SELECT a.attempt_id FROM attempt a WHERE a.attempt_id > $1 AND a.closed_us IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM seal s WHERE s.attempt_id = a.attempt_id AND s.kind = $2) LIMIT $3",
        ),
        one(
            Kind::Timeline,
            "SELECT e.attempt_id FROM attempt_event e WHERE e.attempt_id > $1 GROUP BY e.attempt_id HAVING COUNT(*) <> \
             (SELECT COUNT(*) FROM seal s WHERE s.attempt_id = e.attempt_id AND s.kind = $2) LIMIT $3",
        ),
        one(
            Kind::Disposition,
            "SELECT d.attempt_id FROM disposition d WHERE d.attempt_id > $1 GROUP BY d.attempt_id HAVING COUNT(*) <> \
             (SELECT COUNT(*) FROM seal s WHERE s.attempt_id = d.attempt_id AND s.kind = $2) LIMIT $3",
        ),
    ]
}

/// Some seals and the records of their attempts as they stand there now.
struct Part {
    seals: Vec<Seal>,
    records: BTreeMap<(i64, Kind), Vec<Record>>,
}

async fn part(connection: &mut Connection, after: i64, last: i64) -> Result<Part, StoreError> {
    let place = "seals";
    let query =
        Sql::new("SELECT seq, kind, attempt_id, head FROM seal WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3");
    let rows = connection.fetch(query.with(after).with(last).with(PART_SEALS), place).await?;
    let mut seals = Vec::with_capacity(rows.len());
    for row in &rows {
        let number = row.get::<i64>("kind")?;
        seals.push(Seal {
            seq: row.get("seq")?,
            kind: Kind::ALL.into_iter().find(|kind| *kind as i64 == number),
            attempt: row.get("attempt_id")?,
            head: row.get::<Option<Vec<u8>>>("head")?.unwrap_or_default(),
        });
    }
    let mut part = Part { seals, records: BTreeMap::new() };
    let of_kinds = |kinds: &[Kind]| {
        let mut attempts: Vec<i64> = part
            .seals
            .iter()
            .filter(|seal| seal.kind.is_some_and(|kind| kinds.contains(&kind)))
            .map(|seal| seal.attempt)
            .collect();
        attempts.sort_unstable();
        attempts.dedup();
        attempts
    };
    let asked: [(&'static str, Vec<i64>, ReadOps); 3] = [
        (
            "SELECT * FROM attempt WHERE attempt_id IN (",
            of_kinds(&[Kind::Intent, Kind::Count, Kind::Close]),
            ops_of_attempt,
        ),
        ("SELECT * FROM attempt_event WHERE attempt_id IN (", of_kinds(&[Kind::Timeline]), op_of_event),
        ("SELECT * FROM disposition WHERE attempt_id IN (", of_kinds(&[Kind::Disposition]), op_of_disposition),
    ];
    for (text, attempts, read) in asked {
        if attempts.is_empty() {
            continue;
        }
        let mut query = Sql::new(text);
        query.list(attempts).push(")");
        for row in connection.fetch(query, place).await? {
            for op in read(&row)? {
                for record in Record::all_of(&ops::write(&op)?) {
                    part.records.entry((record.attempt, record.kind)).or_default().push(record);
                }
            }
        }
    }
    Ok(part)
}

/// The ops that would write this row.
fn ops_of_attempt(row: &Row) -> Result<Vec<Op>, StoreError> {
    let AttemptRow { intent, close, counted } = attempt_row(row)?;
    let mut ops = vec![Op::Intent(intent)];
    ops.extend(counted.map(Op::Counted));
    ops.extend(close.map(|close| Op::AttemptClose(close, None)));
    Ok(ops)
}

fn op_of_event(row: &Row) -> Result<Vec<Op>, StoreError> {
    Ok(vec![Op::Event(EventRow {
        tenant: TenantId(unsigned(row, "tenant_id")?),
        attempt: AttemptId(unsigned(row, "attempt_id")?),
        at: crate::read::wall(row, "at_us")?,
        body: row.get("body")?,
    })])
}

fn op_of_disposition(row: &Row) -> Result<Vec<Op>, StoreError> {
    Ok(vec![Op::Disposition(disposition_row(TenantId(unsigned(row, "tenant_id")?), row)?)])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_without_a_ringing_time_is_sealed_as_before_there_was_one() {
        let statement = ops::statement("counted").unwrap();
        let hash = |rang: Option<i64>| {
            let values = vec!["connected".to_owned().into(), 7_i64.into(), rang.into(), 1_i64.into(), 9_i64.into()];
            let record = Record::of(&Step { statement, values }).unwrap();
            assert_eq!((record.kind, record.attempt), (Kind::Count, 9));
            record.hash
        };
        let mut before = Sha256::new();
        before.update([2]);
        before.update(9_u64.to_le_bytes());
        before.update("connected");
        for number in [7_i64, 1, 9] {
            before.update([1]);
            before.update(number.to_le_bytes());
        }
        assert_eq!(hash(None), Hash::from(before.finalize()));
        assert_ne!(hash(None), hash(Some(5)));
    }
}
