//! Questions to the store. Pages are in the order of ids; the last id of a page continues it.

use base::{AgentId, AttemptId, CallId, CampaignId, Duration, LeadId, ListId, WallTime};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::ops::{id, text};
use crate::rows::*;
use crate::{ErrorKind, PAGE_ROWS_MAX, Store, StoreError};

/// Answers of [`Store::double_dials`] at most: one is a fault already, a hundred show its pattern.
const DOUBLE_DIALS_MAX: i64 = 100;

type Query = QueryBuilder<Sqlite>;

impl Store {
    /// A page of a list's leads after `after`; `limit` 0 means [`PAGE_ROWS_MAX`].
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn leads(&self, list: ListId, after: Option<LeadId>, limit: u32) -> Result<Vec<LeadRow>, StoreError> {
        let (list, after) = (id(list.0)?, id(after.map_or(0, |lead| lead.0))?);
        self.page(
            "leads",
            move |query| {
                query.push("SELECT * FROM lead WHERE list_id = ").push_bind(list);
                query.push(" AND lead_id > ").push_bind(after).push(" ORDER BY lead_id LIMIT ").push_bind(rows(limit));
            },
            lead_row,
        )
    }

    /// How many leads a list has in each state.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn counts(&self, list: ListId) -> Result<LeadCounts, StoreError> {
        let list = id(list.0)?;
        let by_state = self.page(
            "lead counts",
            move |query| {
                query.push("SELECT state, COUNT(*) AS leads FROM lead WHERE list_id = ").push_bind(list);
                query.push(" GROUP BY state ORDER BY state");
            },
            |row| Ok((get(row, "state")?, unsigned(row, "leads")?)),
        )?;
        Ok(LeadCounts { total: by_state.iter().map(|(_, leads)| leads).sum(), by_state })
    }

    /// A page of attempts, oldest first.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn attempts(&self, tenant: TenantId, filter: Filter) -> Result<Vec<AttemptRow>, StoreError> {
        let (tenant, ids) = (id(tenant.0)?, FilterIds::new(&filter)?);
        self.page(
            "attempts",
            move |query| {
                query.push("SELECT * FROM attempt WHERE tenant_id = ").push_bind(tenant);
                query.push(" AND attempt_id > ").push_bind(ids.after);
                and(query, " AND campaign_id = ", ids.campaign);
                and(query, " AND lead_id = ", ids.lead);
                and(query, " AND number = ", filter.number);
                and(query, " AND outcome = ", filter.outcome);
                and(query, " AND intent_us >= ", filter.from.map(WallTime::as_unix_us));
                and(query, " AND intent_us < ", filter.to.map(WallTime::as_unix_us));
                if filter.open_only {
                    query.push(" AND closed_us IS NULL");
                }
                query.push(" ORDER BY attempt_id LIMIT ").push_bind(rows(filter.limit));
            },
            attempt_row,
        )
    }

    /// A page of CDRs, oldest call id first.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn cdrs(&self, tenant: TenantId, filter: Filter) -> Result<Vec<CdrRow>, StoreError> {
        let (tenant, ids) = (id(tenant.0)?, FilterIds::new(&filter)?);
        self.page(
            "CDRs",
            move |query| {
                query.push("SELECT * FROM cdr WHERE tenant_id = ").push_bind(tenant);
                query.push(" AND call_id > ").push_bind(ids.after);
                and(query, " AND campaign_id = ", ids.campaign);
                if let Some(number) = filter.number {
                    query.push(" AND (caller = ").push_bind(number.clone());
                    query.push(" OR callee = ").push_bind(number).push(")");
                }
                and(query, " AND answered_us >= ", filter.from.map(WallTime::as_unix_us));
                and(query, " AND answered_us < ", filter.to.map(WallTime::as_unix_us));
                if filter.open_only {
                    query.push(" AND ended_us IS NULL");
                }
                query.push(" ORDER BY call_id LIMIT ").push_bind(rows(filter.limit));
            },
            cdr_row,
        )
    }

    /// The timeline entries of an attempt, oldest first.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn events(&self, tenant: TenantId, attempt: AttemptId) -> Result<Vec<EventRow>, StoreError> {
        let (tenant_id, attempt_id) = (id(tenant.0)?, id(attempt.0)?);
        self.page(
            "timeline",
            move |query| {
                query.push("SELECT * FROM attempt_event WHERE tenant_id = ").push_bind(tenant_id);
                query.push(" AND attempt_id = ").push_bind(attempt_id);
                query.push(" ORDER BY event_id LIMIT ").push_bind(i64::from(PAGE_ROWS_MAX));
            },
            move |row| Ok(EventRow { tenant, attempt, at: wall(row, "at_us")?, body: get(row, "body")? }),
        )
    }

    /// Numbers that must not be dialled at `at`, in alphabetical order, after `after`: the latest row of a number and
    /// campaign decides. (number, `None` for all campaigns).
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn suppressed(
        &self,
        tenant: TenantId,
        at: WallTime,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Option<CampaignId>)>, StoreError> {
        let (tenant, after) = (id(tenant.0)?, text(after.unwrap_or_default())?);
        self.page(
            "suppression",
            move |query| {
                // Whole numbers only: a page may not end between two campaigns of one number.
                query.push(
                    "WITH latest AS (SELECT number, campaign_id, action, until_us, ROW_NUMBER() OVER \
                     (PARTITION BY number, COALESCE(campaign_id, 0) ORDER BY suppression_id DESC) AS age \
                     FROM suppression WHERE tenant_id = ",
                );
                query.push_bind(tenant).push(" AND number > ").push_bind(after).push(" AND at_us <= ");
                query.push_bind(at.as_unix_us());
                query.push("), live AS (SELECT number, campaign_id FROM latest WHERE age = 1 AND action = 'add' ");
                query.push("AND (until_us IS NULL OR until_us > ").push_bind(at.as_unix_us()).push(")) ");
                query.push("SELECT number, campaign_id FROM live WHERE number IN (SELECT DISTINCT number FROM live ");
                query.push("ORDER BY number LIMIT ").push_bind(rows(limit)).push(") ORDER BY number, campaign_id");
            },
            |row| Ok((get(row, "number")?, maybe_unsigned(row, "campaign_id")?.map(CampaignId))),
        )
    }

    /// The latest consent row of a number for a scope, with its id, if there is one.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn consent(
        &self,
        tenant: TenantId,
        number: &str,
        scope: &str,
    ) -> Result<Option<(u64, ConsentRow)>, StoreError> {
        let (tenant_id, number, scope) = (id(tenant.0)?, text(number)?, text(scope)?);
        let found = self.page(
            "consent",
            move |query| {
                query.push("SELECT * FROM consent WHERE tenant_id = ").push_bind(tenant_id);
                query.push(" AND number = ").push_bind(number).push(" AND scope = ").push_bind(scope);
                query.push(" ORDER BY consent_id DESC LIMIT 1");
            },
            move |row| {
                let action: String = get(row, "action")?;
                let consent = ConsentRow {
                    tenant,
                    number: get(row, "number")?,
                    action: if action == Action::Add.text() { Action::Add } else { Action::Lift },
                    scope: get(row, "scope")?,
                    source: get(row, "source")?,
                    proof: get(row, "proof")?,
                    at: wall(row, "at_us")?,
                };
                Ok((unsigned(row, "consent_id")?, consent))
            },
        )?;
        Ok(found.into_iter().next())
    }

    /// Call backs that are due before `before` and not done, the most urgent first.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn callbacks_due(
        &self,
        tenant: TenantId,
        before: WallTime,
        limit: u32,
    ) -> Result<Vec<CallbackInfo>, StoreError> {
        let tenant = id(tenant.0)?;
        self.page(
            "call backs",
            move |query| {
                query.push("SELECT * FROM callback WHERE tenant_id = ").push_bind(tenant);
                query.push(" AND done_us IS NULL AND due_us < ").push_bind(before.as_unix_us());
                query.push(" ORDER BY due_us, callback_id LIMIT ").push_bind(rows(limit));
            },
            |row| {
                Ok(CallbackInfo {
                    id: unsigned(row, "callback_id")?,
                    lead: LeadId(unsigned(row, "lead_id")?),
                    campaign: CampaignId(unsigned(row, "campaign_id")?),
                    agent: maybe_unsigned(row, "agent_id")?.map(AgentId),
                    due_at: wall(row, "due_us")?,
                    note: get(row, "note")?,
                })
            },
        )
    }

    /// Pairs of neighbouring attempts at one number whose intents are closer than `min_gap`, or of which the second
    /// was decided before the first had ended. Empty is what the law wants. At most 100.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn double_dials(&self, tenant: TenantId, min_gap: Duration) -> Result<Vec<DoubleDial>, StoreError> {
        let (tenant, gap_us) = (id(tenant.0)?, id(min_gap.as_us())?);
        self.page(
            "double dials",
            move |query| {
                query.push(
                    "WITH pair AS (SELECT number, attempt_id AS second, intent_us AS second_us, \
                     LAG(attempt_id) OVER neighbours AS first, LAG(intent_us) OVER neighbours AS first_us, \
                     LAG(ended_us) OVER neighbours AS first_end_us FROM attempt WHERE tenant_id = ",
                );
                query.push_bind(tenant);
                query.push(" WINDOW neighbours AS (PARTITION BY number ORDER BY intent_us, attempt_id)) ");
                query.push("SELECT number, first, second, second_us - first_us AS gap_us FROM pair ");
                query.push("WHERE first IS NOT NULL AND (second_us - first_us < ").push_bind(gap_us);
                query.push(" OR second_us < first_end_us) ORDER BY second LIMIT ").push_bind(DOUBLE_DIALS_MAX);
            },
            |row| {
                Ok(DoubleDial {
                    number: get(row, "number")?,
                    first: AttemptId(unsigned(row, "first")?),
                    second: AttemptId(unsigned(row, "second")?),
                    gap_us: get(row, "gap_us")?,
                })
            },
        )
    }

    /// The largest ids in use, so that new ones start after them.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn high_water(&self) -> Result<HighWater, StoreError> {
        let found = self.page(
            "largest ids",
            |query| {
                query.push(
                    "SELECT (SELECT COALESCE(MAX(attempt_id), 0) FROM attempt) AS attempt, \
                     (SELECT COALESCE(MAX(call_id), 0) FROM cdr) AS call, \
                     (SELECT COALESCE(MAX(lead_id), 0) FROM lead) AS lead",
                );
            },
            |row| {
                Ok(HighWater {
                    attempt: unsigned(row, "attempt")?,
                    call: unsigned(row, "call")?,
                    lead: unsigned(row, "lead")?,
                })
            },
        )?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// Builds a query, runs it on the bulk connection and reads every row of the answer.
    fn page<T: Send + 'static>(
        &self,
        place: &'static str,
        build: impl FnOnce(&mut Query) + Send + 'static,
        read: impl Fn(&SqliteRow) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Vec<T>, StoreError> {
        self.bulk().call(async move |connection| {
            let mut query = Query::new("");
            build(&mut query);
            let rows = query.build().fetch_all(connection).await.map_err(|e| StoreError::from_sqlx(&e, place))?;
            rows.iter().map(read).collect()
        })
    }
}

