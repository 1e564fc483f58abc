//! Lanes of jobs with connections of their own, so that a page of CDRs never waits in the queue of intents, nor behind
//! an import. Every function here blocks its caller until the answer is there; none may be called from a shard's thread.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

use crate::db::{Address, Connection, Role, Sql};
use crate::health::Board;
use crate::{ErrorKind, StoreError};

/// A connection that has rested longer than this is asked whether it still lives before it gets a job.
const REST: Duration = Duration::from_secs(1);

/// A lost server is noticed by our own clock; the server's own limit of a statement should speak first.
const GRACE: Duration = Duration::from_secs(1);

/// Gives false when the connection is no longer good.
type Work<'c> = Pin<Box<dyn Future<Output = bool> + 'c>>;
type Job = Box<dyn for<'c> FnOnce(Result<&'c mut Connection, StoreError>, Option<Duration>) -> Work<'c> + Send>;

/// The callers' side.
pub(crate) struct Lane {
    // Each caller waits for its answer, so there are never more jobs than threads that call.
    jobs: mpsc::UnboundedSender<Option<Job>>,
    place: String,
}

/// The thread's side; several workers may take from one.
#[derive(Clone)]
pub(crate) struct LaneEnd {
    jobs: Arc<Mutex<mpsc::UnboundedReceiver<Option<Job>>>>,
}

impl LaneEnd {
    async fn next(&self) -> Option<Option<Job>> {
        let mut jobs = self.jobs.lock().await;
        let message = jobs.recv().await;
        if matches!(message, Some(None)) {
            // Jobs sent before still come out; then the queue gives None to every worker.
            jobs.close();
        }
        message
    }
}

pub(crate) fn lane(place: &str) -> (Lane, LaneEnd) {
    let (jobs_tx, jobs_rx) = mpsc::unbounded_channel();
    (Lane { jobs: jobs_tx, place: place.to_owned() }, LaneEnd { jobs: Arc::new(Mutex::new(jobs_rx)) })
}

/// Gives the closure that a caller wrote the one type that the queue carries.
fn job<T, F>(work: F, place: String, answer: std::sync::mpsc::SyncSender<Result<T, StoreError>>) -> Job
where
    T: Send + 'static,
    F: AsyncFnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
{
    Box::new(move |connection, limit| {
        Box::pin(async move {
            let result = match (connection, limit) {
                (Err(error), _) => Err(error),
                (Ok(connection), None) => work(connection).await,
                (Ok(connection), Some(limit)) => match tokio::time::timeout(limit + GRACE, work(connection)).await {
                    Ok(result) => result,
                    Err(_elapsed) => Err(silent(limit, place)),
                },
            };
            let good = !result.as_ref().is_err_and(|error| error.kind == ErrorKind::Away);
            // The caller waits for it; only a caller whose thread died does not.
            let _ = answer.send(result);
            good
        })
    })
}

/// The fault of a server that takes statements and does not answer.
pub(crate) fn silent(limit: Duration, place: impl Into<String>) -> StoreError {
    let what = format!("the database has not answered for {} s", limit.as_secs());
    StoreError::new(ErrorKind::Away, what, place, "is the database running? see its log and the network")
}

impl Lane {
    pub(crate) fn close(&self) {
        // A thread that has ended needs no message.
        let _ = self.jobs.send(None);
    }

    /// Runs `work` on a connection of this lane some time; nobody learns how it ended.
    pub(crate) fn post<F>(&self, work: F)
    where
        F: AsyncFnOnce(&mut Connection) -> Result<(), StoreError> + Send + 'static,
    {
        let (answer_tx, _) = std::sync::mpsc::sync_channel(1);
        // A closed lane does nothing any more.
        let _ = self.jobs.send(Some(job(work, self.place.clone(), answer_tx)));
    }

    /// Runs `work` on a connection of this lane and waits for its answer.
    pub(crate) fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer_tx, answer_rx) = std::sync::mpsc::sync_channel(1);
        // A job that cannot be sent is dropped here, with its end of the answer.
        let sent = self.jobs.send(Some(job(work, self.place.clone(), answer_tx))).is_ok();
        let answer = if sent { answer_rx.recv().ok() } else { None };
        answer.unwrap_or_else(|| Err(StoreError::closed(&self.place)))
    }
}

/// Does jobs in their order until the lane closes. Connects when there is something to do.
pub(crate) async fn run(end: LaneEnd, address: &Address, role: Role, board: &Board) {
    let mut idle: Option<Connection> = None;
    let mut used = Instant::now();
    loop {
        let job = match end.next().await {
            Some(Some(job)) => job,
            Some(None) => continue,
            None => break,
        };
        let mut connection = match ready(idle.take(), used, address, role, board).await {
            Ok(connection) => connection,
            Err(error) => {
                job(Err(error), None).await;
                continue;
            }
        };
        let limit = role.limit().filter(|_| connection.is_remote());
        if job(Ok(&mut connection), limit).await {
            idle = Some(connection);
        }
        used = Instant::now();
    }
    if let Some(connection) = idle {
        // Nothing of ours is open on it.
        let _ = connection.close(address.said()).await;
    }
}

/// A connection that lives, unless the writer knows that the database is away.
async fn ready(
    idle: Option<Connection>,
    used: Instant,
    address: &Address,
    role: Role,
    board: &Board,
) -> Result<Connection, StoreError> {
    if let Some(error) = board.away_error() {
        return Err(error);
    }
    if let Some(mut connection) = idle
        && (!connection.is_remote() || used.elapsed() < REST || lives(&mut connection).await)
    {
        return Ok(connection);
    }
    Connection::open(address, role).await
}

/// Asks a server for a sign of life.
pub(crate) async fn lives(connection: &mut Connection) -> bool {
    let asked = connection.fetch(Sql::new("SELECT 1"), "sign of life");
    tokio::time::timeout(crate::db::CONNECT_LIMIT, asked).await.is_ok_and(|answer| answer.is_ok())
}

/// Runs `work` between BEGIN and COMMIT; what fails leaves nothing.
pub(crate) async fn in_transaction<T>(
    connection: &mut Connection,
    work: impl AsyncFnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.begin().await?;
    match work(connection).await {
        Ok(value) => connection.commit().await.map(|()| value),
        Err(error) => {
            connection.roll_back().await;
            Err(error)
        }
    }
}
