//! The writer and its database: a file that is always there, or a server that can go away.
//!
//! ```text
//!            a batch fails or takes longer than 3 s                connects again (pause 0.2 … 2 s)
//!   up  ───────────────────────────────────────────> down  ──────────────────────────────────────> catching up
//!    ^       its ops and all that follow: spool                 oldest first; what comes in: spool      │
//!    └────────────────────────────────────────────── the spool is empty <────────────────────────────────┘
//! ```
//!
//! Whether the batch that failed is in the database is not guessed: each batch moves the mark of this writer in its own
//! transaction, and the mark is read after connecting. Without a spool an op fails with [`ErrorKind::Away`].

use std::sync::atomic::Ordering;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::commit::{Mark, commit};
use super::*;
use crate::db::{Address, CONNECT_LIMIT, Role, Sql};
use crate::health::{Away, Board};
use crate::lanes::{lives, silent};
use crate::spool::Spool;

/// Longest batch on a server, from BEGIN to the answer to COMMIT: 256 ops take 50 ms; a failover takes longer.
const BATCH_LIMIT: Duration = Duration::from_secs(3);

/// First pause before connecting again, doubled up to the longest: a restarted server is back after 0.5 to 5 s.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// While the server is away the writer looks this often whether it is back.
const LOOK: Duration = Duration::from_millis(20);

/// With nothing to write, a server is asked this often whether it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

type Connecting = JoinHandle<Result<(Connection, i64), StoreError>>;

enum Link {
    Up(Connection),
    Down { retry_at: Instant, pause: Duration, connecting: Option<Connecting> },
}

/// See the module's head.
pub(crate) struct Writer {
    address: Address,
    link: Link,
    spool: Option<Spool>,
    board: Arc<Board>,
    since: Option<std::time::Instant>,
    error: Option<StoreError>,
    /// The number of the latest op.
    seq: i64,
    /// The number of the last op that the database is known to hold.
    applied: i64,
    heard: Instant,
}

impl Writer {
    /// Connects, and writes what an earlier process left in the spool.
    pub(crate) async fn open(
        address: Address,
        spool: Option<Spool>,
        board: Arc<Board>,
        end: &End,
    ) -> Result<Self, StoreError> {
        let (connection, applied) =
            connect(&address, spool.as_ref().map(|spool| (spool.writer, spool.is_empty()))).await?;
        let seq = spool.as_ref().and_then(|spool| spool.last_seq).map_or(applied, |last| last.max(applied));
        let mut writer = Writer {
            address,
            link: Link::Up(connection),
            spool,
            board,
            since: None,
            error: None,
            seq,
            applied,
            heard: Instant::now(),
        };
        while writer.spooled() {
            writer.tend(&end.shared).await;
            if let (Link::Down { .. }, Some(error)) = (&writer.link, &writer.error) {
                return Err(error.clone());
            }
        }
        Ok(writer)
    }

