//! The SQL of each [`Op`]: pure, so that an op can be judged without a database and kept in the spool as the names of
//! its statements and their values.

use base::WallTime;

use crate::amd;
use crate::audit::AuditRow;
use crate::db::Value;
use crate::rows::*;
use crate::{ErrorKind, StoreError};
use crate::{marks, recordings};

/// Longest text of one column: a decision's reasons or a timeline of 64 entries need about 4 KiB.
pub const TEXT_BYTES_MAX: usize = 16_384;

/// A statement by which ops write.
#[derive(Debug)]
pub(crate) struct Statement {
    /// Its name in the spool. Never given to another text with other values.
    pub(crate) name: &'static str,
    /// The SQL.
    pub(crate) text: &'static str,
    /// What is wrong when it changes no row; `None`: nothing.
    pub(crate) missing: Option<(ErrorKind, &'static str)>,
}

/// A statement with its values.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Step {
    pub(crate) statement: &'static Statement,
    pub(crate) values: Vec<Value>,
}

impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// An op as the writer does it: its steps, all or none.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Write {
    /// What it is, for messages.
    pub(crate) place: String,
    pub(crate) steps: Vec<Step>,
}

/// The statement of this name, for what comes out of a spool.
pub(crate) fn statement(name: &str) -> Option<&'static Statement> {
    ALL.into_iter().find(|statement| statement.name == name)
}

macro_rules! statements {
    ($($constant:ident, $name:literal, $missing:expr, $text:literal;)*) => {
        $(static $constant: Statement = Statement { name: $name, text: $text, missing: $missing };)*
        static ALL: [&Statement; [$($name),*].len()] = [$(&$constant),*];
    };
}

const fn gone(what: &'static str) -> Option<(ErrorKind, &'static str)> {
    Some((ErrorKind::NotFound, what))
}

