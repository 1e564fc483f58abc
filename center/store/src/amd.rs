//! What answer detection heard and said of each call, who said what answered after all, and the counts of both.
//!
//! ```text
//!  verdict ──Op::Evidence──> amd_evidence <──Op::AmdLabel── disposition of an agent, label of a listener
//!                               ├─> amd_queue(): pages to label       ├─> amd_lessons(): features with labels
//!                               ├─> amd_evidence(): one, with its bytes
//!                               └─> amd_counts(): by day, verdict, handling and label
//! ```
//!
//! **Invariants.** One row an attempt, written once; only the last label and the emptying of bytes change it. Every label
//! stays in `amd_label`. Bytes and the number are emptied at their time by [`Store::amd_purge`]; counts stay. Absent: what the bytes mean
//! (see `detect::evidence`), and the key of the sound, which the caller seals.

use base::{AttemptId, CampaignId, WallTime};

use crate::db::{Row, Sql, Value};
use crate::ops::{id, maybe_text, text, us};
use crate::read::{maybe_small, maybe_wall, page_rows, small, unsigned, wall};
use crate::rows::TenantId;
use crate::{ErrorKind, Store, StoreError};

/// Most bytes of a trace: 8 s of seven probabilities every 40 ms are 1,400; doubled.
pub const AMD_TRACE_BYTES_MAX: usize = 2_800;
/// Most bytes of features: 8 s of 40 numbers every 20 ms are 16,000; doubled.
pub const AMD_FEATURES_BYTES_MAX: usize = 32_000;
/// Most bytes of sealed sound: 8 s of G.711 are 64,000, with nonce and tag 64,040.
pub const AMD_AUDIO_BYTES_MAX: usize = 65_536;
/// Rows of [`Store::amd_counts`]: 366 days of 7 verdicts, 3 handlings, 7 labels, told by an agent or not, and of those that
/// were acted on an agent's in the end or not, if each were there, are 143,472.
const COUNTS_MAX: i64 = 150_000;
/// Rows that one page of the queue looks at: with their bytes elsewhere some 5 MB, a tenth of a second.
const QUEUE_LOOKS_AT: i64 = 10_000;
/// Rows that one step of a purge empties: some 15 MB of pages.
const PURGE_ROWS: i64 = 500;

/// What was heard and said of one call.
#[derive(Clone, PartialEq, Debug)]
pub struct AmdEvidenceRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// The called number: lessons are split by it. Emptied with the trace.
    pub number: String,
    /// When the verdict fell.
    pub at: WallTime,
    /// The campaign's mode then: `shadow`, `sample`, `on`.
    pub mode: String,
    /// What the verdict led to: `person` (an agent, as for anybody), `acted` (treated as what it says), `audited` (drawn
    /// for an agent), `shadow` (would have been acted on).
    pub handling: String,
    /// Share of verdicts like this one that go to agents, in millionths: what it weighs in the counts.
    pub share_ppm: u32,
    /// What it said.
    pub verdict: String,
    /// Which rule said so.
    pub cause: String,
    /// When, in milliseconds of audio since the answer.
    pub verdict_ms: u32,
    /// Where the speech before it ended.
    pub utterance_end_ms: Option<u32>,
    /// `default` or `classic`.
    pub detector: String,
    /// Hash of the net that spoke; none for `classic`.
    pub model: Option<String>,
    /// Thresholds in force, as JSON.
    pub rules: String,
    /// What the sound came in.
    pub codec: String,
    /// Packets that came until then.
    pub packets: u64,
    /// Packets lost until then.
    pub lost: u64,
    /// Probability of a person at the verdict, in millionths, where a net spoke.
    pub person_ppm: Option<u32>,
    /// What another net would have said, if one listened beside it.
    pub shadow: Option<AmdShadow>,
    /// Probabilities over time.
    pub trace: Vec<u8>,
    /// What the net was given.
    pub features: Vec<u8>,
    /// When both are emptied, and the number.
    pub kept_until: Option<WallTime>,
    /// Sealed sound; empty: none was kept.
    pub audio: Vec<u8>,
    /// When it is emptied.
    pub audio_until: Option<WallTime>,
}

/// What a net that listens beside the acting one would have said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AmdShadow {
    /// Its hash.
    pub model: String,
    /// Its verdict; none when it had not decided by then.
    pub verdict: Option<String>,
    /// When, in milliseconds since the answer.
    pub at_ms: Option<u32>,
}

