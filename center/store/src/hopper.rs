//! The next leads of a list, found by indexes: what a campaign's hopper is filled from without walking through millions.
//!
//! ```text
//!  never dialled:  zone ──> priority, largest first ──> oldest | newest | random ──Walk──> leads that the filter means
//!  waiting:        by the moment or the last attempt ───────────────────────────────────> leads whose moment has come
//! ```
//!
//! **Invariants.** A question looks at [`SCAN_ROWS`] rows at most, whatever a filter passes over, and says where it stopped.
//! A walk comes to no lead twice. Nothing is marked here: a lead leaves these indexes when its state changes, so what a
//! process had in memory when it died is found again.

use base::{LeadId, ListId, WallTime};

use crate::db::{Connection, Sql};
use crate::lists::lead_row;
use crate::ops::{id, maybe_text, text};
use crate::read::{PAGE_ROWS_MAX, page_rows, unsigned, wall};
use crate::rows::{LeadRow, TenantId};
use crate::{LeadExpression, Store, StoreError};

/// Rows that one question looks at: some 30 ms.
const SCAN_ROWS: i64 = 10_000;

/// What a priority counts as in rows: each costs up to four short questions of its own, so that where every lead has
/// another priority, such as a score, one question ends after a hundred of them.
const PRIORITY_ROWS: i64 = SCAN_ROWS / 100;

/// Blocks that a random walk looks into for one question, each some 0.1 ms.
const SCAN_BLOCKS: u64 = 200;

/// Ids of one block of a random walk.
const BLOCK_IDS: u64 = 256;

/// Zones of one list that are told apart: the zone database has some 600 names, and a list uses few.
const ZONES_MAX: usize = 700;

/// In which order leads of one priority come that were never dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LeadOrder {
    /// As they were imported.
    #[default]
    Oldest,
    /// The latest first.
    Newest,
    /// By a seed: blocks of 256 neighbours in any order, and the neighbours in any order.
    Random(u64),
    /// As they were imported, before all that were dialled; those by the age of their last attempt, the oldest first.
    LastAttempt,
}

/// By what leads come that wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DueBy {
    /// By the moment for which they wait.
    #[default]
    Moment,
    /// By their last attempt, the oldest first; those without one before all others.
    LastAttempt,
}

/// Which waiting leads a question is about.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Due<'a> {
    /// Of this list.
    pub list: ListId,
    /// Only those that it means.
    pub filter: Option<&'a LeadExpression>,
    /// The moment.
    pub at: WallTime,
    /// Only those whose moment is before this one.
    pub before: WallTime,
    /// In this order.
    pub by: DueBy,
}

/// How far a walk through leads of one list and zone has come; [`Walk::default`] begins one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Walk {
    /// The priority it is at; `None` before the first.
    priority: Option<i64>,
    /// Oldest and newest: the last lead looked at. Random: blocks looked into.
    place: Option<u64>,
    /// Random: the range of ids.
    range: (u64, u64),
    /// It has come to the end.
    ended: bool,
}

impl Walk {
    /// Whether it has come to the end.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Which leads a question is about.
#[derive(Clone, PartialEq, Debug)]
pub struct Fresh<'a> {
    /// Of this list.
    pub list: ListId,
    /// With this zone; `None`: without one.
    pub zone: Option<&'a str>,
    /// In this order.
    pub order: LeadOrder,
    /// Only those that it means.
    pub filter: Option<&'a LeadExpression>,
    /// The moment.
    pub at: WallTime,
}