statements! {
    // The lead first: its number decides whether this attempt is a new one.
    LEAD_DIALLED, "lead_dialled", gone("no lead that waits for this attempt number"),
        "UPDATE lead SET attempt_number = $1, last_attempt_us = $2, state = 'dialling', next_at_us = NULL \
         WHERE tenant_id = $3 AND lead_id = $4 AND attempt_number < $1";
    ATTEMPT, "attempt", None,
        "INSERT INTO attempt (attempt_id, tenant_id, campaign_id, lead_id, attempt_number, number, trunk, caller_id, \
         intent_us, consent_allowed, consent_rule, consent_proof, why) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    ATTEMPT_CLOSE, "attempt_close", gone("no open attempt of this id"),
        "UPDATE attempt SET outcome = $1, counted_as = $2, verdict = $3, agent_id = $4, cause_whose = $5, \
         cause_code = $6, ringing_us = $7, answered_us = $8, greeting_end_us = $9, verdict_us = $10, \
         connected_us = $11, ended_us = $12, closed_us = $13 \
         WHERE tenant_id = $14 AND attempt_id = $15 AND closed_us IS NULL";
    COUNTED, "counted", gone("no attempt of this id that is not counted yet"),
        "UPDATE attempt SET counted_as = $1, counted_us = $2, rang_us = $3 \
         WHERE tenant_id = $4 AND attempt_id = $5 AND counted_us IS NULL";
    CDR_OPEN, "cdr_open", None,
        "INSERT INTO cdr (call_id, tenant_id, attempt_id, campaign_id, direction, caller, callee, trunk, answered_us, \
         sip_call_id, local_uri, local_tag, remote_uri, remote_tag, remote_target, route_set, local_cseq, peer) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    CDR_CLOSE, "cdr_close", gone("no open CDR of this call"),
        "UPDATE cdr SET agent_id = $1, connected_us = $2, ended_us = $3, cause_whose = $4, cause_code = $5, media = $6, \
         timeline = $7 WHERE tenant_id = $8 AND call_id = $9 AND ended_us IS NULL";
    // No dialog, no media: what is known is the intent.
    CDR_REBUILD, "cdr_rebuild", Some((ErrorKind::Rule, "the attempt has a CDR already")),
        "INSERT INTO cdr (call_id, tenant_id, attempt_id, campaign_id, direction, caller, callee, trunk, answered_us, \
         sip_call_id, local_uri, local_tag, remote_uri, remote_tag, remote_target, route_set, local_cseq, peer, \
         ended_us, cause_whose, rebuilt) \
         SELECT $1, $2, $3, $4, 'outbound', $5, $6, $7, $8, '', '', '', '', '', '', '[]', 0, '', $8, 'us', 1 \
         WHERE NOT EXISTS (SELECT 1 FROM cdr WHERE tenant_id = $2 AND attempt_id = $3)";
    LEAD_STATE, "lead_state", gone("no such lead"),
        "UPDATE lead SET state = $1, next_at_us = $2, last_outcome = COALESCE($3, last_outcome) \
         WHERE tenant_id = $4 AND lead_id = $5";
    LEAD_NUMBER, "lead_number", gone("no such lead"),
        "UPDATE lead SET dial_number = $1 WHERE tenant_id = $2 AND lead_id = $3";
    CONSENT, "consent", None,
        "INSERT INTO consent (tenant_id, number, action, scope, source, proof, at_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    SUPPRESSION, "suppression", None,
        "INSERT INTO suppression (tenant_id, number, action, campaign_id, reason, source, at_us, until_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    DISPOSITION, "disposition", None,
        "INSERT INTO disposition (tenant_id, attempt_id, call_id, agent_id, code, person, note, at_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    CAMPAIGN_STATE, "campaign_state", gone("no such campaign"),
        "UPDATE campaign SET state = $1, state_changed_us = $2, \
         first_started_us = CASE WHEN $1 = 'running' THEN COALESCE(first_started_us, $2) ELSE first_started_us END \
         WHERE tenant_id = $3 AND campaign_id = $4";
    EVENT, "event", None,
        "INSERT INTO attempt_event (tenant_id, attempt_id, at_us, body) VALUES ($1, $2, $3, $4)";
    CALLBACK, "callback", None,
        "INSERT INTO callback (tenant_id, lead_id, campaign_id, agent_id, due_us, note, created_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    CALLBACK_DONE, "callback_done", gone("no open call back of this lead"),
        "UPDATE callback SET done_us = $1 WHERE tenant_id = $2 AND lead_id = $3 AND done_us IS NULL";
    AUDIT, "audit", None,
        "INSERT INTO audit (tenant_id, at_us, who, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6)";
    AMD_EVIDENCE, "amd_evidence", None,
        "INSERT INTO amd_evidence (attempt_id, tenant_id, campaign_id, number, at_us, mode, handling, share_ppm, \
         verdict, cause, verdict_ms, utterance_end_ms, detector, model, rules, codec, packets, lost, person_ppm, \
         shadow_model, shadow_verdict, shadow_ms, trace, features, kept_until_us, audio, audio_until_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
         $22, $23, $24, $25, $26, $27)";
    AMD_LABEL, "amd_label", None,
        "INSERT INTO amd_label (tenant_id, attempt_id, answered, source, who, at_us) VALUES ($1, $2, $3, $4, $5, $6)";
    // A call that nobody listened to has no evidence, and a label all the same.
    // Once an agent has said it, it is a call that routing chose, whoever corrects the word.
    AMD_SAID, "amd_said", None,
        "UPDATE amd_evidence SET answered = $1, answered_source = $2, answered_us = $3, \
         routed = CASE WHEN $4 = 1 THEN 1 ELSE routed END WHERE tenant_id = $5 AND attempt_id = $6";
    MARK, "mark", None,
        "INSERT INTO number_mark (tenant_id, number, reason, campaign_id, attempt_id, at_us) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, number) DO UPDATE SET reason = excluded.reason, \
         campaign_id = excluded.campaign_id, attempt_id = excluded.attempt_id, at_us = excluded.at_us";
    UNMARK, "unmark", gone("this number is not marked"),
        "DELETE FROM number_mark WHERE tenant_id = $1 AND number = $2";
    // Learnt again after it was forgotten while its first row was on the way: the same fingerprint, one row.
    AMD_RECORDING, "amd_recording", None,
        "INSERT INTO amd_recording (tenant_id, recording_id, format, line, learnt_us) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant_id, recording_id) DO NOTHING";
    // It may have been forgotten meanwhile.
    AMD_RECORDING_MET, "amd_recording_met", None,
        "UPDATE amd_recording SET met = met + 1, met_us = $1 WHERE tenant_id = $2 AND recording_id = $3";
    AMD_RECORDING_GONE, "amd_recording_gone", gone("no such recording"),
        "DELETE FROM amd_recording WHERE tenant_id = $1 AND recording_id = $2";
}

