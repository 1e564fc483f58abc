//! The SQL of each [`Op`].

use base::WallTime;
use sqlx::SqliteConnection;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use crate::rows::*;
use crate::{ErrorKind, StoreError};

/// Longest text of one column: a decision's reasons or a timeline of 64 entries need about 4 KiB.
pub const TEXT_BYTES_MAX: usize = 16_384;

type Statement = Query<'static, Sqlite, SqliteArguments>;

/// Writes one op in the transaction that is open.
pub(crate) async fn apply(connection: &mut SqliteConnection, op: &Op) -> Result<(), StoreError> {
    match op {
        Op::Intent(row) => intent(connection, row).await,
        Op::CdrOpen(row) => cdr_open(connection, row).await,
        Op::CdrClose(row) => cdr_close(connection, row).await,
        Op::AttemptClose(row) => attempt_close(connection, row).await,
        Op::LeadState(row) => lead_state(connection, row).await,
        Op::Consent(row) => consent(connection, row).await,
        Op::Suppress(row) => suppress(connection, row).await,
        Op::Disposition(row) => disposition(connection, row).await,
        Op::CampaignState(row) => campaign_state(connection, row).await,
        Op::Event(row) => event(connection, row).await,
        Op::Callback(row) => callback(connection, row).await,
        Op::CallbackDone(row) => callback_done(connection, row).await,
    }
}

