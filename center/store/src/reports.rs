//! What came of a campaign: counted by the database, whatever the number of attempts.

use base::{AgentId, CampaignId, ListId, WallTime};

use crate::db::{Connection, Row, Sql};
use crate::ops::{id, text};
use crate::read::{maybe_unsigned, small, unsigned};
use crate::rows::TenantId;
use crate::{Store, StoreError};

/// Hours of one report, the latest: a year and two weeks.
pub const REPORT_HOURS_MAX: usize = 9_000;

/// Rows of any other table of a report: trunks, zones, segments, lists, agents.
const REPORT_ROWS_MAX: i64 = 10_000;

/// Attempts and what came of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tallies {
    /// Decided.
    pub attempts: u64,
    /// Not closed.
    pub open: u64,
    /// Answered.
    pub answered: u64,
    /// Persons connected, as the compliance figure counts.
    pub connected: u64,
    /// Persons abandoned, as the compliance figure counts.
    pub abandoned: u64,
    /// Ended with the outcome `machine` or `message_left`.
    pub machines: u64,
    /// Whole seconds from the first agent audio to the end.
    pub talk_s: u64,
}

impl Tallies {
    /// Adds another's.
    pub fn add(&mut self, other: &Tallies) {
        let pairs = [
            (&mut self.attempts, other.attempts),
            (&mut self.open, other.open),
            (&mut self.answered, other.answered),
            (&mut self.connected, other.connected),
            (&mut self.abandoned, other.abandoned),
            (&mut self.machines, other.machines),
            (&mut self.talk_s, other.talk_s),
        ];
        for (here, there) in pairs {
            *here += there;
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReportSpan {
    /// The campaign.
    pub campaign: CampaignId,
    /// Attempts decided, calls answered at or after this moment.
    pub from: Option<WallTime>,
    /// Before this moment.
    pub to: Option<WallTime>,
}

/// A campaign's records, counted. Tables are in the order of their keys.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReportRows {
    /// All of them.
    pub total: Tallies,
    /// Ended attempts by outcome.
    pub outcomes: Vec<(String, u64)>,
    /// By the hour (UTC) in which they were decided; the latest [`REPORT_HOURS_MAX`] hours that have any.
    pub hours: Vec<(WallTime, Tallies)>,
    /// By the number of the attempt at its lead.
    pub by_attempt_number: Vec<(u32, Tallies)>,
    /// By trunk.
    pub by_trunk: Vec<(String, Tallies)>,
    /// By the zone that the lead brought, if it did.
    pub by_timezone: Vec<(Option<String>, Tallies)>,
    /// By the segment that the lead's file gave it, if it did.
    pub by_segment: Vec<(Option<String>, Tallies)>,
    /// By the region that the lead's file gave it, if it did.
    pub by_region: Vec<(Option<String>, Tallies)>,
    /// By list.
    pub by_list: Vec<(ListId, Tallies)>,
    /// Of agents who had calls.
    pub by_agent: Vec<(AgentId, Tallies)>,
    /// Dispositions by code.
    pub dispositions: Vec<(String, u64)>,
    /// The lengths of ended calls by trunk.
    pub calls: Vec<BilledCalls>,
}

/// What a trunk counts as a call's length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Billing {
    /// Every answered call has at least so many seconds.
    pub first_s: u32,
    /// What is longer is rounded up to a multiple of so many seconds.
    pub step_s: u32,
}

/// Ended calls of a trunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BilledCalls {
    /// Name of the trunk; `None`: the call's is not known.
    pub trunk: Option<String>,
    /// Calls whose length is known.
    pub calls: u64,
    /// Their lengths as the trunk counts them, together.
    pub billed_s: u64,
    /// Calls whose length a crash has lost.
    pub unknown: u64,
}

/// The sums of attempts `a`.
const SUMS: &str = "COUNT(*) AS attempts, \
    SUM(CASE WHEN a.closed_us IS NULL THEN 1 ELSE 0 END) AS open_now, \
    SUM(CASE WHEN a.answered_us IS NULL THEN 0 ELSE 1 END) AS answered, \
    SUM(CASE WHEN a.counted_as = 'connected' THEN 1 ELSE 0 END) AS connected, \
    SUM(CASE WHEN a.counted_as = 'abandoned' THEN 1 ELSE 0 END) AS abandoned, \
    SUM(CASE WHEN a.outcome IN ('machine', 'message_left') THEN 1 ELSE 0 END) AS machines, \
    CAST(SUM(CASE WHEN a.connected_us IS NULL OR a.ended_us IS NULL THEN 0 \
    ELSE (a.ended_us - a.connected_us) / 1000000 END) AS BIGINT) AS talk_s";