/// What an op writes.
///
/// # Errors
/// [`ErrorKind::Value`] for what no column can hold.
pub(crate) fn write(op: &Op) -> Result<Write, StoreError> {
    let (place, steps) = match op {
        Op::Intent(row) => (format!("intent of attempt {} of lead {}", row.attempt, row.lead), intent(row)?),
        Op::CdrOpen(row) => (format!("CDR of call {}", row.call), cdr_open(row)?),
        Op::CdrClose(row) => (format!("close of the CDR of call {}", row.call), cdr_close(row)?),
        Op::RebuildCdr(row) => (format!("CDR of attempt {}, rebuilt", row.attempt), cdr_rebuild(row)?),
        Op::Counted(row) => (format!("count of attempt {}", row.attempt), counted(row)?),
        Op::AttemptClose(row, lead) => {
            (format!("close of attempt {}", row.attempt), attempt_close(row, lead.as_ref())?)
        }
        Op::LeadState(row) => (format!("state of lead {}", row.lead), lead_state(row)?),
        Op::Consent(row) => ("consent".to_owned(), consent(row)?),
        Op::Suppress(row) => ("suppression".to_owned(), suppress(row)?),
        Op::Disposition(row) => ("disposition".to_owned(), disposition(row)?),
        Op::CampaignState(row) => (format!("state of campaign {}", row.campaign), campaign_state(row)?),
        Op::Event(row) => (format!("timeline of attempt {}", row.attempt), event(row)?),
        Op::Callback(row) => (format!("call back of lead {}", row.lead), callback(row)?),
        Op::CallbackDone(row) => (format!("kept call back of lead {}", row.lead), callback_done(row)?),
        Op::Audit(row) => ("audit log".to_owned(), audit(row)?),
        Op::AmdEvidence(row) => {
            (format!("evidence of attempt {}", row.attempt), vec![step(&AMD_EVIDENCE, amd::evidence_values(row)?)])
        }
        Op::AmdLabel(row) => {
            let [label, last] = amd::label_values(row)?;
            (format!("label of attempt {}", row.attempt), vec![step(&AMD_LABEL, label), step(&AMD_SAID, last)])
        }
        Op::MarkNumber(row) => ("mark of a number".to_owned(), vec![step(&MARK, marks::mark_values(row)?)]),
        Op::UnmarkNumber(tenant, number) => {
            ("mark of a number".to_owned(), vec![step(&UNMARK, vec![id(tenant.0)?.into(), text(number)?.into()])])
        }
        Op::AmdRecording(row) => {
            (format!("recording {}", row.recording), vec![step(&AMD_RECORDING, recordings::recording_values(row)?)])
        }
        Op::AmdRecordingMet(tenant, recording, at) => {
            let values = vec![at.as_unix_us().into(), id(tenant.0)?.into(), text(recording)?.into()];
            (format!("meeting of recording {recording}"), vec![step(&AMD_RECORDING_MET, values)])
        }
        Op::AmdRecordingGone(tenant, recording) => {
            let values = vec![id(tenant.0)?.into(), text(recording)?.into()];
            (format!("recording {recording}"), vec![step(&AMD_RECORDING_GONE, values)])
        }
    };
    Ok(Write { place, steps })
}

fn step(statement: &'static Statement, values: Vec<Value>) -> Step {
    Step { statement, values }
}

type Steps = Result<Vec<Step>, StoreError>;

fn intent(row: &AttemptIntentRow) -> Steps {
    let lead = step(
        &LEAD_DIALLED,
        vec![
            i64::from(row.attempt_number).into(),
            row.at.as_unix_us().into(),
            id(row.tenant.0)?.into(),
            id(row.lead.0)?.into(),
        ],
    );
    let attempt = step(
        &ATTEMPT,
        vec![
            id(row.attempt.0)?.into(),
            id(row.tenant.0)?.into(),
            id(row.campaign.0)?.into(),
            id(row.lead.0)?.into(),
            i64::from(row.attempt_number).into(),
            text(&row.number)?.into(),
            text(&row.trunk)?.into(),
            maybe_text(row.caller_id.as_deref())?.into(),
            row.at.as_unix_us().into(),
            row.consent_allowed.into(),
            text(&row.consent_rule)?.into(),
            maybe_text(row.consent_proof.as_deref())?.into(),
            text(&row.why)?.into(),
        ],
    );
    Ok(vec![lead, attempt])
}