/// What somebody said answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AmdLabelRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The attempt.
    pub attempt: AttemptId,
    /// `person`, `machine`, `ivr`, `screening`, `fax`, `silence`; none takes the last word back.
    pub answered: Option<String>,
    /// `agent` (had the call) or `listener` (from what was kept).
    pub source: String,
    /// Who.
    pub who: String,
    /// When.
    pub at: WallTime,
}

/// The last word on an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AmdAnswered {
    /// What answered.
    pub answered: String,
    /// `agent` or `listener`.
    pub source: String,
    /// When it was said.
    pub at: WallTime,
}

/// A row as it is read.
#[derive(Clone, PartialEq, Debug)]
pub struct AmdEvidence {
    /// What was written; in pages without its bytes.
    pub row: AmdEvidenceRow,
    /// Sound is kept.
    pub has_audio: bool,
    /// The last label.
    pub label: Option<AmdAnswered>,
}

/// Which rows of the queue.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AmdFilter {
    /// Of this campaign.
    pub campaign: Option<CampaignId>,
    /// With this verdict.
    pub verdict: Option<String>,
    /// Taken for a machine and sent to an agent all the same, or not so.
    pub to_agents: Option<bool>,
    /// With a label, or without.
    pub labelled: Option<bool>,
    /// Only with sound.
    pub audio_only: bool,
    /// Older than this attempt; pages go from the newest on.
    pub before: Option<u64>,
    /// Rows; 0 means [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    pub limit: u32,
}

/// Verdicts of one day that have all of this in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AmdCount {
    /// Beginning of the day (UTC).
    pub day: WallTime,
    /// What was said.
    pub verdict: String,
    /// What it led to; see [`AmdEvidenceRow::handling`].
    pub handling: String,
    /// Share of such verdicts that went to agents, in millionths.
    pub share_ppm: u32,
    /// What answered, where somebody said so.
    pub answered: Option<String>,
    /// How many.
    pub calls: u64,
    /// An agent who had the call has said so: routing chose it, not whoever labels.
    pub routed: bool,
    /// It was acted on and an agent was asked for all the same: a menu's, or a person who picked up later.
    pub reached: bool,
    /// Sum of the times of the verdicts, in milliseconds.
    pub verdict_ms: u64,
    /// Sum of their squares.
    pub verdict_ms2: u64,
    /// Calls with a probability, its sum in millionths and the sum of its squares in millionths.
    pub person: (u64, u64, u64),
}

/// A call to learn from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AmdLesson {
    /// The attempt.
    pub attempt: AttemptId,
    /// The called number.
    pub number: String,
    /// What was said.
    pub verdict: String,
    /// What answered.
    pub answered: String,
    /// See [`AmdEvidenceRow::handling`].
    pub handling: String,
    /// The share that its like was drawn with, in millionths.
    pub share_ppm: u32,
    /// Where the speech ended, as heard.
    pub utterance_end_ms: Option<u32>,
    /// What the net was given.
    pub features: Vec<u8>,
}

/// A page of the queue.
#[derive(Clone, PartialEq, Debug)]
pub struct AmdPage {
    /// Newest first.
    pub rows: Vec<AmdEvidence>,
    /// Where to go on, if there may be more: before this attempt. A page that asks for what is rare may be short, or
    /// empty, and others follow all the same.
    pub next: Option<AttemptId>,
}

/// What a purge emptied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AmdPurged {
    /// Rows whose sound is gone.
    pub audio: u64,
    /// Rows whose number, trace and features are gone.
    pub traces: u64,
}

const PLACE: &str = "answer detection";

pub(crate) fn evidence_values(row: &AmdEvidenceRow) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        id(row.attempt.0)?.into(),
        id(row.tenant.0)?.into(),
        id(row.campaign.0)?.into(),
        text(&row.number)?.into(),
        row.at.as_unix_us().into(),
        text(&row.mode)?.into(),
        text(&row.handling)?.into(),
        i64::from(row.share_ppm).into(),
        text(&row.verdict)?.into(),
        text(&row.cause)?.into(),
        i64::from(row.verdict_ms).into(),
        row.utterance_end_ms.map(i64::from).into(),
        text(&row.detector)?.into(),
        maybe_text(row.model.as_deref())?.into(),
        text(&row.rules)?.into(),
        text(&row.codec)?.into(),
        id(row.packets)?.into(),
        id(row.lost)?.into(),
        row.person_ppm.map(i64::from).into(),
        maybe_text(row.shadow.as_ref().map(|shadow| shadow.model.as_str()))?.into(),
        maybe_text(row.shadow.as_ref().and_then(|shadow| shadow.verdict.as_deref()))?.into(),
        row.shadow.as_ref().and_then(|shadow| shadow.at_ms).map(i64::from).into(),
        bytes(&row.trace, AMD_TRACE_BYTES_MAX)?.into(),
        bytes(&row.features, AMD_FEATURES_BYTES_MAX)?.into(),
        us(row.kept_until).into(),
        bytes(&row.audio, AMD_AUDIO_BYTES_MAX)?.into(),
        us(row.audio_until).into(),
    ])
}