    pub(super) fn next_seq(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    /// How long to wait for ops before there is something else to do.
    pub(super) fn patience(&self) -> Option<Duration> {
        match &self.link {
            Link::Up(_) if self.spooled() => Some(Duration::ZERO),
            Link::Up(connection) if connection.is_remote() => Some(SIGN_OF_LIFE),
            Link::Up(_) => None,
            Link::Down { .. } => Some(LOOK),
        }
    }

    fn spooled(&self) -> bool {
        self.spool.as_ref().is_some_and(|spool| !spool.is_empty())
    }

    /// Writes one batch, to the database or to the spool, and acknowledges each op of it.
    pub(super) async fn write(&mut self, entries: Vec<Entry>, end: &End) {
        let mut results = Vec::with_capacity(entries.len());
        let (mut items, mut tokens) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
        for Entry { token, seq, intent, write } in entries {
            match write {
                Ok(write) => {
                    items.push((intent, Item { seq, write }));
                    results.push(Ok(()));
                    tokens.push((token, None));
                }
                Err(error) => tokens.push((token, Some(error))),
            }
        }
        if !items.is_empty() {
            self.place(items, &mut results, &end.shared).await;
        }
        let mut results = results.into_iter();
        for (token, error) in tokens {
            let result = error.map_or_else(|| results.next().unwrap_or(Ok(())), Err);
            end.acknowledge(token, result);
        }
    }

    /// To the database if it is there and nothing waits before.
    async fn place(&mut self, items: Vec<(bool, Item)>, results: &mut [Result<(), StoreError>], shared: &Shared) {
        if let Link::Up(connection) = &self.link
            && !self.spooled()
        {
            let remote = connection.is_remote();
            let (intents, only): (Vec<bool>, Vec<Item>) = items.into_iter().unzip();
            match self.commit(&only, results).await {
                Ok(()) => {
                    shared.commits.fetch_add(1, Ordering::AcqRel);
                    return;
                }
                Err(error) if !remote => return results.fill(Err(error)),
                Err(error) => self.lose(error),
            }
            return self.keep(intents.into_iter().zip(only), results, shared);
        }
        self.keep(items.into_iter(), results, shared);
    }

    async fn commit(&mut self, items: &[Item], results: &mut [Result<(), StoreError>]) -> Result<(), StoreError> {
        let Link::Up(connection) = &mut self.link else { return Ok(()) };
        let to = items.last().map_or(self.applied, |item| item.seq);
        let mark = self.spool.as_ref().map(|spool| Mark { writer: spool.writer, from: self.applied, to });
        let limit = connection.is_remote().then_some(BATCH_LIMIT);
        let work = commit(connection, mark, items, results);
        match limit {
            None => work.await?,
            Some(limit) => match tokio::time::timeout(limit, work).await {
                Ok(done) => done?,
                Err(_elapsed) => return Err(silent(limit, "group commit")),
            },
        }
        (self.applied, self.heard) = (to, Instant::now());
        Ok(())
    }

    /// To the spool, those that no rule has refused yet.
    fn keep(
        &mut self,
        items: impl Iterator<Item = (bool, Item)>,
        results: &mut [Result<(), StoreError>],
        shared: &Shared,
    ) {
        let away = self.error.clone().unwrap_or_else(|| silent(BATCH_LIMIT, self.address.said()));
        let mut records: Vec<Vec<u8>> = Vec::new();
        let (mut bytes, mut last_seq) = (0, 0);
        let mut kept = Vec::new();
        for ((intent, item), result) in items.zip(results.iter_mut()) {
            if result.is_err() {
                continue;
            }
            let Some(spool) = &self.spool else {
                *result = Err(StoreError { kind: ErrorKind::Away, ..away.clone() });
                continue;
            };
            let (no_intents, full) = spool.fills(records.len() as u64, bytes);
            if full || (intent && no_intents) {
                let what = if full { "the spool is full" } else { "the spool is nearly full and takes no intents" };
                let mend = "bring the database back; what is kept is written to it then";
                *result = Err(StoreError::new(ErrorKind::Busy, what, item.write.place, mend));
                continue;
            }
            match Spool::encode(&item) {
                Ok(record) => {
                    (bytes, last_seq) = (bytes + record.len() as u64, item.seq);
                    records.push(record);
                    kept.push(result);
                }
                Err(error) => *result = Err(error),
            }
        }
        if let Some(spool) = &mut self.spool
            && !records.is_empty()
        {
            match spool.append(&records, last_seq) {
                Ok(()) => drop(shared.spooled.fetch_add(records.len() as u64, Ordering::AcqRel)),
                Err(error) => kept.into_iter().for_each(|result| *result = Err(error.clone())),
            }
        }
        self.post();
    }

    /// The database is gone, or as good as.
    fn lose(&mut self, error: StoreError) {
        // Dropping the connection undoes what was open on it.
        self.link = Link::Down { retry_at: Instant::now() + PAUSE_FIRST, pause: PAUSE_FIRST, connecting: None };
        self.since.get_or_insert_with(std::time::Instant::now);
        self.error = Some(error);
        self.post();
    }

    /// Tells everybody how it stands.
    fn post(&mut self) {
        if matches!(self.link, Link::Up(_)) && !self.spooled() {
            (self.since, self.error) = (None, None);
            return self.board.set(None);
        }
        let (Some(since), Some(error)) = (self.since, &self.error) else { return };
        let level = self.spool.as_ref().map(Spool::level);
        self.board.set(Some(Away {
            since,
            spooled_ops: level.map_or(0, |level| level.ops),
            intents_refused: level.is_none_or(|level| level.intents_refused),
            spool_full: level.is_none_or(|level| level.full),
            error: error.clone(),
        }));
    }

    /// What there is to do besides new ops: a sign of life, connecting again, the next part of the spool.
    pub(super) async fn tend(&mut self, shared: &Shared) {
        let spooled = self.spooled();
        match &mut self.link {
            Link::Up(_) if spooled => {
                if let Err(error) = self.replay(shared).await {
                    self.lose(error);
                }
                self.post();
            }
            Link::Up(connection) => {
                if connection.is_remote() && self.heard.elapsed() >= SIGN_OF_LIFE {
                    if lives(connection).await {
                        self.heard = Instant::now();
                    } else {
                        self.lose(silent(CONNECT_LIMIT, self.address.said()));
                    }
                }
            }
            Link::Down { .. } => self.reconnect().await,
        }
    }

    async fn reconnect(&mut self) {
        let Link::Down { retry_at, pause, connecting } = &mut self.link else { return };
        let Some(task) = connecting.take_if(|task| task.is_finished()) else {
            if connecting.is_none() && Instant::now() >= *retry_at {
                let (address, spool) = (self.address.clone(), self.spool.as_ref().map(|s| (s.writer, false)));
                *connecting = Some(tokio::spawn(async move { connect(&address, spool).await }));
            }
            return;
        };
        match task.await {
            Ok(Ok((connection, applied))) => {
                (self.link, self.applied, self.heard) = (Link::Up(connection), applied, Instant::now());
            }
            Ok(Err(error)) => {
                *pause = (*pause * 2).min(PAUSE_MAX);
                *retry_at = Instant::now() + *pause;
                self.error = Some(error);
            }
            // The task was not cancelled, so this is a fault of the program; the next try may fare better.
            Err(_panic) => *retry_at = Instant::now() + PAUSE_MAX,
        }
        self.post();
    }

    /// Writes the oldest ops of the spool that the database does not hold.
    async fn replay(&mut self, shared: &Shared) -> Result<(), StoreError> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        let (items, next) = spool.oldest(BATCH_OPS_MAX)?;
        let records = items.len();
        let items: Vec<Item> = items.into_iter().filter(|item| item.seq > self.applied).collect();
        if !items.is_empty() {
            let mut results = vec![Ok(()); items.len()];
            self.commit(&items, &mut results).await?;
            shared.commits.fetch_add(1, Ordering::AcqRel);
            for (item, result) in items.iter().zip(results) {
                if let (Err(error), Some(spool)) = (result, &self.spool) {
                    shared.replay_refused.fetch_add(1, Ordering::AcqRel);
                    // Counted all the same; one full disk must not keep the rest from the database.
                    let _ = spool.refuse(item, &error);
                }
            }
        }
        self.spool.as_mut().map_or(Ok(()), |spool| spool.advance(records, next))
    }