fn attempt_close(row: &AttemptCloseRow, lead: Option<&LeadStateRow>) -> Steps {
    let values = vec![
        text(&row.outcome)?.into(),
        text(&row.counted_as)?.into(),
        maybe_text(row.verdict.as_deref())?.into(),
        maybe_id(row.agent.map(|agent| agent.0))?.into(),
        text(&row.cause_whose)?.into(),
        row.cause_code.map(i64::from).into(),
        us(row.ringing_at).into(),
        us(row.answered_at).into(),
        us(row.greeting_end_at).into(),
        us(row.verdict_at).into(),
        us(row.connected_at).into(),
        row.ended_at.as_unix_us().into(),
        row.closed_at.as_unix_us().into(),
        id(row.tenant.0)?.into(),
        id(row.attempt.0)?.into(),
    ];
    let mut steps = vec![step(&ATTEMPT_CLOSE, values)];
    if let Some(lead) = lead {
        steps.extend(lead_state(lead)?);
    }
    Ok(steps)
}

fn cdr_open(row: &CdrOpenRow) -> Steps {
    let values = vec![
        id(row.call.0)?.into(),
        id(row.tenant.0)?.into(),
        maybe_id(row.attempt.map(|attempt| attempt.0))?.into(),
        maybe_id(row.campaign.map(|campaign| campaign.0))?.into(),
        text(&row.direction)?.into(),
        text(&row.caller)?.into(),
        text(&row.callee)?.into(),
        maybe_text(row.trunk.as_deref())?.into(),
        row.answered_at.as_unix_us().into(),
        text(&row.sip_call_id)?.into(),
        text(&row.local_uri)?.into(),
        text(&row.local_tag)?.into(),
        text(&row.remote_uri)?.into(),
        text(&row.remote_tag)?.into(),
        text(&row.remote_target)?.into(),
        text(&serde_json::Value::from(row.route_set.clone()).to_string())?.into(),
        i64::from(row.local_cseq).into(),
        text(&row.peer)?.into(),
    ];
    Ok(vec![step(&CDR_OPEN, values)])
}

fn cdr_close(row: &CdrCloseRow) -> Steps {
    let values = vec![
        maybe_id(row.agent.map(|agent| agent.0))?.into(),
        us(row.connected_at).into(),
        row.ended_at.as_unix_us().into(),
        text(&row.cause_whose)?.into(),
        row.cause_code.map(i64::from).into(),
        maybe_text(row.media.as_deref())?.into(),
        maybe_text(row.timeline.as_deref())?.into(),
        id(row.tenant.0)?.into(),
        id(row.call.0)?.into(),
    ];
    Ok(vec![step(&CDR_CLOSE, values)])
}

fn cdr_rebuild(row: &CdrRebuildRow) -> Steps {
    let values = vec![
        id(row.call.0)?.into(),
        id(row.tenant.0)?.into(),
        id(row.attempt.0)?.into(),
        id(row.campaign.0)?.into(),
        text(&row.caller)?.into(),
        text(&row.callee)?.into(),
        text(&row.trunk)?.into(),
        row.at.as_unix_us().into(),
    ];
    Ok(vec![step(&CDR_REBUILD, values)])
}

fn lead_state(row: &LeadStateRow) -> Steps {
    let values = vec![
        text(&row.state)?.into(),
        us(row.next_at).into(),
        maybe_text(row.last_outcome.as_deref())?.into(),
        id(row.tenant.0)?.into(),
        id(row.lead.0)?.into(),
    ];
    let mut steps = vec![step(&LEAD_STATE, values)];
    if let Some(number) = &row.dial_number {
        let values = vec![text(number)?.into(), id(row.tenant.0)?.into(), id(row.lead.0)?.into()];
        steps.push(step(&LEAD_NUMBER, values));
    }
    Ok(steps)
}

fn consent(row: &ConsentRow) -> Steps {
    let values = vec![
        id(row.tenant.0)?.into(),
        text(&row.number)?.into(),
        row.action.text().into(),
        text(&row.scope)?.into(),
        text(&row.source)?.into(),
        maybe_text(row.proof.as_deref())?.into(),
        row.at.as_unix_us().into(),
    ];
    Ok(vec![step(&CONSENT, values)])
}

fn suppress(row: &SuppressRow) -> Steps {
    let values = vec![
        id(row.tenant.0)?.into(),
        text(&row.number)?.into(),
        row.action.text().into(),
        maybe_id(row.campaign.map(|campaign| campaign.0))?.into(),
        text(&row.reason)?.into(),
        text(&row.source)?.into(),
        row.at.as_unix_us().into(),
        us(row.until).into(),
    ];
    Ok(vec![step(&SUPPRESSION, values)])
}