const PLACE: &str = "report";

impl Store {
    /// Counts a campaign's attempts and calls; `billing` says how each trunk counts the length of a call, others count
    /// seconds. All tables are of one moment, so that they add up. Reports are counted one after the other.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn report(
        &self,
        tenant: TenantId,
        span: ReportSpan,
        billing: &[(String, Billing)],
    ) -> Result<ReportRows, StoreError> {
        let billed = billed_calls(id(tenant.0)?, span, billing)?;
        let counted = Counted { tenant: id(tenant.0)?, campaign: id(span.campaign.0)?, span };
        self.reports.call(async move |connection| {
            let questions = async |connection: &mut Connection| {
                let mut report = counted.report(connection).await?;
                let calls = connection.fetch(billed, PLACE).await?;
                report.calls = calls.iter().map(billed_row).collect::<Result<_, _>>()?;
                Ok(report)
            };
            connection.at_one_moment(questions).await
        })
    }
}

/// The lengths of a campaign's ended calls by trunk: in started seconds, then in started steps after the first.
fn billed_calls(tenant: i64, span: ReportSpan, billing: &[(String, Billing)]) -> Result<Sql, StoreError> {
    let mut query = Sql::new(
        "SELECT trunk, SUM(CASE WHEN rebuilt = 0 THEN 1 ELSE 0 END) AS calls, \
         SUM(CASE WHEN rebuilt = 0 THEN 0 ELSE 1 END) AS lost, CAST(SUM(CASE WHEN rebuilt <> 0 THEN 0",
    );
    for (trunk, Billing { first_s, step_s }) in billing {
        let (first, step) = (i64::from(*first_s), i64::from((*step_s).max(1)));
        query.push(" WHEN trunk = ").bind(text(trunk)?);
        query.push(" AND length_s <= ").bind(first).push(" THEN ").bind(first);
        query.push(" WHEN trunk = ").bind(text(trunk)?);
        query.push(" THEN ").bind(first).push(" + (length_s - ").bind(first).push(" + ").bind(step - 1);
        query.push(") / ").bind(step).push(" * ").bind(step);
    }
    query.push(
        " ELSE length_s END) AS BIGINT) AS billed_s FROM (SELECT trunk, rebuilt, \
         (ended_us - answered_us + 999999) / 1000000 AS length_s FROM cdr WHERE tenant_id = ",
    );
    query.bind(tenant).push(" AND campaign_id = ").bind(id(span.campaign.0)?).push(" AND ended_us IS NOT NULL");
    query.and(" AND answered_us >= ", span.from.map(WallTime::as_unix_us));
    query.and(" AND answered_us < ", span.to.map(WallTime::as_unix_us));
    query.push(") AS call GROUP BY trunk ORDER BY trunk LIMIT ").bind(REPORT_ROWS_MAX);
    Ok(query)
}

fn billed_row(row: &Row) -> Result<BilledCalls, StoreError> {
    Ok(BilledCalls {
        trunk: row.get("trunk")?,
        calls: sum(row, "calls")?,
        billed_s: sum(row, "billed_s")?,
        unknown: sum(row, "lost")?,
    })
}

struct Counted {
    tenant: i64,
    campaign: i64,
    span: ReportSpan,
}

