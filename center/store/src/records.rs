//! Attempts and calls as they are read: filtered pages, timelines.

use base::{AgentId, AttemptId, CallId, CampaignId, LeadId, WallTime};

use crate::db::{Row, Sql};
use crate::ops::{id, maybe_id, maybe_text};
use crate::read::{
    PAGE_ROWS_MAX, foreign, maybe_small, maybe_span, maybe_unsigned, maybe_wall, page_rows, small, unsigned, wall,
};
use crate::rows::*;
use crate::{Store, StoreError};

impl Store {
    /// A page of attempts, oldest first unless the filter says otherwise.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn attempts(&self, tenant: TenantId, filter: Filter) -> Result<Vec<AttemptRow>, StoreError> {
        let mut query = Sql::new("SELECT * FROM attempt WHERE tenant_id = ");
        query.bind(id(tenant.0)?);
        query.and(" AND campaign_id = ", maybe_id(filter.campaign.map(|campaign| campaign.0))?);
        of_attempt(&mut query, tenant, &filter)?;
        query.and(" AND agent_id = ", maybe_id(filter.agent.map(|agent| agent.0))?);
        if let Some(front) = maybe_text(filter.number.as_deref())? {
            query.push(" AND ");
            begins(&mut query, "number", &front);
        }
        query.and(" AND trunk = ", maybe_text(filter.trunk.as_deref())?);
        query.and(" AND intent_us >= ", filter.from.map(WallTime::as_unix_us));
        query.and(" AND intent_us < ", filter.to.map(WallTime::as_unix_us));
        if filter.open_only {
            query.push(" AND closed_us IS NULL");
        }
        in_order(&mut query, &filter, [" AND attempt_id > ", " AND attempt_id < "], "attempt_id")?;
        self.page("attempts", query, attempt_row)
    }

    /// A page of CDRs, oldest call id first unless the filter says otherwise.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn cdrs(&self, tenant: TenantId, filter: Filter) -> Result<Vec<CdrRow>, StoreError> {
        let mut query = Sql::new("SELECT * FROM cdr WHERE tenant_id = ");
        query.bind(id(tenant.0)?);
        query.and(" AND campaign_id = ", maybe_id(filter.campaign.map(|campaign| campaign.0))?);
        if filter.list.is_some() || filter.lead.is_some() || filter.outcome.is_some() {
            query.push(" AND EXISTS (SELECT 1 FROM attempt WHERE attempt.attempt_id = cdr.attempt_id");
            query.push(" AND attempt.tenant_id = ").bind(id(tenant.0)?);
            of_attempt(&mut query, tenant, &filter)?;
            query.push(")");
        }
        query.and(" AND agent_id = ", maybe_id(filter.agent.map(|agent| agent.0))?);
        if let Some(front) = maybe_text(filter.number.as_deref())? {
            query.push(" AND (");
            begins(&mut query, "caller", &front);
            query.push(" OR ");
            begins(&mut query, "callee", &front);
            query.push(")");
        }
        query.and(" AND trunk = ", maybe_text(filter.trunk.as_deref())?);
        query.and(" AND answered_us >= ", filter.from.map(WallTime::as_unix_us));
        query.and(" AND answered_us < ", filter.to.map(WallTime::as_unix_us));
        if filter.open_only {
            query.push(" AND ended_us IS NULL");
        }
        in_order(&mut query, &filter, [" AND call_id > ", " AND call_id < "], "call_id")?;
        self.page("CDRs", query, cdr_row)
    }

    /// The timeline entries of an attempt, oldest first.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn events(&self, tenant: TenantId, attempt: AttemptId) -> Result<Vec<EventRow>, StoreError> {
        let query =
            Sql::new("SELECT * FROM attempt_event WHERE tenant_id = $1 AND attempt_id = $2 ORDER BY event_id LIMIT $3");
        let query = query.with(id(tenant.0)?).with(id(attempt.0)?).with(i64::from(PAGE_ROWS_MAX));
        self.page("timeline", query, move |row| {
            Ok(EventRow { tenant, attempt, at: wall(row, "at_us")?, body: row.get("body")? })
        })
    }
}

/// The conditions that only an attempt can answer. Each row asks for its lead by key, so that a page ends at its limit
/// instead of gathering a whole list first.
fn of_attempt(query: &mut Sql, tenant: TenantId, filter: &Filter) -> Result<(), StoreError> {
    query.and(" AND attempt.lead_id = ", maybe_id(filter.lead.map(|lead| lead.0))?);
    query.and(" AND attempt.outcome = ", maybe_text(filter.outcome.as_deref())?);
    if let Some(list) = filter.list {
        // Not EXISTS: PostgreSQL would turn it into a join, and gather all attempts of the list before it sorts them.
        query.push(" AND (SELECT lead.list_id FROM lead WHERE lead.lead_id = attempt.lead_id AND lead.tenant_id = ");
        query.bind(id(tenant.0)?).push(") = ").bind(id(list.0)?);
    }
    Ok(())
}

/// Fronts of so many characters leave few rows: those are looked up and sorted. With a shorter front the rows are read in
/// the order of the page until it is full.
const RARE_FRONT_CHARS: usize = 8;