async fn intent(connection: &mut SqliteConnection, row: &AttemptIntentRow) -> Result<(), StoreError> {
    let place = format!("intent of attempt {}", row.attempt);
    // The lead first: its number decides whether this attempt is a new one.
    let lead = sqlx::query(
        "UPDATE lead SET attempt_number = ?, last_attempt_us = ?, state = 'dialling', next_at_us = NULL \
         WHERE tenant_id = ? AND lead_id = ? AND attempt_number < ?",
    )
    .bind(row.attempt_number)
    .bind(row.at.as_unix_us())
    .bind(id(row.tenant.0)?)
    .bind(id(row.lead.0)?)
    .bind(row.attempt_number);
    if run(connection, lead, &place).await? == 0 {
        return Err(StoreError::not_found(
            format!("no lead {} that waits for attempt number {}", row.lead, row.attempt_number),
            &place,
        ));
    }
    let insert = sqlx::query(
        "INSERT INTO attempt (attempt_id, tenant_id, campaign_id, lead_id, attempt_number, number, trunk, caller_id, \
         intent_us, consent_allowed, consent_rule, consent_proof, why) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id(row.attempt.0)?)
    .bind(id(row.tenant.0)?)
    .bind(id(row.campaign.0)?)
    .bind(id(row.lead.0)?)
    .bind(row.attempt_number)
    .bind(text(&row.number)?)
    .bind(text(&row.trunk)?)
    .bind(maybe_text(row.caller_id.as_deref())?)
    .bind(row.at.as_unix_us())
    .bind(i64::from(row.consent_allowed))
    .bind(text(&row.consent_rule)?)
    .bind(maybe_text(row.consent_proof.as_deref())?)
    .bind(text(&row.why)?);
    run(connection, insert, &place).await.map(drop)
}

async fn attempt_close(connection: &mut SqliteConnection, row: &AttemptCloseRow) -> Result<(), StoreError> {
    let place = format!("close of attempt {}", row.attempt);
    let update = sqlx::query(
        "UPDATE attempt SET outcome = ?, counted_as = ?, verdict = ?, agent_id = ?, cause_whose = ?, cause_code = ?, \
         ringing_us = ?, answered_us = ?, greeting_end_us = ?, verdict_us = ?, connected_us = ?, ended_us = ?, \
         closed_us = ? WHERE tenant_id = ? AND attempt_id = ? AND closed_us IS NULL",
    )
    .bind(text(&row.outcome)?)
    .bind(text(&row.counted_as)?)
    .bind(maybe_text(row.verdict.as_deref())?)
    .bind(maybe_id(row.agent.map(|agent| agent.0))?)
    .bind(text(&row.cause_whose)?)
    .bind(row.cause_code.map(i64::from))
    .bind(us(row.ringing_at))
    .bind(us(row.answered_at))
    .bind(us(row.greeting_end_at))
    .bind(us(row.verdict_at))
    .bind(us(row.connected_at))
    .bind(row.ended_at.as_unix_us())
    .bind(row.closed_at.as_unix_us())
    .bind(id(row.tenant.0)?)
    .bind(id(row.attempt.0)?);
    one_row(connection, update, "no open attempt of this id", &place).await
}

async fn cdr_open(connection: &mut SqliteConnection, row: &CdrOpenRow) -> Result<(), StoreError> {
    let place = format!("CDR of call {}", row.call);
    let insert = sqlx::query(
        "INSERT INTO cdr (call_id, tenant_id, attempt_id, campaign_id, direction, caller, callee, trunk, answered_us, \
         sip_call_id, local_uri, local_tag, remote_uri, remote_tag, remote_target, route_set, local_cseq, peer) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id(row.call.0)?)
    .bind(id(row.tenant.0)?)
    .bind(maybe_id(row.attempt.map(|attempt| attempt.0))?)
    .bind(maybe_id(row.campaign.map(|campaign| campaign.0))?)
    .bind(text(&row.direction)?)
    .bind(text(&row.caller)?)
    .bind(text(&row.callee)?)
    .bind(maybe_text(row.trunk.as_deref())?)
    .bind(row.answered_at.as_unix_us())
    .bind(text(&row.sip_call_id)?)
    .bind(text(&row.local_uri)?)
    .bind(text(&row.local_tag)?)
    .bind(text(&row.remote_uri)?)
    .bind(text(&row.remote_tag)?)
    .bind(text(&row.remote_target)?)
    .bind(text(&serde_json::Value::from(row.route_set.clone()).to_string())?)
    .bind(i64::from(row.local_cseq))
    .bind(text(&row.peer)?);
    run(connection, insert, &place).await.map(drop)
}

async fn cdr_close(connection: &mut SqliteConnection, row: &CdrCloseRow) -> Result<(), StoreError> {
    let place = format!("close of the CDR of call {}", row.call);
    let update = sqlx::query(
        "UPDATE cdr SET agent_id = ?, connected_us = ?, ended_us = ?, cause_whose = ?, cause_code = ?, media = ? \
         WHERE tenant_id = ? AND call_id = ? AND ended_us IS NULL",
    )
    .bind(maybe_id(row.agent.map(|agent| agent.0))?)
    .bind(us(row.connected_at))
    .bind(row.ended_at.as_unix_us())
    .bind(text(&row.cause_whose)?)
    .bind(row.cause_code.map(i64::from))
    .bind(maybe_text(row.media.as_deref())?)
    .bind(id(row.tenant.0)?)
    .bind(id(row.call.0)?);
    one_row(connection, update, "no open CDR of this call", &place).await
}

async fn lead_state(connection: &mut SqliteConnection, row: &LeadStateRow) -> Result<(), StoreError> {
    let place = format!("state of lead {}", row.lead);
    let update = sqlx::query(
        "UPDATE lead SET state = ?, next_at_us = ?, last_outcome = COALESCE(?, last_outcome) \
         WHERE tenant_id = ? AND lead_id = ?",
    )
    .bind(text(&row.state)?)
    .bind(us(row.next_at))
    .bind(maybe_text(row.last_outcome.as_deref())?)
    .bind(id(row.tenant.0)?)
    .bind(id(row.lead.0)?);
    one_row(connection, update, "no such lead", &place).await
}

async fn consent(connection: &mut SqliteConnection, row: &ConsentRow) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO consent (tenant_id, number, action, scope, source, proof, at_us) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id(row.tenant.0)?)
    .bind(text(&row.number)?)
    .bind(row.action.text())
    .bind(text(&row.scope)?)
    .bind(text(&row.source)?)
    .bind(maybe_text(row.proof.as_deref())?)
    .bind(row.at.as_unix_us());
    run(connection, insert, "consent").await.map(drop)
}

async fn suppress(connection: &mut SqliteConnection, row: &SuppressRow) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO suppression (tenant_id, number, action, campaign_id, reason, source, at_us, until_us) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id(row.tenant.0)?)
    .bind(text(&row.number)?)
    .bind(row.action.text())
    .bind(maybe_id(row.campaign.map(|campaign| campaign.0))?)
    .bind(text(&row.reason)?)
    .bind(text(&row.source)?)
    .bind(row.at.as_unix_us())
    .bind(us(row.until));
    run(connection, insert, "suppression").await.map(drop)
}