impl Store {
    /// Zones of the leads of a list that were never dialled, `None` for those without one; found zone by zone.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn fresh_zones(&self, tenant: TenantId, list: ListId) -> Result<Vec<Option<String>>, StoreError> {
        let (tenant, list) = (id(tenant.0)?, id(list.0)?);
        self.reads.call(async move |connection| {
            let place = "zones of leads";
            let mut zones = Vec::new();
            let none = Sql::new(
                "SELECT lead_id FROM lead WHERE tenant_id = $1 AND list_id = $2 AND state = 'new' \
                 AND timezone IS NULL LIMIT 1",
            );
            if connection.fetch_one(none.with(tenant).with(list), place).await?.is_some() {
                zones.push(None);
            }
            let mut last = String::new();
            while zones.len() < ZONES_MAX {
                let next = Sql::new(
                    "SELECT MIN(timezone) AS zone FROM lead WHERE tenant_id = $1 AND list_id = $2 AND state = 'new' \
                     AND timezone > $3",
                );
                let row = connection.fetch_one(next.with(tenant).with(list).with(last.as_str()), place).await?;
                let Some(zone) = row.map(|row| row.get::<Option<String>>("zone")).transpose()?.flatten() else { break };
                last.clone_from(&zone);
                zones.push(Some(zone));
            }
            Ok(zones)
        })
    }

    /// The next leads that were never dialled, at most `limit`, and where the walk goes on. Fewer, or none, without the
    /// end when a filter passes over many.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn fresh(
        &self,
        tenant: TenantId,
        wanted: &Fresh<'_>,
        walk: Walk,
        limit: u32,
    ) -> Result<(Vec<LeadRow>, Walk), StoreError> {
        let question = Question {
            tenant: id(tenant.0)?,
            list: id(wanted.list.0)?,
            zone: maybe_text(wanted.zone)?,
            order: wanted.order,
            filter: wanted.filter.cloned(),
            at: wanted.at,
        };
        let limit = page_rows(limit);
        self.reads.call(async move |connection| question.next(connection, walk, limit).await)
    }

    /// Leads of a list that wait and whose moment is before `before`, by their moments or by their last attempts, after
    /// that of `after` and its lead, until `limit` fit the filter or `SCAN_ROWS` were looked at; and the moment and lead
    /// after which there may be more, `None` when there are none.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn due(
        &self,
        tenant: TenantId,
        wanted: &Due<'_>,
        after: Option<Place>,
        limit: u32,
    ) -> Result<(Vec<LeadRow>, Option<Place>), StoreError> {
        let Due { list, filter, at, before, by } = *wanted;
        let (tenant, list, limit) = (id(tenant.0)?, id(list.0)?, page_rows(limit));
        let (column, sorted, edge_of) = match by {
            DueBy::Moment => ("next_at_us", " ORDER BY next_at_us, lead_id", "SELECT next_at_us AS moment, lead_id"),
            DueBy::LastAttempt => (
                "COALESCE(last_attempt_us, 0)",
                " ORDER BY COALESCE(last_attempt_us, 0), lead_id",
                "SELECT COALESCE(last_attempt_us, 0) AS moment, lead_id",
            ),
        };
        // By the last attempt those whose moment has not come lie between the others: they are passed over as by a filter.
        let picks = filter.is_some() || by == DueBy::LastAttempt;
        let after = after.map(|(moment, lead)| Ok::<_, StoreError>((moment.as_unix_us(), id(lead.0)?))).transpose()?;
        let within = |select: &'static str| {
            let mut query = Sql::new(select);
            query.push(" FROM lead WHERE tenant_id = ").bind(tenant).push(" AND list_id = ").bind(list);
            query.push(" AND state = 'waiting'");
            if by == DueBy::Moment {
                query.push(" AND next_at_us < ").bind(before.as_unix_us());
            }
            if let Some((moment, lead)) = after {
                query.push(" AND (").push(column).push(", lead_id) > (").bind(moment).push(", ").bind(lead).push(")");
            }
            query.push(sorted);
            query
        };
        let query = if picks {
            let mut query = within("SELECT * FROM (SELECT *");
            query.push(" LIMIT ").bind(SCAN_ROWS);
            query.push(") AS looked WHERE next_at_us < ").bind(before.as_unix_us());
            if let Some(filter) = filter {
                query.push(" AND ");
                filter.push(&mut query, at);
            }
            query.push(sorted).push(" LIMIT ").bind(limit);
            query
        } else {
            let mut query = within("SELECT *");
            query.push(" LIMIT ").bind(limit);
            query
        };
        // What is passed over is no end: the last row that was looked at is.
        let edge = picks.then(|| {
            let mut query = within(edge_of);
            query.push(" LIMIT 1 OFFSET ").bind(SCAN_ROWS - 1);
            query
        });
        self.reads.call(async move |connection| {
            let place = "leads that are due";
            let leads = connection.fetch(query, place).await?.iter().map(lead_row).collect::<Result<Vec<_>, _>>()?;
            if leads.len() as i64 >= limit {
                let moment = |lead: &LeadRow| match by {
                    DueBy::Moment => lead.next_at,
                    DueBy::LastAttempt => Some(lead.last_attempt_at.unwrap_or(WallTime::from_unix_us(0))),
                };
                let last = leads.last().and_then(|lead| Some((moment(lead)?, lead.lead)));
                return Ok((leads, last));
            }
            let Some(edge) = edge else { return Ok((leads, None)) };
            let row = connection.fetch_one(edge, place).await?;
            let edge = row.map(|row| Ok::<_, StoreError>((wall(&row, "moment")?, LeadId(unsigned(&row, "lead_id")?))));
            Ok((leads, edge.transpose()?))
        })
    }

    /// Leads by their ids, at most [`PAGE_ROWS_MAX`] of them.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn leads_of(&self, tenant: TenantId, leads: &[LeadId]) -> Result<Vec<LeadRow>, StoreError> {
        if leads.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = Sql::new("SELECT * FROM lead WHERE tenant_id = ");
        query.bind(id(tenant.0)?).push(" AND lead_id IN (");
        query.list(leads.iter().take(PAGE_ROWS_MAX as usize).map(|lead| lead.0.cast_signed()));
        query.push(") ORDER BY lead_id");
        self.page("leads", query, lead_row)
    }

    /// Which of these numbers have been dialled on one of these lists.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn begun_on(&self, tenant: TenantId, lists: &[ListId], numbers: &[String]) -> Result<Vec<String>, StoreError> {
        let mut query = Sql::new("SELECT DISTINCT number FROM lead WHERE tenant_id = ");
        query.bind(id(tenant.0)?).push(" AND list_id IN (").list(lists.iter().map(|list| list.0.cast_signed()));
        query.push(") AND number IN (").list(numbers.iter().map(String::as_str));
        query.push(") AND attempt_number > 0");
        self.page("numbers of other lists", query, |row| row.get("number"))
    }

    /// Leads of a list in a state, after a lead, by id.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn leads_in(
        &self,
        tenant: TenantId,
        list: ListId,
        state: &str,
        after: Option<LeadId>,
        limit: u32,
    ) -> Result<Vec<LeadRow>, StoreError> {
        let query = Sql::new(
            "SELECT * FROM lead WHERE tenant_id = $1 AND list_id = $2 AND state = $3 AND lead_id > $4 \
             ORDER BY lead_id LIMIT $5",
        );
        let after = id(after.map_or(0, |lead| lead.0))?;
        let query = query.with(id(tenant.0)?).with(id(list.0)?).with(text(state)?).with(after).with(page_rows(limit));
        self.page("leads", query, lead_row)
    }
}