/// That a column begins so.
fn begins(query: &mut Sql, column: &'static str, front: &str) {
    let chars = front.chars().count();
    if chars < RARE_FRONT_CHARS {
        // A function of the column is beyond every index.
        // PostgreSQL counts characters in INTEGER only.
        query.push("substr(").push(column).push(", 1, CAST(").bind(chars as i64).push(" AS INTEGER)) = ").bind(front);
    } else {
        query.push("(").push(column).push(" >= ").bind(front).push(" AND ");
        query.push(column).push(" < ").bind(format!("{front}\u{10ffff}")).push(")");
    }
}

/// Where the page begins, its order and its length.
fn in_order(
    query: &mut Sql,
    filter: &Filter,
    beyond: [&'static str; 2],
    column: &'static str,
) -> Result<(), StoreError> {
    query.and(beyond[usize::from(filter.newest_first)], maybe_id(filter.after)?);
    query.push(" ORDER BY ").push(column).push(if filter.newest_first { " DESC" } else { "" });
    query.push(" LIMIT ").bind(page_rows(filter.limit));
    Ok(())
}

pub(crate) fn attempt_row(row: &Row) -> Result<AttemptRow, StoreError> {
    let tenant = TenantId(unsigned(row, "tenant_id")?);
    let attempt = AttemptId(unsigned(row, "attempt_id")?);
    let intent = AttemptIntentRow {
        tenant,
        attempt,
        campaign: CampaignId(unsigned(row, "campaign_id")?),
        lead: LeadId(unsigned(row, "lead_id")?),
        attempt_number: small(row, "attempt_number")?,
        number: row.get("number")?,
        trunk: row.get("trunk")?,
        caller_id: row.get("caller_id")?,
        at: wall(row, "intent_us")?,
        consent_allowed: row.get::<i64>("consent_allowed")? != 0,
        consent_rule: row.get("consent_rule")?,
        consent_proof: row.get("consent_proof")?,
        why: row.get("why")?,
    };
    let close = match maybe_wall(row, "closed_us")? {
        None => None,
        Some(closed_at) => Some(AttemptCloseRow {
            tenant,
            attempt,
            outcome: row.get("outcome")?,
            counted_as: row.get("counted_as")?,
            verdict: row.get("verdict")?,
            agent: maybe_unsigned(row, "agent_id")?.map(AgentId),
            cause_whose: row.get("cause_whose")?,
            cause_code: maybe_small(row, "cause_code")?,
            ringing_at: maybe_wall(row, "ringing_us")?,
            answered_at: maybe_wall(row, "answered_us")?,
            greeting_end_at: maybe_wall(row, "greeting_end_us")?,
            verdict_at: maybe_wall(row, "verdict_us")?,
            connected_at: maybe_wall(row, "connected_us")?,
            ended_at: wall(row, "ended_us")?,
            closed_at,
        }),
    };
    let counted = match maybe_wall(row, "counted_us")? {
        None => None,
        Some(at) => {
            let (counted_as, rang) = (row.get("counted_as")?, maybe_span(row, "rang_us")?);
            Some(CountedRow { tenant, attempt, counted_as, at, rang })
        }
    };
    Ok(AttemptRow { intent, close, counted })
}

pub(crate) fn cdr_row(row: &Row) -> Result<CdrRow, StoreError> {
    let tenant = TenantId(unsigned(row, "tenant_id")?);
    let call = CallId(unsigned(row, "call_id")?);
    let route_set: String = row.get("route_set")?;
    let open = CdrOpenRow {
        tenant,
        call,
        attempt: maybe_unsigned(row, "attempt_id")?.map(AttemptId),
        campaign: maybe_unsigned(row, "campaign_id")?.map(CampaignId),
        direction: row.get("direction")?,
        caller: row.get("caller")?,
        callee: row.get("callee")?,
        trunk: row.get("trunk")?,
        answered_at: wall(row, "answered_us")?,
        sip_call_id: row.get("sip_call_id")?,
        local_uri: row.get("local_uri")?,
        local_tag: row.get("local_tag")?,
        remote_uri: row.get("remote_uri")?,
        remote_tag: row.get("remote_tag")?,
        remote_target: row.get("remote_target")?,
        route_set: serde_json::from_str(&route_set).map_err(|e| foreign("route_set", &e.to_string()))?,
        local_cseq: small(row, "local_cseq")?,
        peer: row.get("peer")?,
    };
    let close = match maybe_wall(row, "ended_us")? {
        None => None,
        Some(ended_at) => Some(CdrCloseRow {
            tenant,
            call,
            agent: maybe_unsigned(row, "agent_id")?.map(AgentId),
            connected_at: maybe_wall(row, "connected_us")?,
            ended_at,
            cause_whose: row.get("cause_whose")?,
            cause_code: maybe_small(row, "cause_code")?,
            media: row.get("media")?,
            timeline: row.get("timeline")?,
        }),
    };
    Ok(CdrRow { open, close, rebuilt: row.get::<i64>("rebuilt")? != 0 })
}
