//! One transaction of a batch.

use crate::db::{Connection, Sql};
use crate::seal::{self, Record};
use crate::spool::Item;
use crate::{ErrorKind, StoreError};

/// Moves the database's note of the last op of this writer; see the table `writer`.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) writer: i64,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// Writes a batch. An op that breaks a rule is not written and its result says so.
///
/// # Errors
/// A fault of the store itself: nothing was written, or (on a server, when it is lost in mid-commit) nobody knows.
/// What is already known of single ops stands in `results` all the same.
pub(super) async fn commit(
    connection: &mut Connection,
    mark: Option<Mark>,
    items: &[Item],
    results: &mut [Result<(), StoreError>],
) -> Result<(), StoreError> {
    // Ops fail seldom: first all in one go; only if one of them breaks a rule, again with a savepoint each.
    match together(connection, mark, items).await {
        Err(error) if error.is_of_one_row() => one_by_one(connection, mark, items, results).await,
        outcome => outcome,
    }
}

async fn together(connection: &mut Connection, mark: Option<Mark>, items: &[Item]) -> Result<(), StoreError> {
    begin(connection, mark).await?;
    for item in items {
        if let Err(error) = apply(connection, item).await {
            connection.roll_back().await;
            return Err(error);
        }
    }
    finish(connection, items.iter()).await
}

/// Seals what was written and commits.
async fn finish<'i>(connection: &mut Connection, items: impl Iterator<Item = &'i Item>) -> Result<(), StoreError> {
    let records = items.flat_map(|item| Record::all_of(&item.write)).collect();
    if let Err(error) = seal::append(connection, records).await {
        connection.roll_back().await;
        return Err(error);
    }
    connection.commit().await
}

/// Like [`together`], but an op that breaks a rule is undone alone and its error kept in `results`.
async fn one_by_one(
    connection: &mut Connection,
    mark: Option<Mark>,
    items: &[Item],
    results: &mut [Result<(), StoreError>],
) -> Result<(), StoreError> {
    begin(connection, mark).await?;
    for (item, result) in items.iter().zip(results.iter_mut()) {
        let step = async {
            connection.plain("SAVEPOINT op").await?;
            match apply(connection, item).await {
                Err(error) if error.is_of_one_row() => {
                    connection.plain("ROLLBACK TO SAVEPOINT op").await?;
                    *result = Err(error);
                }
                other => other?,
            }
            connection.plain("RELEASE SAVEPOINT op").await
        };
        if let Err(error) = step.await {
            connection.roll_back().await;
            return Err(error);
        }
    }
    let written = items.iter().zip(results.iter()).filter(|(_, result)| result.is_ok());
    finish(connection, written.map(|(item, _)| item)).await
}

/// The mark comes first: on a server its row stays locked until the transaction ends. So a batch that a lost
/// connection left in the server is over, one way or the other, before its repetition can ask how it ended.
async fn begin(connection: &mut Connection, mark: Option<Mark>) -> Result<(), StoreError> {
    connection.begin().await?;
    let Some(mark) = mark else { return Ok(()) };
    let moved = Sql::new("UPDATE writer SET applied_seq = $1 WHERE writer_id = $2 AND applied_seq = $3")
        .with(mark.to)
        .with(mark.writer)
        .with(mark.from);
    let error = match connection.execute(moved, "mark of the spool").await {
        Ok(1) => return Ok(()),
        Ok(_) => StoreError::new(
            ErrorKind::Away,
            "the last batch was written after all, or by another program",
            "mark of the spool",
            "it is asked for again; give each running program a spool of its own",
        ),
        Err(error) => error,
    };
    connection.roll_back().await;
    Err(error)
}

/// Writes one op in the transaction that is open.
async fn apply(connection: &mut Connection, item: &Item) -> Result<(), StoreError> {
    let place = &item.write.place;
    for step in &item.write.steps {
        let sql = Sql::new(step.statement.text).with_all(step.values.iter().cloned());
        let changed = connection.execute(sql, place).await?;
        if changed == 0
            && let Some((kind, what)) = step.statement.missing
        {
            return Err(StoreError::new(
                kind,
                what,
                place.clone(),
                "check the id; what is closed is not changed again",
            ));
        }
    }
    Ok(())
}