async fn disposition(connection: &mut SqliteConnection, row: &DispositionRow) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO disposition (tenant_id, attempt_id, call_id, agent_id, code, note, at_us) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id(row.tenant.0)?)
    .bind(maybe_id(row.attempt.map(|attempt| attempt.0))?)
    .bind(maybe_id(row.call.map(|call| call.0))?)
    .bind(id(row.agent.0)?)
    .bind(text(&row.code)?)
    .bind(maybe_text(row.note.as_deref())?)
    .bind(row.at.as_unix_us());
    run(connection, insert, "disposition").await.map(drop)
}

async fn campaign_state(connection: &mut SqliteConnection, row: &CampaignStateRow) -> Result<(), StoreError> {
    let place = format!("state of campaign {}", row.campaign);
    let update =
        sqlx::query("UPDATE campaign SET state = ?, state_changed_us = ? WHERE tenant_id = ? AND campaign_id = ?")
            .bind(text(&row.state)?)
            .bind(row.at.as_unix_us())
            .bind(id(row.tenant.0)?)
            .bind(id(row.campaign.0)?);
    one_row(connection, update, "no such campaign", &place).await
}

async fn event(connection: &mut SqliteConnection, row: &EventRow) -> Result<(), StoreError> {
    let insert = sqlx::query("INSERT INTO attempt_event (tenant_id, attempt_id, at_us, body) VALUES (?, ?, ?, ?)")
        .bind(id(row.tenant.0)?)
        .bind(id(row.attempt.0)?)
        .bind(row.at.as_unix_us())
        .bind(text(&row.body)?);
    run(connection, insert, &format!("timeline of attempt {}", row.attempt)).await.map(drop)
}

async fn callback(connection: &mut SqliteConnection, row: &CallbackRow) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO callback (tenant_id, lead_id, campaign_id, agent_id, due_us, note, created_us) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id(row.tenant.0)?)
    .bind(id(row.lead.0)?)
    .bind(id(row.campaign.0)?)
    .bind(maybe_id(row.agent.map(|agent| agent.0))?)
    .bind(row.due_at.as_unix_us())
    .bind(maybe_text(row.note.as_deref())?)
    .bind(row.at.as_unix_us());
    run(connection, insert, &format!("call back of lead {}", row.lead)).await.map(drop)
}

async fn callback_done(connection: &mut SqliteConnection, row: &CallbackDoneRow) -> Result<(), StoreError> {
    let update =
        sqlx::query("UPDATE callback SET done_us = ? WHERE tenant_id = ? AND callback_id = ? AND done_us IS NULL")
            .bind(row.at.as_unix_us())
            .bind(id(row.tenant.0)?)
            .bind(id(row.callback)?);
    one_row(connection, update, "no open call back of this id", &format!("call back {}", row.callback)).await
}

/// Runs one statement; gives the number of rows it changed.
async fn run(connection: &mut SqliteConnection, query: Statement, place: &str) -> Result<u64, StoreError> {
    let done = query.execute(connection).await.map_err(|e| StoreError::from_sqlx(&e, place))?;
    Ok(done.rows_affected())
}

/// Runs a statement that must change one row.
async fn one_row(
    connection: &mut SqliteConnection,
    query: Statement,
    missing: &str,
    place: &str,
) -> Result<(), StoreError> {
    match run(connection, query, place).await? {
        0 => Err(StoreError::not_found(missing, place)),
        _ => Ok(()),
    }
}

/// Ids are kept in signed 64-bit columns.
pub(crate) fn id(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| {
        StoreError::new(ErrorKind::Value, format!("id {value} is too large"), "store", "ids end at 2^63 - 1")
    })
}

fn maybe_id(value: Option<u64>) -> Result<Option<i64>, StoreError> {
    value.map(id).transpose()
}

fn us(moment: Option<WallTime>) -> Option<i64> {
    moment.map(WallTime::as_unix_us)
}

/// A text of bounded length, as the statement owns it.
pub(crate) fn text(value: &str) -> Result<String, StoreError> {
    if value.len() > TEXT_BYTES_MAX {
        let what = format!("a text of {} bytes is longer than {TEXT_BYTES_MAX}", value.len());
        return Err(StoreError::new(ErrorKind::Value, what, "store", "shorten it or store it as a blob"));
    }
    Ok(value.to_owned())
}

pub(crate) fn maybe_text(value: Option<&str>) -> Result<Option<String>, StoreError> {
    value.map(text).transpose()
}