/// The ids of a filter as columns keep them.
struct FilterIds {
    campaign: Option<i64>,
    lead: Option<i64>,
    after: i64,
}

impl FilterIds {
    fn new(filter: &Filter) -> Result<Self, StoreError> {
        Ok(FilterIds {
            campaign: filter.campaign.map(|campaign| id(campaign.0)).transpose()?,
            lead: filter.lead.map(|lead| id(lead.0)).transpose()?,
            after: id(filter.after.unwrap_or(0))?,
        })
    }
}

/// Adds a condition if there is a value for it.
fn and<T>(query: &mut Query, condition: &'static str, value: Option<T>)
where
    T: for<'q> sqlx::Encode<'q, Sqlite> + sqlx::Type<Sqlite> + Send + 'static,
{
    if let Some(value) = value {
        query.push(condition).push_bind(value);
    }
}

/// The rows of a page: 0 and too many both mean the most.
fn rows(limit: u32) -> i64 {
    i64::from(if limit == 0 { PAGE_ROWS_MAX } else { limit.min(PAGE_ROWS_MAX) })
}

fn lead_row(row: &SqliteRow) -> Result<LeadRow, StoreError> {
    Ok(LeadRow {
        lead: LeadId(unsigned(row, "lead_id")?),
        list: ListId(unsigned(row, "list_id")?),
        number: get(row, "number")?,
        first_name: get(row, "first_name")?,
        last_name: get(row, "last_name")?,
        timezone: get(row, "timezone")?,
        external_id: get(row, "external_id")?,
        state: get(row, "state")?,
        attempt_number: get(row, "attempt_number")?,
        last_attempt_at: maybe_wall(row, "last_attempt_us")?,
        next_at: maybe_wall(row, "next_at_us")?,
        last_outcome: get(row, "last_outcome")?,
    })
}

fn attempt_row(row: &SqliteRow) -> Result<AttemptRow, StoreError> {
    let tenant = TenantId(unsigned(row, "tenant_id")?);
    let attempt = AttemptId(unsigned(row, "attempt_id")?);
    let intent = AttemptIntentRow {
        tenant,
        attempt,
        campaign: CampaignId(unsigned(row, "campaign_id")?),
        lead: LeadId(unsigned(row, "lead_id")?),
        attempt_number: get(row, "attempt_number")?,
        number: get(row, "number")?,
        trunk: get(row, "trunk")?,
        caller_id: get(row, "caller_id")?,
        at: wall(row, "intent_us")?,
        consent_allowed: get::<i64>(row, "consent_allowed")? != 0,
        consent_rule: get(row, "consent_rule")?,
        consent_proof: get(row, "consent_proof")?,
        why: get(row, "why")?,
    };
    let close = match maybe_wall(row, "closed_us")? {
        None => None,
        Some(closed_at) => Some(AttemptCloseRow {
            tenant,
            attempt,
            outcome: get(row, "outcome")?,
            counted_as: get(row, "counted_as")?,
            verdict: get(row, "verdict")?,
            agent: maybe_unsigned(row, "agent_id")?.map(AgentId),
            cause_whose: get(row, "cause_whose")?,
            cause_code: get(row, "cause_code")?,
            ringing_at: maybe_wall(row, "ringing_us")?,
            answered_at: maybe_wall(row, "answered_us")?,
            greeting_end_at: maybe_wall(row, "greeting_end_us")?,
            verdict_at: maybe_wall(row, "verdict_us")?,
            connected_at: maybe_wall(row, "connected_us")?,
            ended_at: wall(row, "ended_us")?,
            closed_at,
        }),
    };
    Ok(AttemptRow { intent, close })
}

fn cdr_row(row: &SqliteRow) -> Result<CdrRow, StoreError> {
    let tenant = TenantId(unsigned(row, "tenant_id")?);
    let call = CallId(unsigned(row, "call_id")?);
    let route_set: String = get(row, "route_set")?;
    let open = CdrOpenRow {
        tenant,
        call,
        attempt: maybe_unsigned(row, "attempt_id")?.map(AttemptId),
        campaign: maybe_unsigned(row, "campaign_id")?.map(CampaignId),
        direction: get(row, "direction")?,
        caller: get(row, "caller")?,
        callee: get(row, "callee")?,
        trunk: get(row, "trunk")?,
        answered_at: wall(row, "answered_us")?,
        sip_call_id: get(row, "sip_call_id")?,
        local_uri: get(row, "local_uri")?,
        local_tag: get(row, "local_tag")?,
        remote_uri: get(row, "remote_uri")?,
        remote_tag: get(row, "remote_tag")?,
        remote_target: get(row, "remote_target")?,
        route_set: serde_json::from_str(&route_set).map_err(|e| foreign("route_set", &e.to_string()))?,
        local_cseq: get(row, "local_cseq")?,
        peer: get(row, "peer")?,
    };
    let close = match maybe_wall(row, "ended_us")? {
        None => None,
        Some(ended_at) => Some(CdrCloseRow {
            tenant,
            call,
            agent: maybe_unsigned(row, "agent_id")?.map(AgentId),
            connected_at: maybe_wall(row, "connected_us")?,
            ended_at,
            cause_whose: get(row, "cause_whose")?,
            cause_code: get(row, "cause_code")?,
            media: get(row, "media")?,
        }),
    };
    Ok(CdrRow { open, close })
}

/// A column that holds what this program never writes there.
fn foreign(column: &str, what: &str) -> StoreError {
    StoreError::new(ErrorKind::Value, what, format!("column {column}"), "the row was not written by this program")
}

fn get<'r, T>(row: &'r SqliteRow, column: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
{
    row.try_get(column).map_err(|e| StoreError::from_sqlx(&e, format!("column {column}")))
}

pub(crate) fn unsigned(row: &SqliteRow, column: &str) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| foreign(column, "a negative id"))
}

fn maybe_unsigned(row: &SqliteRow, column: &str) -> Result<Option<u64>, StoreError> {
    get::<Option<i64>>(row, column)?
        .map(|value| u64::try_from(value).map_err(|_| foreign(column, "a negative id")))
        .transpose()
}

fn wall(row: &SqliteRow, column: &str) -> Result<WallTime, StoreError> {
    get(row, column).map(WallTime::from_unix_us)
}

fn maybe_wall(row: &SqliteRow, column: &str) -> Result<Option<WallTime>, StoreError> {
    Ok(get::<Option<i64>>(row, column)?.map(WallTime::from_unix_us))
}