    pub(super) fn into_connection(self) -> Option<Connection> {
        match self.link {
            Link::Up(connection) => Some(connection),
            Link::Down { connecting, .. } => {
                if let Some(task) = connecting {
                    task.abort();
                }
                None
            }
        }
    }
}

/// Connects for ops; gives the number of the last op of this writer that the database holds. `spool`: the writer's name
/// and whether its spool is empty.
async fn connect(address: &Address, spool: Option<(i64, bool)>) -> Result<(Connection, i64), StoreError> {
    let mut connection = Connection::open(address, Role::Ops).await?;
    let Some((writer, empty)) = spool else { return Ok((connection, 0)) };
    let place = "mark of the spool";
    let asked = async {
        if empty {
            let known = Sql::new("INSERT INTO writer (writer_id, applied_seq) VALUES ($1, 0) ON CONFLICT DO NOTHING");
            connection.execute(known.with(writer), place).await?;
        }
        let mark = Sql::new("SELECT applied_seq FROM writer WHERE writer_id = $1").with(writer);
        connection.fetch_one(mark, place).await?.map(|row| row.get::<i64>("applied_seq")).transpose()
    };
    match tokio::time::timeout(CONNECT_LIMIT, asked).await {
        Ok(Ok(Some(applied))) => Ok((connection, applied)),
        Ok(Ok(None)) => Err(StoreError::new(
            ErrorKind::Schema,
            "the spool holds ops of another database",
            address.said(),
            "start once with the url that it belongs to, or move the spool away",
        )),
        Ok(Err(error)) => Err(error),
        Err(_elapsed) => Err(silent(CONNECT_LIMIT, address.said())),
    }
}