struct Question {
    tenant: i64,
    list: i64,
    zone: Option<String>,
    order: LeadOrder,
    filter: Option<LeadExpression>,
    at: WallTime,
}

const PLACE: &str = "leads that were never dialled";

/// A lead that waits, and its moment or that of its last attempt.
pub type Place = (WallTime, LeadId);

impl Question {
    /// `SELECT …` over the leads of list and zone.
    fn of(&self, select: &'static str) -> Sql {
        let mut query = Sql::new(select);
        query.push(" FROM lead WHERE state = 'new' AND tenant_id = ").bind(self.tenant);
        query.push(" AND list_id = ").bind(self.list);
        match &self.zone {
            Some(zone) => query.push(" AND timezone = ").bind(zone.as_str()),
            None => query.push(" AND timezone IS NULL"),
        };
        query
    }

    async fn next(
        &self,
        connection: &mut Connection,
        mut walk: Walk,
        limit: i64,
    ) -> Result<(Vec<LeadRow>, Walk), StoreError> {
        let mut leads = Vec::new();
        let mut looked = 0;
        while !walk.ended && looked < SCAN_ROWS && (leads.len() as i64) < limit {
            let Some(priority) = walk.priority else {
                self.begin(connection, &mut walk, None).await?;
                continue;
            };
            looked += PRIORITY_ROWS;
            let want = limit - leads.len() as i64;
            let over = match self.order {
                LeadOrder::Random(seed) => {
                    looked += SCAN_ROWS;
                    self.blocks(connection, &mut walk, priority, seed, want, &mut leads).await?
                }
                order => self.stretch(connection, &mut walk, priority, order, want, &mut looked, &mut leads).await?,
            };
            if over {
                self.begin(connection, &mut walk, Some(priority)).await?;
            }
        }
        Ok((leads, walk))
    }