pub(crate) fn label_values(row: &AmdLabelRow) -> Result<[Vec<Value>; 2], StoreError> {
    let answered = maybe_text(row.answered.as_deref())?;
    let said = answered.is_some();
    let source = text(&row.source)?;
    let (tenant, attempt, at) = (id(row.tenant.0)?, id(row.attempt.0)?, row.at.as_unix_us());
    let label = vec![
        tenant.into(),
        attempt.into(),
        answered.clone().into(),
        source.clone().into(),
        text(&row.who)?.into(),
        at.into(),
    ];
    let routed = i64::from(said && row.source == "agent");
    let last = vec![
        answered.into(),
        said.then_some(source).into(),
        said.then_some(at).into(),
        routed.into(),
        tenant.into(),
        attempt.into(),
    ];
    Ok([label, last])
}

fn bytes(value: &[u8], bytes_max: usize) -> Result<Vec<u8>, StoreError> {
    if value.len() > bytes_max {
        let what = format!("{} bytes are more than {bytes_max}", value.len());
        return Err(StoreError::new(ErrorKind::Value, what, PLACE, "keep less of the call"));
    }
    Ok(value.to_vec())
}

/// All columns but the bytes.
const COLUMNS: &str = "tenant_id, attempt_id, campaign_id, number, at_us, mode, handling, share_ppm, verdict, cause, \
     verdict_ms, utterance_end_ms, detector, model, rules, codec, packets, lost, person_ppm, shadow_model, \
     shadow_verdict, shadow_ms, kept_until_us, audio_until_us, answered, answered_source, answered_us";

fn read_row(row: &Row) -> Result<AmdEvidence, StoreError> {
    let shadow = match row.get::<Option<String>>("shadow_model")? {
        None => None,
        Some(model) => {
            Some(AmdShadow { model, verdict: row.get("shadow_verdict")?, at_ms: maybe_small(row, "shadow_ms")? })
        }
    };
    let label = match (row.get::<Option<String>>("answered")?, maybe_wall(row, "answered_us")?) {
        (Some(answered), Some(at)) => Some(AmdAnswered {
            answered,
            source: row.get::<Option<String>>("answered_source")?.unwrap_or_default(),
            at,
        }),
        _ => None,
    };
    let audio_until = maybe_wall(row, "audio_until_us")?;
    Ok(AmdEvidence {
        row: AmdEvidenceRow {
            tenant: TenantId(unsigned(row, "tenant_id")?),
            attempt: AttemptId(unsigned(row, "attempt_id")?),
            campaign: CampaignId(unsigned(row, "campaign_id")?),
            number: row.get("number")?,
            at: wall(row, "at_us")?,
            mode: row.get("mode")?,
            handling: row.get("handling")?,
            share_ppm: small(row, "share_ppm")?,
            verdict: row.get("verdict")?,
            cause: row.get("cause")?,
            verdict_ms: small(row, "verdict_ms")?,
            utterance_end_ms: maybe_small(row, "utterance_end_ms")?,
            detector: row.get("detector")?,
            model: row.get("model")?,
            rules: row.get("rules")?,
            codec: row.get("codec")?,
            packets: unsigned(row, "packets")?,
            lost: unsigned(row, "lost")?,
            person_ppm: maybe_small(row, "person_ppm")?,
            shadow,
            trace: Vec::new(),
            features: Vec::new(),
            kept_until: maybe_wall(row, "kept_until_us")?,
            audio: Vec::new(),
            audio_until,
        },
        has_audio: audio_until.is_some(),
        label,
    })
}