fn disposition(row: &DispositionRow) -> Steps {
    let values = vec![
        id(row.tenant.0)?.into(),
        maybe_id(row.attempt.map(|attempt| attempt.0))?.into(),
        maybe_id(row.call.map(|call| call.0))?.into(),
        maybe_id(row.agent.map(|agent| agent.0))?.into(),
        text(&row.code)?.into(),
        row.person.map(i64::from).into(),
        maybe_text(row.note.as_deref())?.into(),
        row.at.as_unix_us().into(),
    ];
    Ok(vec![step(&DISPOSITION, values)])
}

fn counted(row: &CountedRow) -> Steps {
    let values = vec![
        text(&row.counted_as)?.into(),
        row.at.as_unix_us().into(),
        row.rang.map(|rang| rang.as_us() as i64).into(),
        id(row.tenant.0)?.into(),
        id(row.attempt.0)?.into(),
    ];
    Ok(vec![step(&COUNTED, values)])
}

fn campaign_state(row: &CampaignStateRow) -> Steps {
    let values = vec![
        text(&row.state)?.into(),
        row.at.as_unix_us().into(),
        id(row.tenant.0)?.into(),
        id(row.campaign.0)?.into(),
    ];
    Ok(vec![step(&CAMPAIGN_STATE, values)])
}

fn event(row: &EventRow) -> Steps {
    let values =
        vec![id(row.tenant.0)?.into(), id(row.attempt.0)?.into(), row.at.as_unix_us().into(), text(&row.body)?.into()];
    Ok(vec![step(&EVENT, values)])
}

fn callback(row: &CallbackRow) -> Steps {
    let values = vec![
        id(row.tenant.0)?.into(),
        id(row.lead.0)?.into(),
        id(row.campaign.0)?.into(),
        maybe_id(row.agent.map(|agent| agent.0))?.into(),
        row.due_at.as_unix_us().into(),
        maybe_text(row.note.as_deref())?.into(),
        row.at.as_unix_us().into(),
    ];
    Ok(vec![step(&CALLBACK, values)])
}

fn callback_done(row: &CallbackDoneRow) -> Steps {
    let values = vec![row.at.as_unix_us().into(), id(row.tenant.0)?.into(), id(row.lead.0)?.into()];
    Ok(vec![step(&CALLBACK_DONE, values)])
}

fn audit(row: &AuditRow) -> Steps {
    let values = vec![
        id(row.tenant.0)?.into(),
        row.at.as_unix_us().into(),
        text(&row.who)?.into(),
        text(&row.action)?.into(),
        text(&row.target)?.into(),
        text(&row.detail)?.into(),
    ];
    Ok(vec![step(&AUDIT, values)])
}

/// Ids are kept in signed 64-bit columns.
pub(crate) fn id(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| {
        StoreError::new(ErrorKind::Value, format!("id {value} is too large"), "store", "ids end at 2^63 - 1")
    })
}

pub(crate) fn maybe_id(value: Option<u64>) -> Result<Option<i64>, StoreError> {
    value.map(id).transpose()
}

pub(crate) fn us(moment: Option<WallTime>) -> Option<i64> {
    moment.map(WallTime::as_unix_us)
}

/// A text of bounded length, as the statement owns it.
pub(crate) fn text(value: &str) -> Result<String, StoreError> {
    text_of(value, TEXT_BYTES_MAX)
}

/// A text of at most `bytes_max`.
pub(crate) fn text_of(value: &str, bytes_max: usize) -> Result<String, StoreError> {
    if value.len() > bytes_max {
        let what = format!("a text of {} bytes is longer than {bytes_max}", value.len());
        return Err(StoreError::new(ErrorKind::Value, what, "store", "shorten it or store it as a blob"));
    }
    // PostgreSQL has no such character in a text; the same rows must fit in either database.
    if value.contains('\0') {
        return Err(StoreError::new(ErrorKind::Value, "a text with a NUL character", "store", "remove the character"));
    }
    Ok(value.to_owned())
}

pub(crate) fn maybe_text(value: Option<&str>) -> Result<Option<String>, StoreError> {
    value.map(text).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_found_by_its_own_name_alone() {
        for known in ALL {
            assert!(std::ptr::eq(statement(known.name).unwrap(), known), "{}", known.name);
        }
        assert_eq!(statement("drop"), None);
    }
}