impl Counted {
    async fn report(&self, connection: &mut Connection) -> Result<ReportRows, StoreError> {
        let mut report = ReportRows::default();
        let hours = self.grouped("a.intent_us / 3600000000 AS part", "");
        let hours = self.ask(connection, hours, " ORDER BY part DESC", REPORT_HOURS_MAX as i64).await?;
        for row in hours.iter().rev() {
            report.hours.push((WallTime::from_unix_us(row.get::<i64>("part")? * 3_600_000_000), tallies(row)?));
        }
        let outcomes = self.grouped("a.outcome AS part", "");
        for (outcome, tallies) in
            self.table(connection, outcomes, |row| Ok((row.get::<Option<String>>("part")?, tallies(row)?))).await?
        {
            report.total.add(&tallies);
            report.outcomes.extend(outcome.map(|outcome| (outcome, tallies.attempts)));
        }
        let numbers = self.grouped("a.attempt_number AS part", "");
        report.by_attempt_number =
            self.table(connection, numbers, |row| Ok((small::<u32>(row, "part")?, tallies(row)?))).await?;
        let trunks = self.grouped("a.trunk AS part", "");
        report.by_trunk = self.table(connection, trunks, |row| Ok((row.get("part")?, tallies(row)?))).await?;
        let agents = self.grouped("a.agent_id AS part", "");
        let agents = self
            .table(connection, agents, |row| Ok((maybe_unsigned(row, "part")?.map(AgentId), tallies(row)?)))
            .await?;
        report.by_agent = agents.into_iter().filter_map(|(agent, sums)| Some((agent?, sums))).collect();
        // CROSS JOIN: attempts first, each with one look at its lead, whatever SQLite believes of the tables' sizes.
        let lead = " CROSS JOIN lead l";
        for (part, table) in [
            ("l.timezone AS part", &mut report.by_timezone),
            ("l.segment AS part", &mut report.by_segment),
            ("l.region AS part", &mut report.by_region),
        ] {
            let question = self.grouped(part, lead);
            *table = self.table(connection, question, |row| Ok((row.get("part")?, tallies(row)?))).await?;
        }
        let lists = self.grouped("l.list_id AS part", lead);
        report.by_list =
            self.table(connection, lists, |row| Ok((ListId(unsigned(row, "part")?), tallies(row)?))).await?;

        let mut query = Sql::new("SELECT d.code AS part, COUNT(*) AS attempts FROM attempt a CROSS JOIN disposition d");
        self.within(&mut query);
        query.push(" AND d.tenant_id = a.tenant_id AND d.attempt_id = a.attempt_id");
        query.push(" GROUP BY d.code ORDER BY d.code LIMIT ").bind(REPORT_ROWS_MAX);
        let rows = connection.fetch(query, PLACE).await?;
        report.dispositions =
            rows.iter().map(|row| Ok((row.get("part")?, sum(row, "attempts")?))).collect::<Result<_, StoreError>>()?;
        Ok(report)
    }

    /// Sums of the attempts by `part`.
    fn grouped(&self, part: &'static str, join: &'static str) -> Sql {
        let mut query = Sql::new("SELECT ");
        query.push(part).push(", ").push(SUMS).push(" FROM attempt a").push(join);
        self.within(&mut query);
        if !join.is_empty() {
            query.push(" AND l.tenant_id = a.tenant_id AND l.lead_id = a.lead_id");
        }
        query.push(" GROUP BY part");
        query
    }

    fn within(&self, query: &mut Sql) {
        query.push(" WHERE a.tenant_id = ").bind(self.tenant).push(" AND a.campaign_id = ").bind(self.campaign);
        query.and(" AND a.intent_us >= ", self.span.from.map(WallTime::as_unix_us));
        query.and(" AND a.intent_us < ", self.span.to.map(WallTime::as_unix_us));
    }

    async fn ask(
        &self,
        connection: &mut Connection,
        mut query: Sql,
        order: &'static str,
        rows_max: i64,
    ) -> Result<Vec<Row>, StoreError> {
        query.push(order).push(" LIMIT ").bind(rows_max);
        connection.fetch(query, PLACE).await
    }

    /// A whole table in the order of its keys; where an absent key stands, the databases do not agree, so we say it.
    async fn table<T: Ord + Clone>(
        &self,
        connection: &mut Connection,
        query: Sql,
        read: impl Fn(&Row) -> Result<(T, Tallies), StoreError>,
    ) -> Result<Vec<(T, Tallies)>, StoreError> {
        let rows = self.ask(connection, query, " ORDER BY part", REPORT_ROWS_MAX).await?;
        let mut table: Vec<(T, Tallies)> = rows.iter().map(read).collect::<Result<_, _>>()?;
        table.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(table)
    }
}

/// A sum as both databases give it: of no rows it is NULL.
fn sum(row: &Row, column: &str) -> Result<u64, StoreError> {
    Ok(row.get::<Option<i64>>(column)?.unwrap_or(0).max(0).unsigned_abs())
}

fn tallies(row: &Row) -> Result<Tallies, StoreError> {
    Ok(Tallies {
        attempts: sum(row, "attempts")?,
        open: sum(row, "open_now")?,
        answered: sum(row, "answered")?,
        connected: sum(row, "connected")?,
        abandoned: sum(row, "abandoned")?,
        machines: sum(row, "machines")?,
        talk_s: sum(row, "talk_s")?,
    })
}