impl Store {
    /// Evidence of verdicts, the newest first, without its bytes. A page looks at 10,000 rows of the index that fits, and
    /// no more: what is asked for may be rare.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn amd_queue(&self, tenant: TenantId, filter: &AmdFilter) -> Result<AmdPage, StoreError> {
        let before = filter.before.map(id).transpose()?;
        let window = |what: &'static str| -> Result<Sql, StoreError> {
            let mut window = Sql::new("SELECT ");
            window.push(what).push(" FROM (SELECT ").push(COLUMNS).push(" FROM amd_evidence WHERE tenant_id = ");
            window.bind(id(tenant.0)?);
            match (filter.campaign, filter.labelled) {
                (Some(campaign), _) => window.push(" AND campaign_id = ").bind(id(campaign.0)?),
                (None, Some(true)) => window.push(" AND answered IS NOT NULL"),
                (None, Some(false)) => window.push(" AND answered IS NULL"),
                (None, None) => &mut window,
            };
            window.and(" AND attempt_id < ", before);
            window.push(" ORDER BY attempt_id DESC LIMIT ").bind(QUEUE_LOOKS_AT).push(") AS looked_at");
            Ok(window)
        };
        let limit = page_rows(filter.limit);
        let mut query = window("*")?;
        query.push(" WHERE 1 = 1").and(" AND verdict = ", maybe_text(filter.verdict.as_deref())?);
        match filter.to_agents {
            Some(true) => query.push(" AND handling IN ('audited', 'shadow')"),
            Some(false) => query.push(" AND handling NOT IN ('audited', 'shadow')"),
            None => &mut query,
        };
        match filter.labelled {
            Some(true) => query.push(" AND answered IS NOT NULL"),
            Some(false) => query.push(" AND answered IS NULL"),
            None => &mut query,
        };
        if filter.audio_only {
            query.push(" AND audio_until_us IS NOT NULL");
        }
        query.push(" ORDER BY attempt_id DESC LIMIT ").bind(limit);
        let rows = self.page(PLACE, query, read_row)?;
        let next = if rows.len() as i64 >= limit {
            rows.last().map(|last| last.row.attempt)
        } else {
            let looked_at = self.page(PLACE, window("COUNT(*) AS looked, MIN(attempt_id) AS last")?, |row| {
                let whole = row.get::<i64>("looked")? >= QUEUE_LOOKS_AT;
                Ok(if whole { Some(AttemptId(unsigned(row, "last")?)) } else { None })
            })?;
            looked_at.into_iter().next().flatten()
        };
        Ok(AmdPage { rows, next })
    }

    /// The evidence of one attempt with trace, features and sealed sound, if there is any.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn amd_evidence(&self, tenant: TenantId, attempt: AttemptId) -> Result<Option<AmdEvidence>, StoreError> {
        let query = Sql::new("SELECT * FROM amd_evidence WHERE tenant_id = $1 AND attempt_id = $2");
        let found = self.page(PLACE, query.with(id(tenant.0)?).with(id(attempt.0)?), |row| {
            let mut found = read_row(row)?;
            found.row.trace = row.get("trace")?;
            found.row.features = row.get("features")?;
            found.row.audio = row.get("audio")?;
            Ok(found)
        })?;
        Ok(found.into_iter().next())
    }

    /// All that was said of an attempt, oldest first: (what answered, who says so, when).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn amd_labels(&self, tenant: TenantId, attempt: AttemptId) -> Result<Vec<AmdLabelRow>, StoreError> {
        let query =
            Sql::new("SELECT * FROM amd_label WHERE tenant_id = $1 AND attempt_id = $2 ORDER BY label_id LIMIT $3");
        let query = query.with(id(tenant.0)?).with(id(attempt.0)?).with(page_rows(0));
        self.page(PLACE, query, move |row| {
            Ok(AmdLabelRow {
                tenant,
                attempt,
                answered: row.get("answered")?,
                source: row.get("source")?,
                who: row.get("who")?,
                at: wall(row, "at_us")?,
            })
        })
    }

    /// Verdicts of a campaign counted by day (UTC), verdict, handling, share, label and what came of them; the days from `from` to `to`.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn amd_counts(
        &self,
        tenant: TenantId,
        campaign: CampaignId,
        from: Option<WallTime>,
        to: Option<WallTime>,
    ) -> Result<Vec<AmdCount>, StoreError> {
        let mut query = Sql::new(
            "SELECT e.at_us / 86400000000 AS day, e.verdict AS said, e.handling AS led_to, e.share_ppm AS share, \
             e.answered AS label, e.routed AS was_routed, CAST(CASE WHEN e.handling = 'acted' AND a.outcome IN \
             ('connected', 'abandoned', 'hung_up_waiting') THEN 1 ELSE 0 END AS BIGINT) AS was_reached, COUNT(*) AS calls, \
             CAST(SUM(e.verdict_ms) AS BIGINT) AS ms, CAST(SUM(e.verdict_ms * e.verdict_ms) AS BIGINT) AS ms2, \
             COUNT(e.person_ppm) AS heard, CAST(COALESCE(SUM(e.person_ppm), 0) AS BIGINT) AS ppm, \
             CAST(COALESCE(SUM((e.person_ppm / 1000) * (e.person_ppm / 1000)), 0) AS BIGINT) AS ppm2 \
             FROM amd_evidence e LEFT JOIN attempt a ON a.attempt_id = e.attempt_id WHERE e.tenant_id = ",
        );
        query.bind(id(tenant.0)?).push(" AND e.campaign_id = ").bind(id(campaign.0)?);
        query.and(" AND e.at_us >= ", from.map(WallTime::as_unix_us));
        query.and(" AND e.at_us < ", to.map(WallTime::as_unix_us));
        query.push(" GROUP BY day, said, led_to, share, label, was_routed, was_reached ");
        query.push("ORDER BY day DESC, said, led_to, share LIMIT ").bind(COUNTS_MAX);
        self.reports.call(async move |connection| {
            let rows = connection.fetch(query, PLACE).await?;
            rows.iter()
                .map(|row| {
                    Ok(AmdCount {
                        day: WallTime::from_unix_us(row.get::<i64>("day")? * 86_400_000_000),
                        verdict: row.get("said")?,
                        handling: row.get("led_to")?,
                        share_ppm: small(row, "share")?,
                        answered: row.get("label")?,
                        routed: row.get::<i64>("was_routed")? != 0,
                        reached: row.get::<i64>("was_reached")? != 0,
                        calls: unsigned(row, "calls")?,
                        verdict_ms: unsigned(row, "ms")?,
                        verdict_ms2: unsigned(row, "ms2")?,
                        person: (unsigned(row, "heard")?, unsigned(row, "ppm")?, unsigned(row, "ppm2")?),
                    })
                })
                .collect()
        })
    }

    /// Calls of a campaign with a label and features, oldest first, after `after`; `limit` 0 means
    /// [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn amd_lessons(
        &self,
        tenant: TenantId,
        campaign: CampaignId,
        after: Option<AttemptId>,
        limit: u32,
    ) -> Result<Vec<AmdLesson>, StoreError> {
        let query = Sql::new(
            "SELECT attempt_id, number, verdict, answered, handling, share_ppm, utterance_end_ms, features FROM amd_evidence \
             WHERE tenant_id = $1 AND campaign_id = $2 AND attempt_id > $3 AND answered IS NOT NULL \
             AND length(features) > 0 ORDER BY attempt_id LIMIT $4",
        );
        let after = id(after.map_or(0, |attempt| attempt.0))?;
        let query = query.with(id(tenant.0)?).with(id(campaign.0)?).with(after).with(page_rows(limit));
        self.page(PLACE, query, |row| {
            Ok(AmdLesson {
                attempt: AttemptId(unsigned(row, "attempt_id")?),
                number: row.get("number")?,
                verdict: row.get("verdict")?,
                answered: row.get("answered")?,
                handling: row.get("handling")?,
                share_ppm: small(row, "share_ppm")?,
                utterance_end_ms: maybe_small(row, "utterance_end_ms")?,
                features: row.get("features")?,
            })
        })
    }

    /// Empties what has had its time at `now`: sound, and traces with features and the number. A part of it; ask again until nothing
    /// is emptied any more.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn amd_purge(&self, now: WallTime) -> Result<AmdPurged, StoreError> {
        let now = now.as_unix_us();
        let audio = Sql::new(
            "UPDATE amd_evidence SET audio = $1, audio_until_us = NULL WHERE attempt_id IN \
             (SELECT attempt_id FROM amd_evidence WHERE audio_until_us <= $2 ORDER BY audio_until_us LIMIT $3)",
        );
        let audio = self.changed(PLACE.to_owned(), audio.with(Vec::new()).with(now).with(PURGE_ROWS))?;
        let traces = Sql::new(
            "UPDATE amd_evidence SET number = '', trace = $1, features = $1, kept_until_us = NULL WHERE attempt_id IN \
             (SELECT attempt_id FROM amd_evidence WHERE kept_until_us <= $2 ORDER BY kept_until_us LIMIT $3)",
        );
        let traces = self.changed(PLACE.to_owned(), traces.with(Vec::new()).with(now).with(PURGE_ROWS))?;
        Ok(AmdPurged { audio, traces })
    }
}