    /// The next smaller priority.
    async fn begin(&self, connection: &mut Connection, walk: &mut Walk, below: Option<i64>) -> Result<(), StoreError> {
        let mut query = self.of("SELECT MAX(priority) AS priority");
        query.and(" AND priority < ", below);
        let row = connection.fetch_one(query, PLACE).await?;
        let priority: Option<i64> = row.map(|row| row.get("priority")).transpose()?.flatten();
        *walk = Walk { priority, ended: priority.is_none(), ..Walk::default() };
        if let (Some(priority), LeadOrder::Random(_)) = (priority, self.order) {
            // One question each: for both at once SQLite reads all between them.
            let end_of = |select: &'static str| {
                let mut query = self.of(select);
                query.push(" AND priority = ").bind(priority);
                query
            };
            let first = connection.fetch_one(end_of("SELECT COALESCE(MIN(lead_id), 0) AS lead"), PLACE).await?;
            let last = connection.fetch_one(end_of("SELECT COALESCE(MAX(lead_id), 0) AS lead"), PLACE).await?;
            if let (Some(first), Some(last)) = (first, last) {
                walk.range = (unsigned(&first, "lead")?, unsigned(&last, "lead")?);
            }
        }
        Ok(())
    }

    /// A stretch of one priority in the order of ids; whether it was the last.
    #[expect(clippy::too_many_arguments, reason = "one step of `next`, over its own variables")]
    async fn stretch(
        &self,
        connection: &mut Connection,
        walk: &mut Walk,
        priority: i64,
        order: LeadOrder,
        want: i64,
        looked: &mut i64,
        leads: &mut Vec<LeadRow>,
    ) -> Result<bool, StoreError> {
        let newest = order == LeadOrder::Newest;
        let (beyond, sorted) = if newest {
            (" AND lead_id < ", " ORDER BY lead_id DESC")
        } else {
            (" AND lead_id > ", " ORDER BY lead_id")
        };
        let rows = if self.filter.is_some() { SCAN_ROWS } else { want };
        let inner = |select: &'static str| {
            let mut query = self.of(select);
            query.push(" AND priority = ").bind(priority);
            query.and(beyond, walk.place.map(u64::cast_signed));
            query.push(sorted).push(" LIMIT ").bind(rows);
            query
        };
        let query = match &self.filter {
            None => inner("SELECT *"),
            Some(filter) => {
                let mut query = inner("SELECT * FROM (SELECT *");
                query.push(") AS looked WHERE ");
                filter.push(&mut query, self.at);
                query.push(sorted).push(" LIMIT ").bind(want);
                query
            }
        };
        let found = connection.fetch(query, PLACE).await?.iter().map(lead_row).collect::<Result<Vec<_>, _>>()?;
        let whole = found.len() as i64 >= want;
        let last = found.last().map(|lead| lead.lead.0);
        leads.extend(found);
        if whole {
            walk.place = last;
            return Ok(false);
        }
        if self.filter.is_none() {
            return Ok(true);
        }
        // The filter has passed over some: where did the stretch end?
        let mut end =
            inner("SELECT COUNT(*) AS leads, MIN(lead_id) AS least, MAX(lead_id) AS most FROM (SELECT lead_id");
        end.push(") AS looked");
        let Some(row) = connection.fetch_one(end, PLACE).await? else { return Ok(true) };
        let count: i64 = row.get("leads")?;
        *looked += count;
        let edge: Option<i64> = row.get(if newest { "least" } else { "most" })?;
        walk.place = edge.map(i64::unsigned_abs).or(walk.place);
        Ok(count < rows)
    }

    /// Blocks of one priority in the order of the seed; whether they were the last.
    async fn blocks(
        &self,
        connection: &mut Connection,
        walk: &mut Walk,
        priority: i64,
        seed: u64,
        want: i64,
        leads: &mut Vec<LeadRow>,
    ) -> Result<bool, StoreError> {
        let (first, last) = walk.range;
        let blocks = (last - first) / BLOCK_IDS + 1;
        let (step, start) = (coprime(seed, blocks), mixed(seed ^ 0x5eed) % blocks);
        let from = walk.place.unwrap_or(0);
        let enough = leads.len() as i64 + want;
        for n in from..blocks.min(from + SCAN_BLOCKS) {
            let block = ((u128::from(n) * u128::from(step) + u128::from(start)) % u128::from(blocks)) as u64;
            let low = first + block * BLOCK_IDS;
            let mut query = self.of("SELECT *");
            query.push(" AND priority = ").bind(priority);
            query.push(" AND lead_id >= ").bind(id(low)?).push(" AND lead_id < ").bind(id(low + BLOCK_IDS)?);
            if let Some(filter) = &self.filter {
                query.push(" AND ");
                filter.push(&mut query, self.at);
            }
            let rows = connection.fetch(query, PLACE).await?;
            let mut found = rows.iter().map(lead_row).collect::<Result<Vec<_>, _>>()?;
            found.sort_unstable_by_key(|lead| mixed(seed ^ lead.lead.0));
            leads.extend(found);
            walk.place = Some(n + 1);
            // A block is taken whole: at most 255 more than asked.
            if leads.len() as i64 >= enough {
                break;
            }
        }
        Ok(walk.place.unwrap_or(0) >= blocks)
    }
}

/// A number without a factor in common with `blocks`, so that its multiples come to each block once.
fn coprime(seed: u64, blocks: u64) -> u64 {
    let mut step = mixed(seed) % blocks.max(1) + 1;
    while greatest_divisor(step, blocks) != 1 {
        step += 1;
    }
    step
}

fn greatest_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Bits in disorder (the finaliser of MurmurHash3).
fn mixed(mut bits: u64) -> u64 {
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ (bits >> 33)
}
